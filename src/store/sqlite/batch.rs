//! One batch of decisions on SQLite: one transaction of two round trips.

use std::collections::HashMap;

use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Arguments, Encode, Executor, Row, Sqlite, Type};

use super::Known;
use super::look::{Look, PAST_VALUES, in_one_go, patiently};
use super::statements::{BEGIN_STATEMENTS, BatchStatements, DECISION_VALUES, PERSONAL_VALUES};
use super::tail::SharedTail;
use crate::domain::{
    DecisionRecord, DeskRevision, Kid, Recorded, RuleId, SignatureHash, SignatureSeen, Timestamp,
};
use crate::store::ahead::{Ahead, together};
use crate::store::batch::{Earlier, New, Pending, decide, judge, outcomes};
use crate::store::chain::{Chain, Link, Personal};
use crate::store::connection::Connection;
use crate::store::filed::Filed;
use crate::store::places::Places;
use crate::store::{StoreError, desk, traits};

/// What the look-up found.
#[derive(Debug, Default)]
struct Found {
    /// The batch's signatures that are filed.
    filed: HashMap<SignatureHash, Earlier>,
    /// What the fraud desk says now.
    desk: DeskRevision,
    /// By whom decisions are filed now.
    by: Filed,
    /// The place up to which they are.
    filed_through: i64,
    /// What was read of the past.
    ahead: Ahead,
}

/// Records a batch in one transaction and takes what is new into the tail.
///
/// - `batch`: 1 to as many calls as there are statements for, in order of arrival.
/// - `chain`: the one that this process makes longer.
/// - returns: what became of each call, in the same order, and how many rows were written.
///
/// # Errors
/// Nothing of the batch was recorded, unless the commit itself was cut off: then what it left is found by the next
/// batch's look-up.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    statements: &BatchStatements,
    known: &Known,
    (batch, chain): (&[Pending], &mut Chain),
) -> Result<(Vec<Recorded>, usize), StoreError> {
    let outcome = record_in_transaction(connection, statements, known, (batch, chain)).await;
    if let Err(fault) = &outcome {
        chain.give_up_after(fault);
        // Where SQLite has rolled back by itself, there is nothing left to roll back and this fails: as good.
        drop(connection.execute("ROLLBACK").await);
    }
    outcome
}

async fn record_in_transaction(
    connection: &mut SqliteConnection,
    statements: &BatchStatements,
    known: &Known,
    (batch, chain): (&[Pending], &mut Chain),
) -> Result<(Vec<Recorded>, usize), StoreError> {
    let tail = &known.tail;
    let found = begin_and_look_up(connection, statements, known, batch).await?;
    let (fates, first_seq) = {
        let tail = tail.read();
        let earlier = |hash: &SignatureHash| tail.earlier(hash).or_else(|| found.filed.get(hash).copied());
        // Where all that others recorded was deleted since, what is filed tells which places were given: none is given twice.
        (judge(batch, found.desk, earlier), tail.last_seq().max(found.filed_through) + 1)
    };
    let places = Places::FiledAndTail(known.clone());
    let place = (&places, &found.by, &found.ahead);
    let (new, events) = decide(&mut Connection::Sqlite(connection), place, (batch, &fates)).await?;
    let recorded = outcomes(&mut Connection::Sqlite(connection), batch, (&fates, &new)).await?;
    let links = chain.link(new.values().map(|(signature, record)| (*signature, &**record)))?;
    insert_and_commit(connection, statements, (first_seq, &new, &links)).await?;
    chain.take_in(&links);
    let mut tail = tail.write();
    for (index, (seq, (signature, record))) in (first_seq..).zip(new.values()).enumerate() {
        tail.add((seq, events.get(index)), (signature, record), &found.by);
    }
    Ok((recorded, new.len()))
}

/// Begins the transaction, takes other processes' decisions into the tail, and tells which signatures are filed, what
/// the fraud desk says, and what the calls ask about the past.
async fn begin_and_look_up(
    connection: &mut SqliteConnection,
    statements: &BatchStatements,
    known: &Known,
    batch: &[Pending],
) -> Result<Found, StoreError> {
    let wanted = together(batch.iter().filter_map(|call| call.draft.question()));
    let look = wanted.as_ref().map(|wanted| Look::begin(known, wanted));
    let executions = wanted.as_ref().map(|wanted| wanted.executions);
    let statement = statements.look_up(batch.len(), executions).ok_or(StoreError::Busy)?;
    let mut values = SqliteArguments::default();
    values.reserve(batch.len() + statement.left + 1 + PAST_VALUES, 0);
    add(&mut values, known.tail.read().last_seq())?;
    for call in batch {
        add(&mut values, call.signature.hash.0.as_slice())?;
    }
    statement.fill_up(&mut values, 1)?;
    if let Some(look) = &look {
        look.add_values(&mut values)?;
    }
    let mut parts = in_one_go(connection, (statement.text, values)).await?.into_iter().skip(BEGIN_STATEMENTS);
    let mut found = Found::default();
    for row in parts.next().unwrap_or_default() {
        take_in(&row, &mut found, &known.tail)?;
    }
    if let (Some(look), Some(wanted)) = (look, &wanted) {
        let rows = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        found.ahead = Ahead::of(wanted, look.end(rows))?;
    }
    Ok(found)
}

