use crate::policy::sample::faults;
use crate::policy::{Code, Severity};

const HEAD: &str = "scopes: [a:b, a:c]
metadata:
  amount: { type: decimal }
  currency: { type: string, one_of: [USD] }
  payee: { type: string, optional: true }
money:
  value: { amount: metadata.amount, currency: metadata.currency }
";
const CONTINUE: &str = "{ continue: { grant: { mode: single-use, for: 5m } } }";
const LONGER: &str = "{ continue: { grant: { mode: single-use, for: 10m } } }";
const SMS: &str =
    "{ review: { grant: { mode: single-use, for: 5m }, steps: [{ step: verify_sms, expires_in: 5m }] } }";
const SMS_KYC: &str = "{ review: { grant: { mode: single-use, for: 5m }, steps: [{ step: verify_sms, expires_in: 5m }, kyc_review] } }";

/// A question with the given operator.
fn question(which: &str, compared: &str) -> String {
    let narrow = match which {
        "asked" => "count: calls, by: user, over: 1h, counts: asked",
        "usable" => "count: calls, by: user, over: 1h, counts: usable",
        "executed" => "count: calls, by: user, over: 1h, counts: executed",
        "elsewhere" => "count: calls, by: user, over: 1h, counts: asked, scopes: [a:c]",
        "sum" => "sum: money.value, by: user, over: 1h, counts: usable",
        "done" => "sum: money.value, by: user, over: 1h, counts: executed",
        "payees" => "distinct: metadata.payee, by: user, over: 1h, counts: asked",
        "rejected" => "count: rejected, over: 1h",
        "fact" => "count: fact.x, over: 1h",
        "last asked" => "last: { before: 5d }, by: user, counts: asked",
        "last executed" => "last: { before: 5d }, by: user, counts: executed",
        other => panic!("{other}"),
    };
    let comma = if compared.is_empty() { "" } else { ", " };
    format!("{{ history: {{ {narrow}{comma}{compared} }} }}")
}

/// `<asked|gt: 3>` stands for that question; anything else is a condition as it stands.
fn condition(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, from)) = rest.split_once('<') {
        let (inside, after) = from.split_once('>').expect("a closing mark");
        let (which, compared) = inside.split_once('|').expect("a question and what it is compared with");
        out += before;
        out += &question(which, compared);
        rest = after;
    }
    out + rest
}

fn errors(rules: &[(&str, &str)], otherwise: &str) -> Vec<Code> {
    let mut text = format!("{HEAD}rules:\n");
    for (at, (then, when)) in rules.iter().enumerate() {
        let if_absent = if when.contains("payees") { "if_absent: match, " } else { "" };
        text.push_str(&format!("  - {{ id: r{at}, then: {then}, {if_absent}when: {} }}\n", condition(when)));
    }
    text.push_str(&format!("otherwise: {otherwise}\n"));
    let found = faults(&text);
    found.iter().filter(|found| found.severity == Severity::Error).map(|found| found.code).collect()
}

/// Rules, each `(then, when)`, their `otherwise`, and whether asking again could soften a decision.
type Case = (&'static [(&'static str, &'static str)], &'static str, bool);

