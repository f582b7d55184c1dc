//! Prelude's keys, and the signatures that are remembered for them.
//!
//! A signature may be forgotten once its key is believed by nobody. A process believes a key set for a day after it was confirmed,
//! so a key that was gone from all confirmed sets for longer is believed no more, unless it comes back. First it is retired, which
//! every process knows within seconds and which nobody takes back; a day later its signatures go.

use std::time::Duration;

use sqlx::types::Json;

use super::{Retiring, TURN, mark};
use crate::domain::{Kid, PreludeKey, Thumbprint, Timestamp};
use crate::store::connection::{Connection, Row, Sql, either};
use crate::store::{Store, StoreError};

/// How many hashes are looked at in one step: neighbours, which share pages.
const HASHES: i64 = 1_000;

/// How long after a key was retired its signatures go.
const RETIRED_FOR: Duration = Duration::from_hours(24);

/// What is known only by its name gets its thumbprint with the first set that has the name.
const RECOGNISE: &str = "
    UPDATE prelude_keys SET thumbprint = $2
     WHERE kid = $1 AND length(thumbprint) = 0 AND retired_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM prelude_keys AS known WHERE known.kid = $1 AND known.thumbprint = $2)";

const SEEN: &str = "
    INSERT INTO prelude_keys (kid, thumbprint, first_seen_at, last_seen_at) VALUES ($1, $2, $3, $3)
    ON CONFLICT (kid, thumbprint) DO UPDATE
       SET last_seen_at = CASE WHEN prelude_keys.last_seen_at > excluded.last_seen_at THEN prelude_keys.last_seen_at
                               ELSE excluded.last_seen_at END,
           gone_since = CASE WHEN prelude_keys.gone_since > excluded.last_seen_at THEN prelude_keys.gone_since END";

/// What every key of a set that was confirmed at `$1` was seen at, and no other.
const GONE: &str = "UPDATE prelude_keys SET gone_since = $1 WHERE gone_since IS NULL AND last_seen_at < $1";

const RETIRE: &str = "
    UPDATE prelude_keys SET retired_at = $1 WHERE gone_since < $2 AND retired_at IS NULL RETURNING kid";

const RETIRED: &str = "SELECT kid, thumbprint FROM prelude_keys WHERE retired_at IS NOT NULL";

/// Names that no key has any more whose signatures are still needed.
const FORGETTABLE: &str = "
    SELECT kid FROM prelude_keys
     GROUP BY kid
    HAVING count(*) = count(retired_at) AND max(retired_at) < $1 AND count(*) > count(cleaned_at)";

const STRETCH_END: &str = "SELECT hash FROM signatures WHERE hash > $1 ORDER BY hash LIMIT 1 OFFSET $2";

macro_rules! forget {
    ($each:literal) => {
        concat!(
            "DELETE FROM signatures WHERE hash > $1 AND ($2 IS NULL OR hash <= $2) AND kid IN (SELECT value FROM ",
            $each,
            "($3))"
        )
    };
}
const FORGET: Sql = either(forget!("json_each"), forget!("jsonb_array_elements_text"));

const CLEANED: Sql = either(
    "UPDATE prelude_keys SET cleaned_at = $2 WHERE kid IN (SELECT value FROM json_each($1)) AND cleaned_at IS NULL",
    "UPDATE prelude_keys SET cleaned_at = $2 WHERE kid IN (SELECT value FROM jsonb_array_elements_text($1)) AND cleaned_at IS NULL",
);

impl Store {
    /// Retires keys that were gone for long enough: they are not believed any more, whoever says them.
    ///
    /// - `retiring`: `before` is the moment before which they must have been gone.
    ///
    /// # Errors
    /// None was retired.
    pub(crate) async fn retire_prelude_keys(&self, retiring: Retiring) -> Result<Vec<Kid>, StoreError> {
        self.write(TURN, move |connection| {
            Box::pin(async move {
                let retire = connection.query(RETIRE).bind(retiring.now.unix_micros());
                let rows = retire.bind(retiring.before.unix_micros()).fetch_all(connection).await?;
                rows.iter().map(kid).collect()
            })
        })
        .await
    }

