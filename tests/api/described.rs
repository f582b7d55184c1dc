//! Every answer that any test gets is held against `docs/openapi.json`: address, status, code, headers and shape.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::bench::Answer;

/// The document.
pub(crate) static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../docs/openapi.json")).expect("JSON"));

/// The members of an address by method, and of the document by address: empty where there are none.
pub(crate) fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// What a reference leads to.
pub(crate) fn resolved(value: &Value) -> &Value {
    match value["$ref"].as_str() {
        Some(reference) => DOCUMENT.pointer(reference.trim_start_matches('#')).expect("a reference"),
        None => value,
    }
}

/// Fails where the document does not have the answer. What leads nowhere, or to another face, and other methods are no operations.
pub(crate) fn expect(path: &str, answer: &Answer) {
    let Some(item) = item(path) else { return };
    let leads_nowhere =
        answer.status == 404 && (answer.text.is_empty() || answer.text.contains("\"not_found\""));
    if answer.status == 405 || leads_nowhere {
        return;
    }
    let status = answer.status.to_string();
    let responses = members(item).filter_map(|(_, operation)| operation["responses"].get(&status));
    let faults: Vec<_> = responses.map(|response| faults(resolved(response), answer)).collect();
    assert!(
        !faults.is_empty(),
        "{path} answers {status}, of which docs/openapi.json does not tell: {answer:?}"
    );
    assert!(faults.iter().any(Vec::is_empty), "{path}: docs/openapi.json and {answer:?}: {faults:#?}");
}

fn item(path: &str) -> Option<&'static Value> {
    let fits = |template: &str| {
        let (template, path) = (template.split('/'), path.split('/'));
        let same =
            |(told, asked): (&str, &str)| (told.starts_with('{') && !asked.is_empty()) || told == asked;
        template.clone().count() == path.clone().count() && template.zip(path).all(same)
    };
    let mut found: Vec<_> = members(&DOCUMENT["paths"]).filter(|(template, _)| fits(template)).collect();
    // An address without a name in it stands before those with one.
    found.sort_by_key(|(template, _)| template.matches('{').count());
    found.first().map(|(_, item)| *item)
}

fn faults(response: &Value, answer: &Answer) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, header) in members(&response["headers"]) {
        let header = resolved(header);
        match answer.header(&name.to_lowercase()) {
            Some(value) => {
                let number = value.parse().map_or_else(|_| json!(value), |number: u64| json!(number));
                let is_number = header["schema"]["type"] == "integer";
                check(
                    &header["schema"],
                    if is_number { &number } else { &Value::Null },
                    name,
                    &mut faults,
                    is_number,
                );
            }
            None if header["required"] == true => faults.push(format!("{name} is not there")),
            None => {}
        }
    }
    let media_type = answer.header("content-type").unwrap_or_default();
    let mut contents = members(&response["content"]).peekable();
    let first = contents.peek().copied();
    match contents.find(|(told, _)| *told == media_type).or(first) {
        // A HEAD has the same response without its body.
        None => {
            if !answer.text.is_empty() {
                faults.push("there is a body".to_owned());
            }
        }
        Some(_) if answer.text.is_empty() => faults.push("there is no body".to_owned()),
        Some((told, _)) if told != media_type => faults.push(format!("{media_type} is not {told}")),
        Some((_, content)) if media_type.ends_with("json") => {
            check(&content["schema"], &answer.json(), "body", &mut faults, true);
        }
        Some(_) => {}
    }
    faults
}

/// Holds a value against a schema, in the words of JSON Schema that the document uses. What the schema does not name must not be
/// there, although the document lets later versions add members.
fn check(schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>, wanted: bool) {
    if !wanted {
        return;
    }
    let words = gathered(schema);
    if !words.types.is_empty() && !words.types.iter().any(|kind| is_a(kind, value)) {
        faults.push(format!("{at} is no {:?}: {value}", words.types));
        return;
    }
    for list in &words.enums {
        if !list.contains(value) {
            faults.push(format!("{at} is none of {list:?}: {value}"));
        }
    }
    for choices in &words.choices {
        let of_each = choices.iter().map(|choice| {
            let mut faults = Vec::new();
            check(choice, value, at, &mut faults, true);
            faults
        });
        let all: Vec<_> = of_each.collect();
        if all.iter().all(|faults| !faults.is_empty()) {
            faults.push(format!("{at} fits no choice: {all:?}"));
        }
    }
    match value {
        Value::Object(object) if words.choices.is_empty() => check_members(&words, object, at, faults),
        Value::Array(entries) => {
            for (place, entry) in entries.iter().enumerate() {
                if let Some(items) = words.items {
                    check(items, entry, &format!("{at}[{place}]"), faults, true);
                }
            }
        }
        Value::String(text) => check_text(&words, text, at, faults),
        _ => {}
    }
}

