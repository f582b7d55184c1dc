//! Who looked at what is recorded before it is shown.

use serde_json::{Value, json};

use crate::bench::{Bench, transfer};

fn key_id(key: &str) -> String {
    format!("api:{}", key.split('_').nth(1).expect("an id"))
}

impl Bench {
    /// The accesses that a list shows: who, what and whom it concerns.
    async fn accesses(&self, admin: &str, filters: &str) -> Vec<[String; 3]> {
        let answer = self.get_as(admin, &format!("/v1/accesses{filters}")).await;
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (200, Some("no-store")),
            "{}",
            answer.text
        );
        let word = |own: &Value, name: &str| own[name].as_str().unwrap_or("-").to_owned();
        let rows = answer.json()["accesses"].as_array().expect("a list").clone();
        rows.iter().map(|own| ["actor", "action", "subject"].map(|name| word(own, name))).collect()
    }
}

#[tokio::test]
async fn every_look_leaves_one_row() {
    let bench = Bench::start().await;
    let (reader, admin) = (bench.key(&["reader", "evaluator"]).await, bench.key(&["admin"]).await);
    bench.call(&transfer("usr_1", "20")).await;
    let list = bench.get_as(&reader, "/v1/decisions").await.json();
    let id = list["decisions"][0]["id"].as_str().expect("an id").to_owned();
    bench.get_as(&reader, &format!("/v1/decisions/{id}")).await;
    bench.get_as(&reader, "/v1/decisions?user_id=usr_1").await;
    bench.post_as(&reader, "/v1/evaluate", &json!({ "scope": "transfer:write", "user_id": "usr_1" })).await;
    bench.get_as(&reader, "/v1/policies").await;
    // Who is not let in sees nothing, so there is nothing to record.
    bench.get_as(&admin, "/v1/decisions").await.expect_problem(403, "missing_role");
    bench.get_as(&reader, "/v1/decisions/nonsense").await.expect_problem(404, "no_such_decision");
    bench.get_as(&reader, "/v1/accesses").await.expect_problem(403, "missing_role");
    bench.get("/v1/accesses").await.expect_problem(401, "invalid_api_key");
    let rows = bench.accesses(&admin, "").await;
    let user = rows[2][2].clone();
    assert!(user.strip_prefix("user:").is_some_and(|hex| hex.len() == 32), "{user}");
    let own = key_id(&reader);
    let expected = [
        [&*key_id(&admin), "accesses.list", "-"],
        [&*own, "policies.read", "-"],
        [&*own, "evaluate", &*user],
        [&*own, "decisions.list", &*user],
        [&*own, "decisions.read", &*id],
        [&*own, "decisions.list", "-"],
    ];
    assert_eq!(rows, expected);
    assert_eq!(bench.record.count("SELECT count(*) FROM accesses WHERE subject LIKE '%usr_1%'").await, 0);
    bench.stop().await;
}

#[tokio::test]
async fn the_record_is_searched_and_paged() {
    let bench = Bench::start().await;
    let (evaluator, admin) = (bench.key(&["evaluator"]).await, bench.key(&["admin"]).await);
    for user in ["usr_1", "usr_2", "usr_1", "usr_3"] {
        bench.post_as(&evaluator, "/v1/evaluate", &json!({ "scope": "a:b", "user_id": user })).await;
    }
    let of_one = bench.accesses(&admin, "?user_id=usr_1").await;
    let actions: Vec<_> = of_one.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(actions, ["accesses.list", "evaluate", "evaluate"]);
    let subject = of_one[1][2].clone();
    assert_eq!(bench.accesses(&admin, &format!("?subject={subject}")).await.len(), 4);
    let page = bench.get_as(&admin, "/v1/accesses?limit=2").await.json();
    let cursor = page["next_cursor"].as_str().expect("a next page").to_owned();
    let next = bench.accesses(&admin, &format!("?limit=200&cursor={cursor}")).await;
    assert_eq!(next.len(), 5, "two were on the first page, the newest came after it");
    for wrong in ["?limit=0", "?cursor=x", "?user_id=", "?user_id=a&subject=b", "?who=me"] {
        bench.get_as(&admin, &format!("/v1/accesses{wrong}")).await.expect_problem(400, "invalid_request");
    }
    bench.stop().await;
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_shown() {
    let bench = Bench::start().await;
    bench.call(&transfer("usr_1", "20")).await;
    let key = bench.key(&["reader", "evaluator", "admin"]).await;
    let list = bench.get_as(&key, "/v1/decisions").await.json();
    let id = list["decisions"][0]["id"].as_str().expect("an id").to_owned();
    bench.record.keep_out("accesses").await;
    for path in [
        "/v1/decisions",
        &format!("/v1/decisions/{id}"),
        "/v1/policies",
        "/v1/accesses",
        "/v1/policies/activations",
    ] {
        bench.get_as(&key, path).await.expect_problem(503, "store_unavailable");
    }
    let dry = bench.post_as(&key, "/v1/evaluate", &json!({ "scope": "transfer:write" })).await;
    dry.expect_problem(503, "store_unavailable");
    assert_eq!(bench.call(&transfer("usr_2", "20")).await.status, 200, "calls go on");
    bench.stop().await;
}
