//! A connection of the pool while somebody holds it, and how it is given back: nobody waits for a server that does not answer.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnection;
use tokio::time::timeout;

/// How long the server may take to show that it is done with what it was asked, before the connection is cut.
const RETURNING_MAX: Duration = Duration::from_millis(500);

/// A connection of the pool.
#[derive(Debug)]
pub(in crate::store) struct Held {
    connection: PoolConnection<Postgres>,
    is_amid: bool,
}

impl Held {
    pub(super) fn new(connection: PoolConnection<Postgres>) -> Self {
        Self { connection, is_amid: false }
    }

    /// Says that a transaction is under way: a connection that is given back now, by whoever gives up, is cut.
    pub(super) fn begin(&mut self) {
        self.is_amid = true;
    }

    /// Says that the transaction has ended.
    pub(super) fn end(&mut self) {
        self.is_amid = false;
    }
}

impl Deref for Held {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Drop for Held {
    /// The pool asks the server whether all is well before it takes the connection back. It would wait for an answer for ever,
    /// and count the connection meanwhile; dropping what waits cuts it.
    fn drop(&mut self) {
        let returning = self.connection.return_to_pool();
        if !self.is_amid {
            tokio::spawn(timeout(RETURNING_MAX, returning));
        }
    }
}
