use crate::domain::Facts;
use crate::policy::sample::{Asking, NEXT_DAY, request, scope_bundle};

/// The scope `a:b` with metadata of every kind and one rule, `r`, that blocks; `otherwise` asks for a step.
fn file(when: &str) -> String {
    format!(
        "scopes: [a:b, a:c]
metadata:
  amount: {{ type: decimal }}
  currency: {{ type: string, one_of: [USD, EUR] }}
  payee: {{ type: string, normalise: [trim, upper] }}
  note: {{ type: string, optional: true }}
  tip: {{ type: decimal, optional: true }}
money:
  value: {{ amount: metadata.amount, currency: metadata.currency }}
  extra: {{ amount: metadata.tip, currency: metadata.currency }}
rules:
  - id: r
    {when}
    then: block
otherwise:
  review: {{ grant: {{ mode: single-use, for: 5m }}, steps: [kyc_review] }}
"
    )
}

/// A request with `fields` over usable defaults.
fn with(fields: &[(&str, &str)]) -> Facts {
    let defaults = [("amount", "10"), ("currency", "USD"), ("payee", "DE12")];
    let kept = defaults.iter().filter(|(name, _)| !fields.iter().any(|(other, _)| other == name));
    let all: Vec<_> = kept.chain(fields).copied().collect();
    request("a:b").with_metadata(&all)
}

/// Whether the rule decides about the request, and what it noted for each condition.
fn outcome(when: &str, facts: &Facts) -> (bool, String) {
    let decision = scope_bundle(&file(when)).decide_alone(facts);
    (decision.rule.is_some(), decision.seen.outcomes)
}

fn check(cases: &[(&str, Facts, bool)]) {
    for (condition, facts, expected) in cases {
        let (matched, outcomes) = outcome(&format!("when: {{ {condition} }}"), facts);
        assert_eq!(
            matched,
            *expected,
            "{condition} of {facts:?} {:?}",
            facts.metadata.iter().collect::<Vec<_>>()
        );
        assert_eq!(outcomes, if *expected { "1" } else { "0" }, "{condition}");
    }
}

#[test]
fn decimals() {
    let amount = |text| with(&[("amount", text)]);
    check(&[
        ("metadata.amount: { eq: 10 }", amount("10.00"), true),
        ("metadata.amount: { eq: 10 }", amount("10.01"), false),
        ("metadata.amount: { lt: 10 }", amount("9.99"), true),
        ("metadata.amount: { lt: 10 }", amount("10"), false),
        ("metadata.amount: { lte: 10 }", amount("10"), true),
        ("metadata.amount: { lte: 10 }", amount("10.01"), false),
        ("metadata.amount: { gt: 10 }", amount("10.01"), true),
        ("metadata.amount: { gt: 10 }", amount("10"), false),
        ("metadata.amount: { gte: 10 }", amount("10.0"), true),
        ("metadata.amount: { gte: 10 }", amount("9.99"), false),
        ("metadata.amount: { between: [5, 10] }", amount("5"), true),
        ("metadata.amount: { between: [5, 10] }", amount("10"), true),
        ("metadata.amount: { between: [5, 10] }", amount("4.99"), false),
        ("metadata.amount: { between: [5, 10] }", amount("10.01"), false),
        ("metadata.amount: { gt: '0.1' }", amount("0.10000000000000000000001"), true),
        ("metadata.amount: { gt: 99999999999999999999 }", amount("100000000000000000000"), true),
    ]);
}

#[test]
fn money_is_compared_with_the_bound_of_its_own_currency() {
    let money = |amount, currency| with(&[("amount", amount), ("currency", currency)]);
    check(&[
        ("money.value: { gte: [100 USD, 90 EUR] }", money("90", "EUR"), true),
        ("money.value: { gte: [100 USD, 90 EUR] }", money("90", "USD"), false),
        ("money.value: { gte: [90 EUR, 100 USD] }", money("99.99", "USD"), false),
        ("money.value: { lt: [100 USD, 90 EUR] }", money("99", "USD"), true),
        ("money.value: { lt: [100 USD, 90 EUR] }", money("99", "EUR"), false),
        ("money.value: { eq: [100 USD, 90 EUR] }", money("90.0", "EUR"), true),
        ("money.value: { gt: [100 USD, 90 EUR] }", money("90", "EUR"), false),
        ("money.value: { lte: [100 USD, 90 EUR] }", money("90", "EUR"), true),
        ("money.value: { between: [[1 USD, 2 USD], [3 EUR, 4 EUR]] }", money("2", "USD"), true),
        ("money.value: { between: [[1 USD, 2 USD], [3 EUR, 4 EUR]] }", money("2", "EUR"), false),
        ("money.value: { between: [[1 USD, 2 USD], [3 EUR, 4 EUR]] }", money("3", "EUR"), true),
    ]);
}

