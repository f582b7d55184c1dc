//! Answers that are given again: what a POST with an `Idempotency-Key` said the first time (docs/API.md).

use std::time::Duration;

use crate::domain::{ApiKeyId, Jti, Timestamp};

/// How long a first answer is given again.
pub(crate) const ANSWERS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Which request may have come before: the same key of the same caller at the same route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OnceKey {
    /// Who asks.
    pub(crate) api_key_id: ApiKeyId,
    /// Method and path.
    pub(crate) route: Box<str>,
    /// The header's value.
    pub(crate) key: Box<str>,
    /// The SHA-256 of the body: the same key with another body is a mistake.
    pub(crate) body_sha256: [u8; 32],
    /// When.
    pub(crate) at: Timestamp,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeptAnswer {
    /// This.
    Body {
        /// The status code.
        status: u16,
        /// The body's exact text; never a token.
        text: String,
    },
    /// The token with this name: it is made again, byte for byte, from its claims and its key.
    Token(Jti),
}

/// What a write that is done once per key became.
#[derive(Debug)]
pub(crate) enum Answered<T> {
    /// It was done now.
    Now(T),
    /// It was done before, and nothing was done now.
    Before(KeptAnswer),
    /// The key came before with another body. Nothing was done.
    OtherBody,
}

/// A write that is done once per key, and how its answer is kept: in the same transaction. `None` keeps nothing, for
/// outcomes that changed nothing.
pub(crate) struct Once<T> {
    /// Which request it is.
    pub(crate) key: OnceKey,
    /// Makes the answer.
    pub(crate) answer: fn(&T, Timestamp) -> Option<KeptAnswer>,
}

/// By hand: what is answered need not be cloned.
impl<T> Clone for Once<T> {
    fn clone(&self) -> Self {
        Self { key: self.key.clone(), answer: self.answer }
    }
}
