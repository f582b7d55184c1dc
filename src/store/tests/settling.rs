//! Calls that can no longer change move into segments, and nobody who asks can tell.

use std::time::Duration;

use futures_util::future::join_all;

use super::past::{USABLE, ask_as, asker, below_ten, key, need, record, tally, user};
use super::redemptions::{opened, redeem_at, spending_as};
use super::{Directory, START, at, number, open, run, signature};
use crate::domain::{
    Asker, Counts, DecisionRecord, Executions, HistoryNeed, Measure, Recorded, Subject, SubjectKey, Sum,
    Tally, VerdictKind, Window,
};
use crate::store::Store;

const SINGLES: &str = "SELECT count(*) FROM decision_subjects";
const SEGMENTS: &str = "SELECT count(*) FROM past_segments";
const SETTLED: &str = "SELECT CAST(coalesce(sum(calls), 0) AS BIGINT) FROM past_segments";

/// Half an hour after the start, when grants of then have ended.
fn later(subjects: &[(Subject, SubjectKey)]) -> Asker {
    Asker { at: at(1800), ..asker(subjects) }
}

fn by_user(measure: Measure, counts: Counts) -> HistoryNeed {
    HistoryNeed { window: Window::Ever, ..need(measure, Subject::User, counts) }
}

async fn leave(store: &Store, n: u64, record: DecisionRecord) {
    assert_eq!(store.record_decision(signature(n), record).await.expect("recorded"), Recorded::First);
}

async fn settle(store: &Store, seconds: u64) {
    while store.settle_some(at(seconds)).await.expect("moved") {}
}

fn amount(tally: &Tally) -> Sum {
    match tally {
        Tally::Sums(sums) => sums.iter().fold(Sum::ZERO, |all, (_, _, sum)| all.and(sum)),
        other => panic!("{other:?}"),
    }
}

/// Closed and opened again, everything is filed on SQLite.
async fn reopened(store: Store, directory: &Directory) -> Store {
    store.close().await.expect("closed");
    directory.open().await
}

/// What six hundred calls and a few more amount to is the same before, between and after they move, in every process.
async fn what_moved_counts_as_before(directory: Directory) {
    let store = directory.open().await;
    join_all((0..600).map(|n| leave(&store, n, record(n, &user("u"), n % 3 != 0)))).await;
    join_all((600..605).map(|n| leave(&store, n, record(n, &user("other"), true)))).await;
    let store = reopened(store, &directory).await;
    let beside = directory.open().await;
    let whole = async |store: &Store, more: u64| {
        let asker = later(&user("u"));
        assert_eq!(
            tally(store, &asker, by_user(Measure::Calls, Counts::Asked)).await,
            Tally::Count(600 + more)
        );
        let granted = by_user(Measure::Calls, USABLE);
        assert_eq!(tally(store, &asker, granted).await, Tally::Count(400));
        let sum = amount(&tally(store, &asker, by_user(Measure::Sum("value".into()), USABLE)).await);
        assert_eq!(sum, Sum::Exact("4200".parse().expect("a decimal")));
        let of_blocks = HistoryNeed {
            verdicts: Some([VerdictKind::Block].into()),
            ..by_user(Measure::Calls, Counts::Asked)
        };
        assert_eq!(tally(store, &asker, of_blocks).await, Tally::Count(200 + more));
        let last = tally(store, &asker, by_user(Measure::Last, Counts::Asked)).await;
        assert_eq!(last, Tally::Last(Some(START)));
        let hour = HistoryNeed {
            window: Window::Over(Duration::from_mins(20)),
            ..by_user(Measure::Calls, Counts::Asked)
        };
        assert_eq!(tally(store, &asker, hour).await, Tally::Count(0), "before the window");
    };
    whole(&store, 0).await;
    // Nobody's grant has ended by then: blocks alone move.
    settle(&store, 60).await;
    assert_eq!(number(&store, SETTLED).await, 200);
    whole(&store, 0).await;
    whole(&beside, 0).await;
    settle(&store, 1800).await;
    settle(&beside, 1800).await;
    assert_eq!((number(&store, SETTLED).await, number(&store, SINGLES).await), (600, 5));
    assert!((2..=4).contains(&number(&store, SEGMENTS).await));
    whole(&store, 0).await;
    whole(&beside, 0).await;
    join_all((700..720).map(|n| leave(&beside, n, record(n, &user("u"), false)))).await;
    whole(&store, 20).await;
    let (store, beside) = (reopened(store, &directory).await, reopened(beside, &directory).await);
    whole(&beside, 20).await;
    settle(&beside, 1800).await;
    assert_eq!((number(&store, SETTLED).await, number(&store, SINGLES).await), (620, 5));
    whole(&store, 20).await;
    whole(&beside, 20).await;
    store.close().await.expect("closed");
    beside.close().await.expect("closed");
}

