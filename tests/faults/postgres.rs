//! Databases for the tests: in the shared server, or in one that a test may kill.

use std::path::Path;
use std::process::Command;

use doorstep::testing::{Proxy, ScratchDatabase};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;

/// A database, by the address that reaches it directly.
pub(crate) struct Database {
    made: ScratchDatabase,
}

impl Database {
    /// A new one in the shared server, which other tests use at the same time.
    pub(crate) async fn shared() -> Self {
        Self { made: ScratchDatabase::create().await.expect("a database") }
    }

    /// - `server`: the address of the server's database `postgres`.
    /// - `how`: what follows `CREATE DATABASE name`.
    pub(crate) async fn within(server: &str, how: &str) -> Self {
        Self { made: ScratchDatabase::create_at(server, how).await.expect("a database") }
    }

    pub(crate) async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url()).await.expect("the database answers")
    }

    /// Runs a statement in the database `postgres`.
    pub(crate) async fn at_the_server(&self, sql: String) {
        let mut server = PgConnection::connect(self.made.server()).await.expect("the server answers");
        server.execute(AssertSqlSafe(sql)).await.expect("done");
        server.close().await.expect("closed");
    }

    pub(crate) fn name(&self) -> &str {
        self.made.name()
    }

    /// A proxy before its server.
    pub(crate) async fn proxy(&self) -> Proxy {
        let socket = self.made.socket().expect("a server on a socket");
        Proxy::before(socket).await.expect("a proxy")
    }

    /// Its address, over the socket.
    pub(crate) fn url(&self) -> String {
        self.made.url()
    }

    /// Its address by way of a proxy.
    pub(crate) fn url_by(&self, proxy: &Proxy) -> String {
        self.made.url_over(proxy.address())
    }
}

/// A server of the test's own, which it may kill.
pub(crate) struct OwnServer {
    directory: TempDir,
    /// The address of its database `postgres`.
    pub(crate) address: String,
}

impl OwnServer {
    pub(crate) fn start() -> Self {
        let directory = TempDir::new().expect("a directory");
        let address = script("start", directory.path());
        Self { address: address.trim().to_owned(), directory }
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
