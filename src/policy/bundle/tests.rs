//! One case for each kind of finding, at its exact place, and nothing said besides.

use std::collections::BTreeSet;

use crate::domain::Timestamp;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::sample::{LISTS, NEXT_DAY, NOW, RATES, STEPS};
use crate::policy::{Code, Diagnostics, load_files, load_recorded};

mod cases;
mod history_cases;
mod hostile;
mod list_cases;
mod rates_cases;

use cases::{ALWAYS_CASES, METADATA_CASES, PLAN_CASES, RULE_CASES, SCOPE_CASES, STEPS_CASES};
use history_cases::{
    ALWAYS_HISTORY_CASES, GRANTS_CASES, HISTORY_CASES, HISTORY_RULE_CASES, UNREPORTED_CASES,
};
use list_cases::{LIST_CASES, MOMENT_CASES, NETS, USE_CASES, USERS, ZONES};
use rates_cases::{BOUND_CASES, GOOD_RATES, RATES_CASES};

/// A file of the scope `a:b`, after whose first lines the case's own text stands.
const SCOPE_HEAD: &str = "scopes: [a:b]\notherwise: block\n";
/// The same with metadata of every kind and money.
const METADATA_HEAD: &str = "scopes: [a:b, a:c]\notherwise: block\nmetadata:\n  amount: { type: decimal, min: 1, max: 100000 }\n  currency: { type: string, one_of: [USD, EUR] }\n  payee: { type: string, normalise: [trim, upper] }\n  note: { type: string, optional: true }\nmoney:\n  value: { amount: metadata.amount, currency: metadata.currency }\n";

/// Everything that is found in some files, warnings too.
fn findings(files: &[(&str, &str)]) -> Diagnostics {
    match load_files(files.iter().copied(), NOW) {
        Ok(bundle) => bundle.warnings().clone(),
        Err(faults) => faults,
    }
}

/// Takes the mark `§` out of a text and tells where it stood.
fn marked(text: &str) -> (String, usize, usize) {
    let before = text.split('§').next().unwrap_or_default();
    assert_ne!(before, text, "no mark in {text:?}");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (text.replace('§', ""), line, column)
}

/// Checks that a file is complained about once, where the mark stands.
fn check(name: &str, code: Code, text: &str, others: &[(&str, &str)]) {
    let (text, line, column) = marked(text);
    let mut files = vec![(name, text.as_str())];
    files.extend(others);
    let found = findings(&files);
    // Cases about something else let everybody continue, and are told so.
    let is_about = |found: &&Diagnostic| code == Code::NativeContinues || found.code != Code::NativeContinues;
    let about: Vec<_> = found.iter().filter(is_about).collect();
    let places: Vec<_> =
        about.iter().map(|found| (found.code, &*found.file, found.line, found.column)).collect();
    assert_eq!(places, [(code, name, line, column)], "{text}\n{found}");
    for found in about {
        assert!(!found.message.is_empty() && !found.help.is_empty(), "{found}");
        assert_eq!(Some(found.source_line.as_str()), text.lines().nth(line - 1), "{found}");
    }
}

#[test]
fn scope_files() {
    for (code, text) in SCOPE_CASES {
        check("a.yaml", *code, text, &[]);
    }
}

#[test]
fn rules_and_conditions() {
    for (code, text) in RULE_CASES {
        check("a.yaml", *code, &format!("{METADATA_HEAD}{text}"), &[("steps.yaml", STEPS)]);
    }
}

#[test]
fn metadata_and_money() {
    for (code, text) in METADATA_CASES {
        check("a.yaml", *code, &format!("{SCOPE_HEAD}{text}"), &[]);
    }
}

#[test]
fn grants_and_plans() {
    for (code, text) in PLAN_CASES {
        check("a.yaml", *code, text, &[("steps.yaml", STEPS)]);
    }
}

#[test]
fn steps() {
    for (code, text) in STEPS_CASES {
        check("steps.yaml", *code, text, &[("a.yaml", SCOPE_HEAD)]);
    }
}

#[test]
fn always() {
    for (code, text) in ALWAYS_CASES {
        let rule = "rules: [{ id: own, when: always, then: block }]\n";
        check("always.yaml", *code, text, &[("a.yaml", &format!("{SCOPE_HEAD}{rule}"))]);
    }
}

#[test]
fn lists() {
    for (code, condition, text) in LIST_CASES {
        let rule = format!("{SCOPE_HEAD}rules: [{{ id: r, when: {{ {condition} }}, then: block }}]\n");
        check("lists/l.txt", *code, text, &[("a.yaml", &rule)]);
    }
}

#[test]
fn uses_of_lists() {
    for (code, condition) in USE_CASES {
        let rule = format!("{METADATA_HEAD}rules: [{{ id: r, when: {{ {condition} }}, then: block }}]\n");
        check("a.yaml", *code, &rule, &LISTS);
    }
}

