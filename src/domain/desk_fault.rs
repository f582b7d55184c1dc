//! Why the fraud desk cannot do something, in words that never quote a value.

use super::DESK_ENTRIES_MAX;

/// The most characters of an entry.
pub(crate) const DESK_ENTRY_CHARS_MAX: usize = 512;

/// Why a list cannot have an entry. It never quotes the entry, which may be personal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub(crate) enum EntryFault {
    /// No such list.
    #[error("the policy has no such list")]
    UnknownList,
    /// Nothing would come of it.
    #[error("no rule looks into this list, so an entry would change nothing")]
    Unused,
    /// An empty list that is used as lists of two kinds.
    #[error("rules use this empty list for values of two kinds: give its file a first entry")]
    TwoKinds,
    /// Nothing, several lines, a comment.
    #[error(
        "an entry is one line of 1 to {DESK_ENTRY_CHARS_MAX} printable characters without a comment; its end is said apart"
    )]
    Form,
    /// No address or range.
    #[error("the list holds addresses: write one, or a range such as 198.51.100.0/24")]
    NoRange,
    /// An address inside a range with the range's length.
    #[error("an address inside a range: write the range's first address, or the address alone")]
    HostBits,
    /// `::ffff:a.b.c.d`.
    #[error("an IPv4 address in IPv6 clothes: write the IPv4 address or range")]
    Clothes,
    /// A range without a value.
    #[error("the list gives ranges values: write `198.51.100.0/24,value`")]
    NoValue,
    /// A value that nothing would come of.
    #[error("neither a rule nor the list's file has this value")]
    UnknownValue,
    /// It could never be what is looked up.
    #[error(
        "an entry of this list is {0}, as the field holds it after its `normalise`: any other would never match"
    )]
    Misfit(&'static str),
}

/// Why the desk cannot do something. Its words never quote a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DeskFault {
    /// The list cannot have the entry, or is not there.
    #[error(transparent)]
    Entry(#[from] EntryFault),
    /// What should be removed is not there.
    #[error("the list has no such entry now")]
    NotListed {
        /// The entry that may be meant. It may be personal: it is never logged.
        nearest: Option<Box<str>>,
    },
    /// The desk gave the same range another value.
    #[error("the desk gave this range another value: remove that first")]
    OtherValue,
    /// The desk has as many entries as it may have.
    #[error("the desk has {DESK_ENTRIES_MAX} entries already: move some into the lists' files")]
    Full,
    /// An end that is not in the future.
    #[error("`until` is not in the future")]
    EndNotAhead,
    /// An end for what is not taken out of the file but only taken back.
    #[error("this takes an entry of the desk back, for good: leave `until` out")]
    EndOfNothing,
    /// No policy file covers the scope.
    #[error("no policy file covers the scope")]
    ScopeNotCovered,
    /// The scope is not paused.
    #[error("the scope is not paused now")]
    NotPaused,
}
