//! Minting: an approval becomes a verification token, which leaves only once that is recorded.

#[cfg(test)]
pub(crate) mod example;

use std::sync::Arc;

use tracing::Instrument as _;

use super::decide::{approver, own_name, refusal};
use super::open::Reviews;
use super::request::{OpenRequest, nothing};
use super::{App, VerificationError, custom_step};
use crate::app::access::{AccessError, require};
use crate::app::post::{Post, PostError, Reply, once};
use crate::domain::{
    Approver, Caller, Decided, GivenReason, Jti, MintRecord, Opening, Role, Seconds, StepOutcome,
    StoredToken, Timestamp, VerificationId, VerificationState,
};
use crate::random::draw;
use crate::spans;
use crate::store::{Answered, DecideOutcome, KeptAnswer, MintOutcome, OnceKey, OneCallOutcome, OpenWish};
use crate::token::{VerificationClaims, sign};

/// How often a token is made again because its verification was there before with an earlier end, or its key was withdrawn.
const TRIES_MAX: usize = 3;

/// What the record says of approvals that were given in one call with their token.
const ONE_CALL: &str = "approved in one call with its token";

/// A token and what it says, as it leaves.
#[derive(serde::Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
struct MintedToken<'a> {
    verification_token: &'a str,
    expires_at: Timestamp,
    kid: &'a str,
    jti: String,
    verification_id: Option<String>,
    user_id: &'a str,
    challenge_id: &'a str,
    step_key: &'a str,
    scope: &'a str,
}

/// A token that was signed and is not recorded yet: it must not leave.
struct Signed {
    text: String,
    record: StoredToken,
}

impl App {
    /// Mints a token from an approved verification.
    ///
    /// - `id`: as the path has it.
    ///
    /// # Errors
    /// [`VerificationError`]; there is no token and no record of one then.
    ///
    /// # Reference
    /// docs/CONTRACT.md C6; docs/decisions/0029.
    pub(crate) async fn mint(&self, post: Post<'_>, id: &str) -> Result<Reply, VerificationError> {
        require(post.caller, Role::Minter)?;
        let key = post.once_key(self.now())?;
        if let Some(answer) = self.answered_before(key.as_ref()).await? {
            return self.answered_token(answer).await;
        }
        nothing(post.body)?;
        let opening = self.approved_opening(post.caller, id).await?;
        let minted = self.mint_of(post.caller, &opening, key).await;
        if minted.is_err() {
            self.approved.forget(opening.id);
        }
        minted
    }

    /// What the verification is about that a path names: approved when it was last seen, and within the caller's limits.
    async fn approved_opening(&self, caller: &Caller, id: &str) -> Result<Arc<Opening>, VerificationError> {
        let known = VerificationId::parse(id).and_then(|id| self.approved.about(id));
        if let Some(opening) = known.filter(|known| caller.may_touch(&known.scope, &known.step_key)) {
            return Ok(opening);
        }
        let looked_up = self.approved.epoch();
        let found = self.visible(caller, id).await?;
        match found.state_at(self.now()) {
            VerificationState::Approved if found.withdrawn.is_some() => Err(VerificationError::Withdrawn),
            VerificationState::Approved => {
                self.approved.remember(&found, looked_up);
                Ok(Arc::new(found.opening))
            }
            state => Err(VerificationError::NotApproved(state)),
        }
    }

    async fn mint_of(
        &self,
        caller: &Caller,
        opening: &Opening,
        key: Option<OnceKey>,
    ) -> Result<Reply, VerificationError> {
        for _ in 0..TRIES_MAX {
            if let Tried::Answered(reply) =
                self.try_mint(caller, opening, key.clone()).instrument(spans::mint()).await?
            {
                return Ok(reply);
            }
        }
        Err(VerificationError::NoSigner)
    }

    async fn try_mint(
        &self,
        caller: &Caller,
        opening: &Opening,
        key: Option<OnceKey>,
    ) -> Result<Tried, VerificationError> {
        let signed = self.signed(opening, self.now())?;
        let minting = (mint_record(caller, &signed.record, opening), self.parts.settings.tokens_max);
        let once = once(key, |outcome, _| match outcome {
            MintOutcome::Minted(jti) => Some(KeptAnswer::Token(*jti)),
            _ => None,
        });
        match self.parts.store.record_mint(minting, once).await? {
            Answered::Now(MintOutcome::Minted(_)) => Ok(Tried::Answered(self.minted(&signed))),
            Answered::Now(MintOutcome::SigningKeyWithdrawn) => self.with_the_next_key().await,
            Answered::Now(outcome) => Err(unminted(outcome)),
            Answered::Before(answer) => self.answered_token(answer).await.map(Tried::Answered),
            Answered::OtherBody => Err(PostError::OtherBody.into()),
        }
    }

