//! What happened outside is reported, and policies count it from the next call on.

use doorstep::testing::KeyWish;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::bench::{Answer, Bench, transfer};

const ROUTE: &str = "/v1/facts";

/// Nothing leaves for four hours after the e-mail address was changed, nor after a second chargeback in a year.
const POLICY: &str = "scopes: [transfer:write]
metadata:
  amount: { type: decimal, max_scale: 2 }
  currency: { type: string, optional: true }
  payee: { type: string, optional: true }
rules:
  - id: new-address
    when: { history: { count: fact.email_changed, over: 4h, gt: 0 } }
    then: block
  - id: chargebacks
    when: { history: { count: fact.chargeback, by: user, over: 365d, gt: 1 } }
    then: block
  - id: ordinary
    when: always
    then: { continue: { grant: { mode: single-use, for: 5m } } }
otherwise: block
";

impl Bench {
    async fn report(&self, key: &str, body: &Value) -> Answer {
        self.post_as(key, ROUTE, body).await
    }

    async fn verdict_for(&self, user: &str) -> String {
        let answer = self.call(&transfer(user, "20")).await;
        answer.json()["status"].as_str().unwrap_or_else(|| panic!("{}", answer.text)).to_owned()
    }
}

async fn with_policy() -> Bench {
    Bench::with(&[("transfer.yaml", POLICY)], &[]).await
}

fn fact(user: &str, kind: &str) -> Value {
    json!({ "user_id": user, "kind": kind })
}

