//! The numbers and amounts that fit a set of conditions: whether there are any.

use rust_decimal::Decimal;

use super::claim::{Claim, Literal};
use crate::domain::{Amount, Currency};
use crate::policy::condition::{Comparison, Test};
use crate::policy::schema::DecimalRule;

/// Whether a number within the field's own bounds could satisfy all literals. `false` is a proof. A literal that leaves
/// two separate stretches (`not between`) is not taken into account, which keeps too much rather than too little.
pub(super) fn possible_number(literals: &[Literal<'_>], rule: Option<&DecimalRule>) -> bool {
    let mut left = Interval::at_least_zero();
    if let Some(rule) = rule {
        left.low = rule.min.map_or(left.low, |min| (min.decimal(), End::Included));
        left.high = rule.max.map(|max| (max.decimal(), End::Included));
    }
    left.fits(literals)
}

/// Whether an amount in one of the schema's currencies could satisfy all literals. `false` is a proof.
///
/// What is compared in one currency, converted or not, is one number, whatever the rates are. What is compared in several
/// proves nothing together: that would depend on the rates, which change more often than anybody looks at the rules
/// again.
pub(super) fn possible_money(literals: &[Literal<'_>], currency: usize) -> bool {
    let claims: Vec<_> = literals.iter().filter_map(|literal| MoneyClaim::of(literal, currency)).collect();
    claims.iter().all(|claim| {
        let mut left = Interval::at_least_zero();
        for other in claims.iter().filter(|other| other.target == claim.target) {
            match other.ends {
                Ends::One(comparison, bound) => left.compare(comparison, bound.decimal(), other.claim),
                Ends::Both(low, high) => left.between(low.decimal(), high.decimal()),
            }
        }
        !left.is_empty()
    })
}

/// What a literal says about an amount in one currency.
struct MoneyClaim {
    /// The currency that the amount is converted to before it is compared; `None` where it is not.
    target: Option<Currency>,
    ends: Ends,
    claim: Claim,
}

enum Ends {
    One(Comparison, Amount),
    Both(Amount, Amount),
}

impl MoneyClaim {
    fn of(literal: &Literal<'_>, currency: usize) -> Option<Self> {
        let claim = literal.claim;
        match &literal.leaf.test {
            Test::Money(comparison, bounds) => {
                let (bound, target) = bounds.get(currency)?.parts();
                Some(Self { target, ends: Ends::One(*comparison, bound), claim })
            }
            Test::MoneyBetween(bounds) if literal.holds() => {
                let ((low, high), target) = bounds.get(currency)?.parts();
                Some(Self { target, ends: Ends::Both(low, high), claim })
            }
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Included,
    Excluded,
}

/// The numbers between two ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interval {
    low: (Decimal, End),
    high: Option<(Decimal, End)>,
}

impl Interval {
    pub(super) const fn at_least_zero() -> Self {
        Self::at_least(Decimal::ZERO)
    }

    pub(super) const fn at_least(low: Decimal) -> Self {
        Self { low: (low, End::Included), high: None }
    }

    /// Whether a number in here could satisfy all literals.
    pub(super) fn fits(mut self, literals: &[Literal<'_>]) -> bool {
        for literal in literals {
            match &literal.leaf.test {
                Test::Decimal(comparison, bound) => self.compare(*comparison, bound.decimal(), literal.claim),
                Test::DecimalBetween(low, high) if literal.holds() => {
                    self.between(low.decimal(), high.decimal());
                }
                _ => {}
            }
        }
        !self.is_empty()
    }

    pub(super) fn compare(&mut self, comparison: Comparison, bound: Decimal, claim: Claim) {
        match (comparison, claim) {
            (Comparison::Equal, Claim::Holds) => self.between(bound, bound),
            // One number less leaves an interval empty only when it is that number.
            (Comparison::Equal, Claim::Fails) => {
                if self.low == (bound, End::Included) && self.high == Some((bound, End::Included)) {
                    self.low.1 = End::Excluded;
                }
            }
            (Comparison::Less, Claim::Holds) | (Comparison::AtLeast, Claim::Fails) => {
                self.below(bound, End::Excluded);
            }
            (Comparison::AtMost, Claim::Holds) | (Comparison::Greater, Claim::Fails) => {
                self.below(bound, End::Included);
            }
            (Comparison::Greater, Claim::Holds) | (Comparison::AtMost, Claim::Fails) => {
                self.above(bound, End::Excluded);
            }
            (Comparison::AtLeast, Claim::Holds) | (Comparison::Less, Claim::Fails) => {
                self.above(bound, End::Included);
            }
        }
    }

    pub(super) fn between(&mut self, low: Decimal, high: Decimal) {
        self.above(low, End::Included);
        self.below(high, End::Included);
    }

    fn above(&mut self, bound: Decimal, end: End) {
        if bound > self.low.0 || (bound == self.low.0 && end == End::Excluded) {
            self.low = (bound, end);
        }
    }

    fn below(&mut self, bound: Decimal, end: End) {
        let tighter = self.high.is_none_or(|(high, _)| bound < high);
        if tighter || self.high.is_some_and(|(high, _)| bound == high && end == End::Excluded) {
            self.high = Some((bound, end));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.high.is_some_and(|(high, end)| {
            high < self.low.0 || (high == self.low.0 && (end == End::Excluded || self.low.1 == End::Excluded))
        })
    }
}
