//! Verifications: opened, read, and what happened to them. How they are decided is in [`deciding`].

mod deciding;
mod row;

use sqlx::types::Json;

use super::Store;
use super::turn::Turn;
use crate::domain::{
    Actor, ChallengeId, EventKind, Opening, Reference, Scope, StepKey, StoredEvent, Timestamp, UserId,
    Verification, VerificationFilter, VerificationId, VerificationState,
};
use crate::store::connection::{Connection, Row, Sql, either};
use crate::store::{Answered, Once, StoreError};
use row::{select, verification};

pub(crate) use deciding::DecideOutcome;
pub(super) use deciding::{advance, decide_found_on, decide_on, is_kept, withdraw_on};

/// The most events of one verification that are shown.
const EVENTS_MAX: i64 = 1000;

/// Opens one and notes that, in one round trip.
const INSERT: Sql = either(
    "INSERT INTO verifications (id, reference, source, challenge_id, step_key, user_id, session_id, scope, metadata,
            decision_id, proof, opened_by, opened_at, expires_at, version, state)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 1, 'pending')
     RETURNING seq;
     INSERT INTO verification_events (verification_id, version, at, kind, actor) VALUES ($1, 1, $13, $15, $16)",
    "WITH event AS (
         INSERT INTO verification_events (verification_id, version, at, kind, actor) VALUES ($1, 1, $13, $15, $16))
     INSERT INTO verifications (id, reference, source, challenge_id, step_key, user_id, session_id, scope, metadata,
            decision_id, proof, opened_by, opened_at, expires_at, version, state)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 1, 'pending')
     RETURNING seq",
);

/// The condition on the state counts one whose time ran out as expired, whether or not that was noted.
macro_rules! page {
    ($each:literal) => {
        select!(
            "WHERE seq < $1
               AND ($2 IS NULL OR user_id = $2)
               AND ($3 IS NULL OR scope = $3)
               AND ($4 IS NULL OR step_key = $4)
               AND ($5 IS NULL OR challenge_id = $5)
               AND ($6 IS NULL OR CASE WHEN state = 'pending' AND expires_at <= $7 THEN 'expired' ELSE state END = $6)
               AND ($8 IS NULL OR scope IN (SELECT value FROM ",
            $each,
            "($8)))
               AND ($9 IS NULL OR step_key IN (SELECT value FROM ",
            $each,
            "($9)))
             ORDER BY seq DESC
             LIMIT $10"
        )
    };
}

const PAGE: Sql = either(page!("json_each"), page!("jsonb_array_elements_text"));

const EVENTS: &str = "
    SELECT version, at, kind, actor, detail
      FROM (SELECT version, at, kind, actor, detail FROM verification_events WHERE verification_id = $1
            UNION ALL
            SELECT NULL, issued_at, 'token_minted', 'api:' || api_key_id, 'jti ' || jti || ', kid ' || kid
              FROM verification_tokens WHERE verification_id = $1) AS happened
     ORDER BY at, version IS NULL, version
     LIMIT $2";

/// What became of the wish to open a verification.
#[derive(Debug)]
pub(crate) enum OpenOutcome {
    /// It was opened.
    Opened(Box<Verification>),
    /// It was there before: this one.
    Before(Box<Verification>),
    /// The challenge and step are there, but of another user or scope. Nothing was opened.
    Conflict,
}

/// A verification that is to be opened.
#[derive(Debug, Clone)]
pub(crate) struct OpenWish {
    /// What it is about.
    pub(crate) opening: Opening,
    /// Approvals that were kept count from this moment on; without it none counts.
    pub(crate) approvals_since: Option<Timestamp>,
    /// The last decision that was known when the review was found in memory ([`Store::recent_review`]): what was recorded after
    /// it is looked at in the transaction. None where the file was looked at.
    pub(crate) reviews_through: Option<i64>,
}

impl Store {
    /// Opens a verification unless there is one for this challenge and step; approved at once where an approval was kept
    /// for this user, scope and step.
    ///
    /// # Errors
    /// Nothing was opened.
    pub(crate) async fn open_verification(
        &self,
        wish: OpenWish,
        once: Option<Once<OpenOutcome>>,
    ) -> Result<Answered<OpenOutcome>, StoreError> {
        self.write_once(Turn::User(wish.opening.user_id.clone()), once, move |connection| {
            Box::pin(async move { open_on(connection, &wish).await })
        })
        .await
    }

    /// The verification with this id.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn verification(&self, id: VerificationId) -> Result<Option<Verification>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let row = connection.query(BY_ID).bind(id.uuid()).fetch_optional(connection).await?;
        row.map(|row| verification(&row)).transpose()
    }

    /// Verifications, newest first.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn verifications(
        &self,
        filter: VerificationFilter,
    ) -> Result<Vec<Verification>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let scopes =
            filter.within.as_ref().map(|all| Json(all.iter().map(Scope::as_str).collect::<Vec<_>>()));
        let steps =
            filter.within_steps.as_ref().map(|all| Json(all.iter().map(StepKey::as_str).collect::<Vec<_>>()));
        let rows = connection
            .query(PAGE)
            .bind(filter.before.unwrap_or(i64::MAX))
            .bind(filter.user_id.as_ref().map(UserId::as_str))
            .bind(filter.scope.as_ref().map(Scope::as_str))
            .bind(filter.step_key.as_ref().map(StepKey::as_str))
            .bind(filter.challenge_id.as_ref().map(ChallengeId::as_str))
            .bind(filter.state.map(VerificationState::as_str))
            .bind(filter.now.unix_micros())
            .bind(scopes)
            .bind(steps)
            .bind(i64::from(filter.limit))
            .fetch_all(connection)
            .await?;
        rows.iter().map(verification).collect()
    }

    /// What happened to a verification, in order, with the tokens that were minted from it.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn verification_events(
        &self,
        id: VerificationId,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let rows = connection.query(EVENTS).bind(id.uuid()).bind(EVENTS_MAX).fetch_all(connection).await?;
        rows.iter().map(event).collect()
    }
}

