//! Traces as a collector gets them: real servers, a real OTLP receiver, and receivers that do not behave.

use doorstep::testing::{Prelude, ScratchDatabase, SignedCall};
use serde_json::json;
use tokio::net::TcpListener;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::client::{Client, claims, now, transfer, until};
use crate::collector::{Collector, Seen, TRACES};
use crate::site::Site;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";
const STATE: &str = "rojo=somebody-elses-notes";

fn named<'s>(spans: &'s [Seen], name: &str) -> &'s Seen {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name} in {spans:?}"))
}

fn traced(mut call: SignedCall, flags: &str) -> SignedCall {
    call.headers.push(("traceparent".to_owned(), format!("00-{TRACE}-{PARENT}-{flags}")));
    call.headers.push(("tracestate".to_owned(), STATE.to_owned()));
    call
}

/// An installation that exports this share of the traces that begin here.
async fn site(endpoint: &str, percent: &str) -> (Prelude, Site) {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude).set("tracing.endpoint", endpoint).set("tracing.sampled_percent", percent);
    (prelude, site)
}

/// A hook call and a mint in somebody's trace: who is whose parent, and what each says.
async fn a_call_and_a_mint(collector: &Collector, prelude: &Prelude, site: &Site) {
    let server = site.serve();
    let client = Client::of(&server.address).await;
    let call = traced(transfer(prelude, "usr_1", "15000"), "01");
    assert_eq!(client.send(&call).await.expect("an answer").0, 200);
    let spans = collector.trace(TRACE, "POST /hooks/stepup").await;
    let request = named(&spans, "POST /hooks/stepup");
    assert_eq!(request.parent, PARENT);
    assert!(spans.iter().all(|span| span.state == STATE), "{spans:?}");
    assert_eq!((request.is("http.route"), request.is("http.response.status_code")), ("/hooks/stepup", "200"));
    assert!(request.is("doorstep.request_id").contains('-'), "{request:?}");
    let decide = named(&spans, "decide");
    assert_eq!(decide.parent, request.id);
    assert_eq!(
        (decide.is("doorstep.scope"), decide.is("doorstep.verdict"), decide.is("doorstep.rule")),
        ("transfer:write", "review", "large")
    );
    for part in ["queue_wait", "evaluate", "commit"] {
        let part = named(&spans, part);
        assert!(part.parent == decide.id && part.took_nanos <= request.took_nanos, "{spans:?}");
    }
    assert_eq!(named(&spans, "commit").is("doorstep.calls"), "1");

    let other = TRACE.replace('0', "1");
    let claims = claims(now(), "usr_1", &json!({ "amount": "15000", "currency": "USD" }));
    let token = prelude.challenge_token(&claims).expect("signs");
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mint = http.post(format!("http://{}/v1/verification-tokens", server.address));
    let mint = mint.bearer_auth(site.backend_key()).header("traceparent", format!("00-{other}-{PARENT}-01"));
    // One of its members is malformed, so none is kept.
    let mint = mint.header("tracestate", STATE).header("tracestate", "=");
    let answer = mint.json(&json!({ "challenge_token": token })).send().await.expect("an answer");
    assert_eq!(answer.status(), 201);
    let request_id = answer.headers()["x-request-id"].to_str().expect("a text").to_owned();
    let spans = collector.trace(&other, "POST /v1/verification-tokens").await;
    let request = named(&spans, "POST /v1/verification-tokens");
    assert_eq!((request.parent.as_str(), request.state.as_str()), (PARENT, ""));
    assert_eq!(request.is("doorstep.request_id"), request_id.as_str());
    assert_eq!(named(&spans, "mint").parent, request.id);
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_and_a_mint_are_told_with_a_file() {
    let collector = Collector::start().await;
    let (prelude, site) = site(&collector.endpoint(), "0").await;
    a_call_and_a_mint(&collector, &prelude, &site).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_and_a_mint_are_told_with_a_database() {
    let database = ScratchDatabase::create().await.expect("a database");
    let collector = Collector::start().await;
    let (prelude, site) = site(&collector.endpoint(), "0").await;
    let site = site.set("store.url", &database.url()).set("keys.encryption_key", &"a7".repeat(32));
    a_call_and_a_mint(&collector, &prelude, &site).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_collected_is_up_to_callers_who_show_who_they_are() {
    let collector = Collector::start().await;
    let (prelude, site) = site(&collector.endpoint(), "100").await;
    let server = site.serve();
    let client = Client::of(&server.address).await;
    // Its caller collects nothing: neither do we.
    let unsampled = traced(transfer(&prelude, "usr_1", "20"), "00");
    assert_eq!(client.send(&unsampled).await.expect("an answer").0, 200);
    // A stranger's word counts for nothing: the trace is our own.
    let mut forged = traced(transfer(&prelude, "usr_2", "20"), "00");
    forged.body.push(b' ');
    assert_eq!(client.send(&forged).await.expect("an answer").0, 401);
    assert_eq!(client.get("/v1/decisions").await.expect("an answer").0, 401);
    assert_eq!(client.get("/nowhere").await.expect("an answer").0, 404);
    server.stop();
    let spans = collector.spans().await;
    assert!(spans.iter().all(|span| span.trace != TRACE && span.state.is_empty()), "{spans:?}");
    let nowhere = named(&spans, "GET");
    assert!(nowhere.is("http.response.status_code") == "404", "{nowhere:?}");
    assert!(!nowhere.attributes.contains_key("http.route"), "{nowhere:?}");
    let refused: Vec<_> = spans.iter().filter(|span| span.is("error.type") == "wrong_signature").collect();
    assert_eq!(refused.len(), 1, "{spans:?}");
    assert_eq!((refused[0].parent.as_str(), refused[0].is("http.response.status_code")), ("", "401"));
    assert!(spans.iter().any(|span| span.is("error.type") == "invalid_api_key"), "{spans:?}");
    assert!(!spans.iter().any(|span| span.name.contains("/readyz")), "probes are no traces: {spans:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_process_has_a_name_of_its_own_and_what_the_settings_say() {
    let collector = Collector::start().await;
    let (prelude, site) = site(&collector.endpoint(), "100").await;
    let site =
        site.set("tracing.attributes", "deployment.environment.name=staging, service.name=step-up, a.b=c=d");
    for _ in 0..2 {
        let server = site.serve();
        let client = Client::of(&server.address).await;
        assert_eq!(client.send(&transfer(&prelude, "usr_1", "20")).await.expect("an answer").0, 200);
        server.stop();
    }
    let processes = collector.processes().await;
    assert_eq!(processes.len(), 2, "{processes:?}");
    let instances: Vec<_> = processes.iter().map(|process| &process["service.instance.id"]).collect();
    assert_ne!(instances[0], instances[1]);
    for (process, instance) in processes.iter().zip(instances) {
        assert_eq!(uuid::Uuid::parse_str(instance).expect("an id").get_version_num(), 4, "{instance}");
        let rest = ["deployment.environment.name", "service.name", "service.version", "a.b"];
        let rest = rest.map(|name| process[name].as_str());
        assert_eq!(rest, ["staging", "step-up", env!("CARGO_PKG_VERSION"), "c=d"]);
        assert_eq!(process.len(), 5, "{process:?}");
    }
}

/// A server of a key set of Prelude's, as it is under its first or second address.
async fn key_set_of(prelude: &Prelude, address: usize) -> MockServer {
    let sets = MockServer::start().await;
    serve_key_set_of(prelude, address, &sets).await;
    sets
}

async fn serve_key_set_of(prelude: &Prelude, address: usize, sets: &MockServer) {
    let url = &prelude.settings()[address].1;
    let keys = reqwest::get(url).await.expect("an answer").text().await.expect("a set");
    let answer = ResponseTemplate::new(200).set_body_string(keys);
    sets.reset().await;
    Mock::given(method("GET")).respond_with(answer).mount(sets).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_a_caller_causes_belongs_to_the_callers_trace() {
    let collector = Collector::start().await;
    let (prelude, site) = site(&collector.endpoint(), "0").await;
    let sets = key_set_of(&prelude, 1).await;
    let site = site
        .set("prelude.step_up_key_set_url", &format!("{}/jwks.json", sets.uri()))
        .set("prelude.key_set_refetch_every", "1s");
    let server = site.serve();
    Client::of(&server.address).await;
    // Prelude signs with another key from now on.
    let renewed = Prelude::start(None).await.expect("Prelude's side");
    serve_key_set_of(&renewed, 1, &sets).await;
    let claims = claims(now(), "usr_1", &json!({ "amount": "15000", "currency": "USD" }));
    let body = json!({ "challenge_token": renewed.challenge_token(&claims).expect("signs") });
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mint = http
        .post(format!("http://{}/v1/verification-tokens", server.address))
        .bearer_auth(site.backend_key())
        .header("traceparent", format!("00-{TRACE}-{PARENT}-01"))
        .header("tracestate", STATE)
        .header("tracestate", "congo=2")
        .json(&body);
    let fetched = until("a fetch", async || {
        mint.try_clone().expect("it can be").send().await.expect("an answer");
        let asked = sets.received_requests().await.expect("they are kept");
        let is_ours = |request: &wiremock::Request| {
            request
                .headers
                .get("traceparent")
                .is_some_and(|text| text.to_str().is_ok_and(|text| text.contains(TRACE)))
        };
        asked.into_iter().find(is_ours)
    })
    .await;
    server.stop();
    let spans = collector.spans().await;
    let fetch = named(&spans, "key_set_fetch");
    let sent = |name: &str| fetched.headers[name].to_str().expect("a text").to_owned();
    assert_eq!(sent("traceparent"), format!("00-{TRACE}-{}-01", fetch.id));
    assert_eq!(sent("tracestate"), format!("{STATE},congo=2"));
    let request = spans.iter().find(|span| span.id == fetch.parent).expect("what caused it");
    assert_eq!((request.name.as_str(), request.parent.as_str()), ("POST /v1/verification-tokens", PARENT));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_of_keys_says_where_it_belongs() {
    let collector = Collector::start().await;
    let (prelude, site) = site(&collector.endpoint(), "100").await;
    let sets = key_set_of(&prelude, 0).await;
    let site = site.set("prelude.key_set_url", &format!("{}/jwks.json", sets.uri()));
    let server = site.serve();
    Client::of(&server.address).await;
    let fetched = sets.received_requests().await.expect("they are kept").remove(0);
    let parent = fetched.headers["traceparent"].to_str().expect("a text").to_owned();
    assert!(!fetched.headers.contains_key("tracestate"), "it is nobody's trace but ours");
    server.stop();
    let spans = collector.spans().await;
    let fetches: Vec<_> = spans.iter().filter(|span| span.name == "key_set_fetch").collect();
    let ours = fetches.iter().find(|span| parent == format!("00-{}-{}-01", span.trace, span.id));
    assert_eq!(ours.expect("its span").is("doorstep.key_set"), "hook", "{fetches:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_the_management_api_says_where_it_belongs() {
    let collector = Collector::start().await;
    let (_prelude, site) = site(&collector.endpoint(), "100").await;
    let api = MockServer::start().await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(404)).mount(&api).await;
    let site = site
        .set("prelude.management_url", &api.uri())
        .set("prelude.management_key", "a-management-key-of-a-test")
        .set("prelude.public_url", "https://doorstep.example");
    site.run(&["prelude", "show"]).expect(0);
    let asked = api.received_requests().await.expect("they are kept");
    let spans = collector.spans().await;
    let command = named(&spans, "command");
    for request in &asked {
        let parent = request.headers["traceparent"].to_str().expect("a text");
        let call = spans.iter().find(|span| parent == format!("00-{}-{}-01", span.trace, span.id));
        let call = call.unwrap_or_else(|| panic!("no span for {parent}: {spans:?}"));
        assert_eq!((call.name.as_str(), call.parent.as_str()), ("management_call", command.id.as_str()));
    }
    assert!(!asked.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_nobody_is_told() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let sets = key_set_of(&prelude, 0).await;
    let site = Site::with(&prelude).set("prelude.key_set_url", &format!("{}/jwks.json", sets.uri()));
    let server = site.serve();
    let client = Client::of(&server.address).await;
    assert_eq!(
        client.send(&traced(transfer(&prelude, "usr_1", "20"), "01")).await.expect("an answer").0,
        200
    );
    server.stop();
    let fetched = sets.received_requests().await.expect("they are kept");
    assert!(!fetched.is_empty() && fetched.iter().all(|one| !one.headers.contains_key("traceparent")));
}

/// Sends calls, and waits until spans came to this end.
async fn send_until_counted((prelude, client): (&Prelude, &Client), outcome: &str, calls: usize) {
    let call = async |number: usize| {
        let call = transfer(prelude, &format!("usr_{number}"), "20");
        assert_eq!(client.send(&call).await.expect("an answer").0, 200);
    };
    let numbers: Vec<_> = (0..calls).collect();
    for some in numbers.chunks(32) {
        futures_util::future::join_all(some.iter().map(|number| call(*number))).await;
    }
    until(outcome, async || {
        let metrics = client.get("/metrics").await.expect("an answer").1;
        let lost = format!("doorstep_trace_spans_total{{outcome=\"{outcome}\"}} ");
        let count = metrics.lines().find_map(|line| line.strip_prefix(&lost)?.parse::<f64>().ok());
        count.filter(|count| *count > 0.0)
    })
    .await;
}

/// Calls to a server whose collector is no good: all are answered, what is lost is counted, and the end comes in time.
async fn calls_go_on(endpoint: &str, outcome: &str, calls: usize) {
    let (prelude, site) = site(endpoint, "100").await;
    let server = site.serve();
    let client = Client::of(&server.address).await;
    send_until_counted((&prelude, &client), outcome, calls).await;
    let since = std::time::Instant::now();
    let log = server.stop().stderr;
    assert!(since.elapsed().as_secs() < 15, "{:?}", since.elapsed());
    let failures = log.matches("trace_export_failed").count();
    assert!(failures <= 1, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_hangs_holds_nobody_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}{TRACES}", listener.local_addr().expect("an address"));
    let holding = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            open.push(stream);
        }
    });
    // Five spans a call: more than wait while one batch is held.
    calls_go_on(&endpoint, "queue_full", 1500).await;
    holding.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_that_find_no_place_are_told_once_and_so_is_the_end_of_it() {
    // Connections come about, and nobody takes them.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}{TRACES}", listener.local_addr().expect("an address"));
    let (prelude, site) = site(&endpoint, "100").await;
    let mut server = site.serve();
    let client = Client::of(&server.address).await;
    send_until_counted((&prelude, &client), "queue_full", 1500).await;
    server.process.until_it_says("trace_queue_full");
    let _collector = Collector::at(listener).await;
    let over = server.process.until_it_says("trace_queue_empty");
    assert!(over.contains("\"lost\":"), "{over}");
    let log = server.stop().stderr;
    for code in ["trace_queue_full", "trace_queue_empty"] {
        assert_eq!(log.matches(code).count(), 1, "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_holds_nobody_up() {
    calls_go_on("http://127.0.0.1:1/v1/traces", "not_sent", 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_points_elsewhere_is_not_followed() {
    let elsewhere = Collector::start().await;
    let answer = ResponseTemplate::new(307).insert_header("location", elsewhere.endpoint().as_str());
    let collector = Collector::answering(answer).await;
    calls_go_on(&collector.endpoint(), "not_sent", 3).await;
    assert!(elsewhere.spans().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_must_show_a_certificate_that_is_trusted() {
    let elsewhere = Site::bare();
    let ca = elsewhere.path("ca.pem").display().to_string();
    let arguments =
        ["emulator", "--dev", "--port", "0", "--app-id", "test", "--ca-out", &ca, "--format", "json"];
    let mut https = elsewhere.start(&arguments);
    let facts: serde_json::Value =
        serde_json::from_str(&https.stdout.find("key_set_url").expect("its addresses")).expect("JSON");
    let endpoint = format!("{}{TRACES}", facts["url"].as_str().expect("a text"));
    for (ca_file, said) in [(None, "certificate"), (Some(&ca), "it answered with status 404")] {
        let (prelude, site) = site(&endpoint, "100").await;
        let site = ca_file.into_iter().fold(site, |site, file| site.set("tracing.ca_file", file));
        let mut server = site.serve();
        let client = Client::of(&server.address).await;
        assert_eq!(client.send(&transfer(&prelude, "usr_1", "20")).await.expect("an answer").0, 200);
        let line = server.process.until_it_says("trace_export_failed");
        assert!(line.contains(said), "{line}");
        server.stop();
    }
}

#[test]
fn a_collector_on_another_machine_is_spoken_to_over_tls() {
    let site = Site::bare().set("mode", "development").set("prelude.app_id", "test");
    let ended =
        site.set("tracing.endpoint", "http://collector.example:4318/v1/traces").run(&["serve"]).expect(2);
    assert!(ended.stderr.contains("error[impossible_value]: tracing.endpoint "), "{}", ended.stderr);
}
