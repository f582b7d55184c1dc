//! How the record is opened.

use std::path::PathBuf;
use std::time::Duration;

use super::StoreError;

/// Where the record is and how much may wait for it.
#[derive(Debug, Clone)]
pub(crate) struct StoreSettings {
    /// `sqlite:PATH` or `sqlite://PATH`, as it stands: nothing is percent-decoded and there are no parameters.
    pub(crate) url: String,
    /// The most writes that may wait; one more is refused at once.
    pub(crate) queue_max: usize,
    /// The most decisions in one transaction; at most [`StoreSettings::BATCH_MAX`].
    pub(crate) batch_max: usize,
    /// How many decisions are gathered before they are filed under their signatures and users: more saves writing,
    /// costs about 300 bytes of memory each.
    pub(crate) file_after_rows: usize,
    /// The most reading connections.
    pub(crate) readers_max: u32,
    /// How long a statement waits for another process's lock, and a reader for a connection.
    pub(crate) busy_timeout: Duration,
}

impl StoreSettings {
    /// The most decisions in one transaction: more would need longer statements than are worth keeping prepared, and
    /// 64 rows share the cost of a commit well enough.
    pub(crate) const BATCH_MAX: usize = 64;

    /// The usual settings for the store at `url`.
    pub(crate) fn for_url(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            queue_max: 1024,
            batch_max: Self::BATCH_MAX,
            file_after_rows: 8192,
            readers_max: 4,
            busy_timeout: Duration::from_secs(2),
        }
    }

    /// The most decisions in one transaction, within its bounds.
    pub(super) fn batch_rows(&self) -> usize {
        self.batch_max.clamp(1, Self::BATCH_MAX)
    }

    /// The file that the address names.
    ///
    /// # Errors
    /// [`StoreError::Address`] for another scheme, for parameters, and for a database in memory, which could not keep
    /// what it answered.
    pub(super) fn path(&self) -> Result<PathBuf, StoreError> {
        let rest =
            self.url.strip_prefix("sqlite:").ok_or(StoreError::Address("does not begin with sqlite:"))?;
        let path = rest.strip_prefix("//").unwrap_or(rest);
        match path {
            "" => Err(StoreError::Address("names no file")),
            _ if path.contains(":memory:") => Err(StoreError::Address("names a database in memory")),
            _ if path.contains(['?', '\0']) => Err(StoreError::Address("has parameters")),
            // SQLite would read the rest of such a name as a URI of its own.
            _ if path.starts_with("file:") => Err(StoreError::Address("has a second scheme")),
            _ => Ok(PathBuf::from(path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_files() {
        let path = |url: &str| StoreSettings::for_url(url).path().ok();
        for url in ["sqlite:data/d.sqlite", "sqlite://data/d.sqlite"] {
            assert_eq!(path(url), Some(PathBuf::from("data/d.sqlite")), "{url}");
        }
        assert_eq!(path("sqlite:///var/lib/d.sqlite"), Some(PathBuf::from("/var/lib/d.sqlite")));
        let wrong = [
            "",
            "sqlite:",
            "sqlite://",
            "sqlite::memory:",
            "sqlite://:memory:",
            "sqlite:d.sqlite?mode=memory",
            "sqlite:file:d.sqlite",
            "postgres://localhost/doorstep",
            "d.sqlite",
        ];
        for url in wrong {
            assert_eq!(path(url), None, "{url:?}");
        }
    }
}
