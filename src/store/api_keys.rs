//! Who may call our API, at rest: everything but the secret, of which only the SHA-256 is kept.

use super::Store;
use super::turn::Turn;
use crate::domain::{ApiKeyId, ApiKeyRecord, Approver, Role, Scope, StepKey, Timestamp};
use crate::store::StoreError;
use crate::store::connection::{Connection, Row};

/// An API key with what its secret is compared to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredApiKey {
    /// What the key may do.
    pub(crate) record: ApiKeyRecord,
    /// The SHA-256 of the secret.
    pub(crate) secret_sha256: [u8; 32],
}

/// What became of a wish to withdraw a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revocation {
    /// It was withdrawn now.
    Revoked,
    /// It had been withdrawn before; that moment stays.
    AlreadyRevoked,
    /// There is no such key.
    Unknown,
}

const COLUMNS_OF_ALL: &str = "
    SELECT id, secret_sha256, name, roles, approves_as, scopes, steps, created_at, expires_at, revoked_at
      FROM api_keys ORDER BY created_at, id";
const COLUMNS_OF_ONE: &str = "
    SELECT id, secret_sha256, name, roles, approves_as, scopes, steps, created_at, expires_at, revoked_at
      FROM api_keys WHERE id = $1";

impl Store {
    /// Keeps a new API key.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for an id that is taken; nothing was written.
    pub(crate) async fn create_api_key(&self, key: StoredApiKey) -> Result<(), StoreError> {
        self.write(Turn::House, move |connection| {
            Box::pin(async move {
                let record = key.record;
                connection
                    .query(
                        "INSERT INTO api_keys (id, secret_sha256, name, roles, approves_as, scopes, steps,
                            created_at, expires_at, revoked_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                    )
                    .bind(record.id.as_str())
                    .bind(key.secret_sha256.as_slice())
                    .bind(record.name)
                    .bind(joined(&record.roles, |role| role.as_str()))
                    .bind(record.approves_as.map(|approver| approver.to_string()))
                    .bind(joined(&record.scopes, Scope::as_str))
                    .bind(joined(&record.steps, StepKey::as_str))
                    .bind(record.created_at.unix_micros())
                    .bind(record.expires_at.map(Timestamp::unix_micros))
                    .bind(record.revoked_at.map(Timestamp::unix_micros))
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// The API key with this id, whether it is live or not.
    ///
    /// # Errors
    /// The record could not be read, or this key in it.
    pub(crate) async fn api_key(&self, id: &ApiKeyId) -> Result<Option<StoredApiKey>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let row = connection.query(COLUMNS_OF_ONE).bind(id.as_str()).fetch_optional(connection).await?;
        row.map(|row| stored_api_key(&row)).transpose()
    }

    /// Every API key, the oldest in front, those that were withdrawn too.
    ///
    /// # Errors
    /// The record could not be read, or a key in it.
    pub(crate) async fn api_keys(&self) -> Result<Vec<ApiKeyRecord>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let rows = connection.query(COLUMNS_OF_ALL).fetch_all(connection).await?;
        rows.iter().map(|row| stored_api_key(row).map(|key| key.record)).collect()
    }

    /// Withdraws an API key.
    ///
    /// # Errors
    /// Nothing was written; the key is as good as before.
    pub(crate) async fn revoke_api_key(
        &self,
        id: &ApiKeyId,
        now: Timestamp,
    ) -> Result<Revocation, StoreError> {
        let id = id.clone();
        self.write(Turn::House, move |connection| {
            Box::pin(async move {
                if revoke(connection, &id, now).await? {
                    return Ok(Revocation::Revoked);
                }
                let known = exists(connection, &id).await?;
                Ok(if known { Revocation::AlreadyRevoked } else { Revocation::Unknown })
            })
        })
        .await
    }
}

/// Withdraws a key that is not withdrawn; tells whether there was one.
async fn revoke(connection: &mut Connection<'_>, id: &ApiKeyId, now: Timestamp) -> Result<bool, StoreError> {
    let revoked: Option<i64> = connection
        .query(
            "UPDATE api_keys SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL RETURNING revoked_at",
        )
        .bind(now.unix_micros())
        .bind(id.as_str())
        .optional_value(connection)
        .await?;
    Ok(revoked.is_some())
}

async fn exists(connection: &mut Connection<'_>, id: &ApiKeyId) -> Result<bool, StoreError> {
    let found = connection
        .query("SELECT EXISTS (SELECT 1 FROM api_keys WHERE id = $1)")
        .bind(id.as_str())
        .value(connection)
        .await?;
    Ok(found)
}

/// A list in one column: no role, scope or step has a blank.
fn joined<T>(items: &[T], name: impl Fn(&T) -> &str) -> String {
    items.iter().map(name).collect::<Vec<_>>().join(" ")
}

fn stored_api_key(row: &Row) -> Result<StoredApiKey, StoreError> {
    let id: &str = row.try_get("id")?;
    let corrupt = |column| StoreError::corrupt("api_keys", column, id);
    let digest: &[u8] = row.try_get("secret_sha256")?;
    let approves_as: Option<&str> = row.try_get("approves_as")?;
    let maybe_at =
        |column: &str| row.try_get::<Option<i64>>(column).map(|at| at.map(Timestamp::from_unix_micros));
    Ok(StoredApiKey {
        secret_sha256: digest.try_into().map_err(|_| corrupt("secret_sha256"))?,
        record: ApiKeyRecord {
            id: ApiKeyId::new(id).map_err(|_| corrupt("id"))?,
            name: row.try_get("name")?,
            roles: parsed(row.try_get("roles")?, Role::parse).ok_or_else(|| corrupt("roles"))?,
            approves_as: approves_as
                .map(|text| Approver::parse(text).ok_or_else(|| corrupt("approves_as")))
                .transpose()?,
            scopes: parsed(row.try_get("scopes")?, |text| Scope::new(text).ok())
                .ok_or_else(|| corrupt("scopes"))?,
            steps: parsed(row.try_get("steps")?, |text| StepKey::new(text).ok())
                .ok_or_else(|| corrupt("steps"))?,
            created_at: Timestamp::from_unix_micros(row.try_get("created_at")?),
            expires_at: maybe_at("expires_at")?,
            revoked_at: maybe_at("revoked_at")?,
        },
    })
}

fn parsed<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    text.split_terminator(' ').map(parse).collect()
}
