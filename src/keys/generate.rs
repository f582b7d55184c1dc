//! Making a signing key. `rsa` generates and encodes; it never signs (docs/decisions/0007).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::pkcs8::EncodePrivateKey;
use rsa::traits::PublicKeyParts;

use super::seal::seal;
use super::{EncryptionKey, KeyError};
use crate::domain::{Kid, SigningKeyRecord, Timestamp};
use crate::random::Random;

/// The size of a key that is made here; the largest that Prelude takes is not documented (docs/CONTRACT.md C6.3).
const BITS: u16 = 2048;

/// Makes the very first key: published and signing from `now` on, its private part sealed for its `kid`.
///
/// Only the first key may sign at once: no verifier can hold an older key set, and Prelude refetches for an unknown
/// `kid` (docs/CONTRACT.md C7). It takes 30 to 160 ms or more: never inside a request, always in a blocking task.
///
/// # Errors
/// [`KeyError`]; there is no key then.
pub(crate) fn first_key(
    encryption_key: &EncryptionKey,
    random: &dyn Random,
    now: Timestamp,
) -> Result<SigningKeyRecord, KeyError> {
    let private = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, usize::from(BITS))
        .map_err(|_| KeyError::Generation)?;
    let der = private.to_pkcs8_der().map_err(|_| KeyError::Generation)?;
    let modulus = URL_SAFE_NO_PAD.encode(private.n().to_bytes_be());
    let exponent = URL_SAFE_NO_PAD.encode(private.e().to_bytes_be());
    let kid = thumbprint(&modulus, &exponent)?;
    Ok(SigningKeyRecord {
        sealed_private_key: seal(der.as_bytes(), kid.as_str(), encryption_key, random)?,
        kid,
        modulus,
        exponent,
        bits: u32::from(BITS),
        publish_at: now,
        activate_at: now,
        retire_at: None,
        revoked_at: None,
        created_at: now,
    })
}

/// The `kid` of a public key: the base64url SHA-256 of its required members in order.
///
/// # Reference
/// RFC 7638 §3.
pub(super) fn thumbprint(n: &str, e: &str) -> Result<Kid, KeyError> {
    let canonical = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
    let text = URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()));
    Kid::new(&text).map_err(|_| KeyError::Generation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_the_rfcs_own_example() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs\
                 tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91C\
                 bOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let kid = thumbprint(n, "AQAB").expect("a kid");
        assert_eq!(kid.as_str(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn a_first_key_has_the_asked_size_and_its_own_kid() {
        let now = Timestamp::from_unix_seconds(1);
        let encryption_key = EncryptionKey::from_bytes([1; 32]);
        let key = first_key(&encryption_key, &crate::random::SystemRandom, now).expect("a key");
        assert_eq!(URL_SAFE_NO_PAD.decode(&key.modulus).expect("base64url").len(), 256);
        assert_eq!((key.exponent.as_str(), key.bits), ("AQAB", 2048));
        assert_eq!(key.kid, thumbprint(&key.modulus, &key.exponent).expect("a kid"));
        assert_eq!((key.publish_at, key.activate_at, key.retire_at), (now, now, None));
    }
}
