//! The server's own TLS: versions, renewal without a restart, and what keeps it from starting.

use std::path::Path;

use doorstep::testing::Prelude;
use reqwest::tls::{Certificate, Version};

use crate::client::until;
use crate::site::Site;

pub(crate) const CA: &str = include_str!("../tls/ca.pem");
const CERTIFICATE: &str = include_str!("../tls/server.pem");
const KEY: &str = include_str!("../tls/server-key.pem");
/// The same names, another key, and an authority of its own.
const RENEWED_CA: &str = include_str!("../tls/second-ca.pem");
const RENEWED_CERTIFICATE: &str = include_str!("../tls/renewed.pem");
const RENEWED_KEY: &str = include_str!("../tls/renewed-key.pem");
/// With the first certificate's key: good in 2020, and from 2119 on.
const EXPIRED: &str = include_str!("../tls/expired.pem");
const EARLY: &str = include_str!("../tls/early.pem");

pub(crate) fn site(prelude: &Prelude) -> Site {
    let site = Site::with(prelude)
        .set("server.tls_certificate_file", "tls/cert.pem")
        .set("server.tls_key_file", "tls/key.pem");
    site.write("tls/cert.pem", CERTIFICATE);
    site.write("tls/key.pem", KEY);
    site
}

/// A client that believes this authority only, and opens a connection for every request.
fn client(ca: &str, (least, most): (Version, Version)) -> reqwest::Client {
    let ca = Certificate::from_pem(ca.as_bytes()).expect("an authority");
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([ca]).pool_max_idle_per_host(0);
    client.min_tls_version(least).max_tls_version(most).build().expect("a client")
}

