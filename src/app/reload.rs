//! Policy files are read again while calls go on: when they change, at a signal, and when somebody asks.
//!
//! One task does all of it, so attempts never meet. It reads and checks on a blocking thread, records the new policy,
//! and only then lets calls have it. A policy with faults changes nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::field::display;

use super::App;
use super::access::{AccessError, require};
use super::decide::VerdictCounts;
use super::obstacle::{Obstacle, forgotten_past};
use super::past::prepare_past;
use super::policies::{Attempt, Held, PolicyFaults, ReloadResult, raw};
use crate::domain::{AccessAction, ActivationRecord, Caller, Role, Timestamp, Trigger, causes};
use crate::policy::{Bundle, Diagnostics, fingerprint, reload_dir};
use crate::store::StoreError;

mod looks;

use self::looks::{LOOK_EVERY, Watch};

/// The most wishes that wait for the one that is being fulfilled.
const WISHES_MAX: usize = 16;
/// How long somebody who asks waits for the outcome.
const ASKER_WAITS: Duration = Duration::from_secs(30);

/// What makes policy files be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reloading {
    /// Their changes, and whoever asks.
    Watched,
    /// Only whoever asks.
    Asked,
}

impl Reloading {
    /// The word for it in settings and answers.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Watched => "watched",
            Self::Asked => "asked",
        }
    }
}

/// Somebody wants the files read now.
pub(super) struct Wish {
    trigger: Trigger,
    /// Where the outcome goes, if anybody waits.
    reply: Option<oneshot::Sender<Arc<Attempt>>>,
}

/// Why no other policy came into force. The one in force stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReloadError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The policy came with the program: there are no files.
    #[error("the policy is built in")]
    BuiltIn,
    /// The files have faults.
    #[error("the policy files have faults")]
    Refused(Arc<Attempt>),
    /// The new policy, or that somebody asked, could not be recorded.
    #[error("the policy could not be recorded")]
    NotRecorded,
    /// Too many wait already. Nothing was read.
    #[error("too many reloads are waiting")]
    Busy,
    /// It has not come to an end; it goes on, and may still succeed.
    #[error("the reload has not come to an end")]
    Unfinished,
}

impl From<StoreError> for ReloadError {
    fn from(_: StoreError) -> Self {
        Self::NotRecorded
    }
}

/// How an attempt ended.
enum Outcome {
    Activated(Option<String>),
    Unchanged,
    Refused(Diagnostics),
    Obstructed(Obstacle),
    Stopped,
    NotRecorded(StoreError),
}

/// A bundle that may come into force.
struct Candidate {
    bundle: Bundle,
    text: String,
    changes_json: Option<String>,
}

impl App {
    /// Reads the policy files now and tells how it went.
    ///
    /// # Errors
    /// [`ReloadError`]; the policy in force stays, and unless it is `Unfinished` will not change because of this.
    pub(crate) async fn reload_policies(&self, caller: &Caller) -> Result<Arc<Attempt>, ReloadError> {
        require(caller, Role::Admin)?;
        let (_, wishes) = self.parts.policies.reloader.get().ok_or(ReloadError::BuiltIn)?;
        self.note_access(caller, AccessAction::PoliciesReload, None).await?;
        let (reply, outcome) = oneshot::channel();
        let wish = Wish { trigger: Trigger::Api(caller.key_id().clone()), reply: Some(reply) };
        wishes.try_send(wish).map_err(|_| ReloadError::Busy)?;
        let attempt = timeout(ASKER_WAITS, outcome).await.map_err(|_| ReloadError::Unfinished)?;
        let attempt = attempt.map_err(|_| ReloadError::Unfinished)?;
        match attempt.result {
            ReloadResult::Activated | ReloadResult::Unchanged => Ok(attempt),
            ReloadResult::Refused => Err(ReloadError::Refused(attempt)),
            ReloadResult::NotRecorded => Err(ReloadError::NotRecorded),
        }
    }

