//! What a call asks about earlier ones: for a call that is recorded, read inside the transaction that records it.

use super::connection::{Connection, Row};
use super::places::{CallsAsked, Executed, Places};
use super::{Store, facts, traits};
use crate::domain::{
    Asker, Counts, DecisionRecord, Executions, FactKind, History, HistoryNeed, Measure, Needs, PastCall,
    PastEvent, PastRejection, Scope, StepKey, Subject, SubjectKey, Timestamp, VerdictKind, Window,
};
use crate::store::StoreError;

/// The most recorded calls that one call's conditions look through, the most rejections, and the most facts. Beyond it there is
/// no verdict: an answer that leaves some out could be too soft.
const EVENTS_MAX: usize = 20_000;

/// The rejections of a user.
pub(super) const REJECTIONS: &str = "
    SELECT seq, decided_at, scope, step_key
      FROM verifications
     WHERE user_id = $1 AND state = 'rejected' AND decided_at >= $2
     LIMIT $3";

/// Whether the record can answer a question: it finds the past by its user. To any other question it would find nothing,
/// which could be too soft.
pub(crate) fn is_recorded(need: &HistoryNeed) -> bool {
    need.by.contains(&Subject::User)
}

impl Store {
    /// Answers the needs of a call that is not recorded, as of now.
    ///
    /// # Errors
    /// [`StoreError::UnrecordedPast`], [`StoreError::TooMuchPast`], or the record could not be read.
    pub(crate) async fn history(&self, needs: &Needs, asker: &Asker) -> Result<History, StoreError> {
        let mut reader = self.reader().await?;
        history(&mut reader.connection(), &self.places(), (needs, asker), &[]).await
    }
}

/// Answers the needs of a call.
///
/// - `earlier`: what was decided earlier in this batch, and is not in a table yet.
///
/// # Errors
/// [`StoreError::UnrecordedPast`], [`StoreError::TooMuchPast`], or the record could not be read. The call is not decided.
pub(super) async fn history(
    connection: &mut Connection<'_>,
    places: &Places,
    (needs, asker): (&Needs, &Asker),
    earlier: &[PastEvent],
) -> Result<History, StoreError> {
    if !needs.as_slice().iter().all(is_recorded) {
        return Err(StoreError::UnrecordedPast);
    }
    let user = user_key(asker)?;
    let mut events = Vec::new();
    if let Some(back_to) = reaches_back_to(needs, asker, asks_for_calls) {
        let is_asked = needs.as_slice().iter().any(asks_for_executions);
        let executions = if is_asked { Executed::Told } else { Executed::NotTold };
        let asked = CallsAsked { subject: user, back_to, executions, limit: events_limit() };
        events = calls(connection, places, asked).await?;
        events.extend_from_slice(earlier);
    }
    if let Some(back_to) = reaches_back_to(needs, asker, |need| need.measure == Measure::Rejected) {
        events.extend(rejections(connection, (asker, user), back_to).await?);
    }
    if let Some(back_to) = reaches_back_to(needs, asker, |need| fact_kind(need).is_some()) {
        events.extend(reported(connection, (needs, user), back_to).await?);
    }
    Ok(History::of(needs, asker, |_| &events))
}

/// A recorded call as later calls see it.
pub(super) fn event(record: &DecisionRecord) -> PastEvent {
    PastEvent::Call(PastCall {
        at: record.received_at,
        scope: record.scope.clone(),
        verdict: record.verdict,
        subjects: record.subjects.clone(),
        money: record.money.clone(),
        usable_until: record.usable_until,
        executed_at: None,
    })
}

/// Whether a need's answer depends on calls: on those that it counts, or on the review after which it begins to count.
fn asks_for_calls(need: &HistoryNeed) -> bool {
    let counts_calls = !matches!(need.measure, Measure::Rejected | Measure::Fact(_));
    counts_calls || need.window == Window::SinceExecutedReview
}

/// The kind of the facts that a need counts.
fn fact_kind(need: &HistoryNeed) -> Option<&FactKind> {
    match &need.measure {
        Measure::Fact(kind) => Some(kind),
        _ => None,
    }
}

