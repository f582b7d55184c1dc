//! The verification tokens that left.

use std::time::Duration;

use uuid::Uuid;

use super::reviews::has_newer;
use super::turn::Turn;
use super::verifications::{DecideOutcome, OpenOutcome, OpenWish, decide_found_on, open_on};
use super::{Engine, Store};
use crate::domain::{
    ChallengeId, Decided, Jti, Kid, MintRecord, Scope, StepKey, StoredToken, Timestamp, UserId,
    VerificationId, VerificationState,
};
use crate::store::connection::{Connection, Row};
use crate::store::{Answered, Once, StoreError};

/// A token is recorded only of an approval that is still worth one, signed by a key that is still good, for a caller that
/// still may: what happened in another process a moment ago counts.
const INSERT: &str = "
    INSERT INTO verification_tokens (jti, kid, api_key_id, user_id, session_id, challenge_id, step_key, scope, decision_id,
           proof, issued_at, not_before, expires_at, verification_id)
    SELECT $1, $2, $3, v.user_id, v.session_id, v.challenge_id, v.step_key, v.scope, v.decision_id,
           v.proof, $4, $5, $6, v.id
      FROM verifications AS v
     WHERE v.id = $7 AND v.state = 'approved' AND v.withdrawn_at IS NULL AND v.expires_at >= $6 AND v.expires_at > $4
       AND (SELECT count(*) FROM verification_tokens WHERE verification_id = v.id) < $8
       AND NOT EXISTS (SELECT 1 FROM desk_pauses WHERE scope = v.scope AND (until IS NULL OR until > $4))
       AND EXISTS (SELECT 1 FROM signing_keys WHERE kid = $2 AND revoked_at IS NULL)
       AND EXISTS (SELECT 1 FROM api_keys WHERE id = $3 AND revoked_at IS NULL)";

const WHY_NOT: &str = "
    SELECT state, withdrawn_at IS NOT NULL AS is_withdrawn, expires_at,
           (SELECT count(*) FROM verification_tokens WHERE verification_id = v.id) AS tokens,
           EXISTS (SELECT 1 FROM desk_pauses WHERE scope = v.scope AND (until IS NULL OR until > $2)) AS is_paused,
           EXISTS (SELECT 1 FROM api_keys WHERE id = $3 AND revoked_at IS NULL) AS may_call
      FROM verifications AS v WHERE id = $1";

const BY_JTI: &str = "
    SELECT kid, user_id, challenge_id, step_key, scope, issued_at, not_before, expires_at, verification_id,
           NOT EXISTS (SELECT 1 FROM verifications AS v WHERE v.id = t.verification_id AND v.withdrawn_at IS NOT NULL)
           AND NOT EXISTS (SELECT 1 FROM desk_pauses AS p
                            WHERE p.scope = t.scope AND (p.until IS NULL OR p.until > $2)) AS is_grantable
      FROM verification_tokens AS t WHERE jti = $1";

/// What became of a token that was about to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MintOutcome {
    /// It is recorded: it may leave.
    Minted(Jti),
    /// The verification is in this state. The token must not leave, here and below.
    NotApproved(VerificationState),
    /// The verification was withdrawn.
    Withdrawn,
    /// The verification's time ends at this moment: before the token's, or it is over.
    Ends(Timestamp),
    /// As many tokens left as may.
    TooMany,
    /// The fraud desk paused the scope.
    ScopePaused,
    /// The signing key was withdrawn a moment ago.
    SigningKeyWithdrawn,
    /// The API key was withdrawn a moment ago.
    CallerWithdrawn,
    /// There is no such verification.
    Unknown,
}

/// What became of opening, approving and minting in one call.
#[derive(Debug)]
pub(crate) enum OneCallOutcome {
    /// The challenge and step are there, but of another user or scope. Nothing was done.
    Conflict,
    /// Another review was recorded since the wish's was chosen. Nothing was done.
    NewerReview,
    /// The verification was opened and approved, now or before, and this became of the token.
    Mint(MintOutcome, VerificationId),
    /// It was decided otherwise before, withdrawn, or its time is over.
    Refused(DecideOutcome),
}

impl Store {
    /// Records a token before it leaves, of an approved verification and up to a limit.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for a `jti` that was there before, or another one. Nothing was recorded: the token must
    /// not leave.
    pub(crate) async fn record_mint(
        &self,
        (mint, tokens_max): (MintRecord, u32),
        once: Option<Once<MintOutcome>>,
    ) -> Result<Answered<MintOutcome>, StoreError> {
        if once.is_none() && self.record_plainly((&mint, tokens_max), None).await? {
            return Ok(Answered::Now(MintOutcome::Minted(mint.jti)));
        }
        self.write_once(Turn::Verification(mint.verification_id), once, move |connection| {
            Box::pin(async move { mint_on(connection, &mint, tokens_max).await })
        })
        .await
    }

