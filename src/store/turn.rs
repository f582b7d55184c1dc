//! Whom a write concerns, so that those that concern the same come one after the other.
//!
//! On SQLite all writes do. On PostgreSQL they share the database with other processes, and take their turns by advisory locks
//! that end with the transaction (docs/decisions/0031): a user's writes one after the other, the house's alone.

use std::collections::BTreeSet;

use crate::domain::{Reference, SourceName, SubjectKey, UserId, VerificationId, WithdrawnOf};

/// Whom a write concerns.
#[derive(Debug, Clone)]
pub(super) enum Turn {
    /// Nobody else's write: it only adds, or one statement does it all.
    Anyone,
    /// Whoever does the same task: nobody else waits for it.
    Task(&'static str),
    /// Everybody: keys, API keys, the fraud desk, and what tidies.
    House,
    /// A user.
    User(UserId),
    /// A user, and whoever asks about the past by these other subjects.
    UserAnd(UserId, BTreeSet<SubjectKey>),
    /// The user of a verification.
    Verification(VerificationId),
    /// The users of what is withdrawn.
    Withdrawn(WithdrawnOf),
    /// A provider's event, and then the user of the verification that it speaks of.
    Event {
        /// Whose event.
        source: SourceName,
        /// Its name there.
        event_id: Box<str>,
        /// The verification's reference, where it has one.
        reference: Option<Reference>,
    },
    /// A request that may be repeated, and then whom it concerns.
    Request {
        /// What makes the request one.
        name: String,
        /// Whom it concerns.
        then: Box<Turn>,
    },
}
