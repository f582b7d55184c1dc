//! Reading `rates.yaml`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rust_decimal::Decimal;

use super::keys::RATES;
use super::{Day, RATE_DECIMALS, RATE_WHOLE_DIGITS, Rates};
use crate::domain::{Currency, Timestamp};
use crate::policy::calendar::{day, end_of, start_of};
use crate::policy::diagnostic::{Code, Span};
use crate::policy::literal;
use crate::policy::reader::{Map, Reader};
use crate::policy::yaml::{Entry, Node};

/// The most days with rates: more than are kept of the past.
const DAYS_MAX: usize = 1000;
/// The most currencies of a day.
const CURRENCIES_MAX: usize = 200;
/// The longest `max_age`, in seconds: what is older is no reference any more.
const AGE_MAX: u32 = 31 * 86_400;
/// How far ahead of the clock a day may begin: rates of tomorrow may be there today.
const AHEAD_MAX: Duration = Duration::from_secs(86_400);

/// The rates of a bundle as far as they could be read.
#[derive(Debug, Clone, Default)]
pub(crate) enum ReadRates {
    /// There is no `rates.yaml`.
    #[default]
    Absent,
    /// There is one with a fault of its own: nobody complains about what it may hold.
    Broken,
    /// What it holds.
    Known(Arc<Rates>),
}

impl ReadRates {
    /// The rates that could be read.
    pub(crate) const fn known(&self) -> Option<&Arc<Rates>> {
        match self {
            Self::Known(rates) => Some(rates),
            Self::Absent | Self::Broken => None,
        }
    }

    /// Whether nothing is known of what they hold.
    pub(crate) const fn are_broken(&self) -> bool {
        matches!(self, Self::Broken)
    }
}

/// Reads the file. `now` is the moment by which its age is judged; `None` where it is not judged.
pub(crate) fn rates(reader: &mut Reader<'_>, root: &Node, now: Option<Timestamp>) -> ReadRates {
    let before = reader.count();
    let read = file(reader, root, now);
    match read {
        Some(rates) if reader.count() == before => ReadRates::Known(Arc::new(rates)),
        _ => ReadRates::Broken,
    }
}

/// A day as it stands in the file.
struct ReadDay<'n> {
    entry: &'n Entry,
    start: Timestamp,
    end: Timestamp,
    /// The currencies as they stand there, those without a sound rate too.
    names: BTreeSet<&'n str>,
    rates: Vec<(Currency, u64)>,
}

fn file(reader: &mut Reader<'_>, root: &Node, now: Option<Timestamp>) -> Option<Rates> {
    const WHAT: &str = "`rates.yaml`";
    let map = reader.closed_map(root, WHAT, &RATES)?;
    let base = reader.required(&map, "base", WHAT);
    let base = base.and_then(|node| {
        let text = reader.text(node, "`base`")?;
        currency(reader, (node.span, text), "`base`")
    });
    let max_age = reader.required(&map, "max_age", WHAT);
    let max_age = max_age.and_then(|node| literal::span(reader, node, "`max_age`", (3600, AGE_MAX)));
    let days = reader.required(&map, "rates", WHAT).and_then(|node| reader.map(node, "`rates`"))?;
    if days.entries.len() > DAYS_MAX {
        let message = format!("more than {DAYS_MAX} days with rates");
        reader.fault(Code::Limit, days.span, message, "remove the oldest");
        return None;
    }
    let read: Vec<_> = days.entries.iter().filter_map(|entry| read_day(reader, entry, base)).collect();
    same_currencies(reader, &read);
    let newest = read.iter().max_by_key(|day| day.start)?;
    let good_until = newest.end.plus(Duration::from_secs(u64::from(max_age?)));
    if let Some(now) = now {
        age(reader, newest, (good_until, now));
    }
    base.map(|base| together(base, &read, good_until))
}

fn currency(reader: &mut Reader<'_>, (span, text): (Span, &str), what: &str) -> Option<Currency> {
    let currency = Currency::parse(text);
    if currency.is_none() {
        let message = format!("{what} is not a currency");
        reader.fault(Code::BadLiteral, span, message, "currencies are three capitals, such as `USD`");
    }
    currency
}

