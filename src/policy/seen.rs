//! What conditions saw, written down for the record: each field once, personal values masked.

use std::fmt::Write;

use super::condition::{Condition, Field, Measured, NEEDS_MAX, Total, View};
use super::schema::{FIELDS_MAX, FieldRule, Value};
use crate::domain::{Metadata, RuleId, Seen, Sum, masked_parts, push_masked_ip};

/// The most characters of a user agent that are kept.
const USER_AGENT_CHARS_MAX: usize = 64;
/// Room for the values of a usual scope, so that writing them does not move them.
const USUAL_BYTES: usize = 512;

/// Which fields were looked at, and which rules only observed.
#[derive(Debug, Default)]
pub(super) struct Looked {
    fields: FieldSet,
    /// The ids of the rules that would have decided if they did not only observe, as a JSON list without its brackets.
    observed: String,
}

impl Looked {
    /// Notes what a rule's conditions look at.
    pub(super) const fn at(&mut self, fields: FieldSet) {
        self.fields.0 |= fields.0;
    }

    /// Notes a rule that matched and only observes. An id has no character that needs escaping.
    pub(super) fn observed(&mut self, rule: &RuleId) {
        let comma = if self.observed.is_empty() { "" } else { "," };
        _ = write!(self.observed, "{comma}\"{rule}\"");
    }

    /// Writes the values down.
    ///
    /// - `outcomes`: of each condition that was tried, `0` or `1`.
    pub(super) fn into_seen(self, view: View<'_>, outcomes: Vec<u8>) -> Seen {
        let mut json = String::with_capacity(USUAL_BYTES);
        json.push('{');
        for field in self.fields.iter() {
            if json.len() > 1 {
                json.push(',');
            }
            write_field(&mut json, field, view);
        }
        if !self.observed.is_empty() {
            let comma = if json.len() > 1 { "," } else { "" };
            _ = write!(json, "{comma}\"observed\":[{}]", self.observed);
        }
        json.push('}');
        Seen { values_json: json, outcomes: String::from_utf8(outcomes).unwrap_or_default() }
    }
}

/// A set of fields: one bit each, in the order in which they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct FieldSet(u64);

impl FieldSet {
    const ORDER: [Field; 8] = [
        Field::Scope,
        Field::UserId,
        Field::Ip,
        Field::Platform,
        Field::UserAgent,
        Field::IdentifiersAny,
        Field::IdentifiersCount,
        Field::Time,
    ];
    const FIRST_METADATA: usize = Self::ORDER.len();
    const FIRST_MONEY: usize = Self::FIRST_METADATA + FIELDS_MAX;
    const FIRST_HISTORY: usize = Self::FIRST_MONEY + FIELDS_MAX;
    const BITS: usize = Self::FIRST_HISTORY + NEEDS_MAX;

    /// The fields that a condition looks at.
    pub(super) fn of(condition: &Condition) -> Self {
        let mut fields = Self::default();
        condition.each_leaf(&mut |leaf| fields.add(leaf.field));
        fields
    }

    fn add(&mut self, field: Field) {
        let bit = match field {
            Field::Scope => 0,
            // A bucket follows from the user and from the rule's own text.
            Field::UserId | Field::Bucket => 1,
            Field::Ip => 2,
            Field::Platform => 3,
            Field::UserAgent => 4,
            // Both look at the whole list.
            Field::IdentifiersAny | Field::IdentifiersEvery => 5,
            Field::IdentifiersCount => 6,
            Field::Time => 7,
            Field::Metadata(at) => Self::FIRST_METADATA + at,
            Field::Money(at) => Self::FIRST_MONEY + at,
            Field::History(at) => Self::FIRST_HISTORY + at,
        };
        self.0 |= 1 << (bit % 64);
    }

    fn iter(self) -> impl Iterator<Item = Field> {
        let mut left = self.0;
        let bits = std::iter::from_fn(move || {
            let bit = usize::try_from(left.trailing_zeros()).ok().filter(|bit| *bit < Self::BITS)?;
            left &= left - 1;
            Some(bit)
        });
        bits.map(|bit| match Self::ORDER.get(bit) {
            Some(field) => *field,
            None if bit < Self::FIRST_MONEY => Field::Metadata(bit - Self::FIRST_METADATA),
            None if bit < Self::FIRST_HISTORY => Field::Money(bit - Self::FIRST_MONEY),
            None => Field::History(bit - Self::FIRST_HISTORY),
        })
    }
}

