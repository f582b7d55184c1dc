//! The fraud desk: no verdict is recorded that does not know of its last action.

use std::time::Duration;

use futures_util::future::join_all;

use super::*;
use crate::domain::{
    Actor, Desk, DeskAct, DeskActionFilter, DeskChange, DeskDeed, Effect, GivenReason, Left, ListName, Said,
};
use crate::store::DeskOutcome;

fn list(name: &str) -> ListName {
    ListName::new(name).expect("a name")
}

fn scope() -> Scope {
    Scope::new("transfer:write").expect("a scope")
}

fn act(deed: DeskDeed) -> DeskAct {
    let reason = GivenReason::new("case 4711").expect("a reason");
    DeskAct { deed, until: None, said: Said { by: Actor::CommandLine("jane".into()), reason, at: START } }
}

/// Does something that leaves a word.
async fn done(store: &Store, act: DeskAct, leaves: Left) -> DeskRevision {
    let judged_at = store.desk_revision().await.expect("readable");
    match store.act_at_desk(DeskChange { act, leaves, judged_at }).await.expect("carried out") {
        DeskOutcome::Done(revision) => revision,
        DeskOutcome::Stale => panic!("nobody else acts"),
    }
}

fn made_at(n: u64, revision: u64) -> DecisionRecord {
    DecisionRecord { desk: DeskRevision::new(revision), ..block(n) }
}

async fn a_verdict_made_before_the_last_action_is_not_recorded_in_any_store(directory: Directory) {
    let (one, other) = (directory.open().await, directory.open().await);
    let record = async |store: &Store, n, revision| {
        store.record_decision(signature(n), made_at(n, revision)).await.expect("an answer")
    };
    assert_eq!(record(&one, 1, 0).await, Recorded::First);
    assert_eq!(record(&other, 2, 0).await, Recorded::First);
    assert_eq!(done(&one, act(DeskDeed::Pause(scope())), Left::Word).await, DeskRevision::new(1));
    for store in [&one, &other] {
        assert_eq!(record(store, 3, 0).await, Recorded::Stale);
        assert_eq!(store.desk_revision().await.expect("readable"), DeskRevision::new(1));
    }
    assert_eq!(number(&one, "SELECT count(*) FROM decisions").await, 2);
    assert_eq!(record(&other, 3, 1).await, Recorded::First);
    // A call that was answered is answered so again, whatever it would be told now.
    assert_eq!(record(&one, 1, 0).await, repeat_of(1));
    assert_eq!(record(&one, 3, 0).await, repeat_of(3));
    // A revision that no action has made is as wrong as an old one.
    assert_eq!(record(&one, 4, 2).await, Recorded::Stale);
    let desks: String = value(
        &one,
        either(
            "SELECT group_concat(desk_revision, ' ' ORDER BY seq) FROM decisions",
            "SELECT string_agg(desk_revision::text, ' ' ORDER BY seq) FROM decisions",
        ),
    )
    .await;
    assert_eq!(desks, "0 0 1");
    assert_eq!(
        one.decision(decision_id(3)).await.expect("readable").map(|one| one.desk),
        Some(DeskRevision::new(1))
    );
}

async fn of_one_batch_only_what_is_stale_is_left_out(directory: Directory) {
    let store = directory.open().await;
    done(&store, act(DeskDeed::Pause(scope())), Left::Word).await;
    let calls = [(1, 1), (2, 0), (3, 1), (2, 1), (1, 0), (4, 0), (4, 0)];
    let recorded =
        join_all(calls.map(|(n, revision)| store.record_decision(signature(n), made_at(n, revision)))).await;
    let recorded: Vec<_> = recorded.into_iter().map(|one| one.expect("an answer")).collect();
    let (first, stale) = (Recorded::First, Recorded::Stale);
    let expected = [first.clone(), stale.clone(), first.clone(), first, repeat_of(1), stale.clone(), stale];
    assert_eq!(recorded, expected);
    assert_eq!(number(&store, "SELECT count(*) FROM decisions").await, 3);
}

async fn of_two_who_judged_by_the_same_desk_one_acts(directory: Directory) {
    let (one, other) = (directory.open().await, directory.open().await);
    let change =
        DeskChange { act: act(DeskDeed::Pause(scope())), leaves: Left::Word, judged_at: DeskRevision::NONE };
    assert_eq!(one.act_at_desk(change.clone()).await.expect("done"), DeskOutcome::Done(DeskRevision::new(1)));
    assert_eq!(other.act_at_desk(change).await.expect("an answer"), DeskOutcome::Stale);
    assert_eq!(number(&other, "SELECT count(*) FROM desk_actions").await, 1);
}

