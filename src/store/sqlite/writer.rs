//! The one task that writes.
//!
//! It owns the writing connection and is never cancelled, so no transaction is ever left half way. It takes everything
//! that waits, commits the decisions among it together, then the other writes together.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Executor};
use tokio::sync::{mpsc, oneshot};

use super::fast_mint::{self, Minting};
use super::filing;
use super::group::{self, Command};
use super::mint_statements::MintStatements;
use super::statements::BatchStatements;
use super::tail::Tail;
use super::{Known, batch};
use crate::store::batch::{Pending, commits};
use crate::store::chain::Chain;
use crate::store::replies::tell_all;
use crate::store::watch::Watch;
use crate::store::{StoreError, StoreSettings};

/// When filing keeps failing, decisions are refused once this many times the usual number is not filed, so that memory
/// stays bounded.
const UNFILED_MAX_FACTOR: usize = 4;

/// How long the writer waits for company, once or several times over. Who writes alone does not wait: only where the last
/// writes had company there is a pause before the next.
const GATHERING_PAUSE: Duration = Duration::from_millis(2);
/// How often at most.
const GATHERING_PAUSES_MAX: usize = 4;

/// What waits for the writer.
pub(super) enum Job {
    /// A decision, to be committed with the others that wait.
    Record(Box<Pending>),
    /// A token, to be recorded with the others that wait.
    Mint(Box<Minting>),
    /// Another write.
    Run(Command),
    /// Everything that is not filed yet, to be filed now.
    File(oneshot::Sender<Result<(), StoreError>>),
    /// The end: take nothing more in, do what waits, tell when all is on disk.
    Close(oneshot::Sender<Result<(), StoreError>>),
}

impl Job {
    /// Whether its caller has time for a few milliseconds more: a decision is waited for by a user.
    const fn has_time(&self) -> bool {
        matches!(self, Self::Mint(_) | Self::Run(_) | Self::File(_))
    }
}

/// Waits for writes that are about to come, as long as each pause brings some and nobody is in a hurry. A commit costs more
/// than most writes do, so the more share one, the less each costs.
async fn gather(queue: &mut mpsc::Receiver<Job>, jobs: &mut Vec<Job>, jobs_max: usize) {
    for _ in 0..GATHERING_PAUSES_MAX {
        let before = jobs.len();
        if before >= jobs_max || !jobs.iter().all(Job::has_time) {
            return;
        }
        tokio::time::sleep(GATHERING_PAUSE).await;
        while jobs.len() < jobs_max
            && let Ok(job) = queue.try_recv()
        {
            jobs.push(job);
        }
        if jobs.len() == before {
            return;
        }
    }
}

/// The writer's belongings.
pub(super) struct Writer {
    connection: SqliteConnection,
    statements: BatchStatements,
    mint_statements: MintStatements,
    known: Known,
    chain: Chain,
    watch: Arc<Watch>,
    batch_max: usize,
    file_after_rows: usize,
    run: Option<filing::Run>,
}

impl Writer {
    /// Takes the writing connection over and files what an earlier run left.
    ///
    /// # Errors
    /// The database cannot be written; nothing was changed.
    pub(super) async fn start(
        mut connection: SqliteConnection,
        settings: &StoreSettings,
        watch: Arc<Watch>,
    ) -> Result<(Self, Known), StoreError> {
        let known = Known::default();
        *known.tail.write() = Tail::filed_through(filing::file_all(&mut connection).await?);
        let writer = Self {
            connection,
            statements: BatchStatements::up_to(settings.batch_rows()),
            mint_statements: MintStatements::up_to(settings.batch_rows()),
            known: known.clone(),
            chain: Chain::default(),
            watch,
            batch_max: settings.batch_rows(),
            file_after_rows: settings.file_after_rows.max(1),
            run: None,
        };
        Ok((writer, known))
    }

