//! Conditions, compiled: what they look at, what they ask, and how they are joined.

use std::cmp::Ordering;
use std::net::IpAddr;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::addresses::AddressSet;
use super::desk::DeskOverlay;
use super::literal::{Needle, Pattern};
use super::schema::{Schema, Value, Values};
use crate::domain::{Amount, Facts, Identifier, Tally, by_value};

mod compiled;
mod family;
mod field;
mod frame;
mod history;
mod history_keys;
mod identifier;
mod junction;
pub(crate) mod keys;
mod listed;
mod moment;
mod money;
mod operators;
mod questions;
pub(crate) mod read;
mod read_history;
mod read_identifier;
mod read_list;
mod read_moment;
mod read_money;
mod read_test;

pub(crate) use compiled::Program;
pub(crate) use family::Family;
pub(crate) use field::Field;
pub(crate) use frame::Frame;
pub(crate) use history::{HistoryField, Measured, PastTest, SumBound, Total};
pub(crate) use identifier::IdentifierTest;
pub(crate) use listed::{Listed, Wanted};
pub(crate) use moment::{BucketTest, TimeTest};
pub(crate) use money::Bound;
pub(crate) use read_moment::date;

use listed::{Moment, has_text};

/// The most conditions of one rule.
pub(crate) const LEAVES_MAX: usize = 256;

/// A condition with everything under it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    /// `when: always`.
    Always,
    /// One question about one field.
    Leaf(Arc<Leaf>),
    /// Holds when every part holds; has at least one part.
    All(Vec<Self>),
    /// Holds when one part holds; has at least one part.
    Any(Vec<Self>),
    /// Holds when its part does not.
    Not(Box<Self>),
}

/// One question about one field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Leaf {
    /// What it looks at.
    pub(crate) field: Field,
    /// What it asks.
    pub(crate) test: Test,
    /// What it counts as where the field is absent: follows from the rule's `if_absent` and the `not`s around it.
    pub(crate) when_absent: bool,
    /// How the file says it; apart, because deciding does not need it.
    pub(crate) words: Box<Words>,
}

/// A question as it stands in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    /// What it looks at, such as `money.value`.
    pub(crate) field: Box<str>,
    /// What it asks, on one line, such as `{ gte: 10000 USD }`; cut where it is long.
    pub(crate) asks: Box<str>,
}

/// How two numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Comparison {
    /// `eq`.
    Equal,
    /// `lt`.
    Less,
    /// `lte`.
    AtMost,
    /// `gt`.
    Greater,
    /// `gte`.
    AtLeast,
}

impl Comparison {
    /// Whether `left` compares so to `right`.
    pub(crate) fn holds<T: PartialOrd + Copy>(self, left: T, right: T) -> bool {
        left.partial_cmp(&right).is_some_and(|order| self.fits(order))
    }

    /// Whether a left that stands so to a right compares so to it.
    pub(crate) const fn fits(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

/// What a leaf asks: small, since a rule's conditions lie side by side. A money test has one bound for each currency, in the order of the schema's currencies.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    /// `present`: whether the field is there.
    Present(bool),
    /// `eq lt lte gt gte` of a decimal or number.
    Decimal(Comparison, Amount),
    /// `between`, both ends included.
    DecimalBetween(Amount, Amount),
    /// `eq lt lte gt gte` of money.
    Money(Comparison, Vec<Bound<Amount>>),
    /// `between` of money, both ends included.
    MoneyBetween(Vec<Bound<(Amount, Amount)>>),
    /// `eq` and `in` of a text: sorted.
    OneOf(Vec<Box<str>>),
    /// `starts_with`.
    StartsWith(Box<str>),
    /// `ends_with`.
    EndsWith(Box<str>),
    /// `contains`.
    Contains(Needle),
    /// `matches`.
    Matches(Pattern),
    /// `family` of a user agent: sorted.
    Family(Vec<Family>),
    /// `in_cidr`.
    InRange(Box<AddressSet>),
    /// `in_list` and `mapped_by`.
    Listed(Listed),
    /// What an identifier must be.
    Identifier(Box<IdentifierTest>),
    /// When the request must arrive.
    Time(Box<TimeTest>),
    /// Which share of the users must ask.
    Bucket(Box<BucketTest>),
    /// What must have happened before, where that is no plain number.
    Past(PastTest),
}

fn is_between(low: Amount, value: Decimal, high: Amount) -> bool {
    by_value(low.decimal(), value).is_le() && by_value(value, high.decimal()).is_le()
}

/// Compares two texts: most that differ do so in length or at their last byte, without calling for the rest.
fn is_same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.as_bytes().last() == b.as_bytes().last() && a == b
}

/// A request as conditions see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'r> {
    /// What Prelude stated.
    pub(crate) facts: &'r Facts,
    /// What the scope lets the page send.
    pub(crate) schema: &'r Schema,
    /// What the page sent, typed.
    pub(crate) values: &'r Values<'r>,
    /// What happened before, for each question of the schema's.
    pub(crate) tallies: &'r [Tally],
    /// What the fraud desk says.
    pub(crate) desk: &'r DeskOverlay,
}