/// Whether a need's answer depends on what was executed.
fn asks_for_executions(need: &HistoryNeed) -> bool {
    matches!(need.counts, Counts::Executed | Counts::Usable(Executions::Reported))
        || need.window == Window::SinceExecutedReview
}

/// How far back the past must be read for the needs of a kind: what several share is read once. `None` without such a need.
fn reaches_back_to(needs: &Needs, asker: &Asker, kind: fn(&HistoryNeed) -> bool) -> Option<Timestamp> {
    needs.as_slice().iter().filter(|need| kind(need)).map(|need| need.reaches_back_to(asker.at)).min()
}

async fn calls(
    connection: &mut Connection<'_>,
    places: &Places,
    asked: CallsAsked<'_>,
) -> Result<Vec<PastEvent>, StoreError> {
    let rows = places.calls(connection, asked).await?;
    if rows.len() > EVENTS_MAX {
        return Err(StoreError::TooMuchPast);
    }
    rows.iter().map(|row| call(row).map(PastEvent::Call)).collect()
}

async fn rejections(
    connection: &mut Connection<'_>,
    (asker, user): (&Asker, &SubjectKey),
    reaches_back_to: Timestamp,
) -> Result<Vec<PastEvent>, StoreError> {
    let rows = connection
        .query(REJECTIONS)
        .bind(asker.user_id.as_str())
        .bind(reaches_back_to.unix_micros())
        .bind(events_limit())
        .fetch_all(connection)
        .await?;
    if rows.len() > EVENTS_MAX {
        return Err(StoreError::TooMuchPast);
    }
    rows.iter().map(|row| rejection(row, user).map(PastEvent::Rejection)).collect()
}

async fn reported(
    connection: &mut Connection<'_>,
    (needs, user): (&Needs, &SubjectKey),
    reaches_back_to: Timestamp,
) -> Result<Vec<PastEvent>, StoreError> {
    let kinds = needs.as_slice().iter().filter_map(fact_kind).collect();
    let found = facts::about(connection, user, (kinds, reaches_back_to), events_limit()).await?;
    if found.len() > EVENTS_MAX {
        return Err(StoreError::TooMuchPast);
    }
    Ok(found.into_iter().map(PastEvent::Fact).collect())
}

/// One more than may be looked through: so many tell that there are too many.
fn events_limit() -> i64 {
    i64::try_from(EVENTS_MAX + 1).unwrap_or(i64::MAX)
}

/// The asker's own key. Every call has one; without it nothing would be found, which is no answer.
fn user_key(asker: &Asker) -> Result<&SubjectKey, StoreError> {
    let user = asker.subjects.iter().find(|(subject, _)| *subject == Subject::User);
    user.map(|(_, key)| key).ok_or(StoreError::UnrecordedPast)
}

fn rejection(row: &Row, user: &SubjectKey) -> Result<PastRejection, StoreError> {
    let seq: i64 = row.try_get("seq")?;
    let corrupt = |column| move || StoreError::corrupt("verifications", column, seq.to_string());
    Ok(PastRejection {
        at: Timestamp::from_unix_micros(row.try_get("decided_at")?),
        user: user.clone(),
        scope: Scope::new(row.try_get("scope")?).ok().ok_or_else(corrupt("scope"))?,
        step: StepKey::new(row.try_get("step_key")?).ok().ok_or_else(corrupt("step_key"))?,
    })
}

fn call(row: &Row) -> Result<PastCall, StoreError> {
    let seq: i64 = row.try_get("seq")?;
    let corrupt = |column| move || StoreError::corrupt("decisions", column, seq.to_string());
    let kept = traits::parse(row.try_get("traits")?).ok_or_else(corrupt("traits"))?;
    Ok(PastCall {
        at: Timestamp::from_unix_micros(row.try_get("received_at")?),
        scope: Scope::new(row.try_get("scope")?).ok().ok_or_else(corrupt("scope"))?,
        verdict: VerdictKind::parse(row.try_get("verdict")?).ok_or_else(corrupt("verdict"))?,
        subjects: kept.subjects,
        money: kept.money,
        usable_until: row.try_get::<Option<i64>>("usable_until")?.map(Timestamp::from_unix_micros),
        executed_at: row.try_get::<Option<i64>>("redeemed_at")?.map(Timestamp::from_unix_micros),
    })
}
