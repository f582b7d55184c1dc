//! What the fraud desk says and what the files say, while both change.

use serde_json::json;

use crate::bench::{Answer, Bench};
use crate::files::{Files, bare_call};

const LISTED: &str = "scopes: [transfer:write]
rules:
  - { id: held, when: { user_id: { in_list: held } }, then: block }
  - { id: ordinary, when: always, then: { continue: { grant: { mode: single-use, for: 5m } } } }
otherwise: block
";

/// A server whose policy looks into a list, and a key that may do everything here.
async fn served() -> (Files, Bench, String) {
    let files = Files::with_rule("unused");
    files.write("transfer.yaml", LISTED);
    files.write("lists/held.txt", "usr_filed\n");
    let bench = files.serve("asked").await;
    let key = bench.key(&["admin", "desk", "evaluator"]).await;
    (files, bench, key)
}

impl Bench {
    async fn hold(&self, key: &str, action: &str, user: &str) {
        let body = json!({ "value": user, "reason": "case 4711" });
        let answer = self.post_as(key, &format!("/v1/lists/held/{action}"), &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }

    async fn reload(&self, key: &str) -> Answer {
        self.post_as(key, "/v1/policies/reload", &json!({})).await
    }

    async fn is_blocked(&self, user: &str) -> bool {
        self.call(&bare_call(user)).await.json()["status"] == "block"
    }
}

#[tokio::test]
async fn what_the_desk_said_holds_under_the_next_policy_too() {
    let (files, bench, key) = served().await;
    bench.hold(&key, "entries", "usr_1").await;
    bench.hold(&key, "removals", "usr_filed").await;
    let hold_of =
        async |bench: &Bench| [bench.is_blocked("usr_1").await, bench.is_blocked("usr_filed").await];
    assert_eq!(hold_of(&bench).await, [true, false]);
    files.write("transfer.yaml", &LISTED.replace("ordinary", "usual"));
    assert_eq!(bench.reload(&key).await.json()["result"], "activated");
    assert_eq!(hold_of(&bench).await, [true, false]);
    // A dry run knows what the desk said since the last call.
    bench.hold(&key, "entries", "usr_2").await;
    let dry = json!({ "scope": "transfer:write", "user_id": "usr_2" });
    assert_eq!(bench.post_as(&key, "/v1/evaluate", &dry).await.json()["rule"], "held");
    bench.stop().await;
}

#[tokio::test]
async fn a_policy_without_a_place_for_the_desks_entries_is_refused_until_they_are_taken_back() {
    let (files, bench, key) = served().await;
    bench.hold(&key, "entries", "usr_1").await;
    files.write("transfer.yaml", &LISTED.replace("in_list: held", "eq: usr_0"));
    std::fs::remove_file(files.path("lists/held.txt")).expect("removed");
    let refused = bench.reload(&key).await;
    refused.expect_problem(422, "policy_refused");
    let fault = &refused.json()["faults"][0];
    assert_eq!(fault["code"], "desk_misfit");
    assert!(fault["help"].as_str().is_some_and(|words| words.contains("list `held`, 1 entry")), "{fault}");
    assert!(!refused.text.contains("usr_1"), "{}", refused.text);
    assert!(bench.is_blocked("usr_1").await, "the policy in force stays");
    assert_eq!(bench.record.count("SELECT count(*) FROM policy_activations").await, 1);
    bench.hold(&key, "removals", "usr_1").await;
    assert_eq!(bench.reload(&key).await.json()["result"], "activated");
    assert!(!bench.is_blocked("usr_1").await);
    bench.stop().await;
}
