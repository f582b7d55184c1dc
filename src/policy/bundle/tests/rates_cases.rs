//! Faults of `rates.yaml`, and of bounds that would need it.

use crate::policy::Code;

/// The whole file; the moment of loading is 2026-09-21, 14:13.
pub(super) const RATES_CASES: &[(Code, &str)] = &[
    (Code::WrongShape, "§- EUR"),
    (Code::UnknownKey, "base: EUR\nmax_age: 4d\n§from: ECB\nrates: { 2026-09-21: { USD: 1.1 } }"),
    (Code::MissingKey, "§max_age: 4d\nrates: { 2026-09-21: { USD: 1.1 } }"),
    (Code::MissingKey, "§base: EUR\nrates: { 2026-09-21: { USD: 1.1 } }"),
    (Code::MissingKey, "§base: EUR\nmax_age: 4d"),
    (Code::BadLiteral, "base: §eur\nmax_age: 4d\nrates: { 2026-09-21: { USD: 1.1 } }"),
    (Code::BadLiteral, "base: EUR\nmax_age: §4\nrates: { 2026-09-21: { USD: 1.1 } }"),
    (Code::OutOfRange, "base: EUR\nmax_age: §59m\nrates: { 2026-09-21: { USD: 1.1 } }"),
    (Code::OutOfRange, "base: EUR\nmax_age: §32d\nrates: { 2026-09-21: { USD: 1.1 } }"),
    (Code::Empty, "base: EUR\nmax_age: 4d\nrates: §{}"),
    (
        Code::BadLiteral,
        "base: EUR\nmax_age: 4d\nrates: { 2026-09-20: { USD: 1 }, §21.09.2026: { USD: 1.1 } }",
    ),
    (
        Code::BadLiteral,
        "base: EUR\nmax_age: 4d\nrates: { 2026-09-20: { USD: 1 }, §2026-09-31: { USD: 1.1 } }",
    ),
    (
        Code::DuplicateKey,
        "base: EUR\nmax_age: 4d\nrates: { 2026-09-21: { USD: 1 }, §2026-09-21: { USD: 1.1 } }",
    ),
    (Code::Empty, "base: EUR\nmax_age: 4d\nrates: { 2026-09-20: { USD: 1 }, 2026-09-21: §{} }"),
    (Code::BadLiteral, "base: EUR\nmax_age: 4d\nrates: { 2026-09-21: { USD: 1, §usd: 1.1 } }"),
    (Code::DuplicateKey, "base: EUR\nmax_age: 4d\nrates: { 2026-09-21: { USD: 1, §USD: 1.1 } }"),
    (Code::DuplicateItem, "base: EUR\nmax_age: 4d\nrates: { 2026-09-21: { USD: 1, §EUR: 1 } }"),
    (Code::BadLiteral, "base: EUR\nmax_age: 4d\nrates: { 2026-09-21: { USD: §-1.1 } }"),
    (Code::BadLiteral, "base: EUR\nmax_age: 4d\nrates: { 2026-09-21: { USD: §1e1 } }"),
    (Code::BadLiteral, "base: EUR\nmax_age: 4d\nrates: { 2026-09-21: { USD: §'1,1' } }"),
    (Code::OutOfRange, "base: EUR\nmax_age: 4d\nrates: { 2026-09-21: { USD: §'0.00' } }"),
    (Code::OutOfRange, "base: EUR\nmax_age: 4d\nrates: { 2026-09-21: { USD: §1.12345678901 } }"),
    (Code::OutOfRange, "base: EUR\nmax_age: 4d\nrates: { 2026-09-21: { USD: §1000000000 } }"),
    (
        Code::MissingKey,
        "base: EUR\nmax_age: 4d\nrates:\n  §2026-09-21: { USD: 1.1 }\n  2026-09-20: { USD: 1.1, GBP: 1 }",
    ),
    (
        Code::OutOfRange,
        "base: EUR\nmax_age: 4d\nrates: { §2026-09-23: { USD: 1.1 }, 2026-09-20: { USD: 1 } }",
    ),
    (
        Code::RatesExpired,
        "base: EUR\nmax_age: 4d\nrates: { §2026-09-16: { USD: 1.1 }, 2026-09-01: { USD: 1 } }",
    ),
];

/// Rates that load then.
pub(super) const GOOD_RATES: [&str; 4] = [
    "base: EUR\nmax_age: 4d\nrates: { 2026-09-17: { USD: 1.1 } }\n",
    "base: EUR\nmax_age: 1h\nrates: { 2026-09-22: { USD: 0.0000000001 } }\n",
    "base: EUR\nmax_age: 31d\nrates: { 2026-09-01: { USD: 999999999.9999999999, GBP: 1 }, 2026-08-01: { GBP: 1, USD: 1.0000000000000 } }\n",
    "base: USD\nmax_age: 4d\nrates: { 2026-09-21: { EUR: '0.9' } }\n",
];

/// What stands in a condition about money in USD or EUR, beside rates for USD, EUR and GBP.
pub(super) const BOUND_CASES: &[(Code, &str)] = &[
    (Code::CurrencyNotCovered, "{ gte: §5 CHF }"),
    (Code::CurrencyNotCovered, "{ gte: [5 USD, §5 GBP] }"),
    (Code::CurrencyNotCovered, "{ gte: [§5 GBP, 4 USD, 4 EUR] }"),
    (Code::CurrencyNotCovered, "{ between: [[1 USD, 2 USD], §[1 CHF, 2 CHF]] }"),
    (Code::DuplicateItem, "{ gte: [5 USD, §6 USD] }"),
    (Code::BadLiteral, "{ between: §[1 USD, 2 GBP] }"),
];