const CASES: &[Case] = &[
    // More of it must lead to something stricter.
    (&[("block", "<asked|gt: 3>")], SMS, false),
    (&[("block", "<asked|gte: 3>")], CONTINUE, false),
    (&[(CONTINUE, "<asked|gt: 3>")], SMS, true),
    (&[(SMS, "<asked|gt: 3>")], "block", true),
    (&[(SMS, "<asked|gt: 3>")], SMS_KYC, true),
    (&[(SMS_KYC, "<asked|gt: 3>")], SMS, false),
    (&[(LONGER, "<asked|gt: 3>")], CONTINUE, true),
    (&[(CONTINUE, "<asked|gt: 3>")], LONGER, false),
    // Less of it must lead to something softer.
    (&[(CONTINUE, "<asked|lt: 3>")], SMS, false),
    (&[(CONTINUE, "<asked|lte: 3>")], "block", false),
    (&[(SMS, "<asked|lt: 3>")], CONTINUE, true),
    (&[("block", "<asked|lt: 3>")], SMS, true),
    // A number between goes both ways.
    (&[("block", "<asked|eq: 3>")], SMS, true),
    (&[(CONTINUE, "<asked|eq: 3>")], SMS, true),
    (&[("block", "<asked|between: [3, 5]>")], SMS, true),
    (&[("block", "<asked|eq: 3>")], "block", false),
    // Under `not` it is the other way round.
    (&[("block", "{ not: <asked|gt: 3> }")], SMS, true),
    (&[(CONTINUE, "{ not: <asked|gt: 3> }")], SMS, false),
    (&[("block", "{ not: <asked|lt: 3> }")], SMS, false),
    (&[("block", "{ not: { not: <asked|gt: 3> } }")], SMS, false),
    // What counts as asked, and what does not.
    (&[(CONTINUE, "<usable|gt: 3>")], SMS, true),
    (&[(CONTINUE, "<elsewhere|gt: 3>")], SMS, true),
    (&[(CONTINUE, "<sum|gt: 3 USD>")], SMS, true),
    (&[("block", "<sum|lte: 3 USD>")], SMS, true),
    (&[("block", "<sum|between: [1 USD, 3 USD]>")], SMS, true),
    (&[(CONTINUE, "<sum|lte: 3 USD>")], SMS, false),
    (&[(CONTINUE, "<rejected|gt: 3>")], SMS, true),
    (&[("block", "<last asked|>")], SMS, true),
    // Never asked is not long ago: asking once and waiting makes it so.
    (&[(CONTINUE, "<last asked|>")], SMS, true),
    (&[("block", "{ not: <last asked|>}")], SMS, true),
    // Trust, and what the customer reports, are out of the user's hand.
    (&[(CONTINUE, "<executed|gt: 3>")], SMS, false),
    (&[("block", "<executed|eq: 3>")], SMS, false),
    (&[(CONTINUE, "<done|gt: 3 USD>")], SMS, false),
    (&[("block", "<last executed|>")], SMS, false),
    (&[(CONTINUE, "<fact|gt: 3>"), (SMS, "<fact|gt: 1>")], "block", false),
    // Each pair is looked at: three calls continue, four are reviewed, five are blocked, six are reviewed.
    (&[(CONTINUE, "<asked|lt: 4>"), (SMS, "<asked|lt: 5>")], "block", false),
    (&[(SMS, "<asked|gt: 5>"), ("block", "<asked|gt: 4>")], SMS, true),
    (&[("block", "<asked|gt: 5>"), (SMS, "<asked|gt: 4>")], CONTINUE, false),
    // Rules that exclude each other whatever was asked never meet.
    (
        &[("block", "{ all: [{ scope: { eq: a:b } }, <asked|lt: 3>] }"), (SMS, "{ scope: { eq: a:c } }")],
        "block",
        false,
    ),
    (
        &[("block", "{ all: [{ scope: { eq: a:b } }, <asked|lt: 3>] }"), (SMS, "{ scope: { eq: a:b } }")],
        "block",
        true,
    ),
    // Trust parts them, and asking does not.
    (&[("block", "{ all: [<asked|lt: 3>, <executed|gt: 2>] }"), (SMS, "<executed|lte: 2>")], "block", false),
    (&[("block", "{ all: [<asked|lt: 3>, <usable|gt: 2>] }"), (SMS, "<usable|lte: 2>")], "block", true),
    // Only the branch that moves is looked at.
    (
        &[
            ("block", "{ any: [{ scope: { eq: a:b } }, { all: [{ scope: { eq: a:c } }, <asked|lt: 3>] }] }"),
            (SMS, "{ scope: { eq: a:b } }"),
        ],
        "block",
        false,
    ),
    // What a rule for all others stands above is nobody's.
    (&[("block", "<asked|lt: 3>"), ("block", "always")], SMS, false),
];

