//! Transactions that end: by commit, by rollback, or by giving their connection up.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::postgres::PgPool;

use sqlx::{AssertSqlSafe, Executor as _, RawSql, raw_sql};
use tokio::time::{Instant, timeout, timeout_at};

use super::held::Held;
use super::{batch, connecting, locks};
use crate::domain::Recorded;
use crate::store::StoreError;
use crate::store::batch::Pending;
use crate::store::chain::Chain;
use crate::store::connection::{Bound, Connection, Prepared};
use crate::store::error::is_gone;
use crate::store::places::Places;
use crate::store::segments::SharedSegments;
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
    segments: SharedSegments,
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
        Self { pool, prepared, longest, begin: begin.into(), segments: SharedSegments::default() }
    }

    /// A connection for reading, and when what is read over it is given up.
    ///
    /// # Errors
    /// There is none in time.
    pub(super) async fn connection(&self) -> Result<(Held, Prepared, Bound), StoreError> {
        match self.prepared {
            Prepared::Kept => {
                let give_up_at = Instant::now() + self.longest;
                Ok((self.hold(give_up_at).await?, self.prepared, Bound::Until(give_up_at)))
            }
            // A pooler keeps a statement and its values together only inside of a transaction.
            Prepared::Unnamed => self.reading("BEGIN READ ONLY").await,
        }
    }

    /// The same, for what is read as of one moment.
    ///
    /// # Errors
    /// There is none in time.
    pub(super) async fn snapshot(&self) -> Result<(Held, Prepared, Bound), StoreError> {
        self.reading("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await
    }

    async fn reading(&self, begin: &'static str) -> Result<(Held, Prepared, Bound), StoreError> {
        let give_up_at = Instant::now() + self.longest;
        let mut held = self.begun(give_up_at, || raw_sql(begin)).await?;
        held.reads();
        Ok((held, self.prepared, Bound::Until(give_up_at)))
    }

    /// What a new connection to the server would meet now.
    ///
    /// # Errors
    /// It would not come to be.
    pub(super) async fn look(&self) -> Result<(), StoreError> {
        connecting::look(&self.pool.connect_options()).await
    }

    async fn hold(&self, give_up_at: Instant) -> Result<Held, StoreError> {
        let connection = timeout_at(give_up_at, self.pool.acquire()).await;
        Ok(Held::new(connection.map_err(|_| StoreError::TimedOut)??))
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
            let done =
                work(&mut Connection::Postgres(&mut begun.connection, self.prepared, Bound::Transaction))
                    .await?;
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
        let places = Places::Indexes(self.segments.clone());
        let whole = async {
            let done =
                batch::record((&mut begun.connection, self.prepared), &places, (decisions, &*chain)).await?;
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
        let begin = || raw_sql(AssertSqlSafe(Arc::clone(&self.begin)));
        Ok(Begun { connection: self.begun(give_up_at, begin).await?, give_up_at })
    }

    /// A connection on which a transaction has begun. One that broke since it was used last is passed over: nothing has begun on it.
    async fn begun(&self, give_up_at: Instant, begin: impl Fn() -> RawSql) -> Result<Held, StoreError> {
        for _ in 0..=self.pool.options().get_max_connections() {
            let mut connection = self.hold(give_up_at).await?;
            connection.begin();
            match timeout_at(give_up_at, connection.execute(begin())).await {
                Ok(Ok(_)) => return Ok(connection),
                Ok(Err(fault)) if is_gone(&fault) => {}
                Ok(Err(fault)) => return Err(fault.into()),
                Err(_) => break,
            }
        }
        Err(StoreError::TimedOut)
    }

    /// What this process has unpacked of subjects' pasts.
    pub(super) fn segments(&self) -> SharedSegments {
        self.segments.clone()
    }

    /// Closes every connection, once those that are in use are given back.
    pub(super) async fn close(&self) {
        // What still hangs after that is cut when the process ends.
        drop(timeout(self.longest, self.pool.close()).await);
    }
}

/// A transaction that has begun.
struct Begun {
    connection: Held,
    give_up_at: Instant,
}

impl Begun {
    /// Leaves nothing of a failure: rolls back, or gives the connection up where nobody knows what it is in the middle of.
    async fn end<T>(mut self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        let is_over = match &outcome {
            Ok(_) => true,
            Err(StoreError::TimedOut) => false,
            Err(_) => {
                matches!(timeout(ROLLBACK_MAX, self.connection.execute("ROLLBACK")).await, Ok(Ok(_)))
            }
        };
        if is_over {
            self.connection.end();
        }
        outcome
    }
}
