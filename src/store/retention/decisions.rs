//! Decisions that have had their time: an anchor first, then what finds them, then they.

use std::sync::Arc;

use sqlx::types::Json;

use super::{Found, ROWS, Retiring, Stretch, TURN, by_places, delete, is_held, mark};
use crate::domain::{Anchor, ChainHead, DecisionId, SubjectKey, Timestamp};
use crate::store::connection::{Connection, Row, Sql, either};
use crate::store::filed::Filed;
use crate::store::{Engine, Store, StoreError, traits};

/// What shows that an anchor is ours: the record itself has no key.
pub(crate) type Seal = Arc<dyn Fn(&Anchor) -> [u8; 32] + Send + Sync>;

const WHAT: &str = "decisions";

/// Of a decision `d`: it can still be walked, executed or approved, or its user is on hold.
macro_rules! is_needed {
    () => {
        concat!(
            "coalesce(d.usable_until, d.received_at) > $4 OR coalesce(d.walkable_until, d.received_at) > $4
             OR EXISTS (SELECT 1 FROM verifications AS v
                         WHERE v.decision_id = d.id
                           AND (v.expires_at > $4
                                OR EXISTS (SELECT 1 FROM kept_approvals AS k
                                            WHERE k.verification_id = v.id AND k.used_by IS NULL AND k.withdrawn_at IS NULL
                                              AND k.valid_until > $4)))
             OR ",
            is_held!("d.user_id")
        )
    };
}

