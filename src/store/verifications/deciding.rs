//! A verification is decided, once; its time runs out, or it is withdrawn.

use std::time::Duration;

use uuid::Uuid;

use super::{Event, load, note};
use crate::domain::{
    Approver, Decided, Decider, EventKind, GivenReason, Opening, StepOutcome, Timestamp, Verification,
    VerificationId, VerificationState, Withdrawal, WithdrawnOf,
};
use crate::store::Store;
use crate::store::connection::{Connection, Sql, either};
use crate::store::turn::Turn;
use crate::store::{Answered, Once, StoreError};

/// Who notes that time ran out.
const OURSELVES: &str = "doorstep";

/// Decides and notes that, in one round trip. The trigger of the table refuses this for one that is not pending.
const DECIDE: Sql = either(
    "UPDATE verifications
        SET state = $1, decided_at = $2, decided_as = $3, actor = $4, reason = $5, version = version + 1
      WHERE id = $6 AND state = 'pending'
     RETURNING version;
     INSERT INTO verification_events (verification_id, version, at, kind, actor, detail)
     SELECT id, version, $2, $7, $4, $8 FROM verifications WHERE id = $6",
    "WITH decided AS (
         UPDATE verifications
            SET state = $1, decided_at = $2, decided_as = $3, actor = $4, reason = $5, version = version + 1
          WHERE id = $6 AND state = 'pending'
         RETURNING id, version)
     INSERT INTO verification_events (verification_id, version, at, kind, actor, detail)
     SELECT id, version, $2, $7, $4, $8 FROM decided
     RETURNING version",
);

const EXPIRE: &str = "
    UPDATE verifications SET state = 'expired', version = version + 1
     WHERE seq IN (SELECT seq FROM verifications
                    WHERE state = 'pending' AND expires_at <= $1 ORDER BY expires_at LIMIT $2)
    RETURNING id, version, expires_at";

const KEEP: &str = "
    INSERT INTO kept_approvals (verification_id, user_id, scope, step_key, approved_at, valid_until, decided_as, actor, reason)
    SELECT id, user_id, scope, step_key, $2, $3, $4, $5, $6 FROM verifications WHERE id = $1
    ON CONFLICT (verification_id) DO NOTHING";

/// The oldest that is still good: a later challenge finds the next one.
const TAKE_KEPT: &str = "
    UPDATE kept_approvals SET used_by = $1
     WHERE verification_id = (
               SELECT verification_id FROM kept_approvals
                WHERE user_id = $2 AND scope = $3 AND step_key = $4 AND used_by IS NULL AND withdrawn_at IS NULL
                  AND valid_until > $5 AND approved_at > $6
                ORDER BY valid_until LIMIT 1)
    RETURNING verification_id, approved_at, decided_as, actor, reason";

const EXPIRE_ONE: &str = "
    UPDATE verifications SET state = 'expired', version = version + 1 WHERE id = $1 AND state = 'pending'
    RETURNING version";

const ADVANCE: &str = "UPDATE verifications SET version = version + 1 WHERE id = $1 RETURNING version";

/// With one goes the later one that its kept approval opened approved.
const WITHDRAW: &str = "
    UPDATE verifications SET withdrawn_at = $1, withdrawn_for = $2, version = version + 1
     WHERE withdrawn_at IS NULL AND state <> 'rejected'
       AND (id = $3 OR session_id = $4 OR user_id = $5
            OR id IN (SELECT used_by FROM kept_approvals WHERE verification_id = $3))
    RETURNING id, version";

const WITHDRAW_KEPT: &str = "
    UPDATE kept_approvals SET withdrawn_at = $1
     WHERE withdrawn_at IS NULL AND (verification_id = $2 OR user_id = $3)";

/// What became of a decision.
#[derive(Debug)]
pub(crate) enum DecideOutcome {
    /// It was made now.
    Decided(Box<Verification>),
    /// The verification's time was over; the approval is kept for a later challenge until this moment.
    Kept(Box<Verification>, Timestamp),
    /// The verification's time was over. Nothing was decided or kept.
    TooLate,
    /// It was decided before. Nothing changed.
    Before(Box<Verification>),
    /// It was withdrawn. Nothing was decided.
    Withdrawn,
    /// There is no such verification.
    Unknown,
}

impl Store {
    /// Decides a verification, unless somebody has or its time is over.
    ///
    /// - `kept_for`: how long an approval that comes too late is kept for a later challenge of the same user and scope.
    ///
    /// # Errors
    /// Nothing was decided.
    pub(crate) async fn decide_verification(
        &self,
        id: VerificationId,
        (decided, kept_for): (Decided, Option<Duration>),
        once: Option<Once<DecideOutcome>>,
    ) -> Result<Answered<DecideOutcome>, StoreError> {
        self.write_once(Turn::Verification(id), once, move |connection| {
            Box::pin(async move { decide_on(connection, id, (&decided, kept_for)).await })
        })
        .await
    }

