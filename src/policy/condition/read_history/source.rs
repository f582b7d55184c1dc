//! Where the counted calls come from: scopes, and the metadata and money that they must declare alike.

use std::collections::BTreeSet;

use super::super::read::{Names, Place};
use super::HistoryField;
use crate::domain::{Currency, HistoryNeed, Measure, Scope, Scopes, Subject};
use crate::policy::diagnostic::{Code, Span};
use crate::policy::grants::Knowledge;
use crate::policy::reader::{Map, Reader};
use crate::policy::schema::read::ReadSchema;
use crate::policy::schema::{FieldKind, MoneyRule};
use crate::policy::suggest::did_you_mean;

/// Reads `scopes`: which calls count. Without it, calls for the scope that is asked for.
pub(super) fn scopes(reader: &mut Reader<'_>, map: &Map<'_>, names: Names<'_>) -> Option<Scopes> {
    let Some(node) = map.get("scopes") else { return Some(Scopes::Same) };
    let items = reader.one_or_more(node, "`scopes`")?;
    let known = &names.neighbours.schemas;
    let mut named = Vec::with_capacity(items.len());
    let mut found = BTreeSet::new();
    for item in items {
        let Some(text) = reader.text(item, "a scope") else { continue };
        named.push((item.span, text));
        match known.get_key_value(text) {
            Some((scope, _)) => _ = found.insert(scope.clone()),
            None if names.neighbours.knowledge == Knowledge::Partial => {}
            None => {
                let names: Vec<_> = known.keys().map(Scope::as_str).collect();
                let message = format!("no file covers the scope `{text}`");
                reader.fault(Code::UnknownScope, item.span, message, did_you_mean(text, &names));
            }
        }
    }
    reader.refuse_repeats(&named, "`scopes`");
    (found.len() == items.len()).then_some(Scopes::These(found))
}

/// Finds what the question takes from the call itself, and makes sure that every scope that is counted declares it alike.
pub(super) fn field(
    reader: &mut Reader<'_>,
    map: &Map<'_>,
    need: HistoryNeed,
    names: Names<'_>,
) -> Option<HistoryField> {
    let before = reader.count();
    if let (Measure::Sum(_) | Measure::Distinct(_), Place::Always) = (&need.measure, names.place) {
        let message = "`always.yaml` cannot look at metadata or money";
        let help = "they belong to a scope: put the rule into that scope's file";
        reader.fault(Code::AlwaysReadsMetadata, map.span, message, help);
        return None;
    }
    let counted = counted(&need.scopes, names);
    let takes_itself = names.scopes.iter().any(|scope| need.counts_itself(scope));
    let own = &names.schema.schema;
    let (mut fields, mut money) = (Vec::new(), None);
    for subject in &need.by {
        let Subject::Metadata(name) = subject else { continue };
        let path = format!("metadata.{name}");
        // The call must have what it is compared by, whatever it is compared with.
        let compared = counted.iter().copied().chain(names.scopes.first().map(|scope| (scope, names.schema)));
        declared_alike(reader, (span_of(map, "by"), &path), compared);
        fields.extend(own.fields.iter().position(|field| *field.path == *path));
    }
    match &need.measure {
        Measure::Distinct(name) => {
            let path = format!("metadata.{name}");
            declared_alike(reader, (span_of(map, "distinct"), &path), counted.iter().copied());
            fields.extend(own.fields.iter().position(|field| takes_itself && *field.path == *path));
        }
        Measure::Sum(name) => {
            let path = format!("money.{name}");
            for (scope, schema) in &counted {
                money_of(reader, (span_of(map, "sum"), &path), scope, schema);
            }
            money = own.money.iter().position(|rule| takes_itself && *rule.path == *path);
        }
        _ => {}
    }
    fields.sort_unstable();
    fields.dedup();
    let words = need.to_string().into();
    (reader.count() == before).then_some(HistoryField { need, words, fields, money })
}

