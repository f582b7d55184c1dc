//! What was reported about users, as later calls see it.

use futures_util::future::join_all;

use super::keys::api_key;
use super::past::{asker, key, need, record, user};
use super::*;
use crate::domain::{
    ApiKeyId, Asker, Counts, FactId, FactKind, History, HistoryNeed, Measure, Needs, ReportedFact, Subject,
    Tally, Window,
};
use crate::store::{Answered, FactOutcome, KeptAnswer, Once, OnceKey, Question};

/// A fact of `u` that was reported so many seconds after the start.
fn fact(kind: &str, seconds: u64) -> ReportedFact {
    ReportedFact {
        user_id: UserId::new("usr_test").expect("a user"),
        user_key: key("u"),
        kind: FactKind::new(kind).expect("a kind"),
        at: None,
        id: None,
        recorded_at: at(seconds),
        api_key_id: Some(ApiKeyId::new("reporter").expect("an id")),
    }
}

fn named(id: &str, fact: ReportedFact) -> ReportedFact {
    ReportedFact { id: Some(FactId::new(id).expect("an id")), ..fact }
}

async fn report(store: &Store, fact: ReportedFact) -> FactOutcome {
    match store.record_fact(fact, None).await.expect("recorded") {
        Answered::Now(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}

/// A directory and a store in it that knows the reporter's key.
async fn opened(directory: &Directory) -> Store {
    let store = directory.open().await;
    store.create_api_key(api_key("reporter")).await.expect("kept");
    store
}

fn facts(kind: &str) -> HistoryNeed {
    need(Measure::Fact(FactKind::new(kind).expect("a kind")), Subject::User, Counts::Asked)
}

/// What a call of `who` so many seconds after the start would see.
async fn seen(store: &Store, (who, seconds): (&str, u64), needs: &[HistoryNeed]) -> Vec<Tally> {
    let needs = Needs::new(needs.iter().cloned());
    let asker = Asker { at: at(seconds), ..asker(&user(who)) };
    let history = store.history(&needs, &asker).await.expect("readable");
    history.tallies(&needs).expect("its own needs").to_vec()
}

/// Decides call `n` of `u`, so many seconds after the start, in the transaction that records it: granted while there is no
/// fact of the kind.
async fn granted(store: &Store, (n, seconds): (u64, u64), kind: &str) -> bool {
    let needs = Needs::new([facts(kind)]);
    let asked = needs.clone();
    let decide = move |history: &History| {
        let none = history.tallies(&asked).expect("its own needs")[0] == Tally::Count(0);
        DecisionRecord { received_at: at(seconds), ..record(n, &user("u"), none) }
    };
    let asker = Asker { at: at(seconds), ..asker(&user("u")) };
    let question = Question { needs, asker, desk: DeskRevision::NONE, decide: Box::new(decide) };
    let recorded = store.decide_and_record(signature(n), question).await.expect("recorded");
    matches!(recorded, Recorded::Decided { tally, .. } if tally.verdict == VerdictKind::Continue)
}

/// Two processes on one file: what one has recorded, the other's next call sees.
async fn a_recorded_fact_is_seen_by_every_later_call(directory: Directory) {
    let (one, two) = (opened(&directory).await, directory.open().await);
    for round in 0..10_u64 {
        let kind = format!("kind-{round}");
        let (here, there) = if round % 2 == 0 { (&one, &two) } else { (&two, &one) };
        assert!(
            granted(here, (round * 10, 5), &kind).await && granted(there, (round * 10 + 1, 5), &kind).await
        );
        assert_eq!(report(here, fact(&kind, 5)).await, FactOutcome::Recorded(fact(&kind, 5)));
        let calls =
            (2..8).map(|n| granted(if n % 2 == 0 { here } else { there }, (round * 10 + n, 5), &kind));
        assert_eq!(join_all(calls).await, [false; 6], "{round}");
    }
    one.close().await.expect("closed");
    two.close().await.expect("closed");
    assert!(!granted(&directory.open().await, (1000, 5), "kind-0").await, "and after a new start");
}

async fn a_fact_counts_by_user_kind_and_the_moment_it_happened(directory: Directory) {
    let store = opened(&directory).await;
    let early = ReportedFact { at: Some(at(0)), ..fact("email_changed", 100) };
    let ahead = ReportedFact { at: Some(at(160)), ..fact("email_changed", 100) };
    let other = ReportedFact { user_key: key("other"), ..fact("email_changed", 100) };
    for fact in [early, ahead, other, fact("chargeback", 100), fact("chargeback", 100)] {
        assert!(matches!(report(&store, fact).await, FactOutcome::Recorded(_)));
    }
    let both = [facts("email_changed"), facts("chargeback"), facts("chargebac")];
    for (who, seconds, expected) in [
        ("u", 100, [2, 2, 0]),
        ("u", 3600, [2, 2, 0]),
        ("u", 3601, [1, 2, 0]),
        ("u", 3700, [1, 2, 0]),
        ("u", 3701, [1, 0, 0]),
        ("u", 3761, [0, 0, 0]),
        ("other", 100, [1, 0, 0]),
        ("nobody", 100, [0, 0, 0]),
    ] {
        let tallies = seen(&store, (who, seconds), &both).await;
        assert_eq!(tallies, expected.map(Tally::Count), "{who} {seconds}");
    }
    // One kind's window is not the other's.
    let longer = HistoryNeed { window: Window::Ever, ..facts("email_changed") };
    let tallies = seen(&store, ("u", 9000), &[facts("chargeback"), longer]).await;
    assert_eq!(tallies, [Tally::Count(0), Tally::Count(2)]);
}

/// What a customer's system reports again, under its own name for it, is not counted again.
async fn a_fact_with_a_name_is_recorded_once(directory: Directory) {
    let (one, two) = (opened(&directory).await, directory.open().await);
    let first = named("cb-1", fact("chargeback", 0));
    let tries = (0..40).map(|n| report(if n % 2 == 0 { &one } else { &two }, first.clone()));
    let outcomes = join_all(tries).await;
    let recorded = FactOutcome::Recorded(first.clone());
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == recorded).count(), 1);
    let before = FactOutcome::Before(ReportedFact { at: Some(at(0)), ..first.clone() });
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == before).count(), 39);
    let again = |said, seconds| ReportedFact { at: said, ..named("cb-1", fact("chargeback", seconds)) };
    assert_eq!(report(&one, again(None, 60)).await, before, "told with the moments of then");
    assert_eq!(report(&one, again(Some(at(0)), 60)).await, before);
    assert_eq!(report(&one, again(Some(at(1)), 60)).await, FactOutcome::Other);
    // Another name, kind or user, or none at all, is another fact.
    for fact in [
        named("cb-2", fact("chargeback", 0)),
        named("cb-1", fact("refund", 0)),
        ReportedFact { user_key: key("other"), ..first.clone() },
        fact("chargeback", 0),
        fact("chargeback", 0),
    ] {
        assert!(matches!(report(&two, fact).await, FactOutcome::Recorded(_)));
    }
    assert_eq!(number(&one, "SELECT count(*) FROM facts").await, 6);
}

