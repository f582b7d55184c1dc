//! What a hook call states: who asks for what, from where.

use std::fmt;
use std::net::IpAddr;

use super::{Metadata, Scope, Timestamp, UserId, mask_identifier};

/// Everything a verdict may look at, as Prelude stated it (docs/CONTRACT.md C2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// What is asked for.
    pub(crate) scope: Scope,
    /// Who asks.
    pub(crate) user_id: UserId,
    /// The user's e-mail addresses and phone numbers; may be empty.
    pub(crate) identifiers: Vec<Identifier>,
    /// What Prelude saw of the device.
    pub(crate) signals: Signals,
    /// What the page sent: the user's word.
    pub(crate) metadata: Metadata,
    /// When the call reached us: the call itself carries no time.
    pub(crate) received_at: Timestamp,
}

/// What Prelude saw of the device that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signals {
    /// The browser's or app's own words.
    pub(crate) user_agent: Box<str>,
    /// Which kind of client.
    pub(crate) platform: Platform,
    /// The address; an IPv4-mapped IPv6 address is an IPv4 address.
    pub(crate) ip: IpAddr,
}

/// The kind of client; new kinds may appear.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Platform {
    /// A browser.
    Web,
    /// An Android app.
    Android,
    /// An iOS app.
    Ios,
    /// One that Prelude added since.
    Other(Box<str>),
}

impl Platform {
    /// Reads Prelude's word for a platform.
    pub(crate) fn from_wire(text: &str) -> Self {
        match text {
            "WEB" => Self::Web,
            "ANDROID" => Self::Android,
            "IOS" => Self::Ios,
            other => Self::Other(other.into()),
        }
    }

    /// Prelude's word for the platform.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Web => "WEB",
            Self::Android => "ANDROID",
            Self::Ios => "IOS",
            Self::Other(other) => other,
        }
    }
}

/// A way to reach the user.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Identifier {
    /// What `value` is.
    pub(crate) kind: IdentifierKind,
    /// The address or number itself; never logged or stored as it is.
    pub(crate) value: Box<str>,
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), mask_identifier(&self.value))
    }
}

/// The kind of an identifier; new kinds may appear.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum IdentifierKind {
    /// An e-mail address.
    EmailAddress,
    /// A phone number in E.164 form.
    PhoneNumber,
    /// One that Prelude added since.
    Other(Box<str>),
}

impl IdentifierKind {
    /// Reads Prelude's `type` of an identifier.
    pub(crate) fn from_wire(text: &str) -> Self {
        match text {
            "email_address" => Self::EmailAddress,
            "phone_number" => Self::PhoneNumber,
            other => Self::Other(other.into()),
        }
    }

    /// Prelude's word for the kind.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::EmailAddress => "email_address",
            Self::PhoneNumber => "phone_number",
            Self::Other(other) => other,
        }
    }
}
