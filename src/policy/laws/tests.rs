mod warnings;

use crate::policy::sample::faults;
use crate::policy::{Code, Severity};

const HEAD: &str = "scopes: [a:b, a:c]
metadata:
  amount: { type: decimal, min: 1, max: 1000, optional: false }
  currency: { type: string, one_of: [USD, EUR] }
  payee: { type: string }
  note: { type: string, optional: true }
  tip: { type: decimal, optional: true }
money:
  value: { amount: metadata.amount, currency: metadata.currency }
  extra: { amount: metadata.tip, currency: metadata.currency }
";
const CONTINUE: &str = "{ continue: { grant: { mode: single-use, for: 5m } } }";
const SMS: &str =
    "{ review: { grant: { mode: single-use, for: 5m }, steps: [{ step: verify_sms, expires_in: 5m }] } }";
const SMS_KYC: &str = "{ review: { grant: { mode: single-use, for: 5m }, steps: [{ step: verify_sms, expires_in: 5m }, kyc_review] } }";
const KYC_ELSE_CONTINUE: &str = "{ review: { grant: { mode: single-use, for: 5m }, steps: [kyc_review], else: { continue: { grant: { mode: single-use, for: 5m } } } } }";

/// The errors of a file with these rules, each `(then, when and the rest)`, and this `otherwise`.
fn errors(rules: &[(&str, &str)], otherwise: &str) -> Vec<Code> {
    let mut text = format!("{HEAD}rules:\n");
    for (at, (then, when)) in rules.iter().enumerate() {
        text.push_str(&format!("  - {{ id: r{at}, then: {then}, {when} }}\n"));
    }
    text.push_str(&format!("otherwise: {otherwise}\n"));
    let found = faults(&text);
    found.iter().filter(|found| found.severity == Severity::Error).map(|found| found.code).collect()
}

/// Whether a continue under the first condition may stand above a block under the second.
fn exclude(first: &str, second: &str) -> bool {
    let own = |when: &str| {
        let reads_optional =
            ["metadata.note", "money.extra", "metadata.tip"].iter().any(|name| when.contains(name));
        let only_asks_presence = when.contains("present");
        if reads_optional && !only_asks_presence {
            format!("when: {when}, if_absent: no_match")
        } else {
            format!("when: {when}")
        }
    };
    let found = errors(&[(CONTINUE, &own(first)), ("block", &own(second))], CONTINUE);
    let strangers: Vec<_> = found
        .iter()
        .filter(|code| ![Code::ContinueAboveBlock, Code::OmissionSoftens].contains(code))
        .collect();
    assert!(strangers.is_empty(), "{first} {second}: {strangers:?}");
    !found.contains(&Code::ContinueAboveBlock)
}

