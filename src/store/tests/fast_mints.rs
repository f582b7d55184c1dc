//! Tokens that are recorded together: each of them as if it were alone.

use futures_util::future::join_all;

use super::verifications::{decide, decided, id, later, mint, minted, open, ready, wish};
use super::*;
use crate::domain::{ChallengeId, Decided, Jti, MintRecord, StepOutcome, StoredEvent, VerificationState};
use crate::store::{Answered, MintOutcome, Once, OnceKey, OneCallOutcome, OpenWish};

const TOKENS: &str = "SELECT count(*) FROM verification_tokens";

async fn approved(store: &Store, numbers: std::ops::RangeInclusive<u8>) {
    for n in numbers {
        open(store, wish(n)).await;
        decide(store, n, StepOutcome::Approved, later(1)).await;
    }
}

async fn execute(store: &Store, sql: &'static str) {
    let done = store.write(Turn::Anyone, move |connection| {
        Box::pin(async move {
            connection.query(sql).execute(connection).await?;
            Ok(())
        })
    });
    done.await.expect("executed");
}

/// Whether the fast way alone records this one.
async fn is_plain(store: &Store, mint: &MintRecord) -> bool {
    store.record_plainly((mint, 3), None).await.expect("answered")
}

#[tokio::test]
async fn of_those_that_wait_together_each_gets_what_is_its_own() {
    let directory = Directory::on_sqlite();
    let store = ready(&directory).await;
    approved(&store, 1..=6).await;
    open(&store, wish(7)).await;
    assert!(matches!(minted(&store, mint(6, 60)).await, MintOutcome::Minted(_)));
    let wanted = [
        mint(1, 1),
        mint(2, 2),
        // One verification's at once: no more than may be.
        mint(3, 3),
        mint(3, 4),
        mint(3, 5),
        mint(3, 6),
        mint(7, 7),
        mint(9, 9),
        MintRecord { expires_at: later(4000), ..mint(4, 8) },
    ];
    let told = join_all(wanted.into_iter().map(|mint| minted(&store, mint))).await;
    let fine = |n: u8| MintOutcome::Minted(Jti::from_random([n; 16]));
    let pending = MintOutcome::NotApproved(VerificationState::Pending);
    let (unknown, ends) = (MintOutcome::Unknown, MintOutcome::Ends(later(3600)));
    let expected =
        [fine(1), fine(2), fine(3), fine(4), fine(5), MintOutcome::TooMany, pending, unknown, ends];
    assert_eq!(told, expected);
    assert_eq!(number(&store, TOKENS).await, 6);
}

#[tokio::test]
async fn a_row_that_cannot_be_takes_no_other_with_it() {
    let directory = Directory::on_sqlite();
    let store = ready(&directory).await;
    approved(&store, 1..=4).await;
    assert!(matches!(minted(&store, mint(1, 1)).await, MintOutcome::Minted(_)));
    let wanted = [mint(2, 2), mint(3, 1), mint(4, 4)];
    let told = join_all(wanted.into_iter().map(|mint| store.record_mint((mint, 3), None))).await;
    assert!(matches!(told[1], Err(StoreError::Refused(_))), "its name was there before: {:?}", told[1]);
    assert!(matches!(told[0], Ok(Answered::Now(MintOutcome::Minted(_)))), "{:?}", told[0]);
    assert!(matches!(told[2], Ok(Answered::Now(MintOutcome::Minted(_)))), "{:?}", told[2]);
    assert_eq!(number(&store, TOKENS).await, 3);
}

