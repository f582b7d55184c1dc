//! The record: the only room that knows SQL.
//!
//! A [`Store`] is one SQLite file or one PostgreSQL database. What the engines do alike is written once, beside this page, over a
//! [`connection`] of either; what each does in its own way is in [`sqlite`] and [`postgres`]: how calls are recorded together,
//! how they are found again, and who waits for whom ([`turn`]). Nothing is answered before its commit.

mod accesses;
mod activations;
mod ahead;
mod answers;
mod api_keys;
mod audit;
mod batch;
mod chain;
mod connection;
mod copy;
mod decisions;
mod desk;
mod draft;
mod erasure_queue;
mod erasures;
mod error;
mod facts;
mod filed;
mod kept;
mod looks;
mod migrated;
mod mints;
mod once;
mod past;
mod places;
mod postgres;
mod prelude_events;
mod probe;
mod provider_events;
mod redemptions;
mod replies;
mod retention;
mod reviews;
#[cfg(feature = "testing")]
mod scratch;
mod segments;
mod settings;
mod settling;
mod signing_keys;
mod sqlite;
mod traits;
mod turn;
mod verifications;
mod watch;
mod words;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use sqlx::Sqlite;
use sqlx::pool::PoolConnection;

pub(crate) use api_keys::{Revocation, StoredApiKey};
pub(crate) use copy::CopiedTable;
pub(crate) use desk::DeskOutcome;
pub(crate) use draft::{Draft, Question};
pub(crate) use erasures::Erasure;
pub(crate) use error::StoreError;
pub(crate) use facts::FactOutcome;
#[cfg(test)]
pub(crate) use kept::KeptKeySet;
pub(crate) use mints::{MintOutcome, OneCallOutcome};
pub(crate) use once::{Answered, KeptAnswer, Once, OnceKey};
pub(crate) use provider_events::ProviderRecorded;
pub(crate) use retention::{Plain, Retiring, Seal, Stretch};
#[cfg(feature = "testing")]
pub use scratch::ScratchDatabase;
pub(crate) use settings::{Migrate, Pooler, StoreSettings};
pub(crate) use sqlite::Backup;
pub(crate) use verifications::{DecideOutcome, OpenOutcome, OpenWish};

use self::batch::Pending;
use self::connection::{Bound, Connection, Prepared};
use self::places::Places;
use self::replies::Ways;
use self::settings::Address;
use self::turn::Turn;
use self::watch::Watch;
use crate::domain::{DecisionRecord, Outage, Recorded, SignatureSeen};
use crate::metrics::Metrics;
use crate::spans::Passage;

/// The record: cheap to clone, shared by everybody who records or reads.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    engine: Arc<Engine>,
    watch: Arc<Watch>,
    ways: Arc<Ways>,
}

#[derive(Debug)]
enum Engine {
    Sqlite(sqlite::Database),
    Postgres(postgres::Database),
}

impl Store {
    /// Opens the record, makes it where it is missing, brings its tables up to date unless that is switched off, and starts to
    /// write.
    ///
    /// What writes runs on the calling runtime, which must outlive the store: whoever ends it calls [`Store::close`]
    /// first.
    ///
    /// # Errors
    /// [`StoreError::Address`], [`StoreError::File`], [`StoreError::Migration`], [`StoreError::NotMigrated`] or
    /// [`StoreError::Unavailable`]. A file may have been made; nothing writes.
    pub(crate) async fn open(settings: StoreSettings, metrics: Arc<Metrics>) -> Result<Self, StoreError> {
        let watch = Arc::new(Watch::new(metrics));
        let watching = Arc::clone(&watch);
        let engine = match settings.address()? {
            Address::File(path) => Engine::Sqlite(sqlite::Database::open(&path, &settings, watching).await?),
            Address::Server(server) => {
                Engine::Postgres(postgres::Database::open(*server, &settings, watching).await?)
            }
        };
        Ok(Self { engine: Arc::new(engine), watch, ways: Arc::default() })
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
        let (reply, recorded) = self.ways.wait();
        let pending = Pending { signature, draft, passage: Passage::begin(), reply };
        let taken_in = match &*self.engine {
            Engine::Sqlite(database) => database.record(pending),
            Engine::Postgres(database) => database.record(pending),
        };
        taken_in.inspect_err(|fault| self.watch.kept_a_verdict(fault))?;
        recorded.await.map_err(|_| StoreError::Closed)?
    }

