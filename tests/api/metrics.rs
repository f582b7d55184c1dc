//! What `/metrics` shows: documented, bounded, nothing of it chosen by a stranger, and there while the database is away.

use std::collections::{BTreeMap, BTreeSet};

use doorstep::testing::{SignedCall, Style};
use serde_json::{Value, json};

use crate::bench::{Answer, Bench, NOW, claims, transfer};
use crate::files::{Files, one_rule};

/// The bounds that docs/METRICS.md states.
const SERIES_MAX: usize = 1500;

impl Bench {
    /// Every series that is served: name and labels, without the value.
    async fn series(&self) -> BTreeSet<String> {
        let text = self.get("/metrics").await.text;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.rsplit_once(' ').expect("a value").0.to_owned()).collect()
    }

    async fn scraped_as(&self, accept: &str) -> Answer {
        let request = self.client.get(format!("{}/metrics", self.server.url())).header("Accept", accept);
        Answer::of(request.send().await.expect("an answer")).await
    }
}

/// A metric as a page or a scrape describes it: its type and the names of its labels.
pub(crate) type Described = BTreeMap<String, (String, BTreeSet<String>)>;

/// The table of docs/METRICS.md.
pub(crate) fn documented() -> Described {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/METRICS.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let is_one = |row: &&str| row.starts_with("doorstep_") || row.starts_with("process_");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")).filter(is_one);
    rows.map(|row| {
        let mut cells = row.split(" | ");
        let name = cells.next().expect("a name").trim_end_matches('`');
        let kind = cells.next().expect("a type").to_owned();
        let labels = cells.next().expect("labels").split(", ").filter(|label| !label.is_empty());
        (name.to_owned(), (kind, labels.map(str::to_owned).collect()))
    })
    .collect()
}

/// What a scrape in the older text form describes.
pub(crate) fn described(text: &str) -> Described {
    let mut found: Described = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(|(name, kind)| (name.to_owned(), (kind.to_owned(), BTreeSet::new())))
        .collect();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, labels) = line.split_once('{').unwrap_or((line, ""));
        let name = name.split_once(' ').map_or(name, |(name, _)| name);
        let parts = ["", "_bucket", "_sum", "_count"];
        let entry =
            parts.iter().filter_map(|part| name.strip_suffix(part)).find(|name| found.contains_key(*name));
        let (_, known) = found.get_mut(entry.expect("a type")).expect("found");
        let labels = labels.split("\",").filter_map(|label| Some(label.split_once("=\"")?.0));
        known.extend(labels.filter(|label| *label != "le").map(str::to_owned));
    }
    found
}

