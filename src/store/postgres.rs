//! The record on PostgreSQL, shared by any number of processes.
//!
//! **Writing.** Decisions that wait are recorded together, in several batches at once ([`writer`], [`batch`]); every other write
//! is a transaction of its own. Each transaction takes its turns first ([`locks`]) and reads afterwards, at READ COMMITTED: what
//! it reads is what was committed before its turn came. Every one is given up after `busy_timeout`, whatever keeps it, and so is
//! what is read; a connection that does not answer is cut, not waited for ([`held`]).
//!
//! **Looking up.** Indexes written with the decision tell where it stands ([`find`]).

mod batch;
mod connecting;
pub(super) mod find;
mod held;
mod locks;
mod transaction;
mod writer;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::{Semaphore, TryAcquireError, mpsc, oneshot};

pub(super) use batch::file_subjects;
pub(super) use held::Held;

use self::transaction::Transactions;
use self::writer::{Job, Writer};
use super::batch::Pending;
use super::connection::{Bound, Connection, Prepared};
use super::segments::SharedSegments;
use super::turn::Turn;
use super::watch::Watch;
use super::{StoreError, StoreSettings};

/// One database on a server.
#[derive(Debug)]
pub(super) struct Database {
    transactions: Transactions,
    /// Room for writes other than decisions that are under way or wait for a connection.
    room: Arc<Semaphore>,
    queue: mpsc::Sender<Job>,
    watch: Arc<Watch>,
}

impl Database {
    /// Connects, brings the tables up to date and starts to write.
    ///
    /// # Errors
    /// [`StoreError::Migration`], [`StoreError::NotMigrated`], [`StoreError::TimedOut`] or [`StoreError::Unavailable`];
    /// nothing writes.
    pub(super) async fn open(
        server: PgConnectOptions,
        settings: &StoreSettings,
        watch: Arc<Watch>,
    ) -> Result<Self, StoreError> {
        let transactions = connecting::open(server, settings).await?;
        let (queue, jobs) = mpsc::channel(settings.queue_max.max(1));
        let writer = Writer::new(transactions.clone(), settings, Arc::clone(&watch));
        tokio::spawn(writer.run(jobs));
        let room = Arc::new(Semaphore::new(settings.queue_max.clamp(1, Semaphore::MAX_PERMITS)));
        Ok(Self { transactions, room, queue, watch })
    }

    /// How many jobs wait for the writer, and how many may.
    pub(super) fn queue(&self) -> (usize, usize) {
        let limit = self.queue.max_capacity();
        (limit - self.queue.capacity(), limit)
    }

    /// Hands a call to the writer, who answers it.
    ///
    /// # Errors
    /// [`StoreError::Busy`] or [`StoreError::Closed`]; the call does not wait.
    pub(super) fn record(&self, pending: Pending) -> Result<(), StoreError> {
        use mpsc::error::TrySendError;
        self.queue.try_send(Job::Record(Box::new(pending))).map_err(|refused| match refused {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Closed(_) => StoreError::Closed,
        })
    }

    /// Runs a write of another kind, when it is its turn. It goes on when the caller gives up: whoever asks again finds it done
    /// or not done, but not half way.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::Closed`], what the write says, or how the commit failed; nothing was written then,
    /// unless the connection broke in the middle of the commit.
    pub(super) async fn write<T, F>(&self, turn: Turn, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c, 'd> FnOnce(&'c mut Connection<'d>) -> BoxFuture<'c, Result<T, StoreError>>
            + Send
            + 'static,
    {
        let room = Arc::clone(&self.room).try_acquire_owned().map_err(|refused| match refused {
            TryAcquireError::NoPermits => StoreError::Busy,
            TryAcquireError::Closed => StoreError::Closed,
        })?;
        let transactions = self.transactions.clone();
        let written = tokio::spawn(async move {
            let written = transactions.run(turn, work).await;
            drop(room);
            written
        });
        let written = written.await.map_err(|_| StoreError::Closed)?;
        match &written {
            Ok(_) => self.watch.committed(),
            Err(fault) if fault.outage().is_some() => self.watch.failed(fault),
            Err(_) => {}
        }
        written
    }

    /// A connection for reading.
    ///
    /// # Errors
    /// There is none in time.
    pub(super) async fn reader(&self) -> Result<(Held, Prepared, Bound), StoreError> {
        self.transactions.connection().await
    }

    /// The same, for what is read as of one moment.
    ///
    /// # Errors
    /// There is none in time.
    pub(super) async fn snapshot(&self) -> Result<(Held, Prepared, Bound), StoreError> {
        self.transactions.snapshot().await
    }

    /// What a new connection to the server would meet now.
    ///
    /// # Errors
    /// It would not come to be.
    pub(super) async fn look(&self) -> Result<(), StoreError> {
        self.transactions.look().await
    }

    /// What this process has unpacked of subjects' pasts.
    pub(super) fn segments(&self) -> SharedSegments {
        self.transactions.segments()
    }

    /// Takes nothing more in, finishes what waits and closes every connection.
    ///
    /// # Errors
    /// None: what could not be finished told its caller so.
    pub(super) async fn close(&self) -> Result<(), StoreError> {
        self.room.close();
        let (reply, closed) = oneshot::channel();
        if self.queue.send(Job::Close(reply)).await.is_ok() {
            drop(closed.await);
        }
        self.transactions.close().await;
        Ok(())
    }
}
