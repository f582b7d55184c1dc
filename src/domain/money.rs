//! Amounts and money: exact decimals, read from plain text and never rounded.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;

/// Why a text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AmountFault {
    /// Not of the form `(0|[1-9][0-9]*)(\.[0-9]+)?`.
    #[error("not a decimal")]
    Form,
    /// More digits than can be kept exactly (28, or a coefficient of 96 bits).
    #[error("a decimal with too many digits")]
    TooManyDigits,
}

/// The most characters of a decimal whose digits certainly fit a machine word.
const SHORT_CHARS_MAX: usize = 18;

/// How many digits after the point have a rank of their own.
const RANK_SCALE: u32 = 6;
const RANK_OF_ONE: i64 = 2 * 10_i64.pow(RANK_SCALE);

/// A non-negative decimal, exact.
///
/// Only the plain form `(0|[1-9][0-9]*)(\.[0-9]+)?` is read: no sign, exponent, separator, blank or leading zero, since
/// each of those is read differently by somebody. Equality and order are by value: `0.10` equals `0.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Amount(Decimal);

impl Amount {
    /// Reads a plain decimal.
    ///
    /// # Errors
    /// [`AmountFault`] for another form, or for more digits than are exact; never a rounded value.
    pub(crate) fn parse(text: &str) -> Result<Self, AmountFault> {
        if let Some(decimal) = short_decimal(text) {
            return Ok(Self(decimal));
        }
        if !is_plain_decimal(text) {
            return Err(AmountFault::Form);
        }
        Decimal::from_str_exact(text).map(Self).map_err(|_| AmountFault::TooManyDigits)
    }

    /// The value as a decimal.
    pub(crate) const fn decimal(self) -> Decimal {
        self.0
    }

    /// Its place in the order of all amounts, as one number.
    ///
    /// Even numbers are the multiples of a millionth, an odd number is everything between two of them, and the greatest
    /// number is everything that is too large for a number of its own. Of two amounts with different ranks, the greater one
    /// has the greater rank.
    pub(crate) fn rank(self) -> i64 {
        let (mantissa, scale) = (self.0.mantissa(), self.0.scale());
        if let Some(digits) = RANK_SCALE.checked_sub(scale) {
            let whole =
                i64::try_from(mantissa).ok().and_then(|whole| whole.checked_mul(2 * 10_i64.pow(digits)));
            return whole.unwrap_or(i64::MAX);
        }
        let unit = 10_i128.pow(scale - RANK_SCALE);
        let between = i128::from(mantissa % unit != 0);
        i64::try_from(mantissa / unit * 2 + between).unwrap_or(i64::MAX)
    }

    /// The rank of an amount that shares it with no other; `None` for one that is too fine or too large.
    pub(crate) fn exact_rank(self) -> Option<i64> {
        Some(self.rank()).filter(|rank| rank % 2 == 0)
    }

    /// The rank of a number of things.
    pub(crate) fn rank_of(count: usize) -> i64 {
        i64::try_from(count).ok().and_then(|count| count.checked_mul(RANK_OF_ONE)).unwrap_or(i64::MAX)
    }

    /// How many digits stand after the point, as written (trailing zeros count).
    pub(crate) fn scale(self) -> u32 {
        self.0.scale()
    }
}

impl FromStr for Amount {
    type Err = AmountFault;

