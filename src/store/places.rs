//! Where recorded decisions are looked for: each engine keeps them in its own order.

use super::connection::{Connection, Row};
use super::past::{Found, Wanted};
use super::segments::SharedSegments;
use super::sqlite::Known;
use super::{StoreError, postgres, sqlite};
use crate::domain::{ReviewQuery, Spending, Timestamp};

/// How an engine finds the decisions about somebody.
#[derive(Debug, Clone)]
pub(super) enum Places {
    /// SQLite: in tables that are filed late, in memory, and at the end of `decisions`.
    FiledAndTail(Known),
    /// PostgreSQL: in indexes that are written with the decision.
    Indexes(SharedSegments),
}

/// Whether a look-up tells which calls were executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Executed {
    /// It does.
    Told,
    /// It says of none that it was.
    NotTold,
}

impl Places {
    /// What this process has unpacked of subjects' pasts.
    pub(super) const fn segments(&self) -> &SharedSegments {
        match self {
            Self::FiledAndTail(known) => &known.segments,
            Self::Indexes(segments) => segments,
        }
    }

    /// The calls that are wanted. One that is about several of the subjects may be there as often, and one that has just moved into a
    /// segment by itself, too.
    ///
    /// # Errors
    /// [`StoreError::TooMuchPast`], or the record could not be read.
    pub(super) async fn calls<'k>(
        &self,
        connection: &mut Connection<'_>,
        wanted: &Wanted<'k>,
    ) -> Result<Found<'k>, StoreError> {
        match self {
            Self::FiledAndTail(known) => sqlite::look::calls(connection, known, wanted).await,
            Self::Indexes(segments) => postgres::find::calls(connection, segments, wanted).await,
        }
    }

    /// The verdicts in time that somebody may want to spend: `seq, id, received_at, verdict, step_keys, usable_until,
    /// metadata_digest, traits, redeemed_at, proved`. What was not spent comes first, of these the newest.
    ///
    /// # Errors
    /// The record could not be read.
    pub(super) async fn grants(
        &self,
        connection: &mut Connection<'_>,
        wanted: &Spending,
        (now, limit): (Timestamp, i64),
    ) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::FiledAndTail(known) => {
                sqlite::find::grants(connection, &known.tail, wanted, (now, limit)).await
            }
            Self::Indexes(_) => postgres::find::grants(connection, wanted, (now, limit)).await,
        }
    }

    /// The newest review that fits and can still be walked: `seq, id, received_at, walkable_until`.
    ///
    /// # Errors
    /// The record could not be read.
    pub(super) async fn review(
        &self,
        connection: &mut Connection<'_>,
        query: &ReviewQuery,
    ) -> Result<Option<Row>, StoreError> {
        match self {
            Self::FiledAndTail(known) => sqlite::find::review(connection, &known.tail, query).await,
            Self::Indexes(_) => postgres::find::review(connection, query).await,
        }
    }
}
