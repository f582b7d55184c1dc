//! Who calls our API: an API key becomes a [`Caller`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

use super::App;
use crate::domain::{ApiKeyId, ApiKeyRecord, Caller, Role, Timestamp};
use crate::store::StoreError;

/// What every API key starts with, so that a scanner for leaked secrets knows one.
pub(super) const KEY_PREFIX: &str = "dsk_";

/// How long a key that was looked up is taken for unchanged: a withdrawal reaches every process within this time.
const KNOWN_FOR: Duration = Duration::from_secs(2);

/// Why a caller is not let in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccessError {
    /// No such key, a wrong secret, withdrawn or past its end: one answer for all.
    #[error("the API key is not good")]
    BadKey,
    /// The key has not the role.
    #[error("the API key lacks the role {0}")]
    MissingRole(Role),
    /// The keys could not be looked up.
    #[error("API keys could not be looked up")]
    Store(#[from] StoreError),
}

#[derive(Debug, Clone)]
struct KnownKey {
    record: Arc<ApiKeyRecord>,
    secret_sha256: [u8; 32],
    looked_up_at: Timestamp,
}

/// Keys that were looked up a moment ago. Only keys that exist get in, so it never outgrows the table.
#[derive(Debug, Default)]
pub(super) struct KnownKeys(Mutex<HashMap<ApiKeyId, KnownKey>>);

impl KnownKeys {
    fn get(&self, id: &ApiKeyId, now: Timestamp) -> Option<KnownKey> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back must not make a key good for longer.
        let fresh = |key: &&KnownKey| key.looked_up_at <= now && now.since(key.looked_up_at) < KNOWN_FOR;
        known.get(id).filter(fresh).cloned()
    }

    fn put(&self, key: KnownKey) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.record.id.clone(), key);
    }
}

impl App {
    /// Checks an API key: found, live, secret right.
    ///
    /// # Errors
    /// [`AccessError::BadKey`] for every way not to be good, [`AccessError::Store`] when keys cannot be looked up.
    /// Nobody was let in then.
    pub(crate) async fn caller(&self, presented: &str) -> Result<Caller, AccessError> {
        let (id, secret) = split(presented).ok_or(AccessError::BadKey)?;
        let now = self.now();
        let key = match self.known_keys.get(&id, now) {
            Some(known) => known,
            None => self.look_up(&id, now).await?,
        };
        let hash = digest(&SHA256, secret.as_bytes());
        let right = verify_slices_are_equal(hash.as_ref(), &key.secret_sha256).is_ok();
        if right && key.record.is_live(now) {
            Ok(Caller::of_checked_key(key.record))
        } else {
            Err(AccessError::BadKey)
        }
    }

    async fn look_up(&self, id: &ApiKeyId, now: Timestamp) -> Result<KnownKey, AccessError> {
        let stored = self.parts.store.api_key(id).await?.ok_or(AccessError::BadKey)?;
        let key = KnownKey {
            record: Arc::new(stored.record),
            secret_sha256: stored.secret_sha256,
            looked_up_at: now,
        };
        self.known_keys.put(key.clone());
        Ok(key)
    }
}

/// Asks for a role.
///
/// # Errors
/// [`AccessError::MissingRole`].
pub(super) fn require(caller: &Caller, role: Role) -> Result<(), AccessError> {
    if caller.has(role) { Ok(()) } else { Err(AccessError::MissingRole(role)) }
}

/// Asks for one of several roles.
///
/// # Errors
/// [`AccessError::MissingRole`], which names the first.
pub(super) fn require_one_of(caller: &Caller, roles: &[Role]) -> Result<(), AccessError> {
    match roles.first() {
        Some(first) if !roles.iter().any(|role| caller.has(*role)) => Err(AccessError::MissingRole(*first)),
        _ => Ok(()),
    }
}

/// Takes `dsk_<id>_<secret>` apart.
fn split(presented: &str) -> Option<(ApiKeyId, &str)> {
    let (id, secret) = presented.strip_prefix(KEY_PREFIX)?.split_once('_')?;
    Some((ApiKeyId::new(id).ok()?, secret))
}
