//! Verifications that have had their time, with everything that belongs to them, and what was spent of decisions that are gone.

use sqlx::types::Json;
use uuid::Uuid;

use super::{Found, ROWS, Retiring, Stretch, TURN, by_places, delete, is_held, mark};
use crate::store::connection::{Sql, either};
use crate::store::{Store, StoreError};

/// A late approval that is of use keeps the verification that it was for, and as long as the later one is there that it
/// approved; that one stays until nothing refers to it.
const STRETCH: Sql = both(concat!(
    "SELECT v.seq AS place, v.expires_at < $3 AS is_old, v.expires_at < $3 AND NOT (
            EXISTS (SELECT 1 FROM kept_approvals AS k LEFT JOIN verifications AS later ON later.id = k.used_by
                     WHERE k.verification_id = v.id
                       AND (k.approved_at >= $3 OR coalesce(later.expires_at, k.valid_until) >= $3))
            OR EXISTS (SELECT 1 FROM kept_approvals AS k WHERE k.used_by = v.id)
            OR EXISTS (SELECT 1 FROM decisions AS d WHERE d.id = v.decision_id AND d.usable_until > $4)
            OR ",
    is_held!("v.user_id"),
    ") AS is_doomed
       FROM (SELECT * FROM verifications WHERE seq > $1 ORDER BY seq LIMIT $2) AS v
      ORDER BY v.seq"
));

const DELETIONS: [Sql; 5] = [
    by_places!(
        "DELETE FROM provider_events WHERE verification_id IN (SELECT id FROM verifications WHERE seq IN ",
        ")"
    ),
    by_places!(
        "DELETE FROM kept_approvals WHERE verification_id IN (SELECT id FROM verifications WHERE seq IN ",
        ")"
    ),
    by_places!(
        "DELETE FROM verification_tokens WHERE verification_id IN (SELECT id FROM verifications WHERE seq IN ",
        ")"
    ),
    by_places!(
        "DELETE FROM verification_events WHERE verification_id IN (SELECT id FROM verifications WHERE seq IN ",
        ")"
    ),
    by_places!("DELETE FROM verifications WHERE seq IN "),
];

/// What is pending keeps its metadata.
const EMPTY: &str = concat!(
    "UPDATE verifications SET metadata = NULL
      WHERE seq IN (SELECT v.seq FROM verifications AS v
                     WHERE v.metadata IS NOT NULL AND v.opened_at < $3 AND v.expires_at < $4 AND $1 = $1
                       AND NOT ",
    is_held!("v.user_id"),
    " ORDER BY v.opened_at LIMIT $2)"
);

/// In the order of their decisions, which is that of time.
const SPENT: &str = concat!(
    "SELECT r.decision_id, r.redeemed_at < $3 AND NOT EXISTS (SELECT 1 FROM decisions AS d WHERE d.id = r.decision_id) AND NOT ",
    is_held!("r.user_id"),
    " AS is_doomed
       FROM (SELECT * FROM redemptions WHERE decision_id > $1 AND decision_id < $5 ORDER BY decision_id LIMIT $2) AS r
      ORDER BY r.decision_id"
);

const DELETE_SPENT: Sql = either(
    "DELETE FROM redemptions WHERE decision_id IN (SELECT unhex(replace(value, '-', '')) FROM json_each($1))",
    "DELETE FROM redemptions WHERE decision_id IN (SELECT value::uuid FROM jsonb_array_elements_text($1))",
);

const fn both(sql: &'static str) -> Sql {
    either(sql, sql)
}

impl Store {
    /// Deletes old verifications of a stretch, with their events, tokens, late approvals and providers' events.
    ///
    /// # Errors
    /// Nothing of the step was done.
    pub(crate) async fn retire_verifications(
        &self,
        retiring: Retiring,
        after: i64,
    ) -> Result<Stretch, StoreError> {
        self.write(TURN, move |connection| {
            Box::pin(async move {
                let rows = connection
                    .query(STRETCH)
                    .bind(after)
                    .bind(ROWS)
                    .bind(retiring.before.unix_micros())
                    .bind(retiring.now.unix_micros())
                    .fetch_all(connection)
                    .await?;
                let found = Found::of(&rows)?;
                if found.doomed.is_empty() {
                    return Ok(found.stretch(after, 0));
                }
                mark(connection, "verifications", &retiring).await?;
                let deleted = delete(connection, &DELETIONS, &found.doomed).await?;
                Ok(found.stretch(after, deleted))
            })
        })
        .await
    }

    /// Empties the metadata of some verifications that were opened before a moment.
    ///
    /// - returns: how many; none when none is left.
    ///
    /// # Errors
    /// Nothing of the step was done.
    pub(crate) async fn empty_verifications(&self, retiring: Retiring) -> Result<u64, StoreError> {
        self.write(TURN, move |connection| {
            Box::pin(async move {
                let emptied = connection
                    .query(EMPTY)
                    .bind(0_i64)
                    .bind(ROWS)
                    .bind(retiring.before.unix_micros())
                    .bind(retiring.now.unix_micros())
                    .execute(connection)
                    .await?;
                if emptied > 0 {
                    mark(connection, "personal_values", &retiring).await?;
                }
                Ok(emptied)
            })
        })
        .await
    }

    /// Deletes that grants were spent, of decisions that are gone.
    ///
    /// - `after`: the decision at which the step before ended; none for the first step.
    /// - returns: where this one ended, and how many went; `None` after the last.
    ///
    /// # Errors
    /// Nothing of the step was done.
    pub(crate) async fn retire_redemptions(
        &self,
        retiring: Retiring,
        after: Option<Uuid>,
    ) -> Result<Option<(Uuid, u64)>, StoreError> {
        self.write(TURN, move |connection| {
            Box::pin(async move {
                let rows = connection
                    .query(SPENT)
                    .bind(after.unwrap_or(Uuid::nil()))
                    .bind(ROWS)
                    .bind(retiring.before.unix_micros())
                    .bind(retiring.now.unix_micros())
                    .bind(crate::store::decisions::first_id_at(retiring.before))
                    .fetch_all(connection)
                    .await?;
                let Some(last) = rows.last() else { return Ok(None) };
                let last: Uuid = last.try_get("decision_id")?;
                let mut doomed = Vec::new();
                for row in &rows {
                    if row.try_get("is_doomed")? {
                        doomed.push(row.try_get::<Uuid>("decision_id")?.to_string());
                    }
                }
                if doomed.is_empty() {
                    return Ok(Some((last, 0)));
                }
                mark(connection, "redemptions", &retiring).await?;
                let deleted = connection.query(DELETE_SPENT).bind(Json(doomed)).execute(connection).await?;
                Ok(Some((last, deleted)))
            })
        })
        .await
    }
}
