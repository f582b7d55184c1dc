//! JSON bodies, read strictly.

use std::fmt;

use serde::de::DeserializeOwned;

use crate::domain::{Metadata, MetadataFault};

/// Reads an object; `None` for anything else. serde reads an array as a struct's fields in order; only an object names them.
pub(super) fn object<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    let is_object = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    if is_object { serde_json::from_slice(body).ok() } else { None }
}

/// Names and values as they stand: a name that stands twice is not taken for one of the two.
#[derive(Debug)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The metadata that they are.
    ///
    /// # Errors
    /// They break its bounds, or one stands twice.
    pub(super) fn metadata(self) -> Result<Metadata, MetadataFault> {
        Metadata::new(self.0)
    }
}

#[cfg(test)]
impl Fields {
    /// Makes fields for an example.
    pub(super) fn of(fields: &[(&str, &str)]) -> Self {
        Self(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }
}

#[cfg(test)]
impl serde::Serialize for Fields {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de> serde::Deserialize<'de> for Fields {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;

        impl<'de> serde::de::Visitor<'de> for Each {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Each)
    }
}
