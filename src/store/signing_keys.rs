//! Our signing keys at rest: times and sealed private keys, and every action upon them.
//!
//! An action is judged outside, against a revision of the keys, and carried out only while that is the last one: of
//! several processes that want to make the next key, one does.

use super::Store;
use super::turn::Turn;
use crate::domain::{
    Actor, KeyAct, KeyAction, KeyChange, KeyDeed, KeyLedger, KeyOutcome, KeyRevision, Kid, ResealedSecret,
    SealedSecret, SigningKeyRecord, Timestamp,
};
use crate::store::StoreError;
use crate::store::connection::{Connection, Row};

const REVISION: &str = "SELECT coalesce(max(revision), 0) FROM key_actions";
const KEYS: &str = "
    SELECT kid, modulus, exponent, bits, sealed_private_key,
           publish_at, activate_at, retire_at, revoked_at, created_at
      FROM signing_keys ORDER BY activate_at, kid";

impl Store {
    /// Keeps the very first signing key, and records that it was made.
    ///
    /// - returns: whether it was kept; `false` means that there are keys already. Of several processes that start at
    ///   once, exactly one is told `true`.
    ///
    /// # Errors
    /// Nothing was written.
    pub(crate) async fn insert_first_signing_key(&self, key: SigningKeyRecord) -> Result<bool, StoreError> {
        self.write(Turn::House, move |connection| {
            Box::pin(async move {
                let none = "SELECT NOT EXISTS (SELECT 1 FROM signing_keys)";
                if !connection.query(none).value::<bool>(connection).await? {
                    return Ok(false);
                }
                put_key(connection, &key).await?;
                let last = last_revision(connection).await?;
                let act = KeyAct { deed: KeyDeed::Rotate, kid: Some(key.kid), at: key.created_at, by: None };
                insert_action(connection, last.next(), &act).await?;
                Ok(true)
            })
        })
        .await
    }

    /// Every signing key, the one that activates first in front.
    ///
    /// # Errors
    /// The record could not be read, or a key in it.
    pub(crate) async fn signing_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        connection.query(KEYS).fetch_all(connection).await?.iter().map(signing_key).collect()
    }

    /// Every signing key with the revision that this is, of one moment.
    ///
    /// # Errors
    /// The record could not be read, or a key in it.
    pub(crate) async fn key_ledger(&self) -> Result<KeyLedger, StoreError> {
        self.snapshot(|connection| {
            Box::pin(async move {
                let revision = last_revision(connection).await?;
                let keys = connection.query(KEYS).fetch_all(connection).await?;
                Ok(KeyLedger { revision, keys: keys.iter().map(signing_key).collect::<Result<_, _>>()? })
            })
        })
        .await
    }

    /// The keys' last revision: cheap enough to be asked every second.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn key_revision(&self) -> Result<KeyRevision, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        last_revision(connection).await
    }

    /// Carries a change of keys out and records it, in one transaction; answers once that is on disk.
    ///
    /// # Errors
    /// Nothing was changed.
    pub(crate) async fn change_keys(&self, change: KeyChange) -> Result<KeyOutcome, StoreError> {
        self.write(Turn::House, move |connection| {
            Box::pin(async move {
                let last = last_revision(connection).await?;
                let secrets = change.secrets.as_deref();
                if last != change.judged_at || !are_all_secrets(connection, secrets).await? {
                    return Ok(KeyOutcome::Stale);
                }
                for row in &change.rows {
                    put_key(connection, row).await?;
                }
                for secret in secrets.into_iter().flatten() {
                    put_secret(connection, secret).await?;
                }
                insert_action(connection, last.next(), &change.act).await?;
                Ok(KeyOutcome::Done)
            })
        })
        .await
    }

    /// What was done to keys, newest first.
    ///
    /// # Errors
    /// The record could not be read, or a row of it.
    pub(crate) async fn key_actions(&self, limit: u32) -> Result<Vec<KeyAction>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let rows = connection.query(
            "SELECT revision, acted_at, actor, deed, kid FROM key_actions ORDER BY revision DESC LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(connection)
        .await?;
        rows.iter().map(action).collect()
    }

    /// How many tokens of a key have not ended. It looks through all tokens: for emergencies.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn tokens_in_flight(&self, kid: &Kid, now: Timestamp) -> Result<u64, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let count: i64 = connection
            .query("SELECT count(*) FROM verification_tokens WHERE kid = $1 AND expires_at > $2")
            .bind(kid.as_str())
            .bind(now.unix_micros())
            .value(connection)
            .await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Every sealed secret, by name.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn secrets(&self) -> Result<Vec<SealedSecret>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        sealed_secrets(connection).await
    }
}

async fn sealed_secrets(connection: &mut Connection<'_>) -> Result<Vec<SealedSecret>, StoreError> {
    let rows =
        connection.query("SELECT name, sealed FROM secrets ORDER BY name").fetch_all(connection).await?;
    let secret = |row: &Row| Ok(SealedSecret { name: row.try_get("name")?, sealed: row.try_get("sealed")? });
    rows.iter().map(secret).collect()
}

