//! The key set that Prelude reads.

use serde_json::json;

use crate::bench::{Answer, Bench};

const PATH: &str = "/.well-known/jwks.json";

#[tokio::test]
async fn the_key_set_has_the_contracts_members_only() {
    let bench = Bench::start().await;
    let answer = bench.get(PATH).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(answer.header("cache-control").is_some_and(|value| value.contains("max-age")));
    let keys = answer.json()["keys"].as_array().expect("keys").clone();
    assert_eq!(keys.len(), 1);
    let members: Vec<_> = keys[0].as_object().expect("a key").keys().cloned().collect();
    assert_eq!(members, ["alg", "e", "kid", "kty", "n", "use"]);
    assert_eq!(
        (&keys[0]["kty"], &keys[0]["use"], &keys[0]["alg"]),
        (&json!("RSA"), &json!("sig"), &json!("RS256"))
    );
    bench.stop().await;
}

#[tokio::test]
async fn a_reader_that_has_the_set_gets_304_and_head_gets_no_body() {
    let bench = Bench::start().await;
    let etag = bench.get(PATH).await.header("etag").expect("a tag").to_owned();
    let url = format!("{}{PATH}", bench.server.url());
    let known = bench.client.get(&url).header("if-none-match", &etag).send().await.expect("an answer");
    let known = Answer::of(known).await;
    assert_eq!((known.status, known.text.as_str(), known.header("etag")), (304, "", Some(etag.as_str())));
    let head = Answer::of(bench.client.head(&url).send().await.expect("an answer")).await;
    assert_eq!((head.status, head.text.as_str(), head.header("etag")), (200, "", Some(etag.as_str())));
    bench.stop().await;
}

#[tokio::test]
async fn the_first_key_is_made_once_and_survives_a_restart() {
    let bench = Bench::start().await;
    let first = bench.get(PATH).await.text;
    let bench = bench.restart().await;
    assert_eq!(bench.get(PATH).await.text, first);
    assert_eq!(bench.record.count("SELECT count(*) FROM signing_keys").await, 1);
    bench.stop().await;
}
