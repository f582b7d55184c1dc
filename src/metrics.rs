//! Typed counters: what is counted has a method here, so a name or label cannot be misspelt elsewhere.
//!
//! Labels have few values, all known here; nothing that a caller chooses becomes a label.

mod labels;
mod spans;

use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use self::labels::{
    Cause, FailureReason, Limit, ReloadResult, Rows, SetAndOutcome, SourceAndOutcome, State, TypeAndOutcome,
    Verdict,
};
pub(crate) use self::spans::SpanCounts;

/// Everything that is counted, registered once.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    registry: Registry,
    verdicts: Family<Verdict, Counter>,
    repeated_calls: Counter,
    stale_verdicts: Counter,
    hook_refusals: Family<Cause, Counter>,
    callbacks: Family<SourceAndOutcome, Counter>,
    verifications: Family<State, Counter>,
    mints: Counter,
    mint_refusals: Family<Cause, Counter>,
    redemptions: Counter,
    redemption_refusals: Family<Cause, Counter>,
    facts: Counter,
    fact_refusals: Family<Cause, Counter>,
    prelude_events: Family<TypeAndOutcome, Counter>,
    prelude_event_refusals: Family<Cause, Counter>,
    hook_failures: Family<FailureReason, Counter>,
    key_set_fetches: Family<SetAndOutcome, Counter>,
    limit_refusals: Family<Limit, Counter>,
    calls_in_flight: Gauge<i64, AtomicI64>,
    policy_reloads: Family<ReloadResult, Counter>,
    policy_reload_failed: Gauge<i64, AtomicI64>,
    policy_activated: Gauge<i64, AtomicI64>,
    tls_reloads: Family<ReloadResult, Counter>,
    tls_reload_failed: Gauge<i64, AtomicI64>,
    store_batches: Counter,
    store_rows: Counter,
    store_queue_depth: Gauge<i64, AtomicI64>,
    store_failures: Counter<u64, AtomicU64>,
    store_outage: Gauge<i64, AtomicI64>,
    retained: Family<Rows, Counter>,
    spans: SpanCounts,
}

