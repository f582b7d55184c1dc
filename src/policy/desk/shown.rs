//! Lists as the desk sees them: how much stands in the file, and what the desk said.

use super::entry::Kind;
use super::plan::counts;
use crate::domain::{Desk, DeskEntry, Effect, EntryFault, ListName, Timestamp};
use crate::policy::bundle::Bundle;

/// How an entry of the desk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryState {
    /// It counts.
    InForce,
    /// It is past its end.
    Ended,
    /// It takes out what the file does not have any more. It would hide the value if it came back.
    Idle,
    /// It has no place in this bundle.
    Misfit(EntryFault),
}

impl EntryState {
    /// The word for it in answers.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::InForce => "in_force",
            Self::Ended => "ended",
            Self::Idle => "idle",
            Self::Misfit(_) => "misfit",
        }
    }
}

/// An entry of the desk, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntryShown<'d> {
    /// The entry.
    pub(crate) entry: &'d DeskEntry,
    /// How it stands.
    pub(crate) state: EntryState,
}

/// A list with what the desk said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListShown<'d> {
    /// Its name.
    pub(crate) name: ListName,
    /// What kind of entries it has; nothing where that is not known.
    pub(crate) kind: Option<&'static str>,
    /// How many entries its file has; nothing where the policy has no such list.
    pub(crate) file_entries: Option<usize>,
    /// What the desk said about it.
    pub(crate) entries: Vec<EntryShown<'d>>,
}

impl Bundle {
    /// Every list of the bundle or the desk, by name.
    pub(crate) fn show_lists<'d>(&self, desk: &'d Desk, now: Timestamp) -> Vec<ListShown<'d>> {
        let mut names: Vec<ListName> =
            self.lists().keys().filter_map(|name| ListName::new(name).ok()).collect();
        names.extend(desk.entries.iter().map(|entry| entry.list.clone()));
        names.sort_unstable();
        names.dedup();
        names.into_iter().filter_map(|name| self.show_list(desk, name, now)).collect()
    }

    /// A list of the bundle or the desk; nothing where neither has it.
    pub(crate) fn show_list<'d>(
        &self,
        desk: &'d Desk,
        name: ListName,
        now: Timestamp,
    ) -> Option<ListShown<'d>> {
        let file_entries = self.lists().get(name.as_str()).map(|list| list.entries);
        let known = self.known(&name);
        let state = |entry: &DeskEntry| match known
            .as_ref()
            .map(|known| known.read(&entry.value).map(|read| (known, read)))
        {
            Err(fault) => EntryState::Misfit(*fault),
            Ok(Err(fault)) => EntryState::Misfit(fault),
            Ok(Ok(_)) if !counts(entry, now) => EntryState::Ended,
            Ok(Ok((known, read))) if entry.effect == Effect::Removed && !known.file_has(&read, now) => {
                EntryState::Idle
            }
            Ok(Ok(_)) => EntryState::InForce,
        };
        let own = desk.entries.iter().filter(|entry| entry.list == name);
        let entries: Vec<_> = own.map(|entry| EntryShown { entry, state: state(entry) }).collect();
        if file_entries.is_none() && entries.is_empty() {
            return None;
        }
        let kind = known.as_ref().ok().map(|known| Kind::as_str(known.kind()));
        Some(ListShown { name, kind, file_entries, entries })
    }
}