    /// Opens a verification, approves it and records a token, in one transaction.
    ///
    /// The token's claims must be those of the wish; where the verification was there before, `mint` is recorded for that one.
    ///
    /// # Errors
    /// As [`Self::record_mint`]; nothing at all was done.
    pub(crate) async fn mint_in_one_call(
        &self,
        (wish, decided): (OpenWish, Decided),
        (mint, tokens_max): (MintRecord, u32),
        once: Option<Once<OneCallOutcome>>,
    ) -> Result<Answered<OneCallOutcome>, StoreError> {
        let plain = Some((&wish, &decided));
        if once.is_none() && self.record_plainly((&mint, tokens_max), plain).await? {
            return Ok(Answered::Now(OneCallOutcome::Mint(MintOutcome::Minted(mint.jti), wish.opening.id)));
        }
        self.write_once(Turn::User(wish.opening.user_id.clone()), once, move |connection| {
            Box::pin(async move {
                if has_newer(connection, &wish).await? {
                    return Ok(OneCallOutcome::NewerReview);
                }
                let found = match open_on(connection, &wish).await? {
                    OpenOutcome::Conflict => return Ok(OneCallOutcome::Conflict),
                    OpenOutcome::Opened(found) | OpenOutcome::Before(found) => found,
                };
                let id = found.opening.id;
                match decide_found_on(connection, found, (&decided, None::<Duration>)).await? {
                    DecideOutcome::Decided(_) => {}
                    DecideOutcome::Before(found) if found.recorded_state == VerificationState::Approved => {}
                    refused => return Ok(OneCallOutcome::Refused(refused)),
                }
                let mint = MintRecord { verification_id: id, ..mint };
                let outcome = mint_on(connection, &mint, tokens_max).await?;
                Ok(OneCallOutcome::Mint(outcome, id))
            })
        })
        .await
    }

    /// Records a token with all others that wait, where everything about it is plain.
    ///
    /// - `opened`: the verification that is opened and approved with it.
    /// - returns: whether it is recorded. Where it is not, the verification may be opened and approved all the same, and why is
    ///   found by going the usual way.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::Closed`] or [`StoreError::Unavailable`]: the token must not leave.
    pub(super) async fn record_plainly(
        &self,
        mint: (&MintRecord, u32),
        opened: Option<(&OpenWish, &Decided)>,
    ) -> Result<bool, StoreError> {
        match &*self.engine {
            Engine::Sqlite(database) => database.record_plainly(mint, opened).await,
            Engine::Postgres(_) => Ok(false),
        }
    }

    /// The recorded token with this name, and whether it could still be minted at `now`.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn token(&self, jti: Jti, now: Timestamp) -> Result<Option<StoredToken>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let row = connection
            .query(BY_JTI)
            .bind(jti.to_string())
            .bind(now.unix_micros())
            .fetch_optional(connection)
            .await?;
        row.map(|row| token(&row, jti)).transpose()
    }
}

async fn mint_on(
    connection: &mut Connection<'_>,
    mint: &MintRecord,
    tokens_max: u32,
) -> Result<MintOutcome, StoreError> {
    let done = connection
        .query(INSERT)
        .bind(mint.jti.to_string())
        .bind(mint.kid.as_str())
        .bind(mint.api_key_id.as_str())
        .bind(mint.issued_at.unix_micros())
        .bind(mint.not_before.unix_micros())
        .bind(mint.expires_at.unix_micros())
        .bind(mint.verification_id.uuid())
        .bind(i64::from(tokens_max))
        .execute(connection)
        .await?;
    if done == 1 {
        return Ok(MintOutcome::Minted(mint.jti));
    }
    why_not(connection, mint, tokens_max).await
}

async fn why_not(
    connection: &mut Connection<'_>,
    mint: &MintRecord,
    tokens_max: u32,
) -> Result<MintOutcome, StoreError> {
    let row = connection
        .query(WHY_NOT)
        .bind(mint.verification_id.uuid())
        .bind(mint.issued_at.unix_micros())
        .bind(mint.api_key_id.as_str())
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(MintOutcome::Unknown) };
    let id = mint.verification_id;
    let state = VerificationState::parse(row.try_get("state")?)
        .ok_or_else(|| StoreError::corrupt("verifications", "state", id.to_string()))?;
    let expires_at = Timestamp::from_unix_micros(row.try_get("expires_at")?);
    Ok(match state {
        VerificationState::Approved if row.try_get("is_withdrawn")? => MintOutcome::Withdrawn,
        VerificationState::Approved if expires_at <= mint.issued_at || expires_at < mint.expires_at => {
            MintOutcome::Ends(expires_at)
        }
        VerificationState::Approved if row.try_get("is_paused")? => MintOutcome::ScopePaused,
        VerificationState::Approved if row.number::<u32>("tokens")? >= tokens_max => MintOutcome::TooMany,
        VerificationState::Approved if !row.try_get::<bool>("may_call")? => MintOutcome::CallerWithdrawn,
        VerificationState::Approved => MintOutcome::SigningKeyWithdrawn,
        VerificationState::Pending if expires_at <= mint.issued_at => {
            MintOutcome::NotApproved(VerificationState::Expired)
        }
        state => MintOutcome::NotApproved(state),
    })
}

fn token(row: &Row, jti: Jti) -> Result<StoredToken, StoreError> {
    let corrupt = |column| move || StoreError::corrupt("verification_tokens", column, jti.to_string());
    let at = |column: &str| row.try_get(column).map(Timestamp::from_unix_micros);
    let verification: Option<Uuid> = row.try_get("verification_id")?;
    Ok(StoredToken {
        jti,
        kid: Kid::new(row.try_get("kid")?).ok().ok_or_else(corrupt("kid"))?,
        user_id: UserId::new(row.try_get("user_id")?).ok().ok_or_else(corrupt("user_id"))?,
        challenge_id: ChallengeId::new(row.try_get("challenge_id")?)
            .ok()
            .ok_or_else(corrupt("challenge_id"))?,
        step_key: StepKey::new(row.try_get("step_key")?).ok().ok_or_else(corrupt("step_key"))?,
        scope: Scope::new(row.try_get("scope")?).ok().ok_or_else(corrupt("scope"))?,
        verification_id: verification.map(VerificationId::from_uuid),
        is_grantable: row.try_get("is_grantable")?,
        issued_at: at("issued_at")?,
        not_before: at("not_before")?,
        expires_at: at("expires_at")?,
    })
}
