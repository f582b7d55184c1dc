//! What the fraud desk said, for people and programs.

#[cfg(test)]
pub(crate) mod example;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::super::App;
use super::super::access::require_one_of;
use super::DeskError;
use super::acting::{list_within_limits, may_see_list};
use crate::domain::{
    Caller, Desk, DeskAction, DeskActionFilter, DeskFault, DeskRevision, EntryFault, ListName, Pause,
    PauseTold, Role, Said, Scope, Timestamp,
};
use crate::policy::{Bundle, EntryShown, EntryState, ListShown};

/// How many actions a page has where nobody says.
const PAGE_USUAL: u32 = 50;
/// The most actions of a page.
const PAGE_MAX: u32 = 200;

/// Who may look at the desk.
const LOOKING: [Role; 2] = [Role::Desk, Role::Reader];
/// Who may look at what was done there.
const AUDITING: [Role; 3] = [Role::Desk, Role::Reader, Role::Admin];

/// An action as it was recorded.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = DeskAction))]
pub(crate) struct ActionShown {
    revision: DeskRevision,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    until: Option<Timestamp>,
    #[serde(flatten)]
    said: Said,
}

impl ActionShown {
    /// Shows an action.
    pub(crate) fn of(action: DeskAction) -> Self {
        let DeskAction { revision, act } = action;
        let value = act.deed.value().map(str::to_owned);
        let subject = act.deed.subject().to_owned();
        let (list, scope) = if value.is_some() { (Some(subject), None) } else { (None, Some(subject)) };
        let action = act.deed.as_str();
        Self { revision, action, list, value, scope, until: act.until, said: act.said }
    }
}

/// A scope, and its pause if it is paused.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = DeskScope))]
pub(crate) struct ScopeTold {
    /// The scope.
    pub(crate) scope: Scope,
    /// Its pause.
    pub(crate) paused: Option<PauseTold>,
}

/// Every scope that is covered or paused.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = DeskScopeList))]
pub(crate) struct Scopes {
    revision: DeskRevision,
    /// The scopes, sorted.
    pub(crate) scopes: Vec<ScopeTold>,
}

impl Scopes {
    /// Shows the scopes of a bundle and what the desk says of them at a moment.
    pub(crate) fn of(bundle: &Bundle, desk: &Desk, now: Timestamp) -> Self {
        let mut names: Vec<&Scope> = bundle.scopes();
        names.extend(desk.pauses.iter().map(|pause| &pause.scope));
        names.sort_unstable();
        names.dedup();
        let paused = |scope: &Scope| desk.pause(scope).filter(|pause| pause.holds(now)).map(Pause::told);
        let scopes = names.into_iter().map(|scope| ScopeTold { scope: scope.clone(), paused: paused(scope) });
        Self { revision: desk.revision, scopes: scopes.collect() }
    }
}

/// An entry of the desk.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = DeskEntry))]
pub(crate) struct EntryTold {
    value: String,
    effect: &'static str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
    until: Option<Timestamp>,
    #[serde(flatten)]
    said: Said,
}

impl EntryTold {
    fn of(shown: &EntryShown<'_>) -> Self {
        let EntryShown { entry, state } = shown;
        Self {
            value: entry.value.to_string(),
            effect: entry.effect.as_str(),
            state: state.as_str(),
            fault: if let EntryState::Misfit(fault) = state { Some(fault.to_string()) } else { None },
            until: entry.until,
            said: entry.said.clone(),
        }
    }
}

/// For people, on one line.
impl std::fmt::Display for EntryTold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:<8} {:<9} {}", self.effect, self.state, self.value)?;
        if let Some(until) = self.until {
            write!(f, "  until {until}")?;
        }
        write!(f, "  {}", self.said)
    }
}

/// A list with what the desk said about it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = DeskList))]
pub(crate) struct ListTold {
    /// Its name.
    pub(crate) name: ListName,
    kind: Option<&'static str>,
    file_entries: Option<usize>,
    /// What the desk said about it, by value.
    pub(crate) entries: Vec<EntryTold>,
}

impl ListTold {
    /// Shows a list of a bundle and what the desk says of it at a moment.
    ///
    /// # Errors
    /// [`DeskFault::Entry`] where neither has such a list.
    pub(crate) fn of(
        bundle: &Bundle,
        desk: &Desk,
        name: ListName,
        now: Timestamp,
    ) -> Result<Self, DeskFault> {
        let shown = bundle.show_list(desk, name, now).ok_or(DeskFault::Entry(EntryFault::UnknownList))?;
        Ok(Self::of_shown(shown))
    }

    /// Shows a list.
    pub(crate) fn of_shown(shown: ListShown<'_>) -> Self {
        Self {
            entries: shown.entries.iter().map(EntryTold::of).collect(),
            kind: shown.kind,
            file_entries: shown.file_entries,
            name: shown.name,
        }
    }

