//! The keys that the emulator owns: RSA keys that sign hook calls, one Ed25519 key that signs challenge tokens.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    Ed25519KeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaPssSaltLength,
    RsaSignatureEncoding, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::EmulatorError;

static PSS_DIGEST_SALT: &RsaSignatureEncoding = &RSA_PSS_SHA256;
static PSS_MAX_SALT: &RsaSignatureEncoding = &RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Max);

/// How long the random salt of a hook signature is. Prelude does not say which it uses.
///
/// # Reference
/// docs/CONTRACT.md C3.4
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Salt {
    /// As long as the digest, 32 bytes: the habit of JOSE and of key services.
    Digest,
    /// As long as the key allows, 222 bytes for RSA-2048: what Go does unless told otherwise.
    Max,
}

/// An RSA-2048 key of the application: signs hook calls.
pub(crate) struct AppKey {
    kid: String,
    pair: RsaKeyPair,
}

impl AppKey {
    /// Makes a key with a random id. Takes some tens of milliseconds of computing: not for the async runtime.
    ///
    /// # Errors
    /// [`EmulatorError::KeyGeneration`].
    fn generate() -> Result<Self, EmulatorError> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| EmulatorError::KeyGeneration)?;
        Ok(Self { kid: fresh_id("app-key-")?, pair })
    }

    /// The key's id, as `X-Webhook-Signature-Key-Id` names it.
    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    /// Signs bytes: RSASSA-PSS, SHA-256, MGF1 with SHA-256. Every signature of the same bytes is another one.
    ///
    /// - returns: 256 bytes.
    ///
    /// # Errors
    /// [`EmulatorError::Signing`].
    ///
    /// # Reference
    /// docs/CONTRACT.md C3.2, C3.4; RFC 8017 §8.1
    pub(crate) fn sign(&self, bytes: &[u8], salt: Salt) -> Result<Vec<u8>, EmulatorError> {
        self.sign_as(
            match salt {
                Salt::Digest => PSS_DIGEST_SALT,
                Salt::Max => PSS_MAX_SALT,
            },
            bytes,
        )
    }

    /// Signs an access token: RSASSA-PKCS1-v1_5 with SHA-256.
    ///
    /// # Errors
    /// [`EmulatorError::Signing`].
    pub(super) fn sign_pkcs1(&self, bytes: &[u8]) -> Result<Vec<u8>, EmulatorError> {
        self.sign_as(&RSA_PKCS1_SHA256, bytes)
    }

    fn sign_as(
        &self,
        encoding: &'static RsaSignatureEncoding,
        bytes: &[u8],
    ) -> Result<Vec<u8>, EmulatorError> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(encoding, &SystemRandom::new(), bytes, &mut signature)
            .map_err(|_| EmulatorError::Signing)?;
        Ok(signature)
    }

    /// The public half. `alg` says RS256 although the key signs PSS: so do Prelude's sets, and a verifier that
    /// took its algorithm from there would be wrong.
    fn jwk(&self) -> Value {
        let public = self.pair.public_key();
        json!({
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.kid,
            "n": URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero()),
            "e": URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero()),
        })
    }
}

/// Shows the id only.
impl fmt::Debug for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// The Ed25519 key that signs challenge tokens.
pub(crate) struct StepUpKey {
    kid: String,
    pair: Ed25519KeyPair,
}

impl StepUpKey {
    fn generate() -> Result<Self, EmulatorError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| EmulatorError::KeyGeneration)?;
        Ok(Self { kid: fresh_id("step-up-")?, pair })
    }

    /// The key's id, as token headers name it.
    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key, 32 bytes.
    pub(crate) fn public_bytes(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// Signs bytes.
    ///
    /// - returns: 64 bytes.
    ///
    /// # Errors
    /// [`EmulatorError::Signing`].
    pub(crate) fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, EmulatorError> {
        let signature = self.pair.try_sign(bytes).map_err(|_| EmulatorError::Signing)?;
        Ok(signature.as_ref().to_vec())
    }

    fn jwk(&self) -> Value {
        json!({
            "kty": "OKP",
            "crv": "Ed25519",
            "use": "sig",
            "alg": "EdDSA",
            "kid": self.kid,
            "x": URL_SAFE_NO_PAD.encode(self.public_bytes()),
        })
    }
}

/// Shows the id only.
impl fmt::Debug for StepUpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepUpKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// All keys of an emulator. The application's keys can change while it runs, as Prelude's can.
#[derive(Debug)]
pub(crate) struct Identity {
    app_keys: RwLock<AppKeys>,
    step_up_key: StepUpKey,
}