/// Sorts a row of the look-up: without a signature, which comes first, it is the desk's revision, and by whom and how far decisions
/// are filed; without a user a filed signature; with one another process's decision.
fn take_in(row: &SqliteRow, found: &mut Found, tail: &SharedTail) -> Result<(), StoreError> {
    let seq: i64 = row.try_get("seq")?;
    let Some(hash) = row.try_get::<Option<&[u8]>, _>("signature_hash")? else {
        found.desk = desk::revision(seq)?;
        found.by = Filed::parse(row.try_get("traits")?)?;
        found.filed_through = row.try_get("received_at")?;
        return Ok(());
    };
    let hash: [u8; 32] =
        hash.try_into().map_err(|_| StoreError::corrupt("decisions", "signature_hash", seq.to_string()))?;
    let received_at = Timestamp::from_unix_micros(row.try_get("received_at")?);
    let call = Earlier { seq, received_at };
    match row.try_get::<Option<&str>, _>("user_id")? {
        None => drop(found.filed.insert(SignatureHash(hash), call)),
        Some(user) => {
            let kid = Kid::new(row.try_get("signature_kid")?)
                .map_err(|_| StoreError::corrupt("decisions", "signature_kid", seq.to_string()))?;
            let kept = traits::parse(row.try_get("traits")?)
                .ok_or_else(|| StoreError::corrupt("decisions", "traits", seq.to_string()))?;
            let mut tail = tail.write();
            tail.add_call(&SignatureSeen { hash: SignatureHash(hash), kid }, call);
            tail.add_subjects(call, found.by.keys(&kept.subjects));
            if let Some(until) = row.try_get::<Option<i64>, _>("walkable_until")? {
                let scope: &str = row.try_get("scope")?;
                tail.add_review(seq, (user, scope), Timestamp::from_unix_micros(until));
            }
        }
    }
    Ok(())
}

async fn insert_and_commit(
    connection: &mut SqliteConnection,
    statements: &BatchStatements,
    (first_seq, new, links): (i64, &New<'_>, &[Link]),
) -> Result<(), StoreError> {
    let Some(statement) = statements.insert(new.len()) else {
        connection.execute("COMMIT").await?;
        return Ok(());
    };
    let mut values = SqliteArguments::default();
    values.reserve((new.len() + statement.left) * (DECISION_VALUES + PERSONAL_VALUES), 0);
    for ((seq, (signature, record)), link) in (first_seq..).zip(new.values()).zip(links) {
        add_decision(&mut values, seq, (signature, record, link))?;
    }
    statement.fill_up(&mut values, DECISION_VALUES)?;
    for (seq, (_, record)) in (first_seq..).zip(new.values()) {
        add_personal(&mut values, seq, record)?;
    }
    statement.fill_up(&mut values, PERSONAL_VALUES)?;
    patiently(sqlx::query_with(statement.text, values).execute(connection)).await?;
    Ok(())
}

/// The values of one row, in the order of the insert's columns.
fn add_decision(
    values: &mut SqliteArguments,
    seq: i64,
    (signature, record, link): (&SignatureSeen, &DecisionRecord, &Link),
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
    add(values, record.metadata_digest.as_slice())?;
    add(values, record.outcomes.as_str())?;
    add(values, record.evaluation_ns)?;
    add(values, signature.hash.0.as_slice())?;
    add(values, signature.kid.as_str())?;
    add(values, link.traits.as_str())?;
    add(values, record.usable_until.map(Timestamp::unix_micros))?;
    add(values, desk::number(record.desk)?)?;
    add(values, link.commitment.as_slice())?;
    add(values, link.head.chain.uuid())?;
    add(values, link.head.number)?;
    add(values, link.head.hash.as_slice())
}

/// The values of its row of personal values.
fn add_personal(values: &mut SqliteArguments, seq: i64, record: &DecisionRecord) -> Result<(), StoreError> {
    let personal = Personal::of(record);
    add(values, seq)?;
    add(values, record.salt.as_slice())?;
    add(values, personal.metadata)?;
    add(values, personal.context)?;
    add(values, personal.seen)
}

/// Adds a value to a statement and gives encoding faults the room's own error.
pub(super) fn add<'v, T>(values: &mut SqliteArguments, value: T) -> Result<(), StoreError>
where
    T: Encode<'v, Sqlite> + Type<Sqlite>,
{
    Arguments::add(values, value).map_err(|fault| sqlx::Error::Encode(fault).into())
}
