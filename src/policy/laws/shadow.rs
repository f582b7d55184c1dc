//! Rules that can never decide: because of themselves, or of those above them.

use std::collections::{BTreeMap, BTreeSet};

use super::Subject;
use super::overlap::Cases;
use crate::policy::condition::Field;
use crate::policy::diagnostic::Code;
use crate::policy::reader::Reader;
use crate::policy::rules::read::ReadRule;
use crate::policy::rules::{Active, Part};

/// The most rules above a rule that are held against it together: bounds what a long file costs.
const ABOVE_MAX: usize = 16;

/// A rule that decides at all times, for those below it.
struct Above<'s> {
    read: &'s ReadRule,
    cases: &'s Cases<'s>,
    fields: BTreeSet<Field>,
}

/// Warns of each rule that can never decide.
pub(super) fn check(reader: &mut Reader<'_>, subject: Subject<'_>, cases: &[Cases<'_>]) {
    let mut above: Vec<Above<'_>> = Vec::new();
    let mut left_by_field = BTreeMap::new();
    let mut closed: Option<Vec<&str>> = None;
    for (read, cases) in subject.rules.rules.iter().zip(cases) {
        let id = read.rule.id.as_str();
        if let Some(names) = &closed {
            shadowed(reader, read, names);
            continue;
        }
        let fields = fields_of(read);
        if read.rule.part == Part::Decides && cases.is_impossible() {
            let message = format!("`{id}` never decides: its conditions exclude each other");
            let help =
                "compare the bounds and values of its conditions with each other and with the field's own";
            reader.warning(Code::NeverMatches, read.id_span, message, help);
            continue;
        }
        if let Some(names) = taken_by(cases, &fields, &above) {
            shadowed(reader, read, &names);
        }
        if read.rule.part == Part::Observes || read.rule.active != Active::default() {
            continue;
        }
        closed = closing(&mut left_by_field, (id, cases, &fields));
        above.push(Above { read, cases, fields });
    }
}

fn shadowed(reader: &mut Reader<'_>, read: &ReadRule, names: &[&str]) {
    let id = &read.rule.id;
    let message = match names {
        [one] => format!("`{id}` never decides: `{one}` above it takes all that it could"),
        many => format!("`{id}` never decides: `{}` above it take all that it could", many.join("`, `")),
    };
    reader.warning(Code::NeverMatches, read.id_span, message, "move it up, or remove it");
}

fn fields_of(read: &ReadRule) -> BTreeSet<Field> {
    let mut fields = BTreeSet::new();
    read.rule.when.each_leaf(&mut |leaf| _ = fields.insert(leaf.field));
    fields
}

/// The rules above that together take all requests of a rule, each of them needed. Only those are tried that look at
/// nothing but what the rule itself looks at.
fn taken_by<'s>(cases: &Cases<'_>, fields: &BTreeSet<Field>, above: &[Above<'s>]) -> Option<Vec<&'s str>> {
    let fitting = above.iter().filter(|above| above.fields.is_subset(fields));
    let mut tried: Vec<_> = fitting.take(ABOVE_MAX).collect();
    let is_empty = |tried: &[&Above<'_>]| cases.is_covered_by(tried.iter().map(|above| above.cases));
    if !is_empty(&tried) {
        return None;
    }
    for at in (0..tried.len()).rev() {
        let mut without = tried.clone();
        without.remove(at);
        if is_empty(&without) {
            tried = without;
        }
    }
    Some(tried.iter().map(|above| above.read.rule.id.as_str()).collect())
}

/// What rules that look at one field alone have left of it so far, and their names.
type Left<'s> = BTreeMap<Field, (Cases<'s>, Vec<&'s str>)>;

/// The rules that together leave nothing for those below, once this one is among them.
fn closing<'s>(
    left: &mut Left<'s>,
    (id, cases, fields): (&'s str, &'s Cases<'s>, &BTreeSet<Field>),
) -> Option<Vec<&'s str>> {
    let mut fields = fields.iter();
    match (fields.next(), fields.next()) {
        (None, _) => Some(vec![id]),
        (Some(field), None) => {
            let (rest, names) = left.entry(*field).or_insert_with(|| (cases.all(), Vec::new()));
            if names.len() < ABOVE_MAX {
                rest.take_away(cases);
                names.push(id);
            }
            rest.is_impossible().then(|| names.clone())
        }
        (Some(_), Some(_)) => None,
    }
}
