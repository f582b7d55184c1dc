//! The management API as `doorstep prelude` and operators meet it.

use reqwest::Method;

use super::super::our_side::NOW;
use super::super::site::stage::{self, Stage};
use super::*;

fn newer() -> Value {
    json!({
        "jwks_url": "https://doorstep.example/.well-known/jwks.json",
        "step_keys": [{ "key": "kyc_review", "description": "Identity check" }],
        "allowed_scopes": [
            { "scope": "transfer:write", "mode": "delegated", "delegated": { "delegation_hook": "https://doorstep.example/hooks/stepup" } },
            { "scope": "prld:pwd:write", "mode": "direct", "direct": {
                "identifier_types": ["phone_number"], "granted_for": 300,
                "steps": [{ "order": 1, "key": "verify_sms", "expiration_duration": 600 }],
            } },
            { "scope": "prld:pwd:write", "mode": "direct", "direct": {
                "identifier_types": ["email_address"], "granted_for": 300, "steps": [],
            } },
            { "scope": "prld:phone:register", "mode": "managed" },
        ],
    })
}

fn older() -> Value {
    json!({
        "signal_hook_url": "https://doorstep.example/hooks/stepup",
        "jwks_url": "https://doorstep.example/.well-known/jwks.json",
        "step_keys": [],
        "allowed_scopes": ["transfer:write"],
    })
}

/// A site where these scopes exist.
async fn with_scopes() -> Stage {
    let stage = Stage::set().await;
    for scope in ["transfer:write", "prld:pwd:write", "prld:phone:register"] {
        let answer = stage.manage(Method::POST, "scopes", Some(&json!({ "scope": scope }))).await;
        assert_eq!((answer.status, &answer.body["scope"]), (201, &json!(scope)));
    }
    stage
}

