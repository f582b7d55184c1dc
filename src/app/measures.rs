//! What is measured of the whole: from memory whenever somebody looks, from the database now and then.
//!
//! Whoever looks at the metrics waits for nothing, whatever state the database is in: what it was asked last is shown, and when.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::App;
use super::retaining::Retained;
use crate::callbacks::{CallbackFault, Providers};
use crate::domain::{Became, PreludeNews, Timestamp};
use crate::metrics::{FILING, Fill, Metrics, TIDYING};
use crate::prelude::{HookFlaw, RemoteKeySet, SignatureFault, VerificationKey};
use crate::store::StoreError;

/// How often the database is asked.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How long its answers may take; what it was asked last stays until it answers again.
const LOOK_DEADLINE: Duration = Duration::from_secs(2);

impl App {
    /// States what is known without asking anybody, for whoever looks at the metrics now.
    pub(crate) fn measure(&self) {
        let (metrics, now) = (self.metrics(), self.now());
        let (waiting, limit) = self.parts.store.queue();
        metrics.store_queue(Fill { now: waiting, most: limit });
        metrics.retention_failed(self.last_retention.failure().is_some());
        metrics.process();
        self.parts.signing_keys.measure(metrics);
        measure_key_set(&self.parts.hook_keys, metrics, now);
        measure_key_set(&self.parts.step_up_keys, metrics, now);
    }

    /// Starts the task that asks the database what is shown of it.
    ///
    /// - `stop`: ends the task when it becomes true.
    pub(crate) fn keep_measuring(self: &Arc<Self>, stop: &watch::Receiver<bool>) -> JoinHandle<()> {
        let (app, mut stop) = (Arc::clone(self), stop.clone());
        tokio::spawn(async move {
            let looks = async {
                loop {
                    // Whether the database answers is told by others: the log, `doorstep_store_outage`, `/readyz`. Where nobody calls
                    // and nobody asks whether we are ready, an outage ends here.
                    drop(timeout(LOOK_DEADLINE, app.parts.store.ping_in_an_outage()).await);
                    drop(timeout(LOOK_DEADLINE, app.measure_database()).await);
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            };
            tokio::select! {
                () = looks => {}
                _ = stop.wait_for(|stopped| *stopped) => {}
            }
        })
    }

    /// Asks the database now.
    ///
    /// # Errors
    /// It did not answer; what it was asked before stays.
    pub(crate) async fn measure_database(&self) -> Result<(), StoreError> {
        let (store, metrics) = (&self.parts.store, self.metrics());
        let asked_at = self.now();
        let clock = store.database_clock().await?;
        let answered_at = self.now();
        let pending = store.pending_verifications(answered_at).await?;
        let halfway = asked_at.plus(answered_at.since(asked_at) / 2);
        for (age, count) in [
            ("under_5m", pending.under_5m),
            ("under_1h", pending.under_1h),
            ("under_1d", pending.under_1d),
            ("older", pending.older),
        ] {
            metrics.verifications_pending(age, count);
        }
        metrics.oldest_pending(pending.oldest.map(Timestamp::unix_seconds));
        metrics.database_looked_at(answered_at.unix_seconds(), clock.map(|theirs| ahead(halfway, theirs)));
        Ok(())
    }
}

/// Has counters start at zero whose first count somebody waits for: Prometheus sees an increase only of what was there before.
pub(super) fn count_from_zero(metrics: &Metrics, providers: &Providers) {
    // Calls that are Prelude's and are refused all the same: nobody else can cause them.
    HookFlaw::CODES
        .iter()
        .chain([&SignatureFault::RetiredKey.code()])
        .for_each(|cause| metrics.no_hook_refusal_yet(cause));
    for upkeep in [TIDYING, FILING] {
        metrics.upkeep_failed(upkeep, false);
    }
    PreludeNews::failures().for_each(|reason| metrics.no_hook_failure_yet(reason));
    Retained::default().rows().into_iter().for_each(|(what, none)| metrics.retained(what, none));
    for source in providers.iter() {
        let amiss = Became::AMISS.map(Became::as_str).into_iter();
        for outcome in CallbackFault::ALL.map(CallbackFault::code).into_iter().chain(amiss) {
            metrics.no_callback_yet(source.name().as_str(), outcome);
        }
    }
}

/// How far one clock is ahead of another, in seconds; negative where it is behind.
fn ahead(ours: Timestamp, theirs: Timestamp) -> f64 {
    let sign = if ours < theirs { -1.0 } else { 1.0 };
    ours.since(theirs).max(theirs.since(ours)).as_secs_f64().copysign(sign)
}

fn measure_key_set<K: VerificationKey>(set: &RemoteKeySet<K>, metrics: &Metrics, now: Timestamp) {
    let confirmed = set.confirmed_at().map(Timestamp::unix_seconds);
    metrics.key_set(K::SET, set.trusted(now).is_some(), confirmed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_ahead_or_behind() {
        let at = |millis: i64| Timestamp::from_unix_micros(millis * 1000);
        assert_eq!([ahead(at(1500), at(0)), ahead(at(0), at(1500)), ahead(at(7), at(7))], [1.5, -1.5, 0.0]);
    }
}
