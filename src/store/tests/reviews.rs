//! Looking for the review that a mint needs.

use std::time::Duration;

use super::*;
use crate::domain::{ReviewQuery, StepKey};

fn query(step: &str) -> ReviewQuery {
    ReviewQuery {
        user_id: UserId::new("usr_test").expect("a user"),
        scope: Scope::new("transfer:write").expect("a scope"),
        step: StepKey::new(step).expect("a step"),
        step_keys: None,
        metadata_digest: None,
        now: START,
    }
}

async fn find(store: &Store, query: ReviewQuery) -> Option<DecisionId> {
    let remembered = store.recent_review(&query).map(|(found, _)| found);
    let found = store.find_walkable_review(query).await.expect("a look");
    assert!(remembered.is_none() || remembered == found, "{remembered:?} is not the newest: {found:?}");
    found.map(|found| found.decision_id)
}

async fn record(store: &Store, n: u64, decision: DecisionRecord) {
    let recorded = store.record_decision(signature(n), decision).await.expect("recorded");
    assert_eq!(recorded, Recorded::First);
}

/// A store whose reviews are filed at every tenth decision, or never.
async fn stores(directory: &Directory) -> [(Directory, Store); 2] {
    let (one, other) = (directory.another().await, directory.another().await);
    let filed = open(StoreSettings { file_after_rows: 10, ..one.settings() }).await;
    let unfiled = other.open().await;
    [(one, filed), (other, unfiled)]
}

async fn a_review_is_found_by_all_that_the_query_names(directory: Directory) {
    for (_directory, store) in stores(&directory).await {
        record(&store, 1, review(1, "verify_sms kyc_review")).await;
        for n in 2..20 {
            record(&store, n, block(n)).await;
        }
        let found = store.find_walkable_review(query("kyc_review")).await.expect("a look").expect("a review");
        assert_eq!(found.decision_id, decision_id(1));
        assert_eq!(found.received_at, START);
        assert_eq!(found.walkable_until, START.plus(Duration::from_secs(600)));

        let whole = |plan: &str| ReviewQuery { step_keys: Some(plan.to_owned()), ..query("kyc_review") };
        let digest = |byte| ReviewQuery { metadata_digest: Some([byte; 32]), ..query("kyc_review") };
        let after =
            |seconds| ReviewQuery { now: START.plus(Duration::from_secs(seconds)), ..query("kyc_review") };
        let other_user =
            ReviewQuery { user_id: UserId::new("usr_other").expect("a user"), ..query("kyc_review") };
        let other_scope =
            ReviewQuery { scope: Scope::new("transfer:rea").expect("a scope"), ..query("kyc_review") };
        let cases = [
            (query("verify_sms"), true),
            (whole("verify_sms kyc_review"), true),
            (digest(9), true),
            (after(599), true),
            (query("kyc"), false),
            (query("review"), false),
            (query("kyc_revie_"), false),
            (query("kyc.review"), false),
            (whole("kyc_review"), false),
            (whole("kyc_review verify_sms"), false),
            (digest(8), false),
            (after(600), false),
            (other_user, false),
            (other_scope, false),
        ];
        for (query, expected) in cases {
            assert_eq!(find(&store, query.clone()).await.is_some(), expected, "{query:?}");
        }
    }
}

async fn the_newest_review_is_found(directory: Directory) {
    for (_directory, store) in stores(&directory).await {
        for n in 1..=12 {
            // The seventh call arrived last, whatever the order of commits.
            let after = if n == 7 { 100 } else { n };
            let received_at = START.plus(Duration::from_secs(after));
            record(&store, n, DecisionRecord { received_at, ..review(n, "kyc_review") }).await;
        }
        assert_eq!(find(&store, query("kyc_review")).await, Some(decision_id(7)));
    }
}

async fn other_reviews_do_not_hide_the_one_that_fits(directory: Directory) {
    for (_directory, store) in stores(&directory).await {
        record(&store, 1, review(1, "kyc_review")).await;
        let others: Vec<_> = (2..=1_000)
            .map(|n| {
                let decision = match n % 4 {
                    0 => review(n, "verify_sms"),
                    1 => DecisionRecord { metadata_digest: [1; 32], ..review(n, "kyc_review") },
                    2 => DecisionRecord {
                        scope: Scope::new("profile:write").expect("a scope"),
                        ..review(n, "kyc_review")
                    },
                    _ => DecisionRecord { walkable_until: Some(START), ..review(n, "kyc_review") },
                };
                let received_at = START.plus(Duration::from_secs(1));
                store.record_decision(signature(n), DecisionRecord { received_at, ..decision })
            })
            .collect();
        for one in futures_util::future::join_all(others).await {
            assert_eq!(one.expect("recorded"), Recorded::First);
        }
        let exact = ReviewQuery { metadata_digest: Some([9; 32]), ..query("kyc_review") };
        assert_eq!(find(&store, exact).await, Some(decision_id(1)));
    }
}

on_each_engine! {
    []
    a_review_is_found_by_all_that_the_query_names,
    the_newest_review_is_found,
    other_reviews_do_not_hide_the_one_that_fits
}

#[tokio::test]
async fn what_is_remembered_is_told_unless_it_could_be_wrong() {
    let directory = Directory::on_sqlite();
    let store = directory.open().await;
    let wanted = query("kyc_review");
    assert_eq!(store.recent_review(&wanted), None);
    record(&store, 1, review(1, "verify_sms kyc_review")).await;
    record(&store, 2, review(2, "kyc_review")).await;
    let (found, through) = store.recent_review(&wanted).expect("remembered");
    assert_eq!((found.decision_id, through), (decision_id(2), 2));
    assert_eq!(find(&store, wanted.clone()).await, Some(decision_id(2)));
    for other in [
        ReviewQuery { step_keys: Some("kyc".to_owned()), ..wanted.clone() },
        ReviewQuery { metadata_digest: Some([8; 32]), ..wanted.clone() },
        ReviewQuery { now: START.plus(Duration::from_secs(600)), ..wanted.clone() },
        query("kyc"),
    ] {
        assert_eq!(store.recent_review(&other), None, "{other:?}");
    }
    // Another process records one of the same user, which this one hears of with its next decision.
    let other = directory.open().await;
    record(&other, 3, review(3, "verify_sms")).await;
    assert!(store.recent_review(&wanted).is_some(), "it did not hear yet");
    record(&store, 4, DecisionRecord { user_id: UserId::new("usr_2").expect("a user"), ..block(4) }).await;
    assert_eq!(store.recent_review(&wanted), None, "what it was about is not remembered");
    assert_eq!(find(&store, wanted).await, Some(decision_id(2)));
}
