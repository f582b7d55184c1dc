use std::iter::empty;
use std::time::Duration;

use super::*;
use crate::domain::{Amount, Currency, StepKey, Timestamp, UserId};

/// 2026-09-21T14:13:20Z, a Monday; in Auckland it is Tuesday already.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_790_000_000);
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

fn key(text: &str) -> SubjectKey {
    SubjectKey::new(text.as_bytes())
}

fn scope(text: &str) -> Scope {
    Scope::new(text).expect("a scope")
}

fn ago(seconds: u64) -> Timestamp {
    NOW.minus(Duration::from_secs(seconds))
}

fn subjects(user: &str, payee: &str) -> Vec<(Subject, SubjectKey)> {
    let mut subjects = vec![(Subject::User, key(user)), (Subject::Ip, key("192.0.2.1/32"))];
    if !payee.is_empty() {
        subjects.push((Subject::Metadata("payee".into()), key(payee)));
    }
    subjects
}

fn asker() -> Asker {
    Asker {
        user_id: UserId::new("u").expect("a user"),
        subjects: subjects("u", "P1"),
        scope: scope("a:b"),
        at: NOW,
    }
}

fn by_user() -> BTreeSet<Subject> {
    BTreeSet::from([Subject::User])
}

fn need(measure: Measure, counts: Counts) -> HistoryNeed {
    let window = Window::Over(Duration::from_secs(DAY));
    HistoryNeed { measure, by: by_user(), window, scopes: Scopes::Same, verdicts: None, counts }
}

/// A review of `u` for `a:b`, to P1, that could be executed for an hour and was not.
fn call(seconds_ago: u64) -> PastCall {
    PastCall {
        at: ago(seconds_ago),
        scope: scope("a:b"),
        verdict: VerdictKind::Review,
        subjects: subjects("u", "P1"),
        money: Vec::new(),
        usable_until: Some(ago(seconds_ago).plus(Duration::from_secs(HOUR))),
        executed_at: None,
    }
}

fn executed(seconds_ago: u64) -> PastCall {
    PastCall { executed_at: Some(ago(seconds_ago)), ..call(seconds_ago + 60) }
}

fn blocked(seconds_ago: u64) -> PastCall {
    PastCall { verdict: VerdictKind::Block, usable_until: None, ..call(seconds_ago) }
}

fn paid(call: PastCall, amount: &str, currency: &str) -> PastCall {
    let amount = Amount::parse(amount).expect("an amount");
    let currency = Currency::parse(currency).expect("a currency");
    PastCall { money: vec![("value".into(), amount, currency)], ..call }
}

fn tally(need: &HistoryNeed, calls: impl IntoIterator<Item = PastCall>) -> Tally {
    let calls: Vec<_> = calls.into_iter().collect();
    let events: Vec<_> = calls.iter().cloned().map(PastEvent::Call).collect();
    let tally = Tally::of(need, &asker(), (empty(), events.iter()));
    // Settled or not, reckoned now or remembered, it is the same.
    for first in 0..=calls.len() {
        let (one, other) = calls.split_at(first);
        let groups = [SettledCalls::of(one.to_vec()), SettledCalls::of(other.to_vec())];
        let mixed = Tally::of(need, &asker(), (groups[..1].iter(), events[first..].iter()));
        assert_eq!(mixed, tally, "{first} of them settled");
        for _ in 0..2 {
            assert_eq!(
                Tally::of(need, &asker(), (groups.iter(), empty())),
                tally,
                "all settled, cut at {first}"
            );
        }
    }
    tally
}

const REPORTED: Counts = Counts::Usable(Executions::Reported);
const UNREPORTED: Counts = Counts::Usable(Executions::Unreported);