/// The scopes whose calls are counted, with what the page may send for them. Of a file that counts its own calls, one scope
/// stands for all.
fn counted<'n>(scopes: &'n Scopes, names: Names<'n>) -> Vec<(&'n Scope, &'n ReadSchema)> {
    let schema_of = |scope: &Scope| {
        if names.scopes.contains(scope) {
            Some(names.schema)
        } else {
            names.neighbours.schemas.get(scope).copied()
        }
    };
    match scopes {
        Scopes::Same => names.scopes.first().map(|scope| (scope, names.schema)).into_iter().collect(),
        Scopes::These(scopes) => scopes.iter().filter_map(|scope| Some((scope, schema_of(scope)?))).collect(),
    }
}

fn span_of(map: &Map<'_>, key: &str) -> Span {
    map.entry(key).map_or(map.span, |entry| entry.value.span)
}

/// Refuses a field that one of the scopes does not have, or has in another form: its values would never be equal.
fn declared_alike<'n>(
    reader: &mut Reader<'_>,
    (span, path): (Span, &str),
    scopes: impl Iterator<Item = (&'n Scope, &'n ReadSchema)>,
) {
    let mut first: Option<(&Scope, &FieldKind)> = None;
    for (scope, schema) in scopes {
        let Some(found) = schema.schema.fields.iter().find(|field| *field.path == *path) else {
            let paths: Vec<_> = schema.schema.fields.iter().map(|field| &*field.path).collect();
            missing(reader, (span, path), (scope, schema), &paths);
            continue;
        };
        let (known, kind) = *first.get_or_insert((scope, &found.kind));
        if !is_alike(kind, &found.kind) {
            let message = format!("`{path}` has another form for `{scope}` than for `{known}`");
            let help = "give it the same `type` and `normalise` in both files, or count them apart";
            reader.fault(Code::HistoryMisfit, span, message, help);
        }
    }
}

/// Whether equal values are written alike.
fn is_alike(left: &FieldKind, right: &FieldKind) -> bool {
    match (left, right) {
        (FieldKind::Decimal(_), FieldKind::Decimal(_)) => true,
        (FieldKind::Text(left), FieldKind::Text(right)) => left.normalise == right.normalise,
        _ => false,
    }
}

fn money_of<'n>(
    reader: &mut Reader<'_>,
    (span, path): (Span, &str),
    scope: &Scope,
    schema: &'n ReadSchema,
) -> Option<&'n MoneyRule> {
    let found = schema.schema.money.iter().find(|rule| *rule.path == *path);
    if found.is_none() {
        let paths: Vec<_> = schema.schema.money.iter().map(|rule| &*rule.path).collect();
        missing(reader, (span, path), (scope, schema), &paths);
    }
    found
}

fn missing(
    reader: &mut Reader<'_>,
    (span, path): (Span, &str),
    (scope, schema): (&Scope, &ReadSchema),
    known: &[&str],
) {
    let group = path.split_once('.').map_or(path, |(group, _)| group);
    if schema.broken.contains(path) || schema.broken.contains(group) {
        return;
    }
    let message = format!("there is no `{path}` for `{scope}`");
    reader.fault(Code::UnknownField, span, message, did_you_mean(path, known));
}

/// Refuses a bound in a currency in which not all of the sum is: amounts add up in one currency only.
pub(super) fn covers(
    reader: &mut Reader<'_>,
    (span, currency): (Span, Currency),
    field: &HistoryField,
    names: Names<'_>,
) -> Option<()> {
    let Measure::Sum(name) = &field.need.measure else { return Some(()) };
    let path = format!("money.{name}");
    let before = reader.count();
    for (scope, schema) in counted(&field.need.scopes, names) {
        let rule = schema.schema.money.iter().find(|rule| *rule.path == *path);
        let others: Vec<_> =
            rule.iter().flat_map(|rule| &rule.currencies).filter(|of| **of != currency).collect();
        if let Some(other) = others.first() {
            let message =
                format!("`{path}` of `{scope}` may be in {other}, which does not add up with {currency}");
            let help = "this version adds up one currency only: narrow the currency field's `one_of`";
            reader.fault(Code::CurrencyNotCovered, span, message, help);
        }
    }
    (reader.count() == before).then_some(())
}
