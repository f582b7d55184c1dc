//! Decisions as they were recorded: one by its id, or a page of them, newest first.

use sqlx::types::Json;
use uuid::Uuid;

use super::{Store, desk, erasures};
use crate::domain::{
    BundleHash, DecisionFilter, DecisionId, DecisionPage, RuleId, Scope, StoredDecision, StoredPersonal,
    Timestamp, UserId,
};
use crate::store::StoreError;
use crate::store::connection::{Connection, Row, Sql, either};

/// The most decisions that one page looks through. `decisions` has no index by user or rule, because it is written at
/// every call; a page that found little says where the next one goes on.
pub(super) const LOOKED_THROUGH_MAX: i64 = 20_000;

/// After every id: a version 7 UUID never has all bits set.
const END: [u8; 16] = [0xff; 16];

const BY_ID: &str = "
    SELECT id, received_at, user_id, scope, verdict, step_keys, walkable_until, rule, reason, bundle_hash,
           answer, metadata, context, seen, outcomes, desk_revision, usable_until, traits,
           (SELECT redeemed_at FROM redemptions WHERE decision_id = id) AS redeemed_at
      FROM decisions LEFT JOIN decision_personal ON decision_seq = seq
     WHERE id = $1";

/// A stretch of ids, which are in the order of time, and what fits in it.
macro_rules! page {
    ($each:literal) => {
        concat!(
            "
    SELECT id, received_at, user_id, scope, verdict, step_keys, walkable_until, rule, reason, bundle_hash,
           answer, metadata, context, seen, outcomes, desk_revision, usable_until, traits,
           (SELECT redeemed_at FROM redemptions WHERE decision_id = id) AS redeemed_at
      FROM (SELECT * FROM decisions WHERE id < $1 AND id >= $2 ORDER BY id DESC LIMIT $3) AS stretch
      LEFT JOIN decision_personal ON decision_seq = seq
     WHERE ($4 IS NULL OR user_id = $4)
       AND ($5 IS NULL OR scope = $5)
       AND ($6 IS NULL OR verdict = $6)
       AND ($7 IS NULL OR rule = $7)
       AND ($8 IS NULL OR received_at >= $8)
       AND ($9 IS NULL OR received_at < $9)
       AND ($10 IS NULL OR scope IN (SELECT value FROM ",
            $each,
            "($10)))
     ORDER BY id DESC
     LIMIT $11"
        )
    };
}

const PAGE: Sql = either(page!("json_each"), page!("jsonb_array_elements_text"));

/// The last id of such a stretch, if it is full.
const STRETCH_END: &str = "
    SELECT id FROM decisions WHERE id < $1 AND id >= $2 ORDER BY id DESC LIMIT 1 OFFSET $3 - 1";

impl Store {
    /// The decision with this id.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn decision(&self, id: DecisionId) -> Result<Option<StoredDecision>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let row = connection.query(BY_ID).bind(id.uuid()).fetch_optional(connection).await?;
        let Some(row) = row else { return Ok(None) };
        stored(connection, &row).await.map(Some)
    }

    /// A page of decisions, newest first.
    ///
    /// - returns: as many as fit and the filter asks for. A page may be short, or empty, and still have a next one: each
    ///   looks through a bounded number of decisions only.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn decisions(&self, filter: DecisionFilter) -> Result<DecisionPage, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let (below, from) = bounds(&filter);
        let scopes =
            filter.within.as_ref().map(|scopes| Json(scopes.iter().map(Scope::as_str).collect::<Vec<_>>()));
        let rows = connection
            .query(PAGE)
            .bind(Uuid::from_bytes(below))
            .bind(Uuid::from_bytes(from))
            .bind(LOOKED_THROUGH_MAX)
            .bind(filter.user_id.as_ref().map(UserId::as_str))
            .bind(filter.scope.as_ref().map(Scope::as_str))
            .bind(filter.verdict)
            .bind(filter.rule.as_ref().map(RuleId::as_str))
            .bind(filter.from.map(Timestamp::unix_micros))
            .bind(filter.to.map(Timestamp::unix_micros))
            .bind(scopes)
            .bind(i64::from(filter.limit))
            .fetch_all(connection)
            .await?;
        let mut decisions = Vec::with_capacity(rows.len());
        for row in &rows {
            decisions.push(stored(connection, row).await?);
        }
        let next = match decisions.last() {
            Some(last) if decisions.len() >= usize::try_from(filter.limit).unwrap_or(usize::MAX) => {
                Some(last.id)
            }
            _ => self.stretch_end(below, from).await?,
        };
        Ok(DecisionPage { decisions, next })
    }

    async fn stretch_end(&self, below: [u8; 16], from: [u8; 16]) -> Result<Option<DecisionId>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let end: Option<Uuid> = connection
            .query(STRETCH_END)
            .bind(Uuid::from_bytes(below))
            .bind(Uuid::from_bytes(from))
            .bind(LOOKED_THROUGH_MAX)
            .optional_value(connection)
            .await?;
        Ok(end.map(DecisionId::from_uuid))
    }
}

