//! What black-box tests hold: a server on a free port, Prelude's side, the clock, databases to throw away, and a network that
//! fails. Behind the feature `testing`.
//!
//! Only plain values cross this line, so that a test can use nothing that a user could not.

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::ExposeSecret as _;

use crate::app::{ApiKeyDraft, create_api_key};
use crate::boot::{self, Booted, Sources};
use crate::clock::{SharedClock, SystemClock};
use crate::config::{LoadRequest, Override, load};
use crate::domain::{Approver, ChallengeId, Jti, Role, Scope, StepKey, UserId};
use crate::emulator::{Emulator, EmulatorSettings, OutgoingCall, Padding, Prefix, Salt, SignatureStyle};
use crate::http::{self, Running};
use crate::policy;
use crate::random::{SystemRandom, draw};
use crate::token::{VerificationClaims, sign};

pub use crate::clock::ManualClock;
pub use crate::store::ScratchDatabase;
pub use policies::{Decided, Policies, Request};
pub use proxy::{Mode, Proxy};
pub use untrusted::{
    ChallengeRead, ChallengeReader, Configured, Event, HookCall, HookReader, Providers, answer_activation,
};

pub mod leaks;
mod policies;
mod proxy;
mod untrusted;

/// What a server under test is started with.
pub struct Setup {
    /// Where the store and its key file live; the same directory again is a restart.
    pub directory: PathBuf,
    /// Policy files: names and texts. Without any it is the directory that the setting `policies.dir` names, which is then
    /// watched, or the shipped bundle.
    pub policies: Vec<(String, String)>,
    /// A clock that is set by hand; the machine's without one.
    pub clock: Option<Arc<ManualClock>>,
    /// Option keys and values, over those that every test server has.
    pub settings: Vec<(&'static str, String)>,
}

/// A server that takes calls, with everything behind it.
pub struct Server {
    booted: Booted,
    running: Running,
    sources: Sources,
    _watch: leaks::Watch,
}

/// What an API key may do, as the command line says it.
#[derive(Default)]
pub struct KeyWish<'a> {
    /// Role names.
    pub roles: &'a [&'a str],
    /// `backend` or `person`, for an approver.
    pub approves_as: Option<&'a str>,
    /// The scopes it is limited to.
    pub scopes: &'a [&'a str],
    /// The steps it is limited to.
    pub steps: &'a [&'a str],
    /// Ends after this many seconds.
    pub ends_in_seconds: Option<u64>,
}

impl Server {
    /// Starts a server in development mode on a free loopback port.
    ///
    /// # Errors
    /// What kept it from starting, in words.
    pub async fn start(setup: Setup) -> Result<Self, String> {
        leaks::watch_log_lines();
        let clock = clock_of(setup.clock);
        let sources = Sources { clock, random: Arc::new(SystemRandom) };
        let store = format!("sqlite://{}", setup.directory.join("doorstep.sqlite").display());
        let defaults = [
            ("mode", "development".to_owned()),
            ("server.bind", "127.0.0.1:0".to_owned()),
            ("server.workers", "2".to_owned()),
            // Tests ask again and again, at a moment that stands still.
            ("server.open_requests_per_second", "100000".to_owned()),
            ("server.key_set_requests_per_second", "100000".to_owned()),
            ("prelude.app_id", "test".to_owned()),
            ("store.url", store),
        ];
        let has_files = setup.settings.iter().any(|(key, _)| *key == "policies.dir");
        let overrides = defaults.into_iter().chain(setup.settings);
        let overrides = overrides.map(|(key, text)| Override { key, text, flag: "test" }).collect();
        let settings = load(LoadRequest { file: None, environment: std::iter::empty(), overrides })
            .map_err(|faults| faults.to_string())?;
        let now = sources.clock.now();
        let bundle = match setup.policies.is_empty() {
            true if has_files => None,
            true => Some(policy::load_files(policy::shipped(), now)),
            false => Some(policy::load_files(setup.policies, now)),
        };
        let booted = match bundle.transpose().map_err(words)? {
            Some(bundle) => boot::start_with_bundle(&settings, sources.clone(), bundle).await,
            None => boot::start_with_files(&settings, sources.clone()).await,
        };
        let booted = booted.map_err(words)?;
        let running = http::serve(booted.app(), &settings.server).map_err(words)?;
        Ok(Self { booted, running, sources, _watch: leaks::Watch })
    }

