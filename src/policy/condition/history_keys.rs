//! The keys of questions about the past.

use super::operators::numbers;
use super::read_history::NUMBER_MAX;
use crate::domain::{Period, VerdictKind};
use crate::policy::grammar::{
    Choice, FACT, FIELD_PATH, Key, MONEY, MONEY_PATH, SCOPE, SPAN, Shape, Table, ZONE,
};

/// What can be measured.
pub(super) const MEASURES: [&str; 4] = ["count", "sum", "distinct", "last"];
/// What can be counted of what was decided.
pub(super) const COUNTS: [&str; 3] = ["asked", "usable", "executed"];

const PERIODS: [&str; 3] = {
    let [first, second, third] = Period::ALL;
    [first.as_str(), second.as_str(), third.as_str()]
};
const VERDICTS: [&str; 3] = {
    let [first, second, third] = VerdictKind::ALL;
    [first.as_str(), second.as_str(), third.as_str()]
};

/// A question about the past.
pub(crate) static HISTORY: Table = Table::new(
    "history",
    "Question about the past",
    "What is measured, of whom and over which time, and what it is compared with: numbers with whole numbers, sums with \
     money in one currency.",
    &[&ASKED, &COMPARED],
)
.with(Choice::One(&MEASURES));

static ASKED: [Key; 12] = {
    let [count, sum, distinct, last] = MEASURES;
    [
        Key::optional(
            count,
            Shape::AnyOf(&[Shape::Words(&["calls", "rejected"]), Shape::Form(&FACT)]),
            "How many calls there were, this one included where it counts; how many steps were rejected; or how many facts \
             of a kind were reported. Rejections and facts belong to a user and have no `counts`.",
        ),
        Key::optional(sum, Shape::Form(&MONEY_PATH), "How much money the calls were about."),
        Key::optional(distinct, Shape::Form(&FIELD_PATH), "How many different values a field had."),
        Key::optional(
            last,
            Shape::Keys(&LAST),
            "How long ago the last such call was; false where there was none.",
        ),
        Key::depends(
            "by",
            Shape::OneOrMore(&Shape::AnyOf(&[
                Shape::Words(&["user", "ip", "identifier"]),
                Shape::Form(&FIELD_PATH),
            ])),
            "Whose past: calls that have all of these in common with this one. An IPv6 address stands for its /64. \
             Needed but for rejections and facts.",
        ),
        Key::optional("over", Shape::Form(&SPAN), "Looks back so far."),
        Key::optional(
            "per",
            Shape::Words(&PERIODS),
            "Looks back to the beginning of the day, week (Monday) or month.",
        ),
        Key::depends("zone", Shape::Form(&ZONE), "The zone whose calendar `per` follows; needed with it."),
        Key::optional(
            "since",
            Shape::Words(&["executed_review"]),
            "Looks back to the last review whose grant was executed; needs `executions: reported` in `grants.yaml`.",
        ),
        Key::optional(
            "scopes",
            Shape::OneOrMore(&Shape::Form(&SCOPE)),
            "The scopes of the calls that count; without it, the scope that is asked for.",
        ),
        Key::optional(
            "verdicts",
            Shape::OneOrMore(&Shape::Words(&VERDICTS)),
            "The verdicts of the calls that count; without it, any.",
        ),
        Key::depends(
            "counts",
            Shape::Words(&COUNTS),
            "Which calls count. `asked`: every call, this one included; anyone can raise it by asking again. `usable`: what \
             was executed or still could be, this one included; the base for limits. `executed`: grants that your service \
             redeemed; the base for trust, and only with `executions: reported`.",
        ),
    ]
};

const BOUND: Shape = Shape::AnyOf(&[Shape::Whole(0, NUMBER_MAX), Shape::Form(&MONEY)]);
static COMPARED: [Key; 6] = numbers(BOUND, Shape::Ends(&BOUND));

/// What `last` asks.
pub(super) static LAST: Table = Table::new(
    "last",
    "Last",
    "How long ago something must have been.",
    &[&[Key::required("before", Shape::Form(&SPAN), "It was longer ago than this.")]],
);
