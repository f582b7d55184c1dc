//! Recorded decisions, shown and explained.

#[cfg(test)]
pub(crate) mod example;
mod export;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub(crate) use export::{ExportedDecision, export_decisions};

use super::App;
use super::access::{AccessError, require};
use super::library::Library;
use super::page::{PAGE_MAX, PAGE_USUAL};
use crate::domain::{
    AccessAction, AccessRecord, Actor, Caller, DecisionFilter, DecisionId, PauseTold, Reason, Role, RuleId,
    Scope, StoredDecision, StoredPersonal, Timestamp, UserId,
};
use crate::policy::{Bundle, Explanation, Told};
use crate::store::{Store, StoreError};

/// The verdicts that there are.
const VERDICTS: [&str; 3] = ["continue", "review", "block"];

/// Why decisions are not shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecisionsError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The key is limited to other scopes.
    #[error("the API key is limited to other scopes")]
    OutsideKeyLimits,
    /// There is no such decision, or none that the caller may see: one answer for both.
    #[error("there is no such decision")]
    NotFound,
    /// A filter's value is not what it holds.
    #[error("`{0}` is not a valid value of that filter")]
    Filter(&'static str),
    /// The record could not be read, or that it was read could not be recorded.
    #[error("the record could not be read or written")]
    Store(#[from] StoreError),
}

/// What a list may be asked for, as it comes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecisionsQuery {
    pub(crate) user_id: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) verdict: Option<String>,
    pub(crate) rule: Option<String>,
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    pub(crate) limit: Option<u32>,
    pub(crate) cursor: Option<String>,
}

/// A decision in a list.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct DecisionSummary {
    id: String,
    received_at: Timestamp,
    user_id: UserId,
    scope: Scope,
    verdict: String,
    steps: Vec<String>,
    walkable_until: Option<Timestamp>,
    usable_until: Option<Timestamp>,
    redeemed_at: Option<Timestamp>,
    rule: Option<RuleId>,
    reason: String,
    message: Option<String>,
    bundle: String,
}

/// A page of a list.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct DecisionList {
    decisions: Vec<DecisionSummary>,
    next_cursor: Option<String>,
}

/// One decision with everything that is kept of it, and why it is what it is.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct DecisionDetail {
    #[serde(flatten)]
    summary: DecisionSummary,
    #[cfg_attr(test, schema(value_type = Option<crate::prelude::HookAnswer>))]
    answer: Option<Box<RawValue>>,
    #[cfg_attr(test, schema(value_type = Option<Object>))]
    metadata: Option<Box<RawValue>>,
    #[cfg_attr(test, schema(value_type = Option<Object>))]
    context: Option<Box<RawValue>>,
    /// Only where the user was erased: metadata, context and what the conditions saw are gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    personal_values: Option<Gone>,
    /// None when the bundle of that day is not kept or no longer loads.
    pub(crate) explanation: Option<Explanation>,
}

/// Personal values that were erased.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ErasedValues))]
struct Gone {
    /// None where nobody noted that.
    erased_at: Option<Timestamp>,
}

impl App {
    /// Shows a decision and explains it.
    ///
    /// # Errors
    /// [`DecisionsError`]; nothing was shown.
    pub(crate) async fn decision(&self, caller: &Caller, id: &str) -> Result<DecisionDetail, DecisionsError> {
        require(caller, Role::Reader)?;
        let id = DecisionId::parse(id).ok_or(DecisionsError::NotFound)?;
        self.note_access(caller, AccessAction::DecisionsRead, Some(id.to_string())).await?;
        let found = self.parts.store.decision(id).await?;
        let found = found.filter(|found| caller.may_see(&found.scope)).ok_or(DecisionsError::NotFound)?;
        let at_hand = Some(self.parts.policies.bundle());
        let bundle = Library::new(&self.parts.store, at_hand).bundle(found.bundle).await?;
        let pause = pause_behind(&self.parts.store, &found).await?;
        Ok(detail(found, bundle.as_deref(), pause.as_ref()))
    }

    /// Lists decisions, newest first. A page may be short, or empty, and still have a next one.
    ///
    /// # Errors
    /// [`DecisionsError`]; nothing was shown.
    pub(crate) async fn decisions(
        &self,
        caller: &Caller,
        query: DecisionsQuery,
    ) -> Result<DecisionList, DecisionsError> {
        require(caller, Role::Reader)?;
        let mut filter = query.filter()?;
        if filter.scope.as_ref().is_some_and(|scope| !caller.may_see(scope)) {
            return Err(DecisionsError::OutsideKeyLimits);
        }
        filter.within = caller.scope_limits().map(<[Scope]>::to_vec);
        let user = filter.user_id.as_ref().map(|user_id| self.user_subject(user_id));
        self.note_access(caller, AccessAction::DecisionsList, user).await?;
        let page = self.parts.store.decisions(filter).await?;
        let mut library = Library::new(&self.parts.store, Some(self.parts.policies.bundle()));
        let mut decisions = Vec::with_capacity(page.decisions.len());
        for found in page.decisions {
            // Only a rule has a message, so only then is the bundle of that day needed.
            let bundle = if found.rule.is_some() { library.bundle(found.bundle).await? } else { None };
            decisions.push(summary(found, bundle.as_deref()));
        }
        Ok(DecisionList { decisions, next_cursor: page.next.map(cursor) })
    }
}

