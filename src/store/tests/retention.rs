//! What has had its time goes, what is of use stays, and whoever looks through the record is told which is which.

mod races;
mod signatures;
mod tables;

use std::time::Duration;

use super::audit::{decision_of, erase, finding};
use super::verifications::{decide, id, later, mint, minted, open as open_verification, ready, wish};
use super::*;
use crate::domain::{Anchor, Audited, Checkpoint, Hold, StepOutcome, SubjectKey, Tampering};
use crate::store::{Plain, Retiring, Seal, Stretch};

const DAY: u64 = 86_400;

/// Deletes what is older than so many days after the start, as of a hundred days after it.
pub(super) fn retiring(days: u64) -> Retiring {
    Retiring { before: later(days * DAY), now: later(100 * DAY), actor: "cli:ana".into() }
}

/// Not the application's, but as good.
pub(super) fn seal(key: u8) -> Seal {
    Arc::new(move |anchor: &Anchor| {
        let mut seal = anchor.head.hash;
        seal[0] ^= key;
        seal[1] ^= anchor.first.to_le_bytes()[0];
        seal
    })
}

/// Walks to the end, as the application does.
async fn walk(step: impl AsyncFn(i64) -> Stretch) -> u64 {
    let (mut after, mut deleted) = (i64::MIN, 0);
    loop {
        let stretch = step(after).await;
        deleted += stretch.deleted;
        if !stretch.goes_on {
            return deleted;
        }
        after = stretch.through;
    }
}

async fn decisions(store: &Store, days: u64) -> u64 {
    walk(async |after| store.retire_decisions(retiring(days), seal(1), after).await.expect("done")).await
}

async fn plain(store: &Store, plain: Plain, days: u64) -> u64 {
    walk(async |after| store.retire(plain, retiring(days), after).await.expect("done")).await
}

async fn audit(store: &Store, checkpoint: Option<&Checkpoint>) -> Audited {
    store.audit(checkpoint, Some(&seal(1))).await.expect("looked through")
}

pub(super) async fn hold(store: &Store, user: &str, until: Option<Timestamp>) {
    let user_id = UserId::new(user).expect("a user");
    let hold =
        Hold { user_id, held_at: START, until, actor: "cli:ana".into(), reason: "a court asks".into() };
    store.hold_user(hold).await.expect("held");
}

pub(super) async fn release(store: &Store, user: &str) -> bool {
    let by = (crate::domain::Actor::CommandLine("ana".into()), START);
    let user = UserId::new(user).expect("a user");
    store.release_user(user, by, "the case is closed".into()).await.expect("done")
}

/// Decision `n` of a user, so many days after the start.
fn on_day(n: u64, user: &str, days: u64) -> DecisionRecord {
    DecisionRecord { received_at: later(days * DAY), ..decision_of(n, user) }
}

/// Ten decisions, of which the first eight are from day 1 to day 8: of `usr_b` the third, the fifth of use until day 200.
async fn ten(directory: &Directory) -> Store {
    let store = directory.open().await;
    for n in 1..=10 {
        let user = if n == 3 { "usr_b" } else { "usr_a" };
        let decision = on_day(n, user, if n > 8 { 90 } else { n });
        let usable_until = (n == 5).then(|| later(200 * DAY));
        let decision = DecisionRecord { usable_until, ..decision };
        store.record_decision(signature(n), decision).await.expect("recorded");
    }
    store
}

async fn numbers(store: &Store) -> String {
    let sql = either(
        "SELECT group_concat(chain_number, ' ' ORDER BY chain_number) FROM decisions",
        "SELECT string_agg(chain_number::text, ' ' ORDER BY chain_number) FROM decisions",
    );
    value(store, sql).await
}

