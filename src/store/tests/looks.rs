//! What is asked of the database for whoever watches.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};

use super::verifications::{later, open, ready, wish};
use super::*;
use crate::store::looks::{PENDING, PendingVerifications};

/// A wish for challenge `n` from this moment to that one, in seconds.
fn from_to(n: u8, (from, to): (u64, u64)) -> crate::store::OpenWish {
    let mut wish = wish(n);
    wish.opening.opened_at = later(from);
    wish.opening.expires_at = later(to);
    wish
}

async fn verifications_that_wait_are_counted_by_age(directory: Directory) {
    const DAYS: u64 = 3 * 86_400;
    let store = ready(&directory).await;
    assert_eq!(
        store.pending_verifications(later(0)).await.expect("counted"),
        PendingVerifications::default()
    );
    for (n, times) in
        [(1, (0, DAYS)), (2, (10, 600)), (3, (80_000, DAYS)), (4, (86_000, DAYS)), (5, (86_390, DAYS))]
    {
        open(&store, from_to(n, times)).await;
    }
    assert_eq!(store.expire_verifications(later(700), 10).await.expect("noted").len(), 1);
    let found = store.pending_verifications(later(86_400)).await.expect("counted");
    let expected =
        PendingVerifications { under_5m: 1, under_1h: 1, under_1d: 1, older: 1, oldest: Some(later(0)) };
    assert_eq!(found, expected);
}

async fn a_server_has_a_clock_and_a_file_has_none(directory: Directory) {
    let store = directory.open().await;
    let clocks =
        [store.database_clock().await, store.database_clock().await].map(|clock| clock.expect("asked"));
    match clocks {
        [None, None] => assert!(matches!(store.places(), crate::store::Places::FiledAndTail(_))),
        [Some(one), Some(other)] => assert!(START < one && one <= other),
        other => panic!("{other:?}"),
    }
}

/// However long the record is, no more is looked at than what waits.
#[tokio::test]
async fn only_what_waits_is_looked_at() {
    let directory = Directory::on_sqlite();
    directory.open().await;
    let mut file = SqliteConnectOptions::new().filename(directory.file()).connect().await.expect("opened");
    let plan = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {PENDING}"));
    let rows = sqlx::query(plan).fetch_all(&mut file).await.expect("a plan");
    let steps: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
    let of_the_table: Vec<_> = steps.iter().filter(|step| step.contains(" verifications")).collect();
    assert!(
        matches!(of_the_table[..], [step] if step.contains("USING INDEX verifications_pending")),
        "{steps:#?}"
    );
}

on_each_engine! {
    []
    verifications_that_wait_are_counted_by_age,
    a_server_has_a_clock_and_a_file_has_none
}