/// A server that takes events, with a provider, after calls of every kind, good ones and bad ones.
pub(crate) async fn after_some_of_everything() -> Bench {
    let token = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/verification-token");
    let settings = [
        ("prelude.events", "on"),
        ("prelude.verification_token_file", token),
        ("callbacks.sumsub.scheme", "sumsub"),
        ("callbacks.sumsub.secret_file", token),
        ("callbacks.sumsub.steps", "kyc_review"),
    ];
    let bench = Bench::with(&[], &settings).await;
    let key = bench.backend_key().await;
    for (user, status) in [("usr_1", 201), ("usr_2", 409)] {
        assert_eq!(bench.call(&transfer("usr_1", "15000")).await.status, 200);
        let mut claims = claims(user, "15000");
        claims["challenge_id"] = json!(user);
        let token = bench.prelude.challenge_token(&claims).expect("signs");
        let answer = bench.mint(&key, &json!({ "challenge_token": token })).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    assert_eq!(bench.call(&transfer("usr_3", "15000")).await.status, 200);
    let token = bench.prelude.challenge_token(&claims("usr_3", "15000")).expect("signs");
    let opened = bench.post_as(&key, "/v1/verifications", &json!({ "challenge_token": token })).await;
    assert_eq!(opened.status, 201, "{}", opened.text);
    let mut forged = bench.prelude.sign(&transfer("usr_1", "20"), Style::Usual).expect("signs");
    forged.body.push(b' ');
    assert_eq!(bench.send(&forged).await.status, 401);
    assert_eq!(bench.send_to("/hooks/events", &forged).await.status, 401);
    let event =
        json!({ "type": "user.created", "id": "evt_1", "created_at": "2026-09-21T14:13:30Z", "payload": {} });
    let batch = json!({ "app_id": "test", "events": [event] });
    bench.send_to("/hooks/events", &bench.prelude.sign(&batch, Style::Usual).expect("signs")).await;
    bench.post_as(&key, "/v1/callbacks/sumsub", &json!({})).await.expect_problem(401, "unverified_callback");
    let executor = bench.key(&["executor"]).await;
    for path in ["/v1/grants/redeem", "/v1/facts"] {
        assert_ne!(bench.post_as(&executor, path, &json!({})).await.status, 200);
    }
    assert_eq!(bench.get("/nowhere").await.status, 404);
    bench.server.retain().await.expect("done");
    bench.server.measure_database().await.expect("asked");
    bench
}

#[tokio::test]
async fn what_is_served_is_documented_in_both_forms() {
    let bench = after_some_of_everything().await;
    let plain = bench.scraped_as("*/*").await;
    assert_eq!(plain.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let (documented, served) = (documented(), described(&plain.text));
    assert!(served.len() > 35, "{}", plain.text);
    for (name, (kind, labels)) in &served {
        let (told, told_labels) = documented.get(name).unwrap_or_else(|| panic!("{name} is not documented"));
        assert_eq!((kind, labels), (told, told_labels), "{name}");
    }
    let accept = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;q=0.5";
    let open = bench.scraped_as(accept).await;
    assert_eq!(
        open.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    assert!(open.text.ends_with("\n# EOF\n"));
    assert_eq!(open.text.matches("# TYPE ").count(), served.len());
    bench.stop().await;
}

#[tokio::test]
async fn verdicts_requests_and_times_are_counted() {
    let bench = Bench::start().await;
    assert_eq!(bench.call(&transfer("usr_1", "15000")).await.status, 200);
    let mut uncovered = transfer("usr_1", "20");
    uncovered["scope_requested"] = json!("nobody:knows");
    assert_eq!(bench.call(&uncovered).await.status, 200);
    let mut unfit = transfer("usr_1", "20");
    unfit["metadata"]["amount"] = json!("twenty");
    assert_eq!(bench.call(&unfit).await.status, 200);
    assert_eq!(bench.get("/nowhere").await.status, 404);
    for (metric, value) in [
        (r#"doorstep_verdicts_total{verdict="review",reason="rule_matched"}"#, "1"),
        (r#"doorstep_verdicts_total{verdict="block",reason="scope_not_covered"}"#, "1"),
        (r#"doorstep_verdicts_total{verdict="block",reason="metadata_refused"}"#, "1"),
        (r#"doorstep_verdicts_total{verdict="continue",reason="rule_matched"}"#, "0"),
        ("doorstep_evaluation_duration_seconds_count", "3"),
        ("doorstep_store_batch_rows_sum", "3.0"),
        ("doorstep_store_commit_duration_seconds_count", "3"),
        (r#"doorstep_hook_duration_seconds_count{outcome="answered"}"#, "3"),
        (r#"doorstep_http_requests_total{route="/hooks/stepup",code="200"}"#, "3"),
        (r#"doorstep_http_requests_total{route="none",code="404"}"#, "1"),
        ("doorstep_signing_keys_usable", "1"),
        (r#"doorstep_signing_keys{state="active"}"#, "1"),
        (r#"doorstep_key_set_trusted{key_set="hook"}"#, "1"),
        (r#"doorstep_key_set_confirmed_timestamp_seconds{key_set="hook"}"#, &NOW.to_string()),
        ("doorstep_store_queue_depth", "0"),
        ("doorstep_calls_in_flight", "0"),
    ] {
        assert_eq!(bench.metric(metric).await, value, "{metric}");
    }
    let text = bench.get("/metrics").await.text;
    let by_rule = text.lines().filter(|line| line.starts_with("doorstep_rule_verdicts_total{"));
    let counted: Vec<_> = by_rule.filter(|line| !line.ends_with(" 0")).collect();
    let rule = bench.record.text("SELECT rule FROM decisions WHERE verdict = 'review'").await;
    let expected = format!(r#"doorstep_rule_verdicts_total{{policy="transfer",rule="{rule}"}} 1"#);
    assert_eq!(counted, [expected]);
    bench.stop().await;
}

#[tokio::test]
async fn an_overdue_rotation_and_a_key_set_that_nobody_confirms_are_seen() {
    let bench = Bench::start().await;
    let due: i64 =
        bench.metric("doorstep_signing_key_rotation_due_timestamp_seconds").await.parse().expect("a moment");
    assert!(due > NOW, "{due}");
    let days = u64::try_from(due - NOW).expect("later") + 1;
    bench.clock.advance_seconds(i64::try_from(days).expect("days"));
    // Prelude's side confirms nothing by itself within the test.
    assert_eq!(bench.metric(r#"doorstep_key_set_trusted{key_set="hook"}"#).await, "0");
    assert!(
        bench.metric(r#"doorstep_key_set_confirmed_timestamp_seconds{key_set="hook"}"#).await
            == NOW.to_string()
    );
    bench.server.tend_signing_keys().await.expect("tended");
    assert_eq!(bench.metric(r#"doorstep_signing_keys{state="pending"}"#).await, "1");
    let next: i64 =
        bench.metric("doorstep_signing_key_rotation_due_timestamp_seconds").await.parse().expect("a moment");
    assert!(next > due, "{next}");
    bench.stop().await;
}

#[tokio::test]
async fn verifications_that_wait_are_counted_by_age() {
    let bench = Bench::start().await;
    let key = bench.key(&["opener"]).await;
    let mut opened = 0;
    for (user, after) in [("usr_1", 0), ("usr_2", 600), ("usr_3", 60)] {
        bench.clock.advance_seconds(after);
        assert_eq!(bench.call(&transfer(user, "15000")).await.status, 200);
        let mut claims = claims(user, "15000");
        claims["challenge_id"] = json!(format!("chl_{user}"));
        let token = bench.prelude.challenge_token(&claims).expect("signs");
        let answer = bench.post_as(&key, "/v1/verifications", &json!({ "challenge_token": token })).await;
        opened += usize::from(answer.status == 201);
    }
    assert_eq!(opened, 3);
    let oldest = "doorstep_verification_oldest_pending_timestamp_seconds";
    bench.server.measure_database().await.expect("asked");
    for (age, count) in [("under_5m", "2"), ("under_1h", "1"), ("under_1d", "0"), ("older", "0")] {
        assert_eq!(
            bench.metric(&format!("doorstep_verifications_pending{{age=\"{age}\"}}")).await,
            count,
            "{age}"
        );
    }
    assert_eq!(bench.metric(oldest).await, NOW.to_string());
    assert_eq!(bench.metric("doorstep_database_looked_at_timestamp_seconds").await, (NOW + 660).to_string());
    bench.clock.advance_seconds(86_400);
    bench.server.tidy().await.expect("tidied");
    bench.server.measure_database().await.expect("asked");
    assert!(!bench.get("/metrics").await.text.contains(oldest), "nothing waits");
    bench.stop().await;
}

/// Whatever a stranger, a page or Prelude can make up, from one number.
async fn make_up(bench: &Bench, round: usize) {
    let made_up = |what: &str| format!("{what}-{round}-made-up");
    for path in [
        format!("/{}", made_up("path")),
        format!("/v1/callbacks/{}", made_up("provider")),
        format!("/v1/lists/{}", made_up("list")),
        format!("/v1/scopes/{}/pause", made_up("scope")),
        format!("/v1/verifications/{}", made_up("id")),
        format!("/metrics?{}", made_up("query")),
    ] {
        for method in ["GET", "POST", "BREW"] {
            bench.ask_as(&made_up("key"), (method, &path), Some(json!({ made_up("member"): 1 }))).await;
        }
    }
    for member in ["scope_requested", "user_id", "identifiers", "signals", "metadata"] {
        let mut body = transfer("usr_1", "20");
        body[member] = match member {
            "identifiers" => json!([{ "type": made_up("type"), "value": made_up("value") }]),
            "signals" => {
                json!({ "user_agent": made_up("agent"), "platform": made_up("platform"), "ip": "203.0.113.42" })
            }
            "metadata" => json!({ format!("k{round}"): made_up("value") }),
            _ => json!(made_up(member)),
        };
        body[made_up("more")] = json!(made_up("value"));
        assert_eq!(bench.call(&body).await.status, 200, "{member}");
    }
    let mut forged = bench.prelude.sign(&transfer("usr_1", "20"), Style::Usual).expect("signs");
    for (name, value) in &mut forged.headers {
        if name.eq_ignore_ascii_case("X-Webhook-Signature-Key-Id") {
            *value = made_up("kid");
        }
    }
    forged.headers.extend(
        ["X-Forwarded-For", "User-Agent", "X-Request-Id", "Traceparent"]
            .map(|name| (name.to_owned(), made_up("header"))),
    );
    bench.send(&forged).await;
    let mut misspelt = SignedCall { headers: Vec::new(), body: forged.body };
    misspelt.headers.push((made_up("X-Header"), made_up("value")));
    bench.send(&misspelt).await;
    let event = json!({
        "type": made_up("event"), "id": made_up("id"), "created_at": "2026-09-21T14:13:30Z",
        "payload": { "reason": made_up("reason") },
    });
    let failed = json!({
        "type": "step_up.hook_failed", "id": made_up("id2"), "created_at": "2026-09-21T14:13:30Z",
        "payload": { "reason": made_up("reason"), "scope": made_up("scope") },
    });
    let batch = json!({ "app_id": "test", "events": [event, failed] });
    let call = bench.prelude.sign(&batch, Style::Usual).expect("signs");
    bench.send_to("/hooks/events", &call).await;
    let mut challenge = claims("usr_1", "20");
    for claim in ["challenge_id", "scope_requested", "current_step"] {
        challenge[claim] = json!(made_up(claim));
    }
    let token = bench.prelude.challenge_token(&challenge).expect("signs");
    let key = bench.backend_key().await;
    bench.mint(&key, &json!({ "challenge_token": token })).await;
    bench.mint(&key, &json!({ made_up("member"): token })).await;
    let executor = bench.key(&["executor", "facts"]).await;
    let wish = json!({ "user_id": made_up("user"), "scope": made_up("scope") });
    bench.post_as(&executor, "/v1/grants/redeem", &wish).await;
    let fact = json!({ "kind": made_up("kind"), "user_id": made_up("user") });
    bench.post_as(&executor, "/v1/facts", &fact).await;
}

#[tokio::test]
async fn what_is_made_up_makes_no_series_and_neither_do_reloads() {
    let files = Files::with_rule("first");
    let dir = files.path("").display().to_string();
    let token = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/verification-token");
    let settings: [(&str, &str); 4] = [
        ("policies.dir", &dir),
        ("policies.reload", "asked"),
        ("prelude.events", "on"),
        ("prelude.verification_token_file", token),
    ];
    let bench = Bench::with(&[], &settings).await;
    let admin = bench.key(&["admin"]).await;
    let reload = async |rules: &[String]| {
        let listed: Vec<_> = rules
            .iter()
            .map(|rule| format!("  - {{ id: {rule}, when: {{ user_id: {{ eq: {rule} }} }}, then: block }}\n"))
            .collect();
        let text = format!("scopes: [transfer:write]\nrules:\n{}otherwise: block\n", listed.concat());
        files.write("transfer.yaml", &text);
        let answer = bench.post_as(&admin, "/v1/policies/reload", &Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    };
    let names =
        |round: usize, count: usize| (0..count).map(|n| format!("rule-{round}-{n}")).collect::<Vec<_>>();
    // One round of everything, so that whatever can be counted is.
    make_up(&bench, 0).await;
    reload(&names(0, 7)).await;
    make_up(&bench, 1).await;
    bench.get("/metrics").await;
    let before = bench.series().await;
    assert!(before.len() < SERIES_MAX, "{}", before.len());
    assert!(before.iter().all(|series| !series.contains("made-up")), "{before:#?}");
    for round in 2..12 {
        make_up(&bench, round).await;
        reload(&names(round, 7)).await;
    }
    let after = bench.series().await;
    let changing =
        |series: &&String| !["rule_verdicts_total{", "policy_info{"].iter().any(|name| series.contains(name));
    let kept = |all: &BTreeSet<String>| all.iter().filter(changing).cloned().collect::<BTreeSet<_>>();
    assert_eq!(kept(&after), kept(&before));
    assert_eq!(after.len(), before.len(), "seven rules and one policy, before and after");
    assert!(
        after.contains(r#"doorstep_rule_verdicts_total{policy="transfer",rule="rule-11-6"}"#),
        "{after:#?}"
    );
    // Every rule of the past gone: back to one.
    files.write("transfer.yaml", &one_rule("transfer:write", "last"));
    assert_eq!(bench.post_as(&admin, "/v1/policies/reload", &Value::Null).await.status, 200);
    assert_eq!(bench.series().await.len(), before.len() - 6);
    bench.stop().await;
}

/// Causes that only Prelude itself can bring about are there from the start, so that the first one is an increase; and a row that the
/// database refuses has a cause of its own.
#[tokio::test]
async fn hook_calls_that_are_refused_have_causes_of_their_own() {
    let bench = Bench::start().await;
    let scraped = async || bench.get("/metrics").await.text;
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/ops/prometheus/alerts.yaml");
    let rules = std::fs::read_to_string(rules).expect("the rules");
    let (_, rule) = rules.split_once("- alert: DoorstepHookRefusesGenuine").expect("the rule");
    let causes = rule.split_once("cause=~\"").and_then(|(_, rest)| rest.split_once('"')).expect("causes").0;
    let before = scraped().await;
    for cause in causes.split('|') {
        let line = format!("doorstep_hook_refusals_total{{cause=\"{cause}\"}} 0\n");
        assert!(before.contains(&line), "{cause} {before}");
    }
    assert_eq!(before.matches("doorstep_hook_refusals_total{").count(), causes.split('|').count());
    bench.record.keep_out("decisions").await;
    bench.call(&transfer("usr_1", "20")).await.expect_problem(503, "not_recorded");
    bench.record.let_in("decisions").await;
    bench.call(&json!({})).await.expect_problem(400, "invalid_call");
    let after = scraped().await;
    for cause in ["row_refused", "missing"] {
        assert!(after.contains(&format!("doorstep_hook_refusals_total{{cause=\"{cause}\"}} 1\n")), "{after}");
    }
    assert!(after.contains("doorstep_store_outage 0\n"), "one row's fault is no outage");
    bench.stop().await;
}

#[tokio::test]
async fn when_rates_run_out_is_shown_before_they_do() {
    let rates = "base: EUR\nmax_age: 4d\nrates:\n  2026-09-21: { USD: '1.1' }\n";
    let rule = one_rule("transfer:write", "all");
    let bench = Bench::with(&[("transfer.yaml", &rule), ("rates.yaml", rates)], &[]).await;
    let text = bench.get("/metrics").await.text;
    let line = text.lines().find_map(|line| line.strip_prefix("doorstep_rates_expire_timestamp_seconds "));
    let ends: i64 = line.expect("the gauge").parse().expect("a moment");
    assert!((NOW + 3 * 86_400..NOW + 6 * 86_400).contains(&ends), "{ends}");
    bench.stop().await;
}
