//! The keys of questions about the past.

use super::operators::numbers;
use super::read_history::NUMBER_MAX;
use crate::domain::Period;
use crate::policy::grammar::{
    Choice, FACT, FIELD_PATH, Key, MONEY, MONEY_PATH, SCOPE, SPAN, Shape, Table, ZONE,
};
use crate::policy::outcome::keys::VERDICTS;

/// What can be measured.
pub(super) const MEASURES: [&str; 4] = ["count", "sum", "distinct", "last"];
/// What can be counted of what was decided.
pub(super) const COUNTS: [&str; 3] = ["asked", "usable", "executed"];

const PERIODS: [&str; 3] = {
    let [first, second, third] = Period::ALL;
    [first.as_str(), second.as_str(), third.as_str()]
};

/// A question about the past.
pub(crate) static HISTORY: Table = Table::new(
    "history",
    "Question about the past",
    "What Doorstep itself recorded: one question measures one thing, by what calls share, over a window, \
      and compares the answer. Of `over`, `per` and `since`, calls, rejections and facts need one. Several \
      operators must all hold.",
    &[&ASKED, &COMPARED],
)
.with(Choice::One(&MEASURES));

static ASKED: [Key; 12] = {
    let [count, sum, distinct, last] = MEASURES;
    [
        Key::optional(
            count,
            Shape::AnyOf(&[Shape::Words(&["calls", "rejected"]), Shape::Form(&FACT)]),
            "How many calls there were; `rejected`: how many steps were rejected; `fact.KIND`: how many facts of \
             a kind were reported. Compared with numbers up to 1,000,000.",
        ),
        Key::optional(
            sum,
            Shape::Form(&MONEY_PATH),
            "How much money the calls were about. Compared with one bound, `20000 USD`; other currencies are \
             converted, each day's money by the rates of its day.",
        ),
        Key::optional(
            distinct,
            Shape::Form(&FIELD_PATH),
            "How many different values a field had, in normal form.",
        ),
        Key::optional(
            last,
            Shape::Keys(&LAST),
            "How long ago the last call that counts was. It has no window and no operator.",
        ),
        Key::depends(
            "by",
            Shape::OneOrMore(&Shape::AnyOf(&[
                Shape::Words(&["user", "ip", "identifier"]),
                Shape::Form(&FIELD_PATH),
            ])),
            "What the calls must share with this one: one of these, or several, all of which must be shared; an \
             IPv4 address whole, an IPv6 address by its first 64 bits. Rejections and facts are the user's, and \
             need none.",
        ),
        Key::optional(
            "over",
            Shape::Form(&SPAN),
            "The time before the call, from `1s` to `400d`, its beginning included.",
        ),
        Key::optional(
            "per",
            Shape::Words(&PERIODS),
            "Since the beginning of the day, week (from Monday) or month in a zone.",
        ),
        Key::depends("zone", Shape::Form(&ZONE), "The zone of `per`."),
        Key::optional(
            "since",
            Shape::Words(&["executed_review"]),
            "Since the last executed review of the same subjects in the same scopes; where there is none, all \
             that is kept.",
        ),
        Key::optional(
            "scopes",
            Shape::OneOrMore(&Shape::Form(&SCOPE)),
            "Calls for these; without it, for the scope that is asked for. Facts have none.",
        ),
        Key::optional(
            "verdicts",
            Shape::OneOrMore(&Shape::Words(&VERDICTS)),
            "Calls that were answered so; without it, all.",
        ),
        Key::depends(
            "counts",
            Shape::Words(&COUNTS),
            "Which calls count; needed for calls. `asked`: every call, whatever it was answered. `usable`: what \
             was granted and executed, or still can be. `executed`: what your service executed, which needs \
             `executions: reported` in `grants.yaml`.",
        ),
    ]
};

const BOUND: Shape = Shape::AnyOf(&[Shape::Whole(0, NUMBER_MAX), Shape::Form(&MONEY)]);
static COMPARED: [Key; 6] = numbers(BOUND, Shape::Ends(&BOUND));

/// What `last` asks.
pub(super) static LAST: Table = Table::new(
    "last",
    "Last",
    "How long ago something must have been; false when there was nothing.",
    &[&[Key::required("before", Shape::Form(&SPAN), "It was longer ago than this, from `1s` to `400d`.")]],
);
