//! A batch of decisions: which calls repeat an earlier one, and how the new ones are decided. The engines look up and write.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tracing::Span;

use super::ahead::Ahead;
use super::connection::Connection;
use super::filed::Filed;
use super::places::Places;
use super::replies::Waiting;
use super::{Draft, StoreError, past};
use crate::domain::{
    DecisionRecord, DeskRevision, PastEvent, Recorded, SignatureHash, SignatureSeen, Timestamp,
};
use crate::spans::Passage;

/// How long a repeated signature gets its first answer, counted from the first call's arrival to the repeat's
/// (docs/CONTRACT.md C3.6).
pub(super) const REPEAT_WINDOW: Duration = Duration::from_secs(600);

/// A decision that waits for its commit.
#[derive(Debug)]
pub(super) struct Pending {
    /// What makes the call unique.
    pub(super) signature: SignatureSeen,
    /// What to record.
    pub(super) draft: Draft,
    /// Its spans.
    pub(super) passage: Passage,
    /// Who waits; gone when the caller gave up.
    pub(super) reply: Waiting,
}

/// The spans of a commit, one for each call of the batch that somebody follows; kept until it is over.
pub(super) fn commits(batch: &[Pending]) -> Vec<Span> {
    let spans = batch.iter().map(|call| call.passage.commit(batch.len()));
    // Nothing is allocated where there are none.
    spans.filter(|span| !span.is_none()).collect()
}

/// A decision that answered a signature, as far as judging a repeat needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Earlier {
    /// Where the decision stands: `decisions.seq`.
    pub(super) seq: i64,
    /// When its call reached us.
    pub(super) received_at: Timestamp,
}

/// What a call of the batch turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// A new one, to be recorded.
    New,
    /// A repeat of a decision that was committed before, at this place.
    RepeatOf(i64),
    /// A repeat of the call at this index of the batch, which is to be recorded.
    RepeatWithin(usize),
    /// A repeat after the window.
    TooOld,
    /// A new one, judged before the fraud desk's last action.
    Stale,
}

/// The new decisions of a batch, by their indexes in it.
pub(super) type New<'b> = BTreeMap<usize, (&'b SignatureSeen, Cow<'b, DecisionRecord>)>;

/// Tells what each call is. A signature counts from its first call on, committed or earlier in this batch. A repeat gets its
/// first answer whatever the desk did since.
///
/// - `desk`: what the fraud desk says now. No action of it can be committed before this batch is.
/// - `earlier`: the committed decision that answered a signature.
pub(super) fn judge(
    batch: &[Pending],
    desk: DeskRevision,
    earlier: impl Fn(&SignatureHash) -> Option<Earlier>,
) -> Vec<Fate> {
    let mut firsts: HashMap<SignatureHash, (usize, Timestamp)> = HashMap::with_capacity(batch.len());
    let mut fates = Vec::with_capacity(batch.len());
    for (index, call) in batch.iter().enumerate() {
        let hash = call.signature.hash;
        fates.push(match (earlier(&hash), firsts.get(&hash)) {
            (Some(earlier), _) if in_window(earlier.received_at, call) => Fate::RepeatOf(earlier.seq),
            (None, Some((first, received_at))) if in_window(*received_at, call) => Fate::RepeatWithin(*first),
            (Some(_), _) | (None, Some(_)) => Fate::TooOld,
            (None, None) if call.draft.desk() != desk => Fate::Stale,
            (None, None) => {
                firsts.insert(hash, (index, call.draft.received_at()));
                Fate::New
            }
        });
    }
    fates
}

/// How far apart the two are, whichever is the later: a clock that was set back must not make an old call a retry.
fn in_window(first_received_at: Timestamp, repeat: &Pending) -> bool {
    let received_at = repeat.draft.received_at();
    received_at.since(first_received_at).max(first_received_at.since(received_at)) <= REPEAT_WINDOW
}

