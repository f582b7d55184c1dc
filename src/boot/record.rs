//! The record as settings say it is: opened, waited for, brought up to date, copied, closed.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::BootError;
use crate::app::CareStore;
use crate::config::{Settings, StoreMigrate, StorePassword, StorePooler, StoreUrl};
use crate::domain::causes;
use crate::metrics::Metrics;
use crate::store::{CopiedTable, Migrate, Pooler, Store, StoreError, StoreSettings};

/// How long a server that starts waits for a database that cannot be reached yet.
const STORE_AWAITED: Duration = Duration::from_secs(30);
/// How long it waits between two tries.
const STORE_PAUSE: Duration = Duration::from_millis(500);

pub(super) async fn open_store(settings: &Settings, metrics: Arc<Metrics>) -> Result<Store, StoreError> {
    Store::open(store_settings(settings), metrics).await
}

/// Opens the store, and waits a while for a database that starts beside this process or is just being replaced.
pub(super) async fn await_store(settings: &Settings, metrics: &Arc<Metrics>) -> Result<Store, StoreError> {
    let give_up_at = Instant::now() + STORE_AWAITED;
    let mut is_told = false;
    loop {
        let fault = match open_store(settings, Arc::clone(metrics)).await {
            Ok(store) => return Ok(store),
            Err(fault) => fault,
        };
        match fault.outage().filter(|outage| outage.may_pass()) {
            Some(outage) if Instant::now() + STORE_PAUSE < give_up_at => {
                if !is_told {
                    tracing::warn!(code = outage.code(), "Waiting for the database. {}", outage.advice());
                }
                is_told = true;
                sleep(STORE_PAUSE).await;
            }
            _ => return Err(fault),
        }
    }
}

/// Brings the tables of the record up to date, whatever `store.migrate` says, and makes the record where it is missing.
///
/// # Errors
/// [`BootError::Store`]; the tables are as they were.
pub(crate) async fn migrate(settings: &Settings) -> Result<(), BootError> {
    let settings = StoreSettings { migrate: Migrate::AtOpening, ..store_settings(settings) };
    let store = Store::open(settings, Arc::new(Metrics::new())).await?;
    close(&store).await;
    Ok(())
}

/// Copies the record of a SQLite file into an empty PostgreSQL database.
///
/// - `from` and `to`: as in `store.url`; the password and the rest are those of the settings.
///
/// # Errors
/// [`BootError::Store`]; nothing was copied.
pub(crate) async fn copy_store(
    settings: &Settings,
    (from, to): (&StoreUrl, &StoreUrl),
) -> Result<Vec<CopiedTable>, BootError> {
    let at = |url: &StoreUrl| StoreSettings { url: url.to_string(), ..store_settings(settings) };
    Ok(Store::copy(at(from), at(to), Arc::new(Metrics::new())).await?)
}

/// Over which connection a server deletes and erases.
pub(super) fn care(settings: &Settings) -> CareStore {
    match (settings.store.url.file(), care_settings(settings)) {
        (Some(_), _) => CareStore::Own,
        (None, Some(care)) => CareStore::Second(Box::new(care)),
        (None, None) => CareStore::Nobodys,
    }
}

/// The connection of the second role. It brings no tables up to date.
pub(super) fn care_settings(settings: &Settings) -> Option<StoreSettings> {
    let store = &settings.store;
    Some(StoreSettings {
        url: store.care_url.as_ref()?.to_string(),
        password: store.care_password.as_ref().map(StorePassword::secret),
        migrate: Migrate::Never,
        connections_max: 2,
        ..store_settings(settings)
    })
}

fn store_settings(settings: &Settings) -> StoreSettings {
    let store = &settings.store;
    StoreSettings {
        password: store.password.as_ref().map(StorePassword::secret),
        pooler: match store.pooler {
            StorePooler::None => Pooler::None,
            StorePooler::Transaction => Pooler::Transaction,
        },
        migrate: match store.migrate {
            StoreMigrate::AtStart => Migrate::AtOpening,
            StoreMigrate::Never => Migrate::Never,
        },
        queue_max: store.queue_max,
        batch_max: store.batch_max,
        connections_max: store.connections_max,
        busy_timeout: store.timeout,
        ..StoreSettings::for_url(store.url.to_string())
    }
}

/// Closes the store; what was answered is durable already, so a fault here is only worth a line.
pub(super) async fn close(store: &Store) {
    if let Err(error) = store.close().await {
        tracing::error!(error = %causes(&error), "The store did not close in order; what was answered is recorded all the same.");
    }
}
