//! Which challenge a request is about: proved by its token, or vouched for.

use super::request::OpenRequest;
use super::{App, VerificationError};
use crate::app::access::require;
use crate::domain::{Caller, Challenge, ChallengeProof, Role};
use crate::prelude::{ChallengeFault, Expectation, verify_challenge};

impl App {
    /// The challenge that a request is about.
    ///
    /// # Errors
    /// The token is not good, something disagrees with it or is missing, or the caller may not vouch.
    pub(super) async fn challenge(
        &self,
        caller: &Caller,
        wanted: OpenRequest,
    ) -> Result<(Challenge, ChallengeProof), VerificationError> {
        let Some(token) = &wanted.challenge_token else {
            require(caller, Role::Voucher)?;
            return Ok((vouched(wanted)?, ChallengeProof::Vouched));
        };
        let challenge = self.proved_challenge(token).await?;
        agree("user_id", wanted.user_id.as_ref(), &challenge.user_id)?;
        agree("challenge_id", wanted.challenge_id.as_ref(), &challenge.challenge_id)?;
        agree("step_key", wanted.step_key.as_ref(), &challenge.current_step)?;
        agree("scope", wanted.scope.as_ref(), &challenge.scope)?;
        if let Some(session) = &challenge.session_id {
            agree("session_id", wanted.session_id.as_ref(), session)?;
        }
        if let (Some(named), Some(carried)) = (&wanted.metadata, &challenge.metadata) {
            agree("metadata", Some(named), carried)?;
        }
        // What the token does not carry, the caller may narrow; it can only make the review harder to find.
        let metadata = challenge.metadata.or(wanted.metadata);
        let session_id = challenge.session_id.or(wanted.session_id);
        Ok((Challenge { metadata, session_id, ..challenge }, ChallengeProof::ChallengeToken))
    }

    async fn proved_challenge(&self, token: &str) -> Result<Challenge, VerificationError> {
        let expected = Expectation {
            now: self.now(),
            skew: self.parts.settings.challenge_clock_skew,
            session_domain: &self.parts.settings.session_domain,
        };
        let keys = self.parts.step_up_keys.trusted(expected.now).ok_or(VerificationError::NoTrustedKeySet)?;
        let first = verify_challenge(token, &keys, &expected);
        if !matches!(first, Err(ChallengeFault::UnknownKey)) {
            return Ok(first?);
        }
        let newer =
            self.newer_key_set(&self.parts.step_up_keys, &keys).await.ok_or(ChallengeFault::UnknownKey)?;
        Ok(verify_challenge(token, &newer, &expected)?)
    }
}

fn vouched(wanted: OpenRequest) -> Result<Challenge, VerificationError> {
    Ok(Challenge {
        user_id: wanted.user_id.ok_or(VerificationError::Missing("user_id"))?,
        session_id: wanted.session_id,
        challenge_id: wanted.challenge_id.ok_or(VerificationError::Missing("challenge_id"))?,
        scope: wanted.scope.ok_or(VerificationError::Missing("scope"))?,
        current_step: wanted.step_key.ok_or(VerificationError::Missing("step_key"))?,
        steps: Vec::new(),
        metadata: wanted.metadata,
        expires_at: None,
    })
}

fn agree<T: PartialEq>(field: &'static str, named: Option<&T>, proved: &T) -> Result<(), VerificationError> {
    let agrees = named.is_none_or(|named| named == proved);
    if agrees { Ok(()) } else { Err(VerificationError::Disagreement(field)) }
}
