//! Decision records, and what the code cites.

use std::collections::BTreeSet;

use crate::house::{File, House, backticked};

const DECISIONS: &str = "docs/decisions/";
const CONTRACT: &str = "docs/CONTRACT.md";

fn decisions(house: &House) -> impl Iterator<Item = &File> {
    house.files.iter().filter(|file| file.path.starts_with(DECISIONS))
}

/// Decision records are numbered from 0001 without gaps, and each says its status, context, decision and consequences.
pub(crate) fn decisions_are_whole(house: &House) -> Vec<String> {
    let mut offences = Vec::new();
    for (before, file) in decisions(house).enumerate() {
        let name = file.path.strip_prefix(DECISIONS).unwrap_or_default();
        let expected = format!("{:04}", before + 1);
        let rest = name.strip_prefix(&expected).and_then(|rest| rest.strip_suffix(".md"));
        if !rest.is_some_and(|rest| rest.starts_with('-') && rest.len() > 1) {
            offences.push(format!("{}: the next record is {expected}-title.md", file.at(1)));
        }
        for heading in ["## Context", "## Decision", "## Consequences"] {
            if !file.lines().any(|(_, line)| line == heading) {
                offences.push(format!("{}: has no \"{heading}\"", file.at(1)));
            }
        }
        if !file.lines().any(|(_, line)| line.starts_with("Status: ")) {
            offences.push(format!("{}: has no \"Status: …\"", file.at(1)));
        }
    }
    offences
}

/// Every dependency stands, between backticks, in a decision record.
pub(crate) fn dependencies_are_decided(house: &House) -> Vec<String> {
    let Some(manifest) = house.file("Cargo.toml") else { return vec!["there is no Cargo.toml".to_owned()] };
    let mut offences = Vec::new();
    for (line, name) in dependencies(manifest) {
        let quoted = format!("`{name}`");
        if !decisions(house).any(|file| file.text.contains(&quoted)) {
            offences.push(format!("{}: no decision record names {quoted}", manifest.at(line)));
        }
    }
    offences
}

/// The names in the manifest's tables of dependencies, each with its line.
fn dependencies(manifest: &File) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_table = false;
    for (line, text) in manifest.lines() {
        if let Some(table) = text.strip_prefix('[') {
            let table = table.trim_end_matches(']');
            let (_, after) = table.rsplit_once("dependencies").unwrap_or(("", "no"));
            in_table = after.is_empty();
            if let Some(name) = after.strip_prefix('.') {
                found.push((line, name));
            }
        } else if in_table && let Some((name, _)) = text.split_once('=') {
            found.push((line, name.split('.').next().unwrap_or(name).trim()));
        }
    }
    found.retain(|(_, name)| !name.is_empty() && !name.starts_with('#'));
    found
}

/// Every ban and every exception of `deny.toml` has a reason, which begins with a day.
pub(crate) fn reasons_are_dated(house: &House) -> Vec<String> {
    let Some(file) = house.file("deny.toml") else { return vec!["there is no deny.toml".to_owned()] };
    let entries = file.lines().filter(|(_, line)| line.trim_start().starts_with("{ "));
    let undated = entries.filter(|(_, line)| {
        !line.split_once("reason = \"").is_some_and(|(_, reason)| begins_with_a_day(reason))
    });
    undated.map(|(line, _)| format!("{}: a reason begins with a day, 2026-11-22: …", file.at(line))).collect()
}

/// `2026-11-22: `
fn begins_with_a_day(text: &str) -> bool {
    let fits = |(pattern, c): (char, char)| if pattern == '0' { c.is_ascii_digit() } else { c == pattern };
    text.chars().count() >= 12 && "0000-00-00: ".chars().zip(text.chars()).all(fits)
}

/// Cites what is not there, on purpose.
const PLANTED: &str = "tests/tidy/planted.rs";

/// What a text cites is there: every `docs/….md`, and every clause of the contract.
pub(crate) fn citations_lead_somewhere(house: &House) -> Vec<String> {
    let clauses: BTreeSet<&str> = house.file(CONTRACT).map(clauses).unwrap_or_default();
    let mut offences = Vec::new();
    for file in house.files.iter().filter(|file| file.path != PLANTED) {
        for (line, text) in file.lines() {
            for page in cited_pages(text).filter(|page| house.file(page).is_none()) {
                offences.push(format!("{}: there is no {page}", file.at(line)));
            }
            let inside = file.path == CONTRACT;
            let cited =
                if inside { Some(text) } else { text.split_once("CONTRACT.md C").map(|(_, rest)| rest) };
            for clause in cited.into_iter().flat_map(|cited| cited_clauses(cited, inside)) {
                if !clauses.contains(clause.as_str()) {
                    offences.push(format!("{}: {CONTRACT} has no {clause}", file.at(line)));
                }
            }
        }
    }
    offences
}

