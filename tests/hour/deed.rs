//! What callers do, each once and by one server.

use std::time::Duration;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use doorstep::testing::SignedCall;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::bundle::{STEP, STEP_SECONDS, TRANSFER};
use crate::ledger::{Call, Wish};
use crate::world::{Keys, World};

/// The secret of the provider of identity checks.
pub(crate) const SECRET: &str = "the-secret-of-sumsub";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Sends the hook call of this number, once more perhaps.
    Call(usize),
    /// Opens a verification for the review of a call.
    Open {
        call: usize,
        challenge: String,
    },
    /// Opens, approves and mints in one call.
    OneCall {
        call: usize,
        challenge: String,
    },
    Approve {
        verification: String,
    },
    Reject {
        verification: String,
    },
    /// What the provider says; its event is the one of that second.
    Callback {
        verification: String,
        reference: String,
        word: &'static str,
        second: i64,
    },
    Mint {
        verification: String,
    },
    Withdraw {
        verification: String,
    },
    Redeem {
        wish: Wish,
    },
    Fact {
        user: String,
        kind: &'static str,
        name: String,
    },
    Pause {
        scope: &'static str,
        until: i64,
        case: String,
    },
    Resume {
        scope: &'static str,
        case: String,
    },
    /// Asks what would be decided; nothing must come of it.
    DryRun {
        wish: Wish,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct Act {
    pub(crate) deed: Deed,
    /// By which server.
    pub(crate) server: usize,
    /// An `Idempotency-Key`.
    pub(crate) once: Option<String>,
    /// After how long the caller is gone.
    pub(crate) hangs_up: Option<Duration>,
}

impl Act {
    pub(crate) const fn by(server: usize, deed: Deed) -> Self {
        Self { deed, server, once: None, hangs_up: None }
    }
}

impl Deed {
    /// The verification that it decides about.
    pub(crate) fn decides(&self) -> Option<&str> {
        match self {
            Self::Approve { verification }
            | Self::Reject { verification }
            | Self::Callback { verification, .. } => Some(verification),
            _ => None,
        }
    }

    /// Whose key it takes.
    fn key<'k>(&self, keys: &'k Keys) -> Option<&'k str> {
        match self {
            Self::Call(_) | Self::Callback { .. } => None,
            Self::Redeem { .. } => Some(&keys.executor),
            Self::Fact { .. } => Some(&keys.facts),
            Self::Pause { .. } | Self::Resume { .. } => Some(&keys.desk),
            Self::Reject { .. } => Some(&keys.person),
            _ => Some(&keys.backend),
        }
    }

    /// What it may be answered. 503 may come at any time; nothing else of that kind may.
    pub(crate) fn allows(&self, status: u16) -> bool {
        let allowed: &[u16] = match self {
            Self::Call(_) | Self::Redeem { .. } | Self::Approve { .. } | Self::Reject { .. } => &[200, 409],
            Self::Open { .. } => &[200, 201, 409, 422],
            Self::OneCall { .. } => &[201, 409, 422],
            Self::Callback { .. } | Self::Withdraw { .. } | Self::DryRun { .. } | Self::Pause { .. } => {
                &[200]
            }
            Self::Mint { .. } => &[201, 409, 422],
            Self::Fact { .. } => &[200, 201],
            Self::Resume { .. } => &[200, 409],
        };
        status == 503 || allowed.contains(&status)
    }
}

/// What a page sends along with a wish.
pub(crate) fn metadata(wish: &Wish) -> Value {
    if wish.scope() != TRANSFER {
        return json!({});
    }
    let amount = format!("{}.{:02}", wish.cents() / 100, wish.cents() % 100);
    json!({"amount": amount, "currency": "EUR", "payee": wish.payee()})
}

/// A hook body.
pub(crate) fn body(wish: &Wish) -> Value {
    json!({
        "scope_requested": wish.scope(),
        "user_id": wish.user(),
        "identifiers": [{"type": "phone_number", "value": "+33612345678"}],
        "signals": {"user_agent": "Mozilla/5.0", "platform": "WEB", "ip": "203.0.113.42"},
        "metadata": metadata(wish),
    })
}

