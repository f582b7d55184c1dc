//! Calls that are decided with their past, in the transaction that records them.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Directory, START, block, number, open, signature};
use crate::domain::{
    Amount, Asker, Counts, Currency, DecisionRecord, DeskRevision, Executions, FactKind, History,
    HistoryNeed, Measure, Needs, Recorded, Scope, Scopes, Subject, SubjectKey, Sum, Tally, Timestamp, UserId,
    VerdictKind, Window,
};
use crate::store::{Question, Store, StoreError};

const HOUR: Duration = Duration::from_hours(1);
pub(super) const USABLE: Counts = Counts::Usable(Executions::Unreported);

pub(super) fn need(measure: Measure, by: Subject, counts: Counts) -> HistoryNeed {
    HistoryNeed {
        measure,
        by: BTreeSet::from([by]),
        window: Window::Over(HOUR),
        scopes: Scopes::Same,
        verdicts: None,
        counts,
    }
}

pub(super) fn key(text: &str) -> SubjectKey {
    SubjectKey::new(text.as_bytes())
}

pub(super) fn user(name: &str) -> Vec<(Subject, SubjectKey)> {
    vec![(Subject::User, key(name))]
}

pub(super) fn asker(subjects: &[(Subject, SubjectKey)]) -> Asker {
    Asker {
        user_id: UserId::new("usr_test").expect("a user"),
        subjects: subjects.to_vec(),
        scope: Scope::new("transfer:write").expect("a scope"),
        at: START,
    }
}

/// What a dry run is told.
pub(super) async fn tally(store: &Store, asker: &Asker, need: HistoryNeed) -> Tally {
    let needs = Needs::new([need]);
    let history = store.history(&needs, asker).await.expect("readable");
    history.tallies(&needs).expect("its own needs")[0].clone()
}

/// What call `n` records: a continue of 10.50 USD where it is granted, else a block.
pub(super) fn record(n: u64, subjects: &[(Subject, SubjectKey)], granted: bool) -> DecisionRecord {
    let amount = Amount::parse("10.50").expect("an amount");
    let verdict = if granted { VerdictKind::Continue } else { VerdictKind::Block };
    DecisionRecord {
        verdict,
        answer: format!(r#"{{"status":"{}","n":{n}}}"#, verdict.as_str()),
        usable_until: granted.then(|| START.plus(Duration::from_secs(300))),
        subjects: subjects.to_vec(),
        money: vec![("value".into(), amount, Currency::parse("USD").expect("a currency"))],
        ..block(n)
    }
}

/// Asks as call `n`, is granted what `judge` grants, and tells whether it was.
pub(super) async fn ask(
    store: &Store,
    n: u64,
    (subjects, need): (Vec<(Subject, SubjectKey)>, HistoryNeed),
    judge: impl Fn(&Tally) -> bool + Send + Sync + 'static,
) -> Result<bool, StoreError> {
    let asker = asker(&subjects);
    ask_as(store, (n, asker), need, judge).await
}

/// The same, of a given asker.
pub(super) async fn ask_as(
    store: &Store,
    (n, asker): (u64, Asker),
    need: HistoryNeed,
    judge: impl Fn(&Tally) -> bool + Send + Sync + 'static,
) -> Result<bool, StoreError> {
    let needs = Needs::new([need]);
    let subjects = asker.subjects.clone();
    let asked = needs.clone();
    let decide = move |history: &History| {
        let tally = &history.tallies(&asked).expect("its own needs")[0];
        record(n, &subjects, judge(tally))
    };
    let question = Question { needs, asker, desk: DeskRevision::NONE, decide: Box::new(decide) };
    match store.decide_and_record(signature(n), question).await? {
        Recorded::Decided { tally, answer } => {
            let is_continue = tally.verdict == VerdictKind::Continue;
            assert_eq!(answer, record(n, &[], is_continue).answer);
            Ok(is_continue)
        }
        other => panic!("{other:?}"),
    }
}

fn fewer_than(limit: u64) -> impl Fn(&Tally) -> bool + Send + Sync + Clone + 'static {
    move |tally| matches!(tally, Tally::Count(count) if *count < limit)
}

