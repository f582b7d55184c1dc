//! Where a test's record is: a file in a directory, or a database, of its own. Both go with the test.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::postgres::PgConnectOptions;

use super::open;
use crate::store::scratch::{ScratchDatabase, named};
use crate::store::{Pooler, Store, StoreSettings};

/// Names the pgbouncer before that server: `scripts/postgres pool` starts it.
const POOLER: &str = "DOORSTEP_TEST_PGBOUNCER";

/// A place for a record.
pub(super) struct Directory {
    pub(super) path: PathBuf,
    database: Option<Database>,
}

struct Database {
    made: ScratchDatabase,
    /// The address by which the store reaches it.
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
        Self::in_a_database(Pooler::None).await
    }

    /// The same, by way of a pooler that gives each transaction another connection to the server.
    pub(super) async fn on_pgbouncer() -> Self {
        Self::in_a_database(Pooler::Transaction).await
    }

    async fn in_a_database(pooler: Pooler) -> Self {
        let made = ScratchDatabase::create().await.expect("a database for the test");
        let url = match pooler {
            Pooler::None => made.url(),
            Pooler::Transaction => made.url_by(&named(POOLER).expect("a pooler")),
        };
        let mut directory = Self::on_sqlite();
        directory.database = Some(Database { made, url, pooler });
        directory
    }

    /// The database itself, whatever stands before it.
    pub(super) fn server(&self) -> Option<PgConnectOptions> {
        self.database.as_ref().map(|database| database.made.url().parse().expect("an address"))
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
    }
}

pub(super) fn settings_for(file: &Path) -> StoreSettings {
    StoreSettings::for_url(format!("sqlite:{}", file.display()))
}

fn new_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("doorstep_store_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
