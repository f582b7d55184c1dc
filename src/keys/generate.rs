//! Making a signing key, or taking in a customer's. `rsa` reads PEM and checks; it never signs
//! (docs/decisions/0007).

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::der::zeroize::Zeroizing;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use rsa::traits::PublicKeyParts as _;

use super::lifecycle::Start;
use super::seal::seal;
use super::{EncryptionKey, KeyError};
#[cfg(test)]
use crate::domain::Timestamp;
use crate::domain::{Kid, SigningKeyRecord};
use crate::random::Random;

/// The sizes that are made and taken in.
const SIZES: [u32; 3] = [2048, 3072, 4096];
/// The one public exponent: every library takes it, and generation here has no other.
const EXPONENT: u32 = 65_537;
/// The longest PEM text that is read: a key of 4096 bits has some 3300 characters.
const PEM_BYTES_MAX: usize = 65_536;

/// Why a text is not a key that can be taken in. It never quotes the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PemFault {
    /// It has no such block, or another one.
    #[error(
        "it is no PEM text with an RSA private key: a block `PRIVATE KEY` (PKCS#8) or `RSA PRIVATE KEY` (PKCS#1), and nothing else"
    )]
    NoKey,
    /// It is encrypted.
    #[error(
        "it is encrypted: decrypt it first, such as with `openssl pkey -in FILE`, and pipe that in (`-`)"
    )]
    Encrypted,
    /// It is a public key or a certificate.
    #[error("it has no private key: a public key or certificate cannot sign")]
    Public,
    /// Another size.
    #[error("its size is not 2048, 3072 or 4096 bits")]
    Size,
    /// Another public exponent.
    #[error("its public exponent is not 65537")]
    Exponent,
    /// Its numbers do not belong together.
    #[error("its numbers do not belong together: the key is damaged or made up")]
    Inconsistent,
}

/// A key that is in no ring yet: its private part lies open in memory, and is cleared when it goes.
pub(crate) struct NewKey {
    kid: Kid,
    modulus: String,
    exponent: String,
    bits: u32,
    der: Zeroizing<Vec<u8>>,
}

impl NewKey {
    /// Makes a key. It takes 30 ms to some seconds: never inside a request, always in a blocking task.
    ///
    /// - `bits`: 2048, 3072 or 4096.
    ///
    /// # Errors
    /// [`KeyError::Generation`]; there is no key then.
    pub(crate) fn generate(bits: u32) -> Result<Self, KeyError> {
        let size = match bits {
            2048 => KeySize::Rsa2048,
            3072 => KeySize::Rsa3072,
            4096 => KeySize::Rsa4096,
            _ => return Err(KeyError::Generation),
        };
        let pair = RsaKeyPair::generate(size).map_err(|_| KeyError::Generation)?;
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyError::Generation)?;
        Self::of(der.as_ref()).map_err(|_| KeyError::Generation)
    }

    /// Takes a customer's key: PKCS#1 or PKCS#8 in PEM, of 2048, 3072 or 4096 bits, with the exponent 65537.
    ///
    /// Its numbers are checked against each other twice, and it must verify what it signs.
    ///
    /// # Errors
    /// [`PemFault`].
    pub(crate) fn from_pem(text: &str) -> Result<Self, PemFault> {
        if text.len() > PEM_BYTES_MAX {
            return Err(PemFault::NoKey);
        }
        let private = read(text.trim())?;
        let bits = u32::try_from(private.n().bits()).ok().filter(|bits| SIZES.contains(bits));
        if bits.is_none() {
            return Err(PemFault::Size);
        }
        if *private.e() != rsa::BigUint::from(EXPONENT) {
            return Err(PemFault::Exponent);
        }
        private.validate().map_err(|_| PemFault::Inconsistent)?;
        let der = private.to_pkcs8_der().map_err(|_| PemFault::Inconsistent)?;
        Self::of(der.as_bytes()).map_err(|_| PemFault::Inconsistent)
    }

    /// Takes a key as the library that will sign tokens reads it; it must verify what it signs.
    fn of(der: &[u8]) -> Result<Self, KeyError> {
        const WORDS: &[u8] = b"doorstep";
        let pair = RsaKeyPair::from_pkcs8(der).map_err(|_| KeyError::Generation)?;
        let public = pair.public_key();
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &aws_lc_rs::rand::SystemRandom::new(), WORDS, &mut signature)
            .map_err(|_| KeyError::Library("sign"))?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public.as_ref())
            .verify(WORDS, &signature)
            .map_err(|_| KeyError::Library("verify"))?;
        let modulus = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
        let exponent = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
        Ok(Self {
            kid: thumbprint(&modulus, &exponent)?,
            modulus,
            exponent,
            bits: u32::try_from(pair.public_modulus_len() * 8).map_err(|_| KeyError::Generation)?,
            der: Zeroizing::new(der.to_vec()),
        })
    }

    /// Its name.
    pub(crate) const fn kid(&self) -> &Kid {
        &self.kid
    }

    /// The key as it is kept: its private part sealed for its `kid`, its life beginning at `start`.
    ///
    /// # Errors
    /// [`KeyError`]; nothing was sealed then.
    pub(crate) fn sealed(
        &self,
        start: Start,
        encryption_key: &EncryptionKey,
        random: &dyn Random,
    ) -> Result<SigningKeyRecord, KeyError> {
        Ok(SigningKeyRecord {
            kid: self.kid.clone(),
            modulus: self.modulus.clone(),
            exponent: self.exponent.clone(),
            bits: self.bits,
            sealed_private_key: seal(&self.der, self.kid.as_str(), encryption_key, random)?,
            publish_at: start.publish_at,
            activate_at: start.activate_at,
            retire_at: None,
            revoked_at: None,
            created_at: start.publish_at,
        })
    }
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