/// Two hundred calls at once: neither a batch nor a process lets one slip through. Four stores stand for four processes.
async fn a_limit_cannot_be_raced(directory: Directory) {
    let stores =
        [directory.open().await, directory.open().await, directory.open().await, directory.open().await];
    let granted = async |asked: fn() -> HistoryNeed,
                         calls: std::ops::Range<u64>,
                         who: &'static str,
                         limit: fn(&Tally) -> bool| {
        let calls = calls.map(|n| {
            let store = stores[usize::try_from(n % 4).expect("small")].clone();
            async move { ask(&store, n, (user(who), asked()), limit).await.expect("recorded") }
        });
        futures_util::future::join_all(calls).await.into_iter().filter(|granted| *granted).count()
    };
    let calls = || need(Measure::Calls, Subject::User, USABLE);
    assert_eq!(granted(calls, 0..200, "u", below_ten).await, 10);
    // Calls of 10.50 each: ten of them are as much as may be, to the cent.
    let sums = || need(Measure::Sum("value".into()), Subject::User, USABLE);
    assert_eq!(granted(sums, 200..400, "v", up_to_105).await, 10);
    for store in stores {
        store.close().await.expect("closed");
    }
}

pub(super) fn below_ten(tally: &Tally) -> bool {
    matches!(tally, Tally::Count(count) if *count < 10)
}

pub(super) fn up_to_105(tally: &Tally) -> bool {
    let most = Amount::parse("94.50").expect("an amount").decimal();
    matches!(total(tally), Sum::Exact(sum) if sum <= most)
}

fn total(tally: &Tally) -> Sum {
    match tally {
        Tally::Sums(sums) => sums.iter().fold(Sum::ZERO, |all, (_, _, sum)| all.and(sum)),
        other => panic!("{other:?}"),
    }
}

/// The past is the same before and after it is filed, and after a new start.
async fn the_past_is_found_wherever_it_stands(directory: Directory) {
    let mut settings = directory.settings();
    settings.file_after_rows = 7;
    let mut store = open(settings.clone()).await;
    for n in 0..60 {
        let others = (user("other"), need(Measure::Calls, Subject::User, Counts::Asked));
        ask(&store, 1000 + n, others, |_| true).await.expect("recorded");
        let by_user = (user("u"), need(Measure::Calls, Subject::User, Counts::Asked));
        let exactly = move |tally: &Tally| *tally == Tally::Count(n);
        assert!(ask(&store, n, by_user, exactly).await.expect("recorded"), "call {n}");
        if n % 25 == 24 {
            store.close().await.expect("closed");
            store = open(settings.clone()).await;
        }
    }
    store.close().await.expect("closed");
}

async fn a_call_shares_its_past_by_any_of_its_identifiers(directory: Directory) {
    let store = directory.open().await;
    let having = |texts: &[&str]| -> Vec<_> {
        user("u").into_iter().chain(texts.iter().map(|text| (Subject::Identifier, key(text)))).collect()
    };
    let cases: [(&[&str], u64); 5] =
        [(&["a"], 0), (&["a", "b"], 1), (&["b"], 1), (&["c"], 0), (&["c", "a", "b"], 4)];
    for (n, (texts, expected)) in (0_u64..).zip(cases) {
        let by_user = need(Measure::Calls, Subject::User, Counts::Asked);
        let by = BTreeSet::from([Subject::User, Subject::Identifier]);
        let exactly = move |tally: &Tally| *tally == Tally::Count(expected);
        let asked = (having(texts), HistoryNeed { by, ..by_user });
        assert!(ask(&store, n, asked, exactly).await.expect("recorded"), "{texts:?}");
    }
    store.close().await.expect("closed");
}

