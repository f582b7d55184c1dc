use super::{Report, Suite};
use crate::policy::sample::{STEPS, bundle};
use crate::policy::source::SourceFile;
use crate::policy::{Bundle, Code, Diagnostics};

const ALWAYS: &str = "rules: [{ id: frozen, when: { user_id: { in: [usr_1, usr_2] } }, then: block }]\n";
const POLICY: &str = "scopes: [a:b]
metadata:
  amount: { type: decimal }
rules:
  - id: odd
    when:
      any:
        - { user_id: { starts_with: odd }, signals.platform: { eq: WEB } }
        - not: { any: [{ signals.ip: { in_cidr: 192.0.2.0/24 } }, { signals.ip: { in_cidr: 203.0.113.0/24 } }] }
    then: block
  - id: both
    when: { identifiers.any: { type: phone_number }, identifiers.every: { type: phone_number } }
    then:
      review: { grant: { mode: single-use, for: 5m }, steps: [{ step: verify_sms, expires_in: 5m }] }
  - id: large
    when: { metadata.amount: { gte: 1000 } }
    then:
      review:
        grant: { mode: single-use, for: 5m }
        steps: [kyc_review, { step: verify_email, expires_in: 5m }]
        else: { review: { grant: { mode: single-use, for: 5m }, steps: [kyc_review] } }
  - { id: small, when: { metadata.amount: { lt: 10 } }, then: { continue: { grant: { mode: single-use, for: 5m } } } }
otherwise: block
";

fn policy() -> Bundle {
    bundle(&[("always.yaml", ALWAYS), ("a.yaml", POLICY), ("steps.yaml", STEPS)])
}

fn load(text: &str, bundle: &Bundle) -> Result<Suite, Diagnostics> {
    Suite::load(&[SourceFile::new("tests/a.yaml".to_owned(), text.to_owned())], bundle)
}

fn run(text: &str) -> Report {
    let bundle = policy();
    load(text, &bundle).unwrap_or_else(|faults| panic!("{faults}")).run(&bundle)
}

/// A test of the amount alone, as an entry of the file.
fn case(name: &str, request: &str, expect: &str) -> String {
    format!("- {{ name: {name}, request: {{ scope: a:b, {request} }}, expect: {{ {expect} }} }}\n")
}

#[test]
fn what_differs_stands_side_by_side() {
    let text = case("a small amount", "metadata: { amount: 20 }", "verdict: continue, rule: small")
        + &case(
            "steps in order",
            "metadata: { amount: 1000 }, identifiers: [email_address]",
            "verdict: review, rule: large, reason: rule_matched, steps: [verify_email, kyc_review]",
        )
        + &case("nothing is tried", "", "verdict: block, reason: \"metadata.amount: missing\"");
    let report = run(&text);
    let failures: Vec<_> = report.failed.iter().map(ToString::to_string).collect();
    let first = "tests/a.yaml:1: a small amount
              expected  actual
    ! verdict continue  block
    ! rule    small     otherwise
      reason            otherwise
      steps             -
";
    let second = "tests/a.yaml:2: steps in order
              expected                 actual
      verdict review                   review
      rule    large                    large
      reason  rule_matched             rule_matched
    ! steps   verify_email kyc_review  kyc_review verify_email
";
    assert_eq!(failures, [first, second]);
    assert!(!report.is_as_expected());
    let total = report.to_string();
    assert!(total.contains("\ntests: 1 as expected, 2 differ\n"), "{total}");
}

