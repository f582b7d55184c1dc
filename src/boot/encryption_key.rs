//! Where the encryption key comes from: the environment, a file, or in development mode a file that is made here.

use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret as _;

use crate::config::{Mode, Settings};
use crate::keys::EncryptionKey;
use crate::random::{Random, draw};

/// Why there is no encryption key. No key was made or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoEncryptionKey {
    /// Production never makes one itself.
    #[error(
        "production needs an encryption key: set DOORSTEP__KEYS__ENCRYPTION_KEY or keys.encryption_key_file (`openssl rand -base64 32` \
         makes one; keep it apart from the database)"
    )]
    Needed,
    /// The text is not a key.
    #[error("{place} does not hold an encryption key: 32 bytes, as 64 hexadecimal digits or as base64")]
    Malformed {
        /// The file or variable.
        place: String,
    },
    /// The file beside the database cannot be read or made.
    #[error("cannot read or make the development key file {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The system gave no randomness.
    #[error(transparent)]
    Random(#[from] crate::random::NoRandomness),
}

/// Takes the configured key; without one, development mode reads or makes a 0600 file beside the database.
///
/// # Errors
/// [`NoEncryptionKey`]; in production a missing key is always an error.
pub(super) fn obtain(settings: &Settings, random: &dyn Random) -> Result<EncryptionKey, NoEncryptionKey> {
    match (&settings.keys.encryption_key, settings.mode) {
        (Some(key), _) => Ok(EncryptionKey::from_bytes(*key.expose())),
        (None, Mode::Production) => Err(NoEncryptionKey::Needed),
        (None, Mode::Development) => development_key(&beside(settings.store.url.file()), random),
    }
}

/// `doorstep.sqlite` → `doorstep.sqlite.key`.
fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".key");
    PathBuf::from(name)
}

fn development_key(path: &Path, random: &dyn Random) -> Result<EncryptionKey, NoEncryptionKey> {
    let failed = |source| NoEncryptionKey::File { path: path.to_owned(), source };
    match make(path, random) {
        Ok(key) => {
            tracing::warn!(
                path = %path.display(),
                "No encryption key is configured: made one in a file beside the database. This is for development only."
            );
            Ok(key)
        }
        Err(NoEncryptionKey::File { source, .. }) if source.kind() == ErrorKind::AlreadyExists => {
            tracing::warn!(path = %path.display(), "Using the development encryption key beside the database.");
            parse(&std::fs::read_to_string(path).map_err(failed)?, &path.display().to_string())
        }
        Err(other) => Err(other),
    }
}

/// Makes the file, never over an existing one: two processes that start at once agree on the first one's key.
fn make(path: &Path, random: &dyn Random) -> Result<EncryptionKey, NoEncryptionKey> {
    let failed = |source| NoEncryptionKey::File { path: path.to_owned(), source };
    let key = EncryptionKey::from_bytes(draw(random)?);
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    writeln!(file, "{}", key.to_text().expose_secret()).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(key)
}

fn parse(text: &str, place: &str) -> Result<EncryptionKey, NoEncryptionKey> {
    EncryptionKey::parse(text).map_err(|_| NoEncryptionKey::Malformed { place: place.to_owned() })
}
