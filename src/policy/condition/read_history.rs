//! Reading `history`: one question about the past, and what its answer is compared with.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::history_keys::{COUNTS, HISTORY, LAST, MEASURES};
use super::operators::NUMBER_OPERATORS;
use super::read::{Names, Place};
use super::read_test::{comparison, decimal_between, in_order, pair};
use super::{Comparison, HistoryField, PastTest, SumBound, Test};
use crate::domain::{
    Amount, Counts, Executions, FactKind, HistoryNeed, Measure, Subject, VerdictKind, Window,
};
use crate::policy::diagnostic::{Code, Span};
use crate::policy::literal;
use crate::policy::reader::{Map, Reader};
use crate::policy::suggest::did_you_mean;
use crate::policy::yaml::{Entry, Node};

mod source;
mod window;

/// The largest number that something is compared with.
pub(super) const NUMBER_MAX: u32 = 1_000_000;

/// A question, and what its answer is compared with, in the file's words.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) field: HistoryField,
    /// At least one.
    pub(super) tests: Vec<(Test, String)>,
}

/// Reads what `history` asks.
pub(super) fn history(reader: &mut Reader<'_>, node: &Node, names: Names<'_>) -> Option<Asked> {
    let before = reader.count();
    let map = reader.closed_map(node, "`history`", &HISTORY)?;
    let (measure, entry) = measure(reader, &map)?;
    misplaced(reader, &map, &measure, entry);
    let by = by(reader, &map, &measure, names.place);
    let window = match measure {
        Measure::Last => Some(Window::Ever),
        _ => window::window(reader, &map, names.neighbours.executions),
    };
    let scopes = source::scopes(reader, &map, names);
    let verdicts = map.get("verdicts").and_then(|node| verdicts(reader, node));
    let counts = counts(reader, &map, &measure, names.neighbours.executions);
    let need = HistoryNeed { measure, by: by?, window: window?, scopes: scopes?, verdicts, counts: counts? };
    granted_verdicts(reader, &map, &need);
    let field = source::field(reader, &map, need, names)?;
    let tests = tests(reader, &map, &field, names);
    (reader.count() == before && !tests.is_empty()).then_some(Asked { field, tests })
}

/// What is measured, and the entry that says so.
fn measure<'n>(reader: &mut Reader<'_>, map: &Map<'n>) -> Option<(Measure, &'n Entry)> {
    let mut found = map.entries.iter().filter(|entry| MEASURES.contains(&&*entry.key));
    let Some(entry) = found.next() else {
        let help = "add `count:`, `sum:`, `distinct:` or `last:`";
        reader.fault(Code::MissingKey, map.span, "`history` measures nothing", help);
        return None;
    };
    if let Some(second) = found.next() {
        let message = format!("`history` measures `{}` already", entry.key);
        let help = "one question measures one thing: use `all:` with a question for each";
        reader.fault(Code::Contradiction, second.key_span, message, help);
        return None;
    }
    let measure = match &*entry.key {
        "count" => count(reader, &entry.value)?,
        "sum" => Measure::Sum(named(reader, &entry.value, ("sum", "money."))?),
        "distinct" => Measure::Distinct(named(reader, &entry.value, ("distinct", "metadata."))?),
        _ => Measure::Last,
    };
    Some((measure, entry))
}

fn count(reader: &mut Reader<'_>, node: &Node) -> Option<Measure> {
    let text = reader.text(node, "`count`")?;
    match (text, text.strip_prefix("fact.")) {
        ("calls", _) => Some(Measure::Calls),
        ("rejected", _) => Some(Measure::Rejected),
        (_, Some(kind)) => {
            literal::named(reader, (node.span, kind), "the kind of a fact", FactKind::new).map(Measure::Fact)
        }
        _ => {
            let help = "write `calls`, `rejected`, or `fact.` and the kind of a fact";
            reader.fault(Code::UnknownValue, node.span, format!("`count` cannot be `{text}`"), help);
            None
        }
    }
}

/// A name that must have a prefix, without it.
fn named(reader: &mut Reader<'_>, node: &Node, (key, prefix): (&str, &str)) -> Option<Arc<str>> {
    let text = reader.text(node, &format!("`{key}`"))?;
    if let Some(name) = text.strip_prefix(prefix) {
        return Some(name.into());
    }
    let help = format!("write `{key}: {prefix}NAME`");
    reader.fault(Code::UnknownValue, node.span, format!("`{key}` cannot be `{text}`"), help);
    None
}

