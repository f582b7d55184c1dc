//! The composition root: settings in, a running application out.

mod checkup;
mod encryption_key;
mod office;
mod operator;
mod record;
mod registrar;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use self::encryption_key::Sealed;
use self::record::{await_store, care, close};
use crate::app::{
    self, App, AppParts, AppSettings, EventSettings, KeyParts, Obstacle, Reloading, RestoreError,
    SigningKeys, SigningKeysError,
};
use crate::callbacks::Providers;
use crate::clock::{SharedClock, SystemClock};
use crate::config::{Events, HttpUrl, LogLevels, PolicyReload, PreludeSettings, Settings};
use crate::domain::causes;
use crate::metrics::Metrics;
use crate::policy::{Bundle, Diagnostics, load_dir};
use crate::prelude::{Endpoint, RemoteKeySet, VerificationKey};
use crate::random::{NoRandomness, SharedRandom, SystemRandom, draw};
use crate::store::{Store, StoreError};
use crate::telemetry::{self, ExportError};

pub(crate) use checkup::{Finding, Health, checkup, prelude_side};
pub(crate) use office::{Office, open_care_office, open_office};
pub(crate) use record::{copy_store, migrate};
pub(crate) use registrar::{delegation_shape, open_registrar, traced};

/// How long spans have to reach their collector when a server ends.
const SPANS_AWAITED: Duration = Duration::from_secs(2);

/// What tests replace.
#[derive(Clone)]
pub(crate) struct Sources {
    /// Where "now" comes from.
    pub(crate) clock: SharedClock,
    /// Where randomness comes from.
    pub(crate) random: SharedRandom,
}

impl Sources {
    /// The machine's own clock and randomness.
    pub(crate) fn real() -> Self {
        Self { clock: Arc::new(SystemClock), random: Arc::new(SystemRandom) }
    }

