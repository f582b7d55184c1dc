use serde_json::{Value, json};

use super::*;
use crate::prelude::fixtures::{self, ed_jwk, jwks, rsa_jwk};
use aws_lc_rs::digest::{SHA256, digest};

fn with(mut jwk: Value, member: &str, value: Value) -> Value {
    jwk[member] = value;
    jwk
}

fn without(mut jwk: Value, member: &str) -> Value {
    jwk.as_object_mut().expect("an object").remove(member);
    jwk
}

fn n_of(bytes: &[u8]) -> Value {
    json!(fixtures::base64url(bytes))
}

/// An odd number of so many bytes whose first byte is `first`.
fn odd(first: u8, bytes: usize) -> Vec<u8> {
    let mut number = vec![0x5b; bytes];
    number[0] = first;
    number
}

#[test]
fn only_fit_rsa_keys_verify_calls() {
    let check = |jwk: &Value, usable: bool| {
        let set = HookKeySet::parse(&jwks(std::slice::from_ref(jwk)));
        assert_eq!(set.map(|_| ()).err(), (!usable).then_some(KeySetFault::NoUsableKey), "{jwk}");
    };
    let good = rsa_jwk("k");
    check(&good, true);
    check(&without(good.clone(), "use"), true);
    check(&without(good.clone(), "alg"), true);
    check(&with(good.clone(), "alg", json!("PS256")), true);
    check(&with(good.clone(), "key_ops", json!(["verify"])), true);
    check(&with(good.clone(), "x5c", json!({"added": "later"})), true);
    check(&with(good.clone(), "e", n_of(&[0, 1, 0, 1])), true);
    check(&with(good.clone(), "n", n_of(&odd(0x80, 256))), true);
    check(&with(good.clone(), "n", n_of(&odd(0xff, 1024))), true);

    check(&with(good.clone(), "use", json!("enc")), false);
    check(&with(good.clone(), "use", json!(1)), false);
    check(&with(good.clone(), "key_ops", json!(["encrypt"])), false);
    check(&with(good.clone(), "kty", json!("rsa")), false);
    check(&with(good.clone(), "kid", json!(7)), false);
    check(&with(good.clone(), "kid", json!("")), false);
    check(&with(good.clone(), "n", n_of(&odd(0x7f, 256))), false);
    check(&with(good.clone(), "n", n_of(&odd(0x01, 1025))), false);
    check(&with(good.clone(), "n", n_of(&[0x80; 256])), false);
    check(&with(good.clone(), "n", json!("@@@@")), false);
    for exponent in [&[][..], &[1], &[2], &[1, 0, 0, 0, 1]] {
        check(&with(good.clone(), "e", n_of(exponent)), false);
    }
    for member in ["kty", "kid", "n", "e"] {
        check(&without(good.clone(), member), false);
    }
    check(&ed_jwk("k"), false);
    check(&json!([good]), false);
    check(&json!("RSA"), false);
}

#[test]
fn only_ed25519_keys_verify_tokens() {
    let check = |jwk: &Value, usable: bool| {
        let set = StepUpKeySet::parse(&jwks(std::slice::from_ref(jwk)));
        assert_eq!(set.map(|_| ()).err(), (!usable).then_some(KeySetFault::NoUsableKey), "{jwk}");
    };
    check(&ed_jwk("k"), true);
    check(&with(ed_jwk("k"), "crv", json!("X25519")), false);
    check(&with(ed_jwk("k"), "crv", json!("Ed448")), false);
    check(&with(ed_jwk("k"), "x", n_of(&[1; 31])), false);
    check(&with(ed_jwk("k"), "x", n_of(&[1; 33])), false);
    check(&without(ed_jwk("k"), "kid"), false);
    check(&rsa_jwk("k"), false);
}

#[test]
fn a_text_that_is_no_usable_set_is_refused() {
    let check = |text: &str, expected: KeySetFault| {
        assert_eq!(HookKeySet::parse(text).map(|_| ()), Err(expected), "{}", text.len());
    };
    for text in
        ["", "hello", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, r#"[[{"kty":"RSA"}]]"#]
    {
        check(text, KeySetFault::Form);
    }
    check(r#"{"keys":[]}"#, KeySetFault::NoUsableKey);
    check(&jwks(&vec![rsa_jwk("k"); 101]), KeySetFault::TooManyKeys);
    let padding = " ".repeat(KEY_SET_BYTES_MAX);
    check(&format!("{}{padding}", jwks(&[rsa_jwk("k")])), KeySetFault::TooLong);
}

#[test]
fn one_bad_key_spoils_no_other() {
    let twice = r#"{"kty":"RSA","kty":"RSA","kid":"twice","n":"AQ","e":"AQAB"}"#;
    let text = jwks(&[json!(null), rsa_jwk("good"), ed_jwk("other-kind"), without(rsa_jwk("x"), "n")]);
    let text = text.replace("null", twice);
    let set = HookKeySet::parse(&text).expect("a usable key");
    assert_eq!(set.kids().map(Kid::as_str).collect::<Vec<_>>(), ["good"]);
    assert!(set.get("good").is_some() && set.get("other-kind").is_none());
}

#[test]
fn a_kid_names_one_key_or_none() {
    let other = with(rsa_jwk("same"), "n", n_of(&odd(0x80, 256)));
    let kids = |keys: &[Value]| {
        let set = HookKeySet::parse(&jwks(keys)).expect("a usable key");
        set.kids().map(ToString::to_string).collect::<Vec<_>>()
    };
    let twin = with(rsa_jwk("same"), "alg", json!("PS256"));
    assert_eq!(kids(&[rsa_jwk("same"), twin]), ["same"]);
    assert_eq!(kids(&[rsa_jwk("same"), other.clone(), rsa_jwk("last")]), ["last"]);
    assert_eq!(kids(&[rsa_jwk("same"), other, rsa_jwk("same"), rsa_jwk("last")]), ["last"]);
    assert_eq!(kids(&[rsa_jwk("same"), ed_jwk("same")]), ["same"]);
}

#[test]
fn only_the_one_key_of_a_set_goes_without_saying() {
    let set = |keys: &[Value]| StepUpKeySet::parse(&jwks(keys)).expect("a usable key");
    assert!(set(&[ed_jwk("a"), rsa_jwk("b")]).only().is_some());
    assert!(set(&[ed_jwk("a"), ed_jwk("b")]).only().is_none());
}

#[test]
fn the_salt_length_that_fitted_is_tried_first() {
    let set = fixtures::hook_keys();
    let (_, key) = set.get(fixtures::RSA_KID).expect("the key");
    let body = digest(&SHA256, b"body");
    let largest_first = || key.largest_salt_first.load(Ordering::Relaxed);
    assert!(!largest_first());
    assert!(key.verifies(&body, &fixtures::pss_with_largest_salt(b"body")) && largest_first());
    assert!(!key.verifies(&body, &fixtures::pss(b"another body")) && largest_first());
    assert!(key.verifies(&body, &fixtures::pss(b"body")) && !largest_first());
}
