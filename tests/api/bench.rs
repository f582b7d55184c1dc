//! The test bench: a server under test, Prelude's side beside it and an HTTP client.

use std::sync::Arc;

use doorstep::testing::{KeyWish, ManualClock, Prelude, Server, Setup, SignedCall, Style, leaks};
use serde_json::{Value, json};

use crate::record::Record;

/// How many looks at something that changes by itself, and how far apart: twenty seconds in all.
const LOOKS: usize = 1000;
const BETWEEN_LOOKS: std::time::Duration = std::time::Duration::from_millis(20);

/// Looks again and again until `look` finds what it wants.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let mut ticks = tokio::time::interval(BETWEEN_LOOKS);
    for _ in 0..LOOKS {
        ticks.tick().await;
        if let Some(found) = look().await {
            return found;
        }
        // The pause follows also a look that took long: two who look for the same place must not starve each other.
        ticks.reset();
    }
    panic!("{what}: not within {LOOKS} looks")
}

/// The moment that the tests' clock starts at.
pub(crate) const NOW: i64 = 1_790_000_010;

/// A server, what it talks with, and where its store is.
pub(crate) struct Bench {
    pub(crate) server: Server,
    pub(crate) prelude: Arc<Prelude>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) client: reqwest::Client,
    pub(crate) record: Arc<Record>,
    settings: Vec<(&'static str, String)>,
    policies: Vec<(String, String)>,
}

impl Bench {
    /// A server with the shipped bundle and a clock that stands still.
    pub(crate) async fn start() -> Self {
        Self::with(&[], &[]).await
    }

    /// A server with these policy files (the shipped ones without any) and these settings on top.
    pub(crate) async fn with(policies: &[(&str, &str)], settings: &[(&'static str, &str)]) -> Self {
        let bench = Self::begin(policies, settings).await;
        bench.until_ready().await;
        bench
    }

    /// The same, without waiting until it is ready.
    pub(crate) async fn begin(policies: &[(&str, &str)], settings: &[(&'static str, &str)]) -> Self {
        let clock = ManualClock::at_unix_seconds(NOW);
        let prelude =
            Arc::new(Prelude::start(Some(Arc::clone(&clock))).await.expect("Prelude's side starts"));
        let record = Arc::new(Record::new().await);
        let mut all = prelude.settings();
        all.extend(record.settings());
        all.extend(settings.iter().map(|(key, text)| (*key, (*text).to_owned())));
        let policies: Vec<_> =
            policies.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let setup = Setup {
            directory: record.directory().to_owned(),
            policies: policies.clone(),
            clock: Some(Arc::clone(&clock)),
            settings: all.clone(),
        };
        let server = Server::start(setup).await.expect("the server starts");
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { server, prelude, clock, client, record, settings: all, policies }
    }

    /// The same, with other policies from then on.
    pub(crate) async fn restart_with(mut self, policies: &[(&str, &str)]) -> Self {
        self.policies =
            policies.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let bench = self.restart().await;
        bench.until_ready().await;
        bench
    }

    /// Stops the server and starts it again on the same store, with Prelude's side as it is.
    pub(crate) async fn restart(self) -> Self {
        self.server.stop().await.expect("the server stops");
        let setup = Setup {
            directory: self.record.directory().to_owned(),
            policies: self.policies.clone(),
            clock: Some(Arc::clone(&self.clock)),
            settings: self.settings.clone(),
        };
        let server = Server::start(setup).await.expect("the server starts again");
        Self { server, ..self }
    }

    /// Starts a second server on the same store; it has its own idea of what the fraud desk says.
    pub(crate) async fn beside(self) -> (Self, Self) {
        let policies = self.policies.clone();
        self.beside_that_has(policies).await
    }

    /// The same, with other policies in the second one.
    pub(crate) async fn beside_with(self, policies: &[(&str, &str)]) -> (Self, Self) {
        let policies = policies.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        self.beside_that_has(policies).await
    }

    async fn beside_that_has(self, policies: Vec<(String, String)>) -> (Self, Self) {
        let setup = Setup {
            directory: self.record.directory().to_owned(),
            policies: policies.clone(),
            clock: Some(Arc::clone(&self.clock)),
            settings: self.settings.clone(),
        };
        let server = Server::start(setup).await.expect("a second server starts");
        let other = Self {
            server,
            prelude: Arc::clone(&self.prelude),
            clock: Arc::clone(&self.clock),
            client: self.client.clone(),
            record: Arc::clone(&self.record),
            settings: self.settings.clone(),
            policies,
        };
        other.until_ready().await;
        (self, other)
    }

    /// Waits until the server says that it is ready: its key sets are fetched in the background.
    pub(crate) async fn until_ready(&self) {
        for _ in 0..2000 {
            let answer = self.get("/readyz").await;
            if answer.status == 200 && answer.json()["warnings"] == json!([]) {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("the server does not get ready: {}", self.get("/readyz").await.text);
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.server.url()));
        Answer::of(request.send().await.expect("an answer")).await
    }

    /// Asks with an API key.
    pub(crate) async fn get_as(&self, key: &str, path: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.server.url())).bearer_auth(key);
        Answer::of(request.send().await.expect("an answer")).await
    }

    /// Asks with an API key and a method, and with a body if there is one.
    pub(crate) async fn ask_as(
        &self,
        key: &str,
        (method, path): (&str, &str),
        body: Option<Value>,
    ) -> Answer {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let request = self.client.request(method, format!("{}{path}", self.server.url())).bearer_auth(key);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        Answer::of(request.send().await.expect("an answer")).await
    }

    /// Sends JSON with an API key.
    pub(crate) async fn post_as(&self, key: &str, path: &str, body: &Value) -> Answer {
        self.ask_as(key, ("POST", path), Some(body.clone())).await
    }

    /// A key with these roles and no limits.
    pub(crate) async fn key(&self, roles: &[&str]) -> String {
        let wish = KeyWish { roles, ..KeyWish::default() };
        self.server.create_api_key(&wish).await.expect("a key")
    }

    /// Sends a call exactly as it was signed.
    pub(crate) async fn send(&self, call: &SignedCall) -> Answer {
        self.send_to("/hooks/stepup", call).await
    }

    /// Sends what was signed to any address.
    pub(crate) async fn send_to(&self, path: &str, call: &SignedCall) -> Answer {
        let url = format!("{}{path}", self.server.url());
        let mut request = self.client.post(url).body(call.body.clone());
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        Answer::of(request.send().await.expect("an answer")).await
    }

    /// Signs and sends a body.
    pub(crate) async fn call(&self, body: &Value) -> Answer {
        self.send(&self.prelude.sign(body, Style::Usual).expect("signs")).await
    }

    /// Asks for a verification token.
    pub(crate) async fn mint(&self, key: &str, body: &Value) -> Answer {
        let url = format!("{}/v1/verification-tokens", self.server.url());
        let request = self.client.post(url).bearer_auth(key).json(body);
        Answer::of(request.send().await.expect("an answer")).await
    }

    /// Sends bytes as they stand and reads the first bytes of the answer, with the connection left open.
    pub(crate) async fn raw(&self, request: &str) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let address = self.server.url().trim_start_matches("http://").to_owned();
        let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer).await.expect("an answer");
        String::from_utf8_lossy(&answer[..length]).into_owned()
    }

