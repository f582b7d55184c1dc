//! RSASSA-PSS with SHA-256 over the raw body, under one key that is parsed once.

use std::path::Path;

use actix_web::http::header::HeaderMap;
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PSS_2048_8192_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::fault::{Outcome, While as _};

/// Checks signatures with the one key.
pub(super) struct Verifier(ParsedPublicKey);

impl Verifier {
    /// Reads the public key.
    ///
    /// # Errors
    /// When the file or the key in it cannot be read.
    pub(super) fn read(file: &Path) -> Outcome<Self> {
        let der = std::fs::read(file).doing("reading the public key")?;
        ParsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, der).map(Self).doing("parsing the public key")
    }

    /// Whether the headers carry the key's signature of `body`.
    pub(super) fn accepts(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let Some(text) = headers.get("x-webhook-signature").and_then(|value| value.to_str().ok()) else {
            return false;
        };
        let text = text.strip_prefix("rsassa-pss-sha256=").unwrap_or(text);
        let Ok(signature) = URL_SAFE_NO_PAD.decode(text) else {
            return false;
        };
        headers.contains_key("x-webhook-signature-key-id") && self.0.verify_sig(body, &signature).is_ok()
    }
}
