//! JSON Web Signatures in their compact form, taken apart strictly. Checks no signature.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::strict_json;

/// The longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// A token's parts; nothing is known about who made it.
#[derive(Debug)]
pub(super) struct Unverified<'a> {
    /// The header's members.
    pub(super) header: Map<String, Value>,
    /// The claims.
    pub(super) claims: Map<String, Value>,
    /// The bytes that the signature is over.
    pub(super) signed: &'a [u8],
    /// The signature's bytes.
    pub(super) signature: Vec<u8>,
}

impl Unverified<'_> {
    /// A header member that is text.
    pub(super) fn header_text(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }
}

/// Takes a token apart: three parts of canonical base64url without padding, the first two strict JSON objects.
///
/// - returns: `None` for anything else, and for tokens over 8 KB.
///
/// # Reference
/// RFC 7515 §7.1, §2 (base64url)
pub(super) fn take_apart(token: &str) -> Option<Unverified<'_>> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let object = |part: &str| strict_json::parse_object(&URL_SAFE_NO_PAD.decode(part).ok()?);
    Some(Unverified {
        header: object(header)?,
        claims: object(claims)?,
        signed: signed.as_bytes(),
        signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
    })
}

/// Joins a header and claims into the bytes to be signed.
pub(super) fn signing_input(header: &[u8], claims: &[u8]) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

/// Appends the signature.
pub(super) fn with_signature(signing_input: &str, signature: &[u8]) -> String {
    format!("{signing_input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_joined_comes_apart() {
        let input = signing_input(br#"{"alg":"x"}"#, br#"{"sub":"u"}"#);
        let token = with_signature(&input, b"sig");
        let parts = take_apart(&token).expect("a token");
        assert_eq!(parts.header_text("alg"), Some("x"));
        assert_eq!(parts.claims["sub"], "u");
        assert_eq!((parts.signed, parts.signature.as_slice()), (input.as_bytes(), b"sig".as_slice()));
    }

    #[test]
    fn what_is_not_strictly_compact_is_refused() {
        let good = with_signature(&signing_input(b"{}", b"{}"), b"sig");
        assert!(take_apart(&good).is_some());
        let doubled = with_signature(&signing_input(b"{}", br#"{"sub":"a","sub":"b"}"#), b"sig");
        let array = with_signature(&signing_input(b"[]", b"{}"), b"sig");
        let long = with_signature(&signing_input(b"{}", format!("{{{:9000}}}", "").as_bytes()), b"sig");
        for token in ["", ".", "..", "a.b", &(good.clone() + "."), &(good.clone() + "="), &format!(" {good}")]
        {
            assert!(take_apart(token).is_none(), "{token}");
        }
        for token in [&doubled, &array, &long, &good.replacen('.', "..", 1), &good.replacen("e30", "e31", 1)]
        {
            assert!(take_apart(token).is_none(), "{token}");
        }
    }
}
