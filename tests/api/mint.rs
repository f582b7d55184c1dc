//! A finished step becomes a token, and nothing else does.

use doorstep::testing::KeyWish;
use serde_json::{Value, json};

use crate::bench::{Bench, NOW, claims, transfer};
use crate::reviewing::reviewing;

/// A reviewed large transfer of `usr_1`, and a key that may mint for it.
async fn reviewed() -> (Bench, String) {
    let bench = Bench::start().await;
    let answer = bench.call(&transfer("usr_1", "15000")).await;
    assert_eq!(answer.json()["status"], "review", "{}", answer.text);
    let key = bench.backend_key().await;
    (bench, key)
}

impl Bench {
    fn token(&self, claims: &Value) -> Value {
        json!({ "challenge_token": self.prelude.challenge_token(claims).expect("signs") })
    }
}

fn payload(token: &str) -> Value {
    use base64::Engine as _;
    let part = token.split('.').nth(1).expect("a payload");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

#[tokio::test]
async fn a_reviewed_step_gets_a_token_with_the_contracts_claims_that_verifies_through_the_key_set() {
    let (bench, key) = reviewed().await;
    let answer = bench.mint(&key, &bench.token(&claims("usr_1", "15000"))).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    let token = body["verification_token"].as_str().expect("a token");
    let expected = json!({
        "sub": "usr_1", "challenge_id": "chl_1", "key": "kyc_review", "status": "completed",
        "iat": NOW, "nbf": NOW - 5, "exp": NOW + 300, "jti": body["jti"],
    });
    assert_eq!(payload(token), expected);
    let jwks: jsonwebtoken::jwk::JwkSet =
        serde_json::from_str(&bench.get("/.well-known/jwks.json").await.text).expect("a key set");
    let jwk = jwks.find(body["kid"].as_str().expect("a kid")).expect("the key is published");
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.validate_exp = false;
    let public = jsonwebtoken::DecodingKey::from_jwk(jwk).expect("a public key");
    jsonwebtoken::decode::<Value>(token, &public, &validation).expect("the token verifies");
    let recorded =
        "SELECT count(*) FROM verification_tokens WHERE user_id = 'usr_1' AND decision_id IS NOT NULL";
    assert_eq!(bench.record.count(recorded).await, 1);
    bench.stop().await;
}

#[tokio::test]
async fn a_token_ends_with_its_challenge() {
    let (bench, key) = reviewed().await;
    let mut short = claims("usr_1", "15000");
    short["exp"] = json!(NOW + 60);
    let answer = bench.mint(&key, &bench.token(&short)).await.json();
    assert_eq!(payload(answer["verification_token"].as_str().expect("a token"))["exp"], NOW + 60);
    bench.stop().await;
}

#[tokio::test]
async fn without_a_recorded_review_of_exactly_this_there_is_no_token() {
    let (bench, key) = reviewed().await;
    let other = |field: &str, value: Value| {
        let mut claims = claims("usr_1", "15000");
        claims[field] = value;
        claims
    };
    let plan = json!([
        {"order": 1, "key": "verify_email", "expiration_duration": 600, "done": true},
        {"order": 2, "key": "kyc_review", "expiration_duration": 3600, "done": false},
    ]);
    let amount = json!({"amount": "15001", "currency": "USD", "payee": "DE89370400440532013000"});
    for claims in [
        other("sub", json!("usr_2")),
        other("scope_requested", json!("payout:write")),
        other("steps", plan),
        other("metadata", amount),
        other("metadata", json!({})),
    ] {
        bench.mint(&key, &bench.token(&claims)).await.expect_problem(409, "no_review");
    }
    assert_eq!(bench.record.count("SELECT count(*) FROM verification_tokens").await, 0);
    let mut without_metadata = claims("usr_1", "15000");
    without_metadata.as_object_mut().expect("claims").remove("metadata");
    assert_eq!(bench.mint(&key, &bench.token(&without_metadata)).await.status, 201);
    bench.stop().await;
}

#[tokio::test]
async fn a_review_whose_time_is_over_yields_no_token() {
    let steps = "custom:
  kyc_review: { description: Identity check, expires_in: 1h, approved_by: [backend] }
";
    let bench = Bench::with(&reviewing(steps), &[]).await;
    bench.review("usr_1").await;
    let key = bench.backend_key().await;
    let mut long = claims("usr_1", "15000");
    long["exp"] = json!(NOW + 86_400);
    let token = bench.token(&long);
    let walking_time = 600 + 3600;
    bench.clock.advance_seconds(walking_time - 1);
    let last = bench.mint(&key, &token).await.json();
    let expires_at = payload(last["verification_token"].as_str().expect("a token"))["exp"].clone();
    assert_eq!(expires_at, NOW + walking_time, "a token ends with its review");
    bench.clock.advance_seconds(1);
    bench.mint(&key, &token).await.expect_problem(409, "no_review");
    bench.stop().await;
}

#[tokio::test]
async fn a_step_that_is_not_the_backends_to_approve_is_refused_in_words() {
    let (bench, key) = reviewed().await;
    let at = |step: &str, done: [bool; 2]| {
        let mut claims = claims("usr_1", "15000");
        claims["current_step"] = json!(step);
        claims["steps"][0]["done"] = json!(done[0]);
        claims["steps"][1]["done"] = json!(done[1]);
        claims
    };
    let cases = [
        (at("verify_sms", [false, false]), 422, "managed_step"),
        (at("completed", [true, true]), 422, "challenge_completed"),
        (at("kyc_review", [true, true]), 422, "step_not_current"),
        (at("kyc_review", [false, false]), 422, "step_not_current"),
        (at("not_a_step", [true, false]), 422, "step_not_current"),
    ];
    for (claims, status, code) in cases {
        bench.mint(&key, &bench.token(&claims)).await.expect_problem(status, code);
    }
    let mut unknown = claims("usr_1", "15000");
    unknown["current_step"] = json!("face_scan");
    unknown["steps"][1]["key"] = json!("face_scan");
    bench.mint(&key, &bench.token(&unknown)).await.expect_problem(422, "unknown_step");
    bench.stop().await;
}

#[tokio::test]
async fn roles_limits_ends_and_wrong_secrets_are_all_looked_at() {
    let (bench, good) = reviewed().await;
    let body = bench.token(&claims("usr_1", "15000"));
    let make = async |wish: KeyWish<'_>| bench.server.create_api_key(&wish).await.expect("a key");
    let all: &[&str] = &["opener", "approver", "minter"];
    let backend = Some("backend");
    let no_minter =
        make(KeyWish { roles: &["opener", "approver"], approves_as: backend, ..KeyWish::default() }).await;
    bench.mint(&no_minter, &body).await.expect_problem(403, "missing_role");
    let person = make(KeyWish { roles: all, approves_as: Some("person"), ..KeyWish::default() }).await;
    bench.mint(&person, &body).await.expect_problem(403, "not_approvable");
    let scope =
        make(KeyWish { roles: all, approves_as: backend, scopes: &["payout:write"], ..KeyWish::default() });
    bench.mint(&scope.await, &body).await.expect_problem(403, "outside_key_limits");
    let step =
        make(KeyWish { roles: all, approves_as: backend, steps: &["face_scan"], ..KeyWish::default() });
    bench.mint(&step.await, &body).await.expect_problem(403, "outside_key_limits");
    let short = KeyWish { roles: all, approves_as: backend, ends_in_seconds: Some(10), ..KeyWish::default() };
    let short = make(short).await;
    assert_eq!(bench.mint(&short, &body).await.status, 201);
    bench.clock.advance_seconds(10);
    bench.mint(&short, &body).await.expect_problem(401, "invalid_api_key");
    let mut changed = good.clone();
    let last = changed.pop().expect("a character");
    changed.push(if last == 'A' { 'B' } else { 'A' });
    let no_such = "dsk_0000000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for key in [changed.as_str(), no_such, "dsk_", "", "nonsense"] {
        bench.mint(key, &body).await.expect_problem(401, "invalid_api_key");
    }
    bench.stop().await;
}

