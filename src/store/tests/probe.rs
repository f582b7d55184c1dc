//! What shows that the record takes verdicts again.

use std::time::Duration;

use super::*;
use crate::domain::Outage;

on_each_engine! { [] a_probe_meets_what_a_verdict_meets_and_leaves_nothing }

async fn a_probe_meets_what_a_verdict_meets_and_leaves_nothing(directory: Directory) {
    let store = directory.open().await;
    store.ping().await.expect("nothing is amiss");
    run(&store, "ALTER TABLE decision_personal RENAME TO elsewhere").await.expect("renamed");
    store.record_decision(signature(1), block(1)).await.expect_err("no place for personal values");
    assert_eq!(store.outage().await, Some(Outage::Other));
    // Every other table takes writes.
    assert_eq!(store.ping().await.expect_err("the same").outage(), Some(Outage::Other));
    assert_eq!(store.outage().await, Some(Outage::Other));
    run(&store, "ALTER TABLE elsewhere RENAME TO decision_personal").await.expect("renamed");
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    let mut looks = 0;
    while store.outage().await.is_some() {
        ticks.tick().await;
        store.ping_in_an_outage().await.expect("verdicts can be written");
        looks += 1;
        assert!(looks < 100, "the outage does not end");
    }
    for table in [
        "SELECT count(*) FROM decisions",
        "SELECT count(*) FROM decision_personal",
        "SELECT count(*) FROM signatures",
        "SELECT count(*) FROM decision_subjects",
    ] {
        assert_eq!(number(&store, table).await, 0, "{table}");
    }
    assert_eq!(store.record_decision(signature(1), block(1)).await.expect("recorded"), Recorded::First);
    assert_eq!(number(&store, "SELECT count(*) FROM decisions").await, 1);
}
