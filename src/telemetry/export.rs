//! Spans on their way to a collector: OTLP over HTTP, in protobuf.
//!
//! A thread of its own sends them, so that neither calls nor the writer ever wait for a collector. What waits is bounded; what
//! finds no place, or cannot be sent, is dropped and counted.

use std::time::Duration;

use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    RandomIdGenerator, Sampler, SdkTracer, SdkTracerProvider, Span, SpanData, SpanLimits, SpanProcessor,
};
use prost::Message as _;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Certificate, Client, redirect};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

use crate::config::{HttpUrl, TracingSettings};
use crate::metrics::SpanCounts;

/// The most spans that wait.
const QUEUE_MAX: usize = 4096;
/// The most in one request.
const BATCH_MAX: usize = 512;
/// How long a batch gathers.
const GATHERED: Duration = Duration::from_millis(500);
/// How long the collector has for a batch.
const PATIENCE: Duration = Duration::from_secs(5);
/// Who sends.
const USER_AGENT: &str = concat!("doorstep/", env!("CARGO_PKG_VERSION"));

/// Why spans cannot be exported. It quotes nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportError {
    /// The file of certificates is not to be read.
    #[error("cannot read the certificates (tracing.ca_file)")]
    CaFile(#[source] std::io::Error),
    /// The certificates are none.
    #[error("the certificates are not PEM, or there is none among them (tracing.ca_file)")]
    Certificates,
    /// The system's TLS cannot be used.
    #[error("TLS cannot be set up for the collector (tracing.endpoint)")]
    Tls(#[source] reqwest::Error),
    /// The thread did not start.
    #[error("the thread that exports traces did not start")]
    Thread(#[source] std::io::Error),
}

/// What ends in order what was begun.
pub(super) struct Exporting {
    stop: oneshot::Sender<oneshot::Sender<()>>,
}

impl Exporting {
    /// Sends what waits, for as long as `patience` lasts.
    pub(super) async fn finish(self, patience: Duration) {
        let (done, is_done) = oneshot::channel();
        if self.stop.send(done).is_ok() {
            // What could not be sent in time is lost, as it would be at a crash.
            let _ = timeout(patience, is_done).await;
        }
    }
}

/// Prepares a tracer whose spans go to the collector.
///
/// # Errors
/// [`ExportError`]; nothing was started.
pub(super) fn start(
    settings: &TracingSettings,
    counts: &SpanCounts,
) -> Result<(SdkTracer, Exporting), ExportError> {
    let resource = Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", env!("CARGO_PKG_NAME")),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ])
        .build();
    let (queue, waiting) = mpsc::channel(QUEUE_MAX);
    let (stop, stopped) = oneshot::channel();
    let sender = Sender {
        client: client(settings)?,
        endpoint: settings.endpoint.clone(),
        resource: ResourceAttributesWithSchema::from(&resource),
        counts: counts.clone(),
        is_failing: false,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(ExportError::Thread)?;
    let work = move || runtime.block_on(sender.run(waiting, stopped));
    std::thread::Builder::new().name("traces".to_owned()).spawn(work).map_err(ExportError::Thread)?;
    let provider = SdkTracerProvider::builder()
        .with_span_processor(Queue { queue, counts: counts.clone() })
        .with_sampler(Sampler::ParentBased(Box::new(share(settings.sampled_percent))))
        .with_id_generator(RandomIdGenerator::default())
        .with_span_limits(SpanLimits::default())
        .with_resource(resource)
        .build();
    Ok((provider.tracer(env!("CARGO_PKG_NAME")), Exporting { stop }))
}

#[expect(clippy::float_arithmetic, reason = "a share of traces is no amount")]
fn share(percent: u32) -> Sampler {
    Sampler::TraceIdRatioBased(f64::from(percent) / 100.0)
}

/// A client for one address: no redirect, and TLS unless the address is this machine's own.
fn client(settings: &TracingSettings) -> Result<Client, ExportError> {
    let builder = Client::builder()
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .connect_timeout(PATIENCE)
        .timeout(PATIENCE)
        .pool_max_idle_per_host(1);
    let extra = match &settings.ca_file {
        None => Vec::new(),
        Some(file) => {
            let pem = std::fs::read(file).map_err(ExportError::CaFile)?;
            let extra = Certificate::from_pem_bundle(&pem).map_err(|_| ExportError::Certificates)?;
            if extra.is_empty() {
                return Err(ExportError::Certificates);
            }
            extra
        }
    };
    let builder = if settings.endpoint.is_plain() {
        // Only this machine's own: no proxy stands before it, and it needs no roots.
        builder.no_proxy().tls_certs_only(extra)
    } else {
        builder.https_only(true).tls_certs_merge(extra)
    };
    builder.build().map_err(ExportError::Tls)
}

/// Takes spans as they end, without ever waiting.
#[derive(Debug)]
struct Queue {
    queue: mpsc::Sender<SpanData>,
    counts: SpanCounts,
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &opentelemetry::Context) {}

    fn on_end(&self, span: SpanData) {
        if self.queue.try_send(span).is_err() {
            self.counts.dropped("queue_full", 1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Sends batches.
struct Sender {
    client: Client,
    endpoint: HttpUrl,
    resource: ResourceAttributesWithSchema,
    counts: SpanCounts,
    is_failing: bool,
}

impl Sender {
    /// Works until nobody makes spans any more, or until told to stop; then what waits is sent first.
    async fn run(
        mut self,
        mut waiting: mpsc::Receiver<SpanData>,
        mut stopped: oneshot::Receiver<oneshot::Sender<()>>,
    ) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        let done = loop {
            tokio::select! {
                biased;
                done = &mut stopped => break done.ok(),
                taken = waiting.recv_many(&mut batch, BATCH_MAX) => if taken == 0 { break None },
            }
            tokio::select! {
                biased;
                done = &mut stopped => break done.ok(),
                () = sleep(GATHERED), if batch.len() < BATCH_MAX => {}
                () = std::future::ready(()), if batch.len() >= BATCH_MAX => {}
            }
            fill(&mut batch, &mut waiting);
            self.send(&mut batch).await;
        };
        fill(&mut batch, &mut waiting);
        while !batch.is_empty() {
            self.send(&mut batch).await;
            fill(&mut batch, &mut waiting);
        }
        if let Some(done) = done {
            // Whoever asked may have lost patience.
            let _ = done.send(());
        }
    }

    /// Sends a batch once: a collector that is away gets no second copy, and what comes after is not held up.
    async fn send(&mut self, batch: &mut Vec<SpanData>) {
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let spans = std::mem::take(batch);
        let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let request = self.client.post(self.endpoint.as_str()).header(CONTENT_TYPE, "application/x-protobuf");
        let cause = match request.body(body).send().await {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answered with status {}", answer.status().as_u16())),
            Err(error) => Some(words(&error.without_url())),
        };
        match cause {
            None => {
                self.counts.exported(count);
                if std::mem::take(&mut self.is_failing) {
                    tracing::info!(code = "trace_export_works", "Traces are exported again.");
                }
            }
            Some(cause) => {
                self.counts.dropped("not_sent", count);
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::warn!(
                        code = "trace_export_failed",
                        cause,
                        "Traces cannot be exported; calls go on."
                    );
                }
            }
        }
    }
}

fn fill(batch: &mut Vec<SpanData>, waiting: &mut mpsc::Receiver<SpanData>) {
    while batch.len() < BATCH_MAX
        && let Ok(span) = waiting.try_recv()
    {
        batch.push(span);
    }
}

/// An error with its causes.
fn words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |cause| cause.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
