//! A connection of the pool while somebody holds it, and how it is given back: nobody waits for a server that does not answer.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnection;
use sqlx::{Executor as _, Postgres};
use tokio::time::timeout;

/// How long the server may take to show that it is done with what it was asked, before the connection is cut.
const RETURNING_MAX: Duration = Duration::from_millis(500);

/// What a connection is in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Amid {
    Nothing,
    /// A transaction that only reads: it is rolled back when the connection is given back.
    Reading,
    /// A transaction that writes: whoever gives the connection back now gave up, and it is cut.
    Writing,
}

/// A connection of the pool.
#[derive(Debug)]
pub(in crate::store) struct Held {
    /// INVARIANT: there until this is dropped.
    connection: Option<PoolConnection<Postgres>>,
    amid: Amid,
}

impl Held {
    pub(super) fn new(connection: PoolConnection<Postgres>) -> Self {
        Self { connection: Some(connection), amid: Amid::Nothing }
    }

    /// Says that a transaction begins that writes.
    pub(super) fn begin(&mut self) {
        self.amid = Amid::Writing;
    }

    /// Says that it has ended.
    pub(super) fn end(&mut self) {
        self.amid = Amid::Nothing;
    }

    /// Says that a transaction has begun that only reads.
    pub(super) fn reads(&mut self) {
        self.amid = Amid::Reading;
    }
}

impl Deref for Held {
    type Target = PgConnection;

    #[expect(clippy::expect_used, reason = "it is there until this is dropped")]
    fn deref(&self) -> &PgConnection {
        self.connection.as_ref().expect("a connection")
    }
}

impl DerefMut for Held {
    #[expect(clippy::expect_used, reason = "it is there until this is dropped")]
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("a connection")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        match self.amid {
            // The pool would wait for the server to say that all is well, for ever, and count the connection meanwhile.
            Amid::Writing => drop(connection.detach()),
            Amid::Nothing => drop(tokio::spawn(timeout(RETURNING_MAX, connection.return_to_pool()))),
            Amid::Reading => drop(tokio::spawn(async move {
                match timeout(RETURNING_MAX, connection.execute("ROLLBACK")).await {
                    Ok(Ok(_)) => drop(timeout(RETURNING_MAX, connection.return_to_pool()).await),
                    _ => drop(connection.detach()),
                }
            })),
        }
    }
}
