//! Prelude's key sets as they are now: fetched, kept, and distrusted once nobody could confirm them for a day.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore, watch};
use tracing::Instrument as _;

use super::key_set::{KeySet, KeySetFault, VerificationKey};
use crate::clock::SharedClock;
use crate::domain::{Timestamp, causes};
use crate::metrics::Metrics;
use crate::spans;

mod fetch;

pub(super) use fetch::client_for;
pub(crate) use fetch::{Endpoint, EndpointFault, FetchFault, SetupFault};

/// How long a set is trusted after it was last confirmed (docs/CONTRACT.md C3.7).
pub(crate) const KEY_SET_TRUST: Duration = Duration::from_hours(24);
/// The most calls that wait for a fetch which an unknown key name caused: whoever makes up names must not fill the server.
const UNKNOWN_KID_WAITERS_MAX: usize = 64;
/// How long after a first failed fetch the next one is tried; doubled at every further failure.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// The longest time between two tries.
const RETRY_LONGEST: Duration = Duration::from_secs(60);

/// A key set as it is kept across restarts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeySetSnapshot {
    /// The set's exact text.
    pub(crate) body: Arc<str>,
    /// When Prelude last answered with it.
    pub(crate) confirmed_at: Timestamp,
}

#[derive(Debug)]
struct Confirmed<K> {
    keys: Arc<KeySet<K>>,
    snapshot: KeySetSnapshot,
}

/// One of Prelude's key sets, kept fresh.
///
/// A fetch that fails in any way, or brings no usable key, changes nothing: neither the set nor the moment it was last
/// confirmed. Only a fetch that went well does both.
#[derive(Debug)]
pub(crate) struct RemoteKeySet<K> {
    source: fetch::Source,
    metrics: Arc<Metrics>,
    confirmed: RwLock<Option<Confirmed<K>>>,
    snapshots: watch::Sender<Option<KeySetSnapshot>>,
    /// The shortest time between two fetches that unknown key names cause, whatever outsiders send.
    refetch_every: Duration,
    waiters: Semaphore,
    /// Held during a fetch, so there is one at a time. Keeps when an unknown key name last caused one.
    flight: Arc<Mutex<Option<Timestamp>>>,
}

impl<K: VerificationKey> RemoteKeySet<K> {
    /// Prepares fetching from `endpoint`; nothing is fetched yet and no set is trusted.
    ///
    /// - `ca_pem`: certificates to trust besides the system's, in PEM.
    /// - `refetch_every`: the shortest time between two fetches that unknown key names cause.
    ///
    /// # Errors
    /// [`SetupFault`] if `ca_pem` holds no certificate or TLS cannot be set up, for instance because the system has no
    /// root certificates.
    pub(crate) fn new(
        endpoint: Endpoint,
        ca_pem: Option<&[u8]>,
        refetch_every: Duration,
        metrics: Arc<Metrics>,
    ) -> Result<Self, SetupFault> {
        Ok(Self {
            source: fetch::Source::new(endpoint, ca_pem)?,
            metrics,
            confirmed: RwLock::new(None),
            snapshots: watch::Sender::new(None),
            refetch_every,
            waiters: Semaphore::new(UNKNOWN_KID_WAITERS_MAX),
            flight: Arc::new(Mutex::new(None)),
        })
    }

    /// The current set, if it was confirmed less than [`KEY_SET_TRUST`] ago.
    ///
    /// A confirmation that far in the future counts as little: a clock that was set back must not prolong trust.
    pub(crate) fn trusted(&self, now: Timestamp) -> Option<Arc<KeySet<K>>> {
        let confirmed = self.confirmed.read().unwrap_or_else(PoisonError::into_inner);
        let current = confirmed.as_ref()?;
        let distance = between(now, current.snapshot.confirmed_at);
        (distance < KEY_SET_TRUST).then(|| Arc::clone(&current.keys))
    }

    /// When the current set was last confirmed; `None` while there is no set.
    pub(crate) fn confirmed_at(&self) -> Option<Timestamp> {
        let confirmed = self.confirmed.read().unwrap_or_else(PoisonError::into_inner);
        confirmed.as_ref().map(|current| current.snapshot.confirmed_at)
    }

    /// Tells of every confirmation, the newest only: whoever keeps snapshots saves what it finds here.
    ///
    /// What was restored is not told of, since it is kept already.
    pub(crate) fn snapshots(&self) -> watch::Receiver<Option<KeySetSnapshot>> {
        self.snapshots.subscribe()
    }

    /// Takes up a set that was kept before a restart, with the moment it was confirmed then.
    ///
    /// # Errors
    /// [`KeySetFault`] if it is no usable set. Then, and where a set was confirmed later than this one, nothing changes.
    pub(crate) fn restore(&self, snapshot: KeySetSnapshot) -> Result<(), KeySetFault> {
        let keys = Arc::new(KeySet::parse(&snapshot.body)?);
        let mut confirmed = self.confirmed.write().unwrap_or_else(PoisonError::into_inner);
        let newer = |current: &Confirmed<K>| current.snapshot.confirmed_at >= snapshot.confirmed_at;
        if !confirmed.as_ref().is_some_and(newer) {
            *confirmed = Some(Confirmed { keys, snapshot });
        }
        Ok(())
    }

