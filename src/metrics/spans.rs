//! What became of spans. It is held by the thread that exports them.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// Counters of spans, shared by all who hold a copy.
#[derive(Debug, Clone, Default)]
pub(crate) struct SpanCounts(Family<Outcome, Counter>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

impl SpanCounts {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("trace_spans", "Spans for the collector, by what became of them", self.0.clone());
    }

    /// The collector took them.
    pub(crate) fn exported(&self, count: u64) {
        self.count("exported", count);
    }

    /// They are lost: `queue_full` where too many waited, `not_sent` where the collector did not take them.
    pub(crate) fn dropped(&self, outcome: &'static str, count: u64) {
        self.count(outcome, count);
    }

    fn count(&self, outcome: &'static str, count: u64) {
        self.0.get_or_create(&Outcome { outcome }).inc_by(count);
    }
}
