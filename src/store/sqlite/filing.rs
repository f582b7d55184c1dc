//! Filing: `signatures`, `walkable_reviews` and `decision_subjects` follow `decisions` in sorted runs.
//!
//! Their keys are random, so a row of theirs that is written at once costs a page of log of its own. Sorted by key, some
//! thousand rows share pages: measured up to 60 000 rows, filing saves more than half of what the first two tables cost a
//! call. A run is cut into slices with batches in between, so that nobody waits for more than a slice.

use std::collections::VecDeque;

use sqlx::sqlite::SqliteConnection;
use sqlx::types::Json;
use sqlx::{Connection as _, Row};

use crate::domain::Timestamp;
use crate::store::connection::Connection;
use crate::store::filed::{About, Filed};
use crate::store::{StoreError, traits};

/// How many rows are filed at a time: at most 1 MiB of log.
pub(super) const SLICE_ROWS: usize = 256;

/// A run that is under way.
#[derive(Debug)]
pub(super) struct Run {
    /// The last decision that is filed when the run is through.
    pub(super) through: i64,
    /// What is left to do, neighbouring keys together.
    pub(super) slices: VecDeque<Slice>,
}

/// Neighbours in one of the tables, most by their places in `decisions`.
#[derive(Debug)]
pub(super) enum Slice {
    /// To be filed in `signatures`.
    Signatures(Vec<i64>),
    /// To be filed in `walkable_reviews`.
    Reviews(Vec<i64>),
    /// To be filed in `decision_subjects`.
    Subjects(Vec<About>),
}

/// Files one slice of a run, or ends the run when none is left.
///
/// - returns: whether the run is through.
///
/// # Errors
/// Nothing of the slice was filed. Begun runs may be given up: what was filed twice is there once.
pub(super) async fn file_next(connection: &mut SqliteConnection, run: &mut Run) -> Result<bool, StoreError> {
    match run.slices.pop_front() {
        Some(Slice::Signatures(places)) => file_signatures(connection, places).await.map(|()| false),
        Some(Slice::Reviews(places)) => file_reviews(connection, places).await.map(|()| false),
        Some(Slice::Subjects(rows)) => file_subjects(connection, rows).await.map(|()| false),
        None => advance(connection, run.through).await.map(|_| true),
    }
}

/// Files every decision that is not filed yet, in one transaction: when the store is opened and closed.
///
/// - returns: the last decision that is filed now.
///
/// # Errors
/// Nothing was filed; the decisions stand as they did.
pub(super) async fn file_all(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let places = unfiled(&mut transaction).await?;
    let last = places.last().copied().unwrap_or(0);
    if !places.is_empty() {
        file_signatures(&mut transaction, places.clone()).await?;
        file_reviews(&mut transaction, places.clone()).await?;
        let subjects = subjects_of(&mut transaction, places).await?;
        file_subjects(&mut transaction, subjects).await?;
    }
    let through = advance(&mut transaction, last).await?;
    transaction.commit().await?;
    Ok(through)
}

async fn unfiled(connection: &mut SqliteConnection) -> Result<Vec<i64>, StoreError> {
    let places = sqlx::query_scalar(
        "SELECT seq FROM decisions WHERE seq > (SELECT filed_through FROM filing) ORDER BY seq",
    )
    .fetch_all(connection)
    .await?;
    Ok(places)
}

/// A signature that stands twice belongs to the first call that carried it.
async fn file_signatures(connection: &mut SqliteConnection, places: Vec<i64>) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO signatures (hash, kid, received_at, decision_seq)
         SELECT signature_hash, signature_kid, received_at, seq FROM decisions
          WHERE seq IN (SELECT value FROM json_each(?))
          ORDER BY signature_hash, seq
         ON CONFLICT (hash) DO NOTHING",
    )
    .bind(Json(places))
    .execute(connection)
    .await?;
    Ok(())
}

async fn file_reviews(connection: &mut SqliteConnection, places: Vec<i64>) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO walkable_reviews (user_id, scope, walkable_until, decision_seq)
         SELECT user_id, scope, walkable_until, seq FROM decisions
          WHERE seq IN (SELECT value FROM json_each(?)) AND walkable_until IS NOT NULL
          ORDER BY user_id, scope, walkable_until, seq
         ON CONFLICT DO NOTHING",
    )
    .bind(Json(places))
    .execute(connection)
    .await?;
    Ok(())
}

async fn subjects_of(connection: &mut SqliteConnection, places: Vec<i64>) -> Result<Vec<About>, StoreError> {
    let filed = Filed::read(&mut Connection::Sqlite(connection)).await?;
    let rows = sqlx::query(
        "SELECT seq, received_at, traits FROM decisions WHERE seq IN (SELECT value FROM json_each(?))",
    )
    .bind(Json(places))
    .fetch_all(connection)
    .await?;
    let mut subjects = Vec::with_capacity(rows.len());
    for row in &rows {
        let seq = row.try_get("seq")?;
        let at = Timestamp::from_unix_micros(row.try_get("received_at")?);
        let kept = traits::parse(row.try_get("traits")?)
            .ok_or_else(|| StoreError::corrupt("decisions", "traits", i64::to_string(&seq)))?;
        subjects.extend(filed.keys(&kept.subjects).map(|key| About { key: key.clone(), at, seq }));
    }
    Ok(subjects)
}

/// Files rows of `decision_subjects`; one that is there stays.
///
/// # Errors
/// None of them was filed.
pub(in crate::store) async fn file_subjects(
    connection: &mut SqliteConnection,
    rows: Vec<About>,
) -> Result<(), StoreError> {
    let rows: Vec<_> =
        rows.iter().map(|row| (traits::hexadecimal(&row.key), row.at.unix_micros(), row.seq)).collect();
    sqlx::query(
        "INSERT INTO decision_subjects (subject, received_at, decision_seq)
         SELECT unhex(value ->> 0), value ->> 1, value ->> 2 FROM json_each(?)
          ORDER BY 1, 2, 3
         ON CONFLICT DO NOTHING",
    )
    .bind(Json(rows))
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes how far filing is. Never backwards, so that a place is not given twice even where the last decisions were
/// deleted.
async fn advance(connection: &mut SqliteConnection, through: i64) -> Result<i64, StoreError> {
    let through =
        sqlx::query_scalar("UPDATE filing SET filed_through = max(filed_through, ?) RETURNING filed_through")
            .bind(through)
            .fetch_one(connection)
            .await?;
    Ok(through)
}
