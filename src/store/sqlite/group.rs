//! Writes of another kind than decisions: those that wait together are committed together.
//!
//! Each works under a savepoint of its own, so one that fails takes no other with it, and each caller is told only once all of
//! it is on disk. A commit costs more than most of these writes do.

use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::oneshot;

use crate::store::StoreError;
use crate::store::connection::Connection;
use crate::store::watch::Watch;

/// What waits for the writer: it works inside the group's transaction, or hears why there is none.
pub(super) type Command =
    Box<dyn for<'c, 'd> FnOnce(Result<&'c mut Connection<'d>, StoreError>) -> BoxFuture<'c, Worked> + Send>;

/// What a command did.
pub(super) struct Worked {
    /// Why it does not stay, if it does not; else it stays if the commit does.
    fault: Option<StoreError>,
    /// Tells the caller, who must hear of nothing before the commit.
    tell: Box<dyn FnOnce(Result<(), StoreError>) + Send>,
}

/// Begins a group. A command that is alone needs no savepoint: it is the whole transaction.
const BEGIN: &str = "BEGIN IMMEDIATE; SAVEPOINT command";
const BEGIN_ALONE: &str = "BEGIN IMMEDIATE";
/// Keeps what the last command did, and begins the next.
const KEEP: &str = "RELEASE command; SAVEPOINT command";
/// Takes back what the last command did. The savepoint stays, for the next.
const TAKE_BACK: &str = "ROLLBACK TO command";

/// Makes a command of a write.
///
/// - `reply`: hears what the write gave once that is on disk, or why it is not. A caller that gave up does not hear; what was
///   written stays.
pub(super) fn command<T, F>(work: F, reply: oneshot::Sender<Result<T, StoreError>>) -> Command
where
    T: Send + 'static,
    F: for<'c, 'd> FnOnce(&'c mut Connection<'d>) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
{
    Box::new(move |connection| {
        Box::pin(async move {
            let worked = match connection {
                Ok(connection) => work(connection).await,
                Err(fault) => Err(fault),
            };
            let fault = worked.as_ref().err().cloned();
            let tell = move |committed: Result<(), StoreError>| {
                drop(reply.send(worked.and_then(|done| committed.map(|()| done))));
            };
            Worked { fault, tell: Box::new(tell) }
        })
    })
}

/// Runs commands in as few transactions as can be, in order, and tells their callers.
///
/// - `watch`: hears of every transaction that was committed or given up; the callers know why.
pub(super) async fn run(connection: &mut SqliteConnection, commands: Vec<Command>, watch: &Watch) {
    let mut waiting = commands.into_iter().peekable();
    while waiting.peek().is_some() {
        let begin = if waiting.len() == 1 { BEGIN_ALONE } else { BEGIN };
        if let Err(fault) = control(connection, begin).await {
            watch.failed(&fault);
            roll_back(connection).await;
            // The database is locked or gone for all that wait.
            for command in waiting.by_ref() {
                (command(Err(fault.clone())).await.tell)(Ok(()));
            }
            break;
        }
        let mut worked = Vec::with_capacity(waiting.len());
        let committed = work_and_commit(connection, &mut waiting, &mut worked).await;
        for fault in
            worked.iter().filter_map(|one| one.fault.as_ref()).filter(|fault| fault.outage().is_some())
        {
            watch.failed(fault);
        }
        match &committed {
            Ok(()) if worked.iter().any(|one| one.fault.is_none()) => watch.committed(),
            Ok(()) => {}
            Err(fault) => {
                watch.failed(fault);
                roll_back(connection).await;
            }
        }
        for one in worked {
            (one.tell)(committed.clone());
        }
    }
}

/// Lets commands work, each under a savepoint, and commits.
///
/// # Errors
/// The transaction must be given up, with all that worked in it; others may be waiting still. So it is where SQLite has rolled
/// everything back by itself (a full disk): what another command wrote then would be outside of any transaction.
async fn work_and_commit(
    connection: &mut SqliteConnection,
    waiting: &mut std::iter::Peekable<std::vec::IntoIter<Command>>,
    worked: &mut Vec<Worked>,
) -> Result<(), StoreError> {
    let is_alone = waiting.len() == 1;
    while let Some(command) = waiting.next() {
        let one = command(Ok(&mut Connection::Sqlite(connection))).await;
        let stays = one.fault.is_none();
        worked.push(one);
        match (stays, is_alone) {
            (true, _) if waiting.peek().is_none() => {}
            (true, _) => control(connection, KEEP).await?,
            (false, false) => control(connection, TAKE_BACK).await?,
            // Nobody else's work is in it.
            (false, true) => {
                roll_back(connection).await;
                return Ok(());
            }
        }
    }
    control(connection, "COMMIT").await
}

async fn control(connection: &mut SqliteConnection, statement: &'static str) -> Result<(), StoreError> {
    sqlx::query(statement).execute(connection).await?;
    Ok(())
}

/// Where SQLite has rolled back by itself, there is nothing left to roll back and this fails: as good.
async fn roll_back(connection: &mut SqliteConnection) {
    drop(control(connection, "ROLLBACK").await);
}
