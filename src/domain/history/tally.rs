//! From events to the answer of one need.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;

use super::{
    Asker, Counts, DailySums, Executions, HistoryNeed, Measure, PastCall, PastEvent, SettledCalls, Subject,
    SubjectKey, Sum, Window,
};
use crate::domain::{Timestamp, VerdictKind};

/// The answer to a need, without the call that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tally {
    /// How many calls, rejections or facts.
    Count(u64),
    /// The sum for each day on which calls came (UTC) and each currency: a rate is that of its day.
    Sums(DailySums),
    /// How many different values; the call's own is left out where the call counts itself, and would be counted again.
    Distinct {
        /// That many.
        others: u64,
    },
    /// The moment of the last call; `None` when there was none.
    Last(Option<Timestamp>),
}

impl Tally {
    /// Answers a need.
    ///
    /// What counts is told from the events alone, so more of them may be handed in than count. When a call counts depends
    /// on what is counted:
    ///
    /// - `asked`: when it came.
    /// - `executed`: when it was executed.
    /// - `usable`: when it was executed; while it can still be, now. Where executions are not reported, as late as it could
    ///   have been executed: whoever keeps a grant back does not get out of the window by it.
    ///
    /// - `settled`, `single`: the events, those that are settled in their groups.
    pub(crate) fn of<'e>(
        need: &HistoryNeed,
        asker: &Asker,
        (settled, single): (
            impl Iterator<Item = &'e SettledCalls> + Clone,
            impl Iterator<Item = &'e PastEvent> + Clone,
        ),
    ) -> Self {
        let own = Own::of(need, asker);
        let events = || settled.clone().flat_map(SettledCalls::events).chain(single.clone());
        let start = start(&own, calls(events()));
        match &need.measure {
            Measure::Calls | Measure::Sum(_) | Measure::Last => {
                let (single, _) = counted(&own, calls(single), start);
                settled.fold(single, |tally, group| tally.and(group.tally(&own, start)))
            }
            Measure::Rejected | Measure::Fact(_) => {
                Self::Count(number(events().filter(|event| is_counted(&own, event, start))))
            }
            Measure::Distinct(field) => {
                let field = Subject::Metadata(Arc::clone(field));
                let counted = counted_calls(&own, calls(events()), start);
                let mut values: HashSet<_> =
                    counted.flat_map(|(call, _)| keys(&call.subjects, &field)).collect();
                if need.counts_itself(&asker.scope) {
                    keys(&asker.subjects, &field).for_each(|own| _ = values.remove(own));
                }
                Self::Distinct { others: number(values.iter()) }
            }
        }
    }

    /// What two parts of the past come to together. Both are answers to one need.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Count(one), Self::Count(other)) => Self::Count(one.saturating_add(other)),
            (Self::Sums(mut one), Self::Sums(other)) => {
                one.add_all(other);
                Self::Sums(one)
            }
            (Self::Last(one), Self::Last(other)) => Self::Last(one.max(other)),
            // INVARIANT: no other answers are put together.
            (one, _) => one,
        }
    }
}

/// What calls come to for a need that counts calls, sums them or asks for the last, and the first moment at which one counts.
pub(super) fn counted<'e>(
    own: &Own<'_>,
    calls: impl Iterator<Item = &'e PastCall>,
    start: Timestamp,
) -> (Tally, Option<Timestamp>) {
    let mut earliest = None;
    let counted = counted_calls(own, calls, start).inspect(|(_, moment)| {
        earliest = Some(earliest.map_or(*moment, |earliest: Timestamp| earliest.min(*moment)));
    });
    let tally = match &own.need.measure {
        Measure::Sum(name) => Tally::Sums(sums(name, counted.map(|(call, _)| call))),
        Measure::Last => Tally::Last(counted.map(|(_, moment)| moment).max()),
        _ => Tally::Count(number(counted)),
    };
    (tally, earliest)
}

/// A need, and what of the asker it compares events with: looked up once, not for each event.
pub(super) struct Own<'n> {
    pub(super) need: &'n HistoryNeed,
    pub(super) asker: &'n Asker,
    /// Each subject that must be shared, with the asker's keys.
    pub(super) shared: Vec<(&'n Subject, Vec<&'n SubjectKey>)>,
}

impl<'n> Own<'n> {
    fn of(need: &'n HistoryNeed, asker: &'n Asker) -> Self {
        let shared =
            need.by.iter().map(|subject| (subject, keys(&asker.subjects, subject).collect())).collect();
        Self { need, asker, shared }
    }

