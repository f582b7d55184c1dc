//! The emulator's way out: sends hook calls and fetches our key set, within Prelude's limits.

use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect;

use super::EmulatorError;
use super::hook_call::OutgoingCall;

/// How long Prelude waits for an answer, from the first byte sent to the last one read (docs/CONTRACT.md C4.8).
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The longest answer that Prelude reads, in bytes (docs/CONTRACT.md C4.8).
pub(crate) const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What came back from a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The HTTP status.
    pub(crate) status: u16,
    /// Header names in lower case and values, in order; a value that is not text reads as empty.
    pub(crate) headers: Vec<(String, String)>,
    /// The body; of one that is longer than [`ANSWER_BYTES_MAX`] just enough to tell so.
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The value of a header, by its name in lower case; the first where there are several.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
    }

    /// Whether the body is longer than Prelude reads.
    pub(crate) const fn is_too_long(&self) -> bool {
        self.body.len() > ANSWER_BYTES_MAX
    }
}

/// Why there is no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoReply {
    /// Nothing complete within [`ANSWER_WITHIN`].
    TimedOut,
    /// No connection, or one that broke.
    Unreachable,
}

/// A call that was made and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    /// Where it went.
    pub(crate) url: String,
    /// What was sent.
    pub(crate) call: OutgoingCall,
    /// What came back.
    pub(crate) reply: Result<Reply, NoReply>,
    /// How long that took.
    pub(crate) took: Duration,
}

/// An HTTP client with Prelude's limits: no redirects, no proxies, bounded time and size.
#[derive(Debug, Clone)]
pub(crate) struct Courier {
    client: reqwest::Client,
}

impl Courier {
    /// Makes a client with Prelude's patience, [`ANSWER_WITHIN`].
    ///
    /// # Errors
    /// [`EmulatorError::HttpClient`].
    pub(crate) fn new() -> Result<Self, EmulatorError> {
        Self::with_patience(ANSWER_WITHIN)
    }

    /// Makes a client with Prelude's patience that also reaches https, where one of these certificates vouches for it.
    ///
    /// - `pem`: certificates, PEM; where it is left out plain http only is reached.
    ///
    /// # Errors
    /// [`EmulatorError::Configuration`] for what is no certificate; [`EmulatorError::HttpClient`].
    pub(crate) fn trusting(pem: Option<&[u8]>) -> Result<Self, EmulatorError> {
        let Some(pem) = pem else { return Self::new() };
        let wrong =
            || EmulatorError::Configuration("what is to be trusted is no certificate in PEM".to_owned());
        let trusted = reqwest::Certificate::from_pem_bundle(pem).map_err(|_| wrong())?;
        if trusted.is_empty() {
            return Err(wrong());
        }
        Self::build(ANSWER_WITHIN, trusted).map_err(|_| wrong())
    }

    /// Makes a client. It reaches plain http only: it trusts no certificate authority, and so needs none installed.
    fn with_patience(patience: Duration) -> Result<Self, EmulatorError> {
        Self::build(patience, Vec::new())
    }

    fn build(patience: Duration, trusted: Vec<reqwest::Certificate>) -> Result<Self, EmulatorError> {
        let client = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .tls_certs_only(trusted)
            .timeout(patience)
            .build()?;
        Ok(Self { client })
    }

    /// Posts a call exactly as it stands. A wrong, late or missing answer is part of the exchange, not an error.
    ///
    /// # Errors
    /// [`EmulatorError::Unsendable`] for a header that HTTP cannot carry; nothing was sent then.
    pub(crate) async fn post(&self, url: &str, call: &OutgoingCall) -> Result<Exchange, EmulatorError> {
        let headers = header_map(&call.headers)?;
        let request = self.client.post(url).headers(headers).body(call.body.clone());
        let started = Instant::now();
        let reply = read(request).await;
        Ok(Exchange { url: url.to_owned(), call: call.clone(), reply, took: started.elapsed() })
    }

