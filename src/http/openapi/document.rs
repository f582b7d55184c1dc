//! The document as a whole.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::operation::Operation;
use super::{desk, operator, record, strangers, verifications};
use crate::app::PolicyFaults;
use crate::domain::shape::{Shape, closed};
use crate::domain::{Effect, VerdictKind, VerificationState};

/// Members of answers that are left out where there is nothing to say; every other one is always there.
const SOMETIMES: [(&str, &str); 10] = [
    ("Verification", "kept_until"),
    ("DeskAction", "list"),
    ("DeskAction", "value"),
    ("DeskAction", "scope"),
    ("DeskEntry", "fault"),
    ("DecisionDetail", "personal_values"),
    ("Explanation", "pause"),
    ("ExplainedCondition", "saw"),
    ("HookAnswer", "granted_for"),
    ("HookAnswer", "steps"),
];

/// Members that are one of a few words.
fn words() -> Vec<(&'static str, &'static str, Vec<&'static str>)> {
    let verdicts = VerdictKind::ALL.map(VerdictKind::as_str).to_vec();
    vec![
        ("Verification", "state", VerificationState::ALL.map(VerificationState::as_str).to_vec()),
        ("DecisionSummary", "verdict", verdicts.clone()),
        ("Explanation", "verdict", verdicts.clone()),
        ("Evaluation", "verdict", verdicts.clone()),
        ("Redeemed", "verdict", verdicts),
        ("DeskEntry", "effect", [Effect::Added, Effect::Removed].map(Effect::as_str).to_vec()),
        ("DeskEntry", "state", vec!["in_force", "ended", "idle", "misfit"]),
        ("DeskAction", "action", vec!["list_add", "list_remove", "scope_pause", "scope_resume"]),
        ("Policies", "reload", vec!["watched", "asked", "built_in"]),
        ("Readiness", "status", vec!["ready", "degraded", "not_ready"]),
    ]
}

/// Every operation that there is.
pub(super) fn operations() -> Vec<Operation> {
    let parts = [
        strangers::operations(),
        verifications::operations(),
        record::operations(),
        desk::operations(),
        operator::operations(),
    ];
    parts.into_iter().flatten().collect()
}

/// The document.
pub(super) fn document() -> Value {
    let operations = operations();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for operation in &operations {
        paths.entry(operation.path).or_default().insert(operation.method.to_owned(), operation.to_json());
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Doorstep",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The customer's side of Prelude's step-up. docs/API.md says what the calls mean. Besides what each \
                operation answers, any other path is 404 `not_found` and any other method 405 `method_not_allowed` with `Allow`. \
                Operations with the tag `public` are for the internet, those with `private` for the customer's own systems: \
                with `server.private_bind` each stands on the address of its face alone. Names after `apiKey` under `security` \
                are the roles that an API key needs, one of the sets that are listed. Members may be added to answers.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" }
        },
        "servers": [{ "url": "/", "description": "Where this document was read, but for the public face's own address." }],
        "tags": tags(),
        "paths": paths,
        "components": components(&operations),
    })
}

fn tags() -> Value {
    let tags = [
        ("public", "What the internet must reach."),
        ("private", "What only the customer's own systems may reach."),
        ("prelude", "What Prelude calls."),
        ("providers", "What identity-check providers call."),
        ("verifications", "Custom steps, and the tokens that prove them."),
        ("grants", "Spending what was granted."),
        ("facts", "Reporting what happened to users."),
        ("decisions", "What was decided, and why."),
        ("desk", "The fraud desk."),
        ("policies", "Which policy decides."),
        ("operation", "Keeping the installation running."),
    ];
    tags.map(|(name, description)| json!({ "name": name, "description": description })).into()
}

fn components(operations: &[Operation]) -> Value {
    let mut schemas: BTreeMap<String, Value> = BTreeMap::new();
    for (shape, is_answered) in operations.iter().flat_map(Operation::shapes) {
        for (name, schema) in &shape.schemas {
            let told = finished(name, schema.clone(), is_answered);
            schemas.entry(name.clone()).or_insert(told);
        }
    }
    schemas.extend(problem());
    json!({
        "schemas": schemas,
        "securitySchemes": security(),
        "headers": headers(),
        "parameters": { "IdempotencyKey": {
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "The same key of the same API key at the same path is done once, and answered the same for a day.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" }
        } },
    })
}

/// A schema with what the types do not say of themselves.
fn finished(name: &str, mut schema: Value, is_answered: bool) -> Value {
    closed(name, &mut schema);
    each_object(&mut schema, &mut |object| {
        if let Some(Value::Object(properties)) = object.get_mut("properties") {
            for (of, member, words) in words() {
                if let Some(property) = properties.get_mut(member).filter(|_| of == name) {
                    *property = json!({ "type": "string", "enum": words });
                }
            }
            let always = properties.keys().filter(|key| !SOMETIMES.contains(&(name, key.as_str())));
            let always: Vec<_> = always.cloned().collect();
            if is_answered && object.get("required").is_some_and(|_| name != "HookAnswer") {
                object.insert("required".to_owned(), json!(always));
            }
        }
    });
    schema
}

/// Every object inside a schema that has members.
fn each_object(schema: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    match schema {
        Value::Object(members) => {
            if members.contains_key("properties") {
                change(members);
            }
            members.values_mut().for_each(|value| each_object(value, change));
        }
        Value::Array(entries) => entries.iter_mut().for_each(|value| each_object(value, change)),
        _ => {}
    }
}

/// What every refusal looks like (RFC 9457).
fn problem() -> Vec<(String, Value)> {
    let text = |words: &str| json!({ "type": "string", "description": words });
    let faults = Shape::of(&PolicyFaults::default());
    let schema = json!({
        "type": "object",
        "required": ["type", "title", "status", "code", "request_id"],
        "properties": {
            "type": text("`urn:doorstep:problem:` and the code."),
            "title": text("The same words for every refusal with this code."),
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "code": text("For machines; stable."),
            "detail": text("What is special about this one; it quotes no input."),
            "request_id": text("As in `X-Request-Id` and the log."),
            "fault_count": { "type": "integer", "minimum": 0, "description": "How many faults a policy or request has." },
            "faults": { "type": "array", "items": { "$ref": "#/components/schemas/PolicyFault" } },
        }
    });
    let others =
        faults.schemas.into_iter().map(|(name, schema)| (name.clone(), finished(&name, schema, true)));
    others.chain([("Problem".to_owned(), schema)]).collect()
}

fn security() -> Value {
    json!({
        "apiKey": {
            "type": "http", "scheme": "bearer", "bearerFormat": "dsk_<id>_<secret>",
            "description": "An API key (`doorstep api-key create`). The names that an operation lists are roles that it needs."
        },
        "preludeSignature": {
            "type": "apiKey", "in": "header", "name": "X-Webhook-Signature",
            "description": "Prelude's RSASSA-PSS signature over the body."
        },
        "preludeSignatureKeyId": {
            "type": "apiKey", "in": "header", "name": "X-Webhook-Signature-Key-Id",
            "description": "Which of Prelude's keys signed."
        },
    })
}

fn headers() -> Value {
    json!({
        "RequestId": {
            "required": true, "description": "Names the request, in the answer and in the log.",
            "schema": { "type": "string", "pattern": "^[0-9a-f]{8}-[0-9]+$" }
        },
        "RetryAfter": {
            "required": true, "description": "When it may be tried again, in seconds.",
            "schema": { "type": "integer", "minimum": 1 }
        },
        "Authenticate": {
            "required": false, "description": "How to show an API key, where that is what was missing.",
            "schema": { "type": "string" }
        },
    })
}
