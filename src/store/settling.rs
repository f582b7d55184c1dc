//! Moving what can no longer change of a subject's past into segments: see [`super::segments`].

use std::time::Duration;

use sqlx::types::Json;

use super::connection::{Connection, Sql, either};
use super::filed::About;
use super::past::Placed;
use super::segments::{Segment, pack, unpack};
use super::turn::Turn;
use super::{Store, StoreError, filed, past, traits};
use crate::domain::{PastCall, PastEvent, SubjectKey, Timestamp};

/// From how many calls on it is worth moving them.
pub(super) const WORTH_MOVING: usize = 16;

/// How many are moved at a time.
const STEP_CALLS: usize = 256;

/// A segment of so many calls is not written anew any more.
const FULL_CALLS: usize = 256;

/// How long a grant must have ended: clocks differ, and whoever redeems goes by another one.
const SETTLED_AFTER: Duration = Duration::from_mins(10);

/// Calls of a subject of which nothing changes any more, the oldest first. What SQLite has not filed through may be filed again.
macro_rules! settled {
    ($filed:literal) => {
        concat!(
            "SELECT d.seq, d.received_at, d.scope, d.verdict, d.usable_until, d.traits,
                    (SELECT r.redeemed_at FROM redemptions AS r WHERE r.decision_id = d.id) AS redeemed_at
               FROM decision_subjects AS s JOIN decisions AS d ON d.seq = s.decision_seq
              WHERE s.subject = $1 AND (d.usable_until IS NULL OR d.usable_until < $2)",
            $filed,
            " ORDER BY s.received_at, s.decision_seq LIMIT $3"
        )
    };
}

const SETTLED: Sql = either(settled!(" AND d.seq <= (SELECT filed_through FROM filing)"), settled!(""));

/// A subject's segments among which some of these calls may be already, and those that are not full.
const BESIDE: &str = "
    SELECT segment, calls, packed FROM past_segments
     WHERE subject = $1 AND (calls < $2 OR (last_seq >= $3 AND first_seq <= $4))";

const INSERT: &str = "
    INSERT INTO past_segments (subject, calls, first_seq, last_seq, last_at, packed) VALUES ($1, $2, $3, $4, $5, $6)";

