use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::{Fill, Metrics, RouteCounts, Signing};

/// Where the table stands that is compared with what is served.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/METRICS.md");
const BEGIN: &str = "<!-- Written by `UPDATE_DOCS=1 cargo test --lib metrics::tests`. -->\n";
const END: &str = "<!-- Until here. -->\n";

#[test]
fn what_is_counted_is_rendered() {
    let metrics = Metrics::new();
    metrics.verdict_count("block", "otherwise").one();
    metrics.hook_refusal("wrong_signature", Duration::from_micros(70));
    let text = metrics.render();
    for line in [
        r#"doorstep_verdicts_total{verdict="block",reason="otherwise"} 1"#,
        r#"doorstep_hook_refusals_total{cause="wrong_signature"} 1"#,
        r#"doorstep_hook_duration_seconds_bucket{le="0.0005",outcome="refused"} 1"#,
        r#"doorstep_hook_duration_seconds_count{outcome="answered"} 0"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn what_may_be_absent_goes_when_it_does() {
    let metrics = Metrics::new();
    let oldest = || metrics.render().contains("doorstep_verification_oldest_pending_timestamp_seconds 17\n");
    assert!(!oldest());
    metrics.oldest_pending(Some(17));
    assert!(oldest());
    metrics.oldest_pending(None);
    assert!(!oldest());
    metrics.policy_in_force("one".to_owned(), 1, 1);
    metrics.policy_in_force("two".to_owned(), 2, 1);
    let text = metrics.render();
    assert!(
        text.contains(r#"doorstep_policy_info{bundle="two"} 1"#) && !text.contains(r#"bundle="one""#),
        "{text}"
    );
}

/// Counts something of everything.
fn everything() -> Metrics {
    const TOOK: Duration = Duration::from_micros(300);
    let metrics = Metrics::new();
    RouteCounts::of("/hooks/stepup").answered(200, || Some(&metrics));
    metrics.hook_answered(TOOK);
    metrics.hook_refusal("c", TOOK);
    metrics.limit_refusal("l");
    metrics.calls_in_flight(Fill { now: 1, most: 2 });
    metrics.connections("l", Fill { now: 1, most: 2 });
    metrics.verdict_count("v", "r").one();
    metrics.rule_counts([Some(("p", "r"))].into_iter());
    metrics.evaluations().took(TOOK);
    metrics.verification_opened();
    metrics.verifications_pending("a", 1);
    metrics.oldest_pending(Some(1));
    metrics.callback("s", "o");
    metrics.mint_answered(TOOK);
    metrics.mint_refusal("c", TOOK);
    metrics.redemption_refusal("c");
    metrics.fact_refusal("c");
    metrics.prelude_event("t", "o");
    metrics.prelude_event_refusal("c");
    metrics.hook_failure("r");
    metrics.signing_keys("s", 1);
    metrics.signing(Signing { is_usable: true, activated: Some(1), rotation_due: Some(1) });
    metrics.key_set_fetch("k", "o");
    metrics.key_set("k", true, Some(1));
    metrics.policy_in_force("b".to_owned(), 1, 1);
    metrics.policy_reload("r");
    metrics.tls_reload();
    metrics.tls_not_after(Some(1));
    metrics.retained("w", 1);
    metrics.retention_failed(false);
    metrics.database_looked_at(1, Some(0.5));
    metrics.upkeep_failed("u", false);
    metrics.rates_expire(Some(1));
    metrics.process();
    metrics
}

/// The table of everything that is served, in the order of the names.
fn table(metrics: &Metrics) -> String {
    let text = metrics.render_plain();
    let mut rows: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("HELP"), Some(name), Some(help)) => rows.entry(name).or_default().1 = help,
            (Some("#"), Some("TYPE"), Some(name), Some(kind)) => rows.entry(name).or_default().0 = kind,
            _ => {}
        }
    }
    assert_eq!(rows.len(), metrics.book.entries, "`everything` leaves one out");
    let mut table = "| metric | type | labels | what it says |\n|---|---|---|---|\n".to_owned();
    for (name, (kind, help)) in rows {
        let labels = labels(&text, name);
        writeln!(table, "| `{name}` | {kind} | {} | {help} |", labels.join(", ")).expect("a text");
    }
    table
}

/// The labels of a metric, by the first line with any; a histogram's `le` is understood.
fn labels<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let after = |line: &'t str| {
        let rest = line.strip_prefix(name)?;
        rest.strip_prefix("_bucket").unwrap_or(rest).strip_prefix('{')
    };
    let Some(labels) = text.lines().find_map(after) else { return Vec::new() };
    let (labels, _) = labels.split_once('}').expect("an end");
    let names = labels.split(',').filter_map(|label| Some(label.split_once('=')?.0));
    names.filter(|name| *name != "le").collect()
}

#[test]
fn the_table_in_the_documents_is_what_is_served() {
    let page = std::fs::read_to_string(PAGE).expect("docs/METRICS.md");
    let (before, rest) = page.split_once(BEGIN).expect("where the table begins");
    let (shown, after) = rest.split_once(END).expect("where it ends");
    let table = format!("\n{}\n", table(&everything()));
    // Asked while it is compiled: nobody but `config` reads the environment.
    if option_env!("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, format!("{before}{BEGIN}{table}{END}{after}")).expect("written");
    } else {
        assert_eq!(shown, table, "write it with `UPDATE_DOCS=1 cargo test --lib metrics::tests`");
    }
}
