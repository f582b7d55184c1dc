//! Which parts of a bundle its tests reached: rules, branches of `any`, `else` and `otherwise`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::reach::{elses, reachable};
use crate::domain::{Decision, Facts, RuleId};
use crate::policy::bundle::{ALWAYS_FILE, Bundle};
use crate::policy::condition::Condition;
use crate::policy::outcome::Outcome;
use crate::policy::rules::Rule;
use crate::policy::steps::Walker;
use crate::policy::trace::{Parts, Traced};

/// A part of a bundle that a test can reach.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot<'b> {
    /// The file.
    file: &'b str,
    /// The rule; none for `otherwise`.
    rule: Option<&'b RuleId>,
    /// Which part of it.
    part: Part,
}

/// A part of a rule, or of `otherwise`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// It decides; or matches, where it only observes.
    Decides,
    /// A branch of an `any` holds, by its way down from the condition.
    Branch(Vec<usize>),
    /// Its plan cannot be walked: the first `else`, the `else` of that, and so on.
    Else(usize),
}

/// What there is to reach, and whether it was.
#[derive(Debug)]
pub(super) struct Coverage<'b> {
    spots: BTreeMap<Spot<'b>, Reach>,
}

#[derive(Debug)]
struct Reach {
    line: usize,
    /// What a branch of `any` asks.
    branch: String,
    reached: bool,
}

/// How much was reached, in whole numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Covered {
    /// How many parts there are to reach.
    pub(super) parts: usize,
    /// How many of them a test reached.
    pub(super) reached: usize,
    /// The others, in the order of the files.
    pub(super) missed: Vec<Missed>,
}

/// A part that no test reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Missed {
    /// The file.
    pub(super) file: String,
    /// The line of the rule or of `otherwise`, from 1.
    pub(super) line: usize,
    /// The rule; none for `otherwise`.
    pub(super) rule: Option<RuleId>,
    /// `rule`, `branch`, `else` or `otherwise`.
    pub(super) kind: &'static str,
    /// What did not happen, in words.
    pub(super) what: String,
}

impl<'b> Coverage<'b> {
    /// Lists what there is to reach. `else` and `otherwise` have to be there even where nobody can get to them, so they
    /// count only where somebody could; a rule or branch counts always, since one that nobody reaches should not be there.
    pub(super) fn of(bundle: &'b Bundle) -> Self {
        let mut coverage = Self { spots: BTreeMap::new() };
        for rule in bundle.always() {
            coverage.list_rule(ALWAYS_FILE, rule);
        }
        for (policy, scopes) in bundle.policies() {
            let file = &*policy.file;
            for rule in &policy.rules {
                coverage.list_rule(file, rule);
            }
            let rules: Vec<_> = bundle.always().iter().chain(&policy.rules).collect();
            for (rule, depth) in reachable(&rules, policy, &scopes) {
                let rule = rule.and_then(|at| rules.get(at)).copied();
                let line = rule.map_or(policy.otherwise_line, |rule| rule.line);
                let part = depth.map_or(Part::Decides, Part::Else);
                coverage.list((file, rule.map(|rule| &rule.id), part), line, String::new());
            }
        }
        coverage
    }

    fn list_rule(&mut self, file: &'b str, rule: &'b Rule) {
        self.list((file, Some(&rule.id), Part::Decides), rule.line, String::new());
        each_branch(&rule.when, &mut Vec::new(), &mut |path, branch| {
            self.list((file, Some(&rule.id), Part::Branch(path.to_vec())), rule.line, branch.to_string());
        });
    }

    fn list(&mut self, (file, rule, part): (&'b str, Option<&'b RuleId>, Part), line: usize, branch: String) {
        self.spots.insert(Spot { file, rule, part }, Reach { line, branch, reached: false });
    }