/// 1 EUR is 1.25 USD or 0.7 GBP on the day of the request, and 1.6 USD or 0.5 GBP on the next.
#[test]
fn money_in_another_currency_is_converted_to_the_first_bound() {
    let money = |amount, currency| with(&[("amount", amount), ("currency", currency)]);
    let mut late = money("80", "EUR");
    late.received_at = NEXT_DAY;
    check(&[
        ("money.value: { gte: 100 USD }", money("80", "EUR"), true),
        ("money.value: { gte: 100 USD }", money("79.999", "EUR"), false),
        ("money.value: { gt: 100 USD }", money("80", "EUR"), false),
        ("money.value: { lte: 127 USD }", late.clone(), false),
        ("money.value: { eq: 128 USD }", late, true),
        ("money.value: { gte: 100 USD }", money("99", "USD"), false),
        ("money.value: { lt: 70 GBP }", money("100", "EUR"), false),
        ("money.value: { lt: 70 GBP }", money("99.99", "EUR"), true),
        ("money.value: { eq: 56 GBP }", money("100", "USD"), true),
        ("money.value: { between: [100 USD, 125 USD] }", money("100", "EUR"), true),
        ("money.value: { between: [100 USD, 125 USD] }", money("100.01", "EUR"), false),
        ("money.value: { between: [100 USD, 125 USD] }", money("79.99", "EUR"), false),
        // The bound of its own currency still wins, and a foreign first one is for those that have none.
        ("money.value: { gte: [100 USD, 200 EUR] }", money("199", "EUR"), false),
        ("money.value: { gte: [70 GBP, 200 EUR] }", money("199", "EUR"), false),
        ("money.value: { gte: [70 GBP, 200 EUR] }", money("125", "USD"), true),
        // Too large to be reckoned with is above every bound.
        ("money.value: { gte: 100 USD }", money("79228162514264337593543950335", "EUR"), true),
        ("money.value: { between: [1 USD, 9 USD] }", money("79228162514264337593543950335", "EUR"), false),
        // One unit of the twelfth decimal decides, upwards.
        ("money.value: { gte: 0.700000000001 GBP }", money("1.0000000000000000001", "EUR"), true),
        ("money.value: { lt: 0.700000000001 GBP }", money("1.0000000000000000001", "EUR"), false),
        ("money.value: { gt: 0.7 GBP }", money("1", "EUR"), false),
    ]);
}

#[test]
fn one_currency_needs_one_bound() {
    let bundle = scope_bundle(
        "scopes: [a:b]
metadata: { amount: { type: decimal }, currency: { type: string, one_of: [USD] } }
money: { value: { amount: metadata.amount, currency: metadata.currency } }
rules: [{ id: r, when: { money.value: { between: [10 USD, 20 USD] } }, then: block }]
otherwise: { review: { grant: { mode: single-use, for: 5m }, steps: [kyc_review] } }
",
    );
    let decide = |amount| {
        let facts = request("a:b").with_metadata(&[("amount", amount), ("currency", "USD")]);
        bundle.decide_alone(&facts).rule.is_some()
    };
    assert_eq!(["9", "10", "20", "21"].map(decide), [false, true, true, false]);
}