/// The ids that a filter's times and place allow: below the first, from the second on.
fn bounds(filter: &DecisionFilter) -> ([u8; 16], [u8; 16]) {
    let millis = |moment: Timestamp| u64::try_from(moment.unix_micros().div_euclid(1000)).unwrap_or(0);
    let below = filter.to.map_or(END, |to| first_id_of(millis(to).saturating_add(1)));
    let below = filter.before.map_or(below, |id| below.min(*id.uuid().as_bytes()));
    (below, filter.from.map_or([0; 16], |from| first_id_of(millis(from))))
}

/// Not after any id of this millisecond (RFC 9562 §5.7).
const fn first_id_of(millis: u64) -> [u8; 16] {
    let [_, _, a, b, c, d, e, f] = millis.to_be_bytes();
    [a, b, c, d, e, f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}

/// Not after any id of this moment's decisions, and after every id of a millisecond before.
pub(super) fn first_id_at(moment: Timestamp) -> Uuid {
    Uuid::from_bytes(first_id_of(u64::try_from(moment.unix_micros().div_euclid(1000)).unwrap_or(0)))
}

async fn stored(connection: &mut Connection<'_>, row: &Row) -> Result<StoredDecision, StoreError> {
    let id: Uuid = row.try_get("id").map_err(|_| StoreError::corrupt("decisions", "id", "?"))?;
    let corrupt = |column| move || StoreError::corrupt("decisions", column, id.to_string());
    let rule: Option<&str> = row.try_get("rule")?;
    let hash: &[u8] = row.try_get("bundle_hash")?;
    let at = |column: &str| row.try_get::<Option<i64>>(column).map(|at| at.map(Timestamp::from_unix_micros));
    Ok(StoredDecision {
        id: DecisionId::from_uuid(id),
        received_at: Timestamp::from_unix_micros(row.try_get("received_at")?),
        user_id: UserId::new(row.try_get("user_id")?).ok().ok_or_else(corrupt("user_id"))?,
        scope: Scope::new(row.try_get("scope")?).ok().ok_or_else(corrupt("scope"))?,
        verdict: row.try_get("verdict")?,
        step_keys: row.try_get("step_keys")?,
        walkable_until: at("walkable_until")?,
        usable_until: at("usable_until")?,
        redeemed_at: at("redeemed_at")?,
        rule: rule.map(|rule| RuleId::new(rule).ok().ok_or_else(corrupt("rule"))).transpose()?,
        reason: row.try_get("reason")?,
        bundle: BundleHash::from_digest(hash.try_into().ok().ok_or_else(corrupt("bundle_hash"))?),
        desk: desk::revision(row.try_get("desk_revision")?)?,
        answer: row.try_get("answer")?,
        personal: personal(connection, row).await?,
        outcomes: row.try_get("outcomes")?,
    })
}

/// A decision's personal values, or when its user was erased.
async fn personal(connection: &mut Connection<'_>, row: &Row) -> Result<StoredPersonal, StoreError> {
    let metadata: Option<String> = row.try_get("metadata")?;
    let (context, seen): (Option<String>, Option<String>) = (row.try_get("context")?, row.try_get("seen")?);
    match (metadata, context, seen) {
        (Some(metadata_json), Some(context_json), Some(seen_json)) => {
            Ok(StoredPersonal::Kept { metadata_json, context_json, seen_json })
        }
        _ => Ok(StoredPersonal::Erased { at: erasures::erased_at(connection, row).await? }),
    }
}