    /// How much it has, for people: `frozen-users  texts, 2 entries in the file, 1 at the desk`.
    pub(crate) fn summary(&self) -> String {
        let file = self.file_entries.map_or_else(
            || "not in the policy".to_owned(),
            |entries| format!("{}, {entries} in the file", self.kind.unwrap_or("no rule looks into it")),
        );
        format!("{}: {file}, {} at the desk", self.name, self.entries.len())
    }
}

/// A list without its entries.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = DeskListSummary))]
pub(crate) struct ListSummary {
    name: ListName,
    kind: Option<&'static str>,
    file_entries: Option<usize>,
    desk_entries: usize,
}

impl ListSummary {
    fn of(shown: ListShown<'_>) -> Self {
        Self {
            name: shown.name,
            kind: shown.kind,
            file_entries: shown.file_entries,
            desk_entries: shown.entries.len(),
        }
    }
}

/// Every list.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = DeskListList))]
pub(crate) struct Lists {
    revision: DeskRevision,
    lists: Vec<ListSummary>,
}

/// Which actions are asked for, as it comes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActionsQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

/// A page of actions, newest first.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = DeskActionList))]
pub(crate) struct Actions {
    actions: Vec<ActionShown>,
    next_cursor: Option<String>,
}

impl App {
    /// Lists the lists that the key may see.
    ///
    /// # Errors
    /// [`DeskError`]; nothing was shown.
    pub(crate) async fn lists(&self, caller: &Caller) -> Result<Lists, DeskError> {
        require_one_of(caller, &LOOKING)?;
        let desk = self.parts.store.desk().await?;
        let bundle = self.parts.policies.bundle();
        let lists = bundle.show_lists(&desk, self.now());
        let seen = lists.into_iter().filter(|list| may_see_list(caller, &bundle, &list.name));
        Ok(Lists { revision: desk.revision, lists: seen.map(ListSummary::of).collect() })
    }

    /// Shows a list with what the desk said about it.
    ///
    /// # Errors
    /// [`DeskError`]; nothing was shown.
    pub(crate) async fn list(&self, caller: &Caller, name: &str) -> Result<ListTold, DeskError> {
        require_one_of(caller, &LOOKING)?;
        let bundle = self.parts.policies.bundle();
        let name = list_within_limits(caller, &bundle, name)?;
        let desk = self.parts.store.desk().await?;
        Ok(ListTold::of(&bundle, &desk, name, self.now())?)
    }

    /// Lists the scopes that the key may see, and which of them are paused.
    ///
    /// # Errors
    /// [`DeskError`]; nothing was shown.
    pub(crate) async fn scopes(&self, caller: &Caller) -> Result<Scopes, DeskError> {
        require_one_of(caller, &LOOKING)?;
        let desk = self.parts.store.desk().await?;
        let mut scopes = Scopes::of(&self.parts.policies.bundle(), &desk, self.now());
        scopes.scopes.retain(|own| caller.may_see(&own.scope));
        Ok(scopes)
    }

    /// Lists what was done at the desk, newest first; a limited key sees what concerns its scopes alone.
    ///
    /// # Errors
    /// [`DeskError`]; nothing was shown.
    pub(crate) async fn desk_actions(
        &self,
        caller: &Caller,
        query: ActionsQuery,
    ) -> Result<Actions, DeskError> {
        require_one_of(caller, &AUDITING)?;
        let limit = query.limit.unwrap_or(PAGE_USUAL);
        if !(1..=PAGE_MAX).contains(&limit) {
            return Err(DeskError::Filter("limit"));
        }
        let before =
            query.cursor.map(|text| from_cursor(&text).ok_or(DeskError::Filter("cursor"))).transpose()?;
        let within = caller.scope_limits().map(|scopes| (self.lists_seen(caller), scopes.to_vec()));
        let actions = self.parts.store.desk_actions(DeskActionFilter { within, before, limit }).await?;
        let is_full = actions.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        let next_cursor = actions.last().filter(|_| is_full).map(|last| cursor(last.revision));
        Ok(Actions { actions: actions.into_iter().map(ActionShown::of).collect(), next_cursor })
    }

    fn lists_seen(&self, caller: &Caller) -> Vec<ListName> {
        let desk = Desk::default();
        let bundle = self.parts.policies.bundle();
        let lists = bundle.show_lists(&desk, self.now()).into_iter();
        lists.map(|list| list.name).filter(|name| may_see_list(caller, &bundle, name)).collect()
    }
}

/// A place among the actions, in a form that promises nothing.
fn cursor(revision: DeskRevision) -> String {
    URL_SAFE_NO_PAD.encode(revision.get().to_be_bytes())
}

fn from_cursor(text: &str) -> Option<DeskRevision> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    bytes.try_into().ok().map(u64::from_be_bytes).map(DeskRevision::new)
}
