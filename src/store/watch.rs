//! Whether the database does its part: every failed and every committed transaction is noted, and an outage is logged when it
//! begins and when it ends, not at each call that meets it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::StoreError;
use crate::domain::Outage;
use crate::metrics::Metrics;

/// How long nothing may have failed before an outage is over: one that comes and goes is one.
const CALM: Duration = Duration::from_secs(1);

/// What is known of the database's health.
#[derive(Debug)]
pub(super) struct Watch {
    metrics: Arc<Metrics>,
    /// Whether there is an outage: what every call looks at without a lock.
    is_out: AtomicBool,
    standing: Mutex<Option<Standing>>,
}

/// An outage that is not over.
#[derive(Debug, Clone, Copy)]
struct Standing {
    outage: Outage,
    began: Instant,
    failed_last: Instant,
    failures: u64,
}

impl Watch {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, is_out: AtomicBool::new(false), standing: Mutex::new(None) }
    }

    /// Where things are counted.
    #[cfg(test)]
    fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// What keeps the database from doing its part, and since when it has not failed any more.
    pub(super) fn outage(&self) -> Option<(Outage, Duration)> {
        let standing = *self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.map(|standing| (standing.outage, standing.failed_last.elapsed()))
    }

    /// Notes a transaction that failed, whatever its reason.
    pub(super) fn failed(&self, fault: &StoreError) {
        self.metrics.store_failure();
        self.met(fault);
    }

    /// Notes a fault that somebody met, if it is the database's own.
    pub(super) fn met(&self, fault: &StoreError) {
        if let Some(outage) = fault.outage().filter(|outage| *outage != Outage::Closed) {
            self.note(outage, fault, Instant::now());
        }
    }

    fn note(&self, outage: Outage, fault: &StoreError, now: Instant) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *standing;
        *standing = Some(match before {
            Some(before) => Standing {
                outage: worse(before.outage, outage),
                failed_last: now,
                failures: before.failures.saturating_add(1),
                ..before
            },
            None => Standing { outage, began: now, failed_last: now, failures: 1 },
        });
        drop(standing);
        self.is_out.store(true, Ordering::Relaxed);
        self.metrics.store_outage(true);
        match before {
            None => {
                let error: &(dyn std::error::Error + 'static) = fault;
                tracing::error!(
                    error,
                    code = outage.code(),
                    "The record cannot be written: calls are refused until it can. {}",
                    outage.advice()
                );
            }
            Some(before) if worse(before.outage, outage) != before.outage => {
                tracing::error!(
                    code = outage.code(),
                    "Why the record cannot be written: {}",
                    outage.advice()
                );
            }
            Some(_) => {}
        }
    }

    /// Notes a transaction that was committed: if nothing failed for a moment, the outage is over.
    pub(super) fn committed(&self) {
        if self.is_out.load(Ordering::Relaxed) {
            self.end(Instant::now());
        }
    }

    fn end(&self, now: Instant) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let is_calm = |standing: &mut Standing| now.saturating_duration_since(standing.failed_last) >= CALM;
        let Some(over) = standing.take_if(is_calm) else { return };
        self.is_out.store(false, Ordering::Relaxed);
        self.metrics.store_outage(false);
        drop(standing);
        let (seconds, failures) = (over.began.elapsed().as_secs(), over.failures);
        tracing::info!(code = over.outage.code(), seconds, failures, "The record can be written again.");
    }

    /// Notes a batch that was committed, how many verdicts were written in it, and how long it took.
    pub(super) fn committed_batch(&self, rows: usize, took: Duration) {
        self.metrics.store_batch(rows, took);
        self.committed();
    }
}

/// Of two reasons for one outage the one that says more: that something took too long is what most of them look like from afar.
const fn worse(before: Outage, now: Outage) -> Outage {
    match (before, now) {
        (_, Outage::TimedOut | Outage::Busy | Outage::Closed | Outage::Other) => before,
        (Outage::TimedOut | Outage::Busy | Outage::Closed | Outage::Other, now) => now,
        (_, now) => now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_begins_with_a_failure_and_ends_with_a_commit_after_a_calm() {
        let watch = Watch::new(Arc::new(Metrics::new()));
        let stands = |watch: &Watch| watch.outage().map(|(outage, _)| outage);
        let shown = |watch: &Watch| watch.metrics().render().contains("doorstep_store_outage 1\n");
        watch.committed();
        assert_eq!((stands(&watch), shown(&watch)), (None, false));
        watch.failed(&StoreError::TimedOut);
        assert_eq!((stands(&watch), shown(&watch)), (Some(Outage::TimedOut), true));
        // What says more replaces what says less, and not the other way round.
        watch.failed(&sqlx::Error::Io(std::io::ErrorKind::ConnectionRefused.into()).into());
        watch.failed(&StoreError::TimedOut);
        assert_eq!(stands(&watch), Some(Outage::Unreachable));
        watch.committed();
        assert_eq!(stands(&watch), Some(Outage::Unreachable), "it may come and go");
        watch.end(Instant::now() + CALM);
        assert_eq!((stands(&watch), shown(&watch)), (None, false));
        // A store that this process closed is no outage, nor is a row that cannot be.
        watch.failed(&StoreError::Closed);
        watch.failed(&StoreError::TooMuchPast);
        assert_eq!(stands(&watch), None);
    }
}
