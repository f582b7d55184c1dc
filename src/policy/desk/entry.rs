//! Reading what somebody at the desk wants to list, as strictly as the lists' files are read.

use std::collections::HashSet;
use std::fmt;

use ipnet::IpNet;

use super::uses::Uses;
use crate::domain::{DESK_ENTRY_CHARS_MAX, EntryFault, ListName, Timestamp};
use crate::policy::addresses::{RangeFault, parse_range};
use crate::policy::bundle::Bundle;
use crate::policy::lists::fit::Use;
use crate::policy::lists::read::{Content, KeptList, is_one_entry, mapped};

/// What kind of entries a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Texts.
    Texts,
    /// Addresses and ranges.
    Ranges,
    /// Ranges with a value.
    Mapping,
}

impl Kind {
    /// The word for it in answers.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Texts => "texts",
            Self::Ranges => "addresses",
            Self::Mapping => "mapping",
        }
    }

    fn of(used: Use<'_>) -> Self {
        match used {
            Use::Addresses => Self::Ranges,
            Use::Values(_) => Self::Mapping,
            _ => Self::Texts,
        }
    }
}

/// An entry that its list can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ListEntry {
    Text(Box<str>),
    Range(IpNet),
    Mapped(IpNet, Box<str>),
}

impl ListEntry {
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Texts,
            Self::Range(_) => Kind::Ranges,
            Self::Mapped(..) => Kind::Mapping,
        }
    }
}

/// In its one spelling, so that nothing is listed twice.
impl fmt::Display for ListEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = |f: &mut fmt::Formatter<'_>, net: &IpNet| {
            if net.prefix_len() == net.max_prefix_len() { net.addr().fmt(f) } else { net.fmt(f) }
        };
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Range(net) => range(f, net),
            Self::Mapped(net, value) => {
                range(f, net)?;
                write!(f, ",{value}")
            }
        }
    }
}

/// A list that rules look into, with what its entries must be.
#[derive(Debug)]
pub(super) struct Known<'b> {
    list: &'b KeptList,
    uses: Uses<'b>,
    kind: Kind,
}

impl Bundle {
    /// A list that rules look into.
    ///
    /// # Errors
    /// [`EntryFault::UnknownList`], [`EntryFault::Unused`] or [`EntryFault::TwoKinds`].
    pub(super) fn known(&self, name: &ListName) -> Result<Known<'_>, EntryFault> {
        let list = self.lists().get(name.as_str()).ok_or(EntryFault::UnknownList)?;
        let uses = self.uses(name.as_str());
        let kinds: HashSet<Kind> = uses.uses.iter().map(|used| Kind::of(*used)).collect();
        let kind = *kinds.iter().next().ok_or(EntryFault::Unused)?;
        if kinds.len() > 1 { Err(EntryFault::TwoKinds) } else { Ok(Known { list, uses, kind }) }
    }
}

impl Known<'_> {
    /// What kind of entries it has.
    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    /// Reads an entry of the list.
    ///
    /// # Errors
    /// Why the list cannot have it.
    pub(super) fn read(&self, text: &str) -> Result<ListEntry, EntryFault> {
        let text = text.trim();
        if text.chars().count() > DESK_ENTRY_CHARS_MAX || !is_one_entry(text) {
            return Err(EntryFault::Form);
        }
        match self.kind {
            Kind::Texts => match self.uses.uses.iter().find(|used| !used.fits(text)) {
                None => Ok(ListEntry::Text(text.into())),
                Some(used) => Err(EntryFault::Misfit(used.what())),
            },
            Kind::Ranges => range(text).map(ListEntry::Range),
            Kind::Mapping => {
                let (net, value) =
                    mapped(text).filter(|(_, value)| !value.is_empty()).ok_or(EntryFault::NoValue)?;
                let net = range(net)?;
                if self.has_value(value) {
                    Ok(ListEntry::Mapped(net, value.into()))
                } else {
                    Err(EntryFault::UnknownValue)
                }
            }
        }
    }

    fn has_value(&self, value: &str) -> bool {
        let asked = self
            .uses
            .uses
            .iter()
            .any(|used| matches!(used, Use::Values(values) if values.iter().any(|own| **own == *value)));
        asked
            || matches!(&self.list.content, Content::Mapping(list) if list.values().iter().any(|own| **own == *value))
    }

    /// Whether the file has exactly this entry, and it counts at that moment.
    pub(super) fn file_has(&self, entry: &ListEntry, now: Timestamp) -> bool {
        match (entry, &self.list.content) {
            (ListEntry::Text(text), Content::Texts(list)) => list.contains(text, now, None),
            (ListEntry::Range(net), Content::Addresses(list)) => list.has(*net, now),
            (ListEntry::Mapped(net, value), Content::Mapping(list)) => list.has(*net, value),
            _ => false,
        }
    }

    /// Whether the file gives exactly this range this value.
    pub(super) fn file_maps(&self, net: IpNet, value: &str) -> bool {
        matches!(&self.list.content, Content::Mapping(list) if list.has(net, value))
    }

    /// The list as its file has it.
    pub(super) const fn list(&self) -> &KeptList {
        self.list
    }
}

fn range(text: &str) -> Result<IpNet, EntryFault> {
    parse_range(text).map_err(|fault| match fault {
        RangeFault::Form => EntryFault::NoRange,
        RangeFault::HostBits(_) => EntryFault::HostBits,
        RangeFault::Mapped => EntryFault::Clothes,
    })
}