fn write_field(json: &mut String, field: Field, view: View<'_>) {
    let facts = view.facts;
    match field {
        Field::Scope => text(json, "\"scope\":\"", facts.scope.as_str()),
        Field::UserId | Field::Bucket => text(json, "\"user_id\":\"", facts.user_id.as_str()),
        Field::Time => text(json, "\"request.time\":\"", &facts.received_at.to_string()),
        Field::Ip => {
            json.push_str("\"signals.ip\":\"");
            push_masked_ip(json, facts.signals.ip);
            json.push('"');
        }
        Field::Platform => text(json, "\"signals.platform\":\"", facts.signals.platform.as_str()),
        Field::UserAgent => text(json, "\"signals.user_agent\":\"", start_of(&facts.signals.user_agent)),
        Field::IdentifiersAny | Field::IdentifiersEvery => identifiers(json, view),
        Field::IdentifiersCount => {
            json.push_str("\"identifiers.count\":");
            match facts.identifiers.len() {
                few @ 0..=9 => json.extend(u32::try_from(few).ok().and_then(|few| char::from_digit(few, 10))),
                // Writing to a `String` cannot fail.
                many => _ = write!(json, "{many}"),
            }
        }
        Field::Metadata(at) => metadata(json, at, view),
        Field::Money(at) => money(json, at, view),
        Field::History(at) => history(json, at, view),
    }
}

/// A question about the past under its words, as the conditions saw it: with the call itself where that counts, and without
/// any subject's value.
fn history(json: &mut String, at: usize, view: View<'_>) {
    let Some(field) = view.schema.history.get(at) else { return };
    quoted(json, &[&field.words]);
    json.push(':');
    match view.measured(at) {
        None => json.push_str("null"),
        Some(Measured::Number(number)) => _ = write!(json, "{number}"),
        Some(Measured::Money(total)) => text(json, "\"", &sum_text(&total)),
        Some(Measured::Last(None)) => json.push_str("\"never\""),
        Some(Measured::Last(Some(moment))) => text(json, "\"", &moment.to_string()),
    }
}

/// `300 USD`, or the sum in each currency; `0` for nothing.
fn sum_text(total: &Total) -> String {
    let sums = total.by_currency().into_iter().map(|(currency, sum)| match sum {
        Sum::Exact(sum) => format!("{} {currency}", sum.normalize()),
        Sum::TooLarge => format!("too large {currency}"),
    });
    let text = sums.collect::<Vec<_>>().join(", ");
    if text.is_empty() { "0".to_owned() } else { text }
}

fn metadata(json: &mut String, at: usize, view: View<'_>) {
    let Some(field) = view.schema.fields.get(at) else { return };
    json.push_str(&field.member);
    match view.values.field(at) {
        Value::Absent => json.push_str("null"),
        // The page's own digits: checked to be plain, and cheaper than writing the number anew.
        Value::Decimal(_) => quoted(json, &[sent(field, view)]),
        Value::Text(value, _) => {
            json.push('"');
            if *field.name == *Metadata::IDENTIFIER {
                masked(json, value);
            } else {
                escaped(json, value);
            }
            json.push('"');
        }
    }
}

fn money(json: &mut String, at: usize, view: View<'_>) {
    let Some(rule) = view.schema.money.get(at) else { return };
    json.push_str(&rule.member);
    let amount = view.schema.fields.get(rule.amount).map(|field| sent(field, view));
    let currency = view.values.money(rule).and_then(|(_, place)| rule.currencies.get(place));
    match (amount, currency) {
        (Some(amount), Some(currency)) => quoted(json, &[amount, " ", currency.as_str()]),
        _ => json.push_str("null"),
    }
}

fn sent<'r>(field: &FieldRule, view: View<'r>) -> &'r str {
    view.facts.metadata.get(&field.name).unwrap_or_default()
}

fn identifiers(json: &mut String, view: View<'_>) {
    json.push_str("\"identifiers\":[");
    for (at, identifier) in view.facts.identifiers.iter().enumerate() {
        json.push_str(if at > 0 { ",\"" } else { "\"" });
        escaped(json, identifier.kind.as_str());
        json.push(' ');
        masked(json, &identifier.value);
        json.push('"');
    }
    json.push(']');
}

fn masked(json: &mut String, value: &str) {
    let parts = masked_parts(value);
    if is_plain(value) {
        parts.iter().for_each(|part| json.push_str(part));
    } else {
        parts.iter().for_each(|part| escaped(json, part));
    }
}

