//! The keys of tests.

use super::read::VERDICTS;
use crate::policy::grammar::{ID, Key, STEP, Shape, TEXT, Table};
use crate::policy::request::keys::REQUEST;

/// A file of tests.
pub(crate) const TESTS_FILE: Shape = Shape::SomeList(&Shape::Keys(&TEST));

/// A test.
pub(crate) static TEST: Table =
    Table::new("test", "Test", "A request, and what must become of it.", &[&TEST_KEYS]);

/// The same as it is read, with a key that has an answer of its own.
pub(super) static TEST_OF_ANY_VERSION: Table = Table::new(
    "test-of-any-version",
    "Test",
    "A request, and what must become of it.",
    &[&TEST_KEYS, &[Key::optional("given", Shape::List(&TEXT), "A past, which this version does not know.")]],
);

static TEST_KEYS: [Key; 3] = [
    Key::required("name", TEXT, "What the test shows; unique in its file."),
    Key::required("request", Shape::Keys(&REQUEST), "The request."),
    Key::required(
        "expect",
        Shape::Keys(&EXPECT),
        "What must become of it; what is not said may be anything.",
    ),
];

/// What a test expects.
pub(crate) static EXPECT: Table = Table::new(
    "expect",
    "Expectation",
    "What must become of a request.",
    &[&[
        Key::required("verdict", Shape::Words(&VERDICTS), "The verdict."),
        Key::optional("rule", Shape::Form(&ID), "The id of the rule that decides, or `otherwise`."),
        Key::optional("reason", TEXT, "The reason, as records and `policy explain` show it."),
        Key::optional(
            "steps",
            Shape::List(&Shape::Form(&STEP)),
            "The keys of the steps in the order in which the user walks them; an empty list for none.",
        ),
    ]],
);
