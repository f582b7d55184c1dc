//! Sums of amounts: exact, or known to be too large to be.

use rust_decimal::Decimal;

use crate::domain::Amount;

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

/// `Decimal` rounds a sum that has too many digits; the scale that is lost gives it away.
fn exact(left: Decimal, right: Decimal) -> Option<Decimal> {
    let (left, right) = (left.normalize(), right.normalize());
    let sum = left.checked_add(right)?;
    (sum.scale() >= left.scale().max(right.scale())).then_some(sum)
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