#[tokio::test]
async fn the_fast_way_asks_all_that_the_usual_way_asks() {
    let directory = Directory::on_sqlite();
    let store = ready(&directory).await;
    approved(&store, 1..=2).await;
    open(&store, wish(3)).await;
    open(&store, wish(4)).await;
    decide(&store, 4, StepOutcome::Rejected, later(1)).await;
    assert!(!is_plain(&store, &mint(3, 1)).await, "pending");
    assert!(!is_plain(&store, &mint(4, 1)).await, "rejected");
    assert!(!is_plain(&store, &mint(9, 1)).await, "unknown");
    assert!(!is_plain(&store, &MintRecord { expires_at: later(3601), ..mint(1, 1) }).await, "ends before");
    let foreign = MintRecord { kid: Kid::new("theirs").expect("a kid"), ..mint(1, 1) };
    assert!(!is_plain(&store, &foreign).await, "another's key");
    for jti in 1..=3 {
        assert!(is_plain(&store, &mint(1, jti)).await);
    }
    assert!(!is_plain(&store, &mint(1, 4)).await, "too many");
    let changes = [
        (
            "INSERT INTO desk_pauses (scope, actor, reason, acted_at) VALUES ('transfer:write', 'a', 'b', 1)",
            "DELETE FROM desk_pauses",
        ),
        ("UPDATE signing_keys SET revoked_at = 1", "UPDATE signing_keys SET revoked_at = NULL"),
        ("UPDATE api_keys SET revoked_at = 1", "UPDATE api_keys SET revoked_at = NULL"),
    ];
    for (change, back) in changes {
        execute(&store, change).await;
        assert!(!is_plain(&store, &mint(2, 20)).await, "{change}");
        execute(&store, back).await;
    }
    execute(
        &store,
        "UPDATE verifications SET withdrawn_at = 1, withdrawn_for = 'asked' WHERE reference LIKE '01%'",
    )
    .await;
    assert!(!is_plain(&store, &mint(1, 5)).await, "withdrawn");
    assert!(is_plain(&store, &mint(2, 20)).await);
    assert_eq!(number(&store, TOKENS).await, 4);
}

fn approval() -> Decided {
    decided(StepOutcome::Approved, START)
}

