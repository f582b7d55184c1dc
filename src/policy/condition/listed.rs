//! Questions to lists: what stands in the file, and what the fraud desk says at the moment of the request.

use std::net::IpAddr;
use std::sync::Arc;

use crate::domain::Timestamp;
use crate::policy::addresses::AddressSet;
use crate::policy::desk::DeskOverlay;
use crate::policy::lists::{AddressList, MapList, TextList};

/// A question to a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listed {
    /// `in_list` of a text.
    Text(Arc<TextList>),
    /// `in_list` of an address.
    Address(Arc<AddressList>),
    /// `mapped_by`.
    Mapped(Arc<MapList>, Box<Wanted>),
}

/// The values that `mapped_by` asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Wanted {
    /// The values, sorted.
    pub(crate) values: Vec<Box<str>>,
    /// The addresses to which the list's file gives one of them.
    pub(crate) addresses: AddressSet,
}

/// The moment of a request, and what the fraud desk says then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment<'r> {
    /// When the request arrived.
    pub(super) now: Timestamp,
    /// What the desk says.
    pub(super) desk: &'r DeskOverlay,
}

impl Listed {
    /// The list's name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Text(list) => list.name(),
            Self::Address(list) => list.name(),
            Self::Mapped(list, _) => list.name(),
        }
    }

    /// Whether an address is in it, or has one of the wanted values. An address is in no list of texts.
    pub(super) fn has_address(&self, address: IpAddr, Moment { now, desk }: Moment<'_>) -> bool {
        match self {
            Self::Text(_) => false,
            Self::Address(list) => list.contains(address, now, desk.addresses(list.name())),
            Self::Mapped(list, wanted) => match desk.mapping(list.name()) {
                None => wanted.addresses.contains(address),
                Some(desk) => {
                    let value = list.value(address, now, desk);
                    value.is_some_and(|value| wanted.values.iter().any(|wanted| **wanted == *value))
                }
            },
        }
    }
}

/// Whether a text is in a list at that moment.
pub(super) fn has_text(list: &TextList, text: &str, Moment { now, desk }: Moment<'_>) -> bool {
    list.contains(text, now, desk.texts(list.name()))
}
