//! How a decision came about: its rules with each condition's outcome, put together again from what is recorded.
//!
//! A decision records one character a condition, in file order. With the bundle that decided this is everything: the
//! rules that were tried, each `all`, `any` and `not`, and how it came out.

use std::fmt;

use super::bundle::{ALWAYS_FILE, Bundle};
use super::condition::{Condition, Leaf};
use super::rules::Rule;
use crate::domain::{Decision, Facts, Reason, RuleId, Scope, Timestamp};

/// What a decision's record says about how it came about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recorded<'r> {
    /// For what.
    pub(super) scope: &'r Scope,
    /// The rule that decided, where one did.
    pub(super) rule: Option<&'r RuleId>,
    /// The reason as it is stored.
    pub(super) reason: &'r str,
    /// One character a condition.
    pub(super) outcomes: &'r str,
    /// When the request arrived: what tells which rules were active.
    pub(super) received_at: Timestamp,
}

/// A rule that was tried.
#[derive(Debug, Clone)]
pub(super) struct Tried<'b> {
    /// The file that it stands in.
    pub(super) file: &'b str,
    /// The rule.
    pub(super) rule: &'b Rule,
    /// How its condition came out.
    pub(super) traced: Traced<'b>,
    /// Whether the rule was there at the moment of the request.
    pub(super) active: bool,
}

impl Tried<'_> {
    /// Whether the rule matched: its condition held while it was active.
    pub(super) const fn matched(&self) -> bool {
        self.traced.held && self.active
    }

    /// Whether the rule decided.
    fn decided(&self) -> bool {
        self.matched() && !self.rule.observes()
    }
}

/// A condition and how it came out.
#[derive(Debug, Clone)]
pub(super) struct Traced<'b> {
    /// Whether it held.
    pub(super) held: bool,
    /// What it is made of.
    pub(super) parts: Parts<'b>,
}