#[test]
fn texts() {
    let payee = |text| with(&[("payee", text)]);
    check(&[
        ("metadata.payee: { eq: DE12 }", payee(" de12 "), true),
        ("metadata.payee: { eq: DE12 }", payee("DE123"), false),
        // Texts that differ only behind their eighth byte, or only in length.
        ("metadata.payee: { eq: DE34567812 }", payee("DE34567813"), false),
        ("metadata.payee: { eq: '000000000' }", payee("0000000000"), false),
        ("metadata.payee: { in: [FR1, DE12] }", payee("DE12"), true),
        ("metadata.payee: { in: [FR1, DE12] }", payee("FR12"), false),
        ("metadata.payee: { starts_with: DE }", payee("de12"), true),
        ("metadata.payee: { starts_with: DE }", payee("12DE"), false),
        ("metadata.payee: { ends_with: '12' }", payee("DE12"), true),
        ("metadata.payee: { ends_with: '12' }", payee("DE123"), false),
        // More than eight bytes are compared another way, and so are more than sixteen.
        ("metadata.payee: { starts_with: DE1234567 }", payee("DE12345678"), true),
        ("metadata.payee: { starts_with: E12345678 }", payee("DE12345678"), false),
        ("metadata.payee: { ends_with: E12345678 }", payee("DE12345678"), true),
        ("metadata.payee: { ends_with: DE1234567 }", payee("DE12345678"), false),
        ("metadata.payee: { eq: DE345678A12345678 }", payee("DE345678A12345678"), true),
        ("metadata.payee: { eq: DE345678A12345678 }", payee("DE345678B12345678"), false),
        ("metadata.payee: { contains: E1 }", payee("DE12"), true),
        ("metadata.payee: { contains: E2 }", payee("DE12"), false),
        ("metadata.payee: { matches: '[A-Z]{2}[0-9]+' }", payee("DE12"), true),
        ("metadata.payee: { matches: '[A-Z]{2}[0-9]+' }", payee("DE12X"), false),
        ("user_id: { eq: usr_test }", with(&[]), true),
        ("user_id: { starts_with: test }", with(&[]), false),
        ("signals.user_agent: { contains: curl }", with(&[]).with_user_agent("curl/8"), true),
        ("signals.user_agent: { contains: Curl }", with(&[]).with_user_agent("curl/8"), false),
        ("signals.user_agent: { eq: x }", with(&[]), false),
    ]);
}

#[test]
fn scopes_platforms_and_addresses() {
    let net = "signals.ip: { in_cidr: [198.51.100.0/24, '2001:db8::/32'] }";
    check(&[
        ("scope: { eq: a:b }", with(&[]), true),
        ("scope: { in: [a:c] }", with(&[]), false),
        ("signals.platform: { eq: WEB }", with(&[]), true),
        ("signals.platform: { in: [IOS, ANDROID] }", with(&[]).with_platform("IOS"), true),
        ("signals.platform: { in: [WEB, IOS, ANDROID] }", with(&[]).with_platform("TV"), false),
        (net, with(&[]).with_ip("198.51.100.255"), true),
        (net, with(&[]).with_ip("198.51.101.0"), false),
        (net, with(&[]).with_ip("2001:db8:1::1"), true),
        (net, with(&[]).with_ip("::ffff:198.51.100.1"), true),
        ("signals.ip: { in_cidr: 198.51.100.0/24 }", with(&[]).with_ip("::ffff:198.51.100.1"), true),
        ("signals.ip: { in_cidr: 198.51.100.0/24 }", with(&[]).with_ip("2001:db8::198.51.100.1"), false),
        ("signals.ip: { in_cidr: 192.0.2.1 }", with(&[]), true),
        ("signals.ip: { in_cidr: 192.0.2.2 }", with(&[]), false),
    ]);
}

