//! Judging an action of the desk against the files and what the desk said before.

use super::entry::{Known, ListEntry};
use crate::domain::{
    DESK_ENTRIES_MAX, Desk, DeskAct, DeskChange, DeskDeed, DeskEntry, DeskFault, Effect, Left, ListName,
    Scope, Timestamp,
};
use crate::policy::bundle::Bundle;
use crate::policy::lists::read::Content;
use crate::policy::suggest::nearest;

/// The most entries of a file among which a near one is looked for.
const SUGGESTED_FROM_MAX: usize = 10_000;

impl Bundle {
    /// Judges an action: what would come of it, with its value in its one spelling.
    ///
    /// - `now`: when the action is done.
    ///
    /// # Errors
    /// [`DeskFault`]; nothing is to be done.
    pub(crate) fn plan(&self, desk: &Desk, act: DeskAct, now: Timestamp) -> Result<DeskChange, DeskFault> {
        if act.until.is_some_and(|until| until <= now) {
            return Err(DeskFault::EndNotAhead);
        }
        let (deed, leaves) = match act.deed {
            DeskDeed::Add(list, value) => {
                let value = self.plan_addition(desk, &list, &value, now)?;
                (DeskDeed::Add(list, value), Left::Word)
            }
            DeskDeed::Remove(list, value) => {
                let (value, leaves) = self.plan_removal(desk, &list, &value, now)?;
                if leaves == Left::Nothing && act.until.is_some() {
                    return Err(DeskFault::EndOfNothing);
                }
                (DeskDeed::Remove(list, value), leaves)
            }
            DeskDeed::Pause(scope) if self.policy(&scope).is_none() => {
                return Err(DeskFault::ScopeNotCovered);
            }
            DeskDeed::Pause(scope) => (DeskDeed::Pause(scope), Left::Word),
            DeskDeed::Resume(scope) => {
                (DeskDeed::Resume(self.plan_resumption(desk, scope, now)?), Left::Nothing)
            }
        };
        Ok(DeskChange { act: DeskAct { deed, ..act }, leaves, judged_at: desk.revision })
    }

    fn plan_addition(
        &self,
        desk: &Desk,
        list: &ListName,
        value: &str,
        now: Timestamp,
    ) -> Result<Box<str>, DeskFault> {
        let known = self.known(list)?;
        let entry = known.read(value)?;
        let value: Box<str> = entry.to_string().into();
        if let ListEntry::Mapped(net, _) = &entry {
            let clashes = |other: &DeskEntry| {
                let same_range =
                    matches!(known.read(&other.value), Ok(ListEntry::Mapped(own, _)) if own == *net);
                same_range && other.value != value && other.effect == Effect::Added && counts(other, now)
            };
            if desk.entries.iter().any(|other| other.list == *list && clashes(other)) {
                return Err(DeskFault::OtherValue);
            }
        }
        let is_new = desk.entry(list, &value).is_none();
        if is_new && desk.entries.len() >= DESK_ENTRIES_MAX { Err(DeskFault::Full) } else { Ok(value) }
    }

    /// An entry of the desk can always be taken back, whatever became of its list; an entry of the file can be hidden
    /// while it counts.
    fn plan_removal(
        &self,
        desk: &Desk,
        list: &ListName,
        value: &str,
        now: Timestamp,
    ) -> Result<(Box<str>, Left), DeskFault> {
        let read = self.known(list).and_then(|known| known.read(value).map(|entry| (known, entry)));
        let (known, entry) = match read {
            Ok(read) => read,
            Err(fault) => {
                let own = desk.entry(list, value.trim()).ok_or(fault)?;
                return Ok((own.value.clone(), Left::Nothing));
            }
        };
        let value: Box<str> = entry.to_string().into();
        let own = desk.entry(list, &value);
        let in_file = known.file_has(&entry, now);
        let is_hidden = own.is_some_and(|own| own.effect == Effect::Removed && counts(own, now));
        match (in_file && !is_hidden, own) {
            (true, None) if desk.entries.len() >= DESK_ENTRIES_MAX => Err(DeskFault::Full),
            (true, _) => Ok((value, Left::Word)),
            (false, Some(own)) if own.effect == Effect::Added || !in_file => Ok((value, Left::Nothing)),
            (false, _) => Err(DeskFault::NotListed { nearest: near(&known, desk, list, &value) }),
        }
    }

    fn plan_resumption(&self, desk: &Desk, scope: Scope, now: Timestamp) -> Result<Scope, DeskFault> {
        match desk.pause(&scope) {
            Some(pause) if pause.holds(now) => Ok(scope),
            None if self.policy(&scope).is_none() => Err(DeskFault::ScopeNotCovered),
            _ => Err(DeskFault::NotPaused),
        }
    }
}

/// Whether an entry of the desk is not past its end.
pub(super) fn counts(entry: &DeskEntry, now: Timestamp) -> bool {
    entry.until.is_none_or(|until| now < until)
}

/// The nearest entry of the desk or of a file that is short enough to look through.
fn near(known: &Known<'_>, desk: &Desk, list: &ListName, value: &str) -> Option<Box<str>> {
    let own = desk.entries.iter().filter(|entry| entry.list == *list && entry.effect == Effect::Added);
    let mut texts: Vec<&str> = own.map(|entry| &*entry.value).collect();
    if let Content::Texts(file) = &known.list().content
        && known.list().entries <= SUGGESTED_FROM_MAX
    {
        texts.extend(file.texts().filter(|text| *text != value));
    }
    nearest(value, &texts).map(Into::into)
}