/// Decides the new calls that wait for their past, in the order of arrival: each sees those before it.
///
/// - `ahead`: what was read of the past for all of them.
/// - returns: also what later calls see of each, where somebody in the batch asks about the past; else nothing.
///
/// # Errors
/// The transaction must be given up.
pub(super) async fn decide<'b>(
    connection: &mut Connection<'_>,
    (places, filed, ahead): (&Places, &Filed, &Ahead),
    (batch, fates): (&'b [Pending], &[Fate]),
) -> Result<(New<'b>, Vec<Arc<PastEvent>>), StoreError> {
    let anybody_asks = batch.iter().any(|call| matches!(call.draft, Draft::Waits(_)));
    let mut earlier = Vec::new();
    let mut new = New::new();
    for (index, (call, fate)) in batch.iter().zip(fates).enumerate() {
        if *fate != Fate::New {
            continue;
        }
        let record = match &call.draft {
            Draft::Decided(record) => Cow::Borrowed(&**record),
            Draft::Waits(question) => {
                let asked = (&question.needs, &question.asker);
                let history = past::history(connection, (places, filed), asked, (ahead, &earlier)).await?;
                let decide = || call.passage.evaluate().in_scope(|| (question.decide)(&history));
                // A panic is this call's own: the writer goes on with the others. It is in the log.
                let record = catch_unwind(AssertUnwindSafe(decide));
                Cow::Owned(record.map_err(|_| StoreError::BrokenOff)?)
            }
        };
        call.passage.decided(
            record.scope.as_str(),
            record.verdict.as_str(),
            record.rule.as_ref().map(crate::domain::RuleId::as_str),
        );
        if anybody_asks {
            earlier.push(Arc::new(past::event(&record)));
        }
        new.insert(index, (&call.signature, record));
    }
    Ok((new, earlier))
}

/// What each caller hears once the batch is committed.
///
/// # Errors
/// The transaction must be given up: somebody's first answer cannot be read.
pub(super) async fn outcomes(
    connection: &mut Connection<'_>,
    batch: &[Pending],
    (fates, new): (&[Fate], &New<'_>),
) -> Result<Vec<Recorded>, StoreError> {
    let mut recorded = Vec::with_capacity(batch.len());
    for (index, (fate, call)) in fates.iter().zip(batch).enumerate() {
        recorded.push(match *fate {
            Fate::New => told(call, new.get(&index)),
            Fate::TooOld => Recorded::TooOld,
            Fate::Stale => Recorded::Stale,
            Fate::RepeatOf(seq) => Recorded::Repeat { answer: answer_of(connection, seq).await? },
            Fate::RepeatWithin(first) => Recorded::Repeat { answer: answer_within(new, first)? },
        });
    }
    Ok(recorded)
}

/// What the caller of a new decision hears: one that handed in the decision has the answer already.
fn told(call: &Pending, new: Option<&(&SignatureSeen, Cow<'_, DecisionRecord>)>) -> Recorded {
    match (&call.draft, new) {
        (Draft::Waits(_), Some((_, record))) => {
            Recorded::Decided { tally: record.tally(), answer: record.answer.clone() }
        }
        _ => Recorded::First,
    }
}

/// The first answer's exact bytes.
async fn answer_of(connection: &mut Connection<'_>, seq: i64) -> Result<String, StoreError> {
    let answer = connection.query("SELECT answer FROM decisions WHERE seq = $1").bind(seq);
    let answer = answer.optional_value(connection).await?;
    answer.ok_or_else(|| StoreError::corrupt("decisions", "answer", seq.to_string()))
}

/// The answer to an earlier call of the batch. An empty one would be no answer at all.
fn answer_within(new: &New<'_>, first: usize) -> Result<String, StoreError> {
    let first_answer = new.get(&first).map(|(_, record)| record.answer.clone());
    first_answer.ok_or_else(|| StoreError::corrupt("decisions", "answer", "?"))
}
