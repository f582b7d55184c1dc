//! Reading `when:`: which fields there are, how conditions are joined, and what absence means.

use std::sync::Arc;

use super::keys::{ALL, ANY, HISTORY_KEY, NOT};
use super::read_history;
use super::read_identifier;
use super::read_list;
use super::read_moment;
use super::read_test::{self, FieldType, Presence};
use super::{Condition, Field, HistoryField, LEAVES_MAX, Leaf, Test, Words};
use crate::domain::{NEEDS_MAX, Scope, Timestamp};
use crate::policy::diagnostic::{Code, Span};
use crate::policy::grants::Neighbours;
use crate::policy::lists::read::ReadLists;
use crate::policy::rates::read::ReadRates;
use crate::policy::reader::Reader;
use crate::policy::schema::FieldKind;
use crate::policy::schema::read::ReadSchema;
use crate::policy::scope_file::Shared;
use crate::policy::suggest::did_you_mean;
use crate::policy::yaml::{Entry, Kind, Node};

/// What conditions of a file may name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names<'a> {
    /// The file's metadata and money.
    pub(crate) schema: &'a ReadSchema,
    /// The scopes that requests for this file can have.
    pub(crate) scopes: &'a [Scope],
    /// Which kind of file it is.
    pub(crate) place: Place,
    /// The bundle's lists.
    pub(crate) lists: &'a ReadLists<'a>,
    /// The bundle's exchange rates.
    pub(crate) rates: &'a ReadRates,
    /// What the rest of the bundle means to questions about the past.
    pub(crate) neighbours: &'a Neighbours<'a>,
    /// When the bundle is loaded; `None` where nothing is held against its age.
    pub(crate) now: Option<Timestamp>,
}

impl<'a> Names<'a> {
    /// Puts together what a file's rules may name.
    pub(crate) const fn of(
        shared: Shared<'a>,
        schema: &'a ReadSchema,
        scopes: &'a [Scope],
        place: Place,
    ) -> Self {
        let Shared { lists, rates, neighbours, now, .. } = shared;
        Self { schema, scopes, place, lists, rates, neighbours, now }
    }
}

/// Which kind of file rules stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file of scopes.
    Scopes,
    /// `always.yaml`, whose rules know nothing of any scope's metadata.
    Always,
}

/// What the absence of an optional field means to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfAbsent {
    /// Conditions on it count as if they spoke for a match.
    Match,
    /// Conditions on it count as if they spoke against one.
    NoMatch,
}

/// Whether a condition that holds speaks for the rule or, inside a `not`, against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    For,
    Against,
}

impl Side {
    const fn other(self) -> Self {
        match self {
            Self::For => Self::Against,
            Self::Against => Self::For,
        }
    }
}

/// Reads the `when` of a rule. `if_absent` is what the rule says, and where; `history` are the questions about the past
/// that earlier rules ask, to which this one adds its own.
pub(crate) fn when(
    reader: &mut Reader<'_>,
    node: &Node,
    names: Names<'_>,
    if_absent: Option<(IfAbsent, Span)>,
    history: &mut Vec<HistoryField>,
) -> Option<Condition> {
    if let Kind::Text(text) = &node.kind
        && &*text.value == "always"
    {
        if let Some((_, span)) = if_absent {
            unused_if_absent(reader, span);
        }
        return Some(Condition::Always);
    }
    if let Kind::Text(text) = &node.kind {
        let code = if text.is_nothing() { Code::Empty } else { Code::WrongShape };
        let help = "write a map of conditions, or `when: always`";
        reader.fault(code, node.span, "`when` is no condition", help);
        return None;
    }
    let if_absent_word = if_absent.map(|(word, _)| word);
    let mut when = When { reader, names, history, if_absent: if_absent_word, leaves: 0, optional: None };
    let condition = when.joined(node, "`when`", Side::For);
    let (leaves, optional) = (when.leaves, when.optional);
    if leaves > LEAVES_MAX {
        let message = format!("a rule has at most {LEAVES_MAX} conditions, this one has {leaves}");
        reader.fault(Code::Limit, node.span, message, "use `in` with a list, or several rules");
        return None;
    }
    match (optional, if_absent) {
        (Some((span, path)), None) => {
            let message = format!("`{path}` may be left out, and the rule does not say what that means");
            let help =
                "add `if_absent: match` or `if_absent: no_match` to the rule: the answer that is not softer";
            reader.fault(Code::IfAbsentMissing, span, message, help);
        }
        (None, Some((_, span))) if condition.is_some() => unused_if_absent(reader, span),
        _ => {}
    }
    condition
}

fn unused_if_absent(reader: &mut Reader<'_>, span: Span) {
    let message = "`if_absent` says nothing here: the rule compares no optional field";
    reader.fault(Code::IfAbsentUnused, span, message, "remove it");
}

