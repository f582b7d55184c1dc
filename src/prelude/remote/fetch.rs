//! One bounded fetch of a key set over HTTP.

use std::time::Duration;

use reqwest::{Certificate, Client, StatusCode, Url, redirect};

use crate::domain::Timestamp;
use crate::prelude::key_set::{KEY_SET_BYTES_MAX, KeySetFault};
use crate::spans;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a whole fetch may take: well under the five seconds that Prelude waits for a verdict.
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);
/// Who asks.
const USER_AGENT: &str = concat!("doorstep/", env!("CARGO_PKG_VERSION"));

/// Why an address is not one to fetch keys from. It quotes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EndpointFault {
    /// Not an absolute URL with a host.
    #[error("is not a URL")]
    Url,
    /// Keys that travel in the clear could be anybody's.
    #[error("is not an https URL")]
    NotHttps,
}

/// Where a key set is published.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint(Url);

impl Endpoint {
    /// Takes an `https` URL.
    ///
    /// # Errors
    /// [`EndpointFault`] for anything else.
    pub(crate) fn https(url: &str) -> Result<Self, EndpointFault> {
        let url = Url::parse(url).map_err(|_| EndpointFault::Url)?;
        if url.scheme() == "https" { Ok(Self(url)) } else { Err(EndpointFault::NotHttps) }
    }

    /// Takes an `https` URL, or a plain `http` one of this machine: for development, where Prelude is played locally.
    ///
    /// # Errors
    /// [`EndpointFault`] for anything else.
    pub(crate) fn https_or_loopback(url: &str) -> Result<Self, EndpointFault> {
        match Url::parse(url) {
            Ok(url) if url.scheme() == "http" && is_loopback(&url) => Ok(Self(url)),
            _ => Self::https(url),
        }
    }

    fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Why fetching could not be prepared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupFault {
    /// The extra root certificates are none.
    #[error("the extra certificates are not PEM, or there is none among them")]
    Certificates,
    /// The system's TLS cannot be used; most often it has no root certificates.
    #[error("TLS cannot be set up")]
    Tls(#[source] reqwest::Error),
}

/// Why a fetch brought no key set. It quotes nothing of what was answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchFault {
    /// No whole answer in time.
    #[error("the key set's server did not answer")]
    Unreachable(#[source] reqwest::Error),
    /// An answer that points elsewhere; it was not followed.
    #[error("the key set's server answered with a redirect (status {0})")]
    Redirected(u16),
    /// An answer other than 200.
    #[error("the key set's server answered with status {0}")]
    Status(u16),
    /// An answer without a usable key.
    #[error(transparent)]
    Unusable(#[from] KeySetFault),
}

impl FetchFault {
    /// The fault's name in metrics.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Redirected(_) => "redirected",
            Self::Status(_) => "wrong_status",
            Self::Unusable(KeySetFault::TooLong) => "too_long",
            Self::Unusable(_) => "unusable",
        }
    }
}

/// What a server answered.
#[derive(Debug)]
pub(super) struct Fetched {
    /// The text.
    pub(super) body: String,
    /// The server's own clock, where it tells (RFC 9110 §6.6.1).
    pub(super) server_time: Option<Timestamp>,
}

/// An endpoint with the client that fetches from it.
#[derive(Debug)]
pub(super) struct Source {
    endpoint: Endpoint,
    client: Client,
    patience: Duration,
}

impl Source {
    pub(super) fn new(endpoint: Endpoint, ca_pem: Option<&[u8]>) -> Result<Self, SetupFault> {
        let client = client_for(&endpoint, ca_pem)?;
        Ok(Self { endpoint, client, patience: FETCH_TIMEOUT })
    }

