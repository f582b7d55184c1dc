//! The ring: every signing key that still matters, in memory, ready to sign.

use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::seal::open;
use super::{EncryptionKey, KeyError, RenderedJwks};
use crate::domain::{Kid, SigningKeyRecord, Timestamp};

/// The moments of a key's life; its state follows from them and from now (docs/decisions/0006).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Times {
    publish_at: Timestamp,
    activate_at: Timestamp,
    retire_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

impl Times {
    const fn of(row: &SigningKeyRecord) -> Self {
        Self {
            publish_at: row.publish_at,
            activate_at: row.activate_at,
            retire_at: row.retire_at,
            revoked_at: row.revoked_at,
        }
    }

    fn is_published(&self, now: Timestamp) -> bool {
        let gone = [self.retire_at, self.revoked_at].into_iter().flatten().any(|end| end <= now);
        self.publish_at <= now && !gone
    }

    fn may_sign(&self, now: Timestamp) -> bool {
        self.activate_at <= now && self.is_published(now)
    }
}

/// A key that can sign: parsed once, kept.
pub(crate) struct SigningKey {
    kid: Kid,
    n: String,
    e: String,
    times: Times,
    pair: RsaKeyPair,
    encoded_header: String,
}

impl SigningKey {
    fn unseal(row: &SigningKeyRecord, encryption_key: &EncryptionKey) -> Result<Self, KeyError> {
        let not_a_key = || KeyError::NotAKey(row.kid.to_string());
        let der = open(&row.sealed_private_key, row.kid.as_str(), encryption_key)?;
        let pair = RsaKeyPair::from_pkcs8(&der).map_err(|_| not_a_key())?;
        // The published part must be the private part's own, or every token would fail at Prelude.
        let modulus = URL_SAFE_NO_PAD.encode(pair.public_key().modulus().big_endian_without_leading_zero());
        let exponent = URL_SAFE_NO_PAD.encode(pair.public_key().exponent().big_endian_without_leading_zero());
        if modulus != row.modulus
            || exponent != row.exponent
            || super::generate::thumbprint(&modulus, &exponent)? != row.kid
        {
            return Err(not_a_key());
        }
        let header = format!(r#"{{"alg":"RS256","typ":"JWT","kid":"{}"}}"#, row.kid);
        Ok(Self {
            kid: row.kid.clone(),
            n: modulus,
            e: exponent,
            times: Times::of(row),
            pair,
            encoded_header: URL_SAFE_NO_PAD.encode(header),
        })
    }

    /// The key's name in token headers and in the key set.
    pub(crate) fn kid(&self) -> &Kid {
        &self.kid
    }

    /// The modulus, base64url.
    pub(crate) fn n(&self) -> &str {
        &self.n
    }

    /// The public exponent, base64url.
    pub(crate) fn e(&self) -> &str {
        &self.e
    }

    /// The token header that names this key, already encoded.
    pub(crate) fn encoded_header(&self) -> &str {
        &self.encoded_header
    }

    /// Signs with RSASSA-PKCS1-v1_5 and SHA-256 (RS256, RFC 7518 §3.3). It parses nothing: this is the raw operation.
    ///
    /// # Errors
    /// [`KeyError::Library`]; there is no signature then.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let random = aws_lc_rs::rand::SystemRandom::new();
        self.pair
            .sign(&aws_lc_rs::signature::RSA_PKCS1_SHA256, &random, message, &mut signature)
            .map_err(|_| KeyError::Library("sign"))?;
        Ok(signature)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .field("times", &self.times)
            .finish_non_exhaustive()
    }
}

/// All our signing keys, newest activation first.
#[derive(Debug)]
pub(crate) struct Ring(Vec<SigningKey>);

