//! What Prelude said: once, with what follows from it, and who waits to be erased.

use std::time::Duration;

use futures_util::future::join_all;

use super::past::key;
use super::verifications::{decide, id, later, open as open_verification, ready, wish};
use super::*;
use crate::domain::{
    Actor, FactId, FactKind, PreludeEffect, PreludeEventRecord, PreludeRecorded, ReportedFact, SessionId,
    StepOutcome, UserId,
};

fn user_of(name: &str) -> UserId {
    UserId::new(name).expect("a user")
}

fn event(n: u8, effect: PreludeEffect) -> PreludeEventRecord {
    PreludeEventRecord { digest: [n; 32], kind: "unknown", happened_at: START, received_at: later(1), effect }
}

fn fact(n: u8) -> PreludeEffect {
    let fact = ReportedFact {
        user_id: user_of("usr_test"),
        user_key: key("u"),
        kind: FactKind::new("prelude.profile_updated").expect("a kind"),
        at: Some(START),
        id: FactId::new(&format!("event:{n}")).ok(),
        recorded_at: later(1),
        api_key_id: None,
    };
    PreludeEffect::Facts(user_of("usr_test"), vec![fact])
}

async fn tell(store: &Store, event: PreludeEventRecord) -> PreludeRecorded {
    store.record_prelude_event(event, || later(1)).await.expect("recorded")
}

/// However many come at once through however many processes.
async fn an_event_is_recorded_once_with_its_facts(directory: Directory) {
    let (one, two) = (directory.open().await, directory.open().await);
    for round in 0..5 {
        let told = (0..8).map(|n| tell(if n % 2 == 0 { &one } else { &two }, event(round, fact(round))));
        let told = join_all(told).await;
        let first = told.iter().filter(|told| **told == PreludeRecorded::Now(Vec::new())).count();
        assert_eq!((first, told.len()), (1, 8), "{told:?}");
    }
    assert_eq!(number(&one, "SELECT count(*) FROM prelude_events").await, 5);
    assert_eq!(number(&two, "SELECT count(*) FROM facts WHERE api_key_id IS NULL").await, 5);
    for sql in ["UPDATE prelude_events SET kind = 'x'", "UPDATE facts SET kind = 'x'"] {
        let refused = run(&one, sql).await.expect_err("append only");
        assert!(shown(&refused).contains("append only"), "{refused}");
    }
}

/// A fact that cannot be written takes its event with it: what comes again is not taken for known.
async fn nothing_is_known_of_an_event_whose_effect_failed(directory: Directory) {
    let store = directory.open().await;
    tell(&store, event(1, fact(1))).await;
    let refused = store
        .record_prelude_event(event(2, fact(1)), || later(1))
        .await
        .expect_err("a second one of that name");
    assert!(matches!(refused, StoreError::Refused(_)), "{refused:?}");
    assert_eq!(number(&store, "SELECT count(*) FROM prelude_events").await, 1);
    assert_eq!(tell(&store, event(2, fact(2))).await, PreludeRecorded::Now(Vec::new()));
}

async fn sessions_and_users_that_ended_take_their_verifications_with_them(directory: Directory) {
    let store = ready(&directory).await;
    open_verification(&store, wish(1)).await;
    decide(&store, 1, StepOutcome::Approved, later(1)).await;
    let ended = |session: &str| PreludeEffect::EndSession(SessionId::new(session).expect("a session"));
    assert_eq!(tell(&store, event(1, ended("another"))).await, PreludeRecorded::Now(Vec::new()));
    assert_eq!(tell(&store, event(2, ended("ses"))).await, PreludeRecorded::Now(vec![id(1)]));
    assert_eq!(tell(&store, event(2, ended("ses"))).await, PreludeRecorded::Before);
    open_verification(&store, wish(2)).await;
    let gone = PreludeEffect::EraseUser(user_of("usr_test"));
    assert_eq!(tell(&store, event(3, gone)).await, PreludeRecorded::Now(vec![id(2)]));
    assert_eq!(
        number(&store, "SELECT count(*) FROM verifications WHERE withdrawn_for = 'user_deleted'").await,
        1
    );
    let events = "SELECT count(*) FROM verification_events WHERE kind = 'withdrawn' AND actor = 'prelude'";
    assert_eq!(number(&store, events).await, 2);
}

async fn a_user_waits_to_be_erased_until_somebody_does_it(directory: Directory) {
    let store = directory.open().await;
    assert!(store.may_erase().await.expect("readable"), "the tables' owner may");
    assert_eq!(store.next_erasure(later(100)).await.expect("readable"), None);
    let wished = async |n: u8, user: &str, seconds: u64| {
        let effect = PreludeEffect::EraseUser(user_of(user));
        tell(&store, PreludeEventRecord { received_at: later(seconds), ..event(n, effect) }).await;
    };
    wished(1, "usr_b", 20).await;
    wished(2, "usr_a", 10).await;
    assert_eq!(store.erasures_waiting().await.expect("readable"), 2);
    let first = store.next_erasure(later(100)).await.expect("readable").expect("somebody");
    assert_eq!((&first.user_id, first.wished_at), (&user_of("usr_a"), later(10)));
    assert_eq!(first.actor, Actor::Prelude);
    // Wished again while it was done: it is not done yet.
    wished(3, "usr_a", 30).await;
    store.erasure_done(first).await.expect("done");
    let mut order = Vec::new();
    while let Some(next) = store.next_erasure(later(100)).await.expect("readable") {
        order.push((next.user_id.as_str().to_owned(), next.wished_at));
        store.erasure_done(next).await.expect("done");
    }
    assert_eq!(order, [("usr_b".to_owned(), later(20)), ("usr_a".to_owned(), later(30))]);
}

async fn failures_of_the_hook_are_told_by_reason_for_a_while(directory: Directory) {
    let store = directory.open().await;
    for (n, reason, at) in
        [(1, "invalid_step", 10), (2, "invalid_step", 20), (3, "other", 20), (4, "other", 5)]
    {
        let failed = PreludeEventRecord { happened_at: later(at), ..event(n, PreludeEffect::Warn(reason)) };
        tell(&store, failed).await;
    }
    let told = async |since: Timestamp| store.hook_failures(since).await.expect("readable");
    let named = |reason: &str, times| (reason.to_owned(), times);
    assert_eq!(told(later(5)).await, [named("invalid_step", 2), named("other", 1)]);
    assert_eq!(
        told(START.minus(Duration::from_secs(1))).await,
        [named("invalid_step", 2), named("other", 2)]
    );
    assert_eq!(told(later(20)).await, []);
}

on_each_engine! {
    [flavor = "multi_thread"] an_event_is_recorded_once_with_its_facts;
    [] nothing_is_known_of_an_event_whose_effect_failed, sessions_and_users_that_ended_take_their_verifications_with_them,
       a_user_waits_to_be_erased_until_somebody_does_it, failures_of_the_hook_are_told_by_reason_for_a_while
}
