//! Looking for the review that a mint needs.

use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::types::Json;
use uuid::Uuid;

use super::{OpenWish, Store};
use crate::domain::{DecisionId, ReviewFound, ReviewQuery, Timestamp};
use crate::store::StoreError;

/// What is filed, what is not filed yet, and what another process recorded since. Step keys have no blank, so a plan
/// contains a step where the plan between two blanks contains the step between two blanks.
const FIND: &str = "
    SELECT d.seq, d.id, d.received_at, d.walkable_until
      FROM decisions AS d
     WHERE d.seq IN (
               SELECT decision_seq FROM walkable_reviews
                WHERE user_id = ?1 AND scope = ?2 AND walkable_until > ?3
               UNION ALL
               SELECT value FROM json_each(?4)
               UNION ALL
               SELECT seq FROM decisions
                WHERE seq > ?5 AND user_id = ?1 AND scope = ?2 AND walkable_until > ?3)
       AND instr(' ' || d.step_keys || ' ', ' ' || ?6 || ' ') > 0
       AND (?7 IS NULL OR d.step_keys = ?7)
       AND (?8 IS NULL OR d.metadata_digest = ?8)
     ORDER BY d.received_at DESC, d.seq DESC
     LIMIT 1";

const NEWER: &str = "
    SELECT EXISTS (SELECT 1 FROM decisions
                    WHERE seq > ?1 AND user_id = ?2 AND scope = ?3 AND walkable_until IS NOT NULL)";

impl Store {
    /// The newest review that fits and can still be walked, where this process can tell without a look at the file; and the
    /// last decision that this process knew of. Whoever makes something of it must see in the transaction that does so that no
    /// review of the user came after that: [`super::OpenWish::reviews_through`].
    ///
    /// - returns: `None` where it cannot: [`Self::find_walkable_review`] can.
    pub(crate) fn recent_review(&self, query: &ReviewQuery) -> Option<(ReviewFound, i64)> {
        let tail = self.0.tail.read();
        Some((tail.newest_review(query)?, tail.last_seq()))
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
        // The tail is read before the tables: what moves in between is then in the tables.
        let (unfiled, last_seq) = {
            let tail = self.0.tail.read();
            (tail.reviews(&query), tail.last_seq())
        };
        let row = sqlx::query(FIND)
            .bind(query.user_id.as_str())
            .bind(query.scope.as_str())
            .bind(query.now.unix_micros())
            .bind(Json(unfiled))
            .bind(last_seq)
            .bind(query.step.as_str())
            .bind(query.step_keys)
            .bind(query.metadata_digest.as_ref().map(<[u8; 32]>::as_slice))
            .fetch_optional(&self.0.readers)
            .await?;
        row.map(|row| found(&row)).transpose()
    }
}

/// Whether a review of this user and scope came after those that a wish's review was chosen from.
///
/// # Errors
/// The transaction must be given up.
pub(super) async fn has_newer(
    connection: &mut SqliteConnection,
    wish: &OpenWish,
) -> Result<bool, StoreError> {
    let Some(through) = wish.reviews_through else { return Ok(false) };
    let newer = sqlx::query_scalar(NEWER)
        .bind(through)
        .bind(wish.opening.user_id.as_str())
        .bind(wish.opening.scope.as_str())
        .fetch_one(connection)
        .await?;
    Ok(newer)
}

fn found(row: &SqliteRow) -> Result<ReviewFound, StoreError> {
    let seq: i64 = row.try_get("seq")?;
    let id: Uuid = row.try_get("id").map_err(|_| StoreError::corrupt("decisions", "id", seq.to_string()))?;
    Ok(ReviewFound {
        decision_id: DecisionId::from_uuid(id),
        received_at: Timestamp::from_unix_micros(row.try_get("received_at")?),
        walkable_until: Timestamp::from_unix_micros(row.try_get("walkable_until")?),
    })
}