/// A test that a page cites, `file.rs::name` between backticks, is there.
pub(crate) fn cited_tests_exist(house: &House) -> Vec<String> {
    let mut offences = Vec::new();
    for page in house.files.iter().filter(|file| file.extension() == Some("md")) {
        for (line, text) in page.lines() {
            for (path, name) in backticked(text).into_iter().filter_map(|cited| cited.split_once(".rs::")) {
                let is_there = house.file(&format!("{path}.rs")).is_some_and(|file| has_test(file, name));
                if !is_there {
                    offences.push(format!("{}: there is no {path}.rs::{name}", page.at(line)));
                }
            }
        }
    }
    offences
}

/// Which macro makes tests of the functions that it names.
const ON_EACH_ENGINE: &str = "on_each_engine! {";

/// Whether a file has a test of that name: its own, or one that a macro of the record's tests or of the house's laws declares.
fn has_test(file: &File, name: &str) -> bool {
    let named = |(_, macro_body): (&str, &str)| macro_body.split(ends_name).any(|word| word == name);
    let on_each_engine = file.text.split_once(ON_EACH_ENGINE).is_some_and(named);
    let mut is_test = false;
    file.lines().any(|(_, line)| {
        let line = line.trim_start();
        let is_named =
            line.split_once("fn ").is_some_and(|(_, rest)| rest.strip_prefix(name).is_some_and(ends));
        let found = is_named && (is_test || on_each_engine);
        let is_attribute = line.starts_with("#[");
        is_test =
            is_attribute && (is_test || ["#[test]", "#[tokio::test"].iter().any(|it| line.starts_with(it)));
        found || line.strip_prefix(name).is_some_and(|rest| rest.starts_with(": "))
    })
}

/// Whether a name is over where the rest begins.
fn ends(rest: &str) -> bool {
    rest.chars().next().is_none_or(ends_name)
}

/// Whether a name cannot go on with this.
fn ends_name(c: char) -> bool {
    !c.is_ascii_alphanumeric() && c != '_'
}

/// Every clause of the contract has one row in the page's table of checks, which cites a test of our side or says that there is none,
/// and says how one would notice that Prelude's side differs.
pub(crate) fn clauses_are_checked(house: &House) -> Vec<String> {
    let Some(contract) = house.file(CONTRACT) else { return Vec::new() };
    let clauses = clauses(contract);
    let mut offences = Vec::new();
    let mut checked = BTreeSet::new();
    for (line, text) in contract.lines() {
        let cells: Vec<_> = text.trim_matches('|').split('|').map(str::trim).collect();
        let [clause, shown, noticed] = cells[..] else { continue };
        if !text.starts_with('|') || !clauses.contains(clause) {
            continue;
        }
        if !checked.insert(clause) {
            offences.push(format!("{}: {clause} has a row already", contract.at(line)));
        }
        let cites = backticked(shown).iter().any(|cited| cited.contains(".rs::"));
        if !cites && !shown.contains("no test: ") {
            offences.push(format!(
                "{}: {clause} cites no test, and does not say \"no test: …\"",
                contract.at(line)
            ));
        }
        if noticed.is_empty() {
            offences.push(format!("{}: {clause} does not say how one would notice", contract.at(line)));
        }
    }
    let missing = clauses.difference(&checked);
    offences
        .extend(missing.map(|clause| format!("{CONTRACT}: {clause} has no row that says how it is checked")));
    offences
}

fn clauses(contract: &File) -> BTreeSet<&str> {
    let headings = contract.lines().filter_map(|(_, line)| line.trim_start_matches('#').strip_prefix(' '));
    headings.filter_map(|heading| heading.split(' ').next()).filter(|word| is_clause(word)).collect()
}

fn is_clause(word: &str) -> bool {
    let Some(number) = word.strip_prefix('C') else { return false };
    number.starts_with(|c: char| c.is_ascii_digit()) && number.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// The pages of `docs/` that a line names.
fn cited_pages(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.match_indices("docs/").map(|(at, _)| text.split_at(at).1);
    starts.filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '/' | '-' | '_' | '.'));
        let page = rest.split_at(end.unwrap_or(rest.len())).0.trim_end_matches('.');
        page.ends_with(".md").then_some(page)
    })
}

/// The clauses that a text names; one that follows `CONTRACT.md C` has lost its letter.
fn cited_clauses(text: &str, inside: bool) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '.';
    let words = text.split(|c| !is_part(c)).map(|word| word.trim_end_matches('.'));
    if inside {
        return words.filter(|word| is_clause(word)).map(str::to_owned).collect();
    }
    let first = words.take(1).map(|word| format!("C{word}"));
    let rest = text.split(|c| !is_part(c)).skip(1).map(|word| word.trim_end_matches('.').to_owned());
    first.chain(rest).filter(|word| is_clause(word)).collect()
}
