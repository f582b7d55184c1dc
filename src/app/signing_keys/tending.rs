//! What a server does with its keys by itself: it looks at them every second, makes the next one when it is time, and
//! throws private parts away that nobody needs.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::{Held, SigningKeys, SigningKeysError, generated};
use crate::app::App;
use crate::domain::{KeyAct, KeyChange, KeyDeed, KeyLedger, KeyOutcome, Kid, causes};
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
            looking: Standing::default(),
            rotating: Standing::default(),
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
    looking: Standing,
    rotating: Standing,
    /// The next key, which takes longer than a look may.
    making: Option<JoinHandle<Result<NewKey, SigningKeysError>>>,
    /// Until when nothing is made, after a failure.
    not_before: Option<Instant>,
}

/// What failed last at one of its tasks, if it fails still: each has an end of its own.
#[derive(Debug, Default)]
struct Standing(Option<String>);

/// What is worth a line.
#[derive(Debug, PartialEq, Eq)]
enum News {
    /// It fails, or in another way than before; all causes in one line.
    Fails(String),
    /// It works again.
    Works,
}

impl Standing {
    /// Takes in how it went, and tells what is news.
    fn take(&mut self, went: Result<(), &SigningKeysError>) -> Option<News> {
        let failure = went.err().map(|error| causes(error).to_string());
        if self.0 == failure {
            return None;
        }
        self.0.clone_from(&failure);
        Some(failure.map_or(News::Works, News::Fails))
    }
}

impl Tender {
    async fn work(mut self) {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            self.look().await;
        }
    }

    /// Looks, and makes the next key when it is time and the look went well. It is made beside the looks.
    async fn look(&mut self) {
        let looked = match timeout(LOOK_DEADLINE, self.keys.look()).await {
            Ok(Ok(())) => self.keys.forget_one().await.map_err(Into::into),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(SigningKeysError::TooSlow),
        };
        match self.looking.take(looked.as_ref().copied()) {
            Some(News::Fails(error)) => {
                tracing::error!(error, "The signing keys could not be looked at; tried again every second.");
            }
            Some(News::Works) => tracing::info!("The signing keys are looked at again."),
            None => {}
        }
        if looked.is_ok()
            && let Some(rotated) = self.rotate().await
        {
            self.say(&rotated);
        }
    }

    /// Takes the next step towards the next key.
    ///
    /// - returns: how it went, once a step came to its end.
    async fn rotate(&mut self) -> Option<Result<Option<Kid>, SigningKeysError>> {
        match self.making.take() {
            Some(making) if !making.is_finished() => {
                self.making = Some(making);
                None
            }
            Some(made) => {
                let kept = match made.await {
                    Ok(Ok(key)) => self.keys.keep_if_due(&key).await,
                    Ok(Err(error)) => Err(error),
                    Err(_) => Err(SigningKeysError::Stopped),
                };
                self.not_before = kept.is_err().then(|| Instant::now() + RETRY_AFTER);
                Some(kept)
            }
            None if !self.keys.is_due() => Some(Ok(None)),
            None if self.not_before.is_none_or(|moment| moment <= Instant::now()) => {
                self.making = Some(tokio::spawn(generated(self.keys.terms.bits)));
                None
            }
            None => None,
        }
    }

    fn say(&mut self, rotated: &Result<Option<Kid>, SigningKeysError>) {
        if let Ok(Some(kid)) = rotated {
            tracing::info!(%kid, "The next signing key is published.");
        }
        match self.rotating.take(rotated.as_ref().map(drop)) {
            Some(News::Fails(error)) => {
                let seconds = RETRY_AFTER.as_secs();
                tracing::error!(
                    error,
                    seconds,
                    "The next signing key could not be made or recorded; tried again after so long."
                );
            }
            Some(News::Works) => tracing::info!("The next signing key is there, or is not due any more."),
            None => {}
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

#[cfg(test)]
mod tests {
    use super::super::tests::House;
    use super::*;

    #[test]
    fn each_failure_is_news_once_and_so_is_its_end() {
        let mut standing = Standing::default();
        let (slow, stopped) = (SigningKeysError::TooSlow, SigningKeysError::Stopped);
        let fails = |error: &SigningKeysError| Some(News::Fails(error.to_string()));
        assert_eq!(standing.take(Ok(())), None);
        assert_eq!(standing.take(Err(&slow)), fails(&slow));
        assert_eq!(standing.take(Err(&slow)), None);
        assert_eq!(standing.take(Err(&stopped)), fails(&stopped));
        assert_eq!(standing.take(Ok(())), Some(News::Works));
        assert_eq!(standing.take(Ok(())), None);
    }
    /// A look that goes well says nothing about the next key.
    #[tokio::test]
    async fn a_rotation_that_fails_goes_on_failing_while_looks_go_well() {
        let house = House::new();
        let keys = Arc::new(house.process().await);
        house.pass(keys.terms.rotate_every);
        let fails = async { Err(SigningKeysError::Stopped) };
        let making = tokio::spawn(fails);
        while !making.is_finished() {
            tokio::task::yield_now().await;
        }
        let (looking, rotating) = (Standing::default(), Standing::default());
        let mut tender = Tender { keys, looking, rotating, making: Some(making), not_before: None };
        for _ in 0..3 {
            tender.look().await;
            assert_eq!((tender.looking.0.is_some(), tender.rotating.0.is_some()), (false, true));
        }
        assert!(tender.making.is_none(), "it is left alone for a while");
    }
}
