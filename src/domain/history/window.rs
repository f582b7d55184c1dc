//! How far back a question about the past looks.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use jiff::civil::{Date, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::{Counts, HistoryNeed};
use crate::domain::Timestamp;

/// How far back anything can be asked for. Whatever keeps the past must keep it this long.
pub(crate) const HISTORY_KEPT: Duration = Duration::from_hours(400 * 24);
/// The longest time between a call and the execution of its grant: ten steps and a grant of a day each.
pub(crate) const LONGEST_USE: Duration = Duration::from_hours(11 * 24);

/// How far back.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Window {
    /// So long before the call; its beginning included.
    Over(Duration),
    /// Since the period began that the call is in.
    Per(Period, Zone),
    /// Since the last executed review of the same subjects in the same scopes; where there is none, all that is kept.
    SinceExecutedReview,
    /// All that is kept.
    Ever,
}

/// A stretch of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Period {
    /// From midnight.
    Day,
    /// From Monday's midnight.
    Week,
    /// From the midnight of the first.
    Month,
}

impl Period {
    /// Every period.
    pub(crate) const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// The word for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    fn first_day(self, day: Date) -> Date {
        let first = match self {
            Self::Day => Ok(day),
            Self::Week => day.tomorrow().and_then(|next| next.nth_weekday(-1, Weekday::Monday)),
            Self::Month => Ok(day.first_of_month()),
        };
        // The calendar begins in the year -9999: no call comes in its first week.
        first.unwrap_or(day)
    }
}

/// A time zone of the data that comes with the program: the machine's own would make a verdict depend on where it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Zone {
    name: Box<str>,
    rules: TimeZone,
}

impl Zone {
    /// Finds a zone such as `Europe/Berlin`; `None` for a name that the data does not have.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let rules = TimeZoneDatabase::bundled().get(name).ok()?;
        Some(Self { name: name.into(), rules })
    }

    /// Its name.
    pub(crate) const fn name(&self) -> &str {
        &self.name
    }
}

/// One name means one zone.
impl Hash for Zone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl Window {
    /// The first moment of the window, as far as it depends on the calendar only: an executed review may move it later.
    pub(crate) fn start(&self, now: Timestamp) -> Timestamp {
        let kept = now.minus(HISTORY_KEPT);
        match self {
            Self::Over(span) => now.minus(*span).max(kept),
            // A moment outside the calendar, thousands of years away, is in no period: everything counts.
            Self::Per(period, zone) => period_start(*period, zone, now).unwrap_or(kept),
            Self::SinceExecutedReview | Self::Ever => kept,
        }
    }
}

fn period_start(period: Period, zone: &Zone, now: Timestamp) -> Option<Timestamp> {
    let moment = jiff::Timestamp::from_microsecond(now.unix_micros()).ok()?;
    let day = zone.rules.to_datetime(moment).date();
    let start = period.first_day(day).to_zoned(zone.rules.clone()).ok()?;
    Some(Timestamp::from_unix_micros(start.timestamp().as_microsecond()))
}

impl HistoryNeed {
    /// Before this moment nothing happened that could count: the earliest `at` of an event that matters. A grant counts
    /// when it is executed, which is later than its call.
    pub(crate) fn reaches_back_to(&self, now: Timestamp) -> Timestamp {
        let start = self.window.start(now);
        if self.counts == Counts::Asked { start } else { start.minus(LONGEST_USE) }
    }
}
