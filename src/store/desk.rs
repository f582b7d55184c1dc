//! What the fraud desk says, and every action of it.
//!
//! An action is judged outside, against a revision of the desk, and carried out only while that is the last one: like a
//! decision, it never misses what somebody else did in between.

use std::time::Duration;

use sqlx::types::Json;

use super::Store;
use super::turn::Turn;
use crate::domain::{
    Actor, Desk, DeskAct, DeskAction, DeskActionFilter, DeskChange, DeskDeed, DeskEntry, DeskRevision,
    Effect, GivenReason, Left, ListName, Pause, Said, Scope, Timestamp,
};
use crate::store::StoreError;
use crate::store::connection::{Connection, Row, Sql, either};

/// How long entries and pauses are kept after their end: longer than any two clocks are apart and any call takes.
const ENDED_KEPT: Duration = Duration::from_secs(86_400);

/// What became of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeskOutcome {
    /// It was recorded; no verdict that does not know of it is recorded from now on. It made this revision.
    Done(DeskRevision),
    /// Somebody else acted since it was judged: nothing was done.
    Stale,
}

const REVISION: &str = "SELECT coalesce(max(revision), 0) FROM desk_actions";
const ENTRIES: &str =
    "SELECT list, value, effect, until, actor, reason, acted_at FROM desk_entries ORDER BY list, value";
const PAUSES: &str = "SELECT scope, until, actor, reason, acted_at FROM desk_pauses ORDER BY scope";

