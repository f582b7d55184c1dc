//! What Prelude tells by its webhook.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use super::Metrics;
use super::book::Book;
use super::labels::{Cause, FailureReason, TypeAndOutcome};

/// What is counted of Prelude's events.
#[derive(Debug)]
pub(super) struct Events {
    events: Family<TypeAndOutcome, Counter>,
    refusals: Family<Cause, Counter>,
    hook_failures: Family<FailureReason, Counter>,
}

impl Events {
    pub(super) fn register(book: &mut Book) -> Self {
        Self {
            events: book.add("prelude_events", "Events of Prelude's webhook, by what became of them"),
            refusals: book.add(
                "prelude_event_refusals",
                "Calls of Prelude's webhook that were not taken whole, by cause",
            ),
            hook_failures: book.add(
                "hook_failures",
                "Answers of the hook that Prelude could not use, by the reason it gives",
            ),
        }
    }
}

impl Metrics {
    /// Counts an event of Prelude's webhook.
    pub(crate) fn prelude_event(&self, kind: &'static str, outcome: &'static str) {
        self.events.events.get_or_create(&TypeAndOutcome { r#type: kind, outcome }).inc();
    }

    /// Counts a call of Prelude's webhook that was not taken whole.
    pub(crate) fn prelude_event_refusal(&self, cause: &'static str) {
        self.events.refusals.get_or_create(&Cause { cause }).inc();
    }

    /// Has answers that Prelude could not use for this reason be counted from zero.
    pub(crate) fn no_hook_failure_yet(&self, reason: &'static str) {
        drop(self.events.hook_failures.get_or_create(&FailureReason { reason }));
    }

    /// Counts an answer of the hook that Prelude says it could not use.
    pub(crate) fn hook_failure(&self, reason: &'static str) {
        self.events.hook_failures.get_or_create(&FailureReason { reason }).inc();
    }
}