#[test]
fn times_buckets_and_parts_of_rules() {
    for (code, text) in MOMENT_CASES {
        check("a.yaml", *code, &format!("{SCOPE_HEAD}rules: [{{ id: r, {text}, then: block }}]\n"), &[]);
    }
}

/// Other files that questions about the past may name.
const OTHERS: [(&str, &str); 2] = [
    (
        "c.yaml",
        "scopes: ['c:d']\notherwise: block\nmetadata:\n  amount: { type: string }\n  dollars: { type: decimal }\n  currency: { type: string, one_of: [USD] }\n  payee: { type: string }\nmoney:\n  value: { amount: metadata.dollars, currency: metadata.currency }\n",
    ),
    ("d.yaml", "scopes: ['d:e']\notherwise: block\n"),
];
const REPORTED: (&str, &str) = ("grants.yaml", "executions: reported\n");

#[test]
fn questions_about_the_past() {
    let mut others = OTHERS.to_vec();
    others.push(REPORTED);
    for (code, condition) in HISTORY_CASES {
        let rule =
            format!("{METADATA_HEAD}rules: [{{ id: r, when: {{ history: {condition} }}, then: block }}]\n");
        check("a.yaml", *code, &rule, &others);
    }
    others.push(("steps.yaml", STEPS));
    for (code, text) in HISTORY_RULE_CASES {
        check("a.yaml", *code, &format!("{METADATA_HEAD}{text}"), &others);
    }
    for (code, text) in ALWAYS_HISTORY_CASES {
        check("always.yaml", *code, text, &[("a.yaml", METADATA_HEAD), REPORTED]);
    }
}

#[test]
fn grants() {
    for (code, text) in GRANTS_CASES {
        check("grants.yaml", *code, text, &[("a.yaml", SCOPE_HEAD)]);
    }
    for (code, condition) in UNREPORTED_CASES {
        let rule =
            format!("{SCOPE_HEAD}rules: [{{ id: r, when: {{ history: {condition} }}, then: block }}]\n");
        for others in [[].as_slice(), &[("grants.yaml", "executions: unreported\n")]] {
            check("a.yaml", *code, &rule, others);
        }
        // What the file says cannot be known, so nobody complains about what may be right.
        let (rule, ..) = marked(&rule);
        let found = codes(&[("a.yaml", &rule), ("grants.yaml", "[")]);
        assert_eq!(found, [("grants.yaml".to_owned(), Code::YamlSyntax)]);
    }
}

/// A file that is not YAML may hold any scope.
#[test]
fn scopes_of_a_file_that_cannot_be_read_are_not_missed() {
    let rule = format!(
        "{SCOPE_HEAD}rules: [{{ id: r, when: {{ history: {{ count: calls, by: user, scopes: ['z:z'], counts: asked, over: 1h, gt: 3 }} }}, then: block }}]\n"
    );
    assert_eq!(codes(&[("a.yaml", &rule), ("z.yaml", "}")]), [("z.yaml".to_owned(), Code::YamlSyntax)]);
    assert_eq!(codes(&[("a.yaml", &rule)]), [("a.yaml".to_owned(), Code::UnknownScope)]);
}

/// The last day is included, and what was in force once is not judged again.
#[test]
fn a_rule_is_over_when_its_last_day_is() {
    let text = format!(
        "{SCOPE_HEAD}rules: [{{ id: r, when: always, active: {{ until: 2026-09-21 }}, then: block }}]\n"
    );
    assert_eq!(codes(&[("a.yaml", &text)]), []);
    let over = load_files([("a.yaml", text)], NEXT_DAY).expect("only a warning");
    assert_eq!(over.warnings().iter().map(|found| found.code).collect::<Vec<_>>(), [Code::Expired]);
    assert!(load_recorded(over.text()).expect("it loaded before").warnings().is_empty());
}

#[test]
fn rates_of_exchange() {
    let rule = "rules: [{ id: r, when: { money.value: { gte: 5 USD } }, then: block }]\n";
    let file = format!("{METADATA_HEAD}{rule}");
    for (code, text) in RATES_CASES {
        check("rates.yaml", *code, text, &[("a.yaml", &file)]);
    }
    for text in GOOD_RATES {
        assert_eq!(codes(&[("a.yaml", &file), ("rates.yaml", text)]), [], "{text}");
    }
    // Nobody complains about what a broken file may hold, nor about its age when it was in force once.
    assert_eq!(
        codes(&[("a.yaml", &file), ("rates.yaml", "{")]),
        [("rates.yaml".to_owned(), Code::YamlSyntax)]
    );
    let old = load_files([("a.yaml", &*file), ("rates.yaml", RATES)], NOW).expect("it loads");
    let files = [("a.yaml", &*file), ("rates.yaml", RATES)];
    assert!(load_files(files, Timestamp::from_unix_seconds(1_800_000_000)).is_err());
    assert_eq!(load_recorded(old.text()).map(|bundle| bundle.hash()), Some(old.hash()));
}

