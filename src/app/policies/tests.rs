use super::*;
use crate::policy::load_files;

const START: Timestamp = Timestamp::from_unix_seconds(1_790_000_000);

fn counts_of(bundle: &Bundle) -> Arc<VerdictCounts> {
    Arc::new(VerdictCounts::of(bundle, &Metrics::new()))
}

fn scope_file(rules: &str) -> String {
    format!("scopes: [a:b]\nrules:{rules}\notherwise: block\n")
}

fn started() -> Policies {
    let bundle = load_files([("a.yaml", scope_file(" []"))], START).expect("it loads");
    let counts = counts_of(&bundle);
    Policies::started((bundle, counts), None, START)
}

#[test]
fn a_reading_that_does_not_end_is_worth_a_warning() {
    let policies = started();
    let after = |seconds| START.plus(Duration::from_secs(seconds));
    assert_eq!(policies.warning(after(1000)), None);
    policies.note_reading(after(1000));
    assert_eq!(policies.warning(after(1030)), None);
    let warning = policies.warning(after(1031)).expect("a warning");
    assert!(warning.contains("since 2026-09-21T14:30:00Z"), "{warning}");
    policies.note_attempt(None);
    assert_eq!(policies.warning(after(9999)), None);
}

#[test]
fn a_failed_attempt_is_worth_one_until_another_succeeds() {
    let policies = started();
    let attempt = |result| Arc::new(Attempt { result, ..(*policies.last_attempt()).clone() });
    for (result, says) in [
        (ReloadResult::Refused, Some("have faults")),
        (ReloadResult::Unchanged, None),
        (ReloadResult::NotRecorded, Some("could not be recorded")),
        (ReloadResult::Activated, None),
    ] {
        policies.note_attempt(Some(&attempt(result)));
        let warning = policies.warning(START);
        match says {
            Some(words) => assert!(warning.is_some_and(|warning| warning.contains(words)), "{result:?}"),
            None => assert_eq!(warning, None, "{result:?}"),
        }
    }
}

#[test]
fn a_call_keeps_the_bundle_that_it_began_with() {
    let policies = started();
    let begun_with = policies.bundle();
    let other = load_files([("b.yaml", scope_file(" []"))], START).expect("it loads");
    let hash = other.hash();
    let held =
        Held { counts: counts_of(&other), bundle: Arc::new(other), since: START, trigger: Trigger::Signal };
    assert_eq!(policies.replace(held).bundle.hash(), begun_with.hash());
    assert_eq!(policies.bundle().hash(), hash);
    assert_ne!(begun_with.hash(), hash);
}

#[test]
fn so_many_faults_are_told_and_all_are_counted() {
    let rules: String = (0..150)
        .map(|at| format!("\n  - {{ id: r{at}, when: {{ user_id: {{ eq: u{at} }} }}, then: x }}"))
        .collect();
    let faults = PolicyFaults::of(&load_files([("a.yaml", scope_file(&rules))], START).expect_err("faults"));
    assert_eq!((faults.fault_count, faults.faults.len()), (150, 100));
    let first = serde_json::to_value(&faults.faults[0]).expect("serialises");
    let members: Vec<_> = first.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(members, ["code", "column", "file", "help", "line", "message", "severity"]);
}
