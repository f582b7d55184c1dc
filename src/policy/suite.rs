//! A bundle's tests: requests and the verdicts that they must get, run through exactly the code that serves.

use std::path::Path;

use super::bundle::Bundle;
use super::desk::DeskOverlay;
use super::diagnostic::Diagnostics;
use super::folder;
use super::source::SourceFile;
use crate::domain::{Decision, Facts, History, Reason, Verdict};

mod coverage;
pub(crate) mod keys;
mod reach;
mod read;
mod report;

pub(crate) use report::Report;

use coverage::Coverage;
use report::{Difference, Failure};

/// The tests of a bundle, checked against it: every scope, rule and step that they name is there.
#[derive(Debug)]
pub(crate) struct Suite {
    cases: Vec<Case>,
}

/// One test.
#[derive(Debug)]
struct Case {
    /// The file that it stands in, from the policy directory on.
    file: Box<str>,
    /// The line of its name, from 1.
    line: usize,
    /// What people call it.
    name: Box<str>,
    /// Who asks for what.
    facts: Facts,
    /// What happened before.
    history: History,
    /// What they must get.
    expect: Expect,
}

/// What a request must get; what is not said may be anything.
#[derive(Debug)]
struct Expect {
    /// `continue`, `review` or `block`.
    verdict: Box<str>,
    /// The id of the rule that decides, or `otherwise`.
    rule: Option<Box<str>>,
    /// The reason as it is recorded.
    reason: Option<Box<str>>,
    /// The steps of the plan, in walking order.
    steps: Option<Vec<Box<str>>>,
}

impl Suite {
    /// Reads the tests that lie in `tests` beside a bundle's files; without that directory there are none.
    ///
    /// # Errors
    /// Everything that is wrong with them; no test is run then.
    pub(crate) fn load_dir(dir: &Path, bundle: &Bundle) -> Result<Self, Diagnostics> {
        let files = folder::read_tests(dir).map_err(Diagnostics::new)?;
        Self::load(&files, bundle)
    }

    /// Reads tests that are in memory already.
    ///
    /// # Errors
    /// As [`Self::load_dir`].
    pub(super) fn load(files: &[SourceFile], bundle: &Bundle) -> Result<Self, Diagnostics> {
        let mut cases = Vec::new();
        let mut found = Vec::new();
        for file in files {
            let read = read::cases(file, bundle);
            cases.extend(read.cases);
            found.extend(read.found);
        }
        if found.is_empty() { Ok(Self { cases }) } else { Err(Diagnostics::new(found)) }
    }

    /// The same for texts that are in memory: what the fuzz target holds.
    ///
    /// # Errors
    /// As [`Self::load_dir`].
    #[cfg(feature = "testing")]
    pub(crate) fn load_files(files: Vec<(String, String)>, bundle: &Bundle) -> Result<Self, Diagnostics> {
        let files: Vec<_> = files.into_iter().map(|(name, text)| SourceFile::new(name, text)).collect();
        Self::load(&files, bundle)
    }

    /// The requests of the tests, each with its past.
    #[cfg(feature = "testing")]
    pub(crate) fn requests(&self) -> impl Iterator<Item = (&Facts, &History)> {
        self.cases.iter().map(|case| (&case.facts, &case.history))
    }

    /// Runs every test, each by itself, and tells what differs and what no test reached.
    ///
    /// - `bundle`: the one that the suite was read for.
    pub(crate) fn run(&self, bundle: &Bundle) -> Report {
        let mut coverage = Coverage::of(bundle);
        let mut failed = Vec::new();
        for case in &self.cases {
            let decision = bundle.decide(&case.facts, &DeskOverlay::none(), &case.history);
            coverage.add(bundle, &case.facts, &decision);
            let rows = case.expect.compare(&decision);
            if rows.iter().any(Difference::differs) {
                failed.push(Failure {
                    file: case.file.clone(),
                    line: case.line,
                    name: case.name.clone(),
                    rows,
                });
            }
        }
        Report { tests: self.cases.len(), failed, coverage: coverage.finish() }
    }
}

impl Expect {
    /// Sets what was expected beside what came.
    fn compare(&self, decision: &Decision) -> Vec<Difference> {
        let steps = self.steps.as_ref().map(|steps| steps.join(" "));
        vec![
            Difference::new("verdict", Some(&self.verdict), decision.verdict.as_str()),
            Difference::new("rule", self.rule.as_deref(), rule_word(decision)),
            Difference::new("reason", self.reason.as_deref(), &decision.reason.to_string()),
            Difference::new("steps", steps.as_deref(), &step_words(&decision.verdict)),
        ]
    }
}

/// What decided: a rule's id, `otherwise`, or nothing where no rule was tried.
fn rule_word(decision: &Decision) -> &str {
    match (&decision.rule, &decision.reason) {
        (Some(rule), _) => rule.as_str(),
        (None, Reason::Otherwise | Reason::PlanNotWalkable) => super::rules::OTHERWISE,
        (None, _) => "",
    }
}

fn step_words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Review(_, plan) => {
            plan.steps().iter().map(|step| step.key.as_str()).collect::<Vec<_>>().join(" ")
        }
        Verdict::Continue(_) | Verdict::Block => String::new(),
    }
}

#[cfg(test)]
mod tests;
