//! Connections that nothing comes of: they are cut, whatever they do meanwhile, and no client has all of them.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::bench::{Bench, claims, transfer, until};

const SHORT: [(&str, &str); 2] = [("server.keep_alive", "200ms"), ("server.silence_deadline", "500ms")];
/// So long that whatever ends within a test was ended by something else.
const LONG: [(&str, &str); 3] =
    [("server.keep_alive", "1m"), ("server.silence_deadline", "5m"), ("server.header_deadline", "1m")];
const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";

impl Bench {
    fn address(&self) -> String {
        self.server.url().trim_start_matches("http://").to_owned()
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address()).await.expect("a connection")
    }

    /// How many connections were cut. Asked over one of its own: a client that keeps some may take one that is just being closed.
    async fn cut(&self) -> u64 {
        let mut stream = self.connect().await;
        let request = "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).await.expect("an answer");
        let name = r#"doorstep_limit_refusals_total{limit="silent_connections"} "#;
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        value.map_or(0, |number| number.parse().expect("a number"))
    }

    /// A connection from another address of this machine.
    async fn connect_from(&self, ip: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(format!("{ip}:0").parse().expect("an address")).expect("bound");
        socket.connect(self.address().parse().expect("an address")).await.expect("a connection")
    }
}

/// Sends, and reads the answer's first bytes.
async fn ask(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).await.expect("an answer");
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

/// Sends the same bytes again and again until the other end is gone.
async fn drip_until_cut(stream: &mut TcpStream, drop: &str) {
    until("it is cut", async || {
        let sent = stream.write_all(drop.as_bytes()).await;
        let looked = tokio::time::timeout(Duration::from_millis(1), stream.read(&mut [0; 4096])).await;
        (sent.is_err() || matches!(looked, Ok(Ok(0) | Err(_)))).then_some(())
    })
    .await;
}

/// Whether the other end closes without a word.
async fn is_closed(stream: &mut TcpStream) -> bool {
    matches!(stream.read(&mut [0; 64]).await, Ok(0) | Err(_))
}

#[tokio::test]
async fn a_further_head_that_never_ends_is_cut() {
    let bench = Bench::with(&[], &SHORT).await;
    let (mut dripping, mut silent) = (bench.connect().await, bench.connect().await);
    for stream in [&mut dripping, &mut silent] {
        assert!(ask(stream, HEALTH).await.starts_with("HTTP/1.1 200"));
    }
    silent.write_all(b"G").await.expect("sent");
    dripping.write_all(b"GET /healthz HTTP/1.1\r\nx: ").await.expect("sent");
    drip_until_cut(&mut dripping, "a").await;
    assert!(is_closed(&mut silent).await);
    assert_eq!(bench.cut().await, 2);
    bench.stop().await;
}

#[tokio::test]
async fn answers_that_nobody_takes_are_cut() {
    let bench = Bench::with(&[], &SHORT).await;
    let mut slow = bench.connect().await;
    let questions = "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(200);
    let (mut answers, mut asking) = slow.split();
    let is_cut = until("it is cut", async || (bench.cut().await == 1).then_some(()));
    // The server may stop reading before all of it is sent, since its answers are not taken.
    let (_, ()) = tokio::join!(asking.write_all(questions.as_bytes()), is_cut);
    let mut taken = 0;
    let mut buffer = vec![0; 65_536];
    while let Ok(length @ 1..) = answers.read(&mut buffer).await {
        taken += length;
    }
    assert!(taken < 200 * 200_000, "{taken}");
    bench.stop().await;
}

