//! SIGHUP has a running server read its policy files; what came into force when can be listed.

use doorstep::testing::Prelude;
use serde_json::Value;

use crate::client::{Client, transfer, until};
use crate::record::text;
use crate::site::Site;

fn one_rule(rule: &str) -> String {
    format!(
        "scopes: [transfer:write]\nmetadata:\n  amount: {{ type: string }}\n  currency: {{ type: string }}\nrules: \
         [{{ id: {rule}, when: always, then: block }}]\notherwise: block\n"
    )
}

/// An installation that reads its files at a signal only.
async fn site() -> (Prelude, Site) {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude).set("policies.dir", "rules").set("policies.reload", "asked");
    site.write("rules/transfer.yaml", &one_rule("first"));
    (prelude, site)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_has_the_files_read() {
    let (prelude, site) = site().await;
    let mut server = site.serve();
    let client = Client::of(&server.address).await;
    site.write("rules/transfer.yaml", &one_rule("second"));
    server.process.signal("HUP");
    let line = server.process.until_it_says("Another policy is in force.");
    let line: Value = serde_json::from_str(&line).expect("a JSON line");
    assert_eq!((&line["trigger"], &line["rules"]), (&"signal".into(), &1.into()));
    assert_eq!(client.send(&transfer(&prelude, "usr_1", "20")).await.expect("an answer").0, 200);
    let rule = "SELECT rule FROM decisions ORDER BY seq DESC LIMIT 1";
    assert_eq!(text(&site.path("doorstep.sqlite"), rule).await, "second");

    site.write("rules/transfer.yaml", &one_rule("third").replace("always", "allways"));
    server.process.signal("HUP");
    let line = server.process.until_it_says("do not come into force");
    let line: Value = serde_json::from_str(&line).expect("a JSON line");
    let faults = line["faults"].as_str().expect("the diagnostics");
    assert!(faults.starts_with("transfer.yaml:5:"), "{faults}");
    assert_eq!(client.send(&transfer(&prelude, "usr_2", "20")).await.expect("an answer").0, 200);
    assert_eq!(text(&site.path("doorstep.sqlite"), rule).await, "second");
    until("readiness tells", async || {
        let (status, body) = client.get("/readyz").await.expect("an answer");
        (status == 200 && body.contains("policy_reload_failed")).then_some(())
    })
    .await;
    server.stop();

    let listed = site.run(&["policy", "history"]).expect(0).stdout;
    let lines: Vec<_> = listed.lines().collect();
    assert_eq!(lines.len(), 2, "{listed}");
    assert!(lines[0].ends_with("  signal  +1 -1 ~0 rules") && lines[1].ends_with("  start"), "{listed}");
    let json = site.run(&["policy", "history", "--limit", "1", "--format", "json"]).expect(0).stdout;
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json.as_array().map(Vec::len), Some(1));
    assert_eq!(json[0]["changes"]["rules"][0]["added"], serde_json::json!(["second"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_lasts_is_logged_once() {
    let (_prelude, site) = site().await;
    let site = site.set("policies.reload", "watched");
    let mut server = site.serve();
    let client = Client::of(&server.address).await;
    let faulty = one_rule("x").replace("always", "allways");
    site.write("rules/transfer.yaml", &faulty);
    server.process.until_it_says("do not come into force");
    // Tried again, with the same fault.
    site.write("rules/transfer.yaml", &format!("{faulty}# More words, no more sense.\n"));
    until("tried again", async || {
        let (_, metrics) = client.get("/metrics").await.expect("an answer");
        metrics.contains("doorstep_policy_reloads_total{result=\"refused\"} 2\n").then_some(())
    })
    .await;
    site.write("rules/transfer.yaml", &one_rule("mended"));
    server.process.until_it_says("Another policy is in force.");
    let ended = server.stop();
    assert_eq!(ended.stderr.matches("do not come into force").count(), 1, "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn explaining_a_decision_leaves_its_mark() {
    let (prelude, site) = site().await;
    let server = site.serve();
    let client = Client::of(&server.address).await;
    assert_eq!(client.send(&transfer(&prelude, "usr_1", "20")).await.expect("an answer").0, 200);
    server.stop();
    let store = site.path("doorstep.sqlite");
    let id = text(&store, "SELECT lower(hex(id)) FROM decisions").await;
    site.run(&["decisions", "explain", &id]).expect(0);
    let row =
        text(&store, "SELECT actor || ' ' || action || ' ' || replace(subject, '-', '') FROM accesses").await;
    let (actor, rest) = row.split_once(' ').expect("two words");
    assert_eq!(rest, format!("decisions.read {id}"));
    assert!(actor.strip_prefix("cli:").is_some_and(|user| !user.is_empty()), "{actor}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_does_not_go_with_the_desk_is_no_activation() {
    let (_prelude, site) = site().await;
    let listed = "{ user_id: { in_list: held } }";
    site.write("rules/transfer.yaml", &one_rule("first").replace("always", listed));
    site.write("rules/lists/held.txt", "usr_0\n");
    site.serve().stop();
    site.run(&["lists", "add", "held", "usr_1", "--reason", "case 4711"]).expect(0);
    site.write("rules/transfer.yaml", &one_rule("second"));
    std::fs::remove_file(site.path("rules/lists/held.txt")).expect("removed");
    let ended = site.run(&["serve"]);
    assert_ne!(ended.code, Some(0), "{}", ended.stderr);
    let listed = site.run(&["policy", "history"]).expect(0).stdout;
    assert_eq!(listed.lines().count(), 1, "{listed}");
}
