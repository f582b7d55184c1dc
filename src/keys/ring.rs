//! The ring: every signing key that still matters, in memory, ready to sign.

use std::ops::Range;
use std::sync::Arc;

use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::lifecycle::{Times, published, signer, unchanged_around};
use super::{EncryptionKeys, KeyError, RenderedJwks};
use crate::domain::{Kid, SigningKeyRecord, Timestamp};

/// A key: parsed once, kept. It can sign unless its private part was thrown away.
pub(crate) struct SigningKey {
    kid: Kid,
    n: String,
    e: String,
    pair: Option<RsaKeyPair>,
    encoded_header: String,
}

impl SigningKey {
    fn unseal(row: &SigningKeyRecord, encryption_keys: &EncryptionKeys) -> Result<Self, KeyError> {
        let pair = match row.has_private_key() {
            true => Some(open_pair(row, encryption_keys)?),
            false => None,
        };
        let header = format!(r#"{{"alg":"RS256","typ":"JWT","kid":"{}"}}"#, row.kid);
        Ok(Self {
            kid: row.kid.clone(),
            n: row.modulus.clone(),
            e: row.exponent.clone(),
            pair,
            encoded_header: URL_SAFE_NO_PAD.encode(header),
        })
    }

    /// The key's name in token headers and in the key set.
    pub(crate) fn kid(&self) -> &Kid {
        &self.kid
    }

    /// The modulus, base64url.
    #[cfg(test)]
    pub(crate) fn n(&self) -> &str {
        &self.n
    }

    /// The public exponent, base64url.
    #[cfg(test)]
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
    /// [`KeyError::Library`], and [`KeyError::NotAKey`] for a key without a private part, which no ring names as its
    /// signer. There is no signature then.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let pair = self.pair.as_ref().ok_or_else(|| KeyError::NotAKey(self.kid.to_string()))?;
        let mut signature = vec![0; pair.public_modulus_len()];
        let random = aws_lc_rs::rand::SystemRandom::new();
        pair.sign(&aws_lc_rs::signature::RSA_PKCS1_SHA256, &random, message, &mut signature)
            .map_err(|_| KeyError::Library("sign"))?;
        Ok(signature)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// Opens a private part and makes sure that it is the published one's, or every token would fail at Prelude.
fn open_pair(row: &SigningKeyRecord, encryption_keys: &EncryptionKeys) -> Result<RsaKeyPair, KeyError> {
    let not_a_key = || KeyError::NotAKey(row.kid.to_string());
    let der = encryption_keys.open(&row.sealed_private_key, row.kid.as_str())?;
    let pair = RsaKeyPair::from_pkcs8(&der).map_err(|_| not_a_key())?;
    let modulus = URL_SAFE_NO_PAD.encode(pair.public_key().modulus().big_endian_without_leading_zero());
    let exponent = URL_SAFE_NO_PAD.encode(pair.public_key().exponent().big_endian_without_leading_zero());
    let same = modulus == row.modulus && exponent == row.exponent;
    if same && super::generate::thumbprint(&modulus, &exponent)? == row.kid {
        Ok(pair)
    } else {
        Err(not_a_key())
    }
}

/// All our signing keys in their order, with their moments beside them.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    times: Vec<Times>,
    keys: Vec<Arc<SigningKey>>,
}

impl Ring {
    /// Opens every stored key; those that this ring has are not opened again.
    ///
    /// # Errors
    /// The first key that does not open or is not what its row says; there is no ring then. In particular a wrong
    /// encryption key is refused here, and never answered by making a new key.
    pub(crate) fn renewed(
        &self,
        rows: &[SigningKeyRecord],
        encryption_keys: &EncryptionKeys,
    ) -> Result<Self, KeyError> {
        let mut rows: Vec<_> = rows.iter().collect();
        rows.sort_by(|one, other| one.order().cmp(&other.order()));
        let all = rows
            .into_iter()
            .map(|row| {
                let known = |key: &&Arc<SigningKey>| {
                    key.kid == row.kid && key.pair.is_some() == row.has_private_key()
                };
                let key = match self.keys.iter().find(known) {
                    Some(key) => Arc::clone(key),
                    None => Arc::new(SigningKey::unseal(row, encryption_keys)?),
                };
                Ok((Times::of(row), key))
            })
            .collect::<Result<Vec<_>, KeyError>>()?;
        let (times, keys) = all.into_iter().unzip();
        Ok(Self { times, keys })
    }

    /// Opens every stored key.
    ///
    /// # Errors
    /// As [`Ring::renewed`].
    pub(crate) fn unseal(
        rows: &[SigningKeyRecord],
        encryption_keys: &EncryptionKeys,
    ) -> Result<Self, KeyError> {
        Self::default().renewed(rows, encryption_keys)
    }

    /// Tells which key signs at a moment.
    ///
    /// The newest key whose activation is not after `now`. A key that is published but not yet active never signs, so
    /// a verifier with a cached key set keeps working through a rotation.
    ///
    /// - `now`: UTC.
    /// - returns: `None` only for a ring without a key that could sign, which boot refuses.
    ///
    /// # Reference
    /// RFC 7517 §4.5 (`kid`); docs/decisions/0006.
    pub(crate) fn signer_at(&self, now: Timestamp) -> Option<&SigningKey> {
        self.keys.get(signer(&self.times, now)?).map(|key| &**key)
    }

