//! What stands in an address or a header.

use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::domain::{Scope, StepKey, UserId};

fn parameter(place: &str, (name, words): (&str, &str), schema: &Value) -> Value {
    json!({ "name": name, "in": place, "description": words, "required": place == "path", "schema": schema })
}

fn of<T: ToSchema>() -> Value {
    serde_json::to_value(T::schema()).expect("a schema")
}

/// A part of the path.
pub(super) fn path<T: ToSchema>(name: &str, words: &str) -> Value {
    parameter("path", (name, words), &of::<T>())
}

/// A member of the query.
pub(super) fn query<T: ToSchema>(name: &str, words: &str) -> Value {
    parameter("query", (name, words), &of::<T>())
}

/// A member of the query that is one of these words.
pub(super) fn word(name: &str, words: &str, choices: &[&str]) -> Value {
    parameter("query", (name, words), &json!({ "type": "string", "enum": choices }))
}

/// A member of the query of a form of its own.
pub(super) fn form(name: &str, words: &str, schema: &Value) -> Value {
    parameter("query", (name, words), schema)
}

/// The page of a list.
pub(super) fn page() -> [Value; 2] {
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": 200, "default": 50 });
    [
        parameter("query", ("limit", "The most entries."), &limit),
        parameter(
            "query",
            ("cursor", "`next_cursor` of the page before."),
            &json!({ "type": "string", "minLength": 1 }),
        ),
    ]
}

/// The filters that lists have in common.
pub(super) fn user_and_scope() -> [Value; 2] {
    [query::<UserId>("user_id", "Of this user alone."), query::<Scope>("scope", "For this scope alone.")]
}

pub(super) fn step() -> Value {
    query::<StepKey>("step_key", "Of this step alone.")
}

/// Under which name a POST may come again.
pub(super) fn idempotency_key() -> Value {
    json!({ "$ref": "#/components/parameters/IdempotencyKey" })
}
