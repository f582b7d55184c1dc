//! Moving a whole record from SQLite to PostgreSQL.
//!
//! The source's write lock is held for as long as it takes, so nothing is recorded there meanwhile; the target is one
//! transaction, so it has all of it or nothing. What arrived is read again and compared, row by row.

mod column;

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, Row as _, query, raw_sql};

use self::column::Column;
use super::settings::Address;
use super::{Store, StoreError, StoreSettings};
use crate::metrics::Metrics;

/// What is copied: what others refer to comes first. SQLite's own `filing` and `walkable_reviews` are for finding what
/// PostgreSQL finds by its indexes; `retention_turn` says who was where, not what.
pub(super) const TABLES: [&str; 32] = [
    "bundles",
    "key_sets",
    "signing_keys",
    "secrets",
    "api_keys",
    "policy_activations",
    "accesses",
    "desk_actions",
    "desk_entries",
    "desk_pauses",
    "decisions",
    "signatures",
    "decision_subjects",
    "filed_subjects",
    "past_segments",
    "decision_personal",
    "chain_anchors",
    "erasures",
    "verifications",
    "verification_events",
    "kept_approvals",
    "verification_tokens",
    "kept_answers",
    "redemptions",
    "key_actions",
    "provider_events",
    "facts",
    "prelude_events",
    "erasure_queue",
    "retention_marks",
    "user_holds",
    "prelude_keys",
];

/// How many rows are written at a time.
const ROWS: usize = 500;

/// A table that was copied and compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CopiedTable {
    /// Its name.
    pub(crate) name: &'static str,
    /// How many rows it has, here and there.
    pub(crate) rows: u64,
    checksum: [u8; 32],
}

impl CopiedTable {
    /// What both have, in hexadecimal: the SHA-256 digests of all rows, whatever their order, taken together by exclusive or.
    pub(crate) fn checksum(&self) -> String {
        self.checksum.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What a table holds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    rows: u64,
    checksum: [u8; 32],
}

impl Sum {
    fn add(&mut self, columns: &[Column], row: usize) {
        let mut digest = Context::new(&SHA256);
        columns.iter().for_each(|column| column.digest(row, &mut digest));
        let digest = digest.finish();
        self.checksum.iter_mut().zip(digest.as_ref()).for_each(|(all, one)| *all ^= one);
        self.rows += 1;
    }
}

impl Store {
    /// Copies the record of a SQLite file into an empty PostgreSQL database, and compares what arrived.
    ///
    /// # Errors
    /// [`StoreError::Address`] for other engines, [`StoreError::NotEmpty`], [`StoreError::CopyDiffers`], [`StoreError::Busy`]
    /// while somebody else writes to the file, or what kept either from being opened, read or written. Nothing was copied.
    pub(crate) async fn copy(
        from: StoreSettings,
        to: StoreSettings,
        metrics: Arc<Metrics>,
    ) -> Result<Vec<CopiedTable>, StoreError> {
        let (Address::File(file), Address::Server(server)) = (from.address()?, to.address()?) else {
            return Err(StoreError::Address(
                "is not a SQLite file to copy from, and a PostgreSQL database to copy to",
            ));
        };
        // Opened and closed, both have the tables of this version, and the file has nothing that is not filed.
        for settings in [from, to] {
            Self::open(settings, Arc::clone(&metrics)).await?.close().await?;
        }
        let source = SqliteConnectOptions::new().filename(file).disable_statement_logging();
        let (mut source, mut target) = (source.connect().await?, connect(*server).await?);
        source.execute("BEGIN IMMEDIATE").await?;
        let unfiled = "SELECT EXISTS (SELECT 1 FROM decisions, filing WHERE seq > filed_through)";
        if sqlx::query_scalar(unfiled).fetch_one(&mut source).await? {
            return Err(StoreError::Busy);
        }
        copy_all(&mut source, &mut target).await
    }
}

async fn connect(server: PgConnectOptions) -> Result<PgConnection, StoreError> {
    Ok(server.application_name("doorstep store copy").disable_statement_logging().connect().await?)
}

/// A target whose connection ends without a commit is as it was.
async fn copy_all(
    source: &mut SqliteConnection,
    target: &mut PgConnection,
) -> Result<Vec<CopiedTable>, StoreError> {
    target.execute("BEGIN; SET LOCAL synchronous_commit = on").await?;
    target.execute("SELECT pg_advisory_xact_lock(hashtextextended('doorstep', 0))").await?;
    let mut copied = Vec::with_capacity(TABLES.len());
    for name in TABLES {
        let columns = columns(target, name).await?;
        let sent = send(source, target, (name, &columns)).await?;
        let arrived = read_again(target, (name, &columns)).await?;
        if sent != arrived {
            return Err(StoreError::CopyDiffers(name));
        }
        count_on(target, (name, &columns)).await?;
        copied.push(CopiedTable { name, rows: sent.rows, checksum: sent.checksum });
    }
    target.execute("COMMIT").await?;
    Ok(copied)
}

/// A column of the target: its name, its type, and whether PostgreSQL counts it on.
struct Described {
    name: String,
    type_name: String,
    is_counted: bool,
}

impl Described {
    fn empty(&self, table: &'static str) -> Result<Column, StoreError> {
        Column::of_type(&self.type_name).ok_or_else(|| StoreError::corrupt(table, "type", self.name.clone()))
    }
}

/// The target's columns of a table, which must have no rows.
async fn columns(target: &mut PgConnection, table: &'static str) -> Result<Vec<Described>, StoreError> {
    let has_rows = AssertSqlSafe(format!("SELECT EXISTS (SELECT 1 FROM {table})"));
    if sqlx::query_scalar(has_rows).fetch_one(&mut *target).await? {
        return Err(StoreError::NotEmpty(table));
    }
    let rows = query(
        "SELECT column_name::text, udt_name::text, is_identity = 'YES' AS is_counted FROM information_schema.columns
          WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position",
    )
    .bind(table)
    .persistent(false)
    .fetch_all(target)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Described {
                name: row.try_get("column_name")?,
                type_name: row.try_get("udt_name")?,
                is_counted: row.try_get("is_counted")?,
            })
        })
        .collect()
}

