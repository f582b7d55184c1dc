//! What the log never holds, at its most talkative: tokens, keys, signatures, bodies, addresses, numbers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorstep::testing::{Prelude, SignedCall, Style};
use serde_json::{Value, json};

use crate::client::{Client, claims, now};
use crate::site::Site;

const PHONE: &str = "+33698765432";
const EMAIL: &str = "canary.person@canary.example";
const ADDRESS: &str = "203.0.113.77";
const AGENT: &str = "CanaryBrowser/9.9";
const PAYEE: &str = "DE89370400440532013999";
const WRONG_KEY: &str = "dsk_0123456789abcdef_Canary0Canary1Canary2Canary3Canary4Canary5C";
const FORGED: &str = "eyJhbGciOiJub25lIn0.eyJjYW5hcnkiOiJ0b2tlbiJ9.Y2FuYXJ5";
const PATH: &str = "canary-in-a-path";

fn body() -> Value {
    json!({
        "scope_requested": "transfer:write",
        "user_id": "usr_1",
        "identifiers": [
            {"type": "phone_number", "value": PHONE}, {"type": "email_address", "value": EMAIL},
        ],
        "signals": {"user_agent": AGENT, "platform": "WEB", "ip": ADDRESS},
        "metadata": {"amount": "15000", "currency": "USD", "payee": PAYEE},
    })
}

/// Bodies that break the contract, each with something private at the fault.
fn broken_bodies() -> Vec<Value> {
    let changes: [fn(&mut Value); 8] = [
        |body| body["scope_requested"] = json!(EMAIL),
        |body| body["user_id"] = json!([EMAIL]),
        |body| body["signals"]["ip"] = json!(PHONE),
        |body| body["signals"]["platform"] = json!({ "canary": EMAIL }),
        |body| body["metadata"][EMAIL] = json!(PHONE),
        |body| body["metadata"]["payee"] = json!([PAYEE]),
        |body| body["identifiers"] = json!([{ "type": PHONE, "value": 5 }]),
        |body| *body = json!(PHONE),
    ];
    let changed = |change: fn(&mut Value)| {
        let mut body = body();
        change(&mut body);
        body
    };
    changes.into_iter().map(changed).collect()
}

