//! Users who wait to be erased: who may erase takes them out, one after the other.

use super::connection::{Connection, Row, Sql, either};
use super::turn::Turn;
use super::{Store, StoreError};
use crate::domain::{Actor, ErasureWish, Timestamp, UserId};

/// A second wish stands for the first, too: what was recorded between the two is to go as well.
const WISH: &str = "
    INSERT INTO erasure_queue (user_id, wished_at, actor) VALUES ($1, $2, $3)
    ON CONFLICT (user_id) DO UPDATE SET wished_at = excluded.wished_at, actor = excluded.actor
     WHERE excluded.wished_at > erasure_queue.wished_at";

/// Who is on legal hold waits on.
const NEXT: &str = "
    SELECT user_id, wished_at, actor
      FROM erasure_queue AS q
     WHERE NOT EXISTS (SELECT 1 FROM user_holds AS h
                        WHERE h.user_id = q.user_id AND h.released_at IS NULL AND (h.until IS NULL OR h.until > $1))
     ORDER BY wished_at, user_id
     LIMIT 1";

const DONE: &str = "DELETE FROM erasure_queue WHERE user_id = $1 AND wished_at = $2";

/// A server's role may be one that only adds (`ops/postgres-grants.sql`).
const MAY_ERASE: Sql = either(
    "SELECT true",
    "SELECT has_table_privilege('decision_personal', 'DELETE') AND has_table_privilege('erasure_queue', 'DELETE')
        AND has_column_privilege('verifications', 'metadata', 'UPDATE') AND has_table_privilege('erasures', 'INSERT')",
);

impl Store {
    /// Who waits longest to be erased and is not on legal hold.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn next_erasure(&self, now: Timestamp) -> Result<Option<ErasureWish>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let row = connection.query(NEXT).bind(now.unix_micros()).fetch_optional(connection).await?;
        row.as_ref().map(wish_of).transpose()
    }

    /// How many wait to be erased.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn erasures_waiting(&self) -> Result<i64, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        connection.query("SELECT count(*) FROM erasure_queue").value(connection).await
    }

    /// Takes a wish out that was fulfilled, unless it was wished again meanwhile.
    ///
    /// # Errors
    /// It stays.
    pub(crate) async fn erasure_done(&self, wish: ErasureWish) -> Result<(), StoreError> {
        self.write(Turn::User(wish.user_id.clone()), move |connection| {
            Box::pin(async move {
                let done = connection.query(DONE).bind(wish.user_id.as_str());
                done.bind(wish.wished_at.unix_micros()).execute(connection).await?;
                Ok(())
            })
        })
        .await
    }

    /// Whether this connection's role may erase anybody.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn may_erase(&self) -> Result<bool, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        connection.query(MAY_ERASE).value(connection).await
    }
}

/// Has a user wait to be erased, inside a transaction.
///
/// # Errors
/// The transaction must be given up.
pub(super) async fn wish(
    connection: &mut Connection<'_>,
    user_id: &UserId,
    (actor, at): (&Actor, Timestamp),
) -> Result<(), StoreError> {
    let wish = connection.query(WISH).bind(user_id.as_str()).bind(at.unix_micros()).bind(actor.to_string());
    wish.execute(connection).await?;
    Ok(())
}

fn wish_of(row: &Row) -> Result<ErasureWish, StoreError> {
    let user: &str = row.try_get("user_id")?;
    let corrupt = |column| StoreError::corrupt("erasure_queue", column, String::from("of a user"));
    Ok(ErasureWish {
        user_id: UserId::new(user).map_err(|_| corrupt("user_id"))?,
        wished_at: Timestamp::from_unix_micros(row.try_get("wished_at")?),
        actor: Actor::parse(row.try_get("actor")?).ok_or_else(|| corrupt("actor"))?,
    })
}