    /// Works until the store is closed or nobody holds it any more, then leaves the file in order.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut jobs = Vec::with_capacity(self.batch_max);
        let mut closing = Vec::new();
        let mut had_company = false;
        while queue.recv_many(&mut jobs, self.batch_max).await > 0 {
            if had_company {
                gather(&mut queue, &mut jobs, self.batch_max).await;
            }
            let taken = jobs.len();
            self.work(&mut jobs, &mut queue, &mut closing).await;
            had_company = taken + queue.len() > 1;
            if had_company {
                // Where all share a core, those who were just told go first: what they bring next shares the next commit.
                std::thread::yield_now();
            }
        }
        let outcome = self.finish().await;
        for reply in closing {
            drop(reply.send(outcome.clone()));
        }
    }

    /// Does what was taken: decisions first, whose callers have the least time.
    async fn work(
        &mut self,
        jobs: &mut Vec<Job>,
        queue: &mut mpsc::Receiver<Job>,
        closing: &mut Vec<oneshot::Sender<Result<(), StoreError>>>,
    ) {
        let mut decisions = Vec::with_capacity(jobs.len());
        let (mut mints, mut commands) = (Vec::new(), Vec::new());
        let mut filing = Vec::new();
        for job in jobs.drain(..) {
            match job {
                // Whoever gave up was answered already: what was not begun need not be.
                Job::Record(pending) if pending.reply.is_closed() => {}
                Job::Record(mut pending) => {
                    pending.passage.taken();
                    decisions.push(*pending);
                }
                Job::Mint(minting) => mints.push(*minting),
                Job::Run(command) => commands.push(command),
                Job::File(reply) => filing.push(reply),
                Job::Close(reply) => {
                    queue.close();
                    closing.push(reply);
                }
            }
        }
        if !decisions.is_empty() {
            self.record(decisions).await;
        }
        if !mints.is_empty() {
            fast_mint::record(&mut self.connection, &self.mint_statements, mints, &self.watch).await;
        }
        group::run(&mut self.connection, commands, &self.watch).await;
        if !filing.is_empty() {
            let filed = self.file_all().await;
            filing.into_iter().for_each(|reply| drop(reply.send(filed.clone())));
        }
    }

    /// Commits a batch and answers its callers. A row that cannot be is found by trying each alone.
    async fn record(&mut self, batch: Vec<Pending>) {
        match self.try_record(&batch).await {
            Ok(recorded) => {
                tell_all(batch.into_iter().map(|call| call.reply).zip(recorded.into_iter().map(Ok)));
            }
            Err(fault) if fault.is_one_rows_own() && batch.len() > 1 => {
                for call in batch {
                    let alone = self.try_record(std::slice::from_ref(&call)).await;
                    let recorded =
                        alone.and_then(|recorded| recorded.into_iter().next().ok_or(StoreError::Closed));
                    call.reply.hear(recorded);
                }
            }
            Err(fault) => {
                tell_all(batch.into_iter().map(|call| (call.reply, Err(fault.clone()))));
            }
        }
        self.file_some().await;
    }

    async fn try_record(&mut self, batch: &[Pending]) -> Result<Vec<crate::domain::Recorded>, StoreError> {
        if self.known.tail.read().rows() >= self.file_after_rows.saturating_mul(UNFILED_MAX_FACTOR) {
            self.file_all().await?;
        }
        let _commits = commits(batch);
        let began = Instant::now();
        match batch::record(&mut self.connection, &self.statements, &self.known, (batch, &mut self.chain))
            .await
        {
            Ok((recorded, rows)) => {
                self.watch.committed_batch(rows, began.elapsed());
                Ok(recorded)
            }
            Err(fault) => {
                self.watch.failed_batch(&fault);
                Err(fault)
            }
        }
    }

    /// Files a slice, if enough has gathered for a run or one is under way. Decisions do not depend on it: what fails is
    /// tried again after the next batch.
    async fn file_some(&mut self) {
        if self.run.is_none() && self.known.tail.read().rows() >= self.file_after_rows {
            self.run = Some(self.known.tail.read().run());
        }
        let Some(mut run) = self.run.take() else { return };
        let filed = filing::file_next(&mut self.connection, &mut run).await;
        self.watch.filed(filed.as_ref().map(|_| ()));
        match filed {
            Ok(true) => self.known.tail.write().forget_through(run.through),
            Ok(false) => self.run = Some(run),
            Err(_) => {}
        }
    }

    async fn file_all(&mut self) -> Result<(), StoreError> {
        let filed = filing::file_all(&mut self.connection).await;
        self.watch.filed(filed.as_ref().map(|_| ()));
        *self.known.tail.write() = Tail::filed_through(filed?);
        self.run = None;
        Ok(())
    }

    /// Files the rest, moves the write-ahead log into the database file and closes it.
    async fn finish(mut self) -> Result<(), StoreError> {
        let filed = self.file_all().await;
        let moved = self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await;
        self.connection.close().await?;
        moved?;
        filed
    }
}
