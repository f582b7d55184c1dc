//! Our signing keys: the ring, how they are sealed at rest, and the key set that Prelude reads.
//!
//! A key row stores moments, never a state: whether a key is pending, active, retiring or retired follows from "now"
//! (docs/decisions/0006). The private part is sealed under the encryption key and bound to its `kid`.

mod encryption_key;
mod encryption_keys;
mod generate;
mod identifier_digest;
mod jwks;
mod lifecycle;
pub(crate) mod plan;
mod ring;
mod seal;
mod statement;

pub(crate) use encryption_key::EncryptionKey;
pub(crate) use encryption_keys::EncryptionKeys;
#[cfg(test)]
pub(crate) use generate::first_key;
pub(crate) use generate::{NewKey, PemFault, public_pem};
pub(crate) use identifier_digest::IdentifierDigest;
pub(crate) use jwks::RenderedJwks;
#[cfg(test)]
pub(crate) use jwks::example::key_set as example_key_set;
pub(crate) use lifecycle::{KeyState, Start, Times, published, state};
pub(crate) use ring::{Ring, SigningKey};
pub(crate) use seal::seal;
pub(crate) use statement::{StatementFault, StatementKind, read_statement, sign_statement};

/// What can go wrong with our own keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// The sealed text does not open: another encryption key, another `kid`, or changed bytes.
    #[error("the sealed key {0} does not open under this encryption key")]
    DoesNotOpen(String),
    /// The opened text is not an RSA key.
    #[error("the signing key {0} is not a usable RSA key")]
    NotAKey(String),
    /// A key could not be generated or encoded.
    #[error("a signing key could not be generated")]
    Generation,
    /// The system gave no randomness.
    #[error(transparent)]
    Random(#[from] crate::random::NoRandomness),
    /// Sealing or signing failed inside the cryptographic library.
    #[error("the cryptographic library refused to {0}")]
    Library(&'static str),
}
