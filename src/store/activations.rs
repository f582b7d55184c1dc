//! Which policy came into force when.

use super::Store;
use super::turn::Turn;
use crate::domain::{ActivationRecord, BundleHash, StoredActivation, Timestamp, Trigger};
use crate::store::StoreError;
use crate::store::connection::{Connection, Row};

const PAGE: &str = "
    SELECT seq, at, bundle_hash, previous_hash, trigger, changes
      FROM policy_activations
     WHERE seq < $1
     ORDER BY seq DESC
     LIMIT $2";

impl Store {
    /// Keeps a bundle's text under its hash and records that it comes into force; answers once both are on disk.
    ///
    /// A text that is kept already stays as it is.
    ///
    /// # Errors
    /// Nothing was written: the bundle must not decide, since its decisions could not be explained later.
    pub(crate) async fn record_activation(
        &self,
        activation: ActivationRecord,
        text: String,
    ) -> Result<(), StoreError> {
        self.write(Turn::House, move |connection| {
            Box::pin(async move {
                keep_bundle(connection, &activation, text).await?;
                insert(connection, activation).await
            })
        })
        .await
    }

    /// Activations, newest first.
    ///
    /// - `before`: the place where the page before ended.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn activations(
        &self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<StoredActivation>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let rows = connection
            .query(PAGE)
            .bind(before.unwrap_or(i64::MAX))
            .bind(i64::from(limit))
            .fetch_all(connection)
            .await?;
        rows.iter().map(stored).collect()
    }
}

async fn keep_bundle(
    connection: &mut Connection<'_>,
    activation: &ActivationRecord,
    text: String,
) -> Result<(), StoreError> {
    connection
        .query(
            "INSERT INTO bundles (hash, text, first_saved_at) VALUES ($1, $2, $3)
         ON CONFLICT (hash) DO NOTHING",
        )
        .bind(activation.bundle.as_bytes().as_slice())
        .bind(text)
        .bind(activation.at.unix_micros())
        .execute(connection)
        .await?;
    Ok(())
}

async fn insert(connection: &mut Connection<'_>, activation: ActivationRecord) -> Result<(), StoreError> {
    connection
        .query(
            "INSERT INTO policy_activations (at, bundle_hash, previous_hash, trigger, changes)
         VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(activation.at.unix_micros())
        .bind(activation.bundle.as_bytes().as_slice())
        .bind(activation.previous.as_ref().map(|hash| hash.as_bytes().as_slice()))
        .bind(activation.trigger.to_string())
        .bind(activation.changes_json)
        .execute(connection)
        .await?;
    Ok(())
}

fn stored(row: &Row) -> Result<StoredActivation, StoreError> {
    let seq: i64 = row.try_get("seq")?;
    let corrupt = |column| move || StoreError::corrupt("policy_activations", column, seq.to_string());
    let hash =
        |bytes: &[u8], column| bytes.try_into().ok().map(BundleHash::from_digest).ok_or_else(corrupt(column));
    let bundle: &[u8] = row.try_get("bundle_hash")?;
    let previous: Option<&[u8]> = row.try_get("previous_hash")?;
    let record = ActivationRecord {
        at: Timestamp::from_unix_micros(row.try_get("at")?),
        bundle: hash(bundle, "bundle_hash")?,
        previous: previous.map(|bytes| hash(bytes, "previous_hash")).transpose()?,
        trigger: Trigger::parse(row.try_get("trigger")?).ok_or_else(corrupt("trigger"))?,
        changes_json: row.try_get("changes")?,
    };
    Ok(StoredActivation { seq, record })
}
