//! What was granted is executed once, and only as it was granted.

use doorstep::testing::KeyWish;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::bench::{Answer, Bench, claims, transfer};

const ROUTE: &str = "/v1/grants/redeem";

impl Bench {
    async fn executor(&self) -> String {
        self.key(&["executor"]).await
    }

    async fn redeem(&self, key: &str, body: &Value) -> Answer {
        self.post_as(key, ROUTE, body).await
    }

    /// Has a call decided, and expects this verdict.
    async fn decided(&self, call: &Value, verdict: &str) {
        assert_eq!(self.call(call).await.json()["status"], verdict);
    }
}

/// What the transfer of [`transfer`] is executed as.
fn execution(user: &str, amount: &str) -> Value {
    let metadata = transfer(user, amount)["metadata"].clone();
    json!({ "user_id": user, "scope": "transfer:write", "metadata": metadata })
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body["metadata"][field] = value;
    body
}

fn without(mut body: Value, field: &str) -> Value {
    body["metadata"].as_object_mut().expect("an object").remove(field);
    body
}

#[tokio::test]
async fn a_lost_answer_is_given_again_under_its_key() {
    let bench = Bench::start().await;
    let key = bench.executor().await;
    bench.decided(&transfer("usr_1", "20"), "continue").await;
    let redeem = async |body: &Value| {
        let request = bench.client.post(format!("{}{ROUTE}", bench.server.url())).bearer_auth(&key);
        Answer::of(request.header("idempotency-key", "order-1").json(body).send().await.expect("an answer"))
            .await
    };
    redeem(&execution("usr_1", "30")).await.expect_problem(409, "differs");
    let first = redeem(&execution("usr_1", "20")).await;
    bench.clock.advance_seconds(600);
    let again = redeem(&execution("usr_1", "20")).await;
    assert_eq!((first.status, again.status, &first.text), (200, 200, &again.text));
    redeem(&execution("usr_1", "30")).await.expect_problem(422, "idempotency_key_reused");
    assert_eq!(bench.record.count("SELECT count(*) FROM redemptions").await, 1);
    bench.stop().await;
}

