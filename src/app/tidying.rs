//! What has to be done from time to time, in small steps, and never in a request.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::App;
use super::care::{EraseError, erase_queued};
use crate::domain::causes;
use crate::metrics::TIDYING;
use crate::store::StoreError;

/// How often there is a look whether something is to be done.
const EVERY: Duration = Duration::from_secs(5);
/// How many rows a step takes: the writer serves others between two steps.
const STEP_ROWS: u32 = 200;

impl App {
    /// Starts the task that notes what expired and forgets what is kept for a time only.
    ///
    /// - `stop`: ends the task when it becomes true.
    pub(crate) fn keep_tidy(self: &Arc<Self>, stop: &watch::Receiver<bool>) -> JoinHandle<()> {
        let (app, mut stop) = (Arc::clone(self), stop.clone());
        tokio::spawn(async move {
            loop {
                let tidied = app.tidy().await;
                app.metrics().upkeep_failed(TIDYING, tidied.is_err());
                if let Err(fault) = tidied
                    // An outage is in the log already.
                    && fault.outage().is_none()
                {
                    tracing::warn!(error = %causes(&fault), "The record could not be tidied; it is tried again.");
                }
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => return,
                    () = tokio::time::sleep(EVERY) => {}
                }
            }
        })
    }

    /// Does all that is to be done now.
    ///
    /// # Errors
    /// The record could not be written; what was done stays done.
    pub(crate) async fn tidy(&self) -> Result<(), StoreError> {
        loop {
            let expired = self.parts.store.expire_verifications(self.now(), STEP_ROWS).await?;
            expired.iter().for_each(|id| self.waiters.wake(*id));
            self.metrics().verifications_expired(expired.len());
            if expired.len() < usize::try_from(STEP_ROWS).unwrap_or(usize::MAX) {
                break;
            }
        }
        while self.parts.store.settle_some(self.now()).await? {}
        while self.parts.store.forget_answers(self.now(), STEP_ROWS).await? >= u64::from(STEP_ROWS) {}
        self.approved.forget_before(self.parts.store.erasure_revision().await?);
        self.refresh_retired_keys().await?;
        self.erase_waiting().await
    }

    /// Erases who waits for it, where this process may: over its own connection, or over the second role's.
    async fn erase_waiting(&self) -> Result<(), StoreError> {
        let (store, now) = (&self.parts.store, self.now());
        if !self.takes_events() || store.next_erasure(now).await?.is_none() {
            return Ok(());
        }
        let digest = &self.parts.identifier_digest;
        let erased = if store.may_erase().await? {
            erase_queued(store, digest, now).await
        } else {
            let Some(care) = self.open_care().await? else { return Ok(()) };
            let erased = erase_queued(care.store(), digest, now).await;
            care.release().await?;
            erased
        };
        match erased {
            Ok(_) | Err(EraseError::OnHold(_)) => Ok(()),
            Err(EraseError::Store(fault)) => Err(fault),
        }
    }
}
