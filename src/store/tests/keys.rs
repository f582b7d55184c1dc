//! Keys, secrets, tokens and what is kept under a name.

use std::time::Duration;

use super::*;
use crate::domain::{ApiKeyId, ApiKeyRecord, Approver, Role, SigningKeyRecord, StepKey, Thumbprint};
use crate::store::{KeptKeySet, Revocation, StoredApiKey};

pub(super) fn api_key(id: &str) -> StoredApiKey {
    StoredApiKey {
        record: ApiKeyRecord {
            id: ApiKeyId::new(id).expect("an id"),
            name: "Desk, second floor".to_owned(),
            roles: vec![Role::Opener, Role::Approver, Role::Minter],
            approves_as: Some(Approver::Provider("sumsub".into())),
            scopes: vec![Scope::new("transfer:write").expect("a scope"), Scope::new("a").expect("a scope")],
            steps: vec![StepKey::new("kyc_review").expect("a step")],
            created_at: START,
            expires_at: Some(START.plus(Duration::from_secs(60))),
            revoked_at: None,
        },
        secret_sha256: [3; 32],
    }
}

/// Prelude's keys of these numbers.
pub(super) fn prelude_keys(numbers: &[u8]) -> Vec<(Kid, Thumbprint)> {
    let key = |n: &u8| (Kid::new(&format!("prelude-{n}")).expect("a kid"), Thumbprint([*n; 32]));
    numbers.iter().map(key).collect()
}

pub(super) fn signing_key(kid: &str) -> SigningKeyRecord {
    let later = START.plus(Duration::from_secs(600));
    SigningKeyRecord {
        kid: Kid::new(kid).expect("a kid"),
        modulus: "modulus".to_owned(),
        exponent: "AQAB".to_owned(),
        bits: 2048,
        sealed_private_key: vec![1, 2, 3],
        publish_at: START,
        activate_at: later,
        retire_at: Some(later.plus(Duration::from_secs(1))),
        revoked_at: Some(START),
        created_at: START,
    }
}

async fn api_keys_come_back_as_they_were(directory: Directory) {
    let store = directory.open().await;
    let full = api_key("full");
    let mut bare = api_key("bare");
    bare.record.roles = vec![Role::Reader];
    bare.record.approves_as = None;
    bare.record.scopes.clear();
    bare.record.steps.clear();
    bare.record.expires_at = None;
    bare.record.created_at = START.plus(Duration::from_secs(1));
    for key in [&full, &bare] {
        store.create_api_key(key.clone()).await.expect("kept");
        assert_eq!(store.api_key(&key.record.id).await.expect("a look"), Some(key.clone()));
    }
    let unknown = ApiKeyId::new("unknown").expect("an id");
    assert_eq!(store.api_key(&unknown).await.expect("a look"), None);
    assert_eq!(store.api_keys().await.expect("a list"), [full.record, bare.record]);
    let taken = store.create_api_key(api_key("full")).await;
    assert!(matches!(taken, Err(StoreError::Refused(_))), "{taken:?}");
}

async fn an_api_key_is_withdrawn_once(directory: Directory) {
    let store = directory.open().await;
    let id = ApiKeyId::new("one").expect("an id");
    assert_eq!(store.revoke_api_key(&id, START).await.expect("an answer"), Revocation::Unknown);
    store.create_api_key(api_key("one")).await.expect("kept");
    store.create_api_key(api_key("two")).await.expect("kept");
    let later = START.plus(Duration::from_secs(9));
    assert_eq!(store.revoke_api_key(&id, START).await.expect("an answer"), Revocation::Revoked);
    assert_eq!(store.revoke_api_key(&id, later).await.expect("an answer"), Revocation::AlreadyRevoked);
    let keys = store.api_keys().await.expect("a list");
    let revoked: Vec<_> = keys.iter().map(|key| key.revoked_at).collect();
    assert_eq!(revoked, [Some(START), None]);
}

async fn a_spoilt_row_names_itself(directory: Directory) {
    let store = directory.open().await;
    store.create_api_key(api_key("one")).await.expect("kept");
    run(&store, "UPDATE api_keys SET roles = 'root'").await.expect("spoilt for the test");
    let error = store.api_keys().await.expect_err("no such role");
    assert_eq!(error.to_string(), "api_keys.roles of row one cannot be read");
}

async fn only_the_first_signing_key_goes_in_and_comes_back_whole(directory: Directory) {
    let store = directory.open().await;
    assert_eq!(store.signing_keys().await.expect("a list"), []);
    assert!(store.insert_first_signing_key(signing_key("first")).await.expect("an answer"));
    assert!(!store.insert_first_signing_key(signing_key("second")).await.expect("an answer"));
    assert_eq!(store.signing_keys().await.expect("a list"), [signing_key("first")]);
    assert!(!format!("{:?}", signing_key("first")).contains("sealed"));
}

async fn what_is_kept_under_a_name(directory: Directory) {
    let store = directory.open().await;
    assert!(store.insert_secret_if_absent("digests", vec![1]).await.expect("an answer"));
    assert!(!store.insert_secret_if_absent("digests", vec![2]).await.expect("an answer"));
    assert_eq!(store.secret("digests").await.expect("a look"), Some(vec![1]));
    assert_eq!(store.secret("other").await.expect("a look"), None);

    let at = |seconds| START.plus(Duration::from_secs(seconds));
    assert_eq!(store.key_set("hook").await.expect("a look"), None);
    // The third was confirmed before the second and comes too late.
    for (body, seconds) in [("one", 1), ("two", 5), ("three", 4)] {
        store.save_key_set("hook", (body.to_owned(), Vec::new()), at(seconds)).await.expect("kept");
    }
    let kept = KeptKeySet { body: "two".to_owned(), confirmed_at: at(5) };
    assert_eq!(store.key_set("hook").await.expect("a look"), Some(kept));
}

on_each_engine! {
    []
    api_keys_come_back_as_they_were,
    an_api_key_is_withdrawn_once,
    a_spoilt_row_names_itself,
    only_the_first_signing_key_goes_in_and_comes_back_whole,
    what_is_kept_under_a_name
}
