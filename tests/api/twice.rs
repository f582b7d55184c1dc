//! What stands twice is neither: which of the two to believe would be a guess, and another reader may guess otherwise.

use serde_json::json;

use crate::bench::{Answer, Bench};

#[tokio::test]
async fn a_parameter_or_header_that_stands_twice_is_refused() {
    let bench = Bench::start().await;
    let key = bench.key(&["reader", "admin", "desk", "executor"]).await;
    for (path, filter) in [
        ("/v1/decisions", "user_id=usr_1"),
        ("/v1/accesses", "limit=1"),
        ("/v1/desk-actions", "limit=1"),
        ("/v1/policies/activations", "limit=1"),
        ("/v1/verifications", "state=pending"),
    ] {
        assert_eq!(bench.get_as(&key, &format!("{path}?{filter}")).await.status, 200, "{path}");
        let twice = bench.get_as(&key, &format!("{path}?{filter}&{filter}")).await;
        twice.expect_problem(400, "invalid_request");
    }
    let url = |path: &str| format!("{}{path}", bench.server.url());
    let twice = bench.client.get(url("/v1/decisions")).bearer_auth(&key).bearer_auth("dsk_no_key");
    let twice = Answer::of(twice.send().await.expect("an answer")).await;
    twice.expect_problem(401, "invalid_api_key");
    let redeem = json!({ "user_id": "usr_1", "scope": "transfer:write" });
    let twice = bench.client.post(url("/v1/grants/redeem")).bearer_auth(&key).json(&redeem);
    let twice = twice.header("idempotency-key", "one").header("idempotency-key", "two");
    let twice = Answer::of(twice.send().await.expect("an answer")).await;
    twice.expect_problem(400, "invalid_request");
    let body = r#"{"user_id":"usr_1","user_id":"usr_2","scope":"transfer:write"}"#;
    let twice = bench.client.post(url("/v1/grants/redeem")).bearer_auth(&key);
    let twice = twice.header("content-type", "application/json").body(body).send().await;
    Answer::of(twice.expect("an answer")).await.expect_problem(400, "invalid_request");
    bench.stop().await;
}