#[test]
fn the_json_has_its_documented_shape() {
    let text = case("a small amount", "metadata: { amount: 20 }", "verdict: continue, rule: small");
    let json = serde_json::to_value(run(&text)).expect("JSON");
    assert_eq!((&json["tests"], &json["as_expected"]), (&1.into(), &0.into()));
    let failed = serde_json::json!([{ "file": "tests/a.yaml", "line": 1, "name": "a small amount", "differences": [
        { "field": "verdict", "expected": "continue", "actual": "block" },
        { "field": "rule", "expected": "small", "actual": "otherwise" },
    ]}]);
    assert_eq!(json["failed"], failed);
    let coverage = &json["coverage"];
    assert_eq!((&coverage["parts"], &coverage["reached"]), (&12.into(), &2.into()), "{json}");
    let missed = serde_json::json!({
        "file": "a.yaml", "line": 5, "rule": "odd", "kind": "rule", "what": "no test has it match",
    });
    assert_eq!(coverage["missed"][0], missed);
}

/// Every part of the policy, in the order of reports, with a test that reaches it.
fn every_part() -> Vec<(&'static str, String)> {
    vec![
        (
            "a.yaml:5 odd rule",
            case("odd", "user_id: odd_1, metadata: { amount: 20 }", "verdict: block, rule: odd"),
        ),
        (
            "a.yaml:5 odd branch { user_id: { starts_with: odd }, signals.platform: { eq: WEB } }",
            String::new(),
        ),
        (
            "a.yaml:5 odd branch not: { any: [signals.ip: { in_cidr: 192.0.2.0/24 }, signals.ip: { in_cidr: 203.0.113.0/24 }] }",
            case("far", "ip: 198.51.100.1, metadata: { amount: 20 }", "verdict: block, rule: odd"),
        ),
        (
            "a.yaml:5 odd branch signals.ip: { in_cidr: 192.0.2.0/24 }",
            case("near", "metadata: { amount: 20 }", "verdict: block, rule: otherwise"),
        ),
        (
            "a.yaml:5 odd branch signals.ip: { in_cidr: 203.0.113.0/24 }",
            case("net", "ip: 203.0.113.1, metadata: { amount: 20 }", "verdict: block, rule: otherwise"),
        ),
        (
            "a.yaml:11 both rule",
            case(
                "phone",
                "identifiers: [phone_number], metadata: { amount: 20 }",
                "verdict: review, rule: both, steps: [verify_sms]",
            ),
        ),
        (
            "a.yaml:15 large rule",
            case(
                "large",
                "identifiers: [email_address], metadata: { amount: 1000 }",
                "verdict: review, rule: large",
            ),
        ),
        (
            "a.yaml:15 large else",
            case(
                "nobody",
                "metadata: { amount: 1000 }",
                "verdict: review, reason: plan_not_walkable, steps: [kyc_review]",
            ),
        ),
        (
            "a.yaml:15 large else",
            case(
                "app",
                "platform: IOS, metadata: { amount: 1000 }",
                "verdict: block, rule: large, steps: []",
            ),
        ),
        (
            "a.yaml:22 small rule",
            case("small", "metadata: { amount: 9.99 }", "verdict: continue, rule: small"),
        ),
        ("a.yaml:23 - otherwise", case("middle", "metadata: { amount: 20 }", "verdict: block")),
        (
            "always.yaml:1 frozen rule",
            case("frozen", "user_id: usr_2, metadata: { amount: 1 }", "verdict: block, rule: frozen"),
        ),
    ]
}

/// What a report says was missed: place, rule, kind and branch.
fn missed(report: &Report) -> Vec<String> {
    let told = report.coverage.missed.iter();
    told.map(|missed| {
        let rule = missed.rule.as_ref().map_or("-", |rule| rule.as_str());
        let branch = missed.what.split_once(": ").map_or("", |(_, branch)| branch);
        format!("{}:{} {rule} {} {branch}", missed.file, missed.line, missed.kind).trim_end().to_owned()
    })
    .collect()
}

#[test]
fn what_no_test_reached_is_told_until_nothing_is_left() {
    let all = every_part();
    let places: Vec<_> = all.iter().map(|(place, _)| *place).collect();
    let nothing = case("refused", "", "verdict: block");
    assert_eq!(missed(&run(&nothing)), places);
    let everything: String = all.iter().map(|(_, text)| text.as_str()).collect();
    let report = run(&everything);
    assert_eq!(missed(&report), [""; 0], "{report}");
    assert!(report.is_as_expected(), "{report}");
    assert_eq!(report.percent_covered(), 100);
    for (place, own) in
        all.iter().filter(|(place, _)| place.contains("else") || place.contains("small")).skip(1)
    {
        let others = everything.replacen(own, "", 1);
        assert_eq!(missed(&run(&others)), [*place]);
    }
}

