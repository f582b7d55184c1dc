//! Spans on their way to a collector: OTLP over HTTP, in protobuf.
//!
//! A thread of its own sends them, so that neither calls nor the writer ever wait for a collector. What waits is bounded; what
//! finds no place, or cannot be sent, is dropped and counted.

mod post;
mod queue;
mod sender;

use std::time::Duration;

use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    IdGenerator as _, RandomIdGenerator, Sampler, SdkTracer, SdkTracerProvider, SpanLimits,
};
use tokio::sync::oneshot;
use tokio::time::timeout;
use uuid::Builder;

use self::post::{Post, Tried};
use self::queue::{Losses, queue};
use self::sender::{Sender, Stop};
use crate::config::TracingSettings;
use crate::metrics::SpanCounts;

/// How long a batch gathers that does not become full.
const GATHERED: Duration = Duration::from_millis(500);

/// Why spans cannot be exported. It quotes nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportError {
    /// The file of certificates is not to be read.
    #[error("cannot read the certificates (tracing.ca_file)")]
    CaFile(#[source] std::io::Error),
    /// The certificates are none.
    #[error("the certificates are not PEM, or there is none among them (tracing.ca_file)")]
    Certificates,
    /// A header is none that HTTP knows.
    #[error("a header for the collector is none (tracing.headers)")]
    Headers,
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
    start_gathering(settings, counts, GATHERED)
}

/// The same with another time for batches that do not become full.
fn start_gathering(
    settings: &TracingSettings,
    counts: &SpanCounts,
    gathered: Duration,
) -> Result<(SdkTracer, Exporting), ExportError> {
    let resource = resource(settings);
    let (queue, waiting, news) = queue(counts);
    let (stop, asked) = oneshot::channel();
    let sender = Sender {
        post: Post::new(settings)?,
        resource: ResourceAttributesWithSchema::from(&resource),
        counts: counts.clone(),
        waiting,
        losses: Losses::told_by(news),
        stop: Stop::when(asked),
        gathered,
        is_failing: false,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(ExportError::Thread)?;
    let work = move || runtime.block_on(sender.run());
    std::thread::Builder::new().name("traces".to_owned()).spawn(work).map_err(ExportError::Thread)?;
    let provider = SdkTracerProvider::builder()
        .with_span_processor(queue)
        .with_sampler(Sampler::ParentBased(Box::new(share(settings.sampled_percent))))
        .with_id_generator(RandomIdGenerator::default())
        .with_span_limits(SpanLimits::default())
        .with_resource(resource)
        .build();
    Ok((provider.tracer(env!("CARGO_PKG_NAME")), Exporting { stop }))
}

/// Asks the collector to take nothing, which shows whether it would take something.
///
/// # Errors
/// [`ExportError`] where nothing can be sent at all.
pub(crate) async fn try_collector(settings: &TracingSettings) -> Result<Result<(), String>, ExportError> {
    let post = Post::new(settings)?;
    Ok(match post.once(post.dressed(Vec::new())).await {
        Tried::Taken { .. } => Ok(()),
        Tried::Again(cause, _) | Tried::Failed(cause) => Err(cause),
    })
}

/// Who makes the spans: this process by a random name of its own, and what the settings say of it, which goes over ours.
fn resource(settings: &TracingSettings) -> Resource {
    let instance = Builder::from_random_bytes(RandomIdGenerator::default().new_trace_id().to_bytes());
    let own = [
        KeyValue::new("service.name", env!("CARGO_PKG_NAME")),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", instance.into_uuid().to_string()),
    ];
    let more = settings.attributes.iter();
    let more = more.map(|(name, value)| KeyValue::new(name.to_string(), value.to_string()));
    Resource::builder_empty().with_attributes(own).with_attributes(more).build()
}

#[expect(clippy::float_arithmetic, reason = "a share of traces is no amount")]
fn share(percent: u32) -> Sampler {
    Sampler::TraceIdRatioBased(f64::from(percent) / 100.0)
}

#[cfg(test)]
mod tests;
