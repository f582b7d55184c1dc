//! The policy in force: held in one place, replaced in one step, and shown with how it came there.

#[cfg(test)]
pub(crate) mod example;

use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::App;
use super::access::{AccessError, require_one_of};
use super::decide::VerdictCounts;
use super::desk::{RestoreError, require_place};
use super::library::Library;
use super::page::{PageError, PageQuery};
use super::past::prepare_past;
use super::reload::{Reloading, Wish};
use crate::domain::{AccessAction, ActivationRecord, Caller, Role, StoredActivation, Timestamp, Trigger};
use crate::metrics::Metrics;
use crate::policy::{Bundle, Difference};
use crate::store::{Store, StoreError};

mod fault;

pub(crate) use fault::PolicyFaults;

/// A reading that takes longer is worth somebody's look.
const READING_USUALLY_TAKES: Duration = Duration::from_secs(30);

/// The policy in force and how the last attempt to replace it went.
///
/// A call takes the bundle once, at its beginning, and goes through with it: a shared lock is held just long enough to
/// count one more holder.
pub(crate) struct Policies {
    held: RwLock<Held>,
    status: Mutex<Status>,
    pub(super) reloader: OnceLock<(Reloading, mpsc::Sender<Wish>)>,
}

/// A bundle in force.
pub(super) struct Held {
    pub(super) bundle: Arc<Bundle>,
    /// How its verdicts are counted.
    pub(super) counts: Arc<VerdictCounts>,
    pub(super) since: Timestamp,
    pub(super) trigger: Trigger,
}

struct Status {
    last_attempt: Arc<Attempt>,
    reading_since: Option<Timestamp>,
}

/// How an attempt to read the policy files ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) enum ReloadResult {
    /// Another policy is in force now.
    Activated,
    /// The files are those of the policy in force.
    Unchanged,
    /// The files have faults: the policy in force stays.
    Refused,
    /// The files are fine, but could not be recorded: the policy in force stays.
    NotRecorded,
}

/// An attempt to read the policy files. As JSON its shape is stable: members may be added, none changes.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ReloadAttempt))]
pub(crate) struct Attempt {
    /// When it ended.
    pub(super) at: Timestamp,
    /// Who wanted it.
    pub(super) trigger: Trigger,
    /// How it ended.
    pub(crate) result: ReloadResult,
    /// The policy in force afterwards.
    pub(super) bundle: String,
    /// How that differs from the one before; none unless it is another one.
    #[cfg_attr(test, schema(value_type = Option<Difference>))]
    pub(super) changes: Option<Box<RawValue>>,
    /// What is wrong with the files.
    #[serde(flatten)]
    pub(crate) faults: PolicyFaults,
}

/// What `GET /v1/policies` shows.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Policies))]
pub(crate) struct PolicyView {
    in_force: InForce,
    reload: &'static str,
    last_attempt: Attempt,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = PolicyInForce))]
struct InForce {
    bundle: String,
    since: Timestamp,
    trigger: Trigger,
    files: usize,
    scopes: usize,
    rules: usize,
    warnings: PolicyFaults,
}

/// A policy that came into force once.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = PolicyActivation))]
pub(crate) struct Activation {
    /// When.
    pub(crate) at: Timestamp,
    /// Which one.
    pub(crate) bundle: String,
    /// The one before it.
    pub(crate) previous: Option<String>,
    /// By what.
    pub(crate) trigger: Trigger,
    /// How the two differ; none where there was nothing to compare with.
    #[cfg_attr(test, schema(value_type = Option<Difference>))]
    pub(crate) changes: Option<Box<RawValue>>,
}

/// A page of activations.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = PolicyActivationList))]
pub(crate) struct ActivationList {
    /// Newest first.
    pub(crate) activations: Vec<Activation>,
    next_cursor: Option<String>,
}