async fn old_decisions_go_and_what_is_of_use_stays(directory: Directory) {
    let store = ten(&directory).await;
    hold(&store, "usr_b", None).await;
    let whole = audit(&store, None).await;
    let checkpoint =
        Checkpoint { at: START, through: whole.through, chained: whole.chained, heads: whole.heads.clone() };
    assert_eq!(decisions(&store, 8).await, 5, "1, 2, 4, 6 and 7");
    assert_eq!(decisions(&store, 8).await, 0, "again is nothing new");
    assert_eq!(numbers(&store).await, "3 5 8 9 10");
    let rows =
        "SELECT (SELECT count(*) FROM decision_personal) * 100 + (SELECT count(*) FROM decision_subjects)";
    // On SQLite two at most are not filed.
    let rows = number(&store, rows).await;
    assert!(rows / 100 == 5 && rows % 100 <= 5, "{rows}");
    assert_eq!(number(&store, "SELECT count(*) FROM signatures").await, if rows % 100 == 5 { 10 } else { 8 });

    let audited = audit(&store, Some(&checkpoint)).await;
    assert_eq!((audited.chained, audited.anchored, finding(&audited)), (5, 3, None));
    assert_eq!(audited.heads, whole.heads);
    // A call that was made of them is not taken for a new one.
    let replay = store.record_decision(signature(1), on_day(50, "usr_a", 91)).await.expect("answered");
    assert_eq!(replay, Recorded::TooOld);

    assert!(release(&store, "usr_b").await && !release(&store, "usr_b").await);
    assert_eq!(decisions(&store, 91).await, 4);
    assert_eq!(numbers(&store).await, "5", "whatever its age, somebody can still spend it");
    let audited = audit(&store, Some(&checkpoint)).await;
    assert_eq!((audited.chained, finding(&audited)), (1, None));
    // The chain goes on all the same.
    store.record_decision(signature(11), on_day(11, "usr_a", 92)).await.expect("recorded");
    let audited = audit(&store, Some(&checkpoint)).await;
    assert_eq!((audited.chained, audited.heads[0].number, finding(&audited)), (2, 11, None));
}

const WITHOUT_TRIGGER: Sql = either(
    "DROP TRIGGER decisions_leave_an_anchor",
    "ALTER TABLE decisions DISABLE TRIGGER decisions_leave_an_anchor",
);

