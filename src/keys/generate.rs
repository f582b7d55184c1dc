//! Making a signing key. `rsa` generates and encodes; it never signs (docs/decisions/0007).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::pkcs8::EncodePrivateKey;
use rsa::pkcs8::der::zeroize::Zeroizing;
use rsa::traits::PublicKeyParts;

use super::KeyError;
use crate::domain::Kid;

/// The sizes that a signing key may have; the largest that Prelude takes is not documented (docs/CONTRACT.md C6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyBits {
    /// The default.
    Rsa2048,
    /// 3072 bits.
    Rsa3072,
    /// 4096 bits.
    Rsa4096,
}

impl KeyBits {
    /// The number of bits.
    pub(crate) const fn get(self) -> usize {
        match self {
            Self::Rsa2048 => 2048,
            Self::Rsa3072 => 3072,
            Self::Rsa4096 => 4096,
        }
    }
}

/// A new key pair, its private part still in the clear.
pub(crate) struct GeneratedKey {
    /// The RFC 7638 thumbprint of the public part.
    pub(crate) kid: Kid,
    /// The modulus, base64url.
    pub(crate) n: String,
    /// The public exponent, base64url.
    pub(crate) e: String,
    /// The private key, PKCS#8 DER.
    pub(crate) private_der: Zeroizing<Vec<u8>>,
}

/// Generates a key. It takes 30 to 160 ms or more: never inside a request, always in a blocking task.
///
/// # Errors
/// [`KeyError::Generation`]; there is no key then.
pub(crate) fn generate(bits: KeyBits) -> Result<GeneratedKey, KeyError> {
    let private =
        rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, bits.get()).map_err(|_| KeyError::Generation)?;
    let der = private.to_pkcs8_der().map_err(|_| KeyError::Generation)?;
    let n = URL_SAFE_NO_PAD.encode(private.n().to_bytes_be());
    let e = URL_SAFE_NO_PAD.encode(private.e().to_bytes_be());
    let kid = thumbprint(&n, &e)?;
    Ok(GeneratedKey { kid, n, e, private_der: Zeroizing::new(der.as_bytes().to_vec()) })
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
    fn a_generated_key_has_the_asked_size_and_its_own_kid() {
        let key = generate(KeyBits::Rsa2048).expect("a key");
        assert_eq!(URL_SAFE_NO_PAD.decode(&key.n).expect("base64url").len(), 256);
        assert_eq!(key.e, "AQAB");
        assert_eq!(key.kid, thumbprint(&key.n, &key.e).expect("a kid"));
    }
}
