//! Whether a challenge token is Prelude's, still good, and stands before a step that is ours to confirm.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::hook::read_metadata;
use super::json::{self, Flaw, Json, Object};
use super::key_set::StepUpKeySet;
use crate::domain::{
    COMPLETED, Challenge, ChallengeId, ChallengeStep, IdFault, Metadata, Scope, SessionId, StepKey,
    Timestamp, UserId,
};

/// The longest token, in bytes; Prelude's have less than one thousand.
const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// How far Prelude's clock may be ahead of ours: `nbf` is the moment of issue (docs/CONTRACT.md C5.3).
#[cfg(test)]
pub(crate) const CHALLENGE_CLOCK_SKEW: Duration = Duration::from_secs(5);

/// Why a challenge token proves nothing. It quotes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChallengeFault {
    /// No token of the contract's form, whoever signed it.
    #[error("the challenge token is malformed")]
    Malformed,
    /// The set that was looked in has no usable key that could have signed it; a newer one may.
    #[error("the key that the challenge token names is unknown")]
    UnknownKey,
    /// Not that key's signature, or another algorithm.
    #[error("the challenge token's signature is wrong")]
    BadSignature,
    /// Issued for another session domain.
    #[error("the challenge token is another issuer's")]
    WrongIssuer,
    /// Its end has come.
    #[error("the challenge token has expired")]
    Expired,
    /// Its beginning has not come, even with the allowed skew.
    #[error("the challenge token is not valid yet")]
    NotYetValid,
    /// Nothing is left to do.
    #[error("the challenge is already completed")]
    Completed,
    /// The step is one that Prelude carries out.
    #[error("the challenge stands before a step that Prelude carries out")]
    ManagedStep,
    /// The current step is done, not one of the challenge's steps, or an earlier one is not done.
    #[error("the challenge's current step is not the one to do now")]
    PassedStep,
}

impl ChallengeFault {
    /// The fault's stable name, for answers, metrics and logs.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed_challenge_token",
            Self::UnknownKey => "unknown_challenge_key",
            Self::BadSignature => "wrong_challenge_signature",
            Self::WrongIssuer => "wrong_challenge_issuer",
            Self::Expired => "expired_challenge",
            Self::NotYetValid => "challenge_not_yet_valid",
            Self::Completed => "completed_challenge",
            Self::ManagedStep => "managed_step",
            Self::PassedStep => "passed_step",
        }
    }
}

impl From<Flaw> for ChallengeFault {
    fn from(_: Flaw) -> Self {
        Self::Malformed
    }
}

impl From<IdFault> for ChallengeFault {
    fn from(_: IdFault) -> Self {
        Self::Malformed
    }
}

/// Against what a token is judged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expectation<'a> {
    /// The moment to judge at: the token's times are never compared with any other clock.
    pub(crate) now: Timestamp,
    /// How far ahead Prelude's clock may be; it never lengthens a token's life.
    pub(crate) skew: Duration,
    /// The host of the application's session domain, without scheme.
    pub(crate) session_domain: &'a str,
}

/// Verifies a challenge token: signature, then form and issuer, then times, then the step.
///
/// The algorithm is EdDSA whatever the header says; a header that says otherwise is refused. Keys come from `keys`
/// alone: `jku`, `jwk`, `x5u` and `x5c` are not looked at. Without `kid` the only key of a set is taken.
///
/// - returns: a challenge whose current step is custom, not done, and next in order.
///
/// # Errors
/// [`ChallengeFault`], the first in the order above; no claim has been read before the signature was found right. On
/// [`ChallengeFault::UnknownKey`] a newer set may be asked for and the token verified again.
///
/// # Reference
/// RFC 7515 §5.2; RFC 7519 §4.1; RFC 8725 §3.1; docs/CONTRACT.md C5
pub(crate) fn verify(
    token: &str,
    keys: &StepUpKeySet,
    expected: &Expectation<'_>,
) -> Result<Challenge, ChallengeFault> {
    judge(&verified_payload(token, keys)?, expected)
}

/// The same of claims that nobody need have signed: for tests alone, and not to be had without their feature.
///
/// # Errors
/// As [`verify`], but for the signature.
pub(crate) fn judge(payload: &[u8], expected: &Expectation<'_>) -> Result<Challenge, ChallengeFault> {
    let document = json::parse(payload)?;
    let claims = Claims::read(document.object()?)?;
    if !claims.issuer_fits(expected.session_domain) {
        return Err(ChallengeFault::WrongIssuer);
    }
    claims.check_times(expected)?;
    claims.check_step()?;
    Ok(claims.into_challenge())
}

fn verified_payload(token: &str, keys: &StepUpKeySet) -> Result<Vec<u8>, ChallengeFault> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(ChallengeFault::Malformed);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(ChallengeFault::Malformed)?;
    let (header, payload) = message.split_once('.').ok_or(ChallengeFault::Malformed)?;
    let header = decode(header)?;
    let header = json::parse(&header)?;
    let kid = kid_of_eddsa(header.object()?)?;
    let key = match kid {
        Some(kid) => keys.get(kid).map(|(_, key)| key),
        None => keys.only(),
    };
    if key.ok_or(ChallengeFault::UnknownKey)?.verifies(message, signature) {
        decode(payload)
    } else {
        Err(ChallengeFault::BadSignature)
    }
}

fn decode(part: &str) -> Result<Vec<u8>, ChallengeFault> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| ChallengeFault::Malformed)
}

