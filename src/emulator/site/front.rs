//! The session API that Prelude's SDK calls, `/v1/session/…`: what its routes share.

mod caller;
mod codes;
mod login;
#[cfg(test)]
mod page;
mod sessions;
mod step_up;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use super::super::access_token::{self, Issuing, ScopeClaim};
use super::super::challenge::{Challenges, Granted, IssuedBy};
use super::super::challenge_token::ChallengeStyle;
use super::super::courier::Courier;
use super::super::dpop::Nonces;
use super::super::grants::Grants;
use super::super::hook_call::SignatureStyle;
use super::super::key_set::RemoteKeySet;
use super::super::one_time_code::Codes;
use super::super::people::{People, Session, User};
use super::super::{EmulatorError, TOKEN_LIFE_SECONDS_MAX};
use super::{Fault, World};

/// What the session API is started with.
#[derive(Clone)]
pub(crate) struct FrontSettings {
    /// The issuer of tokens: `<app_id>.session.prelude.dev` or the customer's own session domain.
    pub(crate) session_host: String,
    /// The one-time code that is always sent.
    pub(crate) code: String,
    /// Who can log in from the start; whoever else logs in by a code becomes a user.
    pub(crate) users: Vec<User>,
    /// What the contract leaves open about hook signatures.
    pub(crate) signature_style: SignatureStyle,
    /// What the contract leaves open about challenge tokens.
    pub(crate) challenge_style: ChallengeStyle,
    /// How scopes stand in access tokens.
    pub(crate) scope_claim: ScopeClaim,
    /// The longest life of a verification token that is taken, in seconds.
    pub(crate) token_life_seconds_max: i64,
    /// How long an access token lives at most, in seconds; one with scopes ends with the first of them.
    pub(crate) access_token_life_seconds: i64,
    /// The device's address that hook calls tell; the caller's own when left out.
    pub(crate) device_ip: Option<IpAddr>,
    /// Certificates, PEM, that hook and key set are trusted by over https; without any they are reached over plain http.
    pub(crate) trusted_pem: Option<Vec<u8>>,
}

impl FrontSettings {
    /// The usual settings.
    pub(crate) fn new(session_host: impl Into<String>) -> Self {
        Self {
            session_host: session_host.into(),
            code: "123456".to_owned(),
            users: Vec::new(),
            signature_style: SignatureStyle::default(),
            challenge_style: ChallengeStyle::default(),
            scope_claim: ScopeClaim::default(),
            token_life_seconds_max: TOKEN_LIFE_SECONDS_MAX,
            access_token_life_seconds: 300,
            device_ip: None,
            trusted_pem: None,
        }
    }
}

/// What the session API remembers. No lock is held while another is taken, nor over an await.
pub(super) struct Front {
    courier: Courier,
    pub(super) nonces: Nonces,
    people: Mutex<People>,
    codes: Mutex<Codes>,
    logins: Mutex<login::Finishing>,
    challenges: Mutex<Challenges>,
    grants: Mutex<Grants>,
    key_set: Mutex<Option<Arc<RemoteKeySet>>>,
}

impl Front {
    /// Nobody is logged in yet.
    ///
    /// # Errors
    /// [`EmulatorError::HttpClient`]; [`EmulatorError::Configuration`] for two users who share an identifier, a code that nobody can
    /// type, and what is to be trusted and is no certificate.
    pub(super) fn new(settings: &FrontSettings) -> Result<Self, EmulatorError> {
        if settings.code.is_empty() || !settings.code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(EmulatorError::Configuration("the code is not made of a-z A-Z 0-9".to_owned()));
        }
        let mut people = People::default();
        for user in &settings.users {
            people.add(user.clone()).map_err(|fault| EmulatorError::Configuration(fault.to_string()))?;
        }
        Ok(Self {
            courier: Courier::trusting(settings.trusted_pem.as_deref())?,
            nonces: Nonces::default(),
            people: Mutex::new(people),
            codes: Mutex::default(),
            logins: Mutex::default(),
            challenges: Mutex::default(),
            grants: Mutex::default(),
            key_set: Mutex::default(),
        })
    }

    /// The customer's key set behind an address, with what is cached of it while the address stays the same.
    fn key_set(&self, url: &str) -> Arc<RemoteKeySet> {
        let mut kept = locked(&self.key_set);
        match kept.as_ref().filter(|kept| kept.url() == url) {
            Some(kept) => Arc::clone(kept),
            None => Arc::clone(kept.insert(Arc::new(RemoteKeySet::new(url.to_owned())))),
        }
    }
}

/// Adds the routes.
pub(super) fn routes(routes: &mut web::ServiceConfig) {
    let scope = web::scope("/v1/session")
        .configure(login::routes)
        .configure(sessions::routes)
        .configure(step_up::routes)
        .configure(codes::routes)
        .default_service(web::to(super::nowhere));
    routes.service(scope);
}

impl World {
    /// Writes what happened into the journal.
    fn note(&self, what: &str, details: Value) {
        self.journal.write(self.clock.now(), what, details);
    }

    fn issued_by(&self) -> IssuedBy<'_> {
        IssuedBy {
            key: self.identity.step_up_key(),
            session_host: &self.settings.front.session_host,
            style: self.settings.front.challenge_style,
        }
    }

    /// Answers with a session's next access token and its refresh token.
    ///
    /// - `granted`: a scope that the token carries for the first time.
    ///
    /// # Errors
    /// `internal`.
    fn answer_with_tokens(&self, session: &Session, granted: Option<Granted>) -> Result<HttpResponse, Fault> {
        let now = self.clock.now();
        let settings = &self.settings.front;
        if let Some(granted) = &granted {
            self.note(
                "scope_granted",
                json!({
                    "user_id": granted.user_id, "session_id": granted.session_id, "scope": granted.scope,
                    "mode": granted.mode.as_str(), "ends_at": granted.ends_at,
                }),
            );
        }
        let carried = locked(&self.front.grants).carry((&session.user_id, &session.id), granted, now);
        let ends_at = now.saturating_add(settings.access_token_life_seconds);
        let statement = access_token::Statement {
            user_id: session.user_id.clone(),
            session_id: session.id.clone(),
            scopes: carried.scopes,
            issued_at: now,
            expires_at: carried.first_end.map_or(ends_at, |first_end| ends_at.min(first_end)),
        };
        let by = Issuing {
            identity: &self.identity,
            session_host: &settings.session_host,
            scope_claim: settings.scope_claim,
        };
        let access_token = access_token::sign(&statement, by)?;
        self.note(
            "access_token",
            json!({
                "user_id": statement.user_id, "session_id": statement.session_id, "scopes": statement.scopes,
                "expires_at": statement.expires_at,
            }),
        );
        Ok(HttpResponse::Ok()
            .insert_header(("X-Refresh-Token", session.refresh_token.as_str()))
            .insert_header(("X-Refresh-Token-Expires-At", moment(session.refresh_ends_at)))
            .json(json!({ "access_token": access_token, "expires_at": statement.expires_at })))
    }
}

/// A moment as the SDK reads it: RFC 3339.
fn moment(unix_seconds: i64) -> String {
    jiff::Timestamp::from_second(unix_seconds).map_or_else(|_| String::new(), |moment| moment.to_string())
}

/// A panic under one of these locks cannot leave half a change: each is a single call.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
