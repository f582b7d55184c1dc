//! The database file: made for its owner alone, opened as the record needs it, brought up to date.

use std::fs::{DirBuilder, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::error::DatabaseError;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection as _};
use tokio::time::sleep;

use super::mint_statements::MintStatements;
use super::statements::{STATEMENTS_PER_ROW_COUNT, row_counts};
use crate::store::connection::Connection;
use crate::store::migrated::require;
use crate::store::{StoreError, StoreSettings};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How many pages of 4 KiB the write-ahead log gathers before they go to the database file: 16 MiB. Fewer would write
/// the same page again and again, more would lengthen the start after a crash.
const CHECKPOINT_PAGES: &str = "4096";
/// The writer's page cache, in KiB (negative by SQLite's convention).
const WRITER_CACHE: &str = "-6144";
/// A write-ahead log that grew beyond this is cut back at the next checkpoint.
const LOG_BYTES_KEPT: &str = "67108864";
/// How long to wait before a locked file is tried again.
const LOCKED_PAUSE: Duration = Duration::from_millis(2);
/// How many statements the writing connection keeps prepared besides the batches'.
const OTHER_STATEMENTS_KEPT: usize = 64;

/// Makes the file with mode 0600, and its directories with 0700, where they are missing. What exists is left alone.
///
/// # Errors
/// [`StoreError::File`]; directories may have been made.
pub(super) fn create_if_missing(path: &Path) -> Result<(), StoreError> {
    /// POSIX drops a process's locks on a file whenever it closes any descriptor of it. A second opener must therefore
    /// not get to SQLite before the descriptor that made the file is closed.
    static CREATING: Mutex<()> = Mutex::new(());

    let fault = |error| StoreError::File(Arc::new(error));
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(fault)?;
    }
    let _alone = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(fault(error)),
    }
}

/// Opens the one connection that writes.
///
/// # Errors
/// [`StoreError::Unavailable`]; nothing was written but the file's journal mode.
pub(in crate::store) async fn open_writer(
    path: &Path,
    settings: &StoreSettings,
) -> Result<SqliteConnection, StoreError> {
    let options = options(path, settings)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("journal_size_limit", LOG_BYTES_KEPT)
        .pragma("cache_size", WRITER_CACHE)
        // Who is erased is not left in pages that nobody uses any more.
        .pragma("secure_delete", "ON")
        .statement_cache_capacity(
            (STATEMENTS_PER_ROW_COUNT + MintStatements::PER_ROW_COUNT)
                * row_counts(settings.batch_rows()).count()
                + OTHER_STATEMENTS_KEPT,
        );
    let give_up_at = Instant::now() + settings.busy_timeout;
    loop {
        match options.connect().await {
            Err(error) if is_locked(&error) && Instant::now() < give_up_at => sleep(LOCKED_PAUSE).await,
            opened => return Ok(opened?),
        }
    }
}

/// Two that switch a new file to its journal mode at once do not wait for each other (SQLite's busy timeout does not
/// hold there): one of them is told that the file is locked.
fn is_locked(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: &str = "5";
    error.as_database_error().and_then(DatabaseError::code).is_some_and(|code| code == SQLITE_BUSY)
}

/// Prepares the connections that only read. They are made when they are needed.
pub(super) fn readers(path: &Path, settings: &StoreSettings) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(settings.readers_max.max(1))
        .acquire_timeout(settings.busy_timeout)
        .test_before_acquire(false)
        .connect_lazy_with(options(path, settings).read_only(true))
}

fn options(path: &Path, settings: &StoreSettings) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(settings.busy_timeout)
        // A statement's text is no secret, but its log line would cost more than the statement.
        .disable_statement_logging()
}

/// Refuses tables that are not those of this version.
///
/// # Errors
/// [`StoreError::NotMigrated`] or [`StoreError::Unavailable`]; nothing was changed.
pub(super) async fn require_migrated(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    require(&mut Connection::Sqlite(connection), &MIGRATIONS).await
}

/// Brings the tables up to date, in one transaction: of two processes that start at once, one does it.
///
/// # Errors
/// [`StoreError::Migration`] or [`StoreError::Unavailable`]; nothing was changed.
pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    // `run` does the same, but its future cannot be sent between threads.
    MIGRATIONS
        .run_direct(None, &mut *transaction, false)
        .await
        .map_err(|error| StoreError::Migration(error.into()))?;
    transaction.commit().await?;
    Ok(())
}