fn read_day<'n>(reader: &mut Reader<'_>, entry: &'n Entry, base: Option<Currency>) -> Option<ReadDay<'n>> {
    let date = day(&entry.key);
    if date.is_none() {
        let message = format!("`{}` is not a day", entry.key);
        reader.fault(Code::BadLiteral, entry.key_span, message, "write year, month and day: `2026-11-20`");
    }
    let map = reader.map(&entry.value, &format!("the rates of `{}`", entry.key))?;
    if map.entries.len() > CURRENCIES_MAX {
        let message = format!("more than {CURRENCIES_MAX} currencies");
        reader.fault(Code::Limit, map.span, message, "keep those that requests can come in");
        return None;
    }
    let rates = day_rates(reader, &map, base);
    let (date, names) = (date?, map.entries.iter().map(|entry| &*entry.key).collect());
    Some(ReadDay { entry, start: start_of(date), end: end_of(date), names, rates })
}

fn day_rates(reader: &mut Reader<'_>, map: &Map<'_>, base: Option<Currency>) -> Vec<(Currency, u64)> {
    let mut rates = Vec::with_capacity(map.entries.len());
    for entry in map.entries {
        let what = format!("`{}`", entry.key);
        let currency = currency(reader, (entry.key_span, &entry.key), &what);
        if currency.is_some() && currency == base {
            let message = format!("{what} is the base: its rate is 1");
            reader.fault(Code::DuplicateItem, entry.key_span, message, "remove it");
        }
        let rate = rate(reader, &entry.value, &format!("the rate of {what}"));
        rates.extend(currency.zip(rate));
    }
    rates.sort_unstable();
    rates
}

/// A rate in units of its last decimal.
fn rate(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<u64> {
    let rate = literal::amount(reader, node, what)?.decimal();
    let units = rate.checked_mul(Decimal::from(10_u64.checked_pow(RATE_DECIMALS)?));
    let has_room = rate.trunc().to_string().len() <= RATE_WHOLE_DIGITS;
    let whole = units.filter(|units| units.is_integer() && has_room);
    let units = whole.and_then(|units| u64::try_from(units.trunc().mantissa()).ok());
    match units {
        Some(0) => {
            let help = "write what one unit of the base is worth in it";
            reader.fault(Code::OutOfRange, node.span, format!("{what} is zero"), help);
            None
        }
        Some(units) => Some(units),
        None => {
            let message = format!("{what} has too many digits");
            let help = format!(
                "a rate has at most {RATE_WHOLE_DIGITS} digits before its point and {RATE_DECIMALS} after it"
            );
            reader.fault(Code::OutOfRange, node.span, message, help);
            None
        }
    }
}

/// Every day must name the same currencies: a rate that were missing on one of them would be that of another day, and
/// grow old unseen.
fn same_currencies(reader: &mut Reader<'_>, days: &[ReadDay<'_>]) {
    let all: BTreeSet<&str> = days.iter().flat_map(|day| &day.names).copied().collect();
    for day in days {
        let missing: Vec<_> = all.iter().filter(|name| !day.names.contains(*name)).copied().collect();
        if !missing.is_empty() {
            let message =
                format!("`{}` has no rate for {}, and another day has", day.entry.key, missing.join(", "));
            let help = "give every day the same currencies, or remove the day";
            reader.fault(Code::MissingKey, day.entry.key_span, message, help);
        }
    }
}

fn age(reader: &mut Reader<'_>, newest: &ReadDay<'_>, (good_until, now): (Timestamp, Timestamp)) {
    let span = newest.entry.key_span;
    if newest.start > now.plus(AHEAD_MAX) {
        let message = "the day has not come yet";
        reader.fault(Code::OutOfRange, span, message, "rates may be there one day ahead, no earlier");
    } else if good_until < now {
        let message = "the newest rates are older than `max_age`";
        reader.fault(Code::RatesExpired, span, message, "add the rates of a newer day");
    }
}

fn together(base: Currency, days: &[ReadDay<'_>], good_until: Timestamp) -> Rates {
    let one = 10_u64.saturating_pow(RATE_DECIMALS);
    let mut currencies = Vec::new();
    let mut together = Vec::with_capacity(days.len());
    for day in days {
        let mut all = day.rates.clone();
        all.push((base, one));
        all.sort_unstable();
        currencies = all.iter().map(|(currency, _)| *currency).collect();
        together.push(Day { start: day.start, rates: all.into_iter().map(|(_, rate)| rate).collect() });
    }
    together.sort_unstable_by_key(|day| day.start);
    Rates { currencies, days: together, good_until }
}