    /// Where it listens, such as `http://127.0.0.1:41233`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.running.address())
    }

    /// Where it listens for the customer's own systems: the same where nothing else was asked for.
    #[must_use]
    pub fn private_url(&self) -> String {
        format!("http://{}", self.running.private_address().unwrap_or_else(|| self.running.address()))
    }

    /// Makes an API key and returns what a caller presents.
    ///
    /// # Errors
    /// What is wrong with the wish, in words.
    pub async fn create_api_key(&self, wish: &KeyWish<'_>) -> Result<String, String> {
        let now = self.sources.clock.now();
        let names = |texts: &[&str]| texts.iter().map(|text| Scope::new(text)).collect::<Result<_, _>>();
        let draft = ApiKeyDraft {
            name: "test".to_owned(),
            roles: wish.roles.iter().filter_map(|role| Role::parse(role)).collect(),
            approves_as: wish.approves_as.and_then(Approver::parse),
            scopes: names(wish.scopes).map_err(words)?,
            steps: wish
                .steps
                .iter()
                .map(|text| StepKey::new(text))
                .collect::<Result<_, _>>()
                .map_err(words)?,
            expires_at: wish.ends_in_seconds.map(|seconds| now.plus(std::time::Duration::from_secs(seconds))),
        };
        let made = create_api_key(self.booted.app().store(), draft, now, &*self.sources.random).await;
        let key = made.map_err(words)?.key.expose_secret().to_owned();
        leaks::plant("an API key", &key);
        Ok(key)
    }

    /// Looks at the signing keys now, as a server does by itself every second, and makes the next one if it is time.
    ///
    /// # Errors
    /// What it met, in words.
    pub async fn tend_signing_keys(&self) -> Result<(), String> {
        self.booted.app().tend_signing_keys_now().await.map_err(words)
    }

    /// Lets go of what has had its time, as a server does by itself every hour.
    ///
    /// # Errors
    /// What it met, in words.
    pub async fn retain(&self) -> Result<(), String> {
        self.booted.app().retain_now().await.map(drop).map_err(words)
    }

    /// Does so if it is time, as every minute by itself; how it went is in `/readyz`.
    pub async fn retain_when_due(&self) {
        self.booted.app().retain_when_due().await;
    }

    /// Looks at what it does every few seconds by itself: what ran out of time, which users were erased, which keys are retired.
    ///
    /// # Errors
    /// What it met, in words.
    pub async fn tidy(&self) -> Result<(), String> {
        self.booted.app().tidy().await.map_err(words)
    }

    /// Asks the database what `/metrics` shows of it, as a server does by itself every half minute.
    ///
    /// # Errors
    /// What it met, in words.
    pub async fn measure_database(&self) -> Result<(), String> {
        self.booted.app().measure_database().await.map_err(words)
    }

    /// Signs a verification token as a mint does, with its own clock and the keys that it knows, and records nothing.
    ///
    /// # Errors
    /// When it may not sign, or cannot.
    pub fn sign_token(&self, life: std::time::Duration) -> Result<String, String> {
        let now = self.sources.clock.now();
        let ring = self.booted.app().ring().map_err(words)?;
        let claims = VerificationClaims {
            user_id: UserId::new("usr_1").map_err(words)?,
            challenge_id: ChallengeId::new("chl_1").map_err(words)?,
            step_key: StepKey::new("kyc_review").map_err(words)?,
            jti: Jti::from_random(draw(&*self.sources.random).map_err(words)?),
            issued_at: now,
            not_before: now,
            expires_at: now.plus(life),
        };
        let token = sign(&claims, ring.signer_at(now).ok_or("nobody signs")?).map_err(words)?;
        leaks::plant_token("a verification token", &token);
        Ok(token)
    }

    /// Finishes what was accepted and ends.
    ///
    /// # Errors
    /// When a worker did not end as it should.
    pub async fn stop(self) -> Result<(), String> {
        let metrics = self.booted.app().metrics().render();
        let drained = self.running.drain().await.map_err(words);
        self.booted.close().await;
        leaks::expect_none("the metrics", &metrics);
        drained
    }
}

