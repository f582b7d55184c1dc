//! Calls of which nothing changes any more, and what they come to: reckoned once, not for every call that asks.
//!
//! A busy subject has thousands of calls in its windows, and all but the oldest and the newest of them count for every call of it
//! alike. So each group of settled calls remembers its totals for the needs that were last asked. A total stands for a group while
//! all of it that counts lies inside the window; the group at the window's edge is looked through.

use std::sync::{Mutex, PoisonError};

use super::tally::{Own, calls, counted};
use super::{HistoryNeed, NEEDS_MAX, PastCall, PastEvent, SubjectKey, Tally};
use crate::domain::{Scope, Timestamp};

/// Calls of which nothing changes any more, in any order.
#[derive(Debug)]
pub(crate) struct SettledCalls {
    events: Vec<PastEvent>,
    /// From this moment on none of them can be executed: then it does not matter when somebody asks.
    ended: Timestamp,
    totals: Mutex<Vec<Total>>,
}

/// What a group comes to for one need, asked for a scope by somebody with these keys.
#[derive(Debug)]
struct Total {
    need: HistoryNeed,
    scope: Scope,
    keys: Vec<Vec<SubjectKey>>,
    /// The first moment at which one of the calls counts; `None` where none does.
    earliest: Option<Timestamp>,
    tally: Tally,
}

impl SettledCalls {
    /// Takes calls together.
    pub(crate) fn of(calls: impl IntoIterator<Item = PastCall>) -> Self {
        let events: Vec<_> = calls.into_iter().map(PastEvent::Call).collect();
        let ended = super::tally::calls(events.iter()).filter_map(|call| call.usable_until).max();
        let ended = ended.unwrap_or(Timestamp::from_unix_micros(i64::MIN));
        Self { events, ended, totals: Mutex::default() }
    }

    /// The calls.
    pub(crate) fn events(&self) -> &[PastEvent] {
        &self.events
    }

    /// The calls by themselves.
    pub(crate) fn into_events(self) -> Vec<PastEvent> {
        self.events
    }

    /// What they come to in a window, for a need that counts calls, sums them or asks for the last.
    pub(super) fn tally(&self, own: &Own<'_>, start: Timestamp) -> Tally {
        let standing = if own.asker.at < self.ended { None } else { self.total(own, start) };
        standing.unwrap_or_else(|| counted(own, calls(self.events.iter()), start).0)
    }

    /// The total, where all that counts is inside the window.
    fn total(&self, own: &Own<'_>, start: Timestamp) -> Option<Tally> {
        let is_inside = |total: &Total| total.earliest.is_none_or(|earliest| earliest >= start);
        let tally = |total: &Total| is_inside(total).then(|| total.tally.clone());
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(total) = totals.iter().find(|total| total.is_of(own)) {
            return tally(total);
        }
        let total = Total::reckon(own, &self.events);
        let found = tally(&total);
        if totals.len() >= NEEDS_MAX {
            totals.remove(0);
        }
        totals.push(total);
        found
    }
}

impl Total {
    fn reckon(own: &Own<'_>, events: &[PastEvent]) -> Self {
        let (tally, earliest) = counted(own, calls(events.iter()), Timestamp::from_unix_micros(i64::MIN));
        let keys = own.shared.iter().map(|(_, keys)| keys.iter().map(|key| (*key).clone()).collect());
        Self { need: own.need.clone(), scope: own.asker.scope.clone(), keys: keys.collect(), earliest, tally }
    }

    fn is_of(&self, own: &Own<'_>) -> bool {
        let same = |(keys, (_, own)): (&Vec<SubjectKey>, &(_, Vec<&SubjectKey>))| {
            keys.iter().eq(own.iter().copied())
        };
        self.scope == own.asker.scope && self.need == *own.need && self.keys.iter().zip(&own.shared).all(same)
    }
}
