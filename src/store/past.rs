//! What a call asks about earlier ones: for a call that is recorded, read inside the transaction that records it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ahead::Ahead;
use super::connection::{Connection, Row};
use super::filed::Filed;
use super::places::{Executed, Places};
use super::segments::Segment;
use super::settling::{WORTH_MOVING, is_settled};
use super::{Question, Store, facts, traits};
use crate::domain::{
    Asker, Counts, DecisionRecord, Executions, FactKind, History, HistoryNeed, Measure, Needs, PastCall,
    PastEvent, PastRejection, Scope, SettledCalls, StepKey, Subject, SubjectKey, Timestamp, VerdictKind,
    Window,
};
use crate::store::StoreError;

/// The most recorded calls that one call's conditions look through, the most rejections, and the most facts. Beyond it there is
/// no verdict: an answer that leaves some out could be too soft.
const EVENTS_MAX: usize = 20_000;

/// The rejections of a user. With a bare `LIMIT $3` SQLite would prepare it anew each time.
pub(super) const REJECTIONS: &str = "
    SELECT seq, decided_at, scope, step_key
      FROM verifications
     WHERE user_id = $1 AND state = 'rejected' AND decided_at >= $2
     LIMIT (SELECT CAST($3 AS BIGINT))";

impl Store {
    /// Answers the needs of a call that is not recorded, as of now.
    ///
    /// # Errors
    /// [`StoreError::UnrecordedPast`], [`StoreError::TooMuchPast`], or the record could not be read.
    pub(crate) async fn history(&self, needs: &Needs, asker: &Asker) -> Result<History, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let filed = Filed::read(connection).await?;
        history(connection, (&self.places(), &filed), (needs, asker), (&Ahead::default(), &[])).await
    }
}

/// What was found by one subject; no event twice.
#[derive(Default)]
struct Events {
    /// Calls that can no longer change.
    settled: Vec<Arc<Segment>>,
    single: Vec<Arc<PastEvent>>,
}

impl Events {
    fn settled(&self) -> impl Iterator<Item = &SettledCalls> + Clone {
        self.settled.iter().map(|segment| &segment.calls)
    }

    fn single(&self) -> impl Iterator<Item = &PastEvent> + Clone {
        self.single.iter().map(Arc::as_ref)
    }

    fn len(&self) -> usize {
        self.settled.iter().map(|segment| segment.seqs.len()).sum::<usize>() + self.single.len()
    }
}

/// Answers the needs of a call.
///
/// - `filed`: by whom everything that was recorded can be found.
/// - `ahead`: what was read for all calls of the batch together.
/// - `earlier`: what was decided earlier in this batch, and is not in a table yet.
///
/// # Errors
/// [`StoreError::UnrecordedPast`], [`StoreError::TooMuchPast`], or the record could not be read. The call is not decided.
pub(super) async fn history(
    connection: &mut Connection<'_>,
    (places, filed): (&Places, &Filed),
    (needs, asker): (&Needs, &Asker),
    (ahead, earlier): (&Ahead, &[Arc<PastEvent>]),
) -> Result<History, StoreError> {
    let user = user_key(asker)?;
    let mut found: Vec<(&Subject, Events)> = Vec::new();
    for by in needs.as_slice().iter().map(HistoryNeed::found_by) {
        if found.iter().any(|(own, _)| *own == by) {
            continue;
        }
        if !filed.finds(by) {
            return Err(StoreError::UnrecordedPast);
        }
        let mut own = calls(connection, (places, ahead), (needs, asker, by)).await?;
        if *by == Subject::User {
            // Rejections and facts are known by their user only.
            own.single.extend(rejections(connection, (needs, asker, user)).await?.into_iter().map(Arc::new));
            own.single.extend(reported(connection, (needs, asker, user)).await?.into_iter().map(Arc::new));
        }
        found.push((by, own));
    }
    let nothing = Events::default();
    let events = |need: &HistoryNeed| {
        let own = found.iter().find(|(by, _)| *by == need.found_by()).map_or(&nothing, |(_, events)| events);
        (own.settled(), own.single().chain(earlier.iter().map(Arc::as_ref)))
    };
    Ok(History::of(needs, asker, events))
}

