//! What can go wrong in the record, in words that a log may hold: no value of a row is ever quoted.

use std::collections::BTreeSet;
use std::sync::Arc;

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;

use super::words::{DatabaseFault, MigrationFault};
use crate::domain::{Outage, SubjectKey, Trouble, causes};

/// Why the record could not do what was asked.
///
/// Cheap to clone: everybody in a batch that failed as a whole gets the same one.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum StoreError {
    /// `store.url` names nothing that can be opened; the text says what is wrong without quoting it.
    #[error("the store's address {0}")]
    Address(&'static str),
    /// The database file or its directory could not be made.
    #[error("the database file could not be created")]
    File(#[source] Arc<std::io::Error>),
    /// The tables could not be brought up to date; none of them was changed.
    #[error("the database could not be migrated")]
    Migration(#[source] MigrationFault),
    /// The tables are not of this version, and bringing them up to date at opening is switched off. Nothing was changed.
    #[error(
        "the tables are older or newer than this version of doorstep; `doorstep migrate` brings older ones up to date"
    )]
    NotMigrated,
    /// A statement for one engine met a connection to the other.
    #[error("a statement met the other engine's connection")]
    OtherEngine,
    /// A record can only be copied into an empty one. Nothing was copied.
    #[error("the table {0} of the database to copy to is not empty")]
    NotEmpty(&'static str),
    /// What arrived is not what was sent; what was copied was taken back.
    #[error("the table {0} arrived otherwise than it was sent")]
    CopyDiffers(&'static str),
    /// PostgreSQL has tools of its own for this, and they are the ones to use.
    #[error(
        "a record on PostgreSQL is backed up with PostgreSQL's own tools, such as pg_dump or pg_basebackup"
    )]
    OwnTools,
    /// The database did not finish in time. Unless that was in the middle of a commit, nothing was written.
    #[error("the database did not answer in time")]
    TimedOut,
    /// The database takes no writes. Nothing was written.
    #[error("the database is read-only")]
    ReadOnly,
    /// The queue to the writer is full. Nothing was written; later may be fine.
    #[error("too many writes are waiting")]
    Busy,
    /// The store was closed. Nothing was written.
    #[error("the store is closed")]
    Closed,
    /// The database did not do its part: locked, full, read-only, gone. Unless it broke in the middle of a commit,
    /// nothing was written.
    #[error("the database is not available")]
    Unavailable(#[source] DatabaseFault),
    /// The database refused this very row: it breaks a constraint. The row was not written.
    #[error("the database refused a row")]
    Refused(#[source] DatabaseFault),
    /// The call's conditions would have to look through more recorded calls than they may. It was not decided.
    #[error("a condition asks about more recorded calls than one call may look through")]
    TooMuchPast,
    /// A condition asks for what is not recorded. The call was not decided.
    #[error("a condition asks about a past that is not recorded")]
    UnrecordedPast,
    /// Deciding the call broke off. It was not decided.
    #[error("the program broke off while it decided the call")]
    BrokenOff,
    /// The write concerns others than those whose turn it took. Nothing was written; it is to be tried again with theirs.
    #[error("the write concerns others than those whose turn it took")]
    OthersTurns(Arc<BTreeSet<SubjectKey>>),
    /// Policies ask for more subjects than decisions are filed by. Nothing was changed.
    #[error("policies ask about the past by more different subjects than decisions are filed by (32)")]
    TooManySubjects,
    /// A stored value is not what was once written.
    #[error("{table}.{column} of row {id} cannot be read")]
    Corrupt {
        /// In which table.
        table: &'static str,
        /// In which column.
        column: &'static str,
        /// Which row, by what names it; never a secret or a personal value.
        id: String,
    },
}

impl StoreError {
    /// Names a stored value that cannot be read.
    pub(super) fn corrupt(table: &'static str, column: &'static str, id: impl Into<String>) -> Self {
        Self::Corrupt { table, column, id: id.into() }
    }

    /// What keeps the database from doing its part, where that is what is wrong: not with what was asked of it.
    pub(crate) fn outage(&self) -> Option<Outage> {
        match self {
            Self::TimedOut => Some(Outage::TimedOut),
            Self::Busy => Some(Outage::Busy),
            Self::Closed => Some(Outage::Closed),
            Self::ReadOnly => Some(Outage::ReadOnly),
            Self::Unavailable(fault) => Some(outage(fault.error())),
            Self::Address(_)
            | Self::File(_)
            | Self::Migration(_)
            | Self::NotMigrated
            | Self::OtherEngine
            | Self::OwnTools
            | Self::NotEmpty(_)
            | Self::CopyDiffers(_)
            | Self::Refused(_)
            | Self::TooMuchPast
            | Self::UnrecordedPast
            | Self::BrokenOff
            | Self::OthersTurns(_)
            | Self::TooManySubjects
            | Self::Corrupt { .. } => None,
        }
    }

    /// What the log and the metrics call it at a request that met it.
    pub(crate) fn trouble(&self) -> Trouble {
        let code = match self {
            Self::Refused(_) => "row_refused",
            Self::Corrupt { .. } => "row_unreadable",
            Self::TooMuchPast => "too_much_past",
            Self::UnrecordedPast => "past_not_recorded",
            Self::BrokenOff => "broken_off",
            // No request meets another one that is no outage.
            _ => "store_fault",
        };
        let fault = || Trouble::Fault { code, words: causes(self).to_string() };
        self.outage().map_or_else(fault, Trouble::Outage)
    }

    /// Whether the fault is one row's own, so that the other rows of its batch deserve a try without it.
    pub(super) const fn is_one_rows_own(&self) -> bool {
        matches!(
            self,
            Self::Refused(_)
                | Self::Corrupt { .. }
                | Self::TooMuchPast
                | Self::UnrecordedPast
                | Self::BrokenOff
        )
    }
}

/// The low byte of SQLite's result codes for a row that cannot be: `SQLITE_TOOBIG`, `SQLITE_CONSTRAINT`,
/// `SQLITE_MISMATCH`.
const SQLITE_ROW_FAULTS: [i64; 3] = [18, 19, 20];

/// PostgreSQL's classes of errors for a row that cannot be: data exceptions, and broken constraints.
const POSTGRES_ROW_FAULTS: [&str; 2] = ["22", "23"];

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolClosed => Self::Closed,
            sqlx::Error::PoolTimedOut => Self::TimedOut,
            sqlx::Error::Database(fault) if is_one_rows_own(&**fault) => Self::Refused(error.into()),
            _ => Self::Unavailable(error.into()),
        }
    }
}

