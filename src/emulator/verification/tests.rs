//! A good token passes; each planted fault is `invalid_verification_token`, for its own reason.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA512, RSA_PSS_SHA256};
use serde_json::json;

use super::super::key_set::KeySet;
use super::super::our_side::{self, NOW, OurKey, jti, our_key};
use super::*;

const LIFE_SECONDS_MAX: i64 = 3600;

/// What the emulator says of a token, with a set that holds `key`.
fn said_of(token: &str, key: &OurKey) -> Result<Statement, &'static str> {
    let set = KeySet::parse(&our_side::key_set(&[key.jwk()])).expect("a key set");
    let outcome = Candidate::read(token).and_then(|candidate| {
        let key = set.find(candidate.kid()).cloned().ok_or(invalid("unknown kid"))?;
        candidate.check(&key, NOW, LIFE_SECONDS_MAX)
    });
    outcome.map_err(|refusal| {
        assert_eq!(refusal.code, RefusalCode::InvalidVerificationToken);
        refusal.detail
    })
}

fn good_claims() -> Value {
    our_side::claims("chl_1", &jti(1))
}

#[test]
fn a_good_token_states_what_it_claims() {
    let key = our_key();
    let statement = said_of(&key.token(&good_claims()), key).expect("good");
    let expected = Statement {
        user_id: "usr_1".to_owned(),
        challenge_id: "chl_1".to_owned(),
        step_key: "kyc_review".to_owned(),
        status: "completed".to_owned(),
        jti: jti(1),
    };
    assert_eq!(statement, expected);
    let without_typ = json!({"alg": "RS256", "kid": "k1"}).to_string();
    assert!(
        said_of(&key.token_of(without_typ.as_bytes(), good_claims().to_string().as_bytes()), key).is_ok()
    );
}

/// Each row replaces a claim of a good token, or takes it away.
#[test]
fn faults_in_the_claims_are_refused() {
    let key = our_key();
    let rows: &[(&str, Option<Value>, &str)] = &[
        ("exp", None, "exp is missing or not whole seconds"),
        ("exp", Some(json!(1_790_000_300.5)), "exp is missing or not whole seconds"),
        ("exp", Some(json!(1_790_000_300.0)), "exp is missing or not whole seconds"),
        ("exp", Some(json!("1790000300")), "exp is missing or not whole seconds"),
        ("exp", Some(json!(NOW)), "the token has expired"),
        ("exp", Some(json!((NOW + 300) * 1000)), "the token lives too long"),
        ("exp", Some(json!(NOW + 3601)), "the token lives too long"),
        ("nbf", None, "nbf is missing or not whole seconds"),
        ("nbf", Some(json!(1_789_999_995.25)), "nbf is missing or not whole seconds"),
        ("nbf", Some(json!(NOW + 1)), "the token is not valid yet"),
        ("iat", None, "iat is missing or not whole seconds"),
        ("iat", Some(json!(1.79e9)), "iat is missing or not whole seconds"),
        ("iat", Some(json!(NOW + 1)), "the token was issued in the future"),
        ("jti", None, "jti is missing or not text"),
        ("jti", Some(json!(7)), "jti is missing or not text"),
        ("jti", Some(json!("")), "jti is too short for 128 bits"),
        ("jti", Some(json!("0123456789abcdef01234")), "jti is too short for 128 bits"),
        ("sub", None, "sub is missing or not text"),
        ("sub", Some(json!(["usr_1"])), "sub is missing or not text"),
        ("challenge_id", None, "challenge_id is missing or not text"),
        ("key", None, "key is missing or not text"),
        ("status", None, "status is missing or not text"),
        ("status", Some(json!(true)), "status is missing or not text"),
        ("iss", Some(json!("doorstep")), "a claim that is not documented"),
        ("aud", Some(json!("prelude")), "a claim that is not documented"),
    ];
    for (name, value, expected) in rows {
        let mut claims = good_claims();
        let members = claims.as_object_mut().expect("an object");
        members.remove(*name);
        if let Some(value) = value {
            members.insert((*name).to_owned(), value.clone());
        }
        assert_eq!(said_of(&key.token(&claims), key), Err(*expected), "{name} {value:?}");
    }
}

