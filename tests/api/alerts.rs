//! The alert rules and the dashboard in `ops/`: right by themselves, made of what is served, and explained.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::metrics::{after_some_of_everything, described, documented};

const RULES: &str = "ops/prometheus/alerts.yaml";
const DASHBOARD: &str = "ops/grafana/doorstep.json";
const PAGE: &str = "docs/OPERATIONS.md";

fn in_repository(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file)
}

fn read(file: &str) -> String {
    std::fs::read_to_string(in_repository(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Runs Prometheus' own tool, which must have nothing to say against what it is given.
fn promtool(arguments: &[&str], input: &str) {
    let mut command = Command::new("promtool");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process =
        command.spawn().expect("promtool is not here: `scripts/test` installs it (Debian's `prometheus`)");
    let mut stdin = process.stdin.take().expect("an input");
    std::io::Write::write_all(&mut stdin, input.as_bytes()).expect("sent");
    drop(stdin);
    let Output { status, stdout, stderr } = process.wait_with_output().expect("an end");
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{arguments:?}: {said}");
    if input.starts_with("# HELP") {
        assert_eq!(said, "", "{arguments:?}");
    }
}

/// Every name in a text that is one of a metric of ours; parts of histograms are their histogram.
fn names(text: &str) -> BTreeSet<String> {
    let parts = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = parts.filter(|word| word.starts_with("doorstep_") || word.starts_with("process_"));
    let whole = |name: &str| {
        let histogram = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
        histogram.unwrap_or(name).to_owned()
    };
    ours.map(whole).collect()
}

/// Every alert with its runbook, as `ops/prometheus/alerts.yaml` has them.
fn runbooks() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut alert = String::new();
    for line in read(RULES).lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("- alert: ") {
            name.clone_into(&mut alert);
        } else if let Some(runbook) = line.strip_prefix("runbook: ") {
            assert!(found.insert(alert.clone(), runbook.to_owned()).is_none(), "{alert} twice");
        }
    }
    assert_eq!(found.len(), read(RULES).matches("- alert: ").count(), "an alert without a runbook");
    found
}

#[test]
fn the_alert_rules_are_right_and_fire_when_they_should() {
    promtool(&["check", "rules", &in_repository(RULES).display().to_string()], "");
    let tests = "ops/prometheus/alerts.test.yaml";
    promtool(&["test", "rules", &in_repository(tests).display().to_string()], "");
    let tests = read(tests);
    for alert in runbooks().keys() {
        for what in ["fires", "is quiet"] {
            assert!(tests.contains(&format!("- name: {alert} {what}\n")), "{alert} {what}");
        }
    }
}

#[test]
fn each_alert_says_where_to_read_what_to_do() {
    let page = read(PAGE);
    let (_, section) = page.split_once("\n## Alerts\n").expect("the section");
    let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
    let explained: BTreeSet<_> = section.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let runbooks = runbooks();
    assert_eq!(explained, runbooks.keys().map(String::as_str).collect());
    for (alert, runbook) in &runbooks {
        assert_eq!(*runbook, format!("{PAGE}#{}", alert.to_lowercase()));
    }
}

#[tokio::test]
async fn what_rules_dashboard_and_documents_name_is_served() {
    let bench = after_some_of_everything().await;
    let scrape = bench.get("/metrics").await.text;
    promtool(&["check", "metrics"], &scrape);
    let mut served: BTreeSet<String> = described(&scrape).into_keys().collect();
    // Only a server of its own has a clock of its own, only TLS a certificate, and only a policy that converts money has rates.
    served.insert("doorstep_database_clock_difference_seconds".to_owned());
    served.insert("doorstep_tls_certificate_not_after_timestamp_seconds".to_owned());
    served.insert("doorstep_rates_expire_timestamp_seconds".to_owned());
    for file in [RULES, DASHBOARD] {
        let unknown: Vec<_> = names(&read(file)).difference(&served).cloned().collect();
        assert!(unknown.is_empty(), "{file} names what is not served: {unknown:?}\n{scrape}");
    }
    let documented: BTreeSet<String> = documented().into_keys().collect();
    let pages = std::fs::read_dir(in_repository("docs"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    let endings = ["_total", "_seconds", "_info", "_failed", "_outage", "_depth", "_in_flight"];
    for page in pages.filter(|path| path.extension().is_some_and(|ending| ending == "md")) {
        let text = std::fs::read_to_string(&page).expect("a page");
        let told =
            names(&text).into_iter().filter(|name| endings.iter().any(|ending| name.ends_with(ending)));
        let unknown: Vec<_> = told.filter(|name| !documented.contains(name)).collect();
        assert!(unknown.is_empty(), "{} names no metric: {unknown:?}", page.display());
    }
    let missing: Vec<_> = documented.difference(&served).collect();
    assert!(missing.is_empty(), "documented and not served after some of everything: {missing:?}");
    bench.stop().await;
}

/// Everything in a JSON document that stands under a key.
fn under<'v>(value: &'v Value, key: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name == key {
                    found.push(member);
                }
                under(member, key, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| under(item, key, found)),
        _ => {}
    }
}

#[test]
fn the_dashboard_is_one_for_any_data_source() {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).expect("JSON");
    assert!(dashboard["schemaVersion"].as_u64().is_some_and(|version| version >= 36), "Grafana 9 or newer");
    let variables = dashboard["templating"]["list"].as_array().expect("variables");
    let names: Vec<_> = variables.iter().filter_map(|variable| variable["name"].as_str()).collect();
    assert_eq!(names, ["datasource", "job", "instance"]);
    assert_eq!((&variables[0]["type"], &variables[0]["query"]), (&"datasource".into(), &"prometheus".into()));
    let mut sources = Vec::new();
    under(&dashboard, "uid", &mut sources);
    for source in sources.into_iter().filter_map(Value::as_str) {
        assert!(["${datasource}", "doorstep", "-- Grafana --"].contains(&source), "{source}");
    }
    let panels = dashboard["panels"].as_array().expect("panels");
    let ids: BTreeSet<_> = panels.iter().filter_map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len(), "each has an id of its own");
    let mut taken = BTreeSet::new();
    for panel in panels {
        let place = |side: &str| panel["gridPos"][side].as_u64().expect("a place");
        assert!(place("x") + place("w") <= 24, "{}", panel["title"]);
        for (x, y) in (place("x")..place("x") + place("w"))
            .flat_map(|x| (place("y")..place("y") + place("h")).map(move |y| (x, y)))
        {
            assert!(taken.insert((x, y)), "{} lies over another panel", panel["title"]);
        }
    }
}

#[test]
fn every_question_of_the_dashboard_is_one_that_prometheus_understands() {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).expect("JSON");
    let mut questions = Vec::new();
    under(&dashboard, "expr", &mut questions);
    assert!(questions.len() > 50);
    let mut rules = "groups:\n  - name: dashboard\n    rules:\n".to_owned();
    for (place, question) in questions.into_iter().filter_map(Value::as_str).enumerate() {
        assert!(["doorstep_", "process_", "up{"].iter().any(|name| question.contains(name)), "{question}");
        let question =
            question.replace("$__rate_interval", "5m").replace("$job", "doorstep").replace("$instance", ".*");
        assert!(!question.contains('$'), "{question}");
        let quoted = Value::from(question);
        rules.push_str(&format!("      - record: question:{place}\n        expr: {quoted}\n"));
    }
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), rules).expect("written");
    promtool(&["check", "rules", &file.path().display().to_string()], "");
}
