//! Where a request can be decided: a file's rules in their order and `otherwise`, and which of their outcomes are softer.

use std::collections::HashMap;

use super::Subject;
use super::overlap::Cases;
use crate::policy::diagnostic::Span;
use crate::policy::outcome::{Outcome, is_softer};

/// A rule, or `otherwise` as the last one.
#[derive(Debug)]
pub(super) struct Place<'s> {
    /// Its id, or `otherwise`.
    pub(super) name: &'s str,
    /// Where that stands.
    pub(super) span: Span,
    /// When it decides; `None` for `otherwise`.
    pub(super) cases: Option<&'s Cases<'s>>,
    outcome: usize,
}

/// Every place that a request can get to.
#[derive(Debug)]
pub(super) struct Places<'s> {
    /// In file order.
    pub(super) all: Vec<Place<'s>>,
    outcomes: Outcomes<'s>,
}

impl<'s> Places<'s> {
    /// Lists the places; nothing below a rule that takes all is one.
    ///
    /// - `cases`: one for each rule.
    pub(super) fn of(subject: Subject<'s>, cases: &'s [Cases<'s>]) -> Self {
        let mut outcomes = Outcomes::default();
        let mut all = Vec::with_capacity(cases.len() + 1);
        let mut is_open = true;
        for (read, cases) in subject.rules.rules.iter().zip(cases) {
            if !is_open {
                break;
            }
            let outcome = outcomes.number(&read.rule.then);
            all.push(Place { name: read.rule.id.as_str(), span: read.id_span, outcome, cases: Some(cases) });
            is_open = !read.rule.takes_all();
        }
        if let (true, Some((outcome, span))) = (is_open, subject.otherwise) {
            let outcome = outcomes.number(outcome);
            all.push(Place { name: "otherwise", span, outcome, cases: None });
        }
        Self { all, outcomes }
    }

    /// Whether one place's outcome is softer than another's for somebody.
    pub(super) fn is_softer(&mut self, new: usize, old: usize) -> bool {
        match (self.all.get(new), self.all.get(old)) {
            (Some(new), Some(old)) => self.outcomes.is_softer(new.outcome, old.outcome),
            _ => false,
        }
    }
}

/// The different outcomes of a file, and which are softer than which: found once for each pair.
#[derive(Debug, Default)]
struct Outcomes<'s> {
    known: Vec<&'s Outcome>,
    softer: HashMap<(usize, usize), bool>,
}

impl<'s> Outcomes<'s> {
    fn number(&mut self, outcome: &'s Outcome) -> usize {
        self.known.iter().position(|known| *known == outcome).unwrap_or_else(|| {
            self.known.push(outcome);
            self.known.len() - 1
        })
    }

    fn is_softer(&mut self, new: usize, old: usize) -> bool {
        let known = &self.known;
        *self.softer.entry((new, old)).or_insert_with(|| match (known.get(new), known.get(old)) {
            (Some(new), Some(old)) => is_softer(new, old),
            _ => false,
        })
    }
}
