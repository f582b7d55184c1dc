//! Reading `metadata:` and `money:` of a scope file.

use std::collections::BTreeSet;

use super::keys::{DECIMAL_FIELD, MONEY_RULE, TEXT_FIELD, UNTYPED_FIELD};
use super::{DecimalRule, FIELDS_MAX, FieldKind, FieldRule, MoneyRule, Normalise, Schema, TextRule};
use crate::domain::{Currency, Metadata};
use crate::policy::diagnostic::{Code, Span};
use crate::policy::literal;
use crate::policy::reader::{Map, Reader, Truth};
use crate::policy::suggest::did_you_mean;
use crate::policy::yaml::Node;

/// The most digits after the point that are exact.
pub(super) const SCALE_MAX: u32 = 28;
/// Prelude's bounds for values (docs/CONTRACT.md C2.5).
const CHARS_MAX: u32 = 32;
pub(super) const IDENTIFIER_CHARS_MAX: u32 = 320;
/// The most values of a `one_of`.
const ONE_OF_MAX: usize = 10_000;

/// A schema as far as it could be read, and the names of what could not: those are not complained about again.
#[derive(Debug, Default)]
pub(crate) struct ReadSchema {
    /// What could be read.
    pub(crate) schema: Schema,
    /// `metadata.NAME` and `money.NAME` with a fault of their own.
    pub(crate) broken: BTreeSet<String>,
}

/// Reads both parts; a file without them lets the page send nothing.
pub(crate) fn schema(reader: &mut Reader<'_>, file: &Map<'_>) -> ReadSchema {
    let mut read = ReadSchema::default();
    if let Some(node) = file.get("metadata") {
        fields(reader, node, &mut read);
    }
    if let Some(node) = file.get("money") {
        money(reader, node, &mut read);
    }
    read
}

fn fields(reader: &mut Reader<'_>, node: &Node, read: &mut ReadSchema) {
    let Some(map) = reader.map(node, "`metadata`") else {
        read.broken.insert("metadata".to_owned());
        return;
    };
    for (at, entry) in map.entries.iter().enumerate() {
        let path = format!("metadata.{}", entry.key);
        let sound_name = field_name(reader, entry.key_span, &entry.key);
        if at == FIELDS_MAX {
            let message = format!("more than {FIELDS_MAX} metadata fields");
            let help = "Prelude lets the page send five: drop a field, or put two values into one";
            reader.fault(Code::MetadataLimit, entry.key_span, message, help);
        }
        match field(reader, &entry.key, &entry.value) {
            Some(field) if sound_name && at < FIELDS_MAX => read.schema.fields.push(field),
            _ => {
                read.broken.insert(path);
            }
        }
    }
    let mut in_order: Vec<&mut FieldRule> = read.schema.fields.iter_mut().collect();
    in_order.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    in_order.into_iter().enumerate().for_each(|(place, field)| field.place = place);
}

fn field_name(reader: &mut Reader<'_>, span: Span, name: &str) -> bool {
    let fits = Metadata::new([(name.to_owned(), String::new())]).is_ok();
    if !fits {
        let message = format!("`{name}` is not a name that Prelude takes for metadata");
        let help = "use 1 to 12 characters of a-z A-Z 0-9 . - _ :";
        reader.fault(Code::MetadataLimit, span, message, help);
    }
    fits
}

fn field(reader: &mut Reader<'_>, name: &str, node: &Node) -> Option<FieldRule> {
    let path = format!("metadata.{name}");
    let map = reader.map(node, &format!("`{path}`"))?;
    let before = reader.count();
    let kind = reader
        .required(&map, "type", &format!("`{path}`"))
        .and_then(|node| reader.word(node, "the type", &["decimal", "string"]));
    let known = match kind {
        Some("decimal") => &DECIMAL_FIELD,
        Some(_) => &TEXT_FIELD,
        None => &UNTYPED_FIELD,
    };
    reader.closed_map(node, &format!("`{path}`"), known);
    let optional = map.get("optional").and_then(|node| reader.truth(node, "`optional`"));
    let kind = match kind? {
        "decimal" => FieldKind::Decimal(decimal(reader, &map)),
        _ => FieldKind::Text(text(reader, name, &map)),
    };
    let is_optional = optional.is_some_and(Truth::is_yes);
    let (name, member) = (name.into(), member(&path));
    let field = FieldRule { name, path: path.into(), member, is_optional, place: 0, kind };
    (reader.count() == before).then_some(field)
}

