//! Acting at the fraud desk: judged against the files and the desk, stored with who and why, in force at the next call.

#[cfg(test)]
pub(crate) mod example;

use serde::Deserialize;

use super::super::App;
use super::super::access::{AccessError, require};
use super::super::body::object;
use super::shown::ActionShown;
use crate::domain::{
    Actor, Caller, DeskAct, DeskAction, DeskDeed, DeskFault, EntryFault, GivenReason, ListName, PauseTold,
    Role, Said, Scope, Timestamp,
};
use crate::policy::Bundle;
use crate::store::{DeskOutcome, Store, StoreError};

/// How often an action is judged again because somebody else acted in between.
const TRIES_MAX: usize = 8;

/// Why nothing was done at the desk, or shown of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeskError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The key is limited to other scopes.
    #[error("the API key is limited to other scopes")]
    OutsideKeyLimits,
    /// The body is not one that the address takes.
    #[error("the body must be a JSON object with {0}, and nothing else may stand there")]
    Shape(&'static str),
    /// A value of the request is not what it holds.
    #[error("`{0}` is not a valid value of that filter")]
    Filter(&'static str),
    /// An end that is no moment.
    #[error("`until` is a moment with its offset, such as 2026-12-31T18:00:00Z")]
    Until,
    /// No reason, or one that is too long.
    #[error("`reason` is 1 to 500 printable characters on one line")]
    Reason,
    /// The files or the desk forbid it.
    #[error(transparent)]
    Fault(#[from] DeskFault),
    /// Others acted again and again in between.
    #[error("others act at the desk at the same time")]
    Busy,
    /// The record could not be read or written.
    #[error("the record could not be read or written")]
    Store(#[from] StoreError),
}

/// How long something should hold and why, as it comes.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeskWish {
    /// Until when; for good without it.
    pub(crate) until: Option<Timestamp>,
    /// Why.
    pub(crate) reason: String,
}

impl DeskWish {
    /// Says who wishes it, and when.
    ///
    /// # Errors
    /// [`DeskError::Reason`].
    pub(crate) fn said(self, deed: DeskDeed, by: Actor, at: Timestamp) -> Result<DeskAct, DeskError> {
        let reason = GivenReason::new(self.reason.trim()).map_err(|_| DeskError::Reason)?;
        Ok(DeskAct { deed, until: self.until, said: Said { by, reason, at } })
    }
}

/// What a body that lists or unlists a value says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema), schema(as = ChangeList))]
struct EntryBody {
    value: String,
    until: Option<String>,
    reason: String,
}

/// What a body that pauses a scope says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema), schema(as = PauseScope))]
struct PauseBody {
    until: Option<String>,
    reason: String,
}

/// What a query that resumes a scope says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResumeQuery {
    reason: String,
}

/// Judges and carries out an action, straight in the record.
///
/// - `bundle`: the one in force.
/// - returns: the action as it was recorded. Every call from now on is decided by it, in every process.
///
/// # Errors
/// [`DeskError::Fault`], [`DeskError::Busy`] or [`DeskError::Store`]; nothing was done.
pub(crate) async fn act_at_desk(
    store: &Store,
    bundle: &Bundle,
    act: DeskAct,
) -> Result<DeskAction, DeskError> {
    for _ in 0..TRIES_MAX {
        let change = bundle.plan(&store.desk().await?, act.clone(), act.said.at)?;
        let act = change.act.clone();
        if let DeskOutcome::Done(revision) = store.act_at_desk(change).await? {
            let (deed, subject, actor) = (act.deed.as_str(), act.deed.subject(), &act.said.by);
            tracing::info!(deed, subject, %actor, revision = revision.get(), "The fraud desk acted.");
            return Ok(DeskAction { revision, act });
        }
    }
    Err(DeskError::Busy)
}

impl App {
    /// Puts a value into a list.
    ///
    /// # Errors
    /// [`DeskError`]; nothing was done.
    pub(crate) async fn add_to_list(
        &self,
        caller: &Caller,
        list: &str,
        body: &[u8],
    ) -> Result<ActionShown, DeskError> {
        let bundle = self.parts.policies.bundle();
        let (list, value, wish) = entry_wish(caller, &bundle, (list, body))?;
        self.act(caller, &bundle, DeskDeed::Add(list, value), wish).await.map(ActionShown::of)
    }

    /// Takes a value out of a list.
    ///
    /// # Errors
    /// [`DeskError`]; nothing was done.
    pub(crate) async fn remove_from_list(
        &self,
        caller: &Caller,
        list: &str,
        body: &[u8],
    ) -> Result<ActionShown, DeskError> {
        let bundle = self.parts.policies.bundle();
        let (list, value, wish) = entry_wish(caller, &bundle, (list, body))?;
        self.act(caller, &bundle, DeskDeed::Remove(list, value), wish).await.map(ActionShown::of)
    }

    /// Pauses a scope: nothing is granted for it.
    ///
    /// # Errors
    /// [`DeskError`]; nothing was done.
    pub(crate) async fn pause_scope(
        &self,
        caller: &Caller,
        scope: &str,
        body: &[u8],
    ) -> Result<PauseTold, DeskError> {
        let scope = scope_to_act_on(caller, scope)?;
        let wish = read_pause(body)?;
        let done = self.act(caller, &self.parts.policies.bundle(), DeskDeed::Pause(scope), wish).await?;
        Ok(done.act.pause_told())
    }

    /// Lets a paused scope go on.
    ///
    /// # Errors
    /// [`DeskError`]; nothing was done.
    pub(crate) async fn resume_scope(
        &self,
        caller: &Caller,
        scope: &str,
        query: ResumeQuery,
    ) -> Result<ActionShown, DeskError> {
        let scope = scope_to_act_on(caller, scope)?;
        let wish = DeskWish { until: None, reason: query.reason };
        self.act(caller, &self.parts.policies.bundle(), DeskDeed::Resume(scope), wish)
            .await
            .map(ActionShown::of)
    }

    async fn act(
        &self,
        caller: &Caller,
        bundle: &Bundle,
        deed: DeskDeed,
        wish: DeskWish,
    ) -> Result<DeskAction, DeskError> {
        let act = wish.said(deed, Actor::ApiKey(caller.key_id().clone()), self.now())?;
        act_at_desk(&self.parts.store, bundle, act).await
    }
}

fn entry_wish(
    caller: &Caller,
    bundle: &Bundle,
    (list, body): (&str, &[u8]),
) -> Result<(ListName, Box<str>, DeskWish), DeskError> {
    require(caller, Role::Desk)?;
    let list = list_within_limits(caller, bundle, list)?;
    let (value, wish) = read_entry(body)?;
    Ok((list, value, wish))
}

/// Reads which value is to be listed or unlisted.
fn read_entry(body: &[u8]) -> Result<(Box<str>, DeskWish), DeskError> {
    const FIELDS: &str = "`value`, `reason` and perhaps `until`, each a string";
    let body: EntryBody = object(body).ok_or(DeskError::Shape(FIELDS))?;
    let wish = DeskWish { until: moment(body.until)?, reason: body.reason };
    Ok((body.value.into(), wish))
}

/// Reads how long a scope is to be paused.
fn read_pause(body: &[u8]) -> Result<DeskWish, DeskError> {
    const FIELDS: &str = "`reason` and perhaps `until`, each a string";
    let body: PauseBody = object(body).ok_or(DeskError::Shape(FIELDS))?;
    Ok(DeskWish { until: moment(body.until)?, reason: body.reason })
}

/// A list that the key's limits let it see: one that decides about other scopes as well is out of them.
///
/// # Errors
/// [`DeskError::Fault`] for what is no list's name, [`DeskError::OutsideKeyLimits`].
pub(super) fn list_within_limits(
    caller: &Caller,
    bundle: &Bundle,
    list: &str,
) -> Result<ListName, DeskError> {
    let list = ListName::new(list).map_err(|_| DeskFault::Entry(EntryFault::UnknownList))?;
    if may_see_list(caller, bundle, &list) { Ok(list) } else { Err(DeskError::OutsideKeyLimits) }
}

/// Whether the key's limits let it see everything for which a list decides.
pub(super) fn may_see_list(caller: &Caller, bundle: &Bundle, list: &ListName) -> bool {
    caller.scope_limits().is_none() || {
        let scopes = bundle.scopes_of_list(list.as_str());
        !scopes.is_empty() && scopes.into_iter().all(|scope| caller.may_see(scope))
    }
}

fn scope_to_act_on(caller: &Caller, scope: &str) -> Result<Scope, DeskError> {
    require(caller, Role::Desk)?;
    let scope = Scope::new(scope).map_err(|_| DeskFault::ScopeNotCovered)?;
    if caller.may_see(&scope) { Ok(scope) } else { Err(DeskError::OutsideKeyLimits) }
}

fn moment(text: Option<String>) -> Result<Option<Timestamp>, DeskError> {
    text.map(|text| Timestamp::parse(&text).ok_or(DeskError::Until)).transpose()
}