/// Two conditions, and whether no request satisfies both.
const EXCLUSIONS: &[(&str, &str, bool)] = &[
    ("{ metadata.amount: { lt: 50 } }", "{ metadata.amount: { gte: 50 } }", true),
    ("{ metadata.amount: { lte: 50 } }", "{ metadata.amount: { gte: 50 } }", false),
    ("{ metadata.amount: { lte: 50 } }", "{ metadata.amount: { gt: 50 } }", true),
    ("{ metadata.amount: { between: [1, 5] } }", "{ metadata.amount: { between: [5, 9] } }", false),
    ("{ metadata.amount: { between: [1, 5] } }", "{ metadata.amount: { between: [5.01, 9] } }", true),
    ("{ metadata.amount: { eq: 5 } }", "{ metadata.amount: { eq: 5.0 } }", false),
    ("{ metadata.amount: { eq: 5 } }", "{ not: { metadata.amount: { eq: 5.0 } } }", true),
    ("{ metadata.amount: { eq: 5 } }", "{ not: { metadata.amount: { lt: 9 } } }", true),
    ("{ not: { metadata.amount: { between: [1, 5] } } }", "{ metadata.amount: { between: [1, 5] } }", true),
    ("{ not: { metadata.amount: { between: [1, 5] } } }", "{ metadata.amount: { between: [2, 4] } }", false),
    // Outside the field's own bounds nothing can come.
    ("{ metadata.amount: { lt: 1 } }", "always", true),
    ("{ metadata.amount: { gt: 1000 } }", "always", true),
    ("{ metadata.amount: { gte: 1000 } }", "always", false),
    ("{ money.value: { lt: [5 USD, 4 EUR] } }", "{ money.value: { gte: [5 USD, 4 EUR] } }", true),
    ("{ money.value: { lt: [5 USD, 4 EUR] } }", "{ money.value: { gte: [5 USD, 3 EUR] } }", false),
    // Converted amounts are compared as one number, whatever the rates are; a converted one and another prove nothing.
    ("{ money.value: { lt: 5 USD } }", "{ money.value: { gte: 5 USD } }", true),
    ("{ money.value: { lte: 5 USD } }", "{ money.value: { gte: 5 USD } }", false),
    ("{ money.value: { between: [1 USD, 5 USD] } }", "{ money.value: { gt: 5 USD } }", true),
    ("{ money.value: { between: [1 USD, 5 USD] } }", "{ not: { money.value: { gte: 1 USD } } }", true),
    ("{ money.value: { eq: 5 GBP } }", "{ money.value: { gt: 5 GBP } }", true),
    ("{ money.value: { lt: 5 USD } }", "{ money.value: { gte: [5 USD, 900 EUR] } }", false),
    ("{ money.value: { lt: 5 USD } }", "{ money.value: { gte: [5 USD, 3 EUR] } }", false),
    ("{ money.value: { lt: 5 USD } }", "{ money.value: { gte: 900 GBP } }", false),
    (
        "{ money.value: { lt: 5 USD }, metadata.currency: { eq: USD } }",
        "{ money.value: { gte: [5 USD, 3 EUR] }, metadata.currency: { eq: EUR } }",
        true,
    ),
    ("{ metadata.currency: { eq: USD } }", "{ metadata.currency: { eq: EUR } }", true),
    ("{ metadata.currency: { eq: USD } }", "{ not: { metadata.currency: { eq: EUR } } }", false),
    ("{ metadata.currency: { eq: USD } }", "{ not: { metadata.currency: { starts_with: U } } }", true),
    ("{ not: { metadata.currency: { eq: USD } } }", "{ not: { metadata.currency: { eq: EUR } } }", true),
    ("{ metadata.payee: { in: [A, B] } }", "{ metadata.payee: { in: [C] } }", true),
    ("{ metadata.payee: { in: [A, B] } }", "{ metadata.payee: { in: [B, C] } }", false),
    ("{ metadata.payee: { in: [A, B] } }", "{ metadata.payee: { matches: '[C-Z]' } }", true),
    ("{ metadata.payee: { starts_with: DE } }", "{ metadata.payee: { starts_with: FR } }", true),
    ("{ metadata.payee: { starts_with: DE } }", "{ metadata.payee: { starts_with: D } }", false),
    ("{ metadata.payee: { ends_with: '12' } }", "{ metadata.payee: { ends_with: '2' } }", false),
    ("{ metadata.payee: { ends_with: '12' } }", "{ metadata.payee: { ends_with: '3' } }", true),
    ("{ metadata.payee: { contains: x } }", "{ metadata.payee: { contains: y } }", false),
    ("{ metadata.payee: { contains: x } }", "{ not: { metadata.payee: { contains: x } } }", true),
    ("{ signals.platform: { eq: WEB } }", "{ signals.platform: { in: [IOS, ANDROID] } }", true),
    (
        "{ signals.platform: { in: [WEB, IOS, ANDROID] } }",
        "{ not: { signals.platform: { in: [WEB, IOS, ANDROID] } } }",
        true,
    ),
    (
        "{ not: { signals.platform: { eq: WEB } } }",
        "{ not: { signals.platform: { in: [IOS, ANDROID] } } }",
        false,
    ),
    ("{ signals.user_agent: { family: [bot, ios] } }", "{ signals.user_agent: { family: android } }", true),
    (
        "{ signals.user_agent: { family: [bot, ios] } }",
        "{ signals.user_agent: { family: [ios, linux] } }",
        false,
    ),
    (
        "{ signals.user_agent: { family: bot } }",
        "{ not: { signals.user_agent: { family: [bot, ios] } } }",
        true,
    ),
    ("{ signals.user_agent: { eq: curl/8.0 } }", "{ signals.user_agent: { family: ios } }", true),
    ("{ signals.user_agent: { starts_with: curl/ } }", "{ signals.user_agent: { family: ios } }", false),
    ("{ scope: { eq: a:b } }", "{ scope: { eq: a:c } }", true),
    ("{ not: { scope: { eq: a:b } } }", "{ not: { scope: { eq: a:c } } }", true),
    ("{ signals.ip: { in_cidr: 10.0.0.0/8 } }", "{ signals.ip: { in_cidr: 192.168.0.0/16 } }", true),
    ("{ signals.ip: { in_cidr: 10.0.0.0/8 } }", "{ signals.ip: { in_cidr: 10.1.0.0/16 } }", false),
    ("{ not: { signals.ip: { in_cidr: 10.0.0.0/8 } } }", "{ signals.ip: { in_cidr: 10.1.0.0/16 } }", true),
    ("{ not: { signals.ip: { in_cidr: 10.1.0.0/16 } } }", "{ signals.ip: { in_cidr: 10.0.0.0/8 } }", false),
    ("{ identifiers.count: { eq: 0 } }", "{ identifiers.count: { gt: 0 } }", true),
    (
        "{ identifiers.any: { type: phone_number } }",
        "{ not: { identifiers.any: { type: phone_number } } }",
        true,
    ),
    ("{ identifiers.any: { type: phone_number } }", "{ identifiers.any: { type: email_address } }", false),
    (
        "{ identifiers.any: { type: phone_number } }",
        "{ not: { identifiers.every: { type: phone_number } } }",
        false,
    ),
    ("{ user_id: { eq: a } }", "{ metadata.payee: { eq: b } }", false),
    // What stands in a list today proves nothing; that an address has one value in a mapping list does.
    ("{ user_id: { in_list: users } }", "{ not: { user_id: { in_list: users } } }", true),
    ("{ user_id: { eq: usr_c } }", "{ user_id: { in_list: users } }", false),
    ("{ user_id: { eq: usr_a } }", "{ user_id: { in_list: users } }", false),
    ("{ user_id: { eq: usr_a } }", "{ not: { user_id: { in_list: users } } }", false),
    ("{ user_id: { in_list: users, eq: usr_a } }", "{ user_id: { eq: usr_b } }", true),
    ("{ signals.ip: { in_list: nets } }", "{ signals.ip: { in_cidr: 198.51.101.0/24 } }", false),
    ("{ not: { signals.ip: { in_list: nets } } }", "{ signals.ip: { in_cidr: 198.51.100.0/26 } }", false),
    ("{ not: { signals.ip: { in_list: nets } } }", "{ signals.ip: { in_list: nets } }", true),
    (
        "{ signals.ip: { mapped_by: { list: zones, eq: wide } } }",
        "{ signals.ip: { mapped_by: { list: zones, eq: narrow } } }",
        true,
    ),
    (
        "{ signals.ip: { mapped_by: { list: zones, in: [wide, six] } } }",
        "{ signals.ip: { mapped_by: { list: zones, in: [six, narrow] } } }",
        false,
    ),
    (
        "{ signals.ip: { mapped_by: { list: zones, in: [wide, six] } } }",
        "{ not: { signals.ip: { mapped_by: { list: zones, in: [six, narrow, wide] } } } }",
        true,
    ),
    (
        "{ not: { signals.ip: { mapped_by: { list: zones, eq: wide } } } }",
        "{ not: { signals.ip: { mapped_by: { list: zones, in: [six, narrow] } } } }",
        false,
    ),
    (
        "{ signals.ip: { mapped_by: { list: zones, eq: wide } } }",
        "{ signals.ip: { in_cidr: 198.51.100.0/25 } }",
        false,
    ),
    ("{ signals.platform: { in_list: apps } }", "{ signals.platform: { eq: WEB } }", false),
    ("{ identifiers.any: { in_list: reach } }", "{ identifiers.any: { type: phone_number } }", false),
    // Buckets of one kind, and the same time.
    ("{ bucket: { of: 9, below: 3, salt: a } }", "{ not: { bucket: { of: 9, below: 3, salt: a } } }", true),
    ("{ bucket: { of: 9, below: 3, salt: a } }", "{ not: { bucket: { of: 9, below: 4, salt: a } } }", true),
    ("{ bucket: { of: 9, below: 3, salt: a } }", "{ not: { bucket: { of: 9, below: 2, salt: a } } }", false),
    ("{ bucket: { of: 9, below: 3, salt: a } }", "{ not: { bucket: { of: 9, below: 4, salt: b } } }", false),
    ("{ bucket: { of: 9, below: 3, salt: a } }", "{ not: { bucket: { of: 8, below: 4, salt: a } } }", false),
    (
        "{ request.time: { zone: UTC, weekdays: mon } }",
        "{ request.time: { zone: UTC, weekdays: tue } }",
        false,
    ),
    (
        "{ request.time: { zone: UTC, weekdays: mon } }",
        "{ not: { request.time: { zone: UTC, weekdays: mon } } }",
        true,
    ),
    // One shared field is enough, in every case of an `any`.
    (
        "{ user_id: { eq: a }, metadata.amount: { lt: 5 } }",
        "{ user_id: { eq: a }, metadata.amount: { gt: 5 } }",
        true,
    ),
    ("{ any: [{ user_id: { eq: a } }, { user_id: { eq: b } }] }", "{ user_id: { eq: c } }", true),
    ("{ any: [{ user_id: { eq: a } }, { metadata.payee: { eq: b } }] }", "{ user_id: { eq: c } }", false),
    (
        "{ not: { any: [{ user_id: { eq: a } }, { user_id: { eq: b } }] } }",
        "{ user_id: { in: [a, b] } }",
        true,
    ),
    (
        "{ not: { all: [{ user_id: { eq: a } }, { metadata.payee: { eq: b } }] } }",
        "{ user_id: { eq: a }, metadata.payee: { eq: b } }",
        true,
    ),
    // What is absent is neither; both rules say no then.
    ("{ metadata.note: { eq: x } }", "{ metadata.note: { eq: y } }", true),
    ("{ metadata.tip: { gt: 5 } }", "{ metadata.tip: { lt: 5 } }", true),
    ("{ metadata.note: { present: true } }", "{ metadata.note: { present: false } }", true),
    ("{ money.extra: { lt: [5 USD, 5 EUR] } }", "{ money.extra: { gt: [5 USD, 5 EUR] } }", true),
    ("always", "{ user_id: { eq: a } }", false),
];