/// Each row signs good claims, with our key and RS256, under another header.
#[test]
fn faults_in_the_header_are_refused() {
    let key = our_key();
    let rows = [
        (json!({"alg": "none", "kid": "k1"}), "alg is not RS256"),
        (json!({"alg": "RS512", "kid": "k1"}), "alg is not RS256"),
        (json!({"alg": "rs256", "kid": "k1"}), "alg is not RS256"),
        (json!({"alg": ["RS256"], "kid": "k1"}), "alg is not RS256"),
        (json!({"kid": "k1"}), "alg is not RS256"),
        (json!({"alg": "RS256", "kid": "k1", "typ": "at+jwt"}), "typ is not JWT"),
        (json!({"alg": "RS256"}), "the header has no kid"),
        (json!({"alg": "RS256", "kid": ""}), "the header has no kid"),
        (json!({"alg": "RS256", "kid": 1}), "the header has no kid"),
        (json!({"alg": "RS256", "kid": "k2"}), "unknown kid"),
        (
            json!({"alg": "RS256", "kid": "k1", "jku": "https://x"}),
            "the header has a member besides alg, kid and typ",
        ),
        (
            json!({"alg": "RS256", "kid": "k1", "jwk": key.jwk()}),
            "the header has a member besides alg, kid and typ",
        ),
        (
            json!({"alg": "RS256", "kid": "k1", "crit": ["b64"]}),
            "the header has a member besides alg, kid and typ",
        ),
    ];
    for (header, expected) in rows {
        let token = key.token_of(header.to_string().as_bytes(), good_claims().to_string().as_bytes());
        assert_eq!(said_of(&token, key), Err(expected), "{header}");
    }
}

#[test]
fn foreign_and_broken_signatures_are_refused() {
    let (key, other) = (our_key(), OurKey::generate("k1"));
    let good = key.token(&good_claims());
    let (input, _) = good.rsplit_once('.').expect("three parts");
    let random = SystemRandom::new();
    let signed_with = |encoding| {
        let mut signature = vec![0; key.pair.public_modulus_len()];
        key.pair.sign(encoding, &random, input.as_bytes(), &mut signature).expect("a signature");
        compact::with_signature(input, &signature)
    };
    assert_eq!(said_of(&other.token(&good_claims()), key), Err("the signature is wrong"));
    assert_eq!(said_of(&signed_with(&RSA_PSS_SHA256), key), Err("the signature is wrong"));
    assert_eq!(said_of(&signed_with(&RSA_PKCS1_SHA512), key), Err("the signature is wrong"));
    assert_eq!(said_of(&format!("{input}."), key), Err("the signature is wrong"));
    assert_eq!(said_of(&compact::with_signature(input, &[0; 256]), key), Err("the signature is wrong"));
    let longer = compact::with_signature(input, &[1; 257]);
    assert_eq!(said_of(&longer, key), Err("the signature is wrong"));
    let changed = good.replacen(
        good.split('.').nth(1).expect("claims"),
        compact::signing_input(b"", good_claims().to_string().replace("usr_1", "usr_2").as_bytes())
            .trim_start_matches('.'),
        1,
    );
    assert_eq!(said_of(&changed, key), Err("the signature is wrong"));
}

#[test]
fn other_algorithms_are_refused_before_any_key_is_looked_at() {
    let key = our_key();
    let input = |alg: &str| {
        let header = json!({"alg": alg, "typ": "JWT", "kid": "k1"}).to_string();
        compact::signing_input(header.as_bytes(), good_claims().to_string().as_bytes())
    };
    // HS256 with the text of the public key as the secret: the classic confusion (RFC 8725 §2.1).
    let secret = hmac::Key::new(hmac::HMAC_SHA256, key.jwk().to_string().as_bytes());
    let hs256 = hmac::sign(&secret, input("HS256").as_bytes());
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let es256 = ec.sign(&SystemRandom::new(), input("ES256").as_bytes()).expect("a signature");
    for token in [
        compact::with_signature(&input("none"), b""),
        compact::with_signature(&input("HS256"), hs256.as_ref()),
        compact::with_signature(&input("ES256"), es256.as_ref()),
    ] {
        assert_eq!(said_of(&token, key), Err("alg is not RS256"));
    }
}

#[test]
fn what_is_no_compact_token_is_refused() {
    let key = our_key();
    let good = key.token(&good_claims());
    let twice = good_claims().to_string().replacen('{', r#"{"sub":"usr_1","#, 1);
    let doubled = key.token_of(key.header().to_string().as_bytes(), twice.as_bytes());
    for token in
        ["", "a.b.c", &good.replace('.', ""), &format!("Bearer {good}"), &format!("{good}=="), &doubled]
    {
        assert_eq!(said_of(token, key), Err("not a compact signed token"), "{token}");
    }
}
