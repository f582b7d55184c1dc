//! Changes of signing keys: one of those who race, all of it or nothing, and no token of a withdrawn key.

use futures_util::future::join_all;

use super::*;
use crate::domain::{
    Actor, KeyAct, KeyChange, KeyDeed, KeyOutcome, KeyRevision, ResealedSecret, SealedSecret,
    SigningKeyRecord,
};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_changes_that_were_judged_against_one_revision_one_is_carried_out() {
    let directory = Directory::new();
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

#[tokio::test]
async fn a_change_gives_a_known_key_other_times_and_keeps_its_public_half() {
    let directory = Directory::new();
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

#[tokio::test]
async fn all_secrets_are_sealed_anew_or_none() {
    let directory = Directory::new();
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

#[tokio::test]
async fn what_was_done_is_never_changed_and_a_withdrawn_key_gets_no_token() {
    const TOKEN: &str = "
        INSERT INTO verification_tokens (jti, kid, api_key_id, user_id, challenge_id, step_key, scope, proof,
               issued_at, not_before, expires_at)
        VALUES (hex(randomblob(16)), 'one', 'key', 'u', 'c', 's', 'p', 'vouched', 1, 1, 1790000001000000)";
    let directory = Directory::new();
    let store = directory.open().await;
    store.insert_first_signing_key(key("one")).await.expect("kept");
    let run = async |sql: &'static str| {
        let done = store.write(move |connection| {
            Box::pin(async move { Ok(sqlx::query(sql).execute(connection).await.map(drop)?) })
        });
        done.await
    };
    run("INSERT INTO api_keys (id, secret_sha256, name, roles, scopes, steps, created_at)
         VALUES ('key', zeroblob(32), 'n', '', '', '', 1)")
    .await
    .expect("kept");
    for spoilt in ["UPDATE key_actions SET actor = 'cli:bob'", "DELETE FROM key_actions"] {
        let refused = run(spoilt).await;
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    }
    run(TOKEN).await.expect("it signs");
    let one = Kid::new("one").expect("a kid");
    let later = START.plus(std::time::Duration::from_secs(1));
    let in_flight = [store.tokens_in_flight(&one, START).await, store.tokens_in_flight(&one, later).await];
    assert_eq!(in_flight.map(|count| count.expect("a count")), [1, 0]);
    let gone = SigningKeyRecord { revoked_at: Some(START), ..key("one") };
    store.change_keys(change(1, KeyDeed::Revoke, vec![gone])).await.expect("withdrawn");
    let refused = run(TOKEN).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
}
