//! Prelude's refusals of a walk's next step, by the codes that its SDK knows.

use std::fmt;

/// The code of a refusal, as `stepup/continue` answers it.
///
/// # Reference
/// docs/CONTRACT.md C6
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum RefusalCode {
    /// The verification token is malformed, forged, signed by a key we do not publish, or outside its time.
    InvalidVerificationToken,
    /// The verification token is for another user or another challenge.
    TokenMismatch,
    /// The verification token's `jti` was used before.
    TokenReused,
    /// The verification token is for a step of this challenge, but not for the current one.
    StepBypassed,
    /// The current step is not done.
    StepNotCompleted,
    /// The challenge has no such step.
    StepNotFound,
    /// The challenge token, and with it the current step, has ended.
    ExpiredChallengeToken,
    /// The challenge token is malformed, forged, or not the challenge's newest.
    InvalidChallengeToken,
    /// The user has no phone number, or no e-mail address, that the managed step needs: a dead end. The emulator's
    /// own word; Prelude's is not documented.
    IdentifierMissing,
}

impl RefusalCode {
    /// The code on the wire.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidVerificationToken => "invalid_verification_token",
            Self::TokenMismatch => "token_mismatch",
            Self::TokenReused => "token_reused",
            Self::StepBypassed => "step_bypassed",
            Self::StepNotCompleted => "step_not_completed",
            Self::StepNotFound => "step_not_found",
            Self::ExpiredChallengeToken => "expired_challenge_token",
            Self::InvalidChallengeToken => "invalid_challenge_token",
            Self::IdentifierMissing => "identifier_missing",
        }
    }
}

/// A refusal. The challenge stands where it stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Refusal {
    /// Prelude's code.
    pub(crate) code: RefusalCode,
    /// The broken rule in words; quotes nothing.
    pub(crate) detail: &'static str,
}

impl Refusal {
    /// Pairs a code with the rule that was broken.
    pub(super) const fn new(code: RefusalCode, detail: &'static str) -> Self {
        Self { code, detail }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl std::error::Error for Refusal {}
