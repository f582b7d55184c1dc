//! Custom steps: their verifications, tokens and callbacks, and what is spent in the end.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::book::Book;
use super::handles::{Maybe, Waited, waiting};
use super::labels::{Age, Cause, SourceAndOutcome, State};
use super::{Metrics, level};

/// What is counted of custom steps.
#[derive(Debug)]
pub(super) struct Steps {
    verifications: Family<State, Counter>,
    pending: Family<Age, Gauge>,
    oldest_pending: Maybe<i64>,
    callbacks: Family<SourceAndOutcome, Counter>,
    mints: Counter,
    minting: Waited,
    mint_refusals: Family<Cause, Counter>,
    redemptions: Counter,
    redemption_refusals: Family<Cause, Counter>,
    facts: Counter,
    fact_refusals: Family<Cause, Counter>,
}

impl Steps {
    pub(super) fn register(book: &mut Book) -> Self {
        Self {
            verifications: book.add(
                "verifications",
                "Verifications that came into a state; `pending` counts those that were opened",
            ),
            pending: book.add(
                "verifications_pending",
                "Verifications in the record that wait for a decision, by how long; of more than 10000 \
                 those that expire first (as of doorstep_database_looked_at_timestamp_seconds)",
            ),
            oldest_pending: book.add(
                "verification_oldest_pending_timestamp_seconds",
                "When the oldest verification that waits was opened, in Unix seconds; absent while none waits (as \
                 of doorstep_database_looked_at_timestamp_seconds)",
            ),
            callbacks: book.add("callbacks", "Events of identity-check providers, by what became of them"),
            mints: book.add("verification_tokens", "Verification tokens minted"),
            minting: Waited::of(&book.take(
                "mint_duration_seconds",
                "How long a request for a token took: `answered` with one, or `refused`",
                Family::new_with_constructor(waiting),
            )),
            mint_refusals: book.add("mint_refusals", "Requests for a token refused, by cause"),
            redemptions: book.add("redemptions", "Grants spent"),
            redemption_refusals: book
                .add("redemption_refusals", "Redemptions refused, by cause: nothing may be executed"),
            facts: book.add("facts", "Facts recorded"),
            fact_refusals: book.add("fact_refusals", "Reports of facts refused, by cause"),
        }
    }
}

impl Metrics {
    /// Counts a call of an identity-check provider.
    ///
    /// - `source`: the name of a configured provider, never what a caller says.
    pub(crate) fn callback(&self, source: &str, outcome: &'static str) {
        let labels = SourceAndOutcome { source: source.to_owned(), outcome };
        self.steps.callbacks.get_or_create(&labels).inc();
    }

    /// Has a provider's calls with this outcome be counted from zero.
    pub(crate) fn no_callback_yet(&self, source: &str, outcome: &'static str) {
        let labels = SourceAndOutcome { source: source.to_owned(), outcome };
        drop(self.steps.callbacks.get_or_create(&labels));
    }

    /// Counts a verification that was opened.
    pub(crate) fn verification_opened(&self) {
        self.verification_decided("pending");
    }

    /// Counts a verification that came into a state, or an approval that came late and was kept.
    pub(crate) fn verification_decided(&self, state: &'static str) {
        self.steps.verifications.get_or_create(&State { state }).inc();
    }

    /// Counts verifications whose time ran out.
    pub(crate) fn verifications_expired(&self, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.steps.verifications.get_or_create(&State { state: "expired" }).inc_by(count);
    }

    /// States how many verifications wait for so long.
    pub(crate) fn verifications_pending(&self, age: &'static str, count: usize) {
        self.steps.pending.get_or_create(&Age { age }).set(level(count));
    }

    /// States when the oldest verification that waits was opened, in Unix seconds; none where none waits.
    pub(crate) fn oldest_pending(&self, unix_seconds: Option<i64>) {
        self.steps.oldest_pending.set(unix_seconds);
    }

    /// Counts a token that was minted and recorded.
    pub(crate) fn mint(&self) {
        self.steps.mints.inc();
    }

    /// Notes how long a request took that got a token.
    pub(crate) fn mint_answered(&self, took: Duration) {
        self.steps.minting.answered.took(took);
    }

    /// Counts a request for a token that got none.
    pub(crate) fn mint_refusal(&self, cause: &'static str, took: Duration) {
        self.steps.minting.refused.took(took);
        self.steps.mint_refusals.get_or_create(&Cause { cause }).inc();
    }

    /// Counts a grant that was spent.
    pub(crate) fn redemption(&self) {
        self.steps.redemptions.inc();
    }

    /// Counts a request to spend a grant for which none was.
    pub(crate) fn redemption_refusal(&self, cause: &'static str) {
        self.steps.redemption_refusals.get_or_create(&Cause { cause }).inc();
    }

    /// Counts a fact that was recorded.
    pub(crate) fn fact(&self) {
        self.steps.facts.inc();
    }

    /// Counts a report of a fact that was refused.
    pub(crate) fn fact_refusal(&self, cause: &'static str) {
        self.steps.fact_refusals.get_or_create(&Cause { cause }).inc();
    }
}