#[test]
fn conditions_exclude_each_other_where_that_can_be_proved() {
    for (first, second, expected) in EXCLUSIONS {
        assert_eq!(exclude(first, second), *expected, "{first} and {second}");
        if *first != "always" && *second != "always" {
            assert_eq!(exclude(second, first), *expected, "{second} and {first}");
        }
    }
}

#[test]
fn rules_that_both_take_absence_for_a_match_meet_there() {
    let rules = [
        (CONTINUE, "when: { metadata.note: { eq: x } }, if_absent: match"),
        ("block", "when: { metadata.note: { eq: y } }, if_absent: match"),
    ];
    assert!(errors(&rules, "block").contains(&Code::ContinueAboveBlock));
}

#[test]
fn a_condition_too_wide_to_be_spread_out_gets_no_proof() {
    let part = "{ any: [{ user_id: { eq: a } }, { user_id: { eq: b } }, { user_id: { eq: c } }] }";
    let wide = format!("{{ all: [{}] }}", [part; 8].join(", "));
    assert!(!exclude(&wide, "{ user_id: { eq: d } }"));
    assert!(exclude(part, "{ user_id: { eq: d } }"));
}

#[test]
fn a_continue_above_a_block_must_exclude_it_or_say_so() {
    let small = "when: { metadata.amount: { lt: 50 } }";
    let frozen = "when: { user_id: { eq: frozen } }";
    assert_eq!(errors(&[(CONTINUE, small), ("block", frozen)], "block"), [Code::ContinueAboveBlock]);
    assert_eq!(errors(&[("block", frozen), (CONTINUE, small)], "block"), []);
    let named = format!("{small}, overrides: [r1]");
    assert_eq!(errors(&[(CONTINUE, &named), ("block", frozen)], "block"), []);
    // A review is no continue, unless its `else` is one.
    assert_eq!(errors(&[(SMS, small), ("block", frozen)], "block"), []);
    assert_eq!(errors(&[(KYC_ELSE_CONTINUE, small), ("block", frozen)], "block"), [Code::ContinueAboveBlock]);
}

