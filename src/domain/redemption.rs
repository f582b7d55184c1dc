//! Spending a grant: which verdict is spent for what somebody is about to execute, and why none is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{ApiKeyId, DecisionId, Scope, StepKey, SubjectKey, Timestamp, UserId, VerdictKind};

/// Metadata in normal form: a key for each field that has a value, equal where the values are. One that is left out, or
/// empty, has none.
pub(crate) type FieldKeys = BTreeMap<Arc<str>, SubjectKey>;

/// What somebody is about to execute, and wants a grant spent for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spending {
    /// Who executes it.
    pub(crate) api_key_id: ApiKeyId,
    /// For whom.
    pub(crate) user_id: UserId,
    /// The same user as the key by which calls are found.
    pub(crate) user_key: SubjectKey,
    /// What.
    pub(crate) scope: Scope,
    /// With which metadata, by the policy in force.
    pub(crate) fields: FieldKeys,
    /// The keyed digest of exactly this metadata.
    pub(crate) metadata_digest: [u8; 32],
}

/// A verdict of the user for the scope that is in time, be it spent or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GrantFound {
    /// Which.
    pub(crate) decision_id: DecisionId,
    /// `continue` or `review`.
    pub(crate) verdict: VerdictKind,
    /// When its call came.
    pub(crate) received_at: Timestamp,
    /// Until when it can be spent.
    pub(crate) usable_until: Timestamp,
    /// With which metadata, by the policy that decided.
    pub(crate) fields: FieldKeys,
    /// The keyed digest of exactly that metadata.
    pub(crate) metadata_digest: [u8; 32],
    /// Its first custom step that nobody proved; `None` when all were, or there is none.
    pub(crate) unproved: Option<StepKey>,
    /// When it was spent.
    pub(crate) redeemed_at: Option<Timestamp>,
}

impl GrantFound {
    /// In which order grants are spent: the one that ends first, of several the one that was given first.
    pub(crate) const fn ends(&self) -> (Timestamp, DecisionId) {
        (self.usable_until, self.decision_id)
    }
}

/// A verdict that was spent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Redemption {
    /// Which.
    pub(crate) decision_id: DecisionId,
    /// Whose.
    pub(crate) user_id: UserId,
    /// For what.
    pub(crate) scope: Scope,
    /// When it was spent: the moment at which it was executed, for all who ask later.
    pub(crate) redeemed_at: Timestamp,
    /// `continue` or `review`.
    pub(crate) verdict: VerdictKind,
    /// When its call came.
    pub(crate) received_at: Timestamp,
    /// Until when it could have been spent.
    pub(crate) usable_until: Timestamp,
}

/// Why no verdict was spent. Nothing was recorded, and nothing may be executed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotSpent {
    /// The fraud desk paused the scope.
    #[error("the fraud desk paused the scope")]
    ScopePaused,
    /// The verdict about exactly this was spent before.
    #[error("decision {decision_id} was redeemed at {redeemed_at}")]
    AlreadyRedeemed {
        /// Which.
        decision_id: DecisionId,
        /// When.
        redeemed_at: Timestamp,
    },
    /// A verdict is in force, about something else: these fields differ in the one that comes nearest.
    #[error("the verdict in force differs in {}", quoted(.0))]
    Differs(BTreeSet<Arc<str>>),
    /// The verdict about exactly this is a review, and this step of it was not proved.
    #[error("the review's step `{0}` is not proved")]
    Unproved(StepKey),
    /// No verdict of this user for this scope is in force.
    #[error("no verdict of this user for this scope is in force")]
    NotGranted,
}

fn quoted(names: &BTreeSet<Arc<str>>) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl Spending {
    /// Picks the verdict to spend.
    ///
    /// Of several that fit, the one that ends first: what lasts longer is left for later, so nothing is lost to somebody who
    /// has two.
    ///
    /// - `grants`: the verdicts of this user for this scope that are in time.
    ///
    /// # Errors
    /// Why none fits. One that was spent tells so before one whose steps are not proved: who repeats a call whose answer was
    /// lost hears what became of it.
    pub(crate) fn pick<'g>(&self, grants: &'g [GrantFound]) -> Result<&'g GrantFound, NotSpent> {
        if let Some(grant) = self.fitting(grants).min_by_key(|grant| grant.ends()) {
            return Ok(grant);
        }
        let exact = || grants.iter().filter(|grant| self.differences(grant).is_empty());
        let unspent = || exact().filter(|grant| grant.redeemed_at.is_none());
        let spent = exact().filter_map(|grant| Some((grant.redeemed_at?, grant.decision_id)));
        if let Some((redeemed_at, decision_id)) = spent.max() {
            return Err(NotSpent::AlreadyRedeemed { decision_id, redeemed_at });
        }
        if let Some(step) =
            unspent().max_by_key(|grant| grant.decision_id).and_then(|grant| grant.unproved.clone())
        {
            return Err(NotSpent::Unproved(step));
        }
        let others = grants.iter().filter(|grant| grant.redeemed_at.is_none());
        let nearest = others.map(|grant| (self.differences(grant), grant.decision_id));
        match nearest.min_by_key(|(fields, id)| (fields.len(), std::cmp::Reverse(*id))) {
            Some((fields, _)) => Err(NotSpent::Differs(fields)),
            None => Err(NotSpent::NotGranted),
        }
    }

    /// The verdicts that can be spent.
    pub(crate) fn fitting<'g>(&self, grants: &'g [GrantFound]) -> impl Iterator<Item = &'g GrantFound> {
        let can_be_spent = |grant: &&GrantFound| grant.redeemed_at.is_none() && grant.unproved.is_none();
        grants.iter().filter(can_be_spent).filter(|grant| self.differences(grant).is_empty())
    }

    /// The fields whose values are not the same. What came exactly as it was decided about is the same, whatever the policy
    /// in force makes of it.
    fn differences(&self, grant: &GrantFound) -> BTreeSet<Arc<str>> {
        if self.metadata_digest == grant.metadata_digest {
            return BTreeSet::new();
        }
        let names = self.fields.keys().chain(grant.fields.keys());
        names.filter(|name| self.fields.get(*name) != grant.fields.get(*name)).cloned().collect()
    }
}

#[cfg(test)]
mod tests;
