//! Who looked at what.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::Store;
use crate::domain::{AccessRecord, StoredAccess, Timestamp};
use crate::store::StoreError;

const PAGE: &str = "
    SELECT seq, at, actor, action, subject FROM accesses WHERE seq < ? ORDER BY seq DESC LIMIT ?";
const PAGE_OF_ONE_SUBJECT: &str = "
    SELECT seq, at, actor, action, subject FROM accesses WHERE seq < ? AND subject = ? ORDER BY seq DESC LIMIT ?";

impl Store {
    /// Records that somebody looks; answers once that is on disk.
    ///
    /// # Errors
    /// Nothing was recorded: nothing may be shown.
    pub(crate) async fn record_access(&self, access: AccessRecord) -> Result<(), StoreError> {
        self.write(move |connection| {
            Box::pin(async move {
                sqlx::query("INSERT INTO accesses (at, actor, action, subject) VALUES (?, ?, ?, ?)")
                    .bind(access.at.unix_micros())
                    .bind(access.actor.to_string())
                    .bind(access.action.as_str())
                    .bind(access.subject)
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Accesses, newest first.
    ///
    /// - `subject`: of what was looked at; everything without it.
    /// - `before`: the place where the page before ended.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn accesses(
        &self,
        subject: Option<&str>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<StoredAccess>, StoreError> {
        let before = before.unwrap_or(i64::MAX);
        let rows = match subject {
            Some(subject) => sqlx::query(PAGE_OF_ONE_SUBJECT).bind(before).bind(subject).bind(limit),
            None => sqlx::query(PAGE).bind(before).bind(limit),
        };
        rows.fetch_all(&self.0.readers).await?.iter().map(stored).collect()
    }
}

fn stored(row: &SqliteRow) -> Result<StoredAccess, StoreError> {
    Ok(StoredAccess {
        seq: row.try_get("seq")?,
        at: Timestamp::from_unix_micros(row.try_get("at")?),
        actor: row.try_get("actor")?,
        action: row.try_get("action")?,
        subject: row.try_get("subject")?,
    })
}
