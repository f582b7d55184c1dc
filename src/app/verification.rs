//! The life of a custom step: opened for a challenge, decided once, and only then worth a token.

mod approved;
mod challenge;
mod decide;
mod mint;
mod open;
mod request;
mod shown;
mod wait;
mod withdraw;

use self::request::RequestFault;
use super::App;
use super::access::AccessError;
use super::post::PostError;
use super::signing_keys::StaleRing;
use crate::domain::{Caller, StepKey, Verification, VerificationId, VerificationState};
use crate::keys::KeyError;
use crate::policy::{Bundle, CustomStep};
use crate::prelude::ChallengeFault;
use crate::random::NoRandomness;
use crate::store::StoreError;

pub(super) use approved::Approved;
#[cfg(test)]
pub(crate) use mint::example as mint_example;
pub(super) use open::joined_step_keys;
#[cfg(test)]
pub(crate) use request::example as request_example;
pub(crate) use shown::VerificationsQuery;
#[cfg(test)]
pub(crate) use shown::example as shown_example;
pub(crate) use wait::WaitQuery;
pub(super) use wait::Waiters;
#[cfg(test)]
pub(crate) use withdraw::example as withdraw_example;

/// Why nothing was opened, decided, minted or shown. Nothing changed, in each case.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerificationError {
    /// The key lacks a role.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The `Idempotency-Key` stands in the way.
    #[error(transparent)]
    Post(#[from] PostError),
    /// The body is not what the address takes.
    #[error(transparent)]
    Request(#[from] RequestFault),
    /// A filter's value is not what it holds.
    #[error("`{0}` is not a valid value of that filter")]
    Filter(&'static str),
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
    /// The policy names no such provider for this step.
    #[error("the policy does not let a provider of this name approve this step")]
    UnknownSource,
    /// The policy does not let the caller approve this step.
    #[error("the policy or the API key does not let this caller decide about this step")]
    NotApprovable,
    /// No recorded review of this user, scope and metadata asked for this step and is still in time.
    #[error("no recorded review in time asked this user for this step")]
    NoReview,
    /// Nothing is left of the challenge's time.
    #[error("the challenge is at its end")]
    NoTimeLeft,
    /// The challenge and step have a verification, of another user or scope.
    #[error("this challenge and step have a verification of another user or scope")]
    OtherChallenge,
    /// There is no such verification, or none that the caller may see: one answer for both.
    #[error("there is no such verification")]
    NotFound,
    /// It was decided before.
    #[error("the verification was {} before", .0.as_str())]
    AlreadyDecided(VerificationState),
    /// Its time is over, and the policy keeps no late approvals for this step.
    #[error("the verification's time is over")]
    Expired,
    /// It was withdrawn.
    #[error("the verification was withdrawn")]
    Withdrawn,
    /// It is not approved.
    #[error("the verification is {}", .0.as_str())]
    NotApproved(VerificationState),
    /// As many tokens were minted from it as may be.
    #[error("as many tokens were minted from this verification as may be")]
    TooManyTokens,
    /// The fraud desk paused the scope.
    #[error("the fraud desk paused the scope")]
    ScopePaused,
    /// The token that was the first answer is past its end, or could not be minted any more.
    #[error("the token that was answered first is not good any more")]
    TokenGone,
    /// As many callers wait as may.
    #[error("as many callers wait for verifications as may")]
    TooManyWaiters,
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

impl App {
    /// The verification that a path names, within the caller's limits.
    async fn visible(&self, caller: &Caller, id: &str) -> Result<Verification, VerificationError> {
        let id = VerificationId::parse(id).ok_or(VerificationError::NotFound)?;
        let found = self.parts.store.verification(id).await?;
        let within = |found: &Verification| caller.may_touch(&found.opening.scope, &found.opening.step_key);
        found.filter(within).ok_or(VerificationError::NotFound)
    }
}

/// The custom step of the policy in force.
fn custom_step<'b>(bundle: &'b Bundle, key: &StepKey) -> Result<&'b CustomStep, VerificationError> {
    if key.is_managed() {
        return Err(VerificationError::ManagedStep);
    }
    bundle.step(key).ok_or(VerificationError::UnknownStep)
}
