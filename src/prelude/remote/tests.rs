use std::io::{Read, Write};
use std::net::TcpListener;

use futures_util::future::join_all;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::clock::{Clock, SystemClock};
use crate::prelude::fixtures::{jwks, rsa_jwk};
use crate::prelude::key_set::{KEY_SET_BYTES_MAX, PssKey};

type Remote = Arc<RemoteKeySet<PssKey>>;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_790_000_000 + seconds)
}

fn set_of(kids: &[&str]) -> String {
    jwks(&kids.iter().copied().map(rsa_jwk).collect::<Vec<Value>>())
}

fn ok(body: String) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_string(body)
}

/// Lets the server answer like this from now on.
async fn answer(server: &MockServer, response: ResponseTemplate) {
    server.reset().await;
    Mock::given(method("GET")).and(path("/jwks.json")).respond_with(response).mount(server).await;
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.expect("requests are kept").len()
}

/// As the default has it.
const REFETCH_EVERY: Duration = Duration::from_secs(5);

/// An address where nobody listens.
const NOBODY: &str = "http://127.0.0.1:1";

fn remote_at(base: &str) -> RemoteKeySet<PssKey> {
    let endpoint = Endpoint::https_or_loopback(&format!("{base}/jwks.json")).expect("loopback");
    RemoteKeySet::new(endpoint, None, REFETCH_EVERY, Arc::new(Metrics::new())).expect("a client")
}

fn remote(server: &MockServer) -> Remote {
    Arc::new(remote_at(&server.uri()))
}

fn kids(remote: &Remote, now: Timestamp) -> Option<Vec<String>> {
    remote.trusted(now).map(|keys| keys.kids().map(ToString::to_string).collect())
}

/// A server that answers with the key `a`, and a remote set that has fetched it at zero.
async fn started() -> (MockServer, Remote) {
    let server = MockServer::start().await;
    answer(&server, ok(set_of(&["a"]))).await;
    let remote = remote(&server);
    remote.refresh(at(0)).await.expect("a good set");
    (server, remote)
}

#[tokio::test]
async fn a_good_set_is_taken_up() {
    let server = MockServer::start().await;
    let agent = format!("doorstep/{}", env!("CARGO_PKG_VERSION"));
    Mock::given(method("GET"))
        .and(path("/jwks.json"))
        .and(header("user-agent", agent.as_str()))
        .respond_with(ok(set_of(&["a"])))
        .mount(&server)
        .await;
    let remote = remote(&server);
    let mut snapshots = remote.snapshots();
    assert!(remote.trusted(at(0)).is_none() && remote.confirmed_at().is_none());
    remote.refresh(at(0)).await.expect("a good set");
    assert_eq!(kids(&remote, at(0)), Some(vec!["a".to_owned()]));
    let snapshot = snapshots.borrow_and_update().clone().expect("a snapshot");
    assert_eq!((&*snapshot.body, snapshot.confirmed_at), (set_of(&["a"]).as_str(), at(0)));
    let text = remote.metrics.render();
    let counted = r#"key_set_fetches_total{key_set="hook",outcome="confirmed"} 1"#;
    assert!(text.contains(counted), "{text}");
}

#[tokio::test]
async fn a_changed_set_replaces_and_an_equal_one_confirms() {
    let (server, remote) = started().await;
    let first = remote.trusted(at(0)).expect("trusted");
    remote.refresh(at(60)).await.expect("a good set");
    assert!(Arc::ptr_eq(&first, &remote.trusted(at(60)).expect("trusted")), "parsed again for nothing");
    assert_eq!(remote.confirmed_at(), Some(at(60)));
    answer(&server, ok(set_of(&["b"]))).await;
    remote.refresh(at(120)).await.expect("a good set");
    assert_eq!(kids(&remote, at(120)), Some(vec!["b".to_owned()]));
}

