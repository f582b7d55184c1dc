//! What loads and should be looked at: rules that never decide, and what platforms do to a verdict.

use super::{CONTINUE, HEAD, KYC_ELSE_CONTINUE, SMS, SMS_KYC};
use crate::policy::Code;
use crate::policy::sample::faults;

const VIDEO_ELSE_SMS: &str = "{ review: { grant: { mode: single-use, for: 5m }, steps: [{ step: video_call, expires_in: 5m }, { step: verify_sms, expires_in: 5m }], else: { review: { grant: { mode: single-use, for: 5m }, steps: [{ step: verify_sms, expires_in: 5m }] } } } }";
const SMS_ELSE_KYC: &str = "{ review: { grant: { mode: single-use, for: 5m }, steps: [{ step: verify_sms, expires_in: 5m }], else: { review: { grant: { mode: single-use, for: 5m }, steps: [kyc_review] } } } }";
const PASSKEY_OR_SMS: &str = "{ review: { grant: { mode: single-use, for: 5m }, steps: [{ first_of: [verify_passkey, verify_sms], expires_in: 5m }] } }";

/// The warnings of one kind about a file with these rules, each `(then, when)`: what they say up to the first colon or
/// the platforms.
fn warnings(code: Code, rules: &[(&str, &str)], otherwise: &str) -> Vec<String> {
    let mut text = format!("{HEAD}rules:\n");
    for (at, (then, when)) in rules.iter().enumerate() {
        text.push_str(&format!("  - {{ id: r{at}, then: {then}, when: {when} }}\n"));
    }
    text.push_str(&format!("otherwise: {otherwise}\n"));
    let found = faults(&text);
    found.iter().filter(|found| found.code == code).map(|found| found.message.clone()).collect()
}

/// Conditions of rules that block, the last of which never decides or does, and the rules that take all from it.
const SHADOWS: &[(&[&str], Option<&str>)] = &[
    (&["{ metadata.amount: { gte: 10 } }", "{ metadata.amount: { gte: 100 } }"], Some("`r0`")),
    (&["{ metadata.amount: { gte: 100 } }", "{ metadata.amount: { gte: 10 } }"], None),
    (
        &["{ metadata.amount: { lt: 50 } }", "{ metadata.amount: { gte: 50 } }", "{ user_id: { eq: a } }"],
        Some("`r0`, `r1`"),
    ),
    (&["{ metadata.amount: { lt: 50 } }", "{ metadata.amount: { gt: 50 } }", "{ user_id: { eq: a } }"], None),
    (
        &[
            "{ metadata.amount: { lt: 50 } }",
            "{ metadata.amount: { gt: 50 } }",
            "{ metadata.amount: { eq: 50 } }",
            "always",
        ],
        Some("`r0`, `r1`, `r2`"),
    ),
    (
        &[
            "{ metadata.currency: { eq: USD } }",
            "{ metadata.currency: { eq: EUR } }",
            "{ user_id: { eq: a } }",
        ],
        Some("`r0`, `r1`"),
    ),
    // Every platform has a name or has none.
    (
        &[
            "{ signals.platform: { in: [WEB, IOS] } }",
            "{ signals.platform: { eq: ANDROID } }",
            "{ user_id: { eq: a } }",
        ],
        None,
    ),
    (
        &["{ signals.platform: { eq: WEB } }", "{ not: { signals.platform: { eq: WEB } } }", "always"],
        Some("`r0`, `r1`"),
    ),
    (&["{ user_id: { in: [a, b] } }", "{ user_id: { eq: a }, metadata.amount: { gt: 5 } }"], Some("`r0`")),
    // Only those that are needed are named.
    (
        &[
            "{ user_id: { eq: c } }",
            "{ user_id: { eq: a } }",
            "{ user_id: { eq: b } }",
            "{ user_id: { in: [a, b] } }",
        ],
        Some("`r1`, `r2`"),
    ),
    (&["{ user_id: { eq: a }, metadata.amount: { gt: 5 } }", "{ user_id: { eq: a } }"], None),
    (
        &[
            "{ any: [{ user_id: { eq: a } }, { metadata.payee: { eq: b } }] }",
            "{ user_id: { eq: a }, metadata.payee: { eq: c } }",
        ],
        Some("`r0`"),
    ),
    (
        &[
            "{ signals.ip: { in_cidr: 10.0.0.0/8 } }",
            "{ signals.ip: { in_cidr: [10.1.0.0/16, 10.2.0.0/16] } }",
        ],
        Some("`r0`"),
    ),
    (&["{ money.value: { gte: 5 USD } }", "{ money.value: { gte: [9 USD, 9 EUR] } }"], None),
    (&["{ money.value: { gte: 5 USD } }", "{ money.value: { between: [5 USD, 9 USD] } }"], Some("`r0`")),
    (&["{ user_id: { in_list: users } }", "{ user_id: { eq: usr_a } }"], None),
    (
        &["{ user_id: { in_list: users } }", "{ user_id: { in_list: users }, metadata.amount: { gt: 5 } }"],
        Some("`r0`"),
    ),
    // A rule that observes or is not always there takes nothing.
    (&["{ metadata.amount: { gte: 10 } }, observe: true", "{ metadata.amount: { gte: 100 } }"], None),
    (
        &[
            "{ metadata.amount: { gte: 10 } }, active: { until: 2026-12-31 }",
            "{ metadata.amount: { gte: 100 } }",
        ],
        None,
    ),
];

#[test]
fn a_rule_from_which_those_above_take_everything_never_decides() {
    for (conditions, expected) in SHADOWS {
        let rules: Vec<_> = conditions.iter().map(|when| ("block", *when)).collect();
        let last = conditions.len() - 1;
        let verb = |names: &str| if names.contains(',') { "take all" } else { "takes all" };
        let message = expected
            .map(|names| format!("`r{last}` never decides: {names} above it {} that it could", verb(names)));
        assert_eq!(warnings(Code::NeverMatches, &rules, "block"), Vec::from_iter(message), "{conditions:?}");
    }
}

