//! What comes from outside, read without a server: what the fuzz targets hold.
//!
//! Bodies and claims are read here although nobody signed them, so that a change of one byte gets further than to a
//! signature that no longer fits. Only this room can ask for that, and a release build has none.

use std::time::Duration;

use super::policies::Request;
use crate::callbacks;
use crate::config::{Settings, load_text};
use crate::domain::{Challenge, Facts, PreludeEvent, ProviderOutcome, Timestamp};
use crate::prelude::{
    self, ActivationRequest, Expectation, KeySet, PssKey, SignatureHeaders, judge_unsigned, read_unsigned,
    read_unsigned_events, verify_call, verify_challenge,
};

/// How far Prelude's clock may be ahead.
const SKEW: Duration = Duration::from_secs(5);

/// Verifies hook calls by a key set, and reads what they state.
pub struct HookReader(KeySet<PssKey>);

/// What a hook call states.
pub struct HookCall(Facts);

impl HookReader {
    /// Reads a JSON Web Key Set.
    ///
    /// # Errors
    /// Why it has no usable key, in words.
    pub fn with_keys(key_set: &str) -> Result<Self, String> {
        KeySet::parse(key_set).map(Self).map_err(super::words)
    }

    /// Verifies a call.
    ///
    /// # Errors
    /// The fault's code.
    pub fn verify(
        &self,
        (signature, key_id): (Option<&str>, Option<&str>),
        body: &[u8],
    ) -> Result<(), &'static str> {
        let found = verify_call(SignatureHeaders { signature, key_id }, body, &self.0);
        found.map(drop).map_err(prelude::SignatureFault::code)
    }
}

impl HookCall {
    /// Reads a body that nobody need have signed.
    ///
    /// # Errors
    /// Where it breaks the contract, and how.
    pub fn read_unsigned(body: &[u8], unix_seconds: i64) -> Result<Self, String> {
        let received_at = Timestamp::from_unix_seconds(unix_seconds);
        read_unsigned(body, received_at).map(Self).map_err(super::words)
    }

    /// The call as policies see it.
    #[must_use]
    pub fn request(&self) -> Request {
        Request::of(self.0.clone())
    }

    /// What is asked for, and who asks.
    #[must_use]
    pub fn scope_and_user(&self) -> [&str; 2] {
        [self.0.scope.as_str(), self.0.user_id.as_str()]
    }

    /// The user agent and the platform.
    #[must_use]
    pub fn device(&self) -> [&str; 2] {
        [&self.0.signals.user_agent, self.0.signals.platform.as_str()]
    }

    /// The address.
    #[must_use]
    pub const fn ip(&self) -> std::net::IpAddr {
        self.0.signals.ip
    }

    /// Types and values.
    #[must_use]
    pub fn identifiers(&self) -> Vec<(&str, &str)> {
        self.0.identifiers.iter().map(|identifier| (identifier.kind.as_str(), &*identifier.value)).collect()
    }

    /// Names and values, sorted by name.
    #[must_use]
    pub fn metadata(&self) -> Vec<(&str, &str)> {
        self.0.metadata.iter().collect()
    }
}

/// Verifies challenge tokens by a key set.
pub struct ChallengeReader(KeySet<prelude::Ed25519Key>, String);

/// What a challenge token states.
pub struct ChallengeRead(Challenge);

impl ChallengeReader {
    /// Reads a JSON Web Key Set, for tokens of a session domain.
    ///
    /// # Errors
    /// Why it has no usable key, in words.
    pub fn with_keys(key_set: &str, session_domain: &str) -> Result<Self, String> {
        KeySet::parse(key_set).map(|keys| Self(keys, session_domain.to_owned())).map_err(super::words)
    }

    /// Verifies a token at a moment.
    ///
    /// # Errors
    /// The fault's code.
    pub fn verify(&self, token: &str, unix_seconds: i64) -> Result<ChallengeRead, &'static str> {
        let found = verify_challenge(token, &self.0, &self.expectation(unix_seconds));
        found.map(ChallengeRead).map_err(prelude::ChallengeFault::code)
    }

    /// Judges claims that nobody need have signed.
    ///
    /// # Errors
    /// The fault's code.
    pub fn judge_unsigned(&self, claims: &[u8], unix_seconds: i64) -> Result<ChallengeRead, &'static str> {
        let found = judge_unsigned(claims, &self.expectation(unix_seconds));
        found.map(ChallengeRead).map_err(prelude::ChallengeFault::code)
    }

    fn expectation(&self, unix_seconds: i64) -> Expectation<'_> {
        let now = Timestamp::from_unix_seconds(unix_seconds);
        Expectation { now, skew: SKEW, session_domain: &self.1 }
    }
}

