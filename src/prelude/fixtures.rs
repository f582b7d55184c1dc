//! Keys that sign for this room's tests, and the shared vectors.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    Ed25519KeyPair, KeyPair, RSA_PSS_SHA256, RsaKeyPair, RsaPssSaltLength, RsaSignatureEncoding,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::key_set::{HookKeySet, StepUpKeySet};
use super::signature::{SignatureHeaders, SignedCall, verify};

/// What the RSA key is called in [`hook_keys`].
pub(super) const RSA_KID: &str = "test-rsa";
/// What the Ed25519 key is called in [`step_up_keys`].
pub(super) const ED_KID: &str = "test-ed";

static LARGEST_SALT: RsaSignatureEncoding = RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Max);
static RSA: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"));
static ED: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key"));

pub(super) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A vector file of `tests/vectors`.
pub(super) fn vectors(text: &str) -> (String, Vec<Value>) {
    let file: Value = serde_json::from_str(text).expect("a vector file");
    (file["jwks"].to_string(), file["cases"].as_array().expect("cases").clone())
}

pub(super) fn rsa_jwk(kid: &str) -> Value {
    let public = RSA.public_key();
    json!({
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid,
        "n": base64url(public.modulus().big_endian_without_leading_zero()),
        "e": base64url(public.exponent().big_endian_without_leading_zero()),
    })
}

pub(super) fn ed_jwk(kid: &str) -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": base64url(ED.public_key())})
}

pub(super) fn jwks(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

pub(super) fn hook_keys() -> HookKeySet {
    HookKeySet::parse(&jwks(&[rsa_jwk(RSA_KID)])).expect("a usable key")
}

pub(super) fn step_up_keys() -> StepUpKeySet {
    StepUpKeySet::parse(&jwks(&[ed_jwk(ED_KID)])).expect("a usable key")
}

pub(super) fn pss(body: &[u8]) -> Vec<u8> {
    rsa_sign(&RSA_PSS_SHA256, body)
}

pub(super) fn pss_with_largest_salt(body: &[u8]) -> Vec<u8> {
    rsa_sign(&LARGEST_SALT, body)
}

fn rsa_sign(encoding: &'static RsaSignatureEncoding, body: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; RSA.public_modulus_len()];
    RSA.sign(encoding, &SystemRandom::new(), body, &mut signature).expect("a signature");
    signature
}

/// A call with this body, genuinely signed and verified.
pub(super) fn signed_call(body: &[u8]) -> SignedCall {
    let signature = base64url(pss(body));
    let headers = SignatureHeaders { signature: Some(&signature), key_id: Some(RSA_KID) };
    verify(headers, body, &hook_keys()).expect("a genuine signature")
}

/// A token of these parts, genuinely signed.
pub(super) fn token(header: &str, claims: &str) -> String {
    let message = format!("{}.{}", base64url(header), base64url(claims));
    let signature = base64url(ED.sign(message.as_bytes()));
    format!("{message}.{signature}")
}
