//! What was executed and what was rejected, as later calls see it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row};

use super::past::{asker, key, need, record, tally, user};
use super::redemptions::{opened, redeem_at, spending_as};
use super::*;
use crate::domain::{
    Asker, Counts, Executions, FactKind, History, HistoryNeed, Measure, Needs, Subject, Tally, Window,
};
use crate::store::Question;
use crate::store::connection::Connection;
use crate::store::places::{Executed, Places};
use crate::store::sqlite::{find::GRANTS, look};
use crate::store::{facts, past};

const USABLE: Counts = Counts::Usable(Executions::Reported);

fn calls(counts: Counts) -> HistoryNeed {
    need(Measure::Calls, Subject::User, counts)
}

/// A grant of call `n` that came so many seconds after the start and can be executed for five minutes.
fn granted(n: u64, seconds: u64) -> DecisionRecord {
    DecisionRecord {
        received_at: at(seconds),
        usable_until: Some(at(seconds + 300)),
        ..record(n, &user("u"), true)
    }
}

fn reviewed(n: u64, seconds: u64) -> DecisionRecord {
    DecisionRecord {
        verdict: VerdictKind::Review,
        step_keys: Some("verify_sms".to_owned()),
        walkable_until: Some(at(seconds + 60)),
        ..granted(n, seconds)
    }
}

async fn redeem(store: &Store, now: impl Fn() -> Timestamp + Clone + Send + 'static) -> bool {
    redeem_as("usr_test", store, now).await
}

async fn redeem_as(user: &str, store: &Store, now: impl Fn() -> Timestamp + Clone + Send + 'static) -> bool {
    redeem_at(store, spending_as(user, key_of(user)), now).await.is_ok()
}

/// The word that stands for a user's key.
fn key_of(user: &str) -> &str {
    if user == "usr_test" { "u" } else { user }
}

/// What a call so many seconds after the start would see.
async fn seen(store: &Store, seconds: u64, need: HistoryNeed) -> Tally {
    tally(store, &Asker { at: at(seconds), ..asker(&user("u")) }, need).await
}

async fn a_grant_is_exposure_while_it_can_be_executed_and_after_it_was(directory: Directory) {
    let (store, other) = (opened(&directory).await, directory.open().await);
    for n in 1..=2 {
        store.record_decision(signature(n), granted(n, 0)).await.expect("recorded");
    }
    assert_eq!(seen(&store, 10, calls(Counts::Executed)).await, Tally::Count(0));
    assert!(redeem(&other, || at(60)).await);
    for store in [&store, &other] {
        for (seconds, usable, executed) in [(61, 2, 1), (299, 2, 1), (300, 1, 1), (3660, 1, 1), (3661, 0, 0)]
        {
            assert_eq!(seen(store, seconds, calls(USABLE)).await, Tally::Count(usable), "{seconds}");
            assert_eq!(
                seen(store, seconds, calls(Counts::Executed)).await,
                Tally::Count(executed),
                "{seconds}"
            );
        }
        let last = need(Measure::Last, Subject::User, Counts::Executed);
        let last = HistoryNeed { window: Window::Ever, ..last };
        assert_eq!(seen(store, 9000, last).await, Tally::Last(Some(at(60))));
    }
}

async fn counting_begins_anew_after_an_executed_review(directory: Directory) {
    let store = opened(&directory).await;
    let since = || HistoryNeed { window: Window::SinceExecutedReview, ..calls(Counts::Asked) };
    store.record_decision(signature(1), granted(1, 0)).await.expect("recorded");
    store.record_decision(signature(2), reviewed(2, 0)).await.expect("recorded");
    assert!(redeem(&store, || at(30)).await && redeem(&store, || at(31)).await);
    store.record_decision(signature(3), granted(3, 40)).await.expect("recorded");
    store.record_decision(signature(4), reviewed(4, 50)).await.expect("recorded");
    assert_eq!(seen(&store, 100, since()).await, Tally::Count(2), "a review that was not executed is none");
    assert!(redeem(&store, || at(60)).await && redeem(&store, || at(61)).await);
    assert_eq!(seen(&store, 100, since()).await, Tally::Count(0));
}

