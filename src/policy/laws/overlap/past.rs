//! Questions about the past: which answers fit together, and which conditions asking again moves.

use std::time::Duration;

use rust_decimal::Decimal;

use super::{Cases, Claim, Field, Literal, Subject, Test};
use crate::domain::Currency;
use crate::policy::condition::{Comparison, HistoryField, PastTest};
use crate::policy::laws::interval::Interval;

/// What asking again can do to a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy::laws) enum Move {
    /// It may hold although it did not.
    Begins,
    /// It may no longer hold.
    Ceases,
}

impl<'c> Cases<'c> {
    /// The cases that asking again can make true or end, with everything about what was asked forgotten; `None` when there
    /// is no such case.
    ///
    /// A larger number makes `gt` and `gte` true and ends `lt` and `lte`; inside a `not` it is the other way round, and `eq`
    /// and `between` may do both. A later last time ends `before`.
    pub(in crate::policy::laws) fn moved(&self, wanted: Move) -> Option<Self> {
        let subject = self.subject;
        let Some(cases) = &self.cases else {
            let mut found = false;
            self.condition.each_leaf(&mut |leaf| found |= is_moved(leaf.field, subject));
            return found.then_some(Self { subject, condition: self.condition, cases: None });
        };
        let moved = cases.iter().filter(|case| case.iter().any(|literal| moves(literal, wanted, subject)));
        let cases: Vec<_> = moved.map(|case| unmoved(case, subject)).collect();
        (!cases.is_empty()).then_some(Self { subject, condition: self.condition, cases: Some(cases) })
    }

    /// What the condition says whatever was asked before.
    pub(in crate::policy::laws) fn whatever_was_asked(&self) -> Self {
        let cases =
            self.cases.as_ref().map(|cases| cases.iter().map(|case| unmoved(case, self.subject)).collect());
        Self { subject: self.subject, condition: self.condition, cases }
    }
}

fn unmoved<'c>(case: &[Literal<'c>], subject: Subject<'_>) -> Vec<Literal<'c>> {
    case.iter().copied().filter(|literal| !is_moved(literal.leaf.field, subject)).collect()
}

fn is_moved(field: Field, subject: Subject<'_>) -> bool {
    question(field, subject).is_some_and(HistoryField::is_moved_by_asking)
}

fn question<'c>(field: Field, subject: Subject<'c>) -> Option<&'c HistoryField> {
    match field {
        Field::History(at) => subject.schema.history.get(at),
        _ => None,
    }
}

fn moves(literal: &Literal<'_>, wanted: Move, subject: Subject<'_>) -> bool {
    if !is_moved(literal.leaf.field, subject) {
        return false;
    }
    let rises = match &literal.leaf.test {
        Test::Decimal(comparison, _) | Test::Past(PastTest::Sum(comparison, ..)) => match comparison {
            Comparison::Greater | Comparison::AtLeast => true,
            Comparison::Less | Comparison::AtMost => false,
            Comparison::Equal => return true,
        },
        Test::Past(PastTest::LongerAgo(_)) => false,
        // `between`, and whatever may come: both ways.
        _ => return true,
    };
    (rises == literal.holds()) == (wanted == Move::Begins)
}

/// Whether one answer fits every literal. `false` is a proof.
pub(super) fn possible(at: usize, literals: &[Literal<'_>], subject: Subject<'_>) -> bool {
    let Some(question) = subject.schema.history.get(at) else { return true };
    let least = Decimal::from(question.least(subject.scopes));
    Interval::at_least(least).fits(literals) && possible_sum(literals) && possible_last(literals)
}

/// A sum is compared in each currency by itself: what a bound in one says about another is not reckoned with.
fn possible_sum(literals: &[Literal<'_>]) -> bool {
    literals.iter().filter_map(|literal| currency(&literal.leaf.test)).all(|currency| {
        let mut left = Interval::at_least_zero();
        for literal in literals {
            match &literal.leaf.test {
                Test::Past(PastTest::Sum(comparison, bound, own)) if *own == currency => {
                    left.compare(*comparison, bound.decimal(), literal.claim);
                }
                Test::Past(PastTest::SumBetween(low, high, own)) if *own == currency && literal.holds() => {
                    left.between(low.decimal(), high.decimal());
                }
                _ => {}
            }
        }
        !left.is_empty()
    })
}

const fn currency(test: &Test) -> Option<Currency> {
    match test {
        Test::Past(PastTest::Sum(_, _, currency) | PastTest::SumBetween(_, _, currency)) => Some(*currency),
        _ => None,
    }
}

/// Longer ago than one span, and not longer ago than another that is no longer: never.
fn possible_last(literals: &[Literal<'_>]) -> bool {
    let spans = |claim: Claim| {
        literals.iter().filter(move |literal| literal.claim == claim).filter_map(|literal| {
            match literal.leaf.test {
                Test::Past(PastTest::LongerAgo(span)) => Some(span),
                _ => None,
            }
        })
    };
    let longest: Option<Duration> = spans(Claim::Holds).max();
    longest.is_none_or(|longest| spans(Claim::Fails).all(|span| longest < span))
}
