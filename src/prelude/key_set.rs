//! Prelude's public keys, parsed once and then only used.
//!
//! There are two sets: RSA keys for hook calls and webhooks, Ed25519 keys for challenge tokens. Each is a type of its
//! own, so that a key of one can never be asked about the other's signatures.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_lc_rs::digest::{Digest, SHA256, digest};
use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPssSaltLength, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};

use super::json::{self, Json, Object};
use crate::domain::{Kid, Thumbprint};

/// The longest text of a key set, in bytes (docs/CONTRACT.md C3.7).
pub(super) const KEY_SET_BYTES_MAX: usize = 256 * 1024;
/// The most keys of a set, usable or not.
const KEYS_MAX: usize = 100;
/// The smallest RSA modulus, in bytes, its highest bit set: 2048 bits.
pub(super) const MODULUS_BYTES_MIN: usize = 256;
/// The largest RSA modulus, in bytes: 8192 bits.
pub(super) const MODULUS_BYTES_MAX: usize = 1024;
/// The largest public exponent, in bytes; the cryptography takes no larger one.
const EXPONENT_BYTES_MAX: usize = 4;
/// The length of an Ed25519 public key, in bytes (RFC 8032 §5.1.5).
const ED25519_BYTES: usize = 32;

static DIGEST_SALT: RsaParameters = RSA_PSS_2048_8192_SHA256;
static LARGEST_SALT: RsaParameters = RSA_PSS_2048_8192_SHA256.with_pss_salt_length(RsaPssSaltLength::Max);

/// Why a text is not a key set that could be used. It quotes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeySetFault {
    /// Longer than a key set may be.
    #[error("the key set is longer than 256 KiB")]
    TooLong,
    /// Not a JSON object with an array named `keys`.
    #[error("the text is not a key set")]
    Form,
    /// More keys than a set may have.
    #[error("the key set has more than 100 keys")]
    TooManyKeys,
    /// Keys perhaps, but none that could be used.
    #[error("the key set has no usable key")]
    NoUsableKey,
}

/// A public key that verifies one kind of signature.
pub(crate) trait VerificationKey: Sized + Send + Sync + 'static {
    /// What sets of these keys are called in metrics and logs.
    const SET: &'static str;

    /// Reads the key's own parameters; `None` for a key of another kind, or one that must not be used.
    fn from_jwk(jwk: &Object<'_>) -> Option<Self>;

    /// The public key's bytes, for telling one key from another.
    fn material(&self) -> &[u8];

    /// The same, short.
    fn thumbprint(&self) -> Thumbprint {
        thumbprint_of(self.material())
    }
}

/// The keys that verify hook calls.
pub(crate) type HookKeySet = KeySet<PssKey>;
/// The keys that verify challenge tokens.
pub(crate) type StepUpKeySet = KeySet<Ed25519Key>;

/// Usable keys by their `kid`: at least one, and one for a `kid`.
#[derive(Debug)]
pub(crate) struct KeySet<K>(BTreeMap<Kid, K>);

impl<K: VerificationKey> KeySet<K> {
    /// Reads a JSON Web Key Set.
    ///
    /// Unknown members are ignored. A key that cannot be used is skipped: of another type, without `kid`, for another
    /// use, too weak, malformed. A `kid` that two different usable keys claim names neither, since which one was meant
    /// cannot be told; the same key twice is one key. `alg` is not looked at: it is fixed by what the set is for, and
    /// Prelude's keys say `RS256` where they sign PSS.
    ///
    /// # Errors
    /// [`KeySetFault`] if no key of the wanted kind is left: such a set must never replace a good one.
    ///
    /// # Reference
    /// RFC 7517 §5; RFC 7518 §6.3.1; docs/CONTRACT.md C3.5, C5.1
    pub(crate) fn parse(text: &str) -> Result<Self, KeySetFault> {
        if text.len() > KEY_SET_BYTES_MAX {
            return Err(KeySetFault::TooLong);
        }
        let document = json::parse(text.as_bytes()).map_err(|_| KeySetFault::Form)?;
        let set = document.object().map_err(|_| KeySetFault::Form)?;
        let keys = set.required("keys").and_then(Json::array).map_err(|_| KeySetFault::Form)?;
        if keys.len() > KEYS_MAX {
            return Err(KeySetFault::TooManyKeys);
        }
        let usable = one_key_a_kid(keys.iter().filter_map(read_key));
        if usable.is_empty() { Err(KeySetFault::NoUsableKey) } else { Ok(Self(usable)) }
    }