/// A verification of a user that was decided so many seconds after the start.
fn verification(id: &str, user: &str, (state, scope): (&str, &str)) -> Sql {
    let decided = match state {
        "expired" => "NULL, NULL, NULL, NULL".to_owned(),
        _ => format!("{}, 'person', 'a', 'r'", at(30).unix_micros()),
    };
    let insert = |raw: String| -> &'static str {
        let insert = format!(
            "INSERT INTO verifications (id, reference, challenge_id, step_key, user_id, scope, proof, opened_by, opened_at,
                    expires_at, version, state, decided_at, decided_as, actor, reason)
             VALUES ({raw}, '{id}', '{id}', 'kyc_review', '{user}', '{scope}', 'vouched', 'executor', 0, 1, 1, '{state}', {decided})"
        );
        insert.leak()
    };
    either(insert(format!("x'{id}'")), insert(format!("'{id}'::uuid")))
}

async fn rejected_steps_are_their_users(directory: Directory) {
    let (store, other) = (opened(&directory).await, directory.open().await);
    let all = [
        ("usr_test", ("rejected", "transfer:write")),
        ("usr_test", ("rejected", "transfer:write")),
        ("usr_test", ("rejected", "payout:write")),
        ("usr_test", ("approved", "transfer:write")),
        ("usr_test", ("expired", "transfer:write")),
        ("usr_other", ("rejected", "transfer:write")),
    ];
    for (n, (user, what)) in all.into_iter().enumerate() {
        run(&store, verification(&format!("{n:032x}"), user, what)).await.expect("kept");
    }
    let rejected = || need(Measure::Rejected, Subject::User, Counts::Asked);
    for store in [&store, &other] {
        assert_eq!(seen(store, 3630, rejected()).await, Tally::Count(2));
        assert_eq!(seen(store, 3631, rejected()).await, Tally::Count(0));
    }
}

/// What is no call itself begins to count after the review, too: nobody else asks for calls here.
async fn rejections_and_facts_are_counted_since_the_executed_review(directory: Directory) {
    let store = opened(&directory).await;
    let since = |measure| HistoryNeed {
        window: Window::SinceExecutedReview,
        ..need(measure, Subject::User, Counts::Asked)
    };
    let fact = || Measure::Fact(FactKind::new("chargeback").expect("a kind"));
    let rejected = verification(&format!("{:032x}", 1), "usr_test", ("rejected", "transfer:write"));
    run(&store, rejected).await.expect("kept");
    let reported = either(
        "INSERT INTO facts (user_key, user_id, kind, happened_at, recorded_at, api_key_id)
         VALUES (CAST('u' AS BLOB), 'usr_test', 'chargeback', 1790000030000000, 0, 'executor')",
        "INSERT INTO facts (user_key, user_id, kind, happened_at, recorded_at, api_key_id)
         VALUES ('u', 'usr_test', 'chargeback', 1790000030000000, 0, 'executor')",
    );
    run(&store, reported).await.expect("kept");
    store.record_decision(signature(1), reviewed(1, 0)).await.expect("recorded");
    for measure in [Measure::Rejected, fact()] {
        assert_eq!(seen(&store, 100, since(measure)).await, Tally::Count(1));
    }
    assert!(redeem(&store, || at(31)).await);
    for measure in [Measure::Rejected, fact()] {
        assert_eq!(seen(&store, 100, since(measure)).await, Tally::Count(0));
    }
}

/// Decides call `n` as of `now`, granted while fewer than ten are executed or can be.
async fn ask(store: &Store, n: u64, now: Timestamp) -> bool {
    ask_as(("usr_test", Subject::User), store, n, now).await
}