/// What a condition is about, and how the file says it.
struct About {
    field: Field,
    words: Words,
    span: Span,
    /// What may be left out of a request so that the field is absent.
    absent: Option<String>,
}

struct When<'w, 'f> {
    reader: &'w mut Reader<'f>,
    names: Names<'w>,
    history: &'w mut Vec<HistoryField>,
    if_absent: Option<IfAbsent>,
    leaves: usize,
    /// The first condition that compares an optional field.
    optional: Option<(Span, String)>,
}

impl<'w> When<'w, '_> {
    /// A map of conditions: all of them must hold.
    fn joined(&mut self, node: &Node, what: &str, side: Side) -> Option<Condition> {
        let map = self.reader.map(node, what)?;
        let parts: Vec<_> = map.entries.iter().map(|entry| self.entry(entry, side)).collect();
        let parts: Option<Vec<_>> = parts.into_iter().collect();
        parts.map(|parts| single_or(parts, Condition::All))
    }

    fn entry(&mut self, entry: &Entry, side: Side) -> Option<Condition> {
        match &*entry.key {
            ALL => self.list(entry, side).map(Condition::All),
            ANY => self.list(entry, side).map(Condition::Any),
            NOT => {
                self.joined(&entry.value, "`not`", side.other()).map(|part| Condition::Not(Box::new(part)))
            }
            HISTORY_KEY => self.about_history(entry, side),
            _ => self.about_field(entry, side),
        }
    }

    fn list(&mut self, entry: &Entry, side: Side) -> Option<Vec<Condition>> {
        let what = format!("`{}`", entry.key);
        let items = self.reader.some_list(&entry.value, &what)?;
        let item = format!("a condition of {what}");
        let parts: Vec<_> = items.iter().map(|node| self.joined(node, &item, side)).collect();
        parts.into_iter().collect()
    }

    fn about_field(&mut self, entry: &Entry, side: Side) -> Option<Condition> {
        let field = self.field(entry)?;
        let names = self.names;
        let kind = field_type(field, names);
        let (node, key) = (&entry.value, &*entry.key);
        let keyed = match field {
            Field::IdentifiersAny | Field::IdentifiersEvery => {
                let test = read_identifier::identifier(self.reader, node, key, names.lists);
                Some(test.map(|test| Test::Identifier(Box::new(test))))
            }
            Field::Time => Some(read_moment::time(self.reader, node).map(|test| Test::Time(Box::new(test)))),
            Field::Bucket => {
                Some(read_moment::bucket(self.reader, node).map(|test| Test::Bucket(Box::new(test))))
            }
            _ => None,
        };
        let about = |asks: String| About {
            field,
            words: Words { field: entry.key.clone(), asks: asks.into() },
            span: entry.key_span,
            absent: (!field.optional_parts(&names.schema.schema).is_empty()).then(|| entry.key.to_string()),
        };
        if let Some(test) = keyed {
            return test.map(|test| self.leaf(about(node.inline()), test, side));
        }
        let presence = match field.optional_parts(&names.schema.schema).as_slice() {
            [] => Presence::Certain,
            _ => Presence::Optional,
        };
        let operators = kind.operators(field);
        if !matches!(entry.value.kind, Kind::Map(_)) {
            let message = format!("`{}` needs an operator", entry.key);
            let listed = operators.join("`, `");
            let help = format!("write `{}: {{ OPERATOR: … }}` with one of `{listed}`", entry.key);
            self.reader.fault(Code::WrongShape, entry.value.span, message, help);
            return None;
        }
        let map = self.reader.map(&entry.value, &format!("`{}`", entry.key))?;
        let mut parts = Vec::with_capacity(map.entries.len());
        for operator in map.entries {
            let test = if !operators.contains(&&*operator.key) {
                let message = format!("`{}` has no operator `{}`", entry.key, operator.key);
                let help = did_you_mean(&operator.key, &operators);
                self.reader.fault(Code::UnknownOperator, operator.key_span, message, help);
                None
            } else if read_list::OPERATORS.contains(&&*operator.key) {
                read_list::test(self.reader, operator, (field, kind), names.lists)
            } else {
                read_test::test(self.reader, operator, kind, presence)
            };
            let asks = || format!("{{ {} }}", operator.inline());
            parts.push(test.map(|test| self.leaf(about(asks()), test, side)));
        }
        let parts: Option<Vec<_>> = parts.into_iter().collect();
        parts.map(|parts| single_or(parts, Condition::All))
    }

    /// A question about the past: asked once, however many conditions compare what comes of it.
    fn about_history(&mut self, entry: &Entry, side: Side) -> Option<Condition> {
        let asked = read_history::history(self.reader, &entry.value, self.names)?;
        let known = self.history.iter().position(|field| field.need == asked.field.need);
        let at = known.unwrap_or(self.history.len());
        if at >= NEEDS_MAX {
            let message =
                format!("the rules of a scope ask at most {NEEDS_MAX} different questions about the past");
            let help =
                "ask the same question in several rules, or give families of scopes files of their own";
            self.reader.fault(Code::Limit, entry.key_span, message, help);
            return None;
        }
        let schema = &self.names.schema.schema;
        let optional = asked.field.parts(schema).find(|at| schema.is_optional(*at));
        let absent = optional.and_then(|at| schema.fields.get(at)).map(|field| field.path.to_string());
        let words = asked.field.words.clone();
        if known.is_none() {
            self.history.push(asked.field);
        }
        let parts = asked.tests.into_iter().map(|(test, asks)| {
            let words = Words { field: words.clone(), asks: asks.into() };
            let about =
                About { field: Field::History(at), words, span: entry.key_span, absent: absent.clone() };
            self.leaf(about, test, side)
        });
        let parts = parts.collect();
        Some(single_or(parts, Condition::All))
    }

    fn leaf(&mut self, about: About, test: Test, side: Side) -> Condition {
        self.leaves += 1;
        let when_absent = match (&test, about.absent) {
            (Test::Present(wanted), _) => !wanted,
            (_, Some(path)) => {
                self.optional.get_or_insert((about.span, path));
                (self.if_absent == Some(IfAbsent::Match)) == (side == Side::For)
            }
            (_, None) => false,
        };
        Condition::Leaf(Arc::new(Leaf {
            field: about.field,
            test,
            when_absent,
            words: Box::new(about.words),
        }))
    }

    fn field(&mut self, entry: &Entry) -> Option<Field> {
        let key = &*entry.key;
        if let Some((_, field)) = Field::COMMON.into_iter().find(|(name, _)| *name == key) {
            return Some(field);
        }
        let group = key.split_once('.').map_or(key, |(group, _)| group);
        if self.names.place == Place::Always && ["metadata", "money"].contains(&group) {
            let message = format!("`always.yaml` cannot look at `{key}`");
            let help = "metadata and money belong to a scope: put the rule into that scope's file";
            self.reader.fault(Code::AlwaysReadsMetadata, entry.key_span, message, help);
            return None;
        }
        let schema = &self.names.schema.schema;
        let metadata = schema.fields.iter().position(|field| *field.path == *key).map(Field::Metadata);
        let money = || schema.money.iter().position(|rule| *rule.path == *key).map(Field::Money);
        let found = metadata.or_else(money);
        let broken = &self.names.schema.broken;
        if found.is_none() && !broken.contains(key) && !broken.contains(group) {
            let message = format!("there is nothing called `{key}` to look at");
            let help = did_you_mean(key, &self.known());
            self.reader.fault(Code::UnknownField, entry.key_span, message, help);
        }
        found
    }

    fn known(&self) -> Vec<&'w str> {
        let schema = &self.names.schema.schema;
        let own =
            schema.fields.iter().map(|field| &*field.path).chain(schema.money.iter().map(|rule| &*rule.path));
        let common = Field::COMMON.into_iter().map(|(name, _)| name);
        own.chain(common).chain([HISTORY_KEY, ALL, ANY, NOT]).collect()
    }
}

