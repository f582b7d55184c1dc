//! A POST that may come again: with an `Idempotency-Key` it is done once, and answered the same each time (docs/API.md).

use aws_lc_rs::digest::{SHA256, digest};

use super::App;
use crate::domain::{Caller, Timestamp};
use crate::store::{Answered, KeptAnswer, Once, OnceKey, StoreError};

/// The longest `Idempotency-Key`.
const KEY_CHARS_MAX: usize = 255;

/// A POST whose caller was checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Post<'r> {
    /// Who asks.
    pub(crate) caller: &'r Caller,
    /// Method and path.
    pub(crate) route: &'r str,
    /// The value of `Idempotency-Key`, as it came.
    pub(crate) idempotency_key: Option<&'r str>,
    /// The body's bytes.
    pub(crate) body: &'r [u8],
}

/// Why a POST is not done because of its `Idempotency-Key`. Nothing was done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PostError {
    /// The header is no key.
    #[error("`Idempotency-Key` must be 1 to 255 visible ASCII characters")]
    Key,
    /// The key came before with another body.
    #[error("the `Idempotency-Key` came before with another body")]
    OtherBody,
    /// The record could not be read.
    #[error("the record could not be read")]
    Store(#[from] StoreError),
}

/// What a POST is answered: now, or again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The status code.
    pub(crate) status: u16,
    /// The body's exact text.
    pub(crate) text: String,
}

impl Reply {
    /// Makes a reply of something that serialises.
    pub(super) fn of(status: u16, body: &impl serde::Serialize) -> Self {
        // INVARIANT: only structs of strings, numbers and options are answered, which always serialise.
        Self { status, text: serde_json::to_string(body).unwrap_or_default() }
    }
}

impl Reply {
    /// The reply that was kept.
    ///
    /// # Errors
    /// [`PostError::OtherBody`] for a token: no address answers tokens and other things.
    pub(super) fn again(answer: KeptAnswer) -> Result<Self, PostError> {
        match answer {
            KeptAnswer::Body { status, text } => Ok(Self { status, text }),
            KeptAnswer::Token(_) => Err(PostError::OtherBody),
        }
    }
}

impl From<Reply> for KeptAnswer {
    fn from(reply: Reply) -> Self {
        Self::Body { status: reply.status, text: reply.text }
    }
}

impl Post<'_> {
    /// Under which name the answer is kept, if it is to be.
    ///
    /// # Errors
    /// [`PostError::Key`].
    pub(super) fn once_key(&self, at: Timestamp) -> Result<Option<OnceKey>, PostError> {
        let Some(key) = self.idempotency_key else { return Ok(None) };
        if key.is_empty() || key.len() > KEY_CHARS_MAX || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(PostError::Key);
        }
        let hash = digest(&SHA256, self.body);
        Ok(Some(OnceKey {
            api_key_id: self.caller.key_id().clone(),
            route: self.route.into(),
            key: key.into(),
            body_sha256: hash.as_ref().try_into().map_err(|_| PostError::Key)?,
            at,
        }))
    }
}

impl App {
    /// What this POST was answered before, if it came before. What is looked up here is looked up again in the transaction
    /// that does it; but what came before may be answered although it could not be done now.
    ///
    /// # Errors
    /// [`PostError`].
    pub(super) async fn answered_before(
        &self,
        key: Option<&OnceKey>,
    ) -> Result<Option<KeptAnswer>, PostError> {
        let Some(key) = key else { return Ok(None) };
        match self.parts.store.kept_answer(key).await? {
            Answered::Now(()) => Ok(None),
            Answered::Before(answer) => Ok(Some(answer)),
            Answered::OtherBody => Err(PostError::OtherBody),
        }
    }
}

/// Joins a key with how the answer is kept.
pub(super) fn once<T>(
    key: Option<OnceKey>,
    answer: fn(&T, Timestamp) -> Option<KeptAnswer>,
) -> Option<Once<T>> {
    key.map(|key| Once { key, answer })
}