/// The same for a user, of whom all pay the same payee, with the calls counted by some subject.
async fn ask_as((who, by): (&str, Subject), store: &Store, n: u64, now: Timestamp) -> bool {
    let needs = Needs::new([need(Measure::Calls, by, USABLE)]);
    let subjects = [(Subject::User, key(key_of(who))), (payee(), key("payee"))];
    let (of, user_id) = (subjects.to_vec(), UserId::new(who).expect("a user"));
    let asked = needs.clone();
    let decide = move |history: &History| {
        let tally = &history.tallies(&asked).expect("its own needs")[0];
        let granted = matches!(tally, Tally::Count(count) if *count < 10);
        DecisionRecord {
            received_at: now,
            usable_until: granted.then(|| now.plus(Duration::from_secs(20))),
            user_id: user_id.clone(),
            ..record(n, &of, granted)
        }
    };
    let asker = Asker { at: now, user_id: UserId::new(who).expect("a user"), ..asker(&subjects) };
    let question = Question { needs, asker, desk: DeskRevision::NONE, decide: Box::new(decide) };
    let recorded = store.decide_and_record(signature(n), question).await.expect("recorded");
    matches!(recorded, Recorded::Decided { tally, .. } if tally.verdict == VerdictKind::Continue)
}

/// While grants run out all the time, two processes grant and redeem at once: no grant that a call took for ended is
/// executed after it.
async fn a_limit_holds_while_grants_run_out_and_are_redeemed(directory: Directory) {
    limit_holds(&directory, Subject::User, &["usr_test"]).await;
}

/// The same where they are counted by what several users have in common: a redemption takes their turn, too.
async fn a_limit_by_payee_holds_while_grants_run_out_and_others_redeem(directory: Directory) {
    limit_holds(&directory, payee(), &["usr_a", "usr_b", "usr_c"]).await;
}

fn payee() -> Subject {
    Subject::Metadata("payee".into())
}

async fn limit_holds(directory: &Directory, by: Subject, users: &'static [&'static str]) {
    let (one, two) = (opened(directory).await, directory.open().await);
    if by != Subject::User {
        one.file_by(&BTreeSet::from([by.clone()]), START).await.expect("filed");
    }
    let clock = Arc::new(AtomicI64::new(START.unix_micros()));
    let tick = move || Timestamp::from_unix_micros(clock.fetch_add(1_000_000, Ordering::SeqCst));
    let user = move |n: u64| users[usize::try_from(n).expect("small") % users.len()];
    let actors = (0..16_u64).map(|actor| {
        let store = if actor % 4 < 2 { one.clone() } else { two.clone() };
        let (tick, by) = (tick.clone(), by.clone());
        tokio::spawn(async move {
            for turn in 0..20 {
                if actor % 2 == 0 {
                    ask_as((user(actor + turn), by.clone()), &store, actor * 1000 + turn, tick()).await;
                } else {
                    redeem_as(user(actor + turn), &store, tick.clone()).await;
                }
            }
        })
    });
    for actor in futures_util::future::join_all(actors.collect::<Vec<_>>()).await {
        actor.expect("no panic");
    }
    assert!(number(&one, "SELECT count(*) FROM redemptions").await <= 10);
    // Long enough for what is left of the race to run out.
    for n in 0..60 {
        ask_as((user(n), by.clone()), &one, 100_000 + n, tick()).await;
        redeem_as(user(n), &two, tick.clone()).await;
    }
    assert_eq!(number(&one, "SELECT count(*) FROM redemptions").await, 10);
    one.close().await.expect("closed");
    two.close().await.expect("closed");
}

/// A redemption that waits while a call takes the grant for ended comes too late.
async fn no_redemption_follows_a_call_that_took_its_grant_for_ended(directory: Directory) {
    let store = opened(&directory).await;
    let clock = Arc::new(AtomicI64::new(START.unix_micros()));
    let tell = Arc::clone(&clock);
    let now = move || Timestamp::from_unix_micros(tell.load(Ordering::SeqCst));
    for n in 0..10 {
        assert!(ask(&store, n, now()).await);
    }
    assert!(!ask(&store, 10, now()).await, "all ten can still be executed");
    clock.store(at(19).unix_micros(), Ordering::SeqCst);
    // On SQLite both wait when the writer looks, and it decides first; on PostgreSQL either may be first.
    let asking = async {
        clock.store(at(20).unix_micros(), Ordering::SeqCst);
        ask(&store, 11, now()).await
    };
    let (redeemed, granted) = futures_util::future::join(redeem(&store, now.clone()), asking).await;
    let is_any_order = matches!(store.places(), Places::Indexes(_));
    assert!(is_any_order || (redeemed && granted), "the new one is redeemed");
    let of_the_ended = "SELECT count(*) FROM redemptions AS r JOIN decisions AS d ON d.id = r.decision_id
                         WHERE d.usable_until <= 1790000020000000";
    assert!(!granted || number(&store, of_the_ended).await == 0);
}

