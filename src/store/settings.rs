//! How the record is opened.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::StoreError;

/// What stands between us and a PostgreSQL server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Pooler {
    /// Nothing: a connection is one to the server, for as long as it lasts.
    #[default]
    None,
    /// A pooler that gives every transaction a server connection of its own, such as pgbouncer in transaction mode.
    Transaction,
}

/// Whether opening brings the tables up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Migrate {
    /// It does.
    #[default]
    AtOpening,
    /// It does not, and refuses tables that are not.
    Never,
}

/// Where the record is and how much may wait for it.
#[derive(Debug, Clone)]
pub(crate) struct StoreSettings {
    /// `sqlite:PATH` or `sqlite://PATH`, as it stands: nothing is percent-decoded and there are no parameters. Or
    /// `postgres://USER@HOST:PORT/DATABASE`, where TLS is verified unless `sslmode` says otherwise.
    pub(crate) url: String,
    /// The password for a PostgreSQL server.
    pub(crate) password: Option<SecretString>,
    /// What stands before a PostgreSQL server.
    pub(crate) pooler: Pooler,
    /// Whether opening brings the tables up to date.
    pub(crate) migrate: Migrate,
    /// The most writes that may wait; one more is refused at once.
    pub(crate) queue_max: usize,
    /// The most decisions in one transaction; at most [`StoreSettings::BATCH_MAX`].
    pub(crate) batch_max: usize,
    /// How many decisions are gathered before they are filed under their signatures and users: more saves writing,
    /// costs about 300 bytes of memory each.
    pub(crate) file_after_rows: usize,
    /// The most reading connections to SQLite.
    pub(crate) readers_max: u32,
    /// The most connections to a PostgreSQL server; half of them may be held by batches of decisions.
    pub(crate) connections_max: u32,
    /// How long a statement waits for another process's lock, and a reader for a connection; on PostgreSQL also the most that a
    /// transaction takes, from waiting for a connection to its commit.
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
            password: None,
            pooler: Pooler::None,
            migrate: Migrate::AtOpening,
            queue_max: 1024,
            batch_max: Self::BATCH_MAX,
            file_after_rows: 8192,
            readers_max: 4,
            connections_max: 8,
            busy_timeout: Duration::from_secs(2),
        }
    }

    /// The most decisions in one transaction, within its bounds, which are those of `store.batch_max`, too.
    pub(super) fn batch_rows(&self) -> usize {
        self.batch_max.clamp(1, Self::BATCH_MAX)
    }

    /// What the address names.
    ///
    /// # Errors
    /// [`StoreError::Address`] for another scheme; for SQLite with parameters or in memory, where it could not keep what it
    /// answered; for PostgreSQL with a password, which would end in a log, or without a database.
    pub(super) fn address(&self) -> Result<Address, StoreError> {
        if self.url.starts_with("postgres:") || self.url.starts_with("postgresql:") {
            return self.server().map(|server| Address::Server(Box::new(server)));
        }
        let rest = self.url.strip_prefix("sqlite:");
        let rest = rest.ok_or(StoreError::Address("begins with neither sqlite: nor postgres:"))?;
        let path = rest.strip_prefix("//").unwrap_or(rest);
        match path {
            "" => Err(StoreError::Address("names no file")),
            _ if path.contains(":memory:") => Err(StoreError::Address("names a database in memory")),
            _ if path.contains(['?', '\0']) => Err(StoreError::Address("has parameters")),
            // SQLite would read the rest of such a name as a URI of its own.
            _ if path.starts_with("file:") => Err(StoreError::Address("has a second scheme")),
            _ => Ok(Address::File(PathBuf::from(path))),
        }
    }

    fn server(&self) -> Result<PgConnectOptions, StoreError> {
        let url = url::Url::parse(&self.url).map_err(|_| StoreError::Address("is no URL"))?;
        if url.password().is_some() {
            return Err(StoreError::Address("holds a password, which has a setting of its own"));
        }
        let server = PgConnectOptions::from_str(&self.url).map_err(|_| StoreError::Address("is no URL"))?;
        if server.get_database().is_none_or(str::is_empty) {
            return Err(StoreError::Address("names no database"));
        }
        let says_how = url.query_pairs().any(|(name, _)| name == "sslmode" || name == "ssl-mode");
        let server = match (says_how, server.get_socket()) {
            (true, _) => server,
            // What does not leave the machine has no names to verify.
            (false, Some(_)) => server.ssl_mode(PgSslMode::Disable),
            (false, None) => server.ssl_mode(PgSslMode::VerifyFull),
        };
        Ok(match &self.password {
            Some(password) => server.password(password.expose_secret()),
            None => server,
        })
    }
}

/// Where the record is.
#[derive(Debug)]
pub(super) enum Address {
    /// In this file.
    File(PathBuf),
    /// In a server's database.
    Server(Box<PgConnectOptions>),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> StoreSettings {
        StoreSettings::for_url(url)
    }

    #[test]
    fn addresses_name_files() {
        let path = |url: &str| match settings(url).address() {
            Ok(Address::File(path)) => Some(path),
            _ => None,
        };
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
            "mysql://localhost/doorstep",
            "d.sqlite",
        ];
        for url in wrong {
            assert!(settings(url).address().is_err(), "{url:?}");
        }
    }

    #[test]
    fn addresses_name_servers_whose_certificate_is_verified() {
        let server = |url: &str| match settings(url).address() {
            Ok(Address::Server(server)) => Some(*server),
            _ => None,
        };
        let plain = server("postgres://doorstep@db.example:6432/record").expect("a server");
        assert_eq!((plain.get_host(), plain.get_port()), ("db.example", 6432));
        assert_eq!(plain.get_database(), Some("record"));
        let mode = |url: &str| server(url).map(|server| format!("{:?}", server.get_ssl_mode()));
        let verified = Some("VerifyFull".to_owned());
        assert_eq!(mode("postgres://doorstep@db.example/record"), verified);
        assert_eq!(mode("postgresql://doorstep@localhost/record"), verified);
        assert_eq!(mode("postgres://doorstep@localhost/record?sslmode=disable"), Some("Disable".to_owned()));
        assert_eq!(mode("postgres://doorstep@%2Frun%2Fpostgresql/record"), Some("Disable".to_owned()));
        for url in ["postgres://doorstep:hunter2@db/record", "postgres://doorstep@db", "postgres://"] {
            assert!(server(url).is_none(), "{url:?}");
        }
        let refused = settings("postgres://doorstep:hunter2@db/record").address().expect_err("a refusal");
        assert!(!refused.to_string().contains("hunter2"), "{refused}");
    }
}
