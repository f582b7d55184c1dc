//! Who looked at what is recorded.

use super::{Actor, Timestamp};

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccessAction {
    /// A list of decisions; the subject is the user's digest where one user's were asked for.
    DecisionsList,
    DecisionsExport,
    /// One decision; the subject is its id.
    DecisionsRead,
    /// A list of verifications; the subject is the user's digest where one user's were asked for.
    VerificationsList,
    /// One verification that another key opened, or its events; the subject is its id.
    VerificationsRead,
    /// A dry run; the subject is the digest of the user that it was made for.
    Evaluate,
    /// The policy in force, or when which one was.
    PoliciesRead,
    /// A wish that the policy files are read now.
    PoliciesReload,
    /// A copy of everything.
    StoreBackup,
    /// This record itself; the subject is the user's digest where one user's were asked for.
    AccessesList,
}

impl AccessAction {
    /// The action's name in the store and in answers.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::DecisionsList => "decisions.list",
            Self::DecisionsExport => "decisions.export",
            Self::DecisionsRead => "decisions.read",
            Self::VerificationsList => "verifications.list",
            Self::VerificationsRead => "verifications.read",
            Self::Evaluate => "evaluate",
            Self::PoliciesRead => "policies.read",
            Self::PoliciesReload => "policies.reload",
            Self::StoreBackup => "store.backup",
            Self::AccessesList => "accesses.list",
        }
    }
}

/// That somebody looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccessRecord {
    /// When.
    pub(crate) at: Timestamp,
    /// Who.
    pub(crate) actor: Actor,
    /// At what kind of thing.
    pub(crate) action: AccessAction,
    /// At which one: a decision's id, or `user:` and a keyed digest of the user's id.
    pub(crate) subject: Option<String>,
}

/// An access as it was recorded, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredAccess {
    /// Its place, in the order of commit.
    pub(crate) seq: i64,
    /// When.
    pub(crate) at: Timestamp,
    /// Who.
    pub(crate) actor: String,
    /// At what kind of thing.
    pub(crate) action: String,
    /// At which one.
    pub(crate) subject: Option<String>,
}
