//! What conditions saw, written down for the record: each field once, personal values masked.

use std::fmt::Write;

use super::condition::{Field, Leaf, View};
use super::schema::{FIELDS_MAX, FieldRule, Value};
use crate::domain::{Metadata, RuleId, Seen, mask_identifier, mask_ip};

/// The most characters of a user agent that are kept.
const USER_AGENT_CHARS_MAX: usize = 64;
/// Room for the values of a usual scope, so that writing them does not move them.
const USUAL_BYTES: usize = 384;

/// Which fields were looked at, and how each condition came out.
#[derive(Debug, Default)]
pub(super) struct Looked {
    fields: FieldSet,
    outcomes: String,
    /// The ids of the rules that would have decided if they did not only observe, as a JSON list without its brackets.
    observed: String,
}

impl Looked {
    /// Notes a condition's outcome.
    pub(super) fn note(&mut self, leaf: &Leaf, outcome: bool) {
        self.fields.add(leaf.field);
        self.outcomes.push(if outcome { '1' } else { '0' });
    }

    /// Notes a rule that matched and only observes. An id has no character that needs escaping.
    pub(super) fn observed(&mut self, rule: &RuleId) {
        let comma = if self.observed.is_empty() { "" } else { "," };
        _ = write!(self.observed, "{comma}\"{rule}\"");
    }

    /// Writes the values down.
    pub(super) fn into_seen(self, view: View<'_>) -> Seen {
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
        Seen { values_json: json, outcomes: self.outcomes }
    }
}

/// A set of fields: one bit each, in the order in which they are written.
#[derive(Debug, Clone, Copy, Default)]
struct FieldSet(u32);

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
    const BITS: usize = Self::FIRST_MONEY + FIELDS_MAX;

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
        };
        self.0 |= 1 << (bit % 32);
    }

    fn iter(self) -> impl Iterator<Item = Field> {
        (0..Self::BITS).filter(move |bit| self.0 & (1 << bit) != 0).map(|bit| match Self::ORDER.get(bit) {
            Some(field) => *field,
            None if bit < Self::FIRST_MONEY => Field::Metadata(bit - Self::FIRST_METADATA),
            None => Field::Money(bit - Self::FIRST_MONEY),
        })
    }
}

fn write_field(json: &mut String, field: Field, view: View<'_>) {
    let facts = view.facts;
    match field {
        Field::Scope => text(json, "scope", facts.scope.as_str()),
        Field::UserId | Field::Bucket => text(json, "user_id", facts.user_id.as_str()),
        Field::Time => text(json, "request.time", &facts.received_at.to_string()),
        Field::Ip => text(json, "signals.ip", &mask_ip(facts.signals.ip)),
        Field::Platform => text(json, "signals.platform", facts.signals.platform.as_str()),
        Field::UserAgent => text(json, "signals.user_agent", start_of(&facts.signals.user_agent)),
        Field::IdentifiersAny | Field::IdentifiersEvery => identifiers(json, view),
        Field::IdentifiersCount => {
            name(json, "identifiers.count");
            // Writing to a `String` cannot fail.
            _ = write!(json, "{}", facts.identifiers.len());
        }
        Field::Metadata(at) => metadata(json, at, view),
        Field::Money(at) => money(json, at, view),
    }
}

fn metadata(json: &mut String, at: usize, view: View<'_>) {
    let Some(field) = view.schema.fields.get(at) else { return };
    match view.values.field(at) {
        Value::Absent => null(json, &field.path),
        // The page's own digits: checked to be plain, and cheaper than writing the number anew.
        Value::Decimal(_) => text(json, &field.path, sent(field, view)),
        Value::Text(value, _) if *field.name == *Metadata::IDENTIFIER => {
            text(json, &field.path, &mask_identifier(value));
        }
        Value::Text(value, _) => text(json, &field.path, value),
    }
}

fn money(json: &mut String, at: usize, view: View<'_>) {
    let Some(rule) = view.schema.money.get(at) else { return };
    let amount = view.schema.fields.get(rule.amount).map(|field| sent(field, view));
    let currency = view.values.money(rule).and_then(|(_, place)| rule.currencies.get(place));
    match (amount, currency) {
        (Some(amount), Some(currency)) => {
            name(json, &rule.path);
            json.push('"');
            escaped(json, amount);
            json.push(' ');
            json.push_str(currency.as_str());
            json.push('"');
        }
        _ => null(json, &rule.path),
    }
}

fn sent<'r>(field: &FieldRule, view: View<'r>) -> &'r str {
    view.facts.metadata.get(&field.name).unwrap_or_default()
}

fn identifiers(json: &mut String, view: View<'_>) {
    name(json, "identifiers");
    json.push('[');
    for (at, identifier) in view.facts.identifiers.iter().enumerate() {
        if at > 0 {
            json.push(',');
        }
        json.push('"');
        escaped(json, identifier.kind.as_str());
        json.push(' ');
        escaped(json, &mask_identifier(&identifier.value));
        json.push('"');
    }
    json.push(']');
}

fn start_of(text: &str) -> &str {
    let end = text.char_indices().nth(USER_AGENT_CHARS_MAX).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}

/// Writes a member's name. The checker takes only names that need no escaping.
fn name(json: &mut String, name: &str) {
    json.push('"');
    json.push_str(name);
    json.push_str("\":");
}

fn text(json: &mut String, field: &str, value: &str) {
    name(json, field);
    json.push('"');
    escaped(json, value);
    json.push('"');
}

fn null(json: &mut String, field: &str) {
    name(json, field);
    json.push_str("null");
}

/// Writes the inside of a JSON string (RFC 8259 §7).
fn escaped(json: &mut String, text: &str) {
    // Every byte is looked at, whatever came before it, so that the compiler can look at many at a time.
    let is_plain = |byte: u8| (byte >= 0x20) & (byte != b'"') & (byte != b'\\');
    if text.bytes().fold(true, |all, byte| all & is_plain(byte)) {
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
        for sample in ["", "plain", "a\"b\\c", "tab\tnul\0é\u{7f}\u{2028}"] {
            let mut json = String::from("\"");
            escaped(&mut json, sample);
            json.push('"');
            assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), sample);
        }
    }

    #[test]
    fn a_long_user_agent_is_cut_between_characters() {
        assert_eq!(start_of(&"é".repeat(100)), "é".repeat(64));
        assert_eq!(start_of("short"), "short");
    }

    #[test]
    fn every_field_has_a_bit_of_its_own() {
        let mut fields: Vec<Field> = FieldSet::ORDER.into();
        fields.extend((0..FIELDS_MAX).flat_map(|at| [Field::Metadata(at), Field::Money(at)]));
        for field in &fields {
            let mut set = FieldSet::default();
            set.add(*field);
            assert_eq!(set.iter().collect::<Vec<_>>(), [*field]);
        }
        const { assert!(FieldSet::BITS <= 32) };
    }
}
