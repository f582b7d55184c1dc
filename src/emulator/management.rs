//! Prelude's management API, as far as a step-up needs it: scopes and the step-up configuration.
//!
//! One application, one bearer key, everything in memory. It is strict: what [`step_up`] cannot read by the contract
//! is refused and changes nothing.
//!
//! # Reference
//! docs/CONTRACT.md C8

mod address;
mod scopes;
mod step_up;
mod unwalkable;
mod webhooks;

use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::http::header::AUTHORIZATION;
use actix_web::{HttpRequest, web};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde_json::{Value, json};

pub(super) use step_up::{Decision, StepUpConfig};
pub(crate) use unwalkable::Unwalkable;
pub(super) use webhooks::Webhook;

use super::EmulatorError;
use super::identity::fresh_id;
use super::site::{Fault, World};
use address::AddressRule;
use scopes::Scopes;

/// The path of the application's configuration, before the parts' own.
const CONFIG: &str = "/v2/session/apps/{app_id}/config";

/// What the management API is started with.
#[derive(Clone)]
pub(crate) struct ManagementSettings {
    /// The application.
    pub(crate) app_id: String,
    /// The management key; a fresh one when left out.
    pub(crate) key: Option<String>,
    /// Whether hook and key set may be reached over plain http on this machine; Prelude wants https.
    pub(crate) plain_http: bool,
    /// What becomes of a step-up that the emulator cannot walk.
    pub(crate) unwalkable: Unwalkable,
    /// Scopes that exist from the start.
    pub(crate) scopes: Vec<String>,
    /// The step-up configuration from the start, as `POST` would take it.
    pub(crate) step_up: Option<Value>,
}

/// What is configured.
pub(super) struct Management {
    app_id: String,
    key: String,
    rules: Rules,
    configured: Mutex<Configured>,
}

/// What is judged differently from site to site.
#[derive(Debug, Clone, Copy)]
struct Rules {
    addresses: AddressRule,
    unwalkable: Unwalkable,
}

#[derive(Debug, Default)]
struct Configured {
    scopes: Scopes,
    step_up: Option<step_up::Kept>,
    webhooks: Vec<Webhook>,
}

impl Management {
    /// Configures what there is from the start.
    ///
    /// - `now`: Unix seconds.
    ///
    /// # Errors
    /// [`EmulatorError::Configuration`] when the API would refuse it; [`EmulatorError::KeyGeneration`].
    pub(super) fn new(settings: &ManagementSettings, now: i64) -> Result<Self, EmulatorError> {
        let addresses = AddressRule { plain_http: settings.plain_http };
        let rules = Rules { addresses, unwalkable: settings.unwalkable };
        let configured = Configured::read(&settings.scopes, settings.step_up.as_ref(), rules, now)?;
        let key = settings.key.clone().map_or_else(|| fresh_id("key_"), Ok)?;
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong("the management key is not visible ASCII characters"));
        }
        let app_id = settings.app_id.clone();
        if app_id.is_empty()
            || !app_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        {
            return Err(wrong("the application's id is not made of a-z A-Z 0-9 - _"));
        }
        Ok(Self { app_id, key, rules, configured: Mutex::new(configured) })
    }

    /// Puts this configuration in place of what there was.
    ///
    /// - `now`: Unix seconds.
    ///
    /// # Errors
    /// [`EmulatorError::Configuration`] when the API would refuse it; nothing changed then.
    pub(super) fn configure(
        &self,
        scopes: &[String],
        step_up: &Value,
        now: i64,
    ) -> Result<(), EmulatorError> {
        *self.configured() = Configured::read(scopes, Some(step_up), self.rules, now)?;
        Ok(())
    }

    /// The management key.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// The application.
    pub(super) fn app_id(&self) -> &str {
        &self.app_id
    }

    /// The webhooks as they are now.
    pub(super) fn webhooks(&self) -> Vec<Webhook> {
        self.configured().webhooks.clone()
    }

    /// The step-up configuration as it is now.
    pub(super) fn step_up(&self) -> Option<StepUpConfig> {
        self.configured().step_up.as_ref().map(|kept| kept.config.clone())
    }

    /// What becomes of a step-up that the emulator cannot walk.
    pub(super) const fn unwalkable(&self) -> Unwalkable {
        self.rules.unwalkable
    }

    /// Whether the caller holds the management key and means this application.
    ///
    /// # Errors
    /// `unauthorized`, `not_found`.
    fn admit(&self, request: &HttpRequest) -> Result<(), Fault> {
        let header = request.headers().get(AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
        let expected = format!("Bearer {}", self.key);
        verify_slices_are_equal(header, expected.as_bytes())
            .map_err(|_| Fault::unauthorized("not the management key"))?;
        if request.match_info().get("app_id") == Some(self.app_id.as_str()) {
            return Ok(());
        }
        Err(Fault::not_found("no such application"))
    }

    fn configured(&self) -> MutexGuard<'_, Configured> {
        // A panic under the lock cannot leave half a change: what is kept is replaced in one assignment.
        self.configured.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Configured {
    fn read(
        scopes: &[String],
        step_up: Option<&Value>,
        rules: Rules,
        now: i64,
    ) -> Result<Self, EmulatorError> {
        let refused = |fault: Fault| EmulatorError::Configuration(fault.to_string());
        let mut configured = Self::default();
        for scope in scopes {
            configured.scopes.add(scope, now).map_err(refused)?;
        }
        if let Some(sent) = step_up {
            let sent = sent.as_object().cloned().unwrap_or_default();
            let config = StepUpConfig::read(sent, &configured.scopes, rules).map_err(refused)?;
            configured.step_up = Some(step_up::Kept::new(config, now));
        }
        Ok(configured)
    }
}

fn wrong(rule: &str) -> EmulatorError {
    EmulatorError::Configuration(rule.to_owned())
}

/// Adds the routes.
pub(super) fn routes(routes: &mut web::ServiceConfig) {
    let (scopes, step_up) = (format!("{CONFIG}/scopes"), format!("{CONFIG}/stepup"));
    routes
        .route(&scopes, web::get().to(scopes::list))
        .route(&scopes, web::post().to(scopes::create))
        .route(&step_up, web::get().to(step_up::show))
        .route(&step_up, web::post().to(step_up::create))
        .route(&step_up, web::put().to(step_up::replace))
        .route(&step_up, web::delete().to(step_up::remove))
        .configure(webhooks::routes);
}

/// Writes a change into the journal.
fn note(world: &World, what: &str, details: &Value) {
    world.journal.write(world.clock.now(), "configured", json!({ "part": what, "to": details }));
}

/// A moment as the API writes it: RFC 3339.
fn moment(unix_seconds: i64) -> String {
    jiff::Timestamp::from_second(unix_seconds).map_or_else(|_| String::new(), |moment| moment.to_string())
}

#[cfg(test)]
mod tests;
