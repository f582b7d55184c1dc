//! Recording: firsts, repeats, batches, rows that cannot be.

use std::time::Duration;

use futures_util::future::join_all;

use super::*;
use crate::store::places::Places;

/// How many decisions are not filed yet.
fn unfiled(store: &Store) -> usize {
    match store.places() {
        Places::FiledAndTail(known) => known.tail.read().rows(),
        Places::Indexes(_) => 0,
    }
}

fn at(n: u64, after: Duration) -> DecisionRecord {
    DecisionRecord { received_at: START.plus(after), ..block(n) }
}

async fn a_repeat_gets_the_first_answer_for_ten_minutes_and_makes_no_record(directory: Directory) {
    let store = directory.open().await;
    assert_eq!(store.record_decision(signature(1), block(1)).await.expect("recorded"), Recorded::First);
    let cases = [
        (Duration::ZERO, repeat_of(1)),
        (Duration::from_secs(600), repeat_of(1)),
        (Duration::from_micros(600_000_001), Recorded::TooOld),
        (Duration::from_secs(86_400), Recorded::TooOld),
    ];
    for (after, expected) in cases {
        let recorded = store.record_decision(signature(1), at(2, after)).await.expect("answered");
        assert_eq!(recorded, expected, "{after:?}");
    }
    // A clock that was set back makes no repeat too old.
    let earlier = DecisionRecord { received_at: START.minus(Duration::from_secs(5)), ..block(3) };
    assert_eq!(store.record_decision(signature(1), earlier).await.expect("answered"), repeat_of(1));
    assert_eq!(number(&store, "SELECT count(*) FROM decisions").await, 1);
}

async fn a_clock_that_was_set_back_makes_no_retry_of_an_old_call(directory: Directory) {
    let store = directory.open().await;
    let first = at(1, Duration::from_secs(86_400));
    assert_eq!(store.record_decision(signature(1), first).await.expect("recorded"), Recorded::First);
    let cases = [
        (Duration::from_secs(86_400 - 600), repeat_of(1)),
        (Duration::from_secs(86_400 - 601), Recorded::TooOld),
        (Duration::ZERO, Recorded::TooOld),
    ];
    for (after, expected) in cases {
        let recorded = store.record_decision(signature(1), at(2, after)).await.expect("answered");
        assert_eq!(recorded, expected, "{after:?}");
    }
}

async fn a_signature_twice_in_one_batch_is_recorded_once(directory: Directory) {
    let store = directory.open().await;
    let late = at(4, Duration::from_secs(601));
    let recorded = join_all([
        store.record_decision(signature(1), block(1)),
        store.record_decision(signature(2), block(2)),
        store.record_decision(signature(1), block(3)),
        store.record_decision(signature(1), late),
    ])
    .await;
    let recorded: Vec<_> = recorded.into_iter().map(|one| one.expect("answered")).collect();
    assert_eq!(recorded, [Recorded::First, Recorded::First, repeat_of(1), Recorded::TooOld]);
    assert_eq!(number(&store, "SELECT count(*) FROM decisions").await, 2);
}

#[tokio::test]
async fn what_waits_is_committed_together() {
    let directory = Directory::on_sqlite();
    let metrics = Arc::new(Metrics::new());
    let store = Store::open(directory.settings(), Arc::clone(&metrics)).await.expect("a store");
    let recorded = join_all((0..500).map(|n| store.record_decision(signature(n), block(n)))).await;
    assert!(recorded.into_iter().all(|one| one.is_ok_and(|one| one == Recorded::First)));
    assert_eq!(counter(&metrics, "doorstep_store_batch_rows_sum"), 500);
    // 500 rows in batches of at most 64.
    assert_eq!(counter(&metrics, "doorstep_store_batch_rows_count"), 8);
    assert_eq!(number(&store, "SELECT count(DISTINCT seq) FROM decisions").await, 500);
}

