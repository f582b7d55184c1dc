//! How batches of spans go to a collector that wants proof, and what `doorstep doctor` says of one.

use doorstep::testing::{Prelude, leaks};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::client::{Client, transfer, until};
use crate::collector::TRACES;
use crate::site::Site;

const PROOF: &str = "canary-of-a-collectors-password";

/// A collector that takes traces from who brings the proof, and nothing from others.
async fn strict() -> MockServer {
    let server = MockServer::start().await;
    let proved =
        Mock::given(method("POST")).and(path(TRACES)).and(header("authorization", format!("Bearer {PROOF}")));
    proved.respond_with(ResponseTemplate::new(200)).mount(&server).await;
    Mock::given(method("POST"))
        .and(path(TRACES))
        .respond_with(ResponseTemplate::new(401))
        .with_priority(9)
        .mount(&server)
        .await;
    server
}

/// An installation for which the collector's address is known, and nothing else of it.
async fn site(collector: &str) -> (Prelude, Site) {
    leaks::plant("a collector's password", PROOF);
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude)
        .set("log.level", "trace")
        .set("tracing.endpoint", collector)
        .set("tracing.sampled_percent", "100");
    (prelude, site)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_gets_proof_from_a_file_and_nobody_else_sees_it() {
    let collector = strict().await;
    let (prelude, site) = site(&collector.uri()).await;
    site.write("headers", &format!("authorization=Bearer%20{PROOF}\n"));
    let site = site.set("tracing.headers_file", "headers");
    let server = site.serve();
    let client = Client::of(&server.address).await;
    assert_eq!(client.send(&transfer(&prelude, "usr_1", "20")).await.expect("an answer").0, 200);
    until("spans that were taken", async || {
        let metrics = client.get("/metrics").await.expect("an answer").1;
        assert!(!metrics.contains(PROOF), "{metrics}");
        let is_taken = |line: &str| {
            line.strip_prefix("doorstep_trace_spans_total{outcome=\"exported\"} ")
                .is_some_and(|count| count != "0")
        };
        metrics.lines().any(is_taken).then_some(())
    })
    .await;
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_proof_spans_are_lost_and_the_log_says_so_without_it() {
    let collector = strict().await;
    let (prelude, site) = site(&collector.uri()).await;
    let site = site.set("tracing.headers", &format!("authorization=Basic%20{PROOF}"));
    let mut server = site.serve();
    let client = Client::of(&server.address).await;
    assert_eq!(client.send(&transfer(&prelude, "usr_1", "20")).await.expect("an answer").0, 200);
    let line = server.process.until_it_says("trace_export_failed");
    assert!(line.contains("it answered with status 401"), "{line}");
    server.stop();
}

/// What the doctor says of the collector.
fn finding(site: &Site, code: i32) -> String {
    let ended = site.run(&["doctor"]).expect(code);
    leaks::expect_none("what a command prints", &ended.stdout);
    let line = ended.stdout.lines().find(|line| line.contains("trace collector"));
    line.unwrap_or_else(|| panic!("no collector in {}", ended.stdout)).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_tries_the_collector() {
    let collector = strict().await;
    let (_prelude, site) = site(&collector.uri()).await;
    let address = format!("{}{TRACES}", collector.uri());
    let line = finding(&site, 0);
    assert!(line.starts_with("doubtful ") && line.contains("status 401"), "{line}");
    assert!(line.contains(&address) && line.contains("tracing.headers_file"), "{line}");
    let site = site.set("tracing.headers", &format!("authorization=Bearer%20{PROOF}"));
    let line = finding(&site, 0);
    assert!(line.starts_with("fine ") && line.contains(&address), "{line}");
    let received = collector.received_requests().await.expect("they are kept");
    assert!(received.iter().all(|request| request.body.is_empty()), "nothing was collected");
    let site = site.set("tracing.ca_file", "nowhere.pem");
    assert!(finding(&site, 1).starts_with("broken "), "a start would fail too");
}
