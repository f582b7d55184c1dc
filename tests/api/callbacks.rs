//! Identity-check providers over HTTP: what they may finish, in which order, and what is told of it.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use doorstep::testing::KeyWish;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::bench::{Answer, Bench, NOW, claims};
use crate::reviewing::reviewing;

const SECRET: &str = "the-secret-of-sumsub";

const STEPS: &str = "custom:
  kyc_review:
    description: Identity check
    expires_in: 1h
    approval_valid_for: 7d
    approved_by: [backend, person, provider:sumsub, provider:onfido, provider:gone]
";

const FEW_MAY_BE_WRONG: [(&str, &str); 2] =
    [("server.failed_signatures_per_minute", "5"), ("server.failures_per_second_max", "20")];

/// A server where `sumsub` may finish `kyc_review`, `onfido` may by the policy and not by the settings, and `veriff` the other
/// way round.
async fn with_providers() -> Bench {
    let file = NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), SECRET).expect("written");
    let path = file.path().display().to_string();
    let settings = [
        ("callbacks.sumsub.scheme", "sumsub"),
        ("callbacks.sumsub.secret_file", &path),
        ("callbacks.sumsub.steps", "kyc_review"),
        ("callbacks.sumsub.requires.\"/levelName\"", "basic"),
        ("callbacks.onfido.scheme", "sumsub"),
        ("callbacks.onfido.secret_file", &path),
        ("callbacks.onfido.steps", "poa_review"),
        ("callbacks.veriff.scheme", "sumsub"),
        ("callbacks.veriff.secret_file", &path),
        ("callbacks.veriff.steps", "kyc_review"),
        ("server.callback_body_bytes_max", "4096"),
    ];
    let bench = Bench::with(&reviewing(STEPS), &settings).await;
    bench.review("usr_1").await;
    bench
}

