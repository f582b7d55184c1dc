use std::io::Read as _;

use flate2::read::GzDecoder;
use opentelemetry::trace::Tracer as _;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message as _;
use tokio::sync::mpsc;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::queue::{BATCH_MAX, QUEUE_MAX};
use super::*;
use crate::config::{LoadRequest, Settings, load};
use crate::metrics::Metrics;

/// The longest that a test waits for a request.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longer than any test waits.
const NEVER: Duration = Duration::from_secs(3600);

/// A collector that gives its answers in turn, the last one again and again.
struct Collector {
    server: MockServer,
    requests: mpsc::UnboundedReceiver<Request>,
}

impl Collector {
    async fn answering(answers: Vec<ResponseTemplate>) -> Self {
        let server = MockServer::start().await;
        let (seen, requests) = mpsc::unbounded_channel();
        let next = std::sync::Mutex::new(answers.into_iter().peekable());
        let answer = move |request: &Request| {
            seen.send(request.clone()).expect("the test goes on");
            let mut next = next.lock().expect("nobody panics");
            let answer = next.peek().expect("an answer").clone();
            if next.len() > 1 {
                next.next();
            }
            answer
        };
        Mock::given(any()).respond_with(answer).mount(&server).await;
        Self { server, requests }
    }

    fn settings(&self) -> Settings {
        self.settings_with(&[])
    }

    fn settings_with(&self, more: &[(&'static str, &str)]) -> Settings {
        let own = [
            ("DOORSTEP__PRELUDE__APP_ID", "acme".to_owned()),
            ("DOORSTEP__TRACING__ENDPOINT", format!("{}/v1/traces", self.server.uri())),
            ("DOORSTEP__TRACING__SAMPLED_PERCENT", "100".to_owned()),
        ];
        let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let environment = own.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value));
        load(LoadRequest { file: None, environment, overrides: Vec::new() }).expect("settings")
    }

    /// Waits for so many requests.
    async fn requests(&mut self, count: usize) -> Vec<Request> {
        let mut requests = Vec::new();
        while requests.len() < count {
            let next = timeout(PATIENCE, self.requests.recv()).await.expect("a request in time");
            requests.push(next.expect("a request"));
        }
        requests
    }
}

/// What exports to a collector.
struct Bench {
    metrics: Metrics,
    tracer: SdkTracer,
    exporting: Exporting,
}

impl Bench {
    /// - `gathered`: how long batches gather that do not become full.
    fn start(settings: &Settings, gathered: Duration) -> Self {
        let metrics = Metrics::new();
        let tracing = settings.tracing.as_ref().expect("an endpoint");
        let (tracer, exporting) =
            start_gathering(tracing, &metrics.span_counts(), gathered).expect("it starts");
        Self { metrics, tracer, exporting }
    }

    fn make(&self, spans: usize) {
        (0..spans).for_each(|_| drop(self.tracer.start("span")));
    }

    /// Ends it in order, and tells what became of all spans, where it is not nothing.
    async fn finish(self) -> Vec<(String, u64)> {
        self.exporting.finish(NEVER).await;
        let text = self.metrics.render();
        let counts = text.lines().filter_map(|line| {
            let (outcome, count) =
                line.strip_prefix("doorstep_trace_spans_total{outcome=\"")?.split_once("\"} ")?;
            Some((outcome.to_owned(), count.parse().expect("a number")))
        });
        let mut counts: Vec<_> = counts.filter(|(_, count)| *count > 0).collect();
        counts.sort();
        counts
    }
}

fn outcomes<const N: usize>(counts: [(&str, usize); N]) -> Vec<(String, u64)> {
    counts.map(|(outcome, count)| (outcome.to_owned(), u64::try_from(count).expect("it fits"))).to_vec()
}

#[tokio::test]
async fn a_full_batch_waits_for_nobody_and_a_burst_loses_nothing() {
    let mut collector = Collector::answering(vec![ResponseTemplate::new(200)]).await;
    let bench = Bench::start(&collector.settings(), NEVER);
    const ROUNDS: usize = 6;
    for _ in 0..ROUNDS {
        bench.make(QUEUE_MAX / 2);
        collector.requests(QUEUE_MAX / 2 / BATCH_MAX).await;
    }
    bench.make(3);
    assert_eq!(bench.finish().await, outcomes([("exported", ROUNDS * QUEUE_MAX / 2 + 3)]));
}