/// For each way of counting, whether one call counts in a window of 24 hours.
#[test]
fn each_way_of_counting_has_its_own_moment() {
    let late = |executed_ago| PastCall { executed_at: Some(ago(executed_ago)), ..call(DAY + 2 * HOUR) };
    // asked, usable (reported), usable (unreported), executed
    let cases = [
        ("just now", call(1), [1, 1, 1, 0]),
        ("an hour ago: it ran out now", call(HOUR), [1, 0, 1, 0]),
        ("at the beginning of the window", call(DAY), [1, 0, 1, 0]),
        ("before it, and could be used inside", call(DAY + HOUR), [0, 0, 1, 0]),
        ("before it", call(DAY + HOUR + 1), [0, 0, 0, 0]),
        ("executed", executed(3 * HOUR), [1, 1, 1, 1]),
        ("asked before the window and executed inside", late(HOUR), [0, 1, 0, 1]),
        ("executed before the window", executed(DAY + HOUR + 1), [0, 0, 0, 0]),
        ("blocked", blocked(1), [1, 0, 0, 0]),
        ("by somebody else", PastCall { subjects: subjects("v", "P1"), ..call(1) }, [0; 4]),
        ("for something else", PastCall { scope: scope("a:c"), ..call(1) }, [0; 4]),
        // Clocks differ between machines: what came just after is not lost.
        (
            "later than the call itself",
            PastCall { at: NOW.plus(Duration::from_secs(2)), ..call(0) },
            [1, 1, 1, 0],
        ),
    ];
    for (what, call, expected) in cases {
        let counts = [Counts::Asked, REPORTED, UNREPORTED, Counts::Executed];
        let found = counts.map(|counts| tally(&need(Measure::Calls, counts), [call.clone()]));
        assert_eq!(found, expected.map(Tally::Count), "{what}");
    }
}

/// A grant that can still be used is in every window: it can be executed now, however long ago it was asked for.
#[test]
fn a_grant_that_is_kept_back_does_not_leave_the_window() {
    let kept = PastCall { usable_until: Some(NOW.plus(Duration::from_secs(1))), ..call(2 * DAY) };
    assert_eq!(tally(&need(Measure::Calls, REPORTED), [kept.clone()]), Tally::Count(1));
    assert_eq!(tally(&need(Measure::Calls, UNREPORTED), [kept]), Tally::Count(1));
    assert_eq!(
        need(Measure::Calls, REPORTED).reaches_back_to(NOW),
        ago(12 * DAY),
        "eleven days from the call to the last possible use"
    );
    assert_eq!(need(Measure::Calls, Counts::Asked).reaches_back_to(NOW), ago(DAY));
}

#[test]
fn every_subject_must_be_shared() {
    let both = BTreeSet::from([Subject::User, Subject::Metadata("payee".into())]);
    let identifier = BTreeSet::from([Subject::Identifier]);
    let other_payee = PastCall { subjects: subjects("u", "P2"), ..call(1) };
    let with = |by: &BTreeSet<Subject>| HistoryNeed { by: by.clone(), ..need(Measure::Calls, Counts::Asked) };
    assert_eq!(tally(&with(&both), [call(1), other_payee.clone()]), Tally::Count(1));
    assert_eq!(tally(&with(&by_user()), [call(1), other_payee]), Tally::Count(2));
    // Nobody is told apart by what they do not have, and one shared identifier is enough.
    assert_eq!(tally(&with(&identifier), [call(1)]), Tally::Count(0));
    let having =
        |texts: &[&str]| texts.iter().map(|text| (Subject::Identifier, key(text))).collect::<Vec<_>>();
    let asker = Asker { subjects: having(&["a@x.org", "+331"]), ..asker() };
    let shared = |texts: &[&str]| {
        let events = [PastEvent::Call(PastCall { subjects: having(texts), ..call(1) })];
        Tally::of(&with(&identifier), &asker, (empty(), events.iter()))
    };
    assert_eq!(shared(&["+331", "+332"]), Tally::Count(1));
    assert_eq!(shared(&["+332"]), Tally::Count(0));
}

