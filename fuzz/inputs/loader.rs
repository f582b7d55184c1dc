//! Policy files and their tests: a line `=== NAME` begins a file; what stands before the first is `a.yaml`.
//!
//! They load or they do not, in bounded time and memory. What loads decides about the requests of its own tests, with their
//! past, as the files say it: what was compiled of a condition and the condition itself agree, and Prelude takes the answer.

use doorstep::testing::{Policies, Request};
use serde_json::Value;

use super::answer::expect_acceptable;
use super::repository::{names, read};

/// The most bytes that all findings of a bundle may take, however many faults it has.
const FINDINGS_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The most requests of an input that are decided about.
const REQUESTS_MAX: usize = 64;
/// The folder of tests.
const TESTS: &str = "tests/";
/// A request that every input is asked, whatever its own tests ask.
const USUAL: &str = "{scope: 'transfer:write', identifiers: [phone_number, email_address], \
                     metadata: {amount: '60', currency: USD, payee: DE89370400440532013000}}";

/// What fuzzing begins with: every bundle that comes along, and each of its files of scopes with no tests but its own.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![read("benches/engines/rules/transfer.yaml").into_bytes()];
    for bundle in ["policies", "examples/minimal", "examples/bank", "tests/policies/everything"] {
        let files = |folder: &str, ending: &str| {
            let names = names(&format!("{bundle}/{folder}"), ending);
            names.into_iter().map(|name| format!("{folder}{name}")).collect::<Vec<_>>()
        };
        let (rules, lists, tests) = (files("", ".yaml"), files("lists/", ".txt"), files(TESTS, ".yaml"));
        let text = |names: &[&String]| {
            let sections =
                names.iter().map(|name| format!("=== {name}\n{}\n", read(&format!("{bundle}/{name}"))));
            sections.collect::<String>().into_bytes()
        };
        seeds.push(text(&rules.iter().chain(&lists).chain(&tests).collect::<Vec<_>>()));
        for test in &tests {
            let own = test.strip_prefix(TESTS).unwrap_or(test);
            let shared = ["steps.yaml", "always.yaml", "rates.yaml", "grants.yaml", own];
            let rules = rules.iter().filter(|name| shared.contains(&name.as_str()));
            seeds.push(text(&rules.chain(&lists).chain([test]).collect::<Vec<_>>()));
        }
    }
    seeds
}

/// Panics where something is wrong.
///
/// - returns: how far the files got.
pub(crate) fn check(input: &[u8]) -> &'static str {
    let Ok(text) = std::str::from_utf8(input) else { return "no text" };
    let (tests, files): (Vec<_>, Vec<_>) =
        files(text).into_iter().partition(|(name, _)| name.starts_with(TESTS));
    let policies = match Policies::load(files) {
        Ok(policies) => policies,
        Err(findings) => return bounded(&findings),
    };
    let usual = Request::read(USUAL).expect("a request");
    expect_decided(&policies, &usual);
    match policies.requests(tests) {
        Ok(requests) => {
            requests.iter().take(REQUESTS_MAX).for_each(|request| expect_decided(&policies, request));
            if requests.is_empty() { "loaded" } else { "decided" }
        }
        Err(findings) => bounded(&findings),
    }
}

fn bounded(findings: &str) -> &'static str {
    assert!(!findings.is_empty() && findings.len() <= FINDINGS_BYTES_MAX);
    "refused"
}

fn expect_decided(policies: &Policies, request: &Request) {
    let decided = policies.decide(request);
    assert!(policies.decides_plainly(request, &decided), "{:?} {}", decided.rule(), decided.outcomes());
    expect_acceptable(&decided.answer());
    let values: Value = serde_json::from_str(decided.values_json()).expect("what was seen is JSON");
    assert!(values.is_object());
    let again = policies.decide(request);
    assert_eq!(
        (again.answer(), again.reason(), again.values_json()),
        (decided.answer(), decided.reason(), decided.values_json())
    );
}

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
