//! The keys of tests.

use crate::policy::given::keys::EVENT;
use crate::policy::grammar::{ID, Key, STEP, Shape, TEXT, Table};
use crate::policy::outcome::keys::VERDICTS;
use crate::policy::request::keys::REQUEST;

/// A file of tests.
pub(crate) const TESTS_FILE: Shape = Shape::SomeList(&Shape::Keys(&TEST));

/// A test.
pub(crate) static TEST: Table = Table::new(
    "test",
    "Test",
    "A request, and what must become of it.",
    &[&[
        Key::required("name", TEXT, "What the test shows; unique in its file."),
        Key::optional(
            "given",
            Shape::List(&Shape::AnyOf(&EVENT)),
            "What happened before: calls, rejections and facts; nothing when left out.",
        ),
        Key::required("request", Shape::Keys(&REQUEST), "The request."),
        Key::required(
            "expect",
            Shape::Keys(&EXPECT),
            "What must become of it; what is not said may be anything.",
        ),
    ]],
);

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
