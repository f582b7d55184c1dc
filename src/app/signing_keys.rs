//! Our signing keys at start: the first one is made in an empty store; every other time the stored ones are opened.

use std::sync::Arc;

use crate::clock::Clock;
use crate::keys::{EncryptionKey, IdentifierDigest, KeyError, Ring, first_key, open, seal};
use crate::random::{Random, SharedRandom, draw};
use crate::store::{Store, StoreError};

/// Why there is no ring. No key was made or replaced because of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SigningKeysError {
    /// A stored key does not open or a new one could not be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The task that generates a key was stopped.
    #[error("the task that generates the first signing key was stopped")]
    Stopped,
    /// Every stored key is retired or withdrawn.
    #[error("no stored signing key is active")]
    NoneActive,
}

/// Opens the ring; in an empty store it first makes the first key, in a blocking task.
///
/// Two processes that start at once agree on one key: the store takes only the first. The loser's clock is read again
/// after that, since the winner's key begins a moment after the loser's start.
///
/// # Errors
/// [`SigningKeysError`]. A wrong encryption key in particular never leads to a new signing key.
pub(crate) async fn open_ring(
    store: &Store,
    encryption_key: &Arc<EncryptionKey>,
    random: &SharedRandom,
    clock: &dyn Clock,
) -> Result<Ring, SigningKeysError> {
    let mut rows = store.signing_keys().await?;
    if rows.is_empty() {
        let (key, random, now) = (Arc::clone(encryption_key), Arc::clone(random), clock.now());
        let making = tokio::task::spawn_blocking(move || first_key(&key, &*random, now));
        let first = making.await.map_err(|_| SigningKeysError::Stopped)??;
        store.insert_first_signing_key(first).await?;
        rows = store.signing_keys().await?;
    }
    let ring = Ring::unseal(&rows, encryption_key)?;
    if ring.signer_at(clock.now()).is_none() { Err(SigningKeysError::NoneActive) } else { Ok(ring) }
}

/// Opens the key for comparing what is not kept; in an empty store it first makes it.
///
/// # Errors
/// [`SigningKeysError`]; under a wrong encryption key it is refused, never replaced.
pub(crate) async fn open_identifier_digest(
    store: &Store,
    encryption_key: &EncryptionKey,
    random: &dyn Random,
) -> Result<IdentifierDigest, SigningKeysError> {
    let name = IdentifierDigest::SECRET_NAME;
    let sealed = match store.secret(name).await? {
        Some(sealed) => sealed,
        None => {
            let secret = draw::<32>(random).map_err(KeyError::from)?;
            store.insert_secret_if_absent(name, seal(&secret, name, encryption_key, random)?).await?;
            store.secret(name).await?.ok_or_else(|| KeyError::DoesNotOpen(name.to_owned()))?
        }
    };
    let opened = open(&sealed, name, encryption_key)?;
    let key = <&[u8; 32]>::try_from(opened.as_slice()).map_err(|_| KeyError::DoesNotOpen(name.to_owned()))?;
    Ok(IdentifierDigest::new(key))
}