async fn a_repeated_report_is_answered_as_the_first_one(directory: Directory) {
    let store = opened(&directory).await;
    let once = || {
        let key = OnceKey {
            api_key_id: ApiKeyId::new("reporter").expect("an id"),
            route: "/v1/facts".into(),
            key: "k".into(),
            body_sha256: [1; 32],
            at: at(0),
        };
        let kept = |_: &FactOutcome, _| Some(KeptAnswer::Body { status: 201, text: "first".to_owned() });
        Some(Once { key, answer: kept })
    };
    let first = store.record_fact(fact("chargeback", 0), once()).await.expect("recorded");
    assert!(matches!(first, Answered::Now(FactOutcome::Recorded(_))));
    let again = store.record_fact(fact("chargeback", 0), once()).await.expect("answered");
    assert!(matches!(again, Answered::Before(KeptAnswer::Body { text, .. }) if text == "first"));
    assert_eq!(number(&store, "SELECT count(*) FROM facts").await, 1);
}

async fn facts_are_append_only_and_have_a_reporter(directory: Directory) {
    let store = opened(&directory).await;
    report(&store, fact("chargeback", 0)).await;
    for sql in ["UPDATE facts SET kind = 'x'", "DELETE FROM facts"] {
        let refused = run(&store, sql).await.expect_err("append only");
        assert!(shown(&refused).contains("append only"), "{refused}");
    }
    let stranger =
        ReportedFact { api_key_id: Some(ApiKeyId::new("stranger").expect("an id")), ..fact("chargeback", 0) };
    assert!(matches!(store.record_fact(stranger, None).await, Err(StoreError::Refused(_))));
    assert_eq!(number(&store, "SELECT count(*) FROM facts").await, 1);
}

/// Beyond what one call may look through there is no verdict; no other kind and no other user pays for it.
async fn too_many_facts_are_no_verdict(directory: Directory) {
    let store = opened(&directory).await;
    let many = either(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20001)
                INSERT INTO facts (user_key, user_id, kind, happened_at, recorded_at, api_key_id)
                SELECT CAST('u' AS BLOB), 'usr_test', 'login', 1790000000000000, 1790000000000000, 'reporter' FROM n",
        "INSERT INTO facts (user_key, user_id, kind, happened_at, recorded_at, api_key_id)
         SELECT 'u'::bytea, 'usr_test', 'login', 1790000000000000, 1790000000000000, 'reporter'
           FROM generate_series(1, 20001)",
    );
    run(&store, many).await.expect("inserted");
    let asker = asker(&user("u"));
    let logins = store.history(&Needs::new([facts("login")]), &asker).await;
    assert!(matches!(logins, Err(StoreError::TooMuchPast)), "{logins:?}");
    assert_eq!(seen(&store, ("u", 0), &[facts("chargeback")]).await, [Tally::Count(0)]);
    assert_eq!(seen(&store, ("other", 0), &[facts("login")]).await, [Tally::Count(0)]);
}

on_each_engine! {
    []
    a_recorded_fact_is_seen_by_every_later_call,
    a_fact_counts_by_user_kind_and_the_moment_it_happened,
    a_fact_with_a_name_is_recorded_once,
    a_repeated_report_is_answered_as_the_first_one,
    facts_are_append_only_and_have_a_reporter,
    too_many_facts_are_no_verdict
}