async fn every_value_is_kept_as_it_was(directory: Directory) {
    let store = directory.open().await;
    let record = review(1, "verify_sms kyc_review");
    store.record_decision(signature(1), record.clone()).await.expect("recorded");
    let text = either(
        "SELECT concat_ws('|', lower(hex(id)), received_at, user_id, scope, verdict, step_keys, walkable_until, rule,
                reason, lower(hex(bundle_hash)), answer, metadata, lower(hex(metadata_digest)), context, seen, outcomes,
                evaluation_ns, lower(hex(signature_hash)), signature_kid, lower(hex(salt)))
           FROM decisions JOIN decision_personal ON decision_seq = seq",
        "SELECT concat_ws('|', replace(id::text, '-', ''), received_at, user_id, scope, verdict, step_keys, walkable_until,
                rule, reason, encode(bundle_hash, 'hex'), answer, metadata, encode(metadata_digest, 'hex'), context, seen,
                outcomes, evaluation_ns, encode(signature_hash, 'hex'), signature_kid, encode(salt, 'hex'))
           FROM decisions JOIN decision_personal ON decision_seq = seq",
    );
    let kept: String = value(&store, text).await;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let expected = [
        hex(record.id.uuid().as_bytes()),
        "1790000000000000|usr_test|transfer:write|review|verify_sms kyc_review".to_owned(),
        "1790000600000000|frozen|rule_matched".to_owned(),
        "07".repeat(32),
        record.answer,
        record.metadata_json,
        "09".repeat(32),
        "{}|{}|01|700".to_owned(),
        hex(&signature(1).hash.0),
        "prelude-1".to_owned(),
        "05".repeat(16),
    ];
    assert_eq!(kept, expected.join("|"));
}

async fn a_row_that_cannot_be_does_not_take_its_batch_along(directory: Directory) {
    let metrics = Arc::new(Metrics::new());
    let store = Store::open(directory.settings(), Arc::clone(&metrics)).await.expect("a store");
    let same_id = DecisionRecord { id: decision_id(1), ..block(3) };
    let with_steps = DecisionRecord { step_keys: Some("perhaps".to_owned()), ..block(4) };
    let recorded = join_all([
        store.record_decision(signature(1), block(1)),
        store.record_decision(signature(2), block(2)),
        store.record_decision(signature(3), same_id),
        store.record_decision(signature(4), with_steps),
        store.record_decision(signature(5), block(5)),
        store.record_decision(signature(1), block(6)),
    ])
    .await;
    let outcomes: Vec<_> = recorded
        .into_iter()
        .map(|one| match one {
            Ok(Recorded::First) => "first",
            Ok(Recorded::Decided { .. }) => "decided",
            Ok(Recorded::Repeat { .. }) => "repeat",
            Ok(Recorded::TooOld) => "too old",
            Err(StoreError::Refused(_)) => "refused",
            Ok(Recorded::Stale) => "stale",
            Err(_) => "another error",
        })
        .collect();
    assert_eq!(outcomes, ["first", "first", "refused", "refused", "first", "repeat"]);
    assert_eq!(number(&store, "SELECT count(*) FROM decisions").await, 3);
    // The batch, and the two rows alone.
    assert_eq!(counter(&metrics, "doorstep_store_failures_total"), 3);
    // The refused signature is not burnt: a sound record of it goes in.
    assert_eq!(store.record_decision(signature(3), block(7)).await.expect("recorded"), Recorded::First);
}

async fn a_refusal_names_the_constraint_and_quotes_nothing(directory: Directory) {
    let store = directory.open().await;
    let record = DecisionRecord { step_keys: Some("perhaps".to_owned()), ..block(1) };
    let error = store.record_decision(signature(1), record).await.expect_err("refused");
    let text = causes(&error).to_string();
    assert!(text.contains("constraint") && !text.contains("perhaps"), "{text}");
}

async fn a_full_queue_refuses_at_once(directory: Directory) {
    let store = open(StoreSettings { queue_max: 2, ..directory.settings() }).await;
    // On one thread all three are polled, and so queued, before the writer runs.
    let recorded = join_all((0..3).map(|n| store.record_decision(signature(n), block(n)))).await;
    assert!(matches!(recorded[..], [Ok(Recorded::First), Ok(Recorded::First), Err(StoreError::Busy)]));
    assert_eq!(store.record_decision(signature(2), block(2)).await.expect("recorded"), Recorded::First);
}

async fn a_caller_that_gave_up_harms_nobody(directory: Directory) {
    let store = directory.open().await;
    tokio::select! {
        biased;
        _ = store.record_decision(signature(1), block(1)) => panic!("answered before the writer ran"),
        () = std::future::ready(()) => {}
    }
    // What nobody waits for any more when its turn comes is not begun; it may come again.
    assert_eq!(store.record_decision(signature(1), block(2)).await.expect("answered"), Recorded::First);
    assert_eq!(store.record_decision(signature(1), block(3)).await.expect("answered"), repeat_of(2));
}

