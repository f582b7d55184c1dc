//! The key set that Prelude reads (docs/CONTRACT.md C7), rendered once per change.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::SigningKey;

#[derive(serde::Serialize)]
struct Jwks<'a> {
    keys: Vec<Jwk<'a>>,
}

/// Exactly the members that the contract names, and never a private one.
#[derive(serde::Serialize)]
struct Jwk<'a> {
    kty: &'static str,
    kid: &'a str,
    #[serde(rename = "use")]
    usage: &'static str,
    alg: &'static str,
    n: &'a str,
    e: &'a str,
}

/// A key set ready to be sent, with its entity tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RenderedJwks {
    body: String,
    etag: String,
}

impl RenderedJwks {
    pub(super) fn of<'a>(keys: impl Iterator<Item = &'a SigningKey>) -> Self {
        let keys = keys
            .map(|key| Jwk {
                kty: "RSA",
                kid: key.kid().as_str(),
                usage: "sig",
                alg: "RS256",
                n: key.n(),
                e: key.e(),
            })
            .collect();
        // INVARIANT: strings in a struct always serialise.
        let body = serde_json::to_string(&Jwks { keys }).unwrap_or_default();
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest(&SHA256, body.as_bytes())));
        Self { body, etag }
    }

    /// The JSON text.
    pub(crate) fn body(&self) -> &str {
        &self.body
    }

    /// The strong entity tag, with its quotes (RFC 9110 §8.8.3).
    pub(crate) fn etag(&self) -> &str {
        &self.etag
    }
}
