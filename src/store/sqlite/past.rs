//! What a call asks about earlier ones: for a call that is recorded, read inside the transaction that records it.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::types::Json;

use super::tail::SharedTail;
use super::{Store, traits};
use crate::domain::{
    Asker, Counts, DecisionRecord, Executions, History, HistoryNeed, Measure, Needs, PastCall, PastEvent,
    Scope, Subject, SubjectKey, Timestamp, VerdictKind, Window,
};
use crate::store::StoreError;

/// The most recorded calls that one call's conditions look through. Beyond it there is no verdict: an answer that leaves
/// calls out could be too soft.
const CALLS_MAX: usize = 20_000;

/// What is filed, what is not filed yet, and what another process recorded since: the last may be about anybody.
const FIND: &str = "
    SELECT seq, received_at, scope, verdict, usable_until, traits
      FROM decisions
     WHERE seq IN (
               SELECT decision_seq FROM decision_subjects
                WHERE subject IN (SELECT unhex(value) FROM json_each(?1)) AND received_at >= ?2
               UNION
               SELECT value FROM json_each(?3)
               UNION
               SELECT seq FROM decisions WHERE seq > ?4)
     LIMIT ?5";

/// Whether the record can answer a question: it finds calls by their user, and knows neither what was executed or
/// rejected nor facts. To any other it would find nothing, which could be too soft.
pub(crate) fn is_recorded(need: &HistoryNeed) -> bool {
    let of_calls = !matches!(need.measure, Measure::Rejected | Measure::Fact(_));
    let without_executions = matches!(need.counts, Counts::Asked | Counts::Usable(Executions::Unreported));
    looked_up(need).is_some() && of_calls && without_executions && need.window != Window::SinceExecutedReview
}

impl Store {
    /// Answers the needs of a call that is not recorded, as of now.
    ///
    /// # Errors
    /// [`StoreError::UnrecordedPast`], [`StoreError::TooMuchPast`], or the record could not be read.
    pub(crate) async fn history(&self, needs: &Needs, asker: &Asker) -> Result<History, StoreError> {
        let mut connection = self.0.readers.acquire().await?;
        history(&mut connection, &self.0.tail, (needs, asker), &[]).await
    }
}

/// Answers the needs of a call.
///
/// - `earlier`: what was decided earlier in this batch, and is not in a table yet.
///
/// # Errors
/// [`StoreError::UnrecordedPast`], [`StoreError::TooMuchPast`], or the record could not be read. The call is not decided.
pub(super) async fn history(
    connection: &mut SqliteConnection,
    tail: &SharedTail,
    (needs, asker): (&Needs, &Asker),
    earlier: &[PastEvent],
) -> Result<History, StoreError> {
    if !needs.as_slice().iter().all(is_recorded) {
        return Err(StoreError::UnrecordedPast);
    }
    let mut events = BTreeMap::new();
    for (subject, reaches_back_to) in looked_up_by(needs, asker) {
        let keys = keys(asker, &subject);
        let mut calls = calls(connection, tail, &keys, reaches_back_to).await?;
        calls.extend_from_slice(earlier);
        events.insert(subject, calls);
    }
    let of_need = |need: &HistoryNeed| {
        looked_up(need).and_then(|subject| events.get(subject)).map_or(&[][..], Vec::as_slice)
    };
    Ok(History::of(needs, asker, of_need))
}

/// A recorded call as later calls see it.
pub(super) fn event(record: &DecisionRecord) -> Option<PastEvent> {
    Some(PastEvent::Call(PastCall {
        at: record.received_at,
        scope: record.scope.clone(),
        verdict: VerdictKind::parse(record.verdict)?,
        subjects: record.subjects.clone(),
        money: record.money.clone(),
        usable_until: record.usable_until,
        executed_at: None,
    }))
}

/// By which subjects the past is looked up, and how far back for each: what several needs share is read once.
fn looked_up_by(needs: &Needs, asker: &Asker) -> BTreeMap<Subject, Timestamp> {
    let mut lookups: BTreeMap<Subject, Timestamp> = BTreeMap::new();
    for need in needs.as_slice() {
        let Some(subject) = looked_up(need) else { continue };
        let back_to = need.reaches_back_to(asker.at);
        lookups
            .entry(subject.clone())
            .and_modify(|earliest| *earliest = back_to.min(*earliest))
            .or_insert(back_to);
    }
    lookups
}

/// By what a need's calls are found: the user, whom every need that comes into force names.
fn looked_up(need: &HistoryNeed) -> Option<&Subject> {
    need.by.get(&Subject::User)
}

fn keys<'a>(asker: &'a Asker, wanted: &Subject) -> Vec<&'a SubjectKey> {
    asker.subjects.iter().filter(|(subject, _)| subject == wanted).map(|(_, key)| key).collect()
}

async fn calls(
    connection: &mut SqliteConnection,
    tail: &SharedTail,
    keys: &[&SubjectKey],
    reaches_back_to: Timestamp,
) -> Result<Vec<PastEvent>, StoreError> {
    let (unfiled, last_seq) = {
        let tail = tail.read();
        let about = keys.iter().flat_map(|key| tail.calls_about(key, reaches_back_to));
        (about.collect::<BTreeSet<i64>>(), tail.last_seq())
    };
    let keys: Vec<_> = keys.iter().map(|key| traits::hexadecimal(key)).collect();
    let rows = sqlx::query(FIND)
        .bind(Json(keys))
        .bind(reaches_back_to.unix_micros())
        .bind(Json(unfiled))
        .bind(last_seq)
        .bind(i64::try_from(CALLS_MAX + 1).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?;
    if rows.len() > CALLS_MAX {
        return Err(StoreError::TooMuchPast);
    }
    rows.iter().map(|row| call(row).map(PastEvent::Call)).collect()
}

fn call(row: &SqliteRow) -> Result<PastCall, StoreError> {
    let seq: i64 = row.try_get("seq")?;
    let corrupt = |column| move || StoreError::corrupt("decisions", column, seq.to_string());
    let kept = traits::parse(row.try_get("traits")?).ok_or_else(corrupt("traits"))?;
    Ok(PastCall {
        at: Timestamp::from_unix_micros(row.try_get("received_at")?),
        scope: Scope::new(row.try_get("scope")?).ok().ok_or_else(corrupt("scope"))?,
        verdict: VerdictKind::parse(row.try_get("verdict")?).ok_or_else(corrupt("verdict"))?,
        subjects: kept.subjects,
        money: kept.money,
        usable_until: row.try_get::<Option<i64>, _>("usable_until")?.map(Timestamp::from_unix_micros),
        executed_at: None,
    })
}