    /// The keys that are not believed any more.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn retired_prelude_keys(&self) -> Result<Vec<PreludeKey>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let rows = connection.query(RETIRED).fetch_all(connection).await?;
        let key = |row: &Row| {
            let thumbprint: &[u8] = row.try_get("thumbprint")?;
            Ok(PreludeKey { kid: kid(row)?, thumbprint: thumbprint.try_into().ok().map(Thumbprint) })
        };
        rows.iter().map(key).collect()
    }

    /// The names whose signatures can be forgotten: all their keys were retired a day ago.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn forgettable_kids(&self, now: Timestamp) -> Result<Vec<Kid>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let before = now.minus(RETIRED_FOR).unix_micros();
        let rows = connection.query(FORGETTABLE).bind(before).fetch_all(connection).await?;
        rows.iter().map(kid).collect()
    }

    /// Forgets signatures of keys with these names, in a stretch of hashes.
    ///
    /// - `after`: the hash at which the stretch before ended; empty for the first.
    /// - returns: where this one ended, none for the last stretch, and how many were forgotten.
    ///
    /// # Errors
    /// Nothing of the step was done.
    pub(crate) async fn forget_signatures(
        &self,
        kids: &[Kid],
        retiring: Retiring,
        after: Vec<u8>,
    ) -> Result<(Option<Vec<u8>>, u64), StoreError> {
        let kids: Vec<String> = kids.iter().map(ToString::to_string).collect();
        self.write(TURN, move |connection| {
            Box::pin(async move {
                let end: Option<Vec<u8>> = connection
                    .query(STRETCH_END)
                    .bind(after.as_slice())
                    .bind(HASHES - 1)
                    .optional_value(connection)
                    .await?;
                let forgotten = connection
                    .query(FORGET)
                    .bind(after.as_slice())
                    .bind(end.as_deref())
                    .bind(Json(kids))
                    .execute(connection)
                    .await?;
                if forgotten > 0 {
                    mark(connection, "signatures", &retiring).await?;
                }
                Ok((end, forgotten))
            })
        })
        .await
    }

    /// Notes that a walk through all signatures found none of these names.
    ///
    /// # Errors
    /// It was not noted: they are looked for again.
    pub(crate) async fn note_forgotten(&self, kids: &[Kid], now: Timestamp) -> Result<(), StoreError> {
        let kids: Vec<String> = kids.iter().map(ToString::to_string).collect();
        self.write(TURN, move |connection| {
            Box::pin(async move {
                let note = connection.query(CLEANED).bind(Json(kids)).bind(now.unix_micros());
                note.execute(connection).await.map(drop)
            })
        })
        .await
    }
}

/// Notes which keys a confirmed set had.
///
/// - `is_newest`: whether no set was confirmed later: then every other key is gone.
///
/// # Errors
/// The transaction must be given up.
pub(in crate::store) async fn note_keys(
    connection: &mut Connection<'_>,
    keys: &[(Kid, Thumbprint)],
    (confirmed_at, is_newest): (Timestamp, bool),
) -> Result<(), StoreError> {
    for (kid, Thumbprint(thumbprint)) in keys {
        for statement in [RECOGNISE, SEEN] {
            let query = connection.query(statement).bind(kid.as_str()).bind(thumbprint.as_slice());
            let query = if statement == SEEN { query.bind(confirmed_at.unix_micros()) } else { query };
            query.execute(connection).await?;
        }
    }
    if is_newest && !keys.is_empty() {
        connection.query(GONE).bind(confirmed_at.unix_micros()).execute(connection).await?;
    }
    Ok(())
}

fn kid(row: &Row) -> Result<Kid, StoreError> {
    Kid::new(row.try_get("kid")?).map_err(|_| StoreError::corrupt("prelude_keys", "kid", "?"))
}
