//! The fraud desk's word over a bundle: entries put into lists and taken out of them, and scopes that are paused.
//!
//! A [`Desk`] is compiled against a bundle into a [`DeskOverlay`], which deciding looks into beside the files' lists. An
//! empty one costs a comparison. [`entry`] reads what somebody wants to list, [`plan`] judges an action.

use super::bundle::Bundle;
use super::lists::NEVER;
use super::lists::delta::{AddressDelta, ListDelta, MapDelta, TextDelta};
use crate::domain::{Desk, DeskEntry, DeskRevision, Effect, ListName, Scope, Timestamp};

mod entry;
mod misfit;
mod plan;
mod shown;
mod uses;

#[cfg(test)]
mod tests;

pub(crate) use misfit::DeskMisfits;
pub(crate) use shown::{EntryShown, EntryState, ListShown};

use entry::{Known, ListEntry};

/// What the desk says, compiled for one bundle. Immutable, like the bundle.
#[derive(Debug, Default)]
pub(crate) struct DeskOverlay {
    revision: DeskRevision,
    /// Paused scopes with their ends, by scope.
    pauses: Vec<(Scope, Timestamp)>,
    /// What is said of lists, by name.
    lists: Vec<(ListName, ListDelta)>,
}

impl DeskOverlay {
    /// A desk that says nothing.
    pub(crate) const fn none() -> Self {
        Self { revision: DeskRevision::NONE, pauses: Vec::new(), lists: Vec::new() }
    }

    /// Which revision of the desk it is.
    pub(crate) const fn revision(&self) -> DeskRevision {
        self.revision
    }

    /// Whether nothing is granted for a scope at that moment.
    pub(super) fn pauses(&self, scope: &Scope, now: Timestamp) -> bool {
        let found = self.pauses.binary_search_by(|(paused, _)| paused.cmp(scope));
        found.ok().and_then(|at| self.pauses.get(at)).is_some_and(|(_, until)| now < *until)
    }

    /// What is said of a list of texts.
    pub(super) fn texts(&self, list: &str) -> Option<&TextDelta> {
        if let ListDelta::Texts(delta) = self.list(list)? { Some(delta) } else { None }
    }

    /// What is said of a list of addresses.
    pub(super) fn addresses(&self, list: &str) -> Option<&AddressDelta> {
        if let ListDelta::Addresses(delta) = self.list(list)? { Some(delta) } else { None }
    }

    /// What is said of a mapping list.
    pub(super) fn mapping(&self, list: &str) -> Option<&MapDelta> {
        if let ListDelta::Mapping(delta) = self.list(list)? { Some(delta) } else { None }
    }

    fn list(&self, name: &str) -> Option<&ListDelta> {
        let found = self.lists.binary_search_by(|(list, _)| list.as_str().cmp(name));
        found.ok().and_then(|at| self.lists.get(at)).map(|(_, delta)| delta)
    }
}

impl Bundle {
    /// Compiles the desk's word for this bundle.
    ///
    /// # Errors
    /// The entries that have no place in this bundle: their list is gone or used otherwise now. Bundle and desk must not
    /// be put in force together then, since somebody relies on those entries.
    pub(crate) fn compile_desk(&self, desk: &Desk) -> Result<DeskOverlay, DeskMisfits> {
        let (overlay, misfits) = self.compile_desk_as_far_as_it_fits(desk);
        if misfits.is_empty() { Ok(overlay) } else { Err(misfits) }
    }

    /// Compiles what has a place in this bundle, for an instance that has another bundle in force than the one against
    /// which the desk acted. What is left out could not have changed a verdict of this bundle.
    ///
    /// - returns: also the entries that were left out; somebody must be told.
    pub(crate) fn compile_desk_as_far_as_it_fits(&self, desk: &Desk) -> (DeskOverlay, DeskMisfits) {
        let mut misfits = DeskMisfits::default();
        let mut lists = Vec::new();
        let mut entries: Vec<&DeskEntry> = desk.entries.iter().collect();
        entries.sort_unstable_by(|a, b| (&a.list, &a.value).cmp(&(&b.list, &b.value)));
        for same in entries.chunk_by(|a, b| a.list == b.list) {
            let Some(first) = same.first() else { continue };
            match self.known(&first.list) {
                Ok(known) => {
                    let read = same.iter().filter_map(|entry| match known.read(&entry.value) {
                        Ok(value) => Some((value, *entry)),
                        Err(fault) => {
                            misfits.add(&entry.list, 1, fault);
                            None
                        }
                    });
                    lists.extend(delta(&known, read.collect()).map(|delta| (first.list.clone(), delta)));
                }
                Err(fault) => misfits.add(&first.list, same.len(), fault),
            }
        }
        let mut pauses: Vec<_> =
            desk.pauses.iter().map(|pause| (pause.scope.clone(), pause.until.unwrap_or(NEVER))).collect();
        pauses.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        (DeskOverlay { revision: desk.revision, pauses, lists }, misfits)
    }
}

/// What entries of one list come to; nothing without any.
fn delta(known: &Known<'_>, entries: Vec<(ListEntry, &DeskEntry)>) -> Option<ListDelta> {
    let mut texts = TextDelta::default();
    let mut nets = Vec::new();
    let (mut added, mut hidden) = (Vec::new(), Vec::new());
    let kind = entries.first().map(|(entry, _)| entry.kind())?;
    for (value, entry) in entries {
        let until = entry.until.unwrap_or(NEVER);
        match value {
            ListEntry::Text(text) => texts.say(text, entry.effect, until),
            ListEntry::Range(net) => nets.push((net, entry.effect, until)),
            ListEntry::Mapped(net, value) if entry.effect == Effect::Added => added.push((net, value, until)),
            // Another value that the file gives the same range by now was not taken out.
            ListEntry::Mapped(net, value) if known.file_maps(net, &value) => hidden.push((net, until)),
            ListEntry::Mapped(..) => {}
        }
    }
    Some(match kind {
        entry::Kind::Texts => ListDelta::Texts(texts),
        entry::Kind::Ranges => ListDelta::Addresses(AddressDelta::of(&nets)),
        entry::Kind::Mapping => ListDelta::Mapping(MapDelta::of(added, hidden)),
    })
}
