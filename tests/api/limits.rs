//! What whoever calls may take of a server: sizes, calls at once, and wrong signatures and keys.

use doorstep::testing::{SignedCall, Style};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::bench::{Answer, Bench, claims, transfer, until};

/// Requests come from this machine, which plays a proxy that is believed.
const BEHIND_A_PROXY: (&str, &str) = ("server.trusted_proxies", "127.0.0.0/8");
const MANY: usize = 40;

impl Bench {
    /// A call that names Prelude's key and carries a signature of the right form over other bytes.
    fn forged(&self) -> SignedCall {
        let mut call = self.prelude.sign(&transfer("usr_1", "20"), Style::Usual).expect("signs");
        call.body.push(b' ');
        call
    }

    fn genuine(&self, user: &str) -> SignedCall {
        self.prelude.sign(&transfer(user, "20"), Style::Usual).expect("signs")
    }

    /// Sends a call as a client with this address, through the proxy.
    async fn send_from(&self, address: &str, mut call: SignedCall) -> u16 {
        call.headers.push(("X-Forwarded-For".to_owned(), address.to_owned()));
        self.send(&call).await.status
    }

    async fn ask_from(&self, address: &str, key: &str) -> Answer {
        let request = self.client.get(format!("{}/v1/policies", self.server.url())).bearer_auth(key);
        Answer::of(request.header("X-Forwarded-For", address).send().await.expect("an answer")).await
    }

    /// How many of many forged calls from there are looked at.
    async fn forge_from(&self, address: &str) -> usize {
        let mut looked_at = 0;
        for _ in 0..MANY {
            match self.send_from(address, self.forged()).await {
                401 => looked_at += 1,
                429 => {}
                other => panic!("{other}"),
            }
        }
        looked_at
    }

    async fn has_metric(&self, line: &str) -> Option<()> {
        self.get("/metrics").await.text.contains(line).then_some(())
    }
}

