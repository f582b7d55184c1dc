//! What has had its time goes: by itself where this process may, or by `doorstep retain`; never in a request.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::App;
use crate::domain::{Anchor, Timestamp, causes};
use crate::keys::IdentifierDigest;
use crate::metrics::Metrics;
use crate::store::{Seal, Store, StoreError, StoreSettings};

mod run;

pub(crate) use run::{RetainError, Retained, Retainer};

/// How often there is a look whether it is time.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How often it is done, by one process of all.
const EVERY: Duration = Duration::from_hours(1);
/// Who deletes by itself.
const OURSELVES: &str = "doorstep";

/// Over which connection a process deletes and erases.
#[derive(Debug, Clone)]
pub(crate) enum CareStore {
    /// Its own: SQLite has no roles.
    Own,
    /// That of the second role, opened when it is needed.
    Second(Box<StoreSettings>),
    /// None: it is somebody else's task.
    Nobodys,
}

/// Why the last run of this process did not come to its end, and when that was; none where it did.
#[derive(Debug, Default)]
pub(super) struct LastRun(Mutex<Option<(Timestamp, String)>>);

impl LastRun {
    fn note(&self, failure: Option<(Timestamp, String)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    fn standing(&self) -> Option<(Timestamp, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What somebody should know about it.
    pub(super) fn failure(&self) -> Option<String> {
        self.standing().map(|(_, failure)| failure)
    }

    /// Whether it failed so long ago that it is to be tried again, whoever came to an end since: else nobody would know whether this
    /// process could.
    fn is_to_be_tried_again(&self, now: Timestamp) -> bool {
        self.standing().is_some_and(|(at, _)| at <= now.minus(EVERY) || at > now)
    }
}

/// Seals anchors with the key that keys digests: it stays the same for ever, and is sealed itself.
pub(crate) fn anchor_seal(digest: &IdentifierDigest) -> Seal {
    let digest = digest.clone();
    Arc::new(move |anchor: &Anchor| digest.of_anchor(anchor))
}

impl App {
    /// Starts the task that lets go of what has had its time, if this process may.
    ///
    /// - `stop`: ends the task when it becomes true; a step that is under way is finished.
    pub(crate) fn keep_retention(self: &Arc<Self>, stop: &watch::Receiver<bool>) -> Option<JoinHandle<()>> {
        if matches!(self.parts.care, CareStore::Nobodys) {
            return None;
        }
        let (app, mut stop) = (Arc::clone(self), stop.clone());
        Some(tokio::spawn(async move {
            tokio::select! {
                () = app.retain_for_ever() => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }))
    }

    async fn retain_for_ever(&self) {
        loop {
            // A start has enough to do.
            sleep(LOOK_EVERY).await;
            self.retain_when_due().await;
        }
    }

    /// Lets go of what has had its time, if it is time, and says how it went.
    pub(crate) async fn retain_when_due(&self) {
        match self.retain_if_due().await {
            Ok(Some(retained)) => {
                self.last_retention.note(None);
                retained.rows().into_iter().for_each(|(what, rows)| self.metrics().retained(what, rows));
                if retained != Retained::default() {
                    let retained = serde_json::to_string(&retained).unwrap_or_default();
                    tracing::info!(retained, "What had its time is gone.");
                }
            }
            Ok(None) => {}
            Err(fault) => {
                self.last_retention.note(Some((self.now(), fault.to_string())));
                tracing::error!(
                    error = %causes(&fault),
                    "What has had its time could not all be deleted; tried again within the hour."
                );
            }
        }
    }

    /// Lets go of what has had its time, unless it was done within the hour, whoever did it; where this process failed before that,
    /// whether or not another one did it since.
    ///
    /// # Errors
    /// [`RetainError`].
    async fn retain_if_due(&self) -> Result<Option<Retained>, RetainError> {
        let now = self.now();
        let own_due = self.last_retention.is_to_be_tried_again(now);
        let not_since = if own_due { now } else { now.minus(EVERY) };
        if !self.parts.store.retention_is_due(now, not_since).await? {
            return Ok(None);
        }
        let Some(care) = self.open_care().await? else { return Ok(None) };
        let retained = match care.store().take_retention_turn(now, not_since).await {
            Ok(true) => self.retain_by(care.store(), now).await.map(Some),
            Ok(false) => Ok(None),
            Err(fault) => Err(fault.into()),
        };
        care.release().await?;
        retained
    }

    /// Lets go of what has had its time, whoever did it when; `None` where it is somebody else's task.
    ///
    /// # Errors
    /// [`RetainError`].
    #[cfg(feature = "testing")]
    pub(crate) async fn retain_now(&self) -> Result<Option<Retained>, RetainError> {
        let Some(care) = self.open_care().await? else { return Ok(None) };
        let retained = self.retain_by(care.store(), self.now()).await;
        care.release().await?;
        retained.map(Some)
    }

    async fn retain_by(&self, store: &Store, now: Timestamp) -> Result<Retained, RetainError> {
        let (terms, actor) = (self.parts.settings.retention, OURSELVES.into());
        let seal = anchor_seal(&self.parts.identifier_digest);
        let retainer = Retainer { store, terms, actor, now, seal };
        retainer.run(Some(self.parts.policies.bundle())).await
    }

    /// The connection that may delete and erase, for whoever releases it; `None` where this process has none.
    ///
    /// # Errors
    /// There is none now.
    pub(crate) async fn open_care(&self) -> Result<Option<Care>, StoreError> {
        Ok(match &self.parts.care {
            CareStore::Own => Some(Care { store: self.parts.store.clone(), is_own: true }),
            CareStore::Second(settings) => {
                let store = Store::open((**settings).clone(), Arc::new(Metrics::new())).await?;
                Some(Care { store, is_own: false })
            }
            CareStore::Nobodys => None,
        })
    }
}

/// A connection that may delete and erase.
pub(crate) struct Care {
    store: Store,
    is_own: bool,
}

impl Care {
    /// The record by it.
    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    /// Closes it, unless it is the process's own.
    ///
    /// # Errors
    /// It did not close in order; what was committed is.
    pub(crate) async fn release(self) -> Result<(), StoreError> {
        if self.is_own { Ok(()) } else { self.store.close().await }
    }
}
