use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::{Strategy, any, prop_assert_eq, proptest};
use serde_json::{Value, json};

use super::*;
use crate::domain::{GrantMode, Seconds, Step, StepKey};
use crate::prelude::fixtures::{self, signed_call};
use crate::prelude::key_set::HookKeySet;
use crate::prelude::signature::{SignatureHeaders, verify};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_790_000_000);

fn body() -> Value {
    json!({
        "scope_requested": "transfer:write",
        "user_id": "usr_1",
        "identifiers": [{"type": "email_address", "value": "user@example.com"}],
        "signals": {"user_agent": "Mozilla/5.0", "platform": "WEB", "ip": "203.0.113.42"},
        "metadata": {"amount": "500", "currency": "USD"},
    })
}

fn with(pointer: &str, value: Value) -> String {
    let mut body = body();
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    body.pointer_mut(parent).expect("a parent")[name] = value;
    body.to_string()
}

fn without(pointer: &str) -> String {
    let mut body = body();
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    body.pointer_mut(parent).and_then(Value::as_object_mut).expect("a parent").remove(name);
    body.to_string()
}

fn read_text(text: &str) -> Result<Facts, HookFault> {
    read(&signed_call(text.as_bytes()), NOW)
}

fn check(text: &str, path: &str, code: &str) {
    let fault = read_text(text).expect_err(text);
    assert_eq!((fault.path, fault.flaw.code()), (path, code), "{text}");
}

#[test]
fn every_vector_is_read_as_expected() {
    let (jwks, cases) = fixtures::vectors(include_str!("../../../tests/vectors/hook-calls.json"));
    let keys = HookKeySet::parse(&jwks).expect("usable keys");
    let (mut valid, mut invalid) = (0, 0);
    for case in cases {
        let body = STANDARD.decode(case["body_base64"].as_str().expect("a body")).expect("base64");
        let headers = SignatureHeaders {
            signature: case["headers"]["x-webhook-signature"].as_str(),
            key_id: case["headers"]["x-webhook-signature-key-id"].as_str(),
        };
        let Ok(call) = verify(headers, &body, &keys) else { continue };
        match read(&call, NOW) {
            Ok(_) => {
                assert_eq!(case["expect"], "valid", "{}", case["name"]);
                valid += 1;
            }
            Err(_) => {
                assert_eq!(case["expect"], "invalid-body", "{}", case["name"]);
                invalid += 1;
            }
        }
    }
    assert!(valid >= 13 && invalid >= 10, "{valid} {invalid}");
}

#[test]
fn facts_are_what_the_call_states() {
    let facts = read_text(&body().to_string()).expect("a good body");
    assert_eq!(facts.scope.as_str(), "transfer:write");
    assert_eq!(facts.user_id.as_str(), "usr_1");
    assert_eq!(facts.identifiers.len(), 1);
    assert_eq!(facts.identifiers[0].kind, IdentifierKind::EmailAddress);
    assert_eq!(&*facts.identifiers[0].value, "user@example.com");
    assert_eq!(&*facts.signals.user_agent, "Mozilla/5.0");
    assert_eq!(facts.signals.platform, Platform::Web);
    assert_eq!(facts.signals.ip.to_string(), "203.0.113.42");
    assert_eq!(facts.metadata.iter().collect::<Vec<_>>(), [("amount", "500"), ("currency", "USD")]);
    assert_eq!(facts.received_at, NOW);
}