/// Rules, `otherwise`, and the rules of which it is said that an app may continue without a step.
type Native = (&'static [(&'static str, &'static str)], &'static str, &'static [&'static str]);

const NATIVE: &[Native] = &[
    (&[(CONTINUE, "{ user_id: { eq: a } }")], "block", &["`r0` from ANDROID, IOS, an unknown platform"]),
    (&[(CONTINUE, "{ signals.platform: { eq: WEB } }")], "block", &[]),
    (&[(CONTINUE, "{ signals.platform: { in: [WEB, IOS] } }")], "block", &["`r0` from IOS"]),
    (
        &[(CONTINUE, "{ not: { signals.platform: { in: [WEB, IOS] } } }")],
        "block",
        &["`r0` from ANDROID, an unknown platform"],
    ),
    // What stands above takes the apps away.
    (
        &[("block", "{ not: { signals.platform: { eq: WEB } } }"), (CONTINUE, "{ user_id: { eq: a } }")],
        CONTINUE,
        &[],
    ),
    (
        &[("block", "{ signals.platform: { in: [IOS, ANDROID] } }")],
        CONTINUE,
        &["`otherwise` from an unknown platform"],
    ),
    (
        &[(KYC_ELSE_CONTINUE, "{ user_id: { eq: a } }")],
        "block",
        &["`r0` from ANDROID, IOS, an unknown platform"],
    ),
    (&[(KYC_ELSE_CONTINUE, "{ signals.platform: { eq: WEB } }")], "block", &[]),
    (&[(SMS, "{ user_id: { eq: a } }")], SMS, &[]),
    (&[(CONTINUE, "always, observe: true")], "block", &[]),
];

#[test]
fn an_app_that_may_continue_without_a_step_is_a_warning() {
    for (rules, otherwise, expected) in NATIVE {
        let found = warnings(Code::NativeContinues, rules, otherwise);
        let said = found.iter().map(|message| {
            message
                .replace("may let requests from", "from")
                .replace(" continue without a step, and Prelude's native SDKs can fail then", "")
        });
        assert_eq!(said.collect::<Vec<_>>(), *expected, "{rules:?} {otherwise}");
    }
}

const SOFTER: &[Native] = &[
    // Some platforms only, and something softer for the others.
    (&[("block", "{ signals.platform: { eq: IOS } }")], SMS, &["r0 WEB IOS"]),
    (&[(SMS_KYC, "{ signals.platform: { eq: WEB } }")], SMS, &["r0 ANDROID WEB"]),
    (&[(SMS, "{ signals.platform: { eq: WEB } }")], "block", &["r0 WEB ANDROID"]),
    (&[("block", "{ signals.platform: { in: [IOS, ANDROID], in_list: apps } }")], SMS, &["r0 WEB ANDROID"]),
    (&[(SMS, "{ signals.platform: { eq: WEB } }")], SMS, &[]),
    (&[("block", "{ signals.platform: { eq: IOS } }")], "block", &[]),
    // What the others cannot have anyway is no gift.
    (&[(CONTINUE, "{ signals.platform: { eq: WEB } }")], SMS, &[]),
    (&[(SMS_KYC, "{ signals.platform: { eq: WEB } }")], "block", &[]),
    (&[(CONTINUE, "{ signals.platform: { eq: IOS } }")], SMS, &["r0 IOS WEB"]),
    // Requests that differ in more than the platform, and rules that nobody else reaches.
    (
        &[
            ("block", "{ signals.platform: { eq: IOS }, user_id: { eq: a } }"),
            (SMS, "{ user_id: { eq: b } }"),
        ],
        "block",
        &[],
    ),
    (&[("block", "{ signals.platform: { eq: IOS } }"), ("block", "always")], SMS, &[]),
    (
        &[
            ("block", "{ signals.platform: { eq: IOS } }"),
            ("block", "{ not: { signals.platform: { eq: IOS } } }"),
        ],
        SMS,
        &[],
    ),
    (
        &[(
            "block",
            "{ any: [{ signals.platform: { eq: IOS } }, { not: { signals.platform: { eq: IOS } } }] }",
        )],
        SMS,
        &[],
    ),
    // What stands between takes all that the first could have left.
    (
        &[
            ("block", "{ signals.platform: { eq: IOS }, metadata.amount: { gt: 500 } }"),
            ("block", "{ metadata.amount: { gt: 50 } }"),
        ],
        SMS,
        &[],
    ),
    // A plan that some cannot walk, and an `else` that asks for less of them.
    (&[(VIDEO_ELSE_SMS, "always")], "block", &["r0 WEB ANDROID"]),
    (&[(VIDEO_ELSE_SMS, "{ user_id: { eq: a } }")], "block", &["r0 WEB ANDROID"]),
    (&[(SMS_ELSE_KYC, "always")], "block", &[]),
    (&[(SMS_KYC, "always")], "block", &[]),
    (&[(PASSKEY_OR_SMS, "always")], "block", &[]),
];

#[test]
fn a_platform_that_reaches_a_softer_verdict_is_a_warning() {
    for (rules, otherwise, expected) in SOFTER {
        let found = warnings(Code::PlatformSoftens, rules, otherwise);
        let said = found.iter().map(|message| {
            message
                .replace("because of `", "")
                .replace("`, a request from ", " ")
                .replace(" can reach a softer verdict than the same one from ", " ")
        });
        assert_eq!(said.collect::<Vec<_>>(), *expected, "{rules:?} {otherwise}");
    }
}
