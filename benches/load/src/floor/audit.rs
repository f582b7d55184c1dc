//! A row for every verdict, durable before the answer: one writer takes all that wait and commits them together.

use std::path::Path;

use serde::Serialize;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::{mpsc, oneshot};

use super::rules::{HookCall, Ruling};
use crate::fault::{Outcome, While as _};

/// How many rows may wait; beyond it calls wait for the queue.
const QUEUE_ROWS_MAX: usize = 1_024;
/// How many rows one transaction takes.
const BATCH_ROWS_MAX: usize = 256;
/// What brings a row to about 600 bytes, as a record with its reasons and condition values has.
const EXPLANATION: &str = concat!(
    r#"{"ten":"conditions","were":"seen","and":"each","keeps":"what it looked at","amount":"612.40","#,
    r#""currency":"USD","ip":"192.0.2.0/24","platform":"WEB","phone":"+33*******78","email":"u***@example.com","#,
    r#""bundle":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","evaluation_ns":1200,"#,
    r#""steps":["verify_sms","verify_email"],"outcomes":"0000000010","metadata":{"payee":"DE0000000000000000"}}"#
);

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS decisions (
    id INTEGER PRIMARY KEY, user_id TEXT NOT NULL, scope TEXT NOT NULL, verdict TEXT NOT NULL, rule TEXT NOT NULL,
    answer TEXT NOT NULL, phones INTEGER NOT NULL, explanation TEXT NOT NULL)";

const INSERT: &str = "INSERT INTO decisions (user_id, scope, verdict, rule, answer, phones, explanation)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
    FROM json_each(?1)";

/// One verdict as it is kept; a JSON array, in the order of `INSERT`.
#[derive(Serialize)]
pub(super) struct Row(String, String, &'static str, &'static str, &'static str, u64, &'static str);

impl Row {
    /// What is kept of a call and its ruling.
    pub(super) fn of(call: &HookCall<'_>, ruling: Ruling) -> Self {
        let phones = call.identifiers.iter().filter(|identifier| identifier.kind == "phone_number").count();
        let phones = u64::try_from(phones).unwrap_or(u64::MAX);
        let Ruling { rule, verdict, answer } = ruling;
        Self(
            call.user_id.to_owned(),
            call.scope_requested.to_owned(),
            verdict,
            rule,
            answer,
            phones,
            EXPLANATION,
        )
    }
}

struct Waiting {
    row: Row,
    done: oneshot::Sender<()>,
}

/// The way to the writer.
pub(super) struct Audit(mpsc::Sender<Waiting>);

impl Audit {
    /// Opens or makes the file and starts the writer.
    ///
    /// # Errors
    /// When SQLite refuses the file.
    pub(super) async fn open(file: &Path) -> Outcome<Self> {
        let mut connection = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .connect()
            .await
            .doing("opening the store")?;
        sqlx::query(SCHEMA).execute(&mut connection).await.doing("making the table")?;
        let (sender, receiver) = mpsc::channel(QUEUE_ROWS_MAX);
        actix_web::rt::spawn(write(connection, receiver));
        Ok(Self(sender))
    }

    /// Hands a row to the writer at once; the future tells whether it was committed.
    pub(super) fn record(&self, row: Row) -> impl Future<Output = bool> + use<> {
        let (done, committed) = oneshot::channel();
        let handed = self.0.try_send(Waiting { row, done }).is_ok();
        async move { handed && committed.await.is_ok() }
    }
}

async fn write(mut connection: SqliteConnection, mut queue: mpsc::Receiver<Waiting>) {
    let mut waiting = Vec::with_capacity(BATCH_ROWS_MAX);
    while queue.recv_many(&mut waiting, BATCH_ROWS_MAX).await > 0 {
        let batch = std::mem::take(&mut waiting);
        if commit(&mut connection, &batch).await.is_err() {
            // Nobody is told "recorded": dropping the senders answers 503.
            continue;
        }
        for Waiting { done, .. } in batch {
            // A caller that left does not need to know.
            let _ = done.send(());
        }
    }
}

async fn commit(connection: &mut SqliteConnection, batch: &[Waiting]) -> Outcome<()> {
    let rows: Vec<&Row> = batch.iter().map(|waiting| &waiting.row).collect();
    let json = serde_json::to_string(&rows).doing("writing rows as JSON")?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.doing("beginning")?;
    sqlx::query(INSERT).bind(json).execute(&mut *transaction).await.doing("inserting")?;
    transaction.commit().await.doing("committing")
}
