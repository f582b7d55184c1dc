//! Whether the record takes writes, shown by one that changes nothing.
//!
//! While there is an outage all that a verdict writes is written and taken back, since one table, its indexes or the room for it can
//! fail where others do not; then the transaction is committed, so that it waits for the disk as a verdict does. SQLite's commit
//! writes the pages that were touched, though what is in them is as before. PostgreSQL grows a table where there is no room in it, which a
//! single row might not need: so it is given more than a page.

use super::StoreError;
use super::connection::{Connection, either};

/// Whether this transaction may write at all: a replica says no, and a server that its operator froze.
const MAY_WRITE: &str = "SELECT current_setting('transaction_read_only') = 'off'";

const BEGIN: &str = "SAVEPOINT probe";
const TAKE_BACK: &str = "ROLLBACK TO SAVEPOINT probe";

/// What a batch of verdicts writes on PostgreSQL. Nobody ever sees it; places that it takes are given to nobody else.
const AS_A_BATCH: &str = "
    WITH d AS (
        INSERT INTO decisions (id, received_at, user_id, scope, verdict, reason, bundle_hash, answer, metadata_digest, outcomes,
               evaluation_ns, signature_hash, signature_kid, traits, desk_revision, commitment, chain, chain_number, chain_hash)
        SELECT gen_random_uuid(), 0, 'probe', 'probe', 'block', 'probe', made.bytes, repeat('-', 400), made.bytes, '',
               0, made.bytes, 'probe', '', 0, made.bytes, gen_random_uuid(), 1, made.bytes
          FROM (SELECT sha256(uuid_send(gen_random_uuid())) AS bytes FROM generate_series(1, 16)) AS made
        RETURNING seq, signature_hash),
    s AS (
        INSERT INTO signatures (hash, kid, received_at, decision_seq) SELECT signature_hash, 'probe', 0, seq FROM d),
    p AS (
        INSERT INTO decision_personal (decision_seq, metadata, context, seen) SELECT seq, '{}', '{}', '{}' FROM d)
    INSERT INTO decision_subjects (subject, received_at, decision_seq) SELECT signature_hash, 0, seq FROM d";
/// What a verdict writes on SQLite.
const AS_A_VERDICT: &str = "
    INSERT INTO decisions (id, received_at, user_id, scope, verdict, reason, bundle_hash, answer, metadata_digest, outcomes,
           evaluation_ns, signature_hash, signature_kid, traits, desk_revision, commitment, chain, chain_number, chain_hash)
    VALUES (randomblob(16), 0, 'probe', 'probe', 'block', 'probe', zeroblob(32), '', zeroblob(32), '',
           0, zeroblob(32), 'probe', '', 0, zeroblob(32), randomblob(16), 1, zeroblob(32))";
/// Its personal values on SQLite.
const ITS_PERSONAL_VALUES: &str =
    "INSERT INTO decision_personal (metadata, context, seen) VALUES ('{}', '{}', '{}')";
/// What stays: a transaction's number on PostgreSQL, so that its commit is written to the log and to disk, and on SQLite a number in
/// the file's first page that nobody reads.
const STAMP: (&str, &str) = ("PRAGMA user_version = 0", "SELECT pg_current_xact_id()::text");

/// Asks inside of a write transaction.
///
/// - `is_out`: whether there is an outage: then what a verdict writes is written indeed, which costs a wait for the disk.
///
/// # Errors
/// The record takes no writes or no verdicts, or the database is gone. Nothing was written.
pub(super) async fn write(connection: &mut Connection<'_>, is_out: bool) -> Result<(), StoreError> {
    if let Connection::Postgres(..) = connection {
        let may_write: bool = connection.query(MAY_WRITE).value(connection).await?;
        if !may_write {
            return Err(StoreError::ReadOnly);
        }
    }
    if is_out {
        connection.query(BEGIN).execute(connection).await?;
        connection.query(either(AS_A_VERDICT, AS_A_BATCH)).execute(connection).await?;
        if let Connection::Sqlite(_) = connection {
            connection.query(ITS_PERSONAL_VALUES).execute(connection).await?;
        }
        connection.query(TAKE_BACK).execute(connection).await?;
        connection.query(either(STAMP.0, STAMP.1)).execute(connection).await?;
    }
    Ok(())
}
