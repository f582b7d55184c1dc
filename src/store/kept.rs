//! What is kept under a name: bundles' texts, Prelude's key sets, our sealed secrets.

use super::Store;
use super::retention::note_keys;
use super::turn::Turn;
use crate::domain::{BundleHash, Kid, Thumbprint, Timestamp};
use crate::store::StoreError;

/// A key set of Prelude's as it was last confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptKeySet {
    /// The document itself.
    pub(crate) body: String,
    /// When Prelude last served it (docs/CONTRACT.md C3.7).
    pub(crate) confirmed_at: Timestamp,
}

impl Store {
    /// The text of a bundle that was kept.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn bundle_text(&self, hash: BundleHash) -> Result<Option<String>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let text = connection
            .query("SELECT text FROM bundles WHERE hash = $1")
            .bind(hash.as_bytes().as_slice())
            .optional_value(connection)
            .await?;
        Ok(text)
    }

    /// Keeps a key set of Prelude's under its name, unless one that was confirmed later is kept already.
    ///
    /// - `keys`: its keys, where signatures are remembered for as long as they are in the set.
    ///
    /// # Errors
    /// Nothing was written; the set kept before stays.
    pub(crate) async fn save_key_set(
        &self,
        name: &str,
        (body, keys): (String, Vec<(Kid, Thumbprint)>),
        confirmed_at: Timestamp,
    ) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(Turn::Task("doorstep keeps key sets"), move |connection| {
            Box::pin(async move {
                let kept = connection
                    .query(
                        "INSERT INTO key_sets (name, body, confirmed_at) VALUES ($1, $2, $3)
                     ON CONFLICT (name) DO UPDATE
                        SET body = excluded.body, confirmed_at = excluded.confirmed_at
                      WHERE excluded.confirmed_at >= key_sets.confirmed_at",
                    )
                    .bind(name)
                    .bind(body)
                    .bind(confirmed_at.unix_micros())
                    .execute(connection)
                    .await?;
                note_keys(connection, &keys, (confirmed_at, kept == 1)).await
            })
        })
        .await
    }

    /// The key set that is kept under a name.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn key_set(&self, name: &str) -> Result<Option<KeptKeySet>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let row = connection
            .query("SELECT body, confirmed_at FROM key_sets WHERE name = $1")
            .bind(name)
            .fetch_optional(connection)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let confirmed_at = Timestamp::from_unix_micros(row.try_get("confirmed_at")?);
        Ok(Some(KeptKeySet { body: row.try_get("body")?, confirmed_at }))
    }

    /// Keeps a sealed secret under a name that has none yet.
    ///
    /// - returns: whether it was kept; `false` means that another one is there, which is the one to use.
    ///
    /// # Errors
    /// Nothing was written.
    pub(crate) async fn insert_secret_if_absent(
        &self,
        name: &str,
        sealed: Vec<u8>,
    ) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.write(Turn::Anyone, move |connection| {
            Box::pin(async move {
                let done = connection
                    .query("INSERT INTO secrets (name, sealed) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
                    .bind(name)
                    .bind(sealed)
                    .execute(connection)
                    .await?;
                Ok(done == 1)
            })
        })
        .await
    }

    /// The sealed secret under a name.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn secret(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let sealed = connection
            .query("SELECT sealed FROM secrets WHERE name = $1")
            .bind(name)
            .optional_value(connection)
            .await?;
        Ok(sealed)
    }
}