    fn from_str(text: &str) -> Result<Self, AmountFault> {
        Self::parse(text)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn is_plain_decimal(text: &str) -> bool {
    let (whole, fraction) =
        text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && (whole == "0" || !whole.starts_with('0')) && fraction.is_none_or(digits)
}

/// The value of a plain decimal whose digits fit a machine word, as nearly all do: one pass, at a fraction of the cost of
/// reading any. `None` for every other text.
fn short_decimal(text: &str) -> Option<Decimal> {
    let bytes = text.as_bytes();
    if bytes.len() > SHORT_CHARS_MAX {
        return None;
    }
    let (mut number, mut digits, mut before_point) = (0, 0, None);
    for byte in bytes {
        match byte.wrapping_sub(b'0') {
            digit @ 0..=9 => {
                number = number * 10 + i64::from(digit);
                digits += 1;
            }
            _ if *byte == b'.' && before_point.is_none() => before_point = Some(digits),
            _ => return None,
        }
    }
    let whole = before_point.unwrap_or(digits);
    let scale: u32 = digits - whole;
    let is_plain =
        (whole == 1 || whole > 1 && bytes.first() != Some(&b'0')) && (scale > 0 || before_point.is_none());
    if is_plain { Decimal::try_new(number, scale).ok() } else { None }
}

/// Orders two decimals by value, as `Decimal` itself does, at a fraction of the cost where their scales are close.
pub(crate) fn by_value(left: Decimal, right: Decimal) -> Ordering {
    // A mantissa has at most 96 bits and 10^9 has 30, so the products fit.
    const POWERS: [i128; 10] =
        [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];
    let power = |digits: u32| usize::try_from(digits).ok().and_then(|digits| POWERS.get(digits));
    let (from, to) = (left.scale(), right.scale());
    match (power(to.saturating_sub(from)), power(from.saturating_sub(to))) {
        (Some(times), Some(other)) => (left.mantissa() * times).cmp(&(right.mantissa() * other)),
        _ => left.cmp(&right),
    }
}

/// A currency: three capital letters (ISO 4217's form; which ones exist is the policy's business).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Currency([u8; 3]);

impl Currency {
    /// Reads three capital letters; `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 3] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_uppercase).then_some(Self(bytes))
    }

    /// The three letters.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_decimals_are_amounts() {
        for text in ["0", "1", "10", "0.1", "0.10", "1000000.01", "99999999999999999999.99999999"] {
            assert_eq!(Amount::parse(text).map(|amount| amount.to_string()).as_deref(), Ok(text));
        }
        let wrong =
            ["", "-1", "+1", "01", "00", ".5", "5.", "1e5", "1_000", "1,5", " 1", "1 ", "0x1", "NaN", "१"];
        for text in wrong {
            assert_eq!(Amount::parse(text), Err(AmountFault::Form), "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_exact_is_refused_not_rounded() {
        let text = "0.00000000000000000000000000001";
        assert_eq!(Amount::parse(text), Err(AmountFault::TooManyDigits));
        assert_eq!(Amount::parse(&"9".repeat(32)), Err(AmountFault::TooManyDigits));
    }

    #[test]
    fn amounts_compare_by_value() {
        assert_eq!(Amount::parse("0.10"), Amount::parse("0.1"));
        assert!(Amount::parse("9.99").expect("plain") < Amount::parse("10").expect("plain"));
    }

    #[test]
    fn the_short_ways_agree_with_the_long_ones() {
        let texts = [
            "0",
            "0.0",
            "7",
            "10",
            "10.00",
            "9.99",
            "0.000000001",
            "0.0000000001",
            "99999999999999999",
            "1234567890.1234567",
            "999999999999999999",
            "9999999999999999999",
            "79228162514264337593543950335",
            "0.0000000000000000000000000001",
        ];
        for text in texts {
            let decimal = Decimal::from_str_exact(text).expect("exact");
            let amount = Amount::parse(text).expect("plain");
            assert_eq!((amount.decimal(), amount.scale()), (decimal, decimal.scale()), "{text}");
            for other in texts.map(|text| Decimal::from_str_exact(text).expect("exact")) {
                assert_eq!(by_value(decimal, other), decimal.cmp(&other), "{decimal} {other}");
            }
        }
    }

    #[test]
    fn ranks_have_the_order_of_amounts() {
        let texts = [
            "0",
            "0.0000000000000000000000000001",
            "0.0000005",
            "0.000001",
            "0.00000100",
            "0.0000010000001",
            "0.000002",
            "1",
            "999.99",
            "999.999999",
            "999.9999995",
            "1000",
            "4611686018427.387903",
            "4611686018427.3879035",
            "4611686018427.387904",
            "9223372036854775807",
            "9223372036854775808",
            "79228162514264337593543950335",
        ];
        let amounts = texts.map(|text| Amount::parse(text).expect("plain"));
        for (a, b) in amounts.iter().flat_map(|a| amounts.iter().map(move |b| (*a, *b))) {
            let (known, other) = (a.exact_rank().is_some(), a.rank().cmp(&b.rank()));
            assert!(other == a.cmp(&b) || (!known && other.is_eq()), "{a} {b}");
        }
        let exact = [
            "0",
            "0.000001",
            "0.00000100",
            "0.000002",
            "1",
            "999.99",
            "999.999999",
            "1000",
            "4611686018427.387903",
        ];
        for text in texts {
            let amount = Amount::parse(text).expect("plain");
            assert_eq!(amount.exact_rank().is_some(), exact.contains(&text), "{text}");
        }
        for count in [0, 3, 1_000_000, usize::MAX] {
            assert_eq!(Amount::rank_of(count), Amount(Decimal::from(count)).rank());
        }
    }

    #[test]
    fn currencies_are_three_capitals() {
        assert_eq!(Currency::parse("USD").map(|c| c.to_string()).as_deref(), Some("USD"));
        for text in ["usd", "US", "USDT", "U$D", ""] {
            assert_eq!(Currency::parse(text), None);
        }
    }
}
