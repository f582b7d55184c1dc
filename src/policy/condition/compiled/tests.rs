//! Rules that fill more than one machine word, and more than one block.

use crate::domain::{Decision, Facts, UserId};
use crate::policy::Bundle;
use crate::policy::sample::{request, scope_bundle};

/// The scope `a:b` with these rules, each of which blocks; `otherwise` asks for a step.
fn bundle(rules: &[String]) -> Bundle {
    let rules: String = rules
        .iter()
        .enumerate()
        .map(|(at, rule)| format!("  - {{ id: r{at}, then: block, {rule} }}\n"))
        .collect();
    scope_bundle(&format!(
        "scopes: [a:b]
rules:
{rules}otherwise: {{ review: {{ grant: {{ mode: single-use, for: 5m }}, steps: [kyc_review] }} }}
"
    ))
}

fn rule_of(decision: &Decision) -> Option<&str> {
    decision.rule.as_ref().map(crate::domain::RuleId::as_str)
}

fn of_user(at: usize) -> Facts {
    Facts { user_id: UserId::new(&format!("usr_{at}")).expect("a user id"), ..request("a:b") }
}

#[test]
fn every_condition_of_a_rule_counts_beyond_the_first_word_too() {
    for count in [63, 64, 65, 129, 256] {
        let each: Vec<_> = (0..count).map(|at| format!("{{ user_id: {{ eq: usr_{at} }} }}")).collect();
        let any = bundle(&[format!("when: {{ any: [{}] }}", each.join(", "))]);
        let all = bundle(&[format!(
            "when: {{ all: [{}] }}",
            each.join(", ").replace("eq: usr_", "starts_with: usr")
        )]);
        for at in [0, 62, count - 1] {
            let decision = any.decide_alone(&of_user(at));
            let expected: String = (0..count).map(|other| if other == at { '1' } else { '0' }).collect();
            assert_eq!(
                (rule_of(&decision), &decision.seen.outcomes),
                (Some("r0"), &expected),
                "{at} of {count}"
            );
        }
        assert_eq!(rule_of(&any.decide_alone(&of_user(count))), None, "{count}");
        assert_eq!(rule_of(&all.decide_alone(&of_user(count))), None, "{count}");
    }
}

#[test]
fn the_rule_that_decides_is_found_in_whichever_block_it_stands() {
    let rules: Vec<_> = (0..200).map(|at| format!("when: {{ user_id: {{ eq: usr_{at} }} }}")).collect();
    let bundle = bundle(&rules);
    for at in [0, 1, 62, 63, 64, 65, 127, 128, 129, 199] {
        let decision = bundle.decide_alone(&of_user(at));
        assert_eq!(rule_of(&decision), Some(&*format!("r{at}")));
        assert_eq!(decision.seen.outcomes, "0".repeat(at) + "1");
    }
    let decision = bundle.decide_alone(&of_user(200));
    assert_eq!((rule_of(&decision), &decision.seen.outcomes), (None, &"0".repeat(200)));
}

/// A rule without a condition takes no bit of the outcomes, and one of those that tell which rules hold.
#[test]
fn rules_without_conditions_fill_blocks_too() {
    let mut rules = vec!["when: always, observe: true".to_owned(); 130];
    rules.push("when: { scope: { eq: a:b } }".to_owned());
    let decision = bundle(&rules).decide_alone(&request("a:b"));
    assert_eq!((rule_of(&decision), &*decision.seen.outcomes), (Some("r130"), "1"));
}
