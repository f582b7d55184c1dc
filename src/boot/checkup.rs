//! What `doorstep doctor` looks at: everything that a start needs, one finding each, changing nothing.

mod listening;
mod prelude_side;

use std::time::Duration;

use super::encryption_key::Sealed;
use super::record::{close, open_store};
use super::{Sources, encryption_key, key_set, read_ca};
use crate::app::unmatched_providers;
use crate::callbacks::Providers;
use crate::config::{HttpUrl, Settings};
use crate::domain::Timestamp;
use crate::keys::Ring;
use crate::metrics::Metrics;
use crate::policy::{Bundle, load_dir};
use crate::prelude::{Ed25519Key, PssKey, VerificationKey};
use crate::telemetry::try_collector;
use std::sync::Arc;

pub(crate) use prelude_side::prelude_side;

/// How far our clock may be from Prelude's before tokens and challenges are misjudged.
const CLOCK_DIFFERENCE_MAX: Duration = Duration::from_secs(5);

/// How one thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// As it should be.
    Fine,
    /// It will do, but somebody should look.
    Doubtful,
    /// A start would fail or serve nothing.
    Broken,
}

/// One thing that was looked at, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// How it stands.
    pub(crate) health: Health,
    /// What was looked at.
    pub(crate) subject: &'static str,
    /// What was found and, unless all is well, what to do.
    pub(crate) words: String,
}

impl Finding {
    /// One finding.
    pub(crate) fn new(health: Health, subject: &'static str, words: impl Into<String>) -> Self {
        Self { health, subject, words: words.into() }
    }
}

/// Looks at policy, providers, proxies, store, keys, the fraud desk, Prelude's key sets, the clock and, where one is named, the
/// collector of traces.
pub(crate) async fn checkup(settings: &Settings, sources: &Sources) -> Vec<Finding> {
    let bundle = load_dir(&settings.policies.dir, sources.clock.now()).ok();
    let mut findings = vec![
        policies(settings, bundle.as_ref()),
        providers(settings, bundle.as_ref()),
        listening::proxies(settings),
        store_and_keys(settings, sources).await,
        fraud_desk(settings, bundle.as_ref()).await,
    ];
    let (hook, hook_time) =
        remote::<PssKey>(settings, sources, "hook key set", &settings.prelude.key_set_url).await;
    let (step_up, _) =
        remote::<Ed25519Key>(settings, sources, "step-up key set", &settings.prelude.step_up_key_set_url)
            .await;
    findings.extend([hook, step_up, clock(hook_time, sources.clock.now())]);
    findings.extend(trace_collector(settings).await);
    findings
}

fn policies(settings: &Settings, bundle: Option<&Bundle>) -> Finding {
    let dir = settings.policies.dir.display();
    match bundle {
        Some(bundle) => {
            let words = format!("{dir}: {} scopes, bundle {}", bundle.scopes().len(), bundle.hash());
            Finding::new(Health::Fine, "policies", words)
        }
        None => Finding::new(
            Health::Broken,
            "policies",
            format!("{dir} does not load: `doorstep policy check` shows every fault (policies.dir)"),
        ),
    }
}

/// Policy and settings must name the same providers, or their words count for nothing.
fn providers(settings: &Settings, bundle: Option<&Bundle>) -> Finding {
    const SUBJECT: &str = "providers";
    let Some(bundle) = bundle else {
        return Finding::new(Health::Doubtful, SUBJECT, "not looked at: the policies do not load");
    };
    let unmatched = unmatched_providers(bundle, &Providers::new(&settings.callbacks));
    if unmatched.is_empty() {
        return Finding::new(Health::Fine, SUBJECT, format!("{} configured", settings.callbacks.len()));
    }
    let words = format!("policy and settings do not agree:\n  {}", unmatched.join("\n  "));
    Finding::new(Health::Doubtful, SUBJECT, words)
}

