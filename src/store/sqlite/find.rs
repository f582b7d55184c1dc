//! Finding decisions again: what is filed, what is not filed yet, and what another process recorded since.

use sqlx::types::Json;

use super::tail::SharedTail;
use crate::domain::{LONGEST_USE, ReviewQuery, Spending, Timestamp};
use crate::store::StoreError;
use crate::store::connection::{Connection, Row};

/// A step is proved by an approval that still counts and from which a token was minted. With a bare `LIMIT $8` SQLite would prepare the
/// statement anew each time.
pub(in crate::store) const GRANTS: &str = "
    SELECT g.*, (SELECT group_concat(v.step_key, ' ')
                   FROM verifications AS v
                  WHERE v.decision_id = g.id AND v.state = 'approved' AND v.withdrawn_at IS NULL
                    AND EXISTS (SELECT 1 FROM verification_tokens AS t WHERE t.verification_id = v.id)) AS proved
      FROM (SELECT d.seq, d.id, d.received_at, d.verdict, d.step_keys, d.usable_until, d.metadata_digest, d.traits,
                   r.redeemed_at
              FROM decisions AS d LEFT JOIN redemptions AS r ON r.decision_id = d.id
             WHERE d.seq IN (
                       SELECT decision_seq FROM decision_subjects WHERE subject = $1 AND received_at >= $2
                       UNION
                       SELECT value FROM json_each($3)
                       UNION
                       SELECT seq FROM decisions WHERE seq > $4)
               AND d.user_id = $5 AND d.scope = $6 AND d.usable_until > $7
             ORDER BY r.decision_id IS NOT NULL, d.seq DESC
             LIMIT (SELECT $8)) AS g";

/// Step keys have no blank, so a plan contains a step where the plan between two blanks contains the step between two blanks.
const REVIEW: &str = "
    SELECT d.seq, d.id, d.received_at, d.walkable_until
      FROM decisions AS d
     WHERE d.seq IN (
               SELECT decision_seq FROM walkable_reviews
                WHERE user_id = $1 AND scope = $2 AND walkable_until > $3
               UNION ALL
               SELECT value FROM json_each($4)
               UNION ALL
               SELECT seq FROM decisions
                WHERE seq > $5 AND user_id = $1 AND scope = $2 AND walkable_until > $3)
       AND instr(' ' || d.step_keys || ' ', ' ' || $6 || ' ') > 0
       AND ($7 IS NULL OR d.step_keys = $7)
       AND ($8 IS NULL OR d.metadata_digest = $8)
     ORDER BY d.received_at DESC, d.seq DESC
     LIMIT 1";

/// # Errors
/// The record could not be read.
pub(in crate::store) async fn grants(
    connection: &mut Connection<'_>,
    tail: &SharedTail,
    wanted: &Spending,
    (now, limit): (Timestamp, i64),
) -> Result<Vec<Row>, StoreError> {
    let back_to = now.minus(LONGEST_USE);
    let (unfiled, last_seq) = {
        let tail = tail.read();
        let calls = tail.calls_about(&wanted.user_key, back_to);
        (calls.collect::<Vec<_>>(), tail.last_seq())
    };
    connection
        .query(GRANTS)
        .bind(wanted.user_key.as_bytes())
        .bind(back_to.unix_micros())
        .bind(Json(unfiled))
        .bind(last_seq)
        .bind(wanted.user_id.as_str())
        .bind(wanted.scope.as_str())
        .bind(now.unix_micros())
        .bind(limit)
        .fetch_all(connection)
        .await
}

/// # Errors
/// The record could not be read.
pub(in crate::store) async fn review(
    connection: &mut Connection<'_>,
    tail: &SharedTail,
    query: &ReviewQuery,
) -> Result<Option<Row>, StoreError> {
    // The tail is read before the tables: what moves in between is then in the tables.
    let (unfiled, last_seq) = {
        let tail = tail.read();
        (tail.reviews(query), tail.last_seq())
    };
    connection
        .query(REVIEW)
        .bind(query.user_id.as_str())
        .bind(query.scope.as_str())
        .bind(query.now.unix_micros())
        .bind(Json(unfiled))
        .bind(last_seq)
        .bind(query.step.as_str())
        .bind(query.step_keys.as_deref())
        .bind(query.metadata_digest.as_ref().map(<[u8; 32]>::as_slice))
        .fetch_optional(connection)
        .await
}
