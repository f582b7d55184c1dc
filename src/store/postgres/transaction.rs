//! Transactions that end: by commit, by rollback, or by giving their connection up.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Executor as _, Postgres, raw_sql};
use tokio::time::{Instant, timeout, timeout_at};

use super::{batch, locks};
use crate::domain::Recorded;
use crate::store::StoreError;
use crate::store::batch::Pending;
use crate::store::chain::Chain;
use crate::store::connection::{Connection, Prepared};
use crate::store::turn::Turn;

/// How long a rollback may take before its connection is given up instead.
const ROLLBACK_MAX: Duration = Duration::from_millis(250);

/// The connections of a process, and how its transactions begin and end.
#[derive(Debug, Clone)]
pub(super) struct Transactions {
    pool: PgPool,
    prepared: Prepared,
    longest: Duration,
    begin: Arc<str>,
}

impl Transactions {
    /// - `longest`: the most that a transaction takes, from waiting for a connection to its commit.
    pub(super) fn new(pool: PgPool, prepared: Prepared, longest: Duration) -> Self {
        // The server keeps the bounds too, so that whoever is cut off from it does not keep others waiting. They are said in each
        // transaction, because a pooler forgets what a connection said once.
        let millis = longest.as_millis().max(1);
        let begin = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = {millis}; SET LOCAL lock_timeout = {millis}; \
             SET LOCAL idle_in_transaction_session_timeout = {millis}; SET LOCAL synchronous_commit = on"
        );
        Self { pool, prepared, longest, begin: begin.into() }
    }

    /// A connection for reading.
    ///
    /// # Errors
    /// There is none in time.
    pub(super) async fn connection(&self) -> Result<(PoolConnection<Postgres>, Prepared), StoreError> {
        Ok((self.pool.acquire().await?, self.prepared))
    }

    /// Runs a write in a transaction of its own, when it is its turn.
    ///
    /// # Errors
    /// [`StoreError::TimedOut`], what the write says, or how the commit failed. Nothing was written, unless the connection broke in
    /// the middle of the commit.
    pub(super) async fn run<T, F>(&self, turn: Turn, work: F) -> Result<T, StoreError>
    where
        T: Send,
        F: for<'c, 'd> FnOnce(&'c mut Connection<'d>) -> BoxFuture<'c, Result<T, StoreError>> + Send,
    {
        let mut begun = self.begin().await?;
        let whole = async {
            locks::take(&mut begun.connection, self.prepared, &turn).await?;
            let done = work(&mut Connection::Postgres(&mut begun.connection, self.prepared)).await?;
            begun.connection.execute("COMMIT").await?;
            Ok(done)
        };
        let outcome = timeout_at(begun.give_up_at, whole).await.unwrap_or(Err(StoreError::TimedOut));
        begun.end(outcome).await
    }

    /// Records a batch of decisions in a transaction of its own.
    ///
    /// - `chain`: the one that they make longer.
    /// - returns: what became of each call, in the same order, and how many decisions were written.
    ///
    /// # Errors
    /// As [`Self::run`]; nothing of the batch was recorded.
    pub(super) async fn record(
        &self,
        decisions: &[Pending],
        chain: &mut Chain,
    ) -> Result<(Vec<Recorded>, usize), StoreError> {
        let mut begun = self.begin().await?;
        let whole = async {
            let done = batch::record(&mut begun.connection, self.prepared, (decisions, &*chain)).await?;
            begun.connection.execute("COMMIT").await?;
            Ok(done)
        };
        let outcome = timeout_at(begun.give_up_at, whole).await.unwrap_or(Err(StoreError::TimedOut));
        match &outcome {
            Ok((_, links)) => chain.take_in(links),
            Err(fault) => chain.give_up_after(fault),
        }
        begun.end(outcome).await.map(|(recorded, links)| (recorded, links.len()))
    }

    async fn begin(&self) -> Result<Begun, StoreError> {
        let give_up_at = Instant::now() + self.longest;
        let connection = self.pool.acquire().await?;
        let mut begun = Begun { connection, give_up_at };
        let begin = begun.connection.execute(raw_sql(AssertSqlSafe(Arc::clone(&self.begin))));
        let outcome = match timeout_at(give_up_at, begin).await {
            Ok(begin) => begin.map(drop).map_err(StoreError::from),
            Err(_) => Err(StoreError::TimedOut),
        };
        match outcome {
            Ok(()) => Ok(begun),
            Err(fault) => begun.end(Err(fault)).await,
        }
    }

    /// Closes every connection, once those that are in use are given back.
    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// A transaction that has begun.
struct Begun {
    connection: PoolConnection<Postgres>,
    give_up_at: Instant,
}

impl Begun {
    /// Leaves nothing of a failure: rolls back, or gives the connection up where nobody knows what it is in the middle of.
    async fn end<T>(mut self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        let Err(fault) = outcome else { return outcome };
        let is_known = !matches!(fault, StoreError::TimedOut);
        let rolled_back =
            is_known && matches!(timeout(ROLLBACK_MAX, self.connection.execute("ROLLBACK")).await, Ok(Ok(_)));
        if !rolled_back {
            // Closed without a word: whoever does not answer is not waited for.
            drop(self.connection.detach());
        }
        Err(fault)
    }
}