/// A stretch after the place `$1`, `$2` rows long, of which `$3` tells what is old and `$4` what is of use now.
macro_rules! stretch {
    ($from:literal) => {
        concat!(
            "SELECT d.seq AS place, d.received_at < $3 AS is_old, d.received_at < $3 AND NOT (",
            is_needed!(),
            ") AS is_doomed, d.seq, d.received_at, d.chain, d.chain_number, d.chain_hash, d.traits
               FROM (",
            $from,
            ") AS d ORDER BY d.seq"
        )
    };
}

/// On SQLite only what is filed: what is not would be looked for when it is.
const STRETCH: Sql = either(
    stretch!(
        "SELECT * FROM decisions WHERE seq > $1 AND seq <= (SELECT filed_through FROM filing) ORDER BY seq LIMIT $2"
    ),
    stretch!("SELECT * FROM decisions WHERE seq > $1 ORDER BY seq LIMIT $2"),
);

/// Those about a user, up to the user's erasure at `$6`.
const OF_ERASED: Sql = either(
    stretch!(
        "SELECT * FROM decisions WHERE seq > $1 AND seq <= (SELECT filed_through FROM filing)
            AND seq IN (SELECT decision_seq FROM decision_subjects WHERE subject = $5 AND received_at < $3 AND received_at <= $6)
          ORDER BY seq LIMIT $2"
    ),
    stretch!(
        "SELECT x.* FROM decision_subjects AS s JOIN decisions AS x ON x.seq = s.decision_seq
          WHERE s.subject = $5 AND s.received_at < $3 AND s.received_at <= $6 AND x.seq > $1
          ORDER BY x.seq LIMIT $2"
    ),
);

const ERASED: &str = "
    SELECT user_key, max(erased_at) AS erased_at FROM erasures WHERE user_key > $1 GROUP BY user_key ORDER BY user_key LIMIT $2";

const UNFILED_OLD: &str = "
    SELECT EXISTS (SELECT 1 FROM (SELECT received_at FROM decisions
                                   WHERE seq > (SELECT filed_through FROM filing) ORDER BY seq LIMIT 1) AS first
                    WHERE received_at < $1)";

const ANCHOR: &str = "
    INSERT INTO chain_anchors (chain, first_number, chain_number, chain_hash, left_at, actor, seal)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

const SUBJECTS: Sql = either(
    "DELETE FROM decision_subjects WHERE (subject, received_at, decision_seq) IN
         (SELECT unhex(value ->> 0), value ->> 1, value ->> 2 FROM json_each($1))",
    "DELETE FROM decision_subjects AS s USING jsonb_array_elements($1) AS about (value)
      WHERE s.subject = decode(about.value ->> 0, 'hex') AND s.received_at = (about.value ->> 1)::bigint
        AND s.decision_seq = (about.value ->> 2)::bigint",
);

const REVIEWS: &str = "
    DELETE FROM walkable_reviews WHERE (user_id, scope, walkable_until, decision_seq) IN
        (SELECT user_id, scope, walkable_until, seq FROM decisions
          WHERE seq IN (SELECT value FROM json_each($1)) AND walkable_until IS NOT NULL)";

/// A segment goes when all its calls are old: until then it may hold some whose decisions are gone, in digests, and further back
/// than anybody may ask.
const SEGMENTS: &str = "
    DELETE FROM past_segments WHERE segment IN (SELECT segment FROM past_segments WHERE last_at < $1 LIMIT $2)";

const DECISIONS: [Sql; 2] = [
    by_places!("DELETE FROM decision_personal WHERE decision_seq IN "),
    by_places!("DELETE FROM decisions WHERE seq IN "),
];

/// Deletes what is doomed of the decisions that were found.
struct Deletion {
    retiring: Retiring,
    seal: Seal,
}

impl Store {
    /// Deletes old decisions of a stretch, and leaves an anchor for each part of a chain that is gone.
    ///
    /// # Errors
    /// Nothing of the step was done.
    pub(crate) async fn retire_decisions(
        &self,
        retiring: Retiring,
        seal: Seal,
        after: i64,
    ) -> Result<Stretch, StoreError> {
        self.file_before(retiring.before).await?;
        let deletion = Deletion { retiring, seal };
        self.write(TURN, move |connection| {
            Box::pin(async move {
                let rows = connection
                    .query(STRETCH)
                    .bind(after)
                    .bind(ROWS)
                    .bind(deletion.retiring.before.unix_micros())
                    .bind(deletion.retiring.now.unix_micros())
                    .fetch_all(connection)
                    .await?;
                deletion.of(connection, &rows, after).await
            })
        })
        .await
    }

    /// Users who were erased, some at a time: by what the record knows them, and when they were erased last.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn erased_users(
        &self,
        after: Option<&SubjectKey>,
    ) -> Result<Vec<(SubjectKey, Timestamp)>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let after = after.map_or(&[][..], SubjectKey::as_bytes);
        let rows = connection.query(ERASED).bind(after).bind(ROWS).fetch_all(connection).await?;
        let user = |row: &Row| {
            let key: &[u8] = row.try_get("user_key")?;
            Ok((SubjectKey::new(key), Timestamp::from_unix_micros(row.try_get("erased_at")?)))
        };
        rows.iter().map(user).collect()
    }

    /// Deletes old decisions about a user who was erased, of those that were recorded until then.
    ///
    /// # Errors
    /// Nothing of the step was done.
    pub(crate) async fn retire_erased(
        &self,
        (user, erased_at): (SubjectKey, Timestamp),
        retiring: Retiring,
        (seal, after): (Seal, i64),
    ) -> Result<Stretch, StoreError> {
        self.unsettle(&user).await?;
        let mut reader = self.reader().await?;
        let rows = of_erased(&mut reader.connection(), &user, (&retiring, erased_at), after).await?;
        drop(reader);
        let found = Found::of(&rows)?;
        // Most have nothing left that is old: they cost no write.
        if found.doomed.is_empty() {
            return Ok(found.stretch(after, 0));
        }
        let deletion = Deletion { retiring, seal };
        self.write(TURN, move |connection| {
            Box::pin(async move {
                let rows = of_erased(connection, &user, (&deletion.retiring, erased_at), after).await?;
                deletion.of(connection, &rows, after).await
            })
        })
        .await
    }

    /// Has decisions filed, on SQLite, where some that are not are old: few calls would keep them unfiled for long.
    ///
    /// # Errors
    /// The record could not be read or written.
    pub(crate) async fn file_before(&self, before: Timestamp) -> Result<(), StoreError> {
        let Engine::Sqlite(database) = &*self.engine else { return Ok(()) };
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let is_due: bool = connection.query(UNFILED_OLD).bind(before.unix_micros()).value(connection).await?;
        drop(reader);
        if is_due { database.file().await } else { Ok(()) }
    }
}

async fn of_erased(
    connection: &mut Connection<'_>,
    user: &SubjectKey,
    (retiring, erased_at): (&Retiring, Timestamp),
    after: i64,
) -> Result<Vec<Row>, StoreError> {
    connection
        .query(OF_ERASED)
        .bind(after)
        .bind(ROWS)
        .bind(retiring.before.unix_micros())
        .bind(retiring.now.unix_micros())
        .bind(user.as_bytes())
        .bind(erased_at.unix_micros())
        .fetch_all(connection)
        .await
}

