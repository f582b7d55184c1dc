//! Where the record is, and how it is reached.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use secrecy::SecretString;
use url::Url;

use crate::config::shape::Wrong;

/// Where the record is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoreUrl {
    /// In a SQLite file.
    Sqlite(PathBuf),
    /// In a PostgreSQL database; the address holds no password.
    Postgres(Box<str>),
}

impl StoreUrl {
    /// Reads `sqlite://FILE`, whose name is taken as it is, so `sqlite:///var/lib/x` is absolute; or
    /// `postgres://USER@HOST:PORT/DATABASE`.
    ///
    /// # Errors
    /// [`Wrong`], without quoting: a password may have got into it.
    pub(in crate::config) fn parse(text: &str) -> Result<Self, Wrong> {
        const HELP: &str = "use a SQLite file, such as \"sqlite:///var/lib/doorstep/doorstep.sqlite\", or a database, such as \
                            \"postgres://doorstep@db.internal/doorstep\"";
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return postgres(text).map(|()| Self::Postgres(text.into()));
        }
        let Some(file) = text.strip_prefix("sqlite://") else {
            return Err(Wrong::impossible("is neither a sqlite:// nor a postgres:// URL", HELP));
        };
        if file.is_empty() || file.ends_with('/') {
            return Err(Wrong::impossible("names no file", HELP));
        }
        // Libraries read these differently, and how the file is opened is ours to say.
        if file.contains(['?', '#', '%']) || file.starts_with(':') {
            return Err(Wrong::impossible("has more than a file's name in it", HELP));
        }
        Ok(Self::Sqlite(PathBuf::from(file)))
    }

    /// Reads `postgres://USER@HOST:PORT/DATABASE`, and nothing else.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub(in crate::config) fn parse_server(text: &str) -> Result<Self, Wrong> {
        let url = Self::parse(text)?;
        if url.file().is_some() {
            return Err(Wrong::impossible("is no PostgreSQL database", "write a postgres:// URL"));
        }
        Ok(url)
    }

    /// The SQLite file, if it is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(file) => Some(file),
            Self::Postgres(_) => None,
        }
    }

    /// The SQLite file that somebody would have to make first, if it is one.
    pub(crate) fn missing_file(&self) -> Option<&Path> {
        self.file().filter(|file| matches!(file.try_exists(), Ok(false)))
    }
}

/// For flags, which say where a record is besides the one that the settings name.
impl FromStr for StoreUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|wrong| format!("{}: {}", wrong.message, wrong.help))
    }
}

fn postgres(text: &str) -> Result<(), Wrong> {
    const HELP: &str = "write such as \"postgres://doorstep@db.internal:5432/doorstep\"";
    let url = Url::parse(text).map_err(|_| Wrong::of_type("is not a URL", HELP))?;
    if url.password().is_some() {
        return Err(Wrong::impossible(
            "holds a password",
            "take it out, set DOORSTEP__STORE__PASSWORD or name a file in store.password_file, and replace it if others may have \
             read it here",
        ));
    }
    if !url.has_host() || url.path().trim_matches('/').is_empty() {
        return Err(Wrong::impossible("names no server or no database", HELP));
    }
    Ok(())
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => write!(f, "sqlite://{}", file.display()),
            Self::Postgres(url) => f.write_str(url),
        }
    }
}

/// The password for PostgreSQL. It never prints.
#[derive(Debug, Clone)]
pub(crate) struct StorePassword(SecretString);

impl StorePassword {
    /// Takes 1 to 1024 characters without control characters.
    ///
    /// # Errors
    /// [`Wrong`], without a character of the text.
    pub(in crate::config) fn parse(text: &str) -> Result<Self, Wrong> {
        if text.is_empty() || text.chars().count() > 1024 || text.contains(char::is_control) {
            return Err(Wrong::impossible(
                "is no password of 1 to 1024 characters",
                "give it as PostgreSQL knows it, on one line",
            ));
        }
        Ok(Self(SecretString::from(text)))
    }

    /// The password, for whoever connects.
    pub(crate) fn secret(&self) -> SecretString {
        self.0.clone()
    }
}

/// What stands before PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StorePooler {
    /// Nothing.
    None,
    /// A pooler that gives every transaction another connection.
    Transaction,
}

/// When the tables are brought up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreMigrate {
    /// Whenever the record is opened.
    AtStart,
    /// Only when somebody asks for it.
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_a_sqlite_file_or_a_postgres_database() {
        for (text, file) in
            [("sqlite://a.sqlite", "a.sqlite"), ("sqlite:///var/a b.sqlite", "/var/a b.sqlite")]
        {
            let url = StoreUrl::parse(text).expect("a store");
            assert_eq!((url.file(), url.to_string().as_str()), (Some(Path::new(file)), text));
        }
        for text in [
            "postgres://doorstep@db/record",
            "postgresql://doorstep@db.internal:6432/record?sslmode=verify-full&sslrootcert=/etc/ca.pem",
            "postgres://doorstep@%2Frun%2Fpostgresql/record",
        ] {
            let url = StoreUrl::parse(text).expect("a store");
            assert_eq!((url.file(), url.to_string().as_str()), (None, text));
        }
        let wrong = [
            "a.sqlite",
            "sqlite:a.sqlite",
            "sqlite://",
            "sqlite:///var/",
            "sqlite://:memory:",
            "sqlite://a.sqlite?mode=ro",
            "sqlite://a%20b",
            "mysql://a",
            "postgres://db",
            "postgres:///record",
            "postgres://doorstep:hunter2@db/record",
        ];
        for text in wrong {
            let wrong = StoreUrl::parse(text).expect_err(text);
            assert!(!format!("{}{}", wrong.message, wrong.help).contains("hunter2"), "{text:?}");
        }
    }

    #[test]
    fn a_password_never_prints() {
        let password = StorePassword::parse("hunter2").expect("a password");
        assert!(!format!("{password:?}").contains("hunter2"));
        assert!(StorePassword::parse("").is_err() && StorePassword::parse("two\nlines").is_err());
    }
}