impl Ring {
    /// Opens every stored key.
    ///
    /// # Errors
    /// The first key that does not open or is not what its row says; there is no ring then. In particular a wrong
    /// encryption key is refused here, and never answered by making a new key.
    pub(crate) fn unseal(
        rows: &[SigningKeyRecord],
        encryption_key: &EncryptionKey,
    ) -> Result<Self, KeyError> {
        let mut keys =
            rows.iter().map(|row| SigningKey::unseal(row, encryption_key)).collect::<Result<Vec<_>, _>>()?;
        keys.sort_by_key(|key| std::cmp::Reverse(key.times.activate_at));
        Ok(Self(keys))
    }

    /// Tells which key signs at a moment.
    ///
    /// The newest key whose activation is not after `now`. A key that is published but not yet active never signs, so
    /// a verifier with a cached key set keeps working through a rotation.
    ///
    /// - `now`: UTC.
    /// - returns: `None` only for a ring without an active key, which boot refuses.
    ///
    /// # Reference
    /// RFC 7517 §4.5 (`kid`); docs/decisions/0006.
    pub(crate) fn signer_at(&self, now: Timestamp) -> Option<&SigningKey> {
        self.0.iter().find(|key| key.times.may_sign(now))
    }

    /// The key with this name, where it stands in the key set at `now`: what it signed can still be checked.
    pub(crate) fn published_at(&self, kid: &Kid, now: Timestamp) -> Option<&SigningKey> {
        self.0.iter().find(|key| key.kid == *kid && key.times.is_published(now))
    }

    /// Renders the key set of a moment: pending, active and retiring keys, newest first.
    pub(crate) fn jwks_at(&self, now: Timestamp) -> RenderedJwks {
        RenderedJwks::of(self.0.iter().filter(|key| key.times.is_published(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::first_key;
    use crate::random::SystemRandom;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    fn encryption_key() -> EncryptionKey {
        EncryptionKey::from_bytes([1; 32])
    }

    fn row() -> SigningKeyRecord {
        first_key(&encryption_key(), &SystemRandom, at(0)).expect("a key")
    }

    #[test]
    fn the_signer_follows_from_the_moments() {
        let old = SigningKeyRecord { retire_at: Some(at(300)), ..row() };
        let new = SigningKeyRecord { publish_at: at(100), activate_at: at(200), ..row() };
        let ring = Ring::unseal(&[old.clone(), new.clone()], &encryption_key()).expect("opens");
        let signer = |seconds| ring.signer_at(at(seconds)).map(|key| key.kid().clone());
        assert_eq!(signer(-1), None);
        assert_eq!(signer(0), Some(old.kid.clone()));
        assert_eq!(signer(199), Some(old.kid), "a pending key never signs");
        assert_eq!(signer(200), Some(new.kid));
        let published = |seconds| ring.jwks_at(at(seconds)).body().matches("\"kid\"").count();
        assert_eq!([published(50), published(100), published(299), published(300)], [1, 2, 2, 1]);
    }

    #[test]
    fn a_revoked_key_neither_signs_nor_is_published() {
        let key = SigningKeyRecord { revoked_at: Some(at(10)), ..row() };
        let ring = Ring::unseal(&[key], &encryption_key()).expect("opens");
        assert!(ring.signer_at(at(9)).is_some());
        assert!(ring.signer_at(at(10)).is_none());
        assert!(!ring.jwks_at(at(10)).body().contains("kid"));
    }

    #[test]
    fn a_wrong_encryption_key_or_a_swapped_row_is_refused() {
        let (one, two) = (row(), row());
        let wrong = EncryptionKey::from_bytes([2; 32]);
        assert!(matches!(Ring::unseal(std::slice::from_ref(&one), &wrong), Err(KeyError::DoesNotOpen(_))));
        let swapped = SigningKeyRecord { sealed_private_key: two.sealed_private_key.clone(), ..one.clone() };
        assert!(matches!(Ring::unseal(&[swapped], &encryption_key()), Err(KeyError::DoesNotOpen(_))));
        let other_public_part = SigningKeyRecord { modulus: two.modulus, ..one };
        assert!(matches!(Ring::unseal(&[other_public_part], &encryption_key()), Err(KeyError::NotAKey(_))));
    }
}