async fn one_call(store: &Store, wish: OpenWish, mint: MintRecord) -> OneCallOutcome {
    match store.mint_in_one_call((wish, approval()), (mint, 3), None).await.expect("answered") {
        Answered::Now(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}

fn is_minted(outcome: &OneCallOutcome, n: u8) -> bool {
    matches!(outcome, OneCallOutcome::Mint(MintOutcome::Minted(_), of) if *of == id(n))
}

#[tokio::test]
async fn of_those_that_come_in_one_call_each_gets_what_is_its_own() {
    let directory = Directory::on_sqlite();
    let store = ready(&directory).await;
    approved(&store, 1..=1).await;
    open(&store, wish(2)).await;
    decide(&store, 2, StepOutcome::Rejected, later(1)).await;
    // `wish(n)` for the challenge of another.
    let of_challenge = |n: u8, challenge: u8| {
        let mut wish = wish(n);
        wish.opening.challenge_id = ChallengeId::new(&format!("chl_{challenge}")).expect("a challenge");
        wish
    };
    let mut conflict = of_challenge(13, 1);
    conflict.opening.user_id = UserId::new("usr_2").expect("a user");
    let wanted = [
        (wish(10), mint(10, 10)),
        (of_challenge(11, 1), mint(11, 11)),
        (of_challenge(12, 2), mint(12, 12)),
        (conflict, mint(13, 13)),
        (wish(14), mint(14, 14)),
        (of_challenge(15, 14), mint(15, 15)),
        (wish(16), MintRecord { kid: Kid::new("theirs").expect("a kid"), ..mint(16, 16) }),
    ];
    let calls = wanted.into_iter().map(|(wish, mint)| one_call(&store, wish, mint));
    // A mint of what was approved before is among them.
    let (told, alone) = futures_util::future::join(join_all(calls), minted(&store, mint(1, 1))).await;
    assert!(matches!(alone, MintOutcome::Minted(_)), "{alone:?}");
    assert!(is_minted(&told[0], 10) && is_minted(&told[4], 14), "{told:?}");
    assert!(is_minted(&told[1], 1) && is_minted(&told[5], 14), "of the one that was there: {told:?}");
    assert!(matches!(&told[2], OneCallOutcome::Refused(_)), "{told:?}");
    assert!(matches!(&told[3], OneCallOutcome::Conflict), "{told:?}");
    let withdrawn = MintOutcome::SigningKeyWithdrawn;
    assert!(matches!(&told[6], OneCallOutcome::Mint(outcome, _) if *outcome == withdrawn), "{told:?}");
    assert_eq!(number(&store, TOKENS).await, 5);
    assert_eq!(number(&store, "SELECT count(*) FROM verifications").await, 5);
    let state = store.verification(id(16)).await.expect("a look").expect("opened").recorded_state;
    assert_eq!(state, VerificationState::Approved, "opened and approved, and worth a token of a good key");
    assert!(is_minted(&one_call(&store, wish(16), mint(16, 17)).await, 16), "the same wish again");
    assert_eq!(events(&store, 16).await.len(), 3);
}

async fn events(store: &Store, n: u8) -> Vec<StoredEvent> {
    store.verification_events(id(n)).await.expect("events")
}

#[tokio::test]
async fn the_fast_way_leaves_the_record_that_the_usual_way_leaves() {
    let directory = Directory::on_sqlite();
    let store = ready(&directory).await;
    let plain = store.record_plainly((&mint(1, 1), 3), Some((&wish(1), &approval()))).await;
    assert!(plain.expect("answered"), "all at once, the fast way");
    let key = OnceKey {
        api_key_id: wish(2).opening.opened_by,
        route: "/v1/verification-tokens".into(),
        key: "k".into(),
        body_sha256: [1; 32],
        at: START,
    };
    // What is done once per key goes the usual way.
    let once = Some(Once { key, answer: |_, _| None });
    let usual = store.mint_in_one_call((wish(2), approval()), (mint(2, 2), 3), once).await.expect("answered");
    assert!(matches!(usual, Answered::Now(outcome) if is_minted(&outcome, 2)));
    let told = |events: Vec<StoredEvent>| -> Vec<_> {
        let detail = |event: &StoredEvent| event.detail.as_ref().map(|detail| detail.replace("02", "01"));
        events
            .iter()
            .map(|event| (event.version, event.at, event.kind.clone(), event.actor.clone(), detail(event)))
            .collect()
    };
    assert_eq!(told(events(&store, 1).await), told(events(&store, 2).await));
    let (fast, usual) = (store.verification(id(1)).await, store.verification(id(2)).await);
    let (fast, usual) = (fast.expect("a look").expect("there"), usual.expect("a look").expect("there"));
    assert_eq!(
        (fast.version, fast.recorded_state, &fast.decided),
        (usual.version, usual.recorded_state, &usual.decided)
    );
    assert_eq!((fast.opening, usual.opening), (wish(1).opening, wish(2).opening));
    let differing = "SELECT count(*) FROM (SELECT DISTINCT kid, api_key_id, user_id, session_id, step_key, scope, decision_id,
                     proof, issued_at, not_before, expires_at FROM verification_tokens)";
    assert_eq!(number(&store, differing).await, 1);
}

#[tokio::test]
async fn an_approval_that_was_kept_comes_first() {
    let directory = Directory::on_sqlite();
    let store = ready(&directory).await;
    open(&store, wish(1)).await;
    decide(&store, 1, StepOutcome::Approved, later(3600)).await;
    let mut next = wish(2);
    next.opening.opened_at = later(3700);
    next.opening.expires_at = later(7200);
    next.approvals_since = Some(START);
    let mint =
        MintRecord { issued_at: later(3700), not_before: later(3695), expires_at: later(4000), ..mint(2, 2) };
    assert!(is_minted(&one_call(&store, next, mint).await, 2));
    let found = store.verification(id(2)).await.expect("a look").expect("there");
    assert_eq!(found.decided, Some(decided(StepOutcome::Approved, later(3600))), "who looked, not who asked");
}

#[tokio::test]
async fn a_review_that_another_process_recorded_meanwhile_is_not_passed_over() {
    let directory = Directory::on_sqlite();
    let (store, other) = (ready(&directory).await, directory.open().await);
    let kyc = |n| review(n, "kyc_review");
    store.record_decision(signature(1), kyc(1)).await.expect("recorded");
    let through = |n: u8, seq| OpenWish { reviews_through: Some(seq), ..wish(n) };
    assert!(is_minted(&one_call(&store, through(1, 1), mint(1, 1)).await, 1));
    let elsewhere = DecisionRecord { scope: Scope::new("payout:write").expect("a scope"), ..kyc(2) };
    other.record_decision(signature(2), elsewhere).await.expect("recorded");
    other.record_decision(signature(3), block(3)).await.expect("recorded");
    assert!(is_minted(&one_call(&store, through(2, 1), mint(2, 2)).await, 2), "these are no reviews of it");
    other.record_decision(signature(4), kyc(4)).await.expect("recorded");
    let told = join_all([
        one_call(&store, through(3, 1), mint(3, 3)),
        one_call(&store, through(4, 4), mint(4, 4)),
        one_call(&store, wish(5), mint(5, 5)),
    ])
    .await;
    assert!(matches!(&told[0], OneCallOutcome::NewerReview), "{told:?}");
    assert!(is_minted(&told[1], 4) && is_minted(&told[2], 5), "{told:?}");
    assert_eq!(store.verification(id(3)).await.expect("a look"), None, "nothing was done");
    assert_eq!(number(&store, TOKENS).await, 4);
}
