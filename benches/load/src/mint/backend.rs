//! What a customer's backend sends: challenge tokens to open verifications with, decisions, and wishes for tokens.

use serde_json::{Value, json};

use super::send::Batch;
use crate::calls::{Call, StepUpKey, metadata};
use crate::fault::{Outcome, While as _};
use crate::seed::Seed;

/// How long a challenge lives.
const CHALLENGE_SECONDS: u64 = 3_600;

/// A backend with its API key, and Prelude's key for challenge tokens.
pub(super) struct Backend<'a> {
    /// The API key.
    pub(super) api_key: String,
    /// Signs challenge tokens.
    pub(super) step_up: &'a StepUpKey,
    /// Where the calls' content came from.
    pub(super) seed: Seed,
}

impl Backend<'_> {
    /// Opens a verification for the challenge that follows from each call.
    ///
    /// # Errors
    /// When the clock stands before 1970.
    pub(super) fn openings<'c>(&self, calls: impl Iterator<Item = (usize, &'c Call)>) -> Outcome<Batch> {
        self.by_challenge("/v1/verifications", calls)
    }

    /// Asks for a token in one call, for the challenge that follows from each call.
    ///
    /// # Errors
    /// When the clock stands before 1970.
    pub(super) fn one_calls<'c>(&self, calls: impl Iterator<Item = (usize, &'c Call)>) -> Outcome<Batch> {
        self.by_challenge("/v1/verification-tokens", calls)
    }

    /// Approves each verification.
    pub(super) fn approvals(&self, ids: &[String]) -> Batch {
        let body = json!({ "reason": "documents seen" }).to_string();
        let requests =
            ids.iter().map(|id| self.post(&format!("/v1/verifications/{id}/approve"), &body)).collect();
        Batch { requests, status: "200" }
    }

    /// Asks for a token of each verification.
    pub(super) fn mints(&self, ids: &[String]) -> Batch {
        let requests =
            ids.iter().map(|id| self.post(&format!("/v1/verifications/{id}/token"), "{}")).collect();
        Batch { requests, status: "201" }
    }

    fn by_challenge<'c>(&self, path: &str, calls: impl Iterator<Item = (usize, &'c Call)>) -> Outcome<Batch> {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .doing("reading the clock")?
            .as_secs();
        let requests = calls
            .map(|(at, call)| {
                let claims = self.claims((at, &call.user_id), now)?;
                let body = json!({ "challenge_token": self.step_up.token(&claims) });
                Ok(self.post(path, &body.to_string()))
            })
            .collect::<Outcome<_>>()?;
        Ok(Batch { requests, status: "201" })
    }

    /// The claims of a challenge whose first step is done and whose second, ours, is current.
    fn claims(&self, (at, user_id): (usize, &str), now: u64) -> Outcome<Value> {
        let metadata: Value =
            serde_json::from_str(&metadata(at, self.seed)).doing("reading a call's metadata")?;
        Ok(json!({
            "iss": "bench.session.prelude.dev", "sub": user_id, "sid": format!("ses_{at:016}"),
            "jti": format!("jti_{at:016}"), "iat": now, "nbf": now, "exp": now + CHALLENGE_SECONDS,
            "challenge_id": format!("chl_{at:016}"), "scope_requested": "transfer:write",
            "current_step": "kyc_review",
            "steps": [
                {"order": 1, "key": "verify_sms", "expiration_duration": 600, "done": true},
                {"order": 2, "key": "kyc_review", "expiration_duration": 3600, "done": false},
            ],
            "metadata": metadata,
        }))
    }

    fn post(&self, path: &str, body: &str) -> Box<[u8]> {
        format!(
            "POST {path} HTTP/1.1\r\nHost: doorstep.bench\r\nUser-Agent: backend/1.0\r\n\
             Authorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.api_key,
            body.len()
        )
        .into_bytes()
        .into_boxed_slice()
    }
}