#[tokio::test]
async fn a_bad_answer_changes_nothing() {
    let (server, remote) = started().await;
    let elsewhere = MockServer::start().await;
    Mock::given(method("GET")).respond_with(ok(set_of(&["evil"]))).mount(&elsewhere).await;
    let redirect = ResponseTemplate::new(302).insert_header("location", elsewhere.uri().as_str());
    let huge = format!("{}{}", set_of(&["b"]), " ".repeat(KEY_SET_BYTES_MAX));
    let answers = [
        (redirect, "redirected"),
        (ResponseTemplate::new(500).set_body_string(set_of(&["b"])), "wrong_status"),
        (ResponseTemplate::new(404), "wrong_status"),
        (ResponseTemplate::new(201).set_body_string(set_of(&["b"])), "wrong_status"),
        (ok(huge), "too_long"),
        (ok("hello".to_owned()), "unusable"),
        (ok(String::new()), "unusable"),
        (ok(set_of(&[])), "unusable"),
        (ResponseTemplate::new(200).set_body_bytes(b"{\"keys\":[\"\xff\"]}".as_slice()), "unusable"),
    ];
    for (response, code) in answers {
        answer(&server, response).await;
        let fault = remote.refresh(at(60)).await.expect_err(code);
        assert_eq!(fault.code(), code);
        assert_eq!(kids(&remote, at(60)), Some(vec!["a".to_owned()]), "{code}");
        assert_eq!(remote.confirmed_at(), Some(at(0)), "{code}");
    }
    drop(server);
    assert_eq!(requests(&elsewhere).await, 0, "a redirect was followed");
}

