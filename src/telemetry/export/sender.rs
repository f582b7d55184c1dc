//! The thread that sends spans, in batches.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::trace::SpanData;
use prost::Message as _;
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use super::queue::{BATCH_MAX, Losses};
use crate::config::HttpUrl;
use crate::metrics::SpanCounts;

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
    pub(super) client: Client,
    pub(super) endpoint: HttpUrl,
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
            taken = self.waiting.recv_many(batch, BATCH_MAX) => if taken == 0 { return false },
        }
        let over = sleep(self.gathered);
        tokio::pin!(over);
        loop {
            self.fill(batch);
            if batch.len() >= BATCH_MAX || over.is_elapsed() {
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

    /// Sends a batch once: a collector that is away gets no second copy, and what comes after is not held up.
    async fn send(&mut self, batch: &mut Vec<SpanData>) {
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let spans = std::mem::take(batch);
        let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let request = self.client.post(self.endpoint.as_str()).header(CONTENT_TYPE, "application/x-protobuf");
        let answer = tokio::select! {
            biased;
            answer = request.body(body).send() => answer,
            never = self.losses.watch() => match never {},
        };
        let cause = match answer {
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
        if self.waiting.is_empty() {
            self.losses.queue_is_empty();
        }
    }
}

/// An error with its causes.
fn words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |cause| cause.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
