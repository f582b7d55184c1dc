//! Conditions on the past, each with a past and whether they hold; `given` is written as tests write it.

use crate::domain::{History, Timestamp};
use crate::policy::sample::{bundle, line, request};
use crate::policy::{Bundle, load_files, read_given, read_request};

const GRANTS: (&str, &str) = ("grants.yaml", "executions: reported\n");
const UNREPORTED: (&str, &str) = ("grants.yaml", "executions: unreported\n");

/// `a:b` takes money in dollars; `a:c` too; `a:d` takes nothing. One rule, `r`, blocks; the rest continues.
fn files(condition: &str) -> Vec<(String, String)> {
    let metadata = "metadata:
  amount: { type: decimal }
  currency: { type: string, one_of: [USD] }
  payee: { type: string, normalise: [upper] }
  note: { type: string, optional: true }
  tip: { type: decimal, optional: true }
money:
  value: { amount: metadata.amount, currency: metadata.currency }
  extra: { amount: metadata.tip, currency: metadata.currency }
";
    let reads_optional = ["note", "extra"].iter().any(|name| condition.contains(name));
    let if_absent = if reads_optional { "if_absent: match, " } else { "" };
    let rule = format!("rules: [{{ id: r, {if_absent}when: {{ history: {condition} }}, then: block }}]\n");
    let review = "{ review: { grant: { mode: single-use, for: 5m }, steps: [{ step: verify_sms, expires_in: 10m }], else: { continue: { grant: { mode: single-use, for: 5m } } } } }";
    vec![
        ("a.yaml".to_owned(), format!("scopes: [a:b]\n{metadata}{rule}otherwise: {review}\n")),
        ("c.yaml".to_owned(), format!("scopes: [a:c]\n{metadata}otherwise: block\n")),
        ("d.yaml".to_owned(), "scopes: [a:d]\notherwise: block\n".to_owned()),
    ]
}

fn load(condition: &str, grants: (&str, &str)) -> Bundle {
    let mut all = files(condition);
    all.push((grants.0.to_owned(), grants.1.to_owned()));
    // What is tried out here need not be wise: warnings and the laws are tested elsewhere.
    load_files(all, crate::policy::sample::NOW).unwrap_or_else(|faults| panic!("{condition}\n{faults}"))
}

/// Whether the rule decides about ten dollars to `p1`, what it recorded, and how it came out.
fn decide(bundle: &Bundle, given: &str, more: &str) -> (bool, String) {
    let text = format!(
        "{{ scope: a:b, identifiers: [phone_number], {more}metadata: {{ amount: 10, currency: USD, payee: p1 }} }}"
    );
    let facts = read_request("r", &text).unwrap_or_else(|faults| panic!("{faults}"));
    let given = if given.is_empty() { "[]".to_owned() } else { given.to_owned() };
    let history = read_given("g", &given, bundle, &facts).unwrap_or_else(|faults| panic!("{faults}"));
    let decision = bundle.decide_after(&facts, &history);
    let held = decision.rule.is_some();
    assert_eq!(decision.seen.outcomes, if held { "1" } else { "0" });
    assert_eq!(bundle.decide_after(&facts, &history), decision);
    (held, decision.seen.values_json)
}

fn check(cases: &[(&str, &str, bool)]) {
    for (condition, given, expected) in cases {
        let (held, seen) = decide(&load(condition, GRANTS), given, "");
        assert_eq!(held, *expected, "{condition} after {given}: {seen}");
    }
}

#[test]
fn calls_are_counted_with_the_call_itself() {
    let asked = "{ count: calls, by: user, over: 24h, counts: asked, gt: 2 }";
    let usable = "{ count: calls, by: user, over: 24h, counts: usable, gt: 1 }";
    let executed = "{ count: calls, by: user, over: 24h, counts: executed, gt: 0 }";
    check(&[
        (asked, "[{ ago: 1h, verdict: block }]", false),
        (asked, "[{ ago: 1h, verdict: block }, { ago: 2h, verdict: review }]", true),
        (asked, "[{ ago: 1h, verdict: block }, { ago: 25h, verdict: review }]", false),
        (asked, "[{ ago: 1h, verdict: block, user_id: usr_2 }, { ago: 2h, verdict: review }]", false),
        (usable, "[{ ago: 1h, verdict: block }]", false),
        // Ten minutes for its step and five for its grant.
        (usable, "[{ ago: 14m, verdict: review }]", true),
        (usable, "[{ ago: 15m, verdict: review }]", false),
        (usable, "[{ ago: 15m, verdict: review, usable_for: 16m }]", true),
        (usable, "[{ ago: 20h, verdict: review, executed: true }]", true),
        (executed, "[{ ago: 1m, verdict: review }]", false),
        (executed, "[{ ago: 1h, verdict: review, executed: true }]", true),
        (executed, "[{ ago: 25h, verdict: review, executed_ago: 23h }]", true),
    ]);
}

