//! Whether anybody can get to an `else` or `otherwise` at all: what is provable counts, the rest gets the benefit of the
//! doubt.

use std::collections::BTreeSet;

use crate::domain::{IdentifierKind, Scope};
use crate::policy::condition::{Condition, Field, IdentifierTest, Leaf, Test};
use crate::policy::outcome::{Outcome, Walked};
use crate::policy::rules::{Active, Rule};
use crate::policy::scope_file::ScopePolicy;
use crate::policy::steps::Walker;

/// A kind of request: everything that decides which plans can be walked, and the scope.
#[derive(Debug, Clone, Copy)]
struct Situation<'s> {
    scope: &'s Scope,
    walker: &'s Walker,
}

/// The places that somebody might get to: `otherwise` of the file (`(None, None)`) and each `else`, by the place of its
/// rule (none for that of `otherwise`) and how many `else`s stand before it.
pub(super) fn reachable(
    rules: &[&Rule],
    policy: &ScopePolicy,
    scopes: &[&Scope],
) -> BTreeSet<(Option<usize>, Option<usize>)> {
    let mut places = BTreeSet::new();
    let walkers = Walker::every_kind();
    for situation in scopes.iter().flat_map(|scope| walkers.iter().map(|walker| Situation { scope, walker }))
    {
        let mut add = |rule, outcome| {
            places.extend((0..elses(outcome, situation.walker)).map(|depth| (rule, Some(depth))));
        };
        let mut decided = false;
        for (at, rule) in rules.iter().enumerate().filter(|(_, rule)| !rule.observes()) {
            let holds = situation.takes(rule);
            if holds != Some(false) {
                add(Some(at), &rule.then);
            }
            if holds == Some(true) {
                decided = true;
                break;
            }
        }
        if !decided {
            add(None, &policy.otherwise);
            places.insert((None, None));
        }
    }
    places
}

/// How many plans one after the other this user cannot walk: that many `else`s are gone through.
pub(super) fn elses(outcome: &Outcome, walker: &Walker) -> usize {
    let mut depth = 0;
    let mut outcome = outcome;
    while let Outcome::Review(review) = outcome
        && outcome.resolve(walker).1 == Walked::Else
    {
        depth += 1;
        outcome = &review.otherwise;
    }
    depth
}

impl Situation<'_> {
    /// Whether a rule that decides takes what comes as far as to it; `None` when that depends on more than is known.
    fn takes(self, rule: &Rule) -> Option<bool> {
        match self.holds(&rule.when) {
            Some(true) if rule.active != Active::default() => None,
            holds => holds,
        }
    }

    /// Whether a condition holds here; `None` when that depends on more than is known.
    fn holds(self, condition: &Condition) -> Option<bool> {
        match condition {
            Condition::Always => Some(true),
            Condition::Leaf(leaf) => self.leaf_holds(leaf),
            Condition::All(parts) => self.joined(parts, false),
            Condition::Any(parts) => self.joined(parts, true),
            Condition::Not(part) => self.holds(part).map(|held| !held),
        }
    }

    /// `all` and `any`: one part that comes out as `decisive` settles it, and else nothing that is not known may be left.
    fn joined(self, parts: &[Condition], decisive: bool) -> Option<bool> {
        let mut all_known = true;
        for part in parts {
            match self.holds(part) {
                Some(held) if held == decisive => return Some(decisive),
                Some(_) => {}
                None => all_known = false,
            }
        }
        all_known.then_some(!decisive)
    }

    fn leaf_holds(self, leaf: &Leaf) -> Option<bool> {
        match (leaf.field, &leaf.test) {
            // What is in a list may end; every other test of a text knows no time.
            (Field::Scope | Field::Platform, Test::Listed(_)) => None,
            (Field::Scope, test) => Some(test.text(self.scope.as_str())),
            (Field::Platform, test) => Some(test.text(self.walker.platform.as_str())),
            (Field::IdentifiersAny, Test::Identifier(test)) => self.has_any(test),
            _ => None,
        }
    }

    fn has_any(self, test: &IdentifierTest) -> Option<bool> {
        match test {
            IdentifierTest { kinds: Some(kinds), domains: None, prefixes: None, list: None } => {
                kinds.iter().map(|kind| self.has(kind)).try_fold(false, |any, has| Some(any | has?))
            }
            _ => None,
        }
    }

    const fn has(self, kind: &IdentifierKind) -> Option<bool> {
        match kind {
            IdentifierKind::PhoneNumber => Some(self.walker.has_phone),
            IdentifierKind::EmailAddress => Some(self.walker.has_email),
            IdentifierKind::Other(_) => None,
        }
    }
}
