//! A finished custom step becomes a verification token: open, approve and mint in one call.

use super::App;
use super::access::{AccessError, require};
use super::signing_keys::StaleRing;
use crate::domain::{
    Approver, Caller, Challenge, ChallengeProof, Jti, MintRecord, ReviewFound, ReviewQuery, Role, StepKey,
    Timestamp,
};
use crate::keys::KeyError;
use crate::policy::{Bundle, CustomStep};
use crate::prelude::{ChallengeFault, Expectation, verify_challenge};
use crate::random::{NoRandomness, draw};
use crate::store::StoreError;
use crate::token::{VerificationClaims, sign};

mod request;

pub(crate) use request::TokenRequest;

/// Why there is no token. Nothing was minted or recorded, in each case.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MintError {
    /// The key lacks a role.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The key is limited to other scopes or steps.
    #[error("the API key is limited to other scopes or steps")]
    OutsideKeyLimits,
    /// The challenge token is not good.
    #[error(transparent)]
    Challenge(#[from] ChallengeFault),
    /// Prelude's step-up key set is not there, so no challenge token can be checked.
    #[error("no trusted step-up key set of Prelude's is there")]
    NoTrustedKeySet,
    /// A named field and the challenge token do not agree.
    #[error("`{0}` and the challenge token do not agree")]
    Disagreement(&'static str),
    /// The request names neither a challenge token nor everything that stands in for one.
    #[error("without a challenge token, `{0}` is needed")]
    Missing(&'static str),
    /// Prelude does this step itself.
    #[error("this step is Prelude's own")]
    ManagedStep,
    /// The policy knows no such step.
    #[error("the policy knows no such step")]
    UnknownStep,
    /// The policy does not let a backend approve this step.
    #[error("the policy does not let a backend approve this step")]
    NotApprovableByBackend,
    /// No recorded review of this user, scope and metadata asked for this step and is still in time.
    #[error("no recorded review in time asked this user for this step")]
    NoReview,
    /// Nothing is left of the challenge's time.
    #[error("the challenge is at its end")]
    NoTimeLeft,
    /// No key may sign now.
    #[error("no signing key is active")]
    NoSigner,
    /// Nobody knows whether the keys are still good.
    #[error(transparent)]
    StaleRing(#[from] StaleRing),
    /// Signing failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The record could not be read or written.
    #[error("the record could not be read or written")]
    Store(#[from] StoreError),
    /// The system gave no randomness.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

/// A token and what it says, as it leaves.
#[derive(serde::Serialize)]
pub(crate) struct MintedToken {
    verification_token: String,
    expires_at: Timestamp,
    kid: String,
    jti: String,
    user_id: String,
    challenge_id: String,
    step_key: String,
    scope: String,
}

impl App {
    /// Opens, approves and mints in one call, for steps that a backend may approve.
    ///
    /// The token is signed, then recorded with who asked; it leaves only after that record is durable.
    ///
    /// - `caller`: needs the roles opener, approver (as backend) and minter; without a challenge token also voucher.
    ///
    /// # Errors
    /// [`MintError`]; there is no token and no record of one then.
    ///
    /// # Reference
    /// docs/CONTRACT.md C5, C6; docs/API.md.
    pub(crate) async fn mint_in_one_call(
        &self,
        caller: &Caller,
        wanted: TokenRequest,
    ) -> Result<MintedToken, MintError> {
        for role in [Role::Opener, Role::Approver, Role::Minter] {
            require(caller, role)?;
        }
        let (challenge, proof) = self.challenge(caller, wanted).await?;
        if !caller.may_touch(&challenge.scope, &challenge.current_step) {
            return Err(MintError::OutsideKeyLimits);
        }
        let bundle = self.parts.policies.bundle();
        let step = approvable_step(&bundle, caller, &challenge.current_step)?;
        let review = self.review(&challenge, step).await?;
        let claims = self.claims(&challenge, step, review.as_ref())?;
        let ring = self.ring()?;
        let key = ring.signer_at(claims.issued_at).ok_or(MintError::NoSigner)?;
        let token = sign(&claims, key)?;
        let record = MintRecord {
            jti: claims.jti,
            kid: key.kid().clone(),
            api_key_id: caller.key_id().clone(),
            decision_id: review.map(|review| review.decision_id),
            proof,
            issued_at: claims.issued_at,
            not_before: claims.not_before,
            expires_at: claims.expires_at,
            user_id: challenge.user_id,
            session_id: challenge.session_id,
            challenge_id: challenge.challenge_id,
            step_key: challenge.current_step,
            scope: challenge.scope,
        };
        self.parts.store.record_mint(record.clone()).await?;
        self.metrics().mint();
        Ok(MintedToken::of(token, &record))
    }

    async fn challenge(
        &self,
        caller: &Caller,
        wanted: TokenRequest,
    ) -> Result<(Challenge, ChallengeProof), MintError> {
        let Some(token) = &wanted.challenge_token else {
            require(caller, Role::Voucher)?;
            return Ok((vouched(wanted)?, ChallengeProof::Vouched));
        };
        let challenge = self.proved_challenge(token).await?;
        agree("user_id", wanted.user_id.as_ref(), &challenge.user_id)?;
        agree("challenge_id", wanted.challenge_id.as_ref(), &challenge.challenge_id)?;
        agree("step_key", wanted.step_key.as_ref(), &challenge.current_step)?;
        agree("scope", wanted.scope.as_ref(), &challenge.scope)?;
        if let (Some(named), Some(carried)) = (&wanted.metadata, &challenge.metadata) {
            agree("metadata", Some(named), carried)?;
        }
        // What the token does not carry, the caller may narrow; it can only make the review harder to find.
        let metadata = challenge.metadata.or(wanted.metadata);
        Ok((Challenge { metadata, ..challenge }, ChallengeProof::ChallengeToken))
    }

    async fn proved_challenge(&self, token: &str) -> Result<Challenge, MintError> {
        let expected = Expectation {
            now: self.now(),
            skew: self.parts.settings.challenge_clock_skew,
            session_domain: &self.parts.settings.session_domain,
        };
        let keys = self.parts.step_up_keys.trusted(expected.now).ok_or(MintError::NoTrustedKeySet)?;
        let first = verify_challenge(token, &keys, &expected);
        if !matches!(first, Err(ChallengeFault::UnknownKey)) {
            return Ok(first?);
        }
        let newer =
            self.newer_key_set(&self.parts.step_up_keys, &keys).await.ok_or(ChallengeFault::UnknownKey)?;
        Ok(verify_challenge(token, &newer, &expected)?)
    }

    async fn review(
        &self,
        challenge: &Challenge,
        step: &CustomStep,
    ) -> Result<Option<ReviewFound>, MintError> {
        let query = ReviewQuery {
            user_id: challenge.user_id.clone(),
            scope: challenge.scope.clone(),
            step: challenge.current_step.clone(),
            step_keys: (!challenge.steps.is_empty())
                .then(|| joined_step_keys(challenge.steps.iter().map(|step| &step.key))),
            metadata_digest: challenge
                .metadata
                .as_ref()
                .map(|metadata| self.parts.identifier_digest.of_metadata(metadata)),
            now: self.now(),
        };
        let review = self.parts.store.find_walkable_review(query).await?;
        if review.is_none() && !step.without_verdict { Err(MintError::NoReview) } else { Ok(review) }
    }

    fn claims(
        &self,
        challenge: &Challenge,
        step: &CustomStep,
        review: Option<&ReviewFound>,
    ) -> Result<VerificationClaims, MintError> {
        let now = self.now();
        let ttl = step.token_ttl.map_or(self.parts.settings.token_ttl, crate::domain::Seconds::duration);
        let ends = [challenge.expires_at, review.map(|review| review.walkable_until)];
        let expires_at = ends.into_iter().flatten().fold(now.plus(ttl), Ord::min);
        // Whole seconds on the wire: an end within this second would be in the past once it is read.
        if expires_at.unix_seconds() <= now.unix_seconds() {
            return Err(MintError::NoTimeLeft);
        }
        Ok(VerificationClaims {
            user_id: challenge.user_id.clone(),
            challenge_id: challenge.challenge_id.clone(),
            step_key: challenge.current_step.clone(),
            jti: Jti::from_random(draw(&*self.parts.random)?),
            issued_at: now,
            not_before: now.minus(self.parts.settings.not_before_skew),
            expires_at,
        })
    }
}

impl MintedToken {
    fn of(verification_token: String, record: &MintRecord) -> Self {
        Self {
            verification_token,
            expires_at: Timestamp::from_unix_seconds(record.expires_at.unix_seconds()),
            kid: record.kid.to_string(),
            jti: record.jti.to_string(),
            user_id: record.user_id.to_string(),
            challenge_id: record.challenge_id.to_string(),
            step_key: record.step_key.to_string(),
            scope: record.scope.to_string(),
        }
    }
}

fn approvable_step<'b>(
    bundle: &'b Bundle,
    caller: &Caller,
    key: &StepKey,
) -> Result<&'b CustomStep, MintError> {
    if key.is_managed() {
        return Err(MintError::ManagedStep);
    }
    let step = bundle.step(key).ok_or(MintError::UnknownStep)?;
    let by_policy = step.approved_by.contains(&Approver::Backend);
    if by_policy && caller.approves_as(&Approver::Backend) {
        Ok(step)
    } else {
        Err(MintError::NotApprovableByBackend)
    }
}

fn vouched(wanted: TokenRequest) -> Result<Challenge, MintError> {
    Ok(Challenge {
        user_id: wanted.user_id.ok_or(MintError::Missing("user_id"))?,
        session_id: None,
        challenge_id: wanted.challenge_id.ok_or(MintError::Missing("challenge_id"))?,
        scope: wanted.scope.ok_or(MintError::Missing("scope"))?,
        current_step: wanted.step_key.ok_or(MintError::Missing("step_key"))?,
        steps: Vec::new(),
        metadata: wanted.metadata,
        expires_at: None,
    })
}

fn agree<T: PartialEq>(field: &'static str, named: Option<&T>, proved: &T) -> Result<(), MintError> {
    if named.is_none_or(|named| named == proved) { Ok(()) } else { Err(MintError::Disagreement(field)) }
}

/// Step keys in walking order, one blank between them, as reviews are stored: a key has no blank.
pub(super) fn joined_step_keys<'a>(keys: impl Iterator<Item = &'a StepKey>) -> String {
    let mut joined = String::new();
    for key in keys {
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(key.as_str());
    }
    joined
}