/// What a condition is made of.
#[derive(Debug, Clone)]
pub(super) enum Parts<'b> {
    /// `always`.
    Always,
    /// One question.
    Leaf(&'b Leaf),
    /// `all`.
    All(Vec<Traced<'b>>),
    /// `any`.
    Any(Vec<Traced<'b>>),
    /// `not`.
    Not(Box<Traced<'b>>),
}

impl Bundle {
    /// The rules that were tried for a decision of this bundle, the last one being the one that decided, if one did.
    ///
    /// - returns: empty when the decision was made before any rule; `None` when the record does not fit the bundle,
    ///   which is then not the one that decided.
    pub(super) fn trace(&self, recorded: Recorded<'_>) -> Option<Vec<Tried<'_>>> {
        let after_rules = [Reason::Otherwise, Reason::PlanNotWalkable]
            .iter()
            .any(|reason| reason.to_string() == recorded.reason);
        let mut outcomes = recorded.outcomes.bytes();
        let mut tried = Vec::new();
        if recorded.rule.is_some() || after_rules {
            let policy = self.policy(recorded.scope)?;
            let always = self.always().iter().map(|rule| (ALWAYS_FILE, rule));
            for (file, rule) in always.chain(policy.rules.iter().map(|rule| (&*policy.file, rule))) {
                let traced = Traced::of(&rule.when, &mut outcomes)?;
                tried.push(Tried { file, rule, traced, active: rule.active.includes(recorded.received_at) });
                if Some(&rule.id) == recorded.rule {
                    break;
                }
            }
        }
        let decided = tried.last().is_some_and(Tried::decided);
        let fits = outcomes.next().is_none() && decided == recorded.rule.is_some();
        let earlier = tried.iter().rev().skip(1).all(|tried| !tried.decided());
        (fits && earlier).then_some(tried)
    }

    /// The same for a decision that was made just now.
    pub(super) fn trace_decision(&self, facts: &Facts, decision: &Decision) -> Vec<Tried<'_>> {
        let recorded = Recorded {
            scope: &facts.scope,
            rule: decision.rule.as_ref(),
            reason: &decision.reason.to_string(),
            outcomes: &decision.seen.outcomes,
            received_at: facts.received_at,
        };
        // INVARIANT: a decision fits the bundle that made it.
        self.trace(recorded).unwrap_or_default()
    }
}

impl<'b> Traced<'b> {
    /// Takes one outcome for each leaf, in file order; `None` when they run out or are none.
    fn of(condition: &'b Condition, outcomes: &mut std::str::Bytes<'_>) -> Option<Self> {
        let (held, parts) = match condition {
            Condition::Always => (true, Parts::Always),
            Condition::Leaf(leaf) => (truth(outcomes.next()?)?, Parts::Leaf(leaf)),
            Condition::All(parts) => {
                let parts = Self::of_each(parts, outcomes)?;
                (parts.iter().all(|part| part.held), Parts::All(parts))
            }
            Condition::Any(parts) => {
                let parts = Self::of_each(parts, outcomes)?;
                (parts.iter().any(|part| part.held), Parts::Any(parts))
            }
            Condition::Not(part) => {
                let part = Self::of(part, outcomes)?;
                (!part.held, Parts::Not(Box::new(part)))
            }
        };
        Some(Self { held, parts })
    }

    fn of_each(conditions: &'b [Condition], outcomes: &mut std::str::Bytes<'_>) -> Option<Vec<Self>> {
        conditions.iter().map(|condition| Self::of(condition, outcomes)).collect()
    }
}

const fn truth(outcome: u8) -> Option<bool> {
    match outcome {
        b'1' => Some(true),
        b'0' => Some(false),
        _ => None,
    }
}

/// On one line, as a file could say it.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, parts: &[Self]| {
            parts.iter().enumerate().try_for_each(|(at, part)| {
                let comma = if at > 0 { ", " } else { "" };
                write!(f, "{comma}{part}")
            })
        };
        match self {
            Self::Always => f.write_str("always"),
            Self::Leaf(leaf) => write!(f, "{}: {}", leaf.words.field, leaf.words.asks),
            Self::All(parts) => {
                f.write_str("{ ")?;
                joined(f, parts)?;
                f.write_str(" }")
            }
            Self::Any(parts) => {
                f.write_str("any: [")?;
                joined(f, parts)?;
                f.write_str("]")
            }
            Self::Not(part) if matches!(**part, Self::All(_)) => write!(f, "not: {part}"),
            Self::Not(part) => write!(f, "not: {{ {part} }}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::desk::DeskOverlay;
    use crate::policy::sample::{request, scope_bundle};

    const TEXT: &str = "scopes: [a:b]
rules:
  - id: first
    when:
      any:
        - { user_id: { eq: usr_1 }, signals.platform: { eq: IOS } }
        - not: { signals.ip: { in_cidr: [192.0.2.0/24] } }
    then: block
  - { id: second, when: { identifiers.any: { type: phone_number } }, then: block }
otherwise: block
";

    /// `id: held` of each rule that was tried.
    fn traced(rule: Option<&str>, reason: &str, outcomes: &str) -> Option<Vec<String>> {
        let bundle = scope_bundle(TEXT);
        let rule = rule.map(|id| RuleId::new(id).expect("an id"));
        let scope = Scope::new("a:b").expect("a scope");
        let received_at = request("a:b").received_at;
        let tried =
            bundle.trace(Recorded { scope: &scope, rule: rule.as_ref(), reason, outcomes, received_at })?;
        Some(tried.iter().map(|tried| format!("{} {}", tried.rule.id, tried.traced.held)).collect())
    }

    #[test]
    fn outcomes_become_rules_again() {
        let lines = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        let otherwise = Some(vec!["first false".to_owned(), "second false".to_owned()]);
        assert_eq!(traced(Some("first"), "rule_matched", "110"), lines(&["first true"]));
        assert_eq!(traced(Some("first"), "rule_matched", "100"), lines(&["first true"]));
        assert_eq!(
            traced(Some("second"), "plan_not_walkable", "1011"),
            lines(&["first false", "second true"])
        );
        assert_eq!(traced(None, "otherwise", "1010"), otherwise);
        assert_eq!(traced(None, "metadata: missing", ""), lines(&[]));
    }

    #[test]
    fn a_record_of_another_bundle_is_not_explained_by_this_one() {
        let cases = [
            (Some("first"), "rule_matched", "11"),
            (Some("first"), "rule_matched", "1100"),
            (Some("first"), "rule_matched", "11x"),
            (Some("first"), "rule_matched", "101"),
            (Some("second"), "rule_matched", "1101"),
            (Some("third"), "rule_matched", "1010"),
            (None, "otherwise", "1011"),
            (None, "scope_not_covered", "1"),
        ];
        for (rule, reason, outcomes) in cases {
            assert_eq!(traced(rule, reason, outcomes), None, "{rule:?} {reason} {outcomes}");
        }
    }

    #[test]
    fn conditions_are_told_in_the_files_words() {
        let bundle = scope_bundle(TEXT);
        let decision = bundle.decide_alone(&request("a:b"));
        let tried = bundle.trace_decision(&request("a:b"), &decision);
        let told: Vec<_> = tried
            .iter()
            .map(|tried| format!("{}:{} {}", tried.file, tried.rule.line, tried.rule.when))
            .collect();
        let expected = [
            "a.yaml:3 any: [{ user_id: { eq: usr_1 }, signals.platform: { eq: IOS } }, not: { signals.ip: { in_cidr: [192.0.2.0/24] } }]",
            "a.yaml:9 identifiers.any: { type: phone_number }",
        ];
        assert_eq!(told, expected);
    }
}
