//! The first answers to POSTs with an `Idempotency-Key`.

use futures_util::future::BoxFuture;

use super::Store;
use super::turn::Turn;
use crate::domain::{Jti, Timestamp};
use crate::store::connection::{Connection, Row};
use crate::store::once::ANSWERS_KEPT;
use crate::store::{Answered, KeptAnswer, Once, OnceKey, StoreError};

const FIND: &str = "
    SELECT body_sha256, status, answer, jti FROM kept_answers
     WHERE api_key_id = $1 AND route = $2 AND idempotency_key = $3 AND answered_at > $4";

/// An answer that is older than it is kept makes room.
const KEEP: &str = "
    INSERT INTO kept_answers (api_key_id, route, idempotency_key, body_sha256, answered_at, status, answer, jti)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (api_key_id, route, idempotency_key) DO UPDATE
       SET body_sha256 = excluded.body_sha256, answered_at = excluded.answered_at, status = excluded.status,
           answer = excluded.answer, jti = excluded.jti";

const FORGET: &str = "
    DELETE FROM kept_answers WHERE (api_key_id, route, idempotency_key) IN
        (SELECT api_key_id, route, idempotency_key FROM kept_answers WHERE answered_at <= $1 ORDER BY answered_at LIMIT $2)";

impl Store {
    /// What this very request was answered before, if it came before.
    ///
    /// - returns: [`Answered::Now`] with nothing where it did not.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn kept_answer(&self, key: &OnceKey) -> Result<Answered<()>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let row = find(connection, key).await?;
        row.map_or(Ok(Answered::Now(())), |row| kept(&row, key))
    }

    /// Forgets some answers that are older than they are kept.
    ///
    /// - returns: how many; fewer than `limit` when none is left.
    ///
    /// # Errors
    /// None was forgotten.
    pub(crate) async fn forget_answers(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write(Turn::Anyone, move |connection| {
            Box::pin(async move {
                let oldest = now.minus(ANSWERS_KEPT).unix_micros();
                let done =
                    connection.query(FORGET).bind(oldest).bind(i64::from(limit)).execute(connection).await?;
                Ok(done)
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
        turn: Turn,
        once: Option<Once<T>>,
        work: F,
    ) -> Result<Answered<T>, StoreError>
    where
        T: Send + 'static,
        F: for<'c, 'd> FnOnce(&'c mut Connection<'d>) -> BoxFuture<'c, Result<T, StoreError>>
            + Send
            + 'static,
    {
        let turn = match &once {
            Some(once) => Turn::Request { name: name(&once.key), then: Box::new(turn) },
            None => turn,
        };
        self.write(turn, move |connection| {
            Box::pin(async move {
                let Some(once) = once else { return work(connection).await.map(Answered::Now) };
                if let Some(row) = find(connection, &once.key).await? {
                    return match kept(&row, &once.key)? {
                        Answered::Before(answer) => Ok(Answered::Before(answer)),
                        Answered::OtherBody | Answered::Now(()) => Ok(Answered::OtherBody),
                    };
                }
                let done = work(connection).await?;
                if let Some(answer) = (once.answer)(&done, once.key.at) {
                    keep(connection, &once.key, answer).await?;
                }
                Ok(Answered::Now(done))
            })
        })
        .await
    }
}

/// What makes a request one.
fn name(key: &OnceKey) -> String {
    format!("{} {} {}", key.api_key_id, key.route, key.key)
}

async fn find(connection: &mut Connection<'_>, key: &OnceKey) -> Result<Option<Row>, StoreError> {
    connection
        .query(FIND)
        .bind(key.api_key_id.as_str())
        .bind(&*key.route)
        .bind(&*key.key)
        .bind(key.at.minus(ANSWERS_KEPT).unix_micros())
        .fetch_optional(connection)
        .await
}

fn kept<T>(row: &Row, key: &OnceKey) -> Result<Answered<T>, StoreError> {
    let body: &[u8] = row.try_get("body_sha256")?;
    if body != key.body_sha256 {
        return Ok(Answered::OtherBody);
    }
    let corrupt = |column| StoreError::corrupt("kept_answers", column, key.api_key_id.as_str());
    let answer = match (row.try_get::<Option<String>>("answer")?, row.try_get::<Option<&str>>("jti")?) {
        (Some(text), None) => {
            let status = row.number("status").map_err(|_| corrupt("status"))?;
            KeptAnswer::Body { status, text }
        }
        (None, Some(jti)) => KeptAnswer::Token(Jti::parse(jti).ok_or_else(|| corrupt("jti"))?),
        _ => return Err(corrupt("answer")),
    };
    Ok(Answered::Before(answer))
}

async fn keep(connection: &mut Connection<'_>, key: &OnceKey, answer: KeptAnswer) -> Result<(), StoreError> {
    let (status, text, jti): (u16, _, _) = match answer {
        KeptAnswer::Body { status, text } => (status, Some(text), None),
        KeptAnswer::Token(jti) => (201, None, Some(jti.to_string())),
    };
    connection
        .query(KEEP)
        .bind(key.api_key_id.as_str())
        .bind(&*key.route)
        .bind(&*key.key)
        .bind(key.body_sha256.as_slice())
        .bind(key.at.unix_micros())
        .bind(i64::from(status))
        .bind(text)
        .bind(jti)
        .execute(connection)
        .await?;
    Ok(())
}
