//! Where a request ends is never a guess: what two servers could read differently is refused, and its connection closed.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::bench::Bench;

/// What a smuggler wants answered as a request of its own.
const HIDDEN: &str = "GET /.well-known/jwks.json HTTP/1.1\r\nhost: x\r\n\r\n";
/// All that the key set's answer and no other says.
const ANSWERED: &str = "\"keys\"";

impl Bench {
    /// Sends bytes as they stand and reads until the server closes the connection.
    async fn until_closed(&self, request: &str) -> String {
        let address = self.server.url().trim_start_matches("http://").to_owned();
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answers = Vec::new();
        // A reset is a close, too: there is something that the server did not read.
        let _ = stream.read_to_end(&mut answers).await;
        String::from_utf8_lossy(&answers).into_owned()
    }
}

fn post(headers: &str, body: &str) -> String {
    format!("POST /hooks/stepup HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{headers}\r\n{body}")
}

fn get(rest: &str) -> String {
    format!("GET /healthz HTTP/1.1\r\n{rest}\r\n")
}

/// Requests whose end, sender or version two servers could read differently, by name.
fn ambiguous() -> Vec<(&'static str, String)> {
    let none = "0\r\n\r\n";
    let chunked = "transfer-encoding: chunked\r\n";
    vec![
        ("length and chunks", post(&format!("content-length: 5\r\n{chunked}"), none)),
        ("chunks and length", post(&format!("{chunked}content-length: 5\r\n"), none)),
        ("a list of encodings", post("transfer-encoding: x, chunked\r\n", none)),
        ("an encoding that is none", post("transfer-encoding: identity\r\n", none)),
        ("an encoding with a tab before", post("transfer-encoding:\tx\tchunked\r\n", none)),
        ("two encodings", post(&format!("{chunked}{chunked}"), none)),
        ("a space before the colon", post("transfer-encoding : chunked\r\n", none)),
        ("chunks in HTTP/1.0", post(chunked, none).replacen("HTTP/1.1", "HTTP/1.0", 1)),
        ("two lengths that agree", post("content-length: 2\r\ncontent-length: 2\r\n", "{}")),
        ("two lengths that differ", post("content-length: 2\r\ncontent-length: 49\r\n", "{}")),
        ("a list of lengths", post("content-length: 2, 2\r\n", "{}")),
        ("a length with a sign", post("content-length: +2\r\n", "{}")),
        ("a negative length", post("content-length: -2\r\n", "{}")),
        ("a hexadecimal length", post("content-length: 0x2\r\n", "{}")),
        ("a length beyond all numbers", post("content-length: 18446744073709551618\r\n", "{}")),
        ("a folded header", get("host: x\r\nx-a: 1\r\n b\r\n")),
        ("a folded encoding", post("transfer-encoding:\r\n chunked\r\n", none)),
        ("no host", get("")),
        ("two hosts", get("host: x\r\nhost: y\r\n")),
        ("a header without a colon", get("host: x\r\nx\r\n")),
        ("a header without a name", get("host: x\r\n: x\r\n")),
        ("a bare carriage return", get("host: x\r\nx-a: 1\rtransfer-encoding: chunked\r\n")),
        ("a zero byte in a header", get("host: x\r\nx-a: 1\u{0}\r\n")),
        ("HTTP/2 with prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
    ]
}

#[tokio::test]
async fn what_could_be_read_in_two_ways_is_refused_and_its_connection_closed() {
    let bench = Bench::start().await;
    let last = HIDDEN.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    let answers = bench.until_closed(&format!("{}{last}", get("host: x\r\n"))).await;
    assert!(
        answers.matches("HTTP/1.1 200 ").count() == 2 && answers.contains(ANSWERED),
        "it is no secret: {answers}"
    );
    for (name, request) in ambiguous() {
        let answers = bench.until_closed(&format!("{request}{HIDDEN}")).await;
        assert!(answers.starts_with("HTTP/1.1 400 "), "{name}: {answers}");
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{name}: {answers}");
        assert!(!answers.contains(ANSWERED) && answers.contains("connection: close"), "{name}: {answers}");
    }
    assert_eq!(bench.record.count("SELECT count(*) FROM decisions").await, 0);
    bench.stop().await;
}

#[tokio::test]
async fn a_body_that_nobody_wanted_is_no_request() {
    let bench = Bench::start().await;
    let length = HIDDEN.len();
    let next = "GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    for (name, head) in [
        ("an address that leads nowhere", "POST /nowhere HTTP/1.1\r\n"),
        ("a method that is not taken", "GET /hooks/stepup HTTP/1.1\r\n"),
        ("a source that nobody set", "POST /v1/callbacks/none HTTP/1.1\r\n"),
        ("no API key", "POST /v1/evaluate HTTP/1.1\r\ncontent-type: application/json\r\n"),
        ("no JSON", "POST /hooks/stepup HTTP/1.1\r\ncontent-type: text/plain\r\n"),
        ("no signature", "POST /hooks/stepup HTTP/1.1\r\ncontent-type: application/json\r\n"),
        ("a GET with a body", "GET /healthz HTTP/1.1\r\n"),
    ] {
        let lengths = format!("{head}host: x\r\ncontent-length: {length}\r\n\r\n{HIDDEN}{next}");
        let chunks = format!(
            "{head}host: x\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{HIDDEN}\r\n0\r\n\r\n{next}"
        );
        for request in [lengths, chunks] {
            let answers = bench.until_closed(&request).await;
            assert!(answers.starts_with("HTTP/1.1 "), "{name}: {answers}");
            assert!(!answers.contains(ANSWERED), "{name}: {answers}");
        }
    }
    bench.stop().await;
}
