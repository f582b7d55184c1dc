//! Starting and stopping: what was accepted is answered and recorded, nobody else gets in, and the exit code says so.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use doorstep::testing::Prelude;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{Client, transfer, until};
use crate::record::users;
use crate::site::Site;

/// How many callers at once.
const CALLERS: usize = 16;

/// How long a server under test may go on after SIGTERM.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(20);

/// An installation with [`SHUTDOWN_DEADLINE`].
async fn site() -> (Prelude, Site) {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude).set("server.shutdown_deadline", "20s");
    (prelude, site)
}

/// Calls, each of another user, until the server is gone; `at_call` runs once, when so many were answered.
///
/// Returns the users whose call was answered.
pub(crate) async fn load(
    prelude: &Prelude,
    client: &Client,
    round: &str,
    (answers, at_call): (usize, impl FnOnce()),
) -> BTreeSet<String> {
    let answered = Mutex::new(BTreeSet::new());
    let next = AtomicUsize::new(0);
    let at_call = Mutex::new(Some(at_call));
    let caller = async || {
        loop {
            let user = format!("usr_{round}_{}", next.fetch_add(1, Ordering::Relaxed));
            let Ok((status, body)) = client.send(&transfer(prelude, &user, "20")).await else { return };
            assert_eq!(status, 200, "{body}");
            assert!(body.starts_with("{\"status\":\"continue\""), "{body}");
            let count = {
                let mut answered = answered.lock().unwrap();
                answered.insert(user);
                answered.len()
            };
            if count == answers {
                let at_call = at_call.lock().unwrap().take().expect("once");
                at_call();
            }
        }
    };
    futures_util::future::join_all(std::iter::repeat_with(caller).take(CALLERS)).await;
    answered.into_inner().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn under_load_whatever_was_accepted_is_answered_and_recorded() {
    let (prelude, site) = site().await;
    for signal in ["TERM", "INT"] {
        let server = site.serve();
        let client = Client::of(&server.address).await;
        let answered = load(&prelude, &client, signal, (200, || server.process.signal(signal))).await;
        let stopped = Instant::now();
        server.process.end().expect(0);
        assert!(stopped.elapsed() < SHUTDOWN_DEADLINE, "took {:?}", stopped.elapsed());
        let recorded = users(&site.path("doorstep.sqlite")).await;
        let here = |user: &String| user.starts_with(&format!("usr_{signal}_"));
        let recorded: BTreeSet<_> = recorded.into_iter().filter(here).collect();
        let differ: Vec<_> = answered.symmetric_difference(&recorded).collect();
        assert!(differ.is_empty(), "answered and recorded are not the same calls: {differ:?}");
        assert!(answered.len() >= 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_half_sent_is_finished_while_nobody_else_gets_in() {
    let (prelude, site) = site().await;
    let mut server = site.serve();
    Client::of(&server.address).await;
    let call = transfer(&prelude, "usr_half", "20");
    let mut head =
        format!("POST /hooks/stepup HTTP/1.1\r\nHost: {}\r\nExpect: 100-continue\r\n", server.address);
    for (name, value) in &call.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", call.body.len()));
    let mut stream = TcpStream::connect(&server.address).await.expect("a connection");
    stream.write_all(head.as_bytes()).await.expect("sent");
    assert!(read(&mut stream).await.starts_with("HTTP/1.1 100 "), "the call is accepted");
    let (first, rest) = call.body.split_at(call.body.len() / 2);
    stream.write_all(first).await.expect("sent");

    server.process.signal("TERM");
    server.process.until_it_says("Doorstep finishes what it accepted.");
    let stopped = Instant::now();
    until("refused", async || TcpStream::connect(&server.address).await.err()).await;
    stream.write_all(rest).await.expect("sent");
    let answer = read(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"continue\""), "{answer}");
    server.process.end().expect(0);
    assert!(stopped.elapsed() < SHUTDOWN_DEADLINE, "took {:?}", stopped.elapsed());
    assert!(users(&site.path("doorstep.sqlite")).await.contains("usr_half"));
}

/// Reads what is there next.
async fn read(stream: &mut TcpStream) -> String {
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).await.expect("an answer");
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

/// What stands in front looks elsewhere meanwhile, and whoever does not is served.
#[tokio::test(flavor = "multi_thread")]
async fn with_a_lead_it_says_that_it_leaves_and_takes_calls_until_then() {
    let (prelude, site) = site().await;
    let mut server = site.set("server.shutdown_lead", "1m").serve();
    let client = Client::of(&server.address).await;
    let url = format!("http://{}/readyz", server.address);
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let before = http.get(&url).send().await.expect("an answer");
    assert_eq!((before.status().as_u16(), before.headers().get("connection")), (200, None));
    server.process.signal("TERM");
    server.process.until_it_says("Doorstep finishes what it accepted.");
    let leaving = until("it leaves", async || {
        let answer = http.get(&url).send().await.expect("an answer");
        (answer.status() == 503).then_some(answer)
    })
    .await;
    assert_eq!(leaving.headers()["connection"], "close");
    let problems: Value = leaving.json().await.expect("JSON");
    assert_eq!(problems["problems"][0]["code"], "leaving", "{problems}");
    let (status, body) = client.send(&transfer(&prelude, "usr_late", "20")).await.expect("an answer");
    assert_eq!(status, 200, "{body}");
    // Said twice, it waits no longer.
    let stopped = Instant::now();
    server.process.signal("TERM");
    server.process.end().expect(0);
    assert!(stopped.elapsed() < SHUTDOWN_DEADLINE, "took {:?}", stopped.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_say_nothing_do_not_hold_it_up() {
    let (_prelude, site) = site().await;
    let server = site.serve();
    let client = Client::of(&server.address).await;
    let silent = TcpStream::connect(&server.address).await.expect("a connection");
    let mut half_a_head = TcpStream::connect(&server.address).await.expect("a connection");
    half_a_head.write_all(b"POST /hooks/stepup HTTP/1.1\r\nHost:").await.expect("sent");
    assert_eq!(client.get("/healthz").await.expect("an answer").0, 200);
    let stopped = Instant::now();
    server.stop();
    assert!(stopped.elapsed() < SHUTDOWN_DEADLINE / 2, "took {:?}", stopped.elapsed());
    drop((silent, half_a_head));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_told_in_words() {
    let (_prelude, site) = site().await;
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("its address").to_string();
    let check = |site: &Site, arguments: &[&str]| {
        let says = [&format!("cannot listen on {address} (server.bind)"), "in use"];
        let ended = site.run(arguments).expect(1).saying(&says);
        assert_eq!(ended.stdout, "");
    };
    check(&site, &["serve", "--bind", &address]);
    check(&site.set("server.bind", &address), &["serve"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_says_where_to_listen() {
    let (_prelude, site) = site().await;
    let free =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    site.write("doorstep.toml", "[server]\nbind = \"127.0.0.1:1\"\n");
    let site = site.set("server.bind", &free.to_string());
    let mut process = site.start(&["serve", "--config", "doorstep.toml"]);
    assert!(process.until_it_says("Doorstep takes calls.").contains(&free.to_string()));
    process.signal("TERM");
    process.end().expect(0);
}