/// Prelude's side: its key sets on a loopback port, genuine signatures and challenge tokens.
pub struct Prelude(Emulator);

/// A hook call ready to be sent: headers and exact body.
pub struct SignedCall {
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The exact bytes that were signed.
    pub body: Vec<u8>,
}

impl Prelude {
    /// Makes keys and serves their sets; its time is the given clock's, or the machine's.
    ///
    /// # Errors
    /// What kept it from starting, in words.
    pub async fn start(clock: Option<Arc<ManualClock>>) -> Result<Self, String> {
        let clock = clock_of(clock);
        let now = Arc::new(move || clock.now().unix_seconds());
        let settings = EmulatorSettings::new("test.session.prelude.dev", now);
        Emulator::start(settings).await.map(Self).map_err(words)
    }

    /// The settings that make a server use these key sets.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("prelude.key_set_url", self.0.app_key_set_url()),
            ("prelude.step_up_key_set_url", self.0.step_up_key_set_url()),
        ]
    }

    /// Signs a body as Prelude does, in its usual style or with the largest salt and a bare header.
    ///
    /// # Errors
    /// When no signature could be made.
    pub fn sign(&self, body: &serde_json::Value, style: Style) -> Result<SignedCall, String> {
        let style = match style {
            Style::Usual => SignatureStyle::default(),
            Style::Other => {
                SignatureStyle { salt: Salt::Max, prefix: Prefix::Bare, padding: Padding::Padded }
            }
        };
        let key = self.0.identity().signing_key();
        let call = OutgoingCall::signed(&key, body.to_string().into_bytes(), style).map_err(words)?;
        let call = SignedCall { headers: call.headers, body: call.body };
        leaks::plant_call(&call.headers, body);
        Ok(call)
    }

    /// Signs any claims as a challenge token.
    ///
    /// # Errors
    /// When no signature could be made.
    pub fn challenge_token(&self, claims: &serde_json::Value) -> Result<String, String> {
        let token = self.0.sign_challenge_claims(claims).map_err(words)?;
        leaks::plant_token("a challenge token", &token);
        Ok(token)
    }

    /// Makes another key, which signs from now on; the older ones stay in the set.
    ///
    /// # Errors
    /// When no key could be made; the older one signs on.
    pub async fn rotate_key(&self) -> Result<(), String> {
        self.0.identity().add_app_key().await.map(drop).map_err(words)
    }

    /// Withdraws all keys but the one that signs from the set.
    pub fn withdraw_old_keys(&self) {
        self.0.identity().withdraw_old_app_keys();
    }

    /// Puts withdrawn keys back into the set.
    pub fn restore_withdrawn_keys(&self) {
        self.0.identity().restore_withdrawn_app_keys();
    }

    /// How often the hook's key set was fetched.
    #[must_use]
    pub fn key_set_fetches(&self) -> u64 {
        self.0.fetch_counts().app_key_set
    }

    /// Stops serving the key sets.
    pub async fn stop(&self) {
        self.0.stop().await;
    }
}

/// How a call is signed: what the contract leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Digest-length salt, prefixed, unpadded.
    Usual,
    /// Largest salt, bare, padded.
    Other,
}

fn clock_of(manual: Option<Arc<ManualClock>>) -> SharedClock {
    match manual {
        Some(clock) => clock,
        None => Arc::new(SystemClock),
    }
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
