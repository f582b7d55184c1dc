//! The readers do what the tables say of their keys: shown by changing a bundle that has every key.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::evaluate::{fault, kind, seen_by_editors};
use super::{ANY_NAME, Key, Need, Shape, Table, in_repository, tables};
use crate::domain::Timestamp;
use crate::policy::diagnostic::{Code, Diagnostic};
use crate::policy::grammar::json_schema::alone;
use crate::policy::source::SourceFile;
use crate::policy::{Suite, load_files, yaml};

/// The bundle with every key.
const BUNDLE: &str = "tests/policies/everything";

/// The files of the bundle by name; its tests too.
fn files() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for folder in ["", "lists/", "tests/"] {
        let dir = in_repository(BUNDLE).join(folder);
        for entry in std::fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry")) {
            if entry.path().is_file() {
                let text = std::fs::read_to_string(entry.path()).expect("a text");
                files.insert(format!("{folder}{}", entry.file_name().display()), text);
            }
        }
    }
    files
}

/// The errors of the bundle and its tests.
fn errors(files: &BTreeMap<String, String>) -> Vec<Diagnostic> {
    let of_tests = |name: &str| name.starts_with("tests/");
    let own = files.iter().filter(|(name, _)| !of_tests(name));
    let tests = files.iter().filter(|(name, _)| of_tests(name));
    let tests: Vec<_> = tests.map(|(name, text)| SourceFile::new(name.clone(), text.clone())).collect();
    let own: Vec<_> = own.map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let loaded = load_files(own, Timestamp::from_unix_seconds(1_790_000_000))
        .and_then(|bundle| Suite::load(&tests, &bundle));
    loaded.err().map_or_else(Vec::new, |faults| faults.iter().cloned().collect())
}

/// A map in a file: where, and of which table.
struct Found {
    pointer: String,
    table: &'static Table,
}

/// Finds the maps of a value and their tables.
fn find(shape: &Shape, value: &Value, pointer: &str, found: &mut Vec<Found>) {
    match shape {
        Shape::Keys(table) => {
            found.push(Found { pointer: pointer.to_owned(), table });
            for key in table.keys() {
                members(key, value).for_each(|(name, value)| {
                    find(&key.shape, value, &format!("{pointer}/{}", escaped(name)), found);
                });
            }
        }
        Shape::MapOf(_, shape) => {
            for (name, value) in value.as_object().expect("a map") {
                find(shape, value, &format!("{pointer}/{}", escaped(name)), found);
            }
        }
        Shape::OneOrMore(shape) if !value.is_array() => find(shape, value, pointer, found),
        Shape::List(shape) | Shape::SomeList(shape) | Shape::OneOrMore(shape) | Shape::Ends(shape) => {
            for (at, value) in value.as_array().expect("a list").iter().enumerate() {
                find(shape, value, &format!("{pointer}/{at}"), found);
            }
        }
        Shape::AnyOf(shapes) => {
            let fitting = shapes.iter().find(|shape| fault(&alone(shape), value).is_none());
            find(fitting.expect("it fits one of them"), value, pointer, found);
        }
        _ => {}
    }
}

/// The members of a map that a key stands for.
fn members<'v>(key: &'static Key, value: &'v Value) -> impl Iterator<Item = (&'v String, &'v Value)> {
    let is_meant = |name: &str| match key.name.strip_suffix(ANY_NAME) {
        Some(family) => name.strip_prefix(family).is_some_and(|rest| rest.starts_with('.')),
        None => name == key.name,
    };
    value.as_object().expect("a map").iter().filter(move |(name, _)| is_meant(name))
}

/// A name as JSON pointers have it.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Each file of YAML with its tree as editors see it, and the maps in it.
fn trees(files: &BTreeMap<String, String>) -> Vec<(String, Value, Vec<Found>)> {
    let yaml = files.iter().filter(|(name, _)| name.ends_with(".yaml"));
    let tree = |(name, text): (&String, &String)| {
        let root = yaml::parse(&SourceFile::new(name.clone(), text.clone())).expect("plain YAML");
        let mut found = Vec::new();
        find(&kind(name).shape(), &seen_by_editors(&root), "", &mut found);
        (name.clone(), as_texts(&root), found)
    };
    yaml.map(tree).collect()
}

