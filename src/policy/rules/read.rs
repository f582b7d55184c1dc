//! Reading `rules:`.

use std::collections::BTreeMap;

use super::keys::{ACTIVE, ALWAYS_RULE, IF_ABSENT, RULE};
use super::{Active, OTHERWISE, Part, RULES_MAX, Rule};
use crate::domain::{RuleId, Timestamp};
use crate::policy::calendar::{end_of, start_of};
use crate::policy::condition::read::{IfAbsent, Names, Place, when};
use crate::policy::condition::{HistoryField, date};
use crate::policy::diagnostic::{Code, Span};
use crate::policy::literal;
use crate::policy::outcome::Outcome;
use crate::policy::outcome::read::OutcomeReader;
use crate::policy::reader::{Map, Truth};
use crate::policy::seen::FieldSet;
use crate::policy::yaml::Node;

/// The most characters of a message.
pub(super) const MESSAGE_CHARS_MAX: usize = 500;

/// A rule and where its parts stand.
#[derive(Debug)]
pub(crate) struct ReadRule {
    /// The rule.
    pub(crate) rule: Rule,
    /// Where its id stands.
    pub(crate) id_span: Span,
    /// The ids that it says it overrides, and where.
    pub(crate) overrides: Vec<(Span, Box<str>)>,
}

/// The rules of a file and the ids of all of them, the unreadable ones too.
#[derive(Debug, Default)]
pub(crate) struct ReadRules {
    /// In file order; a rule with a fault of its own is left out.
    pub(crate) rules: Vec<ReadRule>,
    /// Every id, and where it stands first.
    pub(crate) ids: BTreeMap<Box<str>, Span>,
}

/// Reads the list of rules. `taken` are ids of `always.yaml`, which no other file may use; `history` are the questions
/// about the past that its rules ask, to which those of this file are added.
pub(crate) fn rules(
    out: &mut OutcomeReader<'_, '_>,
    node: &Node,
    names: Names<'_>,
    taken: &BTreeMap<Box<str>, Span>,
    history: &mut Vec<HistoryField>,
) -> ReadRules {
    let mut read = ReadRules::default();
    let Some(items) = out.reader.list(node, "`rules`") else { return read };
    if items.len() > RULES_MAX {
        let message = format!("more than {RULES_MAX} rules in one file");
        out.reader.fault(Code::Limit, node.span, message, "give families of scopes files of their own");
        return read;
    }
    for item in items {
        let known = if names.place == Place::Always { &ALWAYS_RULE } else { &RULE };
        let Some(map) = out.reader.closed_map(item, "a rule", known) else { continue };
        let id = rule_id(out, &map, &mut read.ids, taken);
        if let (Some((id, id_span)), Some(parts)) = (id, parts(out, &map, names, history)) {
            let (when, then) = parts;
            let message = message(out, &map);
            let overrides = overrides(out, &map);
            let (active, part) = (active(out, &map, names.now), part(out, &map));
            let above = read.rules.last().map_or_else(FieldSet::default, |above| above.rule.looks_at);
            let (line, looks_at) = (id_span.line, above.or(FieldSet::of(&when)));
            let rule = Rule { id, when, then, message, line, looks_at, active, part };
            read.rules.push(ReadRule { rule, id_span, overrides });
        }
    }
    read
}

fn rule_id(
    out: &mut OutcomeReader<'_, '_>,
    map: &Map<'_>,
    ids: &mut BTreeMap<Box<str>, Span>,
    taken: &BTreeMap<Box<str>, Span>,
) -> Option<(RuleId, Span)> {
    let node = out.reader.required(map, "id", "a rule")?;
    let id = literal::name(out.reader, node, "the id of a rule", RuleId::new)?;
    let text = id.as_str();
    if text == OTHERWISE {
        let message = "no rule may be called `otherwise`";
        let help = "records use that word where no rule decided: choose another id";
        out.reader.fault(Code::ReservedRule, node.span, message, help);
    }
    let elsewhere = taken.contains_key(text).then_some("always.yaml");
    let earlier = ids.get(text).map(|span| format!("line {}", span.line));
    if let Some(place) = elsewhere.map(str::to_owned).or(earlier) {
        let message = format!("there is a rule `{text}` already, in {place}");
        let help = "a record names the rule that decided by its id: choose another";
        out.reader.fault(Code::DuplicateRule, node.span, message, help);
    }
    ids.entry(text.into()).or_insert(node.span);
    Some((id, node.span))
}

