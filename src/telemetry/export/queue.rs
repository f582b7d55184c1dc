//! Where spans wait for the thread that sends them.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use tokio::sync::{Notify, mpsc};

use crate::metrics::SpanCounts;

/// The most spans that wait.
pub(super) const QUEUE_MAX: usize = 4096;
/// The most in one request.
pub(super) const BATCH_MAX: usize = 512;

/// Makes the queue: where spans go in, where they come out, and what the one end tells the other.
pub(super) fn queue(counts: &SpanCounts) -> (Queue, mpsc::Receiver<SpanData>, Arc<News>) {
    let (spans, waiting) = mpsc::channel(QUEUE_MAX);
    let news = Arc::new(News::default());
    (Queue { spans, news: Arc::clone(&news), counts: counts.clone() }, waiting, news)
}

/// Takes spans as they end, without ever waiting.
#[derive(Debug)]
pub(super) struct Queue {
    spans: mpsc::Sender<SpanData>,
    news: Arc<News>,
    counts: SpanCounts,
}

/// What the sending thread hears of the queue. A span that finds place tells nothing: waking a thread costs more than the span.
#[derive(Debug, Default)]
pub(super) struct News {
    /// A batch is full, or a span was lost.
    came: Notify,
    /// Spans that found no place and that nobody has told of yet.
    lost: AtomicU64,
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &opentelemetry::Context) {}

    fn on_end(&self, span: SpanData) {
        if self.spans.try_send(span).is_err() {
            self.counts.dropped("queue_full", 1);
            self.news.lost.fetch_add(1, Ordering::Relaxed);
        } else if self.spans.max_capacity() - self.spans.capacity() + 1 < BATCH_MAX {
            // The first of a batch is taken already.
            return;
        }
        self.news.came.notify_one();
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Tells the log of spans that found no place: once when it begins, once when it is over.
pub(super) struct Losses {
    news: Arc<News>,
    /// How many were lost since it began; 0 while nothing is lost.
    lost: u64,
}

impl Losses {
    pub(super) const fn told_by(news: Arc<News>) -> Self {
        Self { news, lost: 0 }
    }

    /// Waits until a batch is full or a span was lost; may come once too often.
    pub(super) async fn news(&mut self) {
        self.news.came.notified().await;
        self.look();
    }

    /// Tells of losses for as long as something else is waited for.
    pub(super) async fn watch(&mut self) -> Infallible {
        loop {
            self.news().await;
        }
    }

    fn look(&mut self) {
        let lost = self.news.lost.swap(0, Ordering::Relaxed);
        if self.lost == 0 && lost > 0 {
            tracing::warn!(
                code = "trace_queue_full",
                "More spans come than the collector takes: some are lost; calls go on."
            );
        }
        self.lost += lost;
    }

    /// The queue is empty: whatever comes next finds place.
    pub(super) fn queue_is_empty(&mut self) {
        self.look();
        let lost = std::mem::take(&mut self.lost);
        if lost > 0 {
            tracing::info!(code = "trace_queue_empty", lost, "The collector takes all spans again.");
        }
    }
}
