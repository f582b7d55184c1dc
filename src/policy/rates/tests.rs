use std::sync::Arc;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::read::{ReadRates, rates};
use super::{Converted, Rates};
use crate::domain::{Currency, Timestamp};
use crate::policy::reader::Reader;
use crate::policy::source::SourceFile;
use crate::policy::yaml;

const TEXT: &str = "base: EUR
max_age: 4d
rates:
  2026-11-21: { USD: '1.10', GBP: '0.8', JPY: 170, IDR: '18000.5', XAU: '0.0003' }
  2026-11-20: { USD: '1.0812', GBP: '0.8421', JPY: 168, IDR: 18000, XAU: '0.0003' }
";

fn read(text: &str) -> Arc<Rates> {
    let file = SourceFile::new("rates.yaml".to_owned(), text.to_owned());
    let root = yaml::parse(&file).expect("plain YAML");
    let mut reader = Reader::new(&file);
    match rates(&mut reader, &root, None) {
        ReadRates::Known(rates) => rates,
        other => panic!("{other:?} {:?}", reader.into_findings()),
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a moment")
}

fn convert(rates: &Arc<Rates>, amount: Decimal, pair: &str, moment: Timestamp) -> Converted {
    let (from, to) = pair.split_once('>').expect("a pair");
    let currency = |text| Currency::parse(text).expect("a currency");
    rates.exchange(currency(from), currency(to)).expect("rates for both").convert(amount, moment)
}

/// An amount, a pair of currencies, the moment, and what comes out.
const CONVERSIONS: &[(&str, &str, &str, &str)] = &[
    ("100", "EUR>USD", "2026-11-20T12:00:00Z", "108.12"),
    ("108.12", "USD>EUR", "2026-11-20T12:00:00Z", "100"),
    ("100", "GBP>USD", "2026-11-21T00:00:00Z", "137.5"),
    // Rounded up at the twelfth decimal, however little is left over.
    ("1", "USD>EUR", "2026-11-21T00:00:00Z", "0.909090909091"),
    ("0.000000000000000001", "EUR>GBP", "2026-11-21T00:00:00Z", "0.000000000001"),
    ("0", "EUR>GBP", "2026-11-21T00:00:00Z", "0"),
    // The day of the moment in UTC; before the first day the first, after the last the last.
    ("100", "EUR>USD", "2026-11-20T23:59:59.999999Z", "108.12"),
    ("100", "EUR>USD", "2026-11-21T00:00:00Z", "110"),
    ("100", "EUR>USD", "1999-01-01T00:00:00Z", "108.12"),
    ("100", "EUR>USD", "2100-01-01T00:00:00Z", "110"),
    // What is one currency stays as it is.
    ("0.0000000000000000001", "USD>USD", "2026-11-20T12:00:00Z", "0.0000000000000000001"),
    // Many digits: exact as long as 28 of them do, rounded up after that.
    ("5000000000000.5", "EUR>JPY", "2026-11-21T00:00:00Z", "850000000000085"),
    ("12345678901234567890", "EUR>USD", "2026-11-20T00:00:00Z", "13348148028014814802.668"),
    ("9876543210987654321.98765432", "EUR>IDR", "2026-11-20T00:00:00Z", "177777777797777777795777.77776"),
];

#[test]
fn amounts_are_converted_as_stated() {
    let rates = read(TEXT);
    for (amount, pair, moment, expected) in CONVERSIONS {
        let amount = Decimal::from_str_exact(amount).expect("a decimal");
        let converted = convert(&rates, amount, pair, at(moment));
        let expected = Decimal::from_str_exact(expected).expect("a decimal");
        assert_eq!(converted, Converted::Amount(expected), "{amount} {pair} {moment}");
    }
}

#[test]
fn what_is_too_large_stands_above_every_amount() {
    let rates = read(TEXT);
    let moment = at("2026-11-20T00:00:00Z");
    for (amount, pair) in [(Decimal::MAX, "EUR>GBP"), (Decimal::from(10_u128.pow(26)), "EUR>IDR")] {
        let converted = convert(&rates, amount, pair, moment);
        assert_eq!(converted, Converted::TooLarge, "{amount} {pair}");
        assert!(converted > Converted::Amount(Decimal::MAX));
    }
    let huge = Decimal::from(10_u128.pow(26));
    assert!(matches!(convert(&rates, huge, "EUR>XAU", moment), Converted::Amount(_)));
}

#[test]
fn a_currency_without_a_rate_has_no_exchange() {
    let rates = read(TEXT);
    let currency = |text| Currency::parse(text).expect("a currency");
    for (from, to) in [("CHF", "EUR"), ("EUR", "CHF"), ("CHF", "CHF")] {
        assert_eq!(rates.exchange(currency(from), currency(to)), None, "{from} {to}");
    }
}

/// The newest day is over at midnight; four days later, and not before, its rates are too old.
#[test]
fn rates_are_good_for_a_time_after_their_last_day() {
    let rates = read(TEXT);
    let cases = [
        ("2026-01-01T00:00:00Z", false),
        ("2026-11-26T00:00:00Z", false),
        ("2026-11-26T00:00:00.000001Z", true),
    ];
    for (moment, expected) in cases {
        assert_eq!(rates.are_expired_at(at(moment)), expected, "{moment}");
    }
}

const PAIRS: [&str; 8] =
    ["EUR>USD", "USD>EUR", "GBP>JPY", "JPY>GBP", "IDR>XAU", "XAU>IDR", "USD>GBP", "EUR>IDR"];

fn any_amount() -> impl Strategy<Value = Decimal> {
    let small = (0..10_u128.pow(12), 0..4_u32);
    let any = (0..(1_u128 << 96), 0..29_u32);
    prop_oneof![small, any].prop_map(|(coefficient, scale)| {
        let coefficient = i128::try_from(coefficient).expect("below 96 bits");
        Decimal::try_from_i128_with_scale(coefficient, scale).expect("within bounds")
    })
}

fn any_moment() -> impl Strategy<Value = Timestamp> {
    prop::sample::select(vec!["2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"])
        .prop_map(at)
}

proptest! {
    #[test]
    fn conversion_keeps_the_order(a in any_amount(), b in any_amount(), pair in prop::sample::select(&PAIRS[..]), moment in any_moment()) {
        let rates = read(TEXT);
        let (low, high) = (a.min(b), a.max(b));
        prop_assert!(convert(&rates, low, pair, moment) <= convert(&rates, high, pair, moment));
    }

    /// Whole cents and rates of four decimals: everything fits 128 bits, and the exact value can be worked out apart.
    #[test]
    fn conversion_is_the_exact_value_rounded_up(cents in 0..10_u128.pow(12), from in 1..10_u128.pow(8), to in 1..10_u128.pow(8)) {
        let rate = |units: u128| format!("{}.{:04}", units / 10_000, units % 10_000);
        let text = format!("base: EUR\nmax_age: 1d\nrates: {{ 2026-11-20: {{ USD: {}, GBP: {} }} }}\n", rate(from), rate(to));
        let amount = Decimal::try_from_i128_with_scale(i128::try_from(cents).expect("small"), 2).expect("small");
        let converted = convert(&read(&text), amount, "USD>GBP", at("2026-11-20T00:00:00Z"));
        let exact = (cents * to * 10_u128.pow(10)).div_ceil(from);
        let Converted::Amount(converted) = converted else { panic!("{amount} is not too large") };
        let expected = num(exact);
        prop_assert!(converted >= expected, "{} below {}", converted, expected);
        // Beyond 28 digits there are fewer decimals: then one unit of the last of them is the most that is added.
        prop_assert!(converted - expected <= Decimal::new(1, converted.scale()), "{} far from {}", converted, expected);
    }
}

/// So many units of the twelfth decimal, cut off where there is no room.
fn num(units: u128) -> Decimal {
    let (mut units, mut scale) = (units, 12);
    while units >= 1 << 96 {
        (units, scale) = (units / 10, scale - 1);
    }
    Decimal::try_from_i128_with_scale(i128::try_from(units).expect("below 96 bits"), scale)
        .expect("within bounds")
}
