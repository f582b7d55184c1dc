//! The client against a server that says no, now and then, or never says anything.

use serde_json::json;
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;

const KEY: &str = "CANARY-key";

fn management(server: &MockServer) -> Management {
    let key = SecretString::from(KEY);
    let made = Management::new((&server.uri(), "acme"), key, None).expect("a client");
    made.with_pause(Duration::from_millis(1))
}

fn post(body: Value) -> ManagementCall {
    ManagementCall {
        method: "POST",
        path: "/v2/session/apps/acme/config/scopes".to_owned(),
        body: Some(body),
    }
}

async fn on(server: &MockServer, verb: &str, answer: ResponseTemplate, times: u64) {
    Mock::given(method(verb)).respond_with(answer).up_to_n_times(times).with_priority(1).mount(server).await;
}

async fn asked(server: &MockServer) -> usize {
    server.received_requests().await.expect("recorded").len()
}

#[tokio::test]
async fn a_call_goes_out_with_the_key_and_comes_back_read() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v2/session/apps/acme/config/scopes"))
        .and(header("authorization", "Bearer CANARY-key"))
        .and(body_json(json!({ "scope": "a:b" })))
        .respond_with(ResponseTemplate::new(201).set_body_json(json!({ "scope": "a:b" })))
        .mount(&server)
        .await;
    let management = management(&server);
    assert_eq!(
        management.send(&post(json!({ "scope": "a:b" }))).await.expect("done"),
        json!({ "scope": "a:b" })
    );
    assert_eq!(management.get("config/stepup").await.expect("no fault"), None, "404 is nothing there");
    assert!(!format!("{management:?}").contains("CANARY"));
}

#[tokio::test]
async fn what_may_pass_is_tried_again_a_few_times() {
    for status in [429, 500, 502, 503] {
        let server = MockServer::start().await;
        on(&server, "GET", ResponseTemplate::new(status).insert_header("retry-after", "0"), 3).await;
        on(&server, "GET", ResponseTemplate::new(200).set_body_json(json!({ "n": 1 })), 9).await;
        let answer = management(&server).get("config/stepup").await.expect("in the end");
        assert_eq!((answer, asked(&server).await), (Some(json!({ "n": 1 })), 4), "{status}");
        let server = MockServer::start().await;
        on(&server, "GET", ResponseTemplate::new(status), 9).await;
        let fault = management(&server).get("config/stepup").await.expect_err("given up");
        assert_eq!((fault.status(), asked(&server).await), (Some(status), 4), "{status}");
    }
}

#[tokio::test]
async fn what_says_no_is_not_tried_again_and_neither_is_a_post_that_may_have_arrived() {
    for (status, tries) in [(400, 1), (401, 1), (403, 1), (409, 1), (302, 1), (500, 1), (503, 4), (429, 4)] {
        let server = MockServer::start().await;
        let refusal = json!({ "code": "no", "status": "x", "message": format!("not with {KEY}\n") });
        on(&server, "POST", ResponseTemplate::new(status).set_body_json(refusal), 9).await;
        let fault = management(&server).send(&post(json!({}))).await.expect_err("refused");
        assert_eq!((fault.status(), asked(&server).await), (Some(status), tries), "{status}");
        assert_eq!(fault.to_string(), format!("Prelude's management API answered {status}: no, not with …"));
    }
}

#[tokio::test]
async fn an_answer_has_bounds() {
    let server = MockServer::start().await;
    on(&server, "GET", ResponseTemplate::new(200).set_body_bytes(vec![b' '; ANSWER_BYTES_MAX + 1]), 9).await;
    assert!(matches!(management(&server).get("x").await, Err(ManagementFault::Unreadable)));
    let server = MockServer::start().await;
    on(&server, "GET", ResponseTemplate::new(200).set_body_string("<html>"), 9).await;
    assert!(matches!(management(&server).get("x").await, Err(ManagementFault::Unreadable)));
    let server = MockServer::start().await;
    on(&server, "GET", ResponseTemplate::new(204), 9).await;
    assert_eq!(management(&server).get("x").await.expect("nothing"), Some(Value::Null));
}

#[tokio::test]
async fn nobody_there_is_said_so_without_the_address() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number");
    let key = SecretString::from(KEY);
    let made = Management::new((&format!("http://{port}"), "acme"), key, None).expect("a client");
    let fault = made.with_pause(Duration::from_millis(1)).send(&post(json!({}))).await.expect_err("nobody");
    assert!(matches!(fault, ManagementFault::Unreachable(_)), "{fault:?}");
    for far in ["http://api.example", "ftp://127.0.0.1", "api.prelude.dev"] {
        assert!(Management::new((far, "acme"), SecretString::from(KEY), None).is_err(), "{far}");
    }
}
