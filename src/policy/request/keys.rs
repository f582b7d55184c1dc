//! The keys of a request as people write it.

use super::{KINDS, PLATFORMS};
use crate::policy::grammar::{ADDRESS, DATE_TIME, FIELD, Key, SCOPE, Shape, TEXT, Table};

/// A request.
pub(crate) static REQUEST: Table = Table::new(
    "request",
    "Request",
    "What is asked, by whom and from where. What is left out has its usual value.",
    &[&[
        Key::required("scope", Shape::Form(&SCOPE), "What is asked for."),
        Key::optional("user_id", Shape::Text(256), "Who asks; left out, `usr_test`."),
        Key::optional(
            "platform",
            Shape::Words(&PLATFORMS),
            "On which platform, `UNKNOWN` standing for one that Prelude may add; left out, `WEB`.",
        ),
        Key::optional(
            "identifiers",
            Shape::List(&Shape::AnyOf(&ANY_IDENTIFIER)),
            "How the user can be reached, such as `phone_number` or `{ type: phone_number, value: \"+33612345678\" }`; left \
             out, none.",
        ),
        Key::optional("ip", Shape::Form(&ADDRESS), "From which address; left out, `192.0.2.1`."),
        Key::optional("user_agent", Shape::Plain, "The browser's or app's own words; left out, empty."),
        Key::optional("at", Shape::Form(&DATE_TIME), "When; left out, `2026-01-01T12:00:00Z`."),
        Key::optional(
            "metadata",
            Shape::MapOf(&FIELD, &Shape::Plain),
            "What the page sends, within Prelude's bounds; left out, nothing.",
        ),
    ]],
);

/// An identifier as people write it.
pub(crate) static ANY_IDENTIFIER: [Shape; 2] = [Shape::Keys(&IDENTIFIER), Shape::Words(&KINDS)];

/// An identifier with its value.
pub(crate) static IDENTIFIER: Table = Table::new(
    "identifier",
    "Identifier",
    "A way to reach the user.",
    &[&[
        Key::required(
            "type",
            Shape::Words(&KINDS),
            "Of which kind it is, `unknown` standing for one that Prelude may add.",
        ),
        Key::required("value", TEXT, "The phone number or address itself."),
    ]],
);
