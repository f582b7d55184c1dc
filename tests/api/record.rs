//! Where a server's record is, and looking into it behind the server's back.
//!
//! It is a SQLite file, or, where `DOORSTEP_TEST_ENGINE` is `postgres`, a database of its own on the server that
//! `DOORSTEP_TEST_POSTGRES` names: the whole suite runs on either.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, Row as _};
use tempfile::TempDir;

/// A key for signing keys at rest: a development server makes one only beside a file.
const ENCRYPTION_KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A record. It goes with the test.
pub(crate) struct Record {
    directory: TempDir,
    database: Option<Database>,
}

struct Database {
    server: PgConnectOptions,
    name: String,
    url: String,
}

/// A connection to a record.
enum Connection {
    File(SqliteConnection),
    Server(PgConnection),
}

impl Record {
    /// An empty one.
    pub(crate) async fn new() -> Self {
        let directory = TempDir::new().expect("a directory");
        let database = match told("DOORSTEP_TEST_ENGINE").as_deref() {
            None | Some("sqlite") => None,
            Some("postgres") => Some(Database::create().await),
            _ => panic!("DOORSTEP_TEST_ENGINE is neither sqlite nor postgres"),
        };
        Self { directory, database }
    }

    /// The directory of the file, and of whatever stands beside the record.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// What a server has to be told to keep its record here, besides the directory.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        let Some(database) = &self.database else { return Vec::new() };
        let key = self.directory().join("encryption-key");
        std::fs::write(&key, ENCRYPTION_KEY).expect("written");
        let key = key.to_str().expect("a name in UTF-8").to_owned();
        let url = || database.url.clone();
        vec![("store.url", url()), ("store.care_url", url()), ("keys.encryption_key_file", key)]
    }

    /// Reads one number.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        match self.connect().await {
            Connection::File(mut file) => sqlx::query(sql).fetch_one(&mut file).await.expect("a row").get(0),
            Connection::Server(mut server) => {
                sqlx::query(sql).fetch_one(&mut server).await.expect("a row").get(0)
            }
        }
    }

    /// Reads the texts of one column, with a blank between.
    pub(crate) async fn text(&self, sql: &'static str) -> String {
        let texts: Vec<String> = match self.connect().await {
            Connection::File(mut file) => sqlx::query_scalar(sql).fetch_all(&mut file).await.expect("rows"),
            Connection::Server(mut server) => {
                sqlx::query_scalar(sql).fetch_all(&mut server).await.expect("rows")
            }
        };
        texts.join(" ")
    }

    /// Makes every insert into a table fail, until [`Self::let_in`].
    pub(crate) async fn keep_out(&self, table: &str) {
        let file =
            format!("CREATE TRIGGER full BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no room'); END");
        let server = format!(
            "CREATE TRIGGER no_room BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION doorstep_refuse('no room')"
        );
        self.execute(file, server).await;
    }

    /// Lets rows into a table again.
    pub(crate) async fn let_in(&self, table: &str) {
        self.execute("DROP TRIGGER full".to_owned(), format!("DROP TRIGGER no_room ON {table}")).await;
    }

    /// All that is at rest, for a server that has stopped: the files of the directory, or what PostgreSQL dumps.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        if let Some(database) = &self.database {
            let dump = std::process::Command::new("pg_dump").arg(&database.url).output().expect("pg_dump");
            assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
            return dump.stdout;
        }
        let entries = std::fs::read_dir(self.directory()).expect("the directory");
        entries.flat_map(|entry| std::fs::read(entry.expect("an entry").path()).expect("a file")).collect()
    }

    async fn execute(&self, file: String, server: String) {
        match self.connect().await {
            Connection::File(mut connection) => {
                connection.execute(AssertSqlSafe(file)).await.expect("done");
            }
            Connection::Server(mut connection) => {
                connection.execute(AssertSqlSafe(server)).await.expect("done");
            }
        }
    }

    async fn connect(&self) -> Connection {
        match &self.database {
            None => {
                let file = SqliteConnectOptions::new().filename(self.directory().join("doorstep.sqlite"));
                Connection::File(file.connect().await.expect("the store's file opens"))
            }
            Some(database) => {
                let options: PgConnectOptions = database.url.parse().expect("an address");
                Connection::Server(options.connect().await.expect("the store's database opens"))
            }
        }
    }
}

/// What whoever runs the tests says.
#[expect(
    clippy::disallowed_methods,
    reason = "which engine and which server, is up to whoever runs the tests"
)]
fn told(name: &str) -> Option<String> {
    std::env::var_os(name).map(|text| text.into_string().expect("text"))
}

impl Database {
    async fn create() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let server = told("DOORSTEP_TEST_POSTGRES")
            .expect("DOORSTEP_TEST_POSTGRES names a server: `scripts/postgres` starts one");
        let name = format!("doorstep_api_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let url = format!("{}/{name}", server.strip_suffix("/postgres").expect("the database `postgres`"));
        let server: PgConnectOptions = server.parse().expect("an address");
        let mut connection = server.connect().await.expect("a server");
        connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.expect("a database");
        Self { server, name, url }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A runtime cannot wait inside of another one.
        let dropped = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let mut connection = server.connect().await.expect("a server");
                let sql = AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
                connection.execute(sql).await.expect("dropped");
            });
        });
        drop(dropped.join());
    }
}