fn detail(answer: &Answer) -> String {
    answer.json()["detail"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_continue_is_redeemed_once() {
    let bench = Bench::start().await;
    let key = bench.executor().await;
    bench.decided(&transfer("usr_1", "20"), "continue").await;
    let answer = bench.redeem(&key, &execution("usr_1", "20")).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{}", answer.text);
    let body = answer.json();
    let expected = json!({
        "decision_id": body["decision_id"], "redeemed_at": "2026-09-21T14:13:30Z", "user_id": "usr_1",
        "scope": "transfer:write", "verdict": "continue", "received_at": "2026-09-21T14:13:30Z",
        "usable_until": "2026-09-21T14:18:30Z",
    });
    assert_eq!(body, expected);
    assert_eq!(
        bench.record.count("SELECT count(*) FROM redemptions JOIN decisions ON id = decision_id").await,
        1
    );
    let id = body["decision_id"].as_str().expect("an id").to_owned();
    for _ in 0..2 {
        let again = bench.redeem(&key, &execution("usr_1", "20")).await;
        again.expect_problem(409, "already_redeemed");
        assert_eq!(detail(&again), format!("decision {id} was redeemed at 2026-09-21T14:13:30Z"));
    }
    let reader = bench.key(&["reader"]).await;
    let shown = bench.get_as(&reader, &format!("/v1/decisions/{id}")).await.json();
    assert_eq!(
        [&shown["redeemed_at"], &shown["usable_until"]],
        [&body["redeemed_at"], &body["usable_until"]]
    );
    let counted = bench.get("/metrics").await.text;
    assert!(counted.contains("doorstep_redemptions_total 1\n"), "{counted}");
    assert!(
        counted.contains(r#"doorstep_redemption_refusals_total{cause="already_redeemed"} 2"#),
        "{counted}"
    );
    bench.stop().await;
}

#[tokio::test]
async fn of_many_at_once_on_two_servers_one_gets_it() {
    let (here, there) = Bench::start().await.beside().await;
    let key = here.executor().await;
    here.decided(&transfer("usr_1", "20"), "continue").await;
    let body = execution("usr_1", "20");
    let racers = (0..64).map(|n| if n % 2 == 0 { &here } else { &there }.redeem(&key, &body));
    let statuses: Vec<_> = join_all(racers).await.into_iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 63, "{statuses:?}");
    here.stop().await;
    there.stop().await;
}

#[tokio::test]
async fn what_is_executed_is_what_was_decided() {
    let bench = Bench::start().await;
    let key = bench.executor().await;
    bench.decided(&transfer("usr_1", "20"), "continue").await;
    let own = || execution("usr_1", "20");
    let cases = [
        (execution("usr_1", "10000"), "`amount`"),
        (execution("usr_1", "20.01"), "`amount`"),
        (execution("usr_1", "2e1"), "`amount`"),
        (with(own(), "currency", json!("EUR")), "`currency`"),
        (with(own(), "payee", json!("DE89370400440532013001")), "`payee`"),
        (without(own(), "payee"), "`payee`"),
        (with(own(), "payee", json!("")), "`payee`"),
        (without(execution("usr_1", "21"), "payee"), "`amount`, `payee`"),
        (with(own(), "note", json!("x")), "`note`"),
        (json!({ "user_id": "usr_1", "scope": "transfer:write" }), "`amount`, `currency`, `payee`"),
    ];
    for (body, fields) in cases {
        let answer = bench.redeem(&key, &body).await;
        answer.expect_problem(409, "differs");
        assert_eq!(detail(&answer), format!("the verdict in force differs in {fields}"), "{body}");
    }
    for (user, scope) in [("usr_2", "transfer:write"), ("usr_1", "payout:write"), ("usr_1", "nobodys:scope")]
    {
        let mut body = execution(user, "20");
        body["scope"] = json!(scope);
        bench.redeem(&key, &body).await.expect_problem(409, "not_granted");
    }
    assert_eq!(bench.record.count("SELECT count(*) FROM redemptions").await, 0);
    // Another spelling of the same is the same.
    let spelt = with(execution("usr_1", "20.0"), "payee", json!("de89 3704 0044 0532 0130 00"));
    assert_eq!(bench.redeem(&key, &spelt).await.status, 200);
    bench.stop().await;
}

#[tokio::test]
async fn what_is_left_out_is_left_out_on_both_sides() {
    let bench = Bench::start().await;
    let key = bench.executor().await;
    bench.decided(&without(transfer("usr_1", "10.00"), "payee"), "continue").await;
    let answer = bench.redeem(&key, &execution("usr_1", "10.0")).await;
    answer.expect_problem(409, "differs");
    assert_eq!(detail(&answer), "the verdict in force differs in `payee`");
    let empty = with(execution("usr_1", "10"), "payee", json!(""));
    assert_eq!(bench.redeem(&key, &empty).await.status, 200, "empty is left out");
    bench.stop().await;
}

/// It is kept masked, and compared whole.
#[tokio::test]
async fn an_identifier_is_compared_as_it_was_sent() {
    let policy = "scopes: [number:write]
metadata:
  identifier: { type: string, max_chars: 320 }
rules:
  - id: all
    when: always
    then: { continue: { grant: { mode: single-use, for: 5m } } }
otherwise: block
";
    let bench = Bench::with(&[("number.yaml", policy)], &[]).await;
    let key = bench.executor().await;
    let mut call = transfer("usr_1", "20");
    call["scope_requested"] = json!("number:write");
    call["metadata"] = json!({ "identifier": "+33612345678" });
    bench.decided(&call, "continue").await;
    let body = |identifier: &str| json!({ "user_id": "usr_1", "scope": "number:write", "metadata": { "identifier": identifier } });
    // Masked, the two are alike.
    let other = bench.redeem(&key, &body("+33600000078")).await;
    other.expect_problem(409, "differs");
    assert_eq!(detail(&other), "the verdict in force differs in `identifier`");
    assert!(!other.text.contains("+336"), "{}", other.text);
    assert_eq!(bench.redeem(&key, &body("+33612345678")).await.status, 200);
    bench.stop().await;
}

#[tokio::test]
async fn a_grant_ends_with_its_time_and_two_equal_ones_are_two() {
    let bench = Bench::start().await;
    let key = bench.executor().await;
    for _ in 0..2 {
        bench.decided(&transfer("usr_1", "20"), "continue").await;
    }
    let body = execution("usr_1", "20");
    bench.clock.advance_seconds(299);
    let ids: Vec<_> = join_all((0..2).map(|_| bench.redeem(&key, &body)))
        .await
        .into_iter()
        .map(|answer| answer.json()["decision_id"].clone())
        .collect();
    assert!(ids.iter().all(Value::is_string) && ids[0] != ids[1], "{ids:?}");
    bench.redeem(&key, &body).await.expect_problem(409, "already_redeemed");
    bench.decided(&transfer("usr_1", "30"), "continue").await;
    bench.clock.advance_seconds(300);
    bench.redeem(&key, &execution("usr_1", "30")).await.expect_problem(409, "not_granted");
    bench.redeem(&key, &body).await.expect_problem(409, "not_granted");
    bench.stop().await;
}

#[tokio::test]
async fn a_review_is_redeemed_after_its_own_steps_are_proved() {
    let bench = Bench::start().await;
    let (key, backend) = (bench.executor().await, bench.backend_key().await);
    bench.decided(&transfer("usr_1", "15000"), "review").await;
    let body = execution("usr_1", "15000.0");
    let unproved = async || {
        let answer = bench.redeem(&key, &body).await;
        answer.expect_problem(409, "not_granted");
        assert_eq!(detail(&answer), "the review's step `kyc_review` is not proved");
    };
    let challenge = bench.prelude.challenge_token(&claims("usr_1", "15000")).expect("signs");
    unproved().await;
    let opened =
        bench.post_as(&backend, "/v1/verifications", &json!({ "challenge_token": challenge })).await.json();
    let act = async |act: &str, body: Value| {
        let path = format!("/v1/verifications/{}/{act}", opened["id"].as_str().expect("an id"));
        assert!(bench.post_as(&backend, &path, &body).await.status < 300);
    };
    unproved().await;
    act("approve", json!({ "reason": "passport seen" })).await;
    unproved().await;
    act("token", json!({})).await;
    assert_eq!(bench.redeem(&key, &body).await.json()["verdict"], "review");
    bench.redeem(&key, &body).await.expect_problem(409, "already_redeemed");
    // Prelude proves its own steps, and shows it in the access token.
    bench.decided(&transfer("usr_1", "600"), "review").await;
    assert_eq!(bench.redeem(&key, &execution("usr_1", "600")).await.status, 200);
    bench.stop().await;
}

#[tokio::test]
async fn nothing_is_redeemed_for_a_paused_scope() {
    let bench = Bench::start().await;
    let (key, desk) = (bench.executor().await, bench.key(&["desk"]).await);
    bench.decided(&transfer("usr_1", "20"), "continue").await;
    let path = "/v1/scopes/transfer:write/pause";
    let paused = bench.ask_as(&desk, ("PUT", path), Some(json!({ "reason": "attack" }))).await;
    assert_eq!(paused.status, 200, "{}", paused.text);
    bench.redeem(&key, &execution("usr_1", "20")).await.expect_problem(409, "scope_paused");
    let resumed = bench.ask_as(&desk, ("DELETE", &format!("{path}?reason=over")), None).await;
    assert_eq!(resumed.status, 200, "{}", resumed.text);
    assert_eq!(bench.redeem(&key, &execution("usr_1", "20")).await.status, 200);
    bench.stop().await;
}

#[tokio::test]
async fn only_an_executor_for_the_scope_redeems() {
    let bench = Bench::start().await;
    bench.decided(&transfer("usr_1", "20"), "continue").await;
    let body = execution("usr_1", "20");
    let others = ["opener", "minter", "voucher", "reader", "evaluator", "desk", "admin"];
    let other = bench.redeem(&bench.key(&others).await, &body).await;
    other.expect_problem(403, "missing_role");
    assert_eq!(detail(&other), "the role `executor` is needed");
    let limited = async |scope: &str| {
        let wish = KeyWish { roles: &["executor"], scopes: &[scope], ..KeyWish::default() };
        bench.server.create_api_key(&wish).await.expect("a key")
    };
    bench.redeem(&limited("payout:write").await, &body).await.expect_problem(403, "outside_key_limits");
    bench.redeem("dsk_x_y", &body).await.expect_problem(401, "invalid_api_key");
    let key = limited("transfer:write").await;
    for wrong in
        [json!({}), json!([]), json!({ "user_id": "usr_1", "scope": "transfer:write", "amount": "20" })]
    {
        bench.redeem(&key, &wrong).await.expect_problem(400, "invalid_request");
    }
    bench.get_as(&key, ROUTE).await.expect_problem(405, "method_not_allowed");
    assert_eq!(bench.redeem(&key, &body).await.status, 200);
    bench.stop().await;
}

/// A policy that came into force since does not make something else of what was decided.
#[tokio::test]
async fn a_grant_outlives_the_policy_that_gave_it() {
    let bench = Bench::start().await;
    let key = bench.executor().await;
    for amount in ["20", "30"] {
        bench.decided(&transfer("usr_1", amount), "continue").await;
    }
    let policy =
        "scopes: [other:write]\nrules: [{ id: none, when: always, then: block }]\notherwise: block\n";
    let bench = bench.restart_with(&[("other.yaml", policy)]).await;
    assert_eq!(bench.redeem(&key, &execution("usr_1", "20")).await.status, 200);
    bench.redeem(&key, &execution("usr_1", "30.01")).await.expect_problem(409, "differs");
    bench.stop().await;
}

/// The files of a directory of policies that comes along.
fn shipped(directory: &str) -> Vec<(String, String)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let mut files = Vec::new();
    for (below, ending) in [("", "yaml"), ("lists", "txt")] {
        let entries = std::fs::read_dir(root.join(below)).expect("a directory");
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            if path.extension().is_some_and(|own| own == ending) {
                let name = path.strip_prefix(&root).expect("below it").to_str().expect("a name").to_owned();
                files.push((name, std::fs::read_to_string(path).expect("a file")));
            }
        }
    }
    files
}