macro_rules! let_go {
    ($places:literal) => {
        concat!(
            "DELETE FROM decision_subjects
              WHERE subject = $1 AND received_at BETWEEN $2 AND $3 AND decision_seq IN (",
            $places,
            ")"
        )
    };
}

const LET_GO: Sql = either(
    let_go!("SELECT value FROM json_each($4)"),
    let_go!("SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text($4)"),
);

/// Whether a call is one of which nothing changes any more.
pub(super) fn is_settled(call: &PastCall, now: Timestamp) -> bool {
    call.usable_until.is_none_or(|until| until < now.minus(SETTLED_AFTER))
}

impl Store {
    /// Moves some calls of a subject whose past was asked for and has grown.
    ///
    /// - returns: whether there was such a subject; there may be more.
    ///
    /// # Errors
    /// The record could not be read or written; nothing was moved.
    pub(crate) async fn settle_some(&self, now: Timestamp) -> Result<bool, StoreError> {
        let places = self.places();
        let Some(key) = places.segments().next_ripe() else { return Ok(false) };
        // Two that move the same calls at once would have them twice.
        let name = format!("settle {}", traits::hexadecimal(&key));
        let turn = Turn::Request { name, then: Box::new(Turn::Anyone) };
        let (whose, ended_before) = (key.clone(), now.minus(SETTLED_AFTER));
        let moved = self
            .write(turn, move |connection| {
                Box::pin(async move { settle(connection, &whose, ended_before).await })
            })
            .await?;
        if moved >= STEP_CALLS {
            places.segments().ripen(&key);
        }
        Ok(true)
    }
}

impl Store {
    /// Puts a subject's calls back as rows of their own: whoever looks for its decisions finds them there. Nobody records
    /// meanwhile, so nobody looks for a call where it is not any more and not yet.
    ///
    /// # Errors
    /// The record could not be read or written; what was put back stays so.
    pub(super) async fn unsettle(&self, key: &SubjectKey) -> Result<(), StoreError> {
        loop {
            let mut reader = self.reader().await?;
            let connection = &mut reader.connection();
            let next = connection.query("SELECT segment FROM past_segments WHERE subject = $1 LIMIT 1");
            let next: Option<i64> = next.bind(key.as_bytes()).optional_value(connection).await?;
            drop(reader);
            let Some(number) = next else { return Ok(()) };
            let key = key.clone();
            self.write(Turn::House, move |connection| {
                Box::pin(async move { put_back(connection, &key, number).await })
            })
            .await?;
        }
    }
}

/// Puts the calls of a segment back, unless it is gone already.
async fn put_back(connection: &mut Connection<'_>, key: &SubjectKey, number: i64) -> Result<(), StoreError> {
    let packed = connection.query("SELECT packed FROM past_segments WHERE segment = $1").bind(number);
    let packed: Option<Vec<u8>> = packed.optional_value(connection).await?;
    let Some(packed) = packed else { return Ok(()) };
    let corrupt = || StoreError::corrupt("past_segments", "packed", number.to_string());
    let segment = unpack(&packed).ok_or_else(corrupt)?;
    let calls = segment.seqs.iter().zip(segment.calls.events()).filter_map(|(seq, event)| match event {
        PastEvent::Call(call) => Some(About { key: key.clone(), at: call.at, seq: *seq }),
        PastEvent::Rejection(_) | PastEvent::Fact(_) => None,
    });
    let mut rows: Vec<_> = calls.collect();
    rows.sort_unstable();
    filed::file(connection, &rows).await?;
    let gone = connection.query("DELETE FROM past_segments WHERE segment = $1").bind(number);
    gone.execute(connection).await?;
    Ok(())
}

/// Moves a step's calls, if that is worth it; tells how many.
async fn settle(
    connection: &mut Connection<'_>,
    key: &SubjectKey,
    ended_before: Timestamp,
) -> Result<usize, StoreError> {
    let rows = connection
        .query(SETTLED)
        .bind(key.as_bytes())
        .bind(ended_before.unix_micros())
        .bind(i64::try_from(STEP_CALLS).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?;
    if rows.len() < WORTH_MOVING {
        return Ok(0);
    }
    let mut calls = rows.iter().map(past::call).collect::<Result<Vec<_>, _>>()?;
    calls.sort_unstable_by_key(|(seq, _)| *seq);
    let beside = beside(connection, key, &calls).await?;
    let (new, again): (Vec<_>, Vec<_>) =
        calls.into_iter().partition(|(seq, _)| !beside.iter().any(|(_, _, segment)| segment.has(*seq)));
    let singles = new.iter().chain(&again).map(|(seq, call)| (*seq, call.at)).collect::<Vec<_>>();
    if !new.is_empty() {
        grow(connection, key, (beside, new)).await?;
    }
    let_go(connection, key, &singles).await?;
    Ok(singles.len())
}

/// A segment that is there: its number, how many calls it has, and it.
type Standing = (i64, usize, Segment);

/// The segments that a step has to look at.
async fn beside(
    connection: &mut Connection<'_>,
    key: &SubjectKey,
    calls: &[Placed],
) -> Result<Vec<Standing>, StoreError> {
    let place = |call: Option<&Placed>| call.map_or(0, |(seq, _)| *seq);
    let rows = connection
        .query(BESIDE)
        .bind(key.as_bytes())
        .bind(i64::try_from(FULL_CALLS).unwrap_or(i64::MAX))
        .bind(place(calls.first()))
        .bind(place(calls.last()))
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let number: i64 = row.try_get("segment")?;
            let corrupt = || StoreError::corrupt("past_segments", "packed", number.to_string());
            let segment = unpack(row.try_get("packed")?).ok_or_else(corrupt)?;
            Ok((number, row.number("calls")?, segment))
        })
        .collect()
}

/// Writes new calls together with those of a segment that is not full, in its place.
async fn grow(
    connection: &mut Connection<'_>,
    key: &SubjectKey,
    (beside, mut calls): (Vec<Standing>, Vec<Placed>),
) -> Result<(), StoreError> {
    if let Some((number, _, segment)) = beside.into_iter().find(|(_, calls, _)| *calls < FULL_CALLS) {
        connection
            .query("DELETE FROM past_segments WHERE segment = $1")
            .bind(number)
            .execute(connection)
            .await?;
        let before = segment.seqs.into_iter().zip(segment.calls.into_events());
        calls.extend(before.filter_map(|(seq, event)| match event {
            PastEvent::Call(call) => Some((seq, call)),
            PastEvent::Rejection(_) | PastEvent::Fact(_) => None,
        }));
        calls.sort_unstable_by_key(|(seq, _)| *seq);
    }
    let place = |call: Option<&Placed>| call.map_or(0, |(seq, _)| *seq);
    let last_at = calls.iter().map(|(_, call)| call.at.unix_micros()).max().unwrap_or(0);
    connection
        .query(INSERT)
        .bind(key.as_bytes())
        .bind(i64::try_from(calls.len()).unwrap_or(i64::MAX))
        .bind(place(calls.first()))
        .bind(place(calls.last()))
        .bind(last_at)
        .bind(pack(&calls))
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes out the single rows of what is in segments now.
async fn let_go(
    connection: &mut Connection<'_>,
    key: &SubjectKey,
    singles: &[(i64, Timestamp)],
) -> Result<(), StoreError> {
    let moments = || singles.iter().map(|(_, at)| at.unix_micros());
    let places: Vec<i64> = singles.iter().map(|(seq, _)| *seq).collect();
    connection
        .query(LET_GO)
        .bind(key.as_bytes())
        .bind(moments().min().unwrap_or(0))
        .bind(moments().max().unwrap_or(0))
        .bind(Json(places))
        .execute(connection)
        .await?;
    Ok(())
}
