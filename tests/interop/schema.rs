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
    for folder in ["policies", "benches/policies", "tests/policies"] {
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

/// Kind, place of a fault, and the text. Each text has that fault alone.
const BAD: &[(&str, &str, &str)] = &[
    ("scope", "", "otherwise: block"),
    ("scope", "", "scopes: [a:b]"),
    ("scope", "", "[]"),
    ("scope", "", "{ scopes: [a:b], otherwise: block, owner: me }"),
    ("scope", "/scopes", "{ scopes: a:b, otherwise: block }"),
    ("scope", "/scopes", "{ scopes: [], otherwise: block }"),
    ("scope", "/scopes/0", "{ scopes: [a/b], otherwise: block }"),
    ("scope", "/scopes/0", "{ scopes: [~], otherwise: block }"),
    ("scope", "/otherwise", "{ scopes: [a:b], otherwise: blok }"),
    ("scope", "/otherwise", "{ scopes: [a:b], otherwise: continue }"),
    ("scope", "/otherwise/continue", "{ scopes: [a:b], otherwise: { continue: {} } }"),
    (
        "scope",
        "/otherwise/continue/grant/mode",
        "{ scopes: [a:b], otherwise: { continue: { grant: { mode: once, for: 5m } } } }",
    ),
    (
        "scope",
        "/otherwise/continue/grant/for",
        "{ scopes: [a:b], otherwise: { continue: { grant: { mode: single-use, for: 300 } } } }",
    ),
    (
        "scope",
        "/otherwise/review",
        "{ scopes: [a:b], otherwise: { review: { grant: { mode: single-use, for: 5m } } } }",
    ),
    (
        "scope",
        "/otherwise/review/steps/0",
        "{ scopes: [a:b], otherwise: { review: { grant: { mode: single-use, for: 5m }, steps: [{ expires_in: 5m }] } } }",
    ),
    ("scope", "/metadata/a/type", "{ scopes: [a:b], otherwise: block, metadata: { a: { type: number } } }"),
    (
        "scope",
        "/metadata/a",
        "{ scopes: [a:b], otherwise: block, metadata: { a: { type: decimal, one_of: [1] } } }",
    ),
    (
        "scope",
        "/metadata/a/min",
        "{ scopes: [a:b], otherwise: block, metadata: { a: { type: decimal, min: -1 } } }",
    ),
    (
        "scope",
        "/metadata/a/optional",
        "{ scopes: [a:b], otherwise: block, metadata: { a: { type: string, optional: yes } } }",
    ),
    (
        "scope",
        "/metadata",
        "{ scopes: [a:b], otherwise: block, metadata: { abcdefghijklm: { type: string } } }",
    ),
    (
        "scope",
        "/money/v/currency",
        "{ scopes: [a:b], otherwise: block, money: { v: { amount: metadata.a, currency: USD } } }",
    ),
    ("scope", "/rules/0", "{ scopes: [a:b], otherwise: block, rules: [{ id: r, then: block }] }"),
    (
        "scope",
        "/rules/0/id",
        "{ scopes: [a:b], otherwise: block, rules: [{ id: r r, when: always, then: block }] }",
    ),
    (
        "scope",
        "/rules/0/when",
        "{ scopes: [a:b], otherwise: block, rules: [{ id: r, when: sometimes, then: block }] }",
    ),
    (
        "scope",
        "/rules/0/when",
        "{ scopes: [a:b], otherwise: block, rules: [{ id: r, when: { signals.country: { eq: FR } }, then: block }] }",
    ),
    (
        "scope",
        "/rules/0/when/any/0",
        "{ scopes: [a:b], otherwise: block, rules: [{ id: r, when: { any: [always] }, then: block }] }",
    ),
    (
        "scope",
        "/rules/0/when/all",
        "{ scopes: [a:b], otherwise: block, rules: [{ id: r, when: { all: [] }, then: block }] }",
    ),
    (
        "scope",
        "/rules/0/when/user_id",
        "{ scopes: [a:b], otherwise: block, rules: [{ id: r, when: { user_id: usr_1 }, then: block }] }",
    ),
    (
        "scope",
        "/rules/0/when/user_id",
        "{ scopes: [a:b], otherwise: block, rules: [{ id: r, when: { user_id: { present: true } }, then: block }] }",
    ),
    (
        "scope",
        "/rules/0/when/user_id/in",
        "{ scopes: [a:b], otherwise: block, rules: [{ id: r, when: { user_id: { in: usr_1 } }, then: block }] }",
    ),
    (
        "scope",
        "/rules/0/when/money.v/gt",
        "{ scopes: [a:b], otherwise: block, rules: [{ id: r, when: { money.v: { gt: 10 } }, then: block }] }",
    ),
    (
        "scope",
        "/rules/0/when/metadata.a/between",
        "{ scopes: [a:b], otherwise: block, rules: [{ id: r, when: { metadata.a: { between: [1] } }, then: block }] }",
    ),
    (
        "scope",
        "/rules/0/when/signals.ip/mapped_by",
        "{ scopes: [a:b], otherwise: block, rules: [{ id: r, when: { signals.ip: { mapped_by: { list: l } } }, then: block }] }",
    ),
    (
        "scope",
        "/rules/0/when/request.time",
        "{ scopes: [a:b], otherwise: block, rules: [{ id: r, when: { request.time: { zone: UTC } }, then: block }] }",
    ),
    (
        "scope",
        "/rules/0/when/request.time/hours",
        "{ scopes: [a:b], otherwise: block, rules: [{ id: r, when: { request.time: { zone: UTC, hours: 9-17 } }, then: block }] }",
    ),
    (
        "scope",
        "/rules/0/when/bucket/of",
        "{ scopes: [a:b], otherwise: block, rules: [{ id: r, when: { bucket: { of: 1, below: 1, salt: s } }, then: block }] }",
    ),
    (
        "scope",
        "/rules/0/active/from",
        "{ scopes: [a:b], otherwise: block, rules: [{ id: r, when: always, then: block, active: { from: 01.01.2026 } }] }",
    ),
    (
        "scope",
        "/rules/0",
        "{ scopes: [a:b], otherwise: block, rules: [{ id: r, when: always, then: block, thne: block }] }",
    ),
    ("always", "", "{ rules: [], otherwise: block }"),
    (
        "always",
        "/rules/0/then",
        "{ rules: [{ id: r, when: always, then: { continue: { grant: { mode: single-use, for: 5m } } } }] }",
    ),
    ("always", "/rules/0/when", "{ rules: [{ id: r, when: { metadata.a: { eq: 1 } }, then: block }] }"),
    ("always", "/rules/0", "{ rules: [{ id: r, when: always, then: block, overrides: [s] }] }"),
    ("steps", "", "{ steps: {} }"),
    ("steps", "/custom/a", "{ custom: { a: { description: d } } }"),
    ("steps", "/custom/a/approved_by/0", "{ custom: { a: { description: d, approved_by: [support] } } }"),
    (
        "steps",
        "/custom/a/platforms/0",
        "{ custom: { a: { description: d, approved_by: [person], platforms: [web] } } }",
    ),
    (
        "steps",
        "/custom/a/token_ttl",
        "{ custom: { a: { description: d, approved_by: [person], token_ttl: 0s } } }",
    ),
    ("steps", "/managed", "{ managed: { verify_pass: { platforms: [WEB] } } }"),
    ("grants", "/executions", "{ executions: yes }"),
    ("grants", "", "{ executions: reported, mode: single-use }"),
    ("rates", "", "{ base: EUR, rates: { 2026-11-20: { USD: 1.08 } } }"),
    ("rates", "/base", "{ base: euro, max_age: 4d, rates: { 2026-11-20: { USD: 1.08 } } }"),
    ("rates", "/rates", "{ base: EUR, max_age: 4d, rates: { today: { USD: 1.08 } } }"),
    ("rates", "/rates/2026-11-20/USD", "{ base: EUR, max_age: 4d, rates: { 2026-11-20: { USD: -1 } } }"),
    (
        "scope",
        "/rules/0/when/history",
        "{ scopes: [a:b], otherwise: block, rules: [{ id: r, when: { history: { by: user, over: 1h, counts: asked, gt: 1 } }, then: block }] }",
    ),
    (
        "scope",
        "/rules/0/when/history/counts",
        "{ scopes: [a:b], otherwise: block, rules: [{ id: r, when: { history: { count: calls, by: user, over: 1h, counts: all, gt: 1 } }, then: block }] }",
    ),
    ("tests", "", "{ name: n, request: { scope: a:b }, expect: { verdict: block } }"),
    ("tests", "", "[]"),
    ("tests", "/0", "[{ name: n, request: { scope: a:b } }]"),
    (
        "tests",
        "/0/request",
        "[{ name: n, request: { scope: a:b, country: FR }, expect: { verdict: block } }]",
    ),
    (
        "tests",
        "/0/request/ip",
        "[{ name: n, request: { scope: a:b, ip: home }, expect: { verdict: block } }]",
    ),
    (
        "tests",
        "/0/request/at",
        "[{ name: n, request: { scope: a:b, at: 2026-09-21 }, expect: { verdict: block } }]",
    ),
    (
        "tests",
        "/0/request/metadata/a",
        "[{ name: n, request: { scope: a:b, metadata: { a: ~ } }, expect: { verdict: block } }]",
    ),
    ("tests", "/0/expect/verdict", "[{ name: n, request: { scope: a:b }, expect: { verdict: allow } }]"),
];

#[test]
fn what_is_wrong_is_found_where_it_is() {
    let site = Site::bare();
    let schemas = KINDS.map(|kind| (kind, schema(&site, &[kind])));
    let of = |kind: &str| schemas.iter().find(|(name, _)| *name == kind).expect("a kind").1.clone();
    let case = |(kind, place, text): &(&str, &str, &str)| ((*place).to_owned(), of(kind), (*text).to_owned());
    let cases: Vec<_> = BAD.iter().map(case).collect();
    for ((_, _, text), (place, faults)) in BAD.iter().zip(judge(&site, &cases)) {
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
    for (at, (kind, _, text)) in BAD.iter().enumerate() {
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
