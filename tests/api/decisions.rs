//! What was decided can be found again, and why it was decided so.

use doorstep::testing::KeyWish;
use serde_json::{Value, json};

use crate::bench::{Bench, NOW, transfer};

impl Bench {
    async fn reader_key(&self) -> String {
        let wish = KeyWish { roles: &["reader"], ..KeyWish::default() };
        self.server.create_api_key(&wish).await.expect("a key")
    }

    /// The decisions that a list shows, and the way to the next page.
    async fn list(&self, key: &str, filters: &str) -> (Vec<Value>, Option<String>) {
        let answer = self.get_as(key, &format!("/v1/decisions?{filters}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let body = answer.json();
        let decisions = body.get("decisions").and_then(Value::as_array).expect("decisions").clone();
        (decisions, body.get("next_cursor").and_then(Value::as_str).map(str::to_owned))
    }
}

fn member<'v>(value: &'v Value, path: &str) -> &'v Value {
    value.pointer(path).unwrap_or_else(|| panic!("no {path} in {value}"))
}

fn users(decisions: &[Value]) -> Vec<&str> {
    decisions.iter().map(|decision| member(decision, "/user_id").as_str().expect("a text")).collect()
}

/// A transfer from a network that the shipped policy blocks.
fn blocked(user: &str) -> Value {
    let mut body = transfer(user, "20");
    *body.pointer_mut("/signals/ip").expect("an address") = json!("198.51.100.7");
    body
}

#[tokio::test]
async fn a_decision_is_shown_with_every_condition_until_the_match() {
    let bench = Bench::start().await;
    let key = bench.reader_key().await;
    let answer = bench.call(&transfer("usr_1", "15000")).await;
    let (decisions, next) = bench.list(&key, "").await;
    assert_eq!((decisions.len(), next), (1, None));
    let listed = decisions.first().expect("a decision");
    let id = member(listed, "/id").as_str().expect("an id");
    let shown = bench.get_as(&key, &format!("/v1/decisions/{id}")).await;
    assert_eq!((shown.status, shown.header("cache-control")), (200, Some("no-store")), "{}", shown.text);
    let shown = shown.json();
    for (name, value) in listed.as_object().expect("an object") {
        assert_eq!(Some(value), shown.get(name), "{name}");
    }
    assert_eq!(member(&shown, "/answer"), &answer.json());
    assert_eq!(member(&shown, "/steps"), &json!(["verify_sms", "kyc_review"]));
    assert_eq!(member(&shown, "/received_at"), "2026-09-21T14:13:30Z");
    assert_eq!(member(&shown, "/metadata/amount"), "15000");
    assert_eq!(member(&shown, "/context/ip"), "203.0.113.0/24");
    let expected = json!([
        { "id": "frozen", "file": "always.yaml", "line": 8, "held": false, "active": true, "observes": false, "when": {
            "kind": "test", "field": "user_id", "asks": "{ in_list: frozen-users }", "saw": "usr_1", "held": false } },
        { "id": "blocked-network", "file": "transfer.yaml", "line": 23, "held": false, "active": true, "observes": false, "when": {
            "kind": "test", "field": "signals.ip", "asks": "{ in_list: blocked-networks }",
            "saw": "203.0.113.0/24", "held": false } },
        { "id": "large", "file": "transfer.yaml", "line": 30, "held": true, "active": true, "observes": false, "when": {
            "kind": "test", "field": "money.value", "asks": "{ gte: [10000 USD, 9000 EUR, 8000 GBP] }",
            "saw": "15000 USD", "held": true } },
    ]);
    assert_eq!(member(&shown, "/explanation/rules"), &expected);
    bench.stop().await;
}

#[tokio::test]
async fn a_decision_is_explained_by_the_policy_of_its_day() {
    let bench = Bench::start().await;
    let key = bench.reader_key().await;
    bench.call(&blocked("usr_1")).await;
    let now = "scopes: [transfer:write]\nrules: [{ id: all, when: always, then: block }]\notherwise: block\n";
    let bench = bench.restart_with(&[("transfer.yaml", now)]).await;
    bench.clock.advance_seconds(1);
    bench
        .call(&json!({
            "scope_requested": "transfer:write", "user_id": "usr_2", "identifiers": [],
            "signals": {"user_agent": "", "platform": "WEB", "ip": "203.0.113.42"}, "metadata": {},
        }))
        .await;
    let (decisions, _) = bench.list(&key, "").await;
    let rules: Vec<_> = decisions.iter().map(|decision| member(decision, "/rule")).collect();
    assert_eq!(rules, ["all", "blocked-network"]);
    let old = decisions.last().expect("two decisions");
    assert_eq!(member(old, "/message"), "Transfers are not possible from this network.");
    let id = member(old, "/id").as_str().expect("an id");
    let shown = bench.get_as(&key, &format!("/v1/decisions/{id}")).await.json();
    assert_eq!(member(&shown, "/explanation/rules/1/when/saw"), "198.51.100.0/24");
    assert_eq!(member(&shown, "/explanation/message"), member(old, "/message"));
    bench.stop().await;
}