fn start_of(text: &str) -> &str {
    if text.len() <= USER_AGENT_CHARS_MAX {
        return text;
    }
    if let Some(start) = text.get(..USER_AGENT_CHARS_MAX).filter(|start| start.is_ascii()) {
        return start;
    }
    let end = text.char_indices().nth(USER_AGENT_CHARS_MAX).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}

/// Writes a member: its name, with all that stands before the text, and the text.
fn text(json: &mut String, member: &str, value: &str) {
    json.push_str(member);
    escaped(json, value);
    json.push('"');
}

/// Writes a string of parts that need no escaping.
fn quoted(json: &mut String, parts: &[&str]) {
    json.push('"');
    parts.iter().for_each(|part| json.push_str(part));
    json.push('"');
}

/// Whether a text needs no escaping: eight bytes at a time, since nearly all texts are plain.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some(last) = bytes.last_chunk() else {
        let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) else {
            return bytes.iter().all(|byte| marked(SPACES | u64::from(*byte)) == 0);
        };
        // Four to seven bytes, those in the middle twice.
        let (first, last): (u32, u32) = (u32::from_ne_bytes(*first), u32::from_ne_bytes(*last));
        return marked(u64::from(first) << 32 | u64::from(last)) == 0;
    };
    let (words, _) = bytes.as_chunks::<8>();
    let marks = words.iter().chain([last]).fold(0, |marks, word| marks | marked(u64::from_ne_bytes(*word)));
    marks == 0
}

/// Eight bytes that need no escaping, the lowest of which is replaced.
const SPACES: u64 = 0x2020_2020_2020_2000;

/// Not zero when one of the bytes is a control character, a quote or a backslash.
const fn marked(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    // A byte below `n` borrows its highest bit, which a byte of other alphabets has already and so does not count.
    const fn below(word: u64, n: u64) -> u64 {
        word.wrapping_sub(ONES * n) & !word & HIGHS
    }
    below(word, 0x20) | below(word ^ (ONES * 0x22), 1) | below(word ^ (ONES * 0x5c), 1)
}

/// Writes the inside of a JSON string (RFC 8259 §7).
fn escaped(json: &mut String, text: &str) {
    if is_plain(text) {
        json.push_str(text);
        return;
    }
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            c if c < ' ' => _ = write!(json, "\\u{:04x}", u32::from(c)),
            c => json.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_text_reads_back() {
        let odd = ['"', '\\', '\0', '\u{1f}', '\u{7f}', '\u{80}', '\u{a2}', '\u{dc}', '\u{2028}'];
        let everywhere = odd
            .iter()
            .flat_map(|odd| (0..20).map(move |at| format!("{}{odd}{}", "x".repeat(at), "y".repeat(20 - at))));
        let samples = ["", "plain", "a\"b\\c", "tab\tnul\0é\u{7f}\u{2028}"].map(str::to_owned);
        for sample in everywhere.chain(samples) {
            let mut json = String::from("\"");
            escaped(&mut json, &sample);
            json.push('"');
            assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), sample);
        }
    }

    #[test]
    fn plain_is_what_needs_no_escaping() {
        for c in (0..0x300).filter_map(char::from_u32) {
            let plain = c >= ' ' && c != '"' && c != '\\';
            for (before, after) in (0..10).flat_map(|before| (0..10).map(move |after| (before, after))) {
                let text = format!("{}{c}{}", "x".repeat(before), "y".repeat(after));
                assert_eq!(is_plain(&text), plain, "{text:?}");
            }
        }
    }

    #[test]
    fn a_long_user_agent_is_cut_between_characters() {
        assert_eq!(start_of(&"é".repeat(100)), "é".repeat(64));
        assert_eq!(start_of(&"a".repeat(100)), "a".repeat(64));
        assert_eq!(
            start_of(&format!("{}é{}", "a".repeat(63), "b".repeat(9))),
            format!("{}é", "a".repeat(63))
        );
        assert_eq!(start_of("short"), "short");
    }

    #[test]
    fn every_field_has_a_bit_of_its_own() {
        let mut fields: Vec<Field> = FieldSet::ORDER.into();
        fields.extend((0..FIELDS_MAX).flat_map(|at| [Field::Metadata(at), Field::Money(at)]));
        fields.extend((0..NEEDS_MAX).map(Field::History));
        for field in &fields {
            let mut set = FieldSet::default();
            set.add(*field);
            assert_eq!(set.iter().collect::<Vec<_>>(), [*field]);
        }
        const { assert!(FieldSet::BITS <= 64) };
    }
}
