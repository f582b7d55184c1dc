//! Grants are spent once, whoever tries, and only for what they were given for.

use std::time::Duration;

use futures_util::future::join_all;

use super::keys::api_key;
use super::*;
use crate::domain::{
    ApiKeyId, FieldKeys, NotSpent, Redemption, Spending, StepKey, Subject, SubjectKey, VerdictKind,
};
use crate::store::Answered;

const FIVE_MINUTES: Duration = Duration::from_secs(300);

fn key(text: &str) -> SubjectKey {
    SubjectKey::new(text.as_bytes())
}

/// A continue of call `n` about this amount, for five minutes.
pub(super) fn granted(n: u64, amount: &str) -> DecisionRecord {
    let mut metadata_digest = [9; 32];
    metadata_digest[..8].copy_from_slice(&n.to_be_bytes());
    DecisionRecord {
        verdict: VerdictKind::Continue,
        usable_until: Some(START.plus(FIVE_MINUTES)),
        subjects: vec![
            (Subject::User, key("usr_test")),
            (Subject::Ip, key("203.0.113.1")),
            (Subject::Metadata("amount".into()), key(amount)),
        ],
        metadata_digest,
        ..block(n)
    }
}

/// A review of call `n` about this amount with this plan.
fn reviewed(n: u64, amount: &str, plan: &str) -> DecisionRecord {
    let walkable_until = review(n, plan).walkable_until;
    DecisionRecord {
        verdict: VerdictKind::Review,
        step_keys: Some(plan.to_owned()),
        walkable_until,
        ..granted(n, amount)
    }
}

pub(super) fn spending(amount: &str) -> Spending {
    Spending {
        api_key_id: ApiKeyId::new("executor").expect("an id"),
        user_id: UserId::new("usr_test").expect("a user"),
        user_key: key("usr_test"),
        scope: Scope::new("transfer:write").expect("a scope"),
        fields: FieldKeys::from([("amount".into(), key(amount))]),
        metadata_digest: [0; 32],
    }
}

/// What a user wants to execute who was granted what `past::record` records.
///
/// - `word`: what stands for the user's key.
pub(super) fn spending_as(user: &str, word: &str) -> Spending {
    Spending {
        user_id: UserId::new(user).expect("a user"),
        user_key: key(word),
        fields: FieldKeys::new(),
        metadata_digest: [9; 32],
        ..spending("10")
    }
}

async fn record(store: &Store, n: u64, decision: DecisionRecord) {
    assert_eq!(store.record_decision(signature(n), decision).await.expect("recorded"), Recorded::First);
}

async fn redeem(store: &Store, wanted: Spending) -> Result<Redemption, NotSpent> {
    redeem_at(store, wanted, || START).await
}

pub(super) async fn redeem_at(
    store: &Store,
    wanted: Spending,
    now: impl Fn() -> Timestamp + Clone + Send + 'static,
) -> Result<Redemption, NotSpent> {
    match store.redeem(wanted, now, None).await.expect("a working store") {
        Answered::Now(spent) => spent,
        other => panic!("{other:?}"),
    }
}

/// A directory and a store in it that knows the executor's key.
pub(super) async fn opened(directory: &Directory) -> Store {
    let store = directory.open().await;
    store.create_api_key(api_key("executor")).await.expect("kept");
    store
}

fn already(n: u64) -> NotSpent {
    NotSpent::AlreadyRedeemed { decision_id: decision_id(n), redeemed_at: START }
}

/// Two processes on one file, a hundred tries each at once.
async fn of_two_hundred_racers_on_one_grant_one_spends_it(directory: Directory) {
    let (one, two) = (opened(&directory).await, directory.open().await);
    record(&one, 1, granted(1, "10")).await;
    let racers = (0..200).map(|n| redeem(if n % 2 == 0 { &one } else { &two }, spending("10")));
    let answers = join_all(racers).await;
    let expected = Redemption {
        decision_id: decision_id(1),
        user_id: spending("10").user_id,
        scope: spending("10").scope,
        redeemed_at: START,
        verdict: VerdictKind::Continue,
        received_at: START,
        usable_until: START.plus(FIVE_MINUTES),
    };
    assert_eq!(answers.iter().filter(|answer| **answer == Ok(expected.clone())).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == Err(already(1))).count(), 199);
    assert_eq!(number(&two, "SELECT count(*) FROM redemptions").await, 1);
    one.close().await.expect("closed");
    two.close().await.expect("closed");
}

