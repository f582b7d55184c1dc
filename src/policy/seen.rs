//! What conditions saw, written down for the record: each field once, personal values masked.

use std::fmt::Write;
use std::marker::PhantomData;

use super::condition::{Condition, Field, Measured, Total, View};
use super::schema::{FIELDS_MAX, Value};
use crate::domain::{Metadata, NEEDS_MAX, RuleId, Seen, Sum, masked_parts, push_masked_ip};

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
    /// Notes what conditions look at.
    pub(super) const fn at(&mut self, fields: FieldSet) {
        self.fields = self.fields.or(fields);
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
        let (as_sent, quotes) = self.written::<AsSent>(view);
        let is_right = needing_escapes(&as_sent) == quotes;
        debug_assert_eq!(is_right, as_sent == self.written::<Escaped>(view).0);
        let json = if is_right { as_sent } else { self.written::<Escaped>(view).0 };
        Seen { values_json: json, outcomes: String::from_utf8(outcomes).unwrap_or_default() }
    }

    /// The values as JSON, and how many quotes stand around names and values in it.
    fn written<F: Form>(&self, view: View<'_>) -> (String, usize) {
        let mut written = Written { json: String::with_capacity(USUAL_BYTES), form: PhantomData::<F> };
        let mut quotes = 0;
        for field in self.fields.iter() {
            written.json.push(if written.json.is_empty() { '{' } else { ',' });
            quotes += written.field(field, view);
        }
        if !self.observed.is_empty() {
            written.json.push(if written.json.is_empty() { '{' } else { ',' });
            for part in ["\"observed\":[", &self.observed, "]"] {
                written.json.push_str(part);
                quotes += needing_escapes(part);
            }
        }
        written.json.push_str(if written.json.is_empty() { "{}" } else { "}" });
        (written.json, quotes)
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

    /// The fields of both sets.
    #[must_use]
    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

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

/// The quotes around a name.
const NAMED: usize = 2;

/// How values are written.
trait Form {
    /// Writes a value between quotes.
    fn write(json: &mut String, value: &str);
}

/// As it came.
struct AsSent;

impl Form for AsSent {
    fn write(json: &mut String, value: &str) {
        json.push_str(value);
    }
}

/// As the inside of a JSON string (RFC 8259 §7).
struct Escaped;

impl Form for Escaped {
    fn write(json: &mut String, value: &str) {
        for c in value.chars() {
            match c {
                '"' => json.push_str("\\\""),
                '\\' => json.push_str("\\\\"),
                c if c < ' ' => _ = write!(json, "\\u{:04x}", u32::from(c)),
                c => json.push(c),
            }
        }
    }
}

/// The values as far as they are written.
///
/// Nearly no value has a character that needs escaping, and to look for one in each costs more than to write it. So they are
/// written as they came at first; what should have been escaped is found at the end, at once, since there are then more
/// such characters than quotes around names and values, which everything that writes counts. Then they are written again.
struct Written<F> {
    json: String,
    form: PhantomData<F>,
}

impl<F: Form> Written<F> {
    fn field(&mut self, field: Field, view: View<'_>) -> usize {
        let facts = view.facts;
        match field {
            Field::Scope => NAMED + self.text("\"scope\":\"", facts.scope.as_str()),
            Field::UserId | Field::Bucket => NAMED + self.text("\"user_id\":\"", facts.user_id.as_str()),
            Field::Time => NAMED + self.text("\"request.time\":\"", &facts.received_at.to_string()),
            Field::Ip => {
                self.json.push_str("\"signals.ip\":\"");
                push_masked_ip(&mut self.json, facts.signals.ip);
                self.json.push('"');
                NAMED + 2
            }
            Field::Platform => NAMED + self.text("\"signals.platform\":\"", facts.signals.platform.as_str()),
            Field::UserAgent => {
                NAMED + self.text("\"signals.user_agent\":\"", start_of(&facts.signals.user_agent))
            }
            Field::IdentifiersAny | Field::IdentifiersEvery => self.identifiers(view),
            Field::IdentifiersCount => self.count(facts.identifiers.len()),
            Field::Metadata(at) => self.metadata(at, view),
            Field::Money(at) => self.money(at, view),
            Field::History(at) => self.history(at, view),
        }
    }

    fn count(&mut self, count: usize) -> usize {
        self.json.push_str("\"identifiers.count\":");
        match count {
            few @ 0..=9 => {
                self.json.extend(u32::try_from(few).ok().and_then(|few| char::from_digit(few, 10)));
            }
            // Writing to a `String` cannot fail.
            many => _ = write!(self.json, "{many}"),
        }
        NAMED
    }

    /// A question about the past under its words, as the conditions saw it: with the call itself where that counts, and
    /// without any subject's value.
    fn history(&mut self, at: usize, view: View<'_>) -> usize {
        let Some(field) = view.schema.history.get(at) else { return 0 };
        self.json.push('"');
        self.json.push_str(&field.words);
        self.json.push_str("\":");
        let around_value = match view.measured(at) {
            None => self.null(),
            Some(Measured::Number(number)) => {
                _ = write!(self.json, "{number}");
                0
            }
            Some(Measured::Money(total)) => self.text("\"", &sum_text(&total)),
            Some(Measured::Last(None)) => self.text("\"", "never"),
            Some(Measured::Last(Some(moment))) => self.text("\"", &moment.to_string()),
        };
        NAMED + around_value
    }

    fn metadata(&mut self, at: usize, view: View<'_>) -> usize {
        let Some(field) = view.schema.fields.get(at) else { return 0 };
        self.json.push_str(&field.member);
        let around_value = match view.values.field(at) {
            Value::Absent => self.null(),
            // The page's own digits: checked to be plain, and cheaper than writing the number anew.
            Value::Decimal(_, sent) => self.text("\"", sent),
            Value::Text(value, _) if *field.name == *Metadata::IDENTIFIER => self.masked("\"", value),
            Value::Text(value, _) => self.text("\"", value),
        };
        NAMED + around_value
    }

    fn money(&mut self, at: usize, view: View<'_>) -> usize {
        let Some(rule) = view.schema.money.get(at) else { return 0 };
        self.json.push_str(&rule.member);
        let currency = view.values.money(rule).and_then(|(_, place)| rule.currencies.get(place));
        let around_value = match (view.values.field(rule.amount), currency) {
            (Value::Decimal(_, sent), Some(currency)) => {
                self.json.push('"');
                self.json.push_str(sent);
                self.json.push(' ');
                self.text("", currency.as_str())
            }
            _ => self.null(),
        };
        NAMED + around_value
    }

    fn identifiers(&mut self, view: View<'_>) -> usize {
        let mut quotes = NAMED;
        self.json.push_str("\"identifiers\":[");
        for (at, identifier) in view.facts.identifiers.iter().enumerate() {
            self.json.push_str(if at > 0 { ",\"" } else { "\"" });
            F::write(&mut self.json, identifier.kind.as_str());
            quotes += self.masked(" ", &identifier.value);
        }
        self.json.push(']');
        quotes
    }

    /// Writes what stands before a value, the value and a quote; gives back how many quotes stand around the value.
    fn text(&mut self, before: &'static str, value: &str) -> usize {
        self.json.push_str(before);
        F::write(&mut self.json, value);
        self.json.push('"');
        2
    }

    /// The same with a value that is personal.
    fn masked(&mut self, before: &'static str, value: &str) -> usize {
        self.json.push_str(before);
        masked_parts(value).iter().for_each(|part| F::write(&mut self.json, part));
        self.json.push('"');
        2
    }

    fn null(&mut self) -> usize {
        self.json.push_str("null");
        0
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

/// A multiple of what is counted at a time, so that a usual record is one piece and a little.
const PIECE_BYTES: usize = 240;

/// How many characters of a text JSON wants escaped: controls, quotes and backslashes.
fn needing_escapes(text: &str) -> usize {
    // In pieces whose counts fit a byte: so many are counted at a time.
    let count = |piece: &[u8]| -> u8 {
        piece
            .iter()
            .map(|byte| u8::from(*byte < b' ') | u8::from(*byte == b'"') | u8::from(*byte == b'\\'))
            .sum()
    };
    text.as_bytes().chunks(PIECE_BYTES).map(|piece| usize::from(count(piece))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written<F: Form>(value: &str) -> (String, usize) {
        let mut written = Written { json: String::new(), form: PhantomData::<F> };
        let quotes = written.text("\"", value);
        (written.json, quotes)
    }

    #[test]
    fn whatever_is_written_reads_back() {
        let odd = ['"', '\\', '\0', '\u{1f}', '\u{7f}', '\u{80}', '\u{a2}', '\u{dc}', '\u{2028}'];
        let everywhere = odd
            .iter()
            .flat_map(|odd| (0..20).map(move |at| format!("{}{odd}{}", "x".repeat(at), "y".repeat(20 - at))));
        let samples = ["", "plain", "a\"b\\c", "tab\tnul\0é\u{7f}\u{2028}"].map(str::to_owned);
        for sample in everywhere.chain(samples) {
            let reads_back = |json: &str| serde_json::from_str::<String>(json).ok().as_ref() == Some(&sample);
            assert!(reads_back(&written::<Escaped>(&sample).0), "{sample:?}");
            let (as_sent, quotes) = written::<AsSent>(&sample);
            assert_eq!(needing_escapes(&as_sent) == quotes, reads_back(&as_sent), "{sample:?}");
        }
    }

    #[test]
    fn what_needs_escaping_is_counted_wherever_it_stands() {
        for c in (0..0x300).filter_map(char::from_u32) {
            let needs = c < ' ' || c == '"' || c == '\\';
            for times in [1, 2, 239, 240, 241, 600] {
                let text = format!("x{}é", c.to_string().repeat(times));
                assert_eq!(needing_escapes(&text), if needs { times } else { 0 }, "{c:?} {times}");
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