/// The published application keys; there is always one.
#[derive(Debug)]
struct AppKeys {
    older: Vec<Arc<AppKey>>,
    withdrawn: Vec<Arc<AppKey>>,
    newest: Arc<AppKey>,
}

impl Identity {
    /// Makes one application key and the step-up key, off the async runtime.
    ///
    /// # Errors
    /// [`EmulatorError::KeyGeneration`].
    pub(crate) async fn generate() -> Result<Self, EmulatorError> {
        off_the_runtime(|| {
            let newest = Arc::new(AppKey::generate()?);
            let keys = AppKeys { older: Vec::new(), withdrawn: Vec::new(), newest };
            Ok(Self { app_keys: RwLock::new(keys), step_up_key: StepUpKey::generate()? })
        })
        .await
    }

    /// The application key that signs now: the newest.
    pub(crate) fn signing_key(&self) -> Arc<AppKey> {
        Arc::clone(&self.app_keys.read().unwrap_or_else(PoisonError::into_inner).newest)
    }

    /// The key that signs challenge tokens.
    pub(crate) const fn step_up_key(&self) -> &StepUpKey {
        &self.step_up_key
    }

    /// Whether a published application key signed these bytes as an access token.
    pub(super) fn verifies_pkcs1(&self, kid: &str, bytes: &[u8], signature: &[u8]) -> bool {
        let keys = self.app_keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.older.iter().chain([&keys.newest]).find(|key| key.kid == kid);
        key.is_some_and(|key| {
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.pair.public_key().as_ref())
                .verify(bytes, signature)
                .is_ok()
        })
    }

    /// Makes and publishes another application key, which signs from now on; the older ones stay published.
    ///
    /// # Errors
    /// [`EmulatorError::KeyGeneration`]; the older key signs on then.
    pub(crate) async fn add_app_key(&self) -> Result<Arc<AppKey>, EmulatorError> {
        let key = off_the_runtime(AppKey::generate).await.map(Arc::new)?;
        let mut keys = self.app_keys.write().unwrap_or_else(PoisonError::into_inner);
        let replaced = std::mem::replace(&mut keys.newest, Arc::clone(&key));
        keys.older.push(replaced);
        Ok(key)
    }

    /// Withdraws all application keys but the newest from the published set.
    pub(crate) fn withdraw_old_app_keys(&self) {
        let mut keys = self.app_keys.write().unwrap_or_else(PoisonError::into_inner);
        let older = std::mem::take(&mut keys.older);
        keys.withdrawn.extend(older);
    }

    /// Publishes again what was withdrawn. The newest key signs on.
    pub(crate) fn restore_withdrawn_app_keys(&self) {
        let mut keys = self.app_keys.write().unwrap_or_else(PoisonError::into_inner);
        let withdrawn = std::mem::take(&mut keys.withdrawn);
        keys.older.extend(withdrawn);
    }

    /// The key set at `/.well-known/jwks.json`.
    ///
    /// # Reference
    /// docs/CONTRACT.md C3.5; RFC 7517 §5
    pub(crate) fn app_key_set(&self) -> Value {
        let keys = self.app_keys.read().unwrap_or_else(PoisonError::into_inner);
        let published = keys.older.iter().chain([&keys.newest]);
        json!({ "keys": published.map(|key| key.jwk()).collect::<Vec<_>>() })
    }

    /// The key set at `/.well-known/step-up-jwks.json`.
    ///
    /// # Reference
    /// docs/CONTRACT.md C5.1; RFC 8037 §2
    pub(crate) fn step_up_key_set(&self) -> Value {
        json!({ "keys": [self.step_up_key.jwk()] })
    }
}

/// Makes an id nobody has seen: the prefix and 128 random bits in hexadecimal.
///
/// # Errors
/// [`EmulatorError::KeyGeneration`] when the system has no randomness.
pub(crate) fn fresh_id(prefix: &str) -> Result<String, EmulatorError> {
    let mut bytes = [0_u8; 16];
    rand::fill(&mut bytes).map_err(|_| EmulatorError::KeyGeneration)?;
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{prefix}{}", digits.concat()))
}

async fn off_the_runtime<T, F>(work: F) -> Result<T, EmulatorError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, EmulatorError> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.map_err(|_| EmulatorError::KeyGeneration)?
}

#[cfg(test)]
mod tests {
    use super::super::our_side;
    use super::*;
    use rsa::pss::{Signature, VerifyingKey};
    use rsa::sha2::Sha256;
    use rsa::signature::Verifier;
    use rsa::{BigUint, RsaPublicKey};