impl Metrics {
    /// Registers every metric at zero.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("doorstep");
        let mut metrics = Self::default();
        registry.register("verdicts", "Verdicts recorded and answered", metrics.verdicts.clone());
        registry.register(
            "repeated_calls",
            "Hook calls answered from an earlier record",
            metrics.repeated_calls.clone(),
        );
        registry.register(
            "stale_verdicts",
            "Verdicts made anew because the fraud desk had acted",
            metrics.stale_verdicts.clone(),
        );
        registry.register("hook_refusals", "Hook calls refused, by cause", metrics.hook_refusals.clone());
        registry.register(
            "callbacks",
            "Events of identity-check providers, by what became of them",
            metrics.callbacks.clone(),
        );
        registry.register(
            "verifications",
            "Verifications that came into a state; `pending` counts those that were opened",
            metrics.verifications.clone(),
        );
        registry.register("verification_tokens", "Verification tokens minted", metrics.mints.clone());
        registry.register("mint_refusals", "Token requests refused, by cause", metrics.mint_refusals.clone());
        registry.register("redemptions", "Grants spent", metrics.redemptions.clone());
        registry.register(
            "redemption_refusals",
            "Redemptions refused, by cause",
            metrics.redemption_refusals.clone(),
        );
        registry.register("facts", "Facts recorded", metrics.facts.clone());
        registry.register(
            "fact_refusals",
            "Reports of facts refused, by cause",
            metrics.fact_refusals.clone(),
        );
        registry.register(
            "key_set_fetches",
            "Fetches of Prelude's key sets",
            metrics.key_set_fetches.clone(),
        );
        registry.register(
            "limit_refusals",
            "Requests refused because a limit was reached, by limit",
            metrics.limit_refusals.clone(),
        );
        registry.register(
            "calls_in_flight",
            "Calls that are being worked on",
            metrics.calls_in_flight.clone(),
        );
        metrics.register_events(&mut registry);
        metrics.register_policies(&mut registry);
        metrics.register_tls(&mut registry);
        metrics.register_store(&mut registry);
        metrics.spans.register(&mut registry);
        metrics.registry = registry;
        metrics
    }

    fn register_events(&self, registry: &mut Registry) {
        registry.register(
            "prelude_events",
            "Events of Prelude's webhook, by what became of them",
            self.prelude_events.clone(),
        );
        registry.register(
            "prelude_event_refusals",
            "Calls of Prelude's webhook that were not taken whole, by cause",
            self.prelude_event_refusals.clone(),
        );
        registry.register(
            "hook_failures",
            "Answers that Prelude could not use, by reason",
            self.hook_failures.clone(),
        );
    }

    fn register_policies(&self, registry: &mut Registry) {
        registry.register(
            "policy_reloads",
            "Attempts to read the policy files again, by result",
            self.policy_reloads.clone(),
        );
        registry.register(
            "policy_reload_failed",
            "1 while the policy files do not come into force",
            self.policy_reload_failed.clone(),
        );
        registry.register(
            "policy_activation_timestamp_seconds",
            "Since when the policy is in force, in Unix seconds",
            self.policy_activated.clone(),
        );
    }

    fn register_tls(&self, registry: &mut Registry) {
        registry.register(
            "tls_certificate_reloads",
            "Changed TLS certificates, by what became of them",
            self.tls_reloads.clone(),
        );
        registry.register(
            "tls_certificate_reload_failed",
            "1 while the TLS files are not to be used and the certificate before stays in force",
            self.tls_reload_failed.clone(),
        );
    }

    fn register_store(&self, registry: &mut Registry) {
        registry.register("store_batches", "Write transactions committed", self.store_batches.clone());
        registry.register("store_rows", "Verdicts written in them", self.store_rows.clone());
        registry.register(
            "store_queue_depth",
            "Writes waiting for the writer",
            self.store_queue_depth.clone(),
        );
        registry.register("store_failures", "Write transactions that failed", self.store_failures.clone());
        registry.register(
            "store_outage",
            "1 while the database does not do its part",
            self.store_outage.clone(),
        );
        registry.register(
            "retention_deleted",
            "Rows that had had their time and went, by kind",
            self.retained.clone(),
        );
    }

    /// What became of spans, for who exports them.
    pub(crate) fn span_counts(&self) -> SpanCounts {
        self.spans.clone()
    }

    /// Counts rows that had had their time.
    pub(crate) fn retained(&self, what: &'static str, rows: u64) {
        self.retained.get_or_create(&Rows { what }).inc_by(rows);
    }

    /// Counts a verdict that was recorded and answered.
    pub(crate) fn verdict(&self, verdict: &'static str) {
        self.verdicts.get_or_create(&Verdict { verdict }).inc();
    }

    /// Counts a call that got an earlier call's answer.
    pub(crate) fn repeated_call(&self) {
        self.repeated_calls.inc();
    }

    /// Counts a verdict that was not recorded because the fraud desk had acted.
    pub(crate) fn stale_verdict(&self) {
        self.stale_verdicts.inc();
    }

    /// Counts a hook call that got no verdict.
    pub(crate) fn hook_refusal(&self, cause: &'static str) {
        self.hook_refusals.get_or_create(&Cause { cause }).inc();
    }

    /// Counts a call of an identity-check provider.
    ///
    /// - `source`: the name of a configured provider, never what a caller says.
    pub(crate) fn callback(&self, source: &str, outcome: &'static str) {
        self.callbacks.get_or_create(&SourceAndOutcome { source: source.to_owned(), outcome }).inc();
    }

    /// Counts a verification that was opened.
    pub(crate) fn verification_opened(&self) {
        self.verification_decided("pending");
    }

    /// Counts a verification that came into a state, or an approval that came late and was kept.
    pub(crate) fn verification_decided(&self, state: &'static str) {
        self.verifications.get_or_create(&State { state }).inc();
    }

    /// Counts verifications whose time ran out.
    pub(crate) fn verifications_expired(&self, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.verifications.get_or_create(&State { state: "expired" }).inc_by(count);
    }

    /// Counts a token that was minted and recorded.
    pub(crate) fn mint(&self) {
        self.mints.inc();
    }

    /// Counts a request for a token that got none.
    pub(crate) fn mint_refusal(&self, cause: &'static str) {
        self.mint_refusals.get_or_create(&Cause { cause }).inc();
    }

    /// Counts a grant that was spent.
    pub(crate) fn redemption(&self) {
        self.redemptions.inc();
    }

    /// Counts a request to spend a grant for which none was.
    pub(crate) fn redemption_refusal(&self, cause: &'static str) {
        self.redemption_refusals.get_or_create(&Cause { cause }).inc();
    }

    /// Counts a fact that was recorded.
    pub(crate) fn fact(&self) {
        self.facts.inc();
    }

    /// Counts a report of a fact that was refused.
    pub(crate) fn fact_refusal(&self, cause: &'static str) {
        self.fact_refusals.get_or_create(&Cause { cause }).inc();
    }

    /// Counts an event of Prelude's webhook.
    pub(crate) fn prelude_event(&self, kind: &'static str, outcome: &'static str) {
        self.prelude_events.get_or_create(&TypeAndOutcome { r#type: kind, outcome }).inc();
    }

    /// Counts a call of Prelude's webhook that was not taken whole.
    pub(crate) fn prelude_event_refusal(&self, cause: &'static str) {
        self.prelude_event_refusals.get_or_create(&Cause { cause }).inc();
    }

    /// Counts an answer of the hook that Prelude says it could not use.
    pub(crate) fn hook_failure(&self, reason: &'static str) {
        self.hook_failures.get_or_create(&FailureReason { reason }).inc();
    }

    /// Counts a fetch of one of Prelude's key sets.
    pub(crate) fn key_set_fetch(&self, key_set: &'static str, outcome: &'static str) {
        self.key_set_fetches.get_or_create(&SetAndOutcome { key_set, outcome }).inc();
    }

    /// Counts a request that was refused because a limit was reached.
    pub(crate) fn limit_refusal(&self, limit: &'static str) {
        self.limit_refusals.get_or_create(&Limit { limit }).inc();
    }

    /// States how many calls are being worked on.
    pub(crate) fn calls_in_flight(&self, count: usize) {
        self.calls_in_flight.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Counts an attempt to read the policy files that left nothing to worry about.
    pub(crate) fn policy_reload(&self, result: &'static str) {
        self.policy_reloads.get_or_create(&ReloadResult { result }).inc();
        self.policy_reload_failed.set(0);
    }

    /// Counts an attempt to read the policy files that left the old policy in force, and says that it stands so.
    pub(crate) fn policy_reload_failure(&self, result: &'static str) {
        self.policy_reloads.get_or_create(&ReloadResult { result }).inc();
        self.policy_reload_failed.set(1);
    }

    /// Counts a renewed TLS certificate that came into force.
    pub(crate) fn tls_reload(&self) {
        self.tls_reloads.get_or_create(&ReloadResult { result: "in_force" }).inc();
        self.tls_reload_failed.set(0);
    }

    /// Counts changed TLS files that are not to be used, and says that the certificate before stays in force.
    pub(crate) fn tls_reload_failure(&self) {
        self.tls_reloads.get_or_create(&ReloadResult { result: "refused" }).inc();
        self.tls_reload_failed.set(1);
    }

    /// States since when the policy is in force, in Unix seconds.
    pub(crate) fn policy_activation(&self, unix_seconds: i64) {
        self.policy_activated.set(unix_seconds);
    }

    /// Counts a committed write transaction and the verdicts in it.
    pub(crate) fn store_batch(&self, rows: usize) {
        self.store_batches.inc();
        self.store_rows.inc_by(u64::try_from(rows).unwrap_or(u64::MAX));
    }

    /// Counts a write transaction that failed.
    pub(crate) fn store_failure(&self) {
        self.store_failures.inc();
    }

    /// States whether the database does its part.
    pub(crate) fn store_outage(&self, is_out: bool) {
        self.store_outage.set(i64::from(is_out));
    }

    /// States how many writes wait for the writer.
    pub(crate) fn store_queue(&self, waiting: usize) {
        self.store_queue_depth.set(i64::try_from(waiting).unwrap_or(i64::MAX));
    }

    /// Writes every metric in the OpenMetrics text form.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        // INVARIANT: writing into a String cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_rendered() {
        let metrics = Metrics::new();
        metrics.verdict("block");
        metrics.hook_refusal("wrong_signature");
        let text = metrics.render();
        assert!(text.contains(r#"doorstep_verdicts_total{verdict="block"} 1"#), "{text}");
        assert!(text.contains(r#"doorstep_hook_refusals_total{cause="wrong_signature"} 1"#), "{text}");
    }
}
