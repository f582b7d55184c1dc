//! Databases for the tests: in the shared server, or in one that a test may kill.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;

/// Names the server whose databases tests make and drop: `scripts/postgres` starts one.
const SERVER: &str = "DOORSTEP_TEST_POSTGRES";

/// A database, by the options that reach it directly.
pub(crate) struct Database {
    server: PgConnectOptions,
    name: String,
}

impl Database {
    /// A new one in the shared server, which other tests use at the same time.
    pub(crate) async fn shared() -> Self {
        #[expect(clippy::disallowed_methods, reason = "only the environment knows which server is for tests")]
        let server = std::env::var_os(SERVER).and_then(|server| server.into_string().ok());
        let server =
            server.unwrap_or_else(|| panic!("{SERVER} names no server: `scripts/postgres` starts one"));
        Self::within(server.parse().expect("an address"), "").await
    }

    /// - `how`: what follows `CREATE DATABASE name`.
    pub(crate) async fn within(server: PgConnectOptions, how: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("doorstep_faults_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let database = Self { server, name };
        database.at_the_server(format!("CREATE DATABASE {} {how}", database.name)).await;
        database
    }

    pub(crate) async fn connect(&self) -> PgConnection {
        self.server.clone().database(&self.name).connect().await.expect("the database answers")
    }

    /// Runs a statement in the database `postgres`.
    pub(crate) async fn at_the_server(&self, sql: String) {
        let mut server = self.server.connect().await.expect("the server answers");
        server.execute(AssertSqlSafe(sql)).await.expect("done");
        server.close().await.expect("closed");
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The server's socket.
    pub(crate) fn socket(&self) -> PathBuf {
        let directory = self.server.get_socket().expect("a server on a socket");
        directory.join(format!(".s.PGSQL.{}", self.server.get_port()))
    }

    /// Its address, over the socket.
    pub(crate) fn url(&self) -> String {
        let directory = self.server.get_socket().expect("a server on a socket").display().to_string();
        format!("postgres://postgres@{}/{}", directory.replace('/', "%2F"), self.name)
    }

    /// Its address, over TCP by way of a proxy.
    pub(crate) fn url_by(&self, address: std::net::SocketAddr) -> String {
        format!("postgres://postgres@{address}/{}?sslmode=disable", self.name)
    }
}

/// A server of the test's own, which it may kill.
pub(crate) struct OwnServer {
    directory: TempDir,
    pub(crate) options: PgConnectOptions,
}

impl OwnServer {
    pub(crate) fn start() -> Self {
        let directory = TempDir::new().expect("a directory");
        let address = script("start", directory.path());
        Self { options: address.trim().parse().expect("an address"), directory }
    }

    /// Kills it as a crash of the machine's would: every process at once.
    pub(crate) fn kill(&self) {
        script("kill", self.directory.path());
    }

    pub(crate) fn start_again(&self) {
        script("again", self.directory.path());
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        script("stop", self.directory.path());
    }
}

fn script(command: &str, directory: &Path) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/postgres");
    let output = Command::new(script).arg(command).arg(directory).output().expect("scripts/postgres runs");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "scripts/postgres {command}: {words}");
    String::from_utf8(output.stdout).expect("an address")
}
