//! Statements that we sign and read again ourselves: a JWS in compact form, of a type of its own, so that none is ever taken
//! for a verification token.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::generate::thumbprint;
use super::{KeyError, SigningKey};
use crate::domain::SigningKeyRecord;

/// What a statement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatementKind {
    /// What the record of decisions was at a moment.
    Checkpoint,
}

impl StatementKind {
    const fn typ(self) -> &'static str {
        match self {
            Self::Checkpoint => "doorstep-checkpoint+json",
        }
    }
}

/// Why a text is no statement of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StatementFault {
    /// It is no JWS in compact form, signed with RS256, of the kind that is wanted.
    #[error("is no such statement")]
    Form,
    /// The record has no key of that name.
    #[error("is signed by a key that is none of ours")]
    UnknownKey,
    /// The key was withdrawn: anybody may have it.
    #[error("is signed by a key that was withdrawn")]
    RevokedKey,
    /// The signature is not that key's.
    #[error("is not signed by the key that it names")]
    Signature,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'h> {
    alg: &'h str,
    typ: &'h str,
    kid: &'h str,
}

/// Signs a statement.
///
/// # Errors
/// [`KeyError::Library`]; there is no statement then.
///
/// # Reference
/// RFC 7515 §3.1, RFC 7518 §3.3; RFC 8725 §3.11 (`typ`).
pub(crate) fn sign_statement(
    kind: StatementKind,
    payload: &[u8],
    key: &SigningKey,
) -> Result<String, KeyError> {
    let header = Header { alg: "RS256", typ: kind.typ(), kid: key.kid().as_str() };
    let header = serde_json::to_vec(&header).map_err(|_| KeyError::Library("encode a header"))?;
    let mut text = URL_SAFE_NO_PAD.encode(header);
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut text);
    let signature = key.sign(text.as_bytes())?;
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut text);
    Ok(text)
}

/// Reads a statement that one of our keys signed, retired ones included.
///
/// - returns: what it states.
///
/// # Errors
/// [`StatementFault`]; nothing of it may be believed.
pub(crate) fn read_statement(
    kind: StatementKind,
    text: &str,
    keys: &[SigningKeyRecord],
) -> Result<Vec<u8>, StatementFault> {
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| StatementFault::Form);
    let (signed, signature) = text.trim().rsplit_once('.').ok_or(StatementFault::Form)?;
    let (header, payload) = signed.split_once('.').ok_or(StatementFault::Form)?;
    let header = decode(header)?;
    let header: Header<'_> = serde_json::from_slice(&header).map_err(|_| StatementFault::Form)?;
    if header.alg != "RS256" || header.typ != kind.typ() {
        return Err(StatementFault::Form);
    }
    let key = keys.iter().find(|key| key.kid.as_str() == header.kid).ok_or(StatementFault::UnknownKey)?;
    if key.revoked_at.is_some() {
        return Err(StatementFault::RevokedKey);
    }
    // A row whose name is not its key's own was put there by somebody else.
    if thumbprint(&key.modulus, &key.exponent).ok().as_ref() != Some(&key.kid) {
        return Err(StatementFault::UnknownKey);
    }
    let public = RsaPublicKeyComponents { n: decode(&key.modulus)?, e: decode(&key.exponent)? };
    public
        .verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &decode(signature)?)
        .map_err(|_| StatementFault::Signature)?;
    decode(payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::keys::{EncryptionKey, EncryptionKeys, Ring, first_key};
    use crate::random::SystemRandom;

    const KIND: StatementKind = StatementKind::Checkpoint;

    fn key() -> (SigningKeyRecord, Ring) {
        let encryption_keys = EncryptionKeys::new(EncryptionKey::from_bytes([1; 32]), None);
        let now = Timestamp::from_unix_seconds(0);
        let row = first_key(encryption_keys.current(), &SystemRandom, now).expect("a key");
        let ring = Ring::unseal(std::slice::from_ref(&row), &encryption_keys).expect("opens");
        (row, ring)
    }

    #[test]
    fn a_statement_is_read_as_it_was_signed_and_in_no_other_way() {
        let (row, ring) = key();
        let signer = ring.signer_at(Timestamp::from_unix_seconds(1)).expect("a signer");
        let text = sign_statement(KIND, b"{\"n\":1}", signer).expect("signed");
        let read = |text: &str, rows: &[SigningKeyRecord]| read_statement(KIND, text, rows);
        let rows = std::slice::from_ref(&row);
        assert_eq!(read(&format!("{text}\n"), rows).expect("ours"), b"{\"n\":1}");

        let parts: Vec<&str> = text.split('.').collect();
        let other_payload = URL_SAFE_NO_PAD.encode("{\"n\":2}");
        let forged = [parts[0], &other_payload, parts[2]].join(".");
        assert_eq!(read(&forged, rows), Err(StatementFault::Signature));
        let token_header = signer.encoded_header();
        let token = [token_header, parts[1], parts[2]].join(".");
        assert_eq!(read(&token, rows), Err(StatementFault::Form), "a token is no statement");
        for text in ["", "a.b", "a.b.c", "..", parts[0]] {
            assert_eq!(read(text, rows), Err(StatementFault::Form), "{text}");
        }
        assert_eq!(read(&text, &[]), Err(StatementFault::UnknownKey));
        let revoked = SigningKeyRecord { revoked_at: Some(Timestamp::from_unix_seconds(5)), ..row.clone() };
        assert_eq!(read(&text, &[revoked]), Err(StatementFault::RevokedKey));
        let (stranger, _) = key();
        let planted = SigningKeyRecord { kid: row.kid.clone(), ..stranger };
        assert_eq!(read(&text, &[planted]), Err(StatementFault::UnknownKey));
    }
}
