//! `history`: what Doorstep itself recorded, with the call that asks added where it counts itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{Comparison, Test, View};
use crate::domain::{
    Amount, Counts, Currency, DailySums, HistoryNeed, Measure, Scope, Subject, Sum, Tally, Timestamp,
};
use crate::policy::calendar::start_of;
use crate::policy::rates::{Converted, Exchange, Rates};
use crate::policy::schema::{MoneyRule, Schema, Value};

/// A question about the past that conditions ask, with what it takes from the call itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HistoryField {
    /// The question.
    pub(crate) need: HistoryNeed,
    /// The question in words: its name in records and explanations.
    pub(crate) words: Box<str>,
    /// The places of the metadata fields that it takes from the call.
    pub(crate) fields: Vec<usize>,
    /// The place of the money that it takes from the call.
    pub(crate) money: Option<usize>,
}

impl HistoryField {
    /// Whether metadata or money is looked at, be it that of earlier calls.
    pub(crate) fn reads_metadata(&self) -> bool {
        let by_metadata = self.need.by.iter().any(|subject| matches!(subject, Subject::Metadata(_)));
        by_metadata || matches!(self.need.measure, Measure::Sum(_) | Measure::Distinct(_))
    }

    /// The places of all metadata fields that it takes from the call.
    pub(crate) fn parts(&self, schema: &Schema) -> impl Iterator<Item = usize> {
        let money = self.money.and_then(|at| schema.money.get(at)).map_or(Vec::new(), MoneyRule::parts);
        self.fields.iter().copied().chain(money)
    }

    /// The least number that a call for one of these scopes can find: the call itself, where each of them counts itself.
    pub(crate) fn least(&self, scopes: &[Scope]) -> u8 {
        u8::from(!scopes.is_empty() && scopes.iter().all(|scope| self.need.counts_itself(scope)))
    }

    /// Whether asking again moves it: what was executed, and facts, are out of the user's hand.
    pub(crate) fn is_moved_by_asking(&self) -> bool {
        self.need.counts != Counts::Executed && !matches!(self.need.measure, Measure::Fact(_))
    }
}

/// What a condition asks about the past, where that is no plain number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PastTest {
    /// `eq lt lte gt gte` of a sum of money.
    Sum(Comparison, Amount, SumBound),
    /// `between` of a sum of money, both ends included.
    SumBetween(Amount, Amount, SumBound),
    /// `before`: longer ago than that; not when it never happened.
    LongerAgo(Duration),
}

/// The currency of a bound, and the ways to it from the other currencies of the money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SumBound {
    /// In which the bound is.
    pub(crate) currency: Currency,
    /// For each other currency that the money can be in.
    pub(crate) exchanges: Vec<(Currency, Exchange)>,
}

impl SumBound {
    fn convert(&self, sum: Sum, of: Currency, day: Date) -> Sum {
        if of == self.currency {
            return sum;
        }
        let exchange = self.exchanges.iter().find(|(from, _)| *from == of).map(|(_, exchange)| exchange);
        match (sum, exchange) {
            (Sum::Exact(sum), Some(exchange)) => match exchange.convert(sum, start_of(day)) {
                Converted::Amount(converted) => Sum::Exact(converted),
                Converted::TooLarge => Sum::TooLarge,
            },
            _ => Sum::TooLarge,
        }
    }
}

/// What there is to say about the past, the call included where it counts itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Measured {
    /// So many.
    Number(Decimal),
    /// So much.
    Money(Total),
    /// The last time.
    Last(Option<Timestamp>),
}

/// A sum of money in several currencies, each day's apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Total(DailySums);

impl Total {
    /// All of it in the currency of a bound, each day's by the rates of that day.
    ///
    /// The checker makes sure that there is a way from each currency that the money can be in. What is in another one all
    /// the same is from the time of another policy: it counts as above every bound.
    fn within(&self, bound: &SumBound) -> Sum {
        self.0.iter().fold(Sum::ZERO, |total, (day, of, sum)| total.and(bound.convert(sum, of, day)))
    }

    /// The sum in each currency, by its name.
    pub(crate) fn by_currency(&self) -> BTreeMap<Currency, Sum> {
        let mut sums = BTreeMap::new();
        for (_, currency, sum) in self.0.iter() {
            let total = sums.entry(currency).or_insert(Sum::ZERO);
            *total = total.and(sum);
        }
        sums
    }
}

impl View<'_> {
    /// What a question comes to; `None` when the call lacks something that the question takes from it.
    pub(crate) fn measured(self, at: usize) -> Option<Measured> {
        let (field, tally) = (self.schema.history.get(at)?, self.tallies.get(at)?);
        if field.parts(self.schema).any(|at| *self.values.field(at) == Value::Absent) {
            return None;
        }
        let counts_itself = field.need.counts_itself(&self.facts.scope);
        let itself = Decimal::from(u8::from(counts_itself));
        Some(match tally {
            Tally::Count(number) | Tally::Distinct { others: number } => {
                Measured::Number(Decimal::from(*number) + itself)
            }
            Tally::Sums(sums) => {
                let own = field.money.filter(|_| counts_itself).and_then(|at| self.own_money(at));
                let mut total = Total(sums.clone());
                if let Some((amount, currency)) = own {
                    total.0.add(self.facts.received_at.utc_day(), currency, Sum::ZERO.plus(amount));
                }
                Measured::Money(total)
            }
            Tally::Last(moment) => Measured::Last(*moment),
        })
    }

    fn own_money(self, at: usize) -> Option<(Amount, Currency)> {
        let rule = self.schema.money.get(at)?;
        let (amount, place) = self.values.money(rule)?;
        Some((amount, *rule.currencies.get(place)?))
    }
}

impl Test {
    /// Judges what was measured. Which test stands with which measure is the checker's work.
    pub(super) fn past(&self, measured: &Measured, now: Timestamp) -> bool {
        match (self, measured) {
            (Self::Past(PastTest::LongerAgo(span)), Measured::Last(moment)) => {
                moment.is_some_and(|moment| now.since(moment) > *span)
            }
            (Self::Past(test), Measured::Money(total)) => test.sum(total),
            (test, Measured::Number(number)) => test.decimal(*number),
            _ => false,
        }
    }
}

impl PastTest {
    /// The rates by which it converts money; `None` where it does not.
    pub(super) fn rates(&self) -> Option<&Arc<Rates>> {
        match self {
            Self::Sum(_, _, bound) | Self::SumBetween(_, _, bound) => {
                bound.exchanges.first().map(|(_, exchange)| exchange.rates())
            }
            Self::LongerAgo(_) => None,
        }
    }

    /// Judges a sum. What is too large to be reckoned with is above every bound.
    fn sum(&self, total: &Total) -> bool {
        match self {
            Self::Sum(comparison, bound, within) => match total.within(within) {
                Sum::Exact(sum) => comparison.holds(sum, bound.decimal()),
                Sum::TooLarge => matches!(comparison, Comparison::Greater | Comparison::AtLeast),
            },
            Self::SumBetween(low, high, within) => match total.within(within) {
                Sum::Exact(sum) => low.decimal() <= sum && sum <= high.decimal(),
                Sum::TooLarge => false,
            },
            Self::LongerAgo(_) => false,
        }
    }
}

#[cfg(test)]
mod tests;
