//! Setting values that are right once they exist.

mod events;
mod key;
mod place;
mod provider;
mod store;

use std::net::SocketAddr;
use std::path::PathBuf;

pub(crate) use events::{Events, VerificationToken};
pub(crate) use key::EncryptionKey;
pub(crate) use place::{AppId, HttpUrl, SessionDomain};
pub(crate) use store::{StoreMigrate, StorePassword, StorePooler, StoreUrl};

pub(super) use provider::{
    SecretText, SignedParts, custom_step, header_name, header_prefix, outcome_word, pointer,
};

use super::shape::Wrong;

/// How strict the installation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// For users: whatever makes only a test easier is refused.
    Production,
    /// For people at work: plain http to this machine, a key made on the spot.
    Development,
}

impl Mode {
    /// The mode's word in settings.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Development => "development",
        }
    }
}

/// The least severity that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogLevel {
    /// What failed.
    Error,
    /// And what may fail soon.
    Warn,
    /// And what happened.
    Info,
    /// And how.
    Debug,
    /// And every turn.
    Trace,
}

/// When policy files are read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PolicyReload {
    /// When they change, and when somebody asks.
    Watched,
    /// Only when somebody asks.
    Asked,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// For people.
    Pretty,
}

/// Reads an address to listen on: an IP address and a port; port 0 takes a free one.
pub(super) fn socket_address(text: &str) -> Result<SocketAddr, Wrong> {
    let wrong = || {
        Wrong::of_type("is not an IP address and port", "write such as \"127.0.0.1:8080\" or \"[::]:8080\"")
    };
    text.parse().map_err(|_| wrong())
}

/// Reads a path; relative ones start where the process was started. Whether it exists is seen when it is used.
#[expect(clippy::unnecessary_wraps, reason = "one signature for every reader of the option table")]
pub(super) fn path(text: &str) -> Result<PathBuf, Wrong> {
    Ok(PathBuf::from(text))
}
