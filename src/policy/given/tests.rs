use super::read_given;
use crate::policy::sample::{STEPS, bundle, line};
use crate::policy::{Bundle, Code, read_request};

const POLICY: &str = "scopes: [a:b, a:c]
metadata:
  payee: { type: string, normalise: [upper], matches: '[A-Z0-9]{2,8}' }
rules:
  - id: often
    when: { history: { count: calls, by: [user, metadata.payee], over: 1h, counts: usable, gt: 1 } }
    then: block
otherwise:
  review:
    grant: { mode: single-use, for: 5m }
    steps: [{ first_of: [verify_sms, kyc_review], expires_in: 20m }]
    else: { continue: { grant: { mode: single-use, for: 3m } } }
";

fn policy() -> Bundle {
    let grants = ("grants.yaml", "executions: reported\n");
    bundle(&[
        ("a.yaml", POLICY),
        ("steps.yaml", STEPS),
        grants,
        ("d.yaml", "scopes: [a:d]\notherwise: block\n"),
    ])
}

const REQUEST: &str = "{ scope: a:b, user_id: usr_1, identifiers: [phone_number], metadata: { payee: p1 } }";

/// Who decides about the request after these events.
fn decided_after(given: &str) -> String {
    let bundle = policy();
    let facts = read_request("r", REQUEST).expect("a request");
    let history = read_given("g", given, &bundle, &facts).unwrap_or_else(|faults| panic!("{faults}"));
    let line = line(&bundle.decide_after(&facts, &history));
    line.split(" / ").nth(1).unwrap_or_default().to_owned()
}

#[test]
fn what_an_event_leaves_out_is_as_in_the_request() {
    let cases = [
        ("[]", "-"),
        ("[{ ago: 1m, verdict: review }]", "often"),
        ("[{ ago: 1m, verdict: review, user_id: usr_2 }]", "-"),
        ("[{ ago: 1m, verdict: review, user_id: usr_1, metadata: { payee: P1 } }]", "often"),
        ("[{ ago: 1m, verdict: review, metadata: { payee: p2 } }]", "-"),
        ("[{ ago: 1m, verdict: review, scope: a:c, metadata: { payee: p1 } }]", "-"),
        ("[{ ago: 1m, verdict: block }]", "-"),
        // As long as the scope's own outcomes last: twenty minutes and five, or three.
        ("[{ ago: 24m, verdict: review }]", "often"),
        ("[{ ago: 25m, verdict: review }]", "-"),
        ("[{ ago: 2m, verdict: continue }]", "often"),
        ("[{ ago: 3m, verdict: continue }]", "-"),
        ("[{ ago: 3m, verdict: continue, usable_for: 4m }]", "often"),
        ("[{ ago: 50m, verdict: review, executed: true }]", "often"),
        ("[{ ago: 50m, verdict: review, executed: false }]", "-"),
        ("[{ ago: 70m, verdict: review, executed_ago: 59m }]", "often"),
        ("[{ ago: 700d, verdict: block }, { ago: 1s, rejected: kyc_review }, { ago: 1s, fact: x.y }]", "-"),
    ];
    for (given, expected) in cases {
        assert_eq!(decided_after(given), expected, "{given}");
    }
}

/// An event with one fault, which is found in its only line.
const FAULTS: &[(Code, &str)] = &[
    (Code::WrongShape, "call"),
    (Code::Empty, "{}"),
    (Code::MissingKey, "{ verdict: review }"),
    (Code::MissingKey, "{ ago: 1m }"),
    (Code::UnknownKey, "{ ago: 1m, verdict: review, when: now }"),
    (Code::UnknownKey, "{ ago: 1m, rejected: kyc_review, verdict: review }"),
    (Code::UnknownKey, "{ ago: 1m, fact: x, scope: a:b }"),
    (Code::BadLiteral, "{ ago: soon, verdict: review }"),
    (Code::BadLiteral, "{ ago: 0s, verdict: review }"),
    (Code::OutOfRange, "{ ago: 801d, verdict: review }"),
    (Code::UnknownValue, "{ ago: 1m, verdict: allow }"),
    (Code::UnknownScope, "{ ago: 1m, verdict: block, scope: a:e }"),
    (Code::UnknownStep, "{ ago: 1m, rejected: kyc_reviw }"),
    (Code::BadLiteral, "{ ago: 1m, fact: x/y }"),
    (Code::BadLiteral, "{ ago: 1m, verdict: block, ip: here }"),
    (Code::UnknownValue, "{ ago: 1m, verdict: block, identifiers: [phone] }"),
    (Code::MetadataLimit, "{ ago: 1m, verdict: block, metadata: { 'a b': c } }"),
    (Code::OutOfRange, "{ ago: 1m, verdict: review, usable_for: 12d }"),
    // What cannot have happened.
    (Code::Contradiction, "{ ago: 1m, verdict: review, metadata: { payee: '?' } }"),
    (Code::Contradiction, "{ ago: 1m, verdict: review, scope: a:c }"),
    (Code::Contradiction, "{ ago: 1m, verdict: block, executed: true }"),
    (Code::Contradiction, "{ ago: 1m, verdict: review, executed: false, executed_ago: 1s }"),
    (Code::Contradiction, "{ ago: 1m, verdict: review, executed_ago: 2m }"),
];

#[test]
fn every_fault_has_its_place() {
    let bundle = policy();
    let facts = read_request("r", REQUEST).expect("a request");
    for (code, event) in FAULTS {
        let text = format!("- {{ ago: 1m, verdict: block }}\n- {event}\n");
        let faults = read_given("g.yaml", &text, &bundle, &facts).expect_err(event);
        let found: Vec<_> = faults.iter().map(|found| (found.code, found.line)).collect();
        assert_eq!(found, [(*code, 2)], "{event}\n{faults}");
    }
    for (code, text) in [(Code::WrongShape, "a: b"), (Code::YamlSyntax, "[")] {
        let faults = read_given("g.yaml", text, &bundle, &facts).expect_err(text);
        assert_eq!(faults.iter().map(|found| found.code).collect::<Vec<_>>(), [code]);
    }
}
