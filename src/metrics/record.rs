//! The record: batches, queue, outages, and what is looked up in the database now and then.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use super::book::Book;
use super::handles::{Maybe, rows, waiting};
use super::labels::{Rows, Upkeep};
use super::{Fill, Latency, Metrics, level};

/// Upkeep: what expires is noted, who waits for it is erased.
pub(crate) const TIDYING: &str = "tidying";
/// Upkeep: decisions are filed, on SQLite.
pub(crate) const FILING: &str = "filing";

/// What is counted of the record.
#[derive(Debug)]
pub(super) struct Record {
    batch_rows: Histogram,
    commits: Latency,
    queue_depth: Gauge,
    queue_limit: Gauge,
    failures: Counter,
    outage: Gauge,
    retained: Family<Rows, Counter>,
    retention_failed: Gauge,
    upkeep_failed: Family<Upkeep, Gauge>,
    looked_at: Maybe<i64>,
    clock_difference: Maybe<f64>,
}

impl Record {
    pub(super) fn register(book: &mut Book) -> Self {
        Self {
            batch_rows: book.take(
                "store_batch_rows",
                "Verdicts that were written in one transaction; the sum is all of them",
                rows(),
            ),
            commits: Latency::of(book.take(
                "store_commit_duration_seconds",
                "How long a transaction of verdicts took, from its begin until it was durable",
                waiting(),
            )),
            queue_depth: book.add("store_queue_depth", "Writes that wait for the writer"),
            queue_limit: book
                .add("store_queue_limit", "The most writes that may wait; one more is refused with 503"),
            failures: book.add(
                "store_failures",
                "Write transactions that failed; of those without verdicts only where the database was at fault",
            ),
            outage: book.add("store_outage", "1 while the database does not do its part"),
            retained: book.add("retention_deleted", "Rows that had had their time and went, by kind"),
            retention_failed: book.add(
                "retention_failed",
                "1 while what has had its time could not all be deleted at the last try",
            ),
            upkeep_failed: book.add(
                "upkeep_failed",
                "1 while what is done in the background could not be done at the last try: `tidying` (what expires, who is to be \
                 erased) or `filing` (SQLite: by which repeats and the past are found)",
            ),
            looked_at: book.add(
                "database_looked_at_timestamp_seconds",
                "When the numbers that are asked of the database were last asked, in Unix seconds: every \
                 30 seconds while it answers",
            ),
            clock_difference: book.add(
                "database_clock_difference_seconds",
                "Our clock less that of the PostgreSQL server, in seconds (as of \
                 doorstep_database_looked_at_timestamp_seconds)",
            ),
        }
    }
}

impl Metrics {
    /// Counts a committed write transaction, the verdicts in it, and how long it took.
    pub(crate) fn store_batch(&self, rows: usize, took: Duration) {
        self.record.batch_rows.observe(u32::try_from(rows).map_or(f64::MAX, f64::from));
        self.record.commits.took(took);
    }

    /// Counts a write transaction that failed.
    pub(crate) fn store_failure(&self) {
        self.record.failures.inc();
    }

    /// States whether the database does its part.
    pub(crate) fn store_outage(&self, is_out: bool) {
        self.record.outage.set(i64::from(is_out));
    }

    /// States how many writes wait for the writer, and how many may.
    pub(crate) fn store_queue(&self, writes: Fill) {
        self.record.queue_depth.set(level(writes.now));
        self.record.queue_limit.set(level(writes.most));
    }

    /// Counts rows that had had their time.
    pub(crate) fn retained(&self, what: &'static str, rows: u64) {
        self.record.retained.get_or_create(&Rows { what }).inc_by(rows);
    }

    /// States whether what has had its time could not all be deleted.
    pub(crate) fn retention_failed(&self, failed: bool) {
        self.record.retention_failed.set(i64::from(failed));
    }

    /// States whether something that is done in the background could not be done.
    pub(crate) fn upkeep_failed(&self, upkeep: &'static str, failed: bool) {
        self.record.upkeep_failed.get_or_create(&Upkeep { what: upkeep }).set(i64::from(failed));
    }

    /// States when the database was asked, in Unix seconds, and how far our clock is ahead of its own, in seconds, where it has one.
    pub(crate) fn database_looked_at(&self, unix_seconds: i64, clock_difference: Option<f64>) {
        self.record.looked_at.set(Some(unix_seconds));
        self.record.clock_difference.set(clock_difference);
    }
}
