//! `request.time` and `bucket`: when the request arrived, and which share of the users asks.

use aws_lc_rs::digest;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use crate::domain::{Timestamp, UserId};

/// Minutes of a day.
pub(crate) const DAY: u32 = 24 * 60;

/// What the moment of a request must be in a zone; every part that is there must hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TimeTest {
    /// The zone whose clock counts.
    pub(crate) zone: TimeZone,
    /// Minutes since midnight, the second excluded; a range over midnight ends on the next day.
    pub(crate) hours: Option<(u32, u32)>,
    /// The days of the week, Monday first.
    pub(crate) weekdays: Option<[bool; 7]>,
    /// The first and the last day.
    pub(crate) dates: Option<(Date, Date)>,
}

impl TimeTest {
    /// Whether the moment fits. What is said of days is said of the day on which the hours began: at 02:00 on a Tuesday,
    /// hours from 22:00 to 06:00 are Monday's.
    pub(crate) fn fits(&self, moment: Timestamp) -> bool {
        // A moment outside the calendar, thousands of years away, is in no range of hours or days.
        let Ok(moment) = jiff::Timestamp::from_microsecond(moment.unix_micros()) else { return false };
        let local = self.zone.to_datetime(moment);
        let minute = u32::from(local.hour().unsigned_abs()) * 60 + u32::from(local.minute().unsigned_abs());
        let day = match self.hours {
            None => Some(local.date()),
            Some((from, until)) if from < until => (from <= minute && minute < until).then(|| local.date()),
            Some((from, _)) if from <= minute => Some(local.date()),
            Some((_, until)) if minute < until => local.date().yesterday().ok(),
            Some(_) => None,
        };
        day.is_some_and(|day| self.is_on(day))
    }

    fn is_on(&self, day: Date) -> bool {
        let weekday = usize::from(place_of(day.weekday()));
        self.weekdays.is_none_or(|days| days.get(weekday).is_some_and(|wanted| *wanted))
            && self.dates.is_none_or(|(first, last)| first <= day && day <= last)
    }
}

const fn place_of(day: Weekday) -> u8 {
    day.to_monday_zero_offset().unsigned_abs()
}

/// A share of the users, the same ones at every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BucketTest {
    /// Into how many buckets users are put.
    pub(crate) of: u32,
    /// The first so many of them are meant.
    pub(crate) below: u32,
    /// What makes one roll-out's buckets independent of another's.
    pub(crate) salt: Box<str>,
}

impl BucketTest {
    /// Whether the user is in one of the buckets that are meant.
    pub(crate) fn fits(&self, user: &UserId) -> bool {
        self.bucket(user) < u64::from(self.below)
    }

    /// The first eight bytes of SHA-256(salt, a zero byte, user id) as a big-endian number, modulo `of`
    /// (docs/POLICIES.md, "Buckets").
    fn bucket(&self, user: &UserId) -> u64 {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(self.salt.as_bytes());
        hash.update(&[0]);
        hash.update(user.as_str().as_bytes());
        let digest = hash.finish();
        let number = digest.as_ref().iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte));
        number.checked_rem(u64::from(self.of)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(test: &TimeTest, moment: &str) -> bool {
        let moment: jiff::Timestamp = moment.parse().expect("a moment");
        test.fits(Timestamp::from_unix_micros(moment.as_microsecond()))
    }

    fn berlin() -> TimeTest {
        let zone = jiff::tz::TimeZoneDatabase::bundled().get("Europe/Berlin").expect("bundled");
        TimeTest { zone, hours: None, weekdays: None, dates: None }
    }

    /// 2026-09-21 is a Monday; Berlin is two hours ahead of UTC.
    #[test]
    fn hours_end_before_their_end_and_follow_the_zone() {
        let office = TimeTest { hours: Some((9 * 60, 17 * 60)), ..berlin() };
        let cases = [
            ("2026-09-21T06:59:59Z", false),
            ("2026-09-21T07:00:00Z", true),
            ("2026-09-21T14:59:59.999999Z", true),
            ("2026-09-21T15:00:00Z", false),
            // Winter time: one hour ahead.
            ("2026-12-21T07:30:00Z", false),
            ("2026-12-21T08:00:00Z", true),
        ];
        for (moment, expected) in cases {
            assert_eq!(fits(&office, moment), expected, "{moment}");
        }
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        let monday = [true, false, false, false, false, false, false];
        let night = TimeTest { hours: Some((22 * 60, 6 * 60)), weekdays: Some(monday), ..berlin() };
        let cases = [
            ("2026-09-21T01:00:00Z", false), // Monday 03:00: Sunday's night
            ("2026-09-21T19:59:59Z", false),
            ("2026-09-21T20:00:00Z", true), // Monday 22:00
            ("2026-09-21T23:30:00Z", true), // Tuesday 01:30
            ("2026-09-22T03:59:59Z", true), // Tuesday 05:59:59
            ("2026-09-22T04:00:00Z", false),
            ("2026-09-22T20:00:00Z", false), // Tuesday 22:00
        ];
        for (moment, expected) in cases {
            assert_eq!(fits(&night, moment), expected, "{moment}");
        }
        let day: Date = "2026-09-21".parse().expect("a day");
        let night = TimeTest { weekdays: None, dates: Some((day, day)), ..night };
        assert!(fits(&night, "2026-09-22T03:59:59Z") && !fits(&night, "2026-09-21T03:59:59Z"));
    }

    #[test]
    fn dates_include_both_days_of_the_zone() {
        let day = |text: &str| text.parse::<Date>().expect("a day");
        let holidays = TimeTest { dates: Some((day("2026-12-24"), day("2027-01-01"))), ..berlin() };
        let cases = [
            ("2026-12-23T22:59:59Z", false),
            ("2026-12-23T23:00:00Z", true),
            ("2027-01-01T22:59:59Z", true),
            ("2027-01-01T23:00:00Z", false),
        ];
        for (moment, expected) in cases {
            assert_eq!(fits(&holidays, moment), expected, "{moment}");
        }
        assert!(!holidays.fits(Timestamp::from_unix_micros(i64::MAX)));
    }

    /// Worked out apart: `printf 'kyc-v2\0usr_test' | sha256sum`, the first sixteen digits modulo 100.
    #[test]
    fn a_bucket_follows_the_written_formula() {
        let bucket = |salt: &str, user: &str| {
            let test = BucketTest { of: 100, below: 0, salt: salt.into() };
            test.bucket(&UserId::new(user).expect("a user id"))
        };
        assert_eq!(BUCKETS.map(|(salt, user, _)| bucket(salt, user)), BUCKETS.map(|(.., expected)| expected));
        let is_meant = |below| {
            BucketTest { of: 100, below, salt: "kyc-v2".into() }
                .fits(&UserId::new("usr_test").expect("a user id"))
        };
        assert_eq!([0, 95, 96, 100].map(is_meant), [false, false, true, true]);
        let shares = (0..2000).filter(|n| bucket("kyc-v2", &format!("usr_{n}")) < 10).count();
        assert!((150..250).contains(&shares), "{shares}");
    }

    const BUCKETS: [(&str, &str, u64); 3] =
        [("kyc-v2", "usr_test", 95), ("kyc-v3", "usr_test", 28), ("kyc-v2", "usr_a", 50)];
}
