//! The server's own TLS: a certificate and its key from files, which are looked at again while calls go on.

mod validity;

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

use self::validity::{NotNow, Validity};
use crate::app::App;
use crate::config::ServerSettings;
use crate::domain::{Timestamp, causes};

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
    /// The certificate was good once.
    #[error("the certificate has expired")]
    Over,
    /// The certificate will be good.
    #[error("the certificate is not good yet")]
    Early,
}

impl TlsError {
    /// What log lines call it.
    const fn code(&self) -> &'static str {
        match self {
            Self::Over => "tls_certificate_expired",
            Self::Early => "tls_certificate_not_yet_valid",
            _ => "tls_files_unusable",
        }
    }
}

impl From<NotNow> for TlsError {
    fn from(not_now: NotNow) -> Self {
        match not_now {
            NotNow::Early => Self::Early,
            NotNow::Over => Self::Over,
        }
    }
}

/// What is to be served: a certificate with its key, and how long it is good, if that can be read.
struct Pair {
    key: CertifiedKey,
    validity: Option<Validity>,
}

impl Pair {
    /// # Errors
    /// [`TlsError::Over`] and [`TlsError::Early`].
    fn at(&self, now: Timestamp) -> Result<(), TlsError> {
        self.validity.map_or(Ok(()), |validity| validity.at(now)).map_err(TlsError::from)
    }
}

/// How the certificate in the files stands.
pub(crate) enum Standing {
    /// It is good for so many days.
    Good(u64),
    /// It is good, for how long cannot be read.
    Unread,
}

/// Looks at the files that the settings name, without serving them; `None` where they name none.
///
/// # Errors
/// [`TlsError`]: they are not to be used, or not now.
pub(crate) fn standing(settings: &ServerSettings, now: Timestamp) -> Option<Result<Standing, TlsError>> {
    let (certificate, key) = (settings.tls_certificate_file.as_ref()?, settings.tls_key_file.as_ref()?);
    let look = || {
        let pair = Files::read(certificate, key)?.pair(&provider::default_provider())?;
        pair.at(now)?;
        let days = |validity: Validity| Standing::Good(validity.left(now).as_secs() / 86_400);
        Ok(pair.validity.map_or(Standing::Unread, days))
    };
    Some(look())
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
    /// Reads both files; `None` where the settings name none. A certificate that is not good now is served all the same: a server
    /// that does not start helps nobody. The log says so.
    ///
    /// # Errors
    /// [`TlsError`].
    pub(super) fn load(settings: &ServerSettings, app: &App) -> Result<Option<Self>, TlsError> {
        let (Some(certificate_file), Some(key_file)) =
            (settings.tls_certificate_file.clone(), settings.tls_key_file.clone())
        else {
            return Ok(None);
        };
        let provider = Arc::new(provider::default_provider());
        let files = Files::read(&certificate_file, &key_file)?;
        let pair = files.pair(&provider)?;
        if let Err(error) = pair.at(app.now()) {
            tracing::warn!(code = error.code(), error = %causes(&error), "The TLS certificate is served, and callers will not take it.");
        }
        app.metrics().tls_not_after(pair.validity.map(|validity| validity.not_after));
        let in_force = RwLock::new(Arc::new(pair.key));
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
    /// leaves everything as it was, and is told once; what is not good yet is tried again until it is.
    pub(super) async fn keep_renewed(self: Arc<Self>, app: Arc<App>) {
        let mut watch = Watch { read: self.read, seen: Some(self.read), early: None };
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let this = Arc::clone(&self);
            let look =
                tokio::task::spawn_blocking(move || Files::read(&this.certificate_file, &this.key_file));
            // A look that panicked saw nothing.
            let Ok(look) = look.await else { continue };
            if !watch.is_due(&look) {
                continue;
            }
            let taken = look.and_then(|files| self.take_up(&files, &app));
            let is_told = watch.was_early(&taken);
            if let Err(error) = taken
                && !is_told
            {
                refused(&error, &app);
            }
        }
    }

    fn take_up(&self, files: &Files, app: &App) -> Result<(), TlsError> {
        let pair = files.pair(&self.provider)?;
        pair.at(app.now())?;
        *self.in_force.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pair.key);
        app.metrics().tls_reload();
        app.metrics().tls_not_after(pair.validity.map(|validity| validity.not_after));
        tracing::info!("The renewed TLS certificate is in force.");
        Ok(())
    }
}

fn refused(error: &TlsError, app: &App) {
    app.metrics().tls_reload_failure();
    tracing::error!(
        code = error.code(),
        error = %causes(error),
        "The changed TLS files are not to be used; the certificate before stays in force."
    );
}

/// What was seen and read so far.
struct Watch {
    read: Fingerprint,
    seen: Option<Fingerprint>,
    /// What is not good yet.
    early: Option<Fingerprint>,
}

impl Watch {
    /// Takes a look and tells whether what it saw is to be taken up: it is new and was there at the look before, too. If so, it
    /// counts as read. A file that is not there counts as a content of its own.
    fn is_due(&mut self, look: &Result<Files, TlsError>) -> bool {
        let fingerprint = look.as_ref().map_or(Fingerprint([0; 32]), Files::fingerprint);
        let is_at_rest = self.seen.replace(fingerprint) == Some(fingerprint);
        let is_due = is_at_rest && (fingerprint != self.read || self.early == Some(fingerprint));
        if is_due {
            self.read = fingerprint;
        }
        is_due
    }

    /// Notes whether what was read is not good yet, and tells whether it was so before.
    fn was_early(&mut self, taken: &Result<(), TlsError>) -> bool {
        let early = matches!(taken, Err(TlsError::Early)).then_some(self.read);
        let before = std::mem::replace(&mut self.early, early);
        early.is_some() && early == before
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

    fn pair(&self, provider: &CryptoProvider) -> Result<Pair, TlsError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.certificate).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or_else(|| TlsError::NoCertificate(self.paths.0.clone()))?;
        let validity = chain.first().and_then(|certificate| Validity::of(certificate));
        let key = PrivateKeyDer::from_pem_slice(&self.key);
        let key = key.map_err(|_| TlsError::NoKey(self.paths.1.clone()))?;
        let key = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::Mismatch,
            other => TlsError::Unusable(other),
        })?;
        Ok(Pair { key, validity })
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