#[test]
fn verdicts_and_scopes_narrow_what_counts() {
    let blocks = Some(BTreeSet::from([VerdictKind::Block]));
    let elsewhere = Scopes::These(BTreeSet::from([scope("a:c"), scope("a:d")]));
    let base = need(Measure::Calls, Counts::Asked);
    let only_blocks = HistoryNeed { verdicts: blocks, ..base.clone() };
    let there = HistoryNeed { scopes: elsewhere, ..base };
    let calls = [call(1), blocked(2), PastCall { scope: scope("a:d"), ..call(3) }];
    assert_eq!(tally(&only_blocks, calls.clone()), Tally::Count(1));
    assert_eq!(tally(&there, calls), Tally::Count(1));
}

/// The call itself counts as one that is granted, and where it is one of those that are counted.
#[test]
fn a_call_counts_itself_where_it_is_one_of_them() {
    let verdicts = |kinds: &[VerdictKind]| Some(kinds.iter().copied().collect::<BTreeSet<_>>());
    let with = |counts, verdicts, scopes| HistoryNeed { verdicts, scopes, ..need(Measure::Calls, counts) };
    let these = |text| Scopes::These(BTreeSet::from([scope(text)]));
    let cases = [
        (with(Counts::Asked, None, Scopes::Same), true),
        (with(REPORTED, None, Scopes::Same), true),
        (with(Counts::Executed, None, Scopes::Same), false),
        (with(Counts::Asked, verdicts(&[VerdictKind::Block]), Scopes::Same), false),
        (with(Counts::Asked, verdicts(&[VerdictKind::Block, VerdictKind::Review]), Scopes::Same), true),
        (with(REPORTED, verdicts(&[VerdictKind::Continue]), Scopes::Same), true),
        (with(Counts::Asked, None, these("a:b")), true),
        (with(Counts::Asked, None, these("a:c")), false),
        (need(Measure::Sum("value".into()), REPORTED), true),
        (need(Measure::Last, Counts::Asked), false),
        (need(Measure::Rejected, Counts::Asked), false),
    ];
    for (need, expected) in cases {
        assert_eq!(need.counts_itself(&scope("a:b")), expected, "{need}");
    }
}

#[test]
fn sums_are_kept_by_day_and_currency() {
    let measure = Measure::Sum("value".into());
    let over = Window::Over(Duration::from_secs(2 * DAY));
    let need = HistoryNeed { window: over, ..need(measure, Counts::Asked) };
    let other =
        PastCall { money: vec![("fee".into(), Amount::parse("9").expect("plain"), eur())], ..call(1) };
    let calls = [
        paid(call(1), "10.10", "USD"),
        paid(call(2), "0.2", "USD"),
        paid(call(3), "5", "EUR"),
        paid(call(DAY), "7", "USD"),
        call(4),
        other,
    ];
    let Tally::Sums(sums) = tally(&need, calls) else { panic!("sums") };
    let shown: Vec<_> = sums
        .iter()
        .map(|(day, currency, sum)| match sum {
            Sum::Exact(sum) => format!("{day} {} {currency}", sum.normalize()),
            Sum::TooLarge => format!("{day} too large {currency}"),
        })
        .collect();
    assert_eq!(shown, ["2026-09-20 7 USD", "2026-09-21 5 EUR", "2026-09-21 10.3 USD"]);
}

fn eur() -> Currency {
    Currency::parse("EUR").expect("a currency")
}

#[test]
fn distinct_values_leave_the_calls_own_out_where_it_counts_itself() {
    let to = |payee: &str, seconds| PastCall { subjects: subjects("u", payee), ..call(seconds) };
    let calls = || [to("P1", 1), to("P2", 2), to("P2", 3), to("P3", 4), to("", 5)];
    let distinct = |counts| need(Measure::Distinct("payee".into()), counts);
    assert_eq!(tally(&distinct(Counts::Asked), calls()), Tally::Distinct { others: 2 });
    let done = calls().map(|call| PastCall { executed_at: Some(call.at), ..call });
    assert_eq!(tally(&distinct(Counts::Executed), done), Tally::Distinct { others: 3 });
}

