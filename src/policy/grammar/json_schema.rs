//! The tables as JSON Schema (draft 2020-12), for editors and for programs that check files before Doorstep does.
//!
//! A schema knows keys and shapes and none of the laws: it takes every file that loads, and some that do not.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::forms::Bare;
use super::{ANY_NAME, Choice, FileKind, Form, Key, Need, Shape, Table};

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of some kinds of files: of one kind, or of a file of any of them. Each kind is an entry point of its own
/// under `#/$defs/`.
pub(crate) fn json_schema(kinds: &[FileKind]) -> Value {
    let mut definitions = Definitions::default();
    for kind in kinds {
        let shape = definitions.shape(&kind.shape());
        // The kinds whose file is one map are tables, and stand there already by the same name.
        definitions.0.entry(kind.name()).or_insert(shape);
    }
    let entry = |kind: &FileKind| reference(kind.name());
    let mut schema = match kinds {
        [only] => entry(only),
        several => json!({ "anyOf": several.iter().map(entry).collect::<Vec<_>>() }),
    };
    let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
    put(&mut schema, "$schema", DRAFT.into());
    put(&mut schema, "title", format!("Doorstep policy files: {}", names.join(", ")).into());
    put(&mut schema, "$defs", json!(definitions.0));
    schema
}

/// A shape alone, which refers to the definitions of [`json_schema`].
#[cfg(test)]
pub(super) fn alone(shape: &Shape) -> Value {
    Definitions::default().shape(shape)
}

/// The tables that were met, by name.
#[derive(Debug, Default)]
struct Definitions(BTreeMap<&'static str, Value>);

impl Definitions {
    fn shape(&mut self, shape: &Shape) -> Value {
        match shape {
            Shape::Text(most) => {
                let mut text = json!({ "type": ["string", "number", "boolean"], "minLength": 1 });
                if *most < usize::MAX {
                    put(&mut text, "maxLength", json!(most));
                }
                text
            }
            Shape::Plain => json!({ "type": ["string", "number", "boolean"] }),
            Shape::Form(form) => of_form(form),
            Shape::Whole(least, most) => {
                json!({ "type": ["integer", "string"], "minimum": least, "maximum": most, "pattern": "^(0|[1-9][0-9]*)$" })
            }
            Shape::Words(words) => json!({ "type": "string", "enum": words }),
            Shape::Truth => json!({ "enum": [true, false, "true", "false"] }),
            Shape::List(item) => json!({ "type": "array", "items": self.shape(item) }),
            Shape::SomeList(item) => json!({ "type": "array", "items": self.shape(item), "minItems": 1 }),
            Shape::OneOrMore(item) => {
                json!({ "anyOf": [self.shape(item), { "type": "array", "items": self.shape(item), "minItems": 1 }] })
            }
            Shape::Ends(item) => {
                json!({ "type": "array", "items": self.shape(item), "minItems": 2, "maxItems": 2 })
            }
            Shape::MapOf(names, values) => json!({
                "type": "object",
                "patternProperties": { names.pattern: self.shape(values) },
                "additionalProperties": false,
            }),
            Shape::Keys(table) => self.table(table),
            Shape::AnyOf(shapes) => {
                json!({ "anyOf": shapes.iter().map(|shape| self.shape(shape)).collect::<Vec<_>>() })
            }
        }
    }

    fn table(&mut self, table: &Table) -> Value {
        if !self.0.contains_key(table.name) {
            // Holds the place: a table may lead back to itself.
            self.0.insert(table.name, Value::Null);
            let definition = self.definition(table);
            self.0.insert(table.name, definition);
        }
        reference(table.name)
    }

    fn definition(&mut self, table: &Table) -> Value {
        let mut named = Map::new();
        let mut families = Map::new();
        for key in table.keys() {
            let mut value = self.shape(&key.shape);
            put(&mut value, "description", described(key).into());
            match key.name.strip_suffix(ANY_NAME) {
                Some(family) => families.insert(format!(r"^{family}\."), value),
                None => named.insert(key.name.to_owned(), value),
            };
        }
        let required: Vec<_> =
            table.keys().filter(|key| key.need == Need::Required).map(|key| key.name).collect();
        let mut definition = json!({
            "type": "object",
            "title": table.title,
            "description": table.doc,
            "properties": named,
            "additionalProperties": false,
            "minProperties": 1,
        });
        let one_each = |names: &[&str]| {
            names.iter().map(|name| json!({ "type": "object", "required": [name] })).collect()
        };
        let parts = [
            ("patternProperties", (!families.is_empty()).then_some(Value::Object(families))),
            ("required", (!required.is_empty()).then(|| json!(required))),
            ("oneOf", if let Choice::One(names) = table.choice { Some(one_each(names)) } else { None }),
            ("anyOf", if let Choice::Some(names) = table.choice { Some(one_each(names)) } else { None }),
        ];
        for (keyword, value) in parts {
            if let Some(value) = value {
                put(&mut definition, keyword, value);
            }
        }
        definition
    }
}

/// What an editor says of a key.
fn described(key: &Key) -> String {
    match key.shape {
        Shape::Form(form) => format!("{} {}: {}.", key.doc, form.name, form.doc),
        _ => key.doc.to_owned(),
    }
}

fn of_form(form: &Form) -> Value {
    let mut schema = match form.bare {
        Bare::Text => json!({ "type": "string" }),
        Bare::Number => json!({ "type": ["string", "number"], "minimum": 0 }),
        Bare::Any => json!({ "type": ["string", "number", "boolean"] }),
    };
    put(&mut schema, "pattern", form.pattern.into());
    put(&mut schema, "description", form.doc.into());
    schema
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn put(schema: &mut Value, keyword: &str, value: Value) {
    if let Some(members) = schema.as_object_mut() {
        members.insert(keyword.to_owned(), value);
    }
}
