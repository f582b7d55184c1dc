//! More than one store on one file: another process, a start after a crash.

use std::time::Duration;

use futures_util::future::join_all;

use super::*;
use crate::domain::{ReviewQuery, SigningKeyRecord, StepKey};

#[tokio::test]
async fn everything_is_found_again_after_closing() {
    let directory = Directory::on_sqlite();
    let store = directory.open().await;
    for n in 0..20 {
        store.record_decision(signature(n), block(n)).await.expect("recorded");
    }
    store.close().await.expect("closed");
    assert!(matches!(store.record_decision(signature(20), block(20)).await, Err(StoreError::Closed)));
    assert!(matches!(store.ping().await, Err(StoreError::Closed)));
    store.close().await.expect("closing twice does nothing");
    assert!(!directory.path.join("record.sqlite-wal").exists(), "one file is left");

    let store = directory.open().await;
    store.ping().await.expect("ready");
    assert_eq!(number(&store, "SELECT count(*) FROM signatures").await, 20);
    for n in 0..20 {
        let recorded = store.record_decision(signature(n), block(100 + n)).await.expect("answered");
        assert_eq!(recorded, repeat_of(n));
    }
    assert_eq!(store.record_decision(signature(20), block(20)).await.expect("recorded"), Recorded::First);
}

async fn closing_finishes_what_waits(directory: Directory) {
    let store = directory.open().await;
    let recording = join_all((0..100).map(|n| store.record_decision(signature(n), block(n))));
    let (recorded, closed) = futures_util::future::join(recording, store.close()).await;
    closed.expect("closed");
    assert!(recorded.into_iter().all(|one| one.is_ok_and(|one| one == Recorded::First)));
    let store = directory.open().await;
    assert_eq!(number(&store, "SELECT count(*) FROM decisions").await, 100);
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_crash() {
    let directory = Directory::on_sqlite();
    let store = directory.open().await;
    for n in 0..20 {
        store.record_decision(signature(n), review(n, "kyc_review")).await.expect("recorded");
    }
    // What the disk holds at this moment is what a killed process leaves.
    let after = Directory::on_sqlite();
    for name in ["record.sqlite", "record.sqlite-wal"] {
        std::fs::copy(directory.path.join(name), after.path.join(name)).expect("a copy");
    }
    let reopened = after.open().await;
    for n in 0..20 {
        let answer = review(n, "kyc_review").answer;
        let recorded = reopened.record_decision(signature(n), block(100 + n)).await.expect("answered");
        assert_eq!(recorded, Recorded::Repeat { answer });
    }
    assert_eq!(number(&reopened, "SELECT count(*) FROM walkable_reviews").await, 20);
}

async fn two_stores_on_one_file_know_each_others_decisions(directory: Directory) {
    let (one, other) = (directory.open().await, directory.open().await);
    one.record_decision(signature(1), review(1, "kyc_review")).await.expect("recorded");
    let query = ReviewQuery {
        user_id: UserId::new("usr_test").expect("a user"),
        scope: Scope::new("transfer:write").expect("a scope"),
        step: StepKey::new("kyc_review").expect("a step"),
        step_keys: None,
        metadata_digest: None,
        now: START.plus(Duration::from_secs(1)),
    };
    // At once, after the other took the decision in, and after the first filed it.
    let found = |store: Store| async move {
        store.find_walkable_review(query.clone()).await.expect("a look").map(|found| found.decision_id)
    };
    assert_eq!(found.clone()(other.clone()).await, Some(decision_id(1)));
    let answer = review(1, "kyc_review").answer;
    let repeat = other.record_decision(signature(1), block(2)).await.expect("answered");
    assert_eq!(repeat, Recorded::Repeat { answer });
    assert_eq!(found.clone()(other.clone()).await, Some(decision_id(1)));
    assert_eq!(other.record_decision(signature(2), block(3)).await.expect("recorded"), Recorded::First);
    assert_eq!(one.record_decision(signature(2), block(4)).await.expect("answered"), repeat_of(3));
    one.close().await.expect("closed");
    assert_eq!(found(other.clone()).await, Some(decision_id(1)));
    assert_eq!(other.record_decision(signature(2), block(5)).await.expect("answered"), repeat_of(3));
}

async fn of_stores_that_start_at_once_one_keeps_the_first_signing_key(directory: Directory) {
    for _ in 0..5 {
        let directory = directory.another().await;
        let opening = (0..4).map(|n| {
            let settings = directory.settings();
            tokio::spawn(async move {
                let store = open(settings).await;
                let kept = store.insert_first_signing_key(signing_key(&format!("kid-{n}"))).await;
                (store, kept.expect("an answer"))
            })
        });
        let stores: Vec<_> = join_all(opening).await.into_iter().map(|one| one.expect("no panic")).collect();
        assert_eq!(stores.iter().filter(|(_, kept)| *kept).count(), 1);
        for (store, _) in &stores {
            assert_eq!(store.signing_keys().await.expect("keys").len(), 1);
        }
    }
}

fn signing_key(kid: &str) -> SigningKeyRecord {
    SigningKeyRecord {
        kid: Kid::new(kid).expect("a kid"),
        modulus: "modulus".to_owned(),
        exponent: "AQAB".to_owned(),
        bits: 2048,
        sealed_private_key: vec![1, 2, 3],
        publish_at: START,
        activate_at: START,
        retire_at: None,
        revoked_at: None,
        created_at: START,
    }
}

async fn writes_that_wait_are_committed_together_and_one_that_fails_is_taken_back_alone(
    directory: Directory,
) {
    let store = directory.open().await;
    assert!(store.insert_secret_if_absent("there", vec![1]).await.expect("kept"));
    let write = |n: u32| {
        store.write(Turn::Anyone, move |connection| {
            Box::pin(async move {
                let insert = "INSERT INTO secrets (name, sealed) VALUES ($1, $2)";
                let sealed = || [1_u8].as_slice();
                connection.query(insert).bind(format!("s{n}")).bind(sealed()).execute(connection).await?;
                if n % 5 == 3 {
                    connection.query(insert).bind("there").bind(sealed()).execute(connection).await?;
                }
                Ok(n)
            })
        })
    };
    let done = join_all((0..20).map(write)).await;
    for (n, done) in (0..).zip(done) {
        match done {
            Ok(told) => assert!(told == n && n % 5 != 3),
            Err(fault) => assert!(n % 5 == 3 && matches!(fault, StoreError::Refused(_)), "{n}: {fault:?}"),
        }
    }
    assert_eq!(number(&store, "SELECT count(*) FROM secrets").await, 17);
    store.close().await.expect("closed");
    let store = directory.open().await;
    assert_eq!(number(&store, "SELECT count(*) FROM secrets").await, 17, "all of it was committed");
}

on_each_engine! {
    []
    closing_finishes_what_waits,
    two_stores_on_one_file_know_each_others_decisions,
    writes_that_wait_are_committed_together_and_one_that_fails_is_taken_back_alone;
    [flavor = "multi_thread", worker_threads = 4]
    of_stores_that_start_at_once_one_keeps_the_first_signing_key
}
