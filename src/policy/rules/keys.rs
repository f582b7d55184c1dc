//! The keys of rules.

use super::read::MESSAGE_CHARS_MAX;
use crate::policy::condition::keys::{ALWAYS_CONDITION, CONDITION};
use crate::policy::grammar::{Choice, DAY, ID, Key, Shape, Table};
use crate::policy::outcome::keys::ANY_OUTCOME;

/// What `if_absent` can say.
pub(super) const IF_ABSENT: [&str; 2] = ["match", "no_match"];

/// A rule of a scope file.
pub(crate) static RULE: Table = Table::new(
    "rule",
    "Rule",
    "If `when` holds, and no rule above decided, `then` happens.",
    &[
        &[
            RULE_ID,
            Key::required(
                "when",
                Shape::AnyOf(&[Shape::Keys(&CONDITION), Shape::Words(&["always"])]),
                "The conditions, all of which must hold; or `always`, for every request that came this far. At most 256 \
                 of them.",
            ),
            Key::optional(
                "if_absent",
                Shape::Words(&IF_ABSENT),
                "What the absence of an optional field means to conditions that compare it: as if they spoke for the rule \
                 (`match`), or against it (`no_match`). Needed exactly when the rule compares an optional field.",
            ),
            Key::required("then", Shape::AnyOf(&ANY_OUTCOME), "What happens when the rule decides."),
            Key::optional(
                "overrides",
                Shape::SomeList(&Shape::Form(&ID)),
                "For a rule that may continue: the ids of blocking rules below it that it is meant to bypass.",
            ),
        ],
        &SHARED,
    ],
);

/// A rule of `always.yaml`.
pub(crate) static ALWAYS_RULE: Table = Table::new(
    "always-rule",
    "Rule of always.yaml",
    "A rule before those of every scope. It can only block, and knows nothing of metadata and money, which belong to a \
     scope.",
    &[
        &[
            RULE_ID,
            Key::required(
                "when",
                Shape::AnyOf(&[Shape::Keys(&ALWAYS_CONDITION), Shape::Words(&["always"])]),
                "The conditions, all of which must hold; or `always`.",
            ),
            Key::required("then", Shape::Words(&["block"]), "What happens when the rule decides: `block`."),
        ],
        &SHARED,
    ],
);

const RULE_ID: Key = Key::required(
    "id",
    Shape::Form(&ID),
    "What records call the rule: unique in its file and in `always.yaml`, and not `otherwise`.",
);

/// What every rule may have.
static SHARED: [Key; 3] = [
    Key::optional(
        "active",
        Shape::Keys(&ACTIVE),
        "The days on which the rule is there; on others no request matches it.",
    ),
    Key::optional(
        "observe",
        Shape::Truth,
        "`true`: the rule decides nothing and shadows nothing; where it matches, the record says so under `observed`.",
    ),
    Key::optional(
        "message",
        Shape::Text(MESSAGE_CHARS_MAX),
        "A text for the customer's backend, at most 500 characters. Prelude's answer carries no reason.",
    ),
];

/// The days of a rule.
pub(crate) static ACTIVE: Table = Table::new(
    "active",
    "Active",
    "Days, in UTC and both included.",
    &[&[
        Key::optional("from", Shape::Form(&DAY), "The first day; without it, every day up to `until`."),
        Key::optional("until", Shape::Form(&DAY), "The last day; without it, every day since `from`."),
    ]],
)
.with(Choice::Some(&["from", "until"]));