#[tokio::test]
async fn a_server_that_is_gone_or_stalls_changes_nothing() {
    let (server, before) = started().await;
    let snapshot = before.snapshots().borrow().clone().expect("a snapshot");
    answer(&server, ok(set_of(&["b"])).set_delay(Duration::from_secs(600))).await;
    let mut stalled = remote_at(&server.uri());
    stalled.source = stalled.source.with_patience(Duration::from_millis(50));
    for set in [stalled, remote_at(NOBODY)] {
        set.restore(snapshot.clone()).expect("a good set");
        assert_eq!(set.refresh(at(60)).await.expect_err("no answer").code(), "unreachable");
        assert_eq!(set.confirmed_at(), Some(at(0)));
        assert!(set.trusted(at(60)).is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_answer_without_end_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = std::thread::spawn(move || {
        let (mut caller, _) = listener.accept().expect("a caller");
        let _ = caller.read(&mut [0; 1024]);
        let _ = caller.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        let mut sent = 0_usize;
        // It ends when the caller hangs up.
        while caller.write_all(&[b' '; 4096]).is_ok() {
            sent += 4096;
        }
        sent
    });
    let remote = remote_at(&format!("http://{address}"));
    assert_eq!(remote.refresh(at(0)).await.expect_err("too long").code(), "too_long");
    assert!(server.join().expect("the server ends") >= KEY_SET_BYTES_MAX);
}

#[tokio::test]
async fn trust_ends_a_day_after_the_last_confirmation() {
    let (server, remote) = started().await;
    let day = 24 * 60 * 60;
    assert!(remote.trusted(at(day - 1)).is_some());
    assert!(remote.trusted(at(day)).is_none());
    assert!(remote.trusted(at(-(day - 1))).is_some());
    assert!(remote.trusted(at(-day)).is_none(), "a clock set back prolonged trust");
    answer(&server, ResponseTemplate::new(503)).await;
    remote.refresh(at(day)).await.expect_err("no set");
    assert!(remote.trusted(at(day)).is_none());
    answer(&server, ok(set_of(&["a"]))).await;
    remote.refresh(at(day)).await.expect("a good set");
    assert!(remote.trusted(at(day)).is_some());
}

#[tokio::test]
async fn a_kept_set_serves_without_network() {
    let (server, before) = started().await;
    let snapshot = before.snapshots().borrow().clone().expect("a snapshot");
    drop(server);
    let after = Arc::new(remote_at(NOBODY));
    let kept = after.snapshots();
    after.restore(snapshot).expect("a good set");
    assert!(after.refresh(at(60)).await.is_err());
    assert_eq!(kids(&after, at(60)), Some(vec!["a".to_owned()]));
    assert!(after.trusted(at(24 * 60 * 60)).is_none(), "a restart prolonged trust");
    assert!(kept.borrow().is_none(), "what is kept already was told of");

    let broken = KeySetSnapshot { body: "{}".into(), confirmed_at: at(100) };
    assert_eq!(after.restore(broken), Err(KeySetFault::Form));
    let older = KeySetSnapshot { body: set_of(&["old"]).into(), confirmed_at: at(-60) };
    after.restore(older).expect("a good set");
    assert_eq!(kids(&after, at(60)), Some(vec!["a".to_owned()]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_callers_with_an_unknown_kid_cause_one_fetch() {
    let (server, remote) = started().await;
    let looked_in = remote.trusted(at(0)).expect("trusted");
    answer(&server, ok(set_of(&["a", "b"])).set_delay(Duration::from_millis(50))).await;
    let callers = (0..50).map(|n| {
        let (remote, looked_in) = (Arc::clone(&remote), Arc::clone(&looked_in));
        tokio::spawn(async move { remote.refetch_for_unknown_kid(&looked_in, at(60 + n % 3)).await })
    });
    for found in join_all(callers).await {
        let found = found.expect("no panic").expect("a newer set");
        assert!(found.get("b").is_some());
    }
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn unknown_kids_cause_one_fetch_in_five_seconds() {
    let (server, remote) = started().await;
    let looked_in = remote.trusted(at(0)).expect("trusted");
    let check = async |now: i64, fetches: usize| {
        let callers = (0..20).map(|_| remote.refetch_for_unknown_kid(&looked_in, at(now)));
        assert!(join_all(callers).await.iter().all(Option::is_none), "{now}");
        assert_eq!(requests(&server).await, fetches, "{now}");
    };
    // The first one is the refresh at start, which no outsider caused and which holds nobody back.
    check(1, 2).await;
    check(5, 2).await;
    check(6, 3).await;
    check(10, 3).await;
    // A clock that is set back holds nobody back for longer than it took.
    check(-3600, 4).await;
    check(-3596, 4).await;
    check(-3595, 5).await;
    let text = remote.metrics.render();
    assert!(text.contains(r#"key_set_fetches_total{key_set="hook",outcome="held_back"}"#), "{text}");
}

#[tokio::test]
async fn a_failed_refetch_finds_nothing_and_keeps_the_set() {
    let (server, remote) = started().await;
    let looked_in = remote.trusted(at(0)).expect("trusted");
    answer(&server, ResponseTemplate::new(500)).await;
    assert!(remote.refetch_for_unknown_kid(&looked_in, at(60)).await.is_none());
    assert!(Arc::ptr_eq(&looked_in, &remote.trusted(at(60)).expect("trusted")));
    assert_eq!(remote.confirmed_at(), Some(at(0)));
}

#[tokio::test]
async fn a_set_that_came_meanwhile_is_given_without_a_fetch() {
    let (server, remote) = started().await;
    let looked_in = remote.trusted(at(0)).expect("trusted");
    answer(&server, ok(set_of(&["b"]))).await;
    remote.refresh(at(60)).await.expect("a good set");
    let found = remote.refetch_for_unknown_kid(&looked_in, at(60)).await.expect("a newer set");
    assert!(found.get("b").is_some());
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn a_fetch_outlives_the_caller_that_caused_it() {
    let (server, remote) = started().await;
    let looked_in = remote.trusted(at(0)).expect("trusted");
    answer(&server, ok(set_of(&["b"])).set_delay(Duration::from_millis(50))).await;
    let mut snapshots = remote.snapshots();
    snapshots.mark_unchanged();
    let mut caller = Box::pin(remote.refetch_for_unknown_kid(&looked_in, at(60)));
    assert!(futures_util::poll!(&mut caller).is_pending());
    drop(caller);
    snapshots.changed().await.expect("a confirmation");
    assert_eq!(kids(&remote, at(60)), Some(vec!["b".to_owned()]));
}

#[tokio::test]
async fn a_set_is_kept_fresh_until_told_to_stop() {
    let server = MockServer::start().await;
    let get = || Mock::given(method("GET")).and(path("/jwks.json"));
    get().respond_with(ResponseTemplate::new(500)).up_to_n_times(1).with_priority(1).mount(&server).await;
    get().respond_with(ok(set_of(&["a"]))).mount(&server).await;
    let remote = remote(&server);
    let mut snapshots = remote.snapshots();
    let (stop, stopped) = watch::channel(false);
    let clock: SharedClock = Arc::new(SystemClock);
    let keeping = tokio::spawn(Arc::clone(&remote).keep_fresh(clock, Duration::from_secs(300), stopped));
    snapshots.changed().await.expect("a confirmation after a failure");
    assert_eq!(requests(&server).await, 2);
    assert!(remote.trusted(SystemClock.now()).is_some());
    stop.send_replace(true);
    keeping.await.expect("it stops");

    let (stop, stopped) = watch::channel(false);
    let keeping = tokio::spawn(Arc::clone(&remote).keep_fresh(
        Arc::new(SystemClock),
        Duration::from_secs(300),
        stopped,
    ));
    drop(stop);
    keeping.await.expect("it stops");
}

#[tokio::test]
async fn only_so_many_wait_for_a_fetch_that_an_unknown_kid_caused() {
    let (server, remote) = started().await;
    answer(&server, ok(set_of(&["b"])).set_delay(Duration::from_secs(600))).await;
    let looked_in = remote.trusted(at(60)).expect("trusted");
    let waiting =
        join_all((0..UNKNOWN_KID_WAITERS_MAX).map(|_| remote.refetch_for_unknown_kid(&looked_in, at(60))));
    tokio::select! {
        biased;
        _ = waiting => panic!("the server does not answer"),
        none = remote.refetch_for_unknown_kid(&looked_in, at(60)) => assert!(none.is_none()),
    }
    let text = remote.metrics.render();
    assert!(text.contains(r#"key_set_fetches_total{key_set="hook",outcome="held_back"} 1"#), "{text}");
}

const CA: &str = include_str!("../../../tests/tls/ca.pem");
const CERTIFICATE: &str = include_str!("../../../tests/tls/server.pem");
const CERTIFICATE_KEY: &str = include_str!("../../../tests/tls/server-key.pem");

/// A server that offers the key `a` over TLS to every caller that trusts its certificate; gives its address.
fn tls_server() -> String {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(CERTIFICATE_KEY.as_bytes()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a matching pair");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for caller in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            let mut stream = StreamOwned::new(connection, caller.expect("a caller"));
            let body = set_of(&["a"]);
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            if stream.read(&mut [0; 1024]).is_ok() {
                let _ = stream.write_all(answer.as_bytes());
            }
        }
    });
    format!("https://{address}/jwks.json")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn only_a_trusted_certificate_is_believed() {
    let url = tls_server();
    let remote = |ca_pem: Option<&[u8]>| {
        let endpoint = Endpoint::https(&url).expect("https");
        RemoteKeySet::<PssKey>::new(endpoint, ca_pem, REFETCH_EVERY, Arc::new(Metrics::new()))
    };
    let with_ca = remote(Some(CA.as_bytes())).expect("a client");
    with_ca.refresh(at(0)).await.expect("a good set");
    assert!(with_ca.trusted(at(0)).is_some());
    match remote(None) {
        Ok(without) => assert_eq!(without.refresh(at(0)).await.expect_err("no trust").code(), "unreachable"),
        // A system without any root certificate cannot even try.
        Err(fault) => assert!(matches!(fault, SetupFault::Tls(_))),
    }
}
