//! The document as a whole.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::operation::Operation;
use super::{desk, operator, record, strangers, verifications};
use crate::app::PolicyFaults;
use crate::domain::shape::{Shape, closed};
use crate::domain::{Decider, Effect, SessionId, SourceName, VerdictKind, VerificationId, VerificationState};

/// Members of answers that are left out where there is nothing to say; every other one is always there.
const SOMETIMES: [(&str, &str); 12] = [
    ("Verification", "kept_until"),
    ("DeskAction", "list"),
    ("DeskAction", "value"),
    ("DeskAction", "scope"),
    ("DeskEntry", "fault"),
    ("DecisionDetail", "personal_values"),
    ("Explanation", "pause"),
    ("ExplainedCondition", "field"),
    ("ExplainedCondition", "asks"),
    ("ExplainedCondition", "saw"),
    ("ExplainedCondition", "parts"),
    ("ExplainedCondition", "part"),
];

/// Prelude's own: their members are as their schemas say.
const PRELUDES: [&str; 3] = ["HookAnswer", "HookCall", "Metadata"];

/// Which type reads a member of a request that comes as a text.
const READ_AS: [(&str, &str); 14] = [
    ("user_id", "UserId"),
    ("session_id", "SessionId"),
    ("challenge_id", "ChallengeId"),
    ("step_key", "StepKey"),
    ("scope", "Scope"),
    ("source", "SourceName"),
    ("verification_id", "VerificationId"),
    ("kind", "FactKind"),
    ("id", "FactId"),
    ("at", "Timestamp"),
    ("until", "Timestamp"),
    ("reason", "GivenReason"),
    ("actor", "Decider"),
    ("decision_id", "DecisionId"),
];

/// Requests of more than one kind: a name for each kind, and what it needs.
const KINDS: [(&str, Kinds); 2] = [
    (
        "Withdraw",
        Kinds::OneOf(&[
            ("WithdrawVerification", &["verification_id"]),
            ("WithdrawSession", &["session_id"]),
            ("WithdrawUser", &["user_id"]),
        ]),
    ),
    (
        "OpenVerification",
        Kinds::AnyOf(&[
            ("OpenByToken", &["challenge_token"]),
            ("OpenByName", &["user_id", "challenge_id", "step_key", "scope"]),
        ]),
    ),
];

/// Kinds of a request, each with its name and the members that it needs.
enum Kinds {
    /// Of what they need, only one kind's may be there.
    OneOf(&'static [(&'static str, &'static [&'static str])]),
    /// What another one needs may be there as well.
    AnyOf(&'static [(&'static str, &'static [&'static str])]),
}

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
    let responses = shared(&mut paths);
    let mut document = head();
    document["paths"] = json!(paths);
    document["components"] = components(&operations, &responses);
    document
}

/// What the document begins with.
pub(super) fn head() -> Value {
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

fn components(operations: &[Operation], responses: &BTreeMap<String, Value>) -> Value {
    let mut schemas: BTreeMap<String, Value> = BTreeMap::new();
    for (shape, is_answered) in operations.iter().flat_map(Operation::shapes) {
        for (name, schema) in &shape.schemas {
            let told = if is_answered { answered(name, schema.clone()) } else { taken(name, schema.clone()) };
            schemas.entry(name.clone()).or_insert(told);
        }
    }
    let examples: BTreeMap<_, _> = operations.iter().flat_map(Operation::problems).collect();
    schemas.extend(problem(examples.keys()));
    for (name, kinds) in &KINDS {
        split(&mut schemas, name, kinds);
    }
    for (name, schema) in names() {
        schemas.entry(name).or_insert(schema);
    }
    json!({
        "schemas": schemas,
        "responses": responses,
        "securitySchemes": security(),
        "headers": headers(),
        "examples": examples,
        "parameters": { "IdempotencyKey": {
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "The same key of the same API key at the same path is done once, and answered the same for a day.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" }
        } },
    })
}

/// Puts a schema for each kind of a request in the place of one in which everything may be left out.
fn split(schemas: &mut BTreeMap<String, Value>, name: &str, kinds: &Kinds) {
    let Some(whole) = schemas.remove(name) else { return };
    let (word, kinds, others) = match kinds {
        Kinds::OneOf(kinds) => ("oneOf", *kinds, Some(json!({ "type": "null" }))),
        Kinds::AnyOf(kinds) => ("anyOf", *kinds, None),
    };
    for (kind, needs) in kinds {
        let mut schema = whole.clone();
        let mut required: Vec<_> = schema["required"].as_array().cloned().unwrap_or_default();
        for member in kinds.iter().flat_map(|(_, members)| *members) {
            let property = &mut schema["properties"][*member];
            if needs.contains(member) {
                required.push(json!(member));
                let text = property.pointer_mut("/oneOf/0").map(Value::take);
                *property = text.unwrap_or_else(|| json!({ "type": "string" }));
            } else if let Some(others) = &others {
                *property = others.clone();
            }
        }
        schema["required"] = json!(required);
        schemas.insert((*kind).to_owned(), schema);
    }
    let references = kinds.iter().map(|(kind, _)| json!({ "$ref": format!("#/components/schemas/{kind}") }));
    schemas.insert(name.to_owned(), json!({ (word): references.collect::<Vec<_>>() }));
}

