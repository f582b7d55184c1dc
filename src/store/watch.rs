//! Whether the database does its part: every failed and every committed transaction is noted, and an outage is logged when it
//! begins and when it ends, not at each call that meets it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::StoreError;
use crate::domain::{Outage, causes};
use crate::metrics::{FILING, Metrics};

/// How long nothing may have failed before an outage is over: one that comes and goes is one.
const CALM: Duration = Duration::from_secs(1);
/// The same where room was missing and only a look shows that there is some: a little of it is there again and again.
const FULL_FOR: Duration = Duration::from_secs(10);

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
    of_verdicts: Verdicts,
}

/// Whether verdicts were kept from being recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdicts {
    /// As far as is known they were not: other writes or reads met the fault.
    Unharmed,
    /// They were: only what is written where they are shows that it is over.
    Kept,
}

/// What shows that an outage may be over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// Another write than a verdict's was committed: other tables may be well while those of verdicts are not.
    OtherWrite,
    /// What a verdict writes could be written, and was taken back.
    Probe,
    /// Verdicts were committed.
    Verdicts,
}

impl Standing {
    /// Whether it is over by this sign.
    fn is_over(&self, sign: Sign, now: Instant) -> bool {
        let calm = match (sign, self.outage) {
            (Sign::OtherWrite, _) if self.of_verdicts == Verdicts::Kept => return false,
            (Sign::Probe, Outage::Full) => FULL_FOR,
            _ => CALM,
        };
        now.saturating_duration_since(self.failed_last) >= calm
    }
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

    /// What keeps the database from doing its part.
    pub(super) fn outage(&self) -> Option<Outage> {
        let standing = *self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.map(|standing| standing.outage)
    }

    /// Notes a transaction that failed, whatever its reason, but for one of verdicts.
    pub(super) fn failed(&self, fault: &StoreError) {
        self.metrics.store_failure();
        self.met(fault);
    }

    /// Notes a transaction of verdicts that failed, whatever its reason.
    pub(super) fn failed_batch(&self, fault: &StoreError) {
        self.metrics.store_failure();
        self.kept_a_verdict(fault);
    }

    /// Notes how filing went, which no verdict waits for.
    pub(super) fn filed(&self, filed: Result<(), &StoreError>) {
        self.metrics.upkeep_failed(FILING, filed.is_err());
        if let Err(fault) = filed {
            self.failed(fault);
            // An outage is in the log already.
            if fault.outage().is_none() {
                tracing::error!(error = %causes(fault), "Decisions could not be filed; tried again after the next.");
            }
        }
    }

    /// Notes a fault that somebody met, if it is the database's own.
    pub(super) fn met(&self, fault: &StoreError) {
        self.note((fault, Verdicts::Unharmed), Instant::now());
    }

    /// Notes a fault that kept a verdict from being recorded, if it is the database's own.
    pub(super) fn kept_a_verdict(&self, fault: &StoreError) {
        self.note((fault, Verdicts::Kept), Instant::now());
    }

    fn note(&self, (fault, of_verdicts): (&StoreError, Verdicts), now: Instant) {
        let Some(outage) = fault.outage().filter(|outage| *outage != Outage::Closed) else { return };
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *standing;
        *standing = Some(match before {
            Some(before) => Standing {
                outage: worse(before.outage, outage),
                failed_last: now,
                failures: before.failures.saturating_add(1),
                of_verdicts: if of_verdicts == Verdicts::Kept { of_verdicts } else { before.of_verdicts },
                ..before
            },
            None => Standing { outage, began: now, failed_last: now, failures: 1, of_verdicts },
        });
        drop(standing);
        self.is_out.store(true, Ordering::Relaxed);
        self.metrics.store_outage(true);
        match before {
            None => {
                tracing::error!(
                    error = %causes(fault),
                    code = outage.code(),
                    "The record cannot be written: what needs it is refused until it can. {}",
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

    /// Notes a transaction that was committed, but for one of verdicts: if nothing failed for a moment and no verdict did before, the
    /// outage is over.
    pub(super) fn committed(&self) {
        self.see(Sign::OtherWrite);
    }

    /// Notes that what a verdict writes could be written, and was taken back.
    pub(super) fn probed(&self) {
        self.see(Sign::Probe);
    }

    /// Notes a batch that was committed, how many verdicts were written in it, and how long it took.
    pub(super) fn committed_batch(&self, rows: usize, took: Duration) {
        self.metrics.store_batch(rows, took);
        let micros = took.as_micros();
        tracing::debug!(rows, micros, "Verdicts were committed.");
        // Where all were answered from the record, nothing was written.
        self.see(if rows > 0 { Sign::Verdicts } else { Sign::OtherWrite });
    }

    fn see(&self, sign: Sign) {
        if self.is_out.load(Ordering::Relaxed) {
            self.end(sign, Instant::now());
        }
    }

    fn end(&self, sign: Sign, now: Instant) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(over) = standing.take_if(|standing| standing.is_over(sign, now)) else { return };
        self.is_out.store(false, Ordering::Relaxed);
        self.metrics.store_outage(false);
        drop(standing);
        let (seconds, failures) = (over.began.elapsed().as_secs(), over.failures);
        tracing::info!(code = over.outage.code(), seconds, failures, "The record can be written again.");
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
        let stands = Watch::outage;
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
        watch.end(Sign::OtherWrite, Instant::now() + CALM);
        assert_eq!((stands(&watch), shown(&watch)), (None, false));
        // A store that this process closed is no outage, nor is a row that cannot be.
        watch.failed(&StoreError::Closed);
        watch.failed(&StoreError::TooMuchPast);
        assert_eq!(stands(&watch), None);
    }

    fn check(fault: &StoreError, sign: Sign, calm: Duration, is_over: bool) {
        let watch = Watch::new(Arc::new(Metrics::new()));
        watch.failed_batch(fault);
        watch.failed(&StoreError::TimedOut);
        watch.end(sign, Instant::now() + calm);
        assert_eq!(watch.outage().is_none(), is_over, "{fault} {sign:?} {calm:?}");
    }

    #[test]
    fn what_kept_verdicts_ends_where_verdicts_are_written() {
        let full: StoreError = sqlx::Error::Database(Box::new(DiskFull)).into();
        check(&StoreError::Busy, Sign::OtherWrite, FULL_FOR, false);
        check(&StoreError::Busy, Sign::Probe, CALM, true);
        check(&StoreError::Busy, Sign::Verdicts, CALM, true);
        // A little room is there again and again.
        check(&full, Sign::Probe, CALM, false);
        check(&full, Sign::Probe, FULL_FOR, true);
        check(&full, Sign::Verdicts, CALM, true);
    }

    /// As SQLite says it.
    #[derive(Debug, thiserror::Error)]
    #[error("database or disk is full")]
    struct DiskFull;

    impl sqlx::error::DatabaseError for DiskFull {
        fn message(&self) -> &str {
            "database or disk is full"
        }

        fn code(&self) -> Option<std::borrow::Cow<'_, str>> {
            Some("13".into())
        }

        fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> sqlx::error::ErrorKind {
            sqlx::error::ErrorKind::Other
        }
    }
}
