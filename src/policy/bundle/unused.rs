//! Parts of a bundle that nothing uses: they load, and somebody should look.

use std::collections::HashSet;

use super::{Loader, RATES_FILE, STEPS_FILE, Tree, named};
use crate::domain::{Scope, StepKey};
use crate::policy::diagnostic::{Code, Span};
use crate::policy::lists::read::ReadLists;
use crate::policy::scope_file::{ReadAlways, ScopePolicy};
use crate::policy::steps::read::ReadSteps;

impl Loader {
    /// Warns of steps that no rule asks for.
    pub(super) fn unused_steps(
        &mut self,
        trees: &[Tree<'_>],
        steps: &ReadSteps,
        policies: &[(Vec<Scope>, ScopePolicy)],
    ) {
        let Some(tree) = named(trees, STEPS_FILE) else { return };
        let mut used = HashSet::new();
        for (_, policy) in policies {
            let outcomes = policy.rules.iter().map(|rule| &rule.then).chain([&policy.otherwise]);
            outcomes.for_each(|outcome| outcome.each_step(&mut |step| _ = used.insert(&step.key)));
        }
        // A step for scopes that Prelude resolves itself is asked for there, not here.
        let asked_elsewhere =
            |key: &StepKey| steps.book.custom.get(key).is_some_and(|step| step.without_verdict);
        let unused = steps.spans.iter().filter(|(key, _)| !used.contains(key) && !asked_elsewhere(key));
        self.read(tree.file, |reader| {
            for (key, span) in unused {
                let message = format!("no rule asks for the step `{key}`");
                reader.warning(Code::StepUnused, *span, message, "use it in a plan, or remove it");
            }
        });
    }

    /// Warns of lists that no rule looks into.
    pub(super) fn unused_lists(
        &mut self,
        lists: &ReadLists<'_>,
        always: &ReadAlways,
        policies: &[(Vec<Scope>, ScopePolicy)],
    ) {
        let mut used = HashSet::new();
        let own = policies.iter().flat_map(|(_, policy)| &policy.rules);
        for rule in always.rules.rules.iter().map(|read| &read.rule).chain(own) {
            rule.when.each_leaf(&mut |leaf| used.extend(leaf.list()));
        }
        for list in lists.iter().filter(|list| !used.contains(list.name)) {
            self.read(list.file, |reader| {
                let message = format!("no rule looks into the list `{}`", list.name);
                let help = "use it: `{ in_list: NAME }`, or remove it";
                reader.warning(Code::ListUnused, Span::START, message, help);
            });
        }
    }

    /// Warns of rates by which no rule converts.
    pub(super) fn unused_rates(&mut self, trees: &[Tree<'_>], policies: &[(Vec<Scope>, ScopePolicy)]) {
        let Some(tree) = named(trees, RATES_FILE) else { return };
        if policies.iter().all(|(_, policy)| policy.rates().is_none()) {
            self.read(tree.file, |reader| {
                let message = "no rule compares money across currencies";
                let help = "remove the file, or let a bound in one currency speak for others";
                reader.warning(Code::RatesUnused, Span::START, message, help);
            });
        }
    }
}