    /// Another process withdrew the key a moment ago: this one looks, and signs with the next.
    async fn with_the_next_key(&self) -> Result<Tried, VerificationError> {
        self.look_at_signing_keys().await.map_err(|_| VerificationError::NoSigner)?;
        Ok(Tried::KeyWithdrawn)
    }

    /// Opens, approves and mints in one call, for steps that a backend may approve: the same path and record, in one
    /// transaction.
    ///
    /// - the caller needs the roles opener, approver (as backend) and minter; without a challenge token also voucher.
    ///
    /// # Errors
    /// [`VerificationError`]; there is no token and no record of one then.
    ///
    /// # Reference
    /// docs/CONTRACT.md C5, C6; docs/API.md.
    pub(crate) async fn mint_in_one_call(&self, post: Post<'_>) -> Result<Reply, VerificationError> {
        for role in [Role::Opener, Role::Approver, Role::Minter] {
            require(post.caller, role)?;
        }
        let key = post.once_key(self.now())?;
        if let Some(answer) = self.answered_before(key.as_ref()).await? {
            return self.answered_token(answer).await;
        }
        let mut wish =
            self.open_wish(post.caller, OpenRequest::from_json(post.body)?, Reviews::Recent).await?;
        let decided = self.decided_in_one_call(post.caller, &wish)?;
        for _ in 0..TRIES_MAX {
            let tried = self.try_one_call(post.caller, (&wish, &decided), key.clone());
            match tried.instrument(spans::mint()).await? {
                Tried::Answered(reply) => return Ok(reply),
                Tried::EndsEarlier(end) => wish.opening.expires_at = end,
                Tried::NewerReview => {
                    let wanted = OpenRequest::from_json(post.body)?;
                    wish = self.open_wish(post.caller, wanted, Reviews::Recorded).await?;
                }
                Tried::KeyWithdrawn => {}
            }
        }
        Err(VerificationError::NoTimeLeft)
    }

    async fn try_one_call(
        &self,
        caller: &Caller,
        (wish, decided): (&OpenWish, &Decided),
        key: Option<OnceKey>,
    ) -> Result<Tried, VerificationError> {
        let mut signed = self.signed(&wish.opening, wish.opening.opened_at)?;
        let minting = (mint_record(caller, &signed.record, &wish.opening), self.parts.settings.tokens_max);
        let once = once(key, |outcome, _| match outcome {
            OneCallOutcome::Mint(MintOutcome::Minted(jti), _) => Some(KeptAnswer::Token(*jti)),
            _ => None,
        });
        let done = self.parts.store.mint_in_one_call((wish.clone(), decided.clone()), minting, once).await?;
        match done {
            Answered::Now(OneCallOutcome::NewerReview) => Ok(Tried::NewerReview),
            Answered::Now(OneCallOutcome::Conflict) => Err(VerificationError::OtherChallenge),
            Answered::Now(OneCallOutcome::Refused(outcome)) => Err(one_call_refusal(outcome)),
            Answered::Now(OneCallOutcome::Mint(MintOutcome::Minted(_), id)) => {
                signed.record.verification_id = Some(id);
                self.waiters.wake(id);
                Ok(Tried::Answered(self.minted(&signed)))
            }
            Answered::Now(OneCallOutcome::Mint(MintOutcome::Ends(end), _))
                if end > wish.opening.opened_at =>
            {
                Ok(Tried::EndsEarlier(end))
            }
            Answered::Now(OneCallOutcome::Mint(MintOutcome::SigningKeyWithdrawn, _)) => {
                self.with_the_next_key().await
            }
            Answered::Now(OneCallOutcome::Mint(outcome, _)) => Err(unminted(outcome)),
            Answered::Before(answer) => self.answered_token(answer).await.map(Tried::Answered),
            Answered::OtherBody => Err(PostError::OtherBody.into()),
        }
    }

    fn decided_in_one_call(&self, caller: &Caller, wish: &OpenWish) -> Result<Decided, VerificationError> {
        let bundle = self.parts.policies.bundle();
        let decided_as = approver(custom_step(&bundle, &wish.opening.step_key)?, caller)?;
        if decided_as != Approver::Backend {
            return Err(VerificationError::NotApprovable);
        }
        let reason = GivenReason::new(ONE_CALL).map_err(|_| VerificationError::Missing("reason"))?;
        let (outcome, at, actor) = (StepOutcome::Approved, wish.opening.opened_at, own_name(caller)?);
        Ok(Decided { outcome, at, decided_as, actor, reason })
    }

