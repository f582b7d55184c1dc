use std::collections::BTreeSet;

use serde_json::Value;

use super::DOCUMENT;
use super::document::document;

#[test]
fn the_document_in_docs_is_what_the_types_and_refusals_say() {
    let mut text = serde_json::to_string_pretty(&document()).expect("JSON");
    text.push('\n');
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
    if option_env!("UPDATE_DOCS").is_some() {
        std::fs::write(file, &text).expect("written");
        return;
    }
    assert!(DOCUMENT == text, "{file} differs: write it with `UPDATE_DOCS=1 cargo test --lib http::openapi`");
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    assert!(references.len() > 50, "{references:?}");
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("a reference into the document");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                references.insert(reference.clone());
            }
            members.values().for_each(|value| collect(value, references));
        }
        Value::Array(entries) => entries.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

/// Where codes are made.
const REFUSALS: [&str; 3] = [
    include_str!("../problem.rs"),
    include_str!("../refusals.rs"),
    include_str!("../refusals/verification.rs"),
];

/// Refused where no operation is: for another path or method.
const ELSEWHERE: [&str; 2] = ["not_found", "method_not_allowed"];

#[test]
fn every_code_that_is_made_is_told() {
    let document = document().to_string();
    let mut found = 0;
    for text in REFUSALS.iter().flat_map(|source| source.split('"').skip(1).step_by(2)) {
        let is_code = text.len() > 3 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let is_made = REFUSALS.iter().any(|source| is_made(source, text));
        if is_code && is_made && !ELSEWHERE.contains(&text) {
            found += 1;
            let told = format!("urn:doorstep:problem:{text}\"");
            assert!(document.contains(&told), "no operation tells of `{text}`");
        }
    }
    assert!(found > 40, "{found}");
}

/// Whether a source makes a refusal of this code: it stands after a status, or first in a call that adds one.
fn is_made(source: &str, code: &str) -> bool {
    let quoted = format!("\"{code}\"");
    source.split(&quoted).any(|before| {
        let before = before.trim_end();
        ["CONFLICT,", "UNPROCESSABLE,", "unavailable(", "conflict("].iter().any(|end| before.ends_with(end))
            || before.rsplit_once("StatusCode::").is_some_and(|(_, status)| {
                status.ends_with(',')
                    && status.bytes().all(|byte| byte.is_ascii_uppercase() || b"_,".contains(&byte))
            })
    })
}
