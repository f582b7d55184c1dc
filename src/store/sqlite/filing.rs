//! Filing: `signatures`, `walkable_reviews` and `decision_subjects` follow `decisions` in sorted runs.
//!
//! Their keys are random, so a row of theirs that is written at once costs a page of log of its own. Sorted by key, some
//! thousand rows share pages: measured up to 60 000 rows, filing saves more than half of what the first two tables cost a
//! call. A run is cut into slices with batches in between, so that nobody waits for more than a slice.

use std::collections::VecDeque;

use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Connection as _, Row};

use super::batch::add;
use super::statements::list;
use crate::domain::{Kid, SignatureHash, Timestamp};
use crate::store::connection::Connection;
use crate::store::filed::{About, Filed};
use crate::store::{StoreError, traits};

/// How many rows are filed at a time: at most 1 MiB of log.
pub(super) const SLICE_ROWS: usize = 256;

/// A run that is under way.
#[derive(Debug)]
pub(super) struct Run {
    /// The last decision that is filed when the run is through.
    pub(super) through: i64,
    /// What is left to do, neighbouring keys together.
    pub(super) slices: VecDeque<Slice>,
}

/// Neighbours in one of the tables.
#[derive(Debug)]
pub(super) enum Slice {
    /// To be filed in `signatures`.
    Signatures(Vec<Signature>),
    /// To be filed in `walkable_reviews`.
    Reviews(Vec<Review>),
    /// To be filed in `decision_subjects`.
    Subjects(Vec<About>),
}

/// A row of `signatures`.
#[derive(Debug)]
pub(super) struct Signature {
    pub(super) hash: SignatureHash,
    pub(super) kid: Kid,
    pub(super) received_at: Timestamp,
    pub(super) seq: i64,
}

/// A row of `walkable_reviews`.
#[derive(Debug)]
pub(super) struct Review {
    pub(super) user: Box<str>,
    pub(super) scope: Box<str>,
    pub(super) walkable_until: Timestamp,
    pub(super) seq: i64,
}

/// Rows of all three tables, in any order.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) signatures: Vec<Signature>,
    pub(super) reviews: Vec<Review>,
    pub(super) subjects: Vec<About>,
}

impl Rows {
    /// Neighbours together, in slices. Of a signature that stands twice the first call that carried it comes first.
    pub(super) fn into_slices(mut self) -> VecDeque<Slice> {
        self.signatures.sort_unstable_by(|a, b| (&a.hash, a.seq).cmp(&(&b.hash, b.seq)));
        self.reviews.sort_unstable_by(|a, b| {
            (&a.user, &a.scope, a.walkable_until, a.seq).cmp(&(&b.user, &b.scope, b.walkable_until, b.seq))
        });
        self.subjects.sort_unstable();
        let signatures = in_slices(self.signatures).into_iter().map(Slice::Signatures);
        let reviews = in_slices(self.reviews).into_iter().map(Slice::Reviews);
        let subjects = in_slices(self.subjects).into_iter().map(Slice::Subjects);
        signatures.chain(reviews).chain(subjects).collect()
    }
}

fn in_slices<T>(rows: Vec<T>) -> Vec<Vec<T>> {
    let mut rows = rows.into_iter();
    let mut slices = Vec::new();
    while rows.len() > 0 {
        slices.push(rows.by_ref().take(SLICE_ROWS).collect());
    }
    slices
}

/// Files one slice of a run, or ends the run when none is left.
///
/// - returns: whether the run is through.
///
/// # Errors
/// Nothing of the slice was filed. Begun runs may be given up: what was filed twice is there once.
pub(super) async fn file_next(connection: &mut SqliteConnection, run: &mut Run) -> Result<bool, StoreError> {
    match run.slices.pop_front() {
        Some(slice) => file(connection, &slice).await.map(|()| false),
        None => advance(connection, run.through).await.map(|_| true),
    }
}

/// Files every decision that is not filed yet, in one transaction: when the store is opened and closed.
///
/// - returns: the last decision that is filed now.
///
/// # Errors
/// Nothing was filed; the decisions stand as they did.
pub(super) async fn file_all(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let (rows, last) = unfiled(&mut transaction).await?;
    for slice in rows.into_slices() {
        file(&mut transaction, &slice).await?;
    }
    let through = advance(&mut transaction, last).await?;
    transaction.commit().await?;
    Ok(through)
}

/// What is not filed yet, and the last decision of it.
async fn unfiled(connection: &mut SqliteConnection) -> Result<(Rows, i64), StoreError> {
    let filed = Filed::read(&mut Connection::Sqlite(connection)).await?;
    let found = sqlx::query(
        "SELECT seq, received_at, signature_hash, signature_kid, user_id, scope, walkable_until, traits
           FROM decisions WHERE seq > (SELECT filed_through FROM filing) ORDER BY seq",
    )
    .fetch_all(connection)
    .await?;
    let (mut rows, mut last) = (Rows::default(), 0);
    for row in &found {
        last = row.try_get("seq")?;
        gather(row, &filed, &mut rows)?;
    }
    Ok((rows, last))
}

