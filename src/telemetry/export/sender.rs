//! The thread that sends spans, in batches.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator, SpanData};
use prost::Message as _;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use super::post::{Post, Tried};
use super::queue::{BATCH_MAX, Losses};
use crate::metrics::SpanCounts;

/// How often a batch is tried.
const TRIES_MAX: u32 = 3;
/// How long is waited before the second try, where the collector does not say; doubled before the third.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest wait between two tries, whatever the collector says.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Whether the end is wanted, and who waits for it.
pub(super) struct Stop {
    asking: oneshot::Receiver<oneshot::Sender<()>>,
    is_asked: bool,
    done: Option<oneshot::Sender<()>>,
}

impl Stop {
    pub(super) const fn when(asking: oneshot::Receiver<oneshot::Sender<()>>) -> Self {
        Self { asking, is_asked: false, done: None }
    }

    /// Waits until the end is wanted; from then on it returns at once.
    async fn asked(&mut self) {
        if !self.is_asked {
            self.done = (&mut self.asking).await.ok();
            self.is_asked = true;
        }
    }
}

/// Sends batches.
pub(super) struct Sender {
    pub(super) post: Post,
    pub(super) resource: ResourceAttributesWithSchema,
    pub(super) counts: SpanCounts,
    pub(super) waiting: mpsc::Receiver<SpanData>,
    pub(super) losses: Losses,
    pub(super) stop: Stop,
    /// How long a batch gathers that does not become full.
    pub(super) gathered: Duration,
    pub(super) is_failing: bool,
}

impl Sender {
    /// Works until nobody makes spans any more, or until told to stop; then what waits is sent first.
    pub(super) async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while self.gather(&mut batch).await {
            self.send(&mut batch).await;
        }
        self.fill(&mut batch);
        while !batch.is_empty() {
            self.send(&mut batch).await;
            self.fill(&mut batch);
        }
        if let Some(done) = self.stop.done.take() {
            // Whoever asked may have lost patience.
            let _ = done.send(());
        }
    }

    /// Waits for a span, and then until the batch is full or its time is over.
    ///
    /// - returns: `false` where no more may come; the batch may hold some all the same.
    async fn gather(&mut self, batch: &mut Vec<SpanData>) -> bool {
        tokio::select! {
            biased;
            () = self.stop.asked() => return false,
            first = self.waiting.recv() => match first {
                Some(first) => batch.push(first),
                None => return false,
            },
        }
        let over = sleep(self.gathered);
        tokio::pin!(over);
        loop {
            // The others stay in the queue until then, which tells when they are enough.
            if batch.len() + self.waiting.len() >= BATCH_MAX || over.is_elapsed() {
                self.fill(batch);
                return true;
            }
            tokio::select! {
                biased;
                () = self.stop.asked() => return false,
                () = self.losses.news() => {}
                () = &mut over => {}
            }
        }
    }

    fn fill(&mut self, batch: &mut Vec<SpanData>) {
        while batch.len() < BATCH_MAX
            && let Ok(span) = self.waiting.try_recv()
        {
            batch.push(span);
        }
    }

    /// Hands a batch over, counts what became of it, and tells the log when that is another thing than before.
    async fn send(&mut self, batch: &mut Vec<SpanData>) {
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let spans = std::mem::take(batch);
        let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
        let body = self.post.dressed(ExportTraceServiceRequest { resource_spans }.encode_to_vec());
        let cause = match self.deliver(body).await {
            Ok(rejected) => {
                let rejected = rejected.min(count);
                self.counts.exported(count - rejected);
                self.counts.dropped("rejected", rejected);
                (rejected > 0).then(|| format!("it rejected {rejected} of {count} spans"))
            }
            Err(cause) => {
                self.counts.dropped("not_sent", count);
                Some(cause)
            }
        };
        let was_failing = std::mem::replace(&mut self.is_failing, cause.is_some());
        match cause {
            Some(cause) if !was_failing => {
                tracing::warn!(
                    code = "trace_export_failed",
                    cause,
                    "Traces cannot be exported; calls go on."
                );
            }
            None if was_failing => {
                tracing::info!(code = "trace_export_works", "Traces are exported again.");
            }
            _ => {}
        }
        if self.waiting.is_empty() {
            self.losses.queue_is_empty();
        }
    }

    /// Tries to hand a batch over, and again where that may help. What ends meanwhile waits in the queue, as far as that goes; once the
    /// end is wanted nothing is tried again.
    ///
    /// - returns: how many spans the collector took and threw away.
    ///
    /// # Errors
    /// Why it did not take them.
    async fn deliver(&mut self, body: Vec<u8>) -> Result<u64, String> {
        let mut tries = 1;
        loop {
            let tried = tokio::select! {
                biased;
                tried = self.post.once(body.clone()) => tried,
                never = self.losses.watch() => match never {},
            };
            let (cause, pause) = match tried {
                Tried::Taken { rejected } => return Ok(rejected),
                Tried::Failed(cause) => return Err(cause),
                Tried::Again(cause, _) if tries >= TRIES_MAX || self.stop.is_asked => return Err(cause),
                Tried::Again(cause, asked) => (cause, asked.unwrap_or_else(|| pause_after(tries))),
            };
            tracing::debug!(cause, tries, "A batch of spans is tried again.");
            tokio::select! {
                biased;
                () = self.stop.asked() => {}
                () = sleep(pause.min(PAUSE_MAX)) => {}
                never = self.losses.watch() => match never {},
            }
            tries += 1;
        }
    }
}

/// A pause that doubles, and differs from process to process, so that not all come back at once.
///
/// - `tries`: those before it, from 1 on.
fn pause_after(tries: u32) -> Duration {
    let [.., random] = RandomIdGenerator::default().new_span_id().to_bytes();
    FIRST_PAUSE.saturating_mul(1 << (tries - 1)) + Duration::from_millis(u64::from(random))
}
