//! Which version and which cipher suite the server's own TLS takes out of what a client offers.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use doorstep::testing::Prelude;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, SupportedProtocolVersion};

use crate::site::Site;
use crate::tls;

/// The kinds of TLS records that an answer may begin with.
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
/// What an alert says (RFC 8446 §6).
const HANDSHAKE_FAILURE: u8 = 40;
const PROTOCOL_VERSION: u8 = 70;

fn of_length<const BYTES: usize>(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("short").to_be_bytes();
    [&length[4 - BYTES..], content].concat()
}

/// A ClientHello as it was before TLS 1.3: a version and suites, and what an elliptic curve needs (RFC 5246 §7.4.1.2).
fn hello(version: [u8; 2], suites: &[[u8; 2]]) -> Vec<u8> {
    let groups = of_length::<2>(&[0, 0x1d, 0, 0x17, 0, 0x18]);
    let algorithms = of_length::<2>(&[4, 3, 5, 3, 8, 4, 8, 5, 4, 1, 5, 1, 2, 1]);
    let extensions = [
        [&[0, 10][..], &of_length::<2>(&groups)].concat(),
        [&[0, 11][..], &of_length::<2>(&[1, 0])].concat(),
        [&[0, 13][..], &of_length::<2>(&algorithms)].concat(),
    ];
    let body = [
        &version[..],
        &[7; 32],
        &[0],
        &of_length::<2>(&suites.concat()),
        &of_length::<1>(&[0]),
        &of_length::<2>(&extensions.concat()),
    ];
    let handshake = [&[1][..], &of_length::<3>(&body.concat())].concat();
    [&[HANDSHAKE, 3, 1][..], &of_length::<2>(&handshake)].concat()
}

/// The kind of the record that answers a hello, and what an alert says.
fn answer(address: &str, hello: &[u8]) -> (u8, Option<u8>) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    stream.write_all(hello).expect("sent");
    let mut record = [0; 7];
    stream.read_exact(&mut record).expect("a record");
    (record[0], (record[0] == ALERT).then_some(record[6]))
}

/// What is agreed upon with a client that offers these versions and all of the library's suites.
fn agreed(address: &str, versions: &[&'static SupportedProtocolVersion]) -> (ProtocolVersion, String) {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(tls::CA.as_bytes()).expect("PEM")).expect("an authority");
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    let mut client = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    while client.is_handshaking() {
        client.complete_io(&mut stream).expect("a handshake");
    }
    let suite = client.negotiated_cipher_suite().expect("a suite").suite();
    (client.protocol_version().expect("a version"), format!("{suite:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_version_is_preferred_and_nothing_without_forward_secrecy_is_taken() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site: Site = tls::site(&prelude);
    let server = site.serve();
    let (version, suite) = agreed(&server.address, &[&TLS12, &TLS13]);
    assert_eq!((version, suite.as_str()), (ProtocolVersion::TLSv1_3, "TLS13_AES_256_GCM_SHA384"));
    let (version, suite) = agreed(&server.address, &[&TLS12]);
    assert_eq!(version, ProtocolVersion::TLSv1_2);
    assert!(suite.starts_with("TLS_ECDHE_") && suite.contains("_WITH_AES_256_GCM_"), "{suite}");

    // ECDHE with AES-GCM, for an RSA and an ECDSA certificate.
    let good = [[0xc0, 0x2f], [0xc0, 0x2b]];
    assert_eq!(answer(&server.address, &hello([3, 3], &good)), (HANDSHAKE, None), "the hello itself is fine");
    for version in [[3, 0], [3, 1], [3, 2]] {
        let said = answer(&server.address, &hello(version, &good));
        assert_eq!(said, (ALERT, Some(PROTOCOL_VERSION)), "{version:?}");
    }
    for (name, suite) in [
        ("RSA key exchange", [0x00, 0x9c]),
        ("RSA key exchange with CBC", [0x00, 0x35]),
        ("ECDHE with CBC", [0xc0, 0x27]),
        ("ECDHE with CBC and SHA-1", [0xc0, 0x13]),
        ("ECDHE with RC4", [0xc0, 0x11]),
        ("ECDHE with 3DES", [0xc0, 0x12]),
        ("DHE", [0x00, 0x9e]),
        ("nobody's certificate", [0x00, 0xa6]),
        ("no encryption", [0xc0, 0x10]),
        ("export", [0x00, 0x03]),
    ] {
        let said = answer(&server.address, &hello([3, 3], &[suite]));
        assert_eq!(said, (ALERT, Some(HANDSHAKE_FAILURE)), "{name}");
    }
    server.stop();
}