/// Filed or not, from this process or another, before and after a new start.
async fn a_grant_is_found_wherever_it_stands_and_stays_spent(directory: Directory) {
    let mut settings = directory.settings();
    settings.file_after_rows = 7;
    let other = opened(&directory).await;
    let mut store = open(settings.clone()).await;
    for n in 0..40 {
        let amount = n.to_string();
        record(&store, n, granted(n, &amount)).await;
        record(&other, 100 + n, granted(100 + n, &format!("other {n}"))).await;
        assert_eq!(
            redeem(&store, spending(&format!("other {n}"))).await.map(|spent| spent.decision_id),
            Ok(decision_id(100 + n))
        );
        assert_eq!(
            redeem(&other, spending(&amount)).await.map(|spent| spent.decision_id),
            Ok(decision_id(n))
        );
        if n % 15 == 14 {
            store.close().await.expect("closed");
            store = open(settings.clone()).await;
        }
        for past in 0..=n {
            assert_eq!(redeem(&store, spending(&past.to_string())).await, Err(already(past)));
        }
    }
    store.close().await.expect("closed");
    other.close().await.expect("closed");
}

async fn only_who_and_what_it_was_given_for_spends_it_and_only_in_time(directory: Directory) {
    let store = opened(&directory).await;
    record(&store, 1, granted(1, "10")).await;
    record(&store, 2, DecisionRecord { usable_until: None, ..block(2) }).await;
    let other_user = Spending {
        user_id: UserId::new("usr_other").expect("a user"),
        user_key: key("usr_other"),
        ..spending("10")
    };
    // Whoever shares a key with somebody else is somebody else all the same.
    let same_key = Spending { user_id: UserId::new("usr_other").expect("a user"), ..spending("10") };
    let other_scope = Spending { scope: Scope::new("transfer:read").expect("a scope"), ..spending("10") };
    for wanted in [other_user, same_key, other_scope] {
        assert_eq!(redeem(&store, wanted).await, Err(NotSpent::NotGranted));
    }
    let fields = ["amount".into()].into();
    assert_eq!(redeem(&store, spending("11")).await, Err(NotSpent::Differs(fields)));
    let late = redeem_at(&store, spending("10"), || START.plus(FIVE_MINUTES)).await;
    assert_eq!(late, Err(NotSpent::NotGranted));
    let last = START.plus(FIVE_MINUTES).minus(Duration::from_micros(1));
    let spent = redeem_at(&store, spending("10"), move || last).await;
    assert_eq!(spent.map(|spent| spent.redeemed_at), Ok(last));
    assert_eq!(number(&store, "SELECT count(*) FROM redemptions").await, 1);
}

async fn two_equal_grants_are_spent_one_after_the_other(directory: Directory) {
    let store = opened(&directory).await;
    record(
        &store,
        1,
        DecisionRecord { usable_until: Some(START.plus(FIVE_MINUTES * 2)), ..granted(1, "10") },
    )
    .await;
    record(&store, 2, granted(2, "10")).await;
    for n in [2, 1] {
        assert_eq!(redeem(&store, spending("10")).await.map(|spent| spent.decision_id), Ok(decision_id(n)));
    }
    assert_eq!(redeem(&store, spending("10")).await, Err(already(2)));
}

async fn a_paused_scope_spends_nothing_until_the_pause_is_over(directory: Directory) {
    let store = opened(&directory).await;
    record(&store, 1, granted(1, "10")).await;
    let pause = "INSERT INTO desk_pauses (scope, until, actor, reason, acted_at)
                 VALUES ('transfer:write', 1790000010000000, 'cli:a', 'r', 0)";
    run(&store, pause).await.expect("paused");
    assert_eq!(redeem(&store, spending("10")).await, Err(NotSpent::ScopePaused));
    let later = redeem_at(&store, spending("10"), || START.plus(Duration::from_secs(10))).await;
    assert!(later.is_ok());
}