#[test]
fn unreported_executions_count_as_late_as_they_could_have_been() {
    let bundle = load("{ count: calls, by: user, over: 24h, counts: usable, gt: 1 }", UNREPORTED);
    let held = |given| decide(&bundle, given, "").0;
    assert!(held("[{ ago: 20h, verdict: review }]"));
    assert!(held("[{ ago: 1455m, verdict: review }]"), "24 hours and a quarter");
    assert!(!held("[{ ago: 1456m, verdict: review }]"));
    assert!(!held("[{ ago: 1h, verdict: block }]"));
}

#[test]
fn money_adds_up_with_the_calls_own() {
    let sum = "{ sum: money.value, by: user, over: 24h, counts: usable, gt: 100 USD }";
    let done = "{ sum: money.value, by: user, over: 24h, counts: executed, lt: 100 USD }";
    let paid = |amount: &str| {
        format!(
            "[{{ ago: 1h, verdict: review, executed: true, metadata: {{ amount: '{amount}', currency: USD, payee: x }} }}]"
        )
    };
    check(&[
        (sum, "[]", false),
        (sum, &paid("90"), false),
        (sum, &paid("90.01"), true),
        (done, "[]", true),
        (done, &paid("99.99"), true),
        (done, &paid("100"), false),
    ]);
    for (bounds, expected) in [("[10 USD, 20 USD]", true), ("[11 USD, 20 USD]", false)] {
        let between =
            format!("{{ sum: money.value, by: user, over: 24h, counts: usable, between: {bounds} }}");
        assert_eq!(decide(&load_unwise(&between), "[]", "").0, expected, "{bounds}");
    }
}

