//! Any text as policy files: it loads or it does not, and what is said of it stays short.
//!
//! What would hang takes hours here, so that these end is what they show; no time is taken, since machines are busy.

use proptest::prelude::*;

use crate::policy::sample::NOW;
use crate::policy::{Code, Diagnostics, load_files, shipped};

/// The most bytes of all findings of the bundles here.
const FINDINGS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Loads files, and judges how much is said.
fn load(files: &[(String, String)]) -> Diagnostics {
    let found = match load_files(files.iter().cloned(), NOW) {
        Ok(bundle) => bundle.warnings().clone(),
        Err(found) => {
            assert!(found.has_errors());
            found
        }
    };
    assert!(found.to_string().len() < FINDINGS_BYTES_MAX);
    found
}

fn one(text: impl Into<String>) -> Vec<(String, String)> {
    vec![("a.yaml".to_owned(), text.into())]
}

fn bundle() -> Vec<(String, String)> {
    shipped().into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}

/// What is done to a file at some place of it.
#[derive(Debug, Clone)]
enum Slip {
    /// Takes out so many characters.
    Cut(usize),
    /// Says so many characters again, so often.
    Repeat(usize, usize),
    /// Puts something in.
    Insert(String),
}

fn any_slip() -> impl Strategy<Value = Slip> {
    let words = prop::sample::select(vec![
        "&a ",
        "*a",
        "<<: *a",
        "!!str ",
        "--- ",
        "%YAML 1.2",
        "{",
        "}",
        "[",
        "]",
        "- ",
        ": ",
        "\n",
        "\t",
        "\"",
        "'",
        "|\n",
        ">\n",
        "#",
        "\0",
        "\u{feff}",
        "\u{2028}",
        "é",
        "not:",
        "any:",
        "all:",
        "when: always",
        "99999999999999999999999999999999",
        "0.00000000000000000000000000000000001",
        "until=2026-12-31",
        "(((((",
        ".*.*.*",
        "a{1000}{1000}",
    ]);
    prop_oneof![
        (0..60_usize).prop_map(Slip::Cut),
        (1..80_usize, 1..40_usize).prop_map(|(chars, times)| Slip::Repeat(chars, times)),
        words.prop_map(|word| Slip::Insert(word.to_owned())),
        "\\PC{0,12}".prop_map(Slip::Insert),
    ]
}

fn slipped(text: &str, at: usize, slip: &Slip) -> String {
    let chars: Vec<char> = text.chars().collect();
    let (before, after) = chars.split_at(at % (chars.len() + 1));
    let next = |count: usize| &after[..count.min(after.len())];
    let (middle, after): (String, &[char]) = match slip {
        Slip::Cut(count) => (String::new(), &after[(*count).min(after.len())..]),
        Slip::Repeat(count, times) => (next(*count).iter().collect::<String>().repeat(*times), after),
        Slip::Insert(text) => (text.clone(), after),
    };
    before.iter().collect::<String>() + &middle + &after.iter().collect::<String>()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn no_slip_in_the_shipped_files_stops_the_loader(
        slips in prop::collection::vec((any::<prop::sample::Index>(), any::<usize>(), any_slip()), 1..6),
    ) {
        let mut files = bundle();
        for (file, at, slip) in slips {
            let file = file.index(files.len());
            files[file].1 = slipped(&files[file].1, at, &slip);
        }
        load(&files);
    }

    #[test]
    fn no_text_stops_the_loader(text in "([-\\[\\]{},:&*!|>'\"%#? \\n]|[a-z]{1,3}|  |\\PC){0,200}") {
        load(&one(text));
    }
}

#[test]
fn bombs_cost_no_more_than_their_length() {
    let deep = |open: &str, close: &str| one(format!("{}x{}", open.repeat(20_000), close.repeat(20_000)));
    let aliases: String = (1..40).map(|at| format!("k{at}: &k{at} [*k{0}, *k{0}]\n", at - 1)).collect();
    let long = "x".repeat(1_500_000);
    let bombs = [
        one(format!("k0: &k0 [x, x]\n{aliases}")),
        deep("[", "]"),
        deep("{a: ", "}"),
        deep("- ", ""),
        deep("{ not: ", " }"),
        one(format!("scopes: [{long}]\notherwise: block\n")),
        one(format!("{long}: 1\n")),
        one(format!("scopes: [a:b]\notherwise: \"{long}\"\n")),
        one(format!("scopes: [a:b]\notherwise: |\n  {long}\n")),
        one(format!("? {long}\n: {long}")),
    ];
    for bomb in bombs {
        assert!(load(&bomb).has_errors());
    }
}

#[test]
fn many_faults_in_one_line_are_counted_and_few_are_kept() {
    let keys: String = (0..40_000).map(|at| format!("k{at}: 1, ")).collect();
    let found = load(&one(format!("{{{keys}scopes: [a:b], otherwise: block}}")));
    assert!(found.iter().len() < 300);
    let note = found.iter().find(|found| found.code == Code::Limit).expect("says how many more there are");
    assert_eq!(note.message, "39800 more findings here");
    let many: Vec<_> = (0..200).map(|at| (format!("f{at}.yaml"), "a: 1\n".repeat(50))).collect();
    assert!(load(&many).iter().len() <= 2_001);
}

#[test]
fn rules_that_are_too_wide_to_be_compared_are_refused_soon() {
    let either = |at: usize| format!("any: [{{ user_id: {{ eq: a{at} }} }}, {{ user_id: {{ eq: b{at} }} }}]");
    let wide: Vec<_> = (0..7).map(|at| format!("{{ {} }}", either(at))).collect();
    let when = format!("{{ all: [{}] }}", wide.join(", "));
    let rules: String = (0..600)
        .map(|at| {
            let then =
                if at < 300 { "{ continue: { grant: { mode: single-use, for: 5m } } }" } else { "block" };
            format!("  - {{ id: r{at}, when: {when}, then: {then} }}\n")
        })
        .collect();
    let found = load(&one(format!("scopes: [a:b]\nrules:\n{rules}otherwise: block\n")));
    assert!(found.iter().any(|found| found.code == Code::Limit), "{found}");
}
