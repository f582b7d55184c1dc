//! The record on SQLite.
//!
//! **Writing.** Callers put jobs into a bounded queue; [`writer`] takes all that wait. A batch of decisions is one
//! transaction of two round trips to SQLite ([`batch`], [`statements`]): look up which signatures came before, insert what
//! is new and commit. Tokens that wait together are recorded in one statement ([`fast_mint`]), other writes share a
//! transaction ([`group`]); where the last writes had company, the writer waits a few milliseconds for more before it begins.
//! `synchronous = FULL`, so what was answered survives a power cut.
//!
//! **Looking up.** A signature, a review or a subject's past is found in `signatures`, `walkable_reviews` or
//! `decision_subjects`, which are filed from `decisions` in sorted runs ([`filing`]), or in memory while it is not filed
//! yet ([`tail`]), or, if another process recorded it since, at the end of `decisions`. A call whose verdict depends on
//! its past is decided inside the batch's transaction ([`past`]).

mod accesses;
mod activations;
mod answers;
mod api_keys;
mod backup;
mod batch;
mod decisions;
mod desk;
mod facts;
mod fast_mint;
mod file;
mod filing;
mod group;
mod kept;
mod mint_statements;
mod mints;
mod past;
mod provider_events;
mod redemptions;
mod reviews;
mod signing_keys;
mod statements;
mod tail;
mod traits;
mod verifications;
mod writer;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

pub(crate) use api_keys::{Revocation, StoredApiKey};
pub(crate) use backup::Backup;
pub(crate) use desk::DeskOutcome;
pub(crate) use facts::FactOutcome;
#[cfg(test)]
pub(crate) use kept::KeptKeySet;
pub(crate) use mints::{MintOutcome, OneCallOutcome};
pub(crate) use past::is_recorded;
pub(crate) use provider_events::ProviderRecorded;
pub(crate) use verifications::{DecideOutcome, OpenOutcome, OpenWish};

use self::batch::Pending;
use self::tail::SharedTail;
use self::writer::{Job, Writer};
use super::{Draft, Question, StoreError, StoreSettings};
use crate::domain::{DecisionRecord, Recorded, SignatureSeen};
use crate::metrics::Metrics;

/// The record: cheap to clone, shared by everybody who records or reads.
#[derive(Debug, Clone)]
pub(crate) struct Store(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: mpsc::Sender<Job>,
    readers: SqlitePool,
    tail: SharedTail,
}

impl Store {
    /// Opens the record, makes it where it is missing, brings its tables up to date and starts the writer.
    ///
    /// The writer runs on the calling runtime, which must outlive the store: whoever ends it calls [`Store::close`]
    /// first.
    ///
    /// # Errors
    /// [`StoreError::Address`], [`StoreError::File`], [`StoreError::Migration`] or [`StoreError::Unavailable`]. The file
    /// may have been made; no writer runs.
    pub(crate) async fn open(settings: StoreSettings, metrics: Arc<Metrics>) -> Result<Self, StoreError> {
        let path = settings.path()?;
        file::create_if_missing(&path)?;
        let mut connection = file::open_writer(&path, &settings).await?;
        file::migrate(&mut connection).await?;
        let (writer, tail) = Writer::start(connection, &settings, metrics).await?;
        let (queue, jobs) = mpsc::channel(settings.queue_max.max(1));
        tokio::spawn(writer.run(jobs));
        Ok(Self(Arc::new(Shared { queue, readers: file::readers(&path, &settings), tail })))
    }

    /// Records a decision unless its signature came before; answers once that is on disk.
    ///
    /// A signature that came before makes no second record: within ten minutes of the first call's arrival the first
    /// answer is given again, later the call is too old. Nor does a decision that was made before the fraud desk's last
    /// action ([`Recorded::Stale`]). A caller that stops waiting may find its decision recorded.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::Closed`], [`StoreError::Refused`] for a record that breaks a constraint,
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`]. There is no verdict then: nothing may be answered.
    ///
    /// # Reference
    /// docs/CONTRACT.md C3.6
    pub(crate) async fn record_decision(
        &self,
        signature: SignatureSeen,
        record: DecisionRecord,
    ) -> Result<Recorded, StoreError> {
        self.record(signature, Draft::Decided(Box::new(record))).await
    }

    /// Decides a call with its past and records the decision, in one transaction: what is decided in the same moment, here
    /// or in another process, is either part of that past or comes after.
    ///
    /// # Errors
    /// As [`Self::record_decision`], and [`StoreError::TooMuchPast`].
    pub(crate) async fn decide_and_record(
        &self,
        signature: SignatureSeen,
        question: Question,
    ) -> Result<Recorded, StoreError> {
        self.record(signature, Draft::Waits(Box::new(question))).await
    }

    async fn record(&self, signature: SignatureSeen, draft: Draft) -> Result<Recorded, StoreError> {
        let (reply, recorded) = oneshot::channel();
        self.enqueue(Job::Record(Box::new(Pending { signature, draft, reply })))?;
        recorded.await.map_err(|_| StoreError::Closed)?
    }

    /// Tells whether the record can be read and the writer works.
    ///
    /// # Errors
    /// Why not.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        let _: i64 =
            sqlx::query_scalar("SELECT filed_through FROM filing").fetch_one(&self.0.readers).await?;
        self.write(|_| Box::pin(async { Ok(()) })).await
    }

    /// Takes nothing more in, finishes what waits and leaves one database file in order. Every clone is closed with it;
    /// closing twice does nothing.
    ///
    /// # Errors
    /// The file could not be left in order; everything that was answered is in it all the same.
    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        // The log can only be moved into the file when nobody reads from it.
        self.0.readers.close().await;
        let (reply, closed) = oneshot::channel();
        if self.0.queue.send(Job::Close(reply)).await.is_err() {
            return Ok(());
        }
        closed.await.unwrap_or(Ok(()))
    }

    /// Runs a write of another kind than a decision on the writing connection: it happens whole or not at all, and the answer
    /// comes once it is on disk ([`group`]).
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::Closed`], what the write says, or how the commit failed; nothing was written then.
    async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        let (reply, outcome) = oneshot::channel();
        self.enqueue(Job::Run(group::command(work, reply)))?;
        outcome.await.map_err(|_| StoreError::Closed)?
    }

    fn enqueue(&self, job: Job) -> Result<(), StoreError> {
        self.0.queue.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Closed(_) => StoreError::Closed,
        })
    }
}
