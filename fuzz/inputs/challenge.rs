//! A challenge token in the first line, and claims below it that nobody need have signed.
//!
//! No token is believed but the vectors' own, spelling for spelling. What is read of claims is what another reader of JSON
//! finds there, and they are good for a step of ours, now.

use std::collections::HashSet;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorstep::testing::{ChallengeRead, ChallengeReader};
use serde_json::Value;

const TOKENS: &str = include_str!("../../tests/vectors/challenge-tokens.json");
const DOMAIN: &str = "54e9ujn.session.prelude.dev";
const NOW: i64 = 1_790_000_010;
const SKEW: i64 = 5;

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let file: Value = serde_json::from_str(TOKENS).expect("the vectors are JSON");
    let cases = file["cases"].as_array().expect("cases").iter();
    let token = |case: &Value| case["token"].as_str().expect("a token").to_owned();
    Known {
        reader: ChallengeReader::with_keys(&file["jwks"].to_string(), DOMAIN).expect("usable keys"),
        genuine: cases.clone().filter(|case| case["expect"] == "valid").map(token).collect(),
        seeds: cases.map(token).collect(),
    }
});

struct Known {
    reader: ChallengeReader,
    genuine: HashSet<String>,
    seeds: Vec<String>,
}

/// What fuzzing begins with: the vectors' tokens, each above its own claims.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let claims = |token: &String| {
        let claims = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        [token.as_bytes(), b"\n", &claims.unwrap_or_default()].concat()
    };
    KNOWN.seeds.iter().map(claims).collect()
}

/// Panics where something is wrong.
///
/// - returns: how far the token got, or else its claims.
pub(crate) fn check(input: &[u8]) -> &'static str {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (token, claims) = input.split_at(end);
    let claims = claims.get(1..).unwrap_or_default();
    if let Ok(token) = std::str::from_utf8(token)
        && KNOWN.reader.verify(token, NOW).is_ok()
    {
        assert!(KNOWN.genuine.contains(token), "nobody signed this");
        return "believed";
    }
    let Ok(read) = KNOWN.reader.judge_unsigned(claims, NOW) else { return "refused" };
    expect_as_stated(&read, &serde_json::from_slice(claims).expect("what is read is JSON"));
    "read"
}

fn expect_as_stated(read: &ChallengeRead, stated: &Value) {
    let names = ["sub", "challenge_id", "scope_requested", "current_step"].map(|name| stated[name].as_str());
    assert_eq!(read.names().map(Some), names);
    let [.., current] = read.names();
    assert!(!["completed", "verify_sms", "verify_email", "verify_passkey"].contains(&current));
    let steps = read.steps();
    assert_eq!(steps.iter().find(|(_, done)| !done).map(|(key, _)| *key), Some(current));
    assert_eq!(stated["steps"].as_array().map(Vec::len), Some(steps.len()));
    let seconds = |name: &str| stated[name].as_i64();
    assert!(seconds("exp").is_some_and(|exp| NOW < exp), "over");
    assert!(["nbf", "iat"].into_iter().filter_map(seconds).all(|from| from <= NOW + SKEW), "not yet");
    let issuer = stated["iss"].as_str().map(str::to_lowercase);
    assert!(
        issuer.is_none_or(|issuer| issuer.trim_start_matches("https://").trim_end_matches('/') == DOMAIN)
    );
}