    /// A name that nobody else has: 16 hexadecimal digits.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub(crate) fn fresh_name(&self) -> Result<String, NoRandomness> {
        Ok(draw::<8>(&*self.random)?.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// Why nothing was started. What was opened on the way is closed again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BootError {
    /// The policy bundle has faults.
    #[error("the policy bundle does not load:\n{0}")]
    Policy(Diagnostics),
    /// The policy bundle looks further back than is kept.
    #[error("the policy bundle cannot come into force ({code}): {0}", code = .0.code())]
    Past(Obstacle),
    /// There is no encryption key to open or seal secrets with.
    #[error(transparent)]
    EncryptionKey(#[from] encryption_key::NoEncryptionKey),
    /// The store does not open.
    #[error("the store does not open (store.url)")]
    Store(#[from] StoreError),
    /// The fraud desk's entries are not to be read, or the bundle has no place for them.
    #[error(transparent)]
    Desk(#[from] RestoreError),
    /// The signing keys do not open.
    #[error("the signing keys do not open")]
    SigningKeys(#[from] SigningKeysError),
    /// A key set's address or the certificate file is not usable.
    #[error("Prelude's key sets cannot be fetched")]
    KeySets(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Spans cannot be exported.
    #[error("traces cannot be exported (tracing.endpoint)")]
    Tracing(#[from] ExportError),
    /// `prelude.ca_file` cannot be read.
    #[error("cannot read {path} (prelude.ca_file)")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// A running application with its background tasks.
pub(crate) struct Booted {
    app: Arc<App>,
    stop: watch::Sender<bool>,
    background: Vec<JoinHandle<()>>,
    closing_max: Duration,
}

impl Booted {
    /// The application.
    pub(crate) fn app(&self) -> Arc<App> {
        Arc::clone(&self.app)
    }

    /// Ends the background tasks, then the store: what was accepted for writing is written. A database that hangs is not waited
    /// for longer than for requests in progress.
    pub(crate) async fn close(self) {
        let closing_max = self.closing_max;
        if timeout(closing_max, self.close_in_order()).await.is_err() {
            tracing::error!("The store did not close in time; what was answered is recorded all the same.");
        }
    }

    async fn close_in_order(self) {
        // INVARIANT: a send fails only when every task has ended already, which is what is wanted.
        let _ = self.stop.send(true);
        for task in self.background {
            if let Err(error) = task.await {
                tracing::error!(error = %causes(&error), "A background task did not end by itself.");
            }
        }
        close(self.app.store()).await;
        telemetry::finish(SPANS_AWAITED).await;
    }
}

/// Starts logging; loads, opens and starts everything but the listener.
///
/// # Errors
/// [`BootError`]; nothing runs then.
pub(crate) async fn start(settings: &Settings, sources: Sources) -> Result<Booted, BootError> {
    let metrics = Arc::new(Metrics::new());
    let counts = metrics.span_counts();
    telemetry::install(&settings.log, settings.tracing.as_ref().map(|tracing| (tracing, &counts)))?;
    telemetry::hear_of_panics(metrics.panics());
    from_files(settings, sources, metrics).await
}

/// Logs what `levels` say from now on.
pub(crate) fn set_log_levels(levels: &LogLevels) {
    telemetry::set_levels(levels);
}

/// Like [`start`], without a say in where log lines go.
///
/// # Errors
/// [`BootError`]; nothing runs then.
pub(crate) async fn start_with_files(settings: &Settings, sources: Sources) -> Result<Booted, BootError> {
    from_files(settings, sources, Arc::new(Metrics::new())).await
}

async fn from_files(
    settings: &Settings,
    sources: Sources,
    metrics: Arc<Metrics>,
) -> Result<Booted, BootError> {
    let dir = settings.policies.dir.clone();
    let bundle =
        load_dir(&dir, sources.clock.now()).map_err(|faults| BootError::Policy(faults.discreet()))?;
    if !bundle.warnings().is_empty() {
        tracing::warn!(
            "The policy bundle loads, but somebody should look:\n{}",
            bundle.warnings().discreet()
        );
    }
    run(settings, sources, Rules { bundle, dir: Some(dir) }, metrics).await
}

/// Like [`start`], with a bundle that is loaded already and stays (the demo's is built in).
///
/// # Errors
/// [`BootError`]; nothing runs then.
pub(crate) async fn start_with_bundle(
    settings: &Settings,
    sources: Sources,
    bundle: Bundle,
) -> Result<Booted, BootError> {
    run(settings, sources, Rules { bundle, dir: None }, Arc::new(Metrics::new())).await
}

/// The policy to start with, and where it came from unless it was built in.
struct Rules {
    bundle: Bundle,
    dir: Option<PathBuf>,
}

async fn run(
    settings: &Settings,
    sources: Sources,
    rules: Rules,
    metrics: Arc<Metrics>,
) -> Result<Booted, BootError> {
    if let Some(obstacle) = app::forgotten_past(&rules.bundle, &settings.retention) {
        return Err(BootError::Past(obstacle));
    }
    encryption_key::require(settings)?;
    let store = await_store(settings, &metrics).await?;
    match compose(settings, sources, rules, store.clone(), metrics).await {
        Ok(booted) => Ok(booted),
        Err(error) => {
            close(&store).await;
            Err(error)
        }
    }
}

async fn compose(
    settings: &Settings,
    sources: Sources,
    rules: Rules,
    store: Store,
    metrics: Arc<Metrics>,
) -> Result<Booted, BootError> {
    let key_parts = key_parts(settings, &sources, &store).await?;
    let identifier_digest =
        app::open_identifier_digest(&store, &key_parts.encryption_keys, &*sources.random).await?;
    let signing_keys = Arc::new(SigningKeys::open(key_parts).await?);
    let policies = app::open_policies(&store, rules.bundle, sources.clock.now(), &metrics).await?;
    let ca_pem = settings.prelude.ca_file.as_deref().map(read_ca).transpose()?;
    let every = settings.prelude.key_set_refetch_every;
    let hook_keys = key_set(&settings.prelude.key_set_url, ca_pem.as_deref(), (every, &metrics))?;
    let step_up_keys = key_set(&settings.prelude.step_up_key_set_url, ca_pem.as_deref(), (every, &metrics))?;
    let parts = AppParts {
        clock: Arc::clone(&sources.clock),
        random: sources.random,
        metrics,
        store,
        care: care(settings),
        policies,
        hook_keys,
        step_up_keys,
        providers: Providers::new(&settings.callbacks),
        signing_keys,
        identifier_digest,
        settings: app_settings(settings),
    };
    let app = Arc::new(App::new(parts));
    app.refresh_retired_keys().await?;
    app.restore_key_sets().await?;
    app.restore_desk().await?;
    app.tell_unmatched_providers();
    let (stop, stopped) = watch::channel(false);
    let mut background = app.keep_key_sets_fresh(settings.prelude.key_set_refresh, &stopped);
    background.push(app.keep_signing_keys_fresh(&stopped));
    background.push(app.keep_tidy(&stopped));
    background.push(app.keep_measuring(&stopped));
    background.extend(app.keep_retention(&stopped));
    let reloading = match settings.policies.reload {
        PolicyReload::Watched => Reloading::Watched,
        PolicyReload::Asked => Reloading::Asked,
    };
    background.extend(rules.dir.and_then(|dir| app.keep_policies_fresh(dir, reloading, &stopped)));
    Ok(Booted { app, stop, background, closing_max: settings.server.shutdown_deadline })
}

/// What opens and makes signing keys. In development mode, for a store that holds nothing yet, it makes the encryption key.
async fn key_parts(settings: &Settings, sources: &Sources, store: &Store) -> Result<KeyParts, BootError> {
    let sealed = if store.signing_keys().await?.is_empty() { Sealed::Nothing } else { Sealed::SigningKeys };
    let encryption_keys = encryption_key::obtain_all(settings, sealed, &*sources.random)?;
    Ok(KeyParts {
        store: store.clone(),
        encryption_keys,
        terms: settings.keys.terms,
        clock: Arc::clone(&sources.clock),
        random: Arc::clone(&sources.random),
    })
}

fn app_settings(settings: &Settings) -> AppSettings {
    AppSettings {
        decide_deadline: settings.server.request_deadline,
        token_ttl: settings.tokens.ttl,
        tokens_max: settings.tokens.per_verification_max,
        waiters_max: settings.server.waiters_max,
        not_before_skew: settings.tokens.not_before_skew,
        challenge_clock_skew: settings.tokens.challenge_clock_skew,
        retention: settings.retention,
        session_domain: settings.prelude.session_domain.as_str().to_owned(),
        events: event_settings(&settings.prelude),
    }
}

/// What was agreed about events, where they are on.
fn event_settings(prelude: &PreludeSettings) -> Option<EventSettings> {
    // INVARIANT: where events are on there is a token, or the settings would not have loaded.
    let token = prelude.verification_token.as_ref().filter(|_| prelude.events == Events::On)?;
    let app_id = prelude.app_id.as_str().to_owned();
    Some(EventSettings { app_id, verification_token: token.secret() })
}

fn read_ca(path: &Path) -> Result<Vec<u8>, BootError> {
    std::fs::read(path).map_err(|source| BootError::CaFile { path: path.to_owned(), source })
}

/// A set that is fetched over https; plain http was let through for loopback in development mode only.
fn key_set<K: VerificationKey>(
    url: &HttpUrl,
    ca_pem: Option<&[u8]>,
    (refetch_every, metrics): (Duration, &Arc<Metrics>),
) -> Result<Arc<RemoteKeySet<K>>, BootError> {
    let endpoint = if url.is_plain() {
        Endpoint::https_or_loopback(url.as_str())
    } else {
        Endpoint::https(url.as_str())
    };
    let endpoint = endpoint.map_err(|fault| BootError::KeySets(fault.into()))?;
    let set = RemoteKeySet::new(endpoint, ca_pem, refetch_every, Arc::clone(metrics));
    set.map(Arc::new).map_err(|fault| BootError::KeySets(fault.into()))
}