    /// Makes and signs a token; its life is the step's or the usual one, capped by the verification's own end.
    fn signed(&self, opening: &Opening, now: Timestamp) -> Result<Signed, VerificationError> {
        let bundle = self.parts.policies.bundle();
        let step = custom_step(&bundle, &opening.step_key)?;
        let ttl = step.token_ttl.map_or(self.parts.settings.token_ttl, Seconds::duration);
        let expires_at = now.plus(ttl).min(opening.expires_at);
        if expires_at.unix_seconds() <= now.unix_seconds() {
            return Err(VerificationError::NoTimeLeft);
        }
        let ring = self.ring()?;
        let key = ring.signer_at(now).ok_or(VerificationError::NoSigner)?;
        let record = StoredToken {
            jti: Jti::from_random(draw(&*self.parts.random)?),
            kid: key.kid().clone(),
            user_id: opening.user_id.clone(),
            challenge_id: opening.challenge_id.clone(),
            step_key: opening.step_key.clone(),
            scope: opening.scope.clone(),
            verification_id: Some(opening.id),
            is_grantable: true,
            issued_at: now,
            not_before: now.minus(self.parts.settings.not_before_skew),
            expires_at,
        };
        Ok(Signed { text: sign(&claims(&record), key)?, record })
    }

    /// The token that was the first answer, byte for byte: RS256 has no randomness. One whose time is over, or whose key or
    /// verification was withdrawn, or whose scope is paused, is not made again: the first answer may never have arrived.
    async fn answered_token(&self, answer: KeptAnswer) -> Result<Reply, VerificationError> {
        let KeptAnswer::Token(jti) = answer else { return Err(PostError::OtherBody.into()) };
        let now = self.now();
        let record = self.parts.store.token(jti, now).await?.ok_or(VerificationError::TokenGone)?;
        let ring = self.ring()?;
        let key = ring.published_at(&record.kid, now).ok_or(VerificationError::TokenGone)?;
        if record.expires_at <= now || !record.is_grantable {
            return Err(VerificationError::TokenGone);
        }
        let text = sign(&claims(&record), key)?;
        Ok(reply(&Signed { text, record }))
    }

    fn minted(&self, signed: &Signed) -> Reply {
        self.metrics().mint();
        let StoredToken { kid, step_key, scope, .. } = &signed.record;
        tracing::debug!(%kid, step = %step_key, %scope, "A token was minted.");
        reply(signed)
    }
}

/// What became of one try.
enum Tried {
    /// This is the answer.
    Answered(Reply),
    /// The verification was there before and ends earlier than the token would.
    EndsEarlier(Timestamp),
    /// Another review may be the one.
    NewerReview,
    /// The key that signed was withdrawn; another one is known now.
    KeyWithdrawn,
}

fn reply(signed: &Signed) -> Reply {
    let record = &signed.record;
    let token = MintedToken {
        verification_token: &signed.text,
        expires_at: Timestamp::from_unix_seconds(record.expires_at.unix_seconds()),
        kid: record.kid.as_str(),
        jti: record.jti.to_string(),
        verification_id: record.verification_id.map(|id| id.to_string()),
        user_id: record.user_id.as_str(),
        challenge_id: record.challenge_id.as_str(),
        step_key: record.step_key.as_str(),
        scope: record.scope.as_str(),
    };
    Reply::of(201, &token)
}

fn claims(record: &StoredToken) -> VerificationClaims {
    VerificationClaims {
        user_id: record.user_id.clone(),
        challenge_id: record.challenge_id.clone(),
        step_key: record.step_key.clone(),
        jti: record.jti,
        issued_at: record.issued_at,
        not_before: record.not_before,
        expires_at: record.expires_at,
    }
}

fn mint_record(caller: &Caller, token: &StoredToken, opening: &Opening) -> MintRecord {
    MintRecord {
        jti: token.jti,
        kid: token.kid.clone(),
        api_key_id: caller.key_id().clone(),
        verification_id: opening.id,
        issued_at: token.issued_at,
        not_before: token.not_before,
        expires_at: token.expires_at,
    }
}

fn one_call_refusal(outcome: DecideOutcome) -> VerificationError {
    match outcome {
        // Who asks for a token of what was decided otherwise is told as who asks for one alone.
        DecideOutcome::Before(found) => VerificationError::NotApproved(found.recorded_state),
        other => refusal(other),
    }
}

fn unminted(outcome: MintOutcome) -> VerificationError {
    match outcome {
        MintOutcome::NotApproved(state) => VerificationError::NotApproved(state),
        MintOutcome::Withdrawn => VerificationError::Withdrawn,
        MintOutcome::Ends(_) => VerificationError::NoTimeLeft,
        MintOutcome::TooMany => VerificationError::TooManyTokens,
        MintOutcome::ScopePaused => VerificationError::ScopePaused,
        MintOutcome::CallerWithdrawn => AccessError::BadKey.into(),
        MintOutcome::SigningKeyWithdrawn | MintOutcome::Minted(_) => VerificationError::NoSigner,
        MintOutcome::Unknown => VerificationError::NotFound,
    }
}