/// On PostgreSQL: while a batch holds the turn of a grant's payee, the grant is not redeemed, and once the batch is committed it is no
/// longer in time.
#[tokio::test]
async fn a_redemption_waits_for_who_asks_by_its_payee() {
    let directory = Directory::on_postgres().await;
    let (one, two) = (opened(&directory).await, directory.open().await);
    one.file_by(&BTreeSet::from([payee()]), START).await.expect("filed");
    assert!(ask_as(("usr_a", payee()), &one, 1, START).await);
    let clock = Arc::new(AtomicI64::new(at(19).unix_micros()));
    let tell = Arc::clone(&clock);
    let now = move || Timestamp::from_unix_micros(tell.load(Ordering::SeqCst));
    let (has_turn, turn_taken) = tokio::sync::oneshot::channel();
    let (redeeming, redemption_begun) = tokio::sync::oneshot::channel();
    let turn = Turn::UserAnd(UserId::new("usr_b").expect("a user"), BTreeSet::from([key("payee")]));
    let batch = two.write(turn, move |connection| {
        Box::pin(async move {
            has_turn.send(()).expect("somebody waits");
            redemption_begun.await.expect("it begins");
            until_somebody_waits(connection).await?;
            clock.store(at(20).unix_micros(), Ordering::SeqCst);
            Ok(())
        })
    });
    let redemption = async {
        turn_taken.await.expect("the batch has begun");
        redeeming.send(()).expect("the batch listens");
        redeem_as("usr_a", &one, now).await
    };
    let (batch, redeemed) = futures_util::future::join(batch, redemption).await;
    batch.expect("committed");
    assert!(!redeemed, "the batch may have taken it for ended");
    assert_eq!(number(&one, "SELECT count(*) FROM redemptions").await, 0);
}

async fn until_somebody_waits(connection: &mut Connection<'_>) -> Result<(), StoreError> {
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    while connection.query(waiting).value::<i64>(connection).await? == 0 {
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// What is looked up for a call or a redemption is found by indexes, however much there is of it.
#[tokio::test]
async fn nothing_is_looked_through_from_end_to_end() {
    let directory = Directory::on_sqlite();
    directory.open().await;
    let mut file = SqliteConnectOptions::new().filename(directory.file()).connect().await.expect("opened");
    let past =
        look::statements(Executed::Told).split(';').chain(look::statements(Executed::NotTold).split(';'));
    for statement in past.chain([past::REJECTIONS, GRANTS, facts::BY_ID, facts::ABOUT.sqlite]) {
        let plan = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let rows = sqlx::query(plan).fetch_all(&mut file).await.expect("a plan");
        let steps: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        let scans = steps.iter().filter(|step| step.starts_with("SCAN"));
        let is_small = |step: &str| {
            step.contains("json_each") || ["SCAN g", "SCAN filing", "SCAN CONSTANT ROW"].contains(&step)
        };
        let scans: Vec<_> = scans.filter(|step| !is_small(step)).collect();
        assert!(scans.is_empty() && !steps.is_empty(), "{steps:#?}");
    }
}

on_each_engine! {
    []
    a_grant_is_exposure_while_it_can_be_executed_and_after_it_was,
    counting_begins_anew_after_an_executed_review,
    rejected_steps_are_their_users,
    rejections_and_facts_are_counted_since_the_executed_review,
    no_redemption_follows_a_call_that_took_its_grant_for_ended;
    [flavor = "multi_thread", worker_threads = 4]
    a_limit_holds_while_grants_run_out_and_are_redeemed,
    a_limit_by_payee_holds_while_grants_run_out_and_others_redeem
}