    /// The key of that name, with the name.
    pub(crate) fn get(&self, kid: &str) -> Option<(&Kid, &K)> {
        self.0.get_key_value(kid)
    }

    /// The key of a set that has one only: which key is meant needs no saying then.
    pub(crate) fn only(&self) -> Option<&K> {
        let mut keys = self.0.values();
        keys.next().filter(|_| keys.next().is_none())
    }

    /// The usable keys by their names: a signature is remembered as long as its key is among them.
    pub(crate) fn thumbprints(&self) -> impl Iterator<Item = (&Kid, Thumbprint)> {
        self.0.iter().map(|(kid, key)| (kid, key.thumbprint()))
    }

    /// The names of the usable keys, sorted.
    pub(crate) fn kids(&self) -> impl Iterator<Item = &Kid> {
        self.0.keys()
    }
}

fn thumbprint_of(material: &[u8]) -> Thumbprint {
    let mut thumbprint = [0; 32];
    // INVARIANT: a SHA-256 has 32 bytes, so nothing is cut and nothing left over.
    thumbprint.iter_mut().zip(digest(&SHA256, material).as_ref()).for_each(|(to, from)| *to = *from);
    Thumbprint(thumbprint)
}

fn read_key<K: VerificationKey>(key: &Json<'_>) -> Option<(Kid, K)> {
    let jwk = key.object().ok()?;
    let kid = Kid::new(jwk.text("kid").ok()?).ok()?;
    (is_for_signatures(jwk)? && may_verify(jwk)?).then_some(())?;
    Some((kid, K::from_jwk(jwk)?))
}

/// `use` is absent or `sig`; `None` where it is neither a text nor absent.
fn is_for_signatures(jwk: &Object<'_>) -> Option<bool> {
    match jwk.optional("use").ok()? {
        Some(key_use) => Some(key_use.text().ok()? == "sig"),
        None => Some(true),
    }
}

/// `key_ops` is absent or names `verify`; `None` where it is neither an array nor absent.
fn may_verify(jwk: &Object<'_>) -> Option<bool> {
    match jwk.optional("key_ops").ok()? {
        Some(operations) => Some(operations.array().ok()?.iter().any(|one| one.text() == Ok("verify"))),
        None => Some(true),
    }
}

fn one_key_a_kid<K: VerificationKey>(keys: impl Iterator<Item = (Kid, K)>) -> BTreeMap<Kid, K> {
    let mut claims: BTreeMap<Kid, Option<K>> = BTreeMap::new();
    for (kid, key) in keys {
        claims
            .entry(kid)
            .and_modify(|claimed| {
                if claimed.as_ref().is_some_and(|first| first.material() != key.material()) {
                    *claimed = None;
                }
            })
            .or_insert(Some(key));
    }
    claims.into_iter().filter_map(|(kid, key)| Some((kid, key?))).collect()
}

/// An RSA key that verifies RSASSA-PSS with SHA-256, whichever of the two usual salt lengths the signer uses.
///
/// The salt length is not documented. Both forms of the key are kept parsed, and the one that fitted last is tried
/// first, so a genuine call costs one verification (docs/CONTRACT.md C3.4).
#[derive(Debug)]
pub(crate) struct PssKey {
    with_digest_salt: ParsedPublicKey,
    with_largest_salt: ParsedPublicKey,
    largest_salt_first: AtomicBool,
    modulus_bytes: usize,
    thumbprint: Thumbprint,
}