#[tokio::test]
async fn lists_are_filtered_and_paged_newest_first() {
    let bench = Bench::start().await;
    let key = bench.reader_key().await;
    for body in [
        transfer("usr_1", "20"),
        blocked("usr_2"),
        transfer("usr_1", "60"),
        transfer("usr_3", "15000"),
        transfer("usr_1", "1e4"),
    ] {
        bench.call(&body).await;
        bench.clock.advance_seconds(1);
    }
    let at = |seconds: i64| format!("2026-09-21T14:13:{:02}Z", NOW - 1_790_000_000 + 20 + seconds);
    let cases = [
        (String::new(), vec!["usr_1", "usr_3", "usr_1", "usr_2", "usr_1"]),
        ("user_id=usr_1".to_owned(), vec!["usr_1"; 3]),
        ("user_id=usr_1&limit=1".to_owned(), vec!["usr_1"]),
        ("verdict=block".to_owned(), vec!["usr_1", "usr_2"]),
        ("rule=small&user_id=usr_1".to_owned(), vec!["usr_1"]),
        ("scope=transfer:write&rule=large".to_owned(), vec!["usr_3"]),
        ("scope=transfer:read".to_owned(), vec![]),
        (format!("from={}", at(3)), vec!["usr_1", "usr_3"]),
        (format!("to={}", at(2)), vec!["usr_2", "usr_1"]),
        (format!("from={}&to={}", at(1), at(2)), vec!["usr_2"]),
    ];
    for (filters, expected) in cases {
        assert_eq!(users(&bench.list(&key, &filters).await.0), expected, "{filters}");
    }
    let (first, next) = bench.list(&key, "limit=2").await;
    let (second, more) = bench.list(&key, &format!("limit=2&cursor={}", next.expect("a next page"))).await;
    let (third, end) = bench.list(&key, &format!("limit=2&cursor={}", more.expect("a next page"))).await;
    assert_eq!(
        [users(&first), users(&second), users(&third)],
        [vec!["usr_1", "usr_3"], vec!["usr_1", "usr_2"], vec!["usr_1"]]
    );
    assert_eq!(end, None);
    bench.stop().await;
}

#[tokio::test]
async fn only_readers_see_decisions_and_only_those_of_their_scopes() {
    let bench = Bench::start().await;
    bench.call(&transfer("usr_1", "20")).await;
    let key = bench.reader_key().await;
    let (decisions, _) = bench.list(&key, "").await;
    let id = member(decisions.first().expect("a decision"), "/id").as_str().expect("an id");
    let path = format!("/v1/decisions/{id}");
    bench.get("/v1/decisions").await.expect_problem(401, "invalid_api_key");
    bench.get(&path).await.expect_problem(401, "invalid_api_key");
    let backend = bench.backend_key().await;
    bench.get_as(&backend, "/v1/decisions").await.expect_problem(403, "missing_role");
    bench.get_as(&backend, &path).await.expect_problem(403, "missing_role");
    let wish = KeyWish { roles: &["reader"], scopes: &["payout:write"], ..KeyWish::default() };
    let elsewhere = bench.server.create_api_key(&wish).await.expect("a key");
    assert_eq!(bench.list(&elsewhere, "").await, (vec![], None));
    bench
        .get_as(&elsewhere, "/v1/decisions?scope=transfer:write")
        .await
        .expect_problem(403, "outside_key_limits");
    for path in
        [path.as_str(), "/v1/decisions/0198b5a0-0000-7000-8000-000000000000", "/v1/decisions/nonsense"]
    {
        bench.get_as(&elsewhere, path).await.expect_problem(404, "no_such_decision");
    }
    for filters in [
        "limit=0",
        "limit=201",
        "limit=x",
        "verdict=maybe",
        "from=today",
        "cursor=x",
        "user=usr_1",
        "rule=",
        "rule=a&rule=b",
    ] {
        bench.get_as(&key, &format!("/v1/decisions?{filters}")).await.expect_problem(400, "invalid_request");
    }
    bench.stop().await;
}
