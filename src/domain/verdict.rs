//! What Doorstep answers: continue, review with a plan of steps, or block.

use super::{Seconds, StepKey};

/// How far a grant reaches (docs/CONTRACT.md C4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum GrantMode {
    /// For one use.
    SingleUse,
    /// For this session.
    SessionBound,
    /// For the user, in every session.
    ProfileBound,
}

impl GrantMode {
    /// Every mode, for checks and messages.
    pub(crate) const ALL: [Self; 3] = [Self::SingleUse, Self::SessionBound, Self::ProfileBound];

    /// Prelude's word for the mode.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::SingleUse => "single-use",
            Self::SessionBound => "session-bound",
            Self::ProfileBound => "profile-bound",
        }
    }
}

/// What a user gets once nothing more is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grant {
    /// How far it reaches.
    pub(crate) mode: GrantMode,
    /// How long it lasts (`granted_for` on the wire).
    pub(crate) granted_for: Seconds,
}

/// One thing the user must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// Which one.
    pub(crate) key: StepKey,
    /// How long the user has for it (`expiration_duration` on the wire).
    pub(crate) expires_in: Seconds,
}

/// Why steps are not a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlanFault {
    /// A review without steps would be a continue in disguise.
    #[error("a review needs at least one step")]
    Empty,
    /// One step twice.
    #[error("a step appears twice in one plan")]
    Duplicate,
}

/// The steps of a review, in the order in which they are walked: at least one, no key twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StepPlan(Vec<Step>);

impl StepPlan {
    /// Checks that there are steps and that none appears twice.
    ///
    /// # Errors
    /// [`PlanFault`]; there is no plan then.
    pub(crate) fn new(steps: Vec<Step>) -> Result<Self, PlanFault> {
        if steps.is_empty() {
            return Err(PlanFault::Empty);
        }
        let duplicate = steps
            .iter()
            .enumerate()
            .any(|(at, step)| steps.iter().skip(at + 1).any(|later| later.key == step.key));
        if duplicate { Err(PlanFault::Duplicate) } else { Ok(Self(steps)) }
    }

    /// The steps in walking order.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// How long all steps may take together, one after the other.
    pub(crate) fn walking_time(&self) -> std::time::Duration {
        self.0.iter().map(|step| step.expires_in.duration()).sum()
    }
}

/// Which kind of answer a verdict is, without what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum VerdictKind {
    /// Granted without more.
    Continue,
    /// Granted once the steps are done.
    Review,
    /// Not granted.
    Block,
}

impl VerdictKind {
    /// Every kind, softest first.
    pub(crate) const ALL: [Self; 3] = [Self::Continue, Self::Review, Self::Block];

    /// Prelude's word for the kind (`status` on the wire).
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Continue => "continue",
            Self::Review => "review",
            Self::Block => "block",
        }
    }

    /// Reads Prelude's word for a kind.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The answer to a hook call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Granted without more.
    Continue(Grant),
    /// Granted once the steps are done.
    Review(Grant, StepPlan),
    /// Not granted.
    Block,
}

impl Verdict {
    /// Which kind of answer it is.
    pub(crate) const fn kind(&self) -> VerdictKind {
        match self {
            Self::Continue(_) => VerdictKind::Continue,
            Self::Review(..) => VerdictKind::Review,
            Self::Block => VerdictKind::Block,
        }
    }

    /// Prelude's word for the verdict (`status` on the wire).
    pub(crate) const fn as_str(&self) -> &'static str {
        self.kind().as_str()
    }
}
