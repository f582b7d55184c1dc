//! The past of others than the user: an address, an identifier, a metadata field.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::past::{USABLE, ask_as, asker, below_ten, key, need, record, up_to_105};
use super::{Directory, decision_id, number, open, run, signature};
use crate::domain::{
    Asker, Counts, DecisionRecord, HistoryNeed, Measure, Needs, Recorded, Subject, SubjectKey, Tally, UserId,
};
use crate::store::{Store, StoreError};

fn payee() -> Subject {
    Subject::Metadata("payee".into())
}

/// User `n`, who has nothing in common with another but these.
fn subjects(n: u64, shared: &[(Subject, &str)]) -> Vec<(Subject, SubjectKey)> {
    let own = [(Subject::User, key(&format!("u{n}")))];
    own.into_iter().chain(shared.iter().map(|(subject, text)| (subject.clone(), key(text)))).collect()
}

fn stranger(n: u64, shared: &[(Subject, &str)]) -> Asker {
    let user_id = UserId::new(&format!("usr_{n}")).expect("a user");
    Asker { user_id, ..asker(&subjects(n, shared)) }
}

fn calls_by(subject: Subject) -> HistoryNeed {
    need(Measure::Calls, subject, Counts::Asked)
}

fn exactly(count: u64) -> impl Fn(&Tally) -> bool + Send + Sync + Clone + 'static {
    move |tally| *tally == Tally::Count(count)
}

async fn file_by(store: &Store, subjects: impl IntoIterator<Item = Subject>) {
    store.file_by(&subjects.into_iter().collect(), super::START).await.expect("filed");
}

async fn leave(store: &Store, n: u64, shared: &[(Subject, &str)]) {
    let id = decision_id(n);
    let record = DecisionRecord { id, ..record(n, &subjects(n, shared), true) };
    assert_eq!(store.record_decision(signature(n), record).await.expect("recorded"), Recorded::First);
}

/// Two hundred users at once with one address, through four stores: ten are granted. And with one payee, to the cent.
async fn a_limit_of_strangers_cannot_be_raced(directory: Directory) {
    let stores =
        [directory.open().await, directory.open().await, directory.open().await, directory.open().await];
    // Each asks for itself, as each process does whose policy asks.
    for store in &stores {
        file_by(store, [Subject::Ip, payee()]).await;
    }
    let granted = async |need: HistoryNeed, calls: std::ops::Range<u64>, limit: fn(&Tally) -> bool| {
        let calls = calls.map(|n| {
            let (store, need) = (stores[usize::try_from(n % 4).expect("small")].clone(), need.clone());
            let asker = stranger(n, &[(Subject::Ip, "203.0.113.1"), (payee(), "DE1")]);
            async move { ask_as(&store, (n, asker), need, limit).await.expect("recorded") }
        });
        join_all(calls).await.into_iter().filter(|granted| *granted).count()
    };
    assert_eq!(granted(need(Measure::Calls, Subject::Ip, USABLE), 0..200, below_ten).await, 10);
    // Those ten were for the payee too, and of ten times 10.50 no more fits.
    let sums = || need(Measure::Sum("value".into()), payee(), USABLE);
    assert_eq!(granted(sums(), 200..210, up_to_105).await, 0);
    let other = async |n: u64| {
        let asker = stranger(n, &[(payee(), "DE2")]);
        ask_as(&stores[usize::try_from(n % 4).expect("small")], (n, asker), sums(), up_to_105).await
    };
    let answers = join_all((300..400).map(other)).await;
    assert_eq!(answers.into_iter().filter(|answer| *answer.as_ref().expect("recorded")).count(), 10);
    for store in stores {
        store.close().await.expect("closed");
    }
}

/// Before, while and after it is filed, after a new start, and by several subjects together.
async fn strangers_are_found_wherever_they_stand(directory: Directory) {
    let mut settings = directory.settings();
    settings.file_after_rows = 7;
    let mut store = open(settings.clone()).await;
    file_by(&store, [Subject::Ip, Subject::Identifier]).await;
    for n in 0..60 {
        leave(&store, 1000 + n, &[(Subject::Ip, "elsewhere"), (payee(), "DE1")]).await;
        let asker = stranger(n, &[(Subject::Ip, "here"), (payee(), "DE1")]);
        let asked = ask_as(&store, (n, asker.clone()), calls_by(Subject::Ip), exactly(n)).await;
        assert!(asked.expect("recorded"), "call {n}");
        let both = HistoryNeed { by: BTreeSet::from([Subject::Ip, payee()]), ..calls_by(payee()) };
        let looked = store.history(&Needs::new([both.clone()]), &asker).await.expect("readable");
        assert_eq!(looked.tallies(&Needs::new([both])), Some(&[Tally::Count(n + 1)][..]));
        if n % 25 == 24 {
            store.close().await.expect("closed");
            store = open(settings.clone()).await;
        }
    }
    store.close().await.expect("closed");
}

/// Any of its identifiers makes a call one of theirs, and two of them not two; a call without any has no past.
async fn a_call_has_its_identifiers_past_once(directory: Directory) {
    let store = directory.open().await;
    file_by(&store, [Subject::Identifier]).await;
    let cases: [(&[&str], u64); 6] =
        [(&["a"], 0), (&["a", "b"], 1), (&["b", "a"], 2), (&[], 0), (&["c"], 0), (&["c", "a", "b"], 4)];
    for (n, (texts, expected)) in (0_u64..).zip(cases) {
        let shared: Vec<_> = texts.iter().map(|text| (Subject::Identifier, *text)).collect();
        let asked =
            ask_as(&store, (n, stranger(n, &shared)), calls_by(Subject::Identifier), exactly(expected));
        assert!(asked.await.expect("recorded"), "{texts:?}");
    }
    store.close().await.expect("closed");
}

