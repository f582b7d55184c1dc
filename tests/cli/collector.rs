//! An OpenTelemetry collector that keeps what it gets.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Attribute;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message as _;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::client::until;

/// Where it takes traces.
pub(crate) const TRACES: &str = "/v1/traces";

/// The attributes that are numbers; all others are texts.
const NUMBERS: [&str; 2] = ["doorstep.calls", "http.response.status_code"];

/// What keeps the spans that a server exports.
pub(crate) struct Collector(MockServer);

impl Collector {
    pub(crate) async fn start() -> Self {
        Self::answering(ResponseTemplate::new(200)).await
    }

    pub(crate) async fn answering(answer: ResponseTemplate) -> Self {
        Self::on(MockServer::start().await, answer).await
    }

    /// One that takes what comes, and what waits there already, at an address that is known.
    pub(crate) async fn at(listener: std::net::TcpListener) -> Self {
        let server = MockServer::builder().listener(listener).start().await;
        Self::on(server, ResponseTemplate::new(200)).await
    }

    async fn on(server: MockServer, answer: ResponseTemplate) -> Self {
        Mock::given(method("POST")).and(path(TRACES)).respond_with(answer).mount(&server).await;
        Self(server)
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("{}{TRACES}", self.0.uri())
    }

    /// All batches so far.
    async fn batches(&self) -> Vec<ResourceSpans> {
        let requests = self.0.received_requests().await.expect("they are kept");
        let of_one = |request: wiremock::Request| {
            assert_eq!(request.headers["content-type"], "application/x-protobuf");
            ExportTraceServiceRequest::decode(&*request.body).expect("OTLP").resource_spans
        };
        requests.into_iter().flat_map(of_one).collect()
    }

    /// All spans so far.
    pub(crate) async fn spans(&self) -> Vec<Seen> {
        let scopes = self.batches().await.into_iter().flat_map(|batch| batch.scope_spans);
        scopes.flat_map(|scope| scope.spans).map(Seen::of).collect()
    }

    /// Who made the spans: the attributes of each process, once.
    pub(crate) async fn processes(&self) -> Vec<BTreeMap<String, String>> {
        let mut processes = Vec::new();
        for batch in self.batches().await {
            let attributes = texts(batch.resource.expect("a resource").attributes);
            if !processes.contains(&attributes) {
                processes.push(attributes);
            }
        }
        processes
    }

    /// All that came, as it came.
    pub(crate) async fn bytes(&self) -> Vec<u8> {
        let requests = self.0.received_requests().await.expect("they are kept");
        requests.into_iter().flat_map(|request| request.body).collect()
    }

    /// The spans of one trace, once one of this name is among them.
    pub(crate) async fn trace(&self, trace: &str, with: &str) -> Vec<Seen> {
        until(with, async || {
            let spans: Vec<_> = self.spans().await.into_iter().filter(|span| span.trace == trace).collect();
            spans.iter().any(|span| span.name == with).then_some(spans)
        })
        .await
    }
}

/// A span as it arrived.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) took_nanos: u64,
    /// Other people's notes.
    pub(crate) state: String,
    pub(crate) attributes: BTreeMap<String, String>,
}

/// Attributes by their names; each must be of its type.
fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |one: KeyValue| match one.value.and_then(|value| value.value) {
        Some(Attribute::StringValue(text)) if !NUMBERS.contains(&&*one.key) => (one.key, text),
        Some(Attribute::IntValue(number)) if NUMBERS.contains(&&*one.key) => (one.key, number.to_string()),
        other => panic!("{}: {other:?}", one.key),
    };
    attributes.into_iter().map(text).collect()
}

impl Seen {
    fn of(span: Span) -> Self {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(span.events.len(), 0, "log lines are none");
        Self {
            trace: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            took_nanos: span
                .end_time_unix_nano
                .checked_sub(span.start_time_unix_nano)
                .expect("it ends later"),
            state: span.trace_state,
            attributes: texts(span.attributes),
            name: span.name,
        }
    }

    pub(crate) fn is(&self, attribute: &str) -> &str {
        self.attributes.get(attribute).map_or("", String::as_str)
    }
}
