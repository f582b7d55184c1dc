//! JSON as it was written, so that a reader can be strict where it matters.
//!
//! Serde's derives take the last of two equal members in a map, and an array for a struct. Here members stay in the
//! order they were written, twice where they were written twice, and every value is asked for by type. Texts without
//! escapes are borrowed. Nothing here has a `Debug` or a message that could carry what was read.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// How a document differs from what was expected of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Flaw {
    /// No JSON text in UTF-8, or one nested deeper than 127 levels.
    #[error("is not JSON")]
    NotJson,
    /// A member that must be there is not.
    #[error("is missing")]
    Missing,
    /// A known member is there twice.
    #[error("is given twice")]
    Duplicate,
    /// A value of another type, such as a number where a text belongs.
    #[error("is of the wrong type")]
    WrongType,
}

/// Any JSON value.
pub(crate) enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A whole number that 64 bits hold with its sign.
    Whole(i64),
    /// Any other number; nothing that Prelude sends is one.
    Number,
    /// A text, unescaped.
    Text(Cow<'a, str>),
    /// Values in order.
    Array(Vec<Json<'a>>),
    /// Members in order.
    Object(Object<'a>),
}

/// The members of an object, in the order they were written.
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

/// Reads one JSON document, with nothing but white space around it.
///
/// # Errors
/// [`Flaw::NotJson`], and no other.
pub(crate) fn parse(document: &[u8]) -> Result<Json<'_>, Flaw> {
    // Checked at once rather than text by text: the standard library's check of a whole is the faster one.
    let text = std::str::from_utf8(document).map_err(|_| Flaw::NotJson)?;
    serde_json::from_str(text).map_err(|_| Flaw::NotJson)
}

impl<'a> Json<'a> {
    /// The text, if it is one.
    ///
    /// # Errors
    /// [`Flaw::WrongType`].
    pub(crate) fn text(&self) -> Result<&str, Flaw> {
        if let Self::Text(text) = self { Ok(text) } else { Err(Flaw::WrongType) }
    }

    /// The whole number, if it is one.
    ///
    /// # Errors
    /// [`Flaw::WrongType`].
    pub(crate) fn whole(&self) -> Result<i64, Flaw> {
        if let Self::Whole(number) = self { Ok(*number) } else { Err(Flaw::WrongType) }
    }

    /// True or false, if it is one of them.
    ///
    /// # Errors
    /// [`Flaw::WrongType`].
    pub(crate) fn flag(&self) -> Result<bool, Flaw> {
        if let Self::Flag(flag) = self { Ok(*flag) } else { Err(Flaw::WrongType) }
    }

    /// The values, if it is an array.
    ///
    /// # Errors
    /// [`Flaw::WrongType`].
    pub(crate) fn array(&self) -> Result<&[Self], Flaw> {
        if let Self::Array(values) = self { Ok(values) } else { Err(Flaw::WrongType) }
    }

    /// The members, if it is an object.
    ///
    /// # Errors
    /// [`Flaw::WrongType`].
    pub(crate) fn object(&self) -> Result<&Object<'a>, Flaw> {
        if let Self::Object(members) = self { Ok(members) } else { Err(Flaw::WrongType) }
    }
}

impl<'a> Object<'a> {
    /// A member that may be absent.
    ///
    /// # Errors
    /// [`Flaw::Duplicate`] if it is there twice: which one counts differs from reader to reader.
    pub(crate) fn optional(&self, name: &str) -> Result<Option<&Json<'a>>, Flaw> {
        let mut found = self.0.iter().filter(|(member, _)| member == name);
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(Flaw::Duplicate),
            (first, None) => Ok(first.map(|(_, value)| value)),
        }
    }

    /// A member that must be there.
    ///
    /// # Errors
    /// [`Flaw::Missing`] or [`Flaw::Duplicate`].
    pub(crate) fn required(&self, name: &str) -> Result<&Json<'a>, Flaw> {
        self.optional(name)?.ok_or(Flaw::Missing)
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// [`Flaw::Missing`], [`Flaw::Duplicate`] or [`Flaw::WrongType`].
    pub(crate) fn text(&self, name: &str) -> Result<&str, Flaw> {
        self.required(name)?.text()
    }

    /// Every member, in the order they were written, twice where they were written twice.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Json<'de>, E> {
        Ok(Json::Flag(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Json<'de>, E> {
        Ok(Json::Whole(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Json<'de>, E> {
        Ok(i64::try_from(number).map_or(Json::Number, Json::Whole))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Json<'de>, E> {
        Ok(Json::Number)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Json<'de>, A::Error> {
        let mut array = Vec::new();
        while let Some(value) = values.next_element()? {
            array.push(value);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json<'de>, A::Error> {
        let mut object = Vec::new();
        while let Some(name) = members.next_key_seed(MemberName)? {
            object.push((name, members.next_value()?));
        }
        Ok(Json::Object(Object(object)))
    }
}

struct MemberName;

impl<'de> DeserializeSeed<'de> for MemberName {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for MemberName {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_document_is_read() {
        for document in ["{}", " [1] \n", "null", "\"\\u00e9\"", "-1"] {
            assert!(parse(document.as_bytes()).is_ok(), "{document}");
        }
        let deep = format!("{}{}", "[".repeat(128), "]".repeat(128));
        for document in
            ["", "{", "{}{}", "{} x", "\u{feff}{}", "{'a':1}", "[1,]", "NaN", "\"\\ud800\"", &deep]
        {
            assert_eq!(parse(document.as_bytes()).err(), Some(Flaw::NotJson), "{document}");
        }
        assert_eq!(parse(b"\"\xff\"").err(), Some(Flaw::NotJson));
    }

    #[test]
    fn a_value_is_given_only_as_what_it_is() {
        let document =
            br#"{"t":"x","w":-7,"f":true,"n":null,"d":1.0,"big":18446744073709551615,"a":[1],"o":{}}"#;
        let parsed = parse(document).expect("JSON");
        let object = parsed.object().expect("an object");
        let member = |name| object.required(name).expect("a member");
        assert_eq!(member("t").text(), Ok("x"));
        assert_eq!(member("w").whole(), Ok(-7));
        assert_eq!(member("f").flag(), Ok(true));
        assert_eq!(member("a").array().map(<[Json<'_>]>::len), Ok(1));
        assert!(member("o").object().is_ok());
        for name in ["w", "f", "n", "d", "a", "o"] {
            assert_eq!(member(name).text(), Err(Flaw::WrongType), "{name}");
        }
        for name in ["t", "f", "n", "d", "big", "a", "o"] {
            assert_eq!(member(name).whole(), Err(Flaw::WrongType), "{name}");
        }
        for name in ["t", "w", "n", "d", "a"] {
            assert_eq!(member(name).object().err(), Some(Flaw::WrongType), "{name}");
        }
    }

    #[test]
    fn a_member_that_is_there_twice_is_neither() {
        let parsed = parse(br#"{"a":1,"b":2,"\u0061":1}"#).expect("JSON");
        let object = parsed.object().expect("an object");
        assert_eq!(object.optional("a").err(), Some(Flaw::Duplicate));
        assert_eq!(object.required("b").and_then(Json::whole), Ok(2));
        assert_eq!(object.required("c").err(), Some(Flaw::Missing));
        assert_eq!(object.members().count(), 3);
    }
}
