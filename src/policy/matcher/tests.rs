//! Properties of every bundle that loads and every request.

use std::collections::HashSet;

use proptest::prelude::*;

use super::Bundle;
use crate::domain::{
    Decision, Facts, Grant, GrantMode, IdentifierKind, Platform, RulePlace, Scope, Timestamp, Verdict,
};
use crate::policy::sample::{Asking, NOW, RATES, bundle, line, request, scope_bundle};
use crate::policy::{Code, Severity, load_files, shipped};

mod naive;

use naive::{RuleSpec, any_event, any_request, any_rules, decide, document, files};

/// Loads generated rules; `None` where a law refuses them, which is the only way in which they may fail.
fn load(rules: &[RuleSpec]) -> Option<Bundle> {
    let text = document(rules);
    match load_files(files(&text), NOW) {
        Ok(bundle) => Some(bundle),
        Err(faults) => {
            let laws = [Code::ContinueAboveBlock, Code::OmissionSoftens, Code::AskingSoftens];
            let mut errors = faults.iter().filter(|fault| fault.severity == Severity::Error);
            assert!(errors.all(|fault| laws.contains(&fault.code)), "{text}\n{faults}");
            None
        }
    }
}

/// What Prelude refuses, and what a user could not do (docs/CONTRACT.md C4).
fn assert_acceptable(facts: &Facts, decision: &Decision) {
    let good = |grant: &Grant| (1..=86_400).contains(&grant.granted_for.get());
    match &decision.verdict {
        Verdict::Block => {}
        Verdict::Continue(grant) => assert!(good(grant)),
        Verdict::Review(grant, plan) => {
            assert!(good(grant));
            assert!(!plan.steps().is_empty());
            let keys: HashSet<_> = plan.steps().iter().map(|step| step.key.as_str()).collect();
            assert_eq!(keys.len(), plan.steps().len(), "a key twice in {plan:?}");
            for step in plan.steps() {
                assert!((1..=86_400).contains(&step.expires_in.get()));
                assert_ne!(step.key.as_str(), "completed");
                assert!(can_walk(facts, step.key.as_str()), "{facts:?} cannot walk {step:?}");
            }
        }
    }
    assert!(decision.verdict == Verdict::Block || decision.rule.is_some(), "otherwise is block here");
    let seen: serde_json::Value = serde_json::from_str(&decision.seen.values_json).expect("JSON");
    assert!(seen.is_object());
    assert!(decision.seen.outcomes.bytes().all(|byte| byte == b'0' || byte == b'1'));
}

fn can_walk(facts: &Facts, step: &str) -> bool {
    let has = |kind: IdentifierKind| facts.identifiers.iter().any(|identifier| identifier.kind == kind);
    match step {
        "verify_sms" => has(IdentifierKind::PhoneNumber),
        "verify_email" => has(IdentifierKind::EmailAddress),
        "verify_passkey" => facts.signals.platform == Platform::Ios,
        "kyc_review" => facts.signals.platform == Platform::Web,
        "video_call" => facts.signals.platform != Platform::Web,
        _ => false,
    }
}

