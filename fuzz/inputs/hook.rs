//! A hook call: the signature's header in the first line, the key's name in the second, then the body.
//!
//! Nothing is believed that the vectors' signer did not sign. What is read of the body is what another reader of JSON finds
//! there, and what is decided about it is an answer that Prelude takes.

use std::collections::HashSet;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use doorstep::testing::{HookCall, HookReader, Policies};
use serde_json::Value;

use super::answer::expect_acceptable;

const CALLS: &str = include_str!("../../tests/vectors/hook-calls.json");
const NOW: i64 = 1_790_000_010;

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let file: Value = serde_json::from_str(CALLS).expect("the vectors are JSON");
    let is_signed = |case: &&Value| ["valid", "invalid-body"].map(Some).contains(&case["expect"].as_str());
    let cases = file["cases"].as_array().expect("cases");
    let genuine = cases.iter().filter(is_signed).map(|case| {
        let [signature, _] = headers(case);
        (signature_bytes(signature).expect("a signature"), body(case))
    });
    Known {
        reader: HookReader::with_keys(&file["jwks"].to_string()).expect("usable keys"),
        genuine: genuine.collect(),
        policies: Policies::load(Policies::shipped()).expect("the shipped bundle"),
        seeds: cases
            .iter()
            .map(|case| [headers(case).join("\n").as_bytes(), b"\n", &body(case)].concat())
            .collect(),
    }
});

struct Known {
    reader: HookReader,
    /// What was signed: signatures and bodies.
    genuine: HashSet<(Vec<u8>, Vec<u8>)>,
    policies: Policies,
    seeds: Vec<Vec<u8>>,
}

/// What fuzzing begins with: the vectors.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    KNOWN.seeds.clone()
}

/// Panics where something is wrong.
///
/// - returns: how far the call got.
pub(crate) fn check(input: &[u8]) -> &'static str {
    let (signature, rest) = line(input);
    let (key_id, body) = line(rest);
    let (signature, key_id) = (header(signature), header(key_id));
    let believed = KNOWN.reader.verify((signature, key_id), body).is_ok();
    if believed {
        let signed = signature.and_then(signature_bytes).map(|signature| (signature, body.to_vec()));
        assert!(signed.is_some_and(|signed| KNOWN.genuine.contains(&signed)), "nobody signed this");
    }
    let Ok(call) = HookCall::read_unsigned(body, NOW) else {
        return if believed { "believed" } else { "refused" };
    };
    expect_as_stated(&call, &serde_json::from_slice(body).expect("what is read is JSON"));
    let request = call.request();
    let decided = KNOWN.policies.decide(&request);
    assert!(KNOWN.policies.decides_plainly(&request, &decided));
    expect_acceptable(&decided.answer());
    if believed { "answered" } else { "read" }
}

fn expect_as_stated(call: &HookCall, stated: &Value) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let [scope, user] = call.scope_and_user().map(|text| Some(text.to_owned()));
    assert_eq!([scope, user], [text(&stated["scope_requested"]), text(&stated["user_id"])]);
    let signals = &stated["signals"];
    let device = call.device().map(|text| Some(text.to_owned()));
    assert_eq!(device, [text(&signals["user_agent"]), text(&signals["platform"])]);
    let ip: std::net::IpAddr = text(&signals["ip"]).and_then(|ip| ip.parse().ok()).expect("an address");
    assert_eq!(call.ip(), ip.to_canonical());
    let identifiers = stated["identifiers"].as_array().expect("identifiers").iter();
    let identifiers: Vec<_> = identifiers.map(|one| (one["type"].as_str(), one["value"].as_str())).collect();
    let read: Vec<_> = call.identifiers().iter().map(|(kind, value)| (Some(*kind), Some(*value))).collect();
    assert_eq!(read, identifiers);
    let stated = stated["metadata"].as_object().into_iter().flatten();
    let mut metadata: Vec<_> =
        stated.map(|(name, value)| (&**name, value.as_str().expect("a text"))).collect();
    metadata.sort_unstable();
    assert_eq!(call.metadata(), metadata);
}

/// The first line, and what stands below it.
fn line(input: &[u8]) -> (&[u8], &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (line, rest) = input.split_at(end);
    (line, rest.split_first().map_or(&[], |(_, rest)| rest))
}

fn header(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty())
}

fn headers(case: &Value) -> [&str; 2] {
    ["x-webhook-signature", "x-webhook-signature-key-id"]
        .map(|name| case["headers"][name].as_str().unwrap_or_default())
}

fn body(case: &Value) -> Vec<u8> {
    STANDARD.decode(case["body_base64"].as_str().expect("a body")).expect("base64")
}

fn signature_bytes(header: &str) -> Option<Vec<u8>> {
    let text = header.strip_prefix("rsassa-pss-sha256=").unwrap_or(header);
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}
