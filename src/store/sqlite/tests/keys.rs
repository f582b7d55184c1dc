//! Keys, secrets, tokens and what is kept under a name.

use std::time::Duration;

use super::*;
use crate::domain::{
    ApiKeyId, ApiKeyRecord, Approver, ChallengeId, ChallengeProof, Jti, MintRecord, Role, SessionId,
    SigningKeyRecord, StepKey,
};
use crate::store::{KeptKeySet, Revocation, StoredApiKey};

fn api_key(id: &str) -> StoredApiKey {
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

fn signing_key(kid: &str) -> SigningKeyRecord {
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

#[tokio::test]
async fn api_keys_come_back_as_they_were() {
    let directory = Directory::new();
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

#[tokio::test]
async fn an_api_key_is_withdrawn_once() {
    let directory = Directory::new();
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

#[tokio::test]
async fn a_spoilt_row_names_itself() {
    let directory = Directory::new();
    let store = directory.open().await;
    store.create_api_key(api_key("one")).await.expect("kept");
    store
        .write(|connection| {
            Box::pin(async move {
                sqlx::query("UPDATE api_keys SET roles = 'root'").execute(connection).await?;
                Ok(())
            })
        })
        .await
        .expect("spoilt for the test");
    let error = store.api_keys().await.expect_err("no such role");
    assert_eq!(error.to_string(), "api_keys.roles of row one cannot be read");
}

#[tokio::test]
async fn only_the_first_signing_key_goes_in_and_comes_back_whole() {
    let directory = Directory::new();
    let store = directory.open().await;
    assert_eq!(store.signing_keys().await.expect("a list"), []);
    assert!(store.insert_first_signing_key(signing_key("first")).await.expect("an answer"));
    assert!(!store.insert_first_signing_key(signing_key("second")).await.expect("an answer"));
    assert_eq!(store.signing_keys().await.expect("a list"), [signing_key("first")]);
    assert!(!format!("{:?}", signing_key("first")).contains("sealed"));
}

#[tokio::test]
async fn a_token_is_recorded_once_and_only_for_known_keys() {
    let directory = Directory::new();
    let store = directory.open().await;
    let ours = SigningKeyRecord { revoked_at: None, ..signing_key("ours") };
    store.insert_first_signing_key(ours.clone()).await.expect("kept");
    store.create_api_key(api_key("one")).await.expect("kept");
    let mint = MintRecord {
        jti: Jti::from_random([5; 16]),
        kid: Kid::new("ours").expect("a kid"),
        api_key_id: ApiKeyId::new("one").expect("an id"),
        user_id: UserId::new("usr_test").expect("a user"),
        session_id: Some(SessionId::new("ses").expect("a session")),
        challenge_id: ChallengeId::new("chl").expect("a challenge"),
        step_key: StepKey::new("kyc_review").expect("a step"),
        scope: Scope::new("transfer:write").expect("a scope"),
        decision_id: Some(decision_id(1)),
        proof: ChallengeProof::ChallengeToken,
        issued_at: START,
        not_before: START.minus(Duration::from_secs(5)),
        expires_at: START.plus(Duration::from_secs(300)),
    };
    let vouched = MintRecord {
        jti: Jti::from_random([6; 16]),
        session_id: None,
        decision_id: None,
        proof: ChallengeProof::Vouched,
        ..mint.clone()
    };
    store.record_mint(mint.clone()).await.expect("recorded");
    store.record_mint(vouched.clone()).await.expect("recorded");
    let unknown_kid = MintRecord { kid: Kid::new("theirs").expect("a kid"), ..vouched.clone() };
    let unknown_caller = MintRecord { api_key_id: ApiKeyId::new("two").expect("an id"), ..vouched };
    for (refused, jti) in [(mint, 5), (unknown_kid, 7), (unknown_caller, 8)] {
        let refused = MintRecord { jti: Jti::from_random([jti; 16]), ..refused };
        let outcome = store.record_mint(refused).await;
        assert!(matches!(outcome, Err(StoreError::Refused(_))), "{outcome:?}");
    }
    let kept: String = sqlx::query_scalar(
        "SELECT group_concat(concat_ws(',', jti, kid, api_key_id, user_id, session_id, challenge_id, step_key, scope,
                hex(decision_id), proof, issued_at, not_before, expires_at), '|') FROM verification_tokens",
    )
    .fetch_one(&store.0.readers)
    .await
    .expect("rows");
    let id = format!("{:X}", decision_id(1).uuid().simple());
    let (times, five, six) =
        ("1790000000000000,1789999995000000,1790000300000000", "05".repeat(16), "06".repeat(16));
    let first =
        format!("{five},ours,one,usr_test,ses,chl,kyc_review,transfer:write,{id},challenge_token,{times}");
    let second = format!("{six},ours,one,usr_test,chl,kyc_review,transfer:write,,vouched,{times}");
    assert_eq!(kept, format!("{first}|{second}"));
}

#[tokio::test]
async fn what_is_kept_under_a_name() {
    let directory = Directory::new();
    let store = directory.open().await;
    assert!(store.insert_secret_if_absent("digests", vec![1]).await.expect("an answer"));
    assert!(!store.insert_secret_if_absent("digests", vec![2]).await.expect("an answer"));
    assert_eq!(store.secret("digests").await.expect("a look"), Some(vec![1]));
    assert_eq!(store.secret("other").await.expect("a look"), None);

    let at = |seconds| START.plus(Duration::from_secs(seconds));
    assert_eq!(store.key_set("hook").await.expect("a look"), None);
    // The third was confirmed before the second and comes too late.
    for (body, seconds) in [("one", 1), ("two", 5), ("three", 4)] {
        store.save_key_set("hook", body.to_owned(), at(seconds)).await.expect("kept");
    }
    let kept = KeptKeySet { body: "two".to_owned(), confirmed_at: at(5) };
    assert_eq!(store.key_set("hook").await.expect("a look"), Some(kept));
}
