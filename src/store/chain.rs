//! The chain over decisions: each one's hash covers the hash before it, so none can be changed, taken out or moved unnoticed.
//!
//! A process chains what it records, one chain for each batch that it may have under way at once: a batch has its chain to
//! itself until it is committed. A chain is named by its first decision, so nobody has to draw a name for it. Personal values are
//! covered by their commitment, and can therefore be erased (docs/decisions/0032).

use aws_lc_rs::digest::{Context, SHA256, digest};
use uuid::Uuid;

use super::connection::Row;
use super::{StoreError, desk, traits};
use crate::domain::{ChainHead, DecisionId, DecisionRecord, RuleId, SignatureSeen, Timestamp};

/// What a chain's first hash covers in place of one before it.
const GENESIS: [u8; 32] = [0; 32];

/// Says in each hash what it is of, so that it is of nothing else.
const DECISION: &[u8] = b"doorstep decision 1\0";
const PERSONAL: &[u8] = b"doorstep personal 1\0";

/// In place of a length: there is no value.
const ABSENT: u32 = u32::MAX;

/// About as long as what is covered of a decision.
const COVERED_BYTES: usize = 1024;

/// One chain, as far as it is committed.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// None before the first decision.
    head: Option<ChainHead>,
}

/// What a decision gets on its way into the record.
#[derive(Debug)]
pub(super) struct Link {
    /// Where it stands in which chain, and its hash.
    pub(super) head: ChainHead,
    /// What proves its personal values while they are there.
    pub(super) commitment: [u8; 32],
    /// Its line of `traits`.
    pub(super) traits: String,
}

impl Chain {
    /// Links decisions one after the other. Nothing is taken in until they are committed ([`Self::take_in`]).
    pub(super) fn link<'d>(
        &self,
        decisions: impl Iterator<Item = (&'d SignatureSeen, &'d DecisionRecord)>,
    ) -> Result<Vec<Link>, StoreError> {
        let mut head = self.head;
        let mut links = Vec::with_capacity(decisions.size_hint().0);
        for (signature, record) in decisions {
            let commitment = commitment(&record.salt, Personal::of(record));
            let traits = traits::line(record);
            let covered = Covered::of(record, signature, (&commitment, &traits))?;
            let next = covered.after(head);
            head = Some(next);
            links.push(Link { head: next, commitment, traits });
        }
        Ok(links)
    }

    /// Goes on after links that were committed.
    pub(super) fn take_in(&mut self, links: &[Link]) {
        if let Some(last) = links.last() {
            self.head = Some(last.head);
        }
    }

    /// Begins anew after a fault, where nobody knows whether the last links were committed.
    pub(super) fn give_up_after(&mut self, fault: &StoreError) {
        if !fault.is_one_rows_own() {
            self.head = None;
        }
    }
}

/// A decision's personal values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Personal<'r> {
    pub(super) metadata: &'r str,
    pub(super) context: &'r str,
    pub(super) seen: &'r str,
}

impl<'r> Personal<'r> {
    /// Those of a decision that is being recorded.
    pub(super) fn of(record: &'r DecisionRecord) -> Self {
        Self { metadata: &record.metadata_json, context: &record.context_json, seen: &record.seen_json }
    }
}

/// What a decision says of its personal values without telling them: the salt goes with them, so that nobody can try values
/// afterwards.
pub(super) fn commitment(salt: &[u8], personal: Personal<'_>) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(PERSONAL);
    for part in [salt, personal.metadata.as_bytes(), personal.context.as_bytes(), personal.seen.as_bytes()] {
        context.update(&length(part).to_be_bytes());
        context.update(part);
    }
    taken(context.finish().as_ref())
}

