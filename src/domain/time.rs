//! Moments and spans. Moments are whole microseconds UTC, as they are stored; spans on the wire are whole seconds.

use std::fmt;
use std::time::{Duration, SystemTime};

const MICROS_PER_SECOND: i64 = 1_000_000;

/// A moment, in whole microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Timestamp(i64);

impl Timestamp {
    /// Makes a moment from microseconds since the epoch.
    pub(crate) const fn from_unix_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Makes a moment from whole seconds since the epoch; saturates beyond the year 294 000.
    pub(crate) const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(MICROS_PER_SECOND))
    }

    /// Makes a moment from the system's clock value; a clock before 1970 counts as 1970.
    pub(crate) fn from_system_time(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    /// Reads a moment in RFC 3339, with any offset.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let moment: jiff::Timestamp = text.parse().ok()?;
        Some(Self(moment.as_microsecond()))
    }

    /// Microseconds since the epoch.
    pub(crate) const fn unix_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub(crate) const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(MICROS_PER_SECOND)
    }

    /// The day of the moment in UTC; the calendar's first or last for a moment outside of it.
    pub(crate) fn utc_day(self) -> jiff::civil::Date {
        let end = if self.0 < 0 { jiff::civil::Date::MIN } else { jiff::civil::Date::MAX };
        jiff::Timestamp::from_microsecond(self.0)
            .map_or(end, |moment| jiff::tz::TimeZone::UTC.to_datetime(moment).date())
    }

    /// The number of that day, counted from 1970-01-01 on: equal where the days are, but at the ends of the calendar.
    pub(crate) const fn utc_day_number(self) -> i64 {
        self.0.div_euclid(86_400_000_000)
    }

    /// The moment `span` later; saturates.
    #[must_use]
    pub(crate) fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The moment `span` earlier; saturates.
    #[must_use]
    pub(crate) fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this moment is; zero when it is not after it.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// RFC 3339 in UTC with microseconds as needed, as answers and the CLI show a moment.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(moment) => moment.fmt(f),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A span in whole seconds, as Prelude counts grants and steps: 1 to 86 400.
///
/// Zero is on Prelude's wire but never in ours: a grant or step without time helps nobody
/// (docs/CONTRACT.md C4.2, C4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub(crate) struct Seconds(u32);

impl Seconds {
    /// The longest span that Prelude takes: one day.
    pub(crate) const MAX: u32 = 86_400;

    /// Makes a span of `seconds`; `None` outside 1 … 86 400.
    pub(crate) const fn new(seconds: u32) -> Option<Self> {
        if seconds >= 1 && seconds <= Self::MAX { Some(Self(seconds)) } else { None }
    }

    /// The number of seconds.
    pub(crate) const fn get(self) -> u32 {
        self.0
    }

    /// The span as a standard duration.
    pub(crate) fn duration(self) -> Duration {
        Duration::from_secs(u64::from(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_round_down_also_before_the_epoch() {
        assert_eq!(Timestamp::from_unix_micros(1_999_999).unix_seconds(), 1);
        assert_eq!(Timestamp::from_unix_micros(-1).unix_seconds(), -1);
    }

    #[test]
    fn a_moment_shows_as_rfc_3339() {
        assert_eq!(Timestamp::from_unix_seconds(1_790_000_000).to_string(), "2026-09-21T14:13:20Z");
    }

    #[test]
    fn a_moment_is_read_with_its_offset() {
        let seconds = |text| Timestamp::parse(text).map(Timestamp::unix_seconds);
        assert_eq!(seconds("2026-09-21T14:13:20Z"), Some(1_790_000_000));
        assert_eq!(seconds("2026-09-21T16:13:20+02:00"), Some(1_790_000_000));
        for text in ["", "2026-09-21", "14:13", "2026-09-21T14:13:20", "1790000000"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn spans_have_preludes_bounds() {
        assert_eq!(Seconds::new(0), None);
        assert_eq!(Seconds::new(86_401), None);
        assert_eq!(Seconds::new(86_400).map(Seconds::get), Some(86_400));
    }

    #[test]
    fn a_day_ends_at_midnight_utc() {
        let day = |seconds| Timestamp::from_unix_seconds(seconds).utc_day().to_string();
        assert_eq!(
            (day(86_399), day(86_400), day(-1)),
            ("1970-01-01".into(), "1970-01-02".into(), "1969-12-31".into())
        );
        assert_eq!(Timestamp::from_unix_micros(i64::MAX).utc_day(), jiff::civil::Date::MAX);
    }

    #[test]
    fn arithmetic_saturates() {
        let late = Timestamp::from_unix_micros(i64::MAX);
        assert_eq!(late.plus(Duration::from_secs(1)), late);
        assert_eq!(Timestamp::from_unix_seconds(1).since(late), Duration::ZERO);
    }
}
