//! Our signing keys as this process knows them: opened at start, looked at every second, handed to whoever signs.
//!
//! Nobody is told when another process changes the keys. Every process looks; one that could not for thirty seconds no
//! longer signs, since a key may have been withdrawn meanwhile. The key set goes on being served.

use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::time::Instant;

use super::App;
use crate::clock::SharedClock;
use crate::domain::{KEYS_STALE_AFTER, KeyLedger, KeyTerms, Timestamp};
use crate::keys::{
    EncryptionKeys, IdentifierDigest, KeyError, KeyState, NewKey, PemFault, RenderedJwks, Ring, Start, Times,
    plan, seal, state,
};
use crate::metrics::{Metrics, Signing};
use crate::random::{Random, SharedRandom, draw};
use crate::store::{Store, StoreError};

mod acting;
mod listed;
mod resealing;
mod tending;

pub(crate) use acting::{MadeKey, Successor, Withdrawn};
pub(crate) use listed::{KeyList, exported_jwks, exported_pem};

#[cfg(test)]
mod tests;

/// Why something with our keys did not come about. Nothing was made, changed or replaced.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SigningKeysError {
    /// A stored key does not open or a new one could not be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The task that makes a key was stopped.
    #[error("the task that makes a signing key was stopped")]
    Stopped,
    /// The store took too long.
    #[error("the store takes too long to answer")]
    TooSlow,
    /// Every stored key is retired or withdrawn.
    #[error("no stored signing key is active")]
    NoneActive,
    /// The customer's key is not one to take in.
    #[error(transparent)]
    Pem(#[from] PemFault),
    /// The customer's key came before.
    #[error("this key is here already, under the id {0}")]
    Known(crate::domain::Kid),
    /// The key set has as many keys as it may have.
    #[error(
        "the key set has as many keys as it may have ({}): wait until one retires, or revoke one",
        plan::PUBLISHED_MAX
    )]
    Full,
    /// Others keep changing the keys at the same time.
    #[error("others change the keys at the same time: try again")]
    Contended,
}

/// This process could not look at the keys for thirty seconds: one of them may have been withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signing keys could not be looked at for {} s", KEYS_STALE_AFTER.as_secs())]
pub(crate) struct StaleRing;

/// What the keys were when this process looked last.
#[derive(Debug)]
struct Held {
    ledger: Arc<KeyLedger>,
    ring: Arc<Ring>,
    /// By a clock that nobody sets.
    looked_at: Instant,
}

/// A key set, and from when until when it is the right one.
type Shown = (Arc<RenderedJwks>, Range<Timestamp>);

/// The keys, and all that it takes to make and change some.
pub(crate) struct SigningKeys {
    store: Store,
    encryption_keys: EncryptionKeys,
    terms: KeyTerms,
    clock: SharedClock,
    random: SharedRandom,
    held: RwLock<Held>,
    shown: RwLock<Shown>,
}

/// What [`SigningKeys`] is made of.
pub(crate) struct KeyParts {
    /// Where the keys are kept.
    pub(crate) store: Store,
    /// What opens and seals them.
    pub(crate) encryption_keys: EncryptionKeys,
    /// What the operator says about them.
    pub(crate) terms: KeyTerms,
    /// Where "now" comes from.
    pub(crate) clock: SharedClock,
    /// Where randomness comes from.
    pub(crate) random: SharedRandom,
}

impl SigningKeys {
    /// Opens the keys to serve with them; in an empty store it first makes the first one, in a blocking task.
    ///
    /// Two processes that start at once agree on one key: the store takes only the first. The clock is read again after
    /// that, since the winner's key begins a moment after the loser's start.
    ///
    /// # Errors
    /// [`SigningKeysError`]. A wrong encryption key in particular never leads to a new signing key.
    pub(crate) async fn open(parts: KeyParts) -> Result<Self, SigningKeysError> {
        if parts.store.signing_keys().await?.is_empty() {
            let first = generated(parts.terms.bits).await?;
            let start = Start::at_once(parts.clock.now());
            let first = first.sealed(start, parts.encryption_keys.current(), &*parts.random)?;
            parts.store.insert_first_signing_key(first).await?;
        }
        let keys = Self::open_as_they_are(parts).await?;
        if keys.held_ring().signer_at(keys.now()).is_none() {
            return Err(SigningKeysError::NoneActive);
        }
        Ok(keys)
    }

    /// Opens the keys that there are, for a command that works beside a server.
    ///
    /// # Errors
    /// [`SigningKeysError`].
    pub(crate) async fn open_as_they_are(parts: KeyParts) -> Result<Self, SigningKeysError> {
        let KeyParts { store, encryption_keys, terms, clock, random } = parts;
        let looked_at = Instant::now();
        let ledger = store.key_ledger().await?;
        let ring = Ring::unseal(&ledger.keys, &encryption_keys)?;
        let shown = RwLock::new(rendered(&ring, clock.now()));
        let held = RwLock::new(Held { ledger: Arc::new(ledger), ring: Arc::new(ring), looked_at });
        Ok(Self { store, encryption_keys, terms, clock, random, held, shown })
    }

