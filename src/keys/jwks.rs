//! The key set that Prelude reads (docs/CONTRACT.md C7), rendered once per change.

#[cfg(test)]
pub(crate) mod example;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::{Kid, SigningKeyRecord};

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
    /// Renders keys: the name, modulus and exponent of each.
    pub(super) fn of<'a>(keys: impl Iterator<Item = (&'a Kid, &'a str, &'a str)>) -> Self {
        let jwk = |(kid, n, e): (&'a Kid, &'a str, &'a str)| Jwk {
            kty: "RSA",
            kid: kid.as_str(),
            usage: "sig",
            alg: "RS256",
            n,
            e,
        };
        let keys = keys.map(jwk).collect();
        // INVARIANT: strings in a struct always serialise.
        let body = serde_json::to_string(&Jwks { keys }).unwrap_or_default();
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest(&SHA256, body.as_bytes())));
        Self { body, etag }
    }

    /// Renders the public halves of stored keys, in their order.
    pub(crate) fn of_rows<'a>(rows: impl Iterator<Item = &'a SigningKeyRecord>) -> Self {
        Self::of(rows.map(|row| (&row.kid, &*row.modulus, &*row.exponent)))
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