/// What is read for all calls of a batch together is each one's own: whoever asks, by whatever, however far back, and whether or not
/// it matters what was executed.
async fn who_asks_at_once_sees_their_own_past(directory: Directory) {
    let store = directory.open().await;
    store.file_by(&[Subject::Identifier].into(), START).await.expect("filed by it");
    let calls = |by, counts| need(Measure::Calls, by, counts);
    let named = |texts: &[&str]| -> Vec<_> {
        user("many").into_iter().chain(texts.iter().map(|text| (Subject::Identifier, key(text)))).collect()
    };
    let mut past: Vec<_> = (0..12).flat_map(|n| std::iter::repeat_n(user(&format!("u{n}")), n)).collect();
    past.extend([named(&["a"]), named(&["a"]), named(&["b"]), named(&["a", "b"])]);
    for (id, subjects) in (0..).zip(&past) {
        let first = (subjects.clone(), calls(Subject::User, Counts::Asked));
        assert!(ask(&store, id, first, |_| true).await.expect("recorded"));
    }
    let later = START.plus(Duration::from_mins(30));
    let recent = || HistoryNeed {
        window: Window::Over(Duration::from_mins(10)),
        ..calls(Subject::User, Counts::Asked)
    };
    let mut asked = vec![(named(&["a", "b"]), START, calls(Subject::Identifier, Counts::Asked), 4)];
    for n in 0..12 {
        let subjects = user(&format!("u{n}"));
        asked.push(match n % 3 {
            0 => (subjects, later, calls(Subject::User, Counts::Asked), n),
            1 => (subjects, later, recent(), 0),
            _ => (subjects, later, calls(Subject::User, Counts::Executed), 0),
        });
    }
    let answers = (1_000..).zip(asked).map(|(id, (subjects, at, need, expected))| {
        let exactly = move |tally: &Tally| *tally == Tally::Count(expected);
        ask_as(&store, (id, Asker { at, ..asker(&subjects) }), need, exactly)
    });
    for (place, answer) in futures_util::future::join_all(answers).await.into_iter().enumerate() {
        assert!(answer.expect("recorded"), "call {place}");
    }
    store.close().await.expect("closed");
}

async fn sums_are_exact_and_blocks_are_no_exposure(directory: Directory) {
    let store = directory.open().await;
    let by_user = || (user("u"), need(Measure::Sum("value".into()), Subject::User, USABLE));
    for n in 0..3 {
        assert!(ask(&store, n, by_user(), |_| true).await.expect("recorded"));
        assert!(!ask(&store, 10 + n, by_user(), |_| false).await.expect("recorded"));
    }
    let expected = Sum::Exact(Amount::parse("31.5").expect("an amount").decimal());
    let exactly = move |tally: &Tally| total(tally) == expected;
    assert!(ask(&store, 20, by_user(), exactly).await.expect("recorded"));
    store.close().await.expect("closed");
}

/// Whoever asks all the same gets no verdict, rather than one of a past without anything in it.
async fn what_is_not_recorded_is_no_empty_past(directory: Directory) {
    let store = directory.open().await;
    let calls = || need(Measure::Calls, Subject::User, Counts::Asked);
    let fact = || Measure::Fact(FactKind::new("email_changed").expect("a kind"));
    let needs = [
        need(Measure::Calls, Subject::Ip, Counts::Asked),
        need(Measure::Rejected, Subject::Ip, Counts::Asked),
        need(fact(), Subject::Ip, Counts::Asked),
    ];
    for (n, need) in (0..).zip(needs) {
        let refused = ask(&store, n, (user("u"), need.clone()), |_| true).await;
        assert!(matches!(refused, Err(StoreError::UnrecordedPast)), "{need}: {refused:?}");
    }
    let nobody = || vec![(Subject::Ip, key("203.0.113.1"))];
    for (n, measure) in (10..).zip([Measure::Calls, Measure::Rejected, fact()]) {
        let need = need(measure, Subject::User, Counts::Asked);
        let refused = ask(&store, n, (nobody(), need.clone()), |_| true).await;
        assert!(matches!(refused, Err(StoreError::UnrecordedPast)), "{need}: {refused:?}");
    }
    assert!(
        ask(&store, 9, (user("u"), calls()), |tally: &Tally| *tally == Tally::Count(0))
            .await
            .expect("recorded")
    );
    store.close().await.expect("closed");
}

