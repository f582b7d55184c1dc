//! Prelude's key sets: restored at start, kept fresh, saved whenever they were confirmed.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::App;
use crate::domain::{Kid, PreludeKey, Thumbprint, causes};
use crate::prelude::{KeySet, KeySetSnapshot, PssKey, RemoteKeySet, SignedCall, VerificationKey};
use crate::store::{Store, StoreError};

/// Prelude's keys that are not believed any more, as this process knows them.
#[derive(Debug, Default)]
pub(super) struct RetiredKeys(RwLock<Arc<[PreludeKey]>>);

impl RetiredKeys {
    fn current(&self) -> Arc<[PreludeKey]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a call was signed by one of them.
    pub(super) fn made(&self, call: &SignedCall) -> bool {
        self.current().iter().any(|retired| retired.is(&call.seen().kid, call.key()))
    }
}

impl App {
    /// Reads which of Prelude's keys are not believed any more.
    ///
    /// # Errors
    /// [`StoreError`]; those that were known stay.
    pub(crate) async fn refresh_retired_keys(&self) -> Result<(), StoreError> {
        let retired: Arc<[PreludeKey]> = self.parts.store.retired_prelude_keys().await?.into();
        let before = std::mem::replace(
            &mut *self.retired_keys.0.write().unwrap_or_else(PoisonError::into_inner),
            Arc::clone(&retired),
        );
        if before.len() != retired.len()
            && let Some(kid) = self.retired_key_in_use()
        {
            tracing::error!(%kid, "Prelude's set has a key again whose signatures were forgotten: its calls are refused.");
        }
        Ok(())
    }

    /// A key of the current set that is not believed, if there is one.
    pub(super) fn retired_key_in_use(&self) -> Option<Kid> {
        let (set, retired) = (self.parts.hook_keys.trusted(self.now())?, self.retired_keys.current());
        let is_retired = |kid: &Kid, key| retired.iter().any(|retired| retired.is(kid, key));
        set.thumbprints().find(|(kid, key)| is_retired(kid, *key)).map(|(kid, _)| kid.clone())
    }

    /// Takes up the key sets that were kept before a restart, so that calls are served without waiting for the network.
    ///
    /// A kept set that is no set any more is passed over: the next fetch replaces it.
    ///
    /// # Errors
    /// [`StoreError`] if the kept sets cannot be read.
    pub(crate) async fn restore_key_sets(&self) -> Result<(), StoreError> {
        restore(&self.parts.store, &self.parts.hook_keys).await?;
        restore(&self.parts.store, &self.parts.step_up_keys).await
    }

    /// Starts the tasks that fetch both key sets now and then, and save them.
    ///
    /// - `every`: how often a set that can be fetched is fetched again.
    /// - `stop`: ends the tasks when it becomes true.
    pub(crate) fn keep_key_sets_fresh(
        &self,
        every: Duration,
        stop: &watch::Receiver<bool>,
    ) -> Vec<JoinHandle<()>> {
        let mut tasks = self.keep_fresh(&self.parts.hook_keys, every, stop);
        tasks.extend(self.keep_fresh(&self.parts.step_up_keys, every, stop));
        tasks
    }

    /// Waits for both sets to be fetched once, up to `longest`: who starts a server and calls it at once wants no 503.
    ///
    /// - returns: whether both were.
    pub(crate) async fn key_sets_arrived(&self, longest: Duration) -> bool {
        let (mut hook, mut step_up) = (self.parts.hook_keys.snapshots(), self.parts.step_up_keys.snapshots());
        let both = async {
            hook.wait_for(Option::is_some).await.is_ok() && step_up.wait_for(Option::is_some).await.is_ok()
        };
        tokio::time::timeout(longest, both).await.unwrap_or(false)
    }

    fn keep_fresh<K: VerificationKey>(
        &self,
        set: &Arc<RemoteKeySet<K>>,
        every: Duration,
        stop: &watch::Receiver<bool>,
    ) -> Vec<JoinHandle<()>> {
        let clock = Arc::clone(&self.parts.clock);
        let fetching = Arc::clone(set).keep_fresh(clock, every, stop.clone());
        let saving = save::<K>(self.parts.store.clone(), set.snapshots(), stop.clone());
        vec![tokio::spawn(fetching), tokio::spawn(saving)]
    }

    /// Another set than `looked_in`, which has not the key that a call or token names.
    ///
    /// It waits for a fetch no longer than a verdict may take.
    pub(super) async fn newer_key_set<K: VerificationKey>(
        &self,
        set: &Arc<RemoteKeySet<K>>,
        looked_in: &Arc<KeySet<K>>,
    ) -> Option<Arc<KeySet<K>>> {
        let refetch = set.refetch_for_unknown_kid(looked_in, self.now());
        tokio::time::timeout(self.parts.settings.decide_deadline, refetch).await.ok().flatten()
    }
}

async fn restore<K: VerificationKey>(store: &Store, set: &RemoteKeySet<K>) -> Result<(), StoreError> {
    let Some(kept) = store.key_set(K::SET).await? else { return Ok(()) };
    let snapshot = KeySetSnapshot { body: kept.body.into(), confirmed_at: kept.confirmed_at };
    if let Err(fault) = set.restore(snapshot) {
        tracing::warn!(key_set = K::SET, error = %causes(&fault), "The kept key set is passed over.");
    }
    Ok(())
}

/// The keys of a set, where it is the one whose signatures are remembered.
fn keys_of<K: VerificationKey>(snapshot: &KeySetSnapshot) -> Vec<(Kid, Thumbprint)> {
    let set = (K::SET == PssKey::SET).then(|| KeySet::<K>::parse(&snapshot.body).ok()).flatten();
    set.iter().flat_map(KeySet::thumbprints).map(|(kid, key)| (kid.clone(), key)).collect()
}

/// Saves every confirmation. A save that fails is tried again with the next one: the set in memory is what counts.
async fn save<K: VerificationKey>(
    store: Store,
    mut snapshots: watch::Receiver<Option<KeySetSnapshot>>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let changed = tokio::select! {
            changed = snapshots.changed() => changed.is_ok(),
            _ = stop.wait_for(|stopped| *stopped) => false,
        };
        if !changed {
            return;
        }
        let snapshot = snapshots.borrow_and_update().clone();
        if let Some(snapshot) = snapshot
            && let Err(error) = store
                .save_key_set(
                    K::SET,
                    (snapshot.body.to_string(), keys_of::<K>(&snapshot)),
                    snapshot.confirmed_at,
                )
                .await
        {
            tracing::warn!(key_set = K::SET, error = %causes(&error), "Prelude's key set could not be saved.");
        }
    }
}
