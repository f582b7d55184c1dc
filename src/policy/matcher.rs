//! From a request to a decision: pure, total, and nothing left out of the record.

use super::bundle::Bundle;
use super::condition::{Frame, Program, View};
use super::desk::DeskOverlay;
use super::outcome::{Outcome, Walked};
use super::rules::{Part, Rule};
use super::scope_file::ScopePolicy;
use super::seen::{FieldSet, Looked};
use super::steps::Walker;
use crate::domain::{Decision, Facts, History, Reason, RuleId, RulePlace, Seen, Verdict};

#[cfg(any(test, feature = "testing"))]
mod plainly;

/// Room for the outcomes of a usual scope, so that writing them does not move them.
const USUAL_OUTCOMES: usize = 64;

impl Bundle {
    /// Decides about a request.
    ///
    /// - `desk`: compiled for this bundle.
    /// - `history`: the answers to what the scope [needs](Self::needs), without this call; [`History::none`] for a scope that
    ///   needs nothing.
    ///
    /// A scope without a policy is blocked; so is one that the fraud desk paused, whatever the page sent; so is metadata
    /// that does not fit, every request for a scope whose rules convert money by rates that are too old at its moment, and
    /// one for which the answers to other questions are handed in: no rule is skipped for want of an answer. Then the
    /// rules of `always.yaml`, then the scope's own: the first whose condition holds decides, else `otherwise`. Of each
    /// rule that is tried every condition is evaluated, so that the record shows all of them. A rule that is not active at
    /// the moment of the request never matches, and one that observes is noted and passed by.
    ///
    /// The same bundle, desk, facts and history give the same decision: there is no clock, no randomness and no IO in here,
    /// and nothing that could fail.
    pub(crate) fn decide(&self, facts: &Facts, desk: &DeskOverlay, history: &History) -> Decision {
        let Some(policy) = self.policy(&facts.scope) else {
            return blocked(Reason::ScopeNotCovered, desk);
        };
        if desk.pauses(&facts.scope, facts.received_at) {
            return blocked(Reason::ScopePaused, desk);
        }
        let values = match policy.schema.check(&facts.metadata) {
            Ok(values) => values,
            Err(refusal) => return blocked(Reason::MetadataRefused(refusal.to_string().into()), desk),
        };
        if policy.needed_rates.as_ref().is_some_and(|rates| rates.are_expired_at(facts.received_at)) {
            return blocked(Reason::RatesExpired, desk);
        }
        let Some(tallies) = history.tallies(&policy.needs) else {
            return blocked(Reason::HistoryMissing, desk);
        };
        let view = View { facts, schema: &policy.schema, values: &values, tallies, desk };
        let (frame, mut looked) = (Frame::of(view), Looked::default());
        let mut outcomes = Vec::with_capacity(USUAL_OUTCOMES);
        let mut find = |rules, program: &Program| {
            let found: Option<(usize, &Rule)> =
                program.find(rules, &frame, &mut outcomes, |rule| decides_now(rule, &frame, &mut looked));
            looked.at(looked_at(rules, found.map(|(_, rule)| rule)));
            found
        };
        let decided = match find(self.always(), self.always_program()) {
            Some(always) => Some(always),
            None => find(&policy.rules, &policy.program).map(|(at, rule)| (policy.first_place + at, rule)),
        };
        answer(decided, policy, view, looked.into_seen(view, outcomes))
    }
}

/// What was looked at in rules of which this one decided.
fn looked_at(rules: &[Rule], decided: Option<&Rule>) -> FieldSet {
    decided.or(rules.last()).map_or_else(FieldSet::default, |last| last.looks_at)
}

/// Whether a rule decides whose condition holds. The conditions of a rule that is not there now, or only observes, are
/// evaluated all the same: so what the record shows has one form for each bundle, whatever the time.
fn decides_now(rule: &Rule, frame: &Frame<'_>, looked: &mut Looked) -> bool {
    let held = rule.active.includes(frame.received_at());
    if held && rule.part == Part::Observes {
        looked.observed(&rule.id);
    }
    held && rule.part == Part::Decides
}

fn blocked(reason: Reason, desk: &DeskOverlay) -> Decision {
    Decision {
        verdict: Verdict::Block,
        rule: None,
        place: None,
        reason,
        seen: Seen { values_json: "{}".into(), outcomes: String::new() },
        desk: desk.revision(),
    }
}

fn answer(decided: Option<(usize, &Rule)>, policy: &ScopePolicy, view: View<'_>, seen: Seen) -> Decision {
    let (outcome, rule, reason): (&Outcome, Option<RuleId>, Reason) = match decided {
        Some((_, rule)) => (&rule.then, Some(rule.id.clone()), Reason::RuleMatched),
        None => (&policy.otherwise, None, Reason::Otherwise),
    };
    let (verdict, walked) = outcome.resolve(&Walker::of(view.facts));
    let reason = if walked == Walked::Else { Reason::PlanNotWalkable } else { reason };
    let place = decided.map(|(place, _)| RulePlace(place));
    Decision { verdict, rule, place, reason, seen, desk: view.desk.revision() }
}

#[cfg(test)]
mod tests;
