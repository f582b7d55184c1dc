//! The reference of docs/POLICIES.md: the tables stand in it, in the places that the page gives them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{agree, in_repository, tables};
use crate::policy::grammar::{Choice, Form, Key, Need, Shape, Table};

const PAGE: &str = "docs/POLICIES.md";
/// Begins a line that asks for tables by their names.
const TABLES: &str = "<!-- tables: ";
/// A line that asks for the forms of texts.
const FORMS: &str = "<!-- forms -->";
/// A line that ends what is written here.
const END: &str = "<!-- end -->";
/// Where the forms stand.
const FORMS_ANCHOR: &str = "#forms";

#[test]
fn the_reference_is_what_the_tables_say() {
    let page = std::fs::read_to_string(in_repository(PAGE)).expect("the page is there");
    let tables = tables();
    let mut expected = String::new();
    let mut shown = BTreeSet::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        writeln!(expected, "{line}").expect("memory");
        let mut written = String::new();
        if let Some(names) = line.strip_prefix(TABLES).and_then(|rest| rest.strip_suffix(" -->")) {
            for name in names.split(", ") {
                let table = tables.get(name).unwrap_or_else(|| panic!("{PAGE}: there is no table {name}"));
                assert!(shown.insert(name), "{PAGE}: {name} stands there twice");
                written += &section(table);
            }
        } else if line == FORMS {
            written = forms();
        } else {
            continue;
        }
        write!(expected, "{written}\n{END}\n").expect("memory");
        assert!(lines.any(|line| line == END), "{PAGE}: nothing ends {line}");
    }
    agree(PAGE, &expected);
    let told: BTreeSet<_> = shown.iter().flat_map(|name| texts(tables[name])).collect();
    let untold: Vec<_> =
        tables.values().flat_map(|table| texts(table)).filter(|text| !told.contains(text)).collect();
    assert_eq!(untold, [], "{PAGE} has no place for these");
}

/// What is said of each key. Two tables that say the same of a key need one place only.
fn texts(table: &Table) -> impl Iterator<Item = (&'static str, &'static str)> {
    table.keys().map(|key| (key.name, key.doc))
}

fn section(table: &Table) -> String {
    let mut text = format!("\n### {}\n\n{}", table.title, table.doc);
    let names = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match table.choice {
        Choice::Free => {}
        Choice::One(chosen) => write!(text, " Exactly one of {}.", names(chosen)).expect("memory"),
        Choice::Some(chosen) => write!(text, " At least one of {}.", names(chosen)).expect("memory"),
    }
    text += "\n\n| key | value | what it says |\n|---|---|---|\n";
    table.keys().for_each(|key| text += &row(key));
    text
}

fn row(key: &Key) -> String {
    let need = match key.need {
        Need::Required => "; required",
        Need::Depends => "; required by some keys",
        Need::Optional => "",
    };
    format!("| `{}` | {}{need} | {} |\n", key.name, words(&key.shape), key.doc)
}

/// A shape as the reference writes it.
fn words(shape: &Shape) -> String {
    let quoted = |words: &[&str]| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    match shape {
        Shape::Text(_) => "text".to_owned(),
        Shape::Plain => "text, or `\"\"`".to_owned(),
        Shape::Form(form) => name(form),
        Shape::Whole(least, most) => format!("whole number, {least} to {most}"),
        Shape::Words(known) => quoted(known),
        Shape::Truth => quoted(&["true", "false"]),
        Shape::List(item) | Shape::SomeList(item) => format!("list of {}", words(item)),
        Shape::OneOrMore(item) => format!("{}, or a list of them", words(item)),
        Shape::Ends(item) => format!("`[LOW, HIGH]`, each {}", words(item)),
        Shape::MapOf(names, values) => format!("map of {} to {}", name(names), words(values)),
        Shape::Keys(table) => format!("[{}](#{})", table.title, anchor(table.title)),
        Shape::AnyOf(shapes) => shapes.iter().map(words).collect::<Vec<_>>().join(" or "),
    }
}

fn name(form: &Form) -> String {
    format!("[{}]({FORMS_ANCHOR})", form.name)
}

/// The anchor that Markdown gives a heading.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-');
    heading.to_lowercase().chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn forms() -> String {
    let mut found = BTreeSet::new();
    let tables = tables();
    tables.values().flat_map(|table| table.keys()).for_each(|key| collect(&key.shape, &mut found));
    let rows: String = found.iter().map(|(name, doc)| format!("| {name} | {doc} |\n")).collect();
    format!("\n| form | what it looks like |\n|---|---|\n{rows}")
}

fn collect(shape: &Shape, found: &mut BTreeSet<(&'static str, &'static str)>) {
    match shape {
        Shape::Form(form) => _ = found.insert((form.name, form.doc)),
        Shape::List(inner) | Shape::SomeList(inner) | Shape::OneOrMore(inner) | Shape::Ends(inner) => {
            collect(inner, found);
        }
        Shape::MapOf(names, inner) => {
            found.insert((names.name, names.doc));
            collect(inner, found);
        }
        Shape::AnyOf(shapes) => shapes.iter().for_each(|shape| collect(shape, found)),
        _ => {}
    }
}
