//! Looking through all decisions: is each what was recorded, and is none missing?
//!
//! In the order of their places, some at a time, with one head a chain in memory. A batch has its chain to itself until its
//! commit, so a chain's numbers rise with its places; and what is looked at ends where no batch can add anything any more.

use std::collections::{BTreeMap, HashMap};

use super::chain::{Covered, Personal, commitment, covered_columns};
use super::connection::{Connection, Row};
use super::retention::Seal;
use super::{Store, StoreError, erasures};
use crate::domain::{Anchor, Audited, ChainFault, ChainHead, Checkpoint, DecisionId, Tampering, Timestamp};

/// How many decisions are read at a time.
const ROWS: i64 = 500;

const PAGE: &str = concat!(
    "SELECT d.seq, d.chain, d.chain_number, d.chain_hash, p.decision_seq, p.salt, p.metadata, p.context, p.seen, ",
    covered_columns!(),
    " FROM decisions AS d LEFT JOIN decision_personal AS p ON p.decision_seq = d.seq
     WHERE d.seq > $1 AND d.seq <= $2 ORDER BY d.seq LIMIT $3"
);

const ANCHORS: &str =
    "SELECT chain, first_number, chain_number, chain_hash, left_at, seal FROM chain_anchors";

const FORGOTTEN: &str = "SELECT max(before) FROM retention_marks WHERE what = 'personal_values'";

const ELSEWHERE: &str = "SELECT min(seq) FROM decisions WHERE chain = $1 AND chain_number = $2";

/// What is known on the way.
struct Walk<'w> {
    /// The chains as far as they were followed.
    heads: HashMap<DecisionId, ChainHead>,
    /// What retention left.
    anchors: Anchors,
    /// Personal values from before this moment had had their time.
    forgotten: Option<Timestamp>,
    /// Shows which anchors are ours.
    seal: Option<&'w Seal>,
    /// What is still to be compared with.
    checkpoint: Option<&'w Checkpoint>,
    audited: Audited,
}

impl Store {
    /// Looks through all decisions up to now, in constant memory.
    ///
    /// - `checkpoint`: what the record must have been once.
    /// - `seal`: shows which anchors are ours; without it all are taken for ours.
    ///
    /// # Errors
    /// The record could not be read. What is wrong with it is no error, but [`Audited::fault`].
    pub(crate) async fn audit(
        &self,
        checkpoint: Option<&Checkpoint>,
        seal: Option<&Seal>,
    ) -> Result<Audited, StoreError> {
        self.follow((HashMap::new(), Audited::default()), checkpoint, seal).await
    }

    /// Looks through what was recorded after a checkpoint, which is trusted to be right.
    ///
    /// # Errors
    /// As [`Self::audit`].
    pub(crate) async fn audit_since(
        &self,
        checkpoint: &Checkpoint,
        seal: Option<&Seal>,
    ) -> Result<Audited, StoreError> {
        let audited =
            Audited { through: checkpoint.through, chained: checkpoint.chained, ..Audited::default() };
        let heads = checkpoint.heads.iter().map(|head| (head.chain, *head)).collect();
        self.follow((heads, audited), None, seal).await
    }

    async fn follow<'w>(
        &self,
        (heads, audited): (HashMap<DecisionId, ChainHead>, Audited),
        checkpoint: Option<&'w Checkpoint>,
        seal: Option<&'w Seal>,
    ) -> Result<Audited, StoreError> {
        let last = self.last_place().await?;
        let mut walk =
            Walk { heads, anchors: Anchors::default(), forgotten: None, seal, checkpoint, audited };
        walk.read_left(&mut self.reader().await?.connection()).await?;
        while walk.audited.fault.is_none() {
            let mut reader = self.reader().await?;
            let connection = &mut reader.connection();
            let page = connection.query(PAGE).bind(walk.audited.through).bind(last).bind(ROWS);
            let rows = page.fetch_all(connection).await?;
            if rows.is_empty() {
                walk.read_left(connection).await?;
                walk.compare_before(i64::MAX);
                break;
            }
            for row in &rows {
                walk.step(connection, row).await?;
                if walk.audited.fault.is_some() {
                    break;
                }
            }
        }
        let mut heads: Vec<ChainHead> = walk.heads.into_values().collect();
        heads.sort_unstable_by_key(|head| head.chain.uuid());
        Ok(Audited { heads, ..walk.audited })
    }
}

