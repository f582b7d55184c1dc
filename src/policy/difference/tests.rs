use serde_json::{Value, json};

use super::*;
use crate::policy::sample::{RATES, bundle};

const RULES: &str = "scopes: [a:b]
metadata: { amount: { type: decimal, optional: true }, note: { type: string, optional: true } }
rules:
  - { id: first, when: { metadata.note: { eq: gift } }, if_absent: match, then: block }
  - { id: second, when: { signals.platform: { eq: IOS } }, then: block }
otherwise: block
";

fn told(before: &[(&str, &str)], now: &[(&str, &str)]) -> Value {
    serde_json::to_value(bundle(now).difference(&bundle(before))).expect("serialises")
}

/// What is told of one scope file whose text changed.
fn rules(now: &str) -> Value {
    told(&[("a.yaml", RULES)], &[("a.yaml", now)])["rules"].clone()
}

#[test]
fn rules_come_go_and_change_wherever_they_stand() {
    let of_a = |told: Value| {
        let mut all = json!({ "file": "a.yaml", "scopes": ["a:b"], "added": [], "removed": [], "changed": [],
            "reordered": false, "otherwise_changed": false });
        for (name, value) in told.as_object().expect("an object") {
            all[name] = value.clone();
        }
        json!([all])
    };
    let third = "  - { id: third, when: always, then: block }\notherwise";
    assert_eq!(rules(&RULES.replace("otherwise", third)), of_a(json!({ "added": ["third"] })));
    let second = "  - { id: second, when: { signals.platform: { eq: IOS } }, then: block }\n";
    assert_eq!(rules(&RULES.replace(second, "")), of_a(json!({ "removed": ["second"] })));
    assert_eq!(rules(&RULES.replace("IOS", "ANDROID")), of_a(json!({ "changed": ["second"] })));
    let said = "then: block, message: no }\notherwise";
    assert_eq!(
        rules(&RULES.replace("then: block }\notherwise", said)),
        of_a(json!({ "changed": ["second"] }))
    );
    let swapped = RULES.replace(second, "").replace("rules:\n", &format!("rules:\n{second}"));
    assert_eq!(rules(&swapped), of_a(json!({ "reordered": true })));
    let softer = RULES.replace("otherwise: block", OPEN);
    assert_eq!(rules(&softer), of_a(json!({ "otherwise_changed": true })));
}

/// An outcome that is no block.
const OPEN: &str = "otherwise: { review: { grant: { mode: single-use, for: 5m }, \
                    steps: [{ first_of: [verify_sms], expires_in: 10m }], else: block } }";

#[test]
fn what_moved_without_another_meaning_has_not_changed() {
    assert_eq!(rules(&format!("# A word first.\n\n{RULES}")), json!([]));
    let (amount, note) =
        ("amount: { type: decimal, optional: true }", "note: { type: string, optional: true }");
    let swapped = RULES.replace(&format!("{amount}, {note}"), &format!("{note}, {amount}"));
    assert_ne!(swapped, RULES);
    assert_eq!(rules(&swapped), json!([]));
    let renamed = told(&[("a.yaml", RULES)], &[("z.yaml", RULES)]);
    assert_eq!(renamed["rules"], json!([]));
    assert_eq!(renamed["files"], json!({ "added": ["z.yaml"], "removed": ["a.yaml"], "changed": [] }));
}

#[test]
fn a_new_days_rates_are_no_change_of_the_rules_that_convert() {
    let rule = |bound: &str| {
        format!(
            "scopes: [a:b]\nmetadata:\n  amount: {{ type: decimal, min: 0 }}\n  currency: {{ type: string, one_of: [USD, EUR] }}\n\
             money: {{ value: {{ amount: metadata.amount, currency: metadata.currency }} }}\n\
             rules: [{{ id: large, when: {{ money.value: {{ gte: {bound} USD }} }}, then: block }}]\notherwise: block\n"
        )
    };
    let (small, large) = (rule("10"), rule("20"));
    let newer = RATES.replace("0.5", "0.6");
    let before = [("a.yaml", small.as_str()), ("rates.yaml", RATES)];
    let of_rates = told(&before, &[("a.yaml", &small), ("rates.yaml", &newer)]);
    assert_eq!(of_rates["rules"], json!([]));
    assert_eq!(of_rates["files"]["changed"], json!(["rates.yaml"]));
    let of_both = told(&before, &[("a.yaml", &large), ("rates.yaml", &newer)]);
    assert_eq!(of_both["rules"][0]["changed"], json!(["large"]));
}

#[test]
fn files_scopes_and_the_rules_of_a_file_that_went_are_told() {
    let other = RULES.replace("a:b", "c:d");
    let always = "rules: [{ id: held, when: { user_id: { in_list: held } }, then: block }]\n";
    let before = [("a.yaml", RULES), ("always.yaml", always), ("lists/held.txt", "usr_1\n")];
    let now = [("b.yaml", other.as_str()), ("always.yaml", always), ("lists/held.txt", "usr_2\n")];
    let told = told(&before, &now);
    let files = json!({ "added": ["b.yaml"], "removed": ["a.yaml"], "changed": ["lists/held.txt"] });
    assert_eq!(told["files"], files);
    assert_eq!(told["scopes"], json!({ "added": ["c:d"], "removed": ["a:b"], "changed": [] }));
    let rules: Vec<_> = told["rules"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|part| (part["file"].as_str(), part["added"].clone(), part["removed"].clone()))
        .collect();
    let both = json!(["first", "second"]);
    assert_eq!(rules, [(Some("b.yaml"), both.clone(), json!([])), (Some("a.yaml"), json!([]), both)]);
    assert_eq!(told["omitted"], 0);
}

#[test]
fn a_long_difference_is_cut_and_counted() {
    let rule =
        |at: usize| format!("  - {{ id: r{at}, when: {{ user_id: {{ eq: u{at} }} }}, then: block }}\n");
    let many: String = (0..1500).map(rule).collect();
    let many = format!("scopes: [a:b]\nrules:\n{many}otherwise: block\n");
    let told = told(&[("a.yaml", "scopes: [a:b]\nrules: []\notherwise: block\n")], &[("a.yaml", &many)]);
    // One of the names that are left is the file's, another one the scope's.
    assert_eq!(told["rules"][0]["added"].as_array().map(Vec::len), Some(NAMES_MAX - 1));
    assert_eq!(told["omitted"], 1500 - (NAMES_MAX - 1) + 1);
}