/// The subjects besides the user by which a question is answered: whoever else asks about them has to wait.
pub(super) fn others_asked_about(question: &Question) -> impl Iterator<Item = &SubjectKey> {
    let needs = question.needs.as_slice().iter();
    let others = needs.map(HistoryNeed::found_by).filter(|by| **by != Subject::User);
    others.flat_map(|by| own_keys(&question.asker, by))
}

fn own_keys<'a>(asker: &'a Asker, by: &Subject) -> impl Iterator<Item = &'a SubjectKey> {
    asker.subjects.iter().filter(move |(subject, _)| subject == by).map(|(_, key)| key)
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

/// What is asked of recorded calls by needs that are found by one subject.
pub(super) struct Wanted<'a> {
    /// Whose calls.
    pub(super) keys: Vec<&'a SubjectKey>,
    /// By which subjects they are found.
    pub(super) by: Vec<&'a Subject>,
    /// From when on.
    pub(super) back_to: Timestamp,
    /// Whether it matters which were executed.
    pub(super) executions: Executed,
}

/// What a question wants by one subject; `None` where no need asks for calls by it, or the call has none of it: then it has no
/// past by it.
pub(super) fn wanted<'a>(needs: &'a Needs, asker: &'a Asker, by: &'a Subject) -> Option<Wanted<'a>> {
    let needs = || needs.as_slice().iter().filter(|need| need.found_by() == by && asks_for_calls(need));
    let back_to = needs().map(|need| need.reaches_back_to(asker.at)).min()?;
    let mut keys: Vec<_> = own_keys(asker, by).collect();
    keys.sort_unstable();
    keys.dedup();
    let executions = if needs().any(asks_for_executions) { Executed::Told } else { Executed::NotTold };
    (!keys.is_empty()).then_some(Wanted { keys, by: vec![by], back_to, executions })
}

/// A call with its place.
pub(super) type Placed = (i64, PastCall);

/// The same for questions: several calls of a batch may ask about it.
pub(super) type Shared = (i64, Arc<PastEvent>);

/// What was found of some subjects: the calls that stand by themselves, and segments with whose they are.
pub(super) type Found<'k> = (Vec<Shared>, Vec<(&'k SubjectKey, Arc<Segment>)>);

/// The recorded calls by which needs are answered that are found by one subject.
async fn calls(
    connection: &mut Connection<'_>,
    (places, ahead): (&Places, &Ahead),
    (needs, asker, by): (&Needs, &Asker, &Subject),
) -> Result<Events, StoreError> {
    let Some(wanted) = wanted(needs, asker, by) else { return Ok(Events::default()) };
    let (single, settled) = match ahead.about(&wanted) {
        Some(found) => found,
        None => {
            let (single, settled) = places.calls(connection, &wanted).await?;
            (single, settled.into_iter().map(|(_, segment)| segment).collect())
        }
    };
    let events = if wanted.keys.len() > 1 { once_each(single, &settled) } else { beside(single, settled) };
    if events.len() > EVENTS_MAX {
        return Err(StoreError::TooMuchPast);
    }
    note_settled(places, &wanted.keys, (&events, asker.at));
    Ok(events)
}

/// Reads calls that stand by themselves.
///
/// - `rows`: `seq, received_at, scope, verdict, usable_until, traits, redeemed_at`, [`events_limit`] of them at most.
///
/// # Errors
/// [`StoreError::TooMuchPast`] where the look may have cut something off: a call about several keys may have been found as often.
/// [`StoreError::Corrupt`].
pub(super) fn read_calls(rows: impl ExactSizeIterator<Item = Row>) -> Result<Vec<Shared>, StoreError> {
    if rows.len() > EVENTS_MAX {
        return Err(StoreError::TooMuchPast);
    }
    let shared = |(seq, call)| (seq, Arc::new(PastEvent::Call(call)));
    rows.map(|row| call(&row).map(shared)).collect()
}

