//! Challenge tokens: issued to the page, taken back with each step.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use serde::Serialize;
use serde_json::Value;

use super::EmulatorError;
use super::compact;
use super::hook_call::Pairs;
use super::identity::StepUpKey;
use super::refusal::{Refusal, RefusalCode};

/// How the issuer stands in a challenge token; not documented, so a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Issuer {
    /// The bare host, as seen on Prelude's tokens.
    #[default]
    BareHost,
    /// With `https://` before it, as Prelude's metadata documents have it.
    Url,
    /// Not at all.
    Absent,
}

/// Whether a challenge token repeats what the page sent; not documented, so a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum MetadataClaim {
    /// It does, when the page sent something.
    #[default]
    Carried,
    /// It does not.
    Absent,
}

/// What the contract leaves open about challenge tokens.
///
/// # Reference
/// docs/CONTRACT.md C5.2, C5.3
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ChallengeStyle {
    /// The issuer.
    pub(crate) issuer: Issuer,
    /// The metadata.
    pub(crate) metadata: MetadataClaim,
}

/// The claims, in the order in which Prelude shows them.
///
/// # Reference
/// docs/CONTRACT.md C5.2
#[derive(Debug, Serialize)]
pub(super) struct Claims<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) iss: Option<String>,
    pub(super) sub: &'a str,
    pub(super) sid: &'a str,
    pub(super) jti: &'a str,
    pub(super) iat: i64,
    pub(super) nbf: i64,
    pub(super) exp: i64,
    pub(super) challenge_id: &'a str,
    pub(super) scope_requested: &'a str,
    pub(super) current_step: &'a str,
    pub(super) steps: Vec<StepClaim<'a>>,
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    pub(super) metadata: Pairs<'a>,
}

/// A step in the claims.
#[derive(Debug, Serialize)]
pub(super) struct StepClaim<'a> {
    pub(super) order: u32,
    pub(super) key: &'a str,
    pub(super) expiration_duration: u32,
    pub(super) done: bool,
}

/// Signs claims, whatever they say: tests plant faults with it.
///
/// # Errors
/// [`EmulatorError::Serialisation`], [`EmulatorError::Signing`].
///
/// # Reference
/// docs/CONTRACT.md C5.1; RFC 8037 §3.1
pub(super) fn sign(key: &StepUpKey, claims: &impl Serialize) -> Result<String, EmulatorError> {
    let header = Header { alg: "EdDSA", typ: "JWT", kid: key.kid() };
    let header = serde_json::to_vec(&header).map_err(|_| EmulatorError::Serialisation)?;
    let claims = serde_json::to_vec(claims).map_err(|_| EmulatorError::Serialisation)?;
    let input = compact::signing_input(&header, &claims);
    let signature = key.sign(input.as_bytes())?;
    Ok(compact::with_signature(&input, &signature))
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    kid: &'a str,
}

/// A challenge token that is genuine and in its time; whether it is the newest is the challenge's to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Presented {
    pub(super) challenge_id: String,
    pub(super) jti: String,
}

/// Takes back a token that this key signed.
///
/// # Errors
/// `invalid_challenge_token`, `expired_challenge_token`.
pub(super) fn take_back(token: &str, key: &StepUpKey, now: i64) -> Result<Presented, Refusal> {
    let invalid = |detail| Refusal::new(RefusalCode::InvalidChallengeToken, detail);
    let parts = compact::take_apart(token).ok_or_else(|| invalid("not a compact signed token"))?;
    if parts.header_text("alg") != Some("EdDSA") || parts.header_text("kid") != Some(key.kid()) {
        return Err(invalid("not signed by the step-up key"));
    }
    if !signature_is_good(key.public_bytes(), parts.signed, &parts.signature) {
        return Err(invalid("the signature is wrong"));
    }
    let text = |name: &str| parts.claims.get(name).and_then(Value::as_str).map(str::to_owned);
    let moment = |name: &str| parts.claims.get(name).and_then(Value::as_i64);
    let (Some(challenge_id), Some(jti)) = (text("challenge_id"), text("jti")) else {
        return Err(invalid("challenge_id or jti is missing"));
    };
    let (Some(nbf), Some(exp)) = (moment("nbf"), moment("exp")) else {
        return Err(invalid("nbf or exp is missing"));
    };
    if now < nbf {
        return Err(invalid("not valid yet"));
    }
    if now >= exp {
        return Err(Refusal::new(RefusalCode::ExpiredChallengeToken, "the challenge token has ended"));
    }
    Ok(Presented { challenge_id, jti })
}

