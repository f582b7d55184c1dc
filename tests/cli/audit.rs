//! The record is looked through, stated and tampered with, and people are erased from it, beside a running server.

use doorstep::testing::Prelude;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Executor as _};

use crate::client::{Client, transfer};
use crate::record::text;
use crate::site::Site;

/// Six calls of three users, recorded by a server that goes on.
async fn six(site: &Site, prelude: &Prelude) -> crate::site::Server {
    let server = site.serve();
    let client = Client::of(&server.address).await;
    for n in 0..6 {
        let call = transfer(prelude, &format!("usr_{}", n % 3), "20");
        assert_eq!(client.send(&call).await.expect("an answer").0, 200);
    }
    server
}

fn verified(site: &Site, more: &[&str], code: i32) -> Value {
    let arguments: Vec<&str> =
        ["--format", "json", "decisions", "verify"].iter().chain(more).copied().collect();
    serde_json::from_str(&site.run(&arguments).expect(code).stdout).expect("JSON")
}

async fn tamper(site: &Site, sql: &'static str) {
    let file = SqliteConnectOptions::new().filename(site.path("doorstep.sqlite"));
    file.connect().await.expect("the store's file opens").execute(sql).await.expect("done");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stated_is_compared_with_what_is_there() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude);
    let server = six(&site, &prelude).await;
    let whole = json!({"decisions": 6, "chains": 1, "before_chains": 0, "erased": 0, "aged": 0, "anchored": 0, "fault": null});
    assert_eq!(verified(&site, &[], 0), whole);
    let first = site.run(&["decisions", "checkpoint"]).expect(0).stdout;
    site.write("first.jws", &first);
    let checkpoint = site.path("first.jws");
    let checkpoint = checkpoint.to_str().expect("a name");
    let client = Client::of(&server.address).await;
    assert_eq!(client.send(&transfer(&prelude, "usr_9", "20")).await.expect("an answer").0, 200);
    site.write("second.jws", &site.run(&["decisions", "checkpoint", "--after", checkpoint]).expect(0).stdout);
    for name in ["first.jws", "second.jws"] {
        let file = site.path(name);
        let found = verified(&site, &["--checkpoint", file.to_str().expect("a name")], 0);
        assert_eq!((&found["decisions"], &found["fault"]), (&json!(7), &Value::Null));
    }
    server.stop();

    tamper(
        &site,
        "DROP TRIGGER decisions_leave_an_anchor; DELETE FROM decision_personal WHERE decision_seq > 4;
         DELETE FROM decisions WHERE seq > 4",
    )
    .await;
    assert_eq!(verified(&site, &[], 0)["decisions"], 4, "nothing in the record tells");
    assert_eq!(verified(&site, &["--checkpoint", checkpoint], 1)["fault"]["finding"], "cut_tail");
    let forged = first.replacen('.', ".e30", 1);
    site.write("forged.jws", &forged);
    let forged = site.path("forged.jws");
    let refused = site.run(&["decisions", "verify", "--checkpoint", forged.to_str().expect("a name")]);
    refused.expect(1).saying(&["is not signed by the key that it names"]);

    tamper(
        &site,
        "DROP TRIGGER decisions_are_not_changed; UPDATE decisions SET verdict = 'block', step_keys = NULL, walkable_until = NULL
          WHERE seq = 2",
    )
    .await;
    let fault = &verified(&site, &[], 1)["fault"];
    assert_eq!((&fault["finding"], &fault["place"]), (&json!("changed"), &json!(2)));
    let refused = site.run(&["decisions", "checkpoint"]).expect(1);
    assert_eq!(refused.stdout, "", "what is wrong is not signed");
    refused.saying(&["Nothing was signed", "at place 2: it is not what was recorded"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_is_gone_from_decisions_and_the_record_says_so() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude);
    let server = six(&site, &prelude).await;
    let store = site.path("doorstep.sqlite");
    let id = text(&store, "SELECT lower(hex(id)) FROM decisions WHERE user_id = 'usr_1' LIMIT 1").await;
    let explain = || -> Value {
        let told = site.run(&["--format", "json", "decisions", "explain", &id]).expect(0).stdout;
        serde_json::from_str(&told).expect("JSON")
    };
    let before = explain();
    assert_eq!((&before["metadata"]["amount"], before.get("personal_values")), (&json!("20"), None));

    for erased in [2, 0] {
        let told = site.run(&["--format", "json", "erase-user", "usr_1"]).expect(0).stdout;
        let told: Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!(told, json!({"decisions": erased, "verifications": 0}));
    }
    let after = explain();
    assert_eq!((&after["metadata"], &after["context"]), (&Value::Null, &Value::Null));
    assert!(after["personal_values"]["erased_at"].is_string(), "{after}");
    for stays in ["verdict", "rule", "user_id", "answer", "received_at"] {
        assert_eq!(after[stays], before[stays], "{stays}");
    }
    let rules = |told: &Value| told["explanation"]["rules"].as_array().map(Vec::len);
    assert_eq!(rules(&after), rules(&before));
    let found = verified(&site, &[], 0);
    assert_eq!((&found["decisions"], &found["erased"]), (&json!(6), &json!(2)));
    let noted = "SELECT actor || ' ' || sum(decisions) || ' ' || count(DISTINCT user_key) FROM erasures";
    let noted = text(&store, noted).await;
    assert!(noted.starts_with("cli:") && noted.ends_with(" 2 1"), "{noted}");
    assert_eq!(text(&store, "SELECT CAST(count(*) AS TEXT) FROM decision_personal").await, "4");
    server.stop();
    site.run(&["erase-user", ""]).expect(2);
}
