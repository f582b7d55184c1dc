//! Whoever changes the record behind our back is found out: each test does so in SQL, with the rights of the tables' owner.

use futures_util::future::join_all;

use super::*;
use crate::domain::{Actor, Audited, ChainHead, Checkpoint, Subject, SubjectKey, Tampering};
use crate::store::Erasure;

/// What the owner of the tables can do and the application cannot.
const WITHOUT_TRIGGERS: [Sql; 3] = [
    either(
        "DROP TRIGGER decisions_are_not_changed",
        "ALTER TABLE decisions DISABLE TRIGGER decisions_are_not_changed",
    ),
    either(
        "DROP TRIGGER decision_personal_is_not_changed",
        "ALTER TABLE decision_personal DISABLE TRIGGER decision_personal_is_not_changed",
    ),
    either(
        "DROP TRIGGER decisions_leave_an_anchor",
        "ALTER TABLE decisions DISABLE TRIGGER decisions_leave_an_anchor",
    ),
];

fn user_key(user: &str) -> SubjectKey {
    SubjectKey::new(user.as_bytes())
}

pub(super) fn decision_of(n: u64, user: &str) -> DecisionRecord {
    DecisionRecord {
        user_id: UserId::new(user).expect("a user"),
        subjects: vec![(Subject::User, user_key(user))],
        context_json: format!(r#"{{"ip":"203.0.{n}.0/24"}}"#),
        ..block(n)
    }
}

/// A record with six decisions, one after the other, in one chain.
async fn six(directory: &Directory) -> Store {
    let store = directory.open().await;
    for n in 1..=6 {
        store.record_decision(signature(n), decision_of(n, "usr_a")).await.expect("recorded");
    }
    store
}

fn checkpoint_of(audited: &Audited) -> Checkpoint {
    Checkpoint { at: START, through: audited.through, chained: audited.chained, heads: audited.heads.clone() }
}

async fn audit(store: &Store) -> Audited {
    store.audit(None, None).await.expect("looked through")
}

/// What is found first, and in which decision.
pub(super) fn finding(audited: &Audited) -> Option<(Tampering, DecisionId)> {
    audited.fault.as_ref().map(|fault| (fault.what, fault.decision))
}

pub(super) async fn erase(store: &Store, user: &str) -> u64 {
    let erasure = Erasure {
        user_id: UserId::new(user).expect("a user"),
        user_key: user_key(user),
        actor: Actor::CommandLine("ana".into()),
        at: START,
    };
    store.erase_verifications(erasure.clone()).await.expect("noted");
    let last = store.last_place().await.expect("a place");
    let (mut after, mut erased) = (0, 0);
    while let Some((until, some)) = store.erase_stretch(&erasure, (after, last)).await.expect("erased") {
        (after, erased) = (until, erased + some);
    }
    erased
}

async fn nothing_is_found_in_an_untouched_record(directory: Directory) {
    let store = six(&directory).await;
    let audited = audit(&store).await;
    assert_eq!((audited.chained, audited.before_chains, finding(&audited)), (6, 0, None));
    assert_eq!(audited.heads.len(), 1);
    assert_eq!((audited.heads[0].chain, audited.heads[0].number), (decision_id(1), 6));

    // The checkpoint holds however much comes after it, from here and from processes that start later.
    let checkpoint = checkpoint_of(&audited);
    store.record_decision(signature(7), decision_of(7, "usr_a")).await.expect("recorded");
    let other = directory.open().await;
    other.record_decision(signature(8), decision_of(8, "usr_b")).await.expect("recorded");
    let audited = store.audit(Some(&checkpoint), None).await.expect("looked through");
    assert_eq!((audited.chained, audited.heads.len(), finding(&audited)), (8, 2, None));
    let since = store.audit_since(&checkpoint, None).await.expect("looked through");
    assert_eq!(since, audited, "what came since, added to the checkpoint, is the whole");
}

async fn two_stores_that_write_at_once_chain_each_for_itself(directory: Directory) {
    let (one, other) = (directory.open().await, directory.open().await);
    let recording = (0..400).map(|n| {
        let store = if n % 2 == 0 { one.clone() } else { other.clone() };
        // Every tenth call repeats another one, and is no decision.
        let signed = signature(if n % 10 == 9 { n - 2 } else { n });
        tokio::spawn(async move { store.record_decision(signed, decision_of(n, "usr_a")).await })
    });
    for recorded in join_all(recording).await {
        drop(recorded.expect("no panic"));
    }
    let audited = audit(&one).await;
    let all = number(&one, "SELECT count(*) FROM decisions").await;
    assert_eq!((audited.chained, audited.before_chains, finding(&audited)), (all.unsigned_abs(), 0, None));
    assert!(audited.heads.len() >= 2);
    let sum: i64 = audited.heads.iter().map(|head| head.number).sum();
    assert_eq!(sum, all);
}

async fn a_row_that_is_refused_leaves_the_chain_whole(directory: Directory) {
    let store = six(&directory).await;
    // The id is there already.
    let twice = store.record_decision(signature(70), decision_of(3, "usr_a")).await;
    assert!(matches!(twice, Err(StoreError::Refused(_))));
    store.record_decision(signature(7), decision_of(7, "usr_a")).await.expect("recorded");
    let audited = audit(&store).await;
    assert_eq!((audited.chained, audited.heads.len(), finding(&audited)), (7, 1, None));
}

/// What somebody does, and what is found in which decision.
type Case = (&'static [Sql], Tampering, u64);

const fn both(sql: &'static str) -> Sql {
    either(sql, sql)
}

const CASES: &[Case] = &[
    (&[both("UPDATE decisions SET verdict = 'continue' WHERE chain_number = 3")], Tampering::Changed, 3),
    (&[both("UPDATE decisions SET user_id = 'usr_b' WHERE chain_number = 3")], Tampering::Changed, 3),
    (&[both("UPDATE decisions SET rule = NULL WHERE chain_number = 4")], Tampering::Changed, 4),
    (&[both("UPDATE decisions SET received_at = received_at + 1 WHERE chain_number = 1")], Tampering::Changed, 1),
    (&[both("UPDATE decisions SET usable_until = 0 WHERE chain_number = 6")], Tampering::Changed, 6),
    (&[both("UPDATE decisions SET traits = '' WHERE chain_number = 5")], Tampering::Changed, 5),
    (&[both("UPDATE decisions SET commitment = signature_hash WHERE chain_number = 5")], Tampering::Changed, 5),
    // A forged link: the hash of another decision, and one that was made up.
    (
        &[both(
            "UPDATE decisions SET chain_hash = (SELECT e.chain_hash FROM decisions AS e WHERE e.chain_number = 4)
              WHERE chain_number = 5",
        )],
        Tampering::Changed,
        5,
    ),
    (&[both("UPDATE decisions SET chain_hash = signature_hash WHERE chain_number = 2")], Tampering::Changed, 2),
    (&[both("UPDATE decisions SET chain_hash = NULL WHERE chain_number = 2")], Tampering::Changed, 2),
    (&[both("DELETE FROM decisions WHERE chain_number = 3")], Tampering::Missing(3, 3), 4),
    (&[both("DELETE FROM decisions WHERE chain_number BETWEEN 2 AND 4")], Tampering::Missing(2, 4), 5),
    (&[both("DELETE FROM decisions WHERE chain_number < 3")], Tampering::Missing(1, 2), 3),
    // The gap is closed by counting anew.
    (
        &[
            both("DELETE FROM decisions WHERE chain_number = 3"),
            both("UPDATE decisions SET chain_number = chain_number - 1 WHERE chain_number > 3"),
        ],
        Tampering::Changed,
        4,
    ),
    // Two decisions change their places.
    (
        &[
            both("UPDATE decisions SET seq = 1000 WHERE chain_number = 3"),
            both(
                "UPDATE decisions SET seq = (SELECT max(e.seq) - 2 FROM decisions AS e WHERE e.seq < 1000) - 1
                  WHERE chain_number = 4",
            ),
            both("UPDATE decisions SET seq = (SELECT d.seq + 1 FROM decisions AS d WHERE d.chain_number = 4) WHERE seq = 1000"),
        ],
        Tampering::Moved(4),
        4,
    ),
    (&[both("UPDATE decisions SET chain_number = 2 WHERE chain_number = 3")], Tampering::Doubled, 3),
    (
        &[both("UPDATE decisions SET chain = NULL, chain_number = NULL, chain_hash = NULL WHERE chain_number = 6")],
        Tampering::Unchained,
        6,
    ),
    (
        &[both(
            "UPDATE decision_personal SET context = '{}'
              WHERE decision_seq = (SELECT seq FROM decisions WHERE chain_number = 2)",
        )],
        Tampering::PersonalChanged,
        2,
    ),
    (
        &[both(
            "UPDATE decision_personal SET salt = NULL
              WHERE decision_seq = (SELECT seq FROM decisions WHERE chain_number = 2)",
        )],
        Tampering::PersonalChanged,
        2,
    ),
    (
        &[both(
            "DELETE FROM decision_personal WHERE decision_seq = (SELECT seq FROM decisions WHERE chain_number = 2)",
        )],
        Tampering::PersonalMissing,
        2,
    ),
];

async fn every_tampering_is_found_where_it_is(directory: Directory) {
    for (deeds, what, n) in CASES {
        let place = directory.another().await;
        let store = six(&place).await;
        for deed in WITHOUT_TRIGGERS.iter().chain(*deeds) {
            run(&store, *deed).await.expect("done");
        }
        let audited = audit(&store).await;
        assert_eq!(finding(&audited), Some((*what, decision_id(*n))), "{}", deeds[0].sqlite);
    }
}

async fn what_was_cut_off_is_found_with_a_checkpoint(directory: Directory) {
    let store = six(&directory).await;
    let checkpoint = checkpoint_of(&audit(&store).await);
    let with = async |store: &Store, checkpoint: &Checkpoint| {
        finding(&store.audit(Some(checkpoint), None).await.expect("looked through"))
    };
    assert_eq!(with(&store, &checkpoint).await, None);

    let mut other = checkpoint.clone();
    other.heads[0].hash = [1; 32];
    assert_eq!(with(&store, &other).await, Some((Tampering::Rewritten, decision_id(1))));
    let unknown = ChainHead { chain: decision_id(99), number: 2, hash: [1; 32] };
    other = Checkpoint { heads: vec![checkpoint.heads[0], unknown], ..checkpoint.clone() };
    assert_eq!(with(&store, &other).await, Some((Tampering::CutTail(2, 0), decision_id(99))));
    other = Checkpoint { heads: Vec::new(), ..checkpoint.clone() };
    assert_eq!(with(&store, &other).await, Some((Tampering::Added, decision_id(1))));

    run(&store, WITHOUT_TRIGGERS[2]).await.expect("done");
    run(&store, "DELETE FROM decisions WHERE chain_number > 4").await.expect("done");
    let rest = "DELETE FROM decision_personal WHERE decision_seq NOT IN (SELECT seq FROM decisions)";
    run(&store, rest).await.expect("done");
    assert_eq!(finding(&audit(&store).await), None, "nothing in the record tells");
    assert_eq!(with(&store, &checkpoint).await, Some((Tampering::CutTail(6, 4), decision_id(1))));
    // Nor does it help to write others in their place.
    let again = directory.open().await;
    again.record_decision(signature(8), decision_of(8, "usr_a")).await.expect("recorded");
    assert_eq!(with(&store, &checkpoint).await.map(|(what, _)| what), Some(Tampering::CutTail(6, 4)));
}

async fn who_is_erased_is_gone_and_the_chain_stays_whole(directory: Directory) {
    let store = six(&directory).await;
    store.record_decision(signature(7), decision_of(7, "usr_b")).await.expect("recorded");
    assert_eq!(erase(&store, "usr_a").await, 6);
    assert_eq!(erase(&store, "usr_a").await, 0, "again is nothing new");
    assert_eq!(number(&store, "SELECT count(*) FROM decision_personal").await, 1);
    assert_eq!(
        number(&store, "SELECT CAST(sum(decisions) AS BIGINT) FROM erasures WHERE actor = 'cli:ana'").await,
        6
    );
    let audited = audit(&store).await;
    assert_eq!((audited.chained, audited.erased, finding(&audited)), (7, 6, None));
    let found = store.decision(decision_id(1)).await.expect("readable").expect("there");
    assert_eq!(found.personal, crate::domain::StoredPersonal::Erased { at: Some(START) });
    for kept in [
        "UPDATE decisions SET answer = ''",
        "UPDATE decision_personal SET seen = ''",
        "UPDATE erasures SET actor = 'x'",
        "DELETE FROM erasures",
    ] {
        assert!(matches!(run(&store, kept).await, Err(StoreError::Refused(_))), "{kept}");
    }
}

async fn a_chain_goes_on_where_retention_left_an_anchor(directory: Directory) {
    let store = six(&directory).await;
    let checkpoint = checkpoint_of(&audit(&store).await);
    run(
        &store,
        "INSERT INTO chain_anchors (chain, first_number, chain_number, chain_hash, left_at, actor)
         SELECT chain, 1, chain_number, chain_hash, 0, 'care' FROM decisions WHERE chain_number = 4",
    )
    .await
    .expect("left");
    run(&store, "DELETE FROM decisions WHERE chain_number <= 4").await.expect("deleted");
    let audited = store.audit(Some(&checkpoint), None).await.expect("looked through");
    assert_eq!((audited.chained, audited.anchored, finding(&audited)), (2, 1, None));
    let five = "DELETE FROM decisions WHERE chain_number = 5";
    let refused = run(&store, five).await.expect_err("no anchor is over it");
    assert!(shown(&refused).contains("only where an anchor is left"), "{}", shown(&refused));
    run(&store, WITHOUT_TRIGGERS[2]).await.expect("done");
    run(&store, five).await.expect("deleted");
    assert_eq!(finding(&audit(&store).await), Some((Tampering::Missing(5, 5), decision_id(6))));
}

async fn what_was_recorded_before_chains_is_counted_and_not_vouched_for(directory: Directory) {
    let store = six(&directory).await;
    run(&store, WITHOUT_TRIGGERS[0]).await.expect("done");
    let unchain =
        "UPDATE decisions SET commitment = NULL, chain = NULL, chain_number = NULL, chain_hash = NULL";
    run(&store, unchain).await.expect("done");
    let other = directory.open().await;
    other.record_decision(signature(8), decision_of(8, "usr_a")).await.expect("recorded");
    let audited = audit(&store).await;
    assert_eq!((audited.chained, audited.before_chains, finding(&audited)), (1, 6, None));
}

on_each_engine! {
    [] nothing_is_found_in_an_untouched_record, a_row_that_is_refused_leaves_the_chain_whole, every_tampering_is_found_where_it_is,
       what_was_cut_off_is_found_with_a_checkpoint, who_is_erased_is_gone_and_the_chain_stays_whole,
       a_chain_goes_on_where_retention_left_an_anchor, what_was_recorded_before_chains_is_counted_and_not_vouched_for;
    [flavor = "multi_thread", worker_threads = 4] two_stores_that_write_at_once_chain_each_for_itself
}
