//! Requests: how many, how long, and what was not let in.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::book::Book;
use super::handles::{Waited, waiting};
use super::labels::{Cause, Limit, Listener, RouteAndCode};
use super::{Fill, Metrics, level};

/// What is counted of requests.
#[derive(Debug)]
pub(super) struct Calls {
    pub(super) requests: Family<RouteAndCode, Counter>,
    hook: Waited,
    hook_refusals: Family<Cause, Counter>,
    limit_refusals: Family<Limit, Counter>,
    in_flight: Gauge,
    in_flight_limit: Gauge,
    connections: Family<Listener, Gauge>,
    connections_limit: Family<Listener, Gauge>,
}

impl Calls {
    pub(super) fn register(book: &mut Book) -> Self {
        let limit_refusals: Family<Limit, Counter> = book.add(
            "limit_refusals",
            "Requests refused, and connections cut, because a limit was reached, by limit",
        );
        drop(limit_refusals.get_or_create(&Limit { limit: "overloaded" }));
        Self {
            requests: book.add(
                "http_requests",
                "Requests answered, by address and status; `none` stands for every address that leads \
                 nowhere",
            ),
            hook: Waited::of(&book.take(
                "hook_duration_seconds",
                "How long a hook call took, from its head to its answer: `answered` with a verdict, or \
                 `refused`",
                Family::new_with_constructor(waiting),
            )),
            hook_refusals: book.add("hook_refusals", "Hook calls that got no verdict, by cause"),
            limit_refusals,
            in_flight: book.add("calls_in_flight", "Calls that are being worked on"),
            in_flight_limit: book.add(
                "calls_in_flight_limit",
                "The most calls that may be worked on at once; one more is answered 503",
            ),
            connections: book.add(
                "connections",
                "Open connections, by listener; `public` where there is one for everything",
            ),
            connections_limit: book.add(
                "connections_limit",
                "The most connections of a listener; one more waits until one closes",
            ),
        }
    }
}

impl Metrics {
    /// Counts a hook call that got its verdict.
    pub(crate) fn hook_answered(&self, took: Duration) {
        self.calls.hook.answered.took(took);
    }

    /// Counts a hook call that got no verdict.
    pub(crate) fn hook_refusal(&self, cause: &'static str, took: Duration) {
        self.calls.hook.refused.took(took);
        self.calls.hook_refusals.get_or_create(&Cause { cause }).inc();
    }

    /// Has hook calls that are refused for this cause be counted from zero.
    pub(crate) fn no_hook_refusal_yet(&self, cause: &'static str) {
        drop(self.calls.hook_refusals.get_or_create(&Cause { cause }));
    }

    /// Counts a request that was refused because a limit was reached.
    pub(crate) fn limit_refusal(&self, limit: &'static str) {
        self.calls.limit_refusals.get_or_create(&Limit { limit }).inc();
    }

    /// States how many calls are being worked on, and how many may be.
    pub(crate) fn calls_in_flight(&self, calls: Fill) {
        self.calls.in_flight.set(level(calls.now));
        self.calls.in_flight_limit.set(level(calls.most));
    }

    /// States how many connections a listener has, and may have.
    pub(crate) fn connections(&self, listener: &'static str, connections: Fill) {
        let listener = Listener { listener };
        self.calls.connections.get_or_create(&listener).set(level(connections.now));
        self.calls.connections_limit.get_or_create(&listener).set(level(connections.most));
    }
}