fn single_or(mut parts: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match (parts.pop(), parts.is_empty()) {
        (Some(only), true) => only,
        (Some(last), false) => {
            parts.push(last);
            join(parts)
        }
        (None, _) => join(parts),
    }
}

fn field_type<'n>(field: Field, names: Names<'n>) -> FieldType<'n> {
    match field {
        Field::Scope => FieldType::Scope(names.scopes),
        Field::Platform => FieldType::Platform,
        Field::UserId => FieldType::Text(None),
        Field::UserAgent => FieldType::UserAgent,
        Field::Ip => FieldType::Address,
        Field::IdentifiersAny | Field::IdentifiersEvery | Field::Time | Field::Bucket => FieldType::Keys,
        Field::IdentifiersCount => FieldType::Count,
        Field::Metadata(at) => match names.schema.schema.fields.get(at).map(|field| &field.kind) {
            Some(FieldKind::Decimal(_)) => FieldType::Decimal,
            Some(FieldKind::Text(rule)) => FieldType::Text(Some(rule)),
            None => FieldType::Text(None),
        },
        Field::Money(at) => {
            let rule = names.schema.schema.money.get(at);
            rule.map_or(FieldType::Decimal, |rule| FieldType::Money(rule, names.rates))
        }
        // It has a reader of its own.
        Field::History(_) => FieldType::Keys,
    }
}
