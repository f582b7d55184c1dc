//! What Prelude sends and reads, for the description of the API. It is Prelude's contract: read and written by hand here, and so told.

use serde_json::{Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::{
    HookFault, IDENTIFIER_CHARS_MAX, IDENTIFIERS_MAX, KIND_CHARS_MAX, USER_AGENT_CHARS_MAX, answer, read_body,
};
use crate::domain::shape::{Shape, moment, scope, user};
use crate::domain::{Grant, GrantMode, Metadata, Scope, Seconds, Step, StepKey, StepPlan, UserId, Verdict};

/// The answer to a hook call.
pub(crate) struct HookAnswer;

impl PartialSchema for HookAnswer {
    fn schema() -> RefOr<Schema> {
        serde_json::from_value(answer_schema()).expect("a schema")
    }
}

impl ToSchema for HookAnswer {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((StepKey::name().into_owned(), StepKey::schema()));
    }
}

fn answer_schema() -> Value {
    let seconds = json!({ "type": "integer", "minimum": 1, "maximum": Seconds::MAX });
    let modes = GrantMode::ALL.map(GrantMode::as_str);
    json!({
        "type": "object",
        "description": "A verdict as Prelude reads it; a block has its status alone.",
        "required": ["status"],
        "properties": {
            "status": { "type": "string", "enum": ["continue", "review", "block"] },
            "granted_for": seconds,
            "grant_mode": { "type": "string", "enum": modes },
            "steps": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["order", "key", "expiration_duration"],
                    "properties": {
                        "order": { "type": "integer", "minimum": 1 },
                        "key": { "$ref": "#/components/schemas/StepKey" },
                        "expiration_duration": seconds
                    }
                }
            }
        }
    })
}

/// A hook call's body.
pub(crate) fn call() -> Shape {
    let text = |max: usize| json!({ "type": "string", "maxLength": max });
    let filled = |max: usize| json!({ "type": "string", "minLength": 1, "maxLength": max });
    let schema = json!({
        "type": "object",
        "description": "What Prelude asks. Members that are not named here are passed over.",
        "required": ["scope_requested", "user_id", "identifiers", "signals"],
        "properties": {
            "scope_requested": { "$ref": "#/components/schemas/Scope" },
            "user_id": { "$ref": "#/components/schemas/UserId" },
            "identifiers": {
                "type": "array",
                "maxItems": IDENTIFIERS_MAX,
                "items": {
                    "type": "object",
                    "required": ["type", "value"],
                    "properties": { "type": filled(KIND_CHARS_MAX), "value": filled(IDENTIFIER_CHARS_MAX) }
                }
            },
            "signals": {
                "type": "object",
                "required": ["user_agent", "platform", "ip"],
                "properties": {
                    "user_agent": text(USER_AGENT_CHARS_MAX),
                    "platform": text(KIND_CHARS_MAX),
                    "ip": { "type": "string", "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }] }
                }
            },
            "metadata": { "oneOf": [{ "$ref": "#/components/schemas/Metadata" }, { "type": "null" }] }
        }
    });
    let example = json!({
        "scope_requested": scope(),
        "user_id": user(),
        "identifiers": [{ "type": "phone_number", "value": "+33612345678" }],
        "signals": { "user_agent": "Mozilla/5.0", "platform": "WEB", "ip": "203.0.113.42" },
        "metadata": { "amount": "15000", "currency": "USD" }
    });
    read_body(example.to_string().as_bytes(), moment(0)).expect("a call");
    let mut shape = Shape::told("HookCall", schema, example);
    shape.add::<Scope>();
    shape.add::<UserId>();
    shape.add::<Metadata>();
    shape
}

/// Its answer.
pub(crate) fn verdict() -> Shape {
    let step = Step {
        key: StepKey::new("verify_sms").expect("a key"),
        expires_in: Seconds::new(600).expect("a span"),
    };
    let grant = Grant { mode: GrantMode::SingleUse, granted_for: Seconds::new(300).expect("a span") };
    let text = answer(&Verdict::Review(grant, StepPlan::new(vec![step]).expect("a plan")));
    let mut shape = Shape::told("HookAnswer", answer_schema(), serde_json::from_str(&text).expect("JSON"));
    shape.add::<StepKey>();
    shape
}

/// How a call can break the contract.
pub(crate) fn broken_call() -> HookFault {
    read_body(b"{}", moment(0)).expect_err("it asks nothing")
}
