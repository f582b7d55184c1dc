//! Users of whom nothing is deleted or erased, because a court or an authority may ask for it.

use super::TURN;
use crate::domain::{Actor, Hold, Timestamp, UserId};
use crate::store::connection::Row;
use crate::store::{Store, StoreError};

const RELEASE: &str = "
    UPDATE user_holds SET released_at = $2, released_by = $3, release_reason = $4
     WHERE user_id = $1 AND released_at IS NULL";

const HOLD: &str =
    "INSERT INTO user_holds (user_id, held_at, until, actor, reason) VALUES ($1, $2, $3, $4, $5)";

const STANDING: &str = "
    SELECT user_id, held_at, until, actor, reason FROM user_holds
     WHERE released_at IS NULL AND (until IS NULL OR until > $1) AND ($2 IS NULL OR user_id = $2)
     ORDER BY seq";

/// Why a hold ends that another one takes the place of.
const REPLACED: &str = "replaced by another hold";

impl Store {
    /// Puts a user on hold, in place of the hold that stands, if one does.
    ///
    /// # Errors
    /// Nothing was done.
    pub(crate) async fn hold_user(&self, hold: Hold) -> Result<(), StoreError> {
        self.write(TURN, move |connection| {
            Box::pin(async move {
                connection
                    .query(RELEASE)
                    .bind(hold.user_id.as_str())
                    .bind(hold.held_at.unix_micros())
                    .bind(&*hold.actor)
                    .bind(REPLACED)
                    .execute(connection)
                    .await?;
                connection
                    .query(HOLD)
                    .bind(hold.user_id.as_str())
                    .bind(hold.held_at.unix_micros())
                    .bind(hold.until.map(Timestamp::unix_micros))
                    .bind(&*hold.actor)
                    .bind(&*hold.reason)
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Ends a user's hold; tells whether there was one.
    ///
    /// # Errors
    /// Nothing was done.
    pub(crate) async fn release_user(
        &self,
        user_id: UserId,
        (actor, at): (Actor, Timestamp),
        reason: Box<str>,
    ) -> Result<bool, StoreError> {
        self.write(TURN, move |connection| {
            Box::pin(async move {
                let ended = connection
                    .query(RELEASE)
                    .bind(user_id.as_str())
                    .bind(at.unix_micros())
                    .bind(actor.to_string())
                    .bind(&*reason)
                    .execute(connection)
                    .await?;
                Ok(ended > 0)
            })
        })
        .await
    }

    /// The holds that stand at `now`: all of them, or a user's.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn holds(
        &self,
        now: Timestamp,
        user_id: Option<&UserId>,
    ) -> Result<Vec<Hold>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let standing = connection.query(STANDING).bind(now.unix_micros()).bind(user_id.map(UserId::as_str));
        standing.fetch_all(connection).await?.iter().map(hold).collect()
    }
}

fn hold(row: &Row) -> Result<Hold, StoreError> {
    let user_id = UserId::new(row.try_get("user_id")?);
    Ok(Hold {
        user_id: user_id.map_err(|_| StoreError::corrupt("user_holds", "user_id", "?"))?,
        held_at: Timestamp::from_unix_micros(row.try_get("held_at")?),
        until: row.try_get::<Option<i64>>("until")?.map(Timestamp::from_unix_micros),
        actor: row.try_get::<String>("actor")?.into(),
        reason: row.try_get::<String>("reason")?.into(),
    })
}
