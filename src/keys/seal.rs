//! Sealing at rest: AES-256-GCM, bound to what the secret is for.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use rsa::pkcs8::der::zeroize::Zeroizing;

use super::{EncryptionKey, KeyError};
use crate::random::{Random, draw};

/// The layout: version, nonce, then ciphertext and tag.
const VERSION: u8 = 1;

/// Seals `secret` for `purpose`, such as a `kid`: it opens only for the same purpose.
///
/// The nonce is 96 random bits (NIST SP 800-38D §8.2.2); a key seals a handful of secrets in its life, so a repeat is
/// out of the question.
///
/// # Errors
/// When there is no randomness or the library refuses; nothing is sealed then.
pub(crate) fn seal(
    secret: &[u8],
    purpose: &str,
    key: &EncryptionKey,
    random: &dyn Random,
) -> Result<Vec<u8>, KeyError> {
    let nonce = draw::<NONCE_LEN>(random)?;
    let mut sealed = secret.to_vec();
    cipher(key)?
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(purpose.as_bytes()),
            &mut sealed,
        )
        .map_err(|_| KeyError::Library("seal"))?;
    let mut text = Vec::with_capacity(1 + NONCE_LEN + sealed.len());
    text.push(VERSION);
    text.extend_from_slice(&nonce);
    text.append(&mut sealed);
    Ok(text)
}

/// Opens what was sealed for `purpose`.
///
/// # Errors
/// [`KeyError::DoesNotOpen`] under another key, for another purpose, or when a byte changed.
pub(crate) fn open(
    sealed: &[u8],
    purpose: &str,
    key: &EncryptionKey,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let does_not_open = || KeyError::DoesNotOpen(purpose.to_owned());
    let (version, rest) = sealed.split_first().ok_or_else(does_not_open)?;
    let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(does_not_open)?;
    if *version != VERSION {
        return Err(does_not_open());
    }
    let mut opened = Zeroizing::new(ciphertext.to_vec());
    let length = cipher(key)?
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(purpose.as_bytes()), &mut opened)
        .map_err(|_| does_not_open())?
        .len();
    opened.truncate(length);
    Ok(opened)
}

fn cipher(key: &EncryptionKey) -> Result<LessSafeKey, KeyError> {
    UnboundKey::new(&AES_256_GCM, key.expose())
        .map(LessSafeKey::new)
        .map_err(|_| KeyError::Library("take the encryption key"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    fn key(byte: u8) -> EncryptionKey {
        EncryptionKey::from_bytes([byte; 32])
    }

    #[test]
    fn a_secret_opens_under_its_key_and_purpose_only() {
        let sealed = seal(b"private", "kid-1", &key(1), &SystemRandom).expect("seals");
        assert_eq!(open(&sealed, "kid-1", &key(1)).expect("opens").as_slice(), b"private");
        assert!(matches!(open(&sealed, "kid-1", &key(2)), Err(KeyError::DoesNotOpen(_))));
        assert!(matches!(open(&sealed, "kid-2", &key(1)), Err(KeyError::DoesNotOpen(_))));
    }

    #[test]
    fn any_changed_or_missing_byte_is_noticed() {
        let sealed = seal(b"private", "kid-1", &key(1), &SystemRandom).expect("seals");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(open(&changed, "kid-1", &key(1)).is_err(), "byte {at}");
            assert!(open(&sealed[..at], "kid-1", &key(1)).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn two_seals_of_one_secret_differ() {
        let one = seal(b"private", "kid-1", &key(1), &SystemRandom).expect("seals");
        let two = seal(b"private", "kid-1", &key(1), &SystemRandom).expect("seals");
        assert_ne!(one, two);
    }
}