#[tokio::test]
async fn what_is_left_of_a_refused_body_is_not_read_for_ever() {
    let bench = Bench::with(&[], &LONG).await;
    let chunked = "transfer-encoding: chunked\r\ncontent-type: application/json\r\n\r\n2\r\nab\r\n";
    let large = format!("{chunked}20000\r\n{}\r\n", "a".repeat(0x20000));
    let requests = [
        (format!("POST /nowhere HTTP/1.1\r\nhost: x\r\n{chunked}"), "404"),
        (format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{chunked}"), "200"),
        (format!("HEAD /.well-known/jwks.json HTTP/1.1\r\nhost: x\r\n{chunked}"), "200"),
        (format!("POST /hooks/stepup HTTP/1.1\r\nhost: x\r\n{large}"), "413"),
    ];
    for (request, status) in requests {
        let mut stream = bench.connect().await;
        let answer = ask(&mut stream, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
        drip_until_cut(&mut stream, "1\r\na\r\n").await;
    }
    bench.stop().await;
}

#[tokio::test]
async fn a_body_in_chunks_that_was_read_leaves_the_connection_as_it_is() {
    let bench = Bench::with(&[], &LONG).await;
    let mut stream = bench.connect().await;
    let request = "POST /hooks/stepup HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                   transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    for _ in 0..3 {
        let answer = ask(&mut stream, request).await;
        assert!(answer.starts_with("HTTP/1.1 401") && !answer.contains("connection: close"), "{answer}");
    }
    bench.stop().await;
}

#[tokio::test]
async fn whoever_waits_for_an_answer_is_not_cut() {
    let settings = [("server.keep_alive", "1s"), ("server.silence_deadline", "1100ms")];
    let bench = Bench::with(&[], &settings).await;
    let key = bench.backend_key().await;
    assert_eq!(bench.call(&transfer("usr_1", "15000")).await.json()["status"], "review");
    let token = bench.prelude.challenge_token(&claims("usr_1", "15000")).expect("signs");
    let opened = bench.post_as(&key, "/v1/verifications", &json!({ "challenge_token": token })).await;
    let path = format!("/v1/verifications/{}?wait=3s", opened.json()["id"].as_str().expect("an id"));
    assert_eq!(bench.get_as(&key, &path).await.status, 200);
    bench.stop().await;
}

#[tokio::test]
async fn one_client_has_a_share_of_the_connections() {
    let mut settings = LONG.to_vec();
    settings.push(("server.client_connections_max", "3"));
    let bench = Bench::with(&[], &settings).await;
    let (mut held, mut others) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        held.push(bench.connect_from("127.0.0.2").await);
        others.push(bench.connect_from("127.0.0.3").await);
    }
    for stream in held.iter_mut().chain(&mut others) {
        assert!(ask(stream, HEALTH).await.starts_with("HTTP/1.1 200"));
    }
    assert!(is_closed(&mut bench.connect_from("127.0.0.2").await).await);
    until("it is counted", async || {
        let refused = r#"doorstep_limit_refusals_total{limit="client_connections"} 1"#;
        bench.get("/metrics").await.text.contains(refused).then_some(())
    })
    .await;
    // Three each, and the one that asks.
    assert_eq!(bench.metric(r#"doorstep_connections{listener="public"}"#).await, "7");
    held.pop();
    until("one has gone", async || {
        let mut again = bench.connect_from("127.0.0.2").await;
        let mut answer = [0; 12];
        again.write_all(HEALTH.as_bytes()).await.ok()?;
        again.read_exact(&mut answer).await.ok()?;
        (&answer == b"HTTP/1.1 200").then_some(())
    })
    .await;
    bench.stop().await;
}

#[tokio::test]
async fn a_proxy_of_ours_may_have_all_of_them() {
    let mut settings = LONG.to_vec();
    settings.extend([("server.client_connections_max", "1"), ("server.trusted_proxies", "127.0.0.2")]);
    let bench = Bench::with(&[], &settings).await;
    let mut held = Vec::new();
    for _ in 0..5 {
        let mut stream = bench.connect_from("127.0.0.2").await;
        assert!(ask(&mut stream, HEALTH).await.starts_with("HTTP/1.1 200"));
        held.push(stream);
    }
    bench.stop().await;
}

#[tokio::test]
async fn whoever_signed_well_may_have_all_of_them() {
    let mut settings = LONG.to_vec();
    settings.push(("server.client_connections_max", "2"));
    let bench = Bench::with(&[], &settings).await;
    assert_eq!(bench.call(&transfer("usr_1", "20")).await.status, 200);
    let mut held = Vec::new();
    for _ in 0..5 {
        let mut stream = bench.connect().await;
        assert!(ask(&mut stream, HEALTH).await.starts_with("HTTP/1.1 200"));
        held.push(stream);
    }
    bench.stop().await;
}