    /// Takes in what a test reached.
    pub(super) fn add(&mut self, bundle: &'b Bundle, facts: &Facts, decision: &Decision) {
        let tried = bundle.trace_decision(facts, decision);
        for tried in tried.iter().filter(|tried| tried.active) {
            let rule = Some(&tried.rule.id);
            if tried.rule.observes() && tried.matched() {
                self.reach(tried.file, rule, Part::Decides);
            }
            each_held_branch(&tried.traced, &mut Vec::new(), &mut |path| {
                self.reach(tried.file, rule, Part::Branch(path.to_vec()));
            });
        }
        let Some(policy) = bundle.policy(&facts.scope) else { return };
        let otherwise = (&*policy.file, None, &policy.otherwise);
        let (file, rule, outcome): (&str, Option<&RuleId>, &Outcome) = match (&decision.rule, tried.last()) {
            (Some(_), Some(last)) => (last.file, Some(&last.rule.id), &last.rule.then),
            _ if super::rule_word(decision).is_empty() => return,
            _ => otherwise,
        };
        self.reach(file, rule, Part::Decides);
        for depth in 0..elses(outcome, &Walker::of(facts)) {
            self.reach(file, rule, Part::Else(depth));
        }
    }

    fn reach(&mut self, file: &'b str, rule: Option<&'b RuleId>, part: Part) {
        if let Some(found) = self.spots.get_mut(&Spot { file, rule, part }) {
            found.reached = true;
        }
    }

    /// Counts.
    pub(super) fn finish(self) -> Covered {
        let parts = self.spots.len();
        let missed = self.spots.into_iter().filter(|(_, reach)| !reach.reached);
        let mut missed: Vec<_> = missed.map(|(spot, reach)| spot.missed(&reach)).collect();
        missed.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        Covered { parts, reached: parts - missed.len(), missed }
    }
}

impl Spot<'_> {
    fn missed(self, reach: &Reach) -> Missed {
        let (kind, what) = match self.part {
            Part::Decides if self.rule.is_none() => ("otherwise", "no test gets to `otherwise`".to_owned()),
            Part::Decides => ("rule", "no test has it match".to_owned()),
            Part::Branch(_) => ("branch", format!("no test has this branch of `any` hold: {}", reach.branch)),
            Part::Else(0) => ("else", "no test has a user who cannot walk its plan".to_owned()),
            Part::Else(_) => {
                ("else", "no test has a user who cannot walk the plan of its `else` either".to_owned())
            }
        };
        Missed { file: self.file.to_owned(), line: reach.line, rule: self.rule.cloned(), kind, what }
    }
}

impl Covered {
    /// How much was reached in whole percent, rounded down: 100 means everything.
    pub(super) fn percent(&self) -> usize {
        (self.reached * 100).checked_div(self.parts).unwrap_or(100)
    }
}

/// Hands over each branch of each `any` with its way down.
fn each_branch<'c>(
    condition: &'c Condition,
    path: &mut Vec<usize>,
    take: &mut impl FnMut(&[usize], &'c Condition),
) {
    let is_any = matches!(condition, Condition::Any(_));
    let parts = match condition {
        Condition::Always | Condition::Leaf(_) => &[],
        Condition::All(parts) | Condition::Any(parts) => parts.as_slice(),
        Condition::Not(part) => std::slice::from_ref(&**part),
    };
    for (at, part) in parts.iter().enumerate() {
        path.push(at);
        if is_any {
            take(path, part);
        }
        each_branch(part, path, take);
        path.pop();
    }
}

/// Hands over the way down to each branch of each `any` that held.
fn each_held_branch(traced: &Traced<'_>, path: &mut Vec<usize>, take: &mut impl FnMut(&[usize])) {
    let is_any = matches!(traced.parts, Parts::Any(_));
    let parts = match &traced.parts {
        Parts::Always | Parts::Leaf(_) => &[],
        Parts::All(parts) | Parts::Any(parts) => parts.as_slice(),
        Parts::Not(part) => std::slice::from_ref(&**part),
    };
    for (at, part) in parts.iter().enumerate() {
        path.push(at);
        if is_any && part.held {
            take(path);
        }
        each_held_branch(part, path, take);
        path.pop();
    }
}