    /// Fetches the text: status 200, no redirect, at most 256 KiB, UTF-8, in time.
    pub(super) async fn fetch(&self) -> Result<Fetched, FetchFault> {
        let request = self.client.get(self.endpoint.0.clone()).timeout(self.patience);
        let request = request.header(reqwest::header::ACCEPT, "application/json");
        let request = spans::departing().fold(request, |request, (name, value)| request.header(name, value));
        let mut answer = request.send().await.map_err(unreachable)?;
        match answer.status() {
            StatusCode::OK => {}
            status if status.is_redirection() => return Err(FetchFault::Redirected(status.as_u16())),
            status => return Err(FetchFault::Status(status.as_u16())),
        }
        let server_time =
            answer.headers().get(reqwest::header::DATE).and_then(|date| server_time(date.to_str().ok()?));
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > KEY_SET_BYTES_MAX {
                return Err(KeySetFault::TooLong.into());
            }
            body.extend_from_slice(&chunk);
        }
        let body = String::from_utf8(body).map_err(|_| KeySetFault::Form)?;
        Ok(Fetched { body, server_time })
    }

    /// The same source with less patience, for a test of a server that never answers.
    #[cfg(test)]
    pub(super) fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }
}

/// A client for one address: it follows no redirect, and speaks TLS unless the address is this machine's own.
///
/// - `ca_pem`: certificates to trust besides the system's.
///
/// # Errors
/// [`SetupFault`].
pub(in crate::prelude) fn client_for(
    endpoint: &Endpoint,
    ca_pem: Option<&[u8]>,
) -> Result<Client, SetupFault> {
    let extra = extra_roots(ca_pem)?;
    let client = Client::builder()
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        // One call in minutes: a connection kept open would only be found closed.
        .pool_max_idle_per_host(0);
    // No proxy stands between this machine and itself.
    let client = if is_loopback(&endpoint.0) { client.no_proxy() } else { client };
    let client = if endpoint.is_https() {
        client.https_only(true).tls_certs_merge(extra)
    } else {
        // Plain http needs no roots, and a system without any is no reason to fail.
        client.tls_certs_only(extra)
    };
    client.build().map_err(SetupFault::Tls)
}

fn extra_roots(ca_pem: Option<&[u8]>) -> Result<Vec<Certificate>, SetupFault> {
    let Some(pem) = ca_pem else { return Ok(Vec::new()) };
    let certificates = Certificate::from_pem_bundle(pem).map_err(|_| SetupFault::Certificates)?;
    if certificates.is_empty() { Err(SetupFault::Certificates) } else { Ok(certificates) }
}

fn server_time(date: &str) -> Option<Timestamp> {
    let moment = jiff::fmt::rfc2822::parse(date).ok()?;
    Some(Timestamp::from_unix_seconds(moment.timestamp().as_second()))
}

fn unreachable(error: reqwest::Error) -> FetchFault {
    // The address is in the configuration and may hold what only its reader should see.
    FetchFault::Unreachable(error.without_url())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_https_or_from_this_machine() {
        let check = |url: &str, expected: (Result<(), EndpointFault>, Result<(), EndpointFault>)| {
            let strict = Endpoint::https(url).map(|_| ());
            let local = Endpoint::https_or_loopback(url).map(|_| ());
            assert_eq!((strict, local), expected, "{url}");
        };
        let (url, plain) = (Err(EndpointFault::Url), Err(EndpointFault::NotHttps));
        check("https://54e9ujn.session.prelude.dev/.well-known/jwks.json", (Ok(()), Ok(())));
        for local in ["http://127.0.0.1:8080/jwks", "http://[::1]/jwks", "http://localhost/jwks"] {
            check(local, (plain, Ok(())));
        }
        for far in
            ["http://example.com/", "http://localhost.example.com/", "http://10.0.0.1/", "ftp://127.0.0.1/"]
        {
            check(far, (plain, plain));
        }
        for none in ["", "example.com/jwks", "https://"] {
            check(none, (url, url));
        }
    }

    #[test]
    fn a_servers_clock_is_read_from_its_date() {
        let expected = Some(Timestamp::from_unix_seconds(784_111_777));
        assert_eq!(server_time("Sun, 06 Nov 1994 08:49:37 GMT"), expected);
        assert_eq!(server_time("yesterday"), None);
    }

    #[test]
    fn extra_certificates_must_be_certificates() {
        assert!(matches!(extra_roots(None), Ok(none) if none.is_empty()));
        for pem in [
            "",
            "-----BEGIN CERTIFICATE-----",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        ] {
            assert!(matches!(extra_roots(Some(pem.as_bytes())), Err(SetupFault::Certificates)), "{pem}");
        }
    }
}