/// What only observes shadows nothing and closes nothing; what is active for a time closes nothing either.
#[test]
fn rules_that_observe_or_end_count_for_no_more_than_they_do() {
    let frozen = "when: { user_id: { eq: frozen } }";
    let observing = format!("{frozen}, observe: true");
    assert_eq!(errors(&[(CONTINUE, "when: always, observe: true"), ("block", frozen)], "block"), []);
    assert_eq!(
        errors(&[(CONTINUE, "when: { metadata.amount: { lt: 5 } }"), ("block", &observing)], "block"),
        []
    );
    let ending = "when: always, active: { until: 2026-12-31 }";
    assert_eq!(errors(&[(CONTINUE, ending), ("block", frozen)], "block"), [Code::ContinueAboveBlock]);
    assert_eq!(errors(&[("block", GIFT_NO_MATCH), ("block", ending)], CONTINUE), [Code::OmissionSoftens]);
    let all = "when: always, observe: true";
    assert_eq!(errors(&[("block", GIFT_NO_MATCH), ("block", all)], CONTINUE), [Code::OmissionSoftens]);
    let gift = format!("{GIFT_NO_MATCH}, observe: true");
    assert_eq!(errors(&[("block", &gift)], CONTINUE), []);
}

const GIFT_MATCH: &str = "when: { metadata.note: { eq: gift } }, if_absent: match";
const GIFT_NO_MATCH: &str = "when: { metadata.note: { eq: gift } }, if_absent: no_match";
const ALWAYS: &str = "when: always";
const PRESENT: &str = "when: { metadata.note: { present: true } }";
const ABSENT: &str = "when: { metadata.note: { present: false } }";
const OK: &[Code] = &[];
const SOFTENS: &[Code] = &[Code::OmissionSoftens];

