//! What the fraud desk says beside the policy files: entries of lists, and scopes that are paused.

use std::fmt;

use super::{Actor, GivenReason, ListName, Scope, Timestamp};

/// The most entries that the desk may have at a time: what is longer, or stays, belongs into the lists' files.
pub(crate) const DESK_ENTRIES_MAX: usize = 10_000;

/// Counts the desk's actions: each makes the next revision, so a revision names exactly what the desk said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize)]
#[serde(transparent)]
pub(crate) struct DeskRevision(u64);

impl DeskRevision {
    /// Before the first action.
    pub(crate) const NONE: Self = Self(0);

    /// The revision with this number.
    pub(crate) const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub(crate) const fn get(self) -> u64 {
        self.0
    }

    /// The one that the next action makes.
    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for DeskRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who said something at the desk, why, and when.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct Said {
    /// Who.
    #[serde(rename = "actor")]
    pub(crate) by: Actor,
    /// In their own words.
    pub(crate) reason: GivenReason,
    /// When.
    pub(crate) at: Timestamp,
}

/// For people: who, when and why.
impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "by {} at {}: {}", self.by, self.at, self.reason)
    }
}

/// What an entry of the desk does to its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Effect {
    /// The value is in the list, whatever the file says.
    Added,
    /// The file's entry of exactly this value does not count.
    Removed,
}

impl Effect {
    /// The word in the store and in answers.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
        }
    }

    /// Reads the word.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Added, Self::Removed].into_iter().find(|effect| effect.as_str() == text)
    }
}

/// The desk's word about one value of a list: one at most for each value.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DeskEntry {
    /// The list.
    pub(crate) list: ListName,
    /// The value in its one spelling. It may be personal: it is never logged.
    pub(crate) value: Box<str>,
    /// What it does.
    pub(crate) effect: Effect,
    /// Until when; the file alone decides from then on.
    pub(crate) until: Option<Timestamp>,
    /// Who, why and when.
    pub(crate) said: Said,
}

/// Without the value: it may be a phone number.
impl fmt::Debug for DeskEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeskEntry")
            .field("list", &self.list)
            .field("effect", &self.effect)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

/// A pause as it is shown: until when, and who said so.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Pause))]
pub(crate) struct PauseTold {
    /// Until when.
    pub(crate) until: Option<Timestamp>,
    /// Who, why and when.
    #[serde(flatten)]
    pub(crate) said: Said,
}

/// For people.
impl fmt::Display for PauseTold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(until) = self.until {
            write!(f, "until {until}, ")?;
        }
        self.said.fmt(f)
    }
}

/// A scope for which nothing is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pause {
    /// The scope.
    pub(crate) scope: Scope,
    /// Until when.
    pub(crate) until: Option<Timestamp>,
    /// Who, why and when.
    pub(crate) said: Said,
}

impl Pause {
    /// Whether it holds at that moment.
    pub(crate) fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// The pause as it is shown.
    pub(crate) fn told(&self) -> PauseTold {
        PauseTold { until: self.until, said: self.said.clone() }
    }
}

/// All that the desk says at one revision. Entries and pauses may be past their end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Desk {
    /// Which revision.
    pub(crate) revision: DeskRevision,
    /// Entries of lists, by list and value.
    pub(crate) entries: Vec<DeskEntry>,
    /// Paused scopes, by scope.
    pub(crate) pauses: Vec<Pause>,
}

impl Desk {
    /// The desk's word about a value of a list, be it past its end or not.
    pub(crate) fn entry(&self, list: &ListName, value: &str) -> Option<&DeskEntry> {
        self.entries.iter().find(|entry| entry.list == *list && *entry.value == *value)
    }

    /// A scope's pause, be it past its end or not.
    pub(crate) fn pause(&self, scope: &Scope) -> Option<&Pause> {
        self.pauses.iter().find(|pause| pause.scope == *scope)
    }
}

/// What somebody does at the desk.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum DeskDeed {
    /// Puts a value into a list.
    Add(ListName, Box<str>),
    /// Takes a value out of a list.
    Remove(ListName, Box<str>),
    /// Pauses a scope.
    Pause(Scope),
    /// Lets a scope go on.
    Resume(Scope),
}

impl DeskDeed {
    /// The word in the store and in answers.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Add(..) => "list_add",
            Self::Remove(..) => "list_remove",
            Self::Pause(_) => "scope_pause",
            Self::Resume(_) => "scope_resume",
        }
    }

    /// Takes a deed that was stored; `None` when it is none.
    pub(crate) fn from_stored(word: &str, subject: &str, value: Option<&str>) -> Option<Self> {
        let scope = || Scope::new(subject).ok();
        let entry = || Some((ListName::new(subject).ok()?, value?.into()));
        match word {
            "list_add" => entry().map(|(list, value)| Self::Add(list, value)),
            "list_remove" => entry().map(|(list, value)| Self::Remove(list, value)),
            "scope_pause" => scope().map(Self::Pause),
            "scope_resume" => scope().map(Self::Resume),
            _ => None,
        }
    }

    /// The name of the list or the scope.
    pub(crate) fn subject(&self) -> &str {
        match self {
            Self::Add(list, _) | Self::Remove(list, _) => list.as_str(),
            Self::Pause(scope) | Self::Resume(scope) => scope.as_str(),
        }
    }

    /// The value, where it is about one.
    pub(crate) fn value(&self) -> Option<&str> {
        match self {
            Self::Add(_, value) | Self::Remove(_, value) => Some(value),
            Self::Pause(_) | Self::Resume(_) => None,
        }
    }
}

/// Without the value: it may be a phone number.
impl fmt::Debug for DeskDeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.as_str(), self.subject())
    }
}

/// One action: what, until when, by whom and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeskAct {
    /// What is done.
    pub(crate) deed: DeskDeed,
    /// Until when it holds.
    pub(crate) until: Option<Timestamp>,
    /// Who, why and when.
    pub(crate) said: Said,
}

impl DeskAct {
    /// The pause that the action makes, as it is shown.
    pub(crate) fn pause_told(&self) -> PauseTold {
        PauseTold { until: self.until, said: self.said.clone() }
    }
}

/// Whether the desk has a word of its own about a subject once an action is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// It has the action's.
    Word,
    /// It has none: the files alone decide.
    Nothing,
}

/// An action that was judged against the files and the desk, ready to be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeskChange {
    /// The action.
    pub(crate) act: DeskAct,
    /// What it leaves.
    pub(crate) leaves: Left,
    /// The revision that it was judged against.
    pub(crate) judged_at: DeskRevision,
}

/// An action as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeskAction {
    /// The revision that it made.
    pub(crate) revision: DeskRevision,
    /// What was done.
    pub(crate) act: DeskAct,
}

/// Which recorded actions are wanted, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct DeskActionFilter {
    /// Only those about one of these lists or scopes: what the asker may see.
    pub(crate) within: Option<(Vec<ListName>, Vec<Scope>)>,
    /// Older than this revision: where the page before ended.
    pub(crate) before: Option<DeskRevision>,
    /// The most actions of a page.
    pub(crate) limit: u32,
}
