//! What happens to signing keys, by whom, and what it changes.

use std::fmt;

use super::{Actor, Kid, SigningKeyRecord, Timestamp};

/// How many times something happened to the keys: names what they are now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyRevision(u32);

impl KeyRevision {
    /// Takes a number that was stored.
    pub(crate) const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    pub(crate) const fn get(self) -> u32 {
        self.0
    }

    /// The one that the next action makes.
    #[must_use]
    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyDeed {
    /// A key was made: the very first, or the next.
    Rotate,
    /// A key of the customer's was taken in.
    Import,
    /// A key was withdrawn.
    Revoke,
    /// Everything sealed was sealed anew under another encryption key.
    Reseal,
    /// The private part of a key that retired was thrown away.
    Forget,
}

impl KeyDeed {
    const ALL: [Self; 5] = [Self::Rotate, Self::Import, Self::Revoke, Self::Reseal, Self::Forget];

    /// The word in the store and in answers.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Rotate => "rotate",
            Self::Import => "import",
            Self::Revoke => "revoke",
            Self::Reseal => "reseal",
            Self::Forget => "forget",
        }
    }

    /// Reads a word; `None` for one that names none.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.as_str() == word)
    }
}

impl serde::Serialize for KeyDeed {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One action: what, to which key, when, by whom.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct KeyAct {
    /// What is done.
    pub(crate) deed: KeyDeed,
    /// The key; none where it is about all of them.
    pub(crate) kid: Option<Kid>,
    /// When.
    pub(crate) at: Timestamp,
    /// Who; none where Doorstep did it by itself.
    pub(crate) by: Option<Actor>,
}

/// An action as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct KeyAction {
    /// The revision that it made.
    #[serde(skip)]
    pub(crate) revision: KeyRevision,
    /// What was done.
    #[serde(flatten)]
    pub(crate) act: KeyAct,
}

/// All keys of one revision, the one that activates first in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyLedger {
    /// Which revision.
    pub(crate) revision: KeyRevision,
    /// The keys; withdrawn and retired ones too.
    pub(crate) keys: Vec<SigningKeyRecord>,
}

/// A secret as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SealedSecret {
    /// Under which name.
    pub(crate) name: String,
    /// Sealed, and bound to its name.
    pub(crate) sealed: Vec<u8>,
}

/// Without the bytes: even sealed they have no place in a log.
impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedSecret").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A secret before and after it was sealed anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResealedSecret {
    /// As it was read.
    pub(crate) before: SealedSecret,
    /// As it shall be.
    pub(crate) sealed: Vec<u8>,
}

/// A change to the keys that was judged against a revision and is carried out only while that is the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyChange {
    /// The revision that it was judged against.
    pub(crate) judged_at: KeyRevision,
    /// What is done.
    pub(crate) act: KeyAct,
    /// Every row that it adds or changes, as it shall be.
    pub(crate) rows: Vec<SigningKeyRecord>,
    /// Every secret there is, where all of them are sealed anew.
    pub(crate) secrets: Option<Vec<ResealedSecret>>,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyOutcome {
    /// It is on disk and recorded.
    Done,
    /// Somebody else did something since it was judged: nothing was changed.
    Stale,
}