#[test]
fn identifiers() {
    let both = || with(&[]).with_phone().with_email();
    let phone = "identifiers.any: { type: phone_number }";
    check(&[
        (phone, both(), true),
        (phone, with(&[]).with_email(), false),
        (phone, with(&[]), false),
        ("identifiers.every: { type: phone_number }", both(), false),
        ("identifiers.every: { type: phone_number }", with(&[]).with_phone(), true),
        ("identifiers.every: { type: [phone_number, email_address] }", both(), true),
        ("identifiers.every: { type: phone_number }", with(&[]), false),
        ("identifiers.any: { phone_prefix: [+49, +33] }", both(), true),
        ("identifiers.any: { phone_prefix: +44 }", both(), false),
        ("identifiers.any: { email_domain: example.com }", both(), true),
        ("identifiers.any: { email_domain: ample.com }", both(), false),
        ("identifiers.every: { email_domain: example.com }", both(), false),
        ("identifiers.every: { email_domain: example.com }", with(&[]).with_email(), true),
        ("identifiers.every: { email_domain: example.com }", with(&[]), false),
        (
            "identifiers.any: { email_domain: example.com }",
            with(&[]).with_identifier("email_address", "a@b@EXAMPLE.com"),
            true,
        ),
        (
            "identifiers.any: { email_domain: example.com }",
            with(&[]).with_identifier("phone_number", "+33@example.com"),
            false,
        ),
        (
            "identifiers.any: { phone_prefix: +33 }",
            with(&[]).with_identifier("email_address", "+33@example.com"),
            false,
        ),
        ("identifiers.any: { type: phone_number }", with(&[]).with_identifier("passport", "+33"), false),
        ("identifiers.count: { eq: 2 }", both(), true),
        ("identifiers.count: { gte: 1 }", with(&[]), false),
        ("identifiers.count: { between: [0, 1] }", with(&[]), true),
    ]);
}

/// The keys of one map speak of one identifier: a French phone and a German one do not make one that is both.
#[test]
fn keys_of_one_map_speak_of_one_identifier() {
    let facts =
        with(&[]).with_identifier("email_address", "+33@x.org").with_identifier("phone_number", "+4912");
    check(&[("identifiers.any: { type: phone_number, phone_prefix: +33 }", facts, false)]);
}

#[test]
fn conditions_are_joined_and_all_are_noted() {
    let cases = [
        ("{ user_id: { eq: no }, scope: { eq: a:b } }", false, "01"),
        ("{ user_id: { eq: usr_test }, scope: { eq: a:b } }", true, "11"),
        ("{ metadata.amount: { gt: 1, lt: 5 } }", false, "10"),
        ("{ all: [{ user_id: { eq: no } }, { scope: { eq: a:b } }] }", false, "01"),
        ("{ any: [{ user_id: { eq: no } }, { scope: { eq: a:b } }] }", true, "01"),
        ("{ any: [{ scope: { eq: a:b } }, { user_id: { eq: no } }] }", true, "10"),
        ("{ any: [{ scope: { eq: a:c } }, { user_id: { eq: no } }] }", false, "00"),
        ("{ not: { user_id: { eq: no } } }", true, "0"),
        ("{ not: { user_id: { eq: no }, scope: { eq: a:b } } }", true, "01"),
        ("{ not: { not: { scope: { eq: a:b } } } }", true, "1"),
        ("{ not: { any: [{ scope: { eq: a:b } }, { user_id: { eq: no } }] } }", false, "10"),
        ("{ any: [{ scope: { eq: a:b }, user_id: { eq: no } }, { scope: { eq: a:b } }] }", true, "101"),
        ("always", true, ""),
    ];
    for (when, matched, outcomes) in cases {
        assert_eq!(outcome(&format!("when: {when}"), &with(&[])), (matched, outcomes.to_owned()), "{when}");
    }
}

#[test]
fn absence_counts_for_or_against_the_rule_also_under_not() {
    let eq = "{ metadata.note: { eq: gift } }";
    let not = "{ not: { metadata.note: { eq: gift } } }";
    let twice = "{ not: { not: { metadata.note: { eq: gift } } } }";
    let other = "{ any: [{ metadata.note: { eq: gift } }, { scope: { eq: a:b } }] }";
    let extra = "{ money.extra: { gt: [5 USD, 5 EUR] } }";
    let cases = [
        (eq, "match", true, "1"),
        (not, "match", true, "0"),
        (twice, "match", true, "1"),
        (extra, "match", true, "1"),
    ];
    for (when, if_absent, matched, outcomes) in cases {
        let text = format!("when: {when}\n    if_absent: {if_absent}");
        assert_eq!(outcome(&text, &with(&[])), (matched, outcomes.to_owned()), "{text}");
        let sent_empty = with(&[("note", ""), ("tip", "")]);
        assert_eq!(outcome(&text, &sent_empty), (matched, outcomes.to_owned()), "{text}");
    }
    let text = format!("when: {other}\n    if_absent: match");
    assert_eq!(outcome(&text, &with(&[])), (true, "11".to_owned()));
}

