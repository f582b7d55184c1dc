//! Finding decisions again, by indexes that were written with them.

use crate::domain::{LONGEST_USE, ReviewQuery, Spending, Timestamp};
use crate::store::StoreError;
use crate::store::connection::{Connection, Prepared, Row};
use crate::store::past::{Found, Wanted, events_limit, read_calls};
use crate::store::places::Executed;
use crate::store::segments::SharedSegments;

/// The calls about somebody, given as an expression for when each was executed.
macro_rules! find_calls {
    ($redeemed_at:literal) => {
        concat!(
            "SELECT d.seq, d.received_at, d.scope, d.verdict, d.usable_until, d.traits, ",
            $redeemed_at,
            " AS redeemed_at
               FROM decision_subjects AS s JOIN decisions AS d ON d.seq = s.decision_seq
              WHERE s.subject = ANY($1) AND s.received_at >= $2
              LIMIT $3"
        )
    };
}

const CALLS: &str = find_calls!("NULL::bigint");
const CALLS_AND_EXECUTIONS: &str =
    find_calls!("(SELECT r.redeemed_at FROM redemptions AS r WHERE r.decision_id = d.id)");

/// The segments of some subjects that are not known.
const SEGMENTS: &str = "
    SELECT subject, segment, packed
      FROM past_segments WHERE subject = ANY($2) AND last_at >= $3 AND segment <> ALL($1)";

/// A step is proved by an approval that still counts and from which a token was minted.
const GRANTS: &str = "
    SELECT g.*, (SELECT string_agg(v.step_key, ' ')
                   FROM verifications AS v
                  WHERE v.decision_id = g.id AND v.state = 'approved' AND v.withdrawn_at IS NULL
                    AND EXISTS (SELECT 1 FROM verification_tokens AS t WHERE t.verification_id = v.id)) AS proved
      FROM (SELECT d.seq, d.id, d.received_at, d.verdict, d.step_keys, d.usable_until, d.metadata_digest, d.traits,
                   r.redeemed_at
              FROM decision_subjects AS s
              JOIN decisions AS d ON d.seq = s.decision_seq
              LEFT JOIN redemptions AS r ON r.decision_id = d.id
             WHERE s.subject = $1 AND s.received_at >= $2
               AND d.user_id = $3 AND d.scope = $4 AND d.usable_until > $5
             ORDER BY r.decision_id IS NOT NULL, d.seq DESC
             LIMIT $6) AS g";

/// Step keys have no blank, so a plan contains a step where the plan between two blanks contains the step between two blanks.
const REVIEW: &str = "
    SELECT seq, id, received_at, walkable_until
      FROM decisions
     WHERE user_id = $1 AND scope = $2 AND walkable_until > $3
       AND position(' ' || $4 || ' ' IN ' ' || step_keys || ' ') > 0
       AND ($5 IS NULL OR step_keys = $5)
       AND ($6 IS NULL OR metadata_digest = $6)
     ORDER BY received_at DESC, seq DESC
     LIMIT 1";

/// # Errors
/// [`StoreError::TooMuchPast`], or the record could not be read.
pub(in crate::store) async fn calls<'k>(
    connection: &mut Connection<'_>,
    segments: &SharedSegments,
    wanted: &Wanted<'k>,
) -> Result<Found<'k>, StoreError> {
    let select = match wanted.executions {
        Executed::Told => CALLS_AND_EXECUTIONS,
        Executed::NotTold => CALLS,
    };
    let Connection::Postgres(connection, prepared, bound) = connection else {
        return Err(StoreError::OtherEngine);
    };
    let is_kept = *prepared == Prepared::Kept;
    let keys: Vec<&[u8]> = wanted.keys.iter().map(|key| key.as_bytes()).collect();
    let back_to = wanted.back_to.unix_micros();
    // Single calls first: what moves into a segment in between is found in both.
    let single = sqlx::query(select).bind(&keys).bind(back_to).bind(events_limit()).persistent(is_kept);
    let single = bound.hold(single.fetch_all(&mut **connection)).await?;
    let single = read_calls(single.into_iter().map(Row::Postgres))?;
    let known = segments.known(&wanted.keys);
    let settled = sqlx::query(SEGMENTS).bind(known.numbers()).bind(&keys).bind(back_to).persistent(is_kept);
    let settled = bound.hold(settled.fetch_all(&mut **connection)).await?;
    let settled: Vec<_> = settled.into_iter().map(Row::Postgres).collect();
    Ok((single, segments.read((&wanted.keys, wanted.back_to), known, &settled)?))
}

/// # Errors
/// The record could not be read.
pub(in crate::store) async fn grants(
    connection: &mut Connection<'_>,
    wanted: &Spending,
    (now, limit): (Timestamp, i64),
) -> Result<Vec<Row>, StoreError> {
    connection
        .query(GRANTS)
        .bind(wanted.user_key.as_bytes())
        .bind(now.minus(LONGEST_USE).unix_micros())
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
    query: &ReviewQuery,
) -> Result<Option<Row>, StoreError> {
    connection
        .query(REVIEW)
        .bind(query.user_id.as_str())
        .bind(query.scope.as_str())
        .bind(query.now.unix_micros())
        .bind(query.step.as_str())
        .bind(query.step_keys.as_deref())
        .bind(query.metadata_digest.as_ref().map(<[u8; 32]>::as_slice))
        .fetch_optional(connection)
        .await
}
