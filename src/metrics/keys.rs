//! Keys: ours that sign tokens, and Prelude's by which we believe.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::book::Book;
use super::handles::Maybe;
use super::labels::{KeySet, SetAndOutcome, State};
use super::{Metrics, level};

/// What is counted of keys.
#[derive(Debug)]
pub(super) struct Keys {
    by_state: Family<State, Gauge>,
    are_usable: Gauge,
    activated: Maybe<i64>,
    rotation_due: Maybe<i64>,
    fetches: Family<SetAndOutcome, Counter>,
    trusted: Family<KeySet, Gauge>,
    confirmed: Family<KeySet, Gauge>,
}

impl Keys {
    pub(super) fn register(book: &mut Book) -> Self {
        Self {
            by_state: book.add("signing_keys", "Our signing keys, by state"),
            are_usable: book.add(
                "signing_keys_usable",
                "1 while tokens can be signed: the keys were looked at within 30 seconds, and one of them \
                 is active",
            ),
            activated: book.add(
                "signing_key_activation_timestamp_seconds",
                "Since when the key signs that signs now, in Unix seconds; absent while none does",
            ),
            rotation_due: book.add(
                "signing_key_rotation_due_timestamp_seconds",
                "When the next key is to be published, in Unix seconds; overdue once that is past",
            ),
            fetches: book.add("key_set_fetches", "Fetches of Prelude's key sets, by what they brought"),
            trusted: book.add(
                "key_set_trusted",
                "1 while the key set of Prelude's is believed: it was confirmed within 24 hours",
            ),
            confirmed: book.add(
                "key_set_confirmed_timestamp_seconds",
                "When Prelude last answered with the key set in use, in Unix seconds; absent before it did",
            ),
        }
    }
}

/// How it stands with signing; moments are in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signing {
    /// Whether tokens can be signed.
    pub(crate) is_usable: bool,
    /// Since when the key signs that does.
    pub(crate) activated: Option<i64>,
    /// When the next is to be published.
    pub(crate) rotation_due: Option<i64>,
}

impl Metrics {
    /// States how many of our keys are in a state.
    pub(crate) fn signing_keys(&self, state: &'static str, count: usize) {
        self.keys.by_state.get_or_create(&State { state }).set(level(count));
    }

    /// States how it stands with signing.
    pub(crate) fn signing(&self, signing: Signing) {
        self.keys.are_usable.set(i64::from(signing.is_usable));
        self.keys.activated.set(signing.activated);
        self.keys.rotation_due.set(signing.rotation_due);
    }

    /// Counts a fetch of one of Prelude's key sets.
    pub(crate) fn key_set_fetch(&self, key_set: &'static str, outcome: &'static str) {
        self.keys.fetches.get_or_create(&SetAndOutcome { key_set, outcome }).inc();
    }

    /// States whether one of Prelude's key sets is believed, and when it was last confirmed, in Unix seconds.
    pub(crate) fn key_set(&self, key_set: &'static str, is_trusted: bool, confirmed: Option<i64>) {
        self.keys.trusted.get_or_create(&KeySet { key_set }).set(i64::from(is_trusted));
        match confirmed {
            Some(at) => drop(self.keys.confirmed.get_or_create(&KeySet { key_set }).set(at)),
            None => drop(self.keys.confirmed.remove(&KeySet { key_set })),
        }
    }
}