    /// A key that may do the one-call mint.
    pub(crate) async fn backend_key(&self) -> String {
        let wish = KeyWish {
            roles: &["opener", "approver", "minter"],
            approves_as: Some("backend"),
            ..KeyWish::default()
        };
        self.server.create_api_key(&wish).await.expect("a key")
    }

    /// Stops the server in order.
    pub(crate) async fn stop(self) {
        self.server.stop().await.expect("the server stops");
    }
}

/// An HTTP answer, read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn of(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().iter();
        let headers = headers
            .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap_or("?").to_owned()))
            .collect();
        let path = response.url().path().to_owned();
        let text = response.text().await.expect("a body");
        leaks::look_at_answer(status, &text);
        let answer = Self { status, headers, text };
        crate::described::expect(&path, &answer);
        answer
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Asserts a refusal: status, code, and the form that every refusal has.
    pub(crate) fn expect_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.json()["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.json()["status"], status);
        assert_eq!(self.json()["request_id"].as_str(), self.header("x-request-id"));
    }
}

/// A hook body: a transfer from a browser by a user with a phone number.
pub(crate) fn transfer(user: &str, amount: &str) -> Value {
    json!({
        "scope_requested": "transfer:write",
        "user_id": user,
        "identifiers": [{"type": "phone_number", "value": "+33612345678"}],
        "signals": {"user_agent": "Mozilla/5.0", "platform": "WEB", "ip": "203.0.113.42"},
        "metadata": {"amount": amount, "currency": "USD", "payee": "DE89370400440532013000"},
    })
}

/// The claims of a challenge token at kyc_review, for the transfer above.
pub(crate) fn claims(user: &str, amount: &str) -> Value {
    json!({
        "iss": "test.session.prelude.dev", "sub": user, "sid": "ses_1", "jti": "jti-1",
        "iat": NOW, "nbf": NOW, "exp": NOW + 3600,
        "challenge_id": "chl_1", "scope_requested": "transfer:write", "current_step": "kyc_review",
        "steps": [
            {"order": 1, "key": "verify_sms", "expiration_duration": 600, "done": true},
            {"order": 2, "key": "kyc_review", "expiration_duration": 3600, "done": false},
        ],
        "metadata": {"amount": amount, "currency": "USD", "payee": "DE89370400440532013000"},
    })
}