const BY_ID: &str = select!("WHERE id = $1");
const BY_REFERENCE: &str = select!("WHERE reference = $1");
const BY_CHALLENGE: &str = select!("WHERE challenge_id = $1 AND step_key = $2");

/// Opens a verification inside a transaction.
///
/// # Errors
/// The transaction must be given up.
pub(super) async fn open_on(
    connection: &mut Connection<'_>,
    wish: &OpenWish,
) -> Result<OpenOutcome, StoreError> {
    let opening = &wish.opening;
    let found = connection
        .query(BY_CHALLENGE)
        .bind(opening.challenge_id.as_str())
        .bind(opening.step_key.as_str())
        .fetch_optional(connection)
        .await?;
    if let Some(found) = found {
        let found = verification(&found)?;
        let same = found.opening.user_id == opening.user_id && found.opening.scope == opening.scope;
        return Ok(if same { OpenOutcome::Before(Box::new(found)) } else { OpenOutcome::Conflict });
    }
    let seq = insert(connection, opening).await?;
    let kept = match wish.approvals_since {
        Some(since) => deciding::approve_by_kept(connection, opening, since).await?,
        None => None,
    };
    let (recorded_state, version, decided) = match kept {
        Some((decided, version)) => (VerificationState::Approved, version, Some(decided)),
        None => (VerificationState::Pending, 1, None),
    };
    let opening = opening.clone();
    let opened = Verification { seq, opening, version, recorded_state, decided, withdrawn: None };
    Ok(OpenOutcome::Opened(Box::new(opened)))
}

/// - returns: its place in the record.
async fn insert(connection: &mut Connection<'_>, opening: &Opening) -> Result<i64, StoreError> {
    // All rows are fetched: whoever stops at the first leaves the second statement undone.
    let rows = connection
        .query(INSERT)
        .bind(opening.id.uuid())
        .bind(opening.reference.to_string())
        .bind(opening.source.as_ref().map(crate::domain::SourceName::as_str))
        .bind(opening.challenge_id.as_str())
        .bind(opening.step_key.as_str())
        .bind(opening.user_id.as_str())
        .bind(opening.session_id.as_ref().map(crate::domain::SessionId::as_str))
        .bind(opening.scope.as_str())
        .bind(opening.metadata_json.as_deref())
        .bind(opening.decision_id.map(crate::domain::DecisionId::uuid))
        .bind(opening.proof.as_str())
        .bind(opening.opened_by.as_str())
        .bind(opening.opened_at.unix_micros())
        .bind(opening.expires_at.unix_micros())
        .bind(EventKind::Opened.as_str())
        .bind(Actor::ApiKey(opening.opened_by.clone()).to_string())
        .fetch_all(connection)
        .await?;
    let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    row.try_get("seq")
}

/// The verification with this id, as the transaction sees it.
///
/// # Errors
/// The transaction must be given up.
pub(super) async fn load(
    connection: &mut Connection<'_>,
    id: VerificationId,
) -> Result<Option<Verification>, StoreError> {
    let row = connection.query(BY_ID).bind(id.uuid()).fetch_optional(connection).await?;
    row.map(|row| verification(&row)).transpose()
}

/// The verification with this reference, as the transaction sees it.
///
/// # Errors
/// The transaction must be given up.
pub(super) async fn by_reference(
    connection: &mut Connection<'_>,
    reference: Reference,
) -> Result<Option<Verification>, StoreError> {
    let row = connection.query(BY_REFERENCE).bind(reference.to_string()).fetch_optional(connection).await?;
    row.map(|row| verification(&row)).transpose()
}

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event<'a> {
    pub(super) kind: EventKind,
    pub(super) at: Timestamp,
    pub(super) actor: &'a str,
    pub(super) detail: Option<&'a str>,
}

/// Writes an event down under the version that it makes.
///
/// # Errors
/// The transaction must be given up.
pub(super) async fn note(
    connection: &mut Connection<'_>,
    (id, version): (VerificationId, u32),
    event: Event<'_>,
) -> Result<(), StoreError> {
    connection
        .query(
            "INSERT INTO verification_events (verification_id, version, at, kind, actor, detail)
         VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(id.uuid())
        .bind(i64::from(version))
        .bind(event.at.unix_micros())
        .bind(event.kind.as_str())
        .bind(event.actor)
        .bind(event.detail)
        .execute(connection)
        .await?;
    Ok(())
}

fn event(row: &Row) -> Result<StoredEvent, StoreError> {
    Ok(StoredEvent {
        version: row.try_get::<Option<i64>>("version")?.map(u32::try_from).transpose().ok().flatten(),
        at: Timestamp::from_unix_micros(row.try_get("at")?),
        kind: row.try_get("kind")?,
        actor: row.try_get("actor")?,
        detail: row.try_get("detail")?,
    })
}
