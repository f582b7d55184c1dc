//! Whether the tables are those of this version.

use sqlx::migrate::Migrator;

use super::StoreError;
use super::connection::Connection;

const APPLIED: &str = "SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version";

/// Refuses tables that are older or newer than this version.
///
/// # Errors
/// [`StoreError::NotMigrated`], or the database could not be read. Nothing was changed.
pub(super) async fn require(
    connection: &mut Connection<'_>,
    migrations: &Migrator,
) -> Result<(), StoreError> {
    let applied = match connection.query(APPLIED).fetch_all(connection).await {
        // There is no such table in an empty database.
        Err(StoreError::Unavailable(fault)) if fault.error().as_database_error().is_some() => Vec::new(),
        applied => applied?,
    };
    let mut wanted = migrations.iter();
    for row in &applied {
        let (version, checksum): (i64, &[u8]) = (row.try_get("version")?, row.try_get("checksum")?);
        if !wanted.next().is_some_and(|next| next.version == version && *next.checksum == *checksum) {
            return Err(StoreError::NotMigrated);
        }
    }
    if wanted.next().is_some() { Err(StoreError::NotMigrated) } else { Ok(()) }
}