/// What watches is reached when it matches, and what is over cannot be: both count.
#[test]
fn rules_that_watch_or_wait_are_parts_too() {
    let policy = "scopes: [a:b]
rules:
  - { id: over, when: always, active: { until: 2020-12-31 }, then: block }
  - { id: watched, when: { identifiers.any: { type: phone_number } }, observe: true, then: block }
otherwise: block
";
    let bundle = bundle(&[("a.yaml", policy)]);
    let missed_by = |text: &str| {
        let report = load(text, &bundle).expect("a suite").run(&bundle);
        assert!(report.is_as_expected(), "{report}");
        missed(&report)
    };
    let plain = "- { name: plain, request: { scope: a:b }, expect: { verdict: block, rule: otherwise } }\n";
    let phone = "- { name: phone, request: { scope: a:b, identifiers: [phone_number] }, expect: { verdict: block, rule: otherwise } }\n";
    let early = "- { name: early, request: { scope: a:b, at: '2020-12-31T23:59:59Z' }, expect: { verdict: block, rule: over } }\n";
    assert_eq!(missed_by(plain), ["a.yaml:3 over rule", "a.yaml:4 watched rule"]);
    assert_eq!(missed_by(&format!("{plain}{phone}{early}")), [""; 0]);
}

#[test]
fn every_fault_is_found_at_once_at_its_place() {
    let text = "- name: one
  request: { scope: a:c }
  expect: { verdict: block }
- name: one
  given: [{ ago: 3h }]
  request: { scope: a:b, platfrom: WEB }
  expect: { verdict: contine, rule: smal, steps: [kyc_reviw] }
- request: { scope: a:b }
  expects: {}
- { name: two, request: { scope: a:b }, expect: { verdict: block, rule: smal, steps: [kyc_review] } }
- { name: not covered, request: { scope: x }, expect: { verdict: block, reason: scope_not_covered } }
";
    let faults = load(text, &policy()).expect_err("faults");
    let found: Vec<_> = faults.iter().map(|found| (found.line, found.code, &*found.help)).collect();
    let uncovered = "to test just that, add `reason: scope_not_covered` to `expect`; or did you mean `a:b`?";
    let expected = [
        (2, Code::UnknownScope, uncovered),
        (4, Code::DuplicateItem, "say how the two differ"),
        (5, Code::UnknownKey, "remove `given`, and test what the request alone decides"),
        (6, Code::UnknownKey, "did you mean `platform`?"),
        (7, Code::UnknownValue, "did you mean `continue`?"),
        (7, Code::UnknownStep, "did you mean `kyc_review`?"),
        (8, Code::MissingKey, "add `expect:`"),
        (8, Code::MissingKey, "add `name:`"),
        (9, Code::UnknownKey, "did you mean `expect`?"),
        (10, Code::UnknownRule, "did you mean `small`?"),
        (10, Code::Contradiction, "expect `review`, or remove `steps`"),
    ];
    assert_eq!(found, expected, "{faults}");
    assert!(faults.iter().all(|found| found.file == "tests/a.yaml"));
}

#[test]
fn a_file_that_is_no_list_of_tests_is_a_fault() {
    for (text, code) in [
        ("", Code::Empty),
        ("[]", Code::Empty),
        ("a: b", Code::WrongShape),
        ("- a", Code::WrongShape),
        ("[", Code::YamlSyntax),
    ] {
        let faults = load(text, &policy()).expect_err("faults");
        assert_eq!(faults.iter().map(|found| found.code).collect::<Vec<_>>(), [code], "{text:?}");
    }
}