/// A repeat gets the first answer, and is not counted again.
async fn a_repeat_is_not_asked_again(directory: Directory) {
    let store = directory.open().await;
    let by_user = || (user("u"), need(Measure::Calls, Subject::User, Counts::Asked));
    assert!(ask(&store, 1, by_user(), fewer_than(1)).await.expect("recorded"));
    let question = Question {
        needs: Needs::new([by_user().1]),
        asker: asker(&user("u")),
        desk: DeskRevision::NONE,
        decide: Box::new(|_| panic!("a repeat is not decided")),
    };
    let again = store.decide_and_record(signature(1), question).await.expect("answered");
    assert_eq!(again, Recorded::Repeat { answer: record(1, &[], true).answer });
    let second = ask(&store, 2, by_user(), |tally: &Tally| *tally == Tally::Count(1)).await;
    assert!(second.expect("recorded"));
    store.close().await.expect("closed");
}

/// Looking without recording finds the same, also what another process has just recorded.
async fn a_look_finds_what_another_process_recorded(directory: Directory) {
    let (one, two) = (directory.open().await, directory.open().await);
    for n in 0..3 {
        let record = record(n, &user("u"), true);
        one.record_decision(signature(n), record).await.expect("recorded");
    }
    one.record_decision(signature(9), record(9, &user("other"), true)).await.expect("recorded");
    let needs = Needs::new([need(Measure::Calls, Subject::User, Counts::Asked)]);
    let asker = asker(&user("u"));
    for store in [&one, &two] {
        let history = store.history(&needs, &asker).await.expect("readable");
        assert_eq!(history.tallies(&needs), Some(&[Tally::Count(3)][..]));
    }
    one.close().await.expect("closed");
    two.close().await.expect("closed");
}

/// Calls that were recorded before anybody asked about the past are part of it.
async fn what_was_recorded_without_a_question_counts(directory: Directory) {
    let store = directory.open().await;
    let early = DecisionRecord {
        received_at: Timestamp::from_unix_micros(START.unix_micros() - 1),
        ..record(1, &user("u"), true)
    };
    let too_early = DecisionRecord {
        received_at: START.minus(HOUR + Duration::from_micros(1)),
        ..record(2, &user("u"), true)
    };
    for (n, record) in [(1, early), (2, too_early)] {
        assert_eq!(store.record_decision(signature(n), record).await.expect("recorded"), Recorded::First);
    }
    let by_user = (user("u"), need(Measure::Calls, Subject::User, Counts::Asked));
    assert!(ask(&store, 3, by_user, |tally: &Tally| *tally == Tally::Count(1)).await.expect("recorded"));
    store.close().await.expect("closed");
}

async fn a_question_that_was_put_before_the_desks_last_action_is_not_decided(directory: Directory) {
    let store = directory.open().await;
    let question = Question {
        needs: Needs::new([need(Measure::Calls, Subject::User, Counts::Asked)]),
        asker: asker(&user("u")),
        desk: DeskRevision::new(1),
        decide: Box::new(|_| panic!("a stale question is not decided")),
    };
    let stale = store.decide_and_record(signature(1), question).await.expect("answered");
    assert_eq!(stale, Recorded::Stale);
    assert_eq!(number(&store, "SELECT count(*) FROM decisions").await, 0);
}

on_each_engine! {
    []
    a_limit_cannot_be_raced,
    the_past_is_found_wherever_it_stands,
    a_call_shares_its_past_by_any_of_its_identifiers,
    who_asks_at_once_sees_their_own_past,
    sums_are_exact_and_blocks_are_no_exposure,
    what_is_not_recorded_is_no_empty_past,
    a_repeat_is_not_asked_again,
    a_look_finds_what_another_process_recorded,
    what_was_recorded_without_a_question_counts,
    a_question_that_was_put_before_the_desks_last_action_is_not_decided
}
