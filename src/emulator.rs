//! Prelude's side for the demo, development and tests. Shares no code with what it checks.
//!
//! It knows the contract (`docs/CONTRACT.md`) from the other end: signs hook calls, judges our answers, issues
//! challenge tokens, verifies our tokens through our key set. Where the contract leaves something open it refuses
//! or has a switch. Nothing but the wire connects it with the other rooms; it does not even use their vocabulary,
//! so that a wrong rule there is noticed here.
//!
//! - [`identity`]: its keys. [`server`]: its address. [`courier`]: its way out.
//! - [`backend`]: the customer's own backend, as far as a step-up needs one.
//! - [`hook_call`]: the call. [`answer`]: what came back, judged.
//! - [`challenge`], [`challenge_token`]: the walk. [`verification`], [`key_set`]: our tokens, our keys.
//! - [`compact`], [`strict_json`]: signed tokens and JSON, taken apart strictly. [`refusal`]: Prelude's codes.
//! - [`site`]: all of Prelude's side on one HTTPS address (`doorstep emulator`), with [`certificate`]. [`management`]: its
//!   management API. [`events`]: what it tells webhooks. [`journal`]: what it did. [`adjustable_clock`]: its time.

#![cfg_attr(
    not(test),
    expect(dead_code, unused_imports, reason = "tests plant faults that the demo has no use for")
)]

mod access_token;
mod adjustable_clock;
mod answer;
mod backend;
mod certificate;
mod challenge;
mod challenge_token;
mod compact;
mod courier;
mod dpop;
mod events;
mod grants;
mod hook_call;
mod identity;
mod journal;
mod key_set;
mod management;
mod one_time_code;
#[cfg(test)]
mod our_side;
mod people;
mod refusal;
mod server;
mod site;
mod strict_json;
mod verification;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use serde_json::Value;

pub(crate) use access_token::ScopeClaim;
pub(crate) use answer::{Answer, FailureReason, HookFailure, Mode};
pub(crate) use backend::Backend;
pub(crate) use challenge::{Granted, Progress};
pub(crate) use challenge_token::{ChallengeStyle, Issuer, MetadataClaim};
pub(crate) use courier::Exchange;
pub(crate) use hook_call::{HookRequest, OutgoingCall, Padding, Prefix, SignatureStyle};
pub(crate) use identity::{Identity, Salt};
pub(crate) use management::{ManagementSettings, Unwalkable};
pub(crate) use people::User;
pub(crate) use refusal::{Refusal, RefusalCode};
pub(crate) use server::FetchCounts;
pub(crate) use site::{FrontSettings, Origins, Site, SiteSettings};

use challenge::{Challenges, IssuedBy, Opening};
use courier::Courier;
use key_set::RemoteKeySet;
use server::Server;
use verification::Candidate;

/// Tells the emulator's time, Unix seconds.
pub(crate) type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How long one of our tokens may live at most unless set otherwise, in seconds.
const TOKEN_LIFE_SECONDS_MAX: i64 = 3600;