/// A tree whose texts are all in quotes, which makes no difference to Doorstep.
fn as_texts(node: &yaml::Node) -> Value {
    match &node.kind {
        yaml::Kind::Text(text) => json!(text.value),
        yaml::Kind::List(items) => items.iter().map(as_texts).collect(),
        yaml::Kind::Map(entries) => {
            entries.iter().map(|entry| (entry.key.to_string(), as_texts(&entry.value))).collect()
        }
    }
}

/// Changes one map of the bundle, and hands over each change with its errors.
fn change(
    mut each: impl FnMut(&Found, &Value) -> Vec<(&'static Key, Value)>,
    mut judge: impl FnMut(&str, &'static Key, &[Diagnostic]),
) {
    let mut files = files();
    for (name, root, found) in trees(&files) {
        let original = files.get(&name).cloned().expect("a file");
        for found in &found {
            let map = root.pointer(&found.pointer).expect("a map");
            for (key, changed) in each(found, map) {
                let mut root = root.clone();
                *root.pointer_mut(&found.pointer).expect("a map") = changed;
                files.insert(name.clone(), root.to_string());
                let place = format!("{name}{}: {} of {}", found.pointer, key.name, found.table.name);
                judge(&place, key, &errors(&files));
            }
        }
        files.insert(name, original);
    }
}

#[test]
fn the_bundle_loads_and_has_every_key() {
    let files = files();
    let faults = errors(&files);
    assert!(faults.is_empty(), "{faults:?}");
    let mut seen = BTreeSet::new();
    for (_, root, found) in trees(&files) {
        for map in &found {
            let value = root.pointer(&map.pointer).expect("a map");
            let present = map.table.keys().filter(|key| members(key, value).next().is_some());
            seen.extend(present.map(|key| (map.table.name, key.name)));
        }
    }
    let tables = tables();
    let all = tables.values().flat_map(|table| table.keys().map(|key| (table.name, key.name)));
    let missing: Vec<_> = all.filter(|key| !seen.contains(key)).collect();
    assert_eq!(missing, [], "give {BUNDLE} these keys");
}

/// A key that nobody reads would be a promise that nobody keeps.
#[test]
fn every_key_is_read() {
    let spoil = |found: &Found, map: &Value| {
        let spoiled = |key, name: &String| {
            let mut map = map.clone();
            map[name] = json!([[[]]]);
            (key, map)
        };
        found
            .table
            .keys()
            .flat_map(|key| members(key, map).map(move |(name, _)| spoiled(key, name)))
            .collect()
    };
    change(spoil, |place, _, errors| assert!(!errors.is_empty(), "nobody reads {place}"));
}

#[test]
fn what_is_required_is_demanded_and_nothing_else() {
    let remove = |found: &Found, map: &Value| {
        let removed = |key, name: &String| {
            let mut map = map.clone();
            map.as_object_mut().expect("a map").remove(name);
            (key, map)
        };
        // Taken away, the only key leaves an empty map, which is a fault of its own.
        let is_only = map.as_object().is_some_and(|members| members.len() == 1);
        let keys = found
            .table
            .keys()
            .filter(|key| key.need != Need::Depends && (!is_only || key.need == Need::Required));
        keys.flat_map(|key| members(key, map).map(move |(name, _)| removed(key, name))).collect()
    };
    change(remove, |place, key, errors| {
        let help = format!("add `{}:`", key.name);
        // What tells one kind of event from another is demanded as the key of another kind.
        let is_meant = |fault: &&Diagnostic| key.need == Need::Required || fault.help == help;
        let is_demanded =
            errors.iter().filter(is_meant).any(|fault| [Code::Empty, Code::MissingKey].contains(&fault.code));
        assert_eq!(is_demanded, key.need == Need::Required, "{place}: {errors:?}");
    });
}

#[test]
fn every_map_is_closed() {
    let add = |found: &Found, map: &Value| {
        let mut map = map.clone();
        map["strange"] = json!("x");
        found.table.keys().take(1).map(|key| (key, map.clone())).collect()
    };
    change(add, |place, _, errors| {
        let unknown = [Code::UnknownKey, Code::UnknownField, Code::UnknownOperator, Code::UnknownStep];
        assert!(errors.iter().any(|fault| unknown.contains(&fault.code)), "{place}: {errors:?}");
    });
}
