//! What is asked of the database now and then, for whoever watches over it: each question is bounded, and no call waits for one.

use std::time::Duration;

use super::{Store, StoreError};
use crate::domain::Timestamp;

/// The most verifications that are looked at.
const PENDING_MAX: i64 = 10_000;

/// How long verifications wait, by the steps that are told apart. Those that expire first are found by an index.
pub(super) const PENDING: &str = "
    SELECT count(*) AS pending, min(opened_at) AS oldest,
           count(CASE WHEN opened_at <= $1 THEN 1 END) AS for_minutes,
           count(CASE WHEN opened_at <= $2 THEN 1 END) AS for_an_hour,
           count(CASE WHEN opened_at <= $3 THEN 1 END) AS for_a_day
      FROM (SELECT opened_at FROM verifications WHERE state = 'pending' ORDER BY expires_at LIMIT $4) AS soonest";

/// The server's clock, in microseconds.
const CLOCK: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

/// The verifications that wait for a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PendingVerifications {
    /// Opened less than five minutes ago.
    pub(crate) under_5m: usize,
    /// Less than an hour ago, and not less than five minutes.
    pub(crate) under_1h: usize,
    /// Less than a day ago, and not less than an hour.
    pub(crate) under_1d: usize,
    /// A day ago or longer.
    pub(crate) older: usize,
    /// When the oldest was opened.
    pub(crate) oldest: Option<Timestamp>,
}

impl Store {
    /// Counts the verifications that wait: ten thousand at most, those that expire first.
    ///
    /// # Errors
    /// The record could not be read.
    pub(crate) async fn pending_verifications(
        &self,
        now: Timestamp,
    ) -> Result<PendingVerifications, StoreError> {
        const MINUTES: Duration = Duration::from_mins(5);
        const HOUR: Duration = Duration::from_hours(1);
        const DAY: Duration = Duration::from_hours(24);
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let mut query = connection.query(PENDING);
        for age in [MINUTES, HOUR, DAY] {
            query = query.bind(now.minus(age).unix_micros());
        }
        let row = query.bind(PENDING_MAX).fetch_one(connection).await?;
        let number = |column| -> Result<usize, StoreError> {
            let number: i64 = row.try_get(column)?;
            Ok(usize::try_from(number).unwrap_or(0))
        };
        let [all, for_minutes, for_an_hour, older] =
            [number("pending")?, number("for_minutes")?, number("for_an_hour")?, number("for_a_day")?];
        let oldest: Option<i64> = row.try_get("oldest")?;
        Ok(PendingVerifications {
            under_5m: all.saturating_sub(for_minutes),
            under_1h: for_minutes.saturating_sub(for_an_hour),
            under_1d: for_an_hour.saturating_sub(older),
            older,
            oldest: oldest.map(Timestamp::from_unix_micros),
        })
    }

    /// What the database server's own clock shows; `None` on SQLite, which has none.
    ///
    /// # Errors
    /// It could not be asked.
    pub(crate) async fn database_clock(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        if let super::Connection::Sqlite(_) = connection {
            return Ok(None);
        }
        let micros: i64 = connection.query(CLOCK).value(connection).await?;
        Ok(Some(Timestamp::from_unix_micros(micros)))
    }
}
