//! The keys of what happened before a request.

use crate::policy::grammar::{ADDRESS, FIELD, ID, Key, SCOPE, SPAN, STEP, Shape, Table};
use crate::policy::outcome::keys::VERDICTS;
use crate::policy::request::keys::ANY_IDENTIFIER;

/// What may stand in a past.
pub(crate) static EVENT: [Shape; 3] = [Shape::Keys(&CALL), Shape::Keys(&REJECTION), Shape::Keys(&FACT)];

/// A call.
pub(crate) static CALL: Table = Table::new(
    "past-call",
    "Earlier call",
    "A call before the request.",
    &[&[
        AGO,
        Key::required("verdict", Shape::Words(&VERDICTS), "What it was answered."),
        EVENT_SCOPE,
        USER,
        Key::optional("ip", Shape::Form(&ADDRESS), "From which address; left out, as in the request."),
        Key::optional(
            "identifiers",
            Shape::List(&Shape::AnyOf(&ANY_IDENTIFIER)),
            "How the user could be reached; left out, as in the request.",
        ),
        Key::optional(
            "metadata",
            Shape::MapOf(&FIELD, &Shape::Plain),
            "What the page sent; it must fit the scope, unless the call was blocked. Left out, as in the request, and none \
             for another scope.",
        ),
        Key::optional(
            "usable_for",
            Shape::Form(&SPAN),
            "How long the call can be executed, its steps included; left out, the longest that the scope's rules give with \
             this verdict.",
        ),
        Key::optional("executed", Shape::Truth, "`true`: it was executed at once; left out, it was not."),
        Key::optional("executed_ago", Shape::Form(&SPAN), "It was executed so long before the request."),
    ]],
);

/// A rejected step.
pub(crate) static REJECTION: Table = Table::new(
    "past-rejection",
    "Earlier rejection",
    "A step that was rejected before the request.",
    &[&[AGO, Key::required("rejected", Shape::Form(&STEP), "The step."), EVENT_SCOPE, USER]],
);

/// A fact.
pub(crate) static FACT: Table = Table::new(
    "past-fact",
    "Earlier fact",
    "A fact that was reported before the request.",
    &[&[AGO, Key::required("fact", Shape::Form(&ID), "Its kind, without `fact.`."), USER]],
);

const AGO: Key =
    Key::required("ago", Shape::Form(&SPAN), "How long before the request, from `1s` to `800d`.");
const EVENT_SCOPE: Key =
    Key::optional("scope", Shape::Form(&SCOPE), "What was asked for; left out, as in the request.");
const USER: Key = Key::optional("user_id", Shape::Text(256), "Whose it is; left out, as in the request.");
