//! What has had its time goes: by itself where this process may, or by `doorstep retain`; never in a request.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::App;
use super::library::Library;
use super::obstacle::{Obstacle, forgotten_past};
use crate::domain::{Anchor, Kept, RetentionTerms, SubjectKey, Timestamp};
use crate::keys::IdentifierDigest;
use crate::metrics::Metrics;
use crate::policy::Bundle;
use crate::store::{Plain, Retiring, Seal, Store, StoreError, StoreSettings, Stretch};

/// How often there is a look whether it is time.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How often it is done, by one process of all.
const EVERY: Duration = Duration::from_hours(1);
/// The pause between two steps: others write meanwhile.
const PAUSE: Duration = Duration::from_millis(20);
/// Who deletes by itself.
const OURSELVES: &str = "doorstep";
/// How many answers go in a step.
const ANSWERS: u32 = 200;

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

/// Why nothing goes, or not all that has had its time.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RetainError {
    /// The policy that came into force last, maybe in a process with other settings, looks further back than these settings keep.
    /// Nothing was deleted.
    #[error("the policy in force would lose what it asks for: {0}")]
    Needed(Obstacle),
    /// That policy cannot be read, so nobody knows what it asks for. Nothing was deleted.
    #[error("the policy in force cannot be read by this version, so nobody knows how far back it looks")]
    Unreadable,
    /// The record could not be read or written. What went until then is gone.
    #[error("the record could not be read or written")]
    Store(#[from] StoreError),
}

/// How many rows of each kind went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Retained {
    pub(crate) decisions: u64,
    pub(crate) erased_users_decisions: u64,
    pub(crate) personal_values: u64,
    pub(crate) verifications: u64,
    pub(crate) verifications_metadata: u64,
    pub(crate) provider_events: u64,
    pub(crate) redemptions: u64,
    pub(crate) facts: u64,
    pub(crate) accesses: u64,
    pub(crate) desk_actions: u64,
    pub(crate) activations: u64,
    pub(crate) answers: u64,
    pub(crate) signatures: u64,
}

