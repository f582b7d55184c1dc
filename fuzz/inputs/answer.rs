//! What Prelude takes for an answer.

use serde_json::Value;

/// The longest answer that Prelude reads, in bytes.
const BYTES_MAX: usize = 64 * 1024;

/// Panics at an answer that Prelude would refuse (docs/CONTRACT.md C4).
pub(crate) fn expect_acceptable(answer: &str) {
    assert!(answer.len() <= BYTES_MAX);
    let value: Value = serde_json::from_str(answer).expect("an answer is JSON");
    let granted = || {
        assert!(is_span(&value["granted_for"]), "{answer}");
        let mode = value["grant_mode"].as_str();
        assert!(["single-use", "session-bound", "profile-bound"].map(Some).contains(&mode), "{answer}");
    };
    match value["status"].as_str() {
        Some("block") => assert_eq!(answer, r#"{"status":"block"}"#),
        Some("continue") => granted(),
        Some("review") => {
            granted();
            expect_plan(value["steps"].as_array().expect("a review has steps"), answer);
        }
        _ => panic!("{answer}"),
    }
}

fn expect_plan(steps: &[Value], answer: &str) {
    assert!(!steps.is_empty(), "{answer}");
    for (order, step) in (1_u64..).zip(steps) {
        let key = step["key"].as_str().expect("a step has a key");
        let is_key_char = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
        assert!(!key.is_empty() && key.chars().all(is_key_char) && key != "completed", "{answer}");
        assert!(step["order"] == order && is_span(&step["expiration_duration"]), "{answer}");
        assert_eq!(steps.iter().filter(|other| other["key"] == step["key"]).count(), 1, "{answer}");
    }
}

fn is_span(seconds: &Value) -> bool {
    seconds.as_u64().is_some_and(|seconds| (1..=86_400).contains(&seconds))
}