/// Has `usr_1`'s identity check turned down in this challenge.
async fn turned_down(bench: &Bench, key: &str, challenge: &str) {
    let body = json!({
        "user_id": "usr_1", "challenge_id": challenge, "step_key": "kyc_review", "scope": "transfer:write",
    });
    let opened = bench.post_as(key, "/v1/verifications", &body).await;
    assert_eq!(opened.status, 201, "{}", opened.text);
    let path = format!("/v1/verifications/{}/reject", opened.json()["id"].as_str().expect("an id"));
    assert_eq!(bench.post_as(key, &path, &json!({ "reason": "another face" })).await.status, 200);
}

/// Trust grows by what is executed, and by nothing else.
#[tokio::test]
async fn a_bank_knows_payees_that_were_paid_and_counts_since_the_last_check() {
    let files = shipped("examples/bank");
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let (here, there) = Bench::with(&files, &[]).await.beside().await;
    let key = here.executor().await;
    let of_20 = with(transfer("usr_1", "20"), "currency", json!("EUR"));
    let executed = with(execution("usr_1", "20.00"), "currency", json!("EUR"));
    for bench in [&here, &there] {
        bench.decided(&of_20, "review").await;
        here.clock.advance_seconds(1);
    }
    assert_eq!(there.redeem(&key, &executed).await.json()["verdict"], "review");
    here.clock.advance_seconds(1);
    // Paid before: nothing to prove, five times and up to 100 EUR.
    for n in 0..4 {
        here.decided(&of_20, "continue").await;
        assert_eq!(there.redeem(&key, &executed).await.json()["verdict"], "continue", "{n}");
        here.clock.advance_seconds(1);
    }
    here.decided(&of_20, "review").await;
    // The second review of the beginning can be executed no more, and is no exposure any longer.
    here.clock.advance_seconds(3601);
    there.decided(&of_20, "continue").await;
    let large = with(transfer("usr_1", "10000"), "currency", json!("EUR"));
    let wish = KeyWish {
        roles: &["opener", "voucher", "approver"],
        approves_as: Some("backend"),
        ..KeyWish::default()
    };
    let backend = here.server.create_api_key(&wish).await.expect("a key");
    for challenge in ["chl_1", "chl_2", "chl_3"] {
        there.decided(&large, "review").await;
        turned_down(&here, &backend, challenge).await;
    }
    there.decided(&large, "block").await;
    here.decided(&of_20, "block").await;
    there.decided(&with(transfer("usr_2", "20"), "currency", json!("EUR")), "review").await;
    here.stop().await;
    there.stop().await;
}
