//! The HTTP server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::size;
use crate::config::layers::Merged;
use crate::config::options::server as o;
use crate::config::values::TlsFaces;

/// Which part of all connections one client may have, unless the operator says otherwise.
const CLIENT_SHARE: usize = 4;

/// The HTTP server.
#[derive(Debug)]
pub(crate) struct ServerSettings {
    /// Where to listen; port 0 takes a free one.
    pub(crate) bind: SocketAddr,
    /// Where to listen for the customer's own systems, if that is another address.
    pub(crate) private_bind: Option<SocketAddr>,
    /// A certificate with its chain; not opened yet. It is there exactly if the key's file is.
    pub(crate) tls_certificate_file: Option<PathBuf>,
    /// Its key; not opened yet.
    pub(crate) tls_key_file: Option<PathBuf>,
    /// Where TLS is served.
    pub(crate) tls_faces: TlsFaces,
    /// Threads that serve; `None` means one for each core.
    pub(crate) workers: Option<usize>,
    /// Connections open at once.
    pub(crate) connections_max: usize,
    /// Connections that one client may have.
    pub(crate) client_connections_max: usize,
    /// The longest request body.
    pub(crate) body_bytes_max: usize,
    /// For the TLS handshake.
    pub(crate) tls_handshake_deadline: Duration,
    /// For the first request's head.
    pub(crate) header_deadline: Duration,
    /// For a request's body, from its head on.
    pub(crate) body_deadline: Duration,
    /// For a hook call, from its head to its answer; below Prelude's 5 s (docs/CONTRACT.md C4.8).
    pub(crate) request_deadline: Duration,
    /// For how long a connection may be idle between two requests.
    pub(crate) keep_alive: Duration,
    /// For how long a connection may be open while no request of it is worked on; longer than `keep_alive`.
    pub(crate) silence_deadline: Duration,
    /// For how long calls are taken after SIGTERM.
    pub(crate) shutdown_lead: Duration,
    /// For what is in progress at SIGTERM.
    pub(crate) shutdown_deadline: Duration,
    /// Callers that may wait for news of verifications at once.
    pub(crate) waiters_max: usize,
    /// The longest body of a provider's call.
    pub(crate) callback_body_bytes_max: usize,
    /// Calls that may be worked on at once.
    pub(crate) in_flight_max: usize,
    /// The longest head of a request.
    pub(crate) head_bytes_max: usize,
    /// Whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// What a client may ask for a second without signature or key, but for the key set and for what watches the process.
    pub(crate) open_requests_per_second: u32,
    /// How often a client may ask for our key set a second.
    pub(crate) key_set_requests_per_second: u32,
    /// Wrong signatures that a client may send a minute before others come first.
    pub(crate) failed_signatures_per_minute: u32,
    /// Wrong API keys that a client may send a minute before others come first.
    pub(crate) failed_api_keys_per_minute: u32,
    /// Wrong signatures that are looked at from all unknown clients together, and as many API keys.
    pub(crate) failures_per_second_max: u32,
}

/// The section's values; `None` where one is missing or faulty.
pub(super) fn settings(merged: &Merged) -> Option<ServerSettings> {
    let connections_max = size(merged.get(&o::CONNECTIONS_MAX)?);
    let (keep_alive, header_deadline) = (merged.get(&o::KEEP_ALIVE)?, merged.get(&o::HEADER_DEADLINE)?);
    Some(ServerSettings {
        bind: merged.get(&o::BIND)?,
        private_bind: merged.get(&o::PRIVATE_BIND),
        tls_certificate_file: merged.get(&o::TLS_CERTIFICATE_FILE),
        tls_key_file: merged.get(&o::TLS_KEY_FILE),
        tls_faces: merged.get(&o::TLS_FACES).unwrap_or(TlsFaces::Both),
        workers: merged.get(&o::WORKERS).map(size),
        connections_max,
        client_connections_max: merged
            .get(&o::CLIENT_CONNECTIONS_MAX)
            .map_or(connections_max.div_ceil(CLIENT_SHARE), size),
        body_bytes_max: size(merged.get(&o::BODY_BYTES_MAX)?),
        tls_handshake_deadline: merged.get(&o::TLS_HANDSHAKE_DEADLINE)?,
        header_deadline,
        body_deadline: merged.get(&o::BODY_DEADLINE)?,
        request_deadline: merged.get(&o::REQUEST_DEADLINE)?,
        keep_alive,
        silence_deadline: merged.get(&o::SILENCE_DEADLINE).unwrap_or(keep_alive + header_deadline),
        shutdown_lead: merged.get(&o::SHUTDOWN_LEAD)?,
        shutdown_deadline: merged.get(&o::SHUTDOWN_DEADLINE)?,
        waiters_max: size(merged.get(&o::WAITERS_MAX)?),
        callback_body_bytes_max: size(merged.get(&o::CALLBACK_BODY_BYTES_MAX)?),
        in_flight_max: size(merged.get(&o::IN_FLIGHT_MAX)?),
        head_bytes_max: size(merged.get(&o::HEAD_BYTES_MAX)?),
        trusted_proxies: merged.get(&o::TRUSTED_PROXIES).unwrap_or_default(),
        open_requests_per_second: merged.get(&o::OPEN_REQUESTS)?,
        key_set_requests_per_second: merged.get(&o::KEY_SET_REQUESTS)?,
        failed_signatures_per_minute: merged.get(&o::FAILED_SIGNATURES)?,
        failed_api_keys_per_minute: merged.get(&o::FAILED_API_KEYS)?,
        failures_per_second_max: merged.get(&o::FAILURES)?,
    })
}
