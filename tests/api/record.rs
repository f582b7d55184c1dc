//! Where a server's record is, and looking into it behind the server's back.
//!
//! It is a SQLite file, or, where `DOORSTEP_TEST_ENGINE` is `postgres`, a database of its own on the server that
//! `DOORSTEP_TEST_POSTGRES` names: the whole suite runs on either.

use std::path::Path;

use doorstep::testing::ScratchDatabase;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, Row as _};
use tempfile::TempDir;

/// A key for signing keys at rest: a development server makes one only beside a file.
const ENCRYPTION_KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A record. It goes with the test.
pub(crate) struct Record {
    directory: TempDir,
    database: Option<ScratchDatabase>,
}

/// A connection to a record.
enum Opened {
    File(SqliteConnection),
    Server(PgConnection),
}

impl Record {
    /// An empty one.
    pub(crate) async fn new() -> Self {
        let directory = TempDir::new().expect("a directory");
        #[expect(clippy::disallowed_methods, reason = "which engine, is up to whoever runs the tests")]
        let engine = std::env::var("DOORSTEP_TEST_ENGINE").ok();
        let database = match engine.as_deref() {
            None | Some("sqlite") => None,
            Some("postgres") => Some(ScratchDatabase::create().await.expect("a database")),
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
        let url = || database.url();
        vec![("store.url", url()), ("store.care_url", url()), ("keys.encryption_key_file", key)]
    }

    /// Reads one number.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        match self.connect().await {
            Opened::File(mut file) => sqlx::query(sql).fetch_one(&mut file).await.expect("a row").get(0),
            Opened::Server(mut server) => {
                sqlx::query(sql).fetch_one(&mut server).await.expect("a row").get(0)
            }
        }
    }

    /// Reads the texts of one column, with a blank between.
    pub(crate) async fn text(&self, sql: &'static str) -> String {
        let texts: Vec<String> = match self.connect().await {
            Opened::File(mut file) => sqlx::query_scalar(sql).fetch_all(&mut file).await.expect("rows"),
            Opened::Server(mut server) => sqlx::query_scalar(sql).fetch_all(&mut server).await.expect("rows"),
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

    /// Gives a table another name: what is asked of it fails.
    pub(crate) async fn rename(&self, table: &str, to: &str) {
        let sql = format!("ALTER TABLE {table} RENAME TO {to}");
        self.execute(sql.clone(), sql).await;
    }

    /// All that is at rest, for a server that has stopped: the files of the directory, or what PostgreSQL dumps.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        if let Some(database) = &self.database {
            let dump = std::process::Command::new("pg_dump").arg(database.url()).output().expect("pg_dump");
            assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
            return dump.stdout;
        }
        let entries = std::fs::read_dir(self.directory()).expect("the directory");
        entries.flat_map(|entry| std::fs::read(entry.expect("an entry").path()).expect("a file")).collect()
    }

    async fn execute(&self, file: String, server: String) {
        match self.connect().await {
            Opened::File(mut connection) => {
                connection.execute(AssertSqlSafe(file)).await.expect("done");
            }
            Opened::Server(mut connection) => {
                connection.execute(AssertSqlSafe(server)).await.expect("done");
            }
        }
    }

    async fn connect(&self) -> Opened {
        match &self.database {
            None => {
                let file = SqliteConnectOptions::new().filename(self.directory().join("doorstep.sqlite"));
                Opened::File(file.connect().await.expect("the store's file opens"))
            }
            Some(database) => {
                let connection = PgConnection::connect(&database.url()).await;
                Opened::Server(connection.expect("the store's database opens"))
            }
        }
    }
}
