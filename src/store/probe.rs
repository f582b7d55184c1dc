//! Whether the record takes writes, shown by one that changes nothing.

use super::StoreError;
use super::connection::Connection;

/// Whether this transaction may write at all: a replica says no, and a server that its operator froze.
const MAY_WRITE: &str = "SELECT current_setting('transaction_read_only') = 'off'";
/// Gives the transaction a number, so that its commit is written to the log and to disk.
const NUMBERED: &str = "SELECT pg_current_xact_id()::text";
/// Writes the file's first page. Nobody reads the number.
const STAMPED: &str = "PRAGMA user_version = 0";

/// Asks inside of a write transaction.
///
/// - `is_out`: whether there is an outage: then something is written indeed, which costs a wait for the disk.
///
/// # Errors
/// The record takes no writes, or the database is gone.
pub(super) async fn write(connection: &mut Connection<'_>, is_out: bool) -> Result<(), StoreError> {
    if let Connection::Postgres(..) = connection {
        let may_write: bool = connection.query(MAY_WRITE).value(connection).await?;
        if !may_write {
            return Err(StoreError::ReadOnly);
        }
    }
    if is_out {
        let write = match connection {
            Connection::Sqlite(_) => STAMPED,
            Connection::Postgres(..) => NUMBERED,
        };
        connection.query(write).execute(connection).await?;
    }
    Ok(())
}