impl Walk<'_> {
    async fn step(&mut self, connection: &mut Connection<'_>, row: &Row) -> Result<(), StoreError> {
        let place: i64 = row.try_get("seq")?;
        if self.checkpoint.is_some_and(|checkpoint| checkpoint.through < place) {
            self.read_left(connection).await?;
        }
        self.compare_before(place);
        if self.audited.fault.is_some() {
            return Ok(());
        }
        self.audited.through = place;
        let covered = Covered::read(row)?;
        let mut what = self.link(row, &covered)?;
        if let Some(Tampering::Missing(..)) = what {
            // Retention may have deleted it since the walk began.
            self.read_left(connection).await?;
            what = self.link(row, &covered)?;
        }
        if what.is_none() && row.try_get::<Option<i64>>("chain_number")?.is_some() {
            what = self.personal(connection, row).await?;
        }
        if let Some(Tampering::Missing(first, last)) = what {
            what = Some(elsewhere(connection, row, (first, last)).await?);
        }
        self.audited.fault =
            what.map(|what| ChainFault { place: Some(place), decision: covered.decision(), what });
        Ok(())
    }

    /// Follows the decision's chain to it.
    fn link(&mut self, row: &Row, covered: &Covered<'_>) -> Result<Option<Tampering>, StoreError> {
        let is_bare = row.try_get::<Option<uuid::Uuid>>("chain")?.is_none()
            && row.try_get::<Option<i64>>("chain_number")?.is_none()
            && row.try_get::<Option<&[u8]>>("chain_hash")?.is_none();
        if is_bare {
            self.audited.before_chains += 1;
            return Ok((!self.heads.is_empty()).then_some(Tampering::Unchained));
        }
        let Some(stated) = stored_head(row)? else { return Ok(Some(Tampering::Changed)) };
        let known = self.heads.get(&stated.chain).copied();
        let wanted = known.map_or(1, |head| head.number.saturating_add(1));
        let before = match stated.number.cmp(&wanted) {
            std::cmp::Ordering::Less => return Ok(Some(Tampering::Doubled)),
            std::cmp::Ordering::Equal => known,
            std::cmp::Ordering::Greater => {
                let last = stated.number - 1;
                match self.anchors.over(stated.chain, (wanted, last)) {
                    Ok(anchor) => {
                        self.audited.anchored += 1;
                        Some(anchor)
                    }
                    Err(missing) => return Ok(Some(Tampering::Missing(missing, last))),
                }
            }
        };
        if covered.after(before) != stated {
            return Ok(Some(Tampering::Changed));
        }
        self.heads.insert(stated.chain, stated);
        self.audited.chained += 1;
        Ok(None)
    }

    /// Reads what retention left until now.
    async fn read_left(&mut self, connection: &mut Connection<'_>) -> Result<(), StoreError> {
        let forgotten: Option<i64> = connection.query(FORGOTTEN).value(connection).await?;
        self.forgotten = forgotten.map(Timestamp::from_unix_micros);
        self.anchors = Anchors::default();
        for row in connection.query(ANCHORS).fetch_all(connection).await? {
            let corrupt = || StoreError::corrupt("chain_anchors", "chain_hash", "?");
            let anchor = Anchor {
                head: stored_head(&row)?.ok_or_else(corrupt)?,
                first: row.try_get("first_number")?,
                left_at: Timestamp::from_unix_micros(row.try_get("left_at")?),
            };
            let stated: Option<&[u8]> = row.try_get("seal")?;
            // One that somebody else left says nothing: what is missing there is missing.
            if self.seal.is_none_or(|seal| stated == Some(seal(&anchor).as_slice())) {
                self.anchors.add(&anchor);
            }
        }
        Ok(())
    }

    async fn personal(
        &mut self,
        connection: &mut Connection<'_>,
        row: &Row,
    ) -> Result<Option<Tampering>, StoreError> {
        if row.try_get::<Option<i64>>("decision_seq")?.is_none() {
            let received_at = Timestamp::from_unix_micros(row.try_get("received_at")?);
            if erasures::erased_at(connection, row).await?.is_some() {
                self.audited.erased += 1;
            } else if self.forgotten.is_some_and(|before| received_at < before) {
                self.audited.aged += 1;
            } else {
                // Retention may have deleted them since the walk began.
                self.read_left(connection).await?;
                if self.forgotten.is_none_or(|before| received_at >= before) {
                    return Ok(Some(Tampering::PersonalMissing));
                }
                self.audited.aged += 1;
            }
            return Ok(None);
        }
        let salt: Option<&[u8]> = row.try_get("salt")?;
        let personal = Personal {
            metadata: row.try_get("metadata")?,
            context: row.try_get("context")?,
            seen: row.try_get("seen")?,
        };
        let committed: Option<&[u8]> = row.try_get("commitment")?;
        let is_same = salt.is_some_and(|salt| Some(commitment(salt, personal).as_slice()) == committed);
        Ok((!is_same).then_some(Tampering::PersonalChanged))
    }

    /// Once all that a checkpoint speaks of was looked at, compares every chain with what it says.
    ///
    /// - `place`: that of the next decision.
    fn compare_before(&mut self, place: i64) {
        let Some(checkpoint) = self.checkpoint.take_if(|checkpoint| checkpoint.through < place) else {
            return;
        };
        let differs = checkpoint.heads.iter().find_map(|stated| {
            self.differs(stated).map(|what| ChainFault { place: None, decision: stated.chain, what })
        });
        let is_known = |chain: &DecisionId| checkpoint.heads.iter().any(|stated| stated.chain == *chain);
        let added = || self.heads.keys().filter(|chain| !is_known(chain)).min_by_key(|chain| chain.uuid());
        self.audited.fault = differs.or_else(|| {
            added().map(|chain| ChainFault { place: None, decision: *chain, what: Tampering::Added })
        });
    }

    fn differs(&self, stated: &ChainHead) -> Option<Tampering> {
        let found = self.heads.get(&stated.chain);
        let next = found.map_or(1, |found| found.number.saturating_add(1));
        match found {
            Some(found) if found == stated => None,
            Some(found) if found.number == stated.number => Some(Tampering::Rewritten),
            Some(found) if found.number > stated.number => Some(Tampering::Added),
            _ if self.anchors.contradict(stated) => Some(Tampering::Rewritten),
            _ if self.anchors.are_over(stated.chain, (next, stated.number)) => None,
            found => Some(Tampering::CutTail(stated.number, found.map_or(0, |found| found.number))),
        }
    }
}

