//! Entries of the desk that have no place in a bundle.

use std::fmt;

use crate::domain::{EntryFault, ListName};

/// Entries of one list that do not fit for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
struct DeskMisfit {
    /// The list.
    list: ListName,
    /// How many entries.
    entries: usize,
    /// Why.
    fault: EntryFault,
}

/// Every entry of the desk that has no place in a bundle. Values are not named: they may be personal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct DeskMisfits(Vec<DeskMisfit>);

impl DeskMisfits {
    /// Counts entries in.
    pub(super) fn add(&mut self, list: &ListName, entries: usize, fault: EntryFault) {
        match self.0.iter_mut().find(|own| own.list == *list && own.fault == fault) {
            Some(own) => own.entries += entries,
            None => self.0.push(DeskMisfit { list: list.clone(), entries, fault }),
        }
    }

    /// Whether everything fits.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::error::Error for DeskMisfits {}

/// One line a list and reason, and the way out.
impl fmt::Display for DeskMisfits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for DeskMisfit { list, entries, fault } in &self.0 {
            let noun = if *entries == 1 { "entry" } else { "entries" };
            writeln!(f, "  list `{list}`, {entries} {noun} of the fraud desk: {fault}")?;
        }
        f.write_str(
            "Change the policy so that they have their place again, or take them back: `doorstep lists show NAME` names \
             them, `doorstep lists remove NAME VALUE --reason …` removes one.",
        )
    }
}
