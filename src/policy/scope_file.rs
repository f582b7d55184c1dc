//! Scope files and `always.yaml`, read whole and held against the laws.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::condition::read::{Names, Place};
use super::condition::{HistoryField, Program};
use super::diagnostic::{Code, Span};
use super::grants::Neighbours;
use super::laws::{self, Effort, Subject};
use super::lists::read::ReadLists;
use super::literal;
use super::outcome::Outcome;
use super::outcome::read::OutcomeReader;
use super::rates::Rates;
use super::rates::read::ReadRates;
use super::reader::{Map, Reader};
use super::rules::Rule;
use super::rules::read::{ReadRules, rules};
use super::schema::Schema;
use super::schema::read::{ReadSchema, schema};
use super::steps::read::ReadSteps;
use super::yaml::{Kind, Node};
use crate::domain::{Needs, Scope, Timestamp};
use keys::{ALWAYS, SCOPE_FILE};

pub(crate) mod keys;

/// The most scopes of one file.
const SCOPES_MAX: usize = 1000;
/// Scopes that Prelude resolves itself (docs/CONTRACT.md C1).
const NEVER_ASKED: [&str; 2] = ["prld:phone:register", "prld:email:register"];

/// What happens to requests for some scopes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ScopePolicy {
    /// What the page may send, and what is asked about the past.
    pub(crate) schema: Schema,
    /// What must be known of the past to decide, in the order of the schema's questions.
    pub(crate) needs: Needs,
    /// First match decides.
    pub(crate) rules: Vec<Rule>,
    /// The place of the first of them in the bundle.
    pub(crate) first_place: usize,
    /// Their conditions as they are evaluated.
    pub(crate) program: Program,
    /// Decides when no rule matches.
    pub(crate) otherwise: Outcome,
    /// The file that says so.
    pub(crate) file: Box<str>,
    /// The line of its `otherwise`, from 1.
    pub(crate) otherwise_line: usize,
    /// The rates without which its rules cannot decide; `None` where no rule that decides converts money.
    pub(crate) needed_rates: Option<Arc<Rates>>,
}

impl ScopePolicy {
    /// The rates by which one of the rules converts money, one that only observes too; `None` where none does.
    pub(crate) fn rates(&self) -> Option<&Arc<Rates>> {
        self.rules.iter().find_map(|rule| rule.when.rates())
    }
}

/// What the files of a bundle share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shared<'s> {
    /// Its steps.
    pub(crate) steps: &'s ReadSteps,
    /// Its lists.
    pub(crate) lists: &'s ReadLists<'s>,
    /// Its exchange rates.
    pub(crate) rates: &'s ReadRates,
    /// What its files tell each other for questions about the past.
    pub(crate) neighbours: &'s Neighbours<'s>,
    /// When it is loaded; `None` for a bundle that was in force once and is only read again.
    pub(crate) now: Option<Timestamp>,
}

/// The rules before every scope.
#[derive(Debug, Default)]
pub(crate) struct ReadAlways {
    /// What could be read.
    pub(crate) rules: ReadRules,
    /// What they ask about the past, each question once.
    pub(crate) history: Vec<HistoryField>,
}

/// Reads `scopes:` alone: which scopes a file claims must be known before any rule is read.
pub(crate) fn scopes(reader: &mut Reader<'_>, root: &Node) -> Vec<(Scope, Span)> {
    let Some(map) = reader.closed_map(root, "the file", &SCOPE_FILE) else { return Vec::new() };
    let Some(node) = reader.required(&map, "scopes", "the file") else { return Vec::new() };
    let Some(items) = reader.some_list(node, "`scopes`") else { return Vec::new() };
    if items.len() > SCOPES_MAX {
        let message = format!("more than {SCOPES_MAX} scopes in one file");
        reader.fault(Code::Limit, node.span, message, "split the file");
        return Vec::new();
    }
    let mut found = Vec::with_capacity(items.len());
    for item in items {
        if let Some(scope) = literal::name(reader, item, "a scope", Scope::new) {
            if NEVER_ASKED.contains(&scope.as_str()) {
                let message = format!("Prelude resolves `{scope}` itself and never asks");
                reader.warning(Code::ScopeNeverAsked, item.span, message, "remove it");
            }
            found.push((scope, item.span));
        }
    }
    found
}