/// Rules, each `(then, when and the rest)`, with their `otherwise` and the errors expected.
type Omission = (&'static [(&'static str, &'static str)], &'static str, &'static [Code]);

const OMISSIONS: &[Omission] = &[
    // What is lost must lead down to nothing softer.
    (&[("block", GIFT_NO_MATCH)], "block", OK),
    (&[("block", GIFT_NO_MATCH), (SMS, ALWAYS)], "block", SOFTENS),
    (&[("block", GIFT_NO_MATCH)], CONTINUE, SOFTENS),
    (&[("block", GIFT_MATCH), (SMS, ALWAYS)], "block", OK),
    (&[("block", GIFT_MATCH)], CONTINUE, OK),
    (&[(CONTINUE, GIFT_NO_MATCH), (SMS, ALWAYS)], "block", OK),
    (&[(SMS_KYC, GIFT_NO_MATCH), (SMS, ALWAYS)], "block", SOFTENS),
    (&[(SMS, GIFT_NO_MATCH), (SMS_KYC, ALWAYS)], "block", OK),
    // What is gained must not come before anything stricter.
    (&[(CONTINUE, GIFT_MATCH), (SMS, ALWAYS)], "block", SOFTENS),
    (&[(SMS, GIFT_MATCH), (SMS_KYC, ALWAYS)], "block", SOFTENS),
    (&[(SMS_KYC, GIFT_MATCH), (SMS, ALWAYS)], "block", OK),
    (&[(SMS, GIFT_MATCH)], "block", SOFTENS),
    (&[("block", GIFT_MATCH), (CONTINUE, ALWAYS)], "block", OK),
    // Presence itself.
    (&[(CONTINUE, PRESENT)], "block", OK),
    (&[(CONTINUE, ABSENT)], "block", SOFTENS),
    (&[("block", ABSENT)], CONTINUE, OK),
    (&[("block", PRESENT)], CONTINUE, SOFTENS),
    // A rule for all others closes what stands below it.
    (&[("block", GIFT_NO_MATCH), ("block", ALWAYS)], CONTINUE, OK),
    // Rules whose other conditions exclude each other never meet.
    (
        &[
            ("block", "when: { metadata.note: { eq: gift }, scope: { eq: a:b } }, if_absent: no_match"),
            ("block", "when: { scope: { eq: a:b } }"),
        ],
        "block",
        OK,
    ),
    (
        &[
            ("block", "when: { metadata.note: { eq: gift }, scope: { eq: a:b } }, if_absent: no_match"),
            (SMS, "when: { scope: { eq: a:c } }"),
        ],
        "block",
        OK,
    ),
    (
        &[
            ("block", "when: { metadata.note: { eq: gift }, scope: { eq: a:b } }, if_absent: no_match"),
            (SMS, "when: { metadata.amount: { gt: 5 } }"),
        ],
        "block",
        SOFTENS,
    ),
    // The lower one wants the note too: who leaves it out does not get there.
    (
        &[
            ("block", "when: { metadata.note: { eq: gift } }, if_absent: no_match"),
            (SMS, "when: { metadata.note: { eq: salary } }, if_absent: no_match"),
        ],
        "block",
        OK,
    ),
    (&[("block", "when: { metadata.note: { in_list: notes } }, if_absent: no_match")], CONTINUE, SOFTENS),
    (&[("block", "when: { metadata.note: { in_list: notes } }, if_absent: match")], CONTINUE, OK),
    // Money is absent with its amount.
    (&[("block", "when: { money.extra: { gt: [5 USD, 5 EUR] } }, if_absent: no_match")], CONTINUE, SOFTENS),
    (&[("block", "when: { money.extra: { gt: [5 USD, 5 EUR] } }, if_absent: match")], CONTINUE, OK),
    // Under `not` the word keeps its meaning.
    (&[("block", "when: { not: { metadata.note: { eq: salary } } }, if_absent: match")], CONTINUE, OK),
    (
        &[("block", "when: { not: { metadata.note: { eq: salary } } }, if_absent: no_match")],
        CONTINUE,
        SOFTENS,
    ),
];

#[test]
fn leaving_a_field_out_never_helps() {
    for (rules, otherwise, expected) in OMISSIONS {
        assert_eq!(errors(rules, otherwise), *expected, "{rules:?} {otherwise}");
    }
}

#[test]
fn a_file_that_looks_at_metadata_grants_for_one_use() {
    let wide = "{ continue: { grant: { mode: profile-bound, for: 5m } } }";
    assert_eq!(errors(&[(wide, "when: { scope: { eq: a:b } }")], "block"), []);
    let reads = ("block", "when: { money.value: { gt: [5 USD, 5 EUR] } }");
    assert_eq!(errors(&[reads, (wide, "when: { scope: { eq: a:b } }")], "block"), [Code::GrantMode]);
    assert_eq!(errors(&[reads], wide), [Code::GrantMode]);
}
