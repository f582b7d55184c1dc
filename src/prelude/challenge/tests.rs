use proptest::prelude::{any, prop_assert, proptest};
use serde_json::{Value, json};

use super::*;
use crate::prelude::fixtures::{self, ED_KID, ed_jwk, jwks, rsa_jwk, token};

const DOMAIN: &str = "54e9ujn.session.prelude.dev";
const ISSUED: i64 = 1_790_000_000;
const EXPIRES: i64 = ISSUED + 3600;

fn at(seconds: i64) -> Expectation<'static> {
    Expectation {
        now: Timestamp::from_unix_seconds(seconds),
        skew: CHALLENGE_CLOCK_SKEW,
        session_domain: DOMAIN,
    }
}

fn header() -> Value {
    json!({"alg": "EdDSA", "typ": "JWT", "kid": ED_KID})
}

fn claims() -> Value {
    json!({
        "iss": DOMAIN, "sub": "usr_1", "sid": "ses_1", "jti": "jti_1",
        "iat": ISSUED, "nbf": ISSUED, "exp": EXPIRES,
        "challenge_id": "chl_1", "scope_requested": "transfer:write", "current_step": "kyc_review",
        "steps": [
            {"order": 1, "key": "verify_sms", "expiration_duration": 600, "done": true},
            {"order": 2, "key": "kyc_review", "expiration_duration": 3600, "done": false},
            {"order": 3, "key": "sign_form", "expiration_duration": 3600, "done": false},
        ],
        "metadata": {"amount": "500"},
    })
}

fn judge(header: &str, claims: &str) -> Result<Challenge, ChallengeFault> {
    verify(&token(header, claims), &fixtures::step_up_keys(), &at(ISSUED + 10))
}

fn check_header(header: &Value, expected: Result<(), ChallengeFault>) {
    let got = judge(&header.to_string(), &claims().to_string()).map(|_| ());
    assert_eq!(got, expected, "{header}");
}

/// Judges the usual claims with some set to other values; null takes a claim away.
fn check(changes: &Value, expected: Result<(), ChallengeFault>) {
    let mut claims = claims();
    for (name, value) in changes.as_object().expect("changes") {
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().expect("claims").remove(name);
        }
    }
    let got = judge(&header().to_string(), &claims.to_string()).map(|_| ());
    assert_eq!(got, expected, "{changes}");
}

#[test]
fn every_vector_is_judged_as_expected() {
    let (jwks, cases) = fixtures::vectors(include_str!("../../../tests/vectors/challenge-tokens.json"));
    let keys = StepUpKeySet::parse(&jwks).expect("a usable key");
    assert!(cases.len() >= 9);
    for case in cases {
        let moment = at(case["at"].as_i64().expect("a moment"));
        let judged = match verify(case["token"].as_str().expect("a token"), &keys, &moment) {
            Ok(_) => "valid",
            Err(ChallengeFault::Malformed) => "malformed",
            Err(ChallengeFault::UnknownKey) => "unknown-key",
            Err(ChallengeFault::BadSignature) => "bad-signature",
            Err(ChallengeFault::WrongIssuer) => "wrong-issuer",
            Err(ChallengeFault::Expired) => "expired",
            Err(ChallengeFault::NotYetValid) => "not-yet-valid",
            Err(ChallengeFault::Completed) => "completed",
            Err(ChallengeFault::ManagedStep) => "managed-step",
            Err(ChallengeFault::PassedStep) => "passed-step",
        };
        assert_eq!(case["expect"], judged, "{}", case["name"]);
    }
}

#[test]
fn a_challenge_is_what_the_token_states() {
    let challenge = judge(&header().to_string(), &claims().to_string()).expect("a good token");
    assert_eq!(challenge.user_id.as_str(), "usr_1");
    assert_eq!(challenge.session_id.as_ref().map(SessionId::as_str), Some("ses_1"));
    assert_eq!(challenge.challenge_id.as_str(), "chl_1");
    assert_eq!(challenge.scope.as_str(), "transfer:write");
    assert_eq!(challenge.current_step.as_str(), "kyc_review");
    let steps: Vec<_> = challenge.steps.iter().map(|step| (step.key.as_str(), step.done)).collect();
    assert_eq!(steps, [("verify_sms", true), ("kyc_review", false), ("sign_form", false)]);
    assert_eq!(
        challenge.metadata.and_then(|fields| fields.get("amount").map(str::to_owned)).as_deref(),
        Some("500")
    );
    assert_eq!(challenge.expires_at, Some(Timestamp::from_unix_seconds(EXPIRES)));
}