/// What was executed is known of what moved; what can still be executed does not move, and is executed afterwards.
async fn what_was_executed_moves_with_its_moment(directory: Directory) {
    let store = opened(&directory).await;
    let granted = |n: u64, seconds: u64| DecisionRecord {
        received_at: at(seconds),
        usable_until: Some(at(seconds + 300)),
        ..record(n, &user("u"), true)
    };
    for n in 0..40 {
        leave(&store, n, granted(n, 0)).await;
    }
    let redeem = async |store: &Store, seconds: u64| {
        redeem_at(store, spending_as("usr_test", "u"), move || at(seconds)).await.is_ok()
    };
    for seconds in 100..110 {
        assert!(redeem(&store, seconds).await);
    }
    for n in 40..60 {
        leave(&store, n, granted(n, 1700)).await;
    }
    let store = reopened(store, &directory).await;
    let reported = Counts::Usable(Executions::Reported);
    let whole = async |store: &Store, executed: u64| {
        let asker = later(&user("u"));
        let count = async |counts| tally(store, &asker, by_user(Measure::Calls, counts)).await;
        assert_eq!(count(Counts::Executed).await, Tally::Count(executed));
        assert_eq!(count(reported).await, Tally::Count(30), "ten were executed, twenty can be");
        let last = tally(store, &asker, by_user(Measure::Last, Counts::Executed)).await;
        assert_eq!(last, Tally::Last(Some(at(if executed == 10 { 109 } else { 1790 }))));
    };
    whole(&store, 10).await;
    settle(&store, 1800).await;
    assert_eq!((number(&store, SETTLED).await, number(&store, SINGLES).await), (40, 20));
    whole(&store, 10).await;
    assert!(redeem(&store, 1790).await);
    whole(&store, 11).await;
    store.close().await.expect("closed");
}

/// Rows that come back, as where a process files what another has moved, count once and go again.
async fn what_is_filed_again_counts_once(directory: Directory) {
    let store = directory.open().await;
    join_all((0..40).map(|n| leave(&store, n, record(n, &user("u"), false)))).await;
    let store = reopened(store, &directory).await;
    let asker = later(&user("u"));
    let count = async || tally(&store, &asker, by_user(Measure::Calls, Counts::Asked)).await;
    assert_eq!(count().await, Tally::Count(40));
    settle(&store, 1800).await;
    assert_eq!((number(&store, SETTLED).await, number(&store, SINGLES).await), (40, 0));
    let again = "INSERT INTO decision_subjects (subject, received_at, decision_seq)
                 SELECT p.subject, d.received_at, d.seq FROM past_segments AS p, decisions AS d";
    run(&store, again).await.expect("filed again");
    assert_eq!(count().await, Tally::Count(40));
    store.places().segments().ripen(&key("u"));
    settle(&store, 1800).await;
    assert_eq!((number(&store, SETTLED).await, number(&store, SINGLES).await), (40, 0));
    assert_eq!(count().await, Tally::Count(40));
    store.close().await.expect("closed");
}

/// A call with two identifiers stands in the segments of both, and counts once for whoever has both.
async fn what_two_subjects_share_counts_once(directory: Directory) {
    let store = directory.open().await;
    store.file_by(&[Subject::Identifier].into(), START).await.expect("filed");
    let with = |texts: &[&str]| -> Vec<_> {
        user("u").into_iter().chain(texts.iter().map(|text| (Subject::Identifier, key(text)))).collect()
    };
    for (from, texts) in [(0, &["a"][..]), (30, &["a", "b"]), (60, &["b"])] {
        join_all((from..from + 30).map(|n| leave(&store, n, record(n, &with(texts), false)))).await;
    }
    let store = reopened(store, &directory).await;
    let count = async |texts: &[&str]| {
        let by = need(Measure::Calls, Subject::Identifier, Counts::Asked);
        tally(&store, &later(&with(texts)), by).await
    };
    for round in 0..2 {
        assert_eq!(count(&["a"]).await, Tally::Count(60), "{round}");
        assert_eq!(count(&["b"]).await, Tally::Count(60));
        assert_eq!(count(&["b", "a"]).await, Tally::Count(90));
        assert_eq!(count(&["c"]).await, Tally::Count(0));
        settle(&store, 1800).await;
        assert_eq!(number(&store, SETTLED).await, 120);
    }
    store.close().await.expect("closed");
}

