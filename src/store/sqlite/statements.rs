//! The statements of a batch, for some numbers of rows.
//!
//! One statement writes all rows, with one parameter a value: measured against one JSON array taken apart by
//! `json_each`, it costs about half the CPU a row. SQLite prepares a statement for a fixed number of rows, and the connection
//! keeps it prepared: some KiB a row. So there is none for every number but for few; a batch of another takes the next larger one, and
//! what is left of it is filled up with NULL, which is nobody's signature and no row.

use std::iter::successors;
use std::sync::{Arc, OnceLock};

use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteArguments;

use super::batch::add;
use super::look;
use crate::store::StoreError;
use crate::store::filed::filed_list;
use crate::store::places::Executed;

/// Begins the batch and tells in one go what the fraud desk's revision is, which of the batch's signatures are filed, and
/// what other processes recorded after the last decision known here. The columns of a filed signature that only an
/// unfiled decision has are null. The revision has no signature, for its moment the place up to which decisions are filed, and
/// for its traits by whom; it is the first row.
const LOOK_UP: &str = concat!(
    "
    BEGIN IMMEDIATE;
    SELECT NULL AS signature_hash, coalesce(max(revision), 0) AS seq, (SELECT filed_through FROM filing) AS received_at, NULL AS user_id, NULL AS scope,
           NULL AS walkable_until, ",
    filed_list!("group_concat"),
    " AS traits, NULL AS signature_kid
      FROM desk_actions
    UNION ALL
    SELECT signature_hash, seq, received_at, user_id, scope, walkable_until, traits, signature_kid
      FROM decisions WHERE seq > ?
    UNION ALL
    SELECT hash, decision_seq, received_at, NULL, NULL, NULL, NULL, NULL
      FROM signatures WHERE hash IN ("
);

/// Writes the batch's decisions with their personal values and commits. On a row that cannot be it stops (`OR FAIL`): the batch is rolled back as a
/// whole anyway, so SQLite need not keep a journal for taking back this statement alone.
const INSERT: &str = "
    INSERT OR FAIL INTO decisions (seq, id, received_at, user_id, scope, verdict, step_keys, walkable_until, rule,
        reason, bundle_hash, answer, metadata_digest, outcomes, evaluation_ns, signature_hash, signature_kid, traits,
        usable_until, desk_revision, commitment, chain, chain_number, chain_hash)
    SELECT * FROM (VALUES {decisions}) WHERE column1 IS NOT NULL;
    INSERT OR FAIL INTO decision_personal (decision_seq, salt, metadata, context, seen)
    SELECT * FROM (VALUES {personal}) WHERE column1 IS NOT NULL;
    COMMIT";

/// How many statements of a look-up come before the one that looks up.
pub(super) const BEGIN_STATEMENTS: usize = 1;

/// Three look-ups and one insert for a number of rows.
pub(super) const STATEMENTS_PER_ROW_COUNT: usize = 4;

/// How many values a decision has.
pub(super) const DECISION_VALUES: usize = 24;

/// How many values its personal values' row has.
pub(super) const PERSONAL_VALUES: usize = 5;

/// The statements, by number of rows.
#[derive(Debug)]
pub(super) struct BatchStatements {
    look_up: ByRows,
    look_up_with_past: ByRows,
    look_up_with_executions: ByRows,
    insert: ByRows,
}

impl BatchStatements {
    /// The statements for 1 to `rows_max` rows.
    pub(super) fn up_to(rows_max: usize) -> Self {
        Self {
            look_up: ByRows::up_to(rows_max, look_up),
            look_up_with_past: ByRows::up_to(rows_max, |rows| with_past(rows, Executed::NotTold)),
            look_up_with_executions: ByRows::up_to(rows_max, |rows| with_past(rows, Executed::Told)),
            insert: ByRows::up_to(rows_max, insert),
        }
    }

    /// The look-up of `rows` signatures; `None` for a number that no batch has.
    ///
    /// - `past`: whether the past of some subjects is looked up, too ([`look`]), and what of it.
    pub(super) fn look_up(&self, rows: usize, past: Option<Executed>) -> Option<Fitting> {
        match past {
            None => self.look_up.fitting(rows),
            Some(Executed::NotTold) => self.look_up_with_past.fitting(rows),
            Some(Executed::Told) => self.look_up_with_executions.fitting(rows),
        }
    }

    /// The insert of `rows` decisions; `None` for a number that no batch has.
    pub(super) fn insert(&self, rows: usize) -> Option<Fitting> {
        self.insert.fitting(rows)
    }
}

fn look_up(rows: usize) -> String {
    format!("{LOOK_UP}{})", list("?", rows))
}

fn with_past(rows: usize, executions: Executed) -> String {
    format!("{};{}", look_up(rows), look::statements(executions))
}

fn insert(rows: usize) -> String {
    let decision = format!("({})", list("?", DECISION_VALUES));
    let personal = format!("({})", list("?", PERSONAL_VALUES));
    INSERT.replace("{decisions}", &list(&decision, rows)).replace("{personal}", &list(&personal, rows))
}

/// A statement with room for some rows.
pub(super) struct Fitting {
    pub(super) text: AssertSqlSafe<Arc<str>>,
    /// How many rows of it are left to be filled up.
    pub(super) left: usize,
}

impl Fitting {
    /// Fills up what is left, after the rows' values.
    ///
    /// - `columns`: how many values a row has.
    ///
    /// # Errors
    /// None that is known of: NULL can be encoded.
    pub(super) fn fill_up(&self, values: &mut SqliteArguments, columns: usize) -> Result<(), StoreError> {
        (0..self.left * columns).try_for_each(|_| add(values, None::<i64>))
    }
}

/// One statement for some numbers of rows, each written out when it is first needed.
#[derive(Debug)]
pub(super) struct ByRows {
    texts: Vec<(usize, OnceLock<Arc<str>>)>,
    write: fn(usize) -> String,
}

impl ByRows {
    /// - `write`: writes out the statement for a number of rows of [`row_counts`]. It holds no value, only question marks.
    pub(super) fn up_to(rows_max: usize, write: fn(usize) -> String) -> Self {
        Self { texts: row_counts(rows_max).map(|rows| (rows, OnceLock::new())).collect(), write }
    }

    /// The statement for so many rows or some more; `None` where there is none.
    pub(super) fn fitting(&self, rows: usize) -> Option<Fitting> {
        let rows = Some(rows).filter(|rows| *rows > 0)?;
        let place = self.texts.partition_point(|(room, _)| *room < rows);
        let (room, text) = self.texts.get(place)?;
        let text = AssertSqlSafe(Arc::clone(text.get_or_init(|| (self.write)(*room).into())));
        Some(Fitting { text, left: room - rows })
    }
}

/// For how many rows there are statements: 1, 2, 3, 4, 6, 8, 12, 16, 24 and so on, and `rows_max`. At most a third of one is left empty.
pub(super) fn row_counts(rows_max: usize) -> impl Iterator<Item = usize> {
    let next =
        |rows: &usize| Some(if rows.is_power_of_two() { (rows * 3).div_ceil(2) } else { rows / 3 * 4 });
    successors(Some(1), next).take_while(move |rows| *rows < rows_max).chain([rows_max])
}

/// So many of an item, for a statement.
pub(super) fn list(item: &str, count: usize) -> String {
    vec![item; count].join(",")
}