/// `no_match` on a block is refused where anything softer follows, so these block on both sides.
#[test]
fn absence_counts_against_the_rule_with_no_match() {
    let cases = [
        ("{ metadata.note: { eq: gift } }", "0"),
        ("{ not: { metadata.note: { eq: gift } } }", "1"),
        ("{ money.extra: { gt: [5 USD, 5 EUR] } }", "0"),
        ("{ metadata.note: { present: true }, metadata.tip: { gt: 1 } }", "00"),
    ];
    for (when, outcomes) in cases {
        let text = file(&format!("when: {when}\n    if_absent: no_match"));
        let text = text.split("otherwise:").next().expect("the rules").to_owned() + "otherwise: block\n";
        let decision = scope_bundle(&text).decide_alone(&with(&[]));
        assert_eq!((decision.rule.is_some(), decision.seen.outcomes.as_str()), (false, outcomes), "{when}");
    }
}

#[test]
fn presence_can_be_asked_for() {
    check(&[
        ("metadata.note: { present: false }", with(&[]), true),
        ("metadata.note: { present: false }", with(&[("note", "x")]), false),
        ("money.extra: { present: false }", with(&[]), true),
        ("money.extra: { present: false }", with(&[("tip", "1")]), false),
    ]);
    let not = "when: { not: { metadata.note: { present: true } } }";
    assert_eq!(outcome(not, &with(&[("note", "x")])), (false, "1".to_owned()));
    assert_eq!(outcome(not, &with(&[])), (true, "0".to_owned()));
}

#[test]
fn lists_are_looked_into_at_the_moment_of_the_request() {
    let later = |mut facts: Facts| {
        facts.received_at = NEXT_DAY;
        facts
    };
    let last_moment = |mut facts: Facts| {
        facts.received_at = crate::domain::Timestamp::from_unix_micros(NEXT_DAY.unix_micros() - 1);
        facts
    };
    let user = |id: &str| Facts { user_id: crate::domain::UserId::new(id).expect("an id"), ..with(&[]) };
    let payee = |text| with(&[("payee", text)]);
    let users = "user_id: { in_list: users }";
    let nets = "signals.ip: { in_list: nets }";
    let wide = "signals.ip: { mapped_by: { list: zones, eq: wide } }";
    check(&[
        (users, user("usr_a"), true),
        (users, user("usr_A"), false),
        (users, user("usr_b"), true),
        (users, last_moment(user("usr_b")), true),
        (users, later(user("usr_b")), false),
        (users, later(user("usr_a")), true),
        (nets, with(&[]).with_ip("198.51.100.200"), true),
        (nets, later(with(&[]).with_ip("198.51.100.200")), false),
        (nets, later(with(&[]).with_ip("198.51.100.127")), true),
        (nets, with(&[]).with_ip("::ffff:198.51.100.1"), true),
        (nets, with(&[]).with_ip("198.51.101.0"), false),
        (wide, with(&[]).with_ip("198.51.100.200"), true),
        (wide, with(&[]).with_ip("198.51.100.1"), false),
        (
            "signals.ip: { mapped_by: { list: zones, in: [six, narrow] } }",
            with(&[]).with_ip("2001:db8::7"),
            true,
        ),
        ("signals.ip: { mapped_by: { list: zones, in: [six, narrow] } }", with(&[]), false),
        ("metadata.payee: { in_list: payees }", payee("de12"), true),
        ("metadata.payee: { in_list: payees }", payee("DE13"), false),
        ("signals.platform: { in_list: apps }", with(&[]).with_platform("IOS"), true),
        ("signals.platform: { in_list: apps }", with(&[]), false),
        ("identifiers.any: { in_list: reach }", with(&[]).with_phone(), true),
        (
            "identifiers.any: { in_list: reach }",
            with(&[]).with_identifier("email_address", "Boss@X.org"),
            true,
        ),
        ("identifiers.any: { in_list: reach }", with(&[]).with_email(), false),
        ("identifiers.every: { in_list: reach }", with(&[]).with_email().with_phone(), false),
    ]);
}