/// Takes what several operations answer alike out of them, under a name made of its codes.
fn shared(paths: &mut BTreeMap<&str, Map<String, Value>>) -> BTreeMap<String, Value> {
    let mut shared: BTreeMap<String, Value> = BTreeMap::new();
    let operations = paths.values_mut().flat_map(|item| item.values_mut());
    for responses in operations.filter_map(|operation| operation["responses"].as_object_mut()) {
        for response in responses.values_mut() {
            let problem =
                &response["content"]["application/problem+json"]["schema"]["properties"]["code"]["enum"];
            let Some(codes) = problem.as_array() else { continue };
            let names = codes.iter().filter_map(Value::as_str).map(in_camel_case);
            let name = names.collect::<Vec<_>>().join("Or");
            let reference = json!({ "$ref": format!("#/components/responses/{name}") });
            let told = std::mem::replace(response, reference);
            assert_eq!(shared.entry(name).or_insert_with(|| told.clone()), &told);
        }
    }
    shared
}

fn in_camel_case(code: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>())
    };
    code.split('_').filter_map(capital).collect()
}

/// The types of [`READ_AS`] that no answer names.
fn names() -> Vec<(String, Value)> {
    let mut shape = Shape::told("", Value::Null, Value::Null);
    shape.add::<SessionId>();
    shape.add::<SourceName>();
    shape.add::<Decider>();
    shape.add::<VerificationId>();
    shape.schemas.split_off(1)
}

/// The schema of an answer, with what its type does not say of itself: which members are always there, and their words.
fn answered(name: &str, mut schema: Value) -> Value {
    if PRELUDES.contains(&name) {
        return taken(name, schema);
    }
    if name == "ExplainedCondition" {
        schema = merged(&schema);
    }
    each_object(&mut schema, &mut |object| {
        let Some(Value::Object(properties)) = object.get_mut("properties") else { return };
        for (of, member, words) in words() {
            if let Some(property) = properties.get_mut(member).filter(|_| of == name) {
                *property = json!({ "type": "string", "enum": words });
            }
        }
        let always = properties.keys().filter(|key| !SOMETIMES.contains(&(name, key.as_str())));
        let always: Vec<_> = always.cloned().collect();
        object.insert("required".to_owned(), json!(always));
    });
    schema
}

/// One object for an enum of several, with the members of all: generators know no type that is in itself by way of a choice.
fn merged(choices: &Value) -> Value {
    let mut properties = Map::new();
    let mut kinds = Vec::new();
    for choice in choices["oneOf"].as_array().into_iter().flatten() {
        for (name, property) in choice["properties"].as_object().into_iter().flatten() {
            properties.insert(name.clone(), property.clone());
        }
        kinds.extend(choice["properties"]["kind"]["enum"].as_array().cloned().unwrap_or_default());
    }
    properties.insert("kind".to_owned(), json!({ "type": "string", "enum": kinds }));
    json!({ "type": "object", "description": choices["description"], "properties": properties })
}

/// The schema of a request, with what its type does not say of itself: how its texts are read.
fn taken(name: &str, mut schema: Value) -> Value {
    closed(name, &mut schema);
    let is_closed = schema["additionalProperties"] == json!(false) && !name.starts_with("Evaluate");
    if let Some(Value::Object(properties)) = schema.get_mut("properties").filter(|_| is_closed) {
        for (member, property) in properties {
            if let Some((_, read_as)) = READ_AS.iter().find(|(known, _)| known == member) {
                let reference = json!({ "$ref": format!("#/components/schemas/{read_as}") });
                let may_be_null = property["type"].is_array();
                *property =
                    if may_be_null { json!({ "oneOf": [reference, { "type": "null" }] }) } else { reference };
            }
        }
    }
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
fn problem<'c>(codes: impl Iterator<Item = &'c String>) -> Vec<(String, Value)> {
    let text = |words: &str| json!({ "type": "string", "description": words });
    let faults = Shape::of(&PolicyFaults::default());
    let schema = json!({
        "type": "object",
        "required": ["type", "title", "status", "code", "request_id"],
        "properties": {
            "type": text("`urn:doorstep:problem:` and the code."),
            "title": text("The same words for every refusal with this code."),
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "code": { "$ref": "#/components/schemas/ProblemCode" },
            "detail": text("What is special about this one; it quotes no input."),
            "request_id": text("As in `X-Request-Id` and the log."),
            "fault_count": { "type": "integer", "minimum": 0, "description": "How many faults a policy or request has." },
            "faults": { "type": "array", "items": { "$ref": "#/components/schemas/PolicyFault" } },
        }
    });
    let others = faults.schemas.into_iter().map(|(name, schema)| (name.clone(), answered(&name, schema)));
    let elsewhere = ["not_found", "method_not_allowed"];
    let codes: BTreeSet<_> = codes.map(String::as_str).chain(elsewhere).collect();
    let codes =
        json!({ "type": "string", "enum": codes, "description": "Why it is refused, for machines; stable." });
    others.chain([("ProblemCode".to_owned(), codes), ("Problem".to_owned(), schema)]).collect()
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
