//! The matcher as its readers think of it: rule by rule, each condition's tree walked as the file has it, nothing compiled.
//!
//! Nobody is served by it. Whatever a test or the fuzz target decides is decided by it too, so that the two forms of one
//! condition cannot drift apart unnoticed (docs/decisions/0030-conditions-become-numbers.md).

use crate::domain::{Facts, History, RuleId};
use crate::policy::bundle::Bundle;
use crate::policy::condition::{Condition, View};
use crate::policy::desk::DeskOverlay;
use crate::policy::rules::Part;

impl Bundle {
    /// The rule that decides, and the outcome of each condition up to it, as they are recorded.
    ///
    /// - returns: `None` where no rule is tried, because of what the request or the moment lacks.
    pub(crate) fn find_plainly(
        &self,
        facts: &Facts,
        desk: &DeskOverlay,
        history: &History,
    ) -> Option<(Option<&RuleId>, String)> {
        let policy = self.policy(&facts.scope).filter(|_| !desk.pauses(&facts.scope, facts.received_at))?;
        let values = policy.schema.check(&facts.metadata).ok()?;
        let rates = policy.needed_rates.as_ref();
        if rates.is_some_and(|rates| rates.are_expired_at(facts.received_at)) {
            return None;
        }
        let tallies = history.tallies(&policy.needs)?;
        let view = View { facts, schema: &policy.schema, values: &values, tallies, desk };
        let mut outcomes = String::new();
        for rule in self.always().iter().chain(&policy.rules) {
            let held = holds(&rule.when, view, &mut outcomes);
            if held && rule.active.includes(facts.received_at) && rule.part == Part::Decides {
                return Some((Some(&rule.id), outcomes));
            }
        }
        Some((None, outcomes))
    }
}

/// Asks every question of a condition, in file order.
fn holds(condition: &Condition, view: View<'_>, outcomes: &mut String) -> bool {
    let mut all_of =
        |parts: &[Condition]| -> Vec<bool> { parts.iter().map(|part| holds(part, view, outcomes)).collect() };
    match condition {
        Condition::Always => true,
        Condition::Leaf(leaf) => {
            let held = leaf.holds(view);
            outcomes.push(if held { '1' } else { '0' });
            held
        }
        Condition::All(parts) => all_of(parts).into_iter().all(|held| held),
        Condition::Any(parts) => all_of(parts).into_iter().any(|held| held),
        Condition::Not(part) => !holds(part, view, outcomes),
    }
}
