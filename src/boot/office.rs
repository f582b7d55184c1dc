//! What a command needs that works in the store beside a running server: no keys, no network, no listener.

use std::sync::Arc;

use super::{BootError, Sources, close, open_store};
use crate::config::Settings;
use crate::domain::Timestamp;
use crate::metrics::Metrics;
use crate::random::Random;
use crate::store::Store;

/// An open store, with a clock and randomness.
pub(crate) struct Office {
    store: Store,
    sources: Sources,
}

/// Opens the store, making it if it is not there yet.
///
/// # Errors
/// [`BootError::Store`]; nothing is open then.
pub(crate) async fn open_office(settings: &Settings, sources: Sources) -> Result<Office, BootError> {
    let store = open_store(settings, Arc::new(Metrics::new())).await?;
    Ok(Office { store, sources })
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

    /// Where randomness comes from.
    pub(crate) fn random(&self) -> &dyn Random {
        &*self.sources.random
    }

    /// Writes what waits and closes.
    pub(crate) async fn close(self) {
        close(&self.store).await;
    }
}