#[test]
fn the_last_call_is_the_latest_whatever_their_order() {
    let last = |counts| HistoryNeed { window: Window::Ever, ..need(Measure::Last, counts) };
    let calls = || [executed(3 * DAY), call(9 * DAY), call(2 * DAY), executed(5 * DAY)];
    assert_eq!(tally(&last(Counts::Asked), calls()), Tally::Last(Some(ago(2 * DAY))));
    assert_eq!(tally(&last(Counts::Executed), calls()), Tally::Last(Some(ago(3 * DAY))));
    assert_eq!(tally(&last(Counts::Executed), [call(1)]), Tally::Last(None));
    assert_eq!(tally(&last(Counts::Asked), [call(401 * DAY)]), Tally::Last(None), "nothing is kept so long");
}

#[test]
fn since_the_last_executed_review_means_after_it() {
    let since = |counts| HistoryNeed { window: Window::SinceExecutedReview, ..need(Measure::Calls, counts) };
    let passed = |seconds| PastCall { verdict: VerdictKind::Continue, ..executed(seconds) };
    let other = PastCall { subjects: subjects("v", "P1"), ..executed(1) };
    let cases = [
        ("never: all", vec![passed(50 * DAY), passed(9)], 2),
        ("after it", vec![passed(50), executed(40), passed(30), passed(20)], 2),
        ("the last one counts", vec![executed(90), passed(50), executed(40)], 0),
        ("a continue is no review", vec![passed(50), passed(40)], 2),
        ("an unfinished review is none", vec![passed(50), call(40)], 1),
        ("somebody else's is none", vec![passed(50), other], 1),
    ];
    for (what, calls, expected) in cases {
        assert_eq!(tally(&since(Counts::Executed), calls), Tally::Count(expected), "{what}");
    }
    // A grant from before the review that can still be used is exposure after it.
    let kept = PastCall { verdict: VerdictKind::Continue, ..call(70) };
    assert_eq!(tally(&since(REPORTED), [kept, executed(5)]), Tally::Count(1));
}

#[test]
fn rejections_and_facts_are_the_users() {
    let rejection = |seconds, user: &str, scope_text: &str| {
        PastEvent::Rejection(PastRejection {
            at: ago(seconds),
            user: key(user),
            scope: scope(scope_text),
            step: StepKey::new("kyc").expect("a key"),
        })
    };
    let fact = |seconds, user: &str, kind: &str| {
        let kind = FactKind::new(kind).expect("a kind");
        PastEvent::Fact(PastFact { at: ago(seconds), user: key(user), kind })
    };
    let events = [
        rejection(1, "u", "a:b"),
        rejection(DAY + 1, "u", "a:b"),
        rejection(2, "v", "a:b"),
        rejection(3, "u", "a:c"),
        fact(1, "u", "email_changed"),
        fact(2, "u", "email_changed"),
        fact(3, "u", "chargeback"),
        fact(4, "v", "chargeback"),
        fact(DAY + 1, "u", "chargeback"),
        PastEvent::Call(call(1)),
    ];
    let count = |measure| Tally::of(&need(measure, Counts::Asked), &asker(), (empty(), events.iter()));
    let kind = |text| Measure::Fact(FactKind::new(text).expect("a kind"));
    assert_eq!(count(Measure::Rejected), Tally::Count(1));
    assert_eq!(count(kind("email_changed")), Tally::Count(2));
    assert_eq!(count(kind("chargeback")), Tally::Count(1));
    assert_eq!(count(kind("never")), Tally::Count(0));
}

