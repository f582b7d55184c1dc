//! One connection of either engine, and what is asked over it: the only file that knows that there are two drivers.
//!
//! A statement whose words mean the same on both engines stands once; where they differ, [`either`] holds both. The drivers'
//! own `Any` could not carry UUIDs (docs/decisions/0031).

use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Decode, Encode, Postgres, Row as _, Sqlite, Type};
use tokio::time::{Instant, timeout_at};

use super::StoreError;

/// A connection that somebody holds.
pub(super) enum Connection<'c> {
    /// To SQLite's file.
    Sqlite(&'c mut SqliteConnection),
    /// To a PostgreSQL server.
    Postgres(&'c mut PgConnection, Prepared, Bound),
}

/// When a question over a network that may hang is given up.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bound {
    /// With the transaction that it is part of.
    Transaction,
    /// At this moment.
    Until(Instant),
}

impl Bound {
    /// Waits for an answer.
    ///
    /// # Errors
    /// [`StoreError::TimedOut`], or what the database says.
    pub(super) async fn hold<T>(
        self,
        asking: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, StoreError> {
        match self {
            Self::Transaction => Ok(asking.await?),
            Self::Until(moment) => {
                Ok(timeout_at(moment, asking).await.map_err(|_| StoreError::TimedOut)??)
            }
        }
    }
}

/// Whether statements stay prepared on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prepared {
    /// They do: they are planned once.
    Kept,
    /// A pooler may give each transaction another server connection, which does not know them.
    Unnamed,
}

/// A statement's text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sql {
    pub(super) sqlite: &'static str,
    pub(super) postgres: &'static str,
}

/// A statement that the engines say differently. Both take the same values in the same order.
pub(super) const fn either(sqlite: &'static str, postgres: &'static str) -> Sql {
    Sql { sqlite, postgres }
}

impl From<&'static str> for Sql {
    fn from(both: &'static str) -> Self {
        either(both, both)
    }
}

impl Connection<'_> {
    /// Begins a question; [`Query::bind`] gives it its values.
    pub(super) fn query(&self, sql: impl Into<Sql>) -> Query {
        let sql = sql.into();
        match self {
            Self::Sqlite(_) => Query::Sqlite(sqlx::query(sql.sqlite)),
            Self::Postgres(_, prepared, _) => {
                Query::Postgres(sqlx::query(sql.postgres).persistent(*prepared == Prepared::Kept))
            }
        }
    }
}

/// A statement with the values that it has got so far.
pub(super) enum Query {
    /// For SQLite.
    Sqlite(sqlx::query::Query<'static, Sqlite, SqliteArguments>),
    /// For PostgreSQL.
    Postgres(sqlx::query::Query<'static, Postgres, PgArguments>),
}

impl Query {
    /// Gives the next value, `$1` first.
    pub(super) fn bind<'t, T>(self, value: T) -> Self
    where
        T: Encode<'t, Sqlite> + Type<Sqlite> + Encode<'t, Postgres> + Type<Postgres>,
    {
        match self {
            Self::Sqlite(query) => Self::Sqlite(query.bind(value)),
            Self::Postgres(query) => Self::Postgres(query.bind(value)),
        }
    }

    /// Runs it.
    ///
    /// - returns: how many rows it changed.
    ///
    /// # Errors
    /// Nothing was changed; the transaction must be given up.
    pub(super) async fn execute(self, connection: &mut Connection<'_>) -> Result<u64, StoreError> {
        match (self, connection) {
            (Self::Sqlite(query), Connection::Sqlite(connection)) => {
                Ok(query.execute(&mut **connection).await?.rows_affected())
            }
            (Self::Postgres(query), Connection::Postgres(connection, _, bound)) => {
                Ok(bound.hold(query.execute(&mut **connection)).await?.rows_affected())
            }
            _ => Err(StoreError::OtherEngine),
        }
    }

    /// Runs it and gives all its rows.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub(super) async fn fetch_all(self, connection: &mut Connection<'_>) -> Result<Vec<Row>, StoreError> {
        match (self, connection) {
            (Self::Sqlite(query), Connection::Sqlite(connection)) => {
                let rows = query.fetch_all(&mut **connection).await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            (Self::Postgres(query), Connection::Postgres(connection, _, bound)) => {
                let rows = bound.hold(query.fetch_all(&mut **connection)).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
            _ => Err(StoreError::OtherEngine),
        }
    }

    /// Runs it and gives its first row, if there is one.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub(super) async fn fetch_optional(
        self,
        connection: &mut Connection<'_>,
    ) -> Result<Option<Row>, StoreError> {
        match (self, connection) {
            (Self::Sqlite(query), Connection::Sqlite(connection)) => {
                Ok(query.fetch_optional(&mut **connection).await?.map(Row::Sqlite))
            }
            (Self::Postgres(query), Connection::Postgres(connection, _, bound)) => {
                Ok(bound.hold(query.fetch_optional(&mut **connection)).await?.map(Row::Postgres))
            }
            _ => Err(StoreError::OtherEngine),
        }
    }

    /// Runs it and gives its first row.
    ///
    /// # Errors
    /// As [`Self::execute`], and where there is no row.
    pub(super) async fn fetch_one(self, connection: &mut Connection<'_>) -> Result<Row, StoreError> {
        let row = self.fetch_optional(connection).await?;
        row.ok_or_else(|| sqlx::Error::RowNotFound.into())
    }

    /// Runs it and gives the one value of its one row.
    ///
    /// # Errors
    /// As [`Self::fetch_one`], and for a value of another type.
    pub(super) async fn value<T>(self, connection: &mut Connection<'_>) -> Result<T, StoreError>
    where
        T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>,
    {
        self.fetch_one(connection).await?.first()
    }

    /// Runs it and gives the one value of its row, if there is one.
    ///
    /// # Errors
    /// As [`Self::execute`], and for a value of another type.
    pub(super) async fn optional_value<T>(
        self,
        connection: &mut Connection<'_>,
    ) -> Result<Option<T>, StoreError>
    where
        T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>,
    {
        self.fetch_optional(connection).await?.as_ref().map(Row::first).transpose()
    }
}

/// A row that was read.
pub(super) enum Row {
    /// By SQLite.
    Sqlite(SqliteRow),
    /// By PostgreSQL.
    Postgres(PgRow),
}

impl Row {
    /// A column's value.
    ///
    /// # Errors
    /// There is no such column, or it holds another type.
    pub(super) fn try_get<'r, T>(&'r self, column: &str) -> Result<T, StoreError>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => Ok(row.try_get(column)?),
            Self::Postgres(row) => Ok(row.try_get(column)?),
        }
    }

    /// A column's number, of a narrower type than the engines have.
    ///
    /// # Errors
    /// There is no such column, it holds no number, or one that does not fit.
    pub(super) fn number<T>(&self, column: &str) -> Result<T, StoreError>
    where
        T: TryFrom<i64, Error: std::error::Error + Send + Sync + 'static>,
    {
        let number: i64 = self.try_get(column)?;
        T::try_from(number).map_err(|fault| sqlx::Error::Decode(Box::new(fault)).into())
    }

    fn first<T>(&self) -> Result<T, StoreError>
    where
        T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => Ok(row.try_get(0)?),
            Self::Postgres(row) => Ok(row.try_get(0)?),
        }
    }
}
