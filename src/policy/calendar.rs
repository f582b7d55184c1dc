//! Days and moments as policy files write them.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::Timestamp;

/// Reads a day, `2026-12-31` and nothing looser; `None` for anything else and for days that the calendar does not have.
pub(crate) fn day(text: &str) -> Option<Date> {
    let shape =
        |(at, byte): (usize, u8)| if [4, 7].contains(&at) { byte == b'-' } else { byte.is_ascii_digit() };
    let is_plain = text.len() == 10 && text.bytes().enumerate().all(shape);
    is_plain.then(|| text.parse().ok()).flatten()
}

/// The moment at which a day begins in UTC.
pub(crate) fn start_of(day: Date) -> Timestamp {
    let start = day.to_zoned(TimeZone::UTC).map(|start| start.timestamp().as_microsecond());
    // The calendar ends inside the last day of the year 9999: whoever writes that day means "never".
    Timestamp::from_unix_micros(start.unwrap_or(i64::MAX))
}

/// The moment at which a day is over in UTC.
pub(crate) fn end_of(day: Date) -> Timestamp {
    day.tomorrow().map_or(Timestamp::from_unix_micros(i64::MAX), start_of)
}

/// The moment at which a day, written as in lists, is over in UTC; `None` for what is no day.
pub(crate) fn end_of_day(text: &str) -> Option<Timestamp> {
    day(text).map(end_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_written_in_one_way() {
        assert!(day("2026-12-31").is_some());
        assert!(day("2028-02-29").is_some());
        for text in ["2026-02-29", "2026-13-01", "20261231", "2026-12-31T00:00", "26-12-31", "+026-12-31", ""]
        {
            assert_eq!(day(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_begins_and_ends_at_midnight_utc() {
        let shown = |text: &str| {
            let day = day(text).expect("a day");
            (start_of(day).to_string(), end_of(day).to_string())
        };
        assert_eq!(
            shown("2026-12-31"),
            ("2026-12-31T00:00:00Z".to_owned(), "2027-01-01T00:00:00Z".to_owned())
        );
        assert_eq!(end_of(day("9999-12-31").expect("a day")).unix_micros(), i64::MAX);
    }
}