#[tokio::test]
async fn a_backend_vouches_only_with_the_role_for_it_and_never_against_the_token() {
    let (bench, key) = reviewed().await;
    let named = json!({
        "user_id": "usr_1", "challenge_id": "chl_9", "step_key": "kyc_review", "scope": "transfer:write",
        "metadata": {"amount": "15000", "currency": "USD", "payee": "DE89370400440532013000"},
    });
    bench.mint(&key, &named).await.expect_problem(403, "missing_role");
    let roles: &[&str] = &["opener", "approver", "minter", "voucher"];
    let wish = KeyWish { roles, approves_as: Some("backend"), ..KeyWish::default() };
    let voucher = bench.server.create_api_key(&wish).await.expect("a key");
    let answer = bench.mint(&voucher, &named).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let vouched = "SELECT count(*) FROM verification_tokens WHERE proof = 'vouched'";
    assert_eq!(bench.record.count(vouched).await, 1);
    for field in ["user_id", "challenge_id", "step_key", "scope"] {
        let mut incomplete = named.clone();
        incomplete.as_object_mut().expect("an object").remove(field);
        bench.mint(&voucher, &incomplete).await.expect_problem(400, "invalid_request");
    }
    let mut other_amount = named.clone();
    other_amount["metadata"]["amount"] = json!("1");
    bench.mint(&voucher, &other_amount).await.expect_problem(409, "no_review");
    let mut both = bench.token(&claims("usr_1", "15000"));
    both["user_id"] = json!("usr_2");
    bench.mint(&voucher, &both).await.expect_problem(409, "fields_disagree");
    both["user_id"] = json!("usr_1");
    assert_eq!(bench.mint(&voucher, &both).await.status, 201);
    bench.stop().await;
}

