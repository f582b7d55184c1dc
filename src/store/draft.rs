//! What is handed in to be recorded: a decision, or the question that leads to one.

use std::fmt;

use crate::domain::{Asker, DecisionRecord, DeskRevision, History, Needs, Timestamp};

/// A call on its way into the record.
#[derive(Debug)]
pub(crate) enum Draft {
    /// It is decided.
    Decided(Box<DecisionRecord>),
    /// It is decided once its past is known.
    Waits(Box<Question>),
}

/// A call whose decision depends on earlier ones: it is decided in the transaction that records it, so that no other call
/// comes in between.
pub(crate) struct Question {
    /// What must be known.
    pub(crate) needs: Needs,
    /// Who asks, for what, when.
    pub(crate) asker: Asker,
    /// What the fraud desk says to it: after another action of the desk the question is no longer put.
    pub(crate) desk: DeskRevision,
    /// Decides. It is asked again where its transaction has to be repeated.
    pub(crate) decide: Decide,
}

/// From the past to the decision; total, and the same for the same past.
pub(crate) type Decide = Box<dyn Fn(&History) -> DecisionRecord + Send + Sync>;

impl Draft {
    /// When the call reached us.
    pub(super) const fn received_at(&self) -> Timestamp {
        match self {
            Self::Decided(record) => record.received_at,
            Self::Waits(question) => question.asker.at,
        }
    }

    /// What is asked about the past, if something is.
    pub(super) const fn question(&self) -> Option<&Question> {
        match self {
            Self::Decided(_) => None,
            Self::Waits(question) => Some(question),
        }
    }

    /// What the fraud desk says to whoever decides.
    pub(super) const fn desk(&self) -> DeskRevision {
        match self {
            Self::Decided(record) => record.desk,
            Self::Waits(question) => question.desk,
        }
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question")
            .field("needs", &self.needs)
            .field("asker", &self.asker)
            .finish_non_exhaustive()
    }
}
