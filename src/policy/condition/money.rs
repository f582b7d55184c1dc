//! Money in one currency, compared in the same or converted to another.

use std::sync::Arc;

use super::{Condition, Test, is_between};
use crate::domain::{Amount, Currency, Timestamp, by_value};
use crate::policy::rates::{Converted, Exchange, Rates};

/// What money in one currency is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bound<T> {
    /// A bound in that currency.
    Own(T),
    /// A bound in another one, to which the money is converted.
    Foreign(T, Exchange),
}

impl<T: Copy> Bound<T> {
    /// The bound, and the currency that money is converted to before it is compared with it.
    pub(crate) fn parts(&self) -> (T, Option<Currency>) {
        match self {
            Self::Own(bound) => (*bound, None),
            Self::Foreign(bound, exchange) => (*bound, exchange.target()),
        }
    }

    fn rates(&self) -> Option<&Arc<Rates>> {
        match self {
            Self::Own(_) => None,
            Self::Foreign(_, exchange) => Some(exchange.rates()),
        }
    }
}

impl Condition {
    /// The rates by which one of its questions converts money; `None` where none does.
    pub(crate) fn rates(&self) -> Option<&Arc<Rates>> {
        let mut found = None;
        self.each_leaf(&mut |leaf| found = found.or_else(|| leaf.test.rates()));
        found
    }
}

impl Test {
    /// Judges an amount by the bound of its currency; `None` without one, which the checker rules out.
    pub(super) fn money(&self, (amount, currency): (Amount, usize), now: Timestamp) -> Option<bool> {
        match self {
            Self::Money(comparison, bounds) => bounds.get(currency).map(|bound| match bound {
                Bound::Own(bound) => comparison.fits(by_value(amount.decimal(), bound.decimal())),
                Bound::Foreign(bound, exchange) => comparison
                    .holds(exchange.convert(amount.decimal(), now), Converted::Amount(bound.decimal())),
            }),
            Self::MoneyBetween(bounds) => bounds.get(currency).map(|bound| match bound {
                Bound::Own((low, high)) => is_between(*low, amount.decimal(), *high),
                Bound::Foreign((low, high), exchange) => {
                    let amount = exchange.convert(amount.decimal(), now);
                    Converted::Amount(low.decimal()) <= amount && amount <= Converted::Amount(high.decimal())
                }
            }),
            other => Some(other.is_there()),
        }
    }

    /// The rates by which money is converted for this question; `None` where none is.
    pub(crate) fn rates(&self) -> Option<&Arc<Rates>> {
        match self {
            Self::Money(_, bounds) => bounds.iter().find_map(Bound::rates),
            Self::MoneyBetween(bounds) => bounds.iter().find_map(Bound::rates),
            Self::Past(test) => test.rates(),
            _ => None,
        }
    }
}