macro_rules! actions {
    ($each:literal) => {
        concat!(
            "SELECT revision, acted_at, actor, deed, subject, value, until, reason
               FROM desk_actions AS a
              WHERE ($1 IS NULL OR revision < $1)
                AND ($2 IS NULL
                     OR (value IS NOT NULL AND subject IN (SELECT e.value FROM ",
            $each,
            "($2) AS e))
                     OR (value IS NULL AND subject IN (SELECT e.value FROM ",
            $each,
            "($3) AS e)))
              ORDER BY revision DESC
              LIMIT $4"
        )
    };
}

const ACTIONS: Sql = either(actions!("json_each"), actions!("jsonb_array_elements_text"));

const PAUSE_BEHIND: &str = "
    SELECT revision, acted_at, actor, deed, subject, value, until, reason
      FROM desk_actions
     WHERE revision <= $1 AND deed = 'scope_pause' AND subject = $2
     ORDER BY revision DESC
     LIMIT 1";

impl Store {
    /// All that the desk says, of one moment.
    ///
    /// # Errors
    /// The record could not be read, or a row of it.
    pub(crate) async fn desk(&self) -> Result<Desk, StoreError> {
        self.snapshot(|connection| {
            Box::pin(async move {
                let revision = last_revision(connection).await?;
                let entries = connection.query(ENTRIES).fetch_all(connection).await?;
                let pauses = connection.query(PAUSES).fetch_all(connection).await?;
                Ok(Desk {
                    revision,
                    entries: entries.iter().map(entry).collect::<Result<_, _>>()?,
                    pauses: pauses.iter().map(pause).collect::<Result<_, _>>()?,
                })
            })
        })
        .await
    }

    /// The desk's last revision.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn desk_revision(&self) -> Result<DeskRevision, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        last_revision(connection).await
    }

    /// Carries an action out and records it, in one transaction; answers once that is on disk.
    ///
    /// # Errors
    /// Nothing was done.
    pub(crate) async fn act_at_desk(&self, change: DeskChange) -> Result<DeskOutcome, StoreError> {
        self.write(Turn::House, move |connection| {
            Box::pin(async move {
                let last = last_revision(connection).await?;
                if last != change.judged_at {
                    return Ok(DeskOutcome::Stale);
                }
                forget_ended(connection, change.act.said.at).await?;
                change_words(connection, &change).await?;
                insert_action(connection, last.next(), &change.act).await?;
                Ok(DeskOutcome::Done(last.next()))
            })
        })
        .await
    }

    /// Recorded actions, newest first.
    ///
    /// # Errors
    /// The record could not be read, or a row of it.
    pub(crate) async fn desk_actions(&self, filter: DeskActionFilter) -> Result<Vec<DeskAction>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let (lists, scopes) = filter.within.unzip();
        let lists =
            lists.map(|lists| Json(lists.iter().map(|list| list.as_str().to_owned()).collect::<Vec<_>>()));
        let scopes = scopes
            .map(|scopes| Json(scopes.iter().map(|scope| scope.as_str().to_owned()).collect::<Vec<_>>()));
        let rows = connection
            .query(ACTIONS)
            .bind(filter.before.map(number).transpose()?)
            .bind(lists)
            .bind(scopes)
            .bind(i64::from(filter.limit))
            .fetch_all(connection)
            .await?;
        rows.iter().map(action).collect()
    }

    /// The action by which a scope was paused at a revision of the desk.
    ///
    /// - returns: `None` when it was never paused until then.
    ///
    /// # Errors
    /// The record could not be read, or that row of it.
    pub(crate) async fn pause_behind(
        &self,
        scope: &Scope,
        at: DeskRevision,
    ) -> Result<Option<DeskAction>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let row = connection
            .query(PAUSE_BEHIND)
            .bind(number(at)?)
            .bind(scope.as_str())
            .fetch_optional(connection)
            .await?;
        row.as_ref().map(action).transpose()
    }
}

async fn last_revision(connection: &mut Connection<'_>) -> Result<DeskRevision, StoreError> {
    revision(connection.query(REVISION).value(connection).await?)
}

/// What ended long ago has no say any more; that it was there stands in the actions.
async fn forget_ended(connection: &mut Connection<'_>, now: Timestamp) -> Result<(), StoreError> {
    let long_ago = now.minus(ENDED_KEPT).unix_micros();
    for statement in ["DELETE FROM desk_entries WHERE until < $1", "DELETE FROM desk_pauses WHERE until < $1"]
    {
        connection.query(statement).bind(long_ago).execute(connection).await?;
    }
    Ok(())
}

async fn change_words(connection: &mut Connection<'_>, change: &DeskChange) -> Result<(), StoreError> {
    let act = &change.act;
    match (&act.deed, change.leaves) {
        (DeskDeed::Add(list, value), Left::Word) => {
            put_entry(connection, (list, value), Effect::Added, act).await
        }
        (DeskDeed::Remove(list, value), Left::Word) => {
            put_entry(connection, (list, value), Effect::Removed, act).await
        }
        (DeskDeed::Add(list, value) | DeskDeed::Remove(list, value), Left::Nothing) => {
            connection
                .query("DELETE FROM desk_entries WHERE list = $1 AND value = $2")
                .bind(list.as_str())
                .bind(&**value)
                .execute(connection)
                .await?;
            Ok(())
        }
        (DeskDeed::Pause(scope) | DeskDeed::Resume(scope), Left::Word) => {
            put_pause(connection, scope, act).await
        }
        (DeskDeed::Pause(scope) | DeskDeed::Resume(scope), Left::Nothing) => {
            connection
                .query("DELETE FROM desk_pauses WHERE scope = $1")
                .bind(scope.as_str())
                .execute(connection)
                .await?;
            Ok(())
        }
    }
}

async fn put_entry(
    connection: &mut Connection<'_>,
    (list, value): (&ListName, &str),
    effect: Effect,
    act: &DeskAct,
) -> Result<(), StoreError> {
    connection.query(
        "INSERT INTO desk_entries (list, value, effect, until, actor, reason, acted_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (list, value) DO UPDATE
            SET effect = excluded.effect, until = excluded.until, actor = excluded.actor, reason = excluded.reason,
                acted_at = excluded.acted_at",
    )
    .bind(list.as_str())
    .bind(value)
    .bind(effect.as_str())
    .bind(act.until.map(Timestamp::unix_micros))
    .bind(act.said.by.to_string())
    .bind(act.said.reason.as_str())
    .bind(act.said.at.unix_micros())
    .execute(connection)
    .await?;
    Ok(())
}

async fn put_pause(connection: &mut Connection<'_>, scope: &Scope, act: &DeskAct) -> Result<(), StoreError> {
    connection
        .query(
            "INSERT INTO desk_pauses (scope, until, actor, reason, acted_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (scope) DO UPDATE
            SET until = excluded.until, actor = excluded.actor, reason = excluded.reason,
                acted_at = excluded.acted_at",
        )
        .bind(scope.as_str())
        .bind(act.until.map(Timestamp::unix_micros))
        .bind(act.said.by.to_string())
        .bind(act.said.reason.as_str())
        .bind(act.said.at.unix_micros())
        .execute(connection)
        .await?;
    Ok(())
}

async fn insert_action(
    connection: &mut Connection<'_>,
    revision: DeskRevision,
    act: &DeskAct,
) -> Result<(), StoreError> {
    connection
        .query(
            "INSERT INTO desk_actions (revision, acted_at, actor, deed, subject, value, until, reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(number(revision)?)
        .bind(act.said.at.unix_micros())
        .bind(act.said.by.to_string())
        .bind(act.deed.as_str())
        .bind(act.deed.subject())
        .bind(act.deed.value())
        .bind(act.until.map(Timestamp::unix_micros))
        .bind(act.said.reason.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

/// A stored revision.
///
/// # Errors
/// [`StoreError::Corrupt`] for one that cannot be.
pub(super) fn revision(number: i64) -> Result<DeskRevision, StoreError> {
    let number = u64::try_from(number);
    number.map(DeskRevision::new).map_err(|_| StoreError::corrupt("desk_actions", "revision", "?"))
}

/// A revision as it is stored.
///
/// # Errors
/// [`StoreError::Corrupt`] for one that no store ever had.
pub(super) fn number(revision: DeskRevision) -> Result<i64, StoreError> {
    i64::try_from(revision.get()).map_err(|_| StoreError::corrupt("desk_actions", "revision", "?"))
}

/// The columns that every row of the desk has. An entry may be personal, so a row that cannot be read is named by its list.
fn said(row: &Row, (table, id): (&'static str, &str)) -> Result<Said, StoreError> {
    let reason = GivenReason::new(row.try_get("reason")?);
    Ok(Said {
        by: Actor::parse(row.try_get("actor")?).ok_or_else(|| StoreError::corrupt(table, "actor", id))?,
        reason: reason.map_err(|_| StoreError::corrupt(table, "reason", id))?,
        at: Timestamp::from_unix_micros(row.try_get("acted_at")?),
    })
}

fn until(row: &Row) -> Result<Option<Timestamp>, StoreError> {
    Ok(row.try_get::<Option<i64>>("until")?.map(Timestamp::from_unix_micros))
}

fn entry(row: &Row) -> Result<DeskEntry, StoreError> {
    const TABLE: &str = "desk_entries";
    let list: &str = row.try_get("list")?;
    let effect = Effect::parse(row.try_get("effect")?);
    Ok(DeskEntry {
        list: ListName::new(list).map_err(|_| StoreError::corrupt(TABLE, "list", "?"))?,
        value: row.try_get::<&str>("value")?.into(),
        effect: effect.ok_or_else(|| StoreError::corrupt(TABLE, "effect", list))?,
        until: until(row)?,
        said: said(row, (TABLE, list))?,
    })
}

fn pause(row: &Row) -> Result<Pause, StoreError> {
    const TABLE: &str = "desk_pauses";
    let scope: &str = row.try_get("scope")?;
    Ok(Pause {
        scope: Scope::new(scope).map_err(|_| StoreError::corrupt(TABLE, "scope", "?"))?,
        until: until(row)?,
        said: said(row, (TABLE, scope))?,
    })
}

fn action(row: &Row) -> Result<DeskAction, StoreError> {
    const TABLE: &str = "desk_actions";
    let number: i64 = row.try_get("revision")?;
    let id = number.to_string();
    let (deed, subject): (&str, &str) = (row.try_get("deed")?, row.try_get("subject")?);
    let value: Option<&str> = row.try_get("value")?;
    let deed = DeskDeed::from_stored(deed, subject, value)
        .ok_or_else(|| StoreError::corrupt(TABLE, "deed", &*id))?;
    Ok(DeskAction {
        revision: revision(number)?,
        act: DeskAct { deed, until: until(row)?, said: said(row, (TABLE, &id))? },
    })
}