fn detail(answer: &Answer) -> String {
    answer.json()["detail"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_fact_is_counted_from_the_next_call_on_in_every_process() {
    let (here, there) = with_policy().await.beside().await;
    let key = here.key(&["facts"]).await;
    for n in 0..8 {
        let user = format!("usr_{n}");
        let (one, other) = if n % 2 == 0 { (&here, &there) } else { (&there, &here) };
        assert_eq!(
            (one.verdict_for(&user).await, other.verdict_for(&user).await),
            ("continue".into(), "continue".into())
        );
        let answer = one.report(&key, &fact(&user, "email_changed")).await;
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (201, Some("no-store")),
            "{}",
            answer.text
        );
        let calls = (0..4).map(|n| if n % 2 == 0 { other } else { one }.verdict_for(&user));
        assert_eq!(join_all(calls).await, ["block"; 4], "{user}");
    }
    assert_eq!(here.verdict_for("usr_x").await, "continue", "another user's");
    here.clock.advance_seconds(4 * 3600);
    assert_eq!(there.verdict_for("usr_1").await, "block", "both ends of the window are within it");
    here.clock.advance_seconds(1);
    assert_eq!(there.verdict_for("usr_1").await, "continue");
    here.stop().await;
    there.stop().await;
}

#[tokio::test]
async fn it_is_told_as_it_was_recorded_and_counted_when_it_happened() {
    let bench = with_policy().await;
    let key = bench.key(&["facts"]).await;
    let now = bench.report(&key, &fact("usr_1", "chargeback")).await;
    let expected = json!({
        "user_id": "usr_1", "kind": "chargeback", "at": "2026-09-21T14:13:30Z", "id": null,
        "recorded_at": "2026-09-21T14:13:30Z",
    });
    assert_eq!((now.status, now.json()), (201, expected));
    assert_eq!(bench.verdict_for("usr_1").await, "continue", "one is not two");
    let dated = |at: &str| json!({ "user_id": "usr_1", "kind": "chargeback", "at": at });
    let old = bench.report(&key, &dated("2025-09-21T15:13:29+01:00")).await;
    assert_eq!((old.status, &old.json()["at"]), (201, &json!("2025-09-21T14:13:29Z")), "{}", old.text);
    assert_eq!(bench.verdict_for("usr_1").await, "continue", "more than 365 days ago");
    assert_eq!(bench.report(&key, &dated("2025-09-21T14:13:30Z")).await.status, 201);
    assert_eq!(bench.verdict_for("usr_1").await, "block");
    assert_eq!(bench.report(&key, &dated("2026-09-21T14:14:30Z")).await.status, 201, "a clock that is ahead");
    assert_eq!(bench.record.count("SELECT count(*) FROM facts").await, 4);
    let counted = bench.get("/metrics").await.text;
    assert!(counted.contains("doorstep_facts_total 4\n"), "{counted}");
    bench.stop().await;
}

#[tokio::test]
async fn what_cannot_have_happened_is_refused() {
    let bench = with_policy().await;
    let key = bench.key(&["facts"]).await;
    for (at, why) in [
        ("2026-09-21T14:14:30.000001Z", "`at` is more than 60 s ahead of the clock here"),
        ("2025-08-17T14:13:29Z", "`at` is more than 400 days ago: no policy can ask for it"),
    ] {
        let answer =
            bench.report(&key, &json!({ "user_id": "usr_1", "kind": "email_changed", "at": at })).await;
        answer.expect_problem(422, "invalid_moment");
        assert_eq!(detail(&answer), why);
    }
    for (body, why) in [
        (fact("usr_1", "e-mail changed"), "`kind` is not a valid value of that field"),
        (fact("usr_1", ""), "`kind` is not a valid value of that field"),
        (fact("", "email_changed"), "`user_id` is not a valid value of that field"),
        (
            json!({ "user_id": "usr_1", "kind": "email_changed", "at": "yesterday" }),
            "`at` is not a valid value of that field",
        ),
        (
            json!({ "user_id": "usr_1", "kind": "email_changed", "id": "" }),
            "`id` is not a valid value of that field",
        ),
    ] {
        let answer = bench.report(&key, &body).await;
        answer.expect_problem(400, "invalid_request");
        assert_eq!(detail(&answer), why);
    }
    for body in
        [json!([]), json!({ "user_id": "usr_1" }), json!({ "user_id": "usr_1", "kind": "k", "note": "n" })]
    {
        bench.report(&key, &body).await.expect_problem(400, "invalid_request");
    }
    assert_eq!(bench.record.count("SELECT count(*) FROM facts").await, 0);
    assert_eq!(bench.verdict_for("usr_1").await, "continue");
    let counted = bench.get("/metrics").await.text;
    assert!(counted.contains(r#"doorstep_fact_refusals_total{cause="invalid_moment"} 2"#), "{counted}");
    bench.stop().await;
}

/// By a name of its own for good; by `Idempotency-Key` for a day, byte for byte.
#[tokio::test]
async fn what_is_reported_again_counts_once() {
    let (here, there) = with_policy().await.beside().await;
    let key = here.key(&["facts"]).await;
    let named = json!({ "user_id": "usr_1", "kind": "chargeback", "id": "cb-77" });
    let named_first = here.report(&key, &named).await;
    let again = there.report(&key, &named).await;
    assert_eq!((named_first.status, again.status, &named_first.text), (201, 200, &again.text));
    let mut other = named.clone();
    other["at"] = json!("2026-09-21T14:13:31Z");
    there.report(&key, &other).await.expect_problem(409, "other_fact");
    assert_eq!(here.verdict_for("usr_1").await, "continue", "one chargeback");
    let keyed = async |bench: &Bench, body: &Value| {
        let request = bench.client.post(format!("{}{ROUTE}", bench.server.url())).bearer_auth(&key);
        Answer::of(request.header("idempotency-key", "k-1").json(body).send().await.expect("an answer")).await
    };
    let body = fact("usr_2", "chargeback");
    let first = keyed(&here, &body).await;
    here.clock.advance_seconds(600);
    let again = keyed(&there, &body).await;
    assert_eq!((first.status, again.status, &first.text), (201, 201, &again.text));
    keyed(&here, &fact("usr_3", "chargeback")).await.expect_problem(422, "idempotency_key_reused");
    assert_eq!(here.record.count("SELECT count(*) FROM facts").await, 2);
    assert_eq!(here.verdict_for("usr_2").await, "continue", "one chargeback");
    assert_eq!(here.report(&key, &body).await.status, 201);
    assert_eq!(there.verdict_for("usr_2").await, "block", "without either it is another");
    here.clock.advance_seconds(90_000);
    assert_eq!(there.report(&key, &named).await.text, named_first.text, "a name is for good");
    assert_eq!(keyed(&here, &body).await.json()["recorded_at"], "2026-09-22T15:23:30Z", "a key is for a day");
    here.stop().await;
    there.stop().await;
}

#[tokio::test]
async fn only_a_key_with_the_role_and_without_limits_reports() {
    let bench = with_policy().await;
    let body = fact("usr_1", "email_changed");
    let others =
        ["opener", "approver", "minter", "voucher", "executor", "reader", "evaluator", "desk", "admin"];
    let wish = KeyWish { roles: &others, approves_as: Some("backend"), ..KeyWish::default() };
    let other = bench.server.create_api_key(&wish).await.expect("a key");
    let refused = bench.report(&other, &body).await;
    refused.expect_problem(403, "missing_role");
    assert_eq!(detail(&refused), "the role `facts` is needed");
    let of_a_scope = KeyWish { roles: &["facts"], scopes: &["transfer:write"], ..KeyWish::default() };
    let of_a_step = KeyWish { roles: &["facts"], steps: &["kyc_review"], ..KeyWish::default() };
    for wish in [of_a_scope, of_a_step] {
        let limited = bench.server.create_api_key(&wish).await.expect("a key");
        bench.report(&limited, &body).await.expect_problem(403, "outside_key_limits");
    }
    bench.report("dsk_x_y", &body).await.expect_problem(401, "invalid_api_key");
    let key = bench.key(&["facts"]).await;
    bench.get_as(&key, ROUTE).await.expect_problem(405, "method_not_allowed");
    bench.get_as(&key, "/v1/decisions").await.expect_problem(403, "missing_role");
    assert_eq!(bench.verdict_for("usr_1").await, "continue", "none of them was recorded");
    assert_eq!(bench.report(&key, &body).await.status, 201);
    assert_eq!(bench.verdict_for("usr_1").await, "block");
    bench.stop().await;
}

/// A policy that comes later counts what was recorded when nobody asked for it.
#[tokio::test]
async fn a_fact_is_kept_before_a_policy_asks_for_it() {
    let bench = Bench::start().await;
    let key = bench.key(&["facts"]).await;
    assert_eq!(bench.report(&key, &fact("usr_1", "email_changed")).await.status, 201);
    assert_eq!(bench.verdict_for("usr_1").await, "continue");
    let bench = bench.restart_with(&[("transfer.yaml", POLICY)]).await;
    assert_eq!(
        (bench.verdict_for("usr_1").await, bench.verdict_for("usr_2").await),
        ("block".into(), "continue".into())
    );
    bench.stop().await;
}

/// What a rule saw of facts is recorded and shown, and a dry run sees the same.
#[tokio::test]
async fn what_was_seen_of_facts_is_told() {
    let bench = with_policy().await;
    let key = bench.key(&["facts", "reader", "evaluator"]).await;
    assert_eq!(bench.report(&key, &fact("usr_1", "email_changed")).await.status, 201);
    let request = json!({
        "scope": "transfer:write", "user_id": "usr_1", "metadata": { "amount": "20" },
    });
    let dry = bench.post_as(&key, "/v1/evaluate", &request).await.json();
    assert_eq!((&dry["verdict"], &dry["rule"]), (&"block".into(), &"new-address".into()), "{dry}");
    assert_eq!(bench.verdict_for("usr_1").await, "block");
    let list = bench.get_as(&key, "/v1/decisions?limit=1").await.json();
    let id = list["decisions"][0]["id"].as_str().expect("an id").to_owned();
    let kept = bench.get_as(&key, &format!("/v1/decisions/{id}")).await;
    assert_eq!(kept.json()["rule"], "new-address");
    assert!(kept.text.contains("facts email_changed by user over 4h"), "{}", kept.text);
    bench.stop().await;
}
