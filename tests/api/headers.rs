//! No answer says more than it must: an allow-list of headers for every route.

use crate::bench::{Bench, transfer};

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
        assert_eq!(policy, Some("default-src 'none'; frame-ancestors 'none'"), "{answer:?}");
    }
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
