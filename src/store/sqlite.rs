//! The record on SQLite.
//!
//! **Writing.** Callers put jobs into a bounded queue; [`writer`] takes all that wait. A batch of decisions is one
//! transaction of two round trips to SQLite ([`batch`], [`statements`]): look up which signatures came before, insert what
//! is new and commit. Tokens that wait together are recorded in one statement ([`fast_mint`]), other writes share a
//! transaction ([`group`]); where the last writes had company, the writer waits a few milliseconds for more before it begins.
//! `synchronous = FULL`, so what was answered survives a power cut. Writes come one after the other, so nobody takes turns.
//!
//! **Looking up.** A signature, a review or a subject's past is found in `signatures`, `walkable_reviews` or
//! `decision_subjects`, which are filed from `decisions` in sorted runs ([`filing`]), or in memory while it is not filed
//! yet ([`tail`]), or, if another process recorded it since, at the end of `decisions` ([`find`]; for a subject's past [`look`]).

mod backup;
mod batch;
mod fast_mint;
pub(super) mod file;
mod filing;
pub(super) mod find;
mod group;
pub(super) mod look;
mod mint_statements;
mod statements;
mod tail;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{Connection as _, Sqlite};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

pub(crate) use backup::Backup;
pub(super) use filing::file_subjects;

use self::tail::SharedTail;
use self::writer::{Job, Writer};
use super::batch::Pending;
use super::connection::Connection;
use super::segments::SharedSegments;
use super::watch::Watch;
use super::{Migrate, StoreError, StoreSettings};
use crate::domain::{ReviewFound, ReviewQuery};

/// How much longer than for another process's lock a write is waited for: the disk may hang, and others may stand before it.
const GRACE: Duration = Duration::from_millis(250);

/// What this process knows without a look at the file.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// What is not filed yet.
    pub(super) tail: SharedTail,
    /// What it has unpacked of subjects' pasts.
    pub(super) segments: SharedSegments,
}

/// One database file.
#[derive(Debug)]
pub(super) struct Database {
    queue: mpsc::Sender<Job>,
    readers: SqlitePool,
    known: Known,
    watch: Arc<Watch>,
    longest: Duration,
}

impl Database {
    /// Opens the file, makes it where it is missing, brings its tables up to date and starts the writer.
    ///
    /// # Errors
    /// [`StoreError::File`], [`StoreError::Migration`], [`StoreError::NotMigrated`] or [`StoreError::Unavailable`]. The file
    /// may have been made; no writer runs.
    pub(super) async fn open(
        path: &Path,
        settings: &StoreSettings,
        watch: Arc<Watch>,
    ) -> Result<Self, StoreError> {
        file::create_if_missing(path)?;
        let mut connection = file::open_writer(path, settings).await?;
        match settings.migrate {
            Migrate::AtOpening => file::migrate(&mut connection).await?,
            Migrate::Never => file::require_migrated(&mut connection).await?,
        }
        let (writer, known) = Writer::start(connection, settings, Arc::clone(&watch)).await?;
        let (queue, jobs) = mpsc::channel(settings.queue_max.max(1));
        tokio::spawn(writer.run(jobs));
        let readers = file::readers(path, settings);
        Ok(Self { queue, readers, known, watch, longest: settings.busy_timeout + GRACE })
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
        self.enqueue(Job::Record(Box::new(pending)))
    }

    /// Runs a write of another kind on the writing connection ([`group`]).
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::Closed`], what the write says, or how the commit failed; nothing was written then.
    /// [`StoreError::TimedOut`]: it may still be.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c, 'd> FnOnce(&'c mut Connection<'d>) -> BoxFuture<'c, Result<T, StoreError>>
            + Send
            + 'static,
    {
        let (reply, outcome) = oneshot::channel();
        self.enqueue(Job::Run(group::command(work, reply)))?;
        self.in_time(outcome).await
    }

    /// Has every decision filed that is not yet.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub(super) async fn file(&self) -> Result<(), StoreError> {
        let (reply, filed) = oneshot::channel();
        self.enqueue(Job::File(reply))?;
        self.in_time(filed).await
    }

    /// Waits for what the writer answers, but no longer than a write may take.
    ///
    /// # Errors
    /// [`StoreError::TimedOut`], [`StoreError::Closed`], or what the writer says.
    async fn in_time<T>(&self, answer: oneshot::Receiver<Result<T, StoreError>>) -> Result<T, StoreError> {
        let Ok(answer) = timeout(self.longest, answer).await else {
            self.watch.met(&StoreError::TimedOut);
            return Err(StoreError::TimedOut);
        };
        answer.map_err(|_| StoreError::Closed)?
    }

    /// The newest review that fits, where that can be told of what is not filed yet, and the last decision that is known here.
    pub(super) fn recent_review(&self, query: &ReviewQuery) -> Option<(ReviewFound, i64)> {
        let tail = self.known.tail.read();
        Some((tail.newest_review(query)?, tail.last_seq()))
    }

    /// A connection that only reads.
    ///
    /// # Errors
    /// There is none.
    pub(super) async fn reader(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        Ok(self.readers.acquire().await?)
    }

    /// What this process knows without a look.
    pub(super) fn known(&self) -> Known {
        self.known.clone()
    }

    /// Takes nothing more in, finishes what waits and leaves one database file in order.
    ///
    /// # Errors
    /// The file could not be left in order; everything that was answered is in it all the same.
    pub(super) async fn close(&self) -> Result<(), StoreError> {
        // The log can only be moved into the file when nobody reads from it.
        self.readers.close().await;
        let (reply, closed) = oneshot::channel();
        if self.queue.send(Job::Close(reply)).await.is_err() {
            return Ok(());
        }
        closed.await.unwrap_or(Ok(()))
    }

    fn enqueue(&self, job: Job) -> Result<(), StoreError> {
        self.queue.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Closed(_) => StoreError::Closed,
        })
    }
}

/// Reads as of one moment.
///
/// # Errors
/// What the reading says, or the record could not be read.
pub(super) async fn snapshot<T, F>(reader: &mut SqliteConnection, work: F) -> Result<T, StoreError>
where
    F: for<'c, 'd> FnOnce(&'c mut Connection<'d>) -> BoxFuture<'c, Result<T, StoreError>>,
{
    let mut transaction = reader.begin().await?;
    let read = work(&mut Connection::Sqlite(&mut transaction)).await?;
    transaction.commit().await?;
    Ok(read)
}
