//! What a look at the past must not depend on: who is named twice, who is idle, whose clock is ahead, and what breaks off.

use futures_util::future::join_all;

use super::past::{ask_as, asker, key, need, record, tally, user};
use super::redemptions::{opened, redeem_at, spending_as};
use super::{Directory, START, at, number, signature};
use crate::domain::{
    Asker, Counts, DecisionRecord, DeskRevision, Executions, HistoryNeed, Measure, Needs, Subject,
    SubjectKey, Tally, UserId, Window,
};
use crate::store::{Question, StoreError};

fn payee() -> Subject {
    Subject::Metadata("payee".into())
}

async fn who_stands_twice_in_a_call_is_found_once(directory: Directory) {
    let store = directory.open().await;
    store.file_by(&[Subject::Identifier].into(), START).await.expect("filed");
    let named = (Subject::Identifier, key("a"));
    let twice: Vec<_> = user("u").into_iter().chain([named.clone(), named]).collect();
    let by_identifier = || need(Measure::Calls, Subject::Identifier, Counts::Asked);
    let asked = ask_as(&store, (1, asker(&twice)), by_identifier(), |seen: &Tally| *seen == Tally::Count(0));
    assert!(asked.await.expect("recorded"));
    assert_eq!(tally(&store, &asker(&twice), by_identifier()).await, Tally::Count(1));
    let asked = ask_as(&store, (2, asker(&twice)), by_identifier(), |seen: &Tally| *seen == Tally::Count(1));
    assert!(asked.await.expect("recorded"));
    store.close().await.expect("closed");
}

/// A clock that is ahead takes a grant for ended; its call moves to where nothing changes any more. Who executes it later, by a clock
/// that is right, would not be seen by anybody who asks by the payee.
async fn a_grant_that_was_taken_for_ended_is_not_spent(directory: Directory) {
    let store = opened(&directory).await;
    store.file_by(&[payee()].into(), START).await.expect("filed");
    let about = |whose: &str| -> Vec<(Subject, SubjectKey)> {
        vec![(Subject::User, key(whose)), (payee(), key("p"))]
    };
    for n in 0..20 {
        let (user_id, whose) = if n == 0 { ("usr_test", "u") } else { ("usr_other", "v") };
        let user_id = UserId::new(user_id).expect("a user");
        let granted =
            DecisionRecord { usable_until: Some(at(300)), user_id, ..record(n, &about(whose), true) };
        store.record_decision(signature(n), granted).await.expect("recorded");
    }
    store.close().await.expect("closed");
    let store = directory.open().await;
    store.places().segments().ripen(&key("p"));
    while store.settle_some(at(3600)).await.expect("moved") {}
    assert_eq!(number(&store, "SELECT count(*) FROM past_segments").await, 1);
    assert!(redeem_at(&store, spending_as("usr_test", "u"), || at(100)).await.is_err());
    let later = Asker { at: at(400), ..asker(&about("u")) };
    let by = |counts| HistoryNeed { window: Window::Ever, ..need(Measure::Calls, payee(), counts) };
    for counts in [Counts::Executed, Counts::Usable(Executions::Reported)] {
        assert_eq!(tally(&store, &later, by(counts)).await, Tally::Count(0));
    }
    store.close().await.expect("closed");
}

/// Each takes the grant that ends first for its own until the turn of all whom it concerns has come.
async fn as_many_are_spent_at_once_as_there_are(directory: Directory) {
    let store = opened(&directory).await;
    store.file_by(&[Subject::Ip].into(), START).await.expect("filed");
    for n in 0..8 {
        let about = vec![(Subject::User, key("u")), (Subject::Ip, key(&format!("ip{n}")))];
        store.record_decision(signature(n), record(n, &about, true)).await.expect("recorded");
    }
    let spent = join_all((0..8).map(|_| store.redeem(spending_as("usr_test", "u"), || at(10), None))).await;
    assert!(spent.iter().all(Result::is_ok), "{spent:?}");
    assert_eq!(number(&store, "SELECT count(*) FROM redemptions").await, 8);
    store.close().await.expect("closed");
}

async fn what_breaks_off_while_it_is_decided_harms_nobody_else(directory: Directory) {
    let store = directory.open().await;
    let question = |decide| Question {
        needs: Needs::new([need(Measure::Calls, Subject::User, Counts::Asked)]),
        asker: asker(&user("u")),
        desk: DeskRevision::NONE,
        decide,
    };
    let breaking = store.decide_and_record(signature(1), question(Box::new(|_| panic!("as wanted"))));
    let whole = store.record_decision(signature(2), record(2, &user("v"), true));
    let (broken, whole) = tokio::join!(breaking, whole);
    assert!(matches!(broken, Err(StoreError::BrokenOff)), "{broken:?}");
    whole.expect("recorded");
    store.record_decision(signature(3), record(3, &user("v"), true)).await.expect("recorded");
    assert_eq!(number(&store, "SELECT count(*) FROM decisions").await, 2);
    store.close().await.expect("closed");
}

/// More than a call may look through is recorded by another process, and filed: one that idled meanwhile finds by whom it looks for.
async fn who_idled_sees_the_past(directory: Directory) {
    let (busy, idle) = (directory.open().await, directory.open().await);
    idle.record_decision(signature(99_999), record(99_999, &user("u"), false)).await.expect("recorded");
    for from in (0..21_000_u64).step_by(500) {
        let recorded = (from..from + 500)
            .map(|n| busy.record_decision(signature(n), record(n, &user("somebody"), false)));
        join_all(recorded).await.into_iter().for_each(|recorded| drop(recorded.expect("recorded")));
    }
    busy.close().await.expect("closed, which files the rest");
    let calls = need(Measure::Calls, Subject::User, Counts::Asked);
    assert_eq!(tally(&idle, &asker(&user("u")), calls).await, Tally::Count(1));
    idle.close().await.expect("closed");
}

on_each_engine! {
    []
    who_stands_twice_in_a_call_is_found_once,
    a_grant_that_was_taken_for_ended_is_not_spent,
    what_breaks_off_while_it_is_decided_harms_nobody_else;
    [flavor = "multi_thread", worker_threads = 4]
    as_many_are_spent_at_once_as_there_are
}

/// Only there does a process hold in memory what is not filed.
#[tokio::test]
async fn who_idled_sees_the_past_on_sqlite() {
    who_idled_sees_the_past(Directory::on_sqlite()).await;
}
