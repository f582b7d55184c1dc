//! Decisions are found again as they were recorded.

use super::{Directory, START, block, decision_id, review, run, signature};
use crate::domain::{DecisionFilter, DecisionRecord, Scope, StoredPersonal};
use crate::store::connection::either;
use crate::store::decisions::LOOKED_THROUGH_MAX;

/// Copies of the one decision that is there, for another scope.
macro_rules! others {
    ($id:literal) => {
        concat!(
            "INSERT INTO decisions (seq, id, received_at, user_id, scope, verdict, rule, reason, bundle_hash, answer,
                    metadata_digest, outcomes, evaluation_ns, signature_hash, signature_kid, desk_revision, traits)
             SELECT seq + i, ", $id, ", received_at, user_id, 'other:write', verdict, rule, reason, bundle_hash, answer,
                    metadata_digest, outcomes, evaluation_ns, signature_hash, signature_kid, desk_revision, traits
               FROM decisions, n"
        )
    };
}

fn all(limit: u32) -> DecisionFilter {
    DecisionFilter { limit, ..DecisionFilter::default() }
}

async fn a_decision_reads_back_as_it_was_recorded(directory: Directory) {
    let store = directory.open().await;
    let record = review(1, "verify_sms kyc_review");
    store.record_decision(signature(1), record.clone()).await.expect("recorded");
    let found = store.decision(decision_id(1)).await.expect("readable").expect("there");
    assert_eq!((found.id, found.received_at, found.bundle), (record.id, record.received_at, record.bundle));
    assert_eq!((&found.user_id, &found.scope, &found.rule), (&record.user_id, &record.scope, &record.rule));
    assert_eq!((&*found.verdict, &found.step_keys), (record.verdict.as_str(), &record.step_keys));
    assert_eq!((found.walkable_until, &found.reason), (record.walkable_until, &record.reason));
    assert_eq!((&found.answer, &found.outcomes), (&record.answer, &record.outcomes));
    let DecisionRecord { metadata_json, context_json, seen_json, .. } = record;
    assert_eq!(found.personal, StoredPersonal::Kept { metadata_json, context_json, seen_json });
    assert_eq!(found.desk, record.desk);
    assert_eq!(store.decision(decision_id(2)).await.expect("readable"), None);
    store.close().await.expect("closes");
}

async fn a_page_looks_through_so_many_decisions_and_says_where_the_next_goes_on(directory: Directory) {
    let store = directory.open().await;
    store.record_decision(signature(0), block(0)).await.expect("recorded");
    // The one that is looked for is older than a whole page of others.
    run(
        &store,
        either(
            concat!(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) ",
                others!("unhex(printf('7fff%028x', i))")
            ),
            concat!(
                "WITH n (i) AS (SELECT generate_series(1, 20000)) ",
                others!("('7fff' || lpad(to_hex(i), 28, '0'))::uuid")
            ),
        ),
    )
    .await
    .expect("written");
    const { assert!(LOOKED_THROUGH_MAX == 20_000, "as many as were just made") };
    let wanted = DecisionFilter { scope: Scope::new("transfer:write").ok(), ..all(10) };
    let first = store.decisions(wanted.clone()).await.expect("readable");
    assert_eq!(first.decisions, []);
    assert!(first.next.is_some());
    let second = store.decisions(DecisionFilter { before: first.next, ..wanted }).await.expect("readable");
    assert_eq!(second.decisions.iter().map(|found| found.id).collect::<Vec<_>>(), [decision_id(0)]);
    assert_eq!(second.next, None);
    store.close().await.expect("closes");
}

async fn times_are_exact_and_limits_of_a_key_hold(directory: Directory) {
    let store = directory.open().await;
    store.record_decision(signature(1), block(1)).await.expect("recorded");
    let found =
        async |filter: DecisionFilter| store.decisions(filter).await.expect("readable").decisions.len();
    let after = START.plus(std::time::Duration::from_micros(1));
    assert_eq!(found(all(1)).await, 1);
    assert_eq!(found(DecisionFilter { from: Some(START), to: Some(after), ..all(1) }).await, 1);
    assert_eq!(found(DecisionFilter { from: Some(after), ..all(1) }).await, 0);
    assert_eq!(found(DecisionFilter { to: Some(START), ..all(1) }).await, 0);
    let within = |scope: &str| Some(vec![Scope::new(scope).expect("a scope")]);
    assert_eq!(found(DecisionFilter { within: within("transfer:write"), ..all(1) }).await, 1);
    assert_eq!(found(DecisionFilter { within: within("transfer:read"), ..all(1) }).await, 0);
    assert_eq!(found(DecisionFilter { within: Some(Vec::new()), ..all(1) }).await, 0);
    store.close().await.expect("closes");
}

on_each_engine! {
    []
    a_decision_reads_back_as_it_was_recorded,
    a_page_looks_through_so_many_decisions_and_says_where_the_next_goes_on,
    times_are_exact_and_limits_of_a_key_hold
}
