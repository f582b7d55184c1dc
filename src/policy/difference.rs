//! What is new in a bundle: which files, scopes and rules differ from the one before it.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use super::bundle::{ALWAYS_FILE, Bundle};
use super::condition::{Condition, Leaf};
use super::outcome::Outcome;
use super::rules::Rule;
use super::source::split_canonical;
use super::yaml::CUT_MARK;
use crate::domain::Scope;

/// The most names that a difference tells; what is beyond them is counted.
const NAMES_MAX: usize = 1000;

/// How a bundle differs from an earlier one. As JSON its shape is stable: members may be added, none changes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = PolicyDifference))]
pub(crate) struct Difference {
    files: Names,
    scopes: Names,
    rules: Vec<RulesDifference>,
    /// How many names are left out, because there are too many.
    omitted: usize,
}

/// Names that came, went or stand for something else now. Scopes only come and go.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = NamesDifference))]
struct Names {
    added: Vec<String>,
    removed: Vec<String>,
    changed: Vec<String>,
}

/// How the rules of one file differ.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
struct RulesDifference {
    /// The file as it is called now; as it was called, if it went.
    file: String,
    /// For which scopes the file decides; empty for the rules before every scope.
    scopes: Vec<String>,
    #[serde(flatten)]
    rules: Names,
    /// Whether rules that stayed changed places: the first that matches decides.
    reordered: bool,
    /// Whether what decides when no rule matches is another outcome.
    otherwise_changed: bool,
}

/// The rules of a file, and what decides when none matches.
struct Part<'b> {
    file: &'b str,
    scopes: Vec<&'b Scope>,
    rules: &'b [Rule],
    otherwise: Option<&'b Outcome>,
}

impl Bundle {
    /// Tells how this bundle differs from an earlier one. A rule that only moved to another line has not changed; a scope
    /// file that was renamed is compared with what decided for its scopes before.
    pub(crate) fn difference(&self, earlier: &Self) -> Difference {
        let (own, old) = (self.parts(), earlier.parts());
        let mut compared = vec![false; old.len()];
        let mut rules = Vec::new();
        for part in &own {
            let before = old.iter().position(|other| other.file == part.file);
            let before = before.or_else(|| old.iter().position(|other| other.shares_a_scope(part)));
            before.and_then(|at| compared.get_mut(at)).into_iter().for_each(|seen| *seen = true);
            rules.push(part.since(before.and_then(|at| old.get(at))));
        }
        let gone = old.iter().zip(&compared).filter(|(_, compared)| !**compared);
        rules.extend(gone.map(|(part, _)| part.gone()));
        rules.retain(RulesDifference::is_one);
        let scopes = |bundle: &Self| -> BTreeMap<String, ()> {
            bundle.scopes().into_iter().map(|scope| (scope.to_string(), ())).collect()
        };
        let mut difference = Difference {
            files: Names::between(&files(earlier), &files(self)),
            scopes: Names::between(&scopes(earlier), &scopes(self)),
            rules,
            omitted: 0,
        };
        difference.cut();
        difference
    }

    fn parts(&self) -> Vec<Part<'_>> {
        let always = Part { file: ALWAYS_FILE, scopes: Vec::new(), rules: self.always(), otherwise: None };
        let own = self.policies().into_iter().map(|(policy, mut scopes)| {
            scopes.sort_unstable();
            Part { file: &policy.file, scopes, rules: &policy.rules, otherwise: Some(&policy.otherwise) }
        });
        std::iter::once(always).chain(own).collect()
    }
}

fn files(bundle: &Bundle) -> BTreeMap<String, String> {
    // INVARIANT: a bundle's own text splits.
    split_canonical(bundle.text()).unwrap_or_default().into_iter().collect()
}

impl Names {
    fn between<T: PartialEq>(before: &BTreeMap<String, T>, now: &BTreeMap<String, T>) -> Self {
        let names = |found: Vec<&String>| found.into_iter().cloned().collect();
        Self {
            added: names(now.keys().filter(|name| !before.contains_key(*name)).collect()),
            removed: names(before.keys().filter(|name| !now.contains_key(*name)).collect()),
            changed: names(
                now.iter()
                    .filter(|(name, own)| before.get(*name).is_some_and(|old| old != *own))
                    .map(|(name, _)| name)
                    .collect(),
            ),
        }
    }