#[test]
fn periods_begin_at_midnight_of_their_zone() {
    let start = |period, zone, now: &str| {
        let zone = Zone::named(zone).expect("a zone");
        let now = Timestamp::parse(now).expect("a moment");
        Window::Per(period, zone).start(now).to_string()
    };
    let cases = [
        (Period::Day, "UTC", "2026-09-21T14:13:20Z", "2026-09-21T00:00:00Z"),
        (Period::Day, "Europe/Berlin", "2026-09-21T21:59:59Z", "2026-09-20T22:00:00Z"),
        (Period::Day, "Europe/Berlin", "2026-09-21T22:00:00Z", "2026-09-21T22:00:00Z"),
        (Period::Day, "Pacific/Auckland", "2026-09-21T14:13:20Z", "2026-09-21T12:00:00Z"),
        (Period::Week, "UTC", "2026-09-21T00:00:00Z", "2026-09-21T00:00:00Z"),
        (Period::Week, "UTC", "2026-09-20T23:59:59Z", "2026-09-14T00:00:00Z"),
        (Period::Month, "UTC", "2026-09-30T23:59:59Z", "2026-09-01T00:00:00Z"),
        // The night in which clocks change is an hour shorter, the day still begins at its midnight.
        (Period::Day, "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z"),
        // A day without midnight begins when its clock begins.
        (Period::Day, "America/Santiago", "2026-09-06T12:00:00Z", "2026-09-06T04:00:00Z"),
    ];
    for (period, zone, now, expected) in cases {
        assert_eq!(start(period, zone, now), expected, "{period:?} {zone} {now}");
    }
    assert_eq!(Zone::named("Europe/Nowhere"), None);
}

#[test]
fn needs_are_told_in_words() {
    let zone = Zone::named("Europe/Berlin").expect("a zone");
    let base = need(Measure::Calls, Counts::Asked);
    let cases = [
        (base.clone(), "asked calls by user over 24h"),
        (
            HistoryNeed {
                window: Window::Per(Period::Week, zone),
                ..need(Measure::Sum("value".into()), REPORTED)
            },
            "sum of money.value of usable calls by user per week in Europe/Berlin",
        ),
        (
            HistoryNeed {
                by: BTreeSet::from([Subject::Metadata("payee".into()), Subject::User]),
                window: Window::Over(Duration::from_secs(90 * DAY)),
                ..need(Measure::Calls, Counts::Executed)
            },
            "executed calls by user and metadata.payee over 90d",
        ),
        (
            HistoryNeed {
                verdicts: Some(BTreeSet::from([VerdictKind::Review, VerdictKind::Block])),
                scopes: Scopes::These(BTreeSet::from([scope("a:c"), scope("a:b")])),
                window: Window::Over(Duration::from_secs(90)),
                ..base
            },
            "asked calls answered review or block for a:b, a:c by user over 90s",
        ),
        (
            HistoryNeed {
                window: Window::SinceExecutedReview,
                ..need(Measure::Distinct("payee".into()), REPORTED)
            },
            "different metadata.payee of usable calls by user since the last executed review",
        ),
        (
            HistoryNeed { window: Window::Ever, ..need(Measure::Last, Counts::Executed) },
            "last of executed calls by user",
        ),
        (need(Measure::Rejected, Counts::Asked), "rejected steps by user over 24h"),
        (
            need(Measure::Fact(FactKind::new("email_changed").expect("a kind")), Counts::Asked),
            "facts email_changed by user over 24h",
        ),
    ];
    for (need, words) in cases {
        assert_eq!(need.to_string(), words);
    }
}

#[test]
fn answers_belong_to_their_questions() {
    let (one, two) = (need(Measure::Calls, Counts::Asked), need(Measure::Calls, Counts::Executed));
    let needs = Needs::new([one.clone(), two.clone(), one.clone()]);
    assert_eq!(needs.as_slice(), [one.clone(), two]);
    let events = [PastEvent::Call(call(1))];
    let history = History::of(&needs, &asker(), |_| (empty(), events.iter()));
    assert_eq!(history.tallies(&needs), Some([Tally::Count(1), Tally::Count(0)].as_slice()));
    assert_eq!(history.tallies(&Needs::new(needs.as_slice().to_vec())).map(<[_]>::len), Some(2));
    assert_eq!(history.tallies(&Needs::new([one])), None);
    assert_eq!(history.tallies(&Needs::default()), None);
    assert_eq!(History::none().tallies(&needs), None);
    assert_eq!(History::none().tallies(&Needs::default()), Some([].as_slice()));
}
