//! As much of JSON Schema as ours uses, held against every file that any test of this room loads.
//!
//! Programs of others judge the shipped files in `tests/interop`; this sees what no file shows, such as the bundles that
//! are made at random.

use std::cell::RefCell;
use std::collections::HashMap;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::{FileKind, json_schema};
use crate::policy::yaml::{Kind, Node, Text};

/// What YAML takes for a number where it stands without quotes.
const NUMBER: &str = r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$";

thread_local! {
    static SCHEMA: Value = json_schema(&FileKind::ALL);
    static PATTERNS: RefCell<HashMap<String, Regex>> = RefCell::default();
}

/// Panics when a file that loads does not fit the schema of its kind.
pub(in crate::policy) fn expect_file_fits(name: &str, root: &Node) {
    expect_fits(kind(name).name(), root);
}

/// The kind of a file by its name.
pub(super) fn kind(name: &str) -> FileKind {
    match name {
        name if name.starts_with("tests/") => FileKind::Tests,
        name => name.strip_suffix(".yaml").and_then(FileKind::named).unwrap_or(FileKind::Scope),
    }
}

/// Panics when what loads does not fit a definition of the schema.
pub(in crate::policy) fn expect_fits(definition: &str, root: &Node) {
    let value = seen_by_editors(root);
    let refused = fault(&json!({ "$ref": format!("#/$defs/{definition}") }), &value);
    assert_eq!(refused, None, "it loads, and the schema `{definition}` refuses it:\n{value:#}");
}

/// Why a value does not fit a schema, with its place.
pub(super) fn fault(schema: &Value, value: &Value) -> Option<String> {
    SCHEMA.with(|root| Evaluation { definitions: &root["$defs"] }.fault(schema, value))
}

/// A tree as YAML 1.2's core schema takes it.
pub(super) fn seen_by_editors(node: &Node) -> Value {
    match &node.kind {
        Kind::Text(text) if text.is_plain => bare(text),
        Kind::Text(text) => json!(text.value),
        Kind::List(items) => items.iter().map(seen_by_editors).collect(),
        Kind::Map(entries) => {
            let members = entries.iter().map(|entry| (entry.key.to_string(), seen_by_editors(&entry.value)));
            Value::Object(members.collect())
        }
    }
}

fn bare(text: &Text) -> Value {
    match &*text.value {
        _ if text.is_nothing() => Value::Null,
        "true" | "True" | "TRUE" => json!(true),
        "false" | "False" | "FALSE" => json!(false),
        number if matches(NUMBER, number) => match number.parse::<i64>() {
            Ok(whole) => json!(whole),
            Err(_) => json!(number.parse::<f64>().expect("a number")),
        },
        other => json!(other),
    }
}

struct Evaluation<'s> {
    definitions: &'s Value,
}

impl Evaluation<'_> {
    fn fault(&self, schema: &Value, value: &Value) -> Option<String> {
        let keywords = schema.as_object().expect("a schema");
        keywords.iter().find_map(|(keyword, wanted)| {
            let fault = self.keyword((keyword, wanted), keywords, value)?;
            Some(fault)
        })
    }

    fn keyword(
        &self,
        (keyword, wanted): (&str, &Value),
        all: &Map<String, Value>,
        value: &Value,
    ) -> Option<String> {
        let refused = || Some(format!("{keyword} {wanted}: {value}"));
        let hold = |holds: bool| if holds { None } else { refused() };
        let bound = || wanted.as_u64().and_then(|bound| usize::try_from(bound).ok()).expect("a bound");
        let fitting = || {
            let schemas = wanted.as_array().expect("schemas");
            schemas.iter().filter(|schema| self.fault(schema, value).is_none()).count()
        };
        let text = value.as_str();
        match keyword {
            "$schema" | "$defs" | "title" | "description" => None,
            "$ref" => {
                let name = wanted.as_str().and_then(|name| name.strip_prefix("#/$defs/")).expect("a name");
                self.fault(self.definitions.get(name).expect("a definition"), value)
            }
            "type" => {
                let types = wanted.as_array().map_or(std::slice::from_ref(wanted), Vec::as_slice);
                hold(types.iter().any(|wanted| is_type(wanted.as_str().expect("a type"), value)))
            }
            "enum" => hold(wanted.as_array().expect("values").contains(value)),
            "anyOf" => hold(fitting() > 0),
            "oneOf" => hold(fitting() == 1),
            "pattern" => hold(text.is_none_or(|text| matches(wanted.as_str().expect("a pattern"), text))),
            "minLength" => hold(text.is_none_or(|text| text.chars().count() >= bound())),
            "maxLength" => hold(text.is_none_or(|text| text.chars().count() <= bound())),
            "minimum" => {
                hold(value.as_f64().is_none_or(|number| number >= wanted.as_f64().expect("a bound")))
            }
            "maximum" => {
                hold(value.as_f64().is_none_or(|number| number <= wanted.as_f64().expect("a bound")))
            }
            "minItems" => hold(value.as_array().is_none_or(|items| items.len() >= bound())),
            "maxItems" => hold(value.as_array().is_none_or(|items| items.len() <= bound())),
            "items" => value.as_array()?.iter().find_map(|item| self.fault(wanted, item)),
            "minProperties" => hold(value.as_object().is_none_or(|members| members.len() >= bound())),
            "required" => {
                let mut names = wanted.as_array().expect("names").iter().filter_map(Value::as_str);
                hold(value.as_object().is_none_or(|members| names.all(|name| members.contains_key(name))))
            }
            "properties" | "patternProperties" => None,
            "additionalProperties" => value.as_object()?.iter().find_map(|member| self.member(all, member)),
            other => panic!("`{other}` is not judged here"),
        }
    }

    /// Judges a member of a closed object.
    fn member(&self, object: &Map<String, Value>, (name, value): (&String, &Value)) -> Option<String> {
        let named = object.get("properties").and_then(|properties| properties.get(name));
        let families = object.get("patternProperties").and_then(Value::as_object);
        let family = families.and_then(|all| all.iter().find(|(pattern, _)| matches(pattern, name)));
        match named.or(family.map(|(_, schema)| schema)) {
            Some(schema) => self.fault(schema, value).map(|fault| format!("{name}: {fault}")),
            None => Some(format!("no property {name}")),
        }
    }
}

fn is_type(name: &str, value: &Value) -> bool {
    match name {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("`{other}` is no type"),
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    PATTERNS.with_borrow_mut(|patterns| {
        if !patterns.contains_key(pattern) {
            patterns.insert(pattern.to_owned(), Regex::new(pattern).expect("a pattern"));
        }
        patterns[pattern].is_match(text)
    })
}
