//! Reading tests: what they name must be there, or a test would go on saying nothing after a rename.

use std::collections::HashMap;

use super::keys::{EXPECT, TEST};
use super::{Case, Expect};
use crate::domain::{Facts, MANAGED_STEPS, Reason};
use crate::policy::bundle::Bundle;
use crate::policy::diagnostic::{Code, Diagnostic, Span};
use crate::policy::given::{given, history};
use crate::policy::outcome::keys::VERDICTS;
use crate::policy::reader::Reader;
use crate::policy::request::request;
use crate::policy::rules::OTHERWISE;
use crate::policy::source::SourceFile;
use crate::policy::suggest::did_you_mean;
use crate::policy::yaml::{self, Kind, Node};

/// The tests of one file, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct ReadCases {
    pub(super) cases: Vec<Case>,
    pub(super) found: Vec<Diagnostic>,
}

/// Reads a file of tests for a bundle.
pub(super) fn cases(file: &SourceFile, bundle: &Bundle) -> ReadCases {
    let root = match yaml::parse(file) {
        Ok(root) => root,
        Err(found) => return ReadCases { cases: Vec::new(), found },
    };
    let mut reader = Reader::new(file);
    let mut names = HashMap::new();
    let mut cases = Vec::new();
    for item in reader.some_list(&root, "a file of tests").unwrap_or_default() {
        cases.extend(case(&mut reader, item, bundle, &mut names));
    }
    let found = reader.into_findings();
    #[cfg(test)]
    if found.is_empty() {
        crate::policy::grammar::tests::expect_fits("tests", &root);
    }
    ReadCases { cases, found }
}

fn case<'n>(
    reader: &mut Reader<'_>,
    node: &'n Node,
    bundle: &Bundle,
    names: &mut HashMap<&'n str, usize>,
) -> Option<Case> {
    let map = reader.closed_map(node, "a test", &TEST)?;
    let name = reader.required(&map, "name", "a test");
    let name = name.and_then(|node| Some((node.span, reader.text(node, "the name of a test")?)));
    if let Some((span, text)) = name {
        if let Some(line) = names.get(text) {
            let message = format!("there is a test `{text}` already, in line {line}");
            reader.fault(Code::DuplicateItem, span, message, "say how the two differ");
        }
        names.entry(text).or_insert(span.line);
    }
    let facts = reader.required(&map, "request", "a test");
    let facts = facts.and_then(|node| Some((request(reader, node)?, node)));
    let given = match (map.get("given"), &facts) {
        (Some(node), Some((facts, _))) => given(reader, node, bundle, facts),
        // What an event leaves out is as in the request: without that, nothing can be said about it.
        _ => Some(Vec::new()),
    };
    let expect = reader.required(&map, "expect", "a test");
    let expect =
        expect.and_then(|node| expectation(reader, node, bundle, facts.as_ref().map(|(facts, _)| facts)));
    let ((span, name), (facts, facts_node), expect, given) = (name?, facts?, expect?, given?);
    if expect.reason.as_deref() != Some(&*Reason::ScopeNotCovered.to_string()) {
        covered_scope(reader, &facts, facts_node, bundle);
    }
    let history = history(bundle, &facts, &given);
    Some(Case { file: reader.file_name().into(), line: span.line, name: name.into(), facts, history, expect })
}

fn covered_scope(reader: &mut Reader<'_>, facts: &Facts, node: &Node, bundle: &Bundle) {
    let scopes = bundle.scopes();
    if scopes.contains(&&facts.scope) {
        return;
    }
    let known: Vec<_> = scopes.iter().map(|scope| scope.as_str()).collect();
    let message = format!("no file covers the scope `{}`", facts.scope);
    let help = format!(
        "to test just that, add `reason: {}` to `expect`; or {}",
        Reason::ScopeNotCovered,
        did_you_mean(facts.scope.as_str(), &known)
    );
    reader.fault(Code::UnknownScope, span_of(node, "scope"), message, help);
}

fn span_of(node: &Node, key: &str) -> Span {
    let entries = if let Kind::Map(entries) = &node.kind { entries.as_slice() } else { &[] };
    entries.iter().find(|entry| &*entry.key == key).map_or(node.span, |entry| entry.value.span)
}

fn expectation(
    reader: &mut Reader<'_>,
    node: &Node,
    bundle: &Bundle,
    facts: Option<&Facts>,
) -> Option<Expect> {
    let map = reader.closed_map(node, "`expect`", &EXPECT)?;
    let verdict = reader.required(&map, "verdict", "`expect`");
    let verdict = verdict.and_then(|node| reader.word(node, "`verdict`", &VERDICTS));
    let rule = map.get("rule").and_then(|node| rule(reader, node, bundle, facts));
    let reason = map.get("reason").and_then(|node| reader.text(node, "`reason`"));
    let steps = map.get("steps").and_then(|node| steps(reader, node, bundle));
    if let (Some(word @ ("continue" | "block")), Some([_, ..])) = (verdict, steps.as_deref()) {
        let message = format!("a `{word}` has no steps");
        let help = "expect `review`, or remove `steps`";
        reader.fault(Code::Contradiction, span_of(node, "steps"), message, help);
    }
    Some(Expect { verdict: verdict?.into(), rule, reason: reason.map(Into::into), steps })
}

/// A rule that the request could meet. Without a readable request, nobody can say which those are.
fn rule(reader: &mut Reader<'_>, node: &Node, bundle: &Bundle, facts: Option<&Facts>) -> Option<Box<str>> {
    let text = reader.text(node, "`rule`")?;
    let Some(policy) = facts.and_then(|facts| bundle.policy(&facts.scope)) else { return Some(text.into()) };
    let rules = bundle.always().iter().chain(&policy.rules);
    let known: Vec<_> = rules.map(|rule| rule.id.as_str()).chain([OTHERWISE]).collect();
    if known.contains(&text) {
        return Some(text.into());
    }
    let message = format!("no rule `{text}` decides about this scope");
    reader.fault(Code::UnknownRule, node.span, message, did_you_mean(text, &known));
    None
}

fn steps(reader: &mut Reader<'_>, node: &Node, bundle: &Bundle) -> Option<Vec<Box<str>>> {
    let items = reader.list(node, "`steps`")?;
    let custom = bundle.custom_steps();
    let known: Vec<_> = MANAGED_STEPS.into_iter().chain(custom.iter().map(|key| key.as_str())).collect();
    let mut steps = Vec::with_capacity(items.len());
    for item in items {
        let Some(text) = reader.text(item, "a step") else { continue };
        if !known.contains(&text) {
            let message = format!("there is no step `{text}`");
            reader.fault(Code::UnknownStep, item.span, message, did_you_mean(text, &known));
        }
        steps.push(text.into());
    }
    Some(steps)
}
