//! Our signing keys at rest: times and sealed private keys.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::Store;
use crate::domain::{Kid, SigningKeyRecord, Timestamp};
use crate::store::StoreError;

impl Store {
    /// Keeps the very first signing key.
    ///
    /// - returns: whether it was kept; `false` means that there are keys already. Of several processes that start at
    ///   once, exactly one is told `true`.
    ///
    /// # Errors
    /// Nothing was written.
    pub(crate) async fn insert_first_signing_key(&self, key: SigningKeyRecord) -> Result<bool, StoreError> {
        self.write(move |connection| {
            Box::pin(async move {
                let done = sqlx::query(
                    "INSERT INTO signing_keys (kid, modulus, exponent, bits, sealed_private_key,
                            publish_at, activate_at, retire_at, revoked_at, created_at)
                     SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
                      WHERE NOT EXISTS (SELECT 1 FROM signing_keys)",
                )
                .bind(key.kid.as_str())
                .bind(key.modulus)
                .bind(key.exponent)
                .bind(key.bits)
                .bind(key.sealed_private_key)
                .bind(key.publish_at.unix_micros())
                .bind(key.activate_at.unix_micros())
                .bind(key.retire_at.map(Timestamp::unix_micros))
                .bind(key.revoked_at.map(Timestamp::unix_micros))
                .bind(key.created_at.unix_micros())
                .execute(connection)
                .await?;
                Ok(done.rows_affected() == 1)
            })
        })
        .await
    }

    /// Every signing key, the one that activates first in front.
    ///
    /// # Errors
    /// The record could not be read, or a key in it.
    pub(crate) async fn signing_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT kid, modulus, exponent, bits, sealed_private_key,
                    publish_at, activate_at, retire_at, revoked_at, created_at
               FROM signing_keys ORDER BY activate_at, kid",
        )
        .fetch_all(&self.0.readers)
        .await?;
        rows.iter().map(signing_key).collect()
    }
}

fn signing_key(row: &SqliteRow) -> Result<SigningKeyRecord, StoreError> {
    let kid: &str = row.try_get("kid")?;
    let at = |column: &str| row.try_get(column).map(Timestamp::from_unix_micros);
    let maybe_at =
        |column: &str| row.try_get::<Option<i64>, _>(column).map(|at| at.map(Timestamp::from_unix_micros));
    Ok(SigningKeyRecord {
        kid: Kid::new(kid).map_err(|_| StoreError::corrupt("signing_keys", "kid", kid))?,
        modulus: row.try_get("modulus")?,
        exponent: row.try_get("exponent")?,
        bits: row.try_get("bits").map_err(|_| StoreError::corrupt("signing_keys", "bits", kid))?,
        sealed_private_key: row.try_get("sealed_private_key")?,
        publish_at: at("publish_at")?,
        activate_at: at("activate_at")?,
        retire_at: maybe_at("retire_at")?,
        revoked_at: maybe_at("revoked_at")?,
        created_at: at("created_at")?,
    })
}