/// Four processes ask, record and move at once: ten are granted, and no call is counted twice or lost.
async fn a_limit_holds_while_calls_move(directory: Directory) {
    let first = directory.open().await;
    join_all((0..300).map(|n| leave(&first, n, record(n, &user("u"), false)))).await;
    let mut stores = vec![reopened(first, &directory).await];
    for _ in 0..3 {
        stores.push(directory.open().await);
    }
    let asker = later(&user("u"));
    for store in &stores {
        // Each has noticed that there is something to move.
        let asked = tally(store, &asker, by_user(Measure::Calls, Counts::Asked)).await;
        assert_eq!(asked, Tally::Count(300));
    }
    let moving = join_all(stores.iter().map(|store| settle(store, 1800)));
    let asking = join_all((1000..1100).map(|n| {
        let (store, asker) = (&stores[usize::try_from(n % 4).expect("small")], asker.clone());
        async move {
            ask_as(store, (n, asker), by_user(Measure::Calls, USABLE), below_ten).await.expect("recorded")
        }
    }));
    let (_, answers) = futures_util::future::join(moving, asking).await;
    assert_eq!(answers.into_iter().filter(|granted| *granted).count(), 10);
    assert!(number(&stores[0], SETTLED).await >= 300);
    for store in &stores {
        let asked = tally(store, &asker, by_user(Measure::Calls, Counts::Asked)).await;
        assert_eq!(asked, Tally::Count(400));
    }
    for store in stores {
        store.close().await.expect("closed");
    }
}

/// Whoever looks for all decisions of a user, to delete them, has them put back first.
async fn what_moved_can_be_put_back(directory: Directory) {
    let store = directory.open().await;
    join_all((0..600).map(|n| leave(&store, n, record(n, &user("u"), false)))).await;
    let store = reopened(store, &directory).await;
    let count = async || tally(&store, &later(&user("u")), by_user(Measure::Calls, Counts::Asked)).await;
    assert_eq!(count().await, Tally::Count(600));
    settle(&store, 1800).await;
    assert_eq!((number(&store, SETTLED).await, number(&store, SINGLES).await), (600, 0));
    assert_eq!(count().await, Tally::Count(600));
    store.unsettle(&key("u")).await.expect("put back");
    assert_eq!((number(&store, SETTLED).await, number(&store, SINGLES).await), (0, 600));
    assert_eq!(count().await, Tally::Count(600));
    // The oldest go, and the others move again: what this process knew of them gives way.
    run(&store, "DELETE FROM decision_subjects WHERE decision_seq <= 100").await.expect("deleted");
    store.places().segments().ripen(&key("u"));
    settle(&store, 1800).await;
    assert_eq!((number(&store, SETTLED).await, number(&store, SINGLES).await), (500, 0));
    assert_eq!(count().await, Tally::Count(500));
    store.close().await.expect("closed");
}

/// A few calls stay where they are.
async fn what_is_not_worth_it_does_not_move(directory: Directory) {
    let mut settings = directory.settings();
    settings.file_after_rows = 3;
    let store = open(settings).await;
    for n in 0..15 {
        leave(&store, n, record(n, &user("u"), false)).await;
    }
    let asked = tally(&store, &later(&user("u")), by_user(Measure::Calls, Counts::Asked)).await;
    assert_eq!(asked, Tally::Count(15));
    assert!(!store.settle_some(at(1800)).await.expect("nothing"));
    store.places().segments().ripen(&key("u"));
    settle(&store, 1800).await;
    assert_eq!(number(&store, SETTLED).await, 0);
    store.close().await.expect("closed");
}

on_each_engine! {
    []
    what_moved_counts_as_before,
    what_was_executed_moves_with_its_moment,
    what_is_filed_again_counts_once,
    what_two_subjects_share_counts_once,
    a_limit_holds_while_calls_move,
    what_moved_can_be_put_back,
    what_is_not_worth_it_does_not_move
}