/// Checks a header and gives its `kid`, where it has one.
fn kid_of_eddsa<'j>(header: &'j Object<'_>) -> Result<Option<&'j str>, ChallengeFault> {
    if header.text("alg")? != "EdDSA" {
        return Err(ChallengeFault::BadSignature);
    }
    // What is critical must be understood, and there is nothing that we would (RFC 7515 §4.1.11).
    if header.optional("crit")?.is_some() {
        return Err(ChallengeFault::Malformed);
    }
    if let Some(kind) = header.optional("typ")?
        && !kind.text()?.eq_ignore_ascii_case("JWT")
    {
        return Err(ChallengeFault::Malformed);
    }
    Ok(header.optional("kid")?.map(Json::text).transpose()?)
}

/// The claims of a token whose signature was right.
struct Claims {
    issuer: Option<Box<str>>,
    issued_at: Option<Timestamp>,
    not_before: Option<Timestamp>,
    expires_at: Timestamp,
    user_id: UserId,
    session_id: Option<SessionId>,
    challenge_id: ChallengeId,
    scope: Scope,
    current_step: StepKey,
    steps: Vec<ChallengeStep>,
    metadata: Option<Metadata>,
}

impl Claims {
    fn read(claims: &Object<'_>) -> Result<Self, ChallengeFault> {
        // Not used, but a token whose known claims are of another type is not one we understand.
        claims.optional("jti")?.map(Json::text).transpose()?;
        let session = claims.optional("sid")?.map(Json::text).transpose()?;
        Ok(Self {
            issuer: claims.optional("iss")?.map(Json::text).transpose()?.map(Into::into),
            issued_at: moment(claims.optional("iat")?)?,
            not_before: moment(claims.optional("nbf")?)?,
            expires_at: moment(claims.optional("exp")?)?.ok_or(ChallengeFault::Malformed)?,
            user_id: UserId::new(claims.text("sub")?)?,
            session_id: session.map(SessionId::new).transpose()?,
            challenge_id: ChallengeId::new(claims.text("challenge_id")?)?,
            scope: Scope::new(claims.text("scope_requested")?)?,
            current_step: StepKey::new(claims.text("current_step")?)?,
            steps: steps_in_order(claims.required("steps")?.array()?)?,
            metadata: read_metadata(claims).map_err(|_| ChallengeFault::Malformed)?,
        })
    }

    /// Where the token names its issuer, it is the session domain, with or without `https://` (docs/CONTRACT.md C5.3).
    fn issuer_fits(&self, session_domain: &str) -> bool {
        self.issuer.as_deref().is_none_or(|issuer| {
            let host = issuer.strip_prefix("https://").unwrap_or(issuer);
            host.strip_suffix('/').unwrap_or(host).eq_ignore_ascii_case(session_domain)
        })
    }

    fn check_times(&self, expected: &Expectation<'_>) -> Result<(), ChallengeFault> {
        // "On or after" is expired (RFC 7519 §4.1.4), and skew would only lengthen a life that Prelude ended.
        if expected.now >= self.expires_at {
            return Err(ChallengeFault::Expired);
        }
        let latest = expected.now.plus(expected.skew);
        let begins = self.not_before.max(self.issued_at);
        if begins.is_some_and(|moment| moment > latest) { Err(ChallengeFault::NotYetValid) } else { Ok(()) }
    }

    fn check_step(&self) -> Result<(), ChallengeFault> {
        if self.current_step.as_str() == COMPLETED {
            return Err(ChallengeFault::Completed);
        }
        if self.current_step.is_managed() {
            return Err(ChallengeFault::ManagedStep);
        }
        match self.steps.iter().find(|step| !step.done) {
            Some(next) if next.key == self.current_step => Ok(()),
            _ => Err(ChallengeFault::PassedStep),
        }
    }

    fn into_challenge(self) -> Challenge {
        Challenge {
            user_id: self.user_id,
            session_id: self.session_id,
            challenge_id: self.challenge_id,
            scope: self.scope,
            current_step: self.current_step,
            steps: self.steps,
            metadata: self.metadata,
            expires_at: Some(self.expires_at),
        }
    }
}

fn moment(claim: Option<&Json<'_>>) -> Result<Option<Timestamp>, Flaw> {
    Ok(claim.map(Json::whole).transpose()?.map(Timestamp::from_unix_seconds))
}

/// The steps by their `order`; no order and no key twice.
fn steps_in_order(steps: &[Json<'_>]) -> Result<Vec<ChallengeStep>, ChallengeFault> {
    let mut ordered = Vec::with_capacity(steps.len());
    for step in steps {
        let step = step.object()?;
        let expires_in = u64::try_from(step.required("expiration_duration")?.whole()?);
        let expires_in = expires_in.map(Duration::from_secs).map_err(|_| ChallengeFault::Malformed)?;
        let key = StepKey::new(step.text("key")?)?;
        let done = step.required("done")?.flag()?;
        ordered.push((step.required("order")?.whole()?, ChallengeStep { key, expires_in, done }));
    }
    ordered.sort_by_key(|(order, _)| *order);
    let repeated = |later: usize, (order, step): &(i64, ChallengeStep)| {
        ordered.iter().take(later).any(|(other, earlier)| other == order || earlier.key == step.key)
    };
    if ordered.iter().enumerate().any(|(at, step)| repeated(at, step)) {
        return Err(ChallengeFault::Malformed);
    }
    Ok(ordered.into_iter().map(|(_, step)| step).collect())
}

#[cfg(test)]
mod tests;