/// Columns without rows, and their names as a list.
fn prepared((table, columns): (&'static str, &[Described])) -> Result<(Vec<Column>, String), StoreError> {
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let empty = columns.iter().map(|column| column.empty(table)).collect::<Result<_, _>>()?;
    Ok((empty, names.join(", ")))
}

async fn send(
    source: &mut SqliteConnection,
    target: &mut PgConnection,
    table: (&'static str, &[Described]),
) -> Result<Sum, StoreError> {
    let (mut columns, names) = prepared(table)?;
    let select = AssertSqlSafe(format!("SELECT {names} FROM {}", table.0));
    let mut sum = Sum::default();
    let mut rows = query(select).fetch(source);
    while let Some(row) = rows.try_next().await? {
        for (at, column) in columns.iter_mut().enumerate() {
            column.take_from_sqlite(&row, at)?;
        }
        let held = columns.first().map_or(0, Column::rows);
        sum.add(&columns, held.saturating_sub(1));
        if held == ROWS {
            insert(target, (table.0, &names), &mut columns).await?;
        }
    }
    insert(target, (table.0, &names), &mut columns).await?;
    Ok(sum)
}

/// Writes the rows that are held and lets go of them.
async fn insert(
    target: &mut PgConnection,
    (table, names): (&'static str, &str),
    columns: &mut [Column],
) -> Result<(), StoreError> {
    let arrays: Vec<String> = columns
        .iter()
        .zip(1..)
        .map(|(column, number)| format!("${number}::{}[]", column.type_name()))
        .collect();
    let sql = format!("INSERT INTO {table} ({names}) SELECT * FROM unnest({})", arrays.join(", "));
    let mut insert = query(AssertSqlSafe(sql)).persistent(false);
    for column in columns {
        insert = column.bind_and_empty(insert);
    }
    insert.execute(target).await?;
    Ok(())
}

async fn read_again(
    target: &mut PgConnection,
    table: (&'static str, &[Described]),
) -> Result<Sum, StoreError> {
    let (mut columns, names) = prepared(table)?;
    let select = AssertSqlSafe(format!("SELECT {names} FROM {}", table.0));
    let mut sum = Sum::default();
    let mut rows = query(select).persistent(false).fetch(target);
    while let Some(row) = rows.try_next().await? {
        for (at, column) in columns.iter_mut().enumerate() {
            column.clear();
            column.take_from_postgres(&row, at)?;
        }
        sum.add(&columns, 0);
    }
    Ok(sum)
}

/// The next row gets the place after the last.
async fn count_on(
    target: &mut PgConnection,
    (table, columns): (&'static str, &[Described]),
) -> Result<(), StoreError> {
    for Described { name, .. } in columns.iter().filter(|column| column.is_counted) {
        let sql = format!(
            "SELECT setval(pg_get_serial_sequence('{table}', '{name}'), max({name})) FROM {table} HAVING max({name}) IS NOT NULL"
        );
        target.execute(raw_sql(AssertSqlSafe(sql))).await?;
    }
    Ok(())
}
