//! Calls and tokens that an independent implementation signed, through the whole server.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use doorstep::testing::{KeyWish, ManualClock, Server, Setup, SignedCall};
use serde_json::{Value, json};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::bench::Answer;

const HOOK_CALLS: &str = include_str!("../vectors/hook-calls.json");
const CHALLENGE_TOKENS: &str = include_str!("../vectors/challenge-tokens.json");

/// A scope whose custom step needs no recorded review, as Prelude resolves some scopes itself.
const STEPS: &str = "custom:
  kyc_review:
    description: Identity check
    expires_in: 1h
    approved_by: [backend]
    without_verdict: true
";
const TRANSFER: &str = "scopes: [transfer:write]
description: Anything passes to a step.
metadata:
  amount: { type: string, optional: true }
  currency: { type: string, optional: true }
  payee: { type: string, optional: true }
rules: []
otherwise: block
";

struct Under {
    server: Server,
    clock: Arc<ManualClock>,
    client: reqwest::Client,
    _key_sets: MockServer,
    _directory: tempfile::TempDir,
}

async fn start() -> Under {
    let key_sets = MockServer::start().await;
    for (at, text) in [("/hook", HOOK_CALLS), ("/step-up", CHALLENGE_TOKENS)] {
        let file: Value = serde_json::from_str(text).expect("the vectors are JSON");
        let set = ResponseTemplate::new(200).set_body_json(&file["jwks"]);
        Mock::given(path(at)).respond_with(set).mount(&key_sets).await;
    }
    let clock = ManualClock::at_unix_seconds(1_790_000_010);
    let directory = tempfile::TempDir::new().expect("a directory");
    let setup = Setup {
        directory: directory.path().to_owned(),
        policies: vec![
            ("steps.yaml".to_owned(), STEPS.to_owned()),
            ("transfer.yaml".to_owned(), TRANSFER.to_owned()),
        ],
        clock: Some(Arc::clone(&clock)),
        settings: vec![
            ("prelude.app_id", "54e9ujn".to_owned()),
            ("prelude.key_set_url", format!("{}/hook", key_sets.uri())),
            ("prelude.step_up_key_set_url", format!("{}/step-up", key_sets.uri())),
        ],
    };
    let server = Server::start(setup).await.expect("the server starts");
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let under = Under { server, clock, client, _key_sets: key_sets, _directory: directory };
    under.until_ready().await;
    under
}

impl Under {
    async fn until_ready(&self) {
        for _ in 0..2000 {
            let answer =
                self.client.get(format!("{}/readyz", self.server.url())).send().await.expect("an answer");
            if Answer::of(answer).await.json()["status"] == "ready" {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("the server does not get ready");
    }

    async fn post(&self, at: &str, call: SignedCall) -> Answer {
        let mut request = self.client.post(format!("{}{at}", self.server.url())).body(call.body);
        for (name, value) in call.headers {
            request = request.header(name, value);
        }
        Answer::of(request.send().await.expect("an answer")).await
    }
}

#[tokio::test]
async fn every_hook_call_gets_what_it_expects() {
    let under = start().await;
    let file: Value = serde_json::from_str(HOOK_CALLS).expect("the vectors are JSON");
    let mut seen = HashMap::<String, usize>::new();
    for case in file["cases"].as_array().expect("cases") {
        let headers = case["headers"].as_object().expect("headers").iter();
        let headers = headers.map(|(name, value)| (name.clone(), value.as_str().expect("text").to_owned()));
        let body = case["body_base64"].as_str().expect("a body");
        let body = base64::engine::general_purpose::STANDARD.decode(body).expect("base64");
        let answer = under.post("/hooks/stepup", SignedCall { headers: headers.collect(), body }).await;
        let expect = case["expect"].as_str().expect("an outcome");
        let (status, code) = match expect {
            "valid" => (200, None),
            "bad-signature" | "unknown-key" | "missing-signature" => (401, Some("unverified_call")),
            "invalid-body" => (400, Some("invalid_call")),
            other => panic!("an outcome that this test does not know: {other}"),
        };
        let name = &case["name"];
        assert_eq!(answer.status, status, "{name}: {}", answer.text);
        assert_eq!(answer.json().get("code").and_then(Value::as_str), code, "{name}");
        *seen.entry(expect.to_owned()).or_default() += 1;
    }
    assert_eq!(seen.len(), 5, "every kind of outcome came up: {seen:?}");
    under.server.stop().await.expect("the server stops");
}

#[tokio::test]
async fn every_challenge_token_gets_what_it_expects() {
    let under = start().await;
    let wish = KeyWish {
        roles: &["opener", "approver", "minter"],
        approves_as: Some("backend"),
        ..KeyWish::default()
    };
    let key = under.server.create_api_key(&wish).await.expect("a key");
    let file: Value = serde_json::from_str(CHALLENGE_TOKENS).expect("the vectors are JSON");
    for case in file["cases"].as_array().expect("cases") {
        under.clock.set_unix_seconds(case["at"].as_i64().expect("a moment"));
        let call = SignedCall {
            headers: vec![
                ("authorization".to_owned(), format!("Bearer {key}")),
                ("content-type".to_owned(), "application/json".to_owned()),
            ],
            body: json!({ "challenge_token": case["token"] }).to_string().into_bytes(),
        };
        let answer = under.post("/v1/verification-tokens", call).await;
        let name = &case["name"];
        let (status, code) = match case["expect"].as_str().expect("an outcome") {
            "valid" => (201, None),
            "expired" => (422, Some("challenge_expired")),
            "not-yet-valid" => (422, Some("challenge_not_yet_valid")),
            "bad-signature" | "malformed" => (422, Some("invalid_challenge_token")),
            "managed-step" => (422, Some("managed_step")),
            "completed" => (422, Some("challenge_completed")),
            other => panic!("an outcome that this test does not know: {other}"),
        };
        assert_eq!(answer.status, status, "{name}: {}", answer.text);
        assert_eq!(answer.json().get("code").and_then(Value::as_str), code, "{name}");
    }
    under.server.stop().await.expect("the server stops");
}