async fn the_desk_comes_back_as_it_was_said_and_every_action_stays(directory: Directory) {
    let store = directory.open().await;
    assert_eq!(store.desk().await.expect("readable"), Desk::default());
    let entry = |value: &str| (list("users"), Box::<str>::from(value));
    let later = START.plus(Duration::from_secs(60));
    let (users, a) = entry("usr_a");
    let acts = [
        (DeskAct { until: Some(later), ..act(DeskDeed::Add(users.clone(), a.clone())) }, Left::Word),
        (act(DeskDeed::Add(users.clone(), a.clone())), Left::Word),
        (act(DeskDeed::Remove(users.clone(), "usr_b".into())), Left::Word),
        (act(DeskDeed::Add(users.clone(), "usr_c".into())), Left::Word),
        (act(DeskDeed::Remove(users.clone(), "usr_c".into())), Left::Nothing),
        (DeskAct { until: Some(later), ..act(DeskDeed::Pause(scope())) }, Left::Word),
    ];
    for (act, left) in acts.clone() {
        done(&store, act, left).await;
    }
    let desk = store.desk().await.expect("readable");
    let told: Vec<_> =
        desk.entries.iter().map(|own| (&*own.value, own.effect, own.until, own.said.clone())).collect();
    let said = act(DeskDeed::Pause(scope())).said;
    let expected =
        [("usr_a", Effect::Added, None, said.clone()), ("usr_b", Effect::Removed, None, said.clone())];
    assert_eq!((told, desk.revision), (expected.to_vec(), DeskRevision::new(6)));
    let pause = desk.pause(&scope()).expect("paused");
    assert_eq!((pause.until, &pause.said), (Some(later), &said));

    let all = |limit| DeskActionFilter { limit, ..DeskActionFilter::default() };
    let actions = store.desk_actions(all(10)).await.expect("readable");
    let numbers: Vec<_> = actions.iter().map(|action| action.revision.get()).collect();
    assert_eq!(numbers, [6, 5, 4, 3, 2, 1]);
    let newest_first: Vec<_> = acts.iter().rev().map(|(act, _)| act.clone()).collect();
    assert_eq!(actions.into_iter().map(|action| action.act).collect::<Vec<_>>(), newest_first);
    let numbers = async |filter| {
        let actions = store.desk_actions(filter).await.expect("readable");
        actions.iter().map(|action| action.revision.get()).collect::<Vec<_>>()
    };
    assert_eq!(numbers(DeskActionFilter { before: Some(DeskRevision::new(3)), ..all(1) }).await, [2]);
    let within = |lists: &[&str], scopes: &[Scope]| DeskActionFilter {
        within: Some((lists.iter().map(|name| list(name)).collect(), scopes.to_vec())),
        ..all(10)
    };
    assert_eq!(numbers(within(&["users"], &[])).await, [5, 4, 3, 2, 1]);
    assert_eq!(numbers(within(&["transfer:write"], &[scope()])).await, [6]);
    assert_eq!(numbers(within(&[], &[])).await, [0; 0]);
    store.close().await.expect("closed");
    assert_eq!(directory.open().await.desk().await.expect("readable"), desk, "after a restart");
}

async fn the_pause_behind_a_verdict_is_the_one_of_its_day(directory: Directory) {
    let store = directory.open().await;
    let paused = |reason: &str| {
        let pause = act(DeskDeed::Pause(scope()));
        DeskAct {
            said: Said { reason: GivenReason::new(reason).expect("a reason"), ..pause.said.clone() },
            ..pause
        }
    };
    done(&store, paused("first"), Left::Word).await;
    done(&store, act(DeskDeed::Resume(scope())), Left::Nothing).await;
    done(&store, paused("second"), Left::Word).await;
    let behind = async |revision| {
        let found = store.pause_behind(&scope(), DeskRevision::new(revision)).await.expect("readable");
        found.map(|action| action.act.said.reason.as_str().to_owned())
    };
    assert_eq!(behind(0).await, None);
    assert_eq!(behind(1).await.as_deref(), Some("first"));
    assert_eq!(behind(3).await.as_deref(), Some("second"));
    let elsewhere = Scope::new("transfer:read").expect("a scope");
    assert_eq!(store.pause_behind(&elsewhere, DeskRevision::new(3)).await.expect("readable"), None);
}

async fn what_ended_long_ago_is_forgotten_and_actions_are_not(directory: Directory) {
    let store = directory.open().await;
    let until = Some(START.plus(Duration::from_secs(60)));
    done(&store, DeskAct { until, ..act(DeskDeed::Add(list("users"), "usr_a".into())) }, Left::Word).await;
    done(&store, DeskAct { until, ..act(DeskDeed::Pause(scope())) }, Left::Word).await;
    let at = |seconds| {
        let add = act(DeskDeed::Add(list("users"), "usr_b".into()));
        DeskAct { said: Said { at: START.plus(Duration::from_secs(seconds)), ..add.said.clone() }, ..add }
    };
    done(&store, at(86_460), Left::Word).await;
    let desk = store.desk().await.expect("readable");
    assert_eq!((desk.entries.len(), desk.pauses.len()), (2, 1), "a clock may be behind");
    done(&store, at(86_461), Left::Word).await;
    let desk = store.desk().await.expect("readable");
    assert_eq!((desk.entries.len(), desk.pauses.len()), (1, 0));
    assert_eq!(number(&store, "SELECT count(*) FROM desk_actions").await, 4);
    for spoil in ["UPDATE desk_actions SET actor = 'me'", "DELETE FROM desk_actions"] {
        let spoilt = run(&store, spoil).await;
        assert!(spoilt.is_err_and(|error| shown(&error).contains("append only")), "{spoil}");
    }
}

on_each_engine! {
    []
    a_verdict_made_before_the_last_action_is_not_recorded_in_any_store,
    of_one_batch_only_what_is_stale_is_left_out,
    of_two_who_judged_by_the_same_desk_one_acts,
    the_desk_comes_back_as_it_was_said_and_every_action_stays,
    the_pause_behind_a_verdict_is_the_one_of_its_day,
    what_ended_long_ago_is_forgotten_and_actions_are_not
}
