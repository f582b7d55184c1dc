//! Setting values that are right once they exist.

mod events;
mod key;
mod log;
mod management;
mod place;
mod provider;
mod store;
mod tracing;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;

pub(crate) use events::{Events, VerificationToken};
pub(crate) use key::EncryptionKey;
pub(crate) use log::{LogLevel, LogLevels};
pub(crate) use management::{ConfigShape, ManagementKey};
pub(crate) use place::{AppId, HttpUrl, SessionDomain};
pub(crate) use store::{StoreMigrate, StorePassword, StorePooler, StoreUrl};
pub(crate) use tracing::{TraceCompression, TraceHeaders};

pub(super) use management::base_url;
pub(super) use provider::{
    SecretText, SignedParts, custom_step, header_name, header_prefix, outcome_word, pointer,
};
pub(super) use tracing::{attribute, collector};

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

/// On which of its listeners the server speaks TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TlsFaces {
    /// On every one.
    Both,
    /// On the internet's.
    Public,
    /// On the customer's own.
    Private,
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

/// Reads a network: an address and the length of its prefix, without bits behind it, or a single address.
pub(super) fn network(text: &str) -> Result<IpNet, Wrong> {
    let help = "write such as \"10.0.0.0/8\", \"2001:db8::/32\" or \"192.0.2.7\"";
    let single = text.parse::<IpAddr>().ok().map(IpNet::from);
    let network =
        single.or_else(|| text.parse().ok()).ok_or_else(|| Wrong::of_type("is not a network", help))?;
    if network.prefix_len() == 0 {
        return Err(Wrong::impossible("would believe everybody", "name the networks of your own proxies"));
    }
    if network.addr() == network.network() {
        return Ok(network);
    }
    Err(Wrong::impossible("has bits behind its prefix, so which network is meant cannot be told", help))
}