impl Deletion {
    async fn of(
        &self,
        connection: &mut Connection<'_>,
        rows: &[Row],
        after: i64,
    ) -> Result<Stretch, StoreError> {
        let found = Found::of(rows)?;
        if found.doomed.is_empty() {
            return Ok(found.stretch(after, 0));
        }
        mark(connection, WHAT, &self.retiring).await?;
        let doomed = doomed(rows)?;
        for anchor in anchors(&doomed, self.retiring.now)? {
            self.leave(connection, &anchor).await?;
        }
        let filed = Filed::read(connection).await?;
        connection.query(SUBJECTS).bind(Json(about(&doomed, &filed)?)).execute(connection).await?;
        if let Connection::Sqlite(_) = connection {
            connection.query(REVIEWS).bind(Json(&found.doomed)).execute(connection).await?;
        }
        let segments = connection.query(SEGMENTS).bind(self.retiring.before.unix_micros()).bind(ROWS);
        segments.execute(connection).await?;
        let deleted = delete(connection, &DECISIONS, &found.doomed).await?;
        Ok(found.stretch(after, deleted))
    }

    async fn leave(&self, connection: &mut Connection<'_>, anchor: &Anchor) -> Result<(), StoreError> {
        connection
            .query(ANCHOR)
            .bind(anchor.head.chain.uuid())
            .bind(anchor.first)
            .bind(anchor.head.number)
            .bind(anchor.head.hash.as_slice())
            .bind(anchor.left_at.unix_micros())
            .bind(&*self.retiring.actor)
            .bind((self.seal)(anchor).as_slice())
            .execute(connection)
            .await?;
        Ok(())
    }
}

fn doomed(rows: &[Row]) -> Result<Vec<&Row>, StoreError> {
    let mut doomed = Vec::with_capacity(rows.len());
    for row in rows {
        if row.try_get("is_doomed")? {
            doomed.push(row);
        }
    }
    Ok(doomed)
}

/// One anchor for each run of neighbours in a chain. What was recorded before there were chains leaves none.
fn anchors(doomed: &[&Row], left_at: Timestamp) -> Result<Vec<Anchor>, StoreError> {
    let mut heads = Vec::with_capacity(doomed.len());
    for row in doomed {
        let Some(chain) = row.try_get::<Option<uuid::Uuid>>("chain")? else { continue };
        let seq: i64 = row.try_get("seq")?;
        let corrupt = |column| StoreError::corrupt("decisions", column, seq.to_string());
        let hash: Option<&[u8]> = row.try_get("chain_hash")?;
        let hash = hash.and_then(|hash| hash.try_into().ok()).ok_or_else(|| corrupt("chain_hash"))?;
        let number = row.try_get::<Option<i64>>("chain_number")?.ok_or_else(|| corrupt("chain_number"))?;
        heads.push(ChainHead { chain: DecisionId::from_uuid(chain), number, hash });
    }
    heads.sort_unstable_by_key(|head| (head.chain.uuid(), head.number));
    let mut anchors: Vec<Anchor> = Vec::new();
    for head in heads {
        match anchors.last_mut() {
            Some(last)
                if last.head.chain == head.chain && last.head.number.checked_add(1) == Some(head.number) =>
            {
                last.head = head;
            }
            _ => anchors.push(Anchor { first: head.number, head, left_at }),
        }
    }
    Ok(anchors)
}

/// Under what the decisions can be found: key in hexadecimal, when and where.
fn about(doomed: &[&Row], filed: &Filed) -> Result<Vec<(String, i64, i64)>, StoreError> {
    let mut about = Vec::with_capacity(doomed.len());
    for row in doomed {
        let (seq, at): (i64, i64) = (row.try_get("seq")?, row.try_get("received_at")?);
        let kept = traits::parse(row.try_get("traits")?)
            .ok_or_else(|| StoreError::corrupt("decisions", "traits", seq.to_string()))?;
        about.extend(filed.keys(&kept.subjects).map(|key| (traits::hexadecimal(key), at, seq)));
    }
    Ok(about)
}