    /// The key with this name, where it stands in the key set at `now`: what it signed can still be checked.
    pub(crate) fn published_at(&self, kid: &Kid, now: Timestamp) -> Option<&SigningKey> {
        let mut keys = published(&self.times, now).into_iter().filter_map(|place| self.keys.get(place));
        keys.find(|key| key.kid == *kid).map(|key| &**key)
    }

    /// Renders the key set of a moment: pending, active and retiring keys, newest first.
    ///
    /// - returns: the set, and from when until when it is the right one.
    pub(crate) fn jwks_at(&self, now: Timestamp) -> (RenderedJwks, Range<Timestamp>) {
        let keys = published(&self.times, now).into_iter().rev().filter_map(|place| self.keys.get(place));
        (RenderedJwks::of(keys.map(|key| (&key.kid, &*key.n, &*key.e))), unchanged_around(&self.times, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{EncryptionKey, first_key};
    use crate::random::SystemRandom;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    fn encryption_keys() -> EncryptionKeys {
        EncryptionKeys::new(EncryptionKey::from_bytes([1; 32]), None)
    }

    fn row() -> SigningKeyRecord {
        first_key(encryption_keys().current(), &SystemRandom, at(0)).expect("a key")
    }

    #[test]
    fn the_signer_follows_from_the_moments() {
        let old = SigningKeyRecord { retire_at: Some(at(300)), ..row() };
        let new = SigningKeyRecord { publish_at: at(100), activate_at: at(200), ..row() };
        let ring = Ring::unseal(&[old.clone(), new.clone()], &encryption_keys()).expect("opens");
        let signer = |seconds| ring.signer_at(at(seconds)).map(|key| key.kid().clone());
        assert_eq!(signer(-1), Some(old.kid.clone()), "a clock that was set back breaks nothing");
        assert_eq!(signer(0), Some(old.kid.clone()));
        assert_eq!(signer(199), Some(old.kid), "a pending key never signs");
        assert_eq!(signer(200), Some(new.kid));
        let published = |seconds| ring.jwks_at(at(seconds)).0.body().matches("\"kid\"").count();
        assert_eq!([published(50), published(100), published(299), published(300)], [1, 2, 2, 1]);
    }

    #[test]
    fn a_revoked_key_neither_signs_nor_is_published() {
        let key = SigningKeyRecord { revoked_at: Some(at(10)), ..row() };
        let ring = Ring::unseal(&[key], &encryption_keys()).expect("opens");
        assert!(ring.signer_at(at(10)).is_none());
        assert!(!ring.jwks_at(at(10)).0.body().contains("kid"));
    }

    #[test]
    fn a_set_says_how_long_it_is_right() {
        let old = SigningKeyRecord { retire_at: Some(at(300)), ..row() };
        let new = SigningKeyRecord { publish_at: at(100), activate_at: at(200), ..row() };
        let ring = Ring::unseal(&[old, new], &encryption_keys()).expect("opens");
        for (from, until, keys) in [(0, 100, 1), (100, 200, 2), (200, 300, 2)] {
            for moment in [from, until - 1] {
                let (set, right) = ring.jwks_at(at(moment));
                assert_eq!((right, set.body().matches("\"kid\"").count()), (at(from)..at(until), keys));
            }
        }
    }

    #[test]
    fn a_known_key_is_not_opened_again_and_a_forgotten_one_stays_published() {
        let first = row();
        let ring = Ring::unseal(std::slice::from_ref(&first), &encryption_keys()).expect("opens");
        let wrong = EncryptionKeys::new(EncryptionKey::from_bytes([2; 32]), None);
        let changed = SigningKeyRecord { retire_at: Some(at(50)), ..first.clone() };
        let ring = ring.renewed(std::slice::from_ref(&changed), &wrong).expect("known");
        assert!(ring.signer_at(at(49)).is_some() && ring.signer_at(at(50)).is_none());
        let forgotten = SigningKeyRecord { sealed_private_key: Vec::new(), ..changed };
        let ring = ring.renewed(&[forgotten], &wrong).expect("nothing to open");
        assert!(ring.signer_at(at(49)).is_none());
        assert!(ring.jwks_at(at(49)).0.body().contains(first.kid.as_str()));
    }

    #[test]
    fn a_wrong_encryption_key_or_a_swapped_row_is_refused() {
        let (one, two) = (row(), row());
        let wrong = EncryptionKeys::new(EncryptionKey::from_bytes([2; 32]), None);
        assert!(matches!(Ring::unseal(std::slice::from_ref(&one), &wrong), Err(KeyError::DoesNotOpen(_))));
        let swapped = SigningKeyRecord { sealed_private_key: two.sealed_private_key.clone(), ..one.clone() };
        assert!(matches!(Ring::unseal(&[swapped], &encryption_keys()), Err(KeyError::DoesNotOpen(_))));
        let other_public_part = SigningKeyRecord { modulus: two.modulus, ..one };
        assert!(matches!(Ring::unseal(&[other_public_part], &encryption_keys()), Err(KeyError::NotAKey(_))));
    }
}