/// All that a hash covers of a decision: every column of its row but its place, which the database gives.
#[derive(Debug)]
pub(super) struct Covered<'r> {
    id: Uuid,
    texts: [&'r str; 8],
    optional_texts: [Option<&'r str>; 2],
    bytes: [&'r [u8]; 4],
    numbers: [i64; 3],
    optional_numbers: [Option<i64>; 2],
}

impl<'r> Covered<'r> {
    fn of(
        record: &'r DecisionRecord,
        signature: &'r SignatureSeen,
        (commitment, traits): (&'r [u8; 32], &'r str),
    ) -> Result<Self, StoreError> {
        Ok(Self {
            id: record.id.uuid(),
            texts: [
                record.user_id.as_str(),
                record.scope.as_str(),
                record.verdict.as_str(),
                &record.reason,
                &record.answer,
                &record.outcomes,
                signature.kid.as_str(),
                traits,
            ],
            optional_texts: [record.step_keys.as_deref(), record.rule.as_ref().map(RuleId::as_str)],
            bytes: [record.bundle.as_bytes(), &record.metadata_digest, &signature.hash.0, commitment],
            numbers: [
                record.received_at.unix_micros(),
                i64::from(record.evaluation_ns),
                desk::number(record.desk)?,
            ],
            optional_numbers: [
                record.walkable_until.map(Timestamp::unix_micros),
                record.usable_until.map(Timestamp::unix_micros),
            ],
        })
    }

    /// The columns of `covered_columns!`.
    ///
    /// # Errors
    /// A column holds another type.
    pub(super) fn read(row: &'r Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.try_get("id")?,
            texts: [
                row.try_get("user_id")?,
                row.try_get("scope")?,
                row.try_get("verdict")?,
                row.try_get("reason")?,
                row.try_get("answer")?,
                row.try_get("outcomes")?,
                row.try_get("signature_kid")?,
                row.try_get("traits")?,
            ],
            optional_texts: [row.try_get("step_keys")?, row.try_get("rule")?],
            bytes: [
                row.try_get("bundle_hash")?,
                row.try_get("metadata_digest")?,
                row.try_get("signature_hash")?,
                row.try_get::<Option<&[u8]>>("commitment")?.unwrap_or_default(),
            ],
            numbers: [
                row.try_get("received_at")?,
                row.try_get("evaluation_ns")?,
                row.try_get("desk_revision")?,
            ],
            optional_numbers: [row.try_get("walkable_until")?, row.try_get("usable_until")?],
        })
    }

    /// Which decision.
    pub(super) fn decision(&self) -> DecisionId {
        DecisionId::from_uuid(self.id)
    }

    /// The head of a chain to which this decision is added.
    ///
    /// - `head`: the chain's head before; without one it begins a chain.
    pub(super) fn after(&self, head: Option<ChainHead>) -> ChainHead {
        let (chain, number, before) = match head {
            Some(head) => (head.chain, head.number.saturating_add(1), head.hash),
            None => (DecisionId::from_uuid(self.id), 1, GENESIS),
        };
        let mut bytes = Vec::with_capacity(COVERED_BYTES);
        bytes.extend_from_slice(DECISION);
        bytes.extend_from_slice(&before);
        bytes.extend_from_slice(chain.uuid().as_bytes());
        bytes.extend_from_slice(&number.to_be_bytes());
        self.write(&mut bytes);
        ChainHead { chain, number, hash: taken(digest(&SHA256, &bytes).as_ref()) }
    }

    /// Each value with its length before it, so that no two rows are written alike.
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.id.as_bytes());
        self.numbers.iter().for_each(|number| bytes.extend_from_slice(&number.to_be_bytes()));
        for number in self.optional_numbers {
            push(bytes, number.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
        }
        self.texts.iter().for_each(|text| push(bytes, Some(text.as_bytes())));
        self.optional_texts.iter().for_each(|text| push(bytes, text.map(str::as_bytes)));
        self.bytes.iter().for_each(|value| push(bytes, Some(value)));
    }
}

/// The columns that [`Covered::read`] reads.
macro_rules! covered_columns {
    () => {
        "d.id, d.user_id, d.scope, d.verdict, d.reason, d.answer, d.outcomes, d.signature_kid, d.traits, d.step_keys, d.rule, \
         d.bundle_hash, d.metadata_digest, d.signature_hash, d.commitment, d.received_at, d.evaluation_ns, d.desk_revision, \
         d.walkable_until, d.usable_until"
    };
}
pub(super) use covered_columns;

fn push(bytes: &mut Vec<u8>, value: Option<&[u8]>) {
    bytes.extend_from_slice(&value.map_or(ABSENT, length).to_be_bytes());
    bytes.extend_from_slice(value.unwrap_or_default());
}

/// INVARIANT: no value has four GiB; SQLite and PostgreSQL take at most one.
fn length(value: &[u8]) -> u32 {
    u32::try_from(value.len()).unwrap_or(ABSENT)
}

/// INVARIANT: a SHA-256 has 32 bytes.
fn taken(hash: &[u8]) -> [u8; 32] {
    hash.try_into().unwrap_or(GENESIS)
}
