//! What a server does with its keys by itself: it looks at them every second, makes the next one when it is time, and
//! throws private parts away that nobody needs.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::{Held, SigningKeys, SigningKeysError, generated};
use crate::app::App;
use crate::domain::{KeyAct, KeyChange, KeyDeed, KeyLedger, KeyOutcome, Kid};
use crate::keys::{NewKey, Start, plan};
use crate::store::StoreError;

/// How often a process looks whether the keys changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a look may take: a withdrawal reaches a process within this and the time between two looks.
const LOOK_DEADLINE: Duration = Duration::from_secs(2);
/// How long a rotation that failed is left alone.
const RETRY_AFTER: Duration = Duration::from_secs(30);

impl App {
    /// Starts the task that keeps the signing keys as they should be.
    ///
    /// - `stop`: ends the task when it becomes true.
    pub(crate) fn keep_signing_keys_fresh(&self, stop: &watch::Receiver<bool>) -> JoinHandle<()> {
        let tender = Tender {
            keys: Arc::clone(&self.parts.signing_keys),
            failing: None,
            making: None,
            not_before: None,
        };
        let mut stop = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = tender.work() => {}
                _ = stop.wait_for(|stopped| *stopped) => {}
            }
        })
    }
}

#[cfg(feature = "testing")]
impl App {
    /// One round of what the background task does each second, at once and to its end.
    ///
    /// # Errors
    /// What the round met.
    pub(crate) async fn tend_signing_keys_now(&self) -> Result<(), SigningKeysError> {
        let keys = &self.parts.signing_keys;
        keys.look().await?;
        keys.forget_one().await?;
        if keys.is_due() {
            let key = generated(keys.terms.bits).await?;
            keys.keep_if_due(&key).await?;
            keys.look().await?;
        }
        Ok(())
    }
}

/// The one task that tends the keys.
struct Tender {
    keys: Arc<SigningKeys>,
    /// The failure that stands in the log already.
    failing: Option<String>,
    /// The next key, which takes longer than a look may.
    making: Option<JoinHandle<Result<NewKey, SigningKeysError>>>,
    /// Until when nothing is made, after a failure.
    not_before: Option<Instant>,
}

impl Tender {
    async fn work(mut self) {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let looked = match timeout(LOOK_DEADLINE, self.keys.look()).await {
                Ok(Ok(())) => self.tend().await,
                Ok(Err(error)) => Err(error),
                Err(_) => Err(SigningKeysError::TooSlow),
            };
            self.say(looked);
        }
    }

    /// Makes the next key when it is time. It is made beside the looks.
    async fn tend(&mut self) -> Result<(), SigningKeysError> {
        self.keys.forget_one().await?;
        match self.making.take() {
            Some(making) if !making.is_finished() => self.making = Some(making),
            Some(made) => {
                let kept = match made.await {
                    Ok(Ok(key)) => self.keys.keep_if_due(&key).await,
                    Ok(Err(error)) => Err(error),
                    Err(_) => Err(SigningKeysError::Stopped),
                };
                let failed = kept.is_err();
                self.not_before = failed.then(|| Instant::now() + RETRY_AFTER);
                if let Some(kid) = kept? {
                    tracing::info!(%kid, "The next signing key is published.");
                }
            }
            None if self.keys.is_due() && self.not_before.is_none_or(|moment| moment <= Instant::now()) => {
                self.making = Some(tokio::spawn(generated(self.keys.terms.bits)));
            }
            None => {}
        }
        Ok(())
    }

    /// Logs what is news: a failure once, and that it is over.
    fn say(&mut self, looked: Result<(), SigningKeysError>) {
        match looked {
            Ok(()) => {
                if self.failing.take().is_some() {
                    tracing::info!("The signing keys are looked at again.");
                }
            }
            Err(error) => {
                let words = error.to_string();
                if self.failing.as_ref() != Some(&words) {
                    let error: &(dyn std::error::Error + 'static) = &error;
                    tracing::error!(
                        error,
                        "The signing keys could not be looked at or changed; tried again every second."
                    );
                }
                self.failing = Some(words);
            }
        }
    }
}

impl SigningKeys {
    /// Looks whether the keys changed, and takes them over then.
    ///
    /// # Errors
    /// The keys that were known stay, and are signed with until they are [`super::StaleRing`].
    pub(super) async fn look(&self) -> Result<(), SigningKeysError> {
        let looked_at = Instant::now();
        if self.store.key_revision().await? != self.held_ledger().revision {
            self.take_over(self.store.key_ledger().await?, looked_at).await?;
        } else {
            self.note_look(looked_at);
        }
        self.jwks();
        Ok(())
    }

    async fn take_over(&self, ledger: KeyLedger, looked_at: Instant) -> Result<(), SigningKeysError> {
        let ring = self.held_ring().renewed(&ledger.keys, &self.encryption_keys)?;
        let held = Held { ledger: Arc::new(ledger), ring: Arc::new(ring), looked_at };
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = held;
        self.render(self.now());
        Ok(())
    }

    fn note_look(&self, looked_at: Instant) {
        self.held.write().unwrap_or_else(PoisonError::into_inner).looked_at = looked_at;
    }

    /// Whether it is time for the next key, by what was seen last.
    pub(super) fn is_due(&self) -> bool {
        plan::is_due(&self.held_ledger().keys, self.now(), &self.terms)
    }

    /// Keeps the next key, unless another process was faster.
    ///
    /// # Errors
    /// No key was kept.
    pub(super) async fn keep_if_due(&self, key: &NewKey) -> Result<Option<Kid>, SigningKeysError> {
        let (ledger, now) = (self.store.key_ledger().await?, self.now());
        if !plan::is_due(&ledger.keys, now, &self.terms) {
            return Ok(None);
        }
        let row = key.sealed(Start::with_lead(now, &self.terms), self.sealing_key().await?, &*self.random)?;
        let act = KeyAct { deed: KeyDeed::Rotate, kid: Some(row.kid.clone()), at: now, by: None };
        let rows = plan::with(&ledger.keys, row, now, &self.terms);
        let outcome = self.change(&ledger, act, rows).await?;
        Ok((outcome == KeyOutcome::Done).then(|| key.kid().clone()))
    }

    /// Throws one private part away that nobody needs any more.
    ///
    /// # Errors
    /// It is still there.
    pub(super) async fn forget_one(&self) -> Result<(), StoreError> {
        let (ledger, now) = (self.held_ledger(), self.now());
        let Some(row) = plan::forgotten(&ledger.keys, now) else { return Ok(()) };
        let act = KeyAct { deed: KeyDeed::Forget, kid: Some(row.kid.clone()), at: now, by: None };
        let judged_at = ledger.revision;
        let change = KeyChange { judged_at, act, rows: vec![row], secrets: None };
        self.store.change_keys(change).await.map(drop)
    }
}