/// Single calls beside segments that have none in common.
fn beside(single: Vec<Shared>, settled: Vec<Arc<Segment>>) -> Events {
    let stands_alone = |(seq, _): &Shared| !settled.iter().any(|segment| segment.has(*seq));
    let single = single.into_iter().filter(stands_alone).map(|(_, call)| call).collect();
    Events { settled, single }
}

/// The calls about several keys, of which a call may have more than one.
fn once_each(calls: Vec<Shared>, settled: &[Arc<Segment>]) -> Events {
    let (mut seen, mut single) = (BTreeSet::new(), Vec::new());
    for (seq, event) in settled.iter().flat_map(|segment| segment.seqs.iter().zip(segment.calls.events())) {
        if seen.insert(*seq) {
            single.push(Arc::new(event.clone()));
        }
    }
    for (seq, call) in calls {
        if seen.insert(seq) {
            single.push(call);
        }
    }
    Events { settled: Vec::new(), single }
}

/// Has calls moved that can no longer change, where they are worth it.
fn note_settled(places: &Places, keys: &[&SubjectKey], (events, now): (&Events, Timestamp)) {
    let [key] = keys else { return };
    let can_move =
        |event: &&Arc<PastEvent>| matches!(&***event, PastEvent::Call(call) if is_settled(call, now));
    if events.single.iter().filter(can_move).count() >= WORTH_MOVING {
        places.segments().ripen(key);
    }
}

async fn rejections(
    connection: &mut Connection<'_>,
    (needs, asker, user): (&Needs, &Asker, &SubjectKey),
) -> Result<Vec<PastEvent>, StoreError> {
    let Some(back_to) = reaches_back_to(needs, asker, |need| need.measure == Measure::Rejected) else {
        return Ok(Vec::new());
    };
    let rows = connection
        .query(REJECTIONS)
        .bind(asker.user_id.as_str())
        .bind(back_to.unix_micros())
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
    (needs, asker, user): (&Needs, &Asker, &SubjectKey),
) -> Result<Vec<PastEvent>, StoreError> {
    let Some(back_to) = reaches_back_to(needs, asker, |need| fact_kind(need).is_some()) else {
        return Ok(Vec::new());
    };
    let kinds = needs.as_slice().iter().filter_map(fact_kind).collect();
    let found = facts::about(connection, user, (kinds, back_to), events_limit()).await?;
    if found.len() > EVENTS_MAX {
        return Err(StoreError::TooMuchPast);
    }
    Ok(found.into_iter().map(PastEvent::Fact).collect())
}

/// One more than may be looked through: so many tell that there are too many.
pub(super) fn events_limit() -> i64 {
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

/// A recorded call with its place.
pub(super) fn call(row: &Row) -> Result<Placed, StoreError> {
    let seq: i64 = row.try_get("seq")?;
    let corrupt = |column| move || StoreError::corrupt("decisions", column, seq.to_string());
    let kept = traits::parse(row.try_get("traits")?).ok_or_else(corrupt("traits"))?;
    let call = PastCall {
        at: Timestamp::from_unix_micros(row.try_get("received_at")?),
        scope: Scope::new(row.try_get("scope")?).ok().ok_or_else(corrupt("scope"))?,
        verdict: VerdictKind::parse(row.try_get("verdict")?).ok_or_else(corrupt("verdict"))?,
        subjects: kept.subjects,
        money: kept.money,
        usable_until: row.try_get::<Option<i64>>("usable_until")?.map(Timestamp::from_unix_micros),
        executed_at: row.try_get::<Option<i64>>("redeemed_at")?.map(Timestamp::from_unix_micros),
    };
    Ok((seq, call))
}