/// Records that a bundle comes into force at a start, and holds it from then on.
///
/// # Errors
/// [`RestoreError`]: the record could not be read or written, or the fraud desk has entries for which the bundle has no
/// place. Nothing was recorded then, and nothing may be decided.
pub(crate) async fn open_policies(
    store: &Store,
    bundle: Bundle,
    now: Timestamp,
    metrics: &Metrics,
) -> Result<Policies, RestoreError> {
    require_place(store, &bundle).await?;
    prepare_past(store, &bundle, now).await?;
    let last = store.activations(None, 1).await?.pop();
    let previous = last.map(|last| last.record.bundle);
    let difference = match previous {
        None => None,
        Some(hash) if hash == bundle.hash() => Some(Difference::default()),
        Some(hash) => {
            let earlier = Library::new(store, None).bundle(hash).await?;
            earlier.map(|earlier| bundle.difference(&earlier))
        }
    };
    let record = ActivationRecord {
        at: now,
        bundle: bundle.hash(),
        previous,
        trigger: Trigger::Start,
        changes_json: difference.and_then(|difference| serde_json::to_string(&difference).ok()),
    };
    let changes = record.changes_json.as_deref().and_then(raw);
    store.record_activation(record, bundle.text().to_owned()).await?;
    let counts = Arc::new(VerdictCounts::of(&bundle, metrics));
    Ok(Policies::started((bundle, counts), changes, now))
}

impl Attempt {
    /// Counts the attempt by its result.
    pub(super) fn count(&self, metrics: &Metrics) {
        match self.result {
            ReloadResult::Activated => metrics.policy_reload("activated"),
            ReloadResult::Unchanged => metrics.policy_reload("unchanged"),
            ReloadResult::Refused => metrics.policy_reload_failure("refused"),
            ReloadResult::NotRecorded => metrics.policy_reload_failure("not_recorded"),
        }
    }
}

impl Policies {
    /// Holds the bundle of a start.
    fn started(
        (bundle, counts): (Bundle, Arc<VerdictCounts>),
        changes: Option<Box<RawValue>>,
        now: Timestamp,
    ) -> Self {
        let attempt = Attempt {
            at: now,
            trigger: Trigger::Start,
            result: ReloadResult::Activated,
            bundle: bundle.hash().to_string(),
            changes,
            faults: PolicyFaults::default(),
        };
        Self {
            held: RwLock::new(Held { bundle: Arc::new(bundle), counts, since: now, trigger: Trigger::Start }),
            status: Mutex::new(Status { last_attempt: Arc::new(attempt), reading_since: None }),
            reloader: OnceLock::new(),
        }
    }

