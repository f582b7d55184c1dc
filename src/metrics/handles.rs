//! What somebody holds who counts often: the metric itself, found once and not looked up again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeGaugeValue, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;

use super::labels::Outcome;

/// A counter with all its labels.
#[derive(Debug, Clone, Default)]
pub(crate) struct Count(Counter);

impl Count {
    pub(super) const fn of(counter: Counter) -> Self {
        Self(counter)
    }

    /// Counts one more.
    pub(crate) fn one(&self) {
        self.0.inc();
    }
}

/// A histogram of durations, in seconds.
#[derive(Debug, Clone)]
pub(crate) struct Latency(Histogram);

impl Latency {
    pub(super) const fn of(histogram: Histogram) -> Self {
        Self(histogram)
    }

    /// Notes how long one took.
    pub(crate) fn took(&self, time: Duration) {
        self.0.observe(time.as_secs_f64());
    }
}

/// A histogram of durations by whether there was what was asked for.
#[derive(Debug)]
pub(super) struct Waited {
    pub(super) answered: Latency,
    pub(super) refused: Latency,
}

impl Waited {
    pub(super) fn of(family: &Family<Outcome, Histogram, fn() -> Histogram>) -> Self {
        let of = |outcome| Latency(family.get_or_create_owned(&Outcome { outcome }));
        Self { answered: of("answered"), refused: of("refused") }
    }
}

/// A gauge that is absent while nothing is known or there is nothing.
#[derive(Debug)]
pub(super) struct Maybe<N>(Arc<Mutex<Option<N>>>);

impl<N: Copy> Maybe<N> {
    pub(super) fn set(&self, number: Option<N>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = number;
    }

    fn get(&self) -> Option<N> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<N> Clone for Maybe<N> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<N> Default for Maybe<N> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<N: Copy + EncodeGaugeValue> EncodeMetric for Maybe<N> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.get().map_or(Ok(()), |number| encoder.encode_gauge(&number))
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }

    fn is_empty(&self) -> bool {
        self.get().is_none()
    }
}

/// The steps of a histogram of what somebody waits for: half a millisecond to ten seconds.
pub(super) fn waiting() -> Histogram {
    Histogram::new([0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0])
}

/// The steps of a histogram of evaluations: a quarter of a microsecond to ten milliseconds.
pub(super) fn evaluating() -> Histogram {
    Histogram::new([
        0.000_000_25,
        0.000_000_5,
        0.000_001,
        0.000_002,
        0.000_005,
        0.000_01,
        0.000_05,
        0.000_2,
        0.001,
        0.01,
    ])
}

/// The steps of a histogram of rows: 1 to 2048.
pub(super) fn rows() -> Histogram {
    Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0])
}