async fn store_and_keys(settings: &Settings, sources: &Sources) -> Finding {
    const SUBJECT: &str = "store and keys";
    let broken = |words: String| Finding::new(Health::Broken, SUBJECT, words);
    if let Err(error) = encryption_key::require(settings) {
        return broken(error.to_string());
    }
    let url = &settings.store.url;
    if let Some(file) = url.missing_file() {
        let words = format!("{} is not there yet: `doorstep serve` makes it (store.url)", file.display());
        return Finding::new(Health::Doubtful, SUBJECT, words);
    }
    let store = match open_store(settings, Arc::new(Metrics::new())).await {
        Ok(store) => store,
        Err(error) => return broken(format!("{url} does not open: {error} (store.url)")),
    };
    let rows = store.signing_keys().await;
    close(&store).await;
    let rows = match rows {
        Ok(rows) if rows.is_empty() => {
            let words = "no signing key is there yet: `doorstep serve` makes the first one";
            return Finding::new(Health::Doubtful, SUBJECT, words);
        }
        Ok(rows) => rows,
        Err(error) => return broken(format!("the signing keys cannot be read: {error}")),
    };
    let keys = match encryption_key::obtain_all(settings, Sealed::SigningKeys, &*sources.random) {
        Ok(keys) => keys,
        Err(error) => return broken(error.to_string()),
    };
    match Ring::unseal(&rows, &keys) {
        Ok(ring) if ring.signer_at(sources.clock.now()).is_some() => {
            Finding::new(Health::Fine, SUBJECT, format!("{url}: opens, a signing key is active"))
        }
        Ok(_) => broken("no stored signing key is active: check this machine's clock".to_owned()),
        Err(error) => broken(format!("{error}: give the encryption key that the store was made with")),
    }
}

/// What the desk said must have its place in the policy.
async fn fraud_desk(settings: &Settings, bundle: Option<&Bundle>) -> Finding {
    const SUBJECT: &str = "fraud desk";
    let Some(bundle) = bundle else {
        return Finding::new(Health::Doubtful, SUBJECT, "not looked at: the policies do not load");
    };
    if settings.store.url.missing_file().is_some() {
        return Finding::new(Health::Fine, SUBJECT, "said nothing yet");
    }
    let Ok(store) = open_store(settings, Arc::new(Metrics::new())).await else {
        return Finding::new(Health::Doubtful, SUBJECT, "not looked at: the store does not open");
    };
    let desk = store.desk().await;
    close(&store).await;
    match desk.map(|desk| bundle.compile_desk(&desk).map(|_| desk)) {
        Ok(Ok(desk)) => {
            let words = format!("{} list entries, {} paused scopes", desk.entries.len(), desk.pauses.len());
            Finding::new(Health::Fine, SUBJECT, words)
        }
        Ok(Err(misfits)) => {
            Finding::new(Health::Broken, SUBJECT, format!("does not go with the policies:\n{misfits}"))
        }
        Err(error) => Finding::new(Health::Broken, SUBJECT, format!("cannot be read: {error}")),
    }
}

async fn remote<K: VerificationKey>(
    settings: &Settings,
    sources: &Sources,
    subject: &'static str,
    url: &HttpUrl,
) -> (Finding, Option<Timestamp>) {
    let broken = |words: String| (Finding::new(Health::Broken, subject, words), None);
    let ca_pem = match settings.prelude.ca_file.as_deref().map(read_ca).transpose() {
        Ok(ca_pem) => ca_pem,
        Err(error) => return broken(error.to_string()),
    };
    let parts = (settings.prelude.key_set_refetch_every, &Arc::new(Metrics::new()));
    let set = match key_set::<K>(url, ca_pem.as_deref(), parts) {
        Ok(set) => set,
        Err(error) => return broken(error.to_string()),
    };
    match set.refresh(sources.clock.now()).await {
        Ok(time) => (Finding::new(Health::Fine, subject, format!("{url}: reachable, usable")), time),
        Err(fault) => broken(format!("{url}: {fault}; check prelude.app_id, the network and any proxy")),
    }
}

async fn trace_collector(settings: &Settings) -> Option<Finding> {
    const SUBJECT: &str = "trace collector";
    let tracing = settings.tracing.as_ref()?;
    let url = &tracing.endpoint;
    Some(match try_collector(tracing).await {
        Ok(Ok(())) => Finding::new(Health::Fine, SUBJECT, format!("{url}: takes traces")),
        Ok(Err(cause)) => {
            let words = format!(
                "{url}: {cause}; calls are answered without it, and their traces are lost (tracing.endpoint, \
                 tracing.headers_file, tracing.ca_file)"
            );
            Finding::new(Health::Doubtful, SUBJECT, words)
        }
        Err(error) => Finding::new(Health::Broken, SUBJECT, error.to_string()),
    })
}

fn clock(theirs: Option<Timestamp>, ours: Timestamp) -> Finding {
    const SUBJECT: &str = "clock";
    let Some(theirs) = theirs else {
        return Finding::new(
            Health::Doubtful,
            SUBJECT,
            "could not be compared: Prelude's server told no time",
        );
    };
    let difference = ours.since(theirs).max(theirs.since(ours));
    if difference <= CLOCK_DIFFERENCE_MAX {
        Finding::new(Health::Fine, SUBJECT, "agrees with Prelude's")
    } else {
        let words =
            format!("is {} s away from Prelude's: tokens will be refused; set up NTP", difference.as_secs());
        Finding::new(Health::Broken, SUBJECT, words)
    }
}
