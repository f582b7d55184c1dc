//! Reading `request.time` and `bucket`, which have keys instead of operators.

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::keys::{BUCKET_TEST, DATES, TIME_TEST};
use super::moment::{BucketTest, DAY, TimeTest};
use crate::policy::calendar::day;
use crate::policy::diagnostic::Code;
use crate::policy::literal;
use crate::policy::reader::Reader;
use crate::policy::suggest::did_you_mean;
use crate::policy::yaml::Node;

pub(super) const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// The most buckets.
pub(super) const BUCKETS_MAX: u32 = 1_000_000;
/// The most characters of a salt.
pub(super) const SALT_CHARS_MAX: usize = 64;

/// Reads what `request.time` asks for.
pub(super) fn time(reader: &mut Reader<'_>, node: &Node) -> Option<TimeTest> {
    let what = "`request.time`";
    let before = reader.count();
    let map = reader.closed_map(node, what, &TIME_TEST)?;
    let zone = reader.required(&map, "zone", what).and_then(|node| zone(reader, node));
    let hours = map.get("hours").and_then(|node| hours(reader, node));
    let weekdays = map.get("weekdays").and_then(|node| weekdays(reader, node));
    let dates = map.get("dates").and_then(|node| dates(reader, node));
    if map.get("zone").is_some() && map.entries.len() == 1 {
        let help = "add `hours`, `weekdays` or `dates`";
        reader.fault(Code::MissingKey, map.span, "`request.time` asks for nothing", help);
    }
    (reader.count() == before).then_some(())?;
    Some(TimeTest { zone: zone?, hours, weekdays, dates })
}

/// Zones come with the program: the machine's own data would make a verdict depend on where it is given.
pub(super) fn zone(reader: &mut Reader<'_>, node: &Node) -> Option<TimeZone> {
    let text = reader.text(node, "`zone`")?;
    let known = TimeZoneDatabase::bundled();
    let names: Vec<String> = known.available().map(|name| name.as_str().to_owned()).collect();
    if let (true, Ok(zone)) = (names.iter().any(|name| name == text), known.get(text)) {
        return Some(zone);
    }
    let message = format!("there is no time zone `{text}`");
    let near = did_you_mean(text, &names);
    let help = if near.starts_with("did") {
        near
    } else {
        "write a zone such as `Europe/Berlin` or `UTC`".to_owned()
    };
    reader.fault(Code::UnknownValue, node.span, message, help);
    None
}

fn hours(reader: &mut Reader<'_>, node: &Node) -> Option<(u32, u32)> {
    let text = reader.text(node, "`hours`")?;
    let help = "write `hours: \"09:00-17:00\"`, in quotes; the end is excluded, and `22:00-06:00` goes over midnight";
    let ends = text.split_once('-').and_then(|(from, until)| Some((minutes(from)?, minutes(until)?)));
    let Some((from, until)) = ends else {
        reader.fault(Code::BadLiteral, node.span, "`hours` is no range of times", help);
        return None;
    };
    if from == until || from == DAY || (from, until) == (0, DAY) {
        let help = "leave `hours` out for the whole day; only the end can be 24:00";
        reader.fault(Code::OutOfRange, node.span, "`hours` must begin and end at two times of a day", help);
        return None;
    }
    Some((from, until))
}

/// Minutes since midnight of `HH:MM`, up to 24:00.
fn minutes(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let two = |digits: &str| {
        let is_plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| digits.parse::<u32>().ok()).flatten()
    };
    let (hour, minute) = (two(hour)?, two(minute).filter(|minute| *minute < 60)?);
    Some(hour * 60 + minute).filter(|minutes| *minutes <= DAY)
}

fn weekdays(reader: &mut Reader<'_>, node: &Node) -> Option<[bool; 7]> {
    let items = reader.one_or_more(node, "`weekdays`")?;
    let mut named = Vec::with_capacity(items.len());
    for item in items {
        named.extend(reader.word(item, "`weekdays`", &WEEKDAYS).map(|word| (item.span, word)));
    }
    reader.refuse_repeats(&named, "`weekdays`");
    Some(WEEKDAYS.map(|day| named.iter().any(|(_, word)| *word == day)))
}

fn dates(reader: &mut Reader<'_>, node: &Node) -> Option<(Date, Date)> {
    let map = reader.closed_map(node, "`dates`", &DATES)?;
    let mut end = |key: &str, open: Date| match map.get(key) {
        None => Some(open),
        Some(node) => date(reader, node, key),
    };
    let (from, until) = (end("from", Date::MIN), end("until", Date::MAX));
    let (from, until) = (from?, until?);
    if from > until {
        reader.fault(
            Code::OutOfRange,
            map.span,
            "`from` is after `until`",
            "swap the two; both days are included",
        );
        return None;
    }
    Some((from, until))
}

/// Reads a day such as `2026-12-31`.
pub(crate) fn date(reader: &mut Reader<'_>, node: &Node, key: &str) -> Option<Date> {
    let text = reader.text(node, &format!("`{key}`"))?;
    let found = day(text);
    if found.is_none() {
        let message = format!("`{key}` is not a day");
        reader.fault(Code::BadLiteral, node.span, message, "write a day of the calendar: `2026-12-31`");
    }
    found
}

/// Reads what `bucket` asks for.
pub(super) fn bucket(reader: &mut Reader<'_>, node: &Node) -> Option<BucketTest> {
    let what = "`bucket`";
    let map = reader.closed_map(node, what, &BUCKET_TEST)?;
    let of = reader
        .required(&map, "of", what)
        .and_then(|node| literal::whole(reader, node, "`of`", (2, BUCKETS_MAX)));
    let below = reader.required(&map, "below", what);
    let below =
        below.and_then(|node| literal::whole(reader, node, "`below`", (1, of.unwrap_or(BUCKETS_MAX) - 1)));
    let salt =
        reader.required(&map, "salt", what).and_then(|node| Some((node.span, reader.text(node, "`salt`")?)));
    let (of, below, (span, salt)) = (of?, below?, salt?);
    if salt.chars().count() > SALT_CHARS_MAX || salt.chars().any(char::is_control) {
        let help = "a salt is a short name, such as that of the roll-out and its number";
        reader.fault(Code::BadLiteral, span, "`salt` is too long, or not printable", help);
        return None;
    }
    Some(BucketTest { of, below, salt: salt.into() })
}