fn status(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status)
}

#[tokio::test]
async fn a_busy_collector_gets_the_same_batch_again() {
    let at_once = |busy| status(busy).insert_header("retry-after", "0");
    for busy in [[429, 502], [503, 504]] {
        let answers = busy.map(at_once).into_iter().chain([status(200)]);
        let mut collector = Collector::answering(answers.collect()).await;
        let bench = Bench::start(&collector.settings(), NEVER);
        bench.make(BATCH_MAX);
        let requests = collector.requests(3).await;
        assert!(requests.iter().all(|request| request.body == requests[0].body));
        assert_eq!(bench.finish().await, outcomes([("exported", BATCH_MAX)]));
    }
}

#[tokio::test]
async fn what_is_refused_again_and_again_or_for_good_is_lost() {
    let busy = status(503).insert_header("retry-after", "0");
    for (answer, tries) in [(busy, 3), (status(400), 1), (status(500), 1), (status(307), 1)] {
        let mut collector = Collector::answering(vec![answer]).await;
        let bench = Bench::start(&collector.settings(), NEVER);
        bench.make(BATCH_MAX);
        collector.requests(tries).await;
        assert_eq!(bench.finish().await, outcomes([("not_sent", BATCH_MAX)]));
        assert!(collector.requests.try_recv().is_err(), "{tries} are enough");
    }
}

#[tokio::test]
async fn the_end_waits_for_no_pause() {
    let busy = status(503).insert_header("retry-after", "3600");
    let mut collector = Collector::answering(vec![busy.clone(), status(200), busy]).await;
    let bench = Bench::start(&collector.settings(), NEVER);
    bench.make(BATCH_MAX);
    collector.requests(1).await;
    bench.make(1);
    let done = timeout(Duration::from_secs(20), bench.finish()).await.expect("sooner than the pause");
    assert_eq!(done, outcomes([("exported", BATCH_MAX), ("not_sent", 1)]));
}

#[tokio::test]
async fn what_the_collector_throws_away_is_counted() {
    let answer = |rejected_spans| {
        let error_message = "somebody else's words".to_owned();
        let partial_success = Some(ExportTracePartialSuccess { rejected_spans, error_message });
        status(200).set_body_bytes(ExportTraceServiceResponse { partial_success }.encode_to_vec())
    };
    let none = status(200).set_body_string("no protobuf");
    let mut collector =
        Collector::answering(vec![answer(3), answer(0), answer(-1), answer(i64::MAX), none]).await;
    let bench = Bench::start(&collector.settings(), NEVER);
    for _ in 0..5 {
        bench.make(BATCH_MAX);
        collector.requests(1).await;
    }
    let expected = outcomes([("exported", 4 * BATCH_MAX - 3), ("rejected", BATCH_MAX + 3)]);
    assert_eq!(bench.finish().await, expected);
}

#[tokio::test]
async fn a_batch_is_packed_and_brings_the_headers_of_the_settings() {
    let mut collector = Collector::answering(vec![status(200)]).await;
    let settings = collector.settings_with(&[
        ("DOORSTEP__TRACING__COMPRESSION", "gzip"),
        ("DOORSTEP__TRACING__HEADERS", "authorization=Bearer%20canary,X-Scope-OrgID=acme"),
    ]);
    let bench = Bench::start(&settings, NEVER);
    bench.make(BATCH_MAX);
    let request = collector.requests(1).await.remove(0);
    let header = |name: &str| request.headers[name].to_str().expect("a text").to_owned();
    let headers = ["authorization", "x-scope-orgid", "content-encoding", "content-type"].map(header);
    assert_eq!(headers, ["Bearer canary", "acme", "gzip", "application/x-protobuf"]);
    let mut body = Vec::new();
    GzDecoder::new(&*request.body).read_to_end(&mut body).expect("gzip");
    let batch = ExportTraceServiceRequest::decode(&*body).expect("OTLP");
    assert_eq!(batch.resource_spans[0].scope_spans[0].spans.len(), BATCH_MAX);
    assert!(request.body.len() < body.len(), "{} of {}", request.body.len(), body.len());
    assert_eq!(bench.finish().await, outcomes([("exported", BATCH_MAX)]));
}
