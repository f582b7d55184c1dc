//! A throw-away certificate authority, and the certificate that it signs for the emulator's address.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use super::EmulatorError;

/// The names under which the emulator is reached on this machine.
pub(super) const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// What a TLS server shows, and what its clients must trust. The authority's private key is gone already.
pub(super) struct Certificate {
    /// The authority's certificate, PEM.
    pub(super) ca_pem: String,
    /// The server's side of TLS: HTTP/1.1 only.
    pub(super) tls: ServerConfig,
    /// The same for other servers of this machine.
    pub(super) local: LocalCertificate,
}

/// A certificate for this machine and its private key, PEM.
pub(crate) struct LocalCertificate {
    pub(crate) certificate_pem: String,
    pub(crate) key_pem: String,
}

impl Certificate {
    /// Makes both for these DNS names and addresses.
    ///
    /// # Errors
    /// [`EmulatorError::Configuration`] for what is neither; [`EmulatorError::Certificate`].
    pub(super) fn make(names: &[String]) -> Result<Self, EmulatorError> {
        if names.iter().any(|name| ServerName::try_from(name.as_str()).is_err()) {
            let rule = "a name that the certificate is to be good for is neither a DNS name nor an address";
            return Err(EmulatorError::Configuration(rule.to_owned()));
        }
        let ca_params = ca_params();
        let ca_key = KeyPair::generate().map_err(refused)?;
        let ca = ca_params.self_signed(&ca_key).map_err(refused)?;
        let key = KeyPair::generate().map_err(refused)?;
        let mut params = CertificateParams::new(names).map_err(refused)?;
        set_times(&mut params);
        params.distinguished_name.push(DnType::CommonName, "Doorstep emulator");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let shown = params.signed_by(&key, &Issuer::from_params(&ca_params, &ca_key)).map_err(refused)?;
        let local = LocalCertificate { certificate_pem: shown.pem(), key_pem: key.serialize_pem() };
        Ok(Self { ca_pem: ca.pem(), tls: tls(shown.der().clone(), PrivateKeyDer::from(key))?, local })
    }
}

fn ca_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    set_times(&mut params);
    params.distinguished_name.push(DnType::CommonName, "Doorstep emulator, throw-away authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// From long ago until long from now: a test's clock may stand anywhere, and the authority can sign nothing any more.
fn set_times(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2050, 1, 1);
}

fn tls(shown: CertificateDer<'static>, key: PrivateKeyDer<'static>) -> Result<ServerConfig, EmulatorError> {
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(vec![shown], key))
        .map_err(refused)
}

fn refused(error: impl std::fmt::Display) -> EmulatorError {
    EmulatorError::Certificate(error.to_string())
}
