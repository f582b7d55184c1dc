//! Why a decision is what it is: rule by rule until the match, each condition with what it saw and how it came out.
//!
//! Everything comes from what is recorded and the bundle that decided, so a decision of last year is explained as well
//! as one of just now, and neither shows a personal value that the record masks.

use serde::Serialize;
use serde_json::{Map, Value};

use super::bundle::Bundle;
use super::trace::{Parts, Recorded, Traced};
use crate::domain::{Decision, Facts, PauseTold, RuleId, Scope, Timestamp, Verdict};

mod page;

/// What is recorded of a decision, as far as it explains it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'r> {
    /// For what.
    pub(crate) scope: &'r Scope,
    /// `continue`, `review` or `block`.
    pub(crate) verdict: &'r str,
    /// A review's steps in walking order, with one blank between.
    pub(crate) step_keys: Option<&'r str>,
    /// The rule that decided, where one did.
    pub(crate) rule: Option<&'r RuleId>,
    /// Why, as code or words.
    pub(crate) reason: &'r str,
    /// JSON object: what the conditions saw.
    pub(crate) seen_json: &'r str,
    /// One character a condition.
    pub(crate) outcomes: &'r str,
    /// The pause of the scope, where that decided and is known.
    pub(crate) pause: Option<&'r PauseTold>,
    /// When the request arrived.
    pub(crate) received_at: Timestamp,
}

/// Why a decision is what it is. As JSON its shape is stable: members may be added, none changes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct Explanation {
    verdict: String,
    steps: Vec<String>,
    rule: Option<RuleId>,
    reason: String,
    message: Option<String>,
    /// The fraud desk's pause, where that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pause: Option<PauseTold>,
    /// The rules that were tried, in their order; the last is the one that decided, if one did.
    rules: Vec<RuleTold>,
}

/// A rule that was tried.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ExplainedRule))]
struct RuleTold {
    id: RuleId,
    file: String,
    line: usize,
    held: bool,
    /// Whether the rule was there at the moment of the request (`active`).
    active: bool,
    /// Whether the rule is only noted, and never decides (`observe`).
    observes: bool,
    when: ConditionTold,
}

/// A condition, and how it came out.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ExplainedCondition, no_recursion))]
enum ConditionTold {
    /// `when: always`.
    Always { held: bool },
    /// One question about one field, in the file's words. `saw` is what is recorded: masked where it is personal, null
    /// where the field was absent, and missing where nothing is recorded.
    Test {
        field: String,
        asks: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        saw: Option<Value>,
        held: bool,
    },
    /// `all`, or several conditions in one map.
    All { held: bool, parts: Vec<Self> },
    /// `any`.
    Any { held: bool, parts: Vec<Self> },
    /// `not`.
    Not { held: bool, part: Box<Self> },
}

impl Bundle {
    /// Explains a decision of this bundle from its record.
    ///
    /// - returns: `None` when the record does not fit: another bundle decided, or another version of the language.
    pub(crate) fn explain(&self, told: Told<'_>) -> Option<Explanation> {
        let Told { scope, rule, reason, outcomes, received_at, .. } = told;
        let tried = self.trace(Recorded { scope, rule, reason, outcomes, received_at })?;
        let seen: Map<String, Value> = serde_json::from_str(told.seen_json).ok()?;
        let rules = tried.iter().map(|tried| RuleTold {
            id: tried.rule.id.clone(),
            file: tried.file.to_owned(),
            line: tried.rule.line,
            held: tried.traced.held,
            active: tried.active,
            observes: tried.rule.observes(),
            when: ConditionTold::of(&tried.traced, &seen),
        });
        Some(Explanation {
            verdict: told.verdict.to_owned(),
            steps: told.step_keys.iter().flat_map(|keys| keys.split(' ')).map(str::to_owned).collect(),
            rule: rule.cloned(),
            reason: reason.to_owned(),
            message: rule.and_then(|rule| self.message(scope, rule)).map(str::to_owned),
            pause: told.pause.cloned(),
            rules: rules.collect(),
        })
    }

    /// Explains a decision that this bundle made just now.
    ///
    /// - returns: never `None` for a decision of this bundle.
    pub(crate) fn explain_decision(&self, facts: &Facts, decision: &Decision) -> Option<Explanation> {
        let steps = match &decision.verdict {
            Verdict::Review(_, plan) => {
                Some(plan.steps().iter().map(|step| step.key.as_str()).collect::<Vec<_>>().join(" "))
            }
            Verdict::Continue(_) | Verdict::Block => None,
        };
        self.explain(Told {
            scope: &facts.scope,
            verdict: decision.verdict.as_str(),
            step_keys: steps.as_deref(),
            rule: decision.rule.as_ref(),
            reason: &decision.reason.to_string(),
            seen_json: &decision.seen.values_json,
            outcomes: &decision.seen.outcomes,
            pause: None,
            received_at: facts.received_at,
        })
    }
}

impl ConditionTold {
    fn of(traced: &Traced<'_>, seen: &Map<String, Value>) -> Self {
        let held = traced.held;
        let each = |parts: &[Traced<'_>]| parts.iter().map(|part| Self::of(part, seen)).collect();
        match &traced.parts {
            Parts::Always => Self::Always { held },
            Parts::Leaf(leaf) => Self::Test {
                field: leaf.words.field.to_string(),
                asks: leaf.words.asks.to_string(),
                saw: saw(&leaf.words.field, seen),
                held,
            },
            Parts::All(parts) => Self::All { held, parts: each(parts) },
            Parts::Any(parts) => Self::Any { held, parts: each(parts) },
            Parts::Not(part) => Self::Not { held, part: Box::new(Self::of(part, seen)) },
        }
    }
}

/// `identifiers.any` and `identifiers.every` look at one list, which is recorded once.
fn saw(field: &str, seen: &Map<String, Value>) -> Option<Value> {
    let group = || field.split_once('.').and_then(|(group, _)| seen.get(group));
    seen.get(field).or_else(group).cloned()
}

#[cfg(test)]
mod tests;
