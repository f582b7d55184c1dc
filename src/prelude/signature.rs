//! Whether a call is Prelude's: the signature over the raw bytes, before anything in them is read.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::key_set::{HookKeySet, MODULUS_BYTES_MAX, MODULUS_BYTES_MIN, VerificationKey as _};
use crate::domain::{Kid, SignatureHash, SignatureSeen, Thumbprint};

/// What Prelude's webhook page puts before a signature, and its hook page does not (docs/CONTRACT.md C3.3).
const PREFIX: &str = "rsassa-pss-sha256=";
/// The longest signature header: prefix and padded base64url of the largest key's signature.
const HEADER_BYTES_MAX: usize = PREFIX.len() + MODULUS_BYTES_MAX.div_ceil(3) * 4;

/// Why a call is not believed. Callers are told one thing for all of these; log and metrics tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SignatureFault {
    /// One of the two headers is absent.
    #[error("the call carries no signature")]
    Missing,
    /// A header that no signature or key name could be.
    #[error("the signature headers are malformed")]
    Malformed,
    /// The set that was looked in has no usable key of that name; a newer one may.
    #[error("the key that the call names is unknown")]
    UnknownKey,
    /// Not that key's signature over these bytes.
    #[error("the signature does not fit the call")]
    Wrong,
    /// That key's, but the key was withdrawn so long ago that its signatures were forgotten: nobody can tell a replay.
    #[error("the key that signed the call was withdrawn long ago")]
    RetiredKey,
}

impl SignatureFault {
    /// The fault's name in metrics and logs.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing_signature",
            Self::Malformed => "malformed_signature",
            Self::UnknownKey => "unknown_key",
            Self::Wrong => "wrong_signature",
            Self::RetiredKey => "retired_key",
        }
    }
}

/// The two headers that Prelude signs with, as they came (docs/CONTRACT.md C3.1).
#[derive(Clone, Copy, Default)]
pub(crate) struct SignatureHeaders<'a> {
    /// `X-Webhook-Signature`.
    pub(crate) signature: Option<&'a str>,
    /// `X-Webhook-Signature-Key-Id`.
    pub(crate) key_id: Option<&'a str>,
}

/// A call that Prelude signed. Only [`verify`] builds one.
pub(crate) struct SignedCall {
    body: Box<[u8]>,
    seen: SignatureSeen,
    key: Thumbprint,
}

impl SignedCall {
    /// The bytes that were signed.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// What tells this call from every other: Prelude's signatures are random, so two genuine calls never share one.
    pub(crate) const fn seen(&self) -> &SignatureSeen {
        &self.seen
    }

    /// The key that signed it, whatever its name.
    pub(crate) const fn key(&self) -> Thumbprint {
        self.key
    }
}

/// Names the signature; the body stays unseen.
impl std::fmt::Debug for SignedCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedCall").field("seen", &self.seen).finish_non_exhaustive()
    }
}

/// Verifies a call: RSASSA-PSS with SHA-256 over the exact bytes, by the key that the call names.
///
/// Nothing about the algorithm is taken from the call. The prefix is optional, padding may be there whole or not at
/// all; any other spelling of base64url is refused, so a signature has four spellings and its hash, taken over the
/// decoded bytes, is the same for each. The cheap checks come first: a malformed call never looks for a key.
///
/// - `body`: as it came, unparsed; kept in the result.
/// - `keys`: Prelude's current set.
///
/// # Errors
/// [`SignatureFault`]; the body has not been read then. On [`SignatureFault::UnknownKey`] a newer set may be asked for
/// (`RemoteKeySet::refetch_for_unknown_kid`) and the call verified again.
///
/// # Reference
/// RFC 8017 §8.1.2; docs/CONTRACT.md C3.1 to C3.5
pub(crate) fn verify(
    headers: SignatureHeaders<'_>,
    body: &[u8],
    keys: &HookKeySet,
) -> Result<SignedCall, SignatureFault> {
    let (Some(header), Some(key_id)) = (headers.signature, headers.key_id) else {
        return Err(SignatureFault::Missing);
    };
    let signature = decode(header).ok_or(SignatureFault::Malformed)?;
    let Some((kid, key)) = keys.get(key_id) else {
        return Err(Kid::new(key_id).map_or(SignatureFault::Malformed, |_| SignatureFault::UnknownKey));
    };
    if !key.verifies(&digest(&SHA256, body), &signature) {
        return Err(SignatureFault::Wrong);
    }
    let hash = digest_of(&signature);
    let seen = SignatureSeen { hash, kid: kid.clone() };
    Ok(SignedCall { body: body.into(), seen, key: key.thumbprint() })
}

fn decode(header: &str) -> Option<Vec<u8>> {
    if header.len() > HEADER_BYTES_MAX {
        return None;
    }
    let text = header.strip_prefix(PREFIX).unwrap_or(header);
    let bare = text.trim_end_matches('=');
    let padding = text.len() - bare.len();
    if padding > 0 && (padding > 2 || !text.len().is_multiple_of(4)) {
        return None;
    }
    let signature = URL_SAFE_NO_PAD.decode(bare).ok()?;
    (MODULUS_BYTES_MIN..=MODULUS_BYTES_MAX).contains(&signature.len()).then_some(signature)
}

fn digest_of(signature: &[u8]) -> SignatureHash {
    let mut hash = [0; 32];
    // INVARIANT: a SHA-256 has 32 bytes, so nothing is cut and nothing left over.
    hash.iter_mut().zip(digest(&SHA256, signature).as_ref()).for_each(|(to, from)| *to = *from);
    SignatureHash(hash)
}

#[cfg(test)]
mod tests;
