//! What is in force: the program, the policy, the TLS certificate.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::book::Book;
use super::handles::Maybe;
use super::labels::{Bundle, ReloadResult, Version};
use super::{Metrics, level};

/// What is stated of what is in force.
#[derive(Debug)]
pub(super) struct InForce {
    policy: Family<Bundle, Gauge>,
    rules: Gauge,
    activated: Gauge,
    rates_expire: Maybe<i64>,
    reloads: Family<ReloadResult, Counter>,
    reload_failed: Gauge,
    tls_reloads: Family<ReloadResult, Counter>,
    tls_reload_failed: Gauge,
    tls_not_after: Maybe<i64>,
}

impl InForce {
    pub(super) fn register(book: &mut Book) -> Self {
        let build: Family<Version, Gauge> = book.add("build_info", "Always 1: the version of the program");
        build.get_or_create(&Version { version: env!("CARGO_PKG_VERSION") }).set(1);
        let reloads: Family<ReloadResult, Counter> =
            book.add("policy_reloads", "Attempts to read the policy files again, by result");
        for result in ["activated", "unchanged", "refused", "not_recorded"] {
            drop(reloads.get_or_create(&ReloadResult { result }));
        }
        let tls_reloads: Family<ReloadResult, Counter> =
            book.add("tls_certificate_reloads", "Changed TLS certificates, by what became of them");
        for result in ["in_force", "refused"] {
            drop(tls_reloads.get_or_create(&ReloadResult { result }));
        }
        Self {
            policy: book.add(
                "policy_info",
                "Always 1: the policy in force, by its hash; one of an older policy goes when it does",
            ),
            rules: book.add("policy_rules", "The rules that the policy in force has"),
            activated: book.add(
                "policy_activation_timestamp_seconds",
                "Since when the policy is in force, in Unix seconds",
            ),
            rates_expire: book.add(
                "rates_expire_timestamp_seconds",
                "When the exchange rates in force are too old, in Unix seconds; absent without rates.yaml",
            ),
            reloads,
            reload_failed: book
                .add("policy_reload_failed", "1 while the policy files do not come into force"),
            tls_reloads,
            tls_reload_failed: book.add(
                "tls_certificate_reload_failed",
                "1 while the TLS files are not to be used and the certificate before stays in force",
            ),
            tls_not_after: book.add(
                "tls_certificate_not_after_timestamp_seconds",
                "Until when the TLS certificate in force is good, in Unix seconds; absent without TLS of our own",
            ),
        }
    }
}

impl Metrics {
    /// States which policy is in force, since when, in Unix seconds, and how many rules it has.
    pub(crate) fn policy_in_force(&self, bundle: String, since_unix_seconds: i64, rules: usize) {
        self.in_force.policy.clear();
        self.in_force.policy.get_or_create(&Bundle { bundle }).set(1);
        self.in_force.activated.set(since_unix_seconds);
        self.in_force.rules.set(level(rules));
    }

    /// States when the exchange rates in force are too old, in Unix seconds; none where it has none.
    pub(crate) fn rates_expire(&self, unix_seconds: Option<i64>) {
        self.in_force.rates_expire.set(unix_seconds);
    }

    /// Counts an attempt to read the policy files that left nothing to worry about.
    pub(crate) fn policy_reload(&self, result: &'static str) {
        self.in_force.reloads.get_or_create(&ReloadResult { result }).inc();
        self.in_force.reload_failed.set(0);
    }

    /// Counts an attempt to read the policy files that left the old policy in force, and says that it stands so.
    pub(crate) fn policy_reload_failure(&self, result: &'static str) {
        self.in_force.reloads.get_or_create(&ReloadResult { result }).inc();
        self.in_force.reload_failed.set(1);
    }

    /// Counts a renewed TLS certificate that came into force.
    pub(crate) fn tls_reload(&self) {
        self.in_force.tls_reloads.get_or_create(&ReloadResult { result: "in_force" }).inc();
        self.in_force.tls_reload_failed.set(0);
    }

    /// States until when the TLS certificate in force is good, in Unix seconds, if that is known.
    pub(crate) fn tls_not_after(&self, not_after: Option<i64>) {
        self.in_force.tls_not_after.set(not_after);
    }

    /// Counts changed TLS files that are not to be used, and says that the certificate before stays in force.
    pub(crate) fn tls_reload_failure(&self) {
        self.in_force.tls_reloads.get_or_create(&ReloadResult { result: "refused" }).inc();
        self.in_force.tls_reload_failed.set(1);
    }
}
