//! The laws that one rule cannot break alone: what rules may do to each other, and to the scope's grants.

use std::collections::HashSet;

use super::diagnostic::{Code, Span};
use super::outcome::Outcome;
use super::outcome::read::GrantPlace;
use super::reader::Reader;
use super::rules::read::{ReadRule, ReadRules};
use super::rules::{Part, Rule};
use super::schema::Schema;
use super::suggest::did_you_mean;
use crate::domain::{GrantMode, Scope};

mod asking;
mod claim;
mod effort;
mod interval;
mod omission;
mod overlap;
mod places;
mod platforms;
mod shadow;

pub(crate) use effort::Effort;
use overlap::Cases;
use places::Places;

/// A scope that Prelude lets nobody have for one use only (docs/CONTRACT.md C4.3).
const NO_SINGLE_USE: &str = "prld:passkey:write";

/// A scope file as it was read, for the laws.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'s> {
    /// Its scopes.
    pub(crate) scopes: &'s [Scope],
    /// Its metadata and money.
    pub(crate) schema: &'s Schema,
    /// Its rules.
    pub(crate) rules: &'s ReadRules,
    /// What happens when none matches, and where that stands; `None` when it has a fault of its own.
    pub(crate) otherwise: Option<(&'s Outcome, Span)>,
    /// Its grants.
    pub(crate) grants: &'s [GrantPlace],
    /// What may still be spent on comparing its rules.
    pub(crate) effort: &'s Effort,
}

/// Holds a scope file against the laws.
pub(crate) fn check(reader: &mut Reader<'_>, subject: Subject<'_>) {
    let rules = &subject.rules.rules;
    let cases: Vec<Cases<'_>> = rules.iter().map(|read| cases_of(&read.rule, subject)).collect();
    grant_modes(reader, subject);
    overrides(reader, subject.rules);
    continue_above_block(reader, rules, &cases);
    let mut places = Places::of(subject, &cases);
    omission::check(reader, subject, &mut places);
    asking::check(reader, &mut places);
    shadow::check(reader, subject, &cases);
    platforms::check(reader, subject, &cases);
    spent(reader, subject);
    if let Some((outcome, span)) = subject.otherwise
        && outcome.may_continue()
    {
        let message = "whoever matches no rule continues";
        let help = "write `otherwise: block`, and a last rule for those who may continue";
        reader.warning(Code::OtherwiseContinues, span, message, help);
    }
}

/// Holds `always.yaml` against the laws that rules can break which only block.
pub(crate) fn check_always(reader: &mut Reader<'_>, subject: Subject<'_>) {
    let rules = &subject.rules.rules;
    let cases: Vec<Cases<'_>> = rules.iter().map(|read| cases_of(&read.rule, subject)).collect();
    asking::check_blocks(reader, rules, &cases);
    spent(reader, subject);
}

/// What could not be compared any more was taken for the worst, and is refused whatever came of it.
fn spent(reader: &mut Reader<'_>, subject: Subject<'_>) {
    if subject.effort.is_spent() {
        let message = "the rules of this file are too many and too wide to be held against each other";
        let help = "split the file, or the conditions with many branches: until then, what is said of the order of its \
                    rules may be too strict";
        reader.fault(Code::Limit, Span::START, message, help);
    }
}

/// The cases in which a rule decides: none for one that only observes. When a rule is active is not taken into account,
/// as if it always were.
fn cases_of<'s>(rule: &'s Rule, subject: Subject<'s>) -> Cases<'s> {
    match rule.part {
        Part::Decides => Cases::of(&rule.when, subject),
        Part::Observes => Cases::none(&rule.when, subject),
    }
}

/// A verdict that looked at an amount is for that amount: its grant must not be good for another one.
fn grant_modes(reader: &mut Reader<'_>, subject: Subject<'_>) {
    let reads = reads_metadata(subject);
    let needs_wider = subject.scopes.iter().any(|scope| scope.as_str() == NO_SINGLE_USE);
    for grant in subject.grants {
        let is_single = grant.mode == GrantMode::SingleUse;
        if reads && !is_single {
            let message = format!("`{}` would outlive what was decided", grant.mode.as_str());
            let help = "rules of this file look at metadata or money, so its grants are `single-use`: a verdict about \
                        one amount must not be good for another";
            reader.fault(Code::GrantMode, grant.span, message, help);
        }
        if needs_wider && is_single {
            let message = format!("Prelude does not grant `{NO_SINGLE_USE}` for a single use");
            let help = "write `session-bound` or `profile-bound`, and look at no metadata in this file";
            reader.fault(Code::GrantMode, grant.span, message, help);
        }
    }
}

fn reads_metadata(subject: Subject<'_>) -> bool {
    subject.rules.rules.iter().any(|read| {
        let mut found = false;
        read.rule.when.each_leaf(&mut |leaf| found |= leaf.field.reads_metadata(subject.schema));
        found
    })
}

/// `overrides` must name later rules that block: anything else would look like a decision and be none.
fn overrides(reader: &mut Reader<'_>, read: &ReadRules) {
    let known: Vec<&str> = read.ids.keys().map(|id| &**id).collect();
    let mut later_blocks: HashSet<&str> = read
        .rules
        .iter()
        .filter(|read| read.rule.then == Outcome::Block)
        .map(|read| read.rule.id.as_str())
        .collect();
    let readable: HashSet<&str> = read.rules.iter().map(|read| read.rule.id.as_str()).collect();
    for rule in &read.rules {
        later_blocks.remove(rule.rule.id.as_str());
        for (span, id) in &rule.overrides {
            if !read.ids.contains_key(id) {
                let message = format!("there is no rule `{id}` in this file");
                reader.fault(Code::UnknownRule, *span, message, did_you_mean(id, &known));
            } else if readable.contains(&**id)
                && !(later_blocks.contains(&**id) && rule.rule.then.may_continue())
            {
                let message = format!("`{id}` cannot be overridden here");
                let help = "`overrides` is for a rule that may continue, and names rules below it that block";
                reader.fault(Code::OverridesNothing, *span, message, help);
            }
        }
    }
}

fn continue_above_block(reader: &mut Reader<'_>, rules: &[ReadRule], cases: &[Cases<'_>]) {
    for (at, (rule, own)) in rules.iter().zip(cases).enumerate() {
        if !rule.rule.then.may_continue() {
            continue;
        }
        let later = rules.iter().zip(cases).skip(at + 1);
        let bypassed: Vec<_> = later
            .filter(|(other, theirs)| other.rule.then == Outcome::Block && !own.exclude(theirs))
            .map(|(other, _)| other.rule.id.as_str())
            .filter(|id| !rule.overrides.iter().any(|(_, named)| **named == **id))
            .collect();
        if bypassed.is_empty() {
            continue;
        }
        let message =
            format!("`{}` may continue before `{}` could block", rule.rule.id, bypassed.join("`, `"));
        let help = format!(
            "put the block above it, make the two conditions exclude each other, or say that it is meant: \
             `overrides: [{}]`",
            bypassed.join(", ")
        );
        reader.fault(Code::ContinueAboveBlock, rule.id_span, message, help);
    }
}

#[cfg(test)]
mod tests;
