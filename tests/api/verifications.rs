//! The life of a custom step over HTTP: opened, decided once, worth tokens, waited for.

use std::time::{Duration, Instant};

use doorstep::testing::KeyWish;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::bench::{Answer, Bench, NOW, claims};
use crate::reviewing::reviewing;

/// Steps of which one keeps late approvals, and of which two are a person's or a provider's.
const STEPS: &str = "custom:
  kyc_review: { description: Identity check, expires_in: 1h, approved_by: [backend, person, provider:sumsub], approval_valid_for: 7d }
  second_look: { description: Somebody looks, expires_in: 1h, approved_by: [person] }
";

impl Bench {
    /// A server whose policy reviews every transfer, with one reviewed transfer of `usr_1`.
    async fn reviewing() -> Self {
        let bench = Self::with(&reviewing(STEPS), &[]).await;
        bench.review("usr_1").await;
        bench
    }

    async fn person(&self) -> String {
        let wish = KeyWish { roles: &["approver"], approves_as: Some("person"), ..KeyWish::default() };
        self.server.create_api_key(&wish).await.expect("a key")
    }

    /// Opens a verification for `usr_1`'s transfer.
    async fn open(&self, key: &str, claims: &Value) -> Answer {
        let body = json!({ "challenge_token": self.prelude.challenge_token(claims).expect("signs") });
        self.post_as(key, "/v1/verifications", &body).await
    }

    async fn opened(&self, key: &str) -> Value {
        let answer = self.open(key, &claims("usr_1", "15000")).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()
    }

    async fn act(&self, key: &str, (id, act): (&Value, &str), body: Value) -> Answer {
        self.post_as(key, &format!("/v1/verifications/{}/{act}", id["id"].as_str().expect("an id")), &body)
            .await
    }

    async fn see(&self, key: &str, (id, rest): (&Value, &str)) -> Answer {
        self.get_as(key, &format!("/v1/verifications/{}{rest}", id["id"].as_str().expect("an id"))).await
    }

    async fn repeatable(&self, key: &str, (path, repeat): (&str, &str), body: &Value) -> Answer {
        let request = self.client.post(format!("{}{path}", self.server.url())).bearer_auth(key);
        let request = request.header("idempotency-key", repeat).json(body);
        Answer::of(request.send().await.expect("an answer")).await
    }
}

fn said(reason: &str) -> Value {
    json!({ "reason": reason })
}

#[tokio::test]
async fn a_step_is_opened_approved_and_worth_tokens_and_everything_is_told() {
    let bench = Bench::reviewing().await;
    let (backend, person) = (bench.backend_key().await, bench.person().await);
    let opened = bench.opened(&backend).await;
    assert_eq!(opened["state"], "pending");
    assert_eq!(opened["version"], 1);
    assert_eq!(opened["session_id"], "ses_1");
    assert_eq!(opened["metadata"]["amount"], "15000");
    assert_eq!(opened["source"], "sumsub", "the only provider that may approve the step");
    assert_eq!(opened["reference"].as_str().map(str::len), Some(32));
    let again = bench.open(&backend, &claims("usr_1", "15000")).await;
    assert_eq!((again.status, again.json()), (200, opened.clone()));
    bench.act(&backend, (&opened, "token"), json!({})).await.expect_problem(409, "not_approved");

    bench
        .act(&person, (&opened, "approve"), said("passport seen"))
        .await
        .expect_problem(400, "invalid_request");
    let body = json!({"reason": "passport seen", "actor": "Ana, second floor"});
    let approved = bench.act(&person, (&opened, "approve"), body).await;
    assert_eq!(approved.status, 200, "{}", approved.text);
    let approved = approved.json();
    assert_eq!(
        [&approved["state"], &approved["decided_as"], &approved["actor"], &approved["reason"]],
        ["approved", "person", "Ana, second floor", "passport seen"]
    );
    bench.act(&backend, (&opened, "reject"), said("no")).await.expect_problem(409, "already_decided");

    let token = bench.act(&backend, (&opened, "token"), json!({})).await;
    assert_eq!(token.status, 201, "{}", token.text);
    assert_eq!(token.json()["verification_id"], opened["id"]);
    let events = bench.see(&backend, (&opened, "/events")).await.json();
    let kinds: Vec<_> =
        events["events"].as_array().expect("events").iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, ["opened", "approved", "token_minted"]);
    assert!(!events.to_string().contains(token.json()["verification_token"].as_str().expect("a token")));
    let list = bench.get_as(&backend, "/v1/verifications?user_id=usr_1&state=approved").await.json();
    assert_eq!(list["verifications"], json!([approved]));
    bench.stop().await;
}