fn signature_is_good(public_key: &[u8], signed: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public_key).verify(signed, signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::identity::Identity;
    use super::super::our_side;
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    const NOW: i64 = 1_790_000_000;

    fn claims() -> Value {
        json!({"challenge_id": "chl_1", "jti": "jti_1", "iat": NOW, "nbf": NOW, "exp": NOW + 600})
    }

    #[tokio::test]
    async fn tokens_verify_with_another_library_through_the_published_set() {
        let identity = our_side::identity().await;
        let token = sign(identity.step_up_key(), &claims()).expect("a token");
        let set: jsonwebtoken::jwk::JwkSet =
            serde_json::from_value(identity.step_up_key_set()).expect("a key set");
        let header = jsonwebtoken::decode_header(&token).expect("a header");
        assert_eq!(header.typ.as_deref(), Some("JWT"));
        let jwk = set.find(&header.kid.expect("a kid")).expect("published");
        let key = jsonwebtoken::DecodingKey::from_jwk(jwk).expect("a key");
        let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        let read = jsonwebtoken::decode::<Value>(&token, &key, &validation).expect("genuine");
        assert_eq!(read.claims, claims());
    }

    #[tokio::test]
    async fn only_genuine_tokens_in_their_time_are_taken_back() {
        let (ours, theirs) = (our_side::identity().await, Identity::generate().await.expect("keys"));
        let key = ours.step_up_key();
        let good = sign(key, &claims()).expect("a token");
        let check = |token: &str, now: i64, expected: Option<RefusalCode>| {
            let outcome = take_back(token, key, now);
            assert_eq!(outcome.as_ref().err().map(|refusal| refusal.code), expected, "{outcome:?}");
        };
        let invalid = Some(RefusalCode::InvalidChallengeToken);
        check(&good, NOW, None);
        check(&good, NOW + 599, None);
        check(&good, NOW + 600, Some(RefusalCode::ExpiredChallengeToken));
        check(&good, NOW - 1, invalid);
        check("", NOW, invalid);
        check(&sign(theirs.step_up_key(), &claims()).expect("a token"), NOW, invalid);
        let without = |name: &str| {
            let mut claims = claims();
            claims.as_object_mut().expect("an object").remove(name);
            sign(key, &claims).expect("a token")
        };
        for name in ["challenge_id", "jti", "nbf", "exp"] {
            check(&without(name), NOW, invalid);
        }
        let (input, _) = good.rsplit_once('.').expect("three parts");
        let unsigned = input.replacen(
            good.split('.').next().expect("a header"),
            &URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"none","kid":"{}"}}"#, key.kid())),
            1,
        );
        check(&format!("{unsigned}."), NOW, invalid);
        check(&compact::with_signature(input, &[0; 64]), NOW, invalid);
    }

    /// The vectors were signed by an independent implementation; their bad signatures are bad here too.
    #[test]
    fn signatures_of_the_vectors_are_judged_as_expected() {
        let text = include_str!("../../tests/vectors/challenge-tokens.json");
        let vectors: Value = serde_json::from_str(text).expect("JSON");
        let x = vectors["jwks"]["keys"][0]["x"].as_str().expect("a string");
        let public_key = URL_SAFE_NO_PAD.decode(x).expect("base64url");
        for case in vectors["cases"].as_array().expect("an array") {
            let parts = compact::take_apart(case["token"].as_str().expect("a string")).expect("a token");
            let good = signature_is_good(&public_key, parts.signed, &parts.signature);
            assert_eq!(good, case["expect"] != "bad-signature", "{}", case["name"]);
        }
    }
}
