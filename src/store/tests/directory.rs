//! Where a test's record is: a file in a directory, or a database, of its own. Both go with the test.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _};

use super::open;
use crate::store::{Pooler, Store, StoreSettings};

/// Names the server whose databases tests make and drop: `scripts/postgres` starts one.
const SERVER: &str = "DOORSTEP_TEST_POSTGRES";
/// Names the pgbouncer before that server: `scripts/postgres pool` starts it.
const POOLER: &str = "DOORSTEP_TEST_PGBOUNCER";

/// A place for a record.
pub(super) struct Directory {
    pub(super) path: PathBuf,
    database: Option<Database>,
}

struct Database {
    server: PgConnectOptions,
    name: String,
    url: String,
    pooler: Pooler,
}

impl Directory {
    pub(super) fn on_sqlite() -> Self {
        let path = std::env::temp_dir().join(new_name());
        std::fs::create_dir_all(&path).expect("a directory for the test");
        Self { path, database: None }
    }

    /// Fails without a server: a test that is left out has shown nothing.
    pub(super) async fn on_postgres() -> Self {
        Self::in_a_database(SERVER, Pooler::None).await
    }

    /// The same, by way of a pooler that gives each transaction another connection to the server.
    pub(super) async fn on_pgbouncer() -> Self {
        Self::in_a_database(POOLER, Pooler::Transaction).await
    }

    /// - `by`: the variable with the address by which the store reaches its database, which is made at the server itself.
    async fn in_a_database(by: &'static str, pooler: Pooler) -> Self {
        let (server, by) = (address(SERVER), address(by));
        let name = new_name();
        let url = format!("{}/{name}", by.strip_suffix("/postgres").expect("the database `postgres`"));
        let server: PgConnectOptions = server.parse().expect("an address");
        let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        let mut connection = server.clone().disable_statement_logging().connect().await.expect("a server");
        connection.execute(create).await.expect("a database for the test");
        let mut directory = Self::on_sqlite();
        directory.database = Some(Database { server, name, url, pooler });
        directory
    }

    /// The database itself, whatever stands before it.
    pub(super) fn server(&self) -> Option<PgConnectOptions> {
        self.database.as_ref().map(|database| database.server.clone().database(&database.name))
    }

    /// Another place on the same engine.
    pub(super) async fn another(&self) -> Self {
        match self.database.as_ref().map(|database| database.pooler) {
            Some(Pooler::None) => Self::on_postgres().await,
            Some(Pooler::Transaction) => Self::on_pgbouncer().await,
            None => Self::on_sqlite(),
        }
    }

    pub(super) fn file(&self) -> PathBuf {
        self.path.join("record.sqlite")
    }

    pub(super) fn settings(&self) -> StoreSettings {
        match &self.database {
            Some(database) => {
                let usual = StoreSettings::for_url(&*database.url);
                // Two hundred who take turns take a while where other tests do the same.
                let busy_timeout = usual.busy_timeout * 5;
                StoreSettings { pooler: database.pooler, busy_timeout, ..usual }
            }
            None => settings_for(&self.file()),
        }
    }

    pub(super) async fn open(&self) -> Store {
        open(self.settings()).await
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.path));
        if let Some(database) = self.database.take() {
            // A runtime cannot wait inside of another one.
            drop(std::thread::spawn(move || database.drop_it()).join());
        }
    }
}

impl Database {
    fn drop_it(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let drop_it = AssertSqlSafe(format!("DROP DATABASE {} WITH (FORCE)", self.name));
        runtime.block_on(async {
            let mut connection = self.server.connect().await.expect("a server");
            connection.execute(drop_it).await.expect("dropped");
        });
    }
}

pub(super) fn settings_for(file: &Path) -> StoreSettings {
    StoreSettings::for_url(format!("sqlite:{}", file.display()))
}

#[expect(clippy::disallowed_methods, reason = "which server, is up to whoever runs the tests")]
fn address(variable: &'static str) -> String {
    let address = std::env::var_os(variable).and_then(|address| address.into_string().ok());
    address.unwrap_or_else(|| panic!("{variable} names no server: `scripts/postgres` starts one"))
}

fn new_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("doorstep_store_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
