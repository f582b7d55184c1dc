//! Sums of amounts: exact, or known to be too large to be.

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::domain::{Amount, Currency};

/// A sum of amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sum {
    /// The exact sum.
    Exact(Decimal),
    /// More digits than can be kept exactly: above every bound.
    TooLarge,
}

impl Sum {
    /// Of nothing.
    pub(crate) const ZERO: Self = Self::Exact(Decimal::ZERO);

    /// The sum with one amount more.
    #[must_use]
    pub(crate) fn plus(self, amount: Amount) -> Self {
        self.and(Self::Exact(amount.decimal()))
    }

    /// Both sums together.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Exact(left), Self::Exact(right)) => exact(left, right).map_or(Self::TooLarge, Self::Exact),
            _ => Self::TooLarge,
        }
    }
}

/// `Decimal` rounds a sum that has too many digits; the scale that is lost gives it away. Only then zeros at the end matter.
fn exact(left: Decimal, right: Decimal) -> Option<Decimal> {
    let whole = |left: Decimal, right: Decimal| {
        left.checked_add(right).filter(|sum| sum.scale() >= left.scale().max(right.scale()))
    };
    whole(left, right).or_else(|| whole(left.normalize(), right.normalize()))
}

/// The sum for each day on which calls came (UTC) and each currency.
///
/// INVARIANT: in this order, each day with each currency once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct DailySums(Vec<((Date, Currency), Sum)>);

impl DailySums {
    /// The sums in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Date, Currency, Sum)> {
        self.0.iter().map(|((day, currency), sum)| (*day, *currency, *sum))
    }

    /// Adds to the sum of a day and a currency.
    pub(crate) fn add(&mut self, day: Date, currency: Currency, sum: Sum) {
        let of = (day, currency);
        // Calls mostly come in the order of their days.
        match self.0.last_mut() {
            Some((last, own)) if *last == of => *own = own.and(sum),
            Some((last, _)) if *last > of => match self.0.binary_search_by_key(&of, |(own, _)| *own) {
                Ok(at) => self.0.iter_mut().skip(at).take(1).for_each(|(_, own)| *own = own.and(sum)),
                Err(at) => self.0.insert(at, (of, sum)),
            },
            _ => self.0.push((of, sum)),
        }
    }

    /// Adds the sums of other calls.
    pub(super) fn add_all(&mut self, other: Self) {
        match (self.0.last(), other.0.first()) {
            (Some((last, _)), Some((first, _))) if last >= first => {
                other.iter().for_each(|(day, currency, sum)| self.add(day, currency, sum));
            }
            (None, _) => *self = other,
            _ => self.0.extend(other.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(amounts: &[&str]) -> Sum {
        let amounts = amounts.iter().map(|text| Amount::parse(text).expect("an amount"));
        amounts.fold(Sum::ZERO, Sum::plus)
    }

    fn exact_is(text: &str) -> Sum {
        Sum::Exact(Amount::parse(text).expect("an amount").decimal())
    }

    /// In whatever order they come, days and currencies stand in theirs, each once.
    #[test]
    fn sums_of_days_come_together_in_any_order() {
        let day = |n| Date::new(2026, 9, n).expect("a day");
        let currency = |name: &str| Currency::parse(name).expect("a currency");
        let parts =
            [(3, "USD", "1.50"), (1, "USD", "2"), (3, "EUR", "4"), (1, "USD", "0.5"), (3, "USD", "0.50")];
        let add = |sums: &mut DailySums, (n, of, text): (i8, &str, &str)| {
            sums.add(day(n), currency(of), exact_is(text));
        };
        let expected = [(1, "USD", "2.5"), (3, "EUR", "4"), (3, "USD", "2")];
        let expected: Vec<_> =
            expected.iter().map(|(n, of, text)| (day(*n), currency(of), exact_is(text))).collect();
        for cut in 0..=parts.len() {
            let (mut one, mut other) = (DailySums::default(), DailySums::default());
            parts[..cut].iter().for_each(|part| add(&mut one, *part));
            parts[cut..].iter().for_each(|part| add(&mut other, *part));
            one.add_all(other);
            assert_eq!(one.iter().collect::<Vec<_>>(), expected, "cut at {cut}");
        }
    }

    #[test]
    fn sums_are_exact_or_say_that_they_are_not() {
        let nines = "9999999999999999999999999999";
        let cases: [(&[&str], Sum); 8] = [
            (&[], exact_is("0")),
            (&["0.10", "0.2"], exact_is("0.3")),
            (&["1", "0.0000000000000000000000000001"], exact_is("1.0000000000000000000000000001")),
            (&[nines, "1"], exact_is("10000000000000000000000000000")),
            // Rounding would hide the last digit, and a sum must not be too small.
            (&[nines, "0.4"], Sum::TooLarge),
            (&["79228162514264337593543950335", "1"], Sum::TooLarge),
            (&["79228162514264337593543950335", "0.00"], exact_is("79228162514264337593543950335")),
            // Once too large it stays so.
            (&[nines, "0.4", "1"], Sum::TooLarge),
        ];
        for (amounts, expected) in cases {
            assert_eq!(sum(amounts), expected, "{amounts:?}");
        }
    }
}
