//! What Prelude tells by webhook, and what follows from it (docs/CONTRACT.md C9).

use super::{IdentifierKind, ReportedFact, SessionId, Timestamp, UserId, VerificationId};

/// Why Prelude could not use an answer of the hook, in its own words (docs/CONTRACT.md C9).
pub(crate) const HOOK_FAILURES: [&str; 9] = [
    "request_failed",
    "invalid_status_code",
    "response_decode_failed",
    "invalid_status",
    "missing_steps",
    "invalid_granted_for",
    "invalid_grant_mode",
    "invalid_step",
    "invalid_response",
];

/// Stands for a reason that Prelude added since.
const OTHER_FAILURE: &str = "other";

/// What every kind of fact that Prelude reports begins with; nobody else reports one.
pub(crate) const PRELUDE_FACTS: &str = "prelude.";

/// What happened at Prelude.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PreludeNews {
    /// Somebody became a user.
    UserCreated,
    /// A user is gone.
    UserDeleted(UserId),
    /// A user's profile changed.
    ProfileUpdated(UserId),
    /// A user has a new address or number; of which kind, where the event says.
    IdentifierCreated(UserId, Option<IdentifierKind>),
    /// A user lost an address or number.
    IdentifierDeleted(UserId, Option<IdentifierKind>),
    /// A user logged in.
    SessionCreated,
    /// A session has ended before its time.
    SessionRevoked(SessionId),
    /// Prelude could not use an answer of the hook: one of [`HOOK_FAILURES`], or `other`.
    HookFailed(&'static str),
    /// Something that we do not know.
    Unknown,
}

impl PreludeNews {
    /// Reads why Prelude could not use an answer: one of a known set, whatever it says.
    pub(crate) fn hook_failed(reason: &str) -> Self {
        let known = HOOK_FAILURES.into_iter().find(|known| *known == reason);
        Self::HookFailed(known.unwrap_or(OTHER_FAILURE))
    }

    /// Every reason that an answer is not used for, as far as it is told apart.
    pub(crate) fn failures() -> impl Iterator<Item = &'static str> {
        HOOK_FAILURES.into_iter().chain([OTHER_FAILURE])
    }

    /// Prelude's type of the event; `unknown` for one that we do not know.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::UserCreated => "user.created",
            Self::UserDeleted(_) => "user.deleted",
            Self::ProfileUpdated(_) => "user.profile.updated",
            Self::IdentifierCreated(..) => "user.identifier.created",
            Self::IdentifierDeleted(..) => "user.identifier.deleted",
            Self::SessionCreated => "user.session.created",
            Self::SessionRevoked(_) => "user.session.revoked",
            Self::HookFailed(_) => "step_up.hook_failed",
            Self::Unknown => "unknown",
        }
    }

    /// Whom it makes facts about, and of which kinds: what policies write after `fact.`.
    pub(crate) fn facts(&self) -> Option<(&UserId, Vec<&'static str>)> {
        let with = |all, email, phone, kind: &Option<IdentifierKind>| match kind {
            Some(IdentifierKind::EmailAddress) => vec![all, email],
            Some(IdentifierKind::PhoneNumber) => vec![all, phone],
            Some(IdentifierKind::Other(_)) | None => vec![all],
        };
        match self {
            Self::ProfileUpdated(user) => Some((user, vec!["prelude.profile_updated"])),
            Self::IdentifierCreated(user, kind) => Some((
                user,
                with(
                    "prelude.identifier_created",
                    "prelude.email_address_created",
                    "prelude.phone_number_created",
                    kind,
                ),
            )),
            Self::IdentifierDeleted(user, kind) => Some((
                user,
                with(
                    "prelude.identifier_deleted",
                    "prelude.email_address_deleted",
                    "prelude.phone_number_deleted",
                    kind,
                ),
            )),
            Self::UserCreated
            | Self::UserDeleted(_)
            | Self::SessionCreated
            | Self::SessionRevoked(_)
            | Self::HookFailed(_)
            | Self::Unknown => None,
        }
    }
}

/// An event as Prelude signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PreludeEvent {
    /// What happened.
    pub(crate) news: PreludeNews,
    /// When, by Prelude's clock, where the event says so.
    pub(crate) happened_at: Option<Timestamp>,
    /// All that the event says, in one spelling: two events that say the same are one. It has personal values in it.
    pub(crate) content: EventContent,
}

/// What an event says, word for word; never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct EventContent(pub(crate) Box<str>);

impl std::fmt::Debug for EventContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EventContent(…)")
    }
}

/// An event on its way into the record.
#[derive(Debug, Clone)]
pub(crate) struct PreludeEventRecord {
    /// The keyed digest of what it says.
    pub(crate) digest: [u8; 32],
    /// Its type, as [`PreludeNews::kind`] has it.
    pub(crate) kind: &'static str,
    /// When it happened; never after `received_at`.
    pub(crate) happened_at: Timestamp,
    /// When it came.
    pub(crate) received_at: Timestamp,
    /// What follows from it.
    pub(crate) effect: PreludeEffect,
}

/// What follows from an event, once.
#[derive(Debug, Clone)]
pub(crate) enum PreludeEffect {
    /// Nothing.
    None,
    /// Policies can ask for it.
    Facts(UserId, Vec<ReportedFact>),
    /// The session's verifications are worth nothing any more.
    EndSession(SessionId),
    /// The user's verifications are worth nothing any more, and the user waits to be erased.
    EraseUser(UserId),
    /// Somebody should look at the hook: one of [`HOOK_FAILURES`], or `other`.
    Warn(&'static str),
}

/// What was done about an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PreludeRecorded {
    /// It was recorded now, and these verifications were withdrawn.
    Now(Vec<VerificationId>),
    /// It was recorded before, and nothing was done now.
    Before,
}

/// A user who waits to be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ErasureWish {
    /// Who.
    pub(crate) user_id: UserId,
    /// Since when.
    pub(crate) wished_at: Timestamp,
    /// Who wants it.
    pub(crate) actor: super::Actor,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_of_a_known_set() {
        for reason in HOOK_FAILURES {
            assert_eq!(PreludeNews::hook_failed(reason), PreludeNews::HookFailed(reason));
        }
        assert_eq!(PreludeNews::hook_failed("usr_1 went home"), PreludeNews::HookFailed("other"));
    }

    #[test]
    fn an_identifier_of_a_known_kind_is_two_facts_and_any_other_one() {
        let user = UserId::new("usr_1").expect("a user");
        let kinds = |news: PreludeNews| news.facts().map(|(_, kinds)| kinds);
        for (kind, expected) in [
            (None, vec!["prelude.identifier_created"]),
            (Some("username"), vec!["prelude.identifier_created"]),
            (Some("email_address"), vec!["prelude.identifier_created", "prelude.email_address_created"]),
            (Some("phone_number"), vec!["prelude.identifier_created", "prelude.phone_number_created"]),
        ] {
            let kind = kind.map(IdentifierKind::from_wire);
            assert_eq!(kinds(PreludeNews::IdentifierCreated(user.clone(), kind.clone())), Some(expected));
            let deleted = kinds(PreludeNews::IdentifierDeleted(user.clone(), kind)).expect("facts");
            assert!(deleted.iter().all(|kind| kind.starts_with(PRELUDE_FACTS) && kind.ends_with("_deleted")));
        }
        assert_eq!(kinds(PreludeNews::UserDeleted(user)), None);
    }
}
