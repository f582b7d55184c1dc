//! Connecting to a server, and bringing its tables up to date.

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tokio::time::timeout;

use super::transaction::Transactions;
use crate::store::connection::{Bound, Connection, Prepared};
use crate::store::migrated::require;
use crate::store::settings::{Migrate, Pooler};
use crate::store::{StoreError, StoreSettings};

/// Who brings tables up to date holds this advisory lock until its commit; sqlx's own would outlast the transaction, which a
/// pooler does not allow.
const MIGRATING: &str = "SELECT pg_advisory_xact_lock(hashtextextended('doorstep migrates', 0))";

/// How long migrations may take: an index over a large table is made once.
const MIGRATING_MAX: Duration = Duration::from_secs(600);

/// After how long without use a connection is closed.
const IDLE_MAX: Duration = Duration::from_secs(300);

/// After how long without use a connection is asked whether it is still one before it is used: one that broke meanwhile costs
/// nobody a call. Asking each time would cost each a round trip.
const UNASKED_MAX: Duration = Duration::from_secs(1);

/// How long the answer to that may take, and a look at what is behind an outage.
const ASKING_MAX: Duration = Duration::from_millis(500);

/// Connects, and brings the tables up to date or tells that they are not.
///
/// # Errors
/// [`StoreError::Migration`], [`StoreError::NotMigrated`], [`StoreError::TimedOut`] or [`StoreError::Unavailable`]. No table
/// was changed.
pub(super) async fn open(
    server: PgConnectOptions,
    settings: &StoreSettings,
) -> Result<Transactions, StoreError> {
    let prepared = match settings.pooler {
        Pooler::None => Prepared::Kept,
        Pooler::Transaction => Prepared::Unnamed,
    };
    let server = server.application_name("doorstep").disable_statement_logging();
    let server = match settings.pooler {
        Pooler::None => server,
        // Poolers refuse what they cannot keep for each of their clients. No column here holds a float.
        Pooler::Transaction => server.extra_float_digits(None),
    };
    let mut connection = connect(&server, settings.busy_timeout).await?;
    match settings.migrate {
        Migrate::AtOpening => migrate(&mut connection).await?,
        Migrate::Never => {
            let mut transaction = connection.begin().await?;
            let reading = &mut Connection::Postgres(&mut transaction, prepared, Bound::Transaction);
            require(reading, &migrations()).await?;
        }
    }
    drop(connection.close().await);
    let pool = PgPoolOptions::new()
        .max_connections(settings.connections_max.max(2))
        .acquire_timeout(settings.busy_timeout)
        .idle_timeout(IDLE_MAX)
        .test_before_acquire(false)
        .before_acquire(|connection, known| {
            Box::pin(async move {
                Ok(known.idle_for < UNASKED_MAX
                    || timeout(ASKING_MAX, connection.ping()).await.is_ok_and(|answer| answer.is_ok()))
            })
        })
        .connect_lazy_with(server);
    Ok(Transactions::new(pool, prepared, settings.busy_timeout))
}

async fn connect(server: &PgConnectOptions, longest: Duration) -> Result<PgConnection, StoreError> {
    timeout(longest, server.connect()).await.map_err(|_| StoreError::TimedOut)?.map_err(StoreError::from)
}

/// Tells what is behind an outage: the pool tries again and again, and says in the end that it took too long.
///
/// # Errors
/// What a new connection meets.
pub(super) async fn look(server: &PgConnectOptions) -> Result<(), StoreError> {
    let connection = connect(server, ASKING_MAX).await?;
    // Closed without a word: whoever does not answer is not waited for.
    drop(connection);
    Ok(())
}

/// Brings the tables up to date, in one transaction: of several processes that start at once, one does it.
async fn migrate(connection: &mut PgConnection) -> Result<(), StoreError> {
    let work = async {
        let mut transaction = connection.begin().await?;
        transaction.execute(MIGRATING).await?;
        migrations()
            .run_direct(None, &mut *transaction, false)
            .await
            .map_err(|error| StoreError::Migration(error.into()))?;
        // Behind a pooler the server's connection goes on to others, who use the same names for statements.
        transaction.execute("DEALLOCATE ALL").await?;
        transaction.commit().await?;
        Ok(())
    };
    timeout(MIGRATING_MAX, work).await.map_err(|_| StoreError::TimedOut)?
}

fn migrations() -> Migrator {
    let mut migrations = sqlx::migrate!("migrations/postgres");
    migrations.set_locking(false);
    migrations
}