const KEYS: &str = "INSERT INTO signing_keys (kid, modulus, exponent, bits, sealed_private_key, publish_at, activate_at, created_at)
     SELECT 'k', 'n', 'e', 2048, metadata_digest, 0, 0, 0 FROM decisions LIMIT 1";
macro_rules! verification {
    ($id:literal) => {
        concat!("INSERT INTO verifications (id, reference, challenge_id, step_key, user_id, scope, decision_id, proof, opened_by,
         opened_at, expires_at, version, state, decided_at, decided_as, actor, reason)
     SELECT ", $id, ", '000102030405060708090a0b0c0d0e0f', 'chl_1', 'kyc_review', user_id, scope, id,
            'vouched', 'executor', 0, 1, 1, 'approved', 0, 'backend', 'a', 'r'
       FROM decisions WHERE step_keys LIKE '%kyc_review%'")
    };
}
const VERIFICATION: Sql = either(
    verification!("x'000102030405060708090a0b0c0d0e0f'"),
    verification!("'000102030405060708090a0b0c0d0e0f'::uuid"),
);
const TOKEN: &str = "INSERT INTO verification_tokens (jti, kid, api_key_id, user_id, challenge_id, step_key, scope, decision_id, proof,
         issued_at, not_before, expires_at, verification_id)
     SELECT '000102030405060708090a0b0c0d0e0f', 'k', 'executor', user_id, challenge_id, step_key, scope, decision_id, proof,
            0, 0, 1, id FROM verifications";

async fn a_review_is_spent_once_a_token_left_for_each_of_its_own_steps(directory: Directory) {
    let store = opened(&directory).await;
    record(&store, 1, reviewed(1, "10", "verify_sms kyc_review deed")).await;
    record(&store, 2, reviewed(2, "20", "verify_sms verify_email")).await;
    let unproved = |step| Err(NotSpent::Unproved(StepKey::new(step).expect("a step")));
    assert!(redeem(&store, spending("20")).await.is_ok(), "Prelude proves its own steps");
    assert_eq!(redeem(&store, spending("10")).await, unproved("kyc_review"));
    run(&store, KEYS).await.expect("a key");
    run(&store, VERIFICATION).await.expect("approved");
    assert_eq!(redeem(&store, spending("10")).await, unproved("kyc_review"), "no token left yet");
    run(&store, TOKEN).await.expect("minted");
    assert_eq!(redeem(&store, spending("10")).await, unproved("deed"), "one step does not stand for another");
}

async fn what_was_withdrawn_proves_nothing(directory: Directory) {
    let store = opened(&directory).await;
    record(&store, 1, reviewed(1, "10", "kyc_review")).await;
    for sql in [KEYS.into(), VERIFICATION, TOKEN.into()] {
        run(&store, sql).await.expect("done");
    }
    run(&store, "UPDATE verifications SET withdrawn_at = 1, withdrawn_for = 'reset'")
        .await
        .expect("withdrawn");
    let step = StepKey::new("kyc_review").expect("a step");
    assert_eq!(redeem(&store, spending("10")).await, Err(NotSpent::Unproved(step)));
    run(&store, "UPDATE verifications SET withdrawn_at = NULL, withdrawn_for = NULL")
        .await
        .expect("as before");
    assert!(redeem(&store, spending("10")).await.is_ok());
}

async fn what_was_spent_cannot_be_taken_back(directory: Directory) {
    let store = opened(&directory).await;
    record(&store, 1, granted(1, "10")).await;
    redeem(&store, spending("10")).await.expect("spent");
    for sql in ["UPDATE redemptions SET redeemed_at = 0", "DELETE FROM redemptions"] {
        let refused = run(&store, sql).await.expect_err("append only");
        assert!(shown(&refused).contains("redemptions is append only"), "{}", shown(&refused));
    }
}

on_each_engine! {
    []
    of_two_hundred_racers_on_one_grant_one_spends_it,
    a_grant_is_found_wherever_it_stands_and_stays_spent,
    only_who_and_what_it_was_given_for_spends_it_and_only_in_time,
    two_equal_grants_are_spent_one_after_the_other,
    a_paused_scope_spends_nothing_until_the_pause_is_over,
    a_review_is_spent_once_a_token_left_for_each_of_its_own_steps,
    what_was_withdrawn_proves_nothing,
    what_was_spent_cannot_be_taken_back
}
