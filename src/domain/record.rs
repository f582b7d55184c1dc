//! What the store keeps of a hook call.

use super::{BundleHash, DecisionId, Kid, RuleId, Scope, Timestamp, UserId};

/// The SHA-256 of a signature's decoded bytes: tells a repeated call from a new one (docs/CONTRACT.md C3.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SignatureHash(pub(crate) [u8; 32]);

/// A signature that was verified, and the key that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignatureSeen {
    /// What makes the call unique.
    pub(crate) hash: SignatureHash,
    /// Prelude's key: the signature is remembered as long as that key is in Prelude's set.
    pub(crate) kid: Kid,
}

/// Everything that is kept of one verdict. Personal values are masked before they get here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DecisionRecord {
    /// Names the record.
    pub(crate) id: DecisionId,
    /// When the call reached us.
    pub(crate) received_at: Timestamp,
    /// Who asked.
    pub(crate) user_id: UserId,
    /// For what.
    pub(crate) scope: Scope,
    /// `continue`, `review` or `block`.
    pub(crate) verdict: &'static str,
    /// The rule that decided, where one did.
    pub(crate) rule: Option<RuleId>,
    /// Why, as code or words.
    pub(crate) reason: String,
    /// The policy that decided.
    pub(crate) bundle: BundleHash,
    /// The step keys of a review in walking order, separated by one blank; a key has none.
    pub(crate) step_keys: Option<String>,
    /// Until when a review can be walked: the call plus its steps' durations.
    pub(crate) walkable_until: Option<Timestamp>,
    /// The answer's exact bytes, which a repeated call gets again.
    pub(crate) answer: String,
    /// JSON object: the metadata, `identifier` masked.
    pub(crate) metadata_json: String,
    /// Keyed digest of the exact metadata, for comparing without keeping what is masked.
    pub(crate) metadata_digest: [u8; 32],
    /// JSON object: platform, masked address and masked identifiers.
    pub(crate) context_json: String,
    /// JSON object: what the conditions saw.
    pub(crate) seen_json: String,
    /// One character a condition: `1` held, `0` did not.
    pub(crate) outcomes: String,
    /// How long the evaluation took, in nanoseconds.
    pub(crate) evaluation_ns: u32,
}

/// What became of a call that was handed to the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// Recorded now: the record's own answer may leave.
    First,
    /// The same signature came before, not longer than the repeat window ago: this was answered then.
    Repeat {
        /// The first answer's exact bytes.
        answer: String,
    },
    /// The same signature came before, longer ago than the repeat window: it is refused.
    TooOld,
}