#[test]
fn asking_again_never_helps() {
    for (rules, otherwise, expected) in CASES {
        let expected: &[Code] = if *expected { &[Code::AskingSoftens] } else { &[] };
        let found: Vec<_> =
            errors(rules, otherwise).into_iter().filter(|code| *code != Code::ContinueAboveBlock).collect();
        assert_eq!(found, expected, "{rules:?} {otherwise}");
    }
}

#[test]
fn a_condition_too_wide_to_be_spread_out_moves_both_ways() {
    let part = "{ any: [{ user_id: { eq: a } }, { user_id: { eq: b } }, { user_id: { eq: c } }] }";
    let wide = |last: &str| format!("{{ all: [{}, {last}] }}", [part; 8].join(", "));
    let rules = |when: &str| errors(&[("block", when)], SMS);
    assert_eq!(rules(&wide("<asked|gt: 3>")), [Code::AskingSoftens]);
    assert_eq!(rules(&wide("<executed|gt: 3>")), []);
}

#[test]
fn rules_that_only_observe_soften_nothing() {
    let text = format!(
        "{HEAD}rules: [{{ id: r, when: {}, observe: true, then: {CONTINUE} }}]\notherwise: block\n",
        condition("<asked|gt: 3>")
    );
    assert_eq!(faults(&text).iter().filter(|found| found.severity == Severity::Error).count(), 0);
}

/// Two conditions, and whether no request satisfies both: the same question has one answer.
const EXCLUSIONS: &[(&str, &str, bool)] = &[
    ("<executed|lt: 3>", "<executed|gte: 3>", true),
    ("<executed|lte: 3>", "<executed|gte: 3>", false),
    ("<executed|lt: 3>", "<executed|gte: 4>", true),
    ("<executed|eq: 3>", "{ not: <executed|eq: 3> }", true),
    ("<executed|lt: 3>", "<usable|gte: 3>", false),
    // A call that counts itself is at least one.
    ("<usable|lte: 1>", "{ not: <usable|eq: 1> }", true),
    ("<executed|lte: 1>", "{ not: <executed|eq: 1> }", false),
    ("<done|lt: 3 USD>", "<done|gte: 3 USD>", true),
    ("<done|lte: 3 USD>", "<done|gte: 3 USD>", false),
    ("<done|between: [1 USD, 2 USD]>", "<done|gt: 2 USD>", true),
    ("<last executed|>", "{ not: <last executed|> }", true),
    (
        "{ history: { last: { before: 5d }, by: user, counts: executed } }",
        "{ not: { history: { last: { before: 4d }, by: user, counts: executed } } }",
        true,
    ),
    (
        "{ history: { last: { before: 4d }, by: user, counts: executed } }",
        "{ not: { history: { last: { before: 5d }, by: user, counts: executed } } }",
        false,
    ),
];

#[test]
fn one_question_has_one_answer() {
    for (first, second, expected) in EXCLUSIONS {
        let found = errors(&[(CONTINUE, first), ("block", second)], CONTINUE);
        assert_eq!(!found.contains(&Code::ContinueAboveBlock), *expected, "{first} and {second}");
    }
}

/// An optional field that the past is told apart by: leaving it out must not help either.
#[test]
fn leaving_out_what_the_past_is_told_apart_by_never_helps() {
    let new = "history: { count: calls, by: [user, metadata.payee], counts: executed, over: 90d, eq: 0 }";
    let text = |if_absent: &str| {
        format!(
            "{HEAD}rules: [{{ id: r, if_absent: {if_absent}, when: {{ {new} }}, then: {SMS} }}]\notherwise: {CONTINUE}\n"
        )
    };
    let codes = |text: &str| {
        faults(text)
            .iter()
            .filter(|found| found.severity == Severity::Error)
            .map(|found| found.code)
            .collect::<Vec<_>>()
    };
    assert_eq!(codes(&text("no_match")), [Code::OmissionSoftens]);
    assert_eq!(codes(&text("match")), []);
}
