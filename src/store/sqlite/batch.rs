//! One batch of decisions: what repeats an earlier call, what is new, one commit.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Arguments, Encode, Executor, Row, Sqlite, Type};
use tokio::sync::oneshot;

use super::desk;
use super::statements::{BatchStatements, DECISION_VALUES};
use super::tail::{Earlier, SharedTail, Tail};
use super::{past, traits};
use crate::domain::{
    DecisionRecord, DeskRevision, Recorded, RuleId, SignatureHash, SignatureSeen, Timestamp,
};
use crate::store::{Draft, StoreError};

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
    /// Who waits; gone when the caller gave up.
    pub(super) reply: oneshot::Sender<Result<Recorded, StoreError>>,
}

/// What a call of the batch turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// A new one, to be recorded at this place.
    New(i64),
    /// A repeat of a decision that was committed before.
    RepeatOf(i64),
    /// A repeat of an earlier call of this batch, which is to be recorded at this place.
    RepeatWithin(i64),
    /// A repeat after the window.
    TooOld,
    /// A new one, judged before the fraud desk's last action.
    Stale,
}

/// What the look-up found.
#[derive(Debug, Default)]
struct Found {
    /// The batch's signatures that are filed.
    filed: HashMap<SignatureHash, Earlier>,
    /// What the fraud desk says now. No action of it can be committed before this batch is.
    desk: DeskRevision,
}

/// Records a batch in one transaction and takes what is new into the tail.
///
/// - `batch`: 1 to as many calls as there are statements for, in order of arrival.
/// - returns: what became of each call, in the same order, and how many rows were written.
///
/// # Errors
/// Nothing of the batch was recorded, unless the commit itself was cut off: then what it left is found by the next
/// batch's look-up.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    statements: &BatchStatements,
    tail: &SharedTail,
    batch: &[Pending],
) -> Result<(Vec<Recorded>, usize), StoreError> {
    let outcome = record_in_transaction(connection, statements, tail, batch).await;
    if outcome.is_err() {
        // Where SQLite has rolled back by itself, there is nothing left to roll back and this fails: as good.
        drop(connection.execute("ROLLBACK").await);
    }
    outcome
}

async fn record_in_transaction(
    connection: &mut SqliteConnection,
    statements: &BatchStatements,
    tail: &SharedTail,
    batch: &[Pending],
) -> Result<(Vec<Recorded>, usize), StoreError> {
    let found = begin_and_look_up(connection, statements, tail, batch).await?;
    let fates = judge(batch, &found, &tail.read());
    let new = decide(connection, tail, batch, &fates).await?;
    let mut recorded = Vec::with_capacity(batch.len());
    for (fate, call) in fates.iter().zip(batch) {
        recorded.push(match *fate {
            Fate::New(seq) => told(call, new.get(&seq)),
            Fate::TooOld => Recorded::TooOld,
            Fate::Stale => Recorded::Stale,
            Fate::RepeatOf(seq) => Recorded::Repeat { answer: answer_of(connection, seq).await? },
            Fate::RepeatWithin(seq) => Recorded::Repeat { answer: answer_within(&new, seq)? },
        });
    }
    insert_and_commit(connection, statements, &new).await?;
    let mut tail = tail.write();
    for (seq, (signature, record)) in &new {
        tail.add(*seq, signature.hash, record);
    }
    Ok((recorded, new.len()))
}

/// The new decisions of a batch by their places.
type New<'b> = BTreeMap<i64, (&'b SignatureSeen, Cow<'b, DecisionRecord>)>;

