//! The task that gathers decisions and sets batches going.
//!
//! A batch takes all that waits, up to its bound. While as many batches as may are under way, calls gather for the next one: the
//! slower the server, the larger the batches.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::{Semaphore, mpsc, oneshot};

use super::transaction::Transactions;
use crate::domain::Recorded;
use crate::store::batch::{Pending, commits};
use crate::store::chain::Chain;
use crate::store::replies::tell_all;
use crate::store::watch::Watch;
use crate::store::{StoreError, StoreSettings};

/// What waits for the writer.
pub(super) enum Job {
    /// A decision, to be committed with others that wait.
    Record(Box<Pending>),
    /// The end: take nothing more in, do what waits, tell when all is done.
    Close(oneshot::Sender<()>),
}

/// The writer's belongings.
pub(super) struct Writer {
    transactions: Transactions,
    watch: Arc<Watch>,
    batch_max: usize,
    batches_max: u32,
    under_way: Arc<Semaphore>,
    chains: FreeChains,
}

/// The chains that no batch is making longer now. One is made where none is free, so there are as many as batches were ever
/// under way at once.
#[derive(Debug, Clone, Default)]
struct FreeChains(Arc<Mutex<Vec<Chain>>>);

impl FreeChains {
    /// Takes the one that was given back last, so that few are in use when little is going on.
    fn take(&self) -> Chain {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn give_back(&self, chain: Chain) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(chain);
    }
}

impl Writer {
    /// Batches hold at most half of the connections: the others are for reading and for other writes.
    pub(super) fn new(transactions: Transactions, settings: &StoreSettings, watch: Arc<Watch>) -> Self {
        let batches_max = (settings.connections_max / 2).max(1);
        let under_way = Arc::new(Semaphore::new(usize::try_from(batches_max).unwrap_or(1)));
        Self {
            transactions,
            watch,
            batch_max: settings.batch_rows(),
            batches_max,
            under_way,
            chains: FreeChains::default(),
        }
    }

    /// Works until the store is closed or nobody holds it any more.
    pub(super) async fn run(self, mut queue: mpsc::Receiver<Job>) {
        let mut jobs = Vec::with_capacity(self.batch_max);
        let mut closing = Vec::new();
        loop {
            let Ok(turn) = Arc::clone(&self.under_way).acquire_owned().await else { break };
            if queue.recv_many(&mut jobs, self.batch_max).await == 0 {
                break;
            }
            let mut decisions = Vec::with_capacity(jobs.len());
            for job in jobs.drain(..) {
                match job {
                    // Whoever gave up was answered already: what was not begun need not be.
                    Job::Record(pending) if pending.reply.is_closed() => {}
                    Job::Record(mut pending) => {
                        pending.passage.taken();
                        decisions.push(*pending);
                    }
                    Job::Close(reply) => {
                        queue.close();
                        closing.push(reply);
                    }
                }
            }
            if decisions.is_empty() {
                continue;
            }
            let (transactions, watch) = (self.transactions.clone(), Arc::clone(&self.watch));
            let chains = self.chains.clone();
            tokio::spawn(async move {
                let mut chain = chains.take();
                record((&transactions, &watch), &mut chain, decisions).await;
                chains.give_back(chain);
                drop(turn);
            });
        }
        drop(self.under_way.acquire_many(self.batches_max).await);
        for reply in closing {
            // Whoever asked and went away needs no word.
            _ = reply.send(());
        }
    }
}

/// Commits a batch and answers its callers. A row that cannot be is found by trying each alone.
async fn record(place: (&Transactions, &Watch), chain: &mut Chain, decisions: Vec<Pending>) {
    match try_record(place, chain, &decisions).await {
        Ok(recorded) => {
            tell_all(decisions.into_iter().map(|call| call.reply).zip(recorded.into_iter().map(Ok)));
        }
        Err(fault) if fault.is_one_rows_own() && decisions.len() > 1 => {
            for call in decisions {
                let alone = try_record(place, chain, std::slice::from_ref(&call)).await;
                let recorded =
                    alone.and_then(|recorded| recorded.into_iter().next().ok_or(StoreError::Closed));
                call.reply.hear(recorded);
            }
        }
        Err(fault) => {
            tell_all(decisions.into_iter().map(|call| (call.reply, Err(fault.clone()))));
        }
    }
}

async fn try_record(
    (transactions, watch): (&Transactions, &Watch),
    chain: &mut Chain,
    decisions: &[Pending],
) -> Result<Vec<Recorded>, StoreError> {
    let _commits = commits(decisions);
    let began = Instant::now();
    match transactions.record(decisions, chain).await {
        Ok((recorded, rows)) => {
            watch.committed_batch(rows, began.elapsed());
            Ok(recorded)
        }
        Err(fault) => {
            watch.failed_batch(&fault);
            Err(fault)
        }
    }
}
