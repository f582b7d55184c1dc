use opentelemetry::trace::Tracer as _;
use tokio::sync::mpsc;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::queue::{BATCH_MAX, QUEUE_MAX};
use super::*;
use crate::config::{LoadRequest, Settings, load};
use crate::metrics::Metrics;

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
        let variables = [
            ("DOORSTEP__PRELUDE__APP_ID", "acme".to_owned()),
            ("DOORSTEP__TRACING__ENDPOINT", format!("{}/v1/traces", self.server.uri())),
            ("DOORSTEP__TRACING__SAMPLED_PERCENT", "100".to_owned()),
        ];
        let environment = variables.into_iter().map(|(name, value)| (name.to_owned(), value));
        load(LoadRequest { file: None, environment, overrides: Vec::new() }).expect("settings")
    }

    /// Waits for so many requests.
    async fn requests(&mut self, count: usize) -> Vec<Request> {
        let mut requests = Vec::new();
        while requests.len() < count {
            requests.push(self.requests.recv().await.expect("a request"));
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
