//! Our verification tokens, checked as strictly as any reading of the contract can.
//!
//! The arithmetic is done by another library than the one that signs our tokens.

use rsa::RsaPublicKey;
use rsa::pkcs1v15::{Signature, VerifyingKey};
use rsa::sha2::Sha256;
use rsa::signature::Verifier;
use serde_json::{Map, Value};

use super::compact::{self, Unverified};
use super::refusal::{Refusal, RefusalCode};

/// The shortest text that can hold 128 bits in base64url (docs/CONTRACT.md C6.2).
const JTI_CHARACTERS_MIN: usize = 22;

/// The claims, neither less nor more; `iss` and `aud` are not documented (docs/CONTRACT.md C6.1).
const CLAIMS: [&str; 8] = ["sub", "challenge_id", "key", "status", "exp", "nbf", "iat", "jti"];

/// A verification token whose shape is right; its signature is not checked yet.
#[derive(Debug)]
pub(super) struct Candidate<'a>(Unverified<'a>);

/// What a genuine token in its time states; whether that fits a challenge is the challenge's to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) user_id: String,
    pub(super) challenge_id: String,
    pub(super) step_key: String,
    pub(super) status: String,
    pub(super) jti: String,
}

impl<'a> Candidate<'a> {
    /// Takes a token apart and looks at its header: RS256 only, a `kid`, and nothing that would name a key
    /// from elsewhere.
    ///
    /// # Errors
    /// `invalid_verification_token`.
    ///
    /// # Reference
    /// docs/CONTRACT.md C6; RFC 8725 §3.1, §3.5
    pub(super) fn read(token: &'a str) -> Result<Self, Refusal> {
        let parts = compact::take_apart(token).ok_or(invalid("not a compact signed token"))?;
        if !parts.header.keys().all(|name| ["alg", "kid", "typ"].contains(&name.as_str())) {
            return Err(invalid("the header has a member besides alg, kid and typ"));
        }
        if parts.header_text("alg") != Some("RS256") {
            return Err(invalid("alg is not RS256"));
        }
        if parts.header.get("typ").is_some_and(|typ| typ != "JWT") {
            return Err(invalid("typ is not JWT"));
        }
        if parts.header_text("kid").is_none_or(str::is_empty) {
            return Err(invalid("the header has no kid"));
        }
        Ok(Self(parts))
    }

    /// The id of the key that is said to have signed.
    pub(super) fn kid(&self) -> &str {
        self.0.header_text("kid").unwrap_or_default()
    }

    /// Checks signature, claims and times. There is no leeway for clocks: none is documented.
    ///
    /// - `life_seconds_max`: the longest time from `iat` to `exp`; not documented, so a setting.
    ///
    /// # Errors
    /// `invalid_verification_token`.
    ///
    /// # Reference
    /// docs/CONTRACT.md C6.1, C6.3; RFC 7519 §4.1
    pub(super) fn check(
        self,
        key: &RsaPublicKey,
        now: i64,
        life_seconds_max: i64,
    ) -> Result<Statement, Refusal> {
        let signature = Signature::try_from(self.0.signature.as_slice())
            .map_err(|_| invalid("the signature has a wrong length"))?;
        VerifyingKey::<Sha256>::new(key.clone())
            .verify(self.0.signed, &signature)
            .map_err(|_| invalid("the signature is wrong"))?;
        let claims = &self.0.claims;
        if !claims.keys().all(|name| CLAIMS.contains(&name.as_str())) {
            return Err(invalid("a claim that is not documented"));
        }
        check_times(claims, now, life_seconds_max)?;
        let jti = text(claims, "jti", "jti is missing or not text")?;
        if jti.len() < JTI_CHARACTERS_MIN {
            return Err(invalid("jti is too short for 128 bits"));
        }
        Ok(Statement {
            user_id: text(claims, "sub", "sub is missing or not text")?,
            challenge_id: text(claims, "challenge_id", "challenge_id is missing or not text")?,
            step_key: text(claims, "key", "key is missing or not text")?,
            status: text(claims, "status", "status is missing or not text")?,
            jti,
        })
    }
}

fn check_times(claims: &Map<String, Value>, now: i64, life_seconds_max: i64) -> Result<(), Refusal> {
    let moment = |name: &str, detail| claims.get(name).and_then(Value::as_i64).ok_or(invalid(detail));
    let exp = moment("exp", "exp is missing or not whole seconds")?;
    let nbf = moment("nbf", "nbf is missing or not whole seconds")?;
    let iat = moment("iat", "iat is missing or not whole seconds")?;
    if now >= exp {
        return Err(invalid("the token has expired"));
    }
    if now < nbf {
        return Err(invalid("the token is not valid yet"));
    }
    if now < iat {
        return Err(invalid("the token was issued in the future"));
    }
    if exp.saturating_sub(iat) > life_seconds_max {
        return Err(invalid("the token lives too long"));
    }
    Ok(())
}

fn text(claims: &Map<String, Value>, name: &str, detail: &'static str) -> Result<String, Refusal> {
    claims.get(name).and_then(Value::as_str).map(str::to_owned).ok_or(invalid(detail))
}

const fn invalid(detail: &'static str) -> Refusal {
    Refusal::new(RefusalCode::InvalidVerificationToken, detail)
}

#[cfg(test)]
mod tests;