    /// The key as a reader of the set sees it, in another implementation than the one that signs.
    fn public_key(jwk: &Value) -> RsaPublicKey {
        let number = |name: &str| {
            let text = jwk[name].as_str().expect("a string");
            BigUint::from_bytes_be(&URL_SAFE_NO_PAD.decode(text).expect("base64url"))
        };
        RsaPublicKey::new(number("n"), number("e")).expect("an RSA key")
    }

    #[tokio::test]
    async fn signatures_verify_elsewhere_at_their_own_salt_length_only() {
        let identity = our_side::identity().await;
        let public = public_key(&identity.app_key_set()["keys"][0]);
        let check = |salt, salt_bytes, expected: bool| {
            let signature = identity.signing_key().sign(b"body", salt).expect("a signature");
            let signature = Signature::try_from(signature.as_slice()).expect("256 bytes");
            let verifier = VerifyingKey::<Sha256>::new_with_salt_len(public.clone(), salt_bytes);
            assert_eq!(
                verifier.verify(b"body", &signature).is_ok(),
                expected,
                "{salt:?} read as {salt_bytes}"
            );
            assert!(verifier.verify(b"bodY", &signature).is_err());
        };
        check(Salt::Digest, 32, true);
        check(Salt::Digest, 222, false);
        check(Salt::Max, 222, true);
        check(Salt::Max, 32, false);
    }

    /// The vectors were signed by an independent implementation; what they expect of their signatures holds here too.
    #[test]
    fn signatures_of_the_vectors_are_judged_as_expected() {
        let vectors: Value =
            serde_json::from_str(include_str!("../../tests/vectors/hook-calls.json")).expect("JSON");
        let keys = vectors["jwks"]["keys"].as_array().expect("an array");
        for case in vectors["cases"].as_array().expect("an array") {
            let header = |name: &str| case["headers"][name].as_str();
            let kid = header("x-webhook-signature-key-id");
            let key = keys.iter().find(|key| key["kid"].as_str() == kid && key["kty"] == "RSA");
            let spelled = header("x-webhook-signature").unwrap_or_default();
            let bare = spelled.strip_prefix("rsassa-pss-sha256=").unwrap_or(spelled).trim_end_matches('=');
            let signature = URL_SAFE_NO_PAD.decode(bare).unwrap_or_default();
            let body = case["body_base64"].as_str().expect("text");
            let body = base64::engine::general_purpose::STANDARD.decode(body).expect("base64");
            let is_good = key.is_some_and(|key| {
                let public = public_key(key);
                let longest = rsa::traits::PublicKeyParts::size(&public) - 34;
                [32, longest].into_iter().any(|salt_bytes| {
                    let verifier = VerifyingKey::<Sha256>::new_with_salt_len(public.clone(), salt_bytes);
                    let signature = Signature::try_from(signature.as_slice());
                    signature.is_ok_and(|signature| verifier.verify(&body, &signature).is_ok())
                })
            });
            let expected = case["expect"] == "valid" || case["expect"] == "invalid-body";
            assert_eq!(is_good, expected, "{}", case["name"]);
        }
    }

    #[tokio::test]
    async fn a_new_key_signs_and_old_ones_stay_until_withdrawn() {
        let identity = Identity::generate().await.expect("keys");
        let first = identity.signing_key().kid().to_owned();
        let second = identity.add_app_key().await.expect("a key").kid().to_owned();
        let published = || -> Vec<String> {
            let set = identity.app_key_set();
            let keys = set["keys"].as_array().expect("an array").clone();
            keys.iter().map(|key| key["kid"].as_str().expect("a string").to_owned()).collect()
        };
        assert_eq!(identity.signing_key().kid(), second);
        assert_eq!(published(), [first.clone(), second.clone()]);
        identity.withdraw_old_app_keys();
        assert_eq!(published(), [second.as_str()]);
        identity.restore_withdrawn_app_keys();
        assert_eq!(published(), [first, second]);
    }

    #[tokio::test]
    async fn no_private_part_is_published_or_shown() {
        let identity = our_side::identity().await;
        for set in [identity.app_key_set(), identity.step_up_key_set()] {
            let key = set["keys"][0].as_object().expect("an object").clone();
            assert!(["d", "p", "q", "dp", "dq", "qi", "k"].iter().all(|name| !key.contains_key(*name)));
        }
        assert!(!format!("{identity:?}").contains("pair"));
    }
}
