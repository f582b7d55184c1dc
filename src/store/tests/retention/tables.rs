//! The other tables: by age alone, but for what refers to what.

use super::super::redemptions::{granted, opened, redeem_at, spending};
use super::*;
use crate::domain::{
    AccessAction, AccessRecord, Actor, FactKind, PreludeEffect, PreludeEventRecord, PreludeRecorded,
    ReportedFact,
};

async fn verifications(store: &Store, days: u64) -> u64 {
    walk(async |after| store.retire_verifications(retiring(days), after).await.expect("done")).await
}

async fn redemptions(store: &Store, days: u64) -> u64 {
    let (mut after, mut deleted) = (None, 0);
    while let Some((end, some)) = store.retire_redemptions(retiring(days), after).await.expect("done") {
        (after, deleted) = (Some(end), deleted + some);
    }
    deleted
}

async fn a_verification_goes_with_everything_that_belongs_to_it(directory: Directory) {
    let store = ready(&directory).await;
    for n in 1..=4 {
        let mut wish = wish(n);
        wish.opening.expires_at = later(u64::from(n) * DAY);
        open_verification(&store, wish).await;
    }
    decide(&store, 1, StepOutcome::Approved, later(20)).await;
    minted(&store, mint(1, 1)).await;
    // Late, and kept for seven days: for the fourth challenge.
    decide(&store, 2, StepOutcome::Approved, later(3 * DAY)).await;
    let used =
        "UPDATE kept_approvals SET used_by = (SELECT id FROM verifications WHERE challenge_id = 'chl_4')";
    run(&store, used).await.expect("used");
    assert_eq!(store.empty_verifications(retiring(1)).await.expect("done"), 4);
    assert_eq!(store.empty_verifications(retiring(1)).await.expect("done"), 0);

    assert_eq!(verifications(&store, 4).await, 2, "the first and the third: the second opened the fourth");
    assert_eq!(store.verification(id(1)).await.expect("read"), None);
    assert!(store.verification(id(2)).await.expect("read").is_some());
    assert_eq!(number(&store, "SELECT count(*) FROM verification_tokens").await, 0);
    assert_eq!(number(&store, "SELECT count(DISTINCT verification_id) FROM verification_events").await, 2);
    hold(&store, "usr_test", None).await;
    assert_eq!(verifications(&store, 90).await, 0);
    release(&store, "usr_test").await;
    assert_eq!(verifications(&store, 90).await, 1);
    assert_eq!(verifications(&store, 90).await, 1, "the later one, once nothing refers to it");
    assert_eq!(number(&store, "SELECT count(*) FROM kept_approvals").await, 0);
}

async fn what_was_spent_stays_spent_as_long_as_the_decision_is_there(directory: Directory) {
    let store = opened(&directory).await;
    store.record_decision(signature(1), granted(1, "10")).await.expect("recorded");
    redeem_at(&store, spending("10"), || START).await.expect("spent");
    assert_eq!(redemptions(&store, 90).await, 0);
    assert_eq!(decisions(&store, 90).await, 1);
    assert_eq!(redemptions(&store, 0).await, 0, "it is younger");
    assert_eq!(redemptions(&store, 90).await, 1);
}

