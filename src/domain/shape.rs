//! What values look like on the wire, for the description of the API (`docs/openapi.json`): compiled for tests alone, which
//! write it (docs/decisions/0047-the-api-describes-itself.md).

use serde_json::{Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::{Actor, DeskRevision, Metadata, Scope, Timestamp, Trigger, UserId};

/// What an address takes or answers: a type's schema, those that it names, and an example that is made of the type itself.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// Under which name its schema stands.
    pub(crate) name: String,
    /// Its schema and those that it names, by name.
    pub(crate) schemas: Vec<(String, Value)>,
    /// A value of it.
    pub(crate) example: Value,
}

impl Shape {
    /// The shape of a type that writes itself.
    pub(crate) fn of<T: serde::Serialize + ToSchema>(example: &T) -> Self {
        let mut schemas = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut schemas);
        let schemas = schemas.into_iter().map(|(name, schema)| (name, to_json(&schema)));
        Self { name: T::name().into_owned(), schemas: schemas.collect(), example: to_json(example) }
    }

    /// A shape whose schema is told, not derived: what is read or written by hand, since strangers wrote its rules.
    pub(crate) fn told(name: &str, schema: Value, example: Value) -> Self {
        Self { name: name.to_owned(), schemas: vec![(name.to_owned(), schema)], example }
    }

    /// Adds the schema of a type that a told one names.
    pub(crate) fn add<T: ToSchema>(&mut self) {
        self.schemas.push((T::name().into_owned(), to_json(&T::schema())));
    }
}

fn to_json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("it has a JSON form")
}

fn schema(schema: Value) -> RefOr<Schema> {
    serde_json::from_value(schema).expect("a schema")
}

/// A text of 1 to `chars_max` characters of an alphabet, as [`IdFault`](super::IdFault) names it.
pub(super) fn name(chars_max: usize, alphabet: &str, doc: &str) -> RefOr<Schema> {
    let pattern = match alphabet {
        "printable characters" => r"^[^\u0000-\u001f\u007f-\u009f]+$",
        "a-z A-Z 0-9 . - _ :" => "^[a-zA-Z0-9._:-]+$",
        other => panic!("no pattern is known for {other}"),
    };
    schema(json!({
        "type": "string", "minLength": 1, "maxLength": chars_max, "pattern": pattern, "description": in_words(doc)
    }))
}

/// A UUID.
pub(super) fn uuid(doc: &str) -> RefOr<Schema> {
    schema(json!({ "type": "string", "format": "uuid", "description": in_words(doc) }))
}

/// A doc comment as one line, without where it is from: readers of the API do not have our clauses.
pub(crate) fn in_words(doc: &str) -> String {
    let line = doc.split_whitespace().collect::<Vec<_>>().join(" ");
    line.split(" (docs/").next().map_or_else(String::new, |words| format!("{}.", words.trim_end_matches('.')))
}

macro_rules! wire {
    ($($type:ty => $schema:expr;)*) => {
        $(
            impl PartialSchema for $type {
                fn schema() -> RefOr<Schema> {
                    schema($schema)
                }
            }

            impl ToSchema for $type {}
        )*
    };
}

wire! {
    Timestamp => json!({
        "type": "string", "format": "date-time", "description": "A moment in UTC (RFC 3339), with microseconds as needed."
    });
    Actor => json!({
        "type": "string", "pattern": "^(api:.+|cli:.+|prelude)$",
        "description": "Who acted: `api:` and an API key's id, `cli:` and a user of the operating system, or `prelude`."
    });
    Trigger => json!({
        "type": "string", "pattern": "^(start|watch|signal|api:.+)$",
        "description": "What made Doorstep read its policy files: a start, a change of the files, SIGHUP, or an API key."
    });
    DeskRevision => json!({
        "type": "integer", "format": "int64", "minimum": 0, "description": "Counts what was done at the fraud desk."
    });
    Metadata => metadata();
}

/// The bounds of [`Metadata::new`]. The schema library has no word for names, which [`closed`] adds.
fn metadata() -> Value {
    json!({
        "type": "object",
        "properties": { (Metadata::IDENTIFIER): { "type": "string", "maxLength": 320 } },
        "additionalProperties": { "type": "string", "maxLength": 32 },
        "maxProperties": 5,
        "description": "What the page sent with its request: at most five short texts, chosen by the user."
    })
}

/// What the schema library has no word for.
pub(crate) fn closed(name: &str, schema: &mut Value) {
    if name == "Metadata"
        && let Some(members) = schema.as_object_mut()
    {
        members.insert("propertyNames".to_owned(), json!({ "pattern": "^[a-zA-Z0-9._:-]{1,12}$" }));
    }
}

/// Who examples are about.
pub(crate) fn user() -> UserId {
    UserId::new("usr_39CfbdV8AsXQwdphtbJe4yH07aF").expect("an id")
}

/// What examples ask for.
pub(crate) fn scope() -> Scope {
    Scope::new("transfer:write").expect("a scope")
}

/// When examples happen, so many seconds after the first.
pub(crate) fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_795_384_800 + seconds)
}

/// When what examples say ends: it is ahead whenever somebody tries them.
pub(crate) fn end() -> String {
    "2099-12-31T18:00:00Z".to_owned()
}

/// An identifier of examples.
pub(crate) const ID: &str = "019ab07e-5f40-7c3a-9d51-3e8b6a2f4c10";

/// A policy's hash in examples.
pub(crate) const BUNDLE: &str = "ba60f5d1c84e6a2f0b39d7e4c15a8f6b2d903c7e1f48a5b6d0c92e7f3a1b4c5d";

/// An API key's id in examples.
pub(crate) const KEY: &str = "0f3c9a1b7d5e2468";