async fn what_else_is_missing_is_found(directory: Directory) {
    let cases: [(&'static str, Option<Tampering>); 6] = [
        ("DELETE FROM decisions WHERE chain_number = 9", Some(Tampering::Missing(9, 9))),
        // One that was kept, between two that were not.
        ("DELETE FROM decisions WHERE chain_number = 3", Some(Tampering::Missing(3, 4))),
        ("DELETE FROM decisions WHERE chain_number = 5", Some(Tampering::Missing(5, 7))),
        ("DELETE FROM decisions WHERE chain_number >= 9", Some(Tampering::CutTail(10, 8))),
        // Somebody who can write anchors and has not the key.
        (
            "INSERT INTO chain_anchors (chain, first_number, chain_number, chain_hash, left_at, actor, seal)
             SELECT chain, 9, chain_number, chain_hash, 0, 'x', chain_hash FROM decisions WHERE chain_number = 9",
            None,
        ),
        ("DELETE FROM decision_personal WHERE decision_seq = (SELECT max(seq) FROM decisions)", Some(Tampering::PersonalMissing)),
    ];
    for (deed, what) in cases {
        let place = directory.another().await;
        let store = ten(&place).await;
        hold(&store, "usr_b", Some(later(101 * DAY))).await;
        let whole = audit(&store, None).await;
        let checkpoint =
            Checkpoint { at: START, through: whole.through, chained: whole.chained, heads: whole.heads };
        assert_eq!(decisions(&store, 8).await, 5);
        assert_eq!(plain(&store, Plain::PersonalValues, 90).await, 2, "of 5 and 8; 3 is on hold");
        let audited = audit(&store, Some(&checkpoint)).await;
        assert_eq!((audited.aged, finding(&audited)), (2, None));
        run(&store, WITHOUT_TRIGGER).await.expect("done");
        run(&store, deed).await.expect("done");
        let audited = audit(&store, Some(&checkpoint)).await;
        assert_eq!(finding(&audited).map(|(what, _)| what), what, "{deed}");
        if what.is_none() {
            run(&store, "DELETE FROM decisions WHERE chain_number = 9").await.expect("done");
            let found = finding(&audit(&store, Some(&checkpoint)).await);
            assert_eq!(found.map(|(what, _)| what), Some(Tampering::Missing(9, 9)), "the seal is not ours");
            let believed = store.audit(None, None).await.expect("looked through");
            assert_eq!(finding(&believed), None, "without the key nobody can tell");
        }
    }
}

async fn a_review_stays_as_long_as_somebody_may_approve_it(directory: Directory) {
    let store = ready(&directory).await;
    let old = DecisionRecord { received_at: START, ..decision_of(1, "usr_test") };
    store.record_decision(signature(1), old).await.expect("recorded");
    let mut late = wish(1);
    late.opening.expires_at = later(101 * DAY);
    open_verification(&store, late).await;
    assert_eq!(decisions(&store, 50).await, 0, "its step is pending");
    decide(&store, 1, StepOutcome::Approved, later(102 * DAY)).await;
    assert_eq!(decisions(&store, 50).await, 0, "an approval is kept for a later challenge");
    run(&store, "UPDATE kept_approvals SET withdrawn_at = 1").await.expect("withdrawn");
    let after = Retiring { now: later(103 * DAY), ..retiring(50) };
    let gone = walk(async |at| store.retire_decisions(after.clone(), seal(1), at).await.expect("done")).await;
    assert_eq!(gone, 1);
}

async fn who_was_erased_goes_earlier_and_wholly(directory: Directory) {
    let store = ten(&directory).await;
    // Filed, so that they are found by their user.
    let store = {
        store.close().await.expect("closed");
        directory.open().await
    };
    let late = DecisionRecord { received_at: later(95 * DAY), ..decision_of(20, "usr_b") };
    assert_eq!(erase(&store, "usr_b").await, 1);
    store.record_decision(signature(20), late).await.expect("recorded");
    run(
        &store,
        "INSERT INTO erasures (erased_at, actor, user_key, decisions, verifications)
                 SELECT erased_at + 10 * 86400000000, actor, user_key, 0, 0 FROM erasures",
    )
    .await
    .expect("noted");
    let users = store.erased_users(None).await.expect("read");
    assert_eq!(users, [(SubjectKey::new(*b"usr_b"), later(10 * DAY))]);
    let gone = async |days: u64| {
        let user = users[0].clone();
        walk(async |after| {
            store.retire_erased(user.clone(), retiring(days), (seal(1), after)).await.expect("done")
        })
        .await
    };
    assert_eq!(gone(2).await, 0);
    hold(&store, "usr_b", None).await;
    assert_eq!(gone(99).await, 0);
    release(&store, "usr_b").await;
    assert_eq!(gone(99).await, 1, "what came after the erasure is recorded as ever");
    assert_eq!(number(&store, "SELECT count(*) FROM decisions WHERE user_id = 'usr_b'").await, 1);
    let audited = audit(&store, None).await;
    assert_eq!((audited.anchored, finding(&audited)), (1, None));
    assert_eq!(store.erased_users(Some(&users[0].0)).await.expect("read"), []);
}

async fn one_process_takes_the_turn(directory: Directory) {
    let (here, there) = (directory.open().await, directory.open().await);
    let taken = async |store: &Store, seconds: u64| {
        let (now, not_since) = (later(seconds), later(seconds).minus(Duration::from_hours(1)));
        let is_due = store.retention_is_due(now, not_since).await.expect("read");
        let is_taken = store.take_retention_turn(now, not_since).await.expect("done");
        assert_eq!(is_due, is_taken);
        is_taken
    };
    assert!(taken(&here, 0).await && !taken(&there, 1800).await);
    assert!(taken(&there, 3600).await && !taken(&here, 3600).await);
    // A turn that was taken by a clock far ahead keeps nobody out.
    assert!(taken(&here, 1_000_000).await && taken(&there, 3700).await);
}

on_each_engine! {
    []
    old_decisions_go_and_what_is_of_use_stays,
    what_else_is_missing_is_found,
    a_review_stays_as_long_as_somebody_may_approve_it,
    who_was_erased_goes_earlier_and_wholly,
    one_process_takes_the_turn
}