/// No overflow makes a limit silently not apply.
#[test]
fn a_sum_that_is_too_large_is_above_every_bound() {
    let nines = "79228162514264337593543950335";
    let given = format!(
        "[{{ ago: 1h, verdict: review, executed: true, metadata: {{ amount: '{nines}', currency: USD, payee: x }} }}]"
    );
    let window = "by: user, over: 24h, counts: usable";
    for (operator, expected) in [
        (format!("gt: {nines} USD"), true),
        (format!("gte: {nines} USD"), true),
        (format!("lt: {nines} USD"), false),
        (format!("lte: {nines} USD"), false),
        (format!("eq: {nines} USD"), false),
        (format!("between: [0 USD, {nines} USD]"), false),
    ] {
        let bundle = load_unwise(&format!("{{ sum: money.value, {window}, {operator} }}"));
        let (held, seen) = decide(&bundle, &given, "");
        assert_eq!(held, expected, "{operator}");
        assert!(
            seen.contains(r#""sum of money.value of usable calls by user over 24h":"too large USD""#),
            "{seen}"
        );
    }
}

/// Like [`load`], with an `otherwise` that nothing is softer than: laws have nothing to say.
fn load_unwise(condition: &str) -> Bundle {
    let mut all = files(condition);
    for (name, text) in &mut all {
        if name == "a.yaml" {
            *text = text.split("otherwise:").next().unwrap_or_default().to_owned() + "otherwise: block\n";
        }
    }
    all.push((GRANTS.0.to_owned(), GRANTS.1.to_owned()));
    load_files(all, crate::policy::sample::NOW).unwrap_or_else(|faults| panic!("{condition}\n{faults}"))
}

#[test]
fn different_values_are_counted_once_in_normal_form() {
    let distinct = "{ distinct: metadata.payee, by: user, over: 24h, counts: asked, gt: 2 }";
    let executed = "{ distinct: metadata.payee, by: user, over: 24h, counts: executed, gt: 0 }";
    let to = |payees: &[&str]| {
        let calls = payees.iter().map(|payee| {
            format!("{{ ago: 1h, verdict: review, executed: true, metadata: {{ amount: 1, currency: USD, payee: {payee} }} }}")
        });
        format!("[{}]", calls.collect::<Vec<_>>().join(", "))
    };
    check(&[
        (distinct, &to(&["p2"]), false),
        (distinct, &to(&["p2", "P2", "p1"]), false),
        (distinct, &to(&["p2", "p3"]), true),
        (executed, "[]", false),
        (executed, &to(&["p1"]), true),
    ]);
}

#[test]
fn the_last_time_is_never_or_some_time_ago() {
    let last = "{ last: { before: 180d }, by: user, counts: executed }";
    check(&[
        (last, "[]", false),
        (last, "[{ ago: 181d, verdict: review, executed: true }]", true),
        (last, "[{ ago: 180d, verdict: review, executed: true }]", false),
        (
            last,
            "[{ ago: 181d, verdict: review, executed: true }, { ago: 1d, verdict: review, executed: true }]",
            false,
        ),
        (last, "[{ ago: 181d, verdict: review }]", false),
    ]);
    let seen = |given| decide(&load(last, GRANTS), given, "").1;
    let words = "last of executed calls by user";
    assert_eq!(seen("[]"), format!(r#"{{"{words}":"never"}}"#));
    let once = seen("[{ ago: 1d, verdict: review, executed: true }]");
    assert_eq!(once, format!(r#"{{"{words}":"2025-12-31T12:00:00Z"}}"#));
}

#[test]
fn rejections_and_facts_belong_to_the_user() {
    let rejected = "{ count: rejected, over: 24h, gte: 2 }";
    let fact = "{ count: fact.email_changed, over: 7d, gt: 0 }";
    check(&[
        (rejected, "[{ ago: 1h, rejected: verify_sms }]", false),
        (rejected, "[{ ago: 1h, rejected: verify_sms }, { ago: 2h, rejected: verify_email }]", true),
        (
            rejected,
            "[{ ago: 1h, rejected: verify_sms }, { ago: 2h, rejected: verify_sms, user_id: x }]",
            false,
        ),
        (
            rejected,
            "[{ ago: 1h, rejected: verify_sms }, { ago: 2h, rejected: verify_sms, scope: a:c }]",
            false,
        ),
        (fact, "[{ ago: 6d, fact: email_changed }]", true),
        (fact, "[{ ago: 8d, fact: email_changed }]", false),
        (fact, "[{ ago: 6d, fact: phone_changed }]", false),
    ]);
}

#[test]
fn scopes_verdicts_and_subjects_narrow() {
    let elsewhere = "{ count: calls, by: user, scopes: [a:d], counts: asked, over: 24h, gt: 0 }";
    let blocks = "{ count: calls, by: user, verdicts: block, counts: asked, over: 24h, gt: 0 }";
    let known = "{ count: calls, by: [user, metadata.payee], counts: executed, over: 90d, eq: 0 }";
    let both = "{ sum: money.value, by: user, scopes: [a:b, a:c], counts: usable, over: 24h, gt: 50 USD }";
    let ip = "{ count: calls, by: ip, counts: asked, over: 1h, gt: 1 }";
    let identifier = "{ count: calls, by: identifier, counts: asked, over: 1h, gt: 1 }";
    check(&[
        (elsewhere, "[]", false),
        (elsewhere, "[{ ago: 1h, verdict: block }]", false),
        (elsewhere, "[{ ago: 1h, verdict: block, scope: a:d }]", true),
        (blocks, "[{ ago: 1h, verdict: review }]", false),
        (blocks, "[{ ago: 1h, verdict: block }]", true),
        (known, "[{ ago: 80d, verdict: review, executed: true }]", false),
        (
            known,
            "[{ ago: 80d, verdict: review, executed: true, metadata: { amount: 1, currency: USD, payee: P1 } }]",
            false,
        ),
        (
            known,
            "[{ ago: 80d, verdict: review, executed: true, metadata: { amount: 1, currency: USD, payee: p2 } }]",
            true,
        ),
        (known, "[{ ago: 80d, verdict: review }]", true),
        (
            both,
            "[{ ago: 1m, verdict: review, scope: a:c, metadata: { amount: 41, currency: USD, payee: x }, executed: true }]",
            true,
        ),
        (ip, "[{ ago: 1m, verdict: block, user_id: x }]", true),
        (ip, "[{ ago: 1m, verdict: block, ip: 192.0.2.2 }]", false),
        (identifier, "[{ ago: 1m, verdict: block, user_id: x }]", true),
        (identifier, "[{ ago: 1m, verdict: block, identifiers: [email_address] }]", false),
    ]);
}

/// The usual moment of a request is a Thursday at noon in UTC.
#[test]
fn periods_and_executed_reviews_begin_the_count_anew() {
    let week = "{ count: calls, by: user, per: week, zone: UTC, counts: asked, gt: 1 }";
    let since = "{ sum: money.value, by: user, since: executed_review, counts: usable, gt: 100 USD }";
    let small = "verdict: continue, executed: true, metadata: { amount: 95, currency: USD, payee: x }";
    check(&[
        (week, "[{ ago: 84h, verdict: block }]", true),
        (week, "[{ ago: 85h, verdict: block }]", false),
        (since, &format!("[{{ ago: 200d, {small} }}]"), true),
        (since, &format!("[{{ ago: 200d, {small} }}, {{ ago: 1d, verdict: review }}]"), true),
        (
            since,
            &format!("[{{ ago: 200d, {small} }}, {{ ago: 1d, verdict: review, executed: true }}]"),
            false,
        ),
    ]);
}

/// An absent optional field makes the condition what `if_absent` says: here, a match.
#[test]
fn what_the_call_lacks_is_for_if_absent_to_say() {
    let by_note = "{ count: calls, by: [user, metadata.note], counts: asked, over: 24h, gt: 9 }";
    let tips = "{ sum: money.extra, by: user, counts: usable, over: 24h, gt: 9 USD }";
    for condition in [by_note, tips] {
        let (held, seen) = decide(&load(condition, GRANTS), "[]", "");
        assert!(held, "{condition}");
        assert!(seen.ends_with(":null}"), "{seen}");
    }
    // What others' calls had is no question of what this one has.
    let others = "{ sum: money.extra, by: user, scopes: [a:c], counts: usable, over: 24h, gt: 9 USD }";
    let text = files(others).swap_remove(0).1.replace("if_absent: match, ", "");
    let mut all = files("");
    all[0].1 = text;
    assert!(load_files(all, crate::policy::sample::NOW).is_ok());
}

/// Each number is recorded once, with the call itself, and no subject's value is.
#[test]
fn the_record_shows_numbers_and_no_subjects() {
    let text = "scopes: [a:b]
rules:
  - id: r
    when:
      any:
        - history: { count: calls, by: [ip, user], over: 1h, counts: asked, gt: 5, lt: 7 }
        - history: { count: calls, by: [user, ip], over: 60m, counts: asked, gte: 6 }
    then: block
otherwise: block
";
    let bundle = bundle(&[("a.yaml", text)]);
    let facts = request("a:b");
    assert_eq!(bundle.needs(&facts.scope).as_slice().len(), 1);
    let history = read_given("g", "[{ ago: 1m, verdict: block }]", &bundle, &facts).expect("a past");
    let decision = bundle.decide_after(&facts, &history);
    let expected = r#"{"asked calls by user and ip over 1h":2}"#;
    assert_eq!((decision.seen.values_json.as_str(), decision.seen.outcomes.as_str()), (expected, "010"));
}

/// Answers to other questions decide nothing: the request is blocked, and the record says why.
#[test]
fn without_its_own_answers_a_request_is_blocked() {
    let bundle = load("{ count: calls, by: user, over: 24h, counts: asked, gt: 2 }", GRANTS);
    let other = load("{ count: calls, by: user, over: 25h, counts: asked, gt: 2 }", GRANTS);
    let text = "{ scope: a:b, metadata: { amount: 1, currency: USD, payee: x } }";
    let facts = read_request("r", text).expect("a request");
    let foreign = read_given("g", "[]", &other, &facts).expect("a past");
    for history in [&History::none(), &foreign] {
        let decision = bundle.decide_after(&facts, history);
        assert_eq!(line(&decision), "block / - / history_missing");
        assert!(bundle.explain_decision(&facts, &decision).is_some());
    }
    let late = crate::domain::Facts { received_at: Timestamp::from_unix_micros(i64::MAX), ..facts };
    let history = read_given("g", "[]", &bundle, &late).expect("a past");
    assert!(bundle.decide_after(&late, &history).rule.is_none(), "no moment is too late to decide");
}

#[test]
fn rules_for_every_scope_may_ask_about_the_past_too() {
    let always = "rules: [{ id: burst, when: { history: { count: calls, by: ip, over: 1m, counts: asked, gt: 1 } }, then: block }]\n";
    let own = "scopes: [a:b, a:c]\nrules: [{ id: own, when: { history: { count: calls, by: user, over: 1h, counts: asked, gt: 1 } }, then: block }]\notherwise: block\n";
    let bundle =
        bundle(&[("always.yaml", always), ("a.yaml", own), ("b.yaml", "scopes: [a:d]\notherwise: block\n")]);
    let needs = |scope| {
        let facts = request(scope);
        bundle.needs(&facts.scope).as_slice().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(needs("a:c"), ["asked calls by ip over 1m", "asked calls by user over 1h"]);
    assert_eq!(needs("a:d"), ["asked calls by ip over 1m"]);
    assert_eq!(needs("a:e"), [""; 0]);
    let facts = request("a:d");
    let history =
        read_given("g", "[{ ago: 1s, user_id: x, verdict: block }]", &bundle, &facts).expect("a past");
    assert_eq!(line(&bundle.decide_after(&facts, &history)), "block / burst / rule_matched");
    let other = read_given("g", "[{ ago: 1s, user_id: x, verdict: block, scope: a:b }]", &bundle, &facts)
        .expect("a past");
    assert_eq!(line(&bundle.decide_after(&facts, &other)), "block / - / otherwise");
}

/// Each day's money by the rates of that day, the call's own by those of today.
#[test]
fn a_sum_in_several_currencies_is_added_up_by_the_rates_of_each_day() {
    let text = "scopes: [a:b]
metadata:
  amount: { type: decimal }
  currency: { type: string, one_of: [USD, EUR] }
money:
  value: { amount: metadata.amount, currency: metadata.currency }
rules:
  - { id: r, when: { history: { sum: money.value, by: user, over: 60d, counts: asked, gt: 100 USD } }, then: block }
otherwise: block
";
    let rates =
        "base: EUR\nmax_age: 4d\nrates:\n  2026-09-01: { USD: \"2\" }\n  2026-09-20: { USD: \"3\" }\n";
    let bundle = bundle(&[("a.yaml", text), ("rates.yaml", rates)]);
    let held = |given: &str, amount: &str, currency: &str| {
        let request = format!(
            "{{ scope: a:b, at: '2026-09-21T12:00:00Z', metadata: {{ amount: '{amount}', currency: {currency} }} }}"
        );
        let facts = read_request("r", &request).expect("a request");
        let past = read_given("g", given, &bundle, &facts).unwrap_or_else(|faults| panic!("{faults}"));
        let decision = bundle.decide_after(&facts, &past);
        (decision.rule.is_some(), decision.seen.values_json)
    };
    let euros =
        |ago: &str| format!("[{{ ago: {ago}, verdict: block, metadata: {{ amount: 10, currency: EUR }} }}]");
    assert!(!held("[]", "100", "USD").0);
    assert!(!held("[]", "33.33", "EUR").0);
    assert!(held("[]", "33.34", "EUR").0);
    // Ten euros were twenty dollars then, and are thirty today.
    assert!(!held(&euros("5d"), "80", "USD").0);
    assert!(held(&euros("5d"), "80.01", "USD").0);
    assert!(!held(&euros("1h"), "70", "USD").0);
    assert!(held(&euros("1h"), "70.01", "USD").0);
    let seen = held(&euros("5d"), "80", "USD").1;
    assert_eq!(seen, r#"{"sum of money.value of asked calls by user over 60d":"10 EUR, 80 USD"}"#);
    assert!(bundle.policies()[0].0.needed_rates.is_some());
}
