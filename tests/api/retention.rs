//! What has had its time goes by itself, and what was answered once is never answered again.

use doorstep::testing::Style;
use serde_json::{Value, json};

use crate::bench::{Bench, transfer, until};

const DAY: i64 = 86_400;

/// On SQLite signatures are filed late: what is not in their table yet is in the decisions.
const REMEMBERED: &str =
    "SELECT count(*) FROM (SELECT hash FROM signatures UNION SELECT signature_hash FROM decisions) AS hashes";
const RETIRED: &str = "SELECT count(*) FROM prelude_keys WHERE retired_at IS NOT NULL";

fn settings() -> [(&'static str, &'static str); 5] {
    [
        ("prelude.key_set_refresh", "1s"),
        ("retention.signatures", "2d"),
        ("retention.decisions", "500d"),
        ("retention.personal_values", "30d"),
        ("retention.accesses", "forever"),
    ]
}

async fn until_fetched(bench: &Bench, what: &str, sql: &'static str) {
    until(what, async || (bench.record.count(sql).await > 0).then_some(())).await;
}

/// Waits until the key sets that were fetched in the background are trusted by the clock as it is now.
async fn until_trusted(bench: &Bench) {
    until("the key sets are trusted", async || {
        let ready = bench.get("/readyz").await;
        (ready.status == 200).then_some(())
    })
    .await;
}

/// Through two processes: a call of a key that Prelude withdrew is refused whoever hears it again, while its signature is
/// remembered, after it was forgotten, and also when the key comes back.
#[tokio::test]
async fn a_replay_is_refused_after_its_signature_was_forgotten() {
    let (here, there) = Bench::with(&[], &settings()).await.beside().await;
    let old = here.prelude.sign(&transfer("usr_1", "20"), Style::Usual).expect("signs");
    assert_eq!(here.send(&old).await.status, 200);
    here.prelude.rotate_key().await.expect("another key");
    assert_eq!(there.call(&transfer("usr_2", "20")).await.status, 200);
    until_fetched(&here, "both keys are seen", "SELECT count(*) / 2 FROM prelude_keys").await;
    here.clock.advance_seconds(601);
    for bench in [&here, &there] {
        bench.send(&old).await.expect_problem(409, "repeated_call");
    }

    here.prelude.withdraw_old_keys();
    until_fetched(
        &here,
        "the old key is gone",
        "SELECT count(*) FROM prelude_keys WHERE gone_since IS NOT NULL",
    )
    .await;
    here.clock.advance_seconds(DAY);
    until_trusted(&here).await;
    until_trusted(&there).await;
    for bench in [&here, &there] {
        bench.send(&old).await.expect_problem(401, "unverified_call");
    }
    let remembered = async |bench: &Bench, days: i64| {
        bench.clock.advance_seconds(days * DAY);
        until_trusted(bench).await;
        bench.server.retain().await.expect("done");
        bench.record.count("SELECT count(*) FROM signatures").await
    };
    assert_eq!(here.record.count(REMEMBERED).await, 2);
    remembered(&here, 1).await;
    assert_eq!(here.record.count(RETIRED).await, 0, "not gone for long enough");
    remembered(&there, 1).await;
    assert_eq!(
        (here.record.count(RETIRED).await, here.record.count(REMEMBERED).await),
        (1, 2),
        "retired first"
    );
    assert_eq!(remembered(&here, 2).await, 1);
    assert_eq!(remembered(&there, 0).await, 1);
    for bench in [&here, &there] {
        bench.send(&old).await.expect_problem(401, "unverified_call");
    }

    // The key is in the set again: its signatures verify, and nobody could tell a replay.
    here.prelude.restore_withdrawn_keys();
    for bench in [&here, &there] {
        bench.server.tidy().await.expect("looked");
        let told = until("the key is back", async || {
            let ready = bench.get("/readyz").await.json();
            let warnings = ready["warnings"].as_array().cloned().unwrap_or_default();
            warnings.into_iter().find(|warning| warning["code"] == "retired_key_returned")
        })
        .await;
        assert!(told["detail"].as_str().is_some_and(|detail| detail.contains("Ask Prelude")), "{told}");
        bench.send(&old).await.expect_problem(401, "unverified_call");
        assert!(bench.get("/metrics").await.text.contains("retired_key"));
        assert_eq!(bench.call(&transfer("usr_3", "20")).await.status, 200, "the others are believed as ever");
    }
    // A process that starts now knows it too.
    let here = here.restart().await;
    until_trusted(&here).await;
    here.send(&old).await.expect_problem(401, "unverified_call");
    here.stop().await;
    there.stop().await;
}

#[tokio::test]
async fn personal_values_and_decisions_go_by_themselves() {
    let bench = Bench::with(&[], &settings()).await;
    let reader = bench.key(&["reader"]).await;
    assert_eq!(bench.call(&transfer("usr_1", "20")).await.status, 200);
    let id = bench.get_as(&reader, "/v1/decisions").await.json()["decisions"][0]["id"].clone();
    let path = format!("/v1/decisions/{}", id.as_str().expect("an id"));
    let after = async |days: i64| {
        bench.clock.advance_seconds(days * DAY);
        until_trusted(&bench).await;
        bench.server.retain().await.expect("done");
        bench.get_as(&reader, &path).await
    };
    assert_eq!(after(30).await.json()["metadata"]["amount"], "20", "a little later, never earlier");
    let told = after(1).await.json();
    assert_eq!((&told["metadata"], &told["verdict"]), (&Value::Null, &json!("continue")), "{told}");
    assert_eq!(told["personal_values"], json!({"erased_at": null}));
    assert_eq!(after(470).await.status, 404);
    assert_eq!(bench.record.count("SELECT count(*) FROM chain_anchors").await, 1);
    bench.stop().await;
}

/// One of two servers failed once; the other one does it from then on, and still the first finds out that it could again.
#[tokio::test]
async fn a_failure_is_over_once_the_server_that_had_it_can() {
    let (here, there) = Bench::with(&[], &settings()).await.beside().await;
    let hour = || here.clock.advance_seconds(3601);
    let told = async |bench: &Bench| {
        let gauge = bench.get("/metrics").await.text.contains("\ndoorstep_retention_failed 1\n");
        assert_eq!(bench.get("/readyz").await.text.contains("retention_failed"), gauge);
        gauge
    };
    here.record.rename("provider_events", "elsewhere").await;
    here.server.retain_when_due().await;
    assert!(told(&here).await && !told(&there).await);
    here.record.rename("elsewhere", "provider_events").await;
    here.server.retain_when_due().await;
    assert!(told(&here).await, "an hour is not over");
    hour();
    there.server.retain_when_due().await;
    here.server.retain_when_due().await;
    assert!(!told(&here).await && !told(&there).await);
    here.stop().await;
    there.stop().await;
}