/// What a run goes by.
pub(crate) struct Retainer<'a> {
    /// The record, over a connection that may delete.
    pub(crate) store: &'a Store,
    /// How long things are kept.
    pub(crate) terms: RetentionTerms,
    /// Who deletes.
    pub(crate) actor: Box<str>,
    /// The moment.
    pub(crate) now: Timestamp,
    /// What shows that anchors are ours.
    pub(crate) seal: Seal,
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
            match self.retain_if_due().await {
                Ok(Some(retained)) if retained != Retained::default() => {
                    let retained = serde_json::to_string(&retained).unwrap_or_default();
                    tracing::info!(retained, "What had its time is gone.");
                }
                Ok(_) => {}
                // An outage is in the log already.
                Err(RetainError::Store(fault)) if fault.outage().is_some() => {}
                Err(fault) => {
                    let error: &(dyn std::error::Error + 'static) = &fault;
                    tracing::error!(
                        error,
                        "What has had its time could not all be deleted; tried again within the hour."
                    );
                }
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Lets go of what has had its time, unless it was done within the hour, whoever did it.
    ///
    /// # Errors
    /// [`RetainError`].
    pub(crate) async fn retain_if_due(&self) -> Result<Option<Retained>, RetainError> {
        let (now, not_since) = (self.now(), self.now().minus(EVERY));
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

/// What a walk lets go of.
enum Work {
    Plain(Plain),
    Decisions,
    /// About a user who was erased at a moment.
    Erased(SubjectKey, Timestamp),
    Verifications,
}

impl Retainer<'_> {
    /// Lets go of all that has had its time, step by step.
    ///
    /// - `at_hand`: a bundle that need not be loaded, if it is the one that came into force last.
    ///
    /// # Errors
    /// [`RetainError`].
    pub(crate) async fn run(&self, at_hand: Option<Arc<Bundle>>) -> Result<Retained, RetainError> {
        self.require_unneeded(at_hand).await?;
        let terms = &self.terms;
        let mut gone = Retained::default();
        gone.decisions = self.walk(Work::Decisions, terms.decisions).await?;
        gone.erased_users_decisions = self.erased_users().await?;
        gone.personal_values = self.walk(Work::Plain(Plain::PersonalValues), terms.personal_values).await?;
        gone.verifications_metadata = self.metadata().await?;
        gone.answers = self.answers().await?;
        gone.verifications = self.walk(Work::Verifications, terms.verifications).await?;
        gone.provider_events = self.walk(Work::Plain(Plain::ProviderEvents), terms.verifications).await?;
        gone.redemptions = self.redemptions().await?;
        gone.facts = self.walk(Work::Plain(Plain::Facts), terms.facts).await?;
        gone.accesses = self.walk(Work::Plain(Plain::Accesses), terms.accesses).await?;
        gone.desk_actions = self.walk(Work::Plain(Plain::DeskActions), terms.desk_actions).await?;
        gone.activations = self.walk(Work::Plain(Plain::Activations), terms.activations).await?;
        gone.signatures = self.signatures().await?;
        Ok(gone)
    }

    /// What the policy that came into force last asks for must stay, whoever deletes by whichever settings.
    async fn require_unneeded(&self, at_hand: Option<Arc<Bundle>>) -> Result<(), RetainError> {
        let Some(last) = self.store.activations(None, 1).await?.pop() else { return Ok(()) };
        let bundle = Library::new(self.store, at_hand).bundle(last.record.bundle).await?;
        let bundle = bundle.ok_or(RetainError::Unreadable)?;
        forgotten_past(&bundle, &self.terms).map_or(Ok(()), |obstacle| Err(RetainError::Needed(obstacle)))
    }

    fn retiring(&self, kept: Kept) -> Option<Retiring> {
        let before = kept.ends_before(self.now)?;
        Some(Retiring { before, now: self.now, actor: self.actor.clone() })
    }

    /// Walks from the front as long as something old stands there.
    async fn walk(&self, work: Work, kept: Kept) -> Result<u64, StoreError> {
        let Some(retiring) = self.retiring(kept) else { return Ok(0) };
        let (mut after, mut deleted) = (i64::MIN, 0);
        loop {
            let stretch = self.step(&work, retiring.clone(), after).await?;
            deleted += stretch.deleted;
            if !stretch.goes_on {
                return Ok(deleted);
            }
            after = stretch.through;
            sleep(PAUSE).await;
        }
    }

    async fn step(&self, work: &Work, retiring: Retiring, after: i64) -> Result<Stretch, StoreError> {
        let seal = Arc::clone(&self.seal);
        match work {
            Work::Plain(plain) => self.store.retire(*plain, retiring, after).await,
            Work::Decisions => self.store.retire_decisions(retiring, seal, after).await,
            Work::Erased(user, at) => {
                self.store.retire_erased((user.clone(), *at), retiring, (seal, after)).await
            }
            Work::Verifications => self.store.retire_verifications(retiring, after).await,
        }
    }

    async fn erased_users(&self) -> Result<u64, StoreError> {
        let kept = self.terms.erased_users;
        let (mut last, mut deleted) = (None, 0);
        loop {
            let users = self.store.erased_users(last.as_ref()).await?;
            let Some((key, _)) = users.last() else { return Ok(deleted) };
            last = Some(key.clone());
            for (user, at) in users {
                deleted += self.walk(Work::Erased(user, at), kept).await?;
            }
        }
    }

    async fn metadata(&self) -> Result<u64, StoreError> {
        let Some(retiring) = self.retiring(self.terms.personal_values) else { return Ok(0) };
        let mut emptied = 0;
        loop {
            match self.store.empty_verifications(retiring.clone()).await? {
                0 => return Ok(emptied),
                some => emptied += some,
            }
            sleep(PAUSE).await;
        }
    }

    async fn answers(&self) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        loop {
            let some = self.store.forget_answers(self.now, ANSWERS).await?;
            forgotten += some;
            if some < u64::from(ANSWERS) {
                return Ok(forgotten);
            }
        }
    }

    async fn redemptions(&self) -> Result<u64, StoreError> {
        let Some(retiring) = self.retiring(self.terms.redemptions) else { return Ok(0) };
        let (mut after, mut deleted) = (None, 0);
        while let Some((through, some)) = self.store.retire_redemptions(retiring.clone(), after).await? {
            (after, deleted) = (Some(through), deleted + some);
            sleep(PAUSE).await;
        }
        Ok(deleted)
    }

    /// Retires keys that Prelude withdrew, and forgets the signatures of those that were retired before.
    async fn signatures(&self) -> Result<u64, StoreError> {
        let Some(retiring) = self.retiring(self.terms.signatures) else { return Ok(0) };
        for kid in self.store.retire_prelude_keys(retiring.clone()).await? {
            tracing::info!(%kid, "Prelude withdrew this key long ago: it is not believed any more.");
        }
        let kids = self.store.forgettable_kids(self.now).await?;
        if kids.is_empty() {
            return Ok(0);
        }
        let (mut after, mut forgotten) = (Vec::new(), 0);
        loop {
            let (end, some) = self.store.forget_signatures(&kids, retiring.clone(), after).await?;
            forgotten += some;
            let Some(end) = end else { break };
            after = end;
            sleep(PAUSE).await;
        }
        // Others may just have filed some: only a walk that finds none is the last.
        if forgotten == 0 {
            self.store.note_forgotten(&kids, self.now).await?;
        }
        Ok(forgotten)
    }
}
