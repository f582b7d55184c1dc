//! The keys of metadata fields and of money.

use super::Normalise;
use super::read::{IDENTIFIER_CHARS_MAX, SCALE_MAX};
use crate::policy::grammar::{AMOUNT, FIELD_PATH, Key, PATTERN, Shape, TEXT, Table};

/// The ways of normalising.
const WAYS: [&str; 4] = {
    let [first, second, third, fourth] = Normalise::ALL;
    [first.as_str(), second.as_str(), third.as_str(), fourth.as_str()]
};

/// A field of decimals.
pub(crate) static DECIMAL_FIELD: Table = Table::new(
    "decimal-field",
    "Metadata field: decimal",
    "A field that holds a plain decimal, exact to its last digit.",
    &[
        &[Key::required("type", Shape::Words(&["decimal"]), "`decimal`: what the field holds."), OPTIONAL],
        &DECIMAL_KEYS,
    ],
);

/// A field of texts.
pub(crate) static TEXT_FIELD: Table = Table::new(
    "string-field",
    "Metadata field: string",
    "A field that holds a text.",
    &[
        &[Key::required("type", Shape::Words(&["string"]), "`string`: what the field holds."), OPTIONAL],
        &TEXT_KEYS,
    ],
);

/// A field that does not say what it holds: any key of the others may be right.
pub(super) static UNTYPED_FIELD: Table = Table::new(
    "field",
    "Metadata field",
    "A field of a type that is not known.",
    &[
        &[Key::required("type", Shape::Words(&["decimal", "string"]), "What the field holds."), OPTIONAL],
        &DECIMAL_KEYS,
        &TEXT_KEYS,
    ],
);

const OPTIONAL: Key = Key::optional(
    "optional",
    Shape::Truth,
    "`true`: the field may be left out, and sent empty counts as left out; `false` is the default.",
);

static DECIMAL_KEYS: [Key; 3] = [
    Key::optional("min", Shape::Form(&AMOUNT), "The least value."),
    Key::optional("max", Shape::Form(&AMOUNT), "The greatest value."),
    Key::optional("max_scale", Shape::Whole(0, SCALE_MAX), "The most digits after the point, as sent."),
];

static TEXT_KEYS: [Key; 4] = [
    Key::optional("one_of", Shape::SomeList(&TEXT), "The only values."),
    Key::optional(
        "normalise",
        Shape::OneOrMore(&Shape::Words(&WAYS)),
        "What is done to the text, in this order, before anything else looks at it, the other keys here included: \
         `trim` and `strip_spaces` remove white space at the ends or everywhere, `upper` and `lower` turn letters.",
    ),
    Key::optional("matches", Shape::Form(&PATTERN), "A regular expression that the whole value fits."),
    Key::optional(
        "max_chars",
        Shape::Whole(1, IDENTIFIER_CHARS_MAX),
        "The most characters; 32 is Prelude's own bound, 320 for `identifier`.",
    ),
];

/// An amount and its currency.
pub(crate) static MONEY_RULE: Table = Table::new(
    "money",
    "Money",
    "Two fields that mean something together only.",
    &[&[
        Key::required("amount", Shape::Form(&FIELD_PATH), "The field with the amount, of `type: decimal`."),
        Key::required(
            "currency",
            Shape::Form(&FIELD_PATH),
            "The field with the currency, of `type: string` with a `one_of` of currencies, three capitals each.",
        ),
    ]],
);
