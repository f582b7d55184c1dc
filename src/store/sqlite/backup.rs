//! A copy of the whole record, made while calls go on.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::store::StoreError;

/// A copy that was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Backup {
    /// How many decisions it holds.
    pub(crate) decisions: u64,
    /// How large it is.
    pub(crate) bytes: u64,
}

impl super::Database {
    /// Copies the record, as it stands at one moment, into a new file that only its owner may read, looks the copy through and
    /// waits until it is on disk. Calls go on meanwhile; what is recorded after that moment is not in it.
    ///
    /// # Errors
    /// [`StoreError::File`] where the file is there already or cannot be made, [`StoreError::Unavailable`], or
    /// [`StoreError::Corrupt`] for a copy that does not pass SQLite's own check. There is no file then, unless it was there before.
    ///
    /// # Reference
    /// <https://www.sqlite.org/lang_vacuum.html> (`VACUUM INTO`)
    pub(in crate::store) async fn backup(&self, file: &Path) -> Result<Backup, StoreError> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(io_fault)?;
        let made = self.copy_into(file).await;
        if made.is_err() {
            // What is not whole must not be taken for a backup.
            drop(fs::remove_file(file));
        }
        made
    }

    async fn copy_into(&self, file: &Path) -> Result<Backup, StoreError> {
        let name = file.to_str().ok_or(StoreError::Address("of the backup is not UTF-8"))?;
        let mut reader = self.readers.acquire().await?;
        sqlx::query("VACUUM INTO ?").bind(name).execute(&mut *reader).await?;
        drop(reader);
        let options = SqliteConnectOptions::new().filename(file).read_only(true).disable_statement_logging();
        let mut copy = options.connect().await?;
        let decisions = look_through(&mut copy).await?;
        copy.close().await?;
        let bytes = on_disk(file).map_err(io_fault)?;
        Ok(Backup { decisions, bytes })
    }
}

fn io_fault(error: io::Error) -> StoreError {
    StoreError::File(Arc::new(error))
}

async fn look_through(copy: &mut SqliteConnection) -> Result<u64, StoreError> {
    let word: String = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut *copy).await?;
    if word != "ok" {
        return Err(StoreError::corrupt("the backup", "pages", "?"));
    }
    let decisions: i64 = sqlx::query_scalar("SELECT count(*) FROM decisions").fetch_one(copy).await?;
    Ok(u64::try_from(decisions).unwrap_or(0))
}

/// Waits until the file and its name are on disk; gives its size.
fn on_disk(file: &Path) -> io::Result<u64> {
    let copy = File::open(file)?;
    copy.sync_all()?;
    if let Some(directory) = file.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        File::open(directory)?.sync_all()?;
    }
    Ok(copy.metadata()?.len())
}
