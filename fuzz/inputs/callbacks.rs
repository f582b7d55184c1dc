//! An identity-check provider's webhook: the provider in the first line, its headers below, an empty line, the body.
//!
//! Where a header's value has `{body}` or `{timed}` in it, a genuine signature is put there: over the body, or over the
//! moment that the call names and the body. So what changes is signed again, and without these words nothing is believed.

use std::collections::HashSet;
use std::sync::LazyLock;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use doorstep::testing::{Configured, Providers};
use serde_json::Value;

const EVENTS: &str = include_str!("../../tests/vectors/provider-events.json");
const SECRET: &str = "a-secret-of-no-seed";
const NOW: i64 = 1_790_000_000;
/// How far a signed moment may be from ours, in seconds.
const FRESH: i64 = 300;

/// How each provider's calls are signed, and the word without which none of them approves.
const PROVIDERS: [(&str, &str, &str); 8] = [
    ("persona", "Persona-Signature: t=1790000000,v1={timed}", "inquiry.approved"),
    ("stripe_identity", "Stripe-Signature: t=1790000000,v1={timed},v0=00", "verified"),
    ("sumsub", "X-Payload-Digest: {body}\nX-Payload-Digest-Alg: HMAC_SHA256_HEX", "GREEN"),
    ("veriff", "X-HMAC-SIGNATURE: {body}", "9001"),
    ("onfido", "X-SHA2-Signature: {body}", "approved"),
    ("didit", "X-Signature: {body}\nX-Timestamp: 1790000000", "Approved"),
    ("idenfy", "Idenfy-Signature: {body}", "APPROVED"),
    ("generic", "X-Check-Signature: sha256={timed}\nX-Check-Time: 1790000000", "check.passed"),
];

/// Those whose calls name a moment.
const TIMED: [&str; 4] = ["persona", "stripe_identity", "didit", "generic"];

/// A source for each of them.
pub(crate) const SETTINGS: &str = r#"
prelude.app_id = "acme"
mode = "development"
[callbacks.persona]
scheme = "persona"
steps = ["kyc_review"]
requires = { "/data/attributes/payload/data/relationships/template/data/id" = "blu_biqYXr3aNfHuLeXUdJUNFNET" }
[callbacks.stripe_identity]
scheme = "stripe_identity"
steps = ["kyc_review"]
[callbacks.sumsub]
scheme = "sumsub"
steps = ["kyc_review"]
requires = { "/levelName" = "basic-kyc-level" }
[callbacks.veriff]
scheme = "veriff"
steps = ["kyc_review"]
[callbacks.onfido]
scheme = "onfido"
steps = ["kyc_review"]
requires = { "/payload/resource/workflow_id" = "ab7f8f2e-6d53-4b63-8e20-3d0a3f0b4b0c" }
[callbacks.didit]
scheme = "didit"
steps = ["kyc_review"]
requires = { "/workflow_id" = "11111111-2222-3333-4444-555555555555" }
[callbacks.idenfy]
scheme = "idenfy"
steps = ["kyc_review"]
[callbacks.generic]
scheme = "generic"
steps = ["kyc_review", "poa_review"]
signature_header = "X-Check-Signature"
signature_prefix = "sha256="
signed = "timestamp.body"
timestamp_header = "X-Check-Time"
reference = "/data/reference"
outcome = "/type"
approved = ["check.passed"]
rejected = ["check.failed"]
pending = ["check.running"]
requires = { "/data/environment" = "live" }
"#;

static SOURCES: LazyLock<Providers> = LazyLock::new(|| {
    let configured = Configured::load(SETTINGS, secrets());
    configured.unwrap_or_else(|[faults, _]| panic!("{faults}")).providers()
});

/// The variables that give each source its secret.
pub(crate) fn secrets() -> Vec<(String, String)> {
    let name = |provider: &str| format!("DOORSTEP__CALLBACKS__{}__SECRET", provider.to_uppercase());
    PROVIDERS.map(|(provider, ..)| (name(provider), SECRET.to_owned())).into()
}

/// What fuzzing begins with: the vendors' documented examples, signed.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let events: Vec<Value> = serde_json::from_str(EVENTS).expect("the vectors are JSON");
    let seed = |event: &Value| {
        let scheme = event["scheme"].as_str().expect("a scheme");
        let (name, headers, _) = PROVIDERS.iter().find(|(name, ..)| *name == scheme)?;
        Some(format!("{name}\n{headers}\n\n{}", event["body"]).into_bytes())
    };
    events.iter().filter_map(seed).collect()
}

/// Panics where something is wrong.
///
/// - returns: the outcome, or why there is none.
pub(crate) fn check(input: &[u8]) -> &'static str {
    let Some(end) = input.windows(2).position(|two| two == b"\n\n") else { return "no call" };
    let (head, body) = input.split_at(end);
    let body = body.get(2..).unwrap_or_default();
    let Ok(head) = std::str::from_utf8(head) else { return "no call" };
    let (name, headers) = head.split_once('\n').unwrap_or((head, ""));
    let headers: Vec<_> = headers.lines().filter_map(|line| line.split_once(": ")).collect();
    let signed: Vec<_> =
        headers.iter().map(|(name, value)| (*name, with_signatures(value, &headers, body))).collect();
    let sent: Vec<_> = signed.iter().map(|(name, value)| (*name, &**value)).collect();
    let read = SOURCES.read((name, &sent), body, NOW);
    let Ok((outcome, is_known)) = read else { return read.unwrap_or_else(|fault| (fault, false)).0 };
    let is_signed = headers.iter().zip(&sent).any(|((_, before), (_, after))| before != after);
    assert!(is_signed, "nobody signed this");
    if TIMED.contains(&name) {
        let moments = head.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok());
        assert!(moments.into_iter().any(|moment: i64| moment.abs_diff(NOW) <= FRESH.unsigned_abs()), "stale");
    }
    let event: Value = serde_json::from_slice(body).expect("what is read is JSON");
    if outcome == "approved" {
        assert!(is_known, "an approval is acted on");
        let word = PROVIDERS.iter().find(|(provider, ..)| *provider == name).map(|(.., word)| *word);
        let mut said = HashSet::new();
        scalars(&event, &mut said);
        assert!(word.is_some_and(|word| said.contains(word)), "nobody approved this");
    }
    outcome
}

fn with_signatures(value: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
    let in_value = value.split(',').find_map(|part| part.strip_prefix("t="));
    let in_header = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-check-time"));
    let moment = in_value.or(in_header.map(|(_, moment)| *moment)).unwrap_or_default();
    let over = |head: &[u8]| hex(&[head, body].concat());
    value.replace("{body}", &over(b"")).replace("{timed}", &over(format!("{moment}.").as_bytes()))
}

fn hex(signed: &[u8]) -> String {
    let tag = sign(&Key::new(HMAC_SHA256, SECRET.as_bytes()), signed);
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every text, number and truth value, as text.
fn scalars(value: &Value, found: &mut HashSet<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| scalars(value, found)),
        Value::Object(members) => members.values().for_each(|value| scalars(value, found)),
        Value::String(text) => _ = found.insert(text.clone()),
        other => _ = found.insert(other.to_string()),
    }
}
