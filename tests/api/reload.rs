//! Policy files are read again while calls go on.

use serde_json::{Value, json};

use crate::bench::{Bench, NOW, until};
use crate::files::{Files, bare_call, one_rule};

const FAULTY: &str =
    "scopes: [transfer:write]\nrules: [{ id: a, when: allways, then: blok }]\notherwise: block\n";

#[tokio::test]
async fn whatever_changes_a_file_is_noticed() {
    let files = Files::with_rule("first");
    let bench = files.serve("watched").await;
    let key = bench.key(&["evaluator"]).await;
    bench.until_rule(&key, Some("first")).await;
    files.write("transfer.yaml", &one_rule("transfer:write", "edited"));
    bench.until_rule(&key, Some("edited")).await;
    files.replace("transfer.yaml", &one_rule("transfer:write", "placed"));
    bench.until_rule(&key, Some("placed")).await;
    files.write("payout.yaml", &one_rule("payout:write", "added"));
    until("payout.yaml is added", async || bench.rule_for(&key, "payout:write").await).await;
    files.rename("transfer.yaml", "transfer.off");
    bench.until_rule(&key, None).await;
    files.rename("transfer.off", "transfers.yaml");
    bench.until_rule(&key, Some("placed")).await;
    std::fs::remove_file(files.path("transfers.yaml")).expect("removed");
    bench.until_rule(&key, None).await;
    let by_watch =
        bench.record.count("SELECT count(*) FROM policy_activations WHERE trigger = 'watch'").await;
    assert_eq!(by_watch, 6, "each once");
    assert_eq!(bench.metric("doorstep_policy_reloads_total{result=\"activated\"}").await, "6");
    bench.stop().await;
}

#[tokio::test]
async fn a_config_map_is_swapped_as_a_whole() {
    let files = Files::with_rule("unused");
    files.write("mount/..2026_1/transfer.yaml", &one_rule("transfer:write", "first"));
    files.write("mount/..2026_2/transfer.yaml", &one_rule("transfer:write", "other"));
    files.link("mount/..data", "..2026_1");
    files.link("mount/transfer.yaml", "..data/transfer.yaml");
    let bench = files.serve_in("mount", "watched").await;
    let key = bench.key(&["evaluator"]).await;
    bench.until_rule(&key, Some("first")).await;
    files.link("mount/..data", "..2026_2");
    bench.until_rule(&key, Some("other")).await;
    bench.stop().await;
}

#[tokio::test]
async fn a_directory_that_is_a_link_is_swapped_as_a_whole() {
    let files = Files::with_rule("unused");
    files.write("1/transfer.yaml", &one_rule("transfer:write", "first"));
    files.write("2/transfer.yaml", &one_rule("transfer:write", "other"));
    files.link("now", "1");
    let bench = files.serve_in("now", "watched").await;
    let key = bench.key(&["evaluator"]).await;
    files.link("now", "2");
    bench.until_rule(&key, Some("other")).await;
    bench.stop().await;
}

#[tokio::test]
async fn a_bad_bundle_changes_nothing_and_is_told_everywhere() {
    let files = Files::with_rule("good");
    let bench = files.serve("watched").await;
    let key = bench.key(&["evaluator", "reader"]).await;
    let before = bench.policies(&key).await;
    assert_eq!(
        (&before["reload"], &before["last_attempt"]["result"]),
        (&json!("watched"), &json!("activated"))
    );
    files.write("transfer.yaml", FAULTY);
    let ready = until("the fault is told", async || {
        let ready = bench.get("/readyz").await;
        (ready.json()["warnings"] != json!([])).then_some(ready)
    })
    .await;
    assert_eq!((ready.status, &ready.json()["status"]), (200, &json!("degraded")), "{}", ready.text);
    assert_eq!(ready.json()["warnings"][0]["code"], "policy_reload_failed");
    assert_eq!(bench.metric("doorstep_policy_reload_failed").await, "1");
    assert_eq!(bench.call(&bare_call("usr_1")).await.status, 200);
    assert_eq!(bench.record.text("SELECT rule FROM decisions").await, "good");
    let shown = bench.policies(&key).await;
    assert_eq!(shown["in_force"], before["in_force"]);
    let attempt = &shown["last_attempt"];
    assert_eq!((&attempt["trigger"], &attempt["result"]), (&json!("watch"), &json!("refused")));
    assert_eq!((&attempt["bundle"], &attempt["fault_count"]), (&before["in_force"]["bundle"], &json!(2)));
    let fault = &attempt["faults"][1];
    let place = (&fault["code"], &fault["file"], &fault["line"], &fault["column"]);
    assert_eq!(place, (&json!("unknown_value"), &json!("transfer.yaml"), &json!(2), &json!(39)), "{fault}");
    assert!(fault["message"].is_string() && fault["help"].is_string(), "{fault}");
    assert!(fault.get("source_line").is_none(), "{fault}");
    files.write("transfer.yaml", &one_rule("transfer:write", "mended"));
    bench.until_rule(&key, Some("mended")).await;
    bench.until_ready().await;
    assert_eq!(bench.metric("doorstep_policy_reload_failed").await, "0");
    assert_eq!(bench.policies(&key).await["last_attempt"]["faults"], json!([]));
    bench.stop().await;
}

