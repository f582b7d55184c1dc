//! What the site refuses with: Prelude's code, as its SDK reads it.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use serde_json::json;

use super::super::{EmulatorError, Refusal};

/// A refusal as it is answered: `{code, message, type}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::emulator) struct Fault {
    status: u16,
    code: &'static str,
    message: String,
}

impl Fault {
    /// A refusal with this HTTP status, Prelude's code and the broken rule in words, which quote nothing.
    pub(in crate::emulator) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// 400 `bad_request`: the request is not one that the emulator understands.
    pub(in crate::emulator) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "bad_request", message)
    }

    /// 401 `unauthorized`.
    pub(in crate::emulator) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(401, "unauthorized", message)
    }

    /// 404 `not_found`.
    pub(in crate::emulator) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "not_found", message)
    }

    /// 409 `conflict`.
    pub(in crate::emulator) fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, "conflict", message)
    }

    /// Prelude's code.
    pub(in crate::emulator) const fn code(&self) -> &'static str {
        self.code
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl ResponseError for Fault {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let body = json!({ "code": self.code, "message": self.message, "type": "error" });
        HttpResponse::build(self.status_code()).json(body)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::new(400, refusal.code.as_str(), refusal.detail)
    }
}

impl From<EmulatorError> for Fault {
    fn from(error: EmulatorError) -> Self {
        match error {
            EmulatorError::Refused(refusal) => refusal.into(),
            EmulatorError::Full => Self::new(429, "rate_limited", error.to_string()),
            _ => Self::new(500, "internal", error.to_string()),
        }
    }
}
