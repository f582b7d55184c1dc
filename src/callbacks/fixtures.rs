//! Sources and signed calls for tests. Bodies are the vendors' documented examples, in `tests/vectors/`.

use aws_lc_rs::hmac::{self, HMAC_SHA256, HMAC_SHA512, Key};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;
use serde_json::Value;

use super::Source;
use crate::domain::{
    GenericSigning, OutcomeWords, Overrides, Pointer, ProviderOutcome, Scheme, SecretBytes, SignatureText,
    Signed, SignedHash, SourceName, SourceSpec, StepKey, Timestamp,
};

pub(super) const SECRET: &[u8] = b"whsec_0123456789abcdef";
pub(super) const NEXT_SECRET: &[u8] = b"the-secret-of-tomorrow";
pub(super) const NOW: i64 = 1_790_000_000;
pub(super) const REFERENCE: &str = "00112233445566778899aabbccddeeff";

pub(super) fn now() -> Timestamp {
    Timestamp::from_unix_seconds(NOW)
}

pub(super) fn pointer(text: &str) -> Pointer {
    Pointer::new(text).expect("a pointer")
}

fn secret(bytes: &[u8]) -> SecretBytes {
    SecretBytes::new(Zeroizing::new(bytes.to_vec()))
}

pub(super) fn scheme(name: &str) -> Scheme {
    Scheme::ALL.into_iter().find(|(word, _)| *word == name).expect("a scheme").1
}

/// The values that the examples' sources require beyond what schemes require by themselves.
fn requires(scheme: Scheme) -> Vec<(Pointer, Box<str>)> {
    let one = match scheme {
        Scheme::Persona => {
            ("/data/attributes/payload/data/relationships/template/data/id", "blu_biqYXr3aNfHuLeXUdJUNFNET")
        }
        Scheme::Sumsub => ("/levelName", "basic-kyc-level"),
        Scheme::Onfido => ("/payload/resource/workflow_id", "ab7f8f2e-6d53-4b63-8e20-3d0a3f0b4b0c"),
        Scheme::Didit => ("/workflow_id", "11111111-2222-3333-4444-555555555555"),
        Scheme::StandardWebhooks | Scheme::Generic => ("/data/environment", "live"),
        Scheme::Veriff | Scheme::StripeIdentity | Scheme::Idenfy => return Vec::new(),
    };
    vec![(pointer(one.0), one.1.into())]
}

fn words() -> OutcomeWords {
    let one = |word: &str| vec![Box::from(word)];
    OutcomeWords {
        at: pointer("/type"),
        approved: one("check.passed"),
        rejected: one("check.failed"),
        pending: one("check.running"),
        expired: one("check.timed_out"),
        reset: one("check.revoked"),
    }
}

pub(super) fn generic_signing() -> GenericSigning {
    GenericSigning {
        header: "x-check-signature".into(),
        prefix: "sha512=".into(),
        text: SignatureText::Base64,
        hash: SignedHash::Sha512,
        signed: Signed::TimestampBody { timestamp: "x-check-time".into() },
    }
}

pub(super) fn spec(scheme: Scheme) -> SourceSpec {
    let overrides = Overrides {
        reference: scheme.needs_words().then(|| pointer("/data/reference")),
        ..Overrides::default()
    };
    SourceSpec {
        name: SourceName::new("kyc").expect("a name"),
        scheme,
        signing: (scheme == Scheme::Generic).then(generic_signing),
        words: scheme.needs_words().then(words),
        secrets: vec![secret(SECRET), secret(NEXT_SECRET)],
        steps: vec![StepKey::new("kyc_review").expect("a key")],
        requires: requires(scheme),
        overrides,
    }
}

pub(super) fn source(scheme: Scheme) -> Source {
    Source::new(&spec(scheme))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn mac256(secret: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&Key::new(HMAC_SHA256, secret), text).as_ref().to_vec()
}