    /// The keys to sign with.
    ///
    /// # Errors
    /// [`StaleRing`]: nothing may be signed, until the record can be read again.
    pub(crate) fn ring(&self) -> Result<Arc<Ring>, StaleRing> {
        self.ring_at(Instant::now())
    }

    fn ring_at(&self, moment: Instant) -> Result<Arc<Ring>, StaleRing> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        if moment.duration_since(held.looked_at) < KEYS_STALE_AFTER {
            Ok(Arc::clone(&held.ring))
        } else {
            Err(StaleRing)
        }
    }

    /// The key set of this moment. It is rendered once per change: by whoever comes first after a moment at which a key
    /// is published or retires, and at once when the keys were changed.
    pub(crate) fn jwks(&self) -> Arc<RenderedJwks> {
        let now = self.now();
        let (set, right) = self.shown.read().unwrap_or_else(PoisonError::into_inner).clone();
        if right.contains(&now) {
            return set;
        }
        self.render(now)
    }

    fn render(&self, now: Timestamp) -> Arc<RenderedJwks> {
        let mut shown = self.shown.write().unwrap_or_else(PoisonError::into_inner);
        // Read inside, so that a ring that was replaced meanwhile cannot be shown after its successor.
        *shown = rendered(&self.held_ring(), now);
        Arc::clone(&shown.0)
    }

    /// How long others than Prelude may keep the key set.
    pub(crate) fn jwks_max_age_seconds(&self) -> u64 {
        self.terms.jwks_max_age().as_secs()
    }

    /// States how many keys are in which state, and how it stands with signing.
    pub(super) fn measure(&self, metrics: &Metrics) {
        let (rows, now) = (&self.held_ledger().keys, self.now());
        let times: Vec<_> = rows.iter().map(Times::of).collect();
        for wanted in KeyState::ALL {
            let places = 0..times.len();
            let count = places.filter(|place| state(&times, *place, now) == Some(wanted)).count();
            metrics.signing_keys(wanted.as_str(), count);
        }
        metrics.signing(Signing {
            is_usable: self.ring().is_ok_and(|ring| ring.signer_at(now).is_some()),
            activated: plan::signer_of(rows, now).map(|row| row.activate_at.unix_seconds()),
            rotation_due: plan::due_at(rows, now, &self.terms).map(Timestamp::unix_seconds),
        });
    }

    fn held_ring(&self) -> Arc<Ring> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner).ring)
    }

    fn held_ledger(&self) -> Arc<KeyLedger> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner).ledger)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl App {
    /// The keys to sign with.
    ///
    /// # Errors
    /// [`StaleRing`]: nothing may be signed, until the record can be read again.
    pub(crate) fn ring(&self) -> Result<Arc<Ring>, StaleRing> {
        self.parts.signing_keys.ring()
    }

    /// Looks at the keys now rather than within the second.
    ///
    /// # Errors
    /// The keys that were known stay.
    pub(super) async fn look_at_signing_keys(&self) -> Result<(), SigningKeysError> {
        self.parts.signing_keys.look().await
    }

    /// The key set that Prelude reads.
    pub(crate) fn jwks(&self) -> Arc<RenderedJwks> {
        self.parts.signing_keys.jwks()
    }

    /// How long others than Prelude may keep the key set, in seconds.
    pub(crate) fn jwks_max_age_seconds(&self) -> u64 {
        self.parts.signing_keys.jwks_max_age_seconds()
    }
}

fn rendered(ring: &Ring, now: Timestamp) -> Shown {
    let (set, right) = ring.jwks_at(now);
    (Arc::new(set), right)
}

/// Makes a key where nobody waits for the thread.
async fn generated(bits: u32) -> Result<NewKey, SigningKeysError> {
    let making = tokio::task::spawn_blocking(move || NewKey::generate(bits));
    Ok(making.await.map_err(|_| SigningKeysError::Stopped)??)
}

/// Opens the key for comparing what is not kept; in an empty store it first makes it.
///
/// # Errors
/// [`SigningKeysError`]; under a wrong encryption key it is refused, never replaced.
pub(crate) async fn open_identifier_digest(
    store: &Store,
    encryption_keys: &EncryptionKeys,
    random: &dyn Random,
) -> Result<IdentifierDigest, SigningKeysError> {
    let name = IdentifierDigest::SECRET_NAME;
    let sealed = match store.secret(name).await? {
        Some(sealed) => sealed,
        None => {
            let secret = draw::<32>(random).map_err(KeyError::from)?;
            let sealed = seal(&secret, name, encryption_keys.current(), random)?;
            store.insert_secret_if_absent(name, sealed).await?;
            store.secret(name).await?.ok_or_else(|| KeyError::DoesNotOpen(name.to_owned()))?
        }
    };
    let opened = encryption_keys.open(&sealed, name)?;
    let key = <&[u8; 32]>::try_from(opened.as_slice()).map_err(|_| KeyError::DoesNotOpen(name.to_owned()))?;
    Ok(IdentifierDigest::new(key))
}
