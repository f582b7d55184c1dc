//! Waiting for a verification: the backend asks once, and is answered when there is something new.
//!
//! A change in this process wakes those who wait for it at once; one in another process is seen at the next look at the record.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant;

use super::shown::{LOOKERS, VerificationShown};
use super::{App, VerificationError};
use crate::app::access::require_one_of;
use crate::app::post::Reply;
use crate::domain::{Caller, Verification, VerificationId};

/// The longest wait: below what proxies cut.
const WAIT_SECONDS_MAX: u64 = 60;
/// How often the record is looked at for what other processes did.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long to wait for what, as it comes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WaitQuery {
    wait: Option<String>,
    after: Option<u32>,
}

impl WaitQuery {
    /// Whether the caller waits for news.
    pub(crate) const fn waits(&self) -> bool {
        self.wait.is_some()
    }
}

/// Who waits in this process.
#[derive(Debug)]
pub(in crate::app) struct Waiters {
    places: Semaphore,
    bells: Mutex<HashMap<VerificationId, Arc<Notify>>>,
    closing: watch::Sender<bool>,
}

impl Waiters {
    /// Room for so many.
    pub(in crate::app) fn at_most(places: usize) -> Self {
        let places = Semaphore::new(places.min(Semaphore::MAX_PERMITS));
        Self { places, bells: Mutex::default(), closing: watch::Sender::new(false) }
    }

    /// Has everybody who waits for this verification look again.
    pub(in crate::app) fn wake(&self, id: VerificationId) {
        let bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = bells.get(&id) {
            bell.notify_waiters();
        }
    }

    fn bell(&self, id: VerificationId) -> Bell<'_> {
        let mut bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        Bell { waiters: self, id, rung: Arc::clone(bells.entry(id).or_default()) }
    }
}

/// What a waiter listens to. It goes with the waiter, also with one whose caller hung up: then nobody is left to take it down.
struct Bell<'w> {
    waiters: &'w Waiters,
    id: VerificationId,
    rung: Arc<Notify>,
}

impl Drop for Bell<'_> {
    fn drop(&mut self) {
        let mut bells = self.waiters.bells.lock().unwrap_or_else(PoisonError::into_inner);
        // The list's own and this one: nobody else listens.
        if Arc::strong_count(&self.rung) <= 2 {
            bells.remove(&self.id);
        }
    }
}

impl App {
    /// Shows a verification; with `wait`, once it is newer than `after` or final, else unchanged at the end of the wait.
    ///
    /// # Errors
    /// [`VerificationError`]; nothing was shown.
    pub(crate) async fn verification(
        &self,
        caller: &Caller,
        id: &str,
        query: WaitQuery,
    ) -> Result<Reply, VerificationError> {
        require_one_of(caller, &LOOKERS)?;
        let wait = query.wait.as_deref().map(seconds).transpose()?;
        if wait.is_none() && query.after.is_some() {
            return Err(VerificationError::Filter("after"));
        }
        let mut found = self.visible(caller, id).await?;
        self.note_look(caller, &found).await?;
        if let Some(wait) = wait {
            let after = query.after.unwrap_or(found.version);
            if !self.is_news(&found, after) {
                found = self.wait_for_news(found, after, wait).await?;
            }
        }
        Ok(Reply::of(200, &VerificationShown::of(&found, self.now())))
    }

    /// Sends everybody away who waits, with what they have: the server is about to end.
    pub(crate) fn let_waiters_go(&self) {
        self.waiters.closing.send_replace(true);
    }

    fn is_news(&self, found: &Verification, after: u32) -> bool {
        found.version > after || found.state_at(self.now()).is_final()
    }

    async fn wait_for_news(
        &self,
        found: Verification,
        after: u32,
        wait: Duration,
    ) -> Result<Verification, VerificationError> {
        let _place = self.waiters.places.try_acquire().map_err(|_| VerificationError::TooManyWaiters)?;
        let bell = self.waiters.bell(found.opening.id);
        self.watch(found, &bell.rung, (after, Instant::now() + wait)).await
    }

    async fn watch(
        &self,
        mut found: Verification,
        bell: &Notify,
        (after, end): (u32, Instant),
    ) -> Result<Verification, VerificationError> {
        let mut closing = self.waiters.closing.subscribe();
        loop {
            // Before the look, so that nothing that happens after it is missed.
            let rung = bell.notified();
            tokio::pin!(rung);
            rung.as_mut().enable();
            let id = found.opening.id;
            found = self.parts.store.verification(id).await?.ok_or(VerificationError::NotFound)?;
            let is_over = Instant::now() >= end || *closing.borrow_and_update();
            if is_over || self.is_news(&found, after) {
                return Ok(found);
            }
            let next_look = (Instant::now() + LOOK_EVERY).min(end);
            tokio::select! {
                () = rung => {}
                _ = closing.changed() => {}
                () = tokio::time::sleep_until(next_look) => {}
            }
        }
    }
}

fn seconds(text: &str) -> Result<Duration, VerificationError> {
    let number = text.strip_suffix('s').and_then(|digits| digits.parse::<u64>().ok());
    number
        .filter(|seconds| (1..=WAIT_SECONDS_MAX).contains(seconds))
        .map(Duration::from_secs)
        .ok_or(VerificationError::Filter("wait"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn a_bell_goes_with_the_last_who_listens_however_they_go() {
        let waiters = Waiters::at_most(2);
        let id = VerificationId::new(Timestamp::from_unix_seconds(0), [1; 10]);
        let count = || waiters.bells.lock().expect("not poisoned").len();
        let (one, two) = (waiters.bell(id), waiters.bell(id));
        drop(one);
        assert_eq!(count(), 1, "somebody listens");
        drop(two);
        assert_eq!(count(), 0);
    }
}