/// Keys that say nothing about what is measured.
fn misplaced(reader: &mut Reader<'_>, map: &Map<'_>, measure: &Measure, measured: &Entry) {
    let (misplaced, why): (&[&str], _) = match measure {
        Measure::Calls | Measure::Sum(_) | Measure::Distinct(_) => (&[], ""),
        Measure::Rejected => (&["verdicts", "counts"], "a rejected step has no verdict"),
        Measure::Fact(_) => (&["scopes", "verdicts", "counts"], "a fact belongs to a user, and to no call"),
        Measure::Last => (
            &["over", "per", "zone", "since", "eq", "lt", "lte", "gt", "gte", "between"],
            "`last` looks at all that is kept, and asks with `before`",
        ),
    };
    for entry in map.entries.iter().filter(|entry| misplaced.contains(&&*entry.key)) {
        let message = format!("`{}` does not go with `{}`: {why}", entry.key, measured.inline());
        reader.fault(Code::UnknownKey, entry.key_span, message, "remove it");
    }
}

/// Whose past: what belongs to a user needs no `by`.
fn by(reader: &mut Reader<'_>, map: &Map<'_>, measure: &Measure, place: Place) -> Option<BTreeSet<Subject>> {
    let is_users = matches!(measure, Measure::Rejected | Measure::Fact(_));
    let node = match map.get("by") {
        None if is_users => return Some(BTreeSet::from([Subject::User])),
        None => reader.required(map, "by", "`history`")?,
        Some(node) => node,
    };
    let items = reader.one_or_more(node, "`by`")?;
    let mut named = Vec::with_capacity(items.len());
    let mut found = BTreeSet::new();
    for item in items {
        let Some(text) = reader.text(item, "`by`") else { continue };
        named.push((item.span, text));
        found.extend(subject(reader, (item.span, text), place));
    }
    reader.refuse_repeats(&named, "`by`");
    if is_users && found != BTreeSet::from([Subject::User]) {
        let help = "write `by: user`, or leave it out";
        reader.fault(
            Code::UnknownValue,
            node.span,
            "rejections and facts are known by their user only",
            help,
        );
    }
    (found.len() == items.len()).then_some(found)
}

fn subject(reader: &mut Reader<'_>, (span, text): (Span, &str), place: Place) -> Option<Subject> {
    match (text, text.strip_prefix("metadata.")) {
        ("user", _) => Some(Subject::User),
        ("ip", _) => Some(Subject::Ip),
        ("identifier", _) => Some(Subject::Identifier),
        (_, Some(_)) if place == Place::Always => {
            let message = format!("`always.yaml` cannot look at `{text}`");
            let help = "metadata belongs to a scope: put the rule into that scope's file";
            reader.fault(Code::AlwaysReadsMetadata, span, message, help);
            None
        }
        (_, Some(name)) => Some(Subject::Metadata(name.into())),
        _ => {
            let help = did_you_mean(text, &["user", "ip", "identifier", "metadata.NAME"]);
            reader.fault(Code::UnknownValue, span, format!("`by` cannot be `{text}`"), help);
            None
        }
    }
}

fn verdicts(reader: &mut Reader<'_>, node: &Node) -> Option<BTreeSet<VerdictKind>> {
    let items = reader.one_or_more(node, "`verdicts`")?;
    let words = VerdictKind::ALL.map(VerdictKind::as_str);
    let mut named = Vec::with_capacity(items.len());
    for item in items {
        named.extend(reader.word(item, "`verdicts`", &words).map(|word| (item.span, word)));
    }
    reader.refuse_repeats(&named, "`verdicts`");
    let kinds: BTreeSet<_> = named.iter().filter_map(|(_, word)| VerdictKind::parse(word)).collect();
    Some(kinds)
}

/// What was never granted can be neither used nor executed.
fn granted_verdicts(reader: &mut Reader<'_>, map: &Map<'_>, need: &HistoryNeed) {
    let asks_for_blocks = need.verdicts.as_ref().is_some_and(|kinds| kinds.contains(&VerdictKind::Block));
    if let (true, true, Some(entry)) = (asks_for_blocks, need.counts != Counts::Asked, map.entry("verdicts"))
    {
        let message = format!("nothing that was blocked is ever {}", need.counts.as_str());
        let help = "leave `block` out, or count what was `asked`";
        reader.fault(Code::Contradiction, entry.value.span, message, help);
    }
}

/// Which calls count: it must be said, because the three differ in who can move them.
fn counts(
    reader: &mut Reader<'_>,
    map: &Map<'_>,
    measure: &Measure,
    executions: Executions,
) -> Option<Counts> {
    if matches!(measure, Measure::Rejected | Measure::Fact(_)) {
        return Some(Counts::Asked);
    }
    let Some(node) = map.get("counts") else {
        let message = "`history` does not say what is counted";
        let help = "add `counts: asked` (every call, which anyone can raise), `counts: usable` (what was or still can be \
                    executed, for limits) or `counts: executed` (for trust)";
        reader.fault(Code::MissingKey, map.span, message, help);
        return None;
    };
    match reader.word(node, "`counts`", &COUNTS)? {
        "asked" => Some(Counts::Asked),
        "usable" => Some(Counts::Usable(executions)),
        _ if executions == Executions::Unreported => {
            window::unreported(reader, node.span, "`counts: executed`");
            None
        }
        _ => Some(Counts::Executed),
    }
}

