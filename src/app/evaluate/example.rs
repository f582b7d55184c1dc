//! For the description of the API: the shipped policy is asked.

use serde_json::{Value, json};

use super::{Evaluation, PolicyFaults, REQUEST};
use crate::domain::History;
use crate::domain::shape::{BUNDLE, Shape, moment, user};
use crate::policy::{DeskOverlay, Explanation, load_files, read_request_at, shipped};

fn asked() -> Value {
    json!({
        "scope": "transfer:write", "user_id": user(), "platform": "WEB", "identifiers": ["phone_number"], "ip": "203.0.113.42",
        "metadata": { "amount": "600", "currency": "USD" }
    })
}

fn evaluated() -> Evaluation {
    let facts = read_request_at(REQUEST, &asked().to_string(), moment(0)).expect("a request");
    let bundle = load_files(shipped(), moment(0)).expect("the shipped policy");
    let decision = bundle.decide(&facts, &DeskOverlay::none(), &History::none());
    let explanation = bundle.explain_decision(&facts, &decision);
    Evaluation { explanation, ..Evaluation::of(decision, BUNDLE.to_owned()) }
}

/// The request's shape is the one that the policy language has in its own schema.
pub(crate) fn request() -> Shape {
    const TESTS: &str = include_str!("../../../policies/.schema/tests.json");
    let mut schema: Value = serde_json::from_str(TESTS).expect("a schema");
    // A title is a name for editors; here a schema has its own.
    let mut part = |name: &str| {
        let mut part = schema["$defs"][name].take();
        part.as_object_mut().expect("an object").remove("title");
        part
    };
    let mut request = part("request");
    request["description"] =
        json!("What is asked, by whom and from where. What is left out has its usual value; `at`, now.");
    request["properties"]["identifiers"]["items"]["anyOf"][0] =
        json!({ "$ref": "#/components/schemas/EvaluateIdentifier" });
    let mut shape = Shape::told("EvaluateRequest", request, asked());
    shape.schemas.push(("EvaluateIdentifier".to_owned(), part("identifier")));
    shape
}

pub(crate) fn answer() -> Shape {
    Shape::of(&evaluated())
}

/// Why the shipped policy would decide so.
pub(crate) fn explanation() -> Option<Explanation> {
    evaluated().explanation
}

/// What is wrong with a request that asks for nothing.
pub(crate) fn faults() -> PolicyFaults {
    PolicyFaults::of_request(
        &read_request_at(REQUEST, "{\"user_id\": \"usr_1\"}", moment(0)).expect_err("no scope"),
    )
}
