//! The chain over recorded decisions: what proves it, and what can be wrong with it.

use std::fmt;

use super::{DecisionId, Timestamp};

/// The last decision of a chain, or of a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChainHead {
    /// Which chain: it has its first decision's id for a name.
    pub(crate) chain: DecisionId,
    /// How many decisions it has so far.
    pub(crate) number: i64,
    /// SHA-256 over the last one and, by the hash before it, over all of them.
    pub(crate) hash: [u8; 32],
}

/// What retention leaves where it deletes a part of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Anchor {
    /// The last decision of the part.
    pub(crate) head: ChainHead,
    /// The number of the first.
    pub(crate) first: i64,
    /// When it was left.
    pub(crate) left_at: Timestamp,
}

/// What the whole record was at a moment: whoever keeps it outside can tell later whether that is still so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// When it was taken.
    pub(crate) at: Timestamp,
    /// The place of the last decision then.
    pub(crate) through: i64,
    /// How many decisions stood in chains.
    pub(crate) chained: u64,
    /// Every chain's head, by the chains' names.
    pub(crate) heads: Vec<ChainHead>,
}

/// What a look through the record found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Audited {
    /// The place of the last decision that was looked at.
    pub(crate) through: i64,
    /// How many decisions stand in chains and are what they were.
    pub(crate) chained: u64,
    /// How many were recorded before there were chains: nothing proves them.
    pub(crate) before_chains: u64,
    /// How many of those in chains have no personal values any more, because their user was erased.
    pub(crate) erased: u64,
    /// How many of them have none any more, because those had had their time.
    pub(crate) aged: u64,
    /// How many times a chain went on after decisions that retention had deleted.
    pub(crate) anchored: u64,
    /// Every chain's head, by the chains' names.
    pub(crate) heads: Vec<ChainHead>,
    /// The first thing that is wrong; nothing after it was looked at.
    pub(crate) fault: Option<ChainFault>,
}

/// The first thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChainFault {
    /// The place in the record, where there is one.
    pub(crate) place: Option<i64>,
    /// The decision there, or the chain's first one where the fault is the chain's.
    pub(crate) decision: DecisionId,
    /// What is wrong.
    pub(crate) what: Tampering,
}

/// What can be wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tampering {
    /// The decision, its hash, or its name is not what was recorded.
    Changed,
    /// The decision's personal values are not what was recorded.
    PersonalChanged,
    /// The decision's personal values are gone, and neither erasure nor retention accounts for that.
    PersonalMissing,
    /// Before this decision, others of its chain are missing: the first and the last of their numbers.
    Missing(i64, i64),
    /// A decision of its chain that belongs before this one stands at another place.
    Moved(i64),
    /// Its chain had a decision of its number before.
    Doubled,
    /// It stands in no chain, although chains had begun.
    Unchained,
    /// The chain had so many decisions at the checkpoint, and has only so many now.
    CutTail(i64, i64),
    /// The chain is another one than at the checkpoint.
    Rewritten,
    /// The chain has decisions from before the checkpoint that the checkpoint does not know.
    Added,
}

impl Tampering {
    /// The word for programs.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::PersonalChanged => "personal_changed",
            Self::PersonalMissing => "personal_missing",
            Self::Missing(..) => "missing",
            Self::Moved(_) => "moved",
            Self::Doubled => "doubled",
            Self::Unchained => "unchained",
            Self::CutTail(..) => "cut_tail",
            Self::Rewritten => "rewritten",
            Self::Added => "added",
        }
    }
}

impl fmt::Display for Tampering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed => f.write_str("it is not what was recorded"),
            Self::PersonalChanged => f.write_str("its personal values are not what was recorded"),
            Self::PersonalMissing => {
                f.write_str("its personal values are gone, and nobody erased its user or was to forget them")
            }
            Self::Missing(first, last) if first == last => {
                write!(f, "number {first} of its chain, just before it, is missing")
            }
            Self::Missing(first, last) => {
                write!(f, "numbers {first} to {last} of its chain, just before it, are missing")
            }
            Self::Moved(place) => {
                write!(f, "the decision of its chain that belongs before it stands at place {place}")
            }
            Self::Doubled => f.write_str("its chain had a decision of its number before"),
            Self::Unchained => f.write_str("it stands in no chain, although chains had begun before it"),
            Self::CutTail(stated, found) => {
                write!(f, "its chain had {stated} decisions at the checkpoint and has {found} of them now")
            }
            Self::Rewritten => f.write_str("its chain is another one than at the checkpoint"),
            Self::Added => f.write_str(
                "its chain has decisions among those of the checkpoint that the checkpoint does not know",
            ),
        }
    }
}
