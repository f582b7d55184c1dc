//! A provider's JSON, read strictly: a key that is there twice would mean different things to different readers.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::domain::Timestamp;

/// The longest value that is looked at, in bytes; references and outcomes are far shorter.
const VALUE_BYTES_MAX: usize = 256;
/// Seconds from here on are milliseconds: the year 5138 in the one, 1973 in the other.
const SECONDS_MAX: i64 = 100_000_000_000;

/// A JSON document without a doubled key.
pub(super) struct Document(Value);

impl Document {
    /// Reads one document of at most 127 levels, with nothing but white space around it. `None` for anything else.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        serde_json::from_str::<Strict>(text).ok().map(|Strict(value)| Self(value))
    }

    /// The text, whole number or truth value at a pointer, as text.
    ///
    /// `None` for what is not there, is of another type, is empty or longer than any value that counts.
    pub(super) fn scalar(&self, at: &str) -> Option<String> {
        let text = match self.0.pointer(at)? {
            Value::String(text) => text.clone(),
            Value::Bool(truth) => truth.to_string(),
            Value::Number(number) if !number.is_f64() => number.to_string(),
            Value::Number(_) | Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        (1..=VALUE_BYTES_MAX).contains(&text.len()).then_some(text)
    }

    /// Whether anything but `null` stands at a pointer.
    pub(super) fn has(&self, at: &str) -> bool {
        self.0.pointer(at).is_some_and(|value| !value.is_null())
    }

    /// The moment at a pointer: RFC 3339, the same with a space and perhaps without an offset (then UTC), or Unix seconds
    /// or milliseconds.
    pub(super) fn moment(&self, at: &str) -> Option<Timestamp> {
        let text = self.scalar(at)?;
        if let Ok(number) = text.parse::<i64>() {
            return match number {
                ..0 => None,
                0..SECONDS_MAX => Some(Timestamp::from_unix_seconds(number)),
                SECONDS_MAX.. => Some(Timestamp::from_unix_micros(number.checked_mul(1000)?)),
            };
        }
        let spaced = text.replacen(' ', "T", 1);
        Timestamp::parse(&spaced).or_else(|| Timestamp::parse(&format!("{spaced}Z")))
    }
}

/// A value in whose objects no key is there twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        StrictValue.deserialize(deserializer).map(Self)
    }
}

struct StrictValue;

impl<'de> DeserializeSeed<'de> for StrictValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StrictValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(value) = values.next_element_seed(StrictValue)? {
            array.push(value);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if object.insert(key, members.next_value_seed(StrictValue)?).is_some() {
                return Err(A::Error::custom("a key is there twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_strictly() {
        for good in ["{}", " [1] ", "{\"a\":{\"a\":1}}"] {
            assert!(Document::parse(good.as_bytes()).is_some(), "{good}");
        }
        let deep = format!("{}{}", "[".repeat(128), "]".repeat(128));
        for bad in [
            "",
            "{",
            "{}{}",
            "{\"a\":1,\"a\":1}",
            "{\"a\":1,\"\\u0061\":2}",
            "[{\"b\":{\"c\":1,\"c\":2}}]",
            &deep,
        ] {
            assert!(Document::parse(bad.as_bytes()).is_none(), "{bad}");
        }
        assert!(Document::parse(b"\"\xff\"").is_none());
    }

    #[test]
    fn only_short_scalars_are_values() {
        let long = "x".repeat(257);
        let text = format!(
            r#"{{"t":"x","w":-7,"f":false,"n":null,"d":1.0,"e":"","a":["y"],"o":{{}},"l":"{long}"}}"#
        );
        let document = Document::parse(text.as_bytes()).expect("a document");
        let expected = [("/t", Some("x")), ("/w", Some("-7")), ("/f", Some("false")), ("/a/0", Some("y"))];
        let none = ["/n", "/d", "/e", "/a", "/o", "/l", "/z", "/t/x", "/a/01", "/a/-"].map(|at| (at, None));
        for (pointer, value) in expected.into_iter().chain(none) {
            assert_eq!(document.scalar(pointer).as_deref(), value, "{pointer}");
        }
        assert!(document.has("/o") && !document.has("/n") && !document.has("/z"));
    }

    #[test]
    fn moments_come_in_many_dresses() {
        let cases = [
            ("\"2020-02-21T13:23:19Z\"", Some(1_582_291_399_000_000)),
            ("\"2020-02-21 13:23:19+0000\"", Some(1_582_291_399_000_000)),
            ("\"2020-02-21 13:23:19.321\"", Some(1_582_291_399_321_000)),
            ("\"2020-02-21T14:23:19+01:00\"", Some(1_582_291_399_000_000)),
            ("1582291399", Some(1_582_291_399_000_000)),
            ("\"1582291399\"", Some(1_582_291_399_000_000)),
            ("1582291399321", Some(1_582_291_399_321_000)),
            ("9223372036854775807", None),
            ("-1", None),
            ("true", None),
            ("\"yesterday\"", None),
        ];
        for (text, micros) in cases {
            let document = Document::parse(format!("{{\"a\":{text}}}").as_bytes()).expect("a document");
            assert_eq!(document.moment("/a").map(Timestamp::unix_micros), micros, "{text}");
        }
    }
}