#[tokio::test]
async fn forged_calls_are_shed_and_honest_ones_are_not() {
    let settings = [
        BEHIND_A_PROXY,
        ("server.failed_signatures_per_minute", "5"),
        ("server.failures_per_second_max", "20"),
    ];
    let bench = Bench::with(&[], &settings).await;
    assert_eq!(
        bench.forge_from("198.51.100.1").await,
        10,
        "half of what all unknown ones may get wrong at once"
    );
    assert_eq!(bench.send_from("203.0.113.9", bench.genuine("usr_1")).await, 200, "another client");
    assert_eq!(bench.forge_from("2001:db8::1").await, 5, "its own allowance");
    assert_eq!(bench.forge_from("2001:db8::ffff:1").await, 0, "the same /64");
    assert_eq!(
        bench.forge_from("198.51.100.1, 2001:db8::2").await,
        0,
        "what a client writes itself is not believed"
    );
    assert_eq!(bench.forge_from("198.51.100.2").await, 5, "up to what all may get wrong");
    assert_eq!(bench.send_from("198.51.100.3", bench.genuine("usr_2")).await, 429, "nobody knows it");
    assert_eq!(bench.send_from("203.0.113.9", bench.genuine("usr_3")).await, 200, "it signed well");
    assert_eq!(bench.forge_from("203.0.113.9").await, MANY, "whoever signed well is always looked at");
    bench.clock.advance_seconds(1);
    assert_eq!(bench.send_from("198.51.100.3", bench.genuine("usr_2")).await, 200);
    bench.has_metric(r#"doorstep_limit_refusals_total{limit="failed_signatures"} "#).await.expect("counted");
    bench.has_metric(r#"doorstep_hook_refusals_total{cause="failed_signatures"} "#).await.expect("counted");
    bench.stop().await;
}

#[tokio::test]
async fn behind_one_address_the_first_genuine_call_speaks_for_all() {
    let settings = [("server.failed_signatures_per_minute", "5"), ("server.failures_per_second_max", "20")];
    let bench = Bench::with(&[], &settings).await;
    assert_eq!(bench.forge_from("198.51.100.1").await, 10, "nobody is believed: it is one client");
    let refused = bench.send(&bench.genuine("usr_1")).await;
    refused.expect_problem(429, "too_many_requests");
    assert_eq!(refused.header("retry-after"), Some("2"));
    bench.clock.advance_seconds(1);
    assert_eq!(bench.send(&bench.genuine("usr_1")).await.status, 200);
    assert_eq!(bench.forge_from("198.51.100.1").await, MANY);
    assert_eq!(bench.send(&bench.genuine("usr_2")).await.status, 200);
    bench.stop().await;
}

#[tokio::test]
async fn an_old_call_that_is_sent_again_speaks_for_nobody() {
    let settings = [
        BEHIND_A_PROXY,
        ("server.failed_signatures_per_minute", "5"),
        ("server.failures_per_second_max", "20"),
    ];
    let bench = Bench::with(&[], &settings).await;
    let call = bench.genuine("usr_1");
    let copy = || SignedCall { headers: call.headers.clone(), body: call.body.clone() };
    assert_eq!(bench.send_from("203.0.113.9", copy()).await, 200);
    bench.clock.advance_seconds(3600);
    assert_eq!(bench.send_from("198.51.100.1", copy()).await, 409);
    assert!(bench.forge_from("198.51.100.1").await < MANY);
    bench.stop().await;
}

#[tokio::test]
async fn wrong_api_keys_are_shed_and_a_good_one_is_not() {
    let settings = [
        BEHIND_A_PROXY,
        ("server.failed_api_keys_per_minute", "3"),
        ("server.failures_per_second_max", "12"),
    ];
    let bench = Bench::with(&[], &settings).await;
    let key = bench.key(&["reader"]).await;
    let wrong = format!("dsk_{}_secret", "0".repeat(16));
    let mut refusals = Vec::new();
    for _ in 0..MANY {
        refusals.push(bench.ask_from("198.51.100.1", &wrong).await.status);
    }
    let looked_at = refusals.iter().filter(|status| **status == 401).count();
    assert_eq!(looked_at, 6, "half of what all may get wrong at once: {refusals:?}");
    bench.ask_from("198.51.100.1", &key).await.expect_problem(429, "too_many_requests");
    assert_eq!(bench.ask_from("203.0.113.9", &key).await.status, 200);
    for _ in 0..MANY {
        assert_eq!(bench.ask_from("203.0.113.9", &wrong).await.status, 401, "it is known");
    }
    assert_eq!(bench.send_from("198.51.100.1", bench.genuine("usr_1")).await, 200, "another thing");
    bench.stop().await;
}

#[tokio::test]
async fn what_needs_no_key_may_be_asked_for_so_often() {
    let settings = [("server.open_requests_per_second", "1"), ("server.key_set_requests_per_second", "2")];
    let bench = Bench::with(&[], &settings).await;
    for _ in 0..10 {
        assert_eq!(bench.get("/nowhere").await.status, 404);
    }
    for _ in 0..20 {
        assert_eq!(bench.get("/.well-known/jwks.json").await.status, 200, "an allowance of its own");
    }
    for path in ["/.well-known/jwks.json", "/openapi.json", "/nowhere", "/hooks/stepup"] {
        bench.get(path).await.expect_problem(429, "too_many_requests");
    }
    for limit in ["open_requests", "key_set_requests"] {
        bench
            .has_metric(&format!("doorstep_limit_refusals_total{{limit=\"{limit}\"}} "))
            .await
            .expect("counted");
    }
    bench.clock.advance_seconds(1);
    assert_eq!(bench.get("/nowhere").await.status, 404);
    bench.stop().await;
}

#[tokio::test]
async fn a_flood_takes_the_server_for_dead_to_nobody_behind_the_same_proxy() {
    let settings = [("server.open_requests_per_second", "1"), ("server.key_set_requests_per_second", "1")];
    let bench = Bench::with(&[], &settings).await;
    let mut refused = 0;
    for _ in 0..MANY {
        for path in ["/nowhere", "/.well-known/jwks.json"] {
            refused += usize::from(bench.get(path).await.status == 429);
        }
        for path in ["/healthz", "/readyz", "/metrics"] {
            assert_eq!(bench.get(path).await.status, 200, "{path}");
        }
    }
    assert_eq!(refused, 2 * (MANY - 10));
    assert_eq!(bench.call(&transfer("usr_1", "20")).await.status, 200);
    for (path, status) in [("/nowhere", 404), ("/.well-known/jwks.json", 200)] {
        assert_eq!(bench.get(path).await.status, status, "the address signed well");
    }
    bench.stop().await;
}

#[tokio::test]
async fn beyond_the_calls_at_once_one_more_is_refused_at_once() {
    let settings = [("server.in_flight_max", "1"), ("server.body_deadline", "1m")];
    let bench = Bench::with(&[], &settings).await;
    let key = bench.backend_key().await;
    assert_eq!(bench.call(&transfer("usr_1", "20")).await.status, 200);
    let address = bench.server.url().trim_start_matches("http://").to_owned();
    let mut slow = TcpStream::connect(address).await.expect("a connection");
    let head = format!(
        "POST /v1/evaluate HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: 2\r\n\r\n{{"
    );
    slow.write_all(head.as_bytes()).await.expect("sent");
    until("it is worked on", async || bench.has_metric("doorstep_calls_in_flight 1\n").await).await;
    bench.call(&transfer("usr_1", "21")).await.expect_problem(503, "overloaded");
    bench.get_as(&key, "/v1/policies").await.expect_problem(503, "overloaded");
    assert_eq!(bench.get("/healthz").await.status, 200);
    slow.write_all(b"}").await.expect("sent");
    assert!(slow.read(&mut [0; 1024]).await.expect("an answer") > 0);
    until("it is done", async || bench.has_metric("doorstep_calls_in_flight 0\n").await).await;
    assert_eq!(bench.call(&transfer("usr_1", "21")).await.status, 200);
    bench.stop().await;
}

#[tokio::test]
async fn whoever_sends_a_body_slowly_takes_nobodys_place() {
    let settings = [("server.in_flight_max", "1"), ("server.body_deadline", "1m")];
    let bench = Bench::with(&[], &settings).await;
    let address = bench.server.url().trim_start_matches("http://").to_owned();
    let head = "POST /hooks/stepup HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{";
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(&address).await.expect("a connection");
        stream.write_all(head.as_bytes()).await.expect("sent");
        slow.push(stream);
    }
    assert_eq!(bench.call(&transfer("usr_1", "20")).await.status, 200);
    drop(slow);
    bench.stop().await;
}

#[tokio::test]
async fn a_head_has_a_longest_length() {
    let bench = Bench::with(&[], &[("server.head_bytes_max", "2000")]).await;
    let url = format!("{}/healthz", bench.server.url());
    let long = |length: usize| bench.client.get(&url).header("x-long", "a".repeat(length)).send();
    assert_eq!(long(1500).await.expect("an answer").status(), 200);
    Answer::of(long(2000).await.expect("an answer")).await.expect_problem(431, "head_too_large");
    bench.get(&format!("/nowhere?{}", "a".repeat(2000))).await.expect_problem(431, "head_too_large");
    let many: String = (0..200).map(|number| format!("x-{number}: 1\r\n")).collect();
    let refused = bench.raw(&format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{many}\r\n")).await;
    assert!(refused.starts_with("HTTP/1.1 4"), "{refused}");
    bench.has_metric(r#"doorstep_limit_refusals_total{limit="head_too_large"} 2"#).await.expect("counted");
    bench.stop().await;
}

#[tokio::test]
async fn whoever_waits_for_news_takes_nobodys_place() {
    let bench = Bench::with(&[], &[("server.in_flight_max", "1"), ("server.waiters_max", "1")]).await;
    let key = bench.backend_key().await;
    assert_eq!(bench.call(&transfer("usr_1", "15000")).await.json()["status"], "review");
    let token = bench.prelude.challenge_token(&claims("usr_1", "15000")).expect("signs");
    let opened = bench.post_as(&key, "/v1/verifications", &json!({ "challenge_token": token })).await;
    assert_eq!(opened.status, 201, "{}", opened.text);
    let path = format!("/v1/verifications/{}", opened.json()["id"].as_str().expect("an id"));
    // The looks below take the places, too: whoever comes while one of them has it asks again.
    let waiting = until("there is news", async || {
        let answer = bench.get_as(&key, &format!("{path}?wait=60s")).await;
        (answer.status == 200).then_some(answer)
    });
    let others = async {
        until("somebody waits", async || {
            let answer = bench.get_as(&key, &format!("{path}?wait=1s")).await;
            (answer.status == 503 && answer.json()["code"] == "too_many_waiters").then_some(())
        })
        .await;
        assert_eq!(bench.call(&transfer("usr_2", "20")).await.status, 200);
        let approved = bench.post_as(&key, &format!("{path}/approve"), &json!({ "reason": "fine" })).await;
        assert_eq!(approved.status, 200, "{}", approved.text);
    };
    let (waited, ()) = tokio::join!(waiting, others);
    assert_eq!(waited.json()["state"], "approved", "{}", waited.text);
    bench.stop().await;
}

#[tokio::test]
async fn what_is_refused_below_every_route_is_bare() {
    let bench =
        Bench::with(&[], &[("server.header_deadline", "500ms"), ("server.head_bytes_max", "131072")]).await;
    let headers = |number: usize| (0..number).map(|name| format!("x-{name}: 1\r\n")).collect::<String>();
    let get = |path: &str, headers: &str| format!("GET {path} HTTP/1.1\r\nhost: x\r\n{headers}");
    let address = |length: usize| format!("/{}", "a".repeat(length - 1));
    for (request, status) in [
        ("GET\r\n\r\n".to_owned(), "400"),
        (get(&address(65_535), "\r\n"), "400"),
        (get("/healthz", &format!("{}\r\n", headers(96))), "431"),
        (get("/healthz", &format!("x: {}", "a".repeat(132_000))), "431"),
        (get("/healthz", ""), "408"),
    ] {
        let answer = bench.raw(&request).await.to_lowercase();
        assert!(answer.starts_with(&format!("http/1.1 {status} ")), "{answer}");
        assert!(answer.ends_with("\r\n\r\n") && !answer.contains("x-request-id"), "{answer}");
    }
    for (request, status) in
        [(get(&address(65_534), "\r\n"), "404"), (get("/healthz", &format!("{}\r\n", headers(95))), "200")]
    {
        let answer = bench.raw(&request).await.to_lowercase();
        assert!(
            answer.starts_with(&format!("http/1.1 {status} ")) && answer.contains("x-request-id"),
            "{answer}"
        );
    }
    bench.stop().await;
}