/// What was recorded before anybody asked counts, once, although other processes record meanwhile: one that has not asked, and one
/// that asks at the same time.
async fn what_was_recorded_before_anybody_asked_counts(directory: Directory) {
    let mut settings = directory.settings();
    settings.file_after_rows = 300;
    let (one, two, third) = (open(settings.clone()).await, open(settings).await, directory.open().await);
    let shared = [(Subject::Ip, "here"), (payee(), "DE1")];
    join_all((0..1100).map(|n| leave(if n % 2 == 0 { &one } else { &two }, n, &shared))).await;
    let refused = ask_as(&one, (5000, stranger(1, &shared)), calls_by(payee()), exactly(0)).await;
    assert!(matches!(refused, Err(StoreError::UnrecordedPast)), "{refused:?}");
    let meanwhile = join_all((1100..1200).map(|n| leave(if n % 2 == 0 { &two } else { &third }, n, &shared)));
    let filing = futures_util::future::join(file_by(&one, [payee()]), file_by(&two, [Subject::Ip, payee()]));
    futures_util::future::join(filing, meanwhile).await;
    for (n, (store, by)) in
        (0..).zip([(&one, payee()), (&two, payee()), (&third, Subject::Ip), (&one, Subject::Ip)])
    {
        let asked = ask_as(store, (6000 + n, stranger(6000 + n, &shared)), calls_by(by), exactly(1200 + n));
        assert!(asked.await.expect("recorded"), "{n}");
    }
    for store in [one, two, third] {
        store.close().await.expect("closed");
    }
    let again = directory.open().await;
    let asked = ask_as(&again, (7000, stranger(1, &shared)), calls_by(payee()), exactly(1204));
    assert!(asked.await.expect("recorded"));
    again.close().await.expect("closed");
}

/// Where filing broke off, nothing is found rather than too little, until somebody goes on with it.
async fn filing_that_broke_off_goes_on(directory: Directory) {
    let store = directory.open().await;
    let shared = [(Subject::Ip, "here")];
    for n in 0..5 {
        leave(&store, n, &shared).await;
    }
    let broken_off = "INSERT INTO filed_subjects (subject, asked_at, through, filed_through)
                      SELECT 'ip', 0, max(seq), min(seq) FROM decisions";
    run(&store, broken_off).await.expect("noted");
    for n in 5..8 {
        leave(&store, n, &shared).await;
    }
    let refused = ask_as(&store, (50, stranger(50, &shared)), calls_by(Subject::Ip), exactly(0)).await;
    assert!(matches!(refused, Err(StoreError::UnrecordedPast)), "{refused:?}");
    file_by(&store, [Subject::Ip]).await;
    // The first, which was said to be filed, is not: it is passed over.
    let asked = ask_as(&store, (51, stranger(51, &shared)), calls_by(Subject::Ip), exactly(7)).await;
    assert!(asked.expect("recorded"));
    store.close().await.expect("closed");
}

async fn there_is_an_end_to_what_decisions_are_filed_by(directory: Directory) {
    let store = directory.open().await;
    let fields = |count: u32| (0..count).map(|n| Subject::Metadata(format!("f{n}").into()));
    file_by(&store, fields(32)).await;
    let refused = store.file_by(&fields(33).collect(), super::START).await;
    assert!(matches!(refused, Err(StoreError::TooManySubjects)), "{refused:?}");
    assert_eq!(number(&store, "SELECT count(*) FROM filed_subjects").await, 32);
    store.close().await.expect("closed");
}

/// PostgreSQL finds a call as often as it is about somebody: where that fills the look, calls may be missing, which is no answer.
#[tokio::test]
async fn what_may_have_been_cut_off_is_no_verdict() {
    let directory = Directory::on_postgres().await;
    let store = directory.open().await;
    file_by(&store, [Subject::Identifier]).await;
    let both = [(Subject::Identifier, "a"), (Subject::Identifier, "b")];
    leave(&store, 1, &both).await;
    let look =
        async || store.history(&Needs::new([calls_by(Subject::Identifier)]), &stranger(2, &both)).await;
    let before = look().await.expect("a past");
    assert_eq!(
        before.tallies(&Needs::new([calls_by(Subject::Identifier)])),
        Some([Tally::Count(1)].as_slice())
    );
    let again = "INSERT INTO decision_subjects (subject, received_at, decision_seq)
                 SELECT subject, received_at + n, decision_seq FROM decision_subjects, generate_series(1, 20000) AS n
                  WHERE subject = 'a'::bytea";
    run(&store, again).await.expect("inserted");
    let cut = look().await;
    assert!(matches!(cut, Err(StoreError::TooMuchPast)), "{cut:?}");
}

on_each_engine! {
    []
    a_limit_of_strangers_cannot_be_raced,
    strangers_are_found_wherever_they_stand,
    a_call_has_its_identifiers_past_once,
    what_was_recorded_before_anybody_asked_counts,
    filing_that_broke_off_goes_on,
    there_is_an_end_to_what_decisions_are_filed_by
}
