//! What people and Prelude send: hook calls, and challenge tokens for mints.

use doorstep::testing::{Prelude, SignedCall, Style};
use serde_json::{Value, json};

use super::Key;
use super::stage::{ADDRESS, AGENT, EMAIL, FORGED, PAYEE, PHONE, Stage, WRONG_KEY};
use crate::client::{claims, now};

const HOOK: &str = "/hooks/stepup";

pub(super) fn body() -> Value {
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
    let changes: [fn(&mut Value); 9] = [
        |body| body["scope_requested"] = json!(EMAIL),
        |body| body["user_id"] = json!([EMAIL]),
        |body| body["signals"]["ip"] = json!(PHONE),
        |body| body["signals"]["platform"] = json!({ "canary": EMAIL }),
        |body| body["metadata"][EMAIL] = json!(PHONE),
        |body| body["metadata"]["payee"] = json!([PAYEE]),
        |body| body["identifiers"] = json!([{ "type": PHONE, "value": 5 }]),
        |body| body["signals"]["user_agent"] = json!({ PHONE: AGENT }),
        |body| *body = json!(PHONE),
    ];
    let changed = |change: fn(&mut Value)| {
        let mut body = body();
        change(&mut body);
        body
    };
    changes.into_iter().map(changed).collect()
}

fn sign(stage: &Stage, body: &Value, style: Style) -> SignedCall {
    stage.prelude.sign(body, style).expect("signs")
}

/// A genuine call, whatever becomes of it.
pub(super) async fn hook_call(stage: &Stage) -> u16 {
    stage.deliver(HOOK, &sign(stage, &body(), Style::Usual)).await.0
}

/// Good, broken and forged calls.
pub(super) async fn hook_calls(stage: &Stage) {
    let send = async |call: &SignedCall, status: u16| {
        let answer = stage.deliver(HOOK, call).await;
        assert_eq!(answer.0, status, "{}", answer.1);
    };
    let good = sign(stage, &body(), Style::Usual);
    send(&good, 200).await;
    send(&good, 200).await;
    send(&sign(stage, &body(), Style::Other), 200).await;
    let mut undecided = body();
    undecided["scope_requested"] = json!("nobody:decides");
    send(&sign(stage, &undecided, Style::Usual), 200).await;
    for body in broken_bodies() {
        send(&sign(stage, &body, Style::Usual), 400).await;
    }
    let mut forged = sign(stage, &body(), Style::Usual);
    forged.body.push(b' ');
    send(&forged, 401).await;
    let mut bare = sign(stage, &body(), Style::Usual);
    bare.headers.retain(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    send(&bare, 401).await;
    unknown_key(stage).await;
    let mut long = sign(stage, &body(), Style::Usual);
    long.body = PHONE.repeat(10_000).into_bytes();
    send(&long, 413).await;
    let mut text = sign(stage, &body(), Style::Usual);
    text.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
    text.headers.push(("content-type".to_owned(), format!("text/{EMAIL}")));
    send(&text, 415).await;
}

/// A call that names a key which is in no set.
pub(super) async fn unknown_key(stage: &Stage) {
    let mut unknown = sign(stage, &body(), Style::Usual);
    for (name, value) in &mut unknown.headers {
        if name.eq_ignore_ascii_case("x-webhook-signature-key-id") {
            EMAIL.clone_into(value);
        }
    }
    assert_eq!(stage.deliver(HOOK, &unknown).await.0, 401);
}

/// A challenge token at kyc_review, for the call above.
pub(super) fn challenge(prelude: &Prelude, change: impl FnOnce(&mut Value)) -> String {
    let mut claims = claims(now(), "usr_1", &body()["metadata"]);
    change(&mut claims);
    prelude.challenge_token(&claims).expect("signs")
}

/// Good, forged and misdirected mints.
pub(super) async fn mints(stage: &Stage, keys: &Key) {
    const MINT: &str = "/v1/verification-tokens";
    let token = |change: fn(&mut Value)| challenge(&stage.prelude, change);
    let good = token(|_| {});
    let mint = async |key: &str, body: Value, status: u16| {
        stage.posted((key, MINT, status), &body).await;
    };
    let key = &keys.backend;
    mint(key, json!({ "challenge_token": good }), 201).await;
    mint(key, json!({ "challenge_token": token(|claims| claims["sub"] = json!(EMAIL)) }), 409).await;
    let other = token(|claims| claims["metadata"]["payee"] = json!(PHONE));
    mint(key, json!({ "challenge_token": other }), 409).await;
    for broken in [
        token(|claims| claims["steps"] = json!(PHONE)),
        token(|claims| claims["exp"] = json!(1_000_000_000)),
        token(|claims| claims["iss"] = json!(EMAIL)),
        FORGED.to_owned(),
        PHONE.to_owned(),
    ] {
        mint(key, json!({ "challenge_token": broken }), 422).await;
    }
    mint(WRONG_KEY, json!({ "challenge_token": good }), 401).await;
    mint(key, json!({ "challenge_token": good, EMAIL: PHONE }), 400).await;
    mint(key, json!({ "challenge_token": good, "user_id": EMAIL }), 409).await;
    let voucher = json!({ "user_id": EMAIL, "challenge_id": PHONE, "step_key": "kyc_review", "scope": "a" });
    mint(key, voucher, 403).await;
}