impl ChallengeRead {
    /// User, challenge, scope and current step.
    #[must_use]
    pub fn names(&self) -> [&str; 4] {
        let Challenge { user_id, challenge_id, scope, current_step, .. } = &self.0;
        [user_id.as_str(), challenge_id.as_str(), scope.as_str(), current_step.as_str()]
    }

    /// The keys of the steps in their order, and whether each is done.
    #[must_use]
    pub fn steps(&self) -> Vec<(&str, bool)> {
        self.0.steps.iter().map(|step| (step.key.as_str(), step.done)).collect()
    }
}

/// An event of Prelude's webhook.
pub struct Event(PreludeEvent);

impl Event {
    /// Reads a batch that nobody need have signed, event by event.
    ///
    /// # Errors
    /// The fault's code: the batch's, and within it each event's own.
    pub fn read_unsigned(body: &[u8], app_id: &str) -> Result<Vec<Result<Self, &'static str>>, &'static str> {
        let code = prelude::EventsFault::code;
        let events = read_unsigned_events(body, app_id).map_err(code)?;
        Ok(events.into_iter().map(|event| event.map(Self).map_err(code)).collect())
    }

    /// Prelude's type of the event; `unknown` for one that we do not know.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.0.news.kind()
    }

    /// About whom policies learn something by it.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.0.news.facts().map(|(user, _)| user.as_str())
    }

    /// What it says, in one spelling.
    #[must_use]
    pub fn content(&self) -> &str {
        &self.0.content.0
    }
}

/// Answers the webhook's activation: the query with which it is asked for, and the token that was agreed.
///
/// - returns: application, token and answer.
///
/// # Errors
/// Why it is none, in words.
pub fn answer_activation(query: &str) -> Result<[String; 3], String> {
    let request = ActivationRequest::read(query).map_err(super::words)?;
    let answer = request.answer();
    Ok([request.app_id, request.verification_token, answer])
}

/// Settings that were loaded.
pub struct Configured(Settings);

impl Configured {
    /// Checks a settings file's text under variables: names and values. Files that they name are read.
    ///
    /// # Errors
    /// Every fault, as people see it and as JSON.
    pub fn load(file: &str, environment: Vec<(String, String)>) -> Result<Self, [String; 2]> {
        load_text(file, environment.into_iter())
            .map(Self)
            .map_err(|faults| [faults.to_string(), faults.to_json().to_string()])
    }

    /// The identity-check providers that they name.
    #[must_use]
    pub fn providers(&self) -> Providers {
        Providers(callbacks::Providers::new(&self.0.callbacks))
    }
}

/// Identity-check providers, ready for their webhooks.
pub struct Providers(callbacks::Providers);

impl Providers {
    /// Verifies a call of a provider and reads what it says.
    ///
    /// - returns: the outcome in one word, and whether it may be acted on.
    ///
    /// # Errors
    /// The fault's code; `unknown_source` for a name that no provider has.
    pub fn read(
        &self,
        (name, headers): (&str, &[(&str, &str)]),
        body: &[u8],
        unix_seconds: i64,
    ) -> Result<(&'static str, bool), &'static str> {
        let source = self.0.get(name).ok_or("unknown_source")?;
        let event = source.read(headers, body, Timestamp::from_unix_seconds(unix_seconds));
        let event = event.map_err(callbacks::CallbackFault::code)?;
        let outcome = match event.outcome {
            ProviderOutcome::Approved => "approved",
            ProviderOutcome::Rejected(_) => "rejected",
            ProviderOutcome::Pending => "pending",
            ProviderOutcome::Expired => "expired",
            ProviderOutcome::Reset => "reset",
        };
        Ok((outcome, event.matches == crate::domain::Match::Known))
    }
}