impl Condition {
    /// Hands over each leaf, in file order.
    pub(crate) fn each_leaf<'c>(&'c self, take: &mut impl FnMut(&'c Arc<Leaf>)) {
        match self {
            Self::Always => {}
            Self::Leaf(leaf) => take(leaf),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.each_leaf(take)),
            Self::Not(part) => part.each_leaf(take),
        }
    }
}

impl Leaf {
    /// The name of the list that it looks into.
    pub(crate) fn list(&self) -> Option<&str> {
        match &self.test {
            Test::Listed(listed) => Some(listed.name()),
            Test::Identifier(test) => test.list.as_ref().map(|list| list.name()),
            _ => None,
        }
    }

    /// Whether it holds for a request.
    pub(crate) fn holds(&self, view: View<'_>) -> bool {
        let (facts, moment) = (view.facts, Moment { now: view.facts.received_at, desk: view.desk });
        match self.field {
            Field::Scope => self.test.text(facts.scope.as_str()),
            Field::UserId => self.test.text_at(facts.user_id.as_str(), moment),
            Field::Ip => self.test.address(facts.signals.ip, moment),
            Field::Platform => self.test.text_at(facts.signals.platform.as_str(), moment),
            Field::UserAgent => self.test.text_at(&facts.signals.user_agent, moment),
            Field::IdentifiersAny => self.test.any_identifier(&facts.identifiers, moment),
            Field::IdentifiersEvery => self.test.every_identifier(&facts.identifiers, moment),
            Field::IdentifiersCount => self.test.decimal(Decimal::from(facts.identifiers.len())),
            Field::Time => matches!(&self.test, Test::Time(test) if test.fits(moment.now)),
            Field::Bucket => matches!(&self.test, Test::Bucket(test) if test.fits(&facts.user_id)),
            Field::Metadata(at) => match view.values.field(at) {
                Value::Absent => self.when_absent,
                Value::Decimal(amount, _) => self.test.decimal(amount.decimal()),
                Value::Text(text, _) => self.test.text_at(text, moment),
            },
            Field::Money(at) => match view.schema.money.get(at).and_then(|rule| view.values.money(rule)) {
                None => self.when_absent,
                Some(money) => self.test.money(money, moment.now).unwrap_or(self.when_absent),
            },
            Field::History(at) => {
                view.measured(at).map_or(self.when_absent, |measured| self.test.past(&measured, moment.now))
            }
        }
    }
}

/// Each of these is asked only of tests that fit the field's type, which the checker made sure of; another test is
/// about whether the field is there, and it is.
impl Test {
    /// Judges a decimal or number.
    pub(crate) fn decimal(&self, value: Decimal) -> bool {
        match self {
            Self::Decimal(comparison, bound) => comparison.fits(by_value(value, bound.decimal())),
            Self::DecimalBetween(low, high) => is_between(*low, value, *high),
            other => other.is_there(),
        }
    }

    /// Judges a text at a moment: what is in a list may end.
    fn text_at(&self, value: &str, moment: Moment<'_>) -> bool {
        match self {
            Self::Listed(Listed::Text(list)) => has_text(list, value, moment),
            other => other.text(value),
        }
    }

    /// Judges a text, whenever that is.
    pub(crate) fn text(&self, value: &str) -> bool {
        match self {
            // Comparing a few for equality is cheaper than searching: most differ in length already.
            Self::OneOf(texts) if texts.len() <= 8 => texts.iter().any(|text| is_same(text, value)),
            Self::OneOf(texts) => texts.binary_search_by(|text| (**text).cmp(value)).is_ok(),
            Self::StartsWith(start) => value.starts_with(&**start),
            Self::EndsWith(end) => value.ends_with(&**end),
            Self::Contains(part) => part.is_in(value),
            Self::Matches(pattern) => pattern.fits(value),
            Self::Family(families) => families.contains(&Family::of(value)),
            other => other.is_there(),
        }
    }

    fn address(&self, value: IpAddr, moment: Moment<'_>) -> bool {
        match self {
            Self::InRange(set) => set.contains(value),
            Self::Listed(listed) => listed.has_address(value, moment),
            other => other.is_there(),
        }
    }

    fn any_identifier(&self, identifiers: &[Identifier], moment: Moment<'_>) -> bool {
        match self {
            Self::Identifier(test) => identifiers.iter().any(|identifier| test.fits(identifier, moment)),
            other => other.is_there(),
        }
    }

    fn every_identifier(&self, identifiers: &[Identifier], moment: Moment<'_>) -> bool {
        match self {
            Self::Identifier(test) => {
                !identifiers.is_empty() && identifiers.iter().all(|identifier| test.fits(identifier, moment))
            }
            other => other.is_there(),
        }
    }

    const fn is_there(&self) -> bool {
        matches!(self, Self::Present(true))
    }
}

#[cfg(test)]
mod tests;
