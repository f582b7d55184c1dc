//! What Prelude said by webhook: each event once, applied in the transaction that records it.

use super::facts;
use super::turn::Turn;
use super::verifications::withdraw_on;
use super::{Store, StoreError};
use crate::domain::{
    Actor, PreludeEffect, PreludeEventRecord, PreludeRecorded, Timestamp, VerificationId, Withdrawal,
    WithdrawnOf,
};
use crate::store::connection::Connection;

/// Whoever comes second with the same event waits for the first, and then finds it there.
const INSERT: &str = "
    INSERT INTO prelude_events (digest, kind, happened_at, received_at, reason) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (digest) DO NOTHING";

const FAILURES: &str = "
    SELECT reason, count(*) AS times FROM prelude_events
     WHERE reason IS NOT NULL AND happened_at > $1
     GROUP BY reason ORDER BY times DESC, reason";

impl Store {
    /// Records an event and applies what follows from it, unless it was recorded before; answers once that is on disk.
    ///
    /// - `now`: told inside the transaction, for what follows from it.
    ///
    /// # Errors
    /// Neither happened: Prelude must be told to send it again.
    pub(crate) async fn record_prelude_event(
        &self,
        event: PreludeEventRecord,
        now: impl Fn() -> Timestamp + Send + 'static,
    ) -> Result<PreludeRecorded, StoreError> {
        let turn = match &event.effect {
            PreludeEffect::None | PreludeEffect::Warn(_) => Turn::Anyone,
            PreludeEffect::Facts(user, _) => Turn::User(user.clone()),
            PreludeEffect::EndSession(session) => Turn::Withdrawn(WithdrawnOf::Session(session.clone())),
            PreludeEffect::EraseUser(user) => Turn::Withdrawn(WithdrawnOf::User(user.clone())),
        };
        self.write(turn, move |connection| {
            Box::pin(async move { record_on(connection, &event, now()).await })
        })
        .await
    }

    /// Why Prelude could not use answers of the hook, and how often each.
    ///
    /// - `since`: only what happened after it.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn hook_failures(&self, since: Timestamp) -> Result<Vec<(String, u64)>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let rows = connection.query(FAILURES).bind(since.unix_micros()).fetch_all(connection).await?;
        rows.iter().map(|row| Ok((row.try_get("reason")?, row.number("times")?))).collect()
    }
}

async fn record_on(
    connection: &mut Connection<'_>,
    event: &PreludeEventRecord,
    at: Timestamp,
) -> Result<PreludeRecorded, StoreError> {
    let reason = match event.effect {
        PreludeEffect::Warn(reason) => Some(reason),
        _ => None,
    };
    let inserted = connection
        .query(INSERT)
        .bind(event.digest.as_slice())
        .bind(event.kind)
        .bind(event.happened_at.unix_micros())
        .bind(event.received_at.unix_micros())
        .bind(reason)
        .execute(connection)
        .await?;
    if inserted == 0 {
        return Ok(PreludeRecorded::Before);
    }
    match &event.effect {
        PreludeEffect::None | PreludeEffect::Warn(_) => Ok(PreludeRecorded::Now(Vec::new())),
        PreludeEffect::Facts(_, reported) => {
            for fact in reported {
                facts::insert(connection, fact).await?;
            }
            Ok(PreludeRecorded::Now(Vec::new()))
        }
        PreludeEffect::EndSession(session) => {
            let of = WithdrawnOf::Session(session.clone());
            withdraw(connection, &of, (Withdrawal::SessionRevoked, at)).await
        }
        PreludeEffect::EraseUser(user) => {
            super::erasure_queue::wish(connection, user, (&Actor::Prelude, event.received_at)).await?;
            withdraw(connection, &WithdrawnOf::User(user.clone()), (Withdrawal::UserDeleted, at)).await
        }
    }
}

async fn withdraw(
    connection: &mut Connection<'_>,
    of: &WithdrawnOf,
    (why, at): (Withdrawal, Timestamp),
) -> Result<PreludeRecorded, StoreError> {
    let words = format!("{}: Prelude said so", why.as_str());
    let actor = Actor::Prelude.to_string();
    let withdrawn: Vec<VerificationId> = withdraw_on(connection, of, (why, at), (&actor, &words)).await?;
    Ok(PreludeRecorded::Now(withdrawn))
}
