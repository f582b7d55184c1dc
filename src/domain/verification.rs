//! The life of a custom step: opened for a challenge, decided once, and only then worth a token.

use super::{
    ApiKeyId, Approver, ChallengeId, ChallengeProof, Decider, DecisionId, GivenReason, Reference, Scope,
    SessionId, SourceName, StepKey, Timestamp, UserId, VerificationId,
};

/// Where a verification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum VerificationState {
    /// Nobody has decided, and there is time left.
    Pending,
    /// The step is done.
    Approved,
    /// The step failed.
    Rejected,
    /// Nobody decided in time.
    Expired,
}

impl VerificationState {
    /// Every state.
    pub(crate) const ALL: [Self; 4] = [Self::Pending, Self::Approved, Self::Rejected, Self::Expired];

    /// The state's name in answers and the store.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
        }
    }

    /// Reads a state's name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether nothing comes after it.
    pub(crate) const fn is_final(self) -> bool {
        !matches!(self, Self::Pending)
    }
}

/// What somebody decides about a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum StepOutcome {
    /// It is done.
    Approved,
    /// It failed.
    Rejected,
}

impl StepOutcome {
    /// The state that follows.
    pub(crate) const fn state(self) -> VerificationState {
        match self {
            Self::Approved => VerificationState::Approved,
            Self::Rejected => VerificationState::Rejected,
        }
    }
}

/// Who decided what, when and why. It never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decided {
    /// What.
    pub(crate) outcome: StepOutcome,
    /// When.
    pub(crate) at: Timestamp,
    /// As what the policy let them decide.
    pub(crate) decided_as: Approver,
    /// The human or system.
    pub(crate) actor: Decider,
    /// Why.
    pub(crate) reason: GivenReason,
}

/// Why a verification is not worth a token any more, and cannot be approved. What was decided stays what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Withdrawal {
    /// The customer's backend withdrew it.
    Asked,
    /// The identity-check provider took its word back.
    ProviderReset,
    /// The session of the challenge was revoked.
    SessionRevoked,
    /// The user is gone.
    UserDeleted,
}

impl Withdrawal {
    /// Every reason.
    pub(crate) const ALL: [Self; 4] =
        [Self::Asked, Self::ProviderReset, Self::SessionRevoked, Self::UserDeleted];

    /// The name in answers and the store.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::ProviderReset => "provider_reset",
            Self::SessionRevoked => "session_revoked",
            Self::UserDeleted => "user_deleted",
        }
    }

    /// Reads a name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|withdrawal| withdrawal.as_str() == text)
    }
}

/// That and when a verification was withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Withdrawn {
    /// When.
    pub(crate) at: Timestamp,
    /// Why.
    pub(crate) why: Withdrawal,
}

/// A verification that is to be opened, unless there is one for this challenge and step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opening {
    /// Names it.
    pub(crate) id: VerificationId,
    /// Names it towards a provider.
    pub(crate) reference: Reference,
    /// The only provider that may speak of the reference; none means that no provider may.
    pub(crate) source: Option<SourceName>,
    /// For which challenge.
    pub(crate) challenge_id: ChallengeId,
    /// Which of its steps.
    pub(crate) step_key: StepKey,
    /// Whose.
    pub(crate) user_id: UserId,
    /// In which session, where that is known.
    pub(crate) session_id: Option<SessionId>,
    /// For what.
    pub(crate) scope: Scope,
    /// JSON object: the challenge's metadata, `identifier` masked; none where nobody said.
    pub(crate) metadata_json: Option<String>,
    /// The review that asked for the step; none where the step needs no verdict.
    pub(crate) decision_id: Option<DecisionId>,
    /// By what the challenge was known.
    pub(crate) proof: ChallengeProof,
    /// Who opens it.
    pub(crate) opened_by: ApiKeyId,
    /// When.
    pub(crate) opened_at: Timestamp,
    /// The earliest end of the step's, the challenge's and the review's; after `opened_at`.
    pub(crate) expires_at: Timestamp,
}

/// Which verifications are withdrawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WithdrawnOf {
    /// This one.
    One(VerificationId),
    /// All of a session.
    Session(SessionId),
    /// All of a user.
    User(UserId),
}

/// A verification as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verification {
    /// Its place in the record.
    pub(crate) seq: i64,
    /// What it was opened with; never changes.
    pub(crate) opening: Opening,
    /// The number of its last event.
    pub(crate) version: u32,
    /// As recorded: a pending one may have run out of time since.
    pub(crate) recorded_state: VerificationState,
    /// The decision, where there is one.
    pub(crate) decided: Option<Decided>,
    /// Where it was withdrawn.
    pub(crate) withdrawn: Option<Withdrawn>,
}

impl Verification {
    /// Where it stands at a moment.
    pub(crate) fn state_at(&self, now: Timestamp) -> VerificationState {
        match self.recorded_state {
            VerificationState::Pending if self.opening.expires_at <= now => VerificationState::Expired,
            state => state,
        }
    }
}

/// What can happen to a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum EventKind {
    /// It began.
    Opened,
    /// The step is done.
    Approved,
    /// The step failed.
    Rejected,
    /// Its time ran out.
    Expired,
    /// An approval came after its end, and is kept for a later challenge.
    ApprovedLate,
    /// No token is minted from it any more.
    Withdrawn,
    /// A provider said something that decided nothing.
    ProviderEvent,
}

impl EventKind {
    /// The name in answers and the store.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::ApprovedLate => "approved_late",
            Self::Withdrawn => "withdrawn",
            Self::ProviderEvent => "provider_event",
        }
    }
}

/// Something that happened to a verification, as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredEvent {
    /// Its number: the verification's version since then. None for a token, which changes nothing.
    pub(crate) version: Option<u32>,
    /// When.
    pub(crate) at: Timestamp,
    /// An [`EventKind`], or `token_minted`.
    pub(crate) kind: String,
    /// Who did it.
    pub(crate) actor: String,
    /// More about it.
    pub(crate) detail: Option<String>,
}

/// Which verifications are wanted; what is not said may be anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VerificationFilter {
    /// Of this user.
    pub(crate) user_id: Option<UserId>,
    /// For this scope.
    pub(crate) scope: Option<Scope>,
    /// For one of these scopes: what the asker may see.
    pub(crate) within: Option<Vec<Scope>>,
    /// Of this step.
    pub(crate) step_key: Option<StepKey>,
    /// For one of these steps: what the asker may see.
    pub(crate) within_steps: Option<Vec<StepKey>>,
    /// In this state at `now`.
    pub(crate) state: Option<VerificationState>,
    /// Of this challenge.
    pub(crate) challenge_id: Option<ChallengeId>,
    /// The moment at which states are judged.
    pub(crate) now: Timestamp,
    /// Opened before this place in the record: where the page before ended.
    pub(crate) before: Option<i64>,
    /// The most that are wanted.
    pub(crate) limit: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for state in VerificationState::ALL {
            assert_eq!(VerificationState::parse(state.as_str()), Some(state));
        }
        for withdrawal in Withdrawal::ALL {
            assert_eq!(Withdrawal::parse(withdrawal.as_str()), Some(withdrawal));
        }
        assert_eq!(VerificationState::parse("completed"), None);
    }
}
