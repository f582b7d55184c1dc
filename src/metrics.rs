//! What is measured: everything has a method here, so a name or label cannot be misspelt elsewhere.
//!
//! Labels have few values, all known here or chosen by the operator (rules, providers); nothing that a caller chooses becomes a
//! label. Who counts at every call holds the counter itself ([`Count`], [`Latency`], [`RouteCounts`]).

mod book;
mod calls;
mod events;
mod handles;
mod in_force;
mod keys;
mod labels;
mod process;
mod record;
mod routes;
mod spans;
mod steps;
mod text;
mod verdicts;

pub(crate) use self::handles::{Count, Latency};
pub(crate) use self::keys::Signing;
pub(crate) use self::record::{FILING, TIDYING};
pub(crate) use self::routes::RouteCounts;
pub(crate) use self::spans::SpanCounts;

use self::book::Book;
use self::calls::Calls;
use self::events::Events;
use self::in_force::InForce;
use self::keys::Keys;
use self::process::Process;
use self::record::Record;
use self::steps::Steps;
use self::verdicts::Verdicts;

/// Everything that is measured, registered once.
#[derive(Debug)]
pub(crate) struct Metrics {
    book: Book,
    calls: Calls,
    verdicts: Verdicts,
    steps: Steps,
    events: Events,
    keys: Keys,
    in_force: InForce,
    record: Record,
    process: Process,
    spans: SpanCounts,
}

impl Metrics {
    /// Registers every metric at zero.
    pub(crate) fn new() -> Self {
        let mut book = Book::new();
        Self {
            calls: Calls::register(&mut book),
            verdicts: Verdicts::register(&mut book),
            steps: Steps::register(&mut book),
            events: Events::register(&mut book),
            keys: Keys::register(&mut book),
            in_force: InForce::register(&mut book),
            record: Record::register(&mut book),
            process: Process::register(&mut book),
            spans: SpanCounts::register(&mut book),
            book,
        }
    }

    /// What became of spans, for who exports them.
    pub(crate) fn span_counts(&self) -> SpanCounts {
        self.spans.clone()
    }

    /// Writes every metric in the OpenMetrics text form.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        // INVARIANT: writing into a String cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.book.registry);
        text
    }

    /// Writes every metric in the text form that Prometheus had before OpenMetrics.
    pub(crate) fn render_plain(&self) -> String {
        text::plain(&self.render())
    }
}

/// How full something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fill {
    /// How many there are.
    pub(crate) now: usize,
    /// How many there may be.
    pub(crate) most: usize,
}

/// A number as a gauge takes it.
fn level(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
