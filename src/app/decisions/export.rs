//! Recorded decisions, all that a filter asks for, a page at a time: memory does not grow with the record.

use serde::Serialize;
use serde_json::value::RawValue;

use super::{DecisionsError, DecisionsQuery};
use crate::app::library::Library;
use crate::app::page::PAGE_MAX;
use crate::domain::{
    AccessAction, AccessRecord, Actor, DecisionFilter, DecisionId, StoredDecision, StoredPersonal, Timestamp,
};
use crate::policy::Bundle;
use crate::store::Store;

/// A decision as it leaves. The names and their order are part of what is promised: new ones come last.
#[derive(Debug, Serialize)]
pub(crate) struct ExportedDecision {
    id: String,
    received_at: Timestamp,
    user_id: String,
    scope: String,
    verdict: String,
    /// With a blank between.
    steps: String,
    rule: Option<String>,
    reason: String,
    message: Option<String>,
    walkable_until: Option<Timestamp>,
    usable_until: Option<Timestamp>,
    redeemed_at: Option<Timestamp>,
    bundle: String,
    metadata: Option<Box<RawValue>>,
    context: Option<Box<RawValue>>,
    answer: Option<Box<RawValue>>,
}

impl ExportedDecision {
    /// The columns' names.
    pub(crate) const COLUMNS: [&'static str; 16] = [
        "id",
        "received_at",
        "user_id",
        "scope",
        "verdict",
        "steps",
        "rule",
        "reason",
        "message",
        "walkable_until",
        "usable_until",
        "redeemed_at",
        "bundle",
        "metadata",
        "context",
        "answer",
    ];

    /// The decision's id: where an export that broke off goes on.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The columns' values as texts. One that a spreadsheet would run as a formula gets an apostrophe in front, which says that
    /// it is text.
    ///
    /// # Reference
    /// <https://owasp.org/www-community/attacks/CSV_Injection>
    pub(crate) fn cells(&self) -> [String; 16] {
        let moment = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
        let json =
            |raw: &Option<Box<RawValue>>| raw.as_ref().map(|raw| raw.get().to_owned()).unwrap_or_default();
        [
            self.id.clone(),
            self.received_at.to_string(),
            self.user_id.clone(),
            self.scope.clone(),
            self.verdict.clone(),
            self.steps.clone(),
            self.rule.clone().unwrap_or_default(),
            self.reason.clone(),
            self.message.clone().unwrap_or_default(),
            moment(self.walkable_until),
            moment(self.usable_until),
            moment(self.redeemed_at),
            self.bundle.clone(),
            json(&self.metadata),
            json(&self.context),
            json(&self.answer),
        ]
        .map(neutral)
    }
}

/// Text that no spreadsheet runs.
fn neutral(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{cell}") } else { cell }
}

/// An export that is under way.
pub(crate) struct DecisionExport<'s> {
    store: &'s Store,
    library: Library<'s>,
    filter: Option<DecisionFilter>,
}

/// Begins an export, newest first; that somebody exports is recorded first.
///
/// - `query`: what decisions, as in `GET /v1/decisions`; its limit is not looked at.
/// - `before`: the last decision that an earlier export gave; this one goes on after it.
///
/// # Errors
/// [`DecisionsError`]; nothing leaves.
pub(crate) async fn export_decisions<'s>(
    store: &'s Store,
    (actor, at): (Actor, Timestamp),
    query: DecisionsQuery,
    before: Option<String>,
) -> Result<DecisionExport<'s>, DecisionsError> {
    let mut filter = DecisionsQuery { limit: Some(PAGE_MAX), ..query }.filter()?;
    filter.before = super::read(before, "before", |id| DecisionId::parse(&id))?;
    let access = AccessRecord { at, actor, action: AccessAction::DecisionsExport, subject: None };
    store.record_access(access).await?;
    Ok(DecisionExport { store, library: Library::new(store, None), filter: Some(filter) })
}

impl DecisionExport<'_> {
    /// The next decisions; `None` once the record has no more. Some pages are empty.
    ///
    /// # Errors
    /// The record could not be read: what came before stays as it is, and an export that begins after its last decision goes on.
    pub(crate) async fn next_page(&mut self) -> Result<Option<Vec<ExportedDecision>>, DecisionsError> {
        let Some(filter) = self.filter.clone() else { return Ok(None) };
        let page = self.store.decisions(filter.clone()).await?;
        let mut decisions = Vec::with_capacity(page.decisions.len());
        for found in page.decisions {
            // Only a rule has a message, so only then is the bundle of that day needed.
            let bundle = if found.rule.is_some() { self.library.bundle(found.bundle).await? } else { None };
            decisions.push(exported(found, bundle.as_deref()));
        }
        self.filter = page.next.map(|next| DecisionFilter { before: Some(next), ..filter });
        Ok(Some(decisions))
    }
}

fn exported(found: StoredDecision, bundle: Option<&Bundle>) -> ExportedDecision {
    let raw = |json: String| RawValue::from_string(json).ok();
    let (metadata, context) = match found.personal {
        StoredPersonal::Kept { metadata_json, context_json, .. } => (raw(metadata_json), raw(context_json)),
        StoredPersonal::Erased { .. } => (None, None),
    };
    let message = found.rule.as_ref().and_then(|rule| bundle?.message(&found.scope, rule));
    ExportedDecision {
        id: found.id.to_string(),
        received_at: found.received_at,
        message: message.map(str::to_owned),
        user_id: found.user_id.to_string(),
        scope: found.scope.to_string(),
        verdict: found.verdict,
        steps: found.step_keys.unwrap_or_default(),
        rule: found.rule.map(|rule| rule.to_string()),
        reason: found.reason,
        walkable_until: found.walkable_until,
        usable_until: found.usable_until,
        redeemed_at: found.redeemed_at,
        bundle: found.bundle.to_string(),
        metadata,
        context,
        answer: raw(found.answer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for (cell, expected) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("usr_1", "usr_1"),
            ("", ""),
            ("a=b", "a=b"),
        ] {
            assert_eq!(neutral(cell.to_owned()), expected, "{cell:?}");
        }
    }
}
