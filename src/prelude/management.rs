//! Prelude's management API, asked and told (docs/CONTRACT.md C8).
//!
//! Every call is bounded: in time, in size, in how often it is tried. The key goes into one header and nowhere else.

use std::time::Duration;

use reqwest::header::{ACCEPT, RETRY_AFTER};
use reqwest::{Client, Method, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tracing::Instrument as _;

use super::remote::{Endpoint, SetupFault, client_for};
use crate::domain::causes;
use crate::spans;

/// How long one try may take.
const TRY_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a call is tried.
const TRIES_MAX: u32 = 4;
/// How long is waited before the second try, where Prelude does not say; doubled before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest wait between two tries, whatever Prelude says.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// The longest answer.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// How much of Prelude's own words is shown.
const WORDS_CHARS_MAX: usize = 200;

/// A call to the management API.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ManagementCall {
    /// `GET`, `POST` or `PUT`.
    pub(crate) method: &'static str,
    /// The path, from its first `/` on.
    pub(crate) path: String,
    /// What is sent, if anything is.
    pub(crate) body: Option<Value>,
}

/// Why a call failed. It never holds the key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManagementFault {
    /// The address of the API is no address.
    #[error("the address of Prelude's management API is none")]
    Endpoint(#[from] super::remote::EndpointFault),
    /// The client could not be made.
    #[error(transparent)]
    Setup(#[from] SetupFault),
    /// No whole answer in time, after several tries.
    #[error("Prelude's management API does not answer")]
    Unreachable(#[source] reqwest::Error),
    /// An answer that says no.
    #[error("Prelude's management API answered {status}{words}")]
    Refused {
        /// The status.
        status: u16,
        /// Prelude's own words after `: `, or nothing.
        words: String,
    },
    /// An answer that is too long, or no JSON.
    #[error("Prelude's management API answered what cannot be read")]
    Unreadable,
}

impl ManagementFault {
    /// The status, where there was an answer that said no.
    pub(crate) const fn status(&self) -> Option<u16> {
        if let Self::Refused { status, .. } = self { Some(*status) } else { None }
    }
}

/// One application's configuration at Prelude.
#[derive(Debug)]
pub(crate) struct Management {
    base_url: String,
    app_id: String,
    key: SecretString,
    client: Client,
    first_pause: Duration,
}

/// What came of one try.
enum Tried {
    Answered(Value),
    /// It failed, and may be tried again after this long.
    Again(ManagementFault, Option<Duration>),
    Failed(ManagementFault),
}

impl Management {
    /// Prepares calls; nothing is sent yet.
    ///
    /// - `base_url`: where the API is; plain http is for this machine.
    /// - `ca_pem`: certificates to trust besides the system's.
    ///
    /// # Errors
    /// [`ManagementFault::Endpoint`], [`ManagementFault::Setup`].
    pub(crate) fn new(
        (base_url, app_id): (&str, &str),
        key: SecretString,
        ca_pem: Option<&[u8]>,
    ) -> Result<Self, ManagementFault> {
        let endpoint = Endpoint::https_or_loopback(base_url)?;
        let client = client_for(&endpoint, ca_pem)?;
        let base_url = base_url.trim_end_matches('/').to_owned();
        Ok(Self { base_url, app_id: app_id.to_owned(), key, client, first_pause: FIRST_PAUSE })
    }

    /// The address of a part of the application's configuration.
    ///
    /// - `part`: such as `config/stepup`.
    pub(crate) fn path(&self, part: &str) -> String {
        format!("/v2/session/apps/{}/{part}", self.app_id)
    }

    /// Where the API is, without a `/` at its end.
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Reads a part of the configuration; `None` where there is none.
    ///
    /// # Errors
    /// [`ManagementFault`].
    pub(crate) async fn get(&self, part: &str) -> Result<Option<Value>, ManagementFault> {
        let call = ManagementCall { method: "GET", path: self.path(part), body: None };
        match self.send(&call).await {
            Ok(answer) => Ok(Some(answer)),
            Err(fault) if fault.status() == Some(404) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Sends a call, and again where that may help: after 429 and 5xx, as long as Prelude says, and where no connection came
    /// about. A `POST` that may have arrived is not sent twice.
    ///
    /// # Errors
    /// [`ManagementFault`] of the last try. After [`ManagementFault::Unreachable`] nobody knows whether it was done.
    pub(crate) async fn send(&self, call: &ManagementCall) -> Result<Value, ManagementFault> {
        let mut pause = self.first_pause;
        let mut tries = 1;
        loop {
            let span = spans::management_call(call.method);
            let (fault, asked) = match self.try_once(call).instrument(span).await {
                Tried::Answered(answer) => return Ok(answer),
                Tried::Failed(fault) => return Err(fault),
                Tried::Again(fault, _) if tries >= TRIES_MAX => return Err(fault),
                Tried::Again(fault, asked) => (fault, asked),
            };
            tracing::debug!(error = %causes(&fault), tries, "A call to Prelude's management API is tried again.");
            tokio::time::sleep(asked.unwrap_or(pause).min(PAUSE_MAX)).await;
            pause = pause.saturating_mul(2);
            tries += 1;
        }
    }

    async fn try_once(&self, call: &ManagementCall) -> Tried {
        let method = match call.method {
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            _ => Method::GET,
        };
        let is_repeatable = method != Method::POST;
        let request = self
            .client
            .request(method, format!("{}{}", self.base_url, call.path))
            .timeout(TRY_TIMEOUT)
            .header(ACCEPT, "application/json")
            .bearer_auth(self.key.expose_secret());
        let request = spans::departing().fold(request, |request, (name, value)| request.header(name, value));
        let request = match &call.body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                let may_again = is_repeatable || error.is_connect();
                let fault = ManagementFault::Unreachable(error.without_url());
                return if may_again { Tried::Again(fault, None) } else { Tried::Failed(fault) };
            }
        };
        let (status, wait) = (answer.status(), retry_after(&answer));
        let body = match whole(answer).await {
            Ok(body) => body,
            Err(fault @ ManagementFault::Unreachable(_)) if is_repeatable => {
                return Tried::Again(fault, None);
            }
            Err(fault) => return Tried::Failed(fault),
        };
        if status.is_success() {
            return match read(&body) {
                Some(value) => Tried::Answered(value),
                None => Tried::Failed(ManagementFault::Unreadable),
            };
        }
        let fault = ManagementFault::Refused { status: status.as_u16(), words: self.words(&body) };
        let is_busy = status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE;
        if is_busy || (status.is_server_error() && is_repeatable) {
            Tried::Again(fault, wait)
        } else {
            Tried::Failed(fault)
        }
    }

    /// Prelude's own words about a refusal: its code and message, without the key should it be in them.
    fn words(&self, body: &[u8]) -> String {
        let Some(answer) = read(body) else { return String::new() };
        let texts =
            ["code", "message"].map(|name| answer.get(name).and_then(Value::as_str).unwrap_or_default());
        let words = texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ");
        let words = words.replace(self.key.expose_secret(), "…");
        let words: String = words.chars().filter(|c| !c.is_control()).take(WORDS_CHARS_MAX).collect();
        if words.is_empty() { words } else { format!(": {words}") }
    }

    /// The same with other pauses, for tests.
    #[cfg(test)]
    pub(super) fn with_pause(self, first_pause: Duration) -> Self {
        Self { first_pause, ..self }
    }
}

/// How long Prelude asks us to wait (RFC 9110 §10.2.3), in seconds; a date is not looked at.
fn retry_after(answer: &reqwest::Response) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

async fn whole(mut answer: reqwest::Response) -> Result<Vec<u8>, ManagementFault> {
    let mut body = Vec::new();
    loop {
        let chunk =
            answer.chunk().await.map_err(|error| ManagementFault::Unreachable(error.without_url()))?;
        let Some(chunk) = chunk else { return Ok(body) };
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(ManagementFault::Unreadable);
        }
        body.extend_from_slice(&chunk);
    }
}

/// An answer without a body is `null`.
fn read(body: &[u8]) -> Option<Value> {
    if body.is_empty() { Some(Value::Null) } else { serde_json::from_slice(body).ok() }
}

mod registering;

#[cfg(test)]
mod tests;
