//! The customer's side in tests: a key of ours, its set, and tokens good and bad.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::compact;
use super::identity::Identity;

/// When the tests play, Unix seconds.
pub(super) const NOW: i64 = 1_790_000_000;

/// One identity for all tests that do not change it: generating keys is what these tests would spend their time on.
pub(super) async fn identity() -> Arc<Identity> {
    static SHARED: OnceCell<Arc<Identity>> = OnceCell::const_new();
    Arc::clone(SHARED.get_or_init(async || Arc::new(Identity::generate().await.expect("keys"))).await)
}

/// The customer's key `k1`, the same in all tests.
pub(super) fn our_key() -> &'static OurKey {
    static SHARED: LazyLock<OurKey> = LazyLock::new(|| OurKey::generate("k1"));
    &SHARED
}

/// A signing key of the customer's.
pub(super) struct OurKey {
    pub(super) kid: String,
    pub(super) pair: RsaKeyPair,
}

impl OurKey {
    pub(super) fn generate(kid: &str) -> Self {
        Self { kid: kid.to_owned(), pair: RsaKeyPair::generate(KeySize::Rsa2048).expect("a key") }
    }

    pub(super) fn jwk(&self) -> Value {
        let public = self.pair.public_key();
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid,
            "n": URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero()),
            "e": URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero()),
        })
    }

    pub(super) fn header(&self) -> Value {
        json!({"alg": "RS256", "typ": "JWT", "kid": self.kid})
    }

    pub(super) fn token(&self, claims: &Value) -> String {
        self.token_of(self.header().to_string().as_bytes(), claims.to_string().as_bytes())
    }

    /// Signs whatever header and claims are given, RS256.
    pub(super) fn token_of(&self, header: &[u8], claims: &[u8]) -> String {
        let input = compact::signing_input(header, claims);
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signature)
            .expect("a signature");
        compact::with_signature(&input, &signature)
    }
}

/// A key set of these keys.
pub(super) fn key_set(keys: &[Value]) -> Vec<u8> {
    json!({ "keys": keys }).to_string().into_bytes()
}

/// The claims of a good token.
pub(super) fn claims(challenge_id: &str, jti: &str) -> Value {
    json!({
        "sub": "usr_1", "challenge_id": challenge_id, "key": "kyc_review", "status": "completed",
        "exp": NOW + 300, "nbf": NOW - 5, "iat": NOW, "jti": jti,
    })
}

/// A `jti` that is long enough, different for each `number`.
pub(super) fn jti(number: u8) -> String {
    URL_SAFE_NO_PAD.encode([number; 16])
}
