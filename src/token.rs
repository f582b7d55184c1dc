//! Verification tokens: their claims and their RS256 signature (docs/CONTRACT.md C6).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::{ChallengeId, Jti, StepKey, Timestamp, UserId};
use crate::keys::{KeyError, SigningKey};

/// What a token says. Nothing more is documented, so nothing more is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VerificationClaims {
    /// Whose step.
    pub(crate) user_id: UserId,
    /// In which challenge.
    pub(crate) challenge_id: ChallengeId,
    /// Which step.
    pub(crate) step_key: StepKey,
    /// The token's own name, never used twice.
    pub(crate) jti: Jti,
    /// When it was made.
    pub(crate) issued_at: Timestamp,
    /// From when on it is good: a little before it was made, for clocks that run behind.
    pub(crate) not_before: Timestamp,
    /// From when on it is no longer good.
    pub(crate) expires_at: Timestamp,
}

#[derive(serde::Serialize)]
struct Wire<'a> {
    sub: &'a str,
    challenge_id: &'a str,
    key: &'a str,
    status: &'static str,
    exp: i64,
    nbf: i64,
    iat: i64,
    jti: String,
}

/// Signs the claims: a JWS in compact form, its `kid` that of `key`.
///
/// Times are whole Unix seconds, rounded down. The cost is the RSA operation's.
///
/// # Errors
/// [`KeyError::Library`]; there is no token then.
///
/// # Reference
/// RFC 7515 §3.1, RFC 7518 §3.3.
pub(crate) fn sign(claims: &VerificationClaims, key: &SigningKey) -> Result<String, KeyError> {
    let wire = Wire {
        sub: claims.user_id.as_str(),
        challenge_id: claims.challenge_id.as_str(),
        key: claims.step_key.as_str(),
        status: crate::domain::COMPLETED,
        exp: claims.expires_at.unix_seconds(),
        nbf: claims.not_before.unix_seconds(),
        iat: claims.issued_at.unix_seconds(),
        jti: claims.jti.to_string(),
    };
    let payload = serde_json::to_vec(&wire).map_err(|_| KeyError::Library("encode the claims"))?;
    let mut token = String::with_capacity(1024);
    token.push_str(key.encoded_header());
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{EncryptionKey, EncryptionKeys, Ring, first_key};
    use crate::random::SystemRandom;

    #[test]
    fn a_token_has_the_contracts_claims_and_verifies_under_its_kid() {
        let encryption_keys = EncryptionKeys::new(EncryptionKey::from_bytes([1; 32]), None);
        let now = Timestamp::from_unix_micros(1_790_000_000_999_999);
        let row = first_key(encryption_keys.current(), &SystemRandom, now).expect("a key");
        let ring = Ring::unseal(&[row], &encryption_keys).expect("opens");
        let key = ring.signer_at(now).expect("a signer");
        let claims = VerificationClaims {
            user_id: UserId::new("usr_1").expect("a name"),
            challenge_id: ChallengeId::new("chl_1").expect("a name"),
            step_key: StepKey::new("kyc_review").expect("a name"),
            jti: Jti::from_random([7; 16]),
            issued_at: now,
            not_before: Timestamp::from_unix_seconds(1_789_999_995),
            expires_at: Timestamp::from_unix_seconds(1_790_000_300),
        };
        let token = sign(&claims, key).expect("signs");

        let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        let decoding =
            jsonwebtoken::DecodingKey::from_rsa_components(key.n(), key.e()).expect("a public key");
        let read =
            jsonwebtoken::decode::<serde_json::Value>(&token, &decoding, &validation).expect("verifies");
        assert_eq!(read.header.kid.as_deref(), Some(key.kid().as_str()));
        let expected = serde_json::json!({
            "sub": "usr_1", "challenge_id": "chl_1", "key": "kyc_review", "status": "completed",
            "iat": 1_790_000_000, "nbf": 1_789_999_995, "exp": 1_790_000_300, "jti": "07".repeat(16),
        });
        assert_eq!(read.claims, expected);
    }
}