#[tokio::test]
async fn without_a_review_nothing_opens_and_what_is_wrong_is_said() {
    let bench = Bench::reviewing().await;
    let backend = bench.backend_key().await;
    bench.open(&backend, &claims("usr_2", "15000")).await.expect_problem(409, "no_review");
    bench.open(&backend, &claims("usr_1", "15001")).await.expect_problem(409, "no_review");
    let mut other_plan = claims("usr_1", "15000");
    other_plan["steps"] =
        json!([{"order": 1, "key": "kyc_review", "expiration_duration": 60, "done": false}]);
    bench.open(&backend, &other_plan).await.expect_problem(409, "no_review");
    for body in
        [json!({}), json!({"challenge_token": 1}), json!([]), json!({"challenge_token": "x", "more": 1})]
    {
        let answer = bench.post_as(&backend, "/v1/verifications", &body).await;
        assert!([400, 403, 422].contains(&answer.status), "{}", answer.text);
    }
    let token = bench.prelude.challenge_token(&claims("usr_1", "15000")).expect("signs");
    let body = json!({"challenge_token": token, "source": "onfido"});
    bench.post_as(&backend, "/v1/verifications", &body).await.expect_problem(422, "unknown_source");
    let reader = bench.key(&["reader"]).await;
    bench.post_as(&reader, "/v1/verifications", &body).await.expect_problem(403, "missing_role");
    assert_eq!(bench.record.count("SELECT count(*) FROM verifications").await, 0);
    bench
        .get_as(&reader, "/v1/verifications/0198f000-0000-7000-8000-000000000000")
        .await
        .expect_problem(404, "no_such_verification");
    bench.get_as(&reader, "/v1/verifications/x").await.expect_problem(404, "no_such_verification");
    bench.stop().await;
}

#[tokio::test]
async fn a_backend_that_vouches_opens_what_it_names() {
    let bench = Bench::reviewing().await;
    let voucher = bench.key(&["opener", "voucher"]).await;
    let body = json!({"user_id": "usr_1", "challenge_id": "chl_9", "step_key": "kyc_review", "scope": "transfer:write",
        "session_id": "ses_9", "metadata": {"amount": "15000", "currency": "USD", "payee": "DE89370400440532013000"}});
    let opened = bench.post_as(&voucher, "/v1/verifications", &body).await;
    assert_eq!(opened.status, 201, "{}", opened.text);
    assert_eq!([&opened.json()["proof"], &opened.json()["session_id"]], ["vouched", "ses_9"]);
    let mut other = body.clone();
    other["user_id"] = json!("usr_2");
    bench.review("usr_2").await;
    bench.post_as(&voucher, "/v1/verifications", &other).await.expect_problem(409, "other_challenge");
    let opener = bench.key(&["opener"]).await;
    bench.post_as(&opener, "/v1/verifications", &body).await.expect_problem(403, "missing_role");
    bench.stop().await;
}

#[tokio::test]
async fn whom_the_policy_does_not_name_decides_nothing() {
    let bench = Bench::reviewing().await;
    let opened = bench.opened(&bench.backend_key().await).await;
    let wish = KeyWish { roles: &["approver"], approves_as: Some("provider:onfido"), ..KeyWish::default() };
    let other = bench.server.create_api_key(&wish).await.expect("a key");
    bench.act(&other, (&opened, "approve"), said("x")).await.expect_problem(403, "not_approvable");
    bench
        .act(&bench.key(&["minter"]).await, (&opened, "approve"), said("x"))
        .await
        .expect_problem(403, "missing_role");
    let wish = KeyWish {
        roles: &["approver"],
        approves_as: Some("backend"),
        scopes: &["payout:write"],
        ..KeyWish::default()
    };
    let limited = bench.server.create_api_key(&wish).await.expect("a key");
    bench.act(&limited, (&opened, "approve"), said("x")).await.expect_problem(404, "no_such_verification");
    bench
        .act(&bench.backend_key().await, (&opened, "approve"), json!({}))
        .await
        .expect_problem(400, "invalid_request");
    bench.stop().await;
}