    /// Tells whether the record can be read and written, as far as that can be seen without a verdict; while there is an outage
    /// by writing what a verdict writes, which ends the outage where that goes well.
    ///
    /// # Errors
    /// Why not.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        connection.query("SELECT max(revision) FROM desk_actions").fetch_one(connection).await?;
        let is_out = self.watch.outage().is_some();
        self.write(Turn::Anyone, move |connection| Box::pin(probe::write(connection, is_out))).await?;
        if is_out {
            self.watch.probed();
        }
        Ok(())
    }

    /// The same while there is an outage; else nothing is asked.
    ///
    /// # Errors
    /// Why it is not over.
    pub(crate) async fn ping_in_an_outage(&self) -> Result<(), StoreError> {
        if self.watch.outage().is_some() { self.ping().await } else { Ok(()) }
    }

    /// What keeps the database from doing its part, by what the last transactions met. Where that is only that the connection broke or
    /// took too long, a new one is tried, for half a second at most: it may say more.
    pub(crate) async fn outage(&self) -> Option<Outage> {
        let outage = self.watch.outage()?;
        match (&*self.engine, outage) {
            (Engine::Postgres(database), Outage::TimedOut | Outage::Unreachable | Outage::Other) => {
                if let Err(fault) = database.look().await {
                    self.watch.met(&fault);
                }
                self.watch.outage()
            }
            _ => Some(outage),
        }
    }

    /// Notes that a verdict was not recorded in time.
    pub(crate) fn was_late(&self) {
        self.watch.kept_a_verdict(&StoreError::TimedOut);
    }

    /// How many writes wait for the writer, and how many may.
    pub(crate) fn queue(&self) -> (usize, usize) {
        match &*self.engine {
            Engine::Sqlite(database) => database.queue(),
            Engine::Postgres(database) => database.queue(),
        }
    }

    /// Takes nothing more in, finishes what waits and leaves the record in order. Every clone is closed with it; closing twice
    /// does nothing.
    ///
    /// # Errors
    /// The file could not be left in order; everything that was answered is in it all the same.
    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        match &*self.engine {
            Engine::Sqlite(database) => database.close().await,
            Engine::Postgres(database) => database.close().await,
        }
    }

    /// Copies the record into a new file, on SQLite: see [`Backup`].
    ///
    /// # Errors
    /// [`StoreError::OwnTools`] on PostgreSQL; [`StoreError::File`] where the file is there already or cannot be made,
    /// [`StoreError::Unavailable`], or [`StoreError::Corrupt`] for a copy that does not pass SQLite's own check. There is no
    /// file then, unless it was there before.
    pub(crate) async fn backup(&self, file: &Path) -> Result<Backup, StoreError> {
        match &*self.engine {
            Engine::Sqlite(database) => database.backup(file).await,
            Engine::Postgres(_) => Err(StoreError::OwnTools),
        }
    }

    /// Runs a write of another kind than a decision: it happens whole or not at all, and the answer comes once it is on disk.
    ///
    /// - `turn`: whom it concerns. No other write that concerns the same happens in between.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::Closed`], what the write says, or how the commit failed; nothing was written then.
    async fn write<T, F>(&self, turn: Turn, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c, 'd> FnOnce(&'c mut Connection<'d>) -> BoxFuture<'c, Result<T, StoreError>>
            + Send
            + 'static,
    {
        match &*self.engine {
            Engine::Sqlite(database) => database.write(work).await,
            Engine::Postgres(database) => database.write(turn, work).await,
        }
    }

    /// Reads what belongs together as of one moment.
    ///
    /// # Errors
    /// What the reading says, or the record could not be read.
    async fn snapshot<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send,
        F: for<'c, 'd> FnOnce(&'c mut Connection<'d>) -> BoxFuture<'c, Result<T, StoreError>> + Send,
    {
        match &*self.engine {
            Engine::Sqlite(database) => sqlite::snapshot(&mut *database.reader().await?, work).await,
            Engine::Postgres(database) => {
                let reader = database.snapshot().await.inspect_err(|fault| self.watch.met(fault))?;
                work(&mut Reader::Postgres(reader).connection()).await
            }
        }
    }

    /// A connection for reading.
    ///
    /// # Errors
    /// There is none.
    async fn reader(&self) -> Result<Reader, StoreError> {
        match &*self.engine {
            Engine::Sqlite(database) => database.reader().await.map(Reader::Sqlite),
            Engine::Postgres(database) => {
                let reader = database.reader().await.inspect_err(|fault| self.watch.met(fault))?;
                Ok(Reader::Postgres(reader))
            }
        }
    }

    /// Where decisions are looked for.
    fn places(&self) -> Places {
        match &*self.engine {
            Engine::Sqlite(database) => Places::FiledAndTail(database.known()),
            Engine::Postgres(database) => Places::Indexes(database.segments()),
        }
    }
}

/// A connection for reading, for as long as it is held.
enum Reader {
    Sqlite(PoolConnection<Sqlite>),
    Postgres((postgres::Held, Prepared, Bound)),
}

impl Reader {
    fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Sqlite(connection) => Connection::Sqlite(connection),
            Self::Postgres((held, prepared, bound)) => Connection::Postgres(held, *prepared, *bound),
        }
    }
}
