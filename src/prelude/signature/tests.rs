use base64::engine::general_purpose::STANDARD;
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};

use super::*;
use crate::prelude::fixtures::{self, RSA_KID, base64url};

fn check(headers: (Option<&str>, Option<&str>), expected: SignatureFault) {
    let headers = SignatureHeaders { signature: headers.0, key_id: headers.1 };
    let got = verify(headers, b"{}", &fixtures::hook_keys()).map(|_| ());
    assert_eq!(got, Err(expected), "{:?} {:?}", headers.signature, headers.key_id);
}

fn verified(header: &str, body: &[u8]) -> Result<SignedCall, SignatureFault> {
    let headers = SignatureHeaders { signature: Some(header), key_id: Some(RSA_KID) };
    verify(headers, body, &fixtures::hook_keys())
}

#[test]
fn every_vector_is_judged_as_expected() {
    let (jwks, cases) = fixtures::vectors(include_str!("../../../tests/vectors/hook-calls.json"));
    let keys = HookKeySet::parse(&jwks).expect("usable keys");
    assert!(cases.len() > 30);
    for case in cases {
        let body = STANDARD.decode(case["body_base64"].as_str().expect("a body")).expect("base64");
        let headers = SignatureHeaders {
            signature: case["headers"]["x-webhook-signature"].as_str(),
            key_id: case["headers"]["x-webhook-signature-key-id"].as_str(),
        };
        let judged = match verify(headers, &body, &keys) {
            Ok(call) => {
                assert_eq!(call.body(), body);
                "signed"
            }
            Err(SignatureFault::Missing) => "missing-signature",
            Err(SignatureFault::UnknownKey) => "unknown-key",
            Err(SignatureFault::Malformed | SignatureFault::Wrong) => "bad-signature",
            Err(SignatureFault::RetiredKey) => "retired-key",
        };
        let expected = case["expect"].as_str().expect("an expectation");
        let expected = if ["valid", "invalid-body"].contains(&expected) { "signed" } else { expected };
        assert_eq!(judged, expected, "{}", case["name"]);
    }
}

#[test]
fn headers_that_are_absent_or_malformed_are_refused() {
    let good = base64url(fixtures::pss(b"{}"));
    check((None, None), SignatureFault::Missing);
    check((Some(&good), None), SignatureFault::Missing);
    check((None, Some(RSA_KID)), SignatureFault::Missing);

    let standard = STANDARD.encode([0xfb; 256]);
    let spaced = format!(" {good}");
    let upper = format!("RSASSA-PSS-SHA256={good}");
    let twice = format!("{PREFIX}{PREFIX}{good}");
    let one_of_two = format!("{good}=");
    let three = format!("{good}===");
    let (front, back) = good.split_at(170);
    let padded_inside = format!("{front}=={back}");
    // 342 characters hold four bits more than 256 bytes; here the last of them is set.
    let trailing_bits = format!("{}B", "A".repeat(341));
    let long = base64url([1; 1025]);
    let longer = "A".repeat(100_000);
    let short = base64url([1; 255]);
    let malformed = [
        "",
        " ",
        "=",
        "==",
        PREFIX,
        "@@@@",
        &standard,
        &spaced,
        &upper,
        &twice,
        &one_of_two,
        &three,
        &padded_inside,
        &trailing_bits,
        &long,
        &longer,
        &short,
    ];
    for header in malformed {
        check((Some(header), Some(RSA_KID)), SignatureFault::Malformed);
        // A stranger's nonsense must not send us for a new key set.
        check((Some(header), Some("nobody")), SignatureFault::Malformed);
    }
    for key_id in ["", "a\nb", &"k".repeat(257)] {
        check((Some(&good), Some(key_id)), SignatureFault::Malformed);
    }
    for key_id in ["nobody", "TEST-RSA", "test-rsa "] {
        check((Some(&good), Some(key_id)), SignatureFault::UnknownKey);
    }
    for bytes in [256, 257, 384] {
        check((Some(&base64url(vec![1; bytes])), Some(RSA_KID)), SignatureFault::Wrong);
    }
}

