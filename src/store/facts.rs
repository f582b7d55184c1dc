//! Facts: what happened to users outside of Doorstep. They are found by their user, kind and moment; nothing of them waits in
//! memory, so a fact that is committed is seen by every call that is decided after, in every process.

use std::collections::BTreeSet;

use sqlx::types::Json;

use super::Store;
use super::turn::Turn;
use crate::domain::{FactKind, PastFact, ReportedFact, SubjectKey, Timestamp};
use crate::store::connection::{Connection, Row, Sql, either};
use crate::store::{Answered, Once, StoreError};

const INSERT: &str = "
    INSERT INTO facts (user_key, user_id, kind, happened_at, recorded_at, api_key_id, id) VALUES ($1, $2, $3, $4, $5, $6, $7)";

pub(super) const BY_ID: &str =
    "SELECT happened_at, recorded_at FROM facts WHERE user_key = $1 AND kind = $2 AND id = $3";

macro_rules! about {
    ($each:literal) => {
        concat!(
            "SELECT seq, kind, happened_at
               FROM facts
              WHERE user_key = $1 AND kind IN (SELECT value FROM ",
            $each,
            "($2)) AND happened_at >= $3
              LIMIT (SELECT CAST($4 AS BIGINT))"
        )
    };
}

/// A user's facts of some kinds.
pub(super) const ABOUT: Sql = either(about!("json_each"), about!("jsonb_array_elements_text"));

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FactOutcome {
    /// It was recorded now.
    Recorded(ReportedFact),
    /// The same fact was recorded before, under its own name; with the moments of then.
    Before(ReportedFact),
    /// The user has another fact under its kind and name, of another moment. Nothing was recorded.
    Other,
}

impl Store {
    /// Records a fact, unless it has a name of its own and is recorded under it; answers once that is on disk.
    ///
    /// # Errors
    /// The record could not be read or written; nothing was recorded.
    pub(crate) async fn record_fact(
        &self,
        fact: ReportedFact,
        once: Option<Once<FactOutcome>>,
    ) -> Result<Answered<FactOutcome>, StoreError> {
        self.write_once(Turn::User(fact.user_id.clone()), once, move |connection| {
            Box::pin(async move {
                if let Some((happened_at, recorded_at)) = same(connection, &fact).await? {
                    let is_other = fact.at.is_some_and(|at| at != happened_at);
                    let before = ReportedFact { at: Some(happened_at), recorded_at, ..fact };
                    return Ok(if is_other { FactOutcome::Other } else { FactOutcome::Before(before) });
                }
                insert(connection, &fact).await?;
                Ok(FactOutcome::Recorded(fact))
            })
        })
        .await
    }
}

/// When the user's fact of the same kind and name happened, and when it was recorded.
async fn same(
    connection: &mut Connection<'_>,
    fact: &ReportedFact,
) -> Result<Option<(Timestamp, Timestamp)>, StoreError> {
    let Some(id) = &fact.id else { return Ok(None) };
    let row = connection
        .query(BY_ID)
        .bind(fact.user_key.as_bytes())
        .bind(fact.kind.as_str())
        .bind(id.as_str())
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let moment = |column| Ok::<_, StoreError>(Timestamp::from_unix_micros(row.try_get(column)?));
    Ok(Some((moment("happened_at")?, moment("recorded_at")?)))
}

/// Writes a fact down, inside a transaction.
///
/// # Errors
/// The transaction must be given up.
pub(super) async fn insert(connection: &mut Connection<'_>, fact: &ReportedFact) -> Result<(), StoreError> {
    connection
        .query(INSERT)
        .bind(fact.user_key.as_bytes())
        .bind(fact.user_id.as_str())
        .bind(fact.kind.as_str())
        .bind(fact.happened_at().unix_micros())
        .bind(fact.recorded_at.unix_micros())
        .bind(fact.api_key_id.as_ref().map(crate::domain::ApiKeyId::as_str))
        .bind(fact.id.as_ref().map(crate::domain::FactId::as_str))
        .execute(connection)
        .await?;
    Ok(())
}

/// A user's facts of some kinds since a moment, as the transaction sees them.
///
/// - `limit`: the most that are read.
///
/// # Errors
/// The record could not be read.
pub(super) async fn about(
    connection: &mut Connection<'_>,
    user: &SubjectKey,
    (kinds, since): (BTreeSet<&FactKind>, Timestamp),
    limit: i64,
) -> Result<Vec<PastFact>, StoreError> {
    let rows = connection
        .query(ABOUT)
        .bind(user.as_bytes())
        .bind(Json(kinds))
        .bind(since.unix_micros())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| fact(row, user)).collect()
}

fn fact(row: &Row, user: &SubjectKey) -> Result<PastFact, StoreError> {
    let seq: i64 = row.try_get("seq")?;
    let kind = FactKind::new(row.try_get("kind")?).ok();
    Ok(PastFact {
        at: Timestamp::from_unix_micros(row.try_get("happened_at")?),
        user: user.clone(),
        kind: kind.ok_or_else(|| StoreError::corrupt("facts", "kind", seq.to_string()))?,
    })
}
