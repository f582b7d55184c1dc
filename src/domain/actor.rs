//! Who does something that is recorded.

use std::fmt;

use super::ApiKeyId;

/// How Prelude is stored and shown.
const PRELUDE: &str = "prelude";

/// Who acts: never a secret, and nobody's e-mail or phone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Actor {
    /// An API key, by its public part.
    ApiKey(ApiKeyId),
    /// A user of the operating system, at the command line.
    CommandLine(Box<str>),
    /// Prelude, by an event that it signed.
    Prelude,
}

impl Actor {
    /// Reads what [`Display`](fmt::Display) wrote; `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == PRELUDE {
            return Some(Self::Prelude);
        }
        match text.split_once(':')? {
            ("api", key) => ApiKeyId::new(key).ok().map(Self::ApiKey),
            ("cli", user) => Some(Self::CommandLine(user.into())),
            _ => None,
        }
    }
}

/// As stored and shown: `api:KEY_ID`, `cli:USER` or `prelude`.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ApiKey(key) => write!(f, "api:{key}"),
            Self::CommandLine(user) => write!(f, "cli:{user}"),
            Self::Prelude => f.write_str(PRELUDE),
        }
    }
}

impl serde::Serialize for Actor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_read_as_it_is_written() {
        for text in ["api:0f3c", "cli:ana", "cli:a:b", "prelude"] {
            assert_eq!(Actor::parse(text).map(|actor| actor.to_string()).as_deref(), Some(text));
        }
        for text in ["", "ana", "api:", "root:ana", "prelude:"] {
            assert_eq!(Actor::parse(text), None, "{text}");
        }
    }
}