pub(super) fn mac512(secret: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&Key::new(HMAC_SHA512, secret), text).as_ref().to_vec()
}

/// `head.body`.
pub(super) fn after(head: &str, body: &[u8]) -> Vec<u8> {
    [head.as_bytes(), b".", body].concat()
}

/// The headers that a provider sends with `body` at `at`, in Unix seconds.
pub(super) fn headers(scheme: Scheme, secret: &[u8], body: &[u8], at: i64) -> Vec<(String, String)> {
    let plain = || hex(&mac256(secret, body));
    let timed = || format!("t={at},v1={}", hex(&mac256(secret, &after(&at.to_string(), body))));
    let pairs: Vec<(&str, String)> = match scheme {
        Scheme::Persona => vec![("Persona-Signature", timed())],
        Scheme::StripeIdentity => vec![("Stripe-Signature", format!("{},v0=00", timed()))],
        Scheme::Sumsub => {
            vec![("X-Payload-Digest", plain()), ("X-Payload-Digest-Alg", "HMAC_SHA256_HEX".into())]
        }
        Scheme::Veriff => vec![("X-HMAC-SIGNATURE", plain()), ("X-AUTH-CLIENT", "8e4f7cd8".into())],
        Scheme::Onfido => vec![("X-SHA2-Signature", plain())],
        Scheme::Didit => vec![("X-Signature", plain()), ("X-Timestamp", at.to_string())],
        Scheme::Idenfy => vec![("Idenfy-Signature", plain())],
        Scheme::StandardWebhooks => {
            let signature = mac256(secret, &after(&format!("msg_1.{at}"), body));
            vec![
                ("webhook-id", "msg_1".into()),
                ("webhook-timestamp", at.to_string()),
                ("webhook-signature", format!("v1a,AAAA v1,{}", STANDARD.encode(signature))),
            ]
        }
        Scheme::Generic => {
            let signature = mac512(secret, &after(&at.to_string(), body));
            vec![
                ("X-Check-Signature", format!("sha512={}", STANDARD.encode(signature))),
                ("X-Check-Time", at.to_string()),
            ]
        }
    };
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(super) fn borrowed(headers: &[(String, String)]) -> Vec<(&str, &str)> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// An example: what is sent, and what should be understood.
pub(super) struct Example {
    pub(super) scheme: Scheme,
    pub(super) title: String,
    pub(super) body: Vec<u8>,
    pub(super) outcome: String,
    pub(super) matches: String,
    pub(super) reason: Option<String>,
}

/// Every example of every vendor.
pub(super) fn examples() -> Vec<Example> {
    let all: Vec<Value> =
        serde_json::from_str(include_str!("../../tests/vectors/provider-events.json")).expect("examples");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let example = |one: &Value| Example {
        scheme: scheme(one["scheme"].as_str().expect("a scheme")),
        title: format!("{}: {}", text(&one["scheme"]), text(&one["name"])),
        body: one["body"].to_string().replace("REFERENCE", REFERENCE).into_bytes(),
        outcome: text(&one["outcome"]),
        matches: text(&one["matches"]),
        reason: one.get("reason").map(text),
    };
    all.iter().map(example).collect()
}

/// What a provider sends, for the description of the API: signed and read as any other.
pub(crate) fn example() -> Value {
    let body = approval(Scheme::Sumsub);
    let signed = headers(Scheme::Sumsub, SECRET, &body, NOW);
    let event = source(Scheme::Sumsub).read(&borrowed(&signed), &body, now()).expect("an event");
    assert_eq!(event.outcome, ProviderOutcome::Approved);
    serde_json::from_slice(&body).expect("JSON")
}

/// A body of the scheme that approves.
pub(super) fn approval(scheme: Scheme) -> Vec<u8> {
    let approves = |one: &Example| one.scheme == scheme && one.outcome == "approved";
    examples().into_iter().find(approves).expect("an approval").body
}
