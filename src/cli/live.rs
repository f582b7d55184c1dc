//! `doorstep doctor --live`: asks the server on this machine whether it is alive; a container's health check needs no other
//! program for it.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};

use super::{Exit, output};
use crate::config::{ServerSettings, TlsFaces};

/// How long the server may take to show that it is alive.
const LIVE_DEADLINE: Duration = Duration::from_secs(2);

/// Asks on the face that has `/healthz`.
pub(super) fn run(settings: &ServerSettings) -> Exit {
    let (bind, is_tls) = face(settings);
    let certificate = settings.tls_certificate_file.as_deref().filter(|_| is_tls);
    match ask(reachable(bind), certificate) {
        Ok(true) => Exit::Fine,
        Ok(false) => {
            output::complain("The server answered, but not that it is alive.");
            Exit::Failed
        }
        Err(error) => {
            output::complain(&format!("The server at {bind} does not answer: {error}."));
            Exit::Failed
        }
    }
}

fn ask(address: SocketAddr, certificate: Option<&Path>) -> std::io::Result<bool> {
    let stream = TcpStream::connect_timeout(&address, LIVE_DEADLINE)?;
    stream.set_read_timeout(Some(LIVE_DEADLINE))?;
    stream.set_write_timeout(Some(LIVE_DEADLINE))?;
    match certificate {
        None => talk(stream),
        Some(file) => {
            let connection =
                ClientConnection::new(Arc::new(pinned(file)?), ServerName::IpAddress(address.ip().into()));
            talk(StreamOwned::new(connection.map_err(std::io::Error::other)?, stream))
        }
    }
}

fn talk(mut stream: impl Read + Write) -> std::io::Result<bool> {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    Ok(&answer == b"HTTP/1.1 200")
}

/// Where the server of these settings says what it has in force, if it speaks plain http there.
pub(super) fn plain_url(settings: &ServerSettings) -> Option<String> {
    let (bind, is_tls) = face(settings);
    (!is_tls && bind.port() != 0).then(|| format!("http://{}", reachable(bind)))
}

/// The address that has `/healthz` and `/readyz`, and whether TLS is spoken there.
fn face(settings: &ServerSettings) -> (SocketAddr, bool) {
    let (bind, face) = match settings.private_bind {
        Some(bind) => (bind, TlsFaces::Private),
        None => (settings.bind, TlsFaces::Public),
    };
    let is_tls = settings.tls_faces == TlsFaces::Both || settings.tls_faces == face;
    (bind, is_tls && settings.tls_certificate_file.is_some())
}

/// A server that listens on every address is asked over loopback.
fn reachable(bind: SocketAddr) -> SocketAddr {
    let ip = match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, bind.port())
}

/// Believes exactly the certificate in the file: the question is whether this server is alive, at an address that no
/// certificate names.
fn pinned(file: &Path) -> std::io::Result<ClientConfig> {
    let certificate = CertificateDer::from_pem_file(file).map_err(std::io::Error::other)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?;
    let verifier = Arc::new(Pinned { certificate, provider });
    Ok(config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

#[derive(Debug)]
struct Pinned {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *end_entity == self.certificate {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::Error::General("the server shows another certificate than its file holds".to_owned()))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
