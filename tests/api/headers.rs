//! No answer says more than it must: an allow-list of headers for every route.

use serde_json::json;

use crate::bench::{Answer, Bench, claims, transfer};

#[tokio::test]
async fn every_answer_has_known_headers_only() {
    let bench = Bench::start().await;
    let key = bench.backend_key().await;
    let answers = [
        bench.get("/healthz").await,
        bench.get("/readyz").await,
        bench.get("/metrics").await,
        bench.get("/.well-known/jwks.json").await,
        bench.get("/nowhere").await,
        bench.get("/hooks/stepup").await,
        bench.get("/hooks/events").await,
        bench.call(&transfer("usr_1", "20")).await,
        bench.mint(&key, &serde_json::json!({})).await,
        bench.get_as(&key, "/v1/decisions").await,
        bench.get_as(&key, "/v1/decisions/x").await,
        bench.get_as(&key, "/v1/policies").await,
        bench.get_as(&key, "/v1/policies/activations").await,
        bench.post_as(&key, "/v1/policies/reload", &serde_json::json!({})).await,
        bench.post_as(&key, "/v1/evaluate", &serde_json::json!({})).await,
        bench.get_as(&key, "/v1/accesses").await,
        bench.mint("dsk_no_key", &serde_json::json!({})).await,
    ];
    let allowed = [
        "allow",
        "cache-control",
        "connection",
        "content-length",
        "content-security-policy",
        "content-type",
        "date",
        "etag",
        "referrer-policy",
        "retry-after",
        "www-authenticate",
        "x-content-type-options",
        "x-request-id",
    ];
    for answer in answers {
        for (name, value) in &answer.headers {
            assert!(allowed.contains(&name.as_str()), "{name}: {value} in {answer:?}");
        }
        assert!(answer.header("x-request-id").is_some(), "{answer:?}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{answer:?}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{answer:?}");
        let policy = answer.header("content-security-policy");
        assert_eq!(policy, Some("default-src 'none'; base-uri 'none'; frame-ancestors 'none'"), "{answer:?}");
    }
    bench.stop().await;
}

/// What its content type says, an answer is: UTF-8 where it may be read as text, JSON where it says so.
fn expect_what_it_says(answer: &Answer) {
    let says = answer.header("content-type").unwrap_or_else(|| panic!("what is it? {answer:?}"));
    match says {
        "application/json" | "application/problem+json" => drop(answer.json()),
        text => assert!(text.starts_with("text/plain;") && text.ends_with("; charset=utf-8"), "{answer:?}"),
    }
}

#[tokio::test]
async fn an_answer_is_what_its_content_type_says_and_nobody_keeps_it() {
    let bench = Bench::start().await;
    let (key, backend) =
        (bench.key(&["reader", "admin", "desk", "evaluator"]).await, bench.backend_key().await);
    let verdict = bench.call(&transfer("usr_1", "15000")).await;
    assert_eq!(verdict.json()["status"], "review", "{}", verdict.text);
    let token = bench.prelude.challenge_token(&claims("usr_1", "15000")).expect("signs");
    let minted = bench.mint(&backend, &json!({ "challenge_token": token })).await;
    let pause = json!({ "reason": "a test" });
    let mut answers = vec![
        bench.get("/nowhere").await,
        bench.get("/hooks/stepup").await,
        bench.post_as("dsk_no_key", "/v1/evaluate", &json!({})).await,
        bench.post_as(&key, "/v1/evaluate", &json!({})).await,
        bench.ask_as(&key, ("PUT", "/v1/scopes/transfer:write/pause"), Some(pause)).await,
    ];
    let refused = answers.len() - 1;
    assert!(answers.iter().take(refused).all(|answer| answer.status >= 400), "{answers:?}");
    let decided = bench.get_as(&key, "/v1/decisions").await.json()["decisions"][0]["id"].clone();
    let decided = format!("/v1/decisions/{}", decided.as_str().expect("an id"));
    for path in [
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/v1/decisions",
        &decided,
        "/v1/verifications",
        "/v1/lists",
        "/v1/scopes",
        "/v1/desk-actions",
        "/v1/policies",
        "/v1/policies/activations",
        "/v1/accesses",
    ] {
        answers.push(bench.get_as(&key, path).await);
    }
    answers.push(minted);
    for answer in &answers {
        expect_what_it_says(answer);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
    }
    assert!(answers.iter().skip(refused).all(|answer| answer.status < 300), "{answers:?}");
    // An answer to a POST that says nothing of how long it is fresh may not be kept (RFC 9110 §9.3.3), and the key set is for all.
    expect_what_it_says(&verdict);
    assert_eq!((verdict.header("cache-control"), verdict.header("expires")), (None, None));
    let key_set = bench.get("/.well-known/jwks.json").await;
    expect_what_it_says(&key_set);
    assert!(
        key_set.header("cache-control").is_some_and(|says| says.starts_with("public, max-age=")),
        "{key_set:?}"
    );
    bench.stop().await;
}

#[tokio::test]
async fn what_is_no_request_gets_no_banner_either() {
    let bench = Bench::start().await;
    for broken in ["GET\r\n\r\n", "GET / HTTP/1.1\r\n: x\r\n\r\n", "\u{1}\u{2}\u{3}\r\n\r\n"] {
        let answer = bench.raw(broken).await.to_lowercase();
        assert!(answer.starts_with("http/1.1 400 "), "{broken:?}: {answer}");
        assert!(!answer.contains("server:") && !answer.contains("actix"), "{answer}");
    }
    bench.stop().await;
}