impl World {
    /// The request of an act, ready to be sent.
    pub(crate) fn request(&self, act: &Act, url: &str) -> RequestBuilder {
        let at = |verification: &str, deed: &str| format!("/v1/verifications/{verification}/{deed}");
        let challenge = |call: &usize, challenge: &String| {
            let token = self.challenge_token(&self.ledger.calls[*call], challenge);
            Some(json!({ "challenge_token": token }))
        };
        let (method, path, body) = match &act.deed {
            Deed::Call(number) => return self.hook(&self.ledger.calls[*number].signed, url),
            Deed::Callback { reference, word, second, .. } => {
                return self.callback(url, (reference, word, *second));
            }
            Deed::Open { call, challenge: name } => {
                (Method::POST, "/v1/verifications".to_owned(), challenge(call, name))
            }
            Deed::OneCall { call, challenge: name } => {
                (Method::POST, "/v1/verification-tokens".to_owned(), challenge(call, name))
            }
            Deed::Approve { verification } => {
                (Method::POST, at(verification, "approve"), Some(json!({"reason": "seen"})))
            }
            Deed::Reject { verification } => {
                (Method::POST, at(verification, "reject"), Some(json!({"reason": "forged", "actor": "Ana"})))
            }
            Deed::Mint { verification } => (Method::POST, at(verification, "token"), Some(json!({}))),
            Deed::Withdraw { verification } => {
                let body = json!({"verification_id": verification, "reason": "signed out"});
                (Method::POST, "/v1/withdrawals".to_owned(), Some(body))
            }
            Deed::Redeem { wish } => {
                let body = json!({"user_id": wish.user(), "scope": wish.scope(), "metadata": metadata(wish)});
                (Method::POST, "/v1/grants/redeem".to_owned(), Some(body))
            }
            Deed::Fact { user, kind, name } => {
                let body = json!({"user_id": user, "kind": kind, "id": name});
                (Method::POST, "/v1/facts".to_owned(), Some(body))
            }
            Deed::Pause { scope, until, case } => {
                let body = json!({"reason": case, "until": rfc3339(*until)});
                (Method::PUT, format!("/v1/scopes/{scope}/pause"), Some(body))
            }
            Deed::Resume { scope, case } => {
                (Method::DELETE, format!("/v1/scopes/{scope}/pause?reason={case}"), None)
            }
            Deed::DryRun { wish } => {
                let body = json!({"scope": wish.scope(), "user_id": wish.user(), "metadata": metadata(wish)});
                (Method::POST, "/v1/evaluate".to_owned(), Some(body))
            }
        };
        let mut request = self.client.request(method, format!("{url}{path}"));
        if let Some(key) = act.deed.key(&self.keys) {
            request = request.bearer_auth(key);
        }
        if let Some(once) = &act.once {
            request = request.header("idempotency-key", once);
        }
        match body {
            Some(body) => request.json(&body),
            None => request,
        }
    }

    fn hook(&self, signed: &SignedCall, url: &str) -> RequestBuilder {
        let request = self.client.post(format!("{url}/hooks/stepup")).body(signed.body.clone());
        signed.headers.iter().fold(request, |request, (name, value)| request.header(name, value))
    }

    fn callback(&self, url: &str, (reference, word, second): (&str, &str, i64)) -> RequestBuilder {
        let body = callback_body(reference, word, second);
        let signature = sign(&Key::new(HMAC_SHA256, SECRET.as_bytes()), body.as_bytes());
        let signature: String = signature.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let request = self.client.post(format!("{url}/v1/callbacks/sumsub")).body(body);
        request.header("X-Payload-Digest", signature)
    }

    /// Prelude's word that a challenge is at the custom step now.
    fn challenge_token(&self, call: &Call, challenge: &str) -> String {
        let now = self.now();
        let claims = json!({
            "iss": "test.session.prelude.dev", "sub": call.wish.user(), "sid": format!("ses_{}", call.wish.user()),
            "jti": challenge, "iat": now, "nbf": now, "exp": now + 600,
            "challenge_id": challenge, "scope_requested": call.wish.scope(), "current_step": STEP,
            "steps": [{"order": 1, "key": STEP, "expiration_duration": STEP_SECONDS, "done": false}],
            "metadata": metadata(&call.wish),
        });
        self.prelude.challenge_token(&claims).expect("signs")
    }
}

/// What the provider says, to the byte.
pub(crate) fn callback_body(reference: &str, word: &str, second: i64) -> String {
    let body = json!({
        "applicantId": "5cb744200a975a67ed1798a4", "externalUserId": reference,
        "type": "applicantReviewed", "sandboxMode": false, "createdAtMs": second * 1000,
        "reviewResult": { "reviewAnswer": word, "reviewRejectType": "FINAL", "rejectLabels": ["FORGERY"] },
    });
    body.to_string()
}

fn rfc3339(unix_seconds: i64) -> String {
    jiff::Timestamp::from_second(unix_seconds).expect("a moment").to_string()
}