    /// The bundle in force, for one call from its beginning to its end.
    pub(super) fn bundle(&self) -> Arc<Bundle> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner).bundle)
    }

    /// The same, with how its verdicts are counted.
    pub(super) fn in_force(&self) -> (Arc<Bundle>, Arc<VerdictCounts>) {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        (Arc::clone(&held.bundle), Arc::clone(&held.counts))
    }

    /// States it as what is in force.
    pub(super) fn state(&self, metrics: &Metrics) {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let (bundle, since) = (held.bundle.hash().to_string(), held.since.unix_seconds());
        metrics.policy_in_force(bundle, since, held.bundle.rule_count());
        metrics.rates_expire(held.bundle.rates_good_until().map(Timestamp::unix_seconds));
    }

    /// Since when it is in force.
    pub(super) fn since(&self) -> Timestamp {
        self.held.read().unwrap_or_else(PoisonError::into_inner).since
    }

    /// Replaces it in one step and returns what was held before.
    pub(super) fn replace(&self, held: Held) -> Held {
        std::mem::replace(&mut *self.held.write().unwrap_or_else(PoisonError::into_inner), held)
    }

    /// Notes that the files are being read, from `at` on.
    pub(super) fn note_reading(&self, at: Timestamp) {
        self.status().reading_since = Some(at);
    }

    /// Notes that the reading came to an end, and how it went if that is news.
    pub(super) fn note_attempt(&self, attempt: Option<&Arc<Attempt>>) {
        let mut status = self.status();
        status.reading_since = None;
        if let Some(attempt) = attempt {
            status.last_attempt = Arc::clone(attempt);
        }
    }

    /// How the last attempt went.
    pub(super) fn last_attempt(&self) -> Arc<Attempt> {
        Arc::clone(&self.status().last_attempt)
    }

    /// What somebody should know about reloading, if anything.
    pub(super) fn warning(&self, now: Timestamp) -> Option<String> {
        let (attempt, reading_since) = {
            let status = self.status();
            (Arc::clone(&status.last_attempt), status.reading_since)
        };
        if let Some(since) = reading_since.filter(|since| now.since(*since) > READING_USUALLY_TAKES) {
            return Some(format!(
                "The policy files are being read since {since} without coming to an end: check the file system \
                 (policies.dir), unless they ask about the past by something new: with millions of decisions it takes minutes to \
                 file them by it. The policy in force decides meanwhile."
            ));
        }
        let why = match attempt.result {
            ReloadResult::Activated | ReloadResult::Unchanged => return None,
            ReloadResult::Refused => "have faults",
            ReloadResult::NotRecorded => "could not be recorded",
        };
        let since = self.since();
        Some(format!(
            "The policy files {why} (last tried {}): the policy in force since {since} decides. GET /v1/policies and \
             `doorstep policy check` show what is wrong.",
            attempt.at
        ))
    }

    fn status(&self) -> std::sync::MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl App {
    /// Shows the policy in force and how the last attempt to replace it went.
    ///
    /// # Errors
    /// [`PageError`]; nothing was shown.
    pub(crate) async fn policies(&self, caller: &Caller) -> Result<PolicyView, PageError> {
        may_read(caller)?;
        self.note_access(caller, AccessAction::PoliciesRead, None).await?;
        let policies = &self.parts.policies;
        let in_force = {
            let held = policies.held.read().unwrap_or_else(PoisonError::into_inner);
            InForce {
                bundle: held.bundle.hash().to_string(),
                since: held.since,
                trigger: held.trigger.clone(),
                files: held.bundle.file_count(),
                scopes: held.bundle.scopes().len(),
                rules: held.bundle.rule_count(),
                warnings: PolicyFaults::of(held.bundle.warnings()),
            }
        };
        let reload = policies.reloader.get().map_or("built_in", |(reloading, _)| reloading.as_str());
        Ok(PolicyView { in_force, reload, last_attempt: (*policies.last_attempt()).clone() })
    }

    /// Lists which policy came into force when, newest first.
    ///
    /// # Errors
    /// [`PageError`]; nothing was shown.
    pub(crate) async fn activations(
        &self,
        caller: &Caller,
        query: PageQuery,
    ) -> Result<ActivationList, PageError> {
        may_read(caller)?;
        let page = query.page()?;
        self.note_access(caller, AccessAction::PoliciesRead, None).await?;
        let mut found = self.parts.store.activations(page.before, page.fetched()).await?;
        let next_cursor = page.cut(&mut found, |entry| entry.seq);
        Ok(ActivationList { activations: found.into_iter().map(Activation::of).collect(), next_cursor })
    }
}

/// The newest activations straight from the store, for whoever may open it.
///
/// # Errors
/// The record could not be read.
pub(crate) async fn stored_activations(store: &Store, limit: u32) -> Result<Vec<Activation>, StoreError> {
    Ok(store.activations(None, limit).await?.into_iter().map(Activation::of).collect())
}

fn may_read(caller: &Caller) -> Result<(), AccessError> {
    require_one_of(caller, &[Role::Reader, Role::Admin])
}

/// JSON of our own, passed on as it is stored.
pub(super) fn raw(json: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(json.to_owned()).ok()
}

impl Activation {
    fn of(found: StoredActivation) -> Self {
        let record = found.record;
        Self {
            at: record.at,
            bundle: record.bundle.to_string(),
            previous: record.previous.map(|hash| hash.to_string()),
            trigger: record.trigger,
            changes: record.changes_json.as_deref().and_then(raw),
        }
    }
}

#[cfg(test)]
mod tests;