    /// Fetches the set and, if it is good, takes it up as confirmed at `now`.
    ///
    /// Waits for a fetch that is already on its way, so that an older answer never replaces a newer one.
    ///
    /// - returns: what the server's own clock shows, where it tells.
    ///
    /// # Errors
    /// [`FetchFault`]; the set and its confirmation are as they were.
    pub(crate) async fn refresh(&self, now: Timestamp) -> Result<Option<Timestamp>, FetchFault> {
        let _flight = self.flight.lock().await;
        self.fetch(now).await
    }

    /// Looks for a set that may have the key which `looked_in` has not.
    ///
    /// However many ask, one fetch is on its way at a time and the others wait for it, up to a bound; and such fetches start
    /// at least `refetch_every` apart, so a stranger who makes up key names costs Prelude nothing. A fetch that was begun is
    /// finished even when its caller goes away, or a stranger could keep one from ever finishing.
    ///
    /// - `looked_in`: the set without the key.
    /// - returns: another set that is trusted at `now`, to look in once more; `None` if there is none.
    ///
    /// # Reference
    /// docs/CONTRACT.md C3.5
    pub(crate) async fn refetch_for_unknown_kid(
        self: &Arc<Self>,
        looked_in: &Arc<KeySet<K>>,
        now: Timestamp,
    ) -> Option<Arc<KeySet<K>>> {
        let other_set = || self.trusted(now).filter(|current| !Arc::ptr_eq(current, looked_in));
        let Ok(_place) = self.waiters.try_acquire() else {
            self.metrics.key_set_fetch(K::SET, "held_back");
            return None;
        };
        let mut flight = Arc::clone(&self.flight).lock_owned().await;
        if let Some(current) = other_set() {
            return Some(current);
        }
        if flight.is_some_and(|last| between(now, last) < self.refetch_every) {
            self.metrics.key_set_fetch(K::SET, "held_back");
            return None;
        }
        *flight = Some(now);
        let this = Arc::clone(self);
        let fetching = async move {
            if let Err(fault) = this.fetch(now).await {
                this.log(&fault);
            }
            drop(flight);
        };
        let fetched = tokio::spawn(fetching.in_current_span());
        // A fetch that panicked has changed nothing, like any other that failed.
        let _ = fetched.await;
        other_set()
    }

    /// Fetches the set now and then until told to stop, and sooner while it fails.
    ///
    /// - `every`: the pause after a fetch that went well.
    /// - `stop`: ends the loop, and a fetch on its way, when it becomes true or its sender goes away.
    pub(crate) async fn keep_fresh(
        self: Arc<Self>,
        clock: SharedClock,
        every: Duration,
        mut stop: watch::Receiver<bool>,
    ) {
        tokio::select! {
            () = self.refresh_for_ever(&clock, every) => {}
            _ = stop.wait_for(|stopped| *stopped) => {}
        }
    }

    async fn refresh_for_ever(&self, clock: &SharedClock, every: Duration) {
        let mut retry = RETRY_FIRST;
        loop {
            let pause = match self.refresh(clock.now()).await {
                Ok(_) => {
                    retry = RETRY_FIRST;
                    every
                }
                Err(fault) => {
                    self.log(&fault);
                    let longer = retry.saturating_mul(2).min(RETRY_LONGEST);
                    std::mem::replace(&mut retry, longer)
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// INVARIANT: the caller holds `flight`.
    async fn fetch(&self, now: Timestamp) -> Result<Option<Timestamp>, FetchFault> {
        let span = spans::key_set_fetch(K::SET);
        let fetched = self.source.fetch().instrument(span.clone()).await.and_then(|fetched| {
            self.confirm(fetched.body, now)?;
            Ok(fetched.server_time)
        });
        let outcome = fetched.as_ref().map_or_else(FetchFault::code, |_| "confirmed");
        self.metrics.key_set_fetch(K::SET, outcome);
        tracing::debug!(key_set = K::SET, outcome, "Prelude's key set was asked for.");
        if fetched.is_err() {
            span.in_scope(|| spans::failed(outcome));
        }
        fetched
    }

    fn confirm(&self, body: String, now: Timestamp) -> Result<(), KeySetFault> {
        let unchanged = self.keys_of(&body);
        let changed = unchanged.is_none();
        let keys = match unchanged {
            // The same text is the same set: what its keys have learnt about salts stays.
            Some(keys) => keys,
            None => Arc::new(KeySet::parse(&body)?),
        };
        if changed {
            tracing::info!(key_set = K::SET, keys = keys.kids().count(), "Prelude's key set is new.");
        }
        let snapshot = KeySetSnapshot { body: body.into(), confirmed_at: now };
        let confirmed = Confirmed { keys, snapshot: snapshot.clone() };
        *self.confirmed.write().unwrap_or_else(PoisonError::into_inner) = Some(confirmed);
        self.snapshots.send_replace(Some(snapshot));
        Ok(())
    }

    fn keys_of(&self, body: &str) -> Option<Arc<KeySet<K>>> {
        let confirmed = self.confirmed.read().unwrap_or_else(PoisonError::into_inner);
        let same = confirmed.as_ref().filter(|current| &*current.snapshot.body == body)?;
        Some(Arc::clone(&same.keys))
    }

    fn log(&self, fault: &FetchFault) {
        tracing::warn!(key_set = K::SET, error = %causes(fault), "Prelude's key set could not be fetched.");
    }
}

/// How far two moments are apart, whichever is the later: a clock that jumps back neither blocks nor prolongs.
fn between(one: Timestamp, other: Timestamp) -> Duration {
    one.since(other).max(other.since(one))
}

#[cfg(test)]
mod tests;
