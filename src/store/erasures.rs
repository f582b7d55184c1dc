//! Taking a user's personal values out of the record, a bounded step at a time. What limits and grants rest on stays.

use sqlx::types::Json;

use super::connection::{Connection, Row, Sql, either};
use super::turn::Turn;
use super::{Store, StoreError, traits};
use crate::domain::{Actor, Subject, SubjectKey, Timestamp, UserId};

/// How many decisions one step looks through, without keeping anybody waiting: there is no index by user.
const LOOKED_THROUGH: i64 = 5_000;
/// How many verifications one step empties.
const VERIFICATIONS: i64 = 500;

/// A stretch of decisions in their order: where it ends, and which of them still have personal values of the user.
const STRETCH: Sql = either(
    "SELECT max(seq) AS until, json_group_array(decision_seq) FILTER (WHERE decision_seq IS NOT NULL) AS places
       FROM (SELECT d.seq, p.decision_seq
               FROM (SELECT seq, user_id FROM decisions WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3) AS d
               LEFT JOIN decision_personal AS p ON p.decision_seq = d.seq AND d.user_id = $4) AS stretch",
    "SELECT max(seq) AS until, coalesce(jsonb_agg(decision_seq) FILTER (WHERE decision_seq IS NOT NULL), '[]') AS places
       FROM (SELECT d.seq, p.decision_seq
               FROM (SELECT seq, user_id FROM decisions WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3) AS d
               LEFT JOIN decision_personal AS p ON p.decision_seq = d.seq AND d.user_id = $4) AS stretch",
);

const ERASE_DECISIONS: Sql = either(
    "DELETE FROM decision_personal WHERE decision_seq IN (SELECT value FROM json_each($1))",
    "DELETE FROM decision_personal WHERE decision_seq IN (SELECT value::bigint FROM jsonb_array_elements_text($1))",
);

const ERASE_VERIFICATIONS: &str = "
    UPDATE verifications SET metadata = NULL
     WHERE seq IN (SELECT seq FROM verifications WHERE user_id = $1 AND metadata IS NOT NULL LIMIT $2)";

const NOTE: &str = "
    INSERT INTO erasures (erased_at, actor, user_key, decisions, verifications) VALUES ($1, $2, $3, $4, $5)";

/// Whose values are erased, and who wants it when.
#[derive(Debug, Clone)]
pub(crate) struct Erasure {
    /// Whose.
    pub(crate) user_id: UserId,
    /// By what the record knows the user where it does not say the name.
    pub(crate) user_key: SubjectKey,
    /// Who wants it.
    pub(crate) actor: Actor,
    /// When it was wished for.
    pub(crate) at: Timestamp,
}

impl Store {
    /// Where the last decision stands that is committed. None comes to stand before it any more.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn last_place(&self) -> Result<i64, StoreError> {
        // The house waits for every batch that is under way, and none begins meanwhile.
        self.write(Turn::House, |connection| {
            Box::pin(async move {
                connection.query("SELECT coalesce(max(seq), 0) FROM decisions").value(connection).await
            })
        })
        .await
    }

    /// The number of the last note of an erasure, 0 before the first: where it is another one, somebody was erased.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn erasure_revision(&self) -> Result<i64, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        connection.query("SELECT coalesce(max(seq), 0) FROM erasures").value(connection).await
    }

    /// Notes that a user is erased, and empties some of the user's verifications; what is pending goes on without its metadata.
    ///
    /// - returns: how many were emptied; fewer than were looked for means that none is left.
    ///
    /// # Errors
    /// Nothing of the step was done.
    pub(crate) async fn erase_verifications(&self, erasure: Erasure) -> Result<(u64, bool), StoreError> {
        let turn = Turn::User(erasure.user_id.clone());
        let emptied = self
            .write(turn, move |connection| {
                Box::pin(async move {
                    let emptied = connection
                        .query(ERASE_VERIFICATIONS)
                        .bind(erasure.user_id.as_str())
                        .bind(VERIFICATIONS)
                        .execute(connection)
                        .await?;
                    note(connection, &erasure, (0, emptied)).await?;
                    Ok(emptied)
                })
            })
            .await?;
        Ok((emptied, emptied < VERIFICATIONS.unsigned_abs()))
    }

    /// Looks through a stretch of decisions and erases what is the user's of it.
    ///
    /// - `after`, `last`: the stretch begins after the one and ends before or at the other.
    /// - returns: where the stretch ended, and how many decisions lost their values; `None` after the last stretch.
    ///
    /// # Errors
    /// Nothing of the step was done.
    pub(crate) async fn erase_stretch(
        &self,
        erasure: &Erasure,
        (after, last): (i64, i64),
    ) -> Result<Option<(i64, u64)>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let row = connection
            .query(STRETCH)
            .bind(after)
            .bind(last)
            .bind(LOOKED_THROUGH)
            .bind(erasure.user_id.as_str())
            .fetch_one(connection)
            .await?;
        let Some(until) = row.try_get::<Option<i64>>("until")? else { return Ok(None) };
        let Json(places) = row.try_get::<Json<Vec<i64>>>("places")?;
        drop(reader);
        if places.is_empty() {
            return Ok(Some((until, 0)));
        }
        let erasure = erasure.clone();
        let erased = self.write(Turn::Anyone, move |connection| {
            Box::pin(async move {
                let erased = connection.query(ERASE_DECISIONS).bind(Json(places)).execute(connection).await?;
                note(connection, &erasure, (erased, 0)).await?;
                Ok(erased)
            })
        });
        Ok(Some((until, erased.await?)))
    }
}

async fn note(
    connection: &mut Connection<'_>,
    erasure: &Erasure,
    (decisions, verifications): (u64, u64),
) -> Result<(), StoreError> {
    let count = |count| i64::try_from(count).unwrap_or(i64::MAX);
    connection
        .query(NOTE)
        .bind(erasure.at.unix_micros())
        .bind(erasure.actor.to_string())
        .bind(erasure.user_key.as_bytes())
        .bind(count(decisions))
        .bind(count(verifications))
        .execute(connection)
        .await?;
    Ok(())
}

/// When the user of a decision was erased last; `None` where nobody noted that.
///
/// - `row`: with the decision's `traits`.
///
/// # Errors
/// The record could not be read.
pub(super) async fn erased_at(
    connection: &mut Connection<'_>,
    row: &Row,
) -> Result<Option<Timestamp>, StoreError> {
    let kept = traits::parse(row.try_get("traits")?).unwrap_or_default();
    let Some((_, key)) = kept.subjects.iter().find(|(subject, _)| *subject == Subject::User) else {
        return Ok(None);
    };
    let at: Option<i64> = connection
        .query("SELECT max(erased_at) FROM erasures WHERE user_key = $1")
        .bind(key.as_bytes())
        .value(connection)
        .await?;
    Ok(at.map(Timestamp::from_unix_micros))
}
