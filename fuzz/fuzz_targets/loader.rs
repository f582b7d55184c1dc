//! Any bytes as policy files: they load or they do not, in bounded time and memory, and what loads decides.
//!
//! A line `=== NAME` begins a file; what stands before the first is `a.yaml`.
#![no_main]

use std::sync::OnceLock;

use doorstep::testing::{Policies, Request};
use libfuzzer_sys::fuzz_target;

/// The most bytes that all findings of a bundle may take, however many faults it has.
const FINDINGS_BYTES_MAX: usize = 16 * 1024 * 1024;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Policies::load(files(text)) {
        Ok(policies) => {
            let decided = policies.decide(request());
            assert!(decided.outcomes().bytes().all(|outcome| outcome == b'0' || outcome == b'1'));
        }
        Err(findings) => assert!(!findings.is_empty() && findings.len() <= FINDINGS_BYTES_MAX),
    }
});

fn files(text: &str) -> Vec<(String, String)> {
    let mut files = vec![("a.yaml".to_owned(), String::new())];
    for line in text.split_inclusive('\n') {
        match (line.strip_prefix("=== "), files.last_mut()) {
            (Some(name), _) => files.push((name.trim_end().to_owned(), String::new())),
            (None, Some((_, text))) => text.push_str(line),
            (None, None) => {}
        }
    }
    files.retain(|(name, text)| name != "a.yaml" || !text.is_empty());
    files
}

fn request() -> &'static Request {
    static REQUEST: OnceLock<Request> = OnceLock::new();
    REQUEST.get_or_init(|| {
        let text = "{scope: 'transfer:write', identifiers: [phone_number, email_address], \
                    metadata: {amount: '60', currency: USD, payee: DE89370400440532013000}}";
        Request::read(text).unwrap_or_else(|faults| panic!("{faults}"))
    })
}
