//! The statements of a batch, for every number of rows that a batch can have.
//!
//! One statement writes all rows, with one parameter a value: measured against one JSON array taken apart by
//! `json_each`, it costs about half the CPU a row. SQLite prepares a statement for a fixed number of rows, so there is
//! one a number; the connection keeps them prepared.

use std::sync::{Arc, OnceLock};

use sqlx::AssertSqlSafe;

use super::look;
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
    VALUES ";
const INSERT_PERSONAL: &str = "
    INSERT OR FAIL INTO decision_personal (decision_seq, salt, metadata, context, seen)
    VALUES ";

/// How many statements of a look-up come before the one that looks up.
pub(super) const BEGIN_STATEMENTS: usize = 1;

/// Three look-ups and one insert for every number of rows.
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
    pub(super) fn look_up(&self, rows: usize, past: Option<Executed>) -> Option<AssertSqlSafe<Arc<str>>> {
        match past {
            None => self.look_up.of(rows),
            Some(Executed::NotTold) => self.look_up_with_past.of(rows),
            Some(Executed::Told) => self.look_up_with_executions.of(rows),
        }
    }

    /// The insert of `rows` decisions; `None` for a number that no batch has.
    pub(super) fn insert(&self, rows: usize) -> Option<AssertSqlSafe<Arc<str>>> {
        self.insert.of(rows)
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
    format!("{INSERT}{};{INSERT_PERSONAL}{}; COMMIT", list(&decision, rows), list(&personal, rows))
}

/// One statement for every number of rows, each written out when it is first needed: all of them are megabytes.
#[derive(Debug)]
pub(super) struct ByRows {
    texts: Box<[OnceLock<Arc<str>>]>,
    write: fn(usize) -> String,
}

impl ByRows {
    /// - `write`: writes out the statement for a number of rows from 1 to `rows_max`. It holds no value, only question marks.
    pub(super) fn up_to(rows_max: usize, write: fn(usize) -> String) -> Self {
        Self { texts: vec![OnceLock::new(); rows_max].into(), write }
    }

    /// The statement for so many rows; `None` where there is none.
    pub(super) fn of(&self, rows: usize) -> Option<AssertSqlSafe<Arc<str>>> {
        let text = self.texts.get(rows.checked_sub(1)?)?;
        Some(AssertSqlSafe(Arc::clone(text.get_or_init(|| (self.write)(rows).into()))))
    }
}

/// So many of an item, for a statement.
pub(super) fn list(item: &str, count: usize) -> String {
    vec![item; count].join(",")
}
