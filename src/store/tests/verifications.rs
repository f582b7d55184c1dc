//! The life of custom steps: opened once, decided once, and only then worth tokens.

use std::time::Duration;

use futures_util::future::join_all;

use super::keys::{api_key, signing_key};
use super::*;
use crate::domain::{
    ApiKeyId, Approver, ChallengeId, ChallengeProof, Decided, Decider, GivenReason, Jti, MintRecord, Opening,
    Reference, SessionId, SigningKeyRecord, StepKey, StepOutcome, Verification, VerificationFilter,
    VerificationId, VerificationState, Withdrawal, WithdrawnOf,
};
use crate::store::{
    Answered, DecideOutcome, KeptAnswer, MintOutcome, Once, OnceKey, OneCallOutcome, OpenOutcome, OpenWish,
};

const HOUR: Duration = Duration::from_secs(3600);

pub(super) fn later(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

/// A store with a caller and a signing key.
pub(super) async fn ready(directory: &Directory) -> Store {
    let store = directory.open().await;
    store.create_api_key(api_key("one")).await.expect("kept");
    let key = SigningKeyRecord { revoked_at: None, ..signing_key("ours") };
    assert!(store.insert_first_signing_key(key).await.expect("kept"));
    store
}

pub(super) fn id(n: u8) -> VerificationId {
    VerificationId::new(START, [n; 10])
}

/// A wish for challenge `n` that ends in an hour.
pub(super) fn wish(n: u8) -> OpenWish {
    let opening = Opening {
        id: id(n),
        reference: Reference::from_random([n; 16]),
        source: None,
        challenge_id: ChallengeId::new(&format!("chl_{n}")).expect("a challenge"),
        step_key: StepKey::new("kyc_review").expect("a step"),
        user_id: UserId::new("usr_test").expect("a user"),
        session_id: Some(SessionId::new("ses").expect("a session")),
        scope: Scope::new("transfer:write").expect("a scope"),
        metadata_json: Some(r#"{"amount":"10"}"#.to_owned()),
        decision_id: Some(decision_id(1)),
        proof: ChallengeProof::ChallengeToken,
        opened_by: ApiKeyId::new("one").expect("an id"),
        opened_at: START,
        expires_at: START.plus(HOUR),
    };
    OpenWish { opening, approvals_since: None, reviews_through: None }
}

pub(super) async fn open(store: &Store, wish: OpenWish) -> Verification {
    match store.open_verification(wish, None).await.expect("answered") {
        Answered::Now(OpenOutcome::Opened(opened)) => *opened,
        other => panic!("{other:?}"),
    }
}

pub(super) fn decided(outcome: StepOutcome, at: Timestamp) -> Decided {
    Decided {
        outcome,
        at,
        decided_as: Approver::Person,
        actor: Decider::new("ana").expect("a name"),
        reason: GivenReason::new("passport seen").expect("words"),
    }
}

pub(super) async fn decide(store: &Store, n: u8, outcome: StepOutcome, at: Timestamp) -> DecideOutcome {
    let kept_for = Some(Duration::from_secs(7 * 86_400));
    match store.decide_verification(id(n), (decided(outcome, at), kept_for), None).await.expect("answered") {
        Answered::Now(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}

pub(super) fn mint(n: u8, jti: u8) -> MintRecord {
    MintRecord {
        jti: Jti::from_random([jti; 16]),
        kid: Kid::new("ours").expect("a kid"),
        api_key_id: ApiKeyId::new("one").expect("an id"),
        verification_id: id(n),
        issued_at: later(10),
        not_before: later(5),
        expires_at: later(310),
    }
}

pub(super) async fn minted(store: &Store, mint: MintRecord) -> MintOutcome {
    match store.record_mint((mint, 3), None).await.expect("answered") {
        Answered::Now(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}

async fn a_verification_is_opened_once_and_comes_back_as_it_was(directory: Directory) {
    let store = ready(&directory).await;
    let opened = open(&store, wish(1)).await;
    assert_eq!((opened.opening.clone(), opened.version), (wish(1).opening, 1));
    assert_eq!(opened.state_at(START), VerificationState::Pending);
    assert_eq!(opened.state_at(START.plus(HOUR)), VerificationState::Expired);
    let again = OpenWish {
        opening: Opening { challenge_id: wish(1).opening.challenge_id, ..wish(2).opening },
        ..wish(2)
    };
    let outcome = store.open_verification(again.clone(), None).await.expect("answered");
    assert!(matches!(outcome, Answered::Now(OpenOutcome::Before(found)) if *found == opened));
    let other = OpenWish {
        opening: Opening { user_id: UserId::new("usr_2").expect("a user"), ..again.opening },
        ..again
    };
    let outcome = store.open_verification(other, None).await.expect("answered");
    assert!(matches!(outcome, Answered::Now(OpenOutcome::Conflict)));
    assert_eq!(store.verification(id(1)).await.expect("a look"), Some(opened));
    assert_eq!(store.verification(id(2)).await.expect("a look"), None);
}

async fn it_is_decided_once_and_for_ever(directory: Directory) {
    let store = ready(&directory).await;
    open(&store, wish(1)).await;
    let outcome = decide(&store, 1, StepOutcome::Rejected, later(1)).await;
    let DecideOutcome::Decided(found) = outcome else { panic!("{outcome:?}") };
    assert_eq!(found.decided, Some(decided(StepOutcome::Rejected, later(1))));
    assert_eq!(store.verification(id(1)).await.expect("a look"), Some(*found));
    let outcome = decide(&store, 1, StepOutcome::Approved, later(2)).await;
    assert!(
        matches!(outcome, DecideOutcome::Before(found) if found.recorded_state == VerificationState::Rejected)
    );
    assert!(matches!(decide(&store, 9, StepOutcome::Approved, START).await, DecideOutcome::Unknown));
    let force = "UPDATE verifications SET state = 'approved'";
    for sql in [force, "UPDATE verifications SET reason = 'x'", "UPDATE verification_events SET actor = 'x'"]
    {
        let forced = run(&store, sql).await;
        assert!(matches!(forced, Err(StoreError::Refused(_))), "{sql}");
    }
    let events = store.verification_events(id(1)).await.expect("events");
    let told: Vec<_> =
        events.iter().map(|event| (event.version, event.kind.as_str(), event.actor.as_str())).collect();
    assert_eq!(told, [(Some(1), "opened", "api:one"), (Some(2), "rejected", "ana")]);
}

async fn a_late_approval_opens_one_later_challenge_of_the_same_user_scope_and_step(directory: Directory) {
    let store = ready(&directory).await;
    open(&store, wish(1)).await;
    let late = START.plus(HOUR);
    for _ in 0..2 {
        let outcome = decide(&store, 1, StepOutcome::Approved, late).await;
        let DecideOutcome::Kept(found, until) = outcome else { panic!("{outcome:?}") };
        assert_eq!((found.recorded_state, found.version), (VerificationState::Expired, 3));
        assert_eq!(until, late.plus(Duration::from_secs(7 * 86_400)));
    }
    let at = |n: u8, seconds: u64, change: fn(&mut Opening)| {
        let mut wish = wish(n);
        wish.opening.opened_at = late.plus(Duration::from_secs(seconds));
        wish.opening.expires_at = wish.opening.opened_at.plus(HOUR);
        wish.approvals_since = Some(wish.opening.opened_at.minus(Duration::from_secs(7 * 86_400)));
        change(&mut wish.opening);
        wish
    };
    let state = |found: Verification| found.recorded_state;
    let user = |opening: &mut Opening| opening.user_id = UserId::new("usr_2").expect("a user");
    assert_eq!(state(open(&store, at(2, 1, user)).await), VerificationState::Pending);
    let scope = |opening: &mut Opening| opening.scope = Scope::new("payout:write").expect("a scope");
    assert_eq!(state(open(&store, at(3, 1, scope)).await), VerificationState::Pending);
    assert_eq!(state(open(&store, at(4, 7 * 86_400, |_| ())).await), VerificationState::Pending, "too old");
    let stricter = OpenWish { approvals_since: Some(late), ..at(5, 1, |_| ()) };
    assert_eq!(state(open(&store, stricter).await), VerificationState::Pending, "by the policy of today");
    let approved = open(&store, at(6, 1, |_| ())).await;
    assert_eq!(approved.decided, Some(decided(StepOutcome::Approved, late)));
    assert_eq!(approved.version, 2);
    assert_eq!(state(open(&store, at(7, 2, |_| ())).await), VerificationState::Pending, "used once");
    let told = ("api:one".to_owned(), "asked: x".to_owned());
    let at = approved.opening.opened_at;
    let asked = (Withdrawal::Asked, move || at);
    let withdrawn = store.withdraw_verifications(WithdrawnOf::One(id(1)), asked, told, None).await;
    assert!(matches!(withdrawn, Ok(Answered::Now(ids)) if ids == [id(1), id(6)]), "with what it opened");
}

async fn a_late_rejection_or_one_that_is_not_kept_decides_nothing(directory: Directory) {
    let store = ready(&directory).await;
    open(&store, wish(1)).await;
    let late = START.plus(HOUR);
    assert!(matches!(decide(&store, 1, StepOutcome::Rejected, late).await, DecideOutcome::TooLate));
    let wanted = (decided(StepOutcome::Approved, late), None);
    let outcome = store.decide_verification(id(1), wanted, None).await.expect("answered");
    assert!(matches!(outcome, Answered::Now(DecideOutcome::TooLate)));
    assert_eq!(store.expire_verifications(late, 10).await.expect("noted"), [id(1)]);
    assert_eq!(store.expire_verifications(late, 10).await.expect("noted"), []);
    let found = store.verification(id(1)).await.expect("a look").expect("there");
    assert_eq!((found.recorded_state, found.version), (VerificationState::Expired, 2));
}

async fn a_token_is_recorded_only_of_what_is_worth_one(directory: Directory) {
    let store = ready(&directory).await;
    open(&store, wish(1)).await;
    let pending = MintOutcome::NotApproved(VerificationState::Pending);
    assert_eq!(minted(&store, mint(1, 1)).await, pending);
    decide(&store, 1, StepOutcome::Approved, later(1)).await;
    assert_eq!(minted(&store, mint(9, 1)).await, MintOutcome::Unknown);
    let long = MintRecord { expires_at: START.plus(HOUR).plus(Duration::from_micros(1)), ..mint(1, 1) };
    assert_eq!(minted(&store, long).await, MintOutcome::Ends(START.plus(HOUR)));
    let foreign = MintRecord { kid: Kid::new("theirs").expect("a kid"), ..mint(1, 1) };
    assert_eq!(minted(&store, foreign).await, MintOutcome::SigningKeyWithdrawn);
    for jti in 1..=3 {
        let outcome = minted(&store, mint(1, jti)).await;
        assert_eq!(outcome, MintOutcome::Minted(Jti::from_random([jti; 16])));
    }
    assert_eq!(minted(&store, mint(1, 4)).await, MintOutcome::TooMany);
    assert_eq!(number(&store, "SELECT count(*) FROM verification_tokens").await, 3);
    let token = store.token(Jti::from_random([2; 16]), later(20)).await.expect("a look").expect("there");
    assert_eq!((token.verification_id, token.expires_at), (Some(id(1)), later(310)));
    assert_eq!(token.user_id.as_str(), "usr_test");
    open(&store, wish(2)).await;
    decide(&store, 2, StepOutcome::Approved, later(1)).await;
    let repeated = store.record_mint((mint(2, 1), 3), None).await;
    assert!(matches!(repeated, Err(StoreError::Refused(_))), "a jti is used once");
}

async fn what_is_withdrawn_is_worth_no_token(directory: Directory) {
    let store = ready(&directory).await;
    for n in [1, 2, 3] {
        open(&store, wish(n)).await;
    }
    decide(&store, 1, StepOutcome::Approved, later(1)).await;
    decide(&store, 2, StepOutcome::Rejected, later(1)).await;
    let withdraw = |of| {
        let told = ("api:one".to_owned(), "asked: x".to_owned());
        store.withdraw_verifications(of, (Withdrawal::SessionRevoked, || later(2)), told, None)
    };
    let other = WithdrawnOf::Session(SessionId::new("other").expect("a session"));
    assert!(matches!(withdraw(other).await.expect("answered"), Answered::Now(ids) if ids.is_empty()));
    let ours = WithdrawnOf::Session(SessionId::new("ses").expect("a session"));
    let outcome = withdraw(ours.clone()).await.expect("answered");
    assert!(matches!(outcome, Answered::Now(ids) if ids == [id(1), id(3)]));
    assert!(matches!(withdraw(ours).await.expect("answered"), Answered::Now(ids) if ids.is_empty()));
    assert_eq!(minted(&store, mint(1, 1)).await, MintOutcome::Withdrawn);
    assert!(matches!(decide(&store, 3, StepOutcome::Approved, later(3)).await, DecideOutcome::Withdrawn));
    assert!(matches!(
        decide(&store, 3, StepOutcome::Approved, START.plus(HOUR)).await,
        DecideOutcome::Withdrawn
    ));
    let found = store.verification(id(1)).await.expect("a look").expect("there");
    assert_eq!(found.recorded_state, VerificationState::Approved, "what was decided stays decided");
}

async fn lists_are_filtered_and_paged(directory: Directory) {
    let store = ready(&directory).await;
    for n in 1..=4 {
        open(&store, wish(n)).await;
    }
    decide(&store, 2, StepOutcome::Approved, later(1)).await;
    let all = VerificationFilter {
        user_id: None,
        scope: None,
        within: None,
        step_key: None,
        within_steps: None,
        state: None,
        challenge_id: None,
        now: START,
        before: None,
        limit: 10,
    };
    let ids = async |filter: VerificationFilter| -> Vec<VerificationId> {
        let found = store.verifications(filter).await.expect("a page");
        found.iter().map(|found| found.opening.id).collect()
    };
    assert_eq!(ids(all.clone()).await, [id(4), id(3), id(2), id(1)]);
    assert_eq!(ids(VerificationFilter { before: Some(3), limit: 1, ..all.clone() }).await, [id(2)]);
    let state = |state, now| VerificationFilter { state: Some(state), now, ..all.clone() };
    assert_eq!(ids(state(VerificationState::Approved, START)).await, [id(2)]);
    assert_eq!(ids(state(VerificationState::Expired, START)).await, []);
    assert_eq!(ids(state(VerificationState::Expired, START.plus(HOUR))).await, [id(4), id(3), id(1)]);
    let challenge = ChallengeId::new("chl_3").expect("a challenge");
    assert_eq!(ids(VerificationFilter { challenge_id: Some(challenge), ..all.clone() }).await, [id(3)]);
    let elsewhere = Some(vec![Scope::new("payout:write").expect("a scope")]);
    assert_eq!(ids(VerificationFilter { within: elsewhere, ..all.clone() }).await, []);
    let elsewhere = Some(vec![StepKey::new("video_call").expect("a step")]);
    assert_eq!(ids(VerificationFilter { within_steps: elsewhere, ..all }).await, []);
}

async fn a_write_is_done_once_per_key_and_body_for_a_day(directory: Directory) {
    let store = ready(&directory).await;
    let key = |body: u8, at: Timestamp| OnceKey {
        api_key_id: ApiKeyId::new("one").expect("an id"),
        route: "/v1/verifications".into(),
        key: "k".into(),
        body_sha256: [body; 32],
        at,
    };
    let once = |key| {
        let answer = |_: &OpenOutcome, _| Some(KeptAnswer::Body { status: 201, text: "{}".to_owned() });
        Some(Once { key, answer })
    };
    let first = store.open_verification(wish(1), once(key(1, START))).await.expect("answered");
    assert!(matches!(first, Answered::Now(OpenOutcome::Opened(_))));
    let kept = KeptAnswer::Body { status: 201, text: "{}".to_owned() };
    let again = store.open_verification(wish(2), once(key(1, later(1)))).await.expect("answered");
    assert!(matches!(again, Answered::Before(answer) if answer == kept));
    let other = store.open_verification(wish(2), once(key(2, later(1)))).await.expect("answered");
    assert!(matches!(other, Answered::OtherBody));
    assert_eq!(number(&store, "SELECT count(*) FROM verifications").await, 1);
    let elsewhere = OnceKey { route: "/v1/withdrawals".into(), ..key(2, START) };
    assert!(matches!(store.kept_answer(&elsewhere).await.expect("a look"), Answered::Now(())));
    let next_day = later(86_400);
    let later = store.open_verification(wish(2), once(key(2, next_day))).await.expect("answered");
    assert!(matches!(later, Answered::Now(OpenOutcome::Opened(_))));
    assert_eq!(store.forget_answers(next_day, 10).await.expect("forgotten"), 0);
    assert_eq!(store.forget_answers(next_day.plus(HOUR * 24), 10).await.expect("forgotten"), 1);
}

/// Two stores on one record stand for two processes. What the record of a round says must fit what its callers were told.
async fn of_many_who_decide_and_mint_at_once_one_decides(directory: Directory) {
    const ROUNDS: u8 = 40;
    let stores = [ready(&directory).await, directory.open().await];
    for round in 0..ROUNDS {
        open(&stores[0], wish(round)).await;
        let racers = (0..64_u8).map(|racer| race(&stores[usize::from(racer % 2)], round, racer));
        let told = join_all(racers).await;
        let decided: Vec<_> = told.iter().filter_map(|told| told.decided).collect();
        assert!(decided.len() <= 1, "round {round}");
        let found = stores[1].verification(id(round)).await.expect("a look").expect("there");
        assert!(decided.iter().all(|outcome| outcome.state() == found.recorded_state), "round {round}");
        let minted = told.iter().filter(|told| told.minted).count();
        if found.recorded_state == VerificationState::Rejected {
            assert_eq!(minted, 0, "no token outside of an approval");
        }
        assert!(minted <= 3, "round {round}: {minted}");
    }
    let decisions = "SELECT count(*) FROM verification_events WHERE kind IN ('approved', 'rejected')";
    assert_eq!(number(&stores[0], decisions).await, i64::from(ROUNDS));
}

#[derive(Default)]
struct Told {
    decided: Option<StepOutcome>,
    minted: bool,
}

async fn race(store: &Store, round: u8, racer: u8) -> Told {
    let outcome = match racer % 4 {
        0 => StepOutcome::Approved,
        1 => StepOutcome::Rejected,
        2 => {
            let outcome = minted(store, mint_of(round, racer)).await;
            return Told { minted: matches!(outcome, MintOutcome::Minted(_)), decided: None };
        }
        _ => return one_call(store, round, racer).await,
    };
    let is_winner = matches!(decide(store, round, outcome, later(1)).await, DecideOutcome::Decided(_));
    Told { decided: is_winner.then_some(outcome), minted: false }
}

/// Opens, approves and mints: it tells of the token only, so who decided may be nobody that was told.
async fn one_call(store: &Store, round: u8, racer: u8) -> Told {
    let approving = (wish(round), decided(StepOutcome::Approved, later(1)));
    let done = store.mint_in_one_call(approving, (mint_of(round, racer), 3), None).await.expect("answered");
    let minted = matches!(done, Answered::Now(OneCallOutcome::Mint(MintOutcome::Minted(_), _)));
    Told { minted, decided: None }
}

fn mint_of(round: u8, racer: u8) -> MintRecord {
    let mut jti = [round; 16];
    jti[0] = racer;
    MintRecord { jti: Jti::from_random(jti), ..mint(round, 0) }
}

on_each_engine! {
    []
    a_verification_is_opened_once_and_comes_back_as_it_was,
    it_is_decided_once_and_for_ever,
    a_late_approval_opens_one_later_challenge_of_the_same_user_scope_and_step,
    a_late_rejection_or_one_that_is_not_kept_decides_nothing,
    a_token_is_recorded_only_of_what_is_worth_one,
    what_is_withdrawn_is_worth_no_token,
    lists_are_filtered_and_paged,
    a_write_is_done_once_per_key_and_body_for_a_day;
    [flavor = "multi_thread", worker_threads = 2]
    of_many_who_decide_and_mint_at_once_one_decides
}
