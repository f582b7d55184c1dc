//! A good proof passes; each planted fault is refused.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::json;

use super::*;

const URL: &str = "https://localhost:8443/v1/session/refresh";

struct Maker(EcdsaKeyPair);

impl Maker {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    fn header(&self) -> Value {
        let point = self.0.public_key().as_ref();
        let coordinate = |from: usize| URL_SAFE_NO_PAD.encode(&point[from..from + 32]);
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": coordinate(1), "y": coordinate(33) });
        json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let input = compact::signing_input(header.to_string().as_bytes(), claims.to_string().as_bytes());
        let signature = self.0.sign(&SystemRandom::new(), input.as_bytes()).expect("a signature");
        compact::with_signature(&input, signature.as_ref())
    }
}

fn claims() -> Value {
    json!({ "jti": "j1", "htm": "POST", "htu": URL, "iat": 1000, "nonce": "n1" })
}

fn judged(proof: Option<&str>) -> Result<Proof, &'static str> {
    let proven = Proven { method: "POST", url: URL, machine_now: 1000 };
    read(proof, proven).map_err(|fault| fault.code())
}

#[test]
fn a_good_proof_names_its_key_by_its_thumbprint() {
    let maker = Maker::new();
    let proof = judged(Some(&maker.sign(&maker.header(), &claims()))).expect("good");
    assert_eq!((proof.jti.as_str(), proof.nonce.as_deref()), ("j1", Some("n1")));
    let again = judged(Some(&maker.sign(&maker.header(), &claims()))).expect("good");
    let other = Maker::new();
    let others = judged(Some(&other.sign(&other.header(), &claims()))).expect("good");
    assert_eq!(proof.thumbprint, again.thumbprint);
    assert_ne!(proof.thumbprint, others.thumbprint);
}

/// The key of RFC 7638's kind with a thumbprint computed by another implementation (Python's hashlib).
#[test]
fn a_thumbprint_is_the_one_that_others_compute() {
    let jwk = json!({
        "kty": "EC", "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    });
    let header = json!({ "jwk": jwk });
    let (point, thumbprint) = public_key(header.as_object().expect("an object")).expect("a key");
    assert_eq!((point.len(), thumbprint.as_str()), (65, "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"));
}

#[test]
fn each_fault_is_refused() {
    let maker = Maker::new();
    let good = maker.sign(&maker.header(), &claims());
    assert_eq!(judged(None), Err("missing_dpop_proof"));
    let changed = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        maker.sign(&maker.header(), &claims)
    };
    let headed = |pointer: &str, value: Value| {
        let mut header = maker.header();
        match header.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => header["more"] = value,
        }
        maker.sign(&header, &claims())
    };
    let without = |name: &str| {
        let mut claims = claims();
        claims.as_object_mut().expect("an object").remove(name);
        maker.sign(&maker.header(), &claims)
    };
    let other = Maker::new();
    let rows = [
        String::new(),
        good.replacen('.', "..", 1),
        changed("htm", json!("GET")),
        changed("htu", json!("https://localhost:8443/v1/session/revoke")),
        changed("htu", json!("http://localhost:8443/v1/session/refresh")),
        changed("htu", json!(format!("{URL}?a=b"))),
        changed("iat", json!(939)),
        changed("iat", json!(1061)),
        changed("iat", json!("1000")),
        changed("jti", json!("")),
        changed("exp", json!(2000)),
        without("jti"),
        without("htm"),
        without("htu"),
        without("iat"),
        headed("/typ", json!("JWT")),
        headed("/alg", json!("none")),
        headed("/alg", json!("RS256")),
        headed("/jwk", json!("x")),
        headed("/jwk/kty", json!("RSA")),
        headed("/jwk/crv", json!("P-384")),
        headed("/jwk/x", json!("AAAA")),
        headed("/more", json!("kid")),
        maker.sign(&other.header(), &claims()),
    ];
    for proof in &rows {
        assert_eq!(judged(Some(proof)), Err("invalid_dpop_proof"), "{proof}");
    }
    assert!(judged(Some(&good)).is_ok());
}

#[test]
fn a_nonce_is_ours_and_young_and_a_proof_is_used_once() {
    let nonces = Nonces::default();
    let nonce = nonces.give(0).expect("a nonce");
    let proof = |jti: &str, nonce: Option<&str>| Proof {
        thumbprint: String::new(),
        jti: jti.to_owned(),
        nonce: nonce.map(str::to_owned),
    };
    let take = |jti: &str, nonce: Option<&str>, now| {
        nonces.take(&proof(jti, nonce), now).err().map(|fault| fault.code())
    };
    assert_eq!(take("a", None, 0), Some("use_dpop_nonce"));
    assert_eq!(take("a", Some("other"), 0), Some("use_dpop_nonce"));
    assert_eq!(take("a", Some(&nonce), 299), None);
    assert_eq!(take("a", Some(&nonce), 299), Some("invalid_dpop_proof"));
    assert_eq!(take("b", Some(&nonce), 300), Some("use_dpop_nonce"));
}
