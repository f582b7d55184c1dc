//! Retention beside everything else: calls are recorded, and whoever looks through the record meanwhile finds nothing wrong.

use futures_util::future::join_all;
use sqlx::{Connection as _, Executor as _};

use super::*;

const OLD: u64 = 1_500;

async fn old_ones(store: &Store, first: u64) {
    let recording = (first..first + OLD).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { store.record_decision(signature(n), on_day(n, "usr_a", 1)).await })
    });
    for recorded in join_all(recording).await {
        recorded.expect("no panic").expect("recorded");
    }
}

async fn delete_all(store: Store) -> u64 {
    let (mut after, mut deleted) = (i64::MIN, 0);
    loop {
        let stretch = store.retire_decisions(retiring(90), seal(1), after).await.expect("done");
        deleted += stretch.deleted;
        if !stretch.goes_on {
            return deleted;
        }
        after = stretch.through;
    }
}

async fn whoever_looks_through_meanwhile_finds_nothing_wrong(directory: Directory) {
    let usual = directory.settings();
    let settings = StoreSettings { queue_max: 4_096, ..usual };
    let (here, there) = (open(settings.clone()).await, open(settings).await);
    old_ones(&here, 0).await;
    let whole = audit(&here, None).await;
    let checkpoint =
        Checkpoint { at: START, through: whole.through, chained: whole.chained, heads: whole.heads };
    let deleting = [here.clone(), there.clone()].map(|store| tokio::spawn(delete_all(store)));
    let recording = {
        let store = there.clone();
        tokio::spawn(async move {
            for n in 10_000..10_200 {
                store.record_decision(signature(n), on_day(n, "usr_b", 95)).await.expect("recorded");
            }
        })
    };
    let mut looks = 0;
    while !deleting.iter().all(tokio::task::JoinHandle::is_finished) || looks < 3 {
        let audited = audit(&there, Some(&checkpoint)).await;
        assert_eq!(finding(&audited), None, "after {looks} looks");
        looks += 1;
    }
    let mut deleted = 0;
    for task in deleting {
        deleted += task.await.expect("no panic");
    }
    recording.await.expect("no panic");
    assert_eq!(deleted, OLD, "each once, whoever took the step");
    let audited = audit(&here, Some(&checkpoint)).await;
    assert_eq!((audited.chained, finding(&audited)), (200, None));
    let covered = "SELECT CAST(sum(chain_number - first_number + 1) AS BIGINT) FROM chain_anchors";
    assert_eq!(number(&here, covered).await, i64::try_from(OLD).expect("a number"));
}

/// What went makes room: the file does not grow with what comes and goes.
#[tokio::test]
async fn pages_of_what_went_take_what_comes() {
    let directory = Directory::on_postgres().await;
    let store = open(StoreSettings { queue_max: 4_096, ..directory.settings() }).await;
    let mut vacuum =
        sqlx::PgConnection::connect_with(&directory.server().expect("a server")).await.expect("a connection");
    let mut sizes = Vec::new();
    for round in 0..6 {
        old_ones(&store, round * OLD).await;
        let size = "SELECT pg_table_size('decisions') + pg_table_size('decision_personal')";
        sizes.push(number(&store, size).await);
        assert_eq!(decisions(&store, 90).await, OLD);
        for table in ["VACUUM decisions", "VACUUM decision_personal"] {
            vacuum.execute(table).await.expect("vacuumed");
        }
    }
    // Without room it would be six times. A look that somebody takes just then can keep one round's pages for the next.
    let (first, last) = (sizes[0], sizes[5]);
    assert!(last <= 2 * first, "{sizes:?}");
}

on_each_engine! {
    [flavor = "multi_thread", worker_threads = 4] whoever_looks_through_meanwhile_finds_nothing_wrong
}

/// A process that did not hear of decisions until they were deleted gives none of their places again: nothing filed later would
/// be found there.
#[tokio::test]
async fn places_are_given_once() {
    let directory = Directory::on_sqlite();
    let (here, there) = (directory.open().await, directory.open().await);
    for n in 1..=3 {
        here.record_decision(signature(n), on_day(n, "usr_a", 1)).await.expect("recorded");
    }
    assert_eq!(decisions(&here, 90).await, 3);
    there.record_decision(signature(4), on_day(4, "usr_a", 95)).await.expect("recorded");
    assert_eq!(number(&there, "SELECT seq FROM decisions").await, 4);
}
