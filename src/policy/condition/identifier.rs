//! What is asked of one identifier.

use std::sync::Arc;

use super::listed::{Moment, has_text};
use crate::domain::{Identifier, IdentifierKind};
use crate::policy::lists::TextList;

/// What an identifier must be; every part that is there must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct IdentifierTest {
    /// One of these kinds.
    pub(crate) kinds: Option<Vec<IdentifierKind>>,
    /// An e-mail address at one of these domains, in small letters.
    pub(crate) domains: Option<Vec<Box<str>>>,
    /// A phone number that begins so.
    pub(crate) prefixes: Option<Vec<Box<str>>>,
    /// One that is in this list; e-mail addresses are looked up in small letters.
    pub(crate) list: Option<Arc<TextList>>,
}

impl IdentifierTest {
    /// Its kinds, where it asks for nothing else.
    pub(super) fn only_kinds(&self) -> Option<&[IdentifierKind]> {
        let nothing_else = self.domains.is_none() && self.prefixes.is_none() && self.list.is_none();
        self.kinds.as_deref().filter(|_| nothing_else)
    }

    /// Whether one identifier fits at a moment: what is in a list may end.
    pub(super) fn fits(&self, identifier: &Identifier, moment: Moment<'_>) -> bool {
        let kind_fits = self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&identifier.kind));
        kind_fits
            && self.domains.as_ref().is_none_or(|domains| has_domain(identifier, domains))
            && self.prefixes.as_ref().is_none_or(|prefixes| has_prefix(identifier, prefixes))
            && self.list.as_ref().is_none_or(|list| has_text(list, &identifier.value.to_lowercase(), moment))
    }
}

fn has_domain(identifier: &Identifier, domains: &[Box<str>]) -> bool {
    // The reader takes no domain with an `@`: what follows the last one of an address is the domain, or ends otherwise.
    let address = identifier.value.as_bytes();
    let is_at = |domain: &str| {
        let at = address.len().checked_sub(domain.len() + 1).and_then(|start| address.get(start..));
        at.and_then(<[u8]>::split_first)
            .is_some_and(|(at, end)| *at == b'@' && end.eq_ignore_ascii_case(domain.as_bytes()))
    };
    identifier.kind == IdentifierKind::EmailAddress && domains.iter().any(|domain| is_at(domain))
}

fn has_prefix(identifier: &Identifier, prefixes: &[Box<str>]) -> bool {
    identifier.kind == IdentifierKind::PhoneNumber
        && prefixes.iter().any(|prefix| identifier.value.starts_with(&**prefix))
}
