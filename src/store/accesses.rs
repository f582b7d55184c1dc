//! Who looked at what.

use super::Store;
use super::turn::Turn;
use crate::domain::{AccessRecord, StoredAccess, Timestamp};
use crate::store::StoreError;
use crate::store::connection::Row;

const PAGE: &str = "
    SELECT seq, at, actor, action, subject FROM accesses WHERE seq < $1 ORDER BY seq DESC LIMIT $2";
const PAGE_OF_ONE_SUBJECT: &str = "
    SELECT seq, at, actor, action, subject FROM accesses WHERE seq < $1 AND subject = $2 ORDER BY seq DESC LIMIT $3";

impl Store {
    /// Records that somebody looks; answers once that is on disk.
    ///
    /// # Errors
    /// Nothing was recorded: nothing may be shown.
    pub(crate) async fn record_access(&self, access: AccessRecord) -> Result<(), StoreError> {
        self.write(Turn::Anyone, move |connection| {
            Box::pin(async move {
                connection
                    .query("INSERT INTO accesses (at, actor, action, subject) VALUES ($1, $2, $3, $4)")
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
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let before = before.unwrap_or(i64::MAX);
        let rows = match subject {
            Some(subject) => {
                connection.query(PAGE_OF_ONE_SUBJECT).bind(before).bind(subject).bind(i64::from(limit))
            }
            None => connection.query(PAGE).bind(before).bind(i64::from(limit)),
        };
        rows.fetch_all(connection).await?.iter().map(stored).collect()
    }
}

fn stored(row: &Row) -> Result<StoredAccess, StoreError> {
    Ok(StoredAccess {
        seq: row.try_get("seq")?,
        at: Timestamp::from_unix_micros(row.try_get("at")?),
        actor: row.try_get("actor")?,
        action: row.try_get("action")?,
        subject: row.try_get("subject")?,
    })
}