#[tokio::test]
async fn a_configuration_is_made_shown_replaced_and_removed() {
    let stage = with_scopes().await;
    assert_eq!(stage.manage(Method::GET, "stepup", None).await.refusal(), (404, "not_found"));
    assert_eq!(stage.manage(Method::PUT, "stepup", Some(&newer())).await.refusal(), (404, "not_found"));
    assert_eq!(stage.manage(Method::POST, "stepup", Some(&newer())).await.status, 201);
    assert_eq!(stage.manage(Method::POST, "stepup", Some(&older())).await.refusal(), (409, "conflict"));
    stage.machine.store(NOW + 60, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(stage.manage(Method::PUT, "stepup", Some(&older())).await.status, 200);
    let shown = stage.manage(Method::GET, "stepup", None).await.body;
    let mut expected = older();
    expected["created_at"] = json!("2026-09-21T14:13:20Z");
    expected["updated_at"] = json!("2026-09-21T14:14:20Z");
    assert_eq!(shown, json!({ "config": expected }));
    assert_eq!(stage.manage(Method::DELETE, "stepup", None).await.status, 204);
    assert_eq!(stage.manage(Method::DELETE, "stepup", None).await.refusal(), (404, "not_found"));
    let parts: Vec<_> = stage.journal("configured").await.iter().map(|entry| entry["part"].clone()).collect();
    assert_eq!(parts, ["scopes", "scopes", "scopes", "stepup", "stepup", "stepup"]);
}

#[tokio::test]
async fn scopes_are_made_once_and_listed() {
    let stage = with_scopes().await;
    let make =
        async |scope: &str| stage.manage(Method::POST, "scopes", Some(&json!({ "scope": scope }))).await;
    assert_eq!(make("transfer:write").await.refusal(), (409, "conflict"));
    for scope in ["", "a b", "tränsfer", "prld:transfer", &"a".repeat(257)] {
        assert_eq!(make(scope).await.refusal(), (400, "bad_request"), "{scope}");
    }
    let listed = stage.manage(Method::GET, "scopes", None).await.body;
    let names: Vec<_> =
        listed["scopes"].as_array().expect("a list").iter().map(|one| &one["scope"]).collect();
    assert_eq!(names, ["prld:phone:register", "prld:pwd:write", "transfer:write"]);
}

#[tokio::test]
async fn only_the_key_gets_in_and_only_to_its_application() {
    let stage = with_scopes().await;
    let get = async |app_id: &str, header: Option<&str>| {
        let request = stage.client.get(stage.url(&format!("/v2/session/apps/{app_id}/config/scopes")));
        let answer = stage.send(match header {
            Some(header) => request.header("Authorization", header),
            None => request,
        });
        answer.await.status
    };
    assert_eq!(get("test", Some("Bearer sesame")).await, 200);
    assert_eq!(get("other", Some("Bearer sesame")).await, 404);
    for header in [None, Some("Bearer other"), Some("sesame"), Some("bearer sesame"), Some("Basic sesame")] {
        assert_eq!(get("test", header).await, 401, "{header:?}");
    }
}

/// Each row plants one fault: where, and what stands there then.
fn faults() -> Vec<(&'static str, Value)> {
    let delegated = |hook: &str| json!({ "delegation_hook": hook });
    let direct = |name: &str, value: Value| {
        let mut direct = newer()["allowed_scopes"][1]["direct"].clone();
        direct[name] = value;
        direct
    };
    vec![
        ("/jwks_url", json!("")),
        ("/jwks_url", json!("http://doorstep.example/jwks")),
        ("/jwks_url", json!("https://user:word@doorstep.example/jwks")),
        ("/jwks_url", json!("https://doorstep.example/jwks#a")),
        ("/jwks_url", json!("doorstep.example/jwks")),
        ("/jwks_url", json!(7)),
        ("/signal_hook_url", json!("https://doorstep.example/hooks/stepup")),
        ("/more", json!(1)),
        ("/step_keys", json!(["kyc_review"])),
        ("/step_keys/0/key", json!("verify_sms")),
        ("/step_keys/0/key", json!("completed")),
        ("/step_keys/0/key", json!("kyc review")),
        ("/step_keys/0/more", json!(1)),
        ("/step_keys/1", json!({ "key": "kyc_review", "description": "again" })),
        ("/step_keys/1", json!({ "key": "selfie" })),
        ("/allowed_scopes", json!({})),
        ("/allowed_scopes", json!(["transfer:write"])),
        ("/allowed_scopes/0/scope", json!("unheard:of")),
        ("/allowed_scopes/0/scope", json!("prld:phone:register")),
        ("/allowed_scopes/0/mode", json!("direct")),
        ("/allowed_scopes/0/mode", json!("managed")),
        ("/allowed_scopes/0/mode", json!("static")),
        ("/allowed_scopes/0/delegated", delegated("http://doorstep.example/hook")),
        ("/allowed_scopes/0/delegated/more", json!(1)),
        ("/allowed_scopes/0/direct", json!({})),
        ("/allowed_scopes/1/direct", direct("identifier_types", json!([]))),
        ("/allowed_scopes/1/direct", direct("identifier_types", json!(["passport"]))),
        ("/allowed_scopes/1/direct", direct("identifier_types", json!(["email_address"]))),
        ("/allowed_scopes/1/direct", direct("granted_for", json!(0))),
        ("/allowed_scopes/1/direct", direct("granted_for", json!(86_401))),
        (
            "/allowed_scopes/1/direct",
            direct("steps", json!([{ "order": 1, "key": "selfie", "expiration_duration": 60 }])),
        ),
        ("/allowed_scopes/1/direct/steps/0/order", json!(2)),
        ("/allowed_scopes/3/scope", json!("transfer:write")),
        ("/allowed_scopes/4", json!({ "scope": "prld:phone:register", "mode": "managed" })),
    ]
}

#[tokio::test]
async fn a_configuration_that_breaks_a_rule_is_refused_and_changes_nothing() {
    let stage = with_scopes().await;
    let rows = faults();
    assert!(rows.len() >= 30);
    for (place, value) in rows {
        let mut sent = newer();
        plant(&mut sent, place, value.clone());
        let answer = stage.manage(Method::POST, "stepup", Some(&sent)).await;
        assert_eq!(answer.refusal(), (400, "bad_request"), "{place} {value}");
    }
    let text = stage.client.post(stage.url("/v2/session/apps/test/config/stepup")).bearer_auth("sesame");
    assert_eq!(
        stage.send(text.body(newer().to_string())).await.refusal(),
        (400, "bad_request"),
        "no media type"
    );
    let doubled = newer().to_string().replacen('{', r#"{"jwks_url":"","#, 1);
    let doubled = stage
        .client
        .post(stage.url("/v2/session/apps/test/config/stepup"))
        .bearer_auth("sesame")
        .header("Content-Type", "application/json")
        .body(doubled);
    assert_eq!(stage.send(doubled).await.refusal(), (400, "bad_request"), "a member twice");
    assert_eq!(stage.manage(Method::GET, "stepup", None).await.status, 404);
    assert_eq!(
        stage.manage(Method::POST, "stepup", Some(&newer())).await.status,
        201,
        "the rows' base is good"
    );
}

/// Puts a value where a JSON pointer says, making the last member where it is missing.
fn plant(document: &mut Value, place: &str, value: Value) {
    let (parent, name) = place.rsplit_once('/').expect("a pointer");
    match document.pointer_mut(parent).expect("the parent is there") {
        Value::Object(map) => drop(map.insert(name.to_owned(), value)),
        Value::Array(list) => {
            let index: usize = name.parse().expect("an index");
            if index == list.len() { list.push(value) } else { list[index] = value }
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn plain_http_to_this_machine_is_a_switch() {
    let here = || {
        let mut sent = older();
        sent["jwks_url"] = json!("http://127.0.0.1:8080/.well-known/jwks.json");
        sent["signal_hook_url"] = json!("http://localhost:8080/hooks/stepup");
        sent
    };
    let make = async |plain_http| {
        let stage = Stage::set_with(|settings| {
            settings.management.plain_http = plain_http;
            settings.management.scopes = vec!["transfer:write".to_owned()];
        })
        .await;
        stage.manage(Method::POST, "stepup", Some(&here())).await.status
    };
    assert_eq!((make(true).await, make(false).await), (201, 400));
}

/// The rest of a configuration is taken as ever; with the switch so is this.
#[tokio::test]
async fn what_the_emulator_cannot_walk_is_refused_where_it_is_configured_unless_it_is_to_be_taken() {
    let passkey = || {
        let mut sent = newer();
        sent["allowed_scopes"].as_array_mut().expect("a list").truncate(2);
        sent["allowed_scopes"][1]["direct"]["steps"][0]["key"] = json!("verify_passkey");
        sent
    };
    let without = || {
        let mut sent = newer();
        sent["allowed_scopes"].as_array_mut().expect("a list").truncate(3);
        sent
    };
    let make = async |unwalkable, sent: Value| {
        let stage = Stage::set_with(|settings| {
            settings.management.unwalkable = unwalkable;
            settings.management.scopes =
                ["transfer:write", "prld:pwd:write", "prld:phone:register"].map(str::to_owned).to_vec();
        })
        .await;
        let answer = stage.manage(Method::POST, "stepup", Some(&sent)).await;
        (answer.status, answer.body["message"].as_str().unwrap_or_default().to_owned())
    };
    for (sent, said) in [
        (
            newer(),
            "prld:phone:register: the emulator does not walk scopes in mode managed; with --unwalkable take",
        ),
        (passkey(), "prld:pwd:write: the emulator does not walk verify_passkey; with --unwalkable take"),
    ] {
        let (status, message) = make(Unwalkable::Refused, sent.clone()).await;
        assert!(status == 400 && message.starts_with(said), "{status} {message}");
        assert_eq!(make(Unwalkable::Taken, sent).await.0, 201);
    }
    assert_eq!(make(Unwalkable::Refused, without()).await.0, 201);
}

#[tokio::test]
async fn what_is_configured_tells_who_decides_for_whom() {
    let scopes = ["transfer:write", "prld:pwd:write", "prld:phone:register"].map(str::to_owned).to_vec();
    let settings = |step_up| ManagementSettings {
        scopes: scopes.clone(),
        step_up,
        ..stage::settings(std::sync::Arc::new(|| NOW)).management
    };
    let configured = Management::new(&settings(Some(newer())), NOW).expect("a configuration");
    let config = configured.step_up().expect("a configuration");
    assert_eq!(config.jwks_url(), Some("https://doorstep.example/.well-known/jwks.json"));
    assert_eq!(config.custom_steps(), ["kyc_review"]);
    let delegated = Decision::Delegated { hook_url: "https://doorstep.example/hooks/stepup".to_owned() };
    assert_eq!(config.decision("transfer:write", &[]), Some(&delegated));
    assert_eq!(config.decision("prld:phone:register", &[]), Some(&Decision::Managed));
    let steps = |types: &[&str]| match config.decision("prld:pwd:write", types) {
        Some(Decision::Direct { steps, .. }) => Some(steps.len()),
        _ => None,
    };
    assert_eq!((steps(&["phone_number"]), steps(&["email_address"]), steps(&[])), (Some(1), Some(0), None));
    assert!(config.allows("prld:pwd:write") && !config.allows("profile:write"));
    let older = Management::new(&settings(Some(older())), NOW).expect("a configuration");
    assert_eq!(older.step_up().expect("one").decision("transfer:write", &[]), Some(&delegated));
    let broken = Management::new(&settings(Some(json!({}))), NOW);
    assert!(matches!(broken.err(), Some(EmulatorError::Configuration(_))));
}
