//! Throw-away databases for tests, in a PostgreSQL server that whoever runs the tests names. Behind the feature `testing`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _};

/// Names the server whose databases tests make and drop: `scripts/postgres` starts one.
const SERVER: &str = "DOORSTEP_TEST_POSTGRES";

/// An empty database of a test's own. It is dropped with this value, whoever is still connected.
#[derive(Debug)]
pub struct ScratchDatabase {
    server: String,
    name: String,
}

impl ScratchDatabase {
    /// Makes one in the server that `DOORSTEP_TEST_POSTGRES` names, which other tests use at the same time.
    ///
    /// # Errors
    /// In words: no server is named, or it refuses. A test that is left out would have shown nothing.
    pub async fn create() -> Result<Self, String> {
        Self::create_at(&named(SERVER)?, "").await
    }

    /// Makes one in another server.
    ///
    /// - `server`: the address of its database `postgres`, as `scripts/postgres` prints it.
    /// - `how`: what follows `CREATE DATABASE name`, such as `CONNECTION LIMIT 8`.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub async fn create_at(server: &str, how: &str) -> Result<Self, String> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("doorstep_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let made = Self { server: server.to_owned(), name };
        run(server, format!("CREATE DATABASE {} {how}", made.name)).await?;
        Ok(made)
    }

    /// Its name in the server.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address of the server's database `postgres`.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Its own address, as `store.url` takes it.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_by(&self.server)
    }

    /// Its address by way of whatever stands before the server, such as a pooler.
    ///
    /// - `by`: the address of the database `postgres` there.
    #[must_use]
    pub fn url_by(&self, by: &str) -> String {
        format!("{}/{}", by.strip_suffix("/postgres").unwrap_or(by), self.name)
    }

    /// Its address by way of a proxy before [`Self::socket`], over TCP and without TLS.
    #[must_use]
    pub fn url_over(&self, proxy: SocketAddr) -> String {
        format!("postgres://postgres@{proxy}/{}?sslmode=disable", self.name)
    }

    /// The server's socket; `None` for one that does not listen on any.
    #[must_use]
    pub fn socket(&self) -> Option<PathBuf> {
        let options: PgConnectOptions = self.server.parse().ok()?;
        Some(options.get_socket()?.join(format!(".s.PGSQL.{}", options.get_port())))
    }
}

/// What the environment names.
///
/// # Errors
/// It names nothing, in words.
pub(crate) fn named(variable: &str) -> Result<String, String> {
    #[expect(clippy::disallowed_methods, reason = "which server is for tests, is up to whoever runs them")]
    let address = std::env::var_os(variable).and_then(|address| address.into_string().ok());
    address.ok_or_else(|| format!("{variable} names no server: `scripts/postgres` starts one"))
}

async fn run(server: &str, sql: String) -> Result<(), String> {
    let options: PgConnectOptions =
        server.parse().map_err(|fault| format!("{server} is no address: {fault}"))?;
    let mut connection =
        options.disable_statement_logging().connect().await.map_err(|fault| fault.to_string())?;
    connection.execute(AssertSqlSafe(sql)).await.map_err(|fault| fault.to_string())?;
    Ok(())
}

impl Drop for ScratchDatabase {
    fn drop(&mut self) {
        let server = std::mem::take(&mut self.server);
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        // A runtime cannot wait inside of another one. Where the server is gone, so is the database.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.ok().map(|runtime| runtime.block_on(run(&server, sql)))
        });
        drop(dropped.join());
    }
}