#[tokio::test]
async fn two_tokens_never_share_a_jti() {
    let bench = Bench::with(&[], &[("tokens.per_verification_max", "20")]).await;
    assert_eq!(bench.call(&transfer("usr_1", "15000")).await.json()["status"], "review");
    let key = bench.backend_key().await;
    let body = bench.token(&claims("usr_1", "15000"));
    let answers = futures_util::future::join_all((0..20).map(|_| bench.mint(&key, &body))).await;
    let mut jtis: Vec<_> = answers.iter().map(|answer| answer.json()["jti"].to_string()).collect();
    jtis.sort_unstable();
    jtis.dedup();
    assert_eq!(jtis.len(), 20);
    bench.mint(&key, &body).await.expect_problem(409, "too_many_tokens");
    bench.stop().await;
}

#[tokio::test]
async fn the_newest_review_counts_whichever_process_recorded_it() {
    let (bench, key) = reviewed().await;
    let (one, two) = bench.beside().await;
    one.clock.advance_seconds(1);
    assert_eq!(two.call(&transfer("usr_1", "15000")).await.json()["status"], "review");
    let mut next = claims("usr_1", "15000");
    (next["challenge_id"], next["jti"]) = (json!("chl_2"), json!("jti-2"));
    assert_eq!(one.mint(&key, &one.token(&next)).await.status, 201);
    let of_the_newest = "SELECT count(*) FROM verification_tokens
                          WHERE challenge_id = 'chl_2' AND decision_id = (SELECT id FROM decisions ORDER BY seq DESC LIMIT 1)";
    assert_eq!(one.record.count("SELECT count(*) FROM decisions").await, 2);
    assert_eq!(one.record.count(of_the_newest).await, 1);
    two.stop().await;
    one.stop().await;
}