#[test]
fn bounds_that_are_converted() {
    for (code, bounds) in BOUND_CASES {
        let rule = format!(
            "{METADATA_HEAD}rules: [{{ id: r, when: {{ money.value: {bounds} }}, then: block }}, {{ id: s, when: {{ money.value: {{ gt: 1 USD }} }}, then: block }}]\n"
        );
        check("a.yaml", *code, &rule, &[("rates.yaml", RATES)]);
    }
    let rates = "base: EUR\nmax_age: 4d\nrates: { 2026-09-21: { GBP: 1 } }\n";
    let rule = format!(
        "{METADATA_HEAD}rules: [{{ id: r, when: {{ money.value: {{ gte: 5 GBP }} }}, then: block }}]\n"
    );
    let found = findings(&[("a.yaml", &rule), ("rates.yaml", rates)]);
    let missing = found.iter().find(|found| found.code == Code::CurrencyNotCovered).expect("a fault");
    assert_eq!(missing.message, "no bound in USD, and no rate for USD");
}

#[test]
fn rates_that_nothing_uses_are_a_warning() {
    assert_eq!(
        codes(&[("a.yaml", SCOPE_HEAD), ("rates.yaml", RATES)]),
        [("rates.yaml".to_owned(), Code::RatesUnused)]
    );
}

#[test]
fn an_empty_list_fits_every_use_and_an_unused_one_is_a_warning() {
    for condition in
        [USERS, NETS, ZONES, "signals.platform: { in_list: l }", "identifiers.any: { in_list: l }"]
    {
        let rule = format!("{SCOPE_HEAD}rules: [{{ id: r, when: {{ {condition} }}, then: block }}]\n");
        for text in ["", "\u{feff}# nobody yet\r\n\n"] {
            assert_eq!(codes(&[("a.yaml", &rule), ("lists/l.txt", text)]), [], "{condition}");
        }
    }
    let unused = [("a.yaml", SCOPE_HEAD), ("lists/l.txt", "usr_1\n")];
    assert_eq!(codes(&unused), [("lists/l.txt".to_owned(), Code::ListUnused)]);
}

/// Many faults are counted, and many repetitions never hide one.
#[test]
fn the_findings_of_a_list_are_not_endless() {
    let rule = format!("{SCOPE_HEAD}rules: [{{ id: r, when: {{ {USERS} }}, then: block }}]\n");
    let text = "usr_1\n".repeat(100) + &"usr_2 until=never\n".repeat(30);
    let found = findings(&[("a.yaml", &rule), ("lists/l.txt", &text)]);
    let count = |code| found.iter().filter(|found| found.code == code).count();
    assert_eq!([Code::BadLiteral, Code::ListRepeats, Code::Limit].map(count), [20, 20, 1]);
    assert!(found.to_string().contains("89 more findings"), "{found}");
}