    /// Has the policy files read soon because a signal came; how it goes stands in the log.
    pub(crate) fn reload_policies_at_signal(&self) {
        match self.parts.policies.reloader.get() {
            None => tracing::info!("The policy is built in: there is nothing to reload."),
            Some((_, wishes)) => {
                if wishes.try_send(Wish { trigger: Trigger::Signal, reply: None }).is_err() {
                    tracing::warn!("Too many reloads are waiting: this signal is passed over.");
                }
            }
        }
    }

    /// Starts the task that reads policy files again. Once an application: a second call does nothing.
    ///
    /// - `stop`: ends the task when it becomes true.
    pub(crate) fn keep_policies_fresh(
        self: &Arc<Self>,
        dir: PathBuf,
        reloading: Reloading,
        stop: &watch::Receiver<bool>,
    ) -> Option<JoinHandle<()>> {
        let (wishes, waiting) = mpsc::channel(WISHES_MAX);
        self.parts.policies.reloader.set((reloading, wishes)).ok()?;
        let watch = Watch::new(self.now());
        let reloader = Reloader { app: Arc::clone(self), dir, reloading, watch, said: None };
        let mut stop = stop.clone();
        Some(tokio::spawn(async move {
            tokio::select! {
                () = reloader.work(waiting) => {}
                _ = stop.wait_for(|stopped| *stopped) => {}
            }
        }))
    }
}

/// The one task that reads policy files.
struct Reloader {
    app: Arc<App>,
    dir: PathBuf,
    reloading: Reloading,
    watch: Watch,
    /// The failure that stands in the log already.
    said: Option<String>,
}

