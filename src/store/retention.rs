//! What has had its time goes: a bounded step at a time, oldest first, each in a transaction of its own.
//!
//! A walk goes through a table from its front, stretch by stretch, and ends where a stretch has nothing that is old. What stays
//! although it is old (users on hold, what is still of use) is passed over each time. One step at a time, whichever process takes
//! it; on PostgreSQL only the second role may (`ops/postgres-grants.sql`).

mod decisions;
mod holds;
mod plain;
mod signatures;
mod verifications;

use sqlx::types::Json;

pub(crate) use decisions::Seal;
pub(crate) use plain::Plain;
pub(super) use signatures::note_keys;

use super::connection::{Connection, Row, Sql};
use super::turn::Turn;
use super::{Store, StoreError};
use crate::domain::Timestamp;

/// How many rows a step deletes at most: at most 1 MiB of SQLite's log, like a slice of filing.
const ROWS: i64 = 256;

/// Whose step it is.
const TURN: Turn = Turn::Task("doorstep retains");

/// Takes the turn, unless somebody took it less than so long ago; a turn that was taken in the future is none.
const TAKE_TURN: &str = "UPDATE retention_turn SET begun_at = $1 WHERE begun_at <= $2 OR begun_at > $1";

const IS_DUE: &str = "SELECT EXISTS (SELECT 1 FROM retention_turn WHERE begun_at <= $2 OR begun_at > $1)";

/// Says once what may be gone from now on. A later moment says more than an earlier one.
const MARK: &str = "
    INSERT INTO retention_marks (what, before, left_at, actor)
    SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT 1 FROM retention_marks WHERE what = $1 AND before >= $2)";

/// What is deleted, by whom, and when.
#[derive(Debug, Clone)]
pub(crate) struct Retiring {
    /// Everything before this moment.
    pub(crate) before: Timestamp,
    /// The moment itself.
    pub(crate) now: Timestamp,
    /// Who does it.
    pub(crate) actor: Box<str>,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// Where the next step goes on.
    pub(crate) through: i64,
    /// How many rows went.
    pub(crate) deleted: u64,
    /// Whether anything old may stand behind it.
    pub(crate) goes_on: bool,
}

impl Store {
    /// Whether nobody took the turn since `not_since`.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn retention_is_due(
        &self,
        now: Timestamp,
        not_since: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let is_due = connection.query(IS_DUE).bind(now.unix_micros()).bind(not_since.unix_micros());
        is_due.value(connection).await
    }

    /// Takes the turn to look for what has had its time, unless somebody took it since `not_since`.
    ///
    /// # Errors
    /// The record could not be written; nobody took it.
    pub(crate) async fn take_retention_turn(
        &self,
        now: Timestamp,
        not_since: Timestamp,
    ) -> Result<bool, StoreError> {
        let taking = self.write(Turn::Anyone, move |connection| {
            Box::pin(async move {
                let take = connection.query(TAKE_TURN).bind(now.unix_micros());
                take.bind(not_since.unix_micros()).execute(connection).await
            })
        });
        Ok(taking.await? == 1)
    }
}

/// Notes what a step deleted.
///
/// # Errors
/// The transaction must be given up.
async fn mark(
    connection: &mut Connection<'_>,
    what: &'static str,
    retiring: &Retiring,
) -> Result<(), StoreError> {
    connection
        .query(MARK)
        .bind(what)
        .bind(retiring.before.unix_micros())
        .bind(retiring.now.unix_micros())
        .bind(&*retiring.actor)
        .execute(connection)
        .await?;
    Ok(())
}

/// A stretch as it was found: where it ends, which rows go, and whether any is old.
struct Found {
    through: Option<i64>,
    doomed: Vec<i64>,
    is_any_old: bool,
}

impl Found {
    /// - `rows`: each with `place`, `is_old` and `is_doomed`, in the order of places.
    fn of(rows: &[Row]) -> Result<Self, StoreError> {
        let mut found = Self { through: None, doomed: Vec::new(), is_any_old: false };
        for row in rows {
            let place = row.try_get("place")?;
            found.through = Some(place);
            found.is_any_old |= row.try_get::<bool>("is_old")?;
            if row.try_get("is_doomed")? {
                found.doomed.push(place);
            }
        }
        Ok(found)
    }

    fn stretch(&self, after: i64, deleted: u64) -> Stretch {
        Stretch { through: self.through.unwrap_or(after), deleted, goes_on: self.is_any_old }
    }
}

/// Deletes rows by their places, and what goes with them before.
///
/// - returns: how many rows the last statement deleted.
///
/// # Errors
/// The transaction must be given up.
async fn delete(
    connection: &mut Connection<'_>,
    statements: &[Sql],
    places: &[i64],
) -> Result<u64, StoreError> {
    let mut deleted = 0;
    for statement in statements {
        deleted = connection.query(*statement).bind(Json(places)).execute(connection).await?;
    }
    Ok(deleted)
}

/// A statement with the places that it is about, given as `$1`.
macro_rules! by_places {
    ($before:literal, $after:literal) => {
        $crate::store::connection::either(
            concat!($before, "(SELECT value FROM json_each($1))", $after),
            concat!($before, "(SELECT value::bigint FROM jsonb_array_elements_text($1))", $after),
        )
    };
    ($before:literal) => {
        by_places!($before, "")
    };
}
use by_places;

/// Whether somebody must not be forgotten at `$4`, by the column with the user's id.
macro_rules! is_held {
    ($user_id:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM user_holds AS h WHERE h.user_id = ",
            $user_id,
            " AND h.released_at IS NULL AND (h.until IS NULL OR h.until > $4))"
        )
    };
}
use is_held;
