//! The ring: every signing key that still matters, in memory, ready to sign.

use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::seal::open;
use super::{EncryptionKey, KeyError, RenderedJwks};
use crate::domain::{Kid, Timestamp};

/// The moments of a key's life; its state follows from them and from now (docs/decisions/0006).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyTimes {
    /// From when on it stands in the key set.
    pub(crate) publish_at: Timestamp,
    /// From when on it signs, unless a newer one does.
    pub(crate) activate_at: Timestamp,
    /// From when on it leaves the key set.
    pub(crate) retire_at: Option<Timestamp>,
    /// When it was withdrawn: it neither signs nor is published from then on.
    pub(crate) revoked_at: Option<Timestamp>,
}

impl KeyTimes {
    /// A key that is published and signs from `now` on: right for the very first key only, since no verifier can hold
    /// an older key set, and Prelude refetches for an unknown `kid` (docs/CONTRACT.md C7).
    pub(crate) const fn first(now: Timestamp) -> Self {
        Self { publish_at: now, activate_at: now, retire_at: None, revoked_at: None }
    }

    fn is_gone(&self, now: Timestamp) -> bool {
        self.revoked_at.is_some_and(|at| at <= now) || self.retire_at.is_some_and(|at| at <= now)
    }

    fn is_published(&self, now: Timestamp) -> bool {
        self.publish_at <= now && !self.is_gone(now)
    }

    fn may_sign(&self, now: Timestamp) -> bool {
        self.activate_at <= now && self.is_published(now)
    }
}

/// A key as the store keeps it.
#[derive(Debug, Clone)]
pub(crate) struct SealedKey {
    /// The RFC 7638 thumbprint.
    pub(crate) kid: Kid,
    /// The modulus, base64url.
    pub(crate) n: String,
    /// The public exponent, base64url.
    pub(crate) e: String,
    /// The private key, sealed for its `kid`.
    pub(crate) sealed: Vec<u8>,
    /// Its life.
    pub(crate) times: KeyTimes,
}

/// A key that can sign: parsed once, kept.
pub(crate) struct SigningKey {
    kid: Kid,
    n: String,
    e: String,
    times: KeyTimes,
    pair: RsaKeyPair,
    encoded_header: String,
}

impl SigningKey {
    fn unseal(row: &SealedKey, encryption_key: &EncryptionKey) -> Result<Self, KeyError> {
        let not_a_key = || KeyError::NotAKey(row.kid.to_string());
        let der = open(&row.sealed, row.kid.as_str(), encryption_key)?;
        let pair = RsaKeyPair::from_pkcs8(&der).map_err(|_| not_a_key())?;
        // The published part must be the private part's own, or every token would fail at Prelude.
        let modulus = URL_SAFE_NO_PAD.encode(pair.public_key().modulus().big_endian_without_leading_zero());
        let exponent = URL_SAFE_NO_PAD.encode(pair.public_key().exponent().big_endian_without_leading_zero());
        if modulus != row.n || exponent != row.e || super::generate::thumbprint(&row.n, &row.e)? != row.kid {
            return Err(not_a_key());
        }
        let header = format!(r#"{{"alg":"RS256","typ":"JWT","kid":"{}"}}"#, row.kid);
        Ok(Self {
            kid: row.kid.clone(),
            n: row.n.clone(),
            e: row.e.clone(),
            times: row.times,
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
    pub(crate) fn unseal(rows: &[SealedKey], encryption_key: &EncryptionKey) -> Result<Self, KeyError> {
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

    /// Renders the key set of a moment: pending, active and retiring keys, newest first.
    pub(crate) fn jwks_at(&self, now: Timestamp) -> RenderedJwks {
        RenderedJwks::of(self.0.iter().filter(|key| key.times.is_published(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{KeyBits, generate, seal};
    use crate::random::SystemRandom;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    fn encryption_key() -> EncryptionKey {
        EncryptionKey::from_bytes([1; 32])
    }

    fn row(times: KeyTimes) -> SealedKey {
        let key = generate(KeyBits::Rsa2048).expect("a key");
        let sealed =
            seal(&key.private_der, key.kid.as_str(), &encryption_key(), &SystemRandom).expect("seals");
        SealedKey { kid: key.kid, n: key.n, e: key.e, sealed, times }
    }

    #[test]
    fn the_signer_follows_from_the_moments() {
        let old = row(KeyTimes { retire_at: Some(at(300)), ..KeyTimes::first(at(0)) });
        let new = row(KeyTimes { activate_at: at(200), ..KeyTimes::first(at(100)) });
        let ring = Ring::unseal(&[old.clone(), new.clone()], &encryption_key()).expect("opens");
        let signer = |seconds| ring.signer_at(at(seconds)).map(|key| key.kid().clone());
        assert_eq!(signer(-1), None);
        assert_eq!(signer(0), Some(old.kid.clone()));
        assert_eq!(signer(199), Some(old.kid.clone()), "a pending key never signs");
        assert_eq!(signer(200), Some(new.kid.clone()));
        let published = |seconds| ring.jwks_at(at(seconds)).body().matches("\"kid\"").count();
        assert_eq!([published(50), published(100), published(299), published(300)], [1, 2, 2, 1]);
    }

    #[test]
    fn a_revoked_key_neither_signs_nor_is_published() {
        let key = row(KeyTimes { revoked_at: Some(at(10)), ..KeyTimes::first(at(0)) });
        let ring = Ring::unseal(&[key], &encryption_key()).expect("opens");
        assert!(ring.signer_at(at(9)).is_some());
        assert!(ring.signer_at(at(10)).is_none());
        assert!(!ring.jwks_at(at(10)).body().contains("kid"));
    }

    #[test]
    fn a_wrong_encryption_key_or_a_swapped_row_is_refused() {
        let (one, two) = (row(KeyTimes::first(at(0))), row(KeyTimes::first(at(0))));
        let wrong = EncryptionKey::from_bytes([2; 32]);
        assert!(matches!(Ring::unseal(std::slice::from_ref(&one), &wrong), Err(KeyError::DoesNotOpen(_))));
        let swapped = SealedKey { sealed: two.sealed.clone(), ..one.clone() };
        assert!(matches!(Ring::unseal(&[swapped], &encryption_key()), Err(KeyError::DoesNotOpen(_))));
        let other_public_part = SealedKey { n: two.n, ..one };
        assert!(matches!(Ring::unseal(&[other_public_part], &encryption_key()), Err(KeyError::NotAKey(_))));
    }
}