fn is_one_rows_own(fault: &dyn DatabaseError) -> bool {
    let Some(code) = fault.code() else { return false };
    if is_of_postgres(fault) {
        return POSTGRES_ROW_FAULTS.iter().any(|class| code.starts_with(class));
    }
    code.parse::<i64>().is_ok_and(|code| SQLITE_ROW_FAULTS.contains(&(code & 0xff)))
}

fn is_of_postgres(fault: &dyn DatabaseError) -> bool {
    fault.try_downcast_ref::<PgDatabaseError>().is_some()
}

/// The low byte of SQLite's result codes, and what they tell.
const SQLITE_OUTAGES: [(i64, Outage); 9] = [
    (3, Outage::AccessDenied),
    (5, Outage::Locked),
    (6, Outage::Locked),
    (8, Outage::ReadOnly),
    (10, Outage::Damaged),
    (11, Outage::Damaged),
    (13, Outage::Full),
    (14, Outage::AccessDenied),
    (26, Outage::Damaged),
];

/// PostgreSQL's codes, or the beginning of them, and what they tell; the first that fits counts.
const POSTGRES_OUTAGES: [(&str, Outage); 14] = [
    ("08", Outage::Unreachable),
    ("25006", Outage::ReadOnly),
    ("28", Outage::AccessDenied),
    ("3D000", Outage::AccessDenied),
    ("42501", Outage::AccessDenied),
    ("53100", Outage::Full),
    ("53300", Outage::OutOfConnections),
    ("55P03", Outage::Locked),
    // A statement that was cancelled: it took too long.
    ("57014", Outage::TimedOut),
    // The server is going, starting, or was started anew.
    ("57P", Outage::Unreachable),
    ("58P", Outage::Damaged),
    ("58030", Outage::Damaged),
    ("25P03", Outage::TimedOut),
    ("XX", Outage::Damaged),
];

fn outage(error: &sqlx::Error) -> Outage {
    match error {
        // The other end hung up in the middle of a word, or said what it never says.
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) => Outage::Unreachable,
        sqlx::Error::Database(fault) => database_outage(&**fault),
        _ => Outage::Other,
    }
}

fn database_outage(fault: &dyn DatabaseError) -> Outage {
    let Some(code) = fault.code() else { return Outage::Other };
    let found = if is_of_postgres(fault) {
        POSTGRES_OUTAGES.iter().find(|(prefix, _)| code.starts_with(prefix)).map(|(_, outage)| *outage)
    } else {
        let low = code.parse::<i64>().map(|code| code & 0xff).ok();
        SQLITE_OUTAGES.iter().find(|(number, _)| low == Some(*number)).map(|(_, outage)| *outage)
    };
    found.unwrap_or(Outage::Other)
}

/// Whether a connection is of no use any more: the other end is gone, or goes.
pub(super) fn is_gone(error: &sqlx::Error) -> bool {
    outage(error) == Outage::Unreachable
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Causes are labels of metrics: few, and none is chosen by a caller.
    #[test]
    fn every_fault_has_one_of_few_codes() {
        let corrupt = StoreError::corrupt("decisions", "answer", "4711");
        let refused = StoreError::Refused(sqlx::Error::RowNotFound.into());
        for (fault, expected) in [
            (StoreError::TimedOut, "store_timed_out"),
            (StoreError::Busy, "store_busy"),
            (sqlx::Error::BeginFailed.into(), "store_failed"),
            (refused, "row_refused"),
            (corrupt, "row_unreadable"),
            (StoreError::TooMuchPast, "too_much_past"),
            (StoreError::UnrecordedPast, "past_not_recorded"),
            (StoreError::BrokenOff, "broken_off"),
            (StoreError::OtherEngine, "store_fault"),
        ] {
            let code = match fault.trouble() {
                Trouble::Outage(outage) => outage.code(),
                Trouble::Fault { code, .. } => code,
            };
            assert_eq!(code, expected, "{fault}");
        }
    }
}
