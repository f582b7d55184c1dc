//! Reference exchange rates, by which money in one currency is compared with a bound in another.
//!
//! An amount is converted and then compared: `amount × rate(to) / rate(from)` by the rates of one day, reckoned in whole
//! numbers and **rounded up** at the twelfth decimal. So a converted amount is never below its exact value, and no limit
//! is missed by rounding. What is too large to be reckoned with is above every bound.

use std::sync::Arc;

use rust_decimal::Decimal;

use crate::domain::{Currency, Timestamp};

pub(crate) mod keys;
pub(crate) mod read;

/// The decimals at which a converted amount is rounded up; where 28 digits do not hold them, there are fewer.
const DECIMALS: u32 = 12;
/// The most digits of a rate after its point.
const RATE_DECIMALS: u32 = 10;
/// The most digits of a rate before its point: with those after it, a rate in its smallest units fits 64 bits.
const RATE_WHOLE_DIGITS: usize = 9;
/// The largest coefficient of a decimal.
const COEFFICIENT_MAX: u128 = (1 << 96) - 1;

/// Rates of several days against one base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rates {
    /// The currencies of every day, the base among them, sorted.
    currencies: Vec<Currency>,
    /// The days, at least one, oldest first.
    days: Vec<Day>,
    /// Until when the newest day may be used.
    good_until: Timestamp,
}

/// The rates of a day: good from its beginning in UTC until the next day that has some.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Day {
    start: Timestamp,
    /// What one unit of the base is worth, in the order of the currencies, in units of the last decimal of a rate.
    rates: Box<[u64]>,
}

/// A converted amount. One that is too large to be reckoned with stands above every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Converted {
    /// The amount, never below its exact value.
    Amount(Decimal),
    /// Above every bound.
    TooLarge,
}

/// The way from one currency to another, which the rates of every day know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exchange {
    rates: Arc<Rates>,
    from: usize,
    to: usize,
}

impl Rates {
    /// Whether the newest day was too old at that moment.
    pub(crate) fn are_expired_at(&self, moment: Timestamp) -> bool {
        self.good_until < moment
    }

    /// Until when the newest day may be used.
    pub(crate) const fn good_until(&self) -> Timestamp {
        self.good_until
    }

    /// The currencies, sorted.
    pub(crate) fn currencies(&self) -> &[Currency] {
        &self.currencies
    }

    /// The way between two currencies; `None` without a rate for one of them.
    pub(crate) fn exchange(self: &Arc<Self>, from: Currency, to: Currency) -> Option<Exchange> {
        let place = |currency| self.currencies.binary_search(&currency).ok();
        Some(Exchange { from: place(from)?, to: place(to)?, rates: Arc::clone(self) })
    }

    /// The newest day that had begun by then; before all of them the oldest.
    fn day(&self, moment: Timestamp) -> Option<&Day> {
        self.days.iter().rev().find(|day| day.start <= moment).or_else(|| self.days.first())
    }
}

impl Exchange {
    /// Converts an amount by the rates of the day of `moment` (UTC), or of the latest day before it that has some; before
    /// all of them, by the oldest.
    ///
    /// - `amount`: not negative.
    /// - returns: `amount × rate(to) / rate(from)`, rounded up at the twelfth decimal; the amount itself where the two
    ///   currencies are one.
    pub(crate) fn convert(&self, amount: Decimal, moment: Timestamp) -> Converted {
        if self.from == self.to {
            return Converted::Amount(amount);
        }
        let converted = self.rates.day(moment).and_then(|day| {
            let (from, to) = (day.rates.get(self.from)?, day.rates.get(self.to)?);
            rounded_up(times_ratio(units(amount)?, *to, *from)?)
        });
        converted.map_or(Converted::TooLarge, Converted::Amount)
    }

    /// What is converted to.
    pub(crate) fn target(&self) -> Option<Currency> {
        self.rates.currencies.get(self.to).copied()
    }

    /// The rates by which is converted.
    pub(crate) const fn rates(&self) -> &Arc<Rates> {
        &self.rates
    }
}

/// A decimal in units of its twelfth decimal, rounded up; `None` when there are too many.
fn units(amount: Decimal) -> Option<u128> {
    let coefficient = amount.mantissa().unsigned_abs();
    match DECIMALS.checked_sub(amount.scale()) {
        Some(missing) => coefficient.checked_mul(10_u128.checked_pow(missing)?),
        None => Some(coefficient.div_ceil(10_u128.checked_pow(amount.scale().checked_sub(DECIMALS)?)?)),
    }
}

/// `units × to / from`, rounded up; `None` when it is too large, and for a `from` of zero, which no rate is.
///
/// The product has up to 192 bits: it is kept as a high part above a low one of 64 bits, and divided in two steps as on
/// paper. No step overflows: a remainder is below 64 bits, since `from` is.
fn times_ratio(units: u128, to: u64, from: u64) -> Option<u128> {
    const LOW: u128 = (1 << 64) - 1;
    let (to, from) = (u128::from(to), u128::from(from));
    let low = (units & LOW) * to;
    let high = (units >> 64) * to + (low >> 64);
    let carried = (high.checked_rem(from)? << 64) | (low & LOW);
    let high = high.checked_div(from)?;
    let whole = high.checked_mul(1 << 64)?.checked_add(carried.checked_div(from)?)?;
    whole.checked_add(u128::from(carried.checked_rem(from)? > 0))
}

/// Units of the twelfth decimal as a decimal: with fewer decimals, and rounded up once more, where that many digits do
/// not fit.
fn rounded_up(units: u128) -> Option<Decimal> {
    let (mut units, mut decimals) = (units, DECIMALS);
    while units > COEFFICIENT_MAX {
        (units, decimals) = (units.div_ceil(10), decimals.checked_sub(1)?);
    }
    Decimal::try_from_i128_with_scale(i128::try_from(units).ok()?, decimals).ok()
}

#[cfg(test)]
mod tests;
