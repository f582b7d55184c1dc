//! Our own addresses, as Prelude would find them.

use std::time::Duration;

use serde_json::Value;

use super::remote::{Endpoint, EndpointFault, SetupFault, client_for};

/// How long a look may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of what is served is read.
const SEEN_BYTES_MAX: usize = 256 * 1024;

/// Why nothing was seen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookFault {
    /// No address to look at.
    #[error(transparent)]
    Endpoint(#[from] EndpointFault),
    /// The client could not be made.
    #[error(transparent)]
    Setup(#[from] SetupFault),
    /// No whole answer in time.
    #[error("does not answer")]
    Unreachable(#[source] reqwest::Error),
}

/// What stands at an address.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    /// The status.
    pub(crate) status: u16,
    /// The methods that it takes, where it says.
    pub(crate) allow: Option<String>,
    /// What it serves, if that is JSON.
    pub(crate) document: Option<Value>,
}

/// Looks at one of our addresses with a `GET`; redirects are not followed, since Prelude may not either.
///
/// # Errors
/// [`LookFault`].
pub(crate) async fn look(url: &str, ca_pem: Option<&[u8]>) -> Result<Seen, LookFault> {
    let endpoint = Endpoint::https_or_loopback(url)?;
    let client = client_for(&endpoint, ca_pem)?;
    let unreachable = |error: reqwest::Error| LookFault::Unreachable(error.without_url());
    let mut answer = client.get(url).timeout(LOOK_TIMEOUT).send().await.map_err(unreachable)?;
    let status = answer.status().as_u16();
    let allow = answer.headers().get(reqwest::header::ALLOW).and_then(|allow| allow.to_str().ok());
    let allow = allow.map(str::to_owned);
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        body.extend_from_slice(&chunk);
        if body.len() > SEEN_BYTES_MAX {
            break;
        }
    }
    Ok(Seen { status, allow, document: serde_json::from_slice(&body).ok() })
}

impl Seen {
    /// Whether our hook stands there: it is asked by `POST` alone.
    pub(crate) fn is_hook(&self) -> bool {
        self.status == 405 && self.allow.as_deref() == Some("POST")
    }

    /// How many keys of ours are served there.
    pub(crate) fn keys(&self) -> usize {
        let keys = self.document.as_ref().and_then(|document| document.get("keys")?.as_array());
        let is_ours = |key: &&Value| {
            key.get("alg").and_then(Value::as_str) == Some("RS256") && key.get("kid").is_some()
        };
        if self.status == 200 { keys.into_iter().flatten().filter(is_ours).count() } else { 0 }
    }

    /// Which bundle a server that stands there says is in force.
    pub(crate) fn bundle(&self) -> Option<&str> {
        self.document.as_ref()?.get("bundle")?.as_str()
    }
}
