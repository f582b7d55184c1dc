//! A look at the past of some subjects: what is held in memory, and two statements that find the rest.
//!
//! A batch of decisions asks them in one go with its own look-up, so that it waits for SQLite's thread once; a dry run asks them by
//! themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Either, Executor as _};

use super::Known;
use super::batch::add;
use crate::domain::PastEvent;
use crate::store::connection::{Connection, Row};
use crate::store::past::{Found, Wanted, events_limit, read_calls};
use crate::store::places::Executed;
use crate::store::segments::{KnownSegments, SharedSegments};
use crate::store::{StoreError, traits};

/// The calls about somebody, given as an expression for when each was executed, and the segments that are not known. What another process
/// recorded since, and nobody filed yet, may be about anybody.
///
/// Single calls come first: what moves into a segment in between is found in both. With a bare `LIMIT ?` SQLite would prepare the
/// statement anew for each batch, since its plan may depend on the number.
macro_rules! past {
    ($redeemed_at:literal) => {
        concat!(
            "SELECT seq, received_at, scope, verdict, usable_until, traits, ",
            $redeemed_at,
            " AS redeemed_at
               FROM decisions AS d
              WHERE seq IN (
                        SELECT decision_seq FROM decision_subjects
                         WHERE subject IN (SELECT unhex(value) FROM json_each(?)) AND received_at >= ?
                        UNION
                        SELECT value FROM json_each(?)
                        UNION
                        SELECT seq FROM decisions WHERE seq > (SELECT max(?, filed_through) FROM filing))
              LIMIT (SELECT ?);
             SELECT subject, segment, packed
               FROM past_segments
              WHERE subject IN (SELECT unhex(value) FROM json_each(?)) AND last_at >= ?
                AND segment NOT IN (SELECT value FROM json_each(?))"
        )
    };
}

const PAST: &str = past!("NULL");
const PAST_AND_EXECUTIONS: &str =
    past!("(SELECT r.redeemed_at FROM redemptions AS r WHERE r.decision_id = d.id)");

/// How many values the two statements have.
pub(super) const PAST_VALUES: usize = 8;

/// The two statements.
pub(in crate::store) const fn statements(executions: Executed) -> &'static str {
    match executions {
        Executed::Told => PAST_AND_EXECUTIONS,
        Executed::NotTold => PAST,
    }
}

/// Rows, by the statement that gave them.
pub(super) type Parts = Vec<Vec<SqliteRow>>;

/// Asks several statements in one go.
///
/// # Errors
/// The record could not be read.
pub(super) async fn in_one_go(
    connection: &mut SqliteConnection,
    (statement, values): (AssertSqlSafe<Arc<str>>, SqliteArguments),
) -> Result<Parts, StoreError> {
    patiently(async {
        let mut results = connection.fetch_many(sqlx::query_with(statement, values));
        let mut parts = vec![Vec::new()];
        while let Some(result) = results.try_next().await? {
            match (result, parts.last_mut()) {
                (Either::Right(row), Some(part)) => part.push(row),
                _ => parts.push(Vec::new()),
            }
        }
        Ok(parts)
    })
    .await
}

/// Waits for several answers of SQLite's thread without taking each from its hands.
///
/// That thread wakes whoever waits at the first answer, with the queue of answers still locked. Where both share a core, the one that was
/// woken would find the lock taken, sleep, be woken again, and so at the second answer: some twenty switches of threads a batch, which
/// take a twentieth of a call's time. So it gives the core back once it is woken; when it is its turn again, most answers are there. Where each
/// has a core of its own, there is nobody to give it to and this does nothing.
pub(super) async fn patiently<T>(asking: impl Future<Output = T>) -> T {
    let mut asking = pin!(asking);
    let mut was_asked = false;
    poll_fn(|context| {
        if was_asked {
            std::thread::yield_now();
        }
        was_asked = true;
        asking.as_mut().poll(context)
    })
    .await
}

/// What is wanted, what of it is held, and what the statements need to know to find the rest.
pub(super) struct Look<'w, 'k> {
    wanted: &'w Wanted<'k>,
    held: BTreeMap<i64, Arc<PastEvent>>,
    unfiled: BTreeSet<i64>,
    last_seq: i64,
    segments: &'w SharedSegments,
    known: KnownSegments,
}

impl<'w, 'k> Look<'w, 'k> {
    /// Begins a look. The tail is read before the tables: what moves in between is in both.
    ///
    /// What is held of a call does not tell whether it was executed since: where that matters, it is read.
    pub(super) fn begin(known: &'w Known, wanted: &'w Wanted<'k>) -> Self {
        let (mut held, mut unfiled) = (BTreeMap::new(), BTreeSet::new());
        let tail = known.tail.read();
        for seq in wanted.keys.iter().flat_map(|key| tail.calls_about(key, wanted.back_to)) {
            match tail.event(seq) {
                Some(event) if wanted.executions == Executed::NotTold => {
                    held.insert(seq, Arc::clone(event));
                }
                _ => drop(unfiled.insert(seq)),
            }
        }
        let (last_seq, segments) = (tail.last_seq(), &known.segments);
        Self { wanted, held, unfiled, last_seq, segments, known: segments.known(&wanted.keys) }
    }

    /// Gives the statements their values.
    ///
    /// # Errors
    /// A value cannot be encoded.
    pub(super) fn add_values(&self, values: &mut SqliteArguments) -> Result<(), StoreError> {
        let keys: Vec<_> = self.wanted.keys.iter().map(|key| traits::hexadecimal(key)).collect();
        let back_to = self.wanted.back_to.unix_micros();
        add(values, Json(&keys))?;
        add(values, back_to)?;
        add(values, Json(&self.unfiled))?;
        add(values, self.last_seq)?;
        add(values, events_limit())?;
        add(values, Json(&keys))?;
        add(values, back_to)?;
        add(values, Json(self.known.numbers()))
    }

    /// Puts what is held and the rows of the two statements together.
    ///
    /// # Errors
    /// [`StoreError::TooMuchPast`] or [`StoreError::Corrupt`].
    pub(super) fn end(
        self,
        (calls, segments): (Vec<SqliteRow>, Vec<SqliteRow>),
    ) -> Result<Found<'k>, StoreError> {
        let mut single = read_calls(calls.into_iter().map(Row::Sqlite))?;
        // While it is being filed, a call is in a table, too.
        single.retain(|(seq, _)| !self.held.contains_key(seq));
        single.extend(self.held);
        let segments: Vec<_> = segments.into_iter().map(Row::Sqlite).collect();
        Ok((single, self.segments.read((&self.wanted.keys, self.wanted.back_to), self.known, &segments)?))
    }
}

/// # Errors
/// [`StoreError::TooMuchPast`], or the record could not be read.
pub(in crate::store) async fn calls<'k>(
    connection: &mut Connection<'_>,
    known: &Known,
    wanted: &Wanted<'k>,
) -> Result<Found<'k>, StoreError> {
    let Connection::Sqlite(connection) = connection else { return Err(StoreError::OtherEngine) };
    let look = Look::begin(known, wanted);
    let mut values = SqliteArguments::default();
    look.add_values(&mut values)?;
    let parts = in_one_go(connection, (AssertSqlSafe(statements(wanted.executions).into()), values)).await?;
    let mut parts = parts.into_iter();
    look.end((parts.next().unwrap_or_default(), parts.next().unwrap_or_default()))
}