#[tokio::test]
async fn decisions_are_found_before_and_after_they_are_filed() {
    let directory = Directory::on_sqlite();
    let store = open(StoreSettings { file_after_rows: 10, batch_max: 4, ..directory.settings() }).await;
    for n in 0..25 {
        let recorded = store.record_decision(signature(n), block(n)).await.expect("recorded");
        assert_eq!(recorded, Recorded::First);
    }
    assert_eq!(number(&store, "SELECT filed_through FROM filing").await, 20);
    assert_eq!(number(&store, "SELECT count(*) FROM signatures").await, 20);
    assert_eq!(unfiled(&store), 5);
    for n in 0..25 {
        let recorded = store.record_decision(signature(n), block(100 + n)).await.expect("answered");
        assert_eq!(recorded, repeat_of(n));
    }
}

#[tokio::test]
async fn a_run_of_several_slices_files_everything() {
    let directory = Directory::on_sqlite();
    let store = open(StoreSettings { file_after_rows: 600, queue_max: 2_000, ..directory.settings() }).await;
    // 600 rows are five slices; 1 500 rows in batches of 64 leave room for two runs.
    let first =
        join_all((0..1_500).map(|n| store.record_decision(signature(n), review(n, "kyc_review")))).await;
    assert!(first.into_iter().all(|one| one.is_ok_and(|one| one == Recorded::First)));
    let filed = number(&store, "SELECT filed_through FROM filing").await;
    assert!(filed >= 600, "{filed}");
    let unfiled = i64::try_from(unfiled(&store)).expect("a small number");
    assert_eq!(filed + unfiled, 1_500);
    let signatures = "SELECT count(*) FROM signatures JOIN filing ON decision_seq <= filed_through";
    let reviews = "SELECT count(*) FROM walkable_reviews JOIN filing ON decision_seq <= filed_through";
    assert_eq!(number(&store, signatures).await, filed);
    assert_eq!(number(&store, reviews).await, filed);
    let again = join_all((0..1_500).map(|n| store.record_decision(signature(n), block(10_000 + n)))).await;
    for (n, one) in (0..).zip(again) {
        let answer = review(n, "kyc_review").answer;
        assert_eq!(one.expect("answered"), Recorded::Repeat { answer });
    }
}

#[tokio::test]
async fn what_is_not_filed_is_bounded_and_a_lost_answer_is_said() {
    let directory = Directory::on_sqlite();
    let store = open(StoreSettings { file_after_rows: 2, ..directory.settings() }).await;
    let broken = |sql: &'static str| run(&store, sql);
    broken("ALTER TABLE signatures RENAME COLUMN kid TO key_id").await.expect("broken for the test");
    let mut outcomes = Vec::new();
    for n in 0..10 {
        outcomes.push(store.record_decision(signature(n), block(n)).await.is_ok());
    }
    // Filing fails from the second row on; decisions go on until four times as many are not filed.
    assert_eq!(outcomes, [true, true, true, true, true, true, true, true, false, false]);
    broken("ALTER TABLE signatures RENAME COLUMN key_id TO kid").await.expect("mended");
    assert_eq!(store.record_decision(signature(8), block(8)).await.expect("recorded"), Recorded::First);
    broken("DROP TRIGGER decisions_leave_an_anchor").await.expect("dropped for the test");
    broken("DELETE FROM decisions WHERE seq = 1").await.expect("deleted for the test");
    let error = store.record_decision(signature(0), block(20)).await.expect_err("no answer to repeat");
    assert_eq!(error.to_string(), "decisions.answer of row 1 cannot be read");
}

on_each_engine! {
    []
    a_repeat_gets_the_first_answer_for_ten_minutes_and_makes_no_record,
    a_clock_that_was_set_back_makes_no_retry_of_an_old_call,
    a_signature_twice_in_one_batch_is_recorded_once,
    every_value_is_kept_as_it_was,
    a_row_that_cannot_be_does_not_take_its_batch_along,
    a_refusal_names_the_constraint_and_quotes_nothing,
    a_full_queue_refuses_at_once,
    a_caller_that_gave_up_harms_nobody
}