/// A challenge token at kyc_review, for the call above.
fn challenge(prelude: &Prelude, change: fn(&mut Value)) -> String {
    let mut claims = claims(now(), "usr_1", &body()["metadata"]);
    change(&mut claims);
    prelude.challenge_token(&claims).expect("signs")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_holds_nothing_private_at_its_most_talkative() {
    for format in ["json", "pretty"] {
        let prelude = Prelude::start(None).await.expect("Prelude's side");
        let encryption_key = "c4".repeat(32);
        let site = Site::with(&prelude).set("log.level", "trace").set("log.format", format);
        let site = site.set("keys.encryption_key", &encryption_key);
        let server = site.serve();
        let client = Client::of(&server.address).await;
        let mut private = hook_calls(&prelude, &client).await;
        private.extend(mints(&prelude, &client, &site.backend_key()).await);
        desk(&client, &site).await;
        client.get(&format!("/{PATH}?{PATH}={PATH}")).await.expect("an answer");
        let log = server.stop().stderr;
        for said in [
            "Doorstep takes calls.",
            "A request was refused.",
            "The fraud desk acted.",
            "wrong_signature",
            "Doorstep finishes",
        ] {
            assert!(log.contains(said), "\"{said}\" is not in the log:\n{log}");
        }
        private.push(encryption_key);
        let known = [PHONE, EMAIL, ADDRESS, AGENT, PAYEE, WRONG_KEY, FORGED, PATH].map(str::to_owned);
        for text in private.into_iter().chain(known) {
            // Its tail alone would be too much as well.
            let tail = &text[text.len() - text.len().min(12)..];
            assert!(!log.contains(tail), "\"{text}\" is in the {format} log:\n{log}");
        }
    }
}

/// Good, broken and forged calls; returns the signatures that were sent.
async fn hook_calls(prelude: &Prelude, client: &Client) -> Vec<String> {
    let mut sent = Vec::new();
    let mut send = async |call: &SignedCall, status: u16| {
        let answer = client.send(call).await.expect("an answer");
        assert_eq!(answer.0, status, "{}", answer.1);
        let signature =
            call.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-webhook-signature"));
        let signature = signature.expect("a signature").1.as_str();
        sent.push(signature.rsplit_once("sha256=").map_or(signature, |(_, value)| value).to_owned());
    };
    let sign = |body: &Value, style| prelude.sign(body, style).expect("signs");
    let good = sign(&body(), Style::Usual);
    send(&good, 200).await;
    send(&good, 200).await;
    send(&sign(&body(), Style::Other), 200).await;
    for body in broken_bodies() {
        send(&sign(&body, Style::Usual), 400).await;
    }
    let mut forged = sign(&body(), Style::Usual);
    forged.body.push(b' ');
    send(&forged, 401).await;
    let mut unknown = sign(&body(), Style::Usual);
    for (name, value) in &mut unknown.headers {
        if name.eq_ignore_ascii_case("x-webhook-signature-key-id") {
            EMAIL.clone_into(value);
        }
    }
    send(&unknown, 401).await;
    sent
}

/// Values that the fraud desk lists, and some that it cannot.
async fn desk(client: &Client, site: &Site) {
    let created = site.run(&["api-key", "create", "--name", "desk", "--role", "desk"]).expect(0);
    let key = created.stdout.trim_end();
    let post = async |path: &str, value: &str, status: u16| {
        let body = json!({ "value": value, "reason": "case 4711" });
        let answer = client.post(key, &format!("/v1/lists/{path}"), &body).await.expect("an answer");
        assert_eq!(answer.0, status, "{}", answer.1);
    };
    post("frozen-users/entries", EMAIL, 201).await;
    post("frozen-users/removals", EMAIL, 201).await;
    post("frozen-users/removals", PHONE, 409).await;
    post("blocked-networks/entries", ADDRESS, 201).await;
    post("blocked-networks/entries", &format!("{ADDRESS}/24"), 422).await;
    post("blocked-networks/entries", EMAIL, 422).await;
    post(&format!("{PATH}/entries"), PHONE, 404).await;
}

/// Good, forged and misdirected mints; returns every token and key that was shown.
async fn mints(prelude: &Prelude, client: &Client, key: &str) -> Vec<String> {
    let good = challenge(prelude, |_| {});
    let other_user = challenge(prelude, |claims| claims["sub"] = json!(EMAIL));
    let other_metadata = challenge(prelude, |claims| claims["metadata"]["payee"] = json!(PHONE));
    let broken = challenge(prelude, |claims| claims["steps"] = json!(PHONE));
    let expired = challenge(prelude, |claims| claims["exp"] = json!(1_000_000_000));
    let mut statuses = Vec::new();
    let mut mint = async |key: &str, body: Value| {
        let (status, body) = client.mint(key, &body).await.expect("an answer");
        statuses.push(status);
        body
    };
    let made = mint(key, json!({ "challenge_token": good })).await;
    for token in [&other_user, &other_metadata, &broken, &expired, &FORGED.to_owned(), &PHONE.to_owned()] {
        mint(key, json!({ "challenge_token": token })).await;
    }
    mint(WRONG_KEY, json!({ "challenge_token": good })).await;
    mint(key, json!({ "challenge_token": good, EMAIL: PHONE })).await;
    mint(key, json!({ "challenge_token": good, "user_id": EMAIL })).await;
    mint(key, json!({ "user_id": EMAIL, "challenge_id": PHONE, "step_key": "kyc_review", "scope": "a" }))
        .await;
    assert_eq!(statuses, [201, 409, 409, 422, 422, 422, 422, 401, 400, 409, 403]);
    let made: Value = serde_json::from_str(&made).expect("JSON");
    let token = made["verification_token"].as_str().expect("a token");
    let all = [&good, &other_user, &other_metadata, &broken, &expired, token, key];
    let parts = all.iter().flat_map(|token| token.split('.')).map(str::to_owned);
    let claims = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).expect("claims");
    parts.chain([String::from_utf8(claims).expect("JSON")]).collect()
}
