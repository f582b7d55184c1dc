//! Looking for the review that a mint needs.

use uuid::Uuid;

use super::Store;
use super::connection::Row;
use crate::domain::{DecisionId, ReviewFound, ReviewQuery, Timestamp};
use crate::store::StoreError;

impl Store {
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

fn found(row: &Row) -> Result<ReviewFound, StoreError> {
    let seq: i64 = row.try_get("seq")?;
    let id: Uuid = row.try_get("id").map_err(|_| StoreError::corrupt("decisions", "id", seq.to_string()))?;
    Ok(ReviewFound {
        decision_id: DecisionId::from_uuid(id),
        received_at: Timestamp::from_unix_micros(row.try_get("received_at")?),
        walkable_until: Timestamp::from_unix_micros(row.try_get("walkable_until")?),
    })
}
