//! The use cases, one file each. An [`App`] holds what they share; `boot` puts it together.

mod access;
mod accesses;
mod api_keys;
mod audit;
mod body;
mod callback;
mod care;
mod decide;
mod decisions;
mod desk;
mod evaluate;
mod events;
mod facts;
mod key_sets;
mod library;
mod measures;
mod obstacle;
mod page;
mod past;
mod policies;
mod post;
mod readiness;
mod redeem;
mod registration;
mod reload;
mod retaining;
#[cfg(test)]
pub(crate) mod shapes;
mod signing_keys;
mod tidying;
mod verification;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::callbacks::Providers;
use crate::clock::SharedClock;
use crate::domain::{RetentionTerms, Timestamp};
use crate::keys::IdentifierDigest;
use crate::metrics::Metrics;
use crate::prelude::{Ed25519Key, PssKey, RemoteKeySet};
use crate::random::{SharedRandom, draw};
use crate::store::Store;

pub(crate) use access::AccessError;
pub(crate) use accesses::AccessesQuery;
pub(crate) use api_keys::{ApiKeyDraft, ApiKeyRevocation, create_api_key, revoke_api_key};
pub(crate) use audit::{AuditError, checkpoint_decisions, verify_decisions};
pub(crate) use callback::{CallbackError, Taken, unmatched_providers};
pub(crate) use care::{EraseError, HoldError, back_up, erase_queued, erase_user, hold_user, release_user};
pub(crate) use decide::{CallRefusal, DecideError};
pub(crate) use decisions::{
    DecisionsError, DecisionsQuery, ExportedDecision, export_decisions, stored_decision,
};
pub(crate) use desk::{
    ActionShown, ActionsQuery, DeskError, DeskWish, ListTold, RestoreError, ResumeQuery, ScopeTold, Scopes,
    act_at_desk,
};
pub(crate) use evaluate::EvaluateError;
pub(crate) use events::{ActivationRefusal, EventSettings, EventsError};
pub(crate) use facts::{FactError, FactFault};
pub(crate) use obstacle::{Obstacle, forgotten_past, warnings};
pub(crate) use page::{PageError, PageQuery};
pub(crate) use policies::{Activation, Policies, PolicyFaults, open_policies, stored_activations};
pub(crate) use post::{Post, PostError, Reply};
pub(crate) use redeem::RedeemError;
#[cfg(test)]
pub(crate) use redeem::RedeemFault;
pub(crate) use registration::{
    DelegationShape, Registrar, Registration, RegistrationChoices, RegistrationError,
};
pub(crate) use reload::{ReloadError, Reloading};
pub(crate) use retaining::{CareStore, RetainError, Retained, Retainer, anchor_seal};
pub(crate) use signing_keys::{
    KeyList, KeyParts, MadeKey, SigningKeys, SigningKeysError, Successor, Withdrawn, exported_jwks,
    exported_pem, open_identifier_digest,
};
pub(crate) use verification::{VerificationError, VerificationsQuery, WaitQuery};

/// What the operator sets for the use cases.
#[derive(Debug, Clone)]
pub(crate) struct AppSettings {
    /// The longest a verdict may take, recording included; later it is 503.
    pub(crate) decide_deadline: Duration,
    /// How long a verification token lives where its step does not say.
    pub(crate) token_ttl: Duration,
    /// The most tokens that one verification gets.
    pub(crate) tokens_max: u32,
    /// The most callers that wait for verifications at once.
    pub(crate) waiters_max: usize,
    /// How far back `nbf` is set, for clocks that run behind.
    pub(crate) not_before_skew: Duration,
    /// How far ahead of ours Prelude's clock may be.
    pub(crate) challenge_clock_skew: Duration,
    /// How long what is recorded is kept.
    pub(crate) retention: RetentionTerms,
    /// Prelude's host for this application, compared with a challenge token's `iss`.
    pub(crate) session_domain: String,
    /// What was agreed about Prelude's events; none means that none is taken.
    pub(crate) events: Option<EventSettings>,
}

/// Everything that the use cases share, put together once.
pub(crate) struct AppParts {
    /// Where "now" comes from.
    pub(crate) clock: SharedClock,
    /// Where randomness comes from.
    pub(crate) random: SharedRandom,
    /// Where things are counted.
    pub(crate) metrics: Arc<Metrics>,
    /// The record.
    pub(crate) store: Store,
    /// Over which connection this process deletes and erases.
    pub(crate) care: CareStore,
    /// The policy in force.
    pub(crate) policies: Policies,
    /// The keys that sign hook calls.
    pub(crate) hook_keys: Arc<RemoteKeySet<PssKey>>,
    /// The keys that sign challenge tokens.
    pub(crate) step_up_keys: Arc<RemoteKeySet<Ed25519Key>>,
    /// The identity-check providers that may call.
    pub(crate) providers: Providers,
    /// Our signing keys.
    pub(crate) signing_keys: Arc<SigningKeys>,
    /// For comparing what is not kept.
    pub(crate) identifier_digest: IdentifierDigest,
    /// What the operator set.
    pub(crate) settings: AppSettings,
}

/// A running application: every use case is a method of it.
pub(crate) struct App {
    parts: AppParts,
    known_keys: access::KnownKeys,
    desk: desk::KnownDesk,
    waiters: verification::Waiters,
    approved: verification::Approved,
    retired_keys: key_sets::RetiredKeys,
    last_retention: retaining::LastRun,
    is_leaving: AtomicBool,
    looks: readiness::Looks,
}

impl App {
    /// Takes the parts.
    pub(crate) fn new(parts: AppParts) -> Self {
        parts.policies.state(&parts.metrics);
        measures::count_from_zero(&parts.metrics, &parts.providers);
        let desk = desk::KnownDesk::empty(&parts.policies.bundle());
        let waiters = verification::Waiters::at_most(parts.settings.waiters_max);
        let (known_keys, approved, retired_keys, last_retention, is_leaving, looks) = Default::default();
        Self { parts, known_keys, desk, waiters, approved, retired_keys, last_retention, is_leaving, looks }
    }

    /// From here on nobody is to bring calls any more; those who do are served.
    pub(crate) fn leave(&self) {
        self.is_leaving.store(true, Ordering::Relaxed);
    }

    /// Whether the server is about to end.
    pub(crate) fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Relaxed)
    }

    /// Where things are counted.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.parts.metrics
    }

    /// The record, for `boot` to close once the last call is answered.
    pub(crate) fn store(&self) -> &Store {
        &self.parts.store
    }

    /// Names the policy in force.
    pub(crate) fn bundle_hash(&self) -> crate::domain::BundleHash {
        self.parts.policies.bundle().hash()
    }

    /// A random number that tells this process from others in request ids.
    pub(crate) fn process_tag(&self) -> u32 {
        draw(&*self.parts.random).map_or(0, u32::from_ne_bytes)
    }

    /// The moment, by the clock of all use cases.
    pub(crate) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// Tells the moment to whoever asks later, inside a transaction.
    pub(crate) fn later_now(&self) -> impl Fn() -> Timestamp + Clone + Send + use<> {
        let clock = Arc::clone(&self.parts.clock);
        move || clock.now()
    }
}