fn parts(
    out: &mut OutcomeReader<'_, '_>,
    map: &Map<'_>,
    names: Names<'_>,
    history: &mut Vec<HistoryField>,
) -> Option<(super::Condition, Outcome)> {
    let if_absent = map.get("if_absent").filter(|_| names.place == Place::Scopes).and_then(|node| {
        let word = out.reader.word(node, "`if_absent`", &IF_ABSENT)?;
        Some((if word == "match" { IfAbsent::Match } else { IfAbsent::NoMatch }, node.span))
    });
    let condition = out.reader.required(map, "when", "a rule");
    let condition = condition.and_then(|node| when(out.reader, node, names, if_absent, history));
    let then = out.reader.required(map, "then", "a rule");
    let then = then.and_then(|node| Some((out.outcome(node, "`then`")?, node.span)));
    let (condition, (then, then_span)) = (condition?, then?);
    if names.place == Place::Always && then != Outcome::Block {
        let message = "a rule of `always.yaml` can only block";
        let help = "write `then: block`, or put the rule into a scope's file";
        out.reader.fault(Code::AlwaysOnlyBlocks, then_span, message, help);
    }
    Some((condition, then))
}

fn message(out: &mut OutcomeReader<'_, '_>, map: &Map<'_>) -> Option<Box<str>> {
    let node = map.get("message")?;
    let text = out.reader.text(node, "`message`")?;
    if text.chars().count() > MESSAGE_CHARS_MAX {
        let message = format!("`message` has more than {MESSAGE_CHARS_MAX} characters");
        out.reader.fault(Code::Limit, node.span, message, "shorten it");
    }
    Some(text.into())
}

/// The days on which a rule is there, in UTC, both included. A rule with a fault here is read on as if it always were.
fn active(out: &mut OutcomeReader<'_, '_>, map: &Map<'_>, now: Option<Timestamp>) -> Active {
    let Some(node) = map.get("active") else { return Active::default() };
    let Some(map) = out.reader.closed_map(node, "`active`", &ACTIVE) else {
        return Active::default();
    };
    let mut day = |key: &str| map.get(key).and_then(|node| date(out.reader, node, key));
    let active = Active { from: day("from").map(start_of), until: day("until").map(end_of) };
    if let (Some(from), Some(until)) = (active.from, active.until)
        && from >= until
    {
        let help = "swap the two; both days are included";
        out.reader.fault(Code::OutOfRange, map.span, "`from` is after `until`", help);
    } else if now.zip(active.until).is_some_and(|(now, until)| until <= now)
        && let Some(entry) = map.entry("until")
    {
        let help = "remove the rule, or give it another `until`";
        out.reader.warning(Code::Expired, entry.value.span, "the rule is over: its last day is past", help);
    }
    active
}

fn part(out: &mut OutcomeReader<'_, '_>, map: &Map<'_>) -> Part {
    let observes = map.get("observe").and_then(|node| out.reader.truth(node, "`observe`"));
    if observes == Some(Truth::Yes) { Part::Observes } else { Part::Decides }
}

fn overrides(out: &mut OutcomeReader<'_, '_>, map: &Map<'_>) -> Vec<(Span, Box<str>)> {
    let Some(node) = map.get("overrides") else { return Vec::new() };
    let Some(items) = out.reader.some_list(node, "`overrides`") else { return Vec::new() };
    let texts: Vec<_> = items
        .iter()
        .filter_map(|item| out.reader.text(item, "a rule of `overrides`").map(|text| (item.span, text)))
        .collect();
    out.reader.refuse_repeats(&texts, "`overrides`");
    texts.into_iter().map(|(span, text)| (span, text.into())).collect()
}