impl PssKey {
    /// Whether the signature is this key's over the digest, a SHA-256.
    pub(super) fn verifies(&self, digest: &Digest, signature: &[u8]) -> bool {
        if signature.len() != self.modulus_bytes {
            return false;
        }
        let largest_first = self.largest_salt_first.load(Ordering::Relaxed);
        let (likely, other) = if largest_first {
            (&self.with_largest_salt, &self.with_digest_salt)
        } else {
            (&self.with_digest_salt, &self.with_largest_salt)
        };
        if likely.verify_digest_sig(digest, signature).is_ok() {
            return true;
        }
        let other_fits = other.verify_digest_sig(digest, signature).is_ok();
        if other_fits {
            self.largest_salt_first.store(!largest_first, Ordering::Relaxed);
        }
        other_fits
    }
}

impl VerificationKey for PssKey {
    const SET: &'static str = "hook";

    fn from_jwk(jwk: &Object<'_>) -> Option<Self> {
        (jwk.text("kty") == Ok("RSA")).then_some(())?;
        let n = unsigned(jwk.text("n").ok()?)?;
        let e = unsigned(jwk.text("e").ok()?)?;
        (is_modulus(&n) && is_exponent(&e)).then_some(())?;
        let modulus_bytes = n.len();
        let components = RsaPublicKeyComponents { n, e };
        let with_digest_salt = components.to_parsed_public_key(&DIGEST_SALT).ok()?;
        Some(Self {
            thumbprint: thumbprint_of(with_digest_salt.as_ref()),
            with_digest_salt,
            with_largest_salt: components.to_parsed_public_key(&LARGEST_SALT).ok()?,
            largest_salt_first: AtomicBool::new(false),
            modulus_bytes,
        })
    }

    fn material(&self) -> &[u8] {
        self.with_digest_salt.as_ref()
    }

    /// Told of every call, so it is reckoned once.
    fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }
}

/// Reads base64url bytes of a number; leading zero bytes, which some writers add, are dropped.
fn unsigned(text: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    Some(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
}

/// An odd number of 2048 to 8192 bits.
fn is_modulus(n: &[u8]) -> bool {
    let wide_enough = match n.len() {
        MODULUS_BYTES_MIN => n.first().is_some_and(|byte| byte.leading_zeros() == 0),
        bytes => bytes > MODULUS_BYTES_MIN,
    };
    wide_enough && n.len() <= MODULUS_BYTES_MAX && is_odd(n)
}

/// An odd number from 3 that 32 bits hold.
fn is_exponent(e: &[u8]) -> bool {
    e.len() <= EXPONENT_BYTES_MAX && is_odd(e) && e != [1]
}

fn is_odd(number: &[u8]) -> bool {
    number.last().is_some_and(|byte| byte % 2 == 1)
}

/// An Ed25519 key that verifies challenge tokens.
#[derive(Debug)]
pub(crate) struct Ed25519Key {
    key: DecodingKey,
    point: [u8; ED25519_BYTES],
}

impl Ed25519Key {
    /// Whether the signature, base64url without padding as a token carries it, is this key's over the message.
    pub(super) fn verifies(&self, message: &str, signature: &str) -> bool {
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &self.key, Algorithm::EdDSA)
            .unwrap_or(false)
    }
}

impl VerificationKey for Ed25519Key {
    const SET: &'static str = "step_up";

    fn from_jwk(jwk: &Object<'_>) -> Option<Self> {
        (jwk.text("kty") == Ok("OKP") && jwk.text("crv") == Ok("Ed25519")).then_some(())?;
        let point: [u8; ED25519_BYTES] = URL_SAFE_NO_PAD.decode(jwk.text("x").ok()?).ok()?.try_into().ok()?;
        Some(Self { key: DecodingKey::from_ed_der(&point), point })
    }

    fn material(&self) -> &[u8] {
        &self.point
    }
}

#[cfg(test)]
mod tests;
