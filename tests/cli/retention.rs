//! What has had its time goes by command, and what somebody needs stays.

use doorstep::testing::Prelude;
use serde_json::Value;

use crate::client::{Client, transfer};
use crate::record::text;
use crate::site::Site;

async fn called(prelude: &Prelude, site: &Site) {
    let server = site.serve();
    let client = Client::of(&server.address).await;
    for user in ["usr_1", "usr_2"] {
        assert_eq!(client.send(&transfer(prelude, user, "20")).await.expect("an answer").0, 200);
    }
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_that_is_young_or_that_the_policy_in_force_asks_for() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude).set("policies.dir", "rules");
    site.run(&["retain"]).expect(1).saying(&["There is no store at"]);
    let rule = "{ id: r, when: { history: { count: calls, by: user, counts: asked, over: 100d, gt: 3 } }, then: block }";
    let metadata = "metadata: { amount: { type: string }, currency: { type: string }, payee: { type: string, optional: true } }";
    site.write(
        "rules/a.yaml",
        &format!("scopes: [transfer:write]\n{metadata}\nrules: [{rule}]\notherwise: block\n"),
    );
    called(&prelude, &site).await;
    assert_eq!(site.run(&["retain"]).expect(0).stdout, "Nothing has had its time.\n");
    let told = site.run(&["retain", "--format", "json"]).expect(0).stdout;
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert!(told.as_object().is_some_and(|told| told.values().all(|count| *count == 0)), "{told}");
    // A scheduled job with settings of its own does not take from the policy what it asks for.
    let job = site.set("retention.decisions", "50d");
    job.run(&["retain"]).expect(1).saying(&[
        "Nothing is deleted: the policy in force would lose what it asks for",
        "  transfer:write: asked calls by user",
        "of at least 100d",
    ]);
    assert_eq!(text(&job.path("doorstep.sqlite"), "SELECT CAST(count(*) AS TEXT) FROM decisions").await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_on_hold_is_not_erased_until_the_hold_ends() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude);
    called(&prelude, &site).await;
    let run = |arguments: &[&str]| site.run(arguments);
    run(&["holds", "add", "usr_1"]).expect(2);
    run(&["holds", "add", "usr_1", "--reason", " "]).expect(2).saying(&["a reason has 1 to 500 characters"]);
    let over = ["holds", "add", "usr_1", "--reason", "x", "--until", "2026-01-01"];
    run(&over).expect(2).saying(&["would be over already"]);
    run(&["holds", "end", "usr_1", "--reason", "x"]).expect(1).saying(&["the user is not on hold"]);
    run(&["holds", "add", "usr_1", "--reason", "case 7", "--until", "2126-12-31"]).expect(0);
    run(&["holds", "add", "usr_1", "--reason", "case 8"])
        .expect(0)
        .saying(&["nothing of the user is deleted or erased"]);
    let shown = run(&["holds", "show", "--format", "json"]).expect(0).stdout;
    let shown: Value = serde_json::from_str(&shown).expect("one hold");
    assert_eq!(
        (&shown["user_id"], &shown["reason"], &shown["until"]),
        (&"usr_1".into(), &"case 8".into(), &Value::Null)
    );
    run(&["erase-user", "usr_1"])
        .expect(1)
        .saying(&["Nothing is erased: the user is on legal hold", "(case 8)"]);
    run(&["erase-user", "usr_2"]).expect(0);
    let left = "SELECT CAST(count(*) AS TEXT) FROM decision_personal";
    assert_eq!(text(&site.path("doorstep.sqlite"), left).await, "1");
    run(&["holds", "end", "usr_1", "--reason", "closed"]).expect(0);
    assert_eq!(run(&["holds", "show"]).expect(0).stdout, "");
    run(&["erase-user", "usr_1"]).expect(0);
    assert_eq!(text(&site.path("doorstep.sqlite"), left).await, "0");
    let log = "SELECT group_concat(reason || ': ' || release_reason, ', ' ORDER BY seq) FROM user_holds";
    let log = text(&site.path("doorstep.sqlite"), log).await;
    assert_eq!(log, "case 7: replaced by another hold, case 8: closed");
}
