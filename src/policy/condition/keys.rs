//! The fields that conditions look at, and what may be asked of each.

use super::history_keys::HISTORY;
use super::operators::{
    ADDRESS_TEST, COUNT_TEST, DECIMAL_TEST, FIELD_TEXT_TEST, MONEY_TEST, PLATFORM_TEST, SCOPE_TEST,
    TEXT_TEST, USER_AGENT_TEST,
};
use super::read_moment::{BUCKETS_MAX, SALT_CHARS_MAX, WEEKDAYS};
use crate::policy::grammar::{Choice, DAY, DOMAIN, HOURS, Key, LIST, PREFIX, Shape, Table, ZONE};

/// The conditions of a scope file: all keys of one map must hold.
pub(crate) static CONDITION: Table = Table::new(
    "condition",
    "Condition",
    "Conditions by field, all of which must hold. Every condition of every rule up to the one that decides is evaluated \
     and recorded, with the value it saw.",
    &[
        &[
            Key::optional(ALL, Shape::SomeList(&Shape::Keys(&CONDITION)), ALL_DOC),
            Key::optional(ANY, Shape::SomeList(&Shape::Keys(&CONDITION)), ANY_DOC),
            Key::optional(NOT, Shape::Keys(&CONDITION), NOT_DOC),
            Key::optional(
                "metadata.NAME",
                Shape::AnyOf(&[Shape::Keys(&DECIMAL_TEST), Shape::Keys(&FIELD_TEXT_TEST)]),
                "A field of the file's `metadata`, after its `normalise`. What can be asked depends on its type.",
            ),
            Key::optional("money.NAME", Shape::Keys(&MONEY_TEST), "Money of the file's `money`."),
        ],
        &FIELDS,
    ],
);

/// The conditions of `always.yaml`, which knows no metadata and no money.
pub(crate) static ALWAYS_CONDITION: Table = Table::new(
    "always-condition",
    "Condition",
    "Conditions by field, all of which must hold.",
    &[
        &[
            Key::optional(ALL, Shape::SomeList(&Shape::Keys(&ALWAYS_CONDITION)), ALL_DOC),
            Key::optional(ANY, Shape::SomeList(&Shape::Keys(&ALWAYS_CONDITION)), ANY_DOC),
            Key::optional(NOT, Shape::Keys(&ALWAYS_CONDITION), NOT_DOC),
        ],
        &FIELDS,
    ],
);

pub(super) const ALL: &str = "all";
pub(super) const ANY: &str = "any";
pub(super) const NOT: &str = "not";
pub(super) const HISTORY_KEY: &str = "history";
const ALL_DOC: &str = "Conditions all of which must hold.";
const ANY_DOC: &str = "Conditions at least one of which must hold.";
const NOT_DOC: &str = "Conditions that must not all hold.";

/// The fields that every request has, and its past.
static FIELDS: [Key; 11] = [
    Key::optional("scope", Shape::Keys(&SCOPE_TEST), "What is asked for, one of the file's scopes."),
    Key::optional("user_id", Shape::Keys(&TEXT_TEST), "Who asks."),
    Key::optional("signals.ip", Shape::Keys(&ADDRESS_TEST), "From which address."),
    Key::optional("signals.platform", Shape::Keys(&PLATFORM_TEST), "On which platform."),
    Key::optional("signals.user_agent", Shape::Keys(&USER_AGENT_TEST), "The browser's or app's own words."),
    Key::optional(
        "identifiers.any",
        Shape::Keys(&IDENTIFIER_TEST),
        "Whether one identifier of the user satisfies all that is asked; false without identifiers.",
    ),
    Key::optional(
        "identifiers.every",
        Shape::Keys(&IDENTIFIER_TEST),
        "Whether each identifier of the user satisfies all that is asked; false without identifiers.",
    ),
    Key::optional("identifiers.count", Shape::Keys(&COUNT_TEST), "How many identifiers the user has."),
    Key::optional(
        "request.time",
        Shape::Keys(&TIME_TEST),
        "The moment at which the request arrived, on the clock of a zone.",
    ),
    Key::optional("bucket", Shape::Keys(&BUCKET_TEST), "A share of the users, always the same ones."),
    Key::optional(HISTORY_KEY, Shape::Keys(&HISTORY), "What happened before, as Doorstep recorded it."),
];

/// What can be asked of identifiers.
pub(crate) static IDENTIFIER_TEST: Table = Table::new(
    "identifier-test",
    "Test of identifiers",
    "What an identifier must be; several keys speak of one identifier that satisfies all of them.",
    &[&[
        Key::optional(
            "type",
            Shape::OneOrMore(&Shape::Words(&["email_address", "phone_number"])),
            "The kind of identifier.",
        ),
        Key::optional(
            "email_domain",
            Shape::OneOrMore(&Shape::Form(&DOMAIN)),
            "What follows the last `@`, compared without regard to case. A phone number never has one, so \
             `identifiers.every: { email_domain: … }` is false for users with a phone number too.",
        ),
        Key::optional(
            "phone_prefix",
            Shape::OneOrMore(&Shape::Form(&PREFIX)),
            "What a phone number begins with. An e-mail address never has one.",
        ),
        Key::optional(
            "in_list",
            Shape::Form(&LIST),
            "The list that the identifier is in, as a phone number `+33612345678` or an e-mail address in small letters.",
        ),
    ]],
);

/// What can be asked of the time.
pub(crate) static TIME_TEST: Table = Table::new(
    "time-test",
    "Test of the time",
    "When a request must arrive; several keys must all hold.",
    &[&[
        Key::required(
            "zone",
            Shape::Form(&ZONE),
            "The zone whose clock is read; summer time is taken care of. The zones are compiled into Doorstep: what the \
             machine has installed does not matter.",
        ),
        Key::optional(
            "hours",
            Shape::Form(&HOURS),
            "From and until when. The end is excluded. Hours whose end is before their beginning go over midnight.",
        ),
        Key::optional(
            "weekdays",
            Shape::OneOrMore(&Shape::Words(&WEEKDAYS)),
            "The days of the week; with hours over midnight, the day on which they began.",
        ),
        Key::optional(
            "dates",
            Shape::Keys(&DATES),
            "The days, in the zone; with hours over midnight, the day on which they began.",
        ),
    ]],
)
.with(Choice::Some(&["hours", "weekdays", "dates"]));

/// Days in a zone.
pub(crate) static DATES: Table = Table::new(
    "dates",
    "Dates",
    "Days in the zone, both included.",
    &[&[
        Key::optional("from", Shape::Form(&DAY), "The first day; without it, every day up to `until`."),
        Key::optional("until", Shape::Form(&DAY), "The last day; without it, every day since `from`."),
    ]],
)
.with(Choice::Some(&["from", "until"]));

/// What can be asked of the bucket.
pub(crate) static BUCKET_TEST: Table = Table::new(
    "bucket",
    "Bucket",
    "A share of the users. Raise `below`, and those who were in it stay in it.",
    &[&[
        Key::required("of", Shape::Whole(2, BUCKETS_MAX), "Into how many buckets the users are divided."),
        Key::required(
            "below",
            Shape::Whole(1, BUCKETS_MAX - 1),
            "How many of the buckets are meant; less than `of`.",
        ),
        Key::required(
            "salt",
            Shape::Text(SALT_CHARS_MAX),
            "A name for the division, of at most 64 characters. Another salt draws other users.",
        ),
    ]],
);
