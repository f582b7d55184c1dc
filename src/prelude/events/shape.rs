//! What Prelude's webhook sends, for the description of the API. It is Prelude's contract: read by hand here, and so told.

use serde_json::json;

use super::{WORD_CHARS_MAX, read_body};
use crate::domain::shape::{Shape, moment, user};
use crate::prelude::ActivationRequest;

/// Whose events examples are.
const APP_ID: &str = "app_7Q2";

/// A batch of events, all of which are read.
pub(crate) fn batch() -> Shape {
    let schema = json!({
        "type": "object",
        "description": "A batch of Prelude's events, as Prelude documents them; unknown types and members are passed over.",
        "required": ["app_id", "events"],
        "properties": {
            "app_id": { "type": "string" },
            "events": { "type": "array", "items": {
                "type": "object", "required": ["type"],
                "properties": {
                    "type": { "type": "string", "minLength": 1, "maxLength": WORD_CHARS_MAX },
                    "payload": { "type": "object" }
                }
            } }
        }
    });
    let payload = json!({ "user_id": user(), "deleted_at": moment(0) });
    let example = json!({ "app_id": APP_ID, "events": [{ "type": "user.deleted", "payload": payload }] });
    let events = read_body(example.to_string().as_bytes(), APP_ID).expect("a batch");
    assert!(events.iter().all(|event| matches!(event, Ok(event) if event.happened_at == Some(moment(0)))));
    Shape::told("EventBatch", schema, example)
}

/// The answer to an activation.
pub(crate) fn activated() -> Shape {
    let schema = json!({
        "type": "object", "required": ["challenge"], "properties": { "challenge": { "type": "integer" } }
    });
    let query = format!("event=activate&app_id={APP_ID}&verification_token=t&challenge=1234567890");
    let answer = ActivationRequest::read(&query).expect("an activation").answer();
    Shape::told("Activated", schema, serde_json::from_str(&answer).expect("JSON"))
}
