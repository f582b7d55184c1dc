//! The customer's own backend, as far as a step-up needs one: it hands a challenge token in and gets a verification
//! token for the page.

use super::EmulatorError;
use super::courier::{Courier, Exchange};
use super::hook_call::OutgoingCall;

/// A backend with an API key.
pub(crate) struct Backend {
    courier: Courier,
    base_url: String,
    api_key: String,
}

impl Backend {
    /// A backend that calls the API at `base_url`.
    ///
    /// # Errors
    /// [`EmulatorError::HttpClient`].
    pub(crate) fn new(base_url: String, api_key: String) -> Result<Self, EmulatorError> {
        Ok(Self { courier: Courier::new()?, base_url, api_key })
    }

    /// Asks for a verification token, as the backend does once its user has finished a custom step.
    ///
    /// # Errors
    /// [`EmulatorError`] when nothing could be sent; a refusal is part of the exchange.
    pub(crate) async fn ask_for_token(&self, body: &serde_json::Value) -> Result<Exchange, EmulatorError> {
        let headers = [
            ("Content-Type", "application/json".to_owned()),
            ("Authorization", format!("Bearer {}", self.api_key)),
        ];
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let call = OutgoingCall { headers, body: body.to_string().into_bytes() };
        self.courier.post(&format!("{}/v1/verification-tokens", self.base_url), &call).await
    }
}