    /// Gets a document.
    ///
    /// # Errors
    /// [`NoReply`]; a bad status is a reply.
    pub(crate) async fn get(&self, url: &str) -> Result<Reply, NoReply> {
        read(self.client.get(url)).await
    }
}

async fn read(request: reqwest::RequestBuilder) -> Result<Reply, NoReply> {
    let mut response = request.send().await.map_err(|error| no_reply(&error))?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| no_reply(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            break;
        }
    }
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned()));
    Ok(Reply { status: response.status().as_u16(), headers: headers.collect(), body })
}

fn no_reply(error: &reqwest::Error) -> NoReply {
    if error.is_timeout() { NoReply::TimedOut } else { NoReply::Unreachable }
}

fn header_map(headers: &[(String, String)]) -> Result<HeaderMap, EmulatorError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| EmulatorError::Unsendable)?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| EmulatorError::Unsendable)?;
        map.append(name, value);
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wiremock::matchers::{body_bytes, header, method};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    fn call(body: &[u8]) -> OutgoingCall {
        OutgoingCall { headers: vec![("X-Twice".to_owned(), "a".to_owned())], body: body.to_vec() }
    }

    #[tokio::test]
    async fn bytes_and_headers_go_out_as_they_stand() {
        let server = MockServer::start().await;
        let expected = Mock::given(method("POST")).and(body_bytes(b"\xff\x00 ")).and(header("x-twice", "a"));
        expected
            .respond_with(ResponseTemplate::new(418).set_body_string("no").insert_header("x-back", "1"))
            .mount(&server)
            .await;
        let courier = Courier::new().expect("a client");
        let exchange = courier.post(&server.uri(), &call(b"\xff\x00 ")).await.expect("sent");
        let reply = exchange.reply.expect("a reply");
        assert_eq!(
            (reply.status, reply.body.as_slice(), reply.header("x-back")),
            (418, b"no".as_slice(), Some("1"))
        );
    }

    #[tokio::test]
    async fn redirects_are_not_followed_and_long_bodies_not_read_on() {
        let server = MockServer::start().await;
        let elsewhere = ResponseTemplate::new(307).insert_header("location", "/elsewhere");
        Mock::given(method("POST")).respond_with(elsewhere).mount(&server).await;
        let long = ResponseTemplate::new(200).set_body_bytes(vec![b' '; 3 * 1024 * 1024]);
        Mock::given(method("GET")).respond_with(long).mount(&server).await;
        let courier = Courier::new().expect("a client");
        let exchange = courier.post(&server.uri(), &call(b"")).await.expect("sent");
        assert_eq!(exchange.reply.expect("a reply").status, 307);
        let reply = courier.get(&server.uri()).await.expect("a reply");
        assert!(reply.is_too_long() && reply.body.len() < 1024 * 1024, "{}", reply.body.len());
    }

    #[tokio::test]
    async fn nobody_there_is_an_exchange_without_reply() {
        let courier = Courier::new().expect("a client");
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number");
        let exchange = courier.post(&format!("http://{port}/"), &call(b"")).await.expect("tried");
        assert_eq!(exchange.reply, Err(NoReply::Unreachable));
    }

    #[tokio::test]
    async fn a_late_answer_is_an_exchange_without_reply() {
        // The system completes the connection; nobody ever reads from it.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/", silent.local_addr().expect("its number"));
        let courier = Courier::with_patience(Duration::from_millis(50)).expect("a client");
        let exchange = courier.post(&url, &call(b"")).await.expect("tried");
        assert_eq!(exchange.reply, Err(NoReply::TimedOut));
        assert!(exchange.took >= Duration::from_millis(50));
    }

    #[tokio::test]
    async fn a_header_that_http_cannot_carry_is_not_sent() {
        let courier = Courier::new().expect("a client");
        let broken = OutgoingCall { headers: vec![("a b".to_owned(), "1".to_owned())], body: Vec::new() };
        let outcome = courier.post("http://127.0.0.1:9/", &broken).await;
        assert!(matches!(outcome, Err(EmulatorError::Unsendable)));
    }
}