impl Reloader {
    async fn work(mut self, mut wishes: mpsc::Receiver<Wish>) {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                wish = wishes.recv() => {
                    let Some(wish) = wish else { return };
                    let attempt = self.attempt(wish.trigger).await;
                    // Whoever asked may be gone; the outcome stands in the log and in `GET /v1/policies`.
                    wish.reply.into_iter().for_each(|reply| drop(reply.send(Arc::clone(&attempt))));
                }
                _ = looks.tick(), if self.reloading == Reloading::Watched => self.look().await,
            }
        }
    }

    /// Looks at the directory, and reads it if it is due.
    async fn look(&mut self) {
        let dir = self.dir.clone();
        let Ok(seen) = spawn_blocking(move || fingerprint(&dir)).await else { return };
        if self.watch.is_due(seen, self.app.now()) {
            self.attempt(Trigger::Watch).await;
        }
    }

    async fn attempt(&mut self, trigger: Trigger) -> Arc<Attempt> {
        let policies = &self.app.parts.policies;
        policies.note_reading(self.app.now());
        let in_force = policies.bundle();
        let (dir, now) = (self.dir.clone(), self.app.now());
        let outcome = match spawn_blocking(move || read(&dir, &in_force, now)).await {
            Ok(Ok(None)) => Outcome::Unchanged,
            Ok(Ok(Some(candidate))) => self.activate(candidate, &trigger).await,
            Ok(Err(faults)) => Outcome::Refused(faults),
            Err(_) => Outcome::Stopped,
        };
        let is_news = self.say(&trigger, &outcome);
        let attempt = Arc::new(self.told(trigger, outcome));
        let policies = &self.app.parts.policies;
        policies.note_attempt(is_news.then_some(&attempt));
        if is_news {
            attempt.count(self.app.metrics());
        }
        attempt
    }

    /// Records a policy, then lets calls have it.
    async fn activate(&self, candidate: Candidate, trigger: &Trigger) -> Outcome {
        let Candidate { bundle, text, changes_json } = candidate;
        let policies = &self.app.parts.policies;
        let record = ActivationRecord {
            at: self.app.now(),
            bundle: bundle.hash(),
            previous: Some(policies.bundle().hash()),
            trigger: trigger.clone(),
            changes_json: changes_json.clone(),
        };
        let since = record.at;
        match self.obstacle(&bundle).await {
            Ok(None) => {}
            Ok(Some(obstacle)) => return Outcome::Obstructed(obstacle),
            Err(fault) => return Outcome::NotRecorded(fault),
        }
        if let Err(fault) = prepare_past(&self.app.parts.store, &bundle, since).await {
            return Outcome::NotRecorded(fault);
        }
        // INVARIANT: a decision's bundle is in the record before the decision is.
        if let Err(fault) = self.app.parts.store.record_activation(record, text).await {
            return Outcome::NotRecorded(fault);
        }
        let counts = Arc::new(VerdictCounts::of(&bundle, self.app.metrics()));
        let held = Held { bundle: Arc::new(bundle), counts, since, trigger: trigger.clone() };
        let before = policies.replace(held);
        self.app.prepare_desk(&policies.bundle());
        self.app.tell_unmatched_providers();
        policies.state(self.app.metrics());
        // A million entries take their time to be given back.
        drop(spawn_blocking(move || drop(before)));
        Outcome::Activated(changes_json)
    }

    /// What stands in the way of a bundle whose files are right.
    async fn obstacle(&self, bundle: &Bundle) -> Result<Option<Obstacle>, StoreError> {
        if let Some(obstacle) = forgotten_past(bundle, &self.app.parts.settings.retention) {
            return Ok(Some(obstacle));
        }
        let desk = self.app.parts.store.desk().await?;
        Ok(bundle.compile_desk(&desk).err().map(Obstacle::Desk))
    }

    /// Logs what is news. A failure that only lasts, and files that are still those in force, are none.
    fn say(&mut self, trigger: &Trigger, outcome: &Outcome) -> bool {
        let failure = match outcome {
            Outcome::Activated(_) => {
                let in_force = self.app.parts.policies.bundle();
                let (bundle, warnings) = (in_force.hash(), in_force.warnings().to_log_words());
                tracing::info!(%bundle, %trigger, rules = in_force.rule_count(), warnings, "Another policy is in force.");
                None
            }
            Outcome::Unchanged if self.said.is_some() => {
                tracing::info!(%trigger, "The policy files are again those of the policy in force.");
                None
            }
            Outcome::Unchanged => return *trigger != Trigger::Watch,
            Outcome::Refused(faults) => Some(faults.to_log_words()),
            Outcome::Obstructed(obstacle) => Some(obstacle.to_string().replace('\n', " ")),
            Outcome::Stopped => Some("the check broke off".to_owned()),
            Outcome::NotRecorded(fault) => Some(fault.to_string()),
        };
        if let Some(faults) = &failure
            && (*trigger != Trigger::Watch || self.said != failure)
        {
            let bundle = self.app.bundle_hash();
            let error = match outcome {
                Outcome::NotRecorded(fault) => Some(display(causes(fault))),
                _ => None,
            };
            tracing::error!(faults, error, %bundle, %trigger, "The policy files do not come into force: the policy in force stays.");
        }
        self.said = failure;
        true
    }

    fn told(&self, trigger: Trigger, outcome: Outcome) -> Attempt {
        let (result, changes_json, faults) = match outcome {
            Outcome::Activated(changes_json) => {
                (ReloadResult::Activated, changes_json, PolicyFaults::default())
            }
            Outcome::Unchanged => (ReloadResult::Unchanged, None, PolicyFaults::default()),
            Outcome::Refused(faults) => (ReloadResult::Refused, None, PolicyFaults::of(&faults)),
            Outcome::Obstructed(obstacle) => {
                (ReloadResult::Refused, None, PolicyFaults::of_obstacle(&obstacle))
            }
            Outcome::Stopped => (ReloadResult::Refused, None, PolicyFaults::of_a_stopped_check()),
            Outcome::NotRecorded(_) => (ReloadResult::NotRecorded, None, PolicyFaults::default()),
        };
        Attempt {
            at: self.app.now(),
            trigger,
            result,
            bundle: self.app.bundle_hash().to_string(),
            changes: changes_json.as_deref().and_then(raw),
            faults,
        }
    }
}

/// Reads, checks and compares, which may take seconds: for a thread that nobody waits on.
fn read(dir: &Path, in_force: &Bundle, now: Timestamp) -> Result<Option<Candidate>, Diagnostics> {
    let Some(bundle) = reload_dir(dir, in_force.hash(), now)? else { return Ok(None) };
    // INVARIANT: texts and numbers in structs always serialise.
    let changes_json = serde_json::to_string(&bundle.difference(in_force)).ok();
    Ok(Some(Candidate { text: bundle.text().to_owned(), changes_json, bundle }))
}