#[tokio::test]
async fn files_that_are_put_back_end_the_warning_without_an_activation() {
    let files = Files::with_rule("good");
    let bench = files.serve("watched").await;
    let reader = bench.key(&["reader"]).await;
    files.write("transfer.yaml", FAULTY);
    let result = async || bench.policies(&reader).await["last_attempt"]["result"].clone();
    until("the fault is told", async || (result().await == "refused").then_some(())).await;
    files.write("transfer.yaml", &one_rule("transfer:write", "good"));
    until("the files are read again", async || (result().await == "unchanged").then_some(())).await;
    bench.until_ready().await;
    assert_eq!(bench.record.count("SELECT count(*) FROM policy_activations").await, 1);
    bench.stop().await;
}

#[tokio::test]
async fn somebody_with_the_role_can_have_the_files_read_at_once() {
    let files = Files::with_rule("first");
    let bench = files.serve("asked").await;
    let admin = bench.key(&["admin"]).await;
    let reload = async || bench.post_as(&admin, "/v1/policies/reload", &json!({})).await;
    let unchanged = reload().await;
    assert_eq!((unchanged.status, unchanged.header("cache-control")), (200, Some("no-store")));
    assert_eq!(unchanged.json()["result"], "unchanged");
    files.write("transfer.yaml", &one_rule("transfer:write", "second"));
    let activated = reload().await.json();
    assert_eq!(
        (&activated["result"], &activated["changes"]["rules"][0]["added"]),
        (&json!("activated"), &json!(["second"]))
    );
    let shown = bench.policies(&admin).await;
    assert_eq!((&shown["reload"], &shown["in_force"]["bundle"]), (&json!("asked"), &activated["bundle"]));
    assert_eq!((&shown["in_force"]["trigger"], &shown["last_attempt"]), (&activated["trigger"], &activated));
    assert!(activated["trigger"].as_str().is_some_and(|trigger| trigger.starts_with("api:")));
    assert_eq!((&shown["in_force"]["files"], &shown["in_force"]["rules"]), (&json!(1), &json!(1)));
    files.write("transfer.yaml", FAULTY);
    let refused = reload().await;
    refused.expect_problem(422, "policy_refused");
    assert_eq!(
        (&refused.json()["fault_count"], &refused.json()["faults"][0]["line"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(bench.policies(&admin).await["in_force"], shown["in_force"]);
    let reader = bench.key(&["reader"]).await;
    bench.post_as(&reader, "/v1/policies/reload", &json!({})).await.expect_problem(403, "missing_role");
    bench.post_as("dsk_x_y", "/v1/policies/reload", &json!({})).await.expect_problem(401, "invalid_api_key");
    let backend = bench.backend_key().await;
    for path in ["/v1/policies", "/v1/policies/activations"] {
        bench.get(path).await.expect_problem(401, "invalid_api_key");
        bench.get_as(&backend, path).await.expect_problem(403, "missing_role");
        assert_eq!(bench.get_as(&reader, path).await.status, 200);
    }
    bench.stop().await;
}

#[tokio::test]
async fn a_built_in_policy_has_nothing_to_reload() {
    let bench = Bench::start().await;
    let admin = bench.key(&["admin"]).await;
    bench.post_as(&admin, "/v1/policies/reload", &json!({})).await.expect_problem(409, "nothing_to_reload");
    assert_eq!(bench.policies(&admin).await["reload"], "built_in");
    bench.stop().await;
}

#[tokio::test]
async fn a_policy_that_cannot_be_recorded_is_tried_again_without_a_change() {
    let files = Files::with_rule("first");
    let bench = files.serve("watched").await;
    let key = bench.key(&["evaluator", "admin"]).await;
    bench.record.keep_out("bundles").await;
    files.write("transfer.yaml", &one_rule("transfer:write", "second"));
    let shown = until("the attempt is told", async || {
        let shown = bench.policies(&key).await;
        (shown["last_attempt"]["result"] == "not_recorded").then_some(shown)
    })
    .await;
    assert_eq!(shown["last_attempt"]["bundle"], shown["in_force"]["bundle"]);
    bench.post_as(&key, "/v1/policies/reload", &json!({})).await.expect_problem(503, "store_unavailable");
    assert_eq!(bench.rule_for(&key, "transfer:write").await.as_deref(), Some("first"));
    assert_eq!(bench.get("/readyz").await.json()["status"], "degraded");
    bench.record.let_in("bundles").await;
    bench.clock.advance_seconds(30);
    bench.until_rule(&key, Some("second")).await;
    assert_eq!(
        bench.record.text("SELECT trigger FROM policy_activations ORDER BY seq DESC LIMIT 1").await,
        "watch"
    );
    bench.until_ready().await;
    bench.stop().await;
}

#[tokio::test]
async fn every_activation_is_recorded_with_what_is_new() {
    let files = Files::with_rule("first");
    let bench = files.serve("asked").await;
    let admin = bench.key(&["admin"]).await;
    for rule in ["second", "third"] {
        bench.clock.advance_seconds(60);
        files.write("transfer.yaml", &one_rule("transfer:write", rule));
        assert_eq!(bench.post_as(&admin, "/v1/policies/reload", &json!({})).await.status, 200);
    }
    let bench = bench.restart().await;
    let list = async |filters: &str| {
        let answer = bench.get_as(&admin, &format!("/v1/policies/activations{filters}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    };
    let all = list("").await;
    assert_eq!(all["next_cursor"], Value::Null);
    let all = all["activations"].as_array().expect("a list").clone();
    let api = format!("api:{}", admin.split('_').nth(1).expect("an id"));
    let triggers: Vec<_> = all.iter().map(|own| own["trigger"].as_str().expect("a word")).collect();
    assert_eq!(triggers, ["start", &api, &api, "start"]);
    for pair in all.windows(2) {
        assert_eq!(pair[0]["previous"], pair[1]["bundle"]);
    }
    assert_eq!((&all[3]["previous"], &all[3]["changes"]), (&Value::Null, &Value::Null));
    assert_eq!(all[0]["changes"]["rules"], json!([]));
    let third = json!([{ "file": "transfer.yaml", "scopes": ["transfer:write"], "added": ["third"],
        "removed": ["second"], "changed": [], "reordered": false, "otherwise_changed": false }]);
    assert_eq!(all[1]["changes"]["rules"], third);
    assert_eq!(all[2]["at"], "2026-09-21T14:14:30Z");
    assert_eq!(NOW + 60, 1_790_000_070, "which is this moment");
    let first = list("?limit=3").await;
    let cursor = first["next_cursor"].as_str().expect("a next page").to_owned();
    let last = list(&format!("?limit=3&cursor={cursor}")).await;
    assert_eq!((last["activations"].clone(), &last["next_cursor"]), (json!([all[3]]), &Value::Null));
    for wrong in ["?limit=0", "?limit=201", "?cursor=x", "?user_id=usr_1"] {
        let answer = bench.get_as(&admin, &format!("/v1/policies/activations{wrong}")).await;
        answer.expect_problem(400, "invalid_request");
    }
    bench.stop().await;
}

#[tokio::test]
async fn a_start_with_other_files_tells_what_is_new() {
    let files = Files::with_rule("first");
    let bench = files.serve("asked").await;
    files.write("transfer.yaml", &one_rule("transfer:write", "second"));
    let bench = bench.restart().await;
    let changes = bench.record.text("SELECT changes FROM policy_activations ORDER BY seq DESC LIMIT 1").await;
    let changes: Value = serde_json::from_str(&changes).expect("JSON");
    assert_eq!(changes["rules"][0]["added"], json!(["second"]));
    assert_eq!(changes["files"]["changed"], json!(["transfer.yaml"]));
    bench.stop().await;
}

#[tokio::test]
async fn a_window_beyond_what_is_kept_does_not_come_into_force() {
    let files = Files::with_rule("first");
    let dir = files.path("").display().to_string();
    let settings = [("policies.dir", dir.as_str()), ("policies.reload", "asked"), ("retention.facts", "30d")];
    let bench = Bench::with(&[], &settings).await;
    let admin = bench.key(&["admin", "evaluator"]).await;
    let rule = "{ id: r, when: { history: { count: fact.email_changed, over: 31d, gt: 0 } }, then: block }";
    files.write("transfer.yaml", &format!("scopes: [transfer:write]\nrules: [{rule}]\notherwise: block\n"));
    let refused = bench.post_as(&admin, "/v1/policies/reload", &json!({})).await;
    assert_eq!(
        (refused.status, &refused.json()["faults"][0]["code"]),
        (422, &json!("past_not_kept")),
        "{}",
        refused.text
    );
    assert!(refused.text.contains("needs retention.facts of at least 31d"), "{}", refused.text);
    bench.until_rule(&admin, Some("first")).await;
    bench.stop().await;
}