/// A path as the name of a JSON member. Names of fields need no escaping.
fn member(path: &str) -> Box<str> {
    format!("\"{path}\":").into()
}

fn decimal(reader: &mut Reader<'_>, map: &Map<'_>) -> DecimalRule {
    let min = map.get("min").and_then(|node| literal::amount(reader, node, "`min`"));
    let max = map.get("max").and_then(|node| literal::amount(reader, node, "`max`"));
    let scale_max =
        map.get("max_scale").and_then(|node| literal::whole(reader, node, "`max_scale`", (0, SCALE_MAX)));
    if let (Some(low), Some(high), Some(entry)) = (min, max, map.entry("max"))
        && low > high
    {
        let message = "`max` is below `min`: no value fits";
        reader.fault(Code::OutOfRange, entry.value.span, message, "swap the two");
    }
    DecimalRule { min, max, scale_max }
}

fn text(reader: &mut Reader<'_>, name: &str, map: &Map<'_>) -> TextRule {
    let longest = if name == Metadata::IDENTIFIER { IDENTIFIER_CHARS_MAX } else { CHARS_MAX };
    let chars_max = map
        .get("max_chars")
        .and_then(|node| literal::whole(reader, node, "`max_chars`", (1, longest)))
        .unwrap_or(longest);
    let mut rule = TextRule {
        normalise: normalise(reader, map),
        one_of: None,
        pattern: map.get("matches").and_then(|node| literal::pattern(reader, node, "`matches`")),
        chars_max: usize::try_from(chars_max).unwrap_or(usize::MAX),
    };
    rule.one_of = map.get("one_of").and_then(|node| one_of(reader, node, &rule));
    rule
}

fn normalise(reader: &mut Reader<'_>, map: &Map<'_>) -> Vec<Normalise> {
    let Some(node) = map.get("normalise") else { return Vec::new() };
    let Some(items) = reader.one_or_more(node, "`normalise`") else { return Vec::new() };
    let words = Normalise::ALL.map(Normalise::as_str);
    let mut found = Vec::new();
    for item in items {
        if let Some(word) = reader.word(item, "`normalise`", &words) {
            found.extend(
                Normalise::ALL.into_iter().find(|way| way.as_str() == word).map(|way| (item.span, way)),
            );
        }
    }
    let named: Vec<_> = found.iter().map(|(span, way)| (*span, way.as_str())).collect();
    reader.refuse_repeats(&named, "`normalise`");
    let has = |wanted| found.iter().any(|(_, way)| *way == wanted);
    if has(Normalise::Upper) && has(Normalise::Lower) {
        let message = "`upper` and `lower` undo each other";
        reader.fault(Code::Contradiction, node.span, message, "keep one of the two");
    }
    found.into_iter().map(|(_, way)| way).collect()
}

fn one_of(reader: &mut Reader<'_>, node: &Node, rule: &TextRule) -> Option<Vec<Box<str>>> {
    let items = reader.some_list(node, "`one_of`")?;
    if items.len() > ONE_OF_MAX {
        let message = format!("more than {ONE_OF_MAX} values in `one_of`");
        reader.fault(Code::Limit, node.span, message, "describe the values with `matches`");
        return None;
    }
    let texts: Vec<_> = items
        .iter()
        .filter_map(|item| reader.text(item, "a value of `one_of`").map(|t| (item.span, t)))
        .collect();
    reader.refuse_repeats(&texts, "`one_of`");
    for (span, text) in &texts {
        possible(reader, (*span, text), rule);
    }
    Some(texts.into_iter().map(|(_, text)| text.into()).collect())
}

