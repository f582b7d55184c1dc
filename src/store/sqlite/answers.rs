//! The first answers to POSTs with an `Idempotency-Key`.

use futures_util::future::BoxFuture;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::Store;
use crate::domain::{Jti, Timestamp};
use crate::store::once::ANSWERS_KEPT;
use crate::store::{Answered, KeptAnswer, Once, OnceKey, StoreError};

const FIND: &str = "
    SELECT body_sha256, status, answer, jti FROM kept_answers
     WHERE api_key_id = ? AND route = ? AND idempotency_key = ? AND answered_at > ?";

/// An answer that is older than it is kept makes room.
const KEEP: &str = "
    INSERT OR REPLACE INTO kept_answers (api_key_id, route, idempotency_key, body_sha256, answered_at, status, answer, jti)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

const FORGET: &str = "
    DELETE FROM kept_answers WHERE (api_key_id, route, idempotency_key) IN
        (SELECT api_key_id, route, idempotency_key FROM kept_answers WHERE answered_at <= ? ORDER BY answered_at LIMIT ?)";

impl Store {
    /// What this very request was answered before, if it came before.
    ///
    /// - returns: [`Answered::Now`] with nothing where it did not.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn kept_answer(&self, key: &OnceKey) -> Result<Answered<()>, StoreError> {
        let row = find(key).fetch_optional(&self.0.readers).await?;
        row.map_or(Ok(Answered::Now(())), |row| kept(&row, key))
    }

    /// Forgets some answers that are older than they are kept.
    ///
    /// - returns: how many; fewer than `limit` when none is left.
    ///
    /// # Errors
    /// None was forgotten.
    pub(crate) async fn forget_answers(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write(move |connection| {
            Box::pin(async move {
                let oldest = now.minus(ANSWERS_KEPT).unix_micros();
                let done = sqlx::query(FORGET).bind(oldest).bind(limit).execute(connection).await?;
                Ok(done.rows_affected())
            })
        })
        .await
    }

    /// Runs a write in a transaction of its own, once per key where there is one; the answer is kept in the same transaction.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub(super) async fn write_once<T, F>(
        &self,
        once: Option<Once<T>>,
        work: F,
    ) -> Result<Answered<T>, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        self.write(move |connection| {
            Box::pin(async move {
                let Some(once) = once else { return work(connection).await.map(Answered::Now) };
                if let Some(row) = find(&once.key).fetch_optional(&mut *connection).await? {
                    return match kept(&row, &once.key)? {
                        Answered::Before(answer) => Ok(Answered::Before(answer)),
                        Answered::OtherBody | Answered::Now(()) => Ok(Answered::OtherBody),
                    };
                }
                let done = work(&mut *connection).await?;
                if let Some(answer) = (once.answer)(&done, once.key.at) {
                    keep(connection, &once.key, answer).await?;
                }
                Ok(Answered::Now(done))
            })
        })
        .await
    }
}

type Find<'k> = sqlx::query::Query<'k, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

fn find(key: &OnceKey) -> Find<'_> {
    sqlx::query(FIND)
        .bind(key.api_key_id.as_str())
        .bind(&*key.route)
        .bind(&*key.key)
        .bind(key.at.minus(ANSWERS_KEPT).unix_micros())
}

fn kept<T>(row: &SqliteRow, key: &OnceKey) -> Result<Answered<T>, StoreError> {
    let body: &[u8] = row.try_get("body_sha256")?;
    if body != key.body_sha256 {
        return Ok(Answered::OtherBody);
    }
    let corrupt = |column| StoreError::corrupt("kept_answers", column, key.api_key_id.as_str());
    let answer = match (row.try_get::<Option<String>, _>("answer")?, row.try_get::<Option<&str>, _>("jti")?) {
        (Some(text), None) => {
            let status = row.try_get("status").map_err(|_| corrupt("status"))?;
            KeptAnswer::Body { status, text }
        }
        (None, Some(jti)) => KeptAnswer::Token(Jti::parse(jti).ok_or_else(|| corrupt("jti"))?),
        _ => return Err(corrupt("answer")),
    };
    Ok(Answered::Before(answer))
}

async fn keep(
    connection: &mut SqliteConnection,
    key: &OnceKey,
    answer: KeptAnswer,
) -> Result<(), StoreError> {
    let (status, text, jti) = match answer {
        KeptAnswer::Body { status, text } => (status, Some(text), None),
        KeptAnswer::Token(jti) => (201, None, Some(jti.to_string())),
    };
    sqlx::query(KEEP)
        .bind(key.api_key_id.as_str())
        .bind(&*key.route)
        .bind(&*key.key)
        .bind(key.body_sha256.as_slice())
        .bind(key.at.unix_micros())
        .bind(status)
        .bind(text)
        .bind(jti)
        .execute(connection)
        .await?;
    Ok(())
}