#[test]
fn the_algorithm_is_ours_and_keys_come_from_the_set() {
    let with = |name: &str, value: Value| {
        let mut header = header();
        header[name] = value;
        header
    };
    check_header(&header(), Ok(()));
    check_header(&json!({"alg": "EdDSA"}), Ok(()));
    check_header(&with("typ", json!("jwt")), Ok(()));
    check_header(&with("jku", json!("https://evil.example/jwks.json")), Ok(()));
    check_header(&with("jwk", ed_jwk("evil")), Ok(()));
    for algorithm in ["none", "HS256", "RS256", "eddsa", "EdDSA ", "Ed25519", ""] {
        check_header(&with("alg", json!(algorithm)), Err(ChallengeFault::BadSignature));
    }
    check_header(&with("kid", json!("nobody")), Err(ChallengeFault::UnknownKey));
    check_header(&with("kid", json!("")), Err(ChallengeFault::UnknownKey));
    for wrong in [
        with("kid", json!(1)),
        with("kid", json!(null)),
        with("alg", json!(null)),
        with("typ", json!("at+jwt")),
        with("crit", json!(["b64"])),
        with("crit", json!([])),
        json!({"kid": ED_KID}),
        json!(["EdDSA"]),
    ] {
        check_header(&wrong, Err(ChallengeFault::Malformed));
    }
    let twice = header().to_string().replacen('{', r#"{"alg":"none","#, 1);
    assert_eq!(judge(&twice, &claims().to_string()).err(), Some(ChallengeFault::Malformed));
}

#[test]
fn without_kid_the_only_key_is_meant() {
    let token = token(r#"{"alg":"EdDSA"}"#, &claims().to_string());
    let judge = |keys: &[Value]| {
        let keys = StepUpKeySet::parse(&jwks(keys)).expect("a usable key");
        verify(&token, &keys, &at(ISSUED)).map(|_| ())
    };
    assert_eq!(judge(&[ed_jwk("one"), rsa_jwk("two")]), Ok(()));
    assert_eq!(judge(&[ed_jwk("one"), ed_jwk("two")]), Err(ChallengeFault::UnknownKey));
}

#[test]
fn a_text_that_is_no_token_is_refused() {
    let good = token(&header().to_string(), &claims().to_string());
    let parts: Vec<&str> = good.split('.').collect();
    let (head, body, signature) = (parts[0], parts[1], parts[2]);
    let malformed = [
        String::new(),
        "..".to_owned(),
        head.to_owned(),
        format!("{head}.{body}"),
        format!("{body}.{body}.{signature}"),
        format!("@.{body}.{signature}"),
        format!("{head}=.{body}.{signature}"),
        format!("{good}{}", "A".repeat(8 * 1024)),
    ];
    for text in malformed {
        let got = verify(&text, &fixtures::step_up_keys(), &at(ISSUED));
        assert_eq!(got.err(), Some(ChallengeFault::Malformed), "{text}");
    }
    for text in [
        format!("{good}."),
        format!("{good}=="),
        format!("{good}.{signature}"),
        format!("{head}.{body}."),
        format!(" {good}").trim_start().to_owned() + " ",
        format!("{head}.{head}.{signature}"),
    ] {
        let got = verify(&text, &fixtures::step_up_keys(), &at(ISSUED));
        assert_eq!(got.err(), Some(ChallengeFault::BadSignature), "{text}");
    }
}

#[test]
fn times_are_judged_by_the_given_moment() {
    let check = |now: i64, expected: Result<(), ChallengeFault>| {
        let token = token(&header().to_string(), &claims().to_string());
        let got = verify(&token, &fixtures::step_up_keys(), &at(now)).map(|_| ());
        assert_eq!(got, expected, "{now}");
    };
    check(ISSUED - 6, Err(ChallengeFault::NotYetValid));
    check(ISSUED - 5, Ok(()));
    check(ISSUED, Ok(()));
    check(EXPIRES - 1, Ok(()));
    check(EXPIRES, Err(ChallengeFault::Expired));
    check(EXPIRES + 1, Err(ChallengeFault::Expired));
}

#[test]
fn claims_are_strict() {
    let malformed = Err(ChallengeFault::Malformed);
    check(&json!({}), Ok(()));
    check(&json!({"added": {"later": [1.5]}}), Ok(()));
    for name in ["iss", "sid", "jti", "iat", "nbf", "metadata"] {
        check(&json!({name: null}), Ok(()));
    }
    for name in ["sub", "exp", "challenge_id", "scope_requested", "current_step", "steps"] {
        check(&json!({name: null}), malformed);
    }
    for name in
        ["iss", "sub", "sid", "jti", "challenge_id", "scope_requested", "current_step", "steps", "metadata"]
    {
        check(&json!({name: 1}), malformed);
    }
    for name in ["iat", "nbf", "exp"] {
        for value in [json!("1790000000"), json!(1_790_000_000.5), json!(u64::MAX)] {
            check(&json!({name: value}), malformed);
        }
    }
    for (name, value) in
        [("sub", ""), ("challenge_id", "a\nb"), ("scope_requested", "a b"), ("current_step", "a b")]
    {
        check(&json!({name: value}), malformed);
    }
    check(&json!({"metadata": {"amount": 500}}), malformed);
    check(&json!({"metadata": {"a": "v".repeat(33)}}), malformed);
    for name in ["iss", "sub", "exp", "challenge_id", "steps", "metadata"] {
        let twice = claims().to_string().replacen('{', &format!(r#"{{"{name}":{},"#, claims()[name]), 1);
        assert_eq!(judge(&header().to_string(), &twice).err(), Some(ChallengeFault::Malformed), "{name}");
    }
    assert_eq!(judge(&header().to_string(), "[]").err(), Some(ChallengeFault::Malformed));
    let null = claims().to_string().replacen(r#""sid":"ses_1""#, r#""sid":null"#, 1);
    assert_eq!(judge(&header().to_string(), &null).err(), Some(ChallengeFault::Malformed));
}

#[test]
fn the_issuer_is_the_session_domain() {
    for issuer in [DOMAIN, "https://54e9ujn.session.prelude.dev", "https://54E9UJN.session.prelude.dev/"] {
        check(&json!({"iss": issuer}), Ok(()));
    }
    for issuer in [
        "",
        "https://",
        "http://54e9ujn.session.prelude.dev",
        "other.session.prelude.dev",
        "session.prelude.dev",
    ] {
        check(&json!({"iss": issuer}), Err(ChallengeFault::WrongIssuer));
    }
}

#[test]
fn the_current_step_must_be_the_one_to_do() {
    let step = |order: i64, key: &str, done: bool| json!({"order": order, "key": key, "expiration_duration": 600, "done": done});
    let (passed, malformed) = (Err(ChallengeFault::PassedStep), Err(ChallengeFault::Malformed));
    check(&json!({"steps": [step(9, "kyc_review", false), step(2, "verify_sms", true)]}), Ok(()));
    check(&json!({"current_step": "sign_form"}), passed);
    check(&json!({"current_step": "unknown"}), passed);
    check(&json!({"steps": []}), passed);
    check(&json!({"steps": [step(1, "kyc_review", true)]}), passed);
    check(&json!({"steps": [step(1, "verify_sms", false), step(2, "kyc_review", false)]}), passed);
    // By order, not by place.
    check(&json!({"steps": [step(2, "kyc_review", false), step(1, "verify_sms", false)]}), passed);
    check(&json!({"current_step": "verify_sms"}), Err(ChallengeFault::ManagedStep));
    check(&json!({"current_step": "completed"}), Err(ChallengeFault::Completed));
    check(&json!({"current_step": "completed", "steps": []}), Err(ChallengeFault::Completed));

    check(&json!({"steps": [step(1, "verify_sms", true), step(1, "kyc_review", false)]}), malformed);
    check(&json!({"steps": [step(1, "kyc_review", true), step(2, "kyc_review", false)]}), malformed);
    check(&json!({"steps": [["kyc_review"]]}), malformed);
    for name in ["order", "key", "expiration_duration", "done"] {
        let mut wrong = step(1, "kyc_review", false);
        wrong[name] = json!(null);
        check(&json!({"steps": [wrong]}), malformed);
    }
}

#[test]
fn the_signature_is_judged_first_and_the_step_last() {
    let mut late = claims();
    late["exp"] = json!(ISSUED);
    late["current_step"] = json!("completed");
    let late = late.to_string();
    assert_eq!(judge(&header().to_string(), &late).err(), Some(ChallengeFault::Expired));
    let forged = token(&header().to_string(), &late).replace(".ey", ".eyJ");
    let got = verify(&forged, &fixtures::step_up_keys(), &at(ISSUED));
    assert_eq!(got.err(), Some(ChallengeFault::BadSignature));
}

proptest! {
    #[test]
    fn any_flipped_bit_of_a_token_is_refused(place in any::<proptest::sample::Index>(), bit in 0..7_u32) {
        let mut token = token(&header().to_string(), &claims().to_string()).into_bytes();
        let place = place.index(token.len());
        token[place] ^= 1_u8 << bit;
        let token = std::str::from_utf8(&token).expect("ASCII");
        prop_assert!(verify(token, &fixtures::step_up_keys(), &at(ISSUED)).is_err());
    }

    #[test]
    fn any_text_is_judged(token in "\\PC{0,40}(\\.\\PC{0,40}){0,3}") {
        prop_assert!(verify(&token, &fixtures::step_up_keys(), &at(ISSUED)).is_err());
    }
}
