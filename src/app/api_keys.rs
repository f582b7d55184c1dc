//! Making, listing and withdrawing API keys.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};

use super::access::KEY_PREFIX;
use crate::domain::{ApiKeyId, ApiKeyRecord, Approver, Role, Scope, StepKey, Timestamp};
use crate::random::{NoRandomness, Random, draw};
use crate::store::{Revocation, Store, StoreError, StoredApiKey};

/// What somebody wants a key to be.
#[derive(Debug, Clone)]
pub(crate) struct ApiKeyDraft {
    /// What people call it.
    pub(crate) name: String,
    /// What it may do.
    pub(crate) roles: Vec<Role>,
    /// As what it approves; needed for an approver, meaningless for others.
    pub(crate) approves_as: Option<Approver>,
    /// The scopes it is limited to; empty means all.
    pub(crate) scopes: Vec<Scope>,
    /// The steps it is limited to; empty means all.
    pub(crate) steps: Vec<StepKey>,
    /// When it ends by itself.
    pub(crate) expires_at: Option<Timestamp>,
}

/// Why a key was not made. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiKeyError {
    /// The wish contradicts itself.
    #[error("{0}")]
    Draft(&'static str),
    /// It could not be stored.
    #[error("the API key could not be stored")]
    Store(#[from] StoreError),
    /// The system gave no randomness.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

/// A key that was made. The secret is in memory only until it was shown once.
pub(crate) struct NewApiKey {
    /// What is kept.
    pub(crate) record: ApiKeyRecord,
    /// What the caller presents: `dsk_<id>_<secret>`.
    pub(crate) key: SecretString,
}

impl ApiKeyDraft {
    fn check(&self, now: Timestamp) -> Result<(), ApiKeyError> {
        let approver = self.roles.contains(&Role::Approver);
        let fault = match () {
            () if self.name.trim().is_empty() => "a key needs a name",
            () if self.roles.is_empty() => "a key needs at least one role",
            () if approver && self.approves_as.is_none() => {
                "an approver says as what: --approves-as backend or --approves-as person"
            }
            () if !approver && self.approves_as.is_some() => "--approves-as goes with the role approver",
            () if self.expires_at.is_some_and(|end| end <= now) => "a key must end in the future",
            () => return Ok(()),
        };
        Err(ApiKeyError::Draft(fault))
    }
}

/// Makes a key with a 256-bit secret and stores it without the secret: SHA-256 is enough for one that cannot be guessed.
///
/// # Errors
/// [`ApiKeyError`]; there is no key then.
pub(crate) async fn create_api_key(
    store: &Store,
    draft: ApiKeyDraft,
    now: Timestamp,
    random: &dyn Random,
) -> Result<NewApiKey, ApiKeyError> {
    draft.check(now)?;
    let id: String = draw::<8>(random)?.iter().map(|byte| format!("{byte:02x}")).collect();
    let id = ApiKeyId::new(&id).map_err(|_| ApiKeyError::Draft("the key's id is not a name"))?;
    let secret = SecretString::from(URL_SAFE_NO_PAD.encode(draw::<32>(random)?));
    let mut roles = draft.roles;
    roles.sort_unstable();
    roles.dedup();
    let record = ApiKeyRecord {
        id,
        name: draft.name,
        roles,
        approves_as: draft.approves_as,
        scopes: draft.scopes,
        steps: draft.steps,
        created_at: now,
        expires_at: draft.expires_at,
        revoked_at: None,
    };
    let key = SecretString::from(format!("{KEY_PREFIX}{}_{}", record.id, secret.expose_secret()));
    let stored = StoredApiKey { record: record.clone(), secret_sha256: sha256(secret.expose_secret()) };
    store.create_api_key(stored).await?;
    Ok(NewApiKey { record, key })
}

/// What became of the wish to withdraw a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ApiKeyRevocation {
    /// It was good until now; every process refuses it within seconds.
    Revoked,
    /// It was withdrawn before.
    AlreadyRevoked,
    /// There is no such key.
    Unknown,
}

/// Withdraws a key.
///
/// # Errors
/// [`ApiKeyError::Store`]; the key is as it was.
pub(crate) async fn revoke_api_key(
    store: &Store,
    id: &ApiKeyId,
    now: Timestamp,
) -> Result<ApiKeyRevocation, ApiKeyError> {
    Ok(match store.revoke_api_key(id, now).await? {
        Revocation::Revoked => ApiKeyRevocation::Revoked,
        Revocation::AlreadyRevoked => ApiKeyRevocation::AlreadyRevoked,
        Revocation::Unknown => ApiKeyRevocation::Unknown,
    })
}

fn sha256(text: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(digest(&SHA256, text.as_bytes()).as_ref()).for_each(|(to, from)| *to = *from);
    bytes
}
