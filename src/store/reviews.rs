//! Looking for the review that a mint needs.

use uuid::Uuid;

use super::connection::{Connection, Row};
use super::{Engine, OpenWish, Store};
use crate::domain::{DecisionId, ReviewFound, ReviewQuery, Timestamp};
use crate::store::StoreError;

const NEWER: &str = "
    SELECT EXISTS (SELECT 1 FROM decisions
                    WHERE seq > $1 AND user_id = $2 AND scope = $3 AND walkable_until IS NOT NULL)";

impl Store {
    /// The newest review that fits and can still be walked, where this process can tell without a look at the record; and the
    /// last decision that this process knew of. Whoever makes something of it must see in the transaction that does so that no
    /// review of the user came after that: [`OpenWish::reviews_through`].
    ///
    /// - returns: `None` where it cannot: [`Self::find_walkable_review`] can.
    pub(crate) fn recent_review(&self, query: &ReviewQuery) -> Option<(ReviewFound, i64)> {
        match &*self.engine {
            Engine::Sqlite(database) => database.recent_review(query),
            Engine::Postgres(_) => None,
        }
    }

    /// Finds the newest review that fits and can still be walked. Other reviews, however many, do not hide it.
    ///
    /// - returns: `None` when no review fits.
    ///
    /// # Errors
    /// The record could not be read.
    ///
    /// # Reference
    /// docs/CONTRACT.md C6
    pub(crate) async fn find_walkable_review(
        &self,
        query: ReviewQuery,
    ) -> Result<Option<ReviewFound>, StoreError> {
        let mut reader = self.reader().await?;
        let row = self.places().review(&mut reader.connection(), &query).await?;
        row.map(|row| found(&row)).transpose()
    }
}

/// Whether a review of this user and scope came after those that a wish's review was chosen from.
///
/// # Errors
/// The transaction must be given up.
pub(super) async fn has_newer(connection: &mut Connection<'_>, wish: &OpenWish) -> Result<bool, StoreError> {
    let Some(through) = wish.reviews_through else { return Ok(false) };
    connection
        .query(NEWER)
        .bind(through)
        .bind(wish.opening.user_id.as_str())
        .bind(wish.opening.scope.as_str())
        .value(connection)
        .await
}

fn found(row: &Row) -> Result<ReviewFound, StoreError> {
    let seq: i64 = row.try_get("seq")?;
    let id: Uuid = row.try_get("id").map_err(|_| StoreError::corrupt("decisions", "id", seq.to_string()))?;
    Ok(ReviewFound {
        decision_id: DecisionId::from_uuid(id),
        received_at: Timestamp::from_unix_micros(row.try_get("received_at")?),
        walkable_until: Timestamp::from_unix_micros(row.try_get("walkable_until")?),
    })
}
