//! What became of spans. It is held by the thread that exports them.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use super::book::Book;

/// Counters of spans, shared by all who hold a copy.
#[derive(Debug, Clone)]
pub(crate) struct SpanCounts(Family<Outcome, Counter>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

impl SpanCounts {
    pub(super) fn register(book: &mut Book) -> Self {
        let counts: Family<Outcome, Counter> =
            book.add("trace_spans", "Spans for the collector of traces, by what became of them");
        for outcome in ["exported", "queue_full", "not_sent", "rejected"] {
            drop(counts.get_or_create(&Outcome { outcome }));
        }
        Self(counts)
    }

    /// The collector took them.
    pub(crate) fn exported(&self, count: u64) {
        self.count("exported", count);
    }

    /// They are lost: `queue_full` where too many waited, `not_sent` where the collector did not take them, `rejected` where it did and
    /// threw them away.
    pub(crate) fn dropped(&self, outcome: &'static str, count: u64) {
        self.count(outcome, count);
    }

    fn count(&self, outcome: &'static str, count: u64) {
        self.0.get_or_create(&Outcome { outcome }).inc_by(count);
    }
}