#[tokio::test]
async fn a_lost_answer_is_given_again_and_tokens_have_a_limit() {
    let bench = Bench::reviewing().await;
    let backend = bench.backend_key().await;
    let opened = bench.opened(&backend).await;
    let path = |act: &str| format!("/v1/verifications/{}/{act}", opened["id"].as_str().expect("an id"));
    let approve = path("approve");
    let first = bench.repeatable(&backend, (&approve, "a-1"), &said("fine")).await;
    let again = bench.repeatable(&backend, (&approve, "a-1"), &said("fine")).await;
    assert_eq!((first.status, &first.text), (200, &again.text));
    bench
        .repeatable(&backend, (&approve, "a-1"), &said("other"))
        .await
        .expect_problem(422, "idempotency_key_reused");
    bench.repeatable(&backend, (&approve, "a b"), &said("fine")).await.expect_problem(400, "invalid_request");

    let token = path("token");
    let first = bench.repeatable(&backend, (&token, "t-1"), &json!({})).await;
    bench.clock.advance_seconds(10);
    let again = bench.repeatable(&backend, (&token, "t-1"), &json!({})).await;
    assert_eq!((first.status, &first.text), (201, &again.text), "the same token, byte for byte");
    assert_eq!(bench.record.count("SELECT count(*) FROM verification_tokens").await, 1);
    let bare = first.json()["verification_token"].as_str().expect("a token").to_owned();
    assert!(!bench.record.text("SELECT coalesce(answer, '-') FROM kept_answers").await.contains(&bare));
    for _ in 0..4 {
        assert_eq!(bench.act(&backend, (&opened, "token"), json!({})).await.status, 201);
    }
    bench.act(&backend, (&opened, "token"), json!({})).await.expect_problem(409, "too_many_tokens");
    let desk = bench.key(&["desk"]).await;
    let pause = ("PUT", "/v1/scopes/transfer:write/pause");
    assert_eq!(bench.ask_as(&desk, pause, Some(said("an attack"))).await.status, 200);
    bench.repeatable(&backend, (&token, "t-1"), &json!({})).await.expect_problem(409, "token_gone");
    let resume = ("DELETE", "/v1/scopes/transfer:write/pause?reason=over");
    assert_eq!(bench.ask_as(&desk, resume, None).await.status, 200);
    assert_eq!(bench.repeatable(&backend, (&token, "t-1"), &json!({})).await.text, first.text);
    bench.clock.advance_seconds(300);
    bench.repeatable(&backend, (&token, "t-1"), &json!({})).await.expect_problem(409, "token_gone");
    bench.clock.advance_seconds(3600);
    bench.act(&backend, (&opened, "token"), json!({})).await.expect_problem(422, "challenge_expired");
    bench.stop().await;
}

/// What is kept under an `Idempotency-Key` and what is told are of one moment, also where a verification ends in between.
#[tokio::test]
async fn what_is_told_and_what_is_kept_are_one_answer() {
    let bench = Bench::reviewing().await;
    let backend = bench.backend_key().await;
    let claims = claims("usr_1", "15000");
    let token = json!({ "challenge_token": bench.prelude.challenge_token(&claims).expect("signs") });
    bench.opened(&backend).await;
    let mut told = 0;
    for looks_before_the_end in 1..9 {
        bench.clock.go_on_by_seconds(0);
        bench.clock.set_unix_seconds(NOW + 3600 - looks_before_the_end);
        bench.clock.go_on_by_seconds(1);
        let repeat = format!("o-{looks_before_the_end}");
        let first = bench.repeatable(&backend, ("/v1/verifications", &repeat), &token).await;
        bench.clock.go_on_by_seconds(0);
        let again = bench.repeatable(&backend, ("/v1/verifications", &repeat), &token).await;
        // Refusals are not kept: they name each request.
        if first.status == 200 {
            assert_eq!((first.status, &first.text), (again.status, &again.text));
            told += 1;
        }
    }
    assert!(told > 2, "{told}");
    bench.stop().await;
}

