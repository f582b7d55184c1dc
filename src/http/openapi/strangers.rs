//! What strangers call, who prove by a signature who they are: Prelude and identity-check providers; and the key set.

use serde_json::json;

use super::operation::{Operation, operation};
use super::parameters::{form, path, word};
use crate::app::{ActivationRefusal, CallRefusal, CallbackError, DecideError, EventsError};
use crate::callbacks::CallbackFault;
use crate::domain::SourceName;
use crate::domain::shape::Shape;
use crate::http::RECORDED;
use crate::http::problem::{Refusal, events_unfinished, invalid_request, too_many_in_flight};
use crate::http::refusals::unavailable_store;
use crate::prelude::{EventsFault, SignatureFault, event_shape, shape};

pub(super) fn operations() -> Vec<Operation> {
    vec![step_up(), jwks("get"), jwks("head"), activate(), events(), callbacks()]
}

fn unverified() -> Refusal {
    CallRefusal::Signature(SignatureFault::Wrong).into()
}

fn step_up() -> Operation {
    operation(("post", "/hooks/stepup"), "decideStepUp", "Prelude asks for a verdict about a step-up")
        .group("prelude")
        .public()
        .signed_by_prelude()
        .takes([("review", shape::call())])
        .answers(200, "The verdict, which is recorded.", shape::verdict())
        .refuses([unverified(), CallRefusal::NoTrustedKeySet.into(), too_many_in_flight()])
        .refuses([DecideError::Body(shape::broken_call()), DecideError::OldRepeat, DecideError::DeskMoves])
}

fn jwks(method: &'static str) -> Operation {
    let id = if method == "get" { "getJwks" } else { "headJwks" };
    let jwks = operation((method, "/.well-known/jwks.json"), id, "The public halves of our signing keys")
        .group("prelude")
        .public()
        .with([json!({
            "name": "If-None-Match", "in": "header", "required": false, "schema": { "type": "string" },
            "description": "The `ETag` of the key set that the reader has.",
        })]);
    let words = "The key set (RFC 7517), newest key first; never empty.";
    let jwks = match method {
        "get" => jwks.answers(200, words, key_set()),
        _ => jwks.answers_nothing(200, words),
    };
    jwks.answers_nothing(304, "The reader has this very key set.")
        .header("ETag", "Names this key set.")
        .header("Cache-Control", "For how long it may be kept.")
}

fn key_set() -> Shape {
    let text = json!({ "type": "string" });
    let schema = json!({
        "type": "object", "required": ["keys"],
        "properties": { "keys": { "type": "array", "minItems": 1, "items": {
            "type": "object", "required": ["kty", "kid", "use", "alg", "n", "e"],
            "properties": {
                "kty": { "const": "RSA" }, "kid": text, "use": { "const": "sig" }, "alg": { "const": "RS256" },
                "n": text, "e": text
            }
        } } }
    });
    Shape::told("KeySet", schema, crate::app::shapes::key_set())
}

fn activate() -> Operation {
    let text = json!({ "type": "string" });
    let number = json!({ "type": "string", "pattern": "^-?[0-9]{1,20}$" });
    operation(
        ("get", "/hooks/events"),
        "activateEvents",
        "Prelude activates its webhook; only with `prelude.events`",
    )
    .group("prelude")
    .public()
    .with(
        [
            word("event", "What Prelude wants.", &["activate"]),
            form("app_id", "Our application.", &text),
            form("verification_token", "What was agreed about the webhook.", &text),
            form("challenge", "What Prelude wants to read again.", &number),
        ]
        .map(|mut parameter| {
            parameter["required"] = json!(true);
            parameter
        }),
    )
    .answers(200, "Prelude's own number.", event_shape::activated())
    .refuses([ActivationRefusal::WrongToken, ActivationRefusal::Off])
    .refuses([invalid_request("`challenge` is missing")])
}

fn recorded() -> Shape {
    let schema = json!({
        "type": "object", "required": ["status"], "properties": { "status": { "const": "recorded", "type": "string" } }
    });
    Shape::told("Recorded", schema, serde_json::from_str(RECORDED).expect("JSON"))
}

fn events() -> Operation {
    operation(
        ("post", "/hooks/events"),
        "takeEvents",
        "Prelude tells what happened; only with `prelude.events`",
    )
    .group("prelude")
    .public()
    .signed_by_prelude()
    .takes([("batch", event_shape::batch())])
    .answers(200, "Every event is on disk, or was.", recorded())
    .header("Cache-Control", "Always `no-store`.")
    .refuses([unverified(), CallRefusal::NoTrustedKeySet.into(), too_many_in_flight()])
    .refuses([EventsError::Off, EventsError::Broken(EventsFault::OtherApplication)])
    .refuses([unavailable_store(), events_unfinished()])
}

fn callbacks() -> Operation {
    operation(
        ("post", "/v1/callbacks/{source}"),
        "takeCallback",
        "An identity-check provider says how a check went, signed as its scheme has it",
    )
    .group("providers")
    .public()
    .with([path::<SourceName>("source", "The name of the provider's table, `[callbacks.NAME]`.")])
    .takes_any_body(crate::callbacks::example())
    .answers(200, "The event is on disk with its effect, or was.", recorded())
    .refuses([CallbackError::UnknownSource, CallbackError::TooLate])
    .refuses([
        CallbackError::Call(CallbackFault::NotAnEvent),
        CallbackError::Call(CallbackFault::WrongSignature),
    ])
    .refuses([too_many_in_flight()])
}
