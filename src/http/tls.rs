//! The server's own TLS: a certificate and its key from files, which are looked at again while calls go on.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use rustls::crypto::{CryptoProvider, aws_lc_rs as provider};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{InconsistentKeys, ServerConfig};
use secrecy::zeroize::Zeroizing;

use crate::app::App;
use crate::config::ServerSettings;
use crate::domain::causes;

/// How often the files are looked at. Two looks that saw the same after a change, and they are read.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The longest file: a chain of a dozen certificates is some 30 KB.
const FILE_BYTES_MAX: u64 = 1_048_576;

/// Why a certificate and a key are not to be used. It quotes nothing of either.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file is longer than a certificate or key can be.
    #[error("{0} is longer than 1 MiB")]
    TooLong(PathBuf),
    /// No certificate is in the file.
    #[error("{0} holds no certificate in PEM")]
    NoCertificate(PathBuf),
    /// No key is in the file.
    #[error("{0} holds no private key in PEM (PKCS#8, PKCS#1 or SEC1, not encrypted)")]
    NoKey(PathBuf),
    /// The key is not the certificate's.
    #[error("the key is not the one that the first certificate is made for")]
    Mismatch,
    /// The certificate or the key is of a kind that cannot be used.
    #[error("the certificate or the key cannot be used")]
    Unusable(#[source] rustls::Error),
}

/// What names the bytes of both files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fingerprint([u8; 32]);

/// The certificate and key in force, and where they come from.
pub(super) struct Certificates {
    certificate_file: PathBuf,
    key_file: PathBuf,
    provider: Arc<CryptoProvider>,
    in_force: RwLock<Arc<CertifiedKey>>,
    read: Fingerprint,
}

impl Certificates {
    /// Reads both files; `None` where the settings name none.
    ///
    /// # Errors
    /// [`TlsError`].
    pub(super) fn load(settings: &ServerSettings) -> Result<Option<Self>, TlsError> {
        let (Some(certificate_file), Some(key_file)) =
            (settings.tls_certificate_file.clone(), settings.tls_key_file.clone())
        else {
            return Ok(None);
        };
        let provider = Arc::new(provider::default_provider());
        let files = Files::read(&certificate_file, &key_file)?;
        let in_force = RwLock::new(Arc::new(files.certified_key(&provider)?));
        Ok(Some(Self { certificate_file, key_file, provider, in_force, read: files.fingerprint() }))
    }

    /// TLS 1.2 and 1.3 with the library's own choice of suites; the certificate is the one in force at each handshake.
    ///
    /// # Errors
    /// [`TlsError::Unusable`] where the library has no suites for both versions.
    pub(super) fn server_config(self: Arc<Self>) -> Result<ServerConfig, TlsError> {
        let config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(TlsError::Unusable)?;
        Ok(config.with_no_client_auth().with_cert_resolver(self))
    }

    /// Looks at the files for ever, and puts what they hold in force once they changed and came to rest. What is not to be used
    /// leaves everything as it was, and is told once.
    pub(super) async fn keep_renewed(self: Arc<Self>, app: Arc<App>) {
        let mut watch = Watch { read: self.read, seen: Some(self.read) };
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let this = Arc::clone(&self);
            let look =
                tokio::task::spawn_blocking(move || Files::read(&this.certificate_file, &this.key_file));
            // A look that panicked saw nothing.
            let Ok(look) = look.await else { continue };
            if watch.is_due(&look) {
                self.take_up(look, &app);
            }
        }
    }

    fn take_up(&self, look: Result<Files, TlsError>, app: &App) {
        match look.and_then(|files| files.certified_key(&self.provider)) {
            Ok(key) => {
                *self.in_force.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
                app.metrics().tls_reload();
                tracing::info!("The renewed TLS certificate is in force.");
            }
            Err(error) => {
                app.metrics().tls_reload_failure();
                tracing::error!(
                    error = %causes(&error),
                    "The changed TLS files are not to be used; the certificate before stays in force."
                );
            }
        }
    }
}

/// What was seen and read so far.
struct Watch {
    read: Fingerprint,
    seen: Option<Fingerprint>,
}

impl Watch {
    /// Takes a look and tells whether what it saw is to be taken up: it is new and was there at the look before, too. If so, it
    /// counts as read. A file that is not there counts as a content of its own.
    fn is_due(&mut self, look: &Result<Files, TlsError>) -> bool {
        let fingerprint = look.as_ref().map_or(Fingerprint([0; 32]), Files::fingerprint);
        let is_at_rest = self.seen.replace(fingerprint) == Some(fingerprint);
        let is_due = is_at_rest && fingerprint != self.read;
        if is_due {
            self.read = fingerprint;
        }
        is_due
    }
}

/// Both files' bytes.
struct Files {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    paths: (PathBuf, PathBuf),
}

impl Files {
    fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        Ok(Self {
            certificate: read(certificate)?,
            key: Zeroizing::new(read(key)?),
            paths: (certificate.to_owned(), key.to_owned()),
        })
    }

    fn fingerprint(&self) -> Fingerprint {
        let mut context = Context::new(&SHA256);
        context.update(&u64::try_from(self.certificate.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(&self.certificate);
        context.update(&self.key);
        let mut bytes = [0; 32];
        // INVARIANT: a SHA-256 has 32 bytes.
        bytes.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
        Fingerprint(bytes)
    }

    fn certified_key(&self, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.certificate).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or_else(|| TlsError::NoCertificate(self.paths.0.clone()))?;
        let key = PrivateKeyDer::from_pem_slice(&self.key);
        let key = key.map_err(|_| TlsError::NoKey(self.paths.1.clone()))?;
        CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::Mismatch,
            other => TlsError::Unusable(other),
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    use std::io::Read as _;
    let unreadable = |source| TlsError::Unreadable { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= FILE_BYTES_MAX) {
        Ok(bytes)
    } else {
        Err(TlsError::TooLong(path.to_owned()))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.in_force.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// Names the files and nothing of what they hold.
impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates")
            .field("certificate_file", &self.certificate_file)
            .field("key_file", &self.key_file)
            .finish_non_exhaustive()
    }
}