/// Shows a decision straight from the store, for whoever may open it; that it is shown is recorded first.
///
/// # Errors
/// [`DecisionsError::NotFound`] or [`DecisionsError::Store`]; nothing was shown.
pub(crate) async fn stored_decision(
    store: &Store,
    (actor, at): (Actor, Timestamp),
    id: &str,
) -> Result<DecisionDetail, DecisionsError> {
    let id = DecisionId::parse(id).ok_or(DecisionsError::NotFound)?;
    let (action, subject) = (AccessAction::DecisionsRead, Some(id.to_string()));
    store.record_access(AccessRecord { at, actor, action, subject }).await?;
    let found = store.decision(id).await?.ok_or(DecisionsError::NotFound)?;
    let bundle = Library::new(store, None).bundle(found.bundle).await?;
    let pause = pause_behind(store, &found).await?;
    Ok(detail(found, bundle.as_deref(), pause.as_ref()))
}

/// The fraud desk's pause that blocked a call; `None` where something else decided.
async fn pause_behind(store: &Store, found: &StoredDecision) -> Result<Option<PauseTold>, StoreError> {
    if found.reason != Reason::ScopePaused.to_string() {
        return Ok(None);
    }
    let action = store.pause_behind(&found.scope, found.desk).await?;
    Ok(action.map(|action| action.act.pause_told()))
}

impl DecisionsQuery {
    fn filter(self) -> Result<DecisionFilter, DecisionsError> {
        let verdict = |text: String| VERDICTS.into_iter().find(|known| *known == text);
        let moment = |text: String| Timestamp::parse(&text);
        let limit = self.limit.unwrap_or(PAGE_USUAL);
        if !(1..=PAGE_MAX).contains(&limit) {
            return Err(DecisionsError::Filter("limit"));
        }
        Ok(DecisionFilter {
            user_id: read(self.user_id, "user_id", |text| UserId::new(&text).ok())?,
            scope: read(self.scope, "scope", |text| Scope::new(&text).ok())?,
            within: None,
            verdict: read(self.verdict, "verdict", verdict)?,
            rule: read(self.rule, "rule", |text| RuleId::new(&text).ok())?,
            from: read(self.from, "from", moment)?,
            to: read(self.to, "to", moment)?,
            before: read(self.cursor, "cursor", |text| from_cursor(&text))?,
            limit,
        })
    }
}

fn read<T>(
    text: Option<String>,
    name: &'static str,
    read: impl FnOnce(String) -> Option<T>,
) -> Result<Option<T>, DecisionsError> {
    text.map(|text| read(text).ok_or(DecisionsError::Filter(name))).transpose()
}

/// A place in the list, in a form that promises nothing.
fn cursor(id: DecisionId) -> String {
    URL_SAFE_NO_PAD.encode(id.uuid().as_bytes())
}

fn from_cursor(text: &str) -> Option<DecisionId> {
    DecisionId::from_bytes(URL_SAFE_NO_PAD.decode(text).ok()?.as_slice())
}

fn summary(found: StoredDecision, bundle: Option<&Bundle>) -> DecisionSummary {
    let message = found.rule.as_ref().and_then(|rule| bundle?.message(&found.scope, rule));
    DecisionSummary {
        id: found.id.to_string(),
        received_at: found.received_at,
        message: message.map(str::to_owned),
        user_id: found.user_id,
        scope: found.scope,
        verdict: found.verdict,
        steps: found.step_keys.iter().flat_map(|keys| keys.split(' ')).map(str::to_owned).collect(),
        walkable_until: found.walkable_until,
        usable_until: found.usable_until,
        redeemed_at: found.redeemed_at,
        rule: found.rule,
        reason: found.reason,
        bundle: found.bundle.to_string(),
    }
}

fn detail(found: StoredDecision, bundle: Option<&Bundle>, pause: Option<&PauseTold>) -> DecisionDetail {
    let (metadata_json, context_json, seen_json, gone) = match &found.personal {
        StoredPersonal::Kept { metadata_json, context_json, seen_json } => {
            (Some(metadata_json), Some(context_json), seen_json.as_str(), None)
        }
        // The rules and their outcomes are no personal values: they are told without what they saw.
        StoredPersonal::Erased { at } => (None, None, "{}", Some(Gone { erased_at: *at })),
    };
    let told = Told {
        scope: &found.scope,
        verdict: &found.verdict,
        step_keys: found.step_keys.as_deref(),
        rule: found.rule.as_ref(),
        reason: &found.reason,
        seen_json,
        outcomes: &found.outcomes,
        pause,
        received_at: found.received_at,
    };
    let explanation = bundle.and_then(|bundle| bundle.explain(told));
    let raw = |json: &str| RawValue::from_string(json.to_owned()).ok();
    DecisionDetail {
        answer: raw(&found.answer),
        metadata: metadata_json.and_then(|json| raw(json)),
        context: context_json.and_then(|json| raw(json)),
        personal_values: gone,
        explanation,
        summary: summary(found, bundle),
    }
}

/// What is not in the explanation, for people.
impl std::fmt::Display for DecisionDetail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let own = &self.summary;
        let erased = self.personal_values.as_ref().map(|gone| {
            let at = gone.erased_at.map_or_else(|| "nobody noted when".to_owned(), |at| at.to_string());
            ("erased", at)
        });
        let lines = [
            ("decision", own.id.clone()),
            ("at", own.received_at.to_string()),
            ("user", own.user_id.to_string()),
            ("scope", own.scope.to_string()),
            ("bundle", own.bundle.clone()),
        ];
        let lines: Vec<_> = lines.into_iter().chain(erased).collect();
        for (at, (name, value)) in lines.iter().enumerate() {
            let end = if at + 1 < lines.len() { "\n" } else { "" };
            write!(f, "{name:<8} {value}{end}")?;
        }
        Ok(())
    }
}
