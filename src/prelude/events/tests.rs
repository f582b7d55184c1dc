//! Batches as Prelude may write them, and as it may not.

use serde_json::{Value, json};

use super::*;
use crate::prelude::fixtures::signed_call;

fn events(batch: &Value) -> Result<Vec<Result<PreludeEvent, EventsFault>>, EventsFault> {
    read(&signed_call(batch.to_string().as_bytes()), "acme")
}

fn one(event: &Value) -> Result<PreludeEvent, EventsFault> {
    let mut read = events(&json!({ "app_id": "acme", "events": [event] })).expect("a batch");
    assert_eq!(read.len(), 1);
    read.remove(0)
}

fn user() -> UserId {
    UserId::new("usr_1").expect("a user")
}

#[test]
fn each_type_is_read_flat_or_with_a_payload() {
    let session = SessionId::new("ses_1").expect("a session");
    let details = json!({
        "user_id": "usr_1", "session_id": "ses_1", "identifier": { "type": "phone_number", "value": "+33612345678" },
        "profile": { "first_name": "Jane" }, "reason": "invalid_step", "correlation_id": null,
    });
    for (kind, moment, expected) in [
        ("user.created", "created_at", PreludeNews::UserCreated),
        ("user.deleted", "deleted_at", PreludeNews::UserDeleted(user())),
        ("user.profile.updated", "updated_at", PreludeNews::ProfileUpdated(user())),
        (
            "user.identifier.created",
            "created_at",
            PreludeNews::IdentifierCreated(user(), Some(IdentifierKind::PhoneNumber)),
        ),
        (
            "user.identifier.deleted",
            "deleted_at",
            PreludeNews::IdentifierDeleted(user(), Some(IdentifierKind::PhoneNumber)),
        ),
        ("user.session.created", "created_at", PreludeNews::SessionCreated),
        ("user.session.revoked", "revoked_at", PreludeNews::SessionRevoked(session)),
        ("step_up.hook_failed", "failed_at", PreludeNews::HookFailed("invalid_step")),
        ("user.promoted", "created_at", PreludeNews::Unknown),
    ] {
        let mut details = details.clone();
        details[moment] = json!("2026-09-21T14:13:20.123456789Z");
        let wrapped = one(&json!({ "id": "evt_1", "type": kind, "payload": details })).expect("an event");
        details["type"] = json!(kind);
        let flat = one(&details).expect("an event");
        assert_eq!((&wrapped.news, &flat.news), (&expected, &expected), "{kind}");
        let at = (kind != "user.promoted").then(|| Timestamp::from_unix_micros(1_790_000_000_123_456));
        assert_eq!(wrapped.happened_at, at, "{kind}");
        assert_eq!(wrapped.news.kind(), if kind == "user.promoted" { "unknown" } else { kind });
    }
}

#[test]
fn the_wrapper_tells_when_it_was_if_nothing_else_does() {
    let event = one(&json!({
        "type": "user.deleted", "payload": { "user_id": "usr_1" }, "created_at": "2026-09-21T14:13:20Z",
    }));
    assert_eq!(event.expect("an event").happened_at, Some(Timestamp::from_unix_seconds(1_790_000_000)));
    let event = one(&json!({ "type": "user.deleted", "user_id": "usr_1" }));
    assert_eq!(event.expect("an event").happened_at, None);
}

#[test]
fn what_says_the_same_is_the_same() {
    let call = |event: &str| {
        let body = format!(r#"{{"app_id":"acme", "events":[{event}],"more":1}}"#);
        let read = read(&signed_call(body.as_bytes()), "acme").expect("a batch");
        read.into_iter().map(|event| event.expect("an event").content).collect::<Vec<_>>()
    };
    let base = call(r#"{"type":"user.created","user_id":"usr_1","n":1}"#);
    assert_eq!(base, call(r#"{ "n" : 1, "user_id":"usr_\u0031","type":"user.created"}"#));
    for other in [
        r#"{"type":"user.created","user_id":"usr_2","n":1}"#,
        r#"{"type":"user.created","user_id":"usr_1","n":2}"#,
        r#"{"type":"user.created","user_id":"usr_1"}"#,
    ] {
        assert_ne!(base, call(other), "{other}");
    }
    assert_eq!(format!("{:?}", base[0]), "EventContent(…)");
}

#[test]
fn a_broken_batch_is_refused_whole() {
    let check = |batch: Value, expected: &str| {
        assert_eq!(events(&batch).expect_err("refused").to_string(), expected, "{batch}");
    };
    check(json!([]), "body is of the wrong type");
    check(json!({ "events": [] }), "app_id is missing");
    check(json!({ "app_id": 1, "events": [] }), "app_id is of the wrong type");
    check(json!({ "app_id": "other", "events": [] }), "app_id is another application's");
    check(json!({ "app_id": "acme" }), "events is missing");
    check(json!({ "app_id": "acme", "events": {} }), "events is of the wrong type");
    for body in ["", "{", r#"{"app_id":"acme","app_id":"acme","events":[]}"#] {
        assert!(read(&signed_call(body.as_bytes()), "acme").is_err(), "{body}");
    }
    let twice = br#"{"app_id":"acme","events":[],"events":[]}"#;
    let fault = read(&signed_call(twice), "acme").expect_err("refused");
    assert_eq!((fault.to_string().as_str(), fault.code()), ("events is given twice", "duplicate"));
    assert!(events(&json!({ "app_id": "acme", "events": [] })).expect("a batch").is_empty());
}

#[test]
fn a_broken_event_takes_no_other_with_it() {
    let good = json!({ "type": "user.created", "user_id": "usr_1" });
    for (event, expected) in [
        (json!("user.created"), "events[] is of the wrong type"),
        (json!({ "user_id": "usr_1" }), "events[].type is missing"),
        (json!({ "type": "" }), "events[].type is empty"),
        (json!({ "type": "t".repeat(129) }), "events[].type is longer than 128 characters"),
        (json!({ "type": "user.deleted" }), "events[].user_id is missing"),
        (json!({ "type": "user.deleted", "user_id": 7 }), "events[].user_id is of the wrong type"),
        (json!({ "type": "user.deleted", "user_id": "" }), "events[].user_id is empty"),
        (json!({ "type": "user.deleted", "payload": "usr_1" }), "events[].payload is of the wrong type"),
        (json!({ "type": "user.session.revoked", "user_id": "usr_1" }), "events[].session_id is missing"),
        (
            json!({ "type": "user.identifier.created", "user_id": "usr_1", "identifier": "+33" }),
            "events[].identifier is of the wrong type",
        ),
        (json!({ "type": "step_up.hook_failed" }), "events[].reason is missing"),
        (
            json!({ "type": "user.deleted", "user_id": "usr_1", "deleted_at": "yesterday" }),
            "deleted_at is not a moment in RFC 3339",
        ),
        (
            json!({ "type": "user.deleted", "user_id": "usr_1", "deleted_at": 1_790_000_000 }),
            "deleted_at is of the wrong type",
        ),
    ] {
        let batch = json!({ "app_id": "acme", "events": [good, event, good] });
        let read = events(&batch).expect("a batch");
        assert!(read[0].is_ok() && read[2].is_ok(), "{event}");
        assert_eq!(read[1].as_ref().expect_err("refused").to_string(), expected, "{event}");
    }
}