async fn facts_accesses_actions_and_activations_go_by_age(directory: Directory) {
    let store = ready(&directory).await;
    for day in [1, 2, 95] {
        let access = AccessRecord {
            at: later(day * DAY),
            actor: Actor::CommandLine("ana".into()),
            action: AccessAction::DecisionsList,
            subject: None,
        };
        store.record_access(access).await.expect("recorded");
        let fact = ReportedFact {
            user_id: UserId::new("usr_test").expect("a user"),
            user_key: SubjectKey::new(*b"u"),
            kind: FactKind::new("chargeback").expect("a kind"),
            at: None,
            id: None,
            recorded_at: later(day * DAY),
            api_key_id: Some(crate::domain::ApiKeyId::new("one").expect("an id")),
        };
        store.record_fact(fact, None).await.expect("recorded");
    }
    run(&store, "INSERT INTO desk_actions (revision, acted_at, actor, deed, subject, value, reason)
                 VALUES (1, 1, 'x', 'list_add', 'l', 'stands', 'x'), (2, 2, 'x', 'list_add', 'l', 'gone', 'x'),
                        (3, 3, 'x', 'list_remove', 'l', 'gone', 'x')").await.expect("there");
    run(
        &store,
        "INSERT INTO desk_entries (list, value, effect, actor, reason, acted_at)
                 VALUES ('l', 'stands', 'added', 'x', 'x', 1)",
    )
    .await
    .expect("there");
    run(
        &store,
        "INSERT INTO provider_events (source, event_id, body_sha256, received_at, outcome, became)
                 SELECT 'p', 'e', secret_sha256, 1, 'approved', 'unknown_reference' FROM api_keys",
    )
    .await
    .expect("there");
    assert_eq!(plain(&store, Plain::Accesses, 2).await, 1);
    assert_eq!(plain(&store, Plain::Accesses, 90).await, 1);
    hold(&store, "usr_test", None).await;
    assert_eq!(plain(&store, Plain::Facts, 90).await, 0);
    release(&store, "usr_test").await;
    assert_eq!(plain(&store, Plain::Facts, 90).await, 2);
    assert_eq!(plain(&store, Plain::DeskActions, 90).await, 1, "not what stands, nor the last");
    assert_eq!(plain(&store, Plain::ProviderEvents, 90).await, 1);
    assert_eq!(plain(&store, Plain::Activations, 90).await, 0);
    let marks = "SELECT count(*) FROM retention_marks";
    let before = number(&store, marks).await;
    assert_eq!(plain(&store, Plain::Facts, 90).await, 0);
    assert_eq!(number(&store, marks).await, before, "where nothing went, nothing is noted");
    let refused = run(&store, "DELETE FROM facts").await.expect_err("too young");
    assert!(shown(&refused).contains("append only"), "{}", shown(&refused));
}

/// As long as its digest is there an event is known; not even the owner forgets one that has not had its time.
async fn what_prelude_told_is_known_until_it_goes_by_age(directory: Directory) {
    let store = ready(&directory).await;
    let tell = async |n: u8| {
        let (happened_at, received_at) = (START, later(u64::from(n) * DAY));
        let event = PreludeEventRecord {
            digest: [n; 32],
            kind: "user.created",
            happened_at,
            received_at,
            effect: PreludeEffect::None,
        };
        store.record_prelude_event(event, move || received_at).await.expect("recorded")
    };
    for n in [1, 2, 95] {
        assert_eq!(tell(n).await, PreludeRecorded::Now(Vec::new()));
    }
    let refused = run(&store, "DELETE FROM prelude_events").await.expect_err("nothing had its time");
    assert!(shown(&refused).contains("append only"), "{}", shown(&refused));
    assert_eq!(plain(&store, Plain::PreludeEvents, 2).await, 1);
    assert_eq!((tell(2).await, tell(95).await), (PreludeRecorded::Before, PreludeRecorded::Before));
    assert_eq!(plain(&store, Plain::PreludeEvents, 90).await, 1);
    let refused = run(&store, "DELETE FROM prelude_events").await.expect_err("too young");
    assert!(shown(&refused).contains("append only"), "{}", shown(&refused));
    assert_eq!(number(&store, "SELECT count(*) FROM prelude_events").await, 1);
    assert_eq!(number(&store, "SELECT count(*) FROM retention_marks WHERE what = 'prelude_events'").await, 2);
}

on_each_engine! {
    []
    a_verification_goes_with_everything_that_belongs_to_it,
    what_was_spent_stays_spent_as_long_as_the_decision_is_there,
    facts_accesses_actions_and_activations_go_by_age,
    what_prelude_told_is_known_until_it_goes_by_age
}
