//! What happened to a user outside of Doorstep, as somebody reports it.

use super::{ApiKeyId, FactId, FactKind, SubjectKey, Timestamp, UserId};

/// A report of a fact on its way into the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReportedFact {
    /// To whom it happened.
    pub(crate) user_id: UserId,
    /// The same user as the key by which the past is found.
    pub(crate) user_key: SubjectKey,
    /// What.
    pub(crate) kind: FactKind,
    /// When, as the report says; `None` for now.
    pub(crate) at: Option<Timestamp>,
    /// The reporter's own name for it: the same one of a user and kind is the same fact.
    pub(crate) id: Option<FactId>,
    /// When the report came.
    pub(crate) recorded_at: Timestamp,
    /// Who reports it; `None` for Prelude itself.
    pub(crate) api_key_id: Option<ApiKeyId>,
}

impl ReportedFact {
    /// When it happened: when it was reported, unless the report says otherwise.
    pub(crate) fn happened_at(&self) -> Timestamp {
        self.at.unwrap_or(self.recorded_at)
    }
}