async fn is_alive(client: &reqwest::Client, address: &str) -> bool {
    match client.get(format!("https://{address}/healthz")).send().await {
        Ok(answer) => {
            assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
            assert!(!answer.headers().contains_key("server"));
            answer.status() == 200
        }
        Err(_) => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_of_both_versions_is_served_and_nothing_else() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = site(&prelude);
    let server = site.serve();
    for version in [Version::TLS_1_2, Version::TLS_1_3] {
        assert!(is_alive(&client(CA, (version, version)), &server.address).await, "{version:?}");
    }
    let stranger = client(RENEWED_CA, (Version::TLS_1_2, Version::TLS_1_3));
    assert!(!is_alive(&stranger, &server.address).await, "another authority");
    let plain = reqwest::Client::builder().no_proxy().build().expect("a client");
    assert!(plain.get(format!("http://{}/healthz", server.address)).send().await.is_err());
    let live = Site::with(&prelude)
        .set("server.bind", &server.address)
        .set("server.tls_certificate_file", site.path("tls/cert.pem").to_str().unwrap())
        .set("server.tls_key_file", site.path("tls/key.pem").to_str().unwrap());
    live.run(&["doctor", "--live"]).expect(0);
    let live = live.set("server.tls_certificate_file", &written("tests/tls/renewed.pem"));
    live.run(&["doctor", "--live"]).expect(1).saying(&["another certificate"]);
    server.stop();
}

fn written(file: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file).to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_in_force_without_a_restart_and_a_bad_one_is_not() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = site(&prelude);
    let mut server = site.serve();
    let versions = (Version::TLS_1_2, Version::TLS_1_3);
    // A client of its own each time: one that comes back resumes its session without a look at the certificate.
    let (before, after) = (|| client(CA, versions), || client(RENEWED_CA, versions));
    site.write("tls/cert.pem", RENEWED_CERTIFICATE);
    let line = server.process.until_it_says("The changed TLS files are not to be used");
    assert!(line.contains("the key is not the one"), "{line}");
    assert!(is_alive(&before(), &server.address).await && !is_alive(&after(), &server.address).await);
    let metrics =
        before().get(format!("https://{}/metrics", server.address)).send().await.expect("an answer");
    let metrics = metrics.text().await.expect("a body");
    assert!(metrics.contains("doorstep_tls_certificate_reload_failed 1\n"), "{metrics}");
    site.write("tls/key.pem", RENEWED_KEY);
    server.process.until_it_says("The renewed TLS certificate is in force.");
    assert!(is_alive(&after(), &server.address).await && !is_alive(&before(), &server.address).await);
    std::fs::remove_file(site.path("tls/key.pem")).expect("removed");
    server.process.until_it_says("The changed TLS files are not to be used");
    assert!(is_alive(&after(), &server.address).await);
    site.write("tls/key.pem", KEY);
    site.write("tls/cert.pem", CERTIFICATE);
    until("the first is in force again", async || is_alive(&before(), &server.address).await.then_some(()))
        .await;
    let ended = server.stop();
    assert!(!ended.stderr.contains("PRIVATE KEY") && !ended.stderr.contains("BEGIN"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_not_good_now_does_not_replace_one_that_is() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = site(&prelude);
    let mut server = site.serve();
    let client = || client(CA, (Version::TLS_1_2, Version::TLS_1_3));
    for (renewed, code) in [(EXPIRED, "tls_certificate_expired"), (EARLY, "tls_certificate_not_yet_valid")] {
        site.write("tls/cert.pem", renewed);
        server.process.until_it_says(code);
        assert!(is_alive(&client(), &server.address).await, "{code}");
    }
    let metrics = client().get(format!("https://{}/metrics", server.address)).send().await;
    let metrics = metrics.expect("an answer").text().await.expect("a body");
    for line in [
        "doorstep_tls_certificate_reload_failed 1\n",
        "doorstep_tls_certificate_reloads_total{result=\"refused\"} 2\n",
        // The one that is in force.
        "doorstep_tls_certificate_not_after_timestamp_seconds 4733510400\n",
    ] {
        assert!(metrics.contains(line), "{line}{metrics}");
    }
    site.write("tls/cert.pem", CERTIFICATE);
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_a_certificate_that_is_not_good_now_is_told() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = site(&prelude);
    for (certificate, code, words) in [
        (EXPIRED, "tls_certificate_expired", "the certificate has expired"),
        (EARLY, "tls_certificate_not_yet_valid", "the certificate is not good yet"),
    ] {
        site.write("tls/cert.pem", certificate);
        site.serve().stop().saying(&[code]);
        let found = site.run(&["doctor"]).expect(1);
        assert!(found.stdout.contains(&format!("broken    certificate       {words}")), "{}", found.stdout);
    }
    site.write("tls/cert.pem", CERTIFICATE);
    let found = site.run(&["doctor"]).expect(0);
    assert!(found.stdout.contains("fine      certificate       good for "), "{}", found.stdout);
}

/// Opens connections that never say anything.
async fn silent(address: &str, number: usize) -> Vec<tokio::net::TcpStream> {
    let mut silent = Vec::new();
    for _ in 0..number {
        silent.push(tokio::net::TcpStream::connect(address).await.expect("a connection"));
    }
    silent
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_never_shakes_hands_keeps_nobody_else_waiting() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    // One worker, which would take 256 handshakes at once by itself.
    let site = site(&prelude).set("server.tls_handshake_deadline", "1m").set("server.connections_max", "400");
    let server = site.serve();
    let silent = silent(&server.address, 300).await;
    let honest = client(CA, (Version::TLS_1_3, Version::TLS_1_3));
    let alive = tokio::time::timeout(std::time::Duration::from_secs(30), is_alive(&honest, &server.address));
    assert!(alive.await.expect("long before the deadline of the others"));
    drop(silent);
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_has_a_deadline_of_its_own() {
    use tokio::io::AsyncReadExt as _;
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = site(&prelude)
        .set("server.tls_handshake_deadline", "100ms")
        .set("server.header_deadline", "1m")
        .set("server.silence_deadline", "10m");
    let server = site.serve();
    let mut silent = silent(&server.address, 1).await;
    let mut byte = [0; 1];
    let read = silent[0].read(&mut byte);
    let read = tokio::time::timeout(std::time::Duration::from_secs(30), read).await.expect("it is closed");
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_not_to_be_used_keep_it_from_starting() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let refused = |certificate: &str, key: &str, says: &str| {
        let site = site(&prelude);
        site.write("tls/cert.pem", certificate);
        site.write("tls/key.pem", key);
        site.run(&["serve"]).expect(1).saying(&["server.tls_certificate_file", says]);
    };
    refused(CERTIFICATE, RENEWED_KEY, "the key is not the one that the first certificate is made for");
    refused("", KEY, "tls/cert.pem holds no certificate in PEM");
    refused(KEY, KEY, "tls/cert.pem holds no certificate in PEM");
    refused(CERTIFICATE, CERTIFICATE, "tls/key.pem holds no private key in PEM");
    refused(CERTIFICATE, &"x".repeat(1_048_577), "tls/key.pem is longer than 1 MiB");
    let site = site(&prelude);
    std::fs::remove_file(site.path("tls/key.pem")).expect("removed");
    site.run(&["serve"]).expect(1).saying(&["cannot read tls/key.pem"]);
}

#[test]
fn a_certificate_and_its_key_belong_together_and_faces_apart() {
    let site = || Site::bare().set("prelude.app_id", "test").set("server.bind", "127.0.0.1:8080");
    let refused = |site: Site, says: &[&str]| {
        let ended = site.run(&["serve"]).expect(2).saying(says);
        assert_eq!(ended.stderr.matches("error[").count(), 1, "{}", ended.stderr);
    };
    refused(
        site().set("server.tls_certificate_file", "cert.pem"),
        &["error[missing]: server.tls_certificate_file is set and server.tls_key_file is not"],
    );
    refused(
        site().set("server.tls_key_file", "key.pem"),
        &["error[missing]: server.tls_key_file is set and server.tls_certificate_file is not"],
    );
    for private in ["127.0.0.1:8080", "0.0.0.0:8080", "[::]:8080", "[::ffff:127.0.0.1]:8080"] {
        refused(
            site().set("server.private_bind", private),
            &["error[impossible_value]: server.private_bind is the same address and port as server.bind"],
        );
    }
    for faces in ["public", "both"] {
        refused(
            site().set("server.tls_faces", faces),
            &["error[missing]: server.tls_faces is set, and", "plain http"],
        );
    }
    let with_files =
        site().set("server.tls_certificate_file", "cert.pem").set("server.tls_key_file", "key.pem");
    refused(
        with_files.set("server.tls_faces", "private"),
        &["error[impossible_value]: server.tls_faces is the face of server.private_bind, which is not set"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_face_may_have_tls_and_the_other_not() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = site(&prelude).set("server.private_bind", "127.0.0.1:0").set("server.tls_faces", "public");
    let server = site.serve();
    let private = server.private_address.clone().expect("its private address");
    let https = client(CA, (Version::TLS_1_3, Version::TLS_1_3));
    let set = https.get(format!("https://{}/.well-known/jwks.json", server.address)).send().await;
    assert_eq!(set.expect("an answer").status(), 200);
    let healthz = reqwest::get(format!("http://{private}/healthz")).await.expect("an answer");
    assert_eq!(healthz.status(), 200);
    assert!(!healthz.headers().contains_key("strict-transport-security"));
    let live = Site::with(&prelude)
        .set("server.bind", &server.address)
        .set("server.private_bind", &private)
        .set("server.tls_certificate_file", site.path("tls/cert.pem").to_str().unwrap())
        .set("server.tls_key_file", site.path("tls/key.pem").to_str().unwrap())
        .set("server.tls_faces", "public");
    live.run(&["doctor", "--live"]).expect(0);
    server.stop();
}
