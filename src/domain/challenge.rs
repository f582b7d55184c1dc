//! A step-up challenge of Prelude's, as proved by its token or vouched for by the customer's backend.

use std::time::Duration;

use super::{ChallengeId, Metadata, Scope, SessionId, StepKey, Timestamp, UserId};

/// A challenge that stands before a custom step (docs/CONTRACT.md C5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// Whose.
    pub(crate) user_id: UserId,
    /// In which session, where that is known.
    pub(crate) session_id: Option<SessionId>,
    /// Which challenge.
    pub(crate) challenge_id: ChallengeId,
    /// For what.
    pub(crate) scope: Scope,
    /// The step to do now: never a managed one, never one that is done.
    pub(crate) current_step: StepKey,
    /// All steps in walking order; empty when the backend vouches, which does not know them.
    pub(crate) steps: Vec<ChallengeStep>,
    /// What the page sent with its request, where the token carries it.
    pub(crate) metadata: Option<Metadata>,
    /// When the challenge ends, where that is known.
    pub(crate) expires_at: Option<Timestamp>,
}

/// A step of a challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChallengeStep {
    /// Which one.
    pub(crate) key: StepKey,
    /// How long the user has for it.
    pub(crate) expires_in: Duration,
    /// Whether Prelude counts it as done.
    pub(crate) done: bool,
}
