//! The store's file, read from outside.

use std::collections::BTreeSet;
use std::path::Path;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

async fn open(file: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file).read_only(true);
    options.connect().await.expect("the store's file opens")
}

/// Reads one text.
pub(crate) async fn text(file: &Path, sql: &'static str) -> String {
    sqlx::query_scalar(sql).fetch_one(&mut open(file).await).await.expect("a row")
}

/// The users of all recorded decisions; every one of them must be there once.
pub(crate) async fn users(file: &Path) -> BTreeSet<String> {
    let rows = sqlx::query_scalar("SELECT user_id FROM decisions").fetch_all(&mut open(file).await).await;
    let rows: Vec<String> = rows.expect("rows");
    let users: BTreeSet<String> = rows.iter().cloned().collect();
    assert_eq!(users.len(), rows.len(), "a call was recorded twice");
    users
}