/// Written for the test, apart from the checker's own order.
fn gains(new: &Verdict, old: &Verdict) -> bool {
    let rank = |verdict: &Verdict| match verdict {
        Verdict::Continue(_) => 0,
        Verdict::Review(..) => 1,
        Verdict::Block => 2,
    };
    let wider = |mode: GrantMode| GrantMode::ALL.iter().position(|known| *known == mode);
    let more =
        |new: &Grant, old: &Grant| new.granted_for > old.granted_for || wider(new.mode) > wider(old.mode);
    match (new, old) {
        (Verdict::Continue(new), Verdict::Continue(old)) => more(new, old),
        (Verdict::Review(new, plan), Verdict::Review(old, old_plan)) => {
            let keys: Vec<_> = plan.steps().iter().map(|step| &step.key).collect();
            more(new, old) || old_plan.steps().iter().any(|step| !keys.contains(&&step.key))
        }
        _ => rank(new) < rank(old),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, max_global_rejects: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn the_matcher_agrees_with_a_naive_interpreter(rules in any_rules(), asked in prop::collection::vec(any_request(), 8)) {
        let Some(bundle) = load(&rules) else { return Err(TestCaseError::reject("a law refuses it")) };
        for asked in &asked {
            let facts = asked.facts();
            let decision = asked.decide(&bundle);
            assert_acceptable(&facts, &decision);
            let (rule, outcomes) = decide(&rules, asked);
            prop_assert_eq!(decision.rule.as_ref().map(|rule| rule.as_str().to_owned()), rule, "{}", document(&rules));
            prop_assert_eq!(&decision.seen.outcomes, &outcomes);
            prop_assert_eq!(&asked.decide(&bundle), &decision);
            let of_place = decision.place.and_then(|RulePlace(place)| bundle.deciding_rules().nth(place).flatten());
            prop_assert_eq!(of_place.map(|(_, rule)| rule), decision.rule.as_ref());
        }
    }

    #[test]
    fn leaving_a_field_out_never_gives_a_softer_verdict(rules in any_rules(), asked in prop::collection::vec(any_request(), 8)) {
        let Some(bundle) = load(&rules) else { return Err(TestCaseError::reject("a law refuses it")) };
        for asked in &asked {
            let full = asked.decide(&bundle).verdict;
            for less in asked.with_less() {
                let verdict = less.decide(&bundle).verdict;
                prop_assert!(!gains(&verdict, &full), "{:?} -> {:?}\n{}", full, verdict, document(&rules));
            }
        }
    }

    #[test]
    fn asking_again_never_gives_a_softer_verdict(
        rules in any_rules(),
        asked in prop::collection::vec((any_request(), prop::collection::vec(any_event(), 1..4)), 8),
    ) {
        let Some(bundle) = load(&rules) else { return Err(TestCaseError::reject("a law refuses it")) };
        for (asked, events) in &asked {
            let mut asked = asked.clone();
            for event in events {
                let more = asked.after(event.clone().only_asked());
                let (before, after) = (asked.decide(&bundle).verdict, more.decide(&bundle).verdict);
                prop_assert!(!gains(&after, &before), "{:?} -> {:?} after {:?}\n{}", before, after, more, document(&rules));
                asked = more;
            }
        }
    }

    #[test]
    fn no_request_reaches_a_continue_past_a_block_that_nobody_overrides(rules in any_rules(), asked in prop::collection::vec(any_request(), 8)) {
        if load(&rules).is_none() { return Err(TestCaseError::reject("a law refuses it")) }
        for asked in &asked {
            let matching: Vec<_> = rules.iter().filter(|rule| rule.matches(asked)).collect();
            let bypass = matching.iter().enumerate().any(|(at, rule)| {
                rule.continues() && matching.iter().skip(at + 1).any(|later| later.blocks())
            });
            prop_assert!(!bypass, "{}", document(&rules));
        }
    }

    #[test]
    fn a_rule_that_cannot_match_changes_nothing(rules in any_rules(), asked in any_request()) {
        let Some(bundle) = load(&rules) else { return Err(TestCaseError::reject("a law refuses it")) };
        let never = "  - { id: never, when: { metadata.amount: { gt: 5, lt: 5 } }, then: block }\n";
        let text = document(&rules).replacen("rules:\n", &format!("rules:\n{never}"), 1);
        let more = load_files(files(&text), NOW).expect("loads as before");
        let (with, without) = (asked.decide(&more), asked.decide(&bundle));
        prop_assert_eq!((with.verdict, with.rule, with.reason), (without.verdict, without.rule, without.reason));
    }

    #[test]
    fn no_text_and_no_request_can_panic(
        file in 0_usize..8,
        edits in prop::collection::vec((0..4000_usize, "[ -~\n]{0,3}|[{}\\[\\]:,#&*!|>%@`'\"\\\\\t]|\u{fe0f}", 0_usize..6), 0..4),
        asked in any_request(),
        scope in prop::sample::select(vec!["transfer:write", "profile.email:write", "prld:pwd:write", "x"]),
    ) {
        let mut files: Vec<(String, String)> =
            shipped().into_iter().chain([("rates.yaml", RATES)]).map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
        let mut chars: Vec<char> = files[file].1.chars().collect();
        for (place, text, removed) in edits {
            let at = place % (chars.len() + 1);
            let end = (at + removed).min(chars.len());
            chars.splice(at..end, text.chars());
        }
        files[file].1 = chars.into_iter().collect();
        match load_files(files, NOW) {
            Ok(bundle) => {
                let facts = Facts { scope: Scope::new(scope).expect("a scope"), ..asked.facts() };
                let decision = bundle.decide_alone(&facts);
                prop_assert!(serde_json::from_str::<serde_json::Value>(&decision.seen.values_json).is_ok());
            }
            Err(faults) => prop_assert!(faults.has_errors() && !faults.to_string().is_empty()),
        }
    }
}

#[test]
fn metadata_is_judged_before_any_rule() {
    let bundle = load_files(shipped(), NOW).expect("the shipped bundle");
    let facts = request("transfer:write").with_ip("198.51.100.7");
    let decision = bundle.decide_alone(&facts);
    assert_eq!(decision.reason.to_string(), "metadata.amount: missing");
    assert_eq!((decision.seen.values_json.as_str(), decision.seen.outcomes.as_str()), ("{}", ""));
}

#[test]
fn rules_for_every_scope_come_first_and_their_messages_are_found() {
    let always =
        "rules: [{ id: frozen, when: { user_id: { eq: usr_test } }, then: block, message: On hold. }]\n";
    let own =
        "scopes: [a:b]\nrules: [{ id: all, when: always, then: block, message: No. }]\notherwise: block\n";
    let bundle = bundle(&[("always.yaml", always), ("a.yaml", own)]);
    let facts = request("a:b");
    let decision = bundle.decide_alone(&facts);
    assert_eq!(line(&decision), "block / frozen / rule_matched");
    let message = |rule: &str| {
        let rule = crate::domain::RuleId::new(rule).expect("an id");
        bundle.message(&facts.scope, &rule).map(str::to_owned)
    };
    assert_eq!(
        [message("frozen"), message("all"), message("none")],
        [Some("On hold.".to_owned()), Some("No.".to_owned()), None]
    );
    let uncovered = request("a:c");
    assert_eq!(line(&bundle.decide_alone(&uncovered)), "block / - / scope_not_covered");
}

#[test]
fn a_rule_is_found_again_by_its_place_in_the_bundle() {
    let rules = |scope: &str, other: &str| {
        format!(
            "scopes: ['{scope}']\nrules:\n  - {{ id: seen, when: always, observe: true, then: block }}\n  - {{ id: other, when: \
             {{ user_id: {{ eq: {other} }} }}, then: block }}\n  - {{ id: all, when: always, then: block }}\notherwise: block\n"
        )
    };
    let always = "rules: [{ id: frozen, when: { user_id: { eq: usr_frozen } }, then: block }]\n";
    let (one, two) = (rules("a:b", "usr_none"), rules("a:c", "usr_test"));
    let bundle = bundle(&[("always.yaml", always), ("a.yaml", &one), ("b.yaml", &two)]);
    let found = |scope: &str, user: &str| {
        let mut facts = request(scope);
        facts.user_id = crate::domain::UserId::new(user).expect("a user");
        let RulePlace(place) = bundle.decide_alone(&facts).place.expect("a rule decided");
        bundle.deciding_rules().nth(place).flatten().map(|(policy, rule)| format!("{policy}/{rule}"))
    };
    assert_eq!(found("a:b", "usr_frozen").as_deref(), Some("always/frozen"));
    assert_eq!(found("a:b", "usr_test").as_deref(), Some("a/all"));
    assert_eq!(found("a:c", "usr_test").as_deref(), Some("b/other"));
    assert_eq!(found("a:c", "usr_none").as_deref(), Some("b/all"));
    assert_eq!(bundle.deciding_rules().filter(Option::is_none).count(), 2);
}

#[test]
fn personal_values_are_masked_where_they_are_kept() {
    let text = "scopes: [a:b]
rules:
  - id: r
    when:
      signals.ip: { in_cidr: 10.0.0.0/8 }
      signals.user_agent: { contains: x }
      identifiers.any: { type: phone_number }
      identifiers.count: { gt: 5 }
      signals.platform: { eq: IOS }
      user_id: { eq: a }
      scope: { eq: a:b }
    then: block
otherwise: block
";
    let bundle = scope_bundle(text);
    let facts = request("a:b").with_phone().with_email().with_user_agent("a \"b\"");
    let decision = bundle.decide_alone(&facts);
    let expected = r#"{"scope":"a:b","user_id":"usr_test","signals.ip":"192.0.2.0/24","signals.platform":"WEB","signals.user_agent":"a \"b\"","identifiers":["phone_number +33***78","email_address u***@example.com"],"identifiers.count":2}"#;
    assert_eq!(decision.seen.values_json, expected);
    assert_eq!(decision.seen.outcomes, "0010001");
}

#[test]
fn a_rule_decides_only_while_it_is_active_and_is_recorded_in_one_form() {
    let text = "scopes: [a:b]
rules:
  - { id: sale, when: { user_id: { eq: usr_test } }, active: { from: 2026-09-21, until: 2026-09-22 }, then: block }
otherwise: { continue: { grant: { mode: single-use, for: 5m } } }
";
    let bundle = scope_bundle(text);
    let start: i64 = 1_789_948_800;
    let cases = [(-1, false), (0, true), (2 * 86_400 - 1, true), (2 * 86_400, false)];
    for (offset, expected) in cases {
        let mut facts = request("a:b");
        facts.received_at = Timestamp::from_unix_seconds(start + offset);
        let decision = bundle.decide_alone(&facts);
        assert_eq!(decision.rule.is_some(), expected, "{offset}");
        assert_eq!(decision.seen.outcomes, "1", "{offset}");
    }
}

#[test]
fn a_rule_that_observes_is_noted_and_decides_nothing() {
    let text = "scopes: [a:b]
rules:
  - { id: all, when: always, observe: true, then: block }
  - { id: web, when: { signals.platform: { eq: WEB } }, observe: true, then: block }
  - { id: app, when: { signals.platform: { eq: IOS } }, observe: true, then: block }
  - { id: real, when: { user_id: { eq: usr_test } }, then: block }
  - { id: below, when: always, observe: true, then: block }
otherwise: block
";
    let decision = scope_bundle(text).decide_alone(&request("a:b"));
    assert_eq!(line(&decision), "block / real / rule_matched");
    let expected = r#"{"user_id":"usr_test","signals.platform":"WEB","observed":["all","web"]}"#;
    assert_eq!((decision.seen.values_json.as_str(), decision.seen.outcomes.as_str()), (expected, "101"));
    let alone =
        "scopes: [a:b]\nrules: [{ id: all, when: always, observe: true, then: block }]\notherwise: block\n";
    let decision = scope_bundle(alone).decide_alone(&request("a:b"));
    assert_eq!(
        (line(&decision).as_str(), decision.seen.values_json.as_str()),
        ("block / - / otherwise", r#"{"observed":["all"]}"#)
    );
}

/// Old rates block what they would decide, whatever the amount's currency, and nothing else.
#[test]
fn rates_that_are_too_old_block_the_scopes_that_convert() {
    let file = |scope: &str, bounds: &str, more: &str| {
        format!(
            "scopes: ['{scope}']
metadata: {{ amount: {{ type: decimal }}, currency: {{ type: string, one_of: [USD, EUR] }} }}
money: {{ value: {{ amount: metadata.amount, currency: metadata.currency }} }}
rules: [{{ id: large, when: {{ money.value: {{ gte: {bounds} }} }}, then: block{more} }}]
otherwise: {{ continue: {{ grant: {{ mode: single-use, for: 5m }} }} }}
"
        )
    };
    let files = [
        ("one.yaml", file("a:b", "100 USD", "")),
        ("two.yaml", file("a:c", "[100 USD, 90 EUR]", "")),
        ("three.yaml", file("a:d", "100 USD", ", observe: true")),
        ("rates.yaml", RATES.to_owned()),
    ];
    let bundle = load_files(files, NOW).unwrap_or_else(|faults| panic!("{faults}"));
    // The newest rates are of 22 September and good for four days after it.
    let last: i64 = 1_790_467_200;
    let passes = "continue single-use 300 / - / otherwise";
    let cases = [
        ("a:b", last, passes),
        ("a:b", last + 1, "block / - / rates_expired"),
        ("a:c", last + 1, passes),
        ("a:d", last + 1, passes),
    ];
    for (scope, second, expected) in cases {
        for currency in ["USD", "EUR"] {
            let mut facts = request(scope).with_metadata(&[("amount", "5"), ("currency", currency)]);
            facts.received_at = Timestamp::from_unix_seconds(second);
            assert_eq!(line(&bundle.decide_alone(&facts)), expected, "{scope} {second} {currency}");
        }
    }
    // What the page sent is judged first: it is wrong whatever the rates are.
    let mut facts = request("a:b");
    facts.received_at = Timestamp::from_unix_seconds(last + 1);
    let decision = bundle.decide_alone(&facts);
    assert_eq!(line(&decision), "block / - / metadata.amount: missing");
    assert_eq!(bundle.trace_decision(&facts, &decision).len(), 0);
}

#[test]
fn the_record_shows_converted_money_as_it_was_sent() {
    let text = "scopes: [a:b]
metadata: { amount: { type: decimal }, currency: { type: string, one_of: [USD, EUR] } }
money: { value: { amount: metadata.amount, currency: metadata.currency } }
rules: [{ id: large, when: { money.value: { gte: 100 USD } }, then: block }]
otherwise: { continue: { grant: { mode: single-use, for: 5m } } }
";
    let facts = request("a:b").with_metadata(&[("amount", "80.00"), ("currency", "EUR")]);
    let seen = scope_bundle(text).decide_alone(&facts).seen;
    assert_eq!((&*seen.values_json, &*seen.outcomes), (r#"{"money.value":"80.00 EUR"}"#, "1"));
}

#[test]
fn the_record_shows_the_moment_and_the_user_that_were_looked_at() {
    let text = "scopes: [a:b]
rules:
  - id: r
    when: { request.time: { zone: Europe/Berlin, hours: '16:00-17:00' }, bucket: { of: 100, below: 96, salt: kyc-v2 } }
    then: block
otherwise: block
";
    let decision = scope_bundle(text).decide_alone(&request("a:b"));
    let expected = r#"{"user_id":"usr_test","request.time":"2026-09-21T14:13:20Z"}"#;
    assert_eq!((decision.seen.values_json.as_str(), decision.seen.outcomes.as_str()), (expected, "11"));
}
