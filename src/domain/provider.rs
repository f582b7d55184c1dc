//! What an identity-check provider says about a verification.

use std::fmt;
use std::time::Duration;

use super::{SourceName, StepKey, Timestamp};

/// The longest event id that a provider may give, in characters.
const EVENT_ID_CHARS_MAX: usize = 128;

/// What an event means for the verification it speaks of.
///
/// Everything that is not final, and everything that is not understood, is `Pending`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProviderOutcome {
    /// The user finished the check, for good.
    Approved,
    /// The user failed it, for good; the provider's own word for why, never free text.
    Rejected(Box<str>),
    /// Nothing is decided.
    Pending,
    /// The provider's check ran out of time; the verification has an end of its own.
    Expired,
    /// What was approved before no longer holds.
    Reset,
}

impl ProviderOutcome {
    /// The outcome's word in records, metrics and logs.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected(_) => "rejected",
            Self::Pending => "pending",
            Self::Expired => "expired",
            Self::Reset => "reset",
        }
    }
}

/// Tells an event from every other of its source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct EventId(Box<str>);

impl EventId {
    /// Takes the id that the provider gave: 1 to 128 printable characters, and not in the form that
    /// [`EventId::of_body`] makes.
    pub(crate) fn given(text: &str) -> Option<Self> {
        let length = text.chars().count();
        let sound = (1..=EVENT_ID_CHARS_MAX).contains(&length)
            && !text.contains(char::is_control)
            && !text.starts_with("sha256:");
        sound.then(|| Self(text.into()))
    }

    /// Names an event by what it says, for providers that give no id: the same bytes are the same event.
    pub(crate) fn of_body(sha256: [u8; 32]) -> Self {
        let mut text = String::from("sha256:");
        for byte in sha256 {
            text.extend(
                [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')),
            );
        }
        Self(text.into())
    }

    /// The id as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether an event is of the kind that its source may act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match {
    /// Every required value holds, and the provider's word is a known one.
    Known,
    /// Every required value holds; the provider's word is none that we know, so nothing follows from it.
    UnknownWord,
    /// A required value is missing or another one: the wrong workflow or level, or a sandbox.
    Mismatch,
}

/// An event that a provider signed. Only `callbacks` reads one, from bytes whose signature held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProviderEvent {
    /// Which event this is.
    pub(crate) id: EventId,
    /// SHA-256 of the body, which is itself not kept.
    pub(crate) body_sha256: [u8; 32],
    /// The reference that we gave the provider, if the event has one. Unchecked: it may be any text.
    pub(crate) reference: Option<Box<str>>,
    /// What follows from it. INVARIANT: `Pending` unless `matches` is [`Match::Known`].
    pub(crate) outcome: ProviderOutcome,
    /// When it happened, by the provider's clock, if the event says so.
    pub(crate) happened_at: Option<Timestamp>,
    /// Whether it may be acted on.
    pub(crate) matches: Match,
}

/// A step that a provider may finish now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProviderRight {
    /// Which step. Both the settings and the policy in force let the provider finish it.
    pub(crate) step: StepKey,
    /// How long an approval that comes too late is kept for a later challenge; none means that it is lost.
    pub(crate) kept_for: Option<Duration>,
}

/// An event that is to be recorded, with what the provider may do.
#[derive(Debug, Clone)]
pub(crate) struct ProviderCall {
    /// Whose.
    pub(crate) source: SourceName,
    /// What it says.
    pub(crate) event: ProviderEvent,
    /// When it came.
    pub(crate) received_at: Timestamp,
    /// The steps that the provider may finish.
    pub(crate) rights: Vec<ProviderRight>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Became {
    /// It decided the verification.
    Applied,
    /// It took the approval back, or what may still come of before.
    TakenBack,
    /// It approved after the end, and is kept for a later challenge.
    Kept,
    /// It decides nothing by what it says.
    Pending,
    /// It says a word that we do not know.
    UnknownWord,
    /// A required value is missing or another one.
    Mismatch,
    /// The reference belongs to another provider, or to none.
    WrongSource,
    /// The settings or the policy in force do not let the provider finish the step.
    NotAllowed,
    /// No verification has the reference, or the event has none.
    UnknownReference,
    /// Something that happened later was applied before.
    Late,
    /// The verification was decided or withdrawn before.
    AlreadyDecided,
    /// The verification's time was over, and nothing is kept.
    TooLate,
}

impl Became {
    /// What somebody should look at: provider, settings and policy do not go together.
    pub(crate) const AMISS: [Self; 5] =
        [Self::UnknownWord, Self::Mismatch, Self::WrongSource, Self::NotAllowed, Self::UnknownReference];

    /// The name in the store, metrics, logs and the verification's history.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::TakenBack => "taken_back",
            Self::Kept => "kept",
            Self::Pending => "pending",
            Self::UnknownWord => "unknown_word",
            Self::Mismatch => "mismatch",
            Self::WrongSource => "wrong_source",
            Self::NotAllowed => "not_allowed",
            Self::UnknownReference => "unknown_reference",
            Self::Late => "late",
            Self::AlreadyDecided => "already_decided",
            Self::TooLate => "too_late",
        }
    }

    /// Whether somebody should look.
    pub(crate) fn is_amiss(self) -> bool {
        Self::AMISS.contains(&self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_named_by_its_provider_or_by_its_bytes() {
        assert_eq!(EventId::given("evt_1").map(|id| id.to_string()).as_deref(), Some("evt_1"));
        assert!(EventId::given(&"é".repeat(128)).is_some());
        for bad in ["", "a\nb", "sha256:00", &"a".repeat(129)] {
            assert_eq!(EventId::given(bad), None, "{bad}");
        }
        let id = EventId::of_body([0x0f; 32]);
        assert_eq!(id.as_str(), format!("sha256:{}", "0f".repeat(32)));
    }
}
