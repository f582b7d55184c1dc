//! What stands in the way of a verification or its token, as refusals.

use actix_web::http::StatusCode;

use super::{outside_key_limits, stale_signing_keys, store_unavailable};
use crate::app::{PostError, VerificationError};
use crate::http::problem::{Refusal, invalid_request, unavailable};
use crate::prelude::ChallengeFault;

impl From<VerificationError> for Refusal {
    fn from(error: VerificationError) -> Self {
        use VerificationError as Error;
        const CONFLICT: StatusCode = StatusCode::CONFLICT;
        const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
        let detail = error.to_string();
        match error {
            Error::Access(error) => error.into(),
            Error::Post(error) => error.into(),
            Error::Challenge(fault) => fault.into(),
            Error::Request(_) | Error::Filter(_) | Error::Missing(_) => invalid_request(detail),
            Error::OutsideKeyLimits => outside_key_limits(),
            Error::NoTrustedKeySet => unavailable(
                "no_trusted_key_set",
                "Prelude's keys are not known, so no challenge token can be checked",
            ),
            Error::Disagreement(_) => {
                Self::new(CONFLICT, "fields_disagree", "A field and the challenge token do not agree")
                    .with_detail(detail)
            }
            Error::ManagedStep => managed_step(),
            Error::UnknownStep => Self::new(UNPROCESSABLE, "unknown_step", "The policy knows no such step"),
            Error::UnknownSource => Self::new(
                UNPROCESSABLE,
                "unknown_source",
                "The policy lets no such provider approve this step",
            ),
            Error::NotApprovable => Self::new(
                StatusCode::FORBIDDEN,
                "not_approvable",
                "The policy or the API key does not let this caller decide about this step",
            ),
            Error::NoReview => {
                Self::new(CONFLICT, "no_review", "No recorded review in time asked this user for this step")
            }
            Error::NoTimeLeft => challenge_expired(),
            Error::NoSigner => unavailable("no_signing_key", "No signing key is active"),
            Error::StaleRing(_) => stale_signing_keys(),
            Error::Key(_) | Error::Random(_) => not_signed(),
            Error::TooManyWaiters => {
                unavailable("too_many_waiters", "As many callers wait for verifications as may")
            }
            Error::Store(fault) => store_unavailable(fault.trouble()),
            standing => standing_in_the_way(&standing).with_detail(detail),
        }
    }
}

/// What the verification itself has against it.
fn standing_in_the_way(error: &VerificationError) -> Refusal {
    use VerificationError as Error;
    let conflict = |code, title| Refusal::new(StatusCode::CONFLICT, code, title);
    match error {
        Error::OtherChallenge => {
            conflict("other_challenge", "This challenge and step have another user's or scope's verification")
        }
        Error::AlreadyDecided(_) => conflict("already_decided", "The verification was decided before"),
        Error::Expired => conflict("verification_expired", "The verification's time is over"),
        Error::Withdrawn => conflict("verification_withdrawn", "The verification was withdrawn"),
        Error::NotApproved(_) => conflict("not_approved", "The verification is not approved"),
        Error::TooManyTokens => {
            conflict("too_many_tokens", "As many tokens were minted from this verification as may be")
        }
        Error::ScopePaused => conflict("scope_paused", "The fraud desk paused the scope"),
        Error::TokenGone => conflict("token_gone", "The token that was answered first is not good any more"),
        _ => Refusal::new(
            StatusCode::NOT_FOUND,
            "no_such_verification",
            "There is no verification with this id",
        ),
    }
}

impl From<PostError> for Refusal {
    fn from(error: PostError) -> Self {
        let detail = error.to_string();
        match error {
            PostError::Key => invalid_request(detail),
            PostError::OtherBody => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "The `Idempotency-Key` came before with another body",
            ),
            PostError::Store(fault) => store_unavailable(fault.trouble()),
        }
    }
}

impl From<ChallengeFault> for Refusal {
    fn from(fault: ChallengeFault) -> Self {
        const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
        match fault {
            ChallengeFault::Malformed
            | ChallengeFault::UnknownKey
            | ChallengeFault::BadSignature
            | ChallengeFault::WrongIssuer => Self::new(
                UNPROCESSABLE,
                "invalid_challenge_token",
                "The challenge token is not one that Prelude signed for this application",
            )
            .because(fault.code()),
            ChallengeFault::Expired => challenge_expired(),
            ChallengeFault::NotYetValid => {
                Self::new(UNPROCESSABLE, "challenge_not_yet_valid", "The challenge has not begun")
            }
            ChallengeFault::Completed => {
                Self::new(UNPROCESSABLE, "challenge_completed", "Every step of the challenge is done")
            }
            ChallengeFault::ManagedStep => managed_step(),
            ChallengeFault::PassedStep => Self::new(
                UNPROCESSABLE,
                "step_not_current",
                "The step is done already, or not the challenge's next one",
            ),
        }
    }
}

/// The signature could not be made, or nothing random could be had for it.
pub(in crate::http) fn not_signed() -> Refusal {
    unavailable("not_signed", "The token could not be signed")
}

const fn managed_step() -> Refusal {
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "managed_step", "Prelude carries out this step itself")
}

const fn challenge_expired() -> Refusal {
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "challenge_expired", "The challenge is at its end")
}
