use serde_json::json;

use super::Told;
use crate::domain::{Facts, Scope};
use crate::policy::sample::{Asking, STEPS, bundle, request};
use crate::policy::{Bundle, load_recorded};

const POLICY: &str = "scopes: [a:b]
metadata:
  note: { type: string, optional: true }
rules:
  - id: odd
    when:
      any:
        - signals.ip: { in_cidr: [198.51.100.0/24] }
        - not: { identifiers.any: { type: phone_number }, signals.user_agent: { contains: x } }
      metadata.note: { eq: y }
    if_absent: match
    then: block
    message: Odd.
  - id: large
    when: always
    then:
      review:
        grant: { mode: single-use, for: 5m }
        steps: [{ step: verify_sms, expires_in: 5m }, kyc_review]
otherwise: block
";

fn policy() -> Bundle {
    bundle(&[("a.yaml", POLICY), ("steps.yaml", STEPS)])
}

fn page(facts: &Facts) -> String {
    let bundle = policy();
    let decision = bundle.decide_alone(facts);
    bundle.explain_decision(facts, &decision).expect("its own decision").to_string()
}

#[test]
fn every_condition_until_the_match_is_shown_with_what_it_saw() {
    let facts = request("a:b").with_phone().with_user_agent("x\u{1b}[2J");
    let expected = "verdict  review
steps    verify_sms, kyc_review
rule     large  (a.yaml:14)
reason   rule_matched

       asked                                              saw
false  odd  (a.yaml:5)
false    all
false      any
false        signals.ip: { in_cidr: [198.51.100.0/24] }   192.0.2.0/24
false        not
true           all
true             identifiers.any: { type: phone_number }  phone_number +33***78
true             signals.user_agent: { contains: x }      x\u{fffd}[2J
true       metadata.note: { eq: y }                       (absent)
true   large  (a.yaml:14)
true     always";
    assert_eq!(page(&facts), expected);
}

#[test]
fn what_was_decided_before_any_rule_has_no_conditions() {
    let refused = request("a:b").with_metadata(&[("other", "1")]);
    let expected = "verdict  block\nrule     -\nreason   metadata: a field that this scope does not have";
    assert_eq!(page(&refused), expected);
    assert_eq!(page(&request("x")), "verdict  block\nrule     -\nreason   scope_not_covered");
}

#[test]
fn the_json_has_its_documented_shape() {
    let bundle = policy();
    let facts = request("a:b").with_metadata(&[("note", "y")]);
    let explained = bundle.explain_decision(&facts, &bundle.decide_alone(&facts)).expect("its own decision");
    let test = |field: &str, asks: &str, saw: serde_json::Value, held: bool| json!({ "kind": "test", "field": field, "asks": asks, "saw": saw, "held": held });
    let expected = json!({
        "verdict": "block", "steps": [], "rule": "odd", "reason": "rule_matched", "message": "Odd.",
        "rules": [{ "id": "odd", "file": "a.yaml", "line": 5, "held": true, "active": true, "observes": false, "when": { "kind": "all", "held": true, "parts": [
            { "kind": "any", "held": true, "parts": [
                test("signals.ip", "{ in_cidr: [198.51.100.0/24] }", json!("192.0.2.0/24"), false),
                { "kind": "not", "held": true, "part": { "kind": "all", "held": false, "parts": [
                    test("identifiers.any", "{ type: phone_number }", json!([]), false),
                    test("signals.user_agent", "{ contains: x }", json!(""), false),
                ] } },
            ] },
            test("metadata.note", "{ eq: y }", json!("y"), true),
        ] } }],
    });
    assert_eq!(serde_json::to_value(&explained).expect("JSON"), expected);
}

const WAITING: &str = "scopes: [a:b]
rules:
  - { id: over, when: always, active: { until: 2020-12-31 }, then: block }
  - { id: watched, when: { identifiers.any: { type: phone_number } }, observe: true, then: block }
  - { id: past, when: always, active: { until: 2020-12-31 }, observe: true, then: block }
otherwise: block
";

#[test]
fn rules_that_held_and_did_not_decide_say_why() {
    let bundle = bundle(&[("a.yaml", WAITING)]);
    let facts = request("a:b").with_phone();
    let decision = bundle.decide_alone(&facts);
    let page = bundle.explain_decision(&facts, &decision).expect("its own decision").to_string();
    let rules: Vec<_> = page.lines().filter(|line| line.contains("a.yaml")).collect();
    let expected = [
        "true   over  (a.yaml:3)  not active",
        "true   watched  (a.yaml:4)  observes",
        "true   past  (a.yaml:5)  observes, not active",
    ];
    assert_eq!(rules, expected, "{page}");
    assert!(page.starts_with("verdict  block\nrule     -\nreason   otherwise\n"), "{page}");
    let in_time = Facts { received_at: crate::domain::Timestamp::from_unix_seconds(1_600_000_000), ..facts };
    let decision = bundle.decide_alone(&in_time);
    let page = bundle.explain_decision(&in_time, &decision).expect("its own decision").to_string();
    assert!(page.contains("rule     over  (a.yaml:3)"), "{page}");
}

#[test]
fn a_stored_decision_is_explained_by_the_text_of_its_day_and_by_no_other() {
    let then = policy();
    let facts = request("a:b").with_phone().with_user_agent("x");
    let decision = then.decide_alone(&facts);
    let reason = decision.reason.to_string();
    let scope = Scope::new("a:b").expect("a scope");
    let told = Told {
        scope: &scope,
        verdict: "review",
        step_keys: Some("verify_sms kyc_review"),
        rule: decision.rule.as_ref(),
        reason: &reason,
        seen_json: &decision.seen.values_json,
        outcomes: &decision.seen.outcomes,
        pause: None,
        received_at: facts.received_at,
    };
    let again = load_recorded(then.text()).expect("it loaded that day");
    assert_eq!(again.explain(told), then.explain_decision(&facts, &decision));
    let edited = POLICY.replace("        - signals.ip: { in_cidr: [198.51.100.0/24] }\n", "");
    let now = bundle(&[("a.yaml", edited.as_str()), ("steps.yaml", STEPS)]);
    assert_eq!(now.explain(told), None);
}