#[test]
fn escapes_are_resolved() {
    let text = with("/metadata/payee", json!("x")).replace(r#""x""#, r#""Zo\u00eb \"\ud83d\ude00\"""#);
    let text = text.replace("user_id", r"us\u0065r_id");
    assert_eq!(read_text(&text).expect("a good body").metadata.get("payee"), Some("Zoë \"😀\""));
}

#[test]
fn a_mapped_address_is_an_ipv4_address() {
    let ip =
        |text: &str| read_text(&with("/signals/ip", json!(text))).map(|facts| facts.signals.ip.to_string());
    assert_eq!(ip("::ffff:203.0.113.42").as_deref(), Ok("203.0.113.42"));
    assert_eq!(ip("::FFFF:CB00:712A").as_deref(), Ok("203.0.113.42"));
    assert_eq!(ip("2001:db8::42").as_deref(), Ok("2001:db8::42"));
    for text in
        ["", "203.0.113", "203.0.113.042", "203.0.113.42:80", "[::1]", "fe80::1%eth0", " ::1", "0x7f.1"]
    {
        check(&with("/signals/ip", json!(text)), "signals.ip", "invalid");
    }
}

#[test]
fn what_prelude_adds_is_passed_over() {
    let added = json!({"deep": [1.5, null, {"a": true}]});
    for pointer in ["/added", "/signals/added", "/identifiers/0/added"] {
        assert!(read_text(&with(pointer, added.clone())).is_ok(), "{pointer}");
    }
    let twice = body().to_string().replacen('{', r#"{"added":1,"added":"2","#, 1);
    assert!(read_text(&twice).is_ok());
    let platform = read_text(&with("/signals/platform", json!("TV"))).expect("a good body").signals.platform;
    assert_eq!(platform, Platform::Other("TV".into()));
    let kind = json!([{"type": "passkey", "value": "x"}]);
    let identifiers = read_text(&with("/identifiers", kind)).expect("a good body").identifiers;
    assert_eq!(identifiers[0].kind, IdentifierKind::Other("passkey".into()));
}

#[test]
fn what_may_be_empty_is() {
    assert!(read_text(&with("/identifiers", json!([]))).expect("a good body").identifiers.is_empty());
    for text in [with("/metadata", json!({})), with("/metadata", json!(null)), without("/metadata")] {
        assert!(read_text(&text).expect("a good body").metadata.iter().next().is_none(), "{text}");
    }
    assert!(read_text(&with("/signals/user_agent", json!(""))).is_ok());
    assert!(read_text(&with("/signals/platform", json!(""))).is_ok());
}

#[test]
fn a_body_that_is_no_object_is_refused() {
    for text in ["", "hello", "{", "{}{}", "\u{feff}{}"] {
        check(text, "body", "body_not_json");
    }
    assert_eq!(
        read(&signed_call(b"\"\xff\""), NOW).expect_err("not UTF-8").flaw,
        HookFlaw::Form(Flaw::NotJson)
    );
    let deep =
        body().to_string().replacen('{', &format!(r#"{{"a":{}{},"#, "[".repeat(200), "]".repeat(200)), 1);
    check(&deep, "body", "body_not_json");
    for text in ["[1,2,3]", "null", "1", r#""x""#] {
        check(text, "body", "wrong_type");
    }
    // What serde's derives would take for the object.
    let as_array = json!(["transfer:write", "usr_1", [], ["Mozilla/5.0", "WEB", "203.0.113.42"], {}]);
    check(&as_array.to_string(), "body", "wrong_type");
}

#[test]
fn known_fields_must_be_there_once() {
    let fields = [
        ("/scope_requested", "scope_requested"),
        ("/user_id", "user_id"),
        ("/identifiers", "identifiers"),
        ("/identifiers/0/type", "identifiers[].type"),
        ("/identifiers/0/value", "identifiers[].value"),
        ("/signals", "signals"),
        ("/signals/user_agent", "signals.user_agent"),
        ("/signals/platform", "signals.platform"),
        ("/signals/ip", "signals.ip"),
    ];
    for (pointer, path) in fields {
        check(&without(pointer), path, "missing");
    }
    let twice = |pointer: &str| {
        let name = pointer.rsplit('/').next().expect("a name");
        let value = body().pointer(pointer).expect("a value").to_string();
        let member = format!(r#""{name}":{value}"#);
        let text = body().to_string();
        assert!(text.contains(&member), "{text}");
        text.replacen(&member, &format!("{member},{member}"), 1)
    };
    for (pointer, path) in fields {
        check(&twice(pointer), path, "duplicate");
    }
    check(&twice("/metadata"), "metadata", "duplicate");
    check(&twice("/metadata/amount"), "metadata", "duplicate");
}

#[test]
fn known_fields_must_be_of_their_type() {
    let numbers = [
        ("/scope_requested", "scope_requested"),
        ("/user_id", "user_id"),
        ("/identifiers", "identifiers"),
        ("/identifiers/0", "identifiers"),
        ("/identifiers/0/type", "identifiers[].type"),
        ("/identifiers/0/value", "identifiers[].value"),
        ("/signals", "signals"),
        ("/signals/user_agent", "signals.user_agent"),
        ("/signals/platform", "signals.platform"),
        ("/signals/ip", "signals.ip"),
        ("/metadata", "metadata"),
        ("/metadata/amount", "metadata"),
    ];
    for (pointer, path) in numbers {
        for value in [json!(1), json!(true), json!(1.5)] {
            let mut body = body();
            *body.pointer_mut(pointer).expect("a field") = value;
            check(&body.to_string(), path, "wrong_type");
        }
        if pointer != "/metadata" {
            let mut body = body();
            *body.pointer_mut(pointer).expect("a field") = Value::Null;
            check(&body.to_string(), path, "wrong_type");
        }
    }
    check(&with("/signals", json!(["Mozilla/5.0", "WEB", "203.0.113.42"])), "signals", "wrong_type");
    check(&with("/identifiers", json!([["email_address", "a@b.co"]])), "identifiers", "wrong_type");
    check(
        &with("/identifiers", json!({"type": "email_address", "value": "a@b.co"})),
        "identifiers",
        "wrong_type",
    );
    check(&with("/metadata", json!([["a", "b"]])), "metadata", "wrong_type");
}

#[test]
fn known_fields_have_bounds() {
    for scope in ["", "transfer write", "é", &"a".repeat(257)] {
        check(&with("/scope_requested", json!(scope)), "scope_requested", "invalid");
    }
    for user in ["", "a\u{0}b", &"a".repeat(257)] {
        check(&with("/user_id", json!(user)), "user_id", "invalid");
    }
    let identifier = |kind: &str, value: &str| with("/identifiers", json!([{"type": kind, "value": value}]));
    check(&identifier("", "v"), "identifiers[].type", "invalid");
    check(&identifier(&"k".repeat(65), "v"), "identifiers[].type", "invalid");
    check(&identifier("k", ""), "identifiers[].value", "invalid");
    check(&identifier("k", &"v".repeat(1025)), "identifiers[].value", "invalid");
    let many = vec![json!({"type": "k", "value": "v"}); 101];
    check(&with("/identifiers", json!(many)), "identifiers", "invalid");
    check(&with("/signals/user_agent", json!("x".repeat(8193))), "signals.user_agent", "invalid");
    check(&with("/signals/platform", json!("x".repeat(65))), "signals.platform", "invalid");
    assert!(read_text(&with("/signals/user_agent", json!("é".repeat(8192)))).is_ok());

    check(&with("/metadata/aaaaaaaaaaaaa", json!("v")), "metadata", "invalid");
    check(&with("/metadata/k", json!("é".repeat(33))), "metadata", "invalid");
    let six: Value = (0..6).map(|n| (format!("k{n}"), json!("v"))).collect::<serde_json::Map<_, _>>().into();
    check(&with("/metadata", six), "metadata", "invalid");
    assert!(read_text(&with("/metadata/k", json!("é".repeat(32)))).is_ok());
    assert!(read_text(&with("/metadata/identifier", json!("v".repeat(320)))).is_ok());
}

#[test]
fn faults_quote_nothing() {
    for text in [
        with("/signals/ip", json!("secret")),
        with("/metadata/secret secret", json!("secret")),
        "secret".into(),
    ] {
        let fault = read_text(&text).expect_err("a fault");
        assert!(!format!("{fault} {fault:?}").contains("secret"), "{fault}");
    }
    assert_eq!(read_text(&without("/user_id")).expect_err("a fault").to_string(), "user_id is missing");
}

fn seconds(seconds: u32) -> Seconds {
    Seconds::new(seconds).expect("within a day")
}

fn step(key: &str, expires_in: u32) -> Step {
    Step { key: StepKey::new(key).expect("a key"), expires_in: seconds(expires_in) }
}

#[test]
fn answers_are_the_contracts() {
    let grant = Grant { mode: GrantMode::SingleUse, granted_for: seconds(300) };
    assert_eq!(answer(&Verdict::Block), r#"{"status":"block"}"#);
    let expected = r#"{"status":"continue","granted_for":300,"grant_mode":"single-use"}"#;
    assert_eq!(answer(&Verdict::Continue(grant)), expected);
    let plan = StepPlan::new(vec![step("verify_sms", 600)]).expect("a plan");
    let expected = r#"{"status":"review","granted_for":300,"grant_mode":"single-use","steps":[{"order":1,"key":"verify_sms","expiration_duration":600}]}"#;
    assert_eq!(answer(&Verdict::Review(grant, plan)), expected);
}

/// Prelude reads 64 KB. A bundle's plan has ten steps at the most.
#[test]
fn the_longest_answer_is_far_below_what_prelude_reads() {
    let longest = |at: usize| format!("{at:0>64}");
    let steps = (0..100).map(|at| step(&longest(at), Seconds::MAX)).collect();
    let grant = Grant { mode: GrantMode::ProfileBound, granted_for: seconds(Seconds::MAX) };
    let text = answer(&Verdict::Review(grant, StepPlan::new(steps).expect("a plan")));
    assert!(text.contains(&longest(99)) && text.len() < 64_000, "{}", text.len());
    assert!(StepKey::new(&"k".repeat(65)).is_err());
}

fn verdicts() -> impl Strategy<Value = Verdict> {
    let mode = proptest::sample::select(GrantMode::ALL.to_vec());
    let grant = (mode, 1..=Seconds::MAX)
        .prop_map(|(mode, granted_for)| Grant { mode, granted_for: seconds(granted_for) });
    let steps = proptest::collection::btree_map("[a-zA-Z0-9._:-]{1,64}", 1..=Seconds::MAX, 1..12);
    let plan = steps.prop_map(|steps| {
        StepPlan::new(steps.iter().map(|(key, time)| step(key, *time)).collect()).expect("a plan")
    });
    (grant, plan, 0..3).prop_map(|(grant, plan, kind)| match kind {
        0 => Verdict::Block,
        1 => Verdict::Continue(grant),
        _ => Verdict::Review(grant, plan),
    })
}

proptest! {
    #[test]
    fn every_answer_keeps_preludes_rules(verdict in verdicts()) {
        let text = answer(&verdict);
        let read: Value = serde_json::from_str(&text).expect("JSON");
        let (status, grant, plan) = match &verdict {
            Verdict::Block => ("block", None, None),
            Verdict::Continue(grant) => ("continue", Some(grant), None),
            Verdict::Review(grant, plan) => ("review", Some(grant), Some(plan)),
        };
        let mut expected = json!({"status": status});
        if let Some(grant) = grant {
            expected["granted_for"] = json!(grant.granted_for.get());
            expected["grant_mode"] = json!(grant.mode.as_str());
        }
        if let Some(plan) = plan {
            expected["steps"] = plan
                .steps()
                .iter()
                .enumerate()
                .map(|(at, step)| json!({
                    "order": at + 1,
                    "key": step.key.as_str(),
                    "expiration_duration": step.expires_in.get(),
                }))
                .collect();
        }
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn any_body_is_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&signed_call(&body), NOW);
    }
}
