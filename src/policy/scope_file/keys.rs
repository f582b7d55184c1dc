//! The keys of scope files and of `always.yaml`.

use crate::policy::grammar::{FIELD, Key, MONEY_NAME, SCOPE, Shape, TEXT, Table};
use crate::policy::outcome::keys::ANY_OUTCOME;
use crate::policy::rules::keys::{ALWAYS_RULE, RULE};
use crate::policy::schema::keys::{DECIMAL_FIELD, MONEY_RULE, TEXT_FIELD};

/// A scope file.
pub(crate) static SCOPE_FILE: Table = Table::new(
    "scope",
    "Scope file",
    "What happens to requests for some scopes.",
    &[&[
        Key::required(
            "scopes",
            Shape::SomeList(&Shape::Form(&SCOPE)),
            "The scopes that the file decides about. No other file may name one of them.",
        ),
        DESCRIPTION,
        Key::optional(
            "metadata",
            Shape::MapOf(&FIELD, &Shape::AnyOf(&[Shape::Keys(&DECIMAL_FIELD), Shape::Keys(&TEXT_FIELD)])),
            "The fields that the page may send, at most five. A request that sends anything else is blocked before any \
             rule runs; without `metadata`, the page may send none. The field `identifier` holds an e-mail address or \
             phone number, and is masked wherever it is kept.",
        ),
        Key::optional(
            "money",
            Shape::MapOf(&MONEY_NAME, &Shape::Keys(&MONEY_RULE)),
            "Amounts with their currency: what conditions call `money.NAME`.",
        ),
        Key::optional(
            "rules",
            Shape::List(&Shape::Keys(&RULE)),
            "The rules, tried in this order: the first that matches decides. At most 2000.",
        ),
        Key::required(
            "otherwise",
            Shape::AnyOf(&ANY_OUTCOME),
            "What happens to requests that no rule decided.",
        ),
    ]],
);

/// `always.yaml`.
pub(crate) static ALWAYS: Table = Table::new(
    "always",
    "always.yaml",
    "Rules before those of every scope. They can only block.",
    &[&[
        DESCRIPTION,
        Key::required(
            "rules",
            Shape::List(&Shape::Keys(&ALWAYS_RULE)),
            "The rules, tried in this order before those of the request's scope.",
        ),
    ]],
);

const DESCRIPTION: Key = Key::optional("description", TEXT, "What the file is for, for people.");