fn gather(row: &SqliteRow, filed: &Filed, rows: &mut Rows) -> Result<(), StoreError> {
    let seq: i64 = row.try_get("seq")?;
    let corrupt = |column| move || StoreError::corrupt("decisions", column, seq.to_string());
    let received_at = Timestamp::from_unix_micros(row.try_get("received_at")?);
    let hash = row.try_get::<&[u8], _>("signature_hash")?.try_into().map(SignatureHash);
    let hash = hash.ok().ok_or_else(corrupt("signature_hash"))?;
    let kid = Kid::new(row.try_get("signature_kid")?).ok().ok_or_else(corrupt("signature_kid"))?;
    rows.signatures.push(Signature { hash, kid, received_at, seq });
    if let Some(until) = row.try_get::<Option<i64>, _>("walkable_until")? {
        let (user, scope) =
            (row.try_get::<&str, _>("user_id")?.into(), row.try_get::<&str, _>("scope")?.into());
        rows.reviews.push(Review { user, scope, walkable_until: Timestamp::from_unix_micros(until), seq });
    }
    let kept = traits::parse(row.try_get("traits")?).ok_or_else(corrupt("traits"))?;
    let keys = filed.keys(&kept.subjects);
    rows.subjects.extend(keys.map(|key| About { key: key.clone(), at: received_at, seq }));
    Ok(())
}

async fn file(connection: &mut SqliteConnection, slice: &Slice) -> Result<(), StoreError> {
    match slice {
        Slice::Signatures(rows) => file_signatures(connection, rows).await,
        Slice::Reviews(rows) => file_reviews(connection, rows).await,
        Slice::Subjects(rows) => file_subjects(connection, rows).await,
    }
}

/// A signature that stands twice belongs to the first call that carried it.
async fn file_signatures(connection: &mut SqliteConnection, rows: &[Signature]) -> Result<(), StoreError> {
    let table = "signatures (hash, kid, received_at, decision_seq)";
    let mut values = Values::for_rows(table, (rows.len(), 4));
    for row in rows {
        add(&mut values.arguments, row.hash.0.as_slice())?;
        add(&mut values.arguments, row.kid.as_str())?;
        add(&mut values.arguments, row.received_at.unix_micros())?;
        add(&mut values.arguments, row.seq)?;
    }
    values.insert(connection).await
}

async fn file_reviews(connection: &mut SqliteConnection, rows: &[Review]) -> Result<(), StoreError> {
    let table = "walkable_reviews (user_id, scope, walkable_until, decision_seq)";
    let mut values = Values::for_rows(table, (rows.len(), 4));
    for row in rows {
        add(&mut values.arguments, &*row.user)?;
        add(&mut values.arguments, &*row.scope)?;
        add(&mut values.arguments, row.walkable_until.unix_micros())?;
        add(&mut values.arguments, row.seq)?;
    }
    values.insert(connection).await
}

/// Files rows of `decision_subjects`, some hundreds at most; one that is there stays.
///
/// # Errors
/// None of them was filed.
pub(in crate::store) async fn file_subjects(
    connection: &mut SqliteConnection,
    rows: &[About],
) -> Result<(), StoreError> {
    let mut values =
        Values::for_rows("decision_subjects (subject, received_at, decision_seq)", (rows.len(), 3));
    for row in rows {
        add(&mut values.arguments, row.key.as_bytes())?;
        add(&mut values.arguments, row.at.unix_micros())?;
        add(&mut values.arguments, row.seq)?;
    }
    values.insert(connection).await
}

/// Rows to be inserted by one statement, with one parameter a value: half of what it costs to have SQLite take JSON apart, and
/// nothing of `decisions` is read again.
struct Values {
    table: &'static str,
    rows: usize,
    columns: usize,
    arguments: SqliteArguments,
}

impl Values {
    fn for_rows(table: &'static str, (rows, columns): (usize, usize)) -> Self {
        let mut arguments = SqliteArguments::default();
        sqlx::Arguments::reserve(&mut arguments, rows * columns, 0);
        Self { table, rows, columns, arguments }
    }

    async fn insert(self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        if self.rows == 0 {
            return Ok(());
        }
        let row = format!("({})", list("?", self.columns));
        let statement =
            format!("INSERT INTO {} VALUES {} ON CONFLICT DO NOTHING", self.table, list(&row, self.rows));
        // The text is ours and holds no value. Whole slices are usual, and their statements stay prepared.
        sqlx::query_with(AssertSqlSafe(statement), self.arguments)
            .persistent(self.rows == SLICE_ROWS)
            .execute(connection)
            .await?;
        Ok(())
    }
}

/// Notes how far filing is. Never backwards, so that a place is not given twice even where the last decisions were
/// deleted.
async fn advance(connection: &mut SqliteConnection, through: i64) -> Result<i64, StoreError> {
    let through =
        sqlx::query_scalar("UPDATE filing SET filed_through = max(filed_through, ?) RETURNING filed_through")
            .bind(through)
            .fetch_one(connection)
            .await?;
    Ok(through)
}