/// Decides the new calls that wait for their past, in the order of arrival: each sees those before it.
async fn decide<'b>(
    connection: &mut SqliteConnection,
    tail: &SharedTail,
    batch: &'b [Pending],
    fates: &[Fate],
) -> Result<New<'b>, StoreError> {
    let anybody_asks = batch.iter().any(|call| matches!(call.draft, Draft::Waits(_)));
    let mut earlier = Vec::new();
    let mut new = New::new();
    for (call, fate) in batch.iter().zip(fates) {
        let Fate::New(seq) = *fate else { continue };
        let record = match &call.draft {
            Draft::Decided(record) => Cow::Borrowed(&**record),
            Draft::Waits(question) => {
                let history =
                    past::history(connection, tail, (&question.needs, &question.asker), &earlier).await?;
                Cow::Owned((question.decide)(&history))
            }
        };
        if anybody_asks {
            earlier.push(past::event(&record));
        }
        new.insert(seq, (&call.signature, record));
    }
    Ok(new)
}

/// What the caller of a new decision hears: one that handed in the decision has the answer already.
fn told(call: &Pending, new: Option<&(&SignatureSeen, Cow<'_, DecisionRecord>)>) -> Recorded {
    match (&call.draft, new) {
        (Draft::Waits(_), Some((_, record))) => {
            Recorded::Decided { verdict: record.verdict, answer: record.answer.clone() }
        }
        _ => Recorded::First,
    }
}

/// The answer to an earlier call of the batch. An empty one would be no answer at all.
fn answer_within(new: &New<'_>, seq: i64) -> Result<String, StoreError> {
    let first = new.get(&seq).map(|(_, record)| record.answer.clone());
    first.ok_or_else(|| StoreError::corrupt("decisions", "answer", seq.to_string()))
}

/// Tells what each call is. A signature counts from its first call on, wherever that stands: filed, in the tail, or
/// earlier in this batch. A repeat gets its first answer whatever the desk did since.
fn judge(batch: &[Pending], found: &Found, tail: &Tail) -> Vec<Fate> {
    let mut firsts: HashMap<SignatureHash, Earlier> = HashMap::with_capacity(batch.len());
    let mut last_seq = tail.last_seq();
    let mut fates = Vec::with_capacity(batch.len());
    for call in batch {
        let hash = call.signature.hash;
        let earlier = tail.earlier(&hash).or_else(|| found.filed.get(&hash).copied());
        fates.push(match (earlier, firsts.get(&hash)) {
            (Some(earlier), _) if in_window(earlier.received_at, call) => Fate::RepeatOf(earlier.seq),
            (None, Some(first)) if in_window(first.received_at, call) => Fate::RepeatWithin(first.seq),
            (Some(_), _) | (None, Some(_)) => Fate::TooOld,
            (None, None) if call.draft.desk() != found.desk => Fate::Stale,
            (None, None) => {
                last_seq += 1;
                firsts.insert(hash, Earlier { seq: last_seq, received_at: call.draft.received_at() });
                Fate::New(last_seq)
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

/// Begins the transaction, takes other processes' decisions into the tail, and tells which signatures are filed and what
/// the fraud desk says.
async fn begin_and_look_up(
    connection: &mut SqliteConnection,
    statements: &BatchStatements,
    tail: &SharedTail,
    batch: &[Pending],
) -> Result<Found, StoreError> {
    let statement = statements.look_up(batch.len()).ok_or(StoreError::Busy)?;
    let mut values = SqliteArguments::default();
    values.reserve(batch.len() + 1, 0);
    add(&mut values, tail.read().last_seq())?;
    for call in batch {
        add(&mut values, call.signature.hash.0.as_slice())?;
    }
    let rows = sqlx::query_with(statement, values).fetch_all(connection).await?;
    let mut found = Found::default();
    for row in &rows {
        take_in(row, &mut found, tail)?;
    }
    Ok(found)
}

/// Sorts a row of the look-up: without a signature it is the desk's revision, without a user a filed signature, with one
/// another process's decision.
fn take_in(row: &SqliteRow, found: &mut Found, tail: &SharedTail) -> Result<(), StoreError> {
    let seq: i64 = row.try_get("seq")?;
    let Some(hash) = row.try_get::<Option<&[u8]>, _>("signature_hash")? else {
        found.desk = desk::revision(seq)?;
        return Ok(());
    };
    let hash: [u8; 32] =
        hash.try_into().map_err(|_| StoreError::corrupt("decisions", "signature_hash", seq.to_string()))?;
    let received_at = Timestamp::from_unix_micros(row.try_get("received_at")?);
    let call = Earlier { seq, received_at };
    match row.try_get::<Option<&str>, _>("user_id")? {
        None => drop(found.filed.insert(SignatureHash(hash), call)),
        Some(user) => {
            let kept = traits::parse(row.try_get("traits")?)
                .ok_or_else(|| StoreError::corrupt("decisions", "traits", seq.to_string()))?;
            let mut tail = tail.write();
            tail.add_call(SignatureHash(hash), call);
            tail.add_subjects(call, traits::indexed(&kept.subjects));
            if let Some(until) = row.try_get::<Option<i64>, _>("walkable_until")? {
                let scope: &str = row.try_get("scope")?;
                tail.add_review(seq, (user, scope), Timestamp::from_unix_micros(until));
            }
        }
    }
    Ok(())
}

/// The first answer's exact bytes.
async fn answer_of(connection: &mut SqliteConnection, seq: i64) -> Result<String, StoreError> {
    sqlx::query_scalar("SELECT answer FROM decisions WHERE seq = ?")
        .bind(seq)
        .fetch_optional(connection)
        .await?
        .ok_or_else(|| StoreError::corrupt("decisions", "answer", seq.to_string()))
}

async fn insert_and_commit(
    connection: &mut SqliteConnection,
    statements: &BatchStatements,
    new: &New<'_>,
) -> Result<(), StoreError> {
    let Some(statement) = statements.insert(new.len()) else {
        connection.execute("COMMIT").await?;
        return Ok(());
    };
    let mut values = SqliteArguments::default();
    values.reserve(new.len() * DECISION_VALUES, 0);
    for (seq, (signature, record)) in new {
        add_decision(&mut values, *seq, (signature, record))?;
    }
    sqlx::query_with(statement, values).execute(connection).await?;
    Ok(())
}

/// The values of one row, in the order of the insert's columns.
fn add_decision(
    values: &mut SqliteArguments,
    seq: i64,
    (signature, record): (&SignatureSeen, &DecisionRecord),
) -> Result<(), StoreError> {
    add(values, seq)?;
    add(values, record.id.uuid())?;
    add(values, record.received_at.unix_micros())?;
    add(values, record.user_id.as_str())?;
    add(values, record.scope.as_str())?;
    add(values, record.verdict.as_str())?;
    add(values, record.step_keys.as_deref())?;
    add(values, record.walkable_until.map(Timestamp::unix_micros))?;
    add(values, record.rule.as_ref().map(RuleId::as_str))?;
    add(values, record.reason.as_str())?;
    add(values, record.bundle.as_bytes().as_slice())?;
    add(values, record.answer.as_str())?;
    add(values, record.metadata_json.as_str())?;
    add(values, record.metadata_digest.as_slice())?;
    add(values, record.context_json.as_str())?;
    add(values, record.seen_json.as_str())?;
    add(values, record.outcomes.as_str())?;
    add(values, record.evaluation_ns)?;
    add(values, signature.hash.0.as_slice())?;
    add(values, signature.kid.as_str())?;
    add(values, traits::line(record))?;
    add(values, record.usable_until.map(Timestamp::unix_micros))?;
    add(values, desk::number(record.desk)?)
}

/// Adds a value to a statement and gives encoding faults the room's own error.
pub(super) fn add<'v, T>(values: &mut SqliteArguments, value: T) -> Result<(), StoreError>
where
    T: Encode<'v, Sqlite> + Type<Sqlite>,
{
    Arguments::add(values, value).map_err(|fault| sqlx::Error::Encode(fault).into())
}
