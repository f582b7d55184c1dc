//! What a command needs that works in the store beside a running server: no network, no listener, and signing keys only
//! where it asks for them.

use std::sync::Arc;

use super::operator::operator;
use super::record::{care_settings, close, open_store};
use super::{BootError, Sources, encryption_key, key_parts};
use crate::app::{SigningKeys, open_identifier_digest};
use crate::config::Settings;
use crate::domain::{Actor, Timestamp};
use crate::keys::IdentifierDigest;
use crate::metrics::Metrics;
use crate::random::Random;
use crate::store::Store;

/// An open store, with a clock and randomness.
pub(crate) struct Office {
    store: Store,
    sources: Sources,
    operator: Actor,
}

/// Opens the store, making it if it is not there yet.
///
/// # Errors
/// [`BootError::Store`]; nothing is open then.
pub(crate) async fn open_office(settings: &Settings, sources: Sources) -> Result<Office, BootError> {
    let store = open_store(settings, Arc::new(Metrics::new())).await?;
    Ok(Office { store, sources, operator: operator() })
}

/// The same by the role that deletes and erases, where the settings name it.
///
/// # Errors
/// As [`open_office`].
pub(crate) async fn open_care_office(settings: &Settings, sources: Sources) -> Result<Office, BootError> {
    match care_settings(settings) {
        Some(care) => {
            let store = Store::open(care, Arc::new(Metrics::new())).await?;
            Ok(Office { store, sources, operator: operator() })
        }
        None => open_office(settings, sources).await,
    }
}

impl Office {
    /// The record.
    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    /// The current moment.
    pub(crate) fn now(&self) -> Timestamp {
        self.sources.clock.now()
    }

    /// Who works here: the operating system's user.
    pub(crate) fn operator(&self) -> Actor {
        self.operator.clone()
    }

    /// Where randomness comes from.
    pub(crate) fn random(&self) -> &dyn Random {
        &*self.sources.random
    }

    /// The signing keys, opened to change them beside a running server. No signing key is made by that.
    ///
    /// # Errors
    /// [`BootError`]: there is no encryption key, or it opens them not.
    pub(crate) async fn signing_keys(&self, settings: &Settings) -> Result<SigningKeys, BootError> {
        encryption_key::require(settings)?;
        let parts = key_parts(settings, &self.sources, &self.store).await?;
        Ok(SigningKeys::open_as_they_are(parts).await?)
    }

    /// What keys the digests by which the record knows users.
    ///
    /// # Errors
    /// [`BootError`]: there is no encryption key, or it opens them not.
    pub(crate) async fn identifier_digest(&self, settings: &Settings) -> Result<IdentifierDigest, BootError> {
        encryption_key::require(settings)?;
        let parts = key_parts(settings, &self.sources, &self.store).await?;
        let random = &*self.sources.random;
        Ok(open_identifier_digest(&self.store, &parts.encryption_keys, random).await?)
    }

    /// Writes what waits and closes.
    pub(crate) async fn close(self) {
        close(&self.store).await;
    }
}
