//! Writes that wait together: none takes another with it, whatever happens to the transaction.

use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

use super::{Directory, number, open, value};
use crate::store::connection::Connection;
use crate::store::turn::Turn;
use crate::store::{Store, StoreError, StoreSettings};

const LISTED: &str = "SELECT coalesce(group_concat(n, ' '), '') FROM (SELECT n FROM noted ORDER BY n)";

/// What a command of these tests does after it has noted its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Succeeds,
    /// With a fault of its own, that SQLite does not know of.
    Fails,
    /// By a statement that breaks a constraint.
    Breaks,
    /// SQLite rolls everything back by itself, as on a full disk, and says so.
    LosesAll,
    /// The same, unnoticed.
    LosesAllUnnoticed,
}

async fn execute(connection: &mut Connection<'_>, sql: &'static str) -> Result<(), StoreError> {
    connection.query(sql).execute(connection).await.map(drop)
}

fn work(
    n: i64,
    then: Then,
) -> impl for<'c, 'd> FnOnce(&'c mut Connection<'d>) -> BoxFuture<'c, Result<i64, StoreError>> {
    move |connection| {
        Box::pin(async move {
            connection.query("INSERT INTO noted (n) VALUES ($1)").bind(n).execute(connection).await?;
            match then {
                Then::Succeeds => {}
                Then::Fails => return Err(StoreError::Busy),
                Then::Breaks => execute(connection, "INSERT INTO noted (n) VALUES (NULL)").await?,
                Then::LosesAll => {
                    execute(connection, "ROLLBACK").await?;
                    return Err(StoreError::Busy);
                }
                Then::LosesAllUnnoticed => execute(connection, "ROLLBACK").await?,
            }
            Ok(n)
        })
    }
}

/// Enqueues commands, numbered from 0, before the writer gets to run, so that it takes all of them together.
///
/// - returns: which were told that they are done, and which are in the table.
async fn together(commands: &[Then]) -> (Vec<i64>, String) {
    let directory = Directory::on_sqlite();
    let store = directory.open().await;
    store
        .write(Turn::Anyone, |connection| {
            Box::pin(execute(connection, "CREATE TABLE noted (n INTEGER NOT NULL UNIQUE) STRICT"))
        })
        .await
        .expect("a table");
    let told =
        join_all(commands.iter().zip(0..).map(|(then, n)| store.write(Turn::Anyone, work(n, *then)))).await;
    let done = told.into_iter().filter_map(Result::ok).collect();
    (done, listed(&store).await)
}

async fn listed(store: &Store) -> String {
    value(store, LISTED).await
}

#[tokio::test]
async fn one_that_fails_takes_no_other_with_it() {
    use Then::{Breaks, Fails, LosesAll, LosesAllUnnoticed, Succeeds};
    let check = async |commands: &[Then], done: &[i64]| {
        let (told, listed) = together(commands).await;
        assert_eq!(told, done, "{commands:?}");
        let expected: Vec<String> = done.iter().map(i64::to_string).collect();
        assert_eq!(listed, expected.join(" "), "{commands:?}: what was told and nothing else is there");
    };
    check(&[Succeeds], &[0]).await;
    check(&[Fails], &[]).await;
    check(&[Breaks], &[]).await;
    check(&[LosesAll], &[]).await;
    check(&[LosesAllUnnoticed], &[]).await;
    check(&[Succeeds, Succeeds, Succeeds], &[0, 1, 2]).await;
    check(&[Fails, Succeeds, Breaks, Succeeds, Fails], &[1, 3]).await;
    check(&[Succeeds, Breaks], &[0]).await;
    check(&[Breaks, Fails], &[]).await;
    // Whose work was lost with the transaction is told so; who comes after gets a new one.
    check(&[Succeeds, LosesAll, Succeeds, Succeeds], &[2, 3]).await;
    check(&[Succeeds, LosesAllUnnoticed, Succeeds], &[2]).await;
    check(&[Succeeds, Succeeds, LosesAll], &[]).await;
    check(&[Succeeds, LosesAllUnnoticed], &[]).await;
}

#[tokio::test]
async fn while_another_process_writes_all_that_wait_are_refused_and_nothing_is_left_open() {
    let directory = Directory::on_sqlite();
    let store = open(StoreSettings { busy_timeout: Duration::from_millis(20), ..directory.settings() }).await;
    let other = SqliteConnectOptions::new().filename(directory.file());
    let mut other = other.connect().await.expect("the file opens");
    execute(&mut Connection::Sqlite(&mut other), "BEGIN IMMEDIATE").await.expect("begun");
    let nothing = || store.write(Turn::Anyone, |_| Box::pin(async { Ok(()) }));
    let told = join_all((0..3).map(|_| nothing())).await;
    assert!(told.iter().all(|told| matches!(told, Err(StoreError::Unavailable(_)))), "{told:?}");
    execute(&mut Connection::Sqlite(&mut other), "ROLLBACK").await.expect("ended");
    nothing().await.expect("written");
    assert_eq!(number(&store, "SELECT count(*) FROM verifications").await, 0);
}