/// Reads the rest of a scope file; `None` when there is nothing to decide by. A file with other faults is read on, so
/// what is returned is good only if the reader found no error.
pub(crate) fn policy(
    reader: &mut Reader<'_>,
    root: &Node,
    scopes: &[Scope],
    shared: Shared<'_>,
    always: &ReadAlways,
) -> Option<ScopePolicy> {
    // `scopes` complained about anything that is no map and about unknown keys.
    let Kind::Map(entries) = &root.kind else { return None };
    if entries.is_empty() {
        return None;
    }
    let map = Map { span: root.span, entries };
    if let Some(node) = map.get("description") {
        reader.text(node, "`description`");
    }
    let mut read = schema(reader, &map);
    let names = Names::of(shared, &read, scopes, Place::Scopes);
    let mut history = always.history.clone();
    let mut grants = Vec::new();
    let mut out = OutcomeReader { reader, steps: shared.steps, grants: &mut grants };
    let read_rules = match map.get("rules") {
        Some(node) => rules(&mut out, node, names, &always.rules.ids, &mut history),
        None => ReadRules::default(),
    };
    let otherwise = out.reader.required(&map, "otherwise", "the file");
    let otherwise = otherwise.and_then(|node| Some((out.outcome(node, "`otherwise`")?, node.span)));
    read.schema.history = history;
    let effort = Effort::default();
    let subject = Subject {
        scopes,
        schema: &read.schema,
        rules: &read_rules,
        otherwise: otherwise.as_ref().map(|(outcome, span)| (outcome, *span)),
        grants: &grants,
        effort: &effort,
    };
    laws::check(reader, subject);
    let (otherwise, otherwise_span) = otherwise?;
    let rules: Vec<Rule> = read_rules.rules.into_iter().map(|read| read.rule).collect();
    let (file, otherwise_line) = (reader.file_name().into(), otherwise_span.line);
    let needs = Needs::new(read.schema.history.iter().map(|field| field.need.clone()));
    let mut deciding = rules.iter().filter(|rule| !rule.observes());
    let needed_rates = deciding.find_map(|rule| rule.when.rates()).cloned();
    let program = Program::of(rules.iter().map(|rule| &rule.when));
    Some(ScopePolicy {
        schema: read.schema,
        needs,
        rules,
        // The bundle knows who stands before them.
        first_place: 0,
        program,
        otherwise,
        file,
        otherwise_line,
        needed_rates,
    })
}

/// Reads `always.yaml`.
pub(crate) fn always(
    reader: &mut Reader<'_>,
    root: &Node,
    all_scopes: &[Scope],
    shared: Shared<'_>,
) -> ReadAlways {
    let Some(map) = reader.closed_map(root, "`always.yaml`", &ALWAYS) else {
        return ReadAlways::default();
    };
    if let Some(node) = map.get("description") {
        reader.text(node, "`description`");
    }
    let Some(node) = reader.required(&map, "rules", "`always.yaml`") else { return ReadAlways::default() };
    let mut schema = ReadSchema::default();
    let names = Names::of(shared, &schema, all_scopes, Place::Always);
    let mut history = Vec::new();
    let mut grants = Vec::new();
    let mut out = OutcomeReader { reader, steps: shared.steps, grants: &mut grants };
    let rules = rules(&mut out, node, names, &BTreeMap::new(), &mut history);
    schema.schema.history.clone_from(&history);
    let (schema, grants) = (&schema.schema, &*grants);
    laws::check_always(
        reader,
        Subject {
            scopes: all_scopes,
            schema,
            rules: &rules,
            otherwise: None,
            grants,
            effort: &Effort::default(),
        },
    );
    ReadAlways { rules, history }
}
