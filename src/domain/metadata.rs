//! What the page sent with its request: the user's own word, at most five short strings.

/// The most fields that Prelude lets a page send (docs/CONTRACT.md C2.5).
const FIELDS_MAX: usize = 5;
/// The most characters of a field's name.
const NAME_CHARS_MAX: usize = 12;
/// The most characters of a field's value.
const VALUE_CHARS_MAX: usize = 32;
/// The most characters of the reserved field `identifier`.
const IDENTIFIER_CHARS_MAX: usize = 320;

/// How a set of fields breaks Prelude's bounds. It never quotes what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MetadataFault {
    /// More than five fields.
    #[error("metadata has more than 5 fields")]
    TooManyFields,
    /// A name that is empty, too long or outside the alphabet.
    #[error("a metadata name is not 1 to 12 characters of a-z A-Z 0-9 . - _ :")]
    Name,
    /// A value over its bound.
    #[error("a metadata value is longer than 32 characters (320 for `identifier`)")]
    Value,
    /// The same name twice.
    #[error("a metadata name appears twice")]
    Duplicate,
}

/// The metadata of a request, sorted by name.
///
/// Characters are Unicode scalar values. Values are kept as they came; types are the policy's business.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Metadata(Vec<(Box<str>, Box<str>)>);

impl Metadata {
    /// The reserved field that holds an e-mail address or phone number, and is masked wherever it is kept.
    pub(crate) const IDENTIFIER: &'static str = "identifier";

    /// Checks the fields against Prelude's bounds and sorts them.
    ///
    /// # Errors
    /// The first bound that is broken; nothing is kept.
    pub(crate) fn new(fields: impl IntoIterator<Item = (String, String)>) -> Result<Self, MetadataFault> {
        let mut kept: Vec<(Box<str>, Box<str>)> = Vec::new();
        for (name, value) in fields {
            if kept.len() == FIELDS_MAX {
                return Err(MetadataFault::TooManyFields);
            }
            check_name(&name)?;
            check_value(&name, &value)?;
            kept.push((name.into(), value.into()));
        }
        kept.sort_unstable();
        let duplicate = kept.iter().zip(kept.iter().skip(1)).any(|(left, right)| left.0 == right.0);
        if duplicate { Err(MetadataFault::Duplicate) } else { Ok(Self(kept)) }
    }

    /// The value of a field.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| &**key == name).map(|(_, value)| &**value)
    }

    /// The value of a field that is probably in this place in the order of the names.
    pub(crate) fn get_near(&self, place: usize, name: &str) -> Option<&str> {
        match self.0.get(place) {
            Some((key, value)) if **key == *name => Some(value),
            _ => self.get(name),
        }
    }

    /// Names and values, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

fn check_name(name: &str) -> Result<(), MetadataFault> {
    let fits = (1..=NAME_CHARS_MAX).contains(&name.chars().count());
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
    if fits && plain { Ok(()) } else { Err(MetadataFault::Name) }
}

fn check_value(name: &str, value: &str) -> Result<(), MetadataFault> {
    let max = if name == Metadata::IDENTIFIER { IDENTIFIER_CHARS_MAX } else { VALUE_CHARS_MAX };
    if value.chars().count() > max { Err(MetadataFault::Value) } else { Ok(()) }
}

/// Names only: a value may be a phone number, a payee or anything else that a log must not hold.
impl std::fmt::Debug for Metadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(fields: &[(&str, &str)]) -> Result<Metadata, MetadataFault> {
        Metadata::new(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn bounds_are_preludes() {
        let long = "v".repeat(33);
        assert!(metadata(&[("a", &"é".repeat(32))]).is_ok());
        assert_eq!(metadata(&[("a", &long)]), Err(MetadataFault::Value));
        assert!(metadata(&[("identifier", &"v".repeat(320))]).is_ok());
        assert_eq!(metadata(&[("identifier", &"v".repeat(321))]), Err(MetadataFault::Value));
        assert_eq!(metadata(&[("aaaaaaaaaaaaa", "v")]), Err(MetadataFault::Name));
        assert_eq!(metadata(&[("", "v")]), Err(MetadataFault::Name));
        assert_eq!(metadata(&[("a b", "v")]), Err(MetadataFault::Name));
        let six = [("a", ""), ("b", ""), ("c", ""), ("d", ""), ("e", ""), ("f", "")];
        assert_eq!(metadata(&six), Err(MetadataFault::TooManyFields));
        assert_eq!(metadata(&[("a", "1"), ("a", "2")]), Err(MetadataFault::Duplicate));
    }

    #[test]
    fn order_does_not_matter_and_debug_hides_values() {
        let one = metadata(&[("b", "2"), ("a", "1")]).expect("within bounds");
        assert_eq!(one, metadata(&[("a", "1"), ("b", "2")]).expect("within bounds"));
        assert_eq!(one.get("b"), Some("2"));
        assert_eq!(format!("{one:?}"), r#"["a", "b"]"#);
    }
}
