//! Readers, schema and reference say the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::*;
use crate::domain::MANAGED_STEPS;
use crate::policy::condition::{Field, keys::CONDITION};
use crate::policy::steps::keys::MANAGED;

mod changes;
mod evaluate;
mod reference;

pub(in crate::policy) use evaluate::{expect_file_fits, expect_fits};

/// Every table that files can lead to, by name.
fn tables() -> BTreeMap<&'static str, &'static Table> {
    let mut found = BTreeMap::new();
    FileKind::ALL.iter().for_each(|kind| collect(&kind.shape(), &mut found));
    found
}

fn collect(shape: &Shape, found: &mut BTreeMap<&'static str, &'static Table>) {
    match shape {
        Shape::List(inner)
        | Shape::SomeList(inner)
        | Shape::OneOrMore(inner)
        | Shape::Ends(inner)
        | Shape::MapOf(_, inner) => collect(inner, found),
        Shape::AnyOf(shapes) => shapes.iter().for_each(|shape| collect(shape, found)),
        Shape::Keys(table) => match found.insert(table.name, table) {
            None => table.keys().for_each(|key| collect(&key.shape, found)),
            Some(earlier) => assert!(std::ptr::eq(earlier, *table), "two tables called {}", table.name),
        },
        _ => {}
    }
}

fn in_repository(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// Compares a file of the repository with what the tables say, or writes it.
fn agree(file: &str, expected: &str) {
    let path = in_repository(file);
    // Asked while it is compiled: nobody but `config` reads the environment.
    if option_env!("UPDATE_DOCS").is_some() {
        std::fs::write(&path, expected).expect("the repository can be written");
    }
    let actual = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        actual == expected,
        "{file} differs: write it with `UPDATE_DOCS=1 cargo test --lib policy::grammar`"
    );
}

#[test]
fn the_schemas_beside_the_shipped_files_are_what_the_tables_say() {
    for kind in FileKind::ALL {
        let file = format!("policies/.schema/{}.json", kind.name());
        agree(&file, &format!("{:#}\n", json_schema(&[kind])));
    }
    let files = std::fs::read_dir(in_repository("policies/.schema")).expect("a directory").count();
    assert_eq!(files, FileKind::ALL.len());
}

#[test]
fn every_text_is_made_of_sentences() {
    let tables = tables();
    let keys = tables.values().flat_map(|table| table.keys().map(|key| (key.name, key.doc)));
    for (name, doc) in keys.chain(tables.values().map(|table| (table.name, table.doc))) {
        assert!(
            doc.ends_with('.') && doc.starts_with(|c: char| c.is_uppercase() || c == '`'),
            "{name}: {doc}"
        );
        assert!(!doc.contains("  ") && doc.matches('`').count() % 2 == 0, "{name}: {doc}");
    }
}

#[test]
fn no_table_has_a_key_twice_and_every_choice_is_among_the_keys() {
    for table in tables().values() {
        let mut names = table.names();
        let chosen = match table.choice {
            Choice::Free => &[],
            Choice::One(chosen) | Choice::Some(chosen) => chosen,
        };
        assert!(chosen.iter().all(|name| names.contains(name)), "{}", table.name);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), table.names().len(), "{}", table.name);
    }
}

#[test]
fn conditions_have_the_fields_that_there_are() {
    let own = ["all", "any", "not", "history", "metadata.NAME", "money.NAME"];
    let mut told: Vec<_> = CONDITION.names().into_iter().filter(|name| !own.contains(name)).collect();
    let mut read = Field::COMMON.map(|(name, _)| name);
    told.sort_unstable();
    read.sort_unstable();
    assert_eq!(told, read);
}

#[test]
fn the_managed_steps_are_preludes() {
    assert_eq!(MANAGED.names(), MANAGED_STEPS);
}