fn read(text: &str) -> Result<rsa::RsaPrivateKey, PemFault> {
    let begins = |label: &str| text.starts_with(&format!("-----BEGIN {label}-----"));
    if text.contains("ENCRYPTED") {
        return Err(PemFault::Encrypted);
    }
    if begins("PUBLIC KEY") || begins("RSA PUBLIC KEY") || begins("CERTIFICATE") {
        return Err(PemFault::Public);
    }
    if begins("RSA PRIVATE KEY") {
        return rsa::RsaPrivateKey::from_pkcs1_pem(text).map_err(|error| match error {
            rsa::pkcs1::Error::Crypto | rsa::pkcs1::Error::Pkcs8(rsa::pkcs8::Error::KeyMalformed) => {
                PemFault::Inconsistent
            }
            _ => PemFault::NoKey,
        });
    }
    rsa::RsaPrivateKey::from_pkcs8_pem(text).map_err(|error| match error {
        rsa::pkcs8::Error::KeyMalformed => PemFault::Inconsistent,
        _ => PemFault::NoKey,
    })
}

/// Makes the very first key: published and signing from `now` on, its private part sealed for its `kid`.
///
/// # Errors
/// [`KeyError`]; there is no key then.
#[cfg(test)]
pub(crate) fn first_key(
    encryption_key: &EncryptionKey,
    random: &dyn Random,
    now: Timestamp,
) -> Result<SigningKeyRecord, KeyError> {
    NewKey::generate(2048)?.sealed(Start::at_once(now), encryption_key, random)
}

/// A key's public half as a PEM text, PKCS#8 as `openssl` writes it.
///
/// # Errors
/// [`KeyError::NotAKey`] for numbers that are none.
pub(crate) fn public_pem(key: &SigningKeyRecord) -> Result<String, KeyError> {
    let not_a_key = || KeyError::NotAKey(key.kid.to_string());
    let number = |text: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| not_a_key())?;
        Ok::<_, KeyError>(rsa::BigUint::from_bytes_be(&bytes))
    };
    let public = rsa::RsaPublicKey::new(number(&key.modulus)?, number(&key.exponent)?);
    let pem = rsa::pkcs8::EncodePublicKey::to_public_key_pem(
        &public.map_err(|_| not_a_key())?,
        rsa::pkcs8::LineEnding::LF,
    );
    pem.map_err(|_| not_a_key())
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
mod tests;