#[test]
fn every_spelling_of_a_signature_is_one_signature() {
    let body = br#"{"a":1}"#;
    for signature in [fixtures::pss(body), fixtures::pss_with_largest_salt(body)] {
        let bare = base64url(&signature);
        let first = verified(&bare, body).expect("a genuine call").seen().clone();
        assert_eq!(first.kid.as_str(), RSA_KID);
        assert_eq!(first.hash.0, digest(&SHA256, &signature).as_ref());
        for spelling in [format!("{bare}=="), format!("{PREFIX}{bare}"), format!("{PREFIX}{bare}==")] {
            assert_eq!(verified(&spelling, body).expect("a genuine call").seen(), &first);
        }
    }
}

/// A number that equals the signature modulo the key would be a second signature of the same call, and a replay with
/// it a new call.
#[test]
fn a_signature_plus_the_modulus_is_refused() {
    let (jwks, cases) = fixtures::vectors(include_str!("../../../tests/vectors/hook-calls.json"));
    let keys = HookKeySet::parse(&jwks).expect("usable keys");
    let parsed: serde_json::Value = serde_json::from_str(&jwks).expect("a key set");
    let modulus = URL_SAFE_NO_PAD.decode(parsed["keys"][0]["n"].as_str().expect("n")).expect("base64url");
    let key_id = parsed["keys"][0]["kid"].as_str();
    let mut tried = 0;
    for case in cases.iter().filter(|case| case["expect"] == "valid") {
        let body = STANDARD.decode(case["body_base64"].as_str().expect("a body")).expect("base64");
        let header = case["headers"]["x-webhook-signature"].as_str().expect("a signature");
        let Some(sum) = decode(header).and_then(|signature| same_length_sum(&signature, &modulus)) else {
            continue;
        };
        let sum = base64url(sum);
        let headers = SignatureHeaders { signature: Some(&sum), key_id };
        assert_eq!(verify(headers, &body, &keys).err(), Some(SignatureFault::Wrong), "{}", case["name"]);
        tried += 1;
    }
    assert!(tried >= 3, "{tried}");
}

/// The sum of two numbers of one length, if it has that length too.
fn same_length_sum(one: &[u8], other: &[u8]) -> Option<Vec<u8>> {
    let mut sum = vec![0; one.len()];
    let mut carry = 0;
    for ((digit, left), right) in sum.iter_mut().zip(one).zip(other).rev() {
        [*digit, carry] = (u16::from(*left) + u16::from(*right) + u16::from(carry)).to_le_bytes();
    }
    (one.len() == other.len() && carry == 0).then_some(sum)
}

#[test]
fn nothing_of_the_body_is_shown() {
    let shown = format!("{:?}", fixtures::signed_call(br#"{"secret":"+33612345678"}"#));
    assert!(!shown.contains("336") && shown.contains("test-rsa"), "{shown}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_flipped_bit_is_refused(
        body in proptest::collection::vec(any::<u8>(), 1..600),
        place in any::<proptest::sample::Index>(),
        bit in 0..8_u32,
        largest in any::<bool>(),
    ) {
        let signature = if largest { fixtures::pss_with_largest_salt(&body) } else { fixtures::pss(&body) };
        let header = base64url(&signature);
        prop_assert!(verified(&header, &body).is_ok());

        let mut other = body.clone();
        other[place.index(body.len())] ^= 1_u8 << bit;
        prop_assert!(verified(&header, &other).is_err());

        let mut forged = signature;
        forged[place.index(256)] ^= 1_u8 << bit;
        prop_assert!(verified(&base64url(forged), &body).is_err());

        let mut spelt = header.into_bytes();
        spelt[place.index(342)] ^= 1_u8 << (bit % 7);
        prop_assert!(verified(std::str::from_utf8(&spelt).expect("ASCII"), &body).is_err());
    }
}