/// Whether the secrets are exactly those that were sealed anew, if any were.
async fn are_all_secrets(
    connection: &mut Connection<'_>,
    secrets: Option<&[ResealedSecret]>,
) -> Result<bool, StoreError> {
    let Some(secrets) = secrets else { return Ok(true) };
    let stored = sealed_secrets(connection).await?;
    Ok(stored.iter().eq(secrets.iter().map(|secret| &secret.before)))
}

async fn put_secret(connection: &mut Connection<'_>, secret: &ResealedSecret) -> Result<(), StoreError> {
    connection
        .query("UPDATE secrets SET sealed = $1 WHERE name = $2")
        .bind(&*secret.sealed)
        .bind(&*secret.before.name)
        .execute(connection)
        .await?;
    Ok(())
}

/// Adds a key, or gives a known one other times and another seal. Its public half never changes.
async fn put_key(connection: &mut Connection<'_>, key: &SigningKeyRecord) -> Result<(), StoreError> {
    connection
        .query(
            "INSERT INTO signing_keys (kid, modulus, exponent, bits, sealed_private_key,
                publish_at, activate_at, retire_at, revoked_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (kid) DO UPDATE
            SET sealed_private_key = excluded.sealed_private_key, publish_at = excluded.publish_at,
                activate_at = excluded.activate_at, retire_at = excluded.retire_at,
                revoked_at = excluded.revoked_at",
        )
        .bind(key.kid.as_str())
        .bind(&*key.modulus)
        .bind(&*key.exponent)
        .bind(i64::from(key.bits))
        .bind(&*key.sealed_private_key)
        .bind(key.publish_at.unix_micros())
        .bind(key.activate_at.unix_micros())
        .bind(key.retire_at.map(Timestamp::unix_micros))
        .bind(key.revoked_at.map(Timestamp::unix_micros))
        .bind(key.created_at.unix_micros())
        .execute(connection)
        .await?;
    Ok(())
}

async fn insert_action(
    connection: &mut Connection<'_>,
    revision: KeyRevision,
    act: &KeyAct,
) -> Result<(), StoreError> {
    connection
        .query("INSERT INTO key_actions (revision, acted_at, actor, deed, kid) VALUES ($1, $2, $3, $4, $5)")
        .bind(i64::from(revision.get()))
        .bind(act.at.unix_micros())
        .bind(act.by.as_ref().map(ToString::to_string))
        .bind(act.deed.as_str())
        .bind(act.kid.as_ref().map(Kid::as_str))
        .execute(connection)
        .await?;
    Ok(())
}

async fn last_revision(connection: &mut Connection<'_>) -> Result<KeyRevision, StoreError> {
    revision(connection.query(REVISION).value(connection).await?)
}

fn revision(number: i64) -> Result<KeyRevision, StoreError> {
    let number = u32::try_from(number);
    number.map(KeyRevision::new).map_err(|_| StoreError::corrupt("key_actions", "revision", "?"))
}

fn action(row: &Row) -> Result<KeyAction, StoreError> {
    const TABLE: &str = "key_actions";
    let number: i64 = row.try_get("revision")?;
    let corrupt = |column| StoreError::corrupt(TABLE, column, number.to_string());
    let actor: Option<&str> = row.try_get("actor")?;
    let kid: Option<&str> = row.try_get("kid")?;
    Ok(KeyAction {
        revision: revision(number)?,
        act: KeyAct {
            deed: KeyDeed::parse(row.try_get("deed")?).ok_or_else(|| corrupt("deed"))?,
            kid: kid.map(Kid::new).transpose().map_err(|_| corrupt("kid"))?,
            at: Timestamp::from_unix_micros(row.try_get("acted_at")?),
            by: actor.map(|text| Actor::parse(text).ok_or_else(|| corrupt("actor"))).transpose()?,
        },
    })
}

fn signing_key(row: &Row) -> Result<SigningKeyRecord, StoreError> {
    let kid: &str = row.try_get("kid")?;
    let at = |column: &str| row.try_get(column).map(Timestamp::from_unix_micros);
    let maybe_at =
        |column: &str| row.try_get::<Option<i64>>(column).map(|at| at.map(Timestamp::from_unix_micros));
    Ok(SigningKeyRecord {
        kid: Kid::new(kid).map_err(|_| StoreError::corrupt("signing_keys", "kid", kid))?,
        modulus: row.try_get("modulus")?,
        exponent: row.try_get("exponent")?,
        bits: row.number("bits").map_err(|_| StoreError::corrupt("signing_keys", "bits", kid))?,
        sealed_private_key: row.try_get("sealed_private_key")?,
        publish_at: at("publish_at")?,
        activate_at: at("activate_at")?,
        retire_at: maybe_at("retire_at")?,
        revoked_at: maybe_at("revoked_at")?,
        created_at: at("created_at")?,
    })
}
