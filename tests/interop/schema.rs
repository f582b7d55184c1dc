//! Policy files judged by their JSON Schema, as editors do it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::foreign::{Script, expect_all_installed, run};
use crate::process::Ended;
use crate::site::{SHIPPED_POLICIES, Site};

const KINDS: [&str; 6] = ["scope", "always", "steps", "grants", "rates", "tests"];
/// What makes an editor look for the schema.
const LINE: &str = "# yaml-language-server: $schema=";

/// What is wrong with each text by its schema: the name, and the faults.
fn judge(site: &Site, cases: &[(String, Value, String)]) -> Vec<(String, Vec<String>)> {
    expect_all_installed();
    let cases =
        cases.iter().map(|(name, schema, text)| json!({ "name": name, "schema": schema, "text": text }));
    site.write("cases.json", &cases.collect::<Value>().to_string());
    let results = run(Script::Schema, &[site.path("cases.json").into()]);
    let result = |result: &Value| {
        let faults = result["faults"].as_array().expect("faults").iter();
        let name = result["name"].as_str().expect("a name").to_owned();
        (name, faults.map(|fault| fault.as_str().expect("a fault").to_owned()).collect())
    };
    results.iter().map(result).collect()
}

fn schema(site: &Site, kind: &[&str]) -> Value {
    serde_json::from_str(&printed(site, kind).stdout).expect("JSON")
}

fn printed(site: &Site, arguments: &[&str]) -> Ended {
    let ended = site.run(&[&["policy", "schema"], arguments].concat()).expect(0);
    assert_eq!(ended.stderr, "");
    ended
}

/// Every policy file of the repository.
fn policy_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in ["policies", "examples", "benches/policies", "tests/policies"] {
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut files);
    }
    files.sort();
    files
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
}

#[test]
fn every_policy_file_fits_the_schema_that_it_names() {
    let site = Site::bare();
    let whole = schema(&site, &[]);
    let mut cases = Vec::new();
    for path in policy_files() {
        let text = std::fs::read_to_string(&path).expect("a text");
        let name = path.display().to_string();
        let named = text.lines().next().and_then(|line| line.strip_prefix(LINE));
        let named = named.unwrap_or_else(|| panic!("{name} does not begin with {LINE}"));
        let own = std::fs::read_to_string(path.with_file_name(named)).expect("the schema that it names");
        cases.push((name.clone(), serde_json::from_str(&own).expect("JSON"), text.clone()));
        cases.push((format!("{name} by the whole"), whole.clone(), text));
    }
    assert!(cases.len() > 20, "the files are found");
    for (name, faults) in judge(&site, &cases) {
        assert!(faults.is_empty(), "{name}: {faults:?}");
    }
}

#[test]
fn the_schemas_beside_the_shipped_files_are_those_of_the_command() {
    let site = Site::bare();
    let ended = printed(&site, &["--output", "out/schemas"]);
    assert_eq!(ended.stdout, "");
    for kind in KINDS {
        let shipped =
            std::fs::read_to_string(format!("{SHIPPED_POLICIES}/.schema/{kind}.json")).expect("shipped");
        let written =
            std::fs::read_to_string(site.path(&format!("out/schemas/{kind}.json"))).expect("written");
        assert_eq!((&written, &printed(&site, &[kind]).stdout), (&shipped, &shipped));
    }
    site.run(&["policy", "schema", "scopes"])
        .expect(2)
        .saying(&["scope, always, steps, grants, rates, tests"]);
    site.write("taken", "");
    site.run(&["policy", "schema", "--output", "taken"]).expect(1).saying(&["taken cannot be written"]);
}

/// Kind, place of a fault, and the text that has that fault alone.
fn bad() -> Vec<(&'static str, &'static str, &'static str)> {
    let lines = include_str!("bad-policies.txt").lines().filter(|line| !line.starts_with('#'));
    let row = |line: &'static str| {
        let parts: Vec<_> = line.split('|').map(str::trim).collect();
        (parts[0], parts[1], parts[2])
    };
    lines.map(row).collect()
}

#[test]
fn what_is_wrong_is_found_where_it_is() {
    let site = Site::bare();
    let schemas = KINDS.map(|kind| (kind, schema(&site, &[kind])));
    let of = |kind: &str| schemas.iter().find(|(name, _)| *name == kind).expect("a kind").1.clone();
    let case = |(kind, place, text): &(&str, &str, &str)| ((*place).to_owned(), of(kind), (*text).to_owned());
    let cases: Vec<_> = bad().iter().map(case).collect();
    for ((_, _, text), (place, faults)) in bad().iter().zip(judge(&site, &cases)) {
        assert!(faults.iter().any(|fault| fault.starts_with(&format!("{place}: "))), "{text}: {faults:?}");
        // What lies elsewhere is sound, but for the other ways that the same map could be meant.
        let around = place.rsplit_once('/').map_or("", |(around, _)| around);
        let apart = |fault: &&String| {
            !fault.starts_with(around) && !place.starts_with(fault.split(':').next().unwrap_or_default())
        };
        assert_eq!(faults.iter().find(apart), None, "{text}");
    }
}

/// The same, seen by Doorstep: the schema refuses nothing that loads.
#[test]
fn what_the_schema_refuses_does_not_load() {
    let site = Site::bare();
    let scope = "{ scopes: [z:z], otherwise: block }";
    for (at, (kind, _, text)) in bad().iter().enumerate() {
        let name = |file: &str| format!("bad-{at}/{file}");
        match *kind {
            "scope" => site.write(&name("a.yaml"), text),
            "tests" => site.write(&name("tests/a.yaml"), text),
            kind => site.write(&name(&format!("{kind}.yaml")), text),
        }
        if *kind != "scope" {
            site.write(&name("z.yaml"), scope);
        }
        let command = if *kind == "tests" { "test" } else { "check" };
        site.run(&["policy", command, &format!("bad-{at}")]).expect(3);
    }
}
