//! The settings, typed, section by section; built only from layers without a fault.

mod server;

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::zeroize::Zeroizing;

use super::callbacks;
use super::fault::{ConfigFaults, Fault};
use super::layers::Merged;
use super::option::Opt;
use super::options as o;
use super::rules;
use super::shape::{Secret, Text, Wrong};
use super::source::{self, Layer};
use super::values::{
    AppId, ConfigShape, EncryptionKey, Events, HttpUrl, LogFormat, LogLevels, ManagementKey, Mode,
    PolicyReload, SessionDomain, StoreMigrate, StorePassword, StorePooler, StoreUrl, TraceCompression,
    TraceHeaders, VerificationToken,
};
use crate::domain::{KeyTerms, RetentionTerms, SourceSpec};

pub(crate) use server::ServerSettings;

/// Everything that can be set.
#[derive(Debug)]
pub(crate) struct Settings {
    /// How strict the installation is.
    pub(crate) mode: Mode,
    /// The HTTP server.
    pub(crate) server: ServerSettings,
    /// Prelude's side.
    pub(crate) prelude: PreludeSettings,
    /// The rules.
    pub(crate) policies: PolicySettings,
    /// The record.
    pub(crate) store: StoreSettings,
    /// How long it is kept.
    pub(crate) retention: RetentionTerms,
    /// The signing keys.
    pub(crate) keys: KeySettings,
    /// The tokens.
    pub(crate) tokens: TokenSettings,
    /// Identity-check providers, by name.
    pub(crate) callbacks: Vec<SourceSpec>,
    /// Log lines.
    pub(crate) log: LogSettings,
    /// Traces, where somebody collects them.
    pub(crate) tracing: Option<TracingSettings>,
}

/// Prelude's side.
#[derive(Debug)]
pub(crate) struct PreludeSettings {
    /// The customer's application.
    pub(crate) app_id: AppId,
    /// The host that serves its sessions.
    pub(crate) session_domain: SessionDomain,
    /// The keys that sign hook calls; plain http only in development mode.
    pub(crate) key_set_url: HttpUrl,
    /// The keys that sign challenge tokens; plain http only in development mode.
    pub(crate) step_up_key_set_url: HttpUrl,
    /// Certificate authorities to trust instead of the system's; not opened yet.
    pub(crate) ca_file: Option<PathBuf>,
    /// How often the key sets are fetched anew.
    pub(crate) key_set_refresh: Duration,
    /// The shortest time between two fetches that unknown key names cause.
    pub(crate) key_set_refetch_every: Duration,
    /// Whether its events are taken.
    pub(crate) events: Events,
    /// What it shows when it activates the webhook; there where events are on.
    pub(crate) verification_token: Option<VerificationToken>,
    /// How Prelude reaches us; plain http only in development mode.
    pub(crate) public_url: Option<HttpUrl>,
    /// Where the management API is; plain http only in development mode.
    pub(crate) management_url: HttpUrl,
    /// The management API's key.
    pub(crate) management_key: Option<ManagementKey>,
    /// How scopes are delegated there.
    pub(crate) config_shape: ConfigShape,
}

/// The rules.
#[derive(Debug)]
pub(crate) struct PolicySettings {
    /// The bundle's folder; not opened yet.
    pub(crate) dir: PathBuf,
    /// When its files are read again.
    pub(crate) reload: PolicyReload,
}

/// The record.
#[derive(Debug)]
pub(crate) struct StoreSettings {
    /// Where it is; not opened yet.
    pub(crate) url: StoreUrl,
    /// The password for PostgreSQL.
    pub(crate) password: Option<StorePassword>,
    /// The same database by the role that deletes and erases.
    pub(crate) care_url: Option<StoreUrl>,
    /// That role's password.
    pub(crate) care_password: Option<StorePassword>,
    /// What stands before PostgreSQL.
    pub(crate) pooler: StorePooler,
    /// When the tables are brought up to date.
    pub(crate) migrate: StoreMigrate,
    /// Connections to PostgreSQL at most.
    pub(crate) connections_max: u32,
    /// How long a transaction may take.
    pub(crate) timeout: Duration,
    /// Verdicts that may wait to be recorded.
    pub(crate) queue_max: usize,
    /// Verdicts that one transaction may record.
    pub(crate) batch_max: usize,
}

/// The signing keys.
#[derive(Debug)]
pub(crate) struct KeySettings {
    /// What seals them; `None` when nobody gave one, which is up to who needs it.
    pub(crate) encryption_key: Option<EncryptionKey>,
    /// What sealed them before, while they move.
    pub(crate) previous_encryption_key: Option<EncryptionKey>,
    /// How they rotate.
    pub(crate) terms: KeyTerms,
}

/// The tokens.
#[derive(Debug)]
pub(crate) struct TokenSettings {
    /// How long a verification token lives; whole seconds are what it is written in.
    pub(crate) ttl: Duration,
    /// How many tokens one approval may get.
    pub(crate) per_verification_max: u32,
    /// How far before its making it is already good.
    pub(crate) not_before_skew: Duration,
    /// How far Prelude's clock may be from ours.
    pub(crate) challenge_clock_skew: Duration,
}

