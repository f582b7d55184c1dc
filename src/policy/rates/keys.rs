//! The keys of `rates.yaml`.

use crate::policy::grammar::{AMOUNT, CURRENCY, DAY, Key, SPAN, Shape, Table};

/// The file.
pub(crate) static RATES: Table = Table::new(
    "rates",
    "rates.yaml",
    "Exchange rates by day, for money without a bound in its own currency.",
    &[&[
        Key::required(
            "base",
            Shape::Form(&CURRENCY),
            "The currency of which one unit is worth so much of the others.",
        ),
        Key::required(
            "max_age",
            Shape::Form(&SPAN),
            "How long after its end, midnight in UTC, the newest day may be used: `1h` to `31d`.",
        ),
        Key::required(
            "rates",
            Shape::MapOf(&DAY, &Shape::MapOf(&CURRENCY, &Shape::Form(&AMOUNT))),
            "The rates of each day: `DAY: { CURRENCY: RATE, … }`, up to 1000 days in any order, each with the same \
             currencies, up to 200.",
        ),
    ]],
);
