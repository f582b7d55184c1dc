//! The hook's answers, refusals included.

use doorstep::testing::{Prelude, Style};
use serde_json::{Value, json};

use crate::bench::{Answer, Bench, transfer};

#[tokio::test]
async fn a_small_transfer_continues_a_large_one_is_reviewed_a_bad_network_blocked() {
    let bench = Bench::start().await;
    let small = bench.call(&transfer("usr_1", "20")).await;
    assert_eq!((small.status, small.json()["status"].as_str()), (200, Some("continue")), "{}", small.text);
    let large = bench.call(&transfer("usr_1", "15000")).await.json();
    let keys: Vec<_> =
        large["steps"].as_array().expect("steps").iter().map(|step| step["key"].clone()).collect();
    assert_eq!(
        (large["status"].as_str(), keys),
        (Some("review"), vec![json!("verify_sms"), json!("kyc_review")])
    );
    let mut blocked = transfer("usr_1", "20");
    blocked["signals"]["ip"] = json!("198.51.100.7");
    assert_eq!(bench.call(&blocked).await.text, r#"{"status":"block"}"#);
    assert_eq!(bench.record.count("SELECT count(*) FROM decisions").await, 3);
    bench.stop().await;
}

#[tokio::test]
async fn a_scope_that_no_file_covers_is_blocked_and_recorded_with_that_reason() {
    let bench = Bench::start().await;
    let mut call = transfer("usr_1", "20");
    call["scope_requested"] = json!("nobody:knows");
    assert_eq!(bench.call(&call).await.text, r#"{"status":"block"}"#);
    assert_eq!(bench.record.text("SELECT reason FROM decisions").await, "scope_not_covered");
    bench.stop().await;
}

#[tokio::test]
async fn metadata_outside_the_schema_is_blocked_with_the_field_and_without_the_value() {
    let bench = Bench::start().await;
    assert_eq!(bench.call(&transfer("usr_1", "1e5")).await.text, r#"{"status":"block"}"#);
    assert_eq!(bench.record.text("SELECT reason FROM decisions").await, "metadata.amount: not a decimal");
    bench.stop().await;
}

#[tokio::test]
async fn every_freedom_of_the_signature_is_accepted() {
    let bench = Bench::start().await;
    let call = bench.prelude.sign(&transfer("usr_1", "20"), Style::Other).expect("signs");
    assert_eq!(bench.send(&call).await.status, 200);
    bench.stop().await;
}

#[tokio::test]
async fn personal_values_are_masked_in_the_record() {
    let bench = Bench::start().await;
    let mut call = transfer("usr_1", "20");
    call["identifiers"] = json!([
        {"type": "phone_number", "value": "+33612345678"},
        {"type": "email_address", "value": "somebody@example.com"},
    ]);
    bench.call(&call).await;
    bench.stop_and_search(&["33612345678", "somebody@example.com", "203.0.113.42", "Mozilla/5.0 (x"]).await;
}

impl Bench {
    /// Stops the server and looks for texts in every byte of the record.
    async fn stop_and_search(self, secrets: &[&str]) {
        self.server.stop().await.expect("the server stops");
        let bytes = self.record.bytes();
        assert!(bytes.windows(5).any(|window| window == b"usr_1"), "it is the record that is searched");
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} stands in the record");
        }
    }
}

#[tokio::test]
async fn whoever_is_not_prelude_learns_nothing_from_the_refusal() {
    let bench = Bench::start().await;
    let good = bench.prelude.sign(&transfer("usr_1", "20"), Style::Usual).expect("signs");
    let mut answers = Vec::new();
    for (name, value) in [
        ("X-Webhook-Signature", None),
        ("X-Webhook-Signature-Key-Id", None),
        ("X-Webhook-Signature", Some("rsassa-pss-sha256=@@@@")),
        ("X-Webhook-Signature", Some("rsassa-pss-sha256=AAAA")),
        ("X-Webhook-Signature-Key-Id", Some("nobody")),
    ] {
        let mut call =
            doorstep::testing::SignedCall { headers: good.headers.clone(), body: good.body.clone() };
        call.headers.retain(|(header, _)| header != name);
        call.headers.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        answers.push(bench.send(&call).await);
    }
    let mut twice = doorstep::testing::SignedCall { headers: good.headers.clone(), body: good.body.clone() };
    twice.headers.push(("X-Webhook-Signature".to_owned(), "AAAA".to_owned()));
    answers.push(bench.send(&twice).await);
    for answer in answers {
        answer.expect_problem(401, "unverified_call");
        let mut body = answer.json();
        body["request_id"].take();
        let first = json!({
            "type": "urn:doorstep:problem:unverified_call", "title": "The call is not signed by Prelude", "status": 401,
            "code": "unverified_call", "request_id": null,
        });
        assert_eq!(body, first);
    }
    assert_eq!(bench.record.count("SELECT count(*) FROM decisions").await, 0);
    let metrics = bench.get("/metrics").await.text;
    assert!(metrics.contains(r#"doorstep_hook_refusals_total{cause="missing_signature"} 3"#), "{metrics}");
    bench.stop().await;
}

/// Somebody with keys of their own signs, and tells where they are.
#[tokio::test]
async fn headers_that_bring_a_key_along_mean_nothing() {
    let bench = Bench::start().await;
    let stranger = Prelude::start(None).await.expect("a key set");
    let settings = stranger.settings();
    let (_, key_set) = settings.iter().find(|(name, _)| *name == "prelude.key_set_url").expect("an address");
    let jwk = bench.client.get(key_set).send().await.expect("an answer").json::<Value>().await.expect("JSON");
    let fetches = stranger.key_set_fetches();
    let mut call = stranger.sign(&transfer("usr_1", "20"), Style::Usual).expect("signs");
    for (name, value) in
        [("jku", key_set.clone()), ("x5u", key_set.clone()), ("jwk", jwk["keys"][0].to_string())]
    {
        call.headers.push((name.to_owned(), value.clone()));
        call.headers.push((format!("X-Webhook-Signature-{name}"), value));
    }
    bench.send(&call).await.expect_problem(401, "unverified_call");
    assert_eq!(stranger.key_set_fetches(), fetches);
    bench.stop().await;
}

#[tokio::test]
async fn an_unknown_kid_has_the_key_set_fetched_once_however_many_ask() {
    let bench = Bench::start().await;
    bench.clock.advance_seconds(60);
    let before = bench.prelude.key_set_fetches();
    let mut call = bench.prelude.sign(&transfer("usr_1", "20"), Style::Usual).expect("signs");
    call.headers.retain(|(name, _)| name != "X-Webhook-Signature-Key-Id");
    call.headers.push(("X-Webhook-Signature-Key-Id".to_owned(), "nobody".to_owned()));
    let answers = futures_util::future::join_all((0..50).map(|_| bench.send(&call))).await;
    assert!(answers.iter().all(|answer| answer.status == 401));
    assert_eq!(bench.prelude.key_set_fetches() - before, 1);
    bench.stop().await;
}

#[tokio::test]
async fn bodies_that_are_not_json_too_large_or_too_slow_are_refused() {
    let bench = Bench::with(&[], &[("server.body_bytes_max", "2000"), ("server.body_deadline", "1s")]).await;
    let url = format!("{}/hooks/stepup", bench.server.url());
    let plain = bench.client.post(&url).header("content-type", "text/plain").body("{}").send().await;
    Answer::of(plain.expect("an answer")).await.expect_problem(415, "not_json");
    let json = || bench.client.post(&url).header("content-type", "application/json; charset=utf-8");
    let large = json().body(" ".repeat(2001)).send().await;
    Answer::of(large.expect("an answer")).await.expect_problem(413, "body_too_large");
    let head = "POST /hooks/stepup HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let chunk = format!("1f4\r\n{}\r\n", " ".repeat(500));
    let unannounced = format!("{head}transfer-encoding: chunked\r\n\r\n{}", chunk.repeat(5));
    assert!(bench.raw(&unannounced).await.starts_with("HTTP/1.1 413 "));
    let slow = bench.raw(&format!("{head}content-length: 10\r\n\r\n{{")).await;
    assert!(slow.starts_with("HTTP/1.1 408 ") && slow.contains("body_too_slow"), "{slow}");
    bench.stop().await;
}

#[tokio::test]
async fn other_paths_and_methods_are_named_as_such() {
    let bench = Bench::start().await;
    bench.get("/nowhere").await.expect_problem(404, "not_found");
    let answer = bench.get("/hooks/stepup").await;
    answer.expect_problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), Some("POST"));
    bench.stop().await;
}

#[tokio::test]
async fn without_a_trusted_key_set_there_is_no_verdict_and_readiness_says_why() {
    let bench = Bench::start().await;
    let call = bench.prelude.sign(&transfer("usr_1", "20"), Style::Usual).expect("signs");
    bench.prelude.stop().await;
    bench.clock.advance_seconds(24 * 3600 - 60);
    assert_eq!(bench.send(&call).await.status, 200, "still trusted");
    bench.clock.advance_seconds(120);
    bench.call(&transfer("usr_1", "20")).await.expect_problem(503, "no_trusted_key_set");
    let ready = bench.get("/readyz").await;
    assert_eq!(
        (ready.status, ready.json()["problems"][0]["code"].as_str()),
        (503, Some("no_trusted_key_set"))
    );
    bench.stop().await;
}

#[tokio::test]
async fn the_last_good_key_set_survives_a_restart_without_network() {
    let bench = Bench::start().await;
    bench.prelude.stop().await;
    bench.clock.advance_seconds(3600);
    let bench = bench.restart().await;
    assert_eq!(bench.call(&transfer("usr_1", "20")).await.status, 200);
    bench.clock.advance_seconds(24 * 3600);
    bench.call(&transfer("usr_1", "20")).await.expect_problem(503, "no_trusted_key_set");
    bench.stop().await;
}
