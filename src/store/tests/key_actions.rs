//! Changes of signing keys: one of those who race, all of it or nothing, and no token of a withdrawn key.

use futures_util::future::join_all;

use super::verifications::{decide, later, mint, minted, open as open_verification, ready, wish};
use super::*;
use crate::domain::{
    Actor, Jti, KeyAct, KeyChange, KeyDeed, KeyOutcome, KeyRevision, ResealedSecret, SealedSecret,
    SigningKeyRecord, StepOutcome,
};
use crate::store::MintOutcome;

fn key(kid: &str) -> SigningKeyRecord {
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

fn change(judged_at: u32, deed: KeyDeed, rows: Vec<SigningKeyRecord>) -> KeyChange {
    let kid = rows.first().map(|row| row.kid.clone());
    let act = KeyAct { deed, kid, at: START, by: Some(Actor::CommandLine("ana".into())) };
    KeyChange { judged_at: KeyRevision::new(judged_at), act, rows, secrets: None }
}

async fn of_changes_that_were_judged_against_one_revision_one_is_carried_out(directory: Directory) {
    let stores = [directory.open().await, directory.open().await, directory.open().await];
    assert!(stores[0].insert_first_signing_key(key("first")).await.expect("kept"));
    for round in 1..20 {
        let racing = (0..9).map(|n| {
            let store = stores[n % 3].clone();
            let new = change(round, KeyDeed::Rotate, vec![key(&format!("kid-{round}-{n}"))]);
            tokio::spawn(async move { store.change_keys(new).await.expect("an answer") })
        });
        let outcomes = join_all(racing).await.into_iter().map(|one| one.expect("no panic"));
        assert_eq!(outcomes.filter(|outcome| *outcome == KeyOutcome::Done).count(), 1);
    }
    let ledger = stores[1].key_ledger().await.expect("keys");
    assert_eq!((ledger.revision, ledger.keys.len()), (KeyRevision::new(20), 20));
    assert_eq!(stores[2].key_revision().await.expect("a number"), ledger.revision);
    let actions = stores[0].key_actions(100).await.expect("actions");
    assert_eq!((actions.len(), actions[19].act.by.clone()), (20, None));
}

async fn a_change_gives_a_known_key_other_times_and_keeps_its_public_half(directory: Directory) {
    let store = directory.open().await;
    store.insert_first_signing_key(key("one")).await.expect("kept");
    let other = SigningKeyRecord {
        modulus: "another".to_owned(),
        sealed_private_key: Vec::new(),
        revoked_at: Some(START),
        ..key("one")
    };
    let done = store.change_keys(change(1, KeyDeed::Revoke, vec![other.clone()])).await.expect("an answer");
    assert_eq!(done, KeyOutcome::Done);
    let expected = SigningKeyRecord { modulus: "modulus".to_owned(), ..other };
    assert_eq!(store.key_ledger().await.expect("keys").keys, [expected]);
    let spoilt =
        SigningKeyRecord { retire_at: Some(START.minus(std::time::Duration::from_secs(1))), ..key("one") };
    let refused = store.change_keys(change(2, KeyDeed::Rotate, vec![key("two"), spoilt])).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    assert_eq!(store.key_ledger().await.expect("keys").keys.len(), 1, "all of it or nothing");
}

async fn all_secrets_are_sealed_anew_or_none(directory: Directory) {
    let store = directory.open().await;
    store.insert_first_signing_key(key("one")).await.expect("kept");
    store.insert_secret_if_absent("a", vec![1]).await.expect("kept");
    let resealed = |name: &str, before: u8| ResealedSecret {
        before: SealedSecret { name: name.to_owned(), sealed: vec![before] },
        sealed: vec![before + 10],
    };
    let outcome = async |secrets: Vec<ResealedSecret>| {
        let change = KeyChange { secrets: Some(secrets), ..change(1, KeyDeed::Reseal, Vec::new()) };
        store.change_keys(change).await.expect("an answer")
    };
    assert_eq!(outcome(vec![resealed("a", 2)]).await, KeyOutcome::Stale, "it changed since");
    assert_eq!(outcome(Vec::new()).await, KeyOutcome::Stale, "it came since");
    assert_eq!(store.secret("a").await.expect("a look"), Some(vec![1]));
    assert_eq!(outcome(vec![resealed("a", 1)]).await, KeyOutcome::Done);
    assert_eq!(store.secret("a").await.expect("a look"), Some(vec![11]));
}

async fn what_was_done_is_never_changed(directory: Directory) {
    let store = directory.open().await;
    store.insert_first_signing_key(key("one")).await.expect("kept");
    for spoilt in ["UPDATE key_actions SET actor = 'cli:bob'", "DELETE FROM key_actions"] {
        let refused = run(&store, spoilt).await;
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    }
}

async fn a_withdrawn_key_gets_no_token_whatever_the_clock_says(directory: Directory) {
    let store = ready(&directory).await;
    open_verification(&store, wish(1)).await;
    decide(&store, 1, StepOutcome::Approved, later(1)).await;
    assert_eq!(minted(&store, mint(1, 1)).await, MintOutcome::Minted(Jti::from_random([1; 16])));
    let ledger = store.key_ledger().await.expect("keys");
    // By a clock that is an hour ahead of the one that mints.
    let withdrawn = SigningKeyRecord { revoked_at: Some(later(3600)), ..ledger.keys[0].clone() };
    let act = KeyAct { deed: KeyDeed::Revoke, kid: Some(withdrawn.kid.clone()), at: later(3600), by: None };
    let change = KeyChange { judged_at: ledger.revision, act, rows: vec![withdrawn], secrets: None };
    assert_eq!(store.change_keys(change).await.expect("an answer"), KeyOutcome::Done);
    assert_eq!(minted(&store, mint(1, 2)).await, MintOutcome::SigningKeyWithdrawn);
    let ours = &ledger.keys[0].kid;
    let in_flight = [309, 310].map(|seconds| store.tokens_in_flight(ours, later(seconds)));
    let in_flight: Vec<_> =
        join_all(in_flight).await.into_iter().map(|count| count.expect("a count")).collect();
    assert_eq!(in_flight, [1, 0]);
}

on_each_engine! {
    [flavor = "multi_thread", worker_threads = 4]
    of_changes_that_were_judged_against_one_revision_one_is_carried_out;
    []
    a_change_gives_a_known_key_other_times_and_keeps_its_public_half,
    all_secrets_are_sealed_anew_or_none,
    what_was_done_is_never_changed,
    a_withdrawn_key_gets_no_token_whatever_the_clock_says
}
