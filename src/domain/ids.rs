//! Names and identifiers, each a type of its own so that one is never taken for another.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

/// Why a text is not the name it should be. It never quotes the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum IdFault {
    /// Nothing between the quotes.
    #[error("is empty")]
    Empty,
    /// More characters than the stated most.
    #[error("is longer than {0} characters")]
    TooLong(usize),
    /// A character outside the alphabet that follows.
    #[error("has a character outside {0}")]
    Alphabet(&'static str),
}

fn check(text: &str, max: usize, allowed: fn(char) -> bool, alphabet: &'static str) -> Result<(), IdFault> {
    if text.is_empty() {
        return Err(IdFault::Empty);
    }
    if text.chars().count() > max {
        return Err(IdFault::TooLong(max));
    }
    if text.chars().all(allowed) { Ok(()) } else { Err(IdFault::Alphabet(alphabet)) }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':')
}

fn is_printable(c: char) -> bool {
    !c.is_control()
}

// Shared: a verdict names its rule and its steps, which the bundle keeps.
macro_rules! text_id {
    ($(#[doc = $doc:literal])* $name:ident, $max:literal, $allowed:path, $alphabet:literal) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(Arc<str>);

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        #[cfg(test)]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                super::shape::name($max, $alphabet, concat!($($doc, "\n"),*))
            }
        }

        #[cfg(test)]
        impl utoipa::ToSchema for $name {}

        impl $name {
            /// Checks length and alphabet.
            ///
            /// # Errors
            /// Says what is wrong with the text, without quoting it.
            pub(crate) fn new(text: &str) -> Result<Self, IdFault> {
                check(text, $max, $allowed, $alphabet)?;
                Ok(Self(text.into()))
            }

            /// The name as text.
            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id!(
    /// What a user asks to be allowed, such as `transfer:write` (docs/CONTRACT.md C2.1).
    Scope, 256, is_name, "a-z A-Z 0-9 . - _ :"
);
text_id!(
    /// Prelude's name for a user.
    UserId, 256, is_printable, "printable characters"
);
text_id!(
    /// Prelude's name for a session (`sid` of a challenge token).
    SessionId, 256, is_printable, "printable characters"
);
text_id!(
    /// Prelude's name for a challenge.
    ChallengeId, 256, is_printable, "printable characters"
);
text_id!(
    /// The key of a step, managed or custom (docs/CONTRACT.md C4.4).
    StepKey, 64, is_name, "a-z A-Z 0-9 . - _ :"
);
text_id!(
    /// The `kid` of a key, ours or Prelude's.
    Kid, 256, is_printable, "printable characters"
);
text_id!(
    /// The id of a policy rule, unique in its file.
    RuleId, 64, is_name, "a-z A-Z 0-9 . - _ :"
);
text_id!(
    /// The kind of a fact that the customer or Prelude reported about a user, such as `email_changed`.
    FactKind, 64, is_name, "a-z A-Z 0-9 . - _ :"
);
text_id!(
    /// The name that whoever reports a fact has for it, such as a chargeback's number.
    FactId, 200, is_printable, "printable characters"
);
text_id!(
    /// The public part of an API key, which names it in lists, logs and records.
    ApiKeyId, 32, is_name, "a-z A-Z 0-9 . - _ :"
);

text_id!(
    /// The name of a list: that of its file, without the ending.
    ListName, 100, is_name, "a-z A-Z 0-9 . - _ :"
);
text_id!(
    /// Why somebody does what is recorded, in their own words.
    GivenReason, 500, is_printable, "printable characters"
);

text_id!(
    /// The human or system that decided about a verification, as whoever called in names them.
    Decider, 200, is_printable, "printable characters"
);
text_id!(
    /// The name of an identity-check provider, as it is configured and as `provider:NAME` in policies says it.
    SourceName, 64, is_name, "a-z A-Z 0-9 . - _ :"
);

impl StepKey {
    /// Whether Prelude carries the step out itself.
    pub(crate) fn is_managed(&self) -> bool {
        super::MANAGED_STEPS.contains(&self.as_str())
    }
}

macro_rules! uuid_id {
    ($(#[doc = $doc:literal])* $name:ident) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub(crate) struct $name(Uuid);

        #[cfg(test)]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                super::shape::uuid(concat!($($doc, "\n"),*))
            }
        }

        #[cfg(test)]
        impl utoipa::ToSchema for $name {}

        impl $name {
            /// Builds an id from its moment and ten random bytes (RFC 9562 §5.7).
            pub(crate) fn new(now: super::Timestamp, random: [u8; 10]) -> Self {
                let millis = u64::try_from(now.unix_micros().div_euclid(1000)).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }

            /// Takes an id that was stored.
            pub(crate) const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Reads an id as it is shown.
            pub(crate) fn parse(text: &str) -> Option<Self> {
                Uuid::try_parse(text).ok().map(Self)
            }

            /// The id as a UUID.
            pub(crate) const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id!(
    /// Names a recorded decision: a version 7 UUID, so that ids sort by time.
    DecisionId
);
uuid_id!(
    /// Names a verification: a version 7 UUID, so that ids sort by time.
    VerificationId
);

impl DecisionId {
    /// Takes an id's sixteen bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Uuid::from_slice(bytes).ok().map(Self)
    }
}

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) struct $name([u8; 16]);

        impl $name {
            /// Takes 16 random bytes.
            pub(crate) const fn from_random(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// Reads 32 hexadecimal digits.
            pub(crate) fn parse(text: &str) -> Option<Self> {
                let is_lower = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
                let number = u128::from_str_radix(text, 16).ok();
                number
                    .filter(|_| text.len() == 32 && text.bytes().all(is_lower))
                    .map(|number| Self(number.to_be_bytes()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", u128::from_be_bytes(self.0))
            }
        }
    };
}

random_id!(
    /// The unique name of a token: 128 random bits, shown as 32 hexadecimal digits (ASVS 5.0 11.5.1).
    Jti
);
random_id!(
    /// What a verification is called towards an identity-check provider: 128 random bits, shown as 32 hexadecimal digits, so
    /// that nobody who was not told it can name a verification.
    Reference
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_have_preludes_alphabet() {
        assert!(Scope::new("transfer:write").is_ok());
        assert_eq!(Scope::new(""), Err(IdFault::Empty));
        assert_eq!(Scope::new("transfer write"), Err(IdFault::Alphabet("a-z A-Z 0-9 . - _ :")));
        assert_eq!(Scope::new(&"a".repeat(257)), Err(IdFault::TooLong(256)));
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert!(UserId::new(&"é".repeat(256)).is_ok());
        assert!(UserId::new("a\nb").is_err());
    }

    #[test]
    fn a_decision_id_is_version_7_and_carries_its_moment() {
        let id = DecisionId::new(super::super::Timestamp::from_unix_seconds(1_790_000_000), [7; 10]);
        assert_eq!(id.uuid().get_version_num(), 7);
        assert_eq!(id.uuid().get_timestamp().map(|t| t.to_unix().0), Some(1_790_000_000));
    }

    #[test]
    fn a_jti_shows_all_its_bits() {
        assert_eq!(Jti::from_random([0x0f; 16]).to_string(), "0f".repeat(16));
        assert_eq!(Jti::parse(&"0f".repeat(16)), Some(Jti::from_random([0x0f; 16])));
        for text in ["", "0f", &"0F".repeat(16), &"+f".repeat(16), &"0f".repeat(17)] {
            assert_eq!(Jti::parse(text), None, "{text}");
        }
    }
}
