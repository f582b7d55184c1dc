//! Tokens that nobody may take, each made from a good one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs8::EncodePublicKey as _;
use rsa::traits::PublicKeyParts as _;
use rsa::{BigUint, RsaPrivateKey, RsaPublicKey};
use serde_json::{Value, json};

/// Takes a good token and the key set that it verifies through; returns names and tokens.
pub(crate) fn of(token: &str, key_set: &Value) -> Vec<(&'static str, String)> {
    let parts: Vec<_> = token.split('.').collect();
    let [head, claims, signature] = parts[..] else { panic!("no token: {token}") };
    let kid = key_set["keys"][0]["kid"].as_str().expect("a kid");
    let mut bent = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    bent[100] ^= 1;
    let changed = |member: &str, value: Value| {
        let mut claims = json_of(claims);
        claims[member] = value;
        format!("{head}.{}.{signature}", part(&claims))
    };
    let headed = |header: Value, signature: &str| format!("{}.{claims}.{signature}", part(&header));
    let mut wrong = vec![
        ("no algorithm, no signature", headed(json!({ "alg": "none" }), "")),
        ("no algorithm, our kid", headed(json!({ "alg": "none", "kid": kid }), signature)),
        ("another algorithm", headed(json!({ "alg": "RS512", "kid": kid }), signature)),
        ("another padding", headed(json!({ "alg": "PS256", "kid": kid }), signature)),
        ("another kid", headed(json!({ "alg": "RS256", "kid": "other" }), signature)),
        ("another user", changed("sub", json!("usr_2"))),
        ("another step", changed("key", json!("payout_review"))),
        ("a longer life", changed("exp", json!(4_102_444_800_u64))),
        ("one bit of the signature", format!("{head}.{claims}.{}", URL_SAFE_NO_PAD.encode(&bent))),
        ("half a signature", format!("{head}.{claims}.{}", &signature[..signature.len() / 8 * 4])),
        ("no signature", format!("{head}.{claims}.")),
        ("two parts", format!("{head}.{claims}")),
        ("cut off in its claims", token[..head.len() + claims.len() / 2].to_owned()),
    ];
    wrong.extend(signed_by_others(&json_of(claims), kid, key_set));
    wrong
}

/// The claims under keys that are not ours.
fn signed_by_others(claims: &Value, kid: &str, key_set: &Value) -> Vec<(&'static str, String)> {
    let other = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).expect("a key");
    let der = other.to_pkcs1_der().expect("DER");
    let other_key = EncodingKey::from_rsa_der(der.as_bytes());
    let signed = |header: &Header, key: &EncodingKey| encode(header, claims, key).expect("signs");
    let header =
        |algorithm, kid: Option<&str>| Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) };
    let mut brought_along = header(Algorithm::RS256, Some("brought-along"));
    let encoded = |number: &BigUint| URL_SAFE_NO_PAD.encode(number.to_bytes_be());
    let jwk = json!({
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "brought-along",
        "n": encoded(other.n()), "e": encoded(other.e()),
    });
    brought_along.jwk = serde_json::from_value(jwk).expect("a JWK");
    let public = public_key_pem(key_set);
    let confused = EncodingKey::from_secret(public.as_bytes());
    vec![
        ("another key under our kid", signed(&header(Algorithm::RS256, Some(kid)), &other_key)),
        ("another key under its own kid", signed(&header(Algorithm::RS256, Some("its-own")), &other_key)),
        ("another key without a kid", signed(&header(Algorithm::RS256, None), &other_key)),
        ("a key that it brought along", signed(&brought_along, &other_key)),
        ("our public key as a secret", signed(&header(Algorithm::HS256, Some(kid)), &confused)),
    ]
}

/// Our public key as PEM: what confuses a verifier that lets a token choose between HMAC and RSA.
fn public_key_pem(key_set: &Value) -> String {
    let number = |member: &str| {
        let text = key_set["keys"][0][member].as_str().expect("a number");
        BigUint::from_bytes_be(&URL_SAFE_NO_PAD.decode(text).expect("base64url"))
    };
    let key = RsaPublicKey::new(number("n"), number("e")).expect("a public key");
    key.to_public_key_pem(rsa::pkcs8::LineEnding::LF).expect("PEM")
}

fn json_of(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}
