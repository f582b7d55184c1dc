//! Where the encryption key comes from: the environment, a file, or in development mode a file that is made here.

use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret as _;

use crate::config::{Mode, Settings};
use crate::keys::{EncryptionKey, EncryptionKeys};
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
    /// The file beside the database is gone, and what it sealed is not.
    #[error(
        "{path} is not there, and the store holds signing keys that only it opens: put it back, or begin with an empty store"
    )]
    Gone {
        /// The file.
        path: PathBuf,
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

/// What a store holds that a key must open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sealed {
    /// Nothing yet: any key will do, a new one too.
    Nothing,
    /// Signing keys: a new key would be a wrong one.
    SigningKeys,
}

/// Refuses, before anything is opened or made, what can never work.
///
/// # Errors
/// [`NoEncryptionKey::Needed`]: production without a configured key.
pub(super) fn require(settings: &Settings) -> Result<(), NoEncryptionKey> {
    match (&settings.keys.encryption_key, settings.mode) {
        (None, Mode::Production) => Err(NoEncryptionKey::Needed),
        (Some(_), _) | (None, Mode::Development) => Ok(()),
    }
}

/// Takes the key in force, as [`obtain`] does, and beside it the configured one before it.
///
/// # Errors
/// [`NoEncryptionKey`].
pub(super) fn obtain_all(
    settings: &Settings,
    sealed: Sealed,
    random: &dyn Random,
) -> Result<EncryptionKeys, NoEncryptionKey> {
    let previous = settings.keys.previous_encryption_key.as_ref();
    let previous = previous.map(|key| EncryptionKey::from_bytes(*key.expose()));
    Ok(EncryptionKeys::new(obtain(settings, sealed, random)?, previous))
}

/// Takes the configured key; without one, development mode reads a 0600 file beside the database, and makes it for a
/// store that holds nothing yet.
///
/// # Errors
/// [`NoEncryptionKey`]; in production a missing key is always an error.
fn obtain(
    settings: &Settings,
    sealed: Sealed,
    random: &dyn Random,
) -> Result<EncryptionKey, NoEncryptionKey> {
    match (&settings.keys.encryption_key, settings.mode) {
        (Some(key), _) => Ok(EncryptionKey::from_bytes(*key.expose())),
        (None, Mode::Production) => Err(NoEncryptionKey::Needed),
        (None, Mode::Development) => {
            // A database that others share has no place beside it.
            let file = settings.store.url.file().ok_or(NoEncryptionKey::Needed)?;
            development_key(&beside(file), sealed, random)
        }
    }
}

/// `doorstep.sqlite` → `doorstep.sqlite.key`.
fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".key");
    PathBuf::from(name)
}

fn development_key(
    path: &Path,
    sealed: Sealed,
    random: &dyn Random,
) -> Result<EncryptionKey, NoEncryptionKey> {
    let failed = |source| NoEncryptionKey::File { path: path.to_owned(), source };
    let made = match sealed {
        Sealed::Nothing => make(path, random)?,
        Sealed::SigningKeys => None,
    };
    if let Some(key) = made {
        tracing::warn!(
            path = %path.display(),
            "No encryption key is configured: made one in a file beside the database. This is for development only."
        );
        return Ok(key);
    }
    let text = std::fs::read_to_string(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => NoEncryptionKey::Gone { path: path.to_owned() },
        _ => failed(source),
    })?;
    tracing::warn!(path = %path.display(), "Using the development encryption key beside the database.");
    parse(&text, &path.display().to_string())
}

/// Makes the file, never over an existing one: `None` means that there is one.
///
/// Two processes that start at once agree on the first one's key: the file gets its name only when it is whole.
fn make(path: &Path, random: &dyn Random) -> Result<Option<EncryptionKey>, NoEncryptionKey> {
    let failed = |source| NoEncryptionKey::File { path: path.to_owned(), source };
    let key = EncryptionKey::from_bytes(draw(random)?);
    let mut unnamed = path.as_os_str().to_owned();
    unnamed.push(format!(".{:016x}", u64::from_le_bytes(draw(random)?)));
    let written = write_new(Path::new(&unnamed), key.to_text().expose_secret());
    let named = written.and_then(|()| std::fs::hard_link(&unnamed, path));
    // INVARIANT: it fails only where there is none, and then `named` says why.
    let _ = std::fs::remove_file(&unnamed);
    match named {
        Ok(()) => Ok(Some(key)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn write_new(path: &Path, line: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{line}")?;
    file.sync_all()
}

fn parse(text: &str, place: &str) -> Result<EncryptionKey, NoEncryptionKey> {
    EncryptionKey::parse(text).map_err(|_| NoEncryptionKey::Malformed { place: place.to_owned() })
}
