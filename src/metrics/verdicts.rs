//! Verdicts by what they are, why, and by which rule.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use super::book::Book;
use super::handles::evaluating;
use super::labels::{PolicyAndRule, VerdictAndReason};
use super::{Count, Latency, Metrics};

/// The most rules of a bundle that are counted by name; the others are counted together.
const RULES_COUNTED_MAX: usize = 1000;
/// Both labels of those others: no file and no rule can be called so.
const OTHERS: &str = "(others)";

/// What becomes of genuine calls.
#[derive(Debug)]
pub(super) struct Verdicts {
    by_reason: Family<VerdictAndReason, Counter>,
    by_rule: Family<PolicyAndRule, Counter>,
    known_rules: Mutex<HashSet<PolicyAndRule>>,
    evaluations: Latency,
    repeated: Counter,
    stale: Counter,
}

impl Verdicts {
    pub(super) fn register(book: &mut Book) -> Self {
        Self {
            by_reason: book.add("verdicts", "Verdicts recorded and answered, by what they are and why"),
            by_rule: book.add(
                "rule_verdicts",
                "Verdicts recorded, by the rule of the policy in force that decided; beyond 1000 rules the others \
                 share one series",
            ),
            known_rules: Mutex::default(),
            evaluations: Latency::of(book.take(
                "evaluation_duration_seconds",
                "How long it took to evaluate the rules, of verdicts recorded",
                evaluating(),
            )),
            repeated: book.add("repeated_calls", "Hook calls answered from an earlier record"),
            stale: book.add("stale_verdicts", "Verdicts made anew because the fraud desk had acted"),
        }
    }
}

impl Metrics {
    /// The counter of verdicts of a kind, for a reason of a kind.
    pub(crate) fn verdict_count(&self, verdict: &'static str, reason: &'static str) -> Count {
        Count::of(self.verdicts.by_reason.get_or_create_owned(&VerdictAndReason { verdict, reason }))
    }

    /// A counter for each rule of a bundle that comes into force. Rules that it has no longer are forgotten, and those that stay
    /// go on.
    ///
    /// - `names`: policy and rule, in the order of the counters; `None` for a rule that never decides, whose counter is shown to
    ///   nobody. Names of the bundle in force, never of an older one.
    pub(crate) fn rule_counts<'n>(
        &self,
        names: impl Iterator<Item = Option<(&'n str, &'n str)>>,
    ) -> Vec<Count> {
        let mut known = self.verdicts.known_rules.lock().unwrap_or_else(PoisonError::into_inner);
        let mut current = HashSet::new();
        let mut count = |(policy, rule): (&str, &str)| {
            let label = match current.len() {
                0..RULES_COUNTED_MAX => PolicyAndRule { policy: policy.to_owned(), rule: rule.to_owned() },
                _ => PolicyAndRule { policy: OTHERS.to_owned(), rule: OTHERS.to_owned() },
            };
            let count = Count::of(self.verdicts.by_rule.get_or_create_owned(&label));
            current.insert(label);
            count
        };
        let counts = names.map(|named| named.map_or_else(Count::default, &mut count)).collect();
        for gone in known.difference(&current) {
            self.verdicts.by_rule.remove(gone);
        }
        *known = current;
        counts
    }

    /// How long evaluations take.
    pub(crate) const fn evaluations(&self) -> &Latency {
        &self.verdicts.evaluations
    }

    /// Counts a call that got an earlier call's answer.
    pub(crate) fn repeated_call(&self) {
        self.verdicts.repeated.inc();
    }

    /// Counts a verdict that was not recorded because the fraud desk had acted.
    pub(crate) fn stale_verdict(&self) {
        self.verdicts.stale.inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(metrics: &Metrics) -> Vec<String> {
        let text = metrics.render();
        let lines = text.lines().filter(|line| line.starts_with("doorstep_rule_verdicts_total{"));
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn rules_that_stay_go_on_and_those_that_went_are_forgotten() {
        let metrics = Metrics::new();
        let before =
            metrics.rule_counts([Some(("transfer", "small")), Some(("transfer", "large"))].into_iter());
        before[0].one();
        before[1].one();
        let after =
            metrics.rule_counts([Some(("profile", "small")), None, Some(("transfer", "large"))].into_iter());
        before[0].one();
        before[1].one();
        after.iter().skip(1).for_each(Count::one);
        let mut lines = series(&metrics);
        lines.sort_unstable();
        assert_eq!(
            lines,
            [
                r#"doorstep_rule_verdicts_total{policy="profile",rule="small"} 0"#,
                r#"doorstep_rule_verdicts_total{policy="transfer",rule="large"} 3"#,
            ]
        );
    }

    #[test]
    fn beyond_a_bound_rules_are_counted_together() {
        let metrics = Metrics::new();
        let names: Vec<_> = (0..RULES_COUNTED_MAX + 5).map(|n| format!("rule-{n}")).collect();
        let counts = metrics.rule_counts(names.iter().map(|name| Some(("transfer", name.as_str()))));
        counts.iter().for_each(Count::one);
        let lines = series(&metrics);
        assert_eq!(lines.len(), RULES_COUNTED_MAX + 1);
        let others = r#"doorstep_rule_verdicts_total{policy="(others)",rule="(others)"} 5"#;
        assert!(lines.iter().any(|line| line == others));
    }
}
