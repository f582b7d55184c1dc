//! The site as its callers meet it: over TLS, with the headers that browsers want.

use reqwest::Method;
use serde_json::json;

use super::super::our_side::NOW;
use super::stage::Stage;
use super::*;

#[tokio::test]
async fn its_key_sets_are_reached_by_whoever_trusts_its_authority_and_by_nobody_else() {
    let stage = Stage::set().await;
    for (path, kty) in [("/.well-known/jwks.json", "RSA"), ("/.well-known/step-up-jwks.json", "OKP")] {
        let answer = stage.call(Method::GET, path, None).await;
        assert_eq!((answer.status, &answer.body["keys"][0]["kty"]), (200, &json!(kty)));
    }
    let by_address = stage.client.get(format!("https://{}/.well-known/jwks.json", stage.site.address()));
    assert_eq!(stage.send(by_address).await.status, 200);
    let other = Stage::set().await;
    let stranger = other.client.get(stage.url("/.well-known/jwks.json")).send().await;
    assert!(stranger.is_err(), "every emulator has an authority of its own");
}

#[tokio::test]
async fn a_page_of_this_machine_may_call_the_frontend_and_nothing_else() {
    let stage = Stage::set().await;
    let ask = async |origin: &str, path: &str| {
        let request = stage.client.request(Method::OPTIONS, stage.url(path)).header("Origin", origin);
        stage.send(request.header("Access-Control-Request-Method", "POST")).await
    };
    let page = "http://localhost:5173";
    let answer = ask(page, "/v1/session/refresh").await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.headers["access-control-allow-origin"], page);
    assert_eq!(answer.headers["access-control-allow-credentials"], "true");
    for header in ["DPoP", "Authorization", "X-Refresh-Token", "X-SDK-User-Agent"] {
        let allowed = answer.headers["access-control-allow-headers"].to_str().expect("text");
        assert!(allowed.contains(header), "{header}");
    }
    for (origin, path) in [
        ("https://evil.example", "/v1/session/refresh"),
        ("null", "/v1/session/refresh"),
        (page, "/v2/session/apps/test/config/stepup"),
        (page, "/_emulator/log"),
    ] {
        let answer = ask(origin, path).await;
        assert_eq!(answer.status, 403, "{origin} {path}");
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
}

#[tokio::test]
async fn listed_origins_are_the_only_ones() {
    let stage = Stage::set_with(|settings| {
        settings.origins = Origins::Listed(vec!["https://app.example.com".to_owned()]);
    })
    .await;
    let get = async |origin: &str| {
        let request = stage.client.get(stage.url("/.well-known/jwks.json")).header("Origin", origin);
        stage.send(request).await.headers
    };
    let headers = get("https://app.example.com").await;
    assert_eq!(headers["access-control-allow-origin"], "https://app.example.com");
    let exposed = headers["access-control-expose-headers"].to_str().expect("text");
    assert!(["Date", "DPoP-Nonce", "X-Refresh-Token"].iter().all(|header| exposed.contains(header)));
    assert!(!get("http://localhost:5173").await.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn its_clock_is_set_ahead_and_back_and_shows_on_every_answer() {
    let stage = Stage::set().await;
    let date = async || stage.call(Method::GET, "/.well-known/jwks.json", None).await.headers["date"].clone();
    let machine = date().await;
    stage.set_ahead(3600).await;
    assert_ne!(date().await, machine);
    let clock = stage.call(Method::GET, "/_emulator/clock", None).await.body;
    assert_eq!(clock, json!({ "now": NOW + 3600, "ahead_seconds": 3600 }));
    stage.set_ahead(0).await;
    assert_eq!(date().await, machine);
    for wrong in [json!({}), json!({ "ahead_seconds": -1 }), json!({ "ahead_seconds": 0, "x": 1 })] {
        let answer = stage.call(Method::PUT, "/_emulator/clock", Some(&wrong)).await;
        assert_eq!(answer.refusal(), (400, "bad_request"), "{wrong}");
    }
}

#[tokio::test]
async fn what_was_called_is_read_back() {
    let stage = Stage::set().await;
    assert_eq!(stage.call(Method::GET, "/v1/nowhere", None).await.refusal(), (404, "not_found"));
    let requests = stage.journal("request").await;
    assert_eq!(requests.len(), 1, "its own addresses do not count");
    let expected = json!({
        "number": 1, "at": NOW, "what": "request", "method": "GET", "path": "/v1/nowhere", "status": 404,
        "code": "not_found",
    });
    assert_eq!(requests[0], expected);
    let after = stage.call(Method::GET, "/_emulator/log?after=1", None).await.body;
    assert_eq!(after, json!({ "written": 1, "entries": [] }));
}

#[tokio::test]
async fn a_stopped_site_is_gone() {
    let stage = Stage::set().await;
    let url = stage.url("/.well-known/jwks.json");
    stage.site.stop().await.expect("an orderly end");
    assert!(stage.client.get(url).send().await.is_err());
}
