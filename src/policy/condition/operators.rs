//! The operators of each type of field.

use super::Family;
use crate::policy::grammar::{AMOUNT, Choice, Key, LIST, MONEY, PATTERN, RANGE, SCOPE, Shape, TEXT, Table};
use crate::policy::steps::read::PLATFORM_NAMES;

/// The most that a count is compared with.
pub(super) const COUNT_MAX: u32 = 1000;

/// What is asked of a decimal of the metadata.
pub(super) static DECIMAL_TEST: Table = Table::new(
    "decimal-test",
    "Test of a decimal",
    "Compared by value: `1.0` equals `1`.",
    &[&DECIMALS, &[PRESENT]],
);

/// What is asked of a number of things.
pub(super) static COUNT_TEST: Table =
    Table::new("count-test", "Test of a number", "Whole numbers.", &[&COUNTS]);

/// What is asked of money.
pub(super) static MONEY_TEST: Table = Table::new(
    "money-test",
    "Test of money",
    "With one bound for each currency that can come, or fewer with `rates.yaml`: `10 USD`, or `[10 USD, 9 EUR]`; for `between`, `[1 USD, 2 USD]`, or \
     `[[1 USD, 2 USD], [1 EUR, 2 EUR]]`.",
    &[&MONIES, &[PRESENT]],
);

/// What is asked of a text that is always there.
pub(super) static TEXT_TEST: Table = Table::new("text-test", "Test of a text", TEXT_DOC, &[&TEXTS]);

/// What is asked of the user agent.
pub(super) static USER_AGENT_TEST: Table = Table::new(
    "user-agent-test",
    "Test of the user agent",
    TEXT_DOC,
    &[
        &TEXTS,
        &[Key::optional(
            "family",
            Shape::OneOrMore(&Shape::Words(&FAMILIES)),
            "What it says it is; a hint that anybody can forge.",
        )],
    ],
);

/// The words for families of devices.
const FAMILIES: [&str; 8] = {
    let [a, b, c, d, e, f, g, h] = Family::ALL;
    [a.as_str(), b.as_str(), c.as_str(), d.as_str(), e.as_str(), f.as_str(), g.as_str(), h.as_str()]
};

/// What is asked of a text of the metadata.
pub(super) static FIELD_TEXT_TEST: Table =
    Table::new("field-text-test", "Test of a text", TEXT_DOC, &[&TEXTS, &[PRESENT]]);

/// What is asked of the scope.
pub(super) static SCOPE_TEST: Table = Table::new(
    "scope-test",
    "Test of the scope",
    "Scopes of the file; in `always.yaml`, of any file.",
    &[&[
        Key::optional("eq", Shape::Form(&SCOPE), "It is this scope."),
        Key::optional("in", Shape::SomeList(&Shape::Form(&SCOPE)), "It is one of these."),
    ]],
);

/// What is asked of the platform.
pub(super) static PLATFORM_TEST: Table = Table::new(
    "platform-test",
    "Test of the platform",
    "Platforms that Doorstep knows; any other is none of them.",
    &[&[
        Key::optional("eq", Shape::Words(&PLATFORM_NAMES), "It is this platform."),
        Key::optional("in", Shape::SomeList(&Shape::Words(&PLATFORM_NAMES)), "It is one of these."),
        Key::optional("in_list", Shape::Form(&LIST), "It is in this list."),
    ]],
);

/// What is asked of the address.
pub(super) static ADDRESS_TEST: Table = Table::new(
    "address-test",
    "Test of an address",
    "Addresses and ranges.",
    &[&[
        Key::optional("in_cidr", Shape::OneOrMore(&Shape::Form(&RANGE)), "It lies in one of these ranges."),
        Key::optional("in_list", Shape::Form(&LIST), "It is in this list of addresses and ranges."),
        Key::optional(
            "mapped_by",
            Shape::Keys(&MAPPED_BY),
            "A mapping list gives it a value; an address whose range is not in the list has none.",
        ),
    ]],
);

/// What is asked of the value that a list gives.
pub(super) static MAPPED_BY: Table = Table::new(
    "mapped-by",
    "Mapped by",
    "The value that a mapping list gives an address; of nested ranges, the smallest decides.",
    &[&[
        Key::required("list", Shape::Form(&LIST), "The mapping list."),
        Key::optional("eq", TEXT, "The value is this one."),
        Key::optional("in", Shape::SomeList(&TEXT), "The value is one of these."),
    ]],
)
.with(Choice::One(&["eq", "in"]));

const TEXT_DOC: &str =
    "Compared exactly, capital and small letters apart; `normalise` is for metadata that should not be.";
const PRESENT: Key = Key::optional(
    "present",
    Shape::Truth,
    "Whether it is there; for a field, or for money with a field, that is `optional`. Needs no `if_absent`.",
);

static DECIMALS: [Key; 6] = numbers(Shape::Form(&AMOUNT), Shape::Ends(&Shape::Form(&AMOUNT)));
static COUNTS: [Key; 6] = numbers(Shape::Whole(0, COUNT_MAX), Shape::Ends(&Shape::Whole(0, COUNT_MAX)));
static MONIES: [Key; 6] = numbers(
    Shape::OneOrMore(&Shape::Form(&MONEY)),
    Shape::AnyOf(&[Shape::Ends(&Shape::Form(&MONEY)), Shape::SomeList(&Shape::Ends(&Shape::Form(&MONEY)))]),
);

/// The operators of numbers of every kind.
pub(super) const NUMBER_OPERATORS: [&str; 6] = ["eq", "lt", "lte", "gt", "gte", "between"];

/// What is asked of numbers of every kind.
pub(super) const fn numbers(bound: Shape, ends: Shape) -> [Key; 6] {
    let [eq, lt, lte, gt, gte, between] = NUMBER_OPERATORS;
    [
        Key::optional(eq, bound, "It is as much as this."),
        Key::optional(lt, bound, "It is less."),
        Key::optional(lte, bound, "It is less, or as much."),
        Key::optional(gt, bound, "It is more."),
        Key::optional(gte, bound, "It is more, or as much."),
        Key::optional(between, ends, "It lies between these two; both ends are included."),
    ]
}

static TEXTS: [Key; 7] = [
    Key::optional("eq", TEXT, "It is this text."),
    Key::optional("in", Shape::SomeList(&TEXT), "It is one of these."),
    Key::optional("in_list", Shape::Form(&LIST), "It is in this list."),
    Key::optional("starts_with", TEXT, "It begins with this."),
    Key::optional("ends_with", TEXT, "It ends with this."),
    Key::optional("contains", TEXT, "This is somewhere in it."),
    Key::optional("matches", Shape::Form(&PATTERN), "The whole of it fits this regular expression."),
];