/// Why the emulator could not do its part, or would not.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EmulatorError {
    /// No key or no random id could be made.
    #[error("a key or id could not be generated")]
    KeyGeneration,
    /// A signature could not be made.
    #[error("a signature could not be made")]
    Signing,
    /// A document could not be written as JSON.
    #[error("a document could not be written as JSON")]
    Serialisation,
    /// The HTTP client could not be made.
    #[error("the HTTP client could not be made")]
    HttpClient(#[from] reqwest::Error),
    /// No loopback port could be had.
    #[error("no loopback port could be bound")]
    Bind(#[source] std::io::Error),
    /// A port was bound, but its address is not known.
    #[error("the bound address is not known")]
    NoAddress,
    /// A header has a name or value that HTTP cannot carry.
    #[error("a header cannot be sent")]
    Unsendable,
    /// Nothing was registered yet ([`Emulator::register`]).
    #[error("no hook and key set are registered with the emulator")]
    NotRegistered,
    /// As many challenges as are kept were opened.
    #[error("the emulator keeps no more challenges")]
    Full,
    /// No certificate could be made.
    #[error("no certificate could be made: {0}")]
    Certificate(String),
    /// What is to be configured from the start breaks a rule of the management API.
    #[error("the emulator would not take this configuration: {0}")]
    Configuration(String),
    /// The server did not end as it should.
    #[error("the emulator's server failed")]
    Stopped(#[source] std::io::Error),
    /// Refused, as Prelude refuses.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// What an emulator is started with.
#[derive(Clone)]
pub(crate) struct EmulatorSettings {
    /// The issuer of challenge tokens: `<app_id>.session.prelude.dev` or the customer's own session domain.
    pub(crate) session_host: String,
    /// What the contract leaves open about challenge tokens.
    pub(crate) challenge_style: ChallengeStyle,
    /// The longest life of a verification token that is taken, in seconds; the contract names none.
    pub(crate) token_life_seconds_max: i64,
    /// The time.
    pub(crate) now: Now,
}

impl EmulatorSettings {
    /// The usual settings.
    pub(crate) fn new(session_host: impl Into<String>, now: Now) -> Self {
        Self {
            session_host: session_host.into(),
            challenge_style: ChallengeStyle::default(),
            token_life_seconds_max: TOKEN_LIFE_SECONDS_MAX,
            now,
        }
    }
}

/// What a customer registers with Prelude (docs/CONTRACT.md C8).
#[derive(Debug, Clone)]
pub(crate) struct Registration {
    /// Where hook calls go.
    pub(crate) hook_url: String,
    /// Where the customer's key set is.
    pub(crate) jwks_url: String,
    /// The custom step keys.
    pub(crate) custom_steps: Vec<String>,
}

/// A user's request for a scope, from the hook call to what came of it.
#[derive(Debug)]
pub(crate) struct StepUp {
    /// The hook call and its answer.
    pub(crate) exchange: Exchange,
    /// What came of it.
    pub(crate) outcome: StepUpOutcome,
}

/// What came of a request for a scope.
#[derive(Debug)]
pub(crate) enum StepUpOutcome {
    /// `continue`.
    Granted(Granted),
    /// `review`: a challenge was opened.
    Challenged(Progress),
    /// `block`.
    Blocked,
    /// The answer broke a rule.
    Failed(HookFailure),
}

/// A running emulator. All its state is in memory.
pub(crate) struct Emulator {
    settings: EmulatorSettings,
    identity: Arc<Identity>,
    server: Server,
    courier: Courier,
    registered: RwLock<Option<Arc<Registered>>>,
    challenges: Mutex<Challenges>,
}

struct Registered {
    registration: Registration,
    key_set: RemoteKeySet,
}

impl Emulator {
    /// Makes keys and serves their sets on a free loopback port. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`EmulatorError::KeyGeneration`], [`EmulatorError::HttpClient`], [`EmulatorError::Bind`]; nothing runs then.
    pub(crate) async fn start(settings: EmulatorSettings) -> Result<Self, EmulatorError> {
        let identity = Arc::new(Identity::generate().await?);
        let courier = Courier::new()?;
        let server = Server::start(Arc::clone(&identity))?;
        let (registered, challenges) = (RwLock::new(None), Mutex::default());
        Ok(Self { settings, identity, server, courier, registered, challenges })
    }

    /// Stops serving.
    pub(crate) async fn stop(&self) {
        self.server.stop().await;
    }

    /// The URL of the key set that hook signatures verify with.
    pub(crate) fn app_key_set_url(&self) -> String {
        self.server.app_key_set_url()
    }

    /// The URL of the key set that challenge tokens verify with.
    pub(crate) fn step_up_key_set_url(&self) -> String {
        self.server.step_up_key_set_url()
    }

    /// How often the key sets were fetched.
    pub(crate) fn fetch_counts(&self) -> FetchCounts {
        self.server.fetch_counts()
    }

    /// The emulator's keys, to rotate them.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Registers the customer's side, in place of what was registered before; nothing is fetched yet.
    pub(crate) fn register(&self, registration: Registration) {
        let key_set = RemoteKeySet::new(registration.jwks_url.clone());
        let registered = Arc::new(Registered { registration, key_set });
        *self.registered.write().unwrap_or_else(PoisonError::into_inner) = Some(registered);
    }

    /// Asks the hook about a scope, as `stepup/request` does, and acts on the answer.
    ///
    /// # Errors
    /// [`EmulatorError`]; an answer that breaks the contract is an outcome, not an error.
    ///
    /// # Reference
    /// docs/CONTRACT.md C2 to C4
    pub(crate) async fn request_step_up(
        &self,
        request: &HookRequest,
        style: SignatureStyle,
    ) -> Result<StepUp, EmulatorError> {
        let exchange = self.send(&self.sign(request, style)?).await?;
        let outcome = match self.judge(&exchange, &request.scope)? {
            Err(failure) => StepUpOutcome::Failed(failure),
            Ok(Answer::Block) => StepUpOutcome::Blocked,
            Ok(Answer::Continue(grant)) => {
                let session_id = identity::fresh_id("ses_")?;
                StepUpOutcome::Granted(Granted::new(request, &session_id, grant, self.now()))
            }
            Ok(Answer::Review(grant, steps)) => {
                let session_id = identity::fresh_id("ses_")?;
                let opening = Opening { request, session_id: &session_id, grant, steps };
                StepUpOutcome::Challenged(self.challenges().open(opening, self.issued_by(), self.now())?)
            }
        };
        Ok(StepUp { exchange, outcome })
    }

    /// Signs a call with the newest application key; nothing is sent.
    ///
    /// # Errors
    /// [`EmulatorError::Signing`], [`EmulatorError::Serialisation`].
    pub(crate) fn sign(
        &self,
        request: &HookRequest,
        style: SignatureStyle,
    ) -> Result<OutgoingCall, EmulatorError> {
        OutgoingCall::signed(&self.identity.signing_key(), request.body()?, style)
    }

    /// Sends a call to the registered hook exactly as it stands.
    ///
    /// # Errors
    /// [`EmulatorError::NotRegistered`], [`EmulatorError::Unsendable`]; nothing was sent then.
    pub(crate) async fn send(&self, call: &OutgoingCall) -> Result<Exchange, EmulatorError> {
        self.courier.post(&self.registered()?.registration.hook_url, call).await
    }

    /// Sends a call again, byte for byte with the same signature, as a retry or a replay would.
    ///
    /// # Errors
    /// [`EmulatorError::Unsendable`].
    pub(crate) async fn resend(&self, exchange: &Exchange) -> Result<Exchange, EmulatorError> {
        self.courier.post(&exchange.url, &exchange.call).await
    }

    /// Sends a call again after `tamper` changed it; it is not signed anew.
    ///
    /// # Errors
    /// [`EmulatorError::Unsendable`].
    pub(crate) async fn send_tampered(
        &self,
        exchange: &Exchange,
        tamper: impl FnOnce(&mut OutgoingCall) + Send,
    ) -> Result<Exchange, EmulatorError> {
        let mut call = exchange.call.clone();
        tamper(&mut call);
        self.courier.post(&exchange.url, &call).await
    }

    /// Judges the answer to a call for `scope`; changes nothing.
    ///
    /// # Errors
    /// [`EmulatorError::NotRegistered`]. What is wrong with the answer is in the inner result.
    pub(crate) fn judge(
        &self,
        exchange: &Exchange,
        scope: &str,
    ) -> Result<Result<Answer, HookFailure>, EmulatorError> {
        let registered = self.registered()?;
        let custom_steps = &registered.registration.custom_steps;
        Ok(answer::judge(&exchange.reply, answer::AnswerRules { scope, custom_steps }))
    }

    /// Counts the current step, a managed one, as done, as if the user had typed the right code.
    ///
    /// # Errors
    /// [`EmulatorError::Refused`]; the challenge stands where it stood.
    pub(crate) fn complete_managed_step(&self, challenge_token: &str) -> Result<Progress, EmulatorError> {
        let now = self.now();
        let presented = challenge_token::take_back(challenge_token, self.identity.step_up_key(), now)?;
        self.challenges().complete_managed_step(&presented, self.issued_by(), now)
    }

    /// Finishes the current step, a custom one, with our verification token, as `stepup/continue` does.
    ///
    /// # Errors
    /// [`EmulatorError::Refused`] with Prelude's code; the challenge stands where it stood and the token is not
    /// used up. [`EmulatorError::NotRegistered`].
    ///
    /// # Reference
    /// docs/CONTRACT.md C6, C7
    pub(crate) async fn continue_with(
        &self,
        challenge_token: &str,
        verification_token: &str,
    ) -> Result<Progress, EmulatorError> {
        let registered = self.registered()?;
        let now = self.now();
        let presented = challenge_token::take_back(challenge_token, self.identity.step_up_key(), now)?;
        let candidate = Candidate::read(verification_token)?;
        let key = registered.key_set.key(&self.courier, candidate.kid(), now).await?;
        let statement = candidate.check(&key, now, self.settings.token_life_seconds_max)?;
        self.challenges().continue_with(&presented, &statement, self.issued_by(), now)
    }

    /// Signs any claims as a challenge token, for tests of what a genuine token may not say.
    ///
    /// # Errors
    /// [`EmulatorError::Signing`], [`EmulatorError::Serialisation`].
    pub(crate) fn sign_challenge_claims(&self, claims: &Value) -> Result<String, EmulatorError> {
        challenge_token::sign(self.identity.step_up_key(), claims)
    }

    fn now(&self) -> i64 {
        (self.settings.now)()
    }

    fn issued_by(&self) -> IssuedBy<'_> {
        IssuedBy {
            key: self.identity.step_up_key(),
            session_host: &self.settings.session_host,
            style: self.settings.challenge_style,
        }
    }

    fn registered(&self) -> Result<Arc<Registered>, EmulatorError> {
        let registered = self.registered.read().unwrap_or_else(PoisonError::into_inner);
        registered.as_ref().map(Arc::clone).ok_or(EmulatorError::NotRegistered)
    }

    fn challenges(&self) -> MutexGuard<'_, Challenges> {
        // A panic under the lock cannot leave a challenge half advanced: it is replaced in one assignment.
        self.challenges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows where it listens.
impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").field("base_url", &self.server.base_url()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