#[tokio::test]
async fn an_approval_that_comes_late_opens_the_next_challenge_approved() {
    let bench = Bench::reviewing().await;
    let backend = bench.backend_key().await;
    let opened = bench.opened(&backend).await;
    bench.clock.advance_seconds(3600);
    assert_eq!(bench.see(&backend, (&opened, "")).await.json()["state"], "expired");
    let late = bench.act(&backend, (&opened, "approve"), said("it took a while")).await;
    assert_eq!((late.status, &late.json()["state"]), (200, &json!("expired")), "{}", late.text);
    assert!(late.json()["kept_until"].is_string());
    bench.act(&backend, (&opened, "token"), json!({})).await.expect_problem(409, "not_approved");

    bench.review("usr_1").await;
    let mut next = claims("usr_1", "15000");
    (next["challenge_id"], next["jti"]) = (json!("chl_2"), json!("jti-2"));
    for time in ["iat", "nbf", "exp"] {
        next[time] = json!(next[time].as_i64().expect("seconds") + 3600);
    }
    let opened = bench.open(&backend, &next).await;
    assert_eq!((opened.status, &opened.json()["state"]), (201, &json!("approved")), "{}", opened.text);
    assert_eq!(bench.act(&backend, (&opened.json(), "token"), json!({})).await.status, 201);
    bench.stop().await;
}

#[tokio::test]
async fn what_is_withdrawn_or_paused_gets_no_token() {
    let (bench, other) = Bench::reviewing().await.beside().await;
    let backend = bench.backend_key().await;
    let opened = bench.opened(&backend).await;
    bench.act(&backend, (&opened, "approve"), said("fine")).await;
    let desk = bench.key(&["desk"]).await;
    let pause = ("PUT", "/v1/scopes/transfer:write/pause");
    assert_eq!(bench.ask_as(&desk, pause, Some(said("an attack"))).await.status, 200);
    bench.act(&backend, (&opened, "token"), json!({})).await.expect_problem(409, "scope_paused");
    let resume = ("DELETE", "/v1/scopes/transfer:write/pause?reason=over");
    assert_eq!(bench.ask_as(&desk, resume, None).await.status, 200);
    let token = format!("/v1/verifications/{}/token", opened["id"].as_str().expect("an id"));
    assert_eq!(bench.repeatable(&backend, (&token, "t-1"), &json!({})).await.status, 201);
    // What this process remembers helps neither who is limited to something else nor against what another one did.
    let wish = KeyWish { roles: &["minter"], scopes: &["payout:write"], ..KeyWish::default() };
    let limited = bench.server.create_api_key(&wish).await.expect("a key");
    bench.act(&limited, (&opened, "token"), json!({})).await.expect_problem(404, "no_such_verification");
    let gone = json!({"session_id": "ses_1", "reason": "signed out everywhere"});
    let withdrawn = other.post_as(&backend, "/v1/withdrawals", &gone).await;
    assert_eq!((withdrawn.status, withdrawn.json()), (200, json!({"withdrawn": [opened["id"]]})));
    bench.act(&backend, (&opened, "token"), json!({})).await.expect_problem(409, "verification_withdrawn");
    bench.repeatable(&backend, (&token, "t-1"), &json!({})).await.expect_problem(409, "token_gone");
    let shown = bench.see(&backend, (&opened, "")).await.json();
    assert_eq!([&shown["state"], &shown["withdrawn_for"]], ["approved", "session_revoked"]);
    let both = json!({"session_id": "ses_1", "user_id": "usr_1", "reason": "x"});
    bench.post_as(&backend, "/v1/withdrawals", &both).await.expect_problem(400, "invalid_request");
    other.stop().await;
    bench.stop().await;
}