    /// Whether a call is one of the asker's, for a scope that counts.
    fn includes(&self, call: &PastCall) -> bool {
        self.need.scopes.include(&call.scope, &self.asker.scope)
            && self
                .shared
                .iter()
                .all(|(subject, own)| keys(&call.subjects, subject).any(|theirs| own.contains(&theirs)))
    }

    fn is_user(&self, user: &SubjectKey) -> bool {
        keys(&self.asker.subjects, &Subject::User).any(|own| own == user)
    }
}

fn number<T>(counted: impl Iterator<Item = T>) -> u64 {
    u64::try_from(counted.count()).unwrap_or(u64::MAX)
}

/// The first moment that counts.
fn start<'e>(own: &Own<'_>, calls: impl Iterator<Item = &'e PastCall>) -> Timestamp {
    let start = own.need.window.start(own.asker.at);
    if own.need.window != Window::SinceExecutedReview {
        return start;
    }
    let reviews = calls.filter(|call| call.verdict == VerdictKind::Review && own.includes(call));
    let last = reviews.filter_map(|call| call.executed_at).max();
    // The review itself is before: moments are whole microseconds.
    last.map_or(start, |last| start.max(last.plus(Duration::from_micros(1))))
}

/// The calls among events.
pub(super) fn calls<'e>(
    events: impl Iterator<Item = &'e PastEvent> + Clone,
) -> impl Iterator<Item = &'e PastCall> + Clone {
    events.filter_map(|event| match event {
        PastEvent::Call(call) => Some(call),
        PastEvent::Rejection(_) | PastEvent::Fact(_) => None,
    })
}

/// The calls that count, and when they do.
fn counted_calls<'e>(
    own: &Own<'_>,
    calls: impl Iterator<Item = &'e PastCall>,
    start: Timestamp,
) -> impl Iterator<Item = (&'e PastCall, Timestamp)> {
    let need = own.need;
    calls.filter_map(move |call| {
        let moment = moment(need.counts, call, own.asker.at).filter(|moment| *moment >= start)?;
        let answered = need.verdicts.as_ref().is_none_or(|kinds| kinds.contains(&call.verdict));
        (answered && own.includes(call)).then_some((call, moment))
    })
}

/// When a call counts; `None` when it does not.
fn moment(counts: Counts, call: &PastCall, now: Timestamp) -> Option<Timestamp> {
    match counts {
        Counts::Asked => Some(call.at),
        Counts::Executed => call.executed_at,
        Counts::Usable(_) if call.verdict == VerdictKind::Block => None,
        Counts::Usable(Executions::Reported) => call
            .executed_at
            .or_else(|| call.usable_until.filter(|until| *until > now).map(|_| now.max(call.at))),
        Counts::Usable(Executions::Unreported) => {
            Some(call.usable_until.map_or(call.at, |until| until.max(call.at)))
        }
    }
}

fn keys<'s>(subjects: &'s [(Subject, SubjectKey)], wanted: &Subject) -> impl Iterator<Item = &'s SubjectKey> {
    subjects.iter().filter(move |(subject, _)| subject == wanted).map(|(_, key)| key)
}

/// Whether a rejection or fact counts: they are told apart by the user alone.
fn is_counted(own: &Own<'_>, event: &PastEvent, start: Timestamp) -> bool {
    match (&own.need.measure, event) {
        (Measure::Rejected, PastEvent::Rejection(rejection)) => {
            rejection.at >= start
                && own.is_user(&rejection.user)
                && own.need.scopes.include(&rejection.scope, &own.asker.scope)
        }
        (Measure::Fact(kind), PastEvent::Fact(fact)) => {
            fact.at >= start && own.is_user(&fact.user) && fact.kind == *kind
        }
        _ => false,
    }
}

fn sums<'e>(name: &str, calls: impl Iterator<Item = &'e PastCall>) -> DailySums {
    let mut sums = DailySums::default();
    // Calls that follow one another are mostly of one day: its date is reckoned once.
    let mut last: Option<(i64, Date)> = None;
    for call in calls {
        for (_, amount, currency) in call.money.iter().filter(|(own, ..)| **own == *name) {
            let number = call.at.utc_day_number();
            let day = match last {
                Some((own, day)) if own == number => day,
                _ => call.at.utc_day(),
            };
            last = Some((number, day));
            sums.add(day, *currency, Sum::ZERO.plus(*amount));
        }
    }
    sums
}