impl Bench {
    /// A verification for a challenge of `usr_1`, bound to a source.
    async fn bound(&self, key: &str, (challenge, source): (&str, &str)) -> Value {
        let mut claims = claims("usr_1", "15000");
        claims["challenge_id"] = json!(challenge);
        let token = self.prelude.challenge_token(&claims).expect("signs");
        let body = json!({ "challenge_token": token, "source": source });
        let answer = self.post_as(key, "/v1/verifications", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()
    }

    async fn seen(&self, key: &str, opened: &Value) -> Value {
        self.get_as(key, &format!("/v1/verifications/{}", text(&opened["id"]))).await.json()
    }

    async fn history(&self, key: &str, opened: &Value) -> Vec<String> {
        let events =
            self.get_as(key, &format!("/v1/verifications/{}/events", text(&opened["id"]))).await.json();
        let one =
            |event: &Value| format!("{} {} {}", text(&event["kind"]), text(&event["actor"]), event["detail"]);
        events["events"].as_array().expect("events").iter().skip(1).map(one).collect()
    }

    async fn token_of(&self, key: &str, opened: &Value) -> Answer {
        self.post_as(key, &format!("/v1/verifications/{}/token", text(&opened["id"])), &json!({})).await
    }

    /// Sends a body with any signature.
    async fn deliver(&self, source: &str, (body, signature): (String, &str)) -> Answer {
        let request = self.client.post(format!("{}/v1/callbacks/{source}", self.server.url())).body(body);
        Answer::of(request.header("X-Payload-Digest", signature).send().await.expect("an answer")).await
    }

    async fn tell(&self, source: &str, event: &Value) -> Answer {
        let body = event.to_string();
        let signature = signature(&body);
        self.deliver(source, (body, &signature)).await
    }

    async fn told(&self, source: &str, event: &Value) {
        let answer = self.tell(source, event).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "status": "recorded" })), "{event}");
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn signature(body: &str) -> String {
    let key = Key::new(HMAC_SHA256, SECRET.as_bytes());
    sign(&key, body.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What Sumsub says of a verification, that many seconds after the beginning.
fn event(opened: &Value, word: &str, second: i64) -> Value {
    let mut event = json!({
        "applicantId": "5cb744200a975a67ed1798a4", "levelName": "basic", "externalUserId": opened["reference"],
        "type": "applicantReviewed", "sandboxMode": false, "createdAtMs": (NOW + second) * 1000,
        "info": { "firstName": "Jane Canary" },
    });
    match word {
        "approved" => event["reviewResult"] = json!({ "reviewAnswer": "GREEN" }),
        "rejected" => {
            event["reviewResult"] =
                json!({ "reviewAnswer": "RED", "reviewRejectType": "FINAL", "rejectLabels": ["FORGERY"] });
        }
        "pending" => event["type"] = json!("applicantPending"),
        other => event["type"] = json!(other),
    }
    event
}

#[tokio::test]
async fn a_provider_approves_once_and_a_token_comes_of_it() {
    let bench = with_providers().await;
    let key = bench.backend_key().await;
    let opened = bench.bound(&key, ("chl_1", "sumsub")).await;
    bench.told("sumsub", &event(&opened, "pending", 1)).await;
    bench.token_of(&key, &opened).await.expect_problem(409, "not_approved");
    let approval = event(&opened, "approved", 2);
    for _ in 0..3 {
        bench.told("sumsub", &approval).await;
    }
    let seen = bench.seen(&key, &opened).await;
    assert_eq!(
        [&seen["state"], &seen["decided_as"], &seen["actor"], &seen["reason"]],
        ["approved", "provider:sumsub", "provider:sumsub", "approved"]
    );
    assert_eq!(
        bench.history(&key, &opened).await,
        [
            "provider_event provider:sumsub \"pending\"",
            "approved provider:sumsub \"as provider:sumsub: approved\""
        ]
    );
    assert_eq!(bench.token_of(&key, &opened).await.status, 201);
    assert_eq!(bench.record.count("SELECT count(*) FROM provider_events").await, 2);
    let metrics = bench.get("/metrics").await.text;
    for line in [
        "doorstep_callbacks_total{source=\"sumsub\",outcome=\"approved\"} 1",
        "doorstep_callbacks_total{source=\"sumsub\",outcome=\"pending\"} 1",
        "doorstep_callbacks_total{source=\"sumsub\",outcome=\"repeated\"} 2",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    let rows = bench.record.text("SELECT source || event_id || outcome || became FROM provider_events").await;
    assert!(!rows.contains("Canary"), "{rows}");
    bench.stop().await;
}

#[tokio::test]
async fn a_rejection_says_why_and_is_for_ever() {
    let bench = with_providers().await;
    let key = bench.backend_key().await;
    let opened = bench.bound(&key, ("chl_1", "sumsub")).await;
    bench.told("sumsub", &event(&opened, "rejected", 1)).await;
    bench.told("sumsub", &event(&opened, "approved", 2)).await;
    let seen = bench.seen(&key, &opened).await;
    assert_eq!([&seen["state"], &seen["reason"]], ["rejected", "FORGERY"]);
    bench.token_of(&key, &opened).await.expect_problem(409, "not_approved");
    bench.stop().await;
}

#[tokio::test]
async fn what_is_not_signed_or_not_an_event_is_refused() {
    let bench = with_providers().await;
    let key = bench.backend_key().await;
    let opened = bench.bound(&key, ("chl_1", "sumsub")).await;
    let approval = event(&opened, "approved", 1).to_string();
    bench.tell("nobody", &event(&opened, "approved", 1)).await.expect_problem(404, "no_such_source");
    bench.get("/v1/callbacks/sumsub").await.expect_problem(405, "method_not_allowed");
    let right = signature(&approval);
    let (first, rest) = right.split_at(1);
    let one_digit_off = format!("{}{rest}", if first == "0" { "1" } else { "0" });
    for wrong in ["", "00", &signature("{}"), &one_digit_off, rest, &format!("{right}00")] {
        let answer = bench.deliver("sumsub", (approval.clone(), wrong)).await;
        answer.expect_problem(401, "unverified_callback");
    }
    let request =
        bench.client.post(format!("{}/v1/callbacks/sumsub", bench.server.url())).body(approval.clone());
    let answer = Answer::of(request.send().await.expect("an answer")).await;
    answer.expect_problem(401, "unverified_callback");
    for body in ["", "approved", "{\"type\":1,\"type\":2}"] {
        let answer = bench.deliver("sumsub", (body.to_owned(), &signature(body))).await;
        answer.expect_problem(400, "invalid_event");
    }
    let long = format!("{}{}", approval, " ".repeat(4096));
    bench.deliver("sumsub", (long.clone(), &signature(&long))).await.expect_problem(413, "body_too_large");
    assert_eq!(bench.seen(&key, &opened).await["state"], "pending");
    assert_eq!(bench.record.count("SELECT count(*) FROM provider_events").await, 0);
    bench.stop().await;
}

#[tokio::test]
async fn whoever_does_not_fit_decides_nothing_and_is_seen() {
    let bench = with_providers().await;
    let key = bench.backend_key().await;
    let opened = bench.bound(&key, ("chl_1", "sumsub")).await;
    let with = |at: &str, value: Value| {
        let mut event = event(&opened, "approved", 1);
        event[at] = value;
        event
    };
    let unfit = [
        ("sumsub", with("levelName", json!("easy")), "pending: mismatch"),
        ("sumsub", with("sandboxMode", json!(true)), "pending: mismatch"),
        ("sumsub", with("reviewResult", json!({ "reviewAnswer": "green" })), "pending: unknown_word"),
        ("veriff", with("levelName", json!("any")), "approved: wrong_source"),
    ];
    let mut history = Vec::new();
    for (source, event, detail) in unfit {
        bench.told(source, &event).await;
        history.push(format!("provider_event provider:{source} \"{detail}\""));
    }
    assert_eq!(bench.history(&key, &opened).await, history);
    assert_eq!(bench.seen(&key, &opened).await["state"], "pending");
    for reference in [json!("00112233445566778899aabbccddeeff"), json!("usr_1"), json!(null), json!({})] {
        bench.told("sumsub", &with("externalUserId", reference)).await;
    }
    let other = bench.bound(&key, ("chl_2", "onfido")).await;
    bench.told("onfido", &event(&other, "approved", 1)).await;
    assert_eq!(
        bench.history(&key, &other).await,
        ["provider_event provider:onfido \"approved: not_allowed\""]
    );
    let metrics = bench.get("/metrics").await.text;
    for line in [
        "source=\"sumsub\",outcome=\"mismatch\"} 2",
        "source=\"sumsub\",outcome=\"unknown_word\"} 1",
        "source=\"sumsub\",outcome=\"unknown_reference\"} 4",
        "source=\"veriff\",outcome=\"wrong_source\"} 1",
        "source=\"onfido\",outcome=\"not_allowed\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    bench.stop().await;
}

/// Words and their seconds.
type Told<'a> = &'a [(&'a str, i64)];

#[tokio::test]
async fn events_in_any_order_end_where_they_should() {
    let bench = with_providers().await;
    let key = bench.backend_key().await;
    let cases: [(Told<'_>, &str, bool); 13] = [
        (&[("pending", 10), ("approved", 20)], "approved", false),
        (&[("approved", 20), ("pending", 10)], "approved", false),
        (&[("approved", 20), ("applicantOnHold", 30)], "approved", false),
        (&[("pending", 30), ("approved", 20)], "approved", false),
        (&[("applicantReset", 10), ("approved", 20)], "approved", false),
        (&[("applicantReset", 30), ("approved", 20)], "pending", false),
        (&[("applicantReset", 30), ("approved", 20), ("approved", 40)], "approved", false),
        (&[("approved", 20), ("applicantReset", 30)], "approved", true),
        (&[("approved", 20), ("applicantReset", 10)], "approved", false),
        (&[("approved", 20), ("rejected", 30)], "approved", true),
        (&[("approved", 20), ("rejected", 10)], "approved", false),
        (&[("rejected", 20), ("approved", 30)], "rejected", false),
        (&[("rejected", 20), ("applicantReset", 30), ("approved", 40)], "rejected", false),
    ];
    for (number, (events, state, is_withdrawn)) in cases.into_iter().enumerate() {
        let opened = bench.bound(&key, (&format!("chl_{number}"), "sumsub")).await;
        for (word, second) in events {
            bench.told("sumsub", &event(&opened, word, *second)).await;
        }
        let seen = bench.seen(&key, &opened).await;
        assert_eq!(
            (&seen["state"], !seen["withdrawn_at"].is_null()),
            (&json!(state), is_withdrawn),
            "{events:?}"
        );
        let minted = bench.token_of(&key, &opened).await;
        let is_worth_a_token = state == "approved" && !is_withdrawn;
        assert_eq!(minted.status, if is_worth_a_token { 201 } else { 409 }, "{events:?}: {}", minted.text);
    }
    bench.stop().await;
}

#[tokio::test]
async fn an_approval_that_comes_late_is_kept_and_can_be_reset() {
    let bench = with_providers().await;
    let key = bench.backend_key().await;
    let opened = bench.bound(&key, ("chl_1", "sumsub")).await;
    bench.clock.advance_seconds(3601);
    bench.told("sumsub", &event(&opened, "approved", 3600)).await;
    bench.told("sumsub", &event(&opened, "approved", 3601)).await;
    assert_eq!(bench.seen(&key, &opened).await["state"], "expired");
    let history = bench.history(&key, &opened).await;
    assert_eq!(
        history[1..],
        [
            "approved_late provider:sumsub \"as provider:sumsub: approved\"",
            "provider_event provider:sumsub \"approved: already_decided\""
        ],
        "{history:?}"
    );
    bench.review("usr_1").await;
    let mut claims = claims("usr_1", "15000");
    for (claim, value) in [("iat", NOW + 3601), ("nbf", NOW + 3601), ("exp", NOW + 7200)] {
        claims[claim] = json!(value);
    }
    claims["challenge_id"] = json!("chl_2");
    let token = bench.prelude.challenge_token(&claims).expect("signs");
    let body = json!({ "challenge_token": token, "source": "sumsub" });
    let later = bench.post_as(&key, "/v1/verifications", &body).await.json();
    assert_eq!(later["state"], "approved", "{later}");
    assert_eq!(bench.token_of(&key, &later).await.status, 201);
    bench.told("sumsub", &event(&opened, "applicantReset", 3700)).await;
    bench.token_of(&key, &later).await.expect_problem(409, "verification_withdrawn");
    assert_eq!(bench.seen(&key, &later).await["withdrawn_for"], "provider_reset");
    bench.stop().await;
}

#[tokio::test]
async fn many_at_once_make_one_decision() {
    let bench = with_providers().await;
    let key = bench.backend_key().await;
    let wish = KeyWish { roles: &["approver"], approves_as: Some("backend"), ..KeyWish::default() };
    let approver = bench.server.create_api_key(&wish).await.expect("a key");
    for round in 0..20 {
        let opened = bench.bound(&key, (&format!("chl_{round}"), "sumsub")).await;
        let path = |act: &str| format!("/v1/verifications/{}/{act}", text(&opened["id"]));
        let (approve, reject) = (path("approve"), path("reject"));
        let reason = json!({ "reason": "seen" });
        let by_api = join_all((0..8).map(|number| {
            bench.post_as(&approver, if number % 2 == 0 { &approve } else { &reject }, &reason)
        }));
        let events: Vec<_> = (0..16)
            .map(|number| {
                event(&opened, if number % 2 == 0 { "approved" } else { "rejected" }, 10 + number / 4)
            })
            .collect();
        let by_provider = join_all(events.iter().map(|event| bench.tell("sumsub", event)));
        let (by_api, by_provider) = futures_util::future::join(by_api, by_provider).await;
        assert!(by_provider.iter().all(|answer| answer.status == 200));
        let decided = by_api.iter().filter(|answer| answer.status == 200).count();
        assert!(decided <= 1, "{by_api:?}");
        let history = bench.history(&key, &opened).await;
        let decisions = history
            .iter()
            .filter(|line| line.starts_with("approved") || line.starts_with("rejected"))
            .count();
        assert_eq!(decisions, 1, "{history:?}");
        let seen = bench.seen(&key, &opened).await;
        let minted = bench.token_of(&key, &opened).await.status == 201;
        assert_eq!(minted, seen["state"] == "approved" && seen["withdrawn_at"].is_null(), "{seen}");
    }
    bench.stop().await;
}

#[tokio::test]
async fn an_old_event_that_is_sent_again_speaks_for_nobody() {
    const MANY: usize = 40;
    let file = NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), SECRET).expect("written");
    let path = file.path().display().to_string();
    let mut settings = vec![
        ("callbacks.sumsub.scheme", "sumsub"),
        ("callbacks.sumsub.secret_file", &path),
        ("callbacks.sumsub.steps", "kyc_review"),
        ("server.trusted_proxies", "127.0.0.0/8"),
    ];
    settings.extend(FEW_MAY_BE_WRONG);
    let bench = Bench::with(&reviewing(STEPS), &settings).await;
    let body = event(&json!({ "reference": "nobody's" }), "approved", 1).to_string();
    let right = signature(&body);
    let send = async |address: &str, signature: &str| {
        let url = format!("{}/v1/callbacks/sumsub", bench.server.url());
        let request = bench.client.post(url).body(body.clone()).header("X-Payload-Digest", signature);
        request.header("X-Forwarded-For", address).send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(send("203.0.113.9", &right).await, 200);
    bench.clock.advance_seconds(60);
    assert_eq!(send("198.51.100.1", &right).await, 200, "recorded before");
    let wrong = "0".repeat(64);
    for (address, all) in [("198.51.100.1", false), ("203.0.113.9", true)] {
        let mut looked_at = 0;
        for _ in 0..MANY {
            looked_at += usize::from(send(address, &wrong).await == 401);
        }
        assert_eq!(looked_at == MANY, all, "{address}: {looked_at}");
    }
    bench.stop().await;
}
