//! Recorded decisions, read again.

use super::{BundleHash, DecisionId, DeskRevision, RuleId, Scope, Timestamp, UserId};

/// A decision as it was recorded. Personal values were masked before they were kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredDecision {
    /// Names the record.
    pub(crate) id: DecisionId,
    /// When the call reached us.
    pub(crate) received_at: Timestamp,
    /// Who asked.
    pub(crate) user_id: UserId,
    /// For what.
    pub(crate) scope: Scope,
    /// `continue`, `review` or `block`.
    pub(crate) verdict: String,
    /// The step keys of a review in walking order, separated by one blank.
    pub(crate) step_keys: Option<String>,
    /// Until when a review can be walked.
    pub(crate) walkable_until: Option<Timestamp>,
    /// Until when a continue or review can be executed.
    pub(crate) usable_until: Option<Timestamp>,
    /// When it was executed: redeemed by the service that executes.
    pub(crate) redeemed_at: Option<Timestamp>,
    /// The rule that decided, where one did.
    pub(crate) rule: Option<RuleId>,
    /// Why, as code or words.
    pub(crate) reason: String,
    /// The policy that decided.
    pub(crate) bundle: BundleHash,
    /// What the fraud desk said then.
    pub(crate) desk: DeskRevision,
    /// The answer's exact bytes.
    pub(crate) answer: String,
    /// The personal values.
    pub(crate) personal: StoredPersonal,
    /// One character a condition: `1` held, `0` did not.
    pub(crate) outcomes: String,
}

/// A decision's personal values, as far as they are still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoredPersonal {
    /// As they were recorded.
    Kept {
        /// JSON object: the metadata, `identifier` masked.
        metadata_json: String,
        /// JSON object: platform, masked address and masked identifiers.
        context_json: String,
        /// JSON object: what the conditions saw.
        seen_json: String,
    },
    /// The user was erased.
    Erased {
        /// When; none where nobody noted that.
        at: Option<Timestamp>,
    },
}

/// Which decisions are wanted; what is not said may be anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct DecisionFilter {
    /// Of this user.
    pub(crate) user_id: Option<UserId>,
    /// For this scope.
    pub(crate) scope: Option<Scope>,
    /// For one of these scopes: what the asker may see.
    pub(crate) within: Option<Vec<Scope>>,
    /// With this verdict.
    pub(crate) verdict: Option<&'static str>,
    /// Decided by this rule.
    pub(crate) rule: Option<RuleId>,
    /// Not received before this moment.
    pub(crate) from: Option<Timestamp>,
    /// Received before this moment.
    pub(crate) to: Option<Timestamp>,
    /// Older than this decision: where the page before ended.
    pub(crate) before: Option<DecisionId>,
    /// The most decisions of a page.
    pub(crate) limit: u32,
}

/// Some decisions, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DecisionPage {
    /// Those that fit.
    pub(crate) decisions: Vec<StoredDecision>,
    /// Where the next page goes on; none at the end of the record.
    pub(crate) next: Option<DecisionId>,
}