    /// Withdraws verifications: they cannot be approved any more, and no token is minted from them, nor from approvals of
    /// theirs that were kept. What was decided stays decided.
    ///
    /// - `now`: told inside the transaction, as for redemptions: what a withdrawal that waited for its turn came too late for
    ///   is never the later of the two in the record.
    /// - `actor` and `words`: who does it and what the event says.
    /// - returns: those that were withdrawn now.
    ///
    /// # Errors
    /// None was withdrawn.
    pub(crate) async fn withdraw_verifications(
        &self,
        of: WithdrawnOf,
        (why, now): (Withdrawal, impl Fn() -> Timestamp + Send + 'static),
        (actor, words): (String, String),
        once: Option<Once<Vec<VerificationId>>>,
    ) -> Result<Answered<Vec<VerificationId>>, StoreError> {
        self.write_once(Turn::Withdrawn(of.clone()), once, move |connection| {
            Box::pin(async move { withdraw_on(connection, &of, (why, now()), (&actor, &words)).await })
        })
        .await
    }

    /// Notes of some verifications that their time ran out.
    ///
    /// - returns: which; fewer than `limit` when none is left.
    ///
    /// # Errors
    /// Nothing was noted; they count as expired all the same.
    pub(crate) async fn expire_verifications(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<VerificationId>, StoreError> {
        self.write(Turn::House, move |connection| {
            Box::pin(async move {
                let rows = connection
                    .query(EXPIRE)
                    .bind(now.unix_micros())
                    .bind(i64::from(limit))
                    .fetch_all(connection)
                    .await?;
                let mut expired = Vec::with_capacity(rows.len());
                for row in rows {
                    let id = VerificationId::from_uuid(row.try_get("id")?);
                    let at = Timestamp::from_unix_micros(row.try_get("expires_at")?);
                    note(connection, (id, row.number("version")?), expiry(at)).await?;
                    expired.push(id);
                }
                Ok(expired)
            })
        })
        .await
    }
}

/// Decides a verification inside a transaction.
///
/// # Errors
/// The transaction must be given up.
pub(in crate::store) async fn decide_on(
    connection: &mut Connection<'_>,
    id: VerificationId,
    (decided, kept_for): (&Decided, Option<Duration>),
) -> Result<DecideOutcome, StoreError> {
    let Some(found) = load(connection, id).await? else { return Ok(DecideOutcome::Unknown) };
    decide_found_on(connection, Box::new(found), (decided, kept_for)).await
}

/// Decides a verification inside the transaction that has just read or made it.
///
/// # Errors
/// The transaction must be given up.
pub(in crate::store) async fn decide_found_on(
    connection: &mut Connection<'_>,
    found: Box<Verification>,
    (decided, kept_for): (&Decided, Option<Duration>),
) -> Result<DecideOutcome, StoreError> {
    match found.state_at(decided.at) {
        VerificationState::Approved | VerificationState::Rejected => Ok(DecideOutcome::Before(found)),
        _ if found.withdrawn.is_some() => Ok(DecideOutcome::Withdrawn),
        VerificationState::Expired => match kept_for {
            Some(kept_for) if decided.outcome == StepOutcome::Approved => {
                keep(connection, found, (decided, kept_for)).await
            }
            _ => Ok(DecideOutcome::TooLate),
        },
        VerificationState::Pending => {
            let version = decide_pending(connection, found.opening.id, (decided, None)).await?;
            let recorded_state = decided.outcome.state();
            let decided = Some(decided.clone());
            let now = Verification { version, recorded_state, decided, ..*found };
            Ok(DecideOutcome::Decided(Box::new(now)))
        }
    }
}

/// - `kept`: the verification that the approval was for, where it was kept.
async fn decide_pending(
    connection: &mut Connection<'_>,
    id: VerificationId,
    (decided, kept): (&Decided, Option<VerificationId>),
) -> Result<u32, StoreError> {
    let kind = match decided.outcome {
        StepOutcome::Approved => EventKind::Approved,
        StepOutcome::Rejected => EventKind::Rejected,
    };
    let detail = match kept {
        None => words(decided),
        Some(kept) => format!("{}; kept from verification {kept}", words(decided)),
    };
    // All rows are fetched: whoever stops at the first leaves the second statement undone.
    let rows = connection
        .query(DECIDE)
        .bind(decided.outcome.state().as_str())
        .bind(decided.at.unix_micros())
        .bind(decided.decided_as.to_string())
        .bind(decided.actor.as_str())
        .bind(decided.reason.as_str())
        .bind(id.uuid())
        .bind(kind.as_str())
        .bind(&detail)
        .fetch_all(connection)
        .await?;
    let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    row.number("version")
}

fn words(decided: &Decided) -> String {
    format!("as {}: {}", decided.decided_as, decided.reason)
}

const fn expiry(at: Timestamp) -> Event<'static> {
    Event { kind: EventKind::Expired, at, actor: OURSELVES, detail: None }
}

/// Counts the version on for an event that changes nothing else.
///
/// # Errors
/// The transaction must be given up.
pub(in crate::store) async fn advance(
    connection: &mut Connection<'_>,
    id: VerificationId,
) -> Result<u32, StoreError> {
    connection.query(ADVANCE).bind(id.uuid()).fetch_one(connection).await?.number("version")
}

/// Whether an approval is kept that came for this verification after its end.
///
/// # Errors
/// The transaction must be given up.
pub(in crate::store) async fn is_kept(
    connection: &mut Connection<'_>,
    id: VerificationId,
) -> Result<bool, StoreError> {
    let is_kept = connection
        .query("SELECT EXISTS (SELECT 1 FROM kept_approvals WHERE verification_id = $1)")
        .bind(id.uuid())
        .value(connection)
        .await?;
    Ok(is_kept)
}

/// Keeps an approval that came too late, once, however often it comes.
async fn keep(
    connection: &mut Connection<'_>,
    found: Box<Verification>,
    (decided, kept_for): (&Decided, Duration),
) -> Result<DecideOutcome, StoreError> {
    let id = found.opening.id;
    let kept = connection
        .query(KEEP)
        .bind(id.uuid())
        .bind(decided.at.unix_micros())
        .bind(decided.at.plus(kept_for).unix_micros())
        .bind(decided.decided_as.to_string())
        .bind(decided.actor.as_str())
        .bind(decided.reason.as_str())
        .execute(connection)
        .await?;
    if kept == 1 {
        let expired = connection.query(EXPIRE_ONE).bind(id.uuid()).fetch_optional(connection).await?;
        if let Some(expired) = expired {
            note(connection, (id, expired.number("version")?), expiry(found.opening.expires_at)).await?;
        }
        let version = advance(connection, id).await?;
        let detail = words(decided);
        let actor = decided.actor.as_str();
        let event = Event { kind: EventKind::ApprovedLate, at: decided.at, actor, detail: Some(&detail) };
        note(connection, (id, version), event).await?;
    }
    let until = connection
        .query("SELECT valid_until FROM kept_approvals WHERE verification_id = $1")
        .bind(id.uuid())
        .value(connection)
        .await?;
    let found = load(connection, id).await?.map_or(found, Box::new);
    Ok(DecideOutcome::Kept(found, Timestamp::from_unix_micros(until)))
}

/// Approves a verification that is just being opened, where an approval was kept for it; each is used once.
///
/// - `since`: the earliest approval that still counts by the policy of today.
/// - returns: the approval and the version that it made.
///
/// # Errors
/// The transaction must be given up.
pub(super) async fn approve_by_kept(
    connection: &mut Connection<'_>,
    opening: &Opening,
    since: Timestamp,
) -> Result<Option<(Decided, u32)>, StoreError> {
    let kept = connection
        .query(TAKE_KEPT)
        .bind(opening.id.uuid())
        .bind(opening.user_id.as_str())
        .bind(opening.scope.as_str())
        .bind(opening.step_key.as_str())
        .bind(opening.opened_at.unix_micros())
        .bind(since.unix_micros())
        .fetch_optional(connection)
        .await?;
    let Some(kept) = kept else { return Ok(None) };
    let from: Uuid = kept.try_get("verification_id")?;
    let corrupt = |column| move || StoreError::corrupt("kept_approvals", column, from.to_string());
    let decided_as = Approver::parse(kept.try_get("decided_as")?);
    let decided = Decided {
        outcome: StepOutcome::Approved,
        at: Timestamp::from_unix_micros(kept.try_get("approved_at")?),
        decided_as: decided_as.ok_or_else(corrupt("decided_as"))?,
        actor: Decider::new(kept.try_get("actor")?).ok().ok_or_else(corrupt("actor"))?,
        reason: GivenReason::new(kept.try_get("reason")?).ok().ok_or_else(corrupt("reason"))?,
    };
    let from = VerificationId::from_uuid(from);
    let version = decide_pending(connection, opening.id, (&decided, Some(from))).await?;
    Ok(Some((decided, version)))
}

/// Withdraws verifications inside a transaction.
///
/// # Errors
/// The transaction must be given up.
pub(in crate::store) async fn withdraw_on(
    connection: &mut Connection<'_>,
    of: &WithdrawnOf,
    (why, at): (Withdrawal, Timestamp),
    (actor, words): (&str, &str),
) -> Result<Vec<VerificationId>, StoreError> {
    let (id, session, user) = match of {
        WithdrawnOf::One(id) => (Some(id.uuid()), None, None),
        WithdrawnOf::Session(session) => (None, Some(session.as_str()), None),
        WithdrawnOf::User(user) => (None, None, Some(user.as_str())),
    };
    let rows = connection
        .query(WITHDRAW)
        .bind(at.unix_micros())
        .bind(why.as_str())
        .bind(id)
        .bind(session)
        .bind(user)
        .fetch_all(connection)
        .await?;
    let mut withdrawn = Vec::with_capacity(rows.len());
    for row in rows {
        let id = VerificationId::from_uuid(row.try_get("id")?);
        let event = Event { kind: EventKind::Withdrawn, at, actor, detail: Some(words) };
        note(connection, (id, row.number("version")?), event).await?;
        withdrawn.push(id);
    }
    withdrawn.sort_unstable();
    let kept = connection.query(WITHDRAW_KEPT).bind(at.unix_micros()).bind(id).bind(user);
    kept.execute(connection).await?;
    Ok(withdrawn)
}