fn check_members(words: &Words<'_>, object: &Map<String, Value>, at: &str, faults: &mut Vec<String>) {
    for name in words.required.iter().filter(|name| !object.contains_key(**name)) {
        faults.push(format!("{at}.{name} is not there"));
    }
    let is_open = words.properties.is_empty();
    for (name, value) in object {
        let own = words.properties.get(name.as_str());
        let at = format!("{at}.{name}");
        match (own, words.others) {
            (Some(schemas), _) => schemas.iter().for_each(|schema| check(schema, value, &at, faults, true)),
            (None, Some(others)) if others.is_object() => check(others, value, &at, faults, true),
            (None, _) if is_open => {}
            (None, _) => faults.push(format!("{at} is not told of")),
        }
    }
}

fn check_text(words: &Words<'_>, text: &str, at: &str, faults: &mut Vec<String>) {
    let length = text.chars().count();
    if words.lengths.iter().any(|(least, most)| !(*least..=*most).contains(&length)) {
        faults.push(format!("{at} has {length} characters"));
    }
    for pattern in &words.patterns {
        if !regex::Regex::new(pattern).expect("a pattern").is_match(text) {
            faults.push(format!("{at} does not fit {pattern}: {text}"));
        }
    }
}

/// What a schema says, with what it refers to and all of `allOf`.
#[derive(Default)]
struct Words<'s> {
    types: Vec<&'s str>,
    enums: Vec<Vec<Value>>,
    choices: Vec<&'s [Value]>,
    properties: BTreeMap<&'s str, Vec<&'s Value>>,
    required: Vec<&'s str>,
    others: Option<&'s Value>,
    items: Option<&'s Value>,
    lengths: Vec<(usize, usize)>,
    patterns: Vec<&'s str>,
}

fn gathered(schema: &Value) -> Words<'_> {
    let mut words = Words::default();
    gather(schema, &mut words);
    words
}

fn gather<'s>(schema: &'s Value, words: &mut Words<'s>) {
    if schema.get("$ref").is_some() {
        gather(resolved(schema), words);
    }
    schema["allOf"].as_array().into_iter().flatten().for_each(|part| gather(part, words));
    match &schema["type"] {
        Value::String(kind) => words.types.push(kind),
        Value::Array(kinds) => words.types.extend(kinds.iter().filter_map(Value::as_str)),
        _ => {}
    }
    words.enums.extend(schema["enum"].as_array().cloned());
    words.enums.extend(schema.get("const").map(|value| vec![value.clone()]));
    words
        .choices
        .extend(["oneOf", "anyOf"].iter().filter_map(|word| schema[*word].as_array()).map(Vec::as_slice));
    for (name, property) in members(&schema["properties"]) {
        words.properties.entry(name).or_default().push(property);
    }
    words.required.extend(schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
    words.others = words.others.or(schema.get("additionalProperties"));
    words.items = words.items.or(schema.get("items"));
    words.patterns.extend(schema["pattern"].as_str());
    let length = |word: &str, usual| {
        schema[word].as_u64().map_or(usual, |length| usize::try_from(length).expect("fits"))
    };
    words.lengths.push((length("minLength", 0), length("maxLength", usize::MAX)));
}

fn is_a(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no such type: {other}"),
    }
}

#[test]
fn what_the_document_does_not_tell_of_is_noticed() {
    let refused = |code: &str, more: &str| Answer {
        status: 403,
        headers: vec![
            ("content-type".to_owned(), "application/problem+json".to_owned()),
            ("x-request-id".to_owned(), "0000abcd-1".to_owned()),
        ],
        text: format!(
            r#"{{"type":"urn:doorstep:problem:{code}","title":"x","status":403,"code":"{code}","request_id":"1"{more}}}"#
        ),
    };
    let fits =
        |path: &'static str, answer: Answer| std::panic::catch_unwind(move || expect(path, &answer)).is_ok();
    assert!(fits("/v1/decisions", refused("missing_role", "")));
    assert!(!fits("/v1/decisions", refused("not_approvable", "")), "another operation's code");
    assert!(!fits("/v1/decisions", refused("missing_role", ",\"extra\":1")), "another member");
    assert!(!fits("/healthz", refused("missing_role", "")), "another status");
    let without = |mut answer: Answer, name: &str| {
        answer.headers.retain(|(header, _)| header != name);
        answer
    };
    assert!(!fits("/v1/decisions", without(refused("missing_role", ""), "x-request-id")));
    let mut other_type = refused("missing_role", "");
    other_type.headers[0].1 = "application/json".to_owned();
    assert!(!fits("/v1/decisions", other_type));
}
