//! Prelude's webhook: activated by who knows the token, its events recorded once with what follows from them.

use doorstep::testing::Style;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::bench::{Answer, Bench, transfer, until};

const ROUTE: &str = "/hooks/events";
/// As in `tests/keys/verification-token`.
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Nothing leaves for four hours after a number was added.
const POLICY: &str = "scopes: [transfer:write]
metadata:
  amount: { type: decimal, max_scale: 2 }
  currency: { type: string, optional: true }
  payee: { type: string, optional: true }
rules:
  - id: new-number
    when: { history: { count: fact.prelude.phone_number_created, over: 4h, gt: 0 } }
    then: block
  - id: ordinary
    when: always
    then: { continue: { grant: { mode: single-use, for: 5m } } }
otherwise: block
";

impl Bench {
    /// A server that takes events.
    pub(crate) async fn with_events(policies: &[(&str, &str)]) -> Self {
        Self::with_events_and(policies, &[]).await
    }

    async fn with_events_and(policies: &[(&str, &str)], more: &[(&'static str, &str)]) -> Self {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/verification-token");
        let events = [("prelude.events", "on"), ("prelude.verification_token_file", file)];
        Self::with(policies, &[&events, more].concat()).await
    }

    /// Signs a batch and sends it.
    async fn tell_events(&self, events: &[Value]) -> Answer {
        let batch = json!({ "app_id": "test", "events": events });
        let call = self.prelude.sign(&batch, Style::Usual).expect("signs");
        self.send_to(ROUTE, &call).await
    }

    pub(crate) async fn recorded(&self, events: &[Value]) {
        let answer = self.tell_events(events).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, r#"{"status":"recorded"}"#));
    }

    async fn verdict_on(&self, user: &str) -> Value {
        self.call(&transfer(user, "20")).await.json()["status"].clone()
    }

    async fn activate(&self, query: &str) -> Answer {
        self.get(&format!("{ROUTE}?{query}")).await
    }
}

fn added(user: &str, number: &str) -> Value {
    json!({
        "type": "user.identifier.created", "user_id": user, "created_at": "2026-09-21T14:13:30.123456789Z",
        "identifier": { "type": "phone_number", "value": number }, "correlation_id": "corr_1",
    })
}

fn activation(challenge: &str) -> String {
    format!("event=activate&verification_token={TOKEN}&challenge={challenge}&app_id=test")
}

#[tokio::test]
async fn events_are_off_unless_somebody_switches_them_on() {
    let bench = Bench::start().await;
    bench.activate(&activation("1")).await.expect_problem(404, "not_found");
    bench.tell_events(&[added("usr_1", "+331")]).await.expect_problem(404, "not_found");
    assert_eq!(bench.record.count("SELECT count(*) FROM prelude_events").await, 0);
    bench.stop().await;
}

#[tokio::test]
async fn who_knows_the_token_activates_and_nobody_else() {
    let bench = Bench::with_events(&[]).await;
    let answer = bench.activate(&activation("1234567890")).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, r#"{"challenge":1234567890}"#));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    for query in [
        activation("1").replace(TOKEN, "0123456789abcdef0123456789abcdee"),
        activation("1").replace(TOKEN, "0123456789abcdef"),
        activation("1").replace(TOKEN, ""),
        activation("1").replace("app_id=test", "app_id=other"),
    ] {
        bench.activate(&query).await.expect_problem(403, "activation_refused");
    }
    for query in
        ["", "event=ping", &activation("1.5"), &activation("%22x%22"), &(activation("1") + "&app_id=x")]
    {
        bench.activate(query).await.expect_problem(400, "invalid_request");
    }
    let refused = bench.ask_as("none", ("DELETE", ROUTE), None).await;
    refused.expect_problem(405, "method_not_allowed");
    assert_eq!(refused.header("allow"), Some("GET, POST"));
    bench.stop().await;
}

#[tokio::test]
async fn only_what_prelude_signed_for_this_application_is_taken() {
    let bench = Bench::with_events(&[]).await;
    let batch = json!({ "app_id": "test", "events": [added("usr_1", "+331")] });
    let mut call = bench.prelude.sign(&batch, Style::Other).expect("signs");
    let genuine = bench.send_to(ROUTE, &call).await;
    assert_eq!(genuine.status, 200, "{}", genuine.text);
    call.body.push(b' ');
    bench.send_to(ROUTE, &call).await.expect_problem(401, "unverified_call");
    let unsigned = bench.client.post(format!("{}{ROUTE}", bench.server.url())).json(&batch);
    Answer::of(unsigned.send().await.expect("an answer")).await.expect_problem(401, "unverified_call");
    let hook = bench.prelude.sign(&transfer("usr_1", "20"), Style::Usual).expect("signs");
    bench.send_to(ROUTE, &hook).await.expect_problem(400, "invalid_events");
    let others = json!({ "app_id": "other", "events": [added("usr_2", "+332")] });
    let others = bench.prelude.sign(&others, Style::Usual).expect("signs");
    bench.send_to(ROUTE, &others).await.expect_problem(400, "invalid_events");
    bench
        .send(&bench.prelude.sign(&batch, Style::Usual).expect("signs"))
        .await
        .expect_problem(400, "invalid_call");
    assert_eq!(bench.record.count("SELECT count(*) FROM prelude_events").await, 1);
    let counted = bench.get("/metrics").await.text;
    for line in [
        r#"doorstep_prelude_event_refusals_total{cause="wrong_signature"} 1"#,
        r#"doorstep_prelude_event_refusals_total{cause="other_application"} 1"#,
        r#"doorstep_prelude_events_total{type="user.identifier.created",outcome="recorded"} 1"#,
    ] {
        assert!(counted.contains(line), "{line} in {counted}");
    }
    bench.stop().await;
}

/// In another batch, in another order, with another signature, at the same time, in another process: it counts once.
#[tokio::test]
async fn an_event_counts_once_however_often_it_comes() {
    let (here, there) = Bench::with_events(&[("transfer.yaml", POLICY)]).await.beside().await;
    assert_eq!(here.verdict_on("usr_1").await, "continue");
    let (one, other) = (added("usr_1", "+33612345678"), added("usr_2", "+33612345678"));
    let batches =
        [vec![one.clone()], vec![other.clone(), one.clone()], vec![one.clone(), one.clone(), other]];
    let told = (0..12).map(|n| {
        let bench = if n % 2 == 0 { &here } else { &there };
        bench.recorded(&batches[n % 3])
    });
    join_all(told).await;
    assert_eq!(here.record.count("SELECT count(*) FROM prelude_events").await, 2);
    assert_eq!(here.record.count("SELECT count(*) FROM facts").await, 4, "of all kinds and of numbers");
    let kinds =
        here.record.text("SELECT DISTINCT kind FROM facts WHERE api_key_id IS NULL ORDER BY kind").await;
    assert_eq!(kinds, "prelude.identifier_created prelude.phone_number_created");
    assert_eq!(
        (there.verdict_on("usr_1").await, here.verdict_on("usr_2").await, here.verdict_on("usr_3").await),
        (json!("block"), json!("block"), json!("continue"))
    );
    // The very same call again, later than a hook call would be taken for a retry.
    let call = here.prelude.sign(&json!({ "app_id": "test", "events": [one] }), Style::Usual).expect("signs");
    assert_eq!(here.send_to(ROUTE, &call).await.status, 200);
    here.clock.advance_seconds(4 * 3600);
    assert_eq!(there.send_to(ROUTE, &call).await.status, 200);
    assert_eq!(here.record.count("SELECT count(*) FROM prelude_events").await, 2);
    here.clock.advance_seconds(1);
    assert_eq!(
        here.verdict_on("usr_1").await,
        "continue",
        "counted from when it happened, not from when it came again"
    );
    here.stop().await;
    there.stop().await;
}

#[tokio::test]
async fn a_fact_happened_when_prelude_says_and_never_in_the_future() {
    let bench = Bench::with_events(&[("transfer.yaml", POLICY)]).await;
    let at = |user: &str, moment: &str| {
        let mut event = added(user, "+331");
        event["created_at"] = json!(moment);
        event
    };
    bench
        .recorded(&[
            at("usr_old", "2026-09-21T10:13:29Z"),
            at("usr_new", "2026-09-21T10:13:30Z"),
            at("usr_ahead", "2026-09-21T15:13:30Z"),
            at("usr_ancient", "2020-01-01T00:00:00Z"),
        ])
        .await;
    for (user, verdict) in
        [("usr_old", "continue"), ("usr_new", "block"), ("usr_ahead", "block"), ("usr_ancient", "continue")]
    {
        assert_eq!(bench.verdict_on(user).await, verdict, "{user}");
    }
    assert_eq!(bench.record.count("SELECT count(*) FROM facts WHERE user_id = 'usr_ancient'").await, 0);
    bench.clock.advance_seconds(4 * 3600 + 1);
    assert_eq!(bench.verdict_on("usr_ahead").await, "continue");
    bench.stop().await;
}

#[tokio::test]
async fn nobody_but_prelude_reports_its_facts() {
    let bench = Bench::with_events(&[("transfer.yaml", POLICY)]).await;
    let key = bench.key(&["facts"]).await;
    let body = json!({ "user_id": "usr_1", "kind": "prelude.phone_number_created" });
    bench.post_as(&key, "/v1/facts", &body).await.expect_problem(400, "invalid_request");
    assert_eq!(bench.verdict_on("usr_1").await, "continue");
    bench.stop().await;
}

/// Prelude repeats for two weeks, and a digest is kept for thirty days at the least. Whoever sends a batch later, a replay for
/// instance, finds no trace of it: it makes no second fact.
#[tokio::test]
async fn an_event_that_was_forgotten_counts_no_second_time() {
    const DAY: i64 = 86_400;
    let files = [("transfer.yaml", POLICY)];
    let settings = [("retention.prelude_events", "30d"), ("prelude.key_set_refresh", "1s")];
    let bench = Bench::with_events_and(&files, &settings).await;
    let batch = json!({ "app_id": "test", "events": [added("usr_1", "+33612345678")] });
    let call = bench.prelude.sign(&batch, Style::Usual).expect("signs");
    let known = async |days: i64| {
        bench.clock.advance_seconds(days * DAY);
        until("the key sets are trusted", async || (bench.get("/readyz").await.status == 200).then_some(()))
            .await;
        bench.server.retain().await.expect("done");
        let known = bench.record.count("SELECT count(*) FROM prelude_events").await;
        assert_eq!(bench.send_to(ROUTE, &call).await.status, 200);
        assert_eq!(bench.record.count("SELECT count(*) FROM facts").await, 2, "of all kinds and of numbers");
        known
    };
    assert_eq!((known(0).await, known(15).await, known(15).await), (0, 1, 1));
    assert_eq!(known(1).await, 0, "a little later than it says");
    assert_eq!(bench.record.count("SELECT count(*) FROM prelude_events").await, 1);
    assert_eq!(bench.verdict_on("usr_1").await, "continue");
    bench.stop().await;
}

#[tokio::test]
async fn an_answer_that_prelude_could_not_use_is_counted_and_warned_of() {
    let bench = Bench::with_events(&[]).await;
    let failed = |reason: &str, at: &str| {
        json!({
            "type": "step_up.hook_failed", "payload": { "user_id": "usr_1", "scope": "transfer:write", "reason": reason },
            "created_at": at,
        })
    };
    bench
        .recorded(&[
            failed("invalid_step", "2026-09-21T14:13:28Z"),
            failed("invalid_step", "2026-09-21T14:13:29Z"),
            failed("invalid_step", "2026-09-21T14:13:29Z"),
            failed("usr_1 is a witch", "2026-09-21T14:13:29Z"),
            failed("request_failed", "2026-09-21T13:13:30Z"),
        ])
        .await;
    let ready = bench.get("/readyz").await;
    assert_eq!((ready.status, &ready.json()["status"]), (200, &json!("degraded")));
    let warning = ready.json()["warnings"][0].clone();
    assert_eq!(warning["code"], "hook_failed");
    let detail = warning["detail"].as_str().expect("words");
    assert!(detail.contains("within the last hour: invalid_step (2), other (1)."), "{detail}");
    let counted = bench.get("/metrics").await.text;
    for line in [
        r#"doorstep_hook_failures_total{reason="invalid_step"} 2"#,
        r#"doorstep_hook_failures_total{reason="other"} 1"#,
        r#"doorstep_prelude_events_total{type="step_up.hook_failed",outcome="repeated"} 1"#,
    ] {
        assert!(counted.contains(line), "{line} in {counted}");
    }
    assert!(!counted.contains("witch"));
    bench.clock.advance_seconds(3600);
    assert_eq!(bench.get("/readyz").await.json()["warnings"], json!([]));
    bench.stop().await;
}

#[tokio::test]
async fn what_is_unknown_is_counted_and_what_is_broken_refused_without_the_others() {
    let bench = Bench::with_events(&[("transfer.yaml", POLICY)]).await;
    bench
        .recorded(&[
            json!({ "type": "user.promoted", "user_id": 7, "anything": [{}] }),
            json!({ "type": "user.created", "user_id": "usr_9", "identifiers": [] }),
            json!({ "type": "user.session.created", "user_id": "usr_9", "session_id": "ses_9" }),
        ])
        .await;
    bench.recorded(&[]).await;
    let broken = json!({ "type": "user.deleted", "user_id": null });
    let answer = bench.tell_events(&[broken, added("usr_1", "+331")]).await;
    answer.expect_problem(400, "invalid_events");
    assert_eq!(answer.json()["detail"], "events[].user_id is of the wrong type");
    assert_eq!(bench.verdict_on("usr_1").await, "block", "its neighbour was recorded all the same");
    assert_eq!(bench.record.count("SELECT count(*) FROM prelude_events").await, 4);
    let counted = bench.get("/metrics").await.text;
    for line in [
        r#"doorstep_prelude_events_total{type="unknown",outcome="recorded"} 1"#,
        r#"doorstep_prelude_events_total{type="user.created",outcome="recorded"} 1"#,
        r#"doorstep_prelude_events_total{type="broken",outcome="refused"} 1"#,
        r#"doorstep_prelude_event_refusals_total{cause="wrong_type"} 1"#,
    ] {
        assert!(counted.contains(line), "{line} in {counted}");
    }
    bench.stop().await;
}

/// What is not on disk is not answered 200.
#[tokio::test]
async fn what_cannot_be_recorded_comes_again() {
    let bench = Bench::with_events(&[("transfer.yaml", POLICY)]).await;
    let revoked = json!({ "type": "user.session.revoked", "session_id": "ses_1" });
    bench.record.keep_out("facts").await;
    let told = bench.tell_events(&[revoked.clone(), added("usr_1", "+331")]).await;
    told.expect_problem(503, "store_unavailable");
    assert_eq!(bench.record.text("SELECT kind FROM prelude_events").await, "user.session.revoked");
    bench.record.let_in("facts").await;
    bench.recorded(&[revoked, added("usr_1", "+331")]).await;
    assert_eq!(bench.record.count("SELECT count(*) FROM prelude_events").await, 2);
    assert_eq!(bench.verdict_on("usr_1").await, "block");
    bench.stop().await;
}

#[tokio::test]
async fn a_batch_of_hundreds_is_taken_and_one_that_is_too_long_is_not() {
    let bench = Bench::with_events(&[]).await;
    let many: Vec<_> = (0..500).map(|n| added(&format!("usr_{n}"), "+331")).collect();
    bench.recorded(&many).await;
    assert_eq!(bench.record.count("SELECT count(*) FROM facts").await, 1000);
    let long = json!({ "type": "user.created", "profile": { "note": "x".repeat(524_288) } });
    bench.tell_events(&[long]).await.expect_problem(413, "body_too_large");
    bench.stop().await;
}

#[tokio::test]
async fn no_personal_value_of_an_event_is_recorded() {
    let bench = Bench::with_events(&[]).await;
    let profile = json!({ "type": "user.profile.updated", "user_id": "usr_1", "profile": { "first_name": "Mirabelle" } });
    bench.recorded(&[added("usr_1", "+33698765432"), profile]).await;
    let record = std::sync::Arc::clone(&bench.record);
    bench.stop().await;
    let bytes = record.bytes();
    assert!(bytes.windows(5).any(|window| window == b"usr_1"), "it is the record that is searched");
    for secret in ["33698765432", "Mirabelle", TOKEN] {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
    }
}