/// The parts of chains that retention deleted.
#[derive(Debug, Default)]
struct Anchors(HashMap<DecisionId, BTreeMap<i64, (i64, [u8; 32])>>);

impl Anchors {
    fn add(&mut self, anchor: &Anchor) {
        let parts = self.0.entry(anchor.head.chain).or_default();
        parts.insert(anchor.head.number, (anchor.first, anchor.head.hash));
    }

    /// The head after a part of a chain, if all of it was deleted.
    ///
    /// # Errors
    /// The first number of the part that was not, or nobody knows the head.
    fn over(&self, chain: DecisionId, (first, last): (i64, i64)) -> Result<ChainHead, i64> {
        let missing = self.uncovered(chain, (first, last));
        let at_last = self.0.get(&chain).and_then(|parts| parts.get(&last));
        match (missing, at_last) {
            (None, Some((_, hash))) => Ok(ChainHead { chain, number: last, hash: *hash }),
            (missing, _) => Err(missing.unwrap_or(last)),
        }
    }

    fn are_over(&self, chain: DecisionId, part: (i64, i64)) -> bool {
        self.uncovered(chain, part).is_none()
    }

    /// The first number of a part that no anchor is over.
    fn uncovered(&self, chain: DecisionId, (first, last): (i64, i64)) -> Option<i64> {
        let mut next = first;
        let parts = self.0.get(&chain).map(|parts| parts.range(first..));
        for (end, (begin, _)) in parts.into_iter().flatten() {
            if next > last {
                break;
            }
            if *begin > next {
                return Some(next);
            }
            next = end.saturating_add(1);
        }
        (next <= last).then_some(next)
    }

    /// Whether a decision that was deleted had another hash than is stated of it.
    fn contradict(&self, stated: &ChainHead) -> bool {
        let parts = self.0.get(&stated.chain);
        parts.and_then(|parts| parts.get(&stated.number)).is_some_and(|(_, hash)| *hash != stated.hash)
    }
}

/// What a row says of its place in a chain; `None` where that cannot be.
fn stored_head(row: &Row) -> Result<Option<ChainHead>, StoreError> {
    let chain: Option<uuid::Uuid> = row.try_get("chain")?;
    let number: Option<i64> = row.try_get("chain_number")?;
    let hash: Option<&[u8]> = row.try_get("chain_hash")?;
    let hash = hash.and_then(|hash| <[u8; 32]>::try_from(hash).ok());
    let (Some(chain), Some(number), Some(hash)) = (chain, number, hash) else { return Ok(None) };
    Ok((number > 0).then_some(ChainHead { chain: DecisionId::from_uuid(chain), number, hash }))
}

/// Whether a decision that is missing stands somewhere else.
async fn elsewhere(
    connection: &mut Connection<'_>,
    row: &Row,
    (first, last): (i64, i64),
) -> Result<Tampering, StoreError> {
    let chain: uuid::Uuid = row.try_get("chain")?;
    let found: Option<i64> = connection.query(ELSEWHERE).bind(chain).bind(first).value(connection).await?;
    Ok(found.map_or(Tampering::Missing(first, last), Tampering::Moved))
}