#[tokio::test]
async fn whoever_waits_is_answered_at_the_decision_in_every_process() {
    let (one, two) = Bench::reviewing().await.beside().await;
    let backend = one.backend_key().await;
    let opened = one.opened(&backend).await;
    let began = Instant::now();
    let waiting = join_all([
        one.see(&backend, (&opened, "?wait=30s&after=1")),
        two.see(&backend, (&opened, "?wait=30s")),
    ]);
    let deciding = async {
        // Both are under way once their places are taken: a third look in between shows that nothing has happened yet.
        assert_eq!(one.see(&backend, (&opened, "?wait=1s")).await.json()["version"], 1);
        one.act(&backend, (&opened, "approve"), said("fine")).await
    };
    let (seen, decided) = futures_util::future::join(waiting, deciding).await;
    for answer in seen {
        assert_eq!(answer.json(), decided.json());
    }
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(
        one.see(&backend, (&opened, "?wait=30s&after=2")).await.json()["version"],
        2,
        "final: at once"
    );
    for query in ["?wait=0s", "?wait=61s", "?wait=5", "?after=1", "?wait=5s&after=x", "?wait=5s&wait=6s"] {
        one.see(&backend, (&opened, query)).await.expect_problem(400, "invalid_request");
    }
    two.stop().await;
    one.stop().await;
}

#[tokio::test]
async fn waiters_are_bounded_and_go_when_the_server_ends() {
    let settings = [("server.waiters_max", "1")];
    let bench = Bench::with(&reviewing(STEPS), &settings).await;
    bench.review("usr_1").await;
    let backend = bench.backend_key().await;
    let opened = bench.opened(&backend).await;
    let url =
        format!("{}/v1/verifications/{}?wait=50s", bench.server.url(), opened["id"].as_str().expect("an id"));
    let (client, key) = (bench.client.clone(), backend.clone());
    // The looks below take the place, too: whoever comes while one of them has it asks again.
    let waiting = tokio::spawn(async move {
        loop {
            let answer = client.get(&url).bearer_auth(&key).send().await.expect("an answer");
            if answer.status() != 503 {
                return Answer::of(answer).await;
            }
        }
    });
    let full = crate::bench::until("the place is taken", async || {
        let answer = bench.see(&backend, (&opened, "?wait=1s")).await;
        (answer.status == 503).then_some(answer)
    });
    full.await.expect_problem(503, "too_many_waiters");
    tokio::time::timeout(Duration::from_secs(20), bench.stop()).await.expect("nobody holds it up");
    assert_eq!(waiting.await.expect("ended").json()["version"], 1);
}

#[tokio::test]
async fn time_runs_out_by_itself_and_is_told() {
    let bench = Bench::reviewing().await;
    let backend = bench.backend_key().await;
    let opened = bench.opened(&backend).await;
    bench.clock.advance_seconds(3600);
    let events = crate::bench::until("the end is noted", async || {
        let events = bench.see(&backend, (&opened, "/events")).await.json();
        (events["events"][1]["kind"] == "expired").then_some(events)
    })
    .await;
    assert_eq!(events["events"][1]["actor"], "doorstep");
    bench
        .act(&bench.person().await, (&opened, "reject"), json!({"reason": "late", "actor": "ana"}))
        .await
        .expect_problem(409, "verification_expired");
    bench.stop().await;
}

#[tokio::test]
async fn fifty_callers_at_once_make_one_decision() {
    let bench = Bench::reviewing().await;
    let backend = bench.backend_key().await;
    let opened = bench.opened(&backend).await;
    let acts = (0..50).map(|n| {
        let act = ["approve", "reject", "token"][n % 3];
        bench.act(&backend, (&opened, act), if act == "token" { json!({}) } else { said("race") })
    });
    let answers = join_all(acts).await;
    let decided = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(decided, 1);
    assert!(answers.iter().all(|answer| [200, 201, 409].contains(&answer.status)));
    let state = bench.see(&backend, (&opened, "")).await.json()["state"].clone();
    let minted = answers.iter().filter(|answer| answer.status == 201).count();
    assert!(minted <= if state == "approved" { 5 } else { 0 });
    bench.stop().await;
}