/// What the answer is compared with: at least one operator, or `before` of `last`.
fn tests(
    reader: &mut Reader<'_>,
    map: &Map<'_>,
    field: &HistoryField,
    names: Names<'_>,
) -> Vec<(Test, String)> {
    if let (Measure::Last, Some(entry)) = (&field.need.measure, map.entry("last")) {
        let asks = entry.value.inline();
        return before(reader, &entry.value).map(|test| (test, asks)).into_iter().collect();
    }
    let operators = map.entries.iter().filter(|entry| NUMBER_OPERATORS.contains(&&*entry.key));
    let mut tests = Vec::new();
    let mut found = 0;
    for operator in operators {
        found += 1;
        let test = match field.need.measure {
            Measure::Sum(_) => sum(reader, operator, field, names),
            _ => number(reader, operator, field.least(names.scopes)),
        };
        tests.extend(test.map(|test| (test, format!("{{ {} }}", operator.inline()))));
    }
    if found == 0 {
        let help = format!("add one of `{}`", NUMBER_OPERATORS.join("`, `"));
        reader.fault(Code::MissingKey, map.span, "`history` compares what it measures with nothing", help);
    }
    tests
}

fn before(reader: &mut Reader<'_>, node: &Node) -> Option<Test> {
    let map = reader.closed_map(node, "`last`", &LAST)?;
    let node = reader.required(&map, "before", "`last`")?;
    let seconds = literal::span(reader, node, "`before`", (1, window::kept()))?;
    Some(Test::Past(PastTest::LongerAgo(Duration::from_secs(seconds.into()))))
}

fn number(reader: &mut Reader<'_>, operator: &Entry, least: u8) -> Option<Test> {
    let (key, node) = (&*operator.key, &operator.value);
    let test = if key == "between" {
        decimal_between(reader, node, whole)?
    } else {
        Test::Decimal(comparison(key)?, whole(reader, node, &format!("`{key}`"))?)
    };
    if let Some(always) = settled(&test, least) {
        let itself = if least > 0 { ", since this call counts itself" } else { "" };
        let message = format!(
            "this {} true: the number is at least {least}{itself}",
            if always { "is always" } else { "is never" }
        );
        reader.fault(
            Code::HistoryMisfit,
            operator.key_span,
            message,
            "compare it with a number that tells calls apart",
        );
        return None;
    }
    Some(test)
}

fn whole(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Amount> {
    let number = literal::whole(reader, node, what, (0, NUMBER_MAX))?;
    Amount::parse(&number.to_string()).ok()
}

/// What a test of a number comes to for every number from `least` on; `None` where that depends on the number.
fn settled(test: &Test, least: u8) -> Option<bool> {
    let least = rust_decimal::Decimal::from(least);
    match test {
        Test::Decimal(Comparison::AtLeast, bound) => (bound.decimal() <= least).then_some(true),
        Test::Decimal(Comparison::Greater, bound) => (bound.decimal() < least).then_some(true),
        Test::Decimal(Comparison::Less, bound) => (bound.decimal() <= least).then_some(false),
        Test::Decimal(Comparison::AtMost | Comparison::Equal, bound) | Test::DecimalBetween(_, bound) => {
            (bound.decimal() < least).then_some(false)
        }
        _ => None,
    }
}

fn sum(reader: &mut Reader<'_>, operator: &Entry, field: &HistoryField, names: Names<'_>) -> Option<Test> {
    let (key, node) = (&*operator.key, &operator.value);
    if key != "between" {
        let (bound, currency) = literal::money(reader, node, &format!("`{key}`"))?;
        let within = source::bound(reader, (node.span, currency), field, names)?;
        return Some(Test::Past(PastTest::Sum(comparison(key)?, bound, within)));
    }
    let (low, high) = pair(reader, node)?;
    let (low, high) = (literal::money(reader, low, "`between`"), literal::money(reader, high, "`between`"));
    let ((low, currency), (high, other)) = (low?, high?);
    if currency != other {
        let help = "give both ends in one currency";
        reader.fault(Code::BadLiteral, node.span, "the ends of `between` are in two currencies", help);
        return None;
    }
    let (low, high) = in_order(reader, node.span, (low, high))?;
    let within = source::bound(reader, (node.span, currency), field, names)?;
    Some(Test::Past(PastTest::SumBetween(low, high, within)))
}