/// Log lines.
#[derive(Debug)]
pub(crate) struct LogSettings {
    /// The least severity.
    pub(crate) levels: LogLevels,
    /// How they look.
    pub(crate) format: LogFormat,
}

/// Traces.
#[derive(Debug)]
pub(crate) struct TracingSettings {
    /// Who collects them; plain http only on this machine.
    pub(crate) endpoint: HttpUrl,
    /// Certificate authorities to trust besides the system's; not opened yet.
    pub(crate) ca_file: Option<PathBuf>,
    /// Headers that go with every batch.
    pub(crate) headers: Option<TraceHeaders>,
    /// How batches are packed.
    pub(crate) compression: TraceCompression,
    /// Of a hundred traces that begin here, how many are collected.
    pub(crate) sampled_percent: u32,
    /// What every trace says of this process besides: names and values.
    pub(crate) attributes: Vec<(Box<str>, Box<str>)>,
}

/// Checks layers and builds the settings.
///
/// - `layers`: the lowest first, the built-in defaults among them.
///
/// # Errors
/// Every fault of every layer.
pub(super) fn build(mut layers: Vec<Layer>) -> Result<Settings, ConfigFaults> {
    let mut faults = Vec::new();
    for layer in &mut layers {
        faults.append(&mut layer.faults);
        faults.extend(layer.entries.iter().filter_map(rules::check));
    }
    let all_read = !layers.iter().any(|layer| layer.is_unread);
    let merged = Merged::of(layers);
    // What a file that could not be read would have set is neither missing nor in contradiction.
    if all_read {
        faults.extend(rules::together(&merged));
    }
    let secrets = secrets(&merged, &mut faults);
    let (callbacks, incomplete) = callbacks::specs(&merged);
    if all_read {
        faults.extend(incomplete);
        faults.extend(rules::missing(&merged));
    }
    // INVARIANT: without a fault every option that has no `Otherwise` has a good value, so `settings` has them all.
    match settings(&merged, secrets, callbacks) {
        Some(settings) if faults.is_empty() => Ok(settings),
        _ => Err(ConfigFaults::new(faults)),
    }
}

/// Reads what is logged and nothing else: faults of other options are the next start's.
///
/// # Errors
/// A source that cannot be read, and every fault of this option in any layer.
pub(super) fn log_levels(mut layers: Vec<Layer>) -> Result<LogLevels, ConfigFaults> {
    let mut faults = Vec::new();
    for layer in &mut layers {
        faults.append(&mut layer.faults);
        let own = layer.entries.iter().filter(|entry| *entry.key == *o::LOG_LEVEL.key);
        faults.extend(own.filter_map(rules::check));
    }
    let levels = Merged::of(layers).get(&o::LOG_LEVEL);
    levels.filter(|_| faults.is_empty()).ok_or_else(|| ConfigFaults::new(faults))
}

/// The secrets as they were given, each by itself or in a file.
struct SecretsRead {
    management_key: Option<ManagementKey>,
    encryption_key: Option<EncryptionKey>,
    previous_encryption_key: Option<EncryptionKey>,
    store_password: Option<StorePassword>,
    verification_token: Option<VerificationToken>,
    care_password: Option<StorePassword>,
    trace_headers: Option<TraceHeaders>,
}

fn secrets(merged: &Merged, faults: &mut Vec<Fault>) -> SecretsRead {
    SecretsRead {
        encryption_key: secret(merged, (&o::ENCRYPTION_KEY, &o::ENCRYPTION_KEY_FILE), faults),
        previous_encryption_key: secret(merged, (&o::PREVIOUS_KEY, &o::PREVIOUS_KEY_FILE), faults),
        store_password: secret(merged, (&o::store::PASSWORD, &o::store::PASSWORD_FILE), faults),
        management_key: secret(
            merged,
            (&o::prelude::MANAGEMENT_KEY, &o::prelude::MANAGEMENT_KEY_FILE),
            faults,
        ),
        verification_token: secret(
            merged,
            (&o::prelude::VERIFICATION_TOKEN, &o::prelude::VERIFICATION_TOKEN_FILE),
            faults,
        ),
        care_password: secret(merged, (&o::store::CARE_PASSWORD, &o::store::CARE_PASSWORD_FILE), faults),
        trace_headers: secret(merged, (&o::tracing::HEADERS, &o::tracing::HEADERS_FILE), faults),
    }
}

