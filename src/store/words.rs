//! A database's faults, in words that a log may hold: what quotes a row's values is left out.

use std::fmt;
use std::sync::Arc;

use sqlx::migrate::MigrateError;
use sqlx::postgres::PgDatabaseError;

/// What PostgreSQL says with a row's values in it: data exceptions (22), broken constraints (23), and what triggers raise (P0).
const QUOTING: [&str; 3] = ["22", "23", "P0"];

/// What the driver or the database said. Its words are the whole of it: there is no cause behind it, since one could quote a value.
#[derive(Clone)]
pub(crate) struct DatabaseFault(Arc<sqlx::Error>);

impl DatabaseFault {
    /// The driver's own error. Its words are not for a log.
    pub(super) fn error(&self) -> &sqlx::Error {
        &self.0
    }
}

impl From<sqlx::Error> for DatabaseFault {
    fn from(error: sqlx::Error) -> Self {
        Self(Arc::new(error))
    }
}

impl std::error::Error for DatabaseFault {}

impl fmt::Display for DatabaseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        say(&self.0, f)
    }
}

impl fmt::Debug for DatabaseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        say(&self.0, f)
    }
}

/// Why the tables could not be brought up to date, in the same way.
#[derive(Clone)]
pub(crate) struct MigrationFault(Arc<MigrateError>);

impl From<MigrateError> for MigrationFault {
    fn from(error: MigrateError) -> Self {
        Self(Arc::new(error))
    }
}

impl std::error::Error for MigrationFault {}

impl fmt::Display for MigrationFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            MigrateError::Execute(error) => say(error, f),
            MigrateError::ExecuteMigration(error, version) => {
                write!(f, "migration {version}: ")?;
                say(error, f)
            }
            other => write!(f, "{other}"),
        }
    }
}

impl fmt::Debug for MigrationFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn say(error: &sqlx::Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match error {
        sqlx::Error::Database(fault) => match fault.try_downcast_ref::<PgDatabaseError>() {
            Some(fault) => say_postgres(fault, f),
            // SQLite names tables and columns, and no value.
            None => write!(f, "{fault}"),
        },
        sqlx::Error::ColumnDecode { index, .. } => write!(f, "a value of column {index} could not be read"),
        sqlx::Error::Decode(_) => f.write_str("a value could not be read"),
        sqlx::Error::Encode(_) => f.write_str("a value could not be sent"),
        other => write!(f, "{other}"),
    }
}

/// SQLSTATE, table and constraint; the message too where it is about the server and not about a row. Never its detail.
fn say_postgres(fault: &PgDatabaseError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let code = fault.code();
    write!(f, "SQLSTATE {code}")?;
    if let Some(table) = fault.table() {
        write!(f, ", table {table}")?;
    }
    if let Some(constraint) = fault.constraint() {
        write!(f, ", constraint {constraint}")?;
    }
    if QUOTING.iter().any(|class| code.starts_with(class)) {
        return Ok(());
    }
    write!(f, ": {}", fault.message())
}