/// Refuses a text that a field can never hold, because normalising changes it or a check refuses it.
pub(crate) fn possible(reader: &mut Reader<'_>, (span, text): (Span, &str), rule: &TextRule) -> bool {
    let normal = rule.normal(text);
    if normal != text {
        let help = format!("`normalise` turns it into `{normal}`: write that");
        reader.fault(Code::UnknownValue, span, format!("the field can never be `{text}`"), help);
        return false;
    }
    if let (Some(values), Err(_)) = (&rule.one_of, rule.check(text))
        && !values.iter().any(|value| **value == *text)
    {
        let message = format!("`{text}` is not in the field's `one_of`");
        reader.fault(Code::UnknownValue, span, message, did_you_mean(text, values));
        return false;
    }
    if let Err(fault) = rule.check(text) {
        let message = format!("the field can never be `{text}`: {fault}");
        reader.fault(
            Code::UnknownValue,
            span,
            message,
            "compare it with the field's `max_chars` and `matches`",
        );
        return false;
    }
    true
}

fn money(reader: &mut Reader<'_>, node: &Node, read: &mut ReadSchema) {
    let Some(map) = reader.map(node, "`money`") else {
        read.broken.insert("money".to_owned());
        return;
    };
    for entry in map.entries {
        let path = format!("money.{}", entry.key);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if !entry.key.chars().all(plain) || entry.key.is_empty() || entry.key.chars().count() > 32 {
            let help = "use 1 to 32 characters of a-z A-Z 0-9 - _";
            reader.fault(Code::BadLiteral, entry.key_span, "not a name for money", help);
        }
        match money_rule(reader, &path, &entry.value, read) {
            Some(rule) if read.schema.money.len() < FIELDS_MAX => read.schema.money.push(rule),
            Some(_) => {
                let message = format!("more than {FIELDS_MAX} kinds of money");
                reader.fault(Code::Limit, entry.key_span, message, "a request has at most five fields");
            }
            None => {
                read.broken.insert(path);
            }
        }
    }
}

fn money_rule(reader: &mut Reader<'_>, path: &str, node: &Node, read: &ReadSchema) -> Option<MoneyRule> {
    let what = format!("`{path}`");
    let map = reader.closed_map(node, &what, &MONEY_RULE)?;
    let amount = reader.required(&map, "amount", &what).and_then(|node| reference(reader, node, read));
    let currency = reader.required(&map, "currency", &what).and_then(|node| reference(reader, node, read));
    let amount = amount.and_then(|(at, field, span)| match field.kind {
        FieldKind::Decimal(_) => Some(at),
        FieldKind::Text(_) => {
            let message = format!("`{}` is a string, and an amount is a decimal", field.path);
            reader.fault(Code::MoneyField, span, message, "point to a field of `type: decimal`");
            None
        }
    });
    let currency = currency.and_then(|(at, field, span)| Some((at, currencies(reader, field, span)?)));
    let (amount, (currency, currencies)) = (amount?, currency?);
    Some(MoneyRule { path: path.into(), member: member(path), amount, currency, currencies })
}

/// Finds the field that `metadata.NAME` means.
fn reference<'s>(
    reader: &mut Reader<'_>,
    node: &Node,
    read: &'s ReadSchema,
) -> Option<(usize, &'s FieldRule, Span)> {
    let text = reader.text(node, "a money field")?;
    if read.broken.contains(text) || read.broken.contains("metadata") {
        return None;
    }
    let found = read.schema.fields.iter().position(|field| *field.path == *text);
    let Some((at, field)) = found.and_then(|at| Some((at, read.schema.fields.get(at)?))) else {
        let paths: Vec<_> = read.schema.fields.iter().map(|field| &*field.path).collect();
        let message = format!("there is no field `{text}`");
        reader.fault(Code::UnknownField, node.span, message, did_you_mean(text, &paths));
        return None;
    };
    Some((at, field, node.span))
}

/// The currencies of a field: it must name them, or a comparison could meet one that nobody thought of.
fn currencies(reader: &mut Reader<'_>, field: &FieldRule, span: Span) -> Option<Vec<Currency>> {
    let FieldKind::Text(TextRule { one_of: Some(values), .. }) = &field.kind else {
        let message = format!("`{}` does not say which currencies there are", field.path);
        let help = "give the field `type: string` and `one_of: [USD, …]`: a bound must say something about every \
                    currency that can come";
        reader.fault(Code::MoneyField, span, message, help);
        return None;
    };
    let currencies: Option<Vec<_>> = values.iter().map(|value| Currency::parse(value)).collect();
    if currencies.is_none() {
        let message = format!("a value of `{}` is not a currency", field.path);
        reader.fault(Code::MoneyField, span, message, "currencies are three capitals, such as `USD`");
    }
    currencies
}