    const fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

impl<'b> Part<'b> {
    fn shares_a_scope(&self, other: &Self) -> bool {
        self.scopes.iter().any(|scope| other.scopes.binary_search(scope).is_ok())
    }

    fn since(&self, before: Option<&Part<'b>>) -> RulesDifference {
        let old = before.map_or([].as_slice(), |part| part.rules);
        let places: HashMap<_, _> = old.iter().enumerate().map(|(at, rule)| (&rule.id, (at, rule))).collect();
        let mut rules = Names::default();
        let mut stayed = Vec::new();
        for rule in self.rules {
            match places.get(&rule.id) {
                None => rules.added.push(rule.id.to_string()),
                Some((at, old)) => {
                    stayed.push(*at);
                    if !is_same(rule, old) {
                        rules.changed.push(rule.id.to_string());
                    }
                }
            }
        }
        let own: HashSet<_> = self.rules.iter().map(|rule| &rule.id).collect();
        let gone = old.iter().filter(|rule| !own.contains(&rule.id));
        rules.removed = gone.map(|rule| rule.id.to_string()).collect();
        RulesDifference {
            reordered: !stayed.is_sorted(),
            otherwise_changed: before.is_some_and(|before| before.otherwise != self.otherwise),
            rules,
            ..self.named()
        }
    }

    fn gone(&self) -> RulesDifference {
        let removed = self.rules.iter().map(|rule| rule.id.to_string()).collect();
        RulesDifference { rules: Names { removed, ..Names::default() }, ..self.named() }
    }

    fn named(&self) -> RulesDifference {
        RulesDifference {
            file: self.file.to_owned(),
            scopes: self.scopes.iter().map(ToString::to_string).collect(),
            ..RulesDifference::default()
        }
    }
}

impl RulesDifference {
    fn is_one(&self) -> bool {
        !self.rules.is_empty() || self.reordered || self.otherwise_changed
    }
}

/// Whether two rules say the same, wherever they stand.
fn is_same(rule: &Rule, old: &Rule) -> bool {
    asks_the_same(&rule.when, &old.when)
        && *rule == Rule { when: rule.when.clone(), looks_at: rule.looks_at, line: rule.line, ..old.clone() }
}

/// Fields are compared by their names: their places move when the metadata that a scope takes is reordered.
fn asks_the_same(own: &Condition, old: &Condition) -> bool {
    let each = |own: &[Condition], old: &[Condition]| {
        own.len() == old.len() && own.iter().zip(old).all(|(own, old)| asks_the_same(own, old))
    };
    match (own, old) {
        (Condition::Leaf(own), Condition::Leaf(old)) => {
            own.words.field == old.words.field && own.when_absent == old.when_absent && is_same_test(own, old)
        }
        (Condition::All(own), Condition::All(old)) | (Condition::Any(own), Condition::Any(old)) => {
            each(own, old)
        }
        (Condition::Not(own), Condition::Not(old)) => asks_the_same(own, old),
        (own, old) => own == old,
    }
}

/// With each day's rates a question that converts money compares with others; as long as it is written alike, only
/// `rates.yaml` has changed. Words that are cut prove nothing.
fn is_same_test(own: &Leaf, old: &Leaf) -> bool {
    let both_convert = own.test.rates().is_some() && old.test.rates().is_some();
    let is_written_alike = own.words.asks == old.words.asks && !own.words.asks.ends_with(CUT_MARK);
    own.test == old.test || (both_convert && is_written_alike)
}

impl Difference {
    /// Keeps the first [`NAMES_MAX`] names, and the files that they stand in.
    fn cut(&mut self) {
        let mut left = NAMES_MAX;
        let mut omitted = 0;
        let mut keep = |names: &mut Vec<String>| {
            omitted += names.len().saturating_sub(left);
            names.truncate(left);
            left -= names.len();
        };
        for names in [&mut self.files, &mut self.scopes] {
            names.each(&mut keep);
        }
        for part in &mut self.rules {
            part.rules.each(&mut keep);
            keep(&mut part.scopes);
        }
        self.omitted = omitted;
        self.rules.truncate(NAMES_MAX);
    }
}

impl Names {
    fn each(&mut self, visit: &mut impl FnMut(&mut Vec<String>)) {
        visit(&mut self.added);
        visit(&mut self.removed);
        visit(&mut self.changed);
    }
}

#[cfg(test)]
mod tests;
