//! A column's values on their way from one engine to the other.

use aws_lc_rs::digest::Context;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::SqliteRow;
use sqlx::{Postgres, Row as _};
use uuid::Uuid;

/// The rows' values of one column, by what PostgreSQL calls the type.
#[derive(Debug)]
pub(super) enum Column {
    Numbers(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
    Uuids(Vec<Option<Uuid>>),
}

/// Does the same with whichever values there are.
macro_rules! each {
    ($column:expr, $values:ident => $what:expr) => {
        match $column {
            Column::Numbers($values) => $what,
            Column::Texts($values) => $what,
            Column::Bytes($values) => $what,
            Column::Uuids($values) => $what,
        }
    };
}

impl Column {
    /// One without values; `None` for a type that no table has.
    pub(super) fn of_type(name: &str) -> Option<Self> {
        match name {
            "int8" => Some(Self::Numbers(Vec::new())),
            "text" => Some(Self::Texts(Vec::new())),
            "bytea" => Some(Self::Bytes(Vec::new())),
            "uuid" => Some(Self::Uuids(Vec::new())),
            _ => None,
        }
    }

    /// What PostgreSQL calls the type.
    pub(super) const fn type_name(&self) -> &'static str {
        match self {
            Self::Numbers(_) => "int8",
            Self::Texts(_) => "text",
            Self::Bytes(_) => "bytea",
            Self::Uuids(_) => "uuid",
        }
    }

    /// How many values are held.
    pub(super) const fn rows(&self) -> usize {
        each!(self, values => values.len())
    }

    /// Lets go of the values.
    pub(super) fn clear(&mut self) {
        each!(self, values => values.clear());
    }

    /// # Errors
    /// The value is of another type.
    pub(super) fn take_from_sqlite(&mut self, row: &SqliteRow, at: usize) -> Result<(), sqlx::Error> {
        each!(self, values => values.push(row.try_get(at)?));
        Ok(())
    }

    /// # Errors
    /// The value is of another type.
    pub(super) fn take_from_postgres(&mut self, row: &PgRow, at: usize) -> Result<(), sqlx::Error> {
        each!(self, values => values.push(row.try_get(at)?));
        Ok(())
    }

    /// Gives the values to a statement, as one array.
    pub(super) fn bind_and_empty<'q>(
        &mut self,
        query: Query<'q, Postgres, PgArguments>,
    ) -> Query<'q, Postgres, PgArguments> {
        each!(self, values => query.bind(std::mem::take(values)))
    }

    /// Adds a row's value to its digest: its length, or that there is none, and its bytes.
    pub(super) fn digest(&self, row: usize, digest: &mut Context) {
        let mut add = |bytes: Option<&[u8]>| {
            let length = bytes.map_or(u64::MAX, |bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX - 1));
            digest.update(&length.to_be_bytes());
            digest.update(bytes.unwrap_or_default());
        };
        match self {
            Self::Numbers(values) => {
                add(values
                    .get(row)
                    .and_then(Option::as_ref)
                    .map(|number| number.to_be_bytes())
                    .as_ref()
                    .map(<[u8; 8]>::as_slice));
            }
            Self::Texts(values) => add(values.get(row).and_then(Option::as_ref).map(String::as_bytes)),
            Self::Bytes(values) => add(values.get(row).and_then(Option::as_ref).map(Vec::as_slice)),
            Self::Uuids(values) => {
                add(values.get(row).and_then(Option::as_ref).map(|uuid| uuid.as_bytes().as_slice()));
            }
        }
    }
}