fn settings(merged: &Merged, secrets: SecretsRead, callbacks: Vec<SourceSpec>) -> Option<Settings> {
    Some(Settings {
        mode: merged.get(&o::MODE)?,
        server: server::settings(merged)?,
        prelude: prelude(merged, secrets.verification_token, secrets.management_key)?,
        policies: PolicySettings {
            dir: merged.get(&o::POLICIES_DIR)?,
            reload: merged.get(&o::POLICIES_RELOAD)?,
        },
        store: StoreSettings {
            url: merged.get(&o::store::URL)?,
            password: secrets.store_password,
            care_url: merged.get(&o::store::CARE_URL),
            care_password: secrets.care_password,
            pooler: merged.get(&o::store::POOLER)?,
            migrate: merged.get(&o::store::MIGRATE)?,
            connections_max: merged.get(&o::store::CONNECTIONS_MAX)?,
            timeout: merged.get(&o::store::TIMEOUT)?,
            queue_max: size(merged.get(&o::store::QUEUE_MAX)?),
            batch_max: size(merged.get(&o::store::BATCH_MAX)?),
        },
        retention: o::retention::terms(merged)?,
        keys: KeySettings {
            encryption_key: secrets.encryption_key,
            previous_encryption_key: secrets.previous_encryption_key,
            terms: key_terms(merged)?,
        },
        tokens: TokenSettings {
            ttl: merged.get(&o::TTL)?,
            per_verification_max: merged.get(&o::PER_VERIFICATION_MAX)?,
            not_before_skew: merged.get(&o::NOT_BEFORE_SKEW)?,
            challenge_clock_skew: merged.get(&o::CHALLENGE_CLOCK_SKEW)?,
        },
        callbacks,
        log: LogSettings { levels: merged.get(&o::LOG_LEVEL)?, format: merged.get(&o::LOG_FORMAT)? },
        tracing: tracing(merged, secrets.trace_headers),
    })
}

fn tracing(merged: &Merged, headers: Option<TraceHeaders>) -> Option<TracingSettings> {
    Some(TracingSettings {
        endpoint: merged.get(&o::tracing::ENDPOINT)?,
        ca_file: merged.get(&o::tracing::CA_FILE),
        headers,
        // INVARIANT: these have defaults, so they are missing only where they are faults.
        compression: merged.get(&o::tracing::COMPRESSION)?,
        sampled_percent: merged.get(&o::tracing::SAMPLED_PERCENT)?,
        attributes: merged.get(&o::tracing::ATTRIBUTES).unwrap_or_default(),
    })
}

fn prelude(
    merged: &Merged,
    verification_token: Option<VerificationToken>,
    management_key: Option<ManagementKey>,
) -> Option<PreludeSettings> {
    let app_id = merged.get(&o::APP_ID)?;
    let session_domain = merged.get(&o::SESSION_DOMAIN).unwrap_or_else(|| app_id.session_domain().clone());
    let or_at = |url: Option<HttpUrl>, path| url.unwrap_or_else(|| session_domain.https(path));
    Some(PreludeSettings {
        key_set_url: or_at(merged.get(&o::KEY_SET_URL), "/.well-known/jwks.json"),
        step_up_key_set_url: or_at(merged.get(&o::STEP_UP_KEY_SET_URL), "/.well-known/step-up-jwks.json"),
        ca_file: merged.get(&o::CA_FILE),
        key_set_refresh: merged.get(&o::KEY_SET_REFRESH)?,
        key_set_refetch_every: merged.get(&o::KEY_SET_REFETCH)?,
        events: merged.get(&o::prelude::EVENTS)?,
        verification_token,
        public_url: merged.get(&o::prelude::PUBLIC_URL),
        management_url: merged.get(&o::prelude::MANAGEMENT_URL)?,
        management_key,
        config_shape: merged.get(&o::prelude::CONFIG_SHAPE)?,
        app_id,
        session_domain,
    })
}

/// How keys rotate.
pub(super) fn key_terms(merged: &Merged) -> Option<KeyTerms> {
    Some(KeyTerms {
        rotate_every: merged.get(&o::ROTATE_EVERY)?,
        bits: merged.get(&o::KEY_BITS)?,
        jwks_cache: merged.get(&o::JWKS_CACHE)?,
        clock_skew: merged.get(&o::KEY_CLOCK_SKEW)?,
    })
}

/// A secret from its own variable, or from the file that is named.
fn secret<T>(
    merged: &Merged,
    (own, in_file): (&Opt<Secret<T>>, &Opt<Text<PathBuf>>),
    faults: &mut Vec<Fault>,
) -> Option<T> {
    if let Some(secret) = merged.get(own) {
        return Some(secret);
    }
    let (file, entry) = (merged.get(in_file)?, merged.winner(in_file.key)?);
    let read = read_secret(&file, own.shape.0.read);
    read.map_err(|wrong| faults.push(Fault::at(in_file.key, &entry.value_at, wrong))).ok()
}

fn read_secret<T>(file: &Path, parse: fn(&str) -> Result<T, Wrong>) -> Result<T, Wrong> {
    let text = source::read(file).map(Zeroizing::new).map_err(source::Unread::wrong)?;
    // Editors and `openssl rand` end the line; nothing else is taken away.
    let line = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    parse(line).map_err(|wrong| {
        let message = format!("names a file whose text {}", wrong.message);
        Wrong { message, ..wrong }
    })
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
