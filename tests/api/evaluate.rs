//! A dry run says what a call would get, and leaves nothing but that it was made.

use doorstep::testing::KeyWish;
use serde_json::{Value, json};

use crate::bench::{Bench, transfer};

fn request(amount: &str) -> Value {
    json!({
        "scope": "transfer:write", "user_id": "usr_1", "identifiers": ["phone_number"], "ip": "203.0.113.42",
        "metadata": {"amount": amount, "currency": "USD", "payee": "DE89370400440532013000"},
    })
}

#[tokio::test]
async fn a_dry_run_says_what_a_call_gets() {
    let bench = Bench::start().await;
    let key = bench.key(&["evaluator", "reader"]).await;
    for amount in ["20", "600", "15000", "1e4"] {
        let dry = bench.post_as(&key, "/v1/evaluate", &request(amount)).await;
        assert_eq!((dry.status, dry.header("cache-control")), (200, Some("no-store")), "{}", dry.text);
        let dry = dry.json();
        let answer = bench.call(&transfer("usr_1", amount)).await.json();
        let list = bench.get_as(&key, "/v1/decisions?limit=1").await.json();
        let id = list["decisions"][0]["id"].as_str().expect("an id").to_owned();
        let real = bench.get_as(&key, &format!("/v1/decisions/{id}")).await.json();
        assert_eq!(dry["answer"], answer);
        for name in ["verdict", "rule", "reason", "bundle", "explanation"] {
            assert_eq!(dry[name], real[name], "{name} of {amount}");
        }
        assert_eq!(dry["grant"]["granted_for"], answer["granted_for"]);
        assert_eq!(dry["grant"]["grant_mode"], answer["grant_mode"]);
        let steps = answer["steps"].as_array().cloned().unwrap_or_default();
        let told = dry["steps"].as_array().expect("a list");
        assert_eq!(told.len(), steps.len());
        for (told, step) in told.iter().zip(&steps) {
            assert_eq!(
                (&told["key"], &told["expiration_duration"]),
                (&step["key"], &step["expiration_duration"])
            );
        }
        bench.clock.advance_seconds(1);
    }
    bench.stop().await;
}

#[tokio::test]
async fn a_dry_run_leaves_no_verdict_and_is_recorded_as_access() {
    let bench = Bench::start().await;
    let key = bench.key(&["evaluator"]).await;
    assert_eq!(bench.post_as(&key, "/v1/evaluate", &request("15000")).await.status, 200);
    for table in ["SELECT count(*) FROM decisions", "SELECT count(*) FROM signatures"] {
        assert_eq!(bench.record.count(table).await, 0, "{table}");
    }
    assert_eq!(bench.record.count("SELECT count(*) FROM accesses WHERE action = 'evaluate'").await, 1);
    assert!(
        bench.get("/metrics").await.text.contains("doorstep_evaluation_duration_seconds_count 0\n"),
        "it is no verdict"
    );
    bench.stop().await;
}

#[tokio::test]
async fn a_request_without_a_moment_is_made_now() {
    let policy = "scopes: [transfer:write]\nrules:\n  - { id: early, when: always, active: { until: 2026-09-22 }, \
                  then: block }\notherwise: block\n";
    let bench = Bench::with(&[("transfer.yaml", policy)], &[]).await;
    let key = bench.key(&["evaluator"]).await;
    assert_eq!(bench.rule_for(&key, "transfer:write").await.as_deref(), Some("early"));
    bench.clock.advance_seconds(3 * 86_400);
    assert_eq!(bench.rule_for(&key, "transfer:write").await, None);
    let then = json!({ "scope": "transfer:write", "at": "2026-09-21T14:00:00Z" });
    assert_eq!(bench.post_as(&key, "/v1/evaluate", &then).await.json()["rule"], "early");
    bench.stop().await;
}

#[tokio::test]
async fn a_request_with_faults_is_refused_with_all_of_them() {
    let bench = Bench::start().await;
    let key = bench.key(&["evaluator"]).await;
    let refused = bench.post_as(&key, "/v1/evaluate", &json!({ "scope": "a b", "platform": "WBE" })).await;
    refused.expect_problem(400, "invalid_request");
    let codes: Vec<_> =
        refused.json()["faults"].as_array().expect("faults").iter().map(|own| own["code"].clone()).collect();
    assert_eq!((codes.len(), &refused.json()["fault_count"]), (2, &json!(2)), "{}", refused.text);
    bench.post_as(&key, "/v1/evaluate", &json!({})).await.expect_problem(400, "invalid_request");
    let url = format!("{}/v1/evaluate", bench.server.url());
    for (kind, body, status, code) in [
        ("application/json", vec![0xff], 400, "invalid_request"),
        ("application/json", b"{".to_vec(), 400, "invalid_request"),
        ("application/json", vec![b' '; 70_000], 413, "body_too_large"),
        ("text/plain", b"{}".to_vec(), 415, "not_json"),
    ] {
        let request = bench.client.post(&url).bearer_auth(&key).header("content-type", kind).body(body);
        crate::bench::Answer::of(request.send().await.expect("an answer")).await.expect_problem(status, code);
    }
    assert_eq!(bench.record.count("SELECT count(*) FROM accesses").await, 0);
    bench.stop().await;
}

#[tokio::test]
async fn only_evaluators_ask_and_only_for_their_scopes() {
    let bench = Bench::start().await;
    let reader = bench.key(&["reader", "admin"]).await;
    bench.post_as(&reader, "/v1/evaluate", &request("20")).await.expect_problem(403, "missing_role");
    bench.post_as("dsk_a_b", "/v1/evaluate", &request("20")).await.expect_problem(401, "invalid_api_key");
    let wish = KeyWish { roles: &["evaluator"], scopes: &["payout:write"], ..KeyWish::default() };
    let elsewhere = bench.server.create_api_key(&wish).await.expect("a key");
    bench.post_as(&elsewhere, "/v1/evaluate", &request("20")).await.expect_problem(403, "outside_key_limits");
    bench.stop().await;
}