#[test]
fn every_code_has_a_case() {
    let tables = [SCOPE_CASES, RULE_CASES, METADATA_CASES, PLAN_CASES, STEPS_CASES, ALWAYS_CASES];
    let tables = tables.into_iter().chain([HISTORY_CASES, HISTORY_RULE_CASES, UNREPORTED_CASES]);
    let lists = LIST_CASES
        .iter()
        .map(|(code, ..)| *code)
        .chain(USE_CASES.iter().chain(MOMENT_CASES).chain(RATES_CASES).map(|(code, _)| *code));
    let seen: BTreeSet<Code> =
        tables.flat_map(|table| table.iter().map(|(code, _)| *code)).chain(lists).collect();
    // These are about files or a whole bundle, and have tests of their own.
    let about_files = [
        Code::FileUnreadable,
        Code::FileName,
        Code::NoScopes,
        Code::ListUnused,
        Code::RatesUnused,
        Code::PastNotKept,
    ];
    let missing: Vec<_> =
        Code::ALL.iter().filter(|code| !seen.contains(code) && !about_files.contains(code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn codes(files: &[(&str, &str)]) -> Vec<(String, Code)> {
    findings(files).iter().map(|found| (found.file.clone(), found.code)).collect()
}

#[test]
fn a_bundle_without_scopes_does_not_load() {
    assert_eq!(codes(&[]), [(".".to_owned(), Code::NoScopes)]);
    assert_eq!(codes(&[("steps.yaml", STEPS)]), [(".".to_owned(), Code::NoScopes)]);
}

#[test]
fn names_of_files_are_checked() {
    for name in [
        "a.yml",
        "lists/a.yaml",
        "lists/a b.txt",
        "list/a.txt",
        "lists/b/a.txt",
        "../a.yaml",
        "a b.yaml",
        "a\n.yaml",
        &format!("{}.yaml", "a".repeat(100)),
    ] {
        assert_eq!(codes(&[(name, SCOPE_HEAD)]), [(name.to_owned(), Code::FileName)]);
    }
    let twice = [("a.yaml", SCOPE_HEAD), ("a.yaml", SCOPE_HEAD)];
    assert_eq!(codes(&twice), [("a.yaml".to_owned(), Code::FileName)]);
}

#[test]
fn a_syntax_error_hides_only_its_own_file() {
    let plan = "rules: [{ id: r, when: always, then: { review: { grant: { mode: single-use, for: 5m }, steps: [{ step: kyc_review, expires_in: 5m }] } } }]\n";
    let text = format!("{SCOPE_HEAD}{plan}colour: red\n");
    let found = codes(&[("a.yaml", &text), ("steps.yaml", "custom: [\n"), ("z.yaml", "}")]);
    let expected =
        [("a.yaml", Code::UnknownKey), ("steps.yaml", Code::YamlSyntax), ("z.yaml", Code::YamlSyntax)];
    assert_eq!(found, expected.map(|(file, code)| (file.to_owned(), code)));
}

#[test]
fn all_faults_come_at_once_in_order() {
    let text = "scopes: [a:b]\nmetadata:\n  amount: { type: number }\nrules:\n  - id: one\n    when: { metadata.amount: { gt: 1 } }\n    then: allow\n  - id: one\n    when: { signals.ipp: { in_cidr: 10.0.0.0/8 } }\n    then: block\n";
    let found = findings(&[("a.yaml", text)]);
    let places: Vec<_> = found.iter().map(|found| (found.line, found.column, found.code)).collect();
    let expected = [
        (1, 1, Code::MissingKey),
        (3, 19, Code::UnknownValue),
        (7, 11, Code::UnknownValue),
        (8, 9, Code::DuplicateRule),
        (9, 13, Code::UnknownField),
    ];
    assert_eq!(places, expected, "{found}");
}

#[test]
fn a_directory_that_is_not_there_is_a_finding() {
    let faults = crate::policy::load_dir(std::path::Path::new("/nonexistent/policies"), NOW)
        .expect_err("no directory");
    assert_eq!(faults.iter().map(|found| found.code).collect::<Vec<_>>(), [Code::FileUnreadable]);
}

#[test]
fn ids_are_unique_across_always_and_the_other_files() {
    let rule = |id: &str| format!("rules: [{{ id: {id}, when: {{ user_id: {{ eq: a }} }}, then: block }}]\n");
    let found = codes(&[("always.yaml", &rule("r")), ("a.yaml", &format!("{SCOPE_HEAD}{}", rule("r")))]);
    assert_eq!(found, [("a.yaml".to_owned(), Code::DuplicateRule)]);
    let two = [("a.yaml", "a:b"), ("z.yaml", "a:c")]
        .map(|(name, scope)| (name, format!("scopes: ['{scope}']\notherwise: block\n{}", rule("r"))));
    assert_eq!(codes(&two.each_ref().map(|(name, text)| (*name, text.as_str()))), []);
}

#[test]
fn two_files_cannot_claim_one_scope() {
    let found = findings(&[("a.yaml", SCOPE_HEAD), ("z.yaml", SCOPE_HEAD)]);
    let places: Vec<_> = found.iter().map(|found| (&*found.file, found.line, found.code)).collect();
    assert_eq!(places, [("z.yaml", 1, Code::DuplicateScope)]);
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_change_nothing() {
    let text = "\u{feff}scopes: [a:b]\r\nrules: [{ id: r, when: { user_id: { eq: a } }, then: blok }]\r\notherwise: block\r\n";
    let found = findings(&[("a.yaml", text)]);
    let places: Vec<_> = found.iter().map(|found| (found.line, found.code)).collect();
    assert_eq!(places, [(2, Code::UnknownValue)], "{found}");
    assert!(findings(&[("a.yaml", &text.replace("blok", "block"))]).is_empty());
}

#[test]
fn the_hash_names_the_text() {
    let load = |files: &[(&str, &str)]| load_files(files.iter().copied(), NOW).expect("loads").hash();
    let other = "scopes: [c:d]\notherwise: block\n";
    let one = load(&[("a.yaml", SCOPE_HEAD), ("b.yaml", other)]);
    assert_eq!(one, load(&[("b.yaml", other), ("a.yaml", SCOPE_HEAD)]));
    assert_ne!(one, load(&[("b.yaml", SCOPE_HEAD), ("a.yaml", other)]));
    assert_ne!(one, load(&[("a.yaml", SCOPE_HEAD), ("b.yaml", &format!("{other}# a word\n"))]));
}
