//! The counters of verdicts, held with the bundle in force: a verdict is counted without a look-up.

use std::time::Duration;

use crate::domain::{ReasonKind, RulePlace, VerdictKind, VerdictTally};
use crate::metrics::{Count, Latency, Metrics};
use crate::policy::Bundle;

/// A counter for each kind of verdict and reason, and for each rule of one bundle.
pub(in crate::app) struct VerdictCounts {
    by_reason: [[Count; ReasonKind::ALL.len()]; VerdictKind::ALL.len()],
    rules: Vec<Count>,
    evaluations: Latency,
}

impl VerdictCounts {
    /// Finds the counters for a bundle that comes into force; those of rules that it has not are forgotten.
    pub(in crate::app) fn of(bundle: &Bundle, metrics: &Metrics) -> Self {
        Self {
            by_reason: VerdictKind::ALL.map(|verdict| {
                ReasonKind::ALL.map(|reason| metrics.verdict_count(verdict.as_str(), reason.as_str()))
            }),
            rules: metrics.rule_counts(
                bundle.deciding_rules().map(|named| named.map(|(policy, rule)| (policy, rule.as_str()))),
            ),
            evaluations: metrics.evaluations().clone(),
        }
    }

    /// Counts a verdict that was recorded.
    pub(super) fn count(&self, tally: VerdictTally) {
        let of_verdict =
            VerdictKind::ALL.iter().zip(&self.by_reason).find(|(kind, _)| **kind == tally.verdict);
        let of_reason = of_verdict.and_then(|(_, counts)| {
            ReasonKind::ALL.iter().zip(counts).find(|(kind, _)| **kind == tally.reason)
        });
        of_reason.into_iter().for_each(|(_, count)| count.one());
        let rule = tally.place.and_then(|RulePlace(place)| self.rules.get(place));
        rule.into_iter().for_each(Count::one);
        self.evaluations.took(Duration::from_nanos(tally.evaluation_ns.into()));
    }
}
