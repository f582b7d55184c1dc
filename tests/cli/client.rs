//! Prelude's and the backend's side of the wire: bodies, and a client that sends them.

use std::time::Duration;

use doorstep::testing::{Prelude, SignedCall, Style, leaks};
use serde_json::{Value, json};

/// How many looks at something that changes by itself, and how far apart: ten seconds in all.
const LOOKS: usize = 500;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Looks again and again until `look` finds what it wants.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let mut ticks = tokio::time::interval(BETWEEN_LOOKS);
    for _ in 0..LOOKS {
        ticks.tick().await;
        if let Some(found) = look().await {
            return found;
        }
    }
    panic!("{what}: not within {:?}", BETWEEN_LOOKS * u32::try_from(LOOKS).unwrap())
}

/// An HTTP client for one server.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    address: String,
}

/// Status and body of an answer that arrived whole.
pub(crate) type Answer = (u16, String);

impl Client {
    /// A client of the server that listens there, once that is ready.
    pub(crate) async fn of(address: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let client = Self { http, address: address.to_owned() };
        until("ready", async || {
            let (status, body) = client.get("/readyz").await.ok()?;
            let body: Value = serde_json::from_str(&body).ok()?;
            (status == 200 && body["warnings"] == json!([])).then_some(())
        })
        .await;
        client
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer, reqwest::Error> {
        read(self.http.get(format!("http://{}{path}", self.address))).await
    }

    /// Sends a call exactly as it was signed.
    pub(crate) async fn send(&self, call: &SignedCall) -> Result<Answer, reqwest::Error> {
        let request = self.http.post(format!("http://{}/hooks/stepup", self.address));
        let request = call.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        read(request.body(call.body.clone())).await
    }

    /// Asks for a verification token.
    pub(crate) async fn mint(&self, key: &str, body: &Value) -> Result<Answer, reqwest::Error> {
        self.post(key, "/v1/verification-tokens", body).await
    }

    /// Sends a JSON body with an API key.
    pub(crate) async fn post(&self, key: &str, path: &str, body: &Value) -> Result<Answer, reqwest::Error> {
        let url = format!("http://{}{path}", self.address);
        read(self.http.post(url).bearer_auth(key).json(body)).await
    }
}

async fn read(request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
    let response = request.send().await?;
    let (status, text) = (response.status().as_u16(), response.text().await?);
    leaks::look_at_answer(status, &text);
    Ok((status, text))
}

/// A transfer from a browser by a user with a phone number, signed.
pub(crate) fn transfer(prelude: &Prelude, user: &str, amount: &str) -> SignedCall {
    let body = json!({
        "scope_requested": "transfer:write",
        "user_id": user,
        "identifiers": [{"type": "phone_number", "value": "+33612345678"}],
        "signals": {"user_agent": "Mozilla/5.0", "platform": "WEB", "ip": "203.0.113.42"},
        "metadata": {"amount": amount, "currency": "USD"},
    });
    prelude.sign(&body, Style::Usual).expect("signs")
}

/// The claims of a challenge token at kyc_review for a transfer with this metadata, issued at `now`.
pub(crate) fn claims(now: i64, user: &str, metadata: &Value) -> Value {
    json!({
        "iss": "test.session.prelude.dev", "sub": user, "sid": "ses_1", "jti": "jti-1",
        "iat": now, "nbf": now, "exp": now + 3600,
        "challenge_id": "chl_1", "scope_requested": "transfer:write", "current_step": "kyc_review",
        "steps": [
            {"order": 1, "key": "verify_sms", "expiration_duration": 600, "done": true},
            {"order": 2, "key": "kyc_review", "expiration_duration": 86400, "done": false},
        ],
        "metadata": metadata,
    })
}

/// Unix seconds.
#[expect(clippy::disallowed_methods, reason = "the server under test goes by the machine's clock")]
pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("after 1970").as_secs().try_into().expect("before the year 292277026596")
}
