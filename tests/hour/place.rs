//! Where the record is, what can happen to it, and looking into it behind the servers' backs.

use std::path::{Path, PathBuf};
use std::process::Command;

use doorstep::testing::{Mode, Proxy, ScratchDatabase};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;
use tokio::sync::Mutex;

/// A key for signing keys at rest: a development server makes one only beside a file.
const ENCRYPTION_KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A record that goes with the test.
pub(crate) struct Place {
    directory: TempDir,
    engine: Engine,
}

enum Engine {
    /// A file, and who holds its lock.
    File { path: PathBuf, holder: Mutex<Option<SqliteConnection>> },
    /// A database, and each server's own way to it.
    Database { made: ScratchDatabase, proxies: Vec<Proxy> },
}

/// What happens to the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outage {
    /// Another process holds SQLite's lock.
    Locked,
    /// The network between one server and PostgreSQL, or all of them, does this.
    Network(Reach, Way),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    One(usize),
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    Cut,
    CutOnce,
    Refuse,
    Stall,
    Trickle,
}

impl Place {
    pub(crate) fn in_a_file() -> Self {
        let directory = TempDir::new().expect("a directory");
        let path = directory.path().join("doorstep.sqlite");
        Self { directory, engine: Engine::File { path, holder: Mutex::new(None) } }
    }

    pub(crate) async fn in_a_database() -> Self {
        let directory = TempDir::new().expect("a directory");
        std::fs::write(directory.path().join("encryption-key"), ENCRYPTION_KEY).expect("written");
        let made = ScratchDatabase::create().await.expect("a database");
        let mut proxies = Vec::new();
        for _ in 0..2 {
            let socket = made.socket().expect("a server on a socket");
            proxies.push(Proxy::before(socket).await.expect("a proxy"));
        }
        Self { directory, engine: Engine::Database { made, proxies } }
    }

    pub(crate) const fn is_file(&self) -> bool {
        matches!(self.engine, Engine::File { .. })
    }

    pub(crate) const fn name(&self) -> &'static str {
        if self.is_file() { "sqlite" } else { "postgres" }
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// What a server has to be told.
    pub(crate) fn settings(&self, server: usize) -> Vec<(&'static str, String)> {
        match &self.engine {
            Engine::File { .. } => Vec::new(),
            Engine::Database { made, proxies } => {
                let key = self.directory().join("encryption-key").display().to_string();
                let url = made.url_over(proxies[server].address());
                vec![("store.url", url), ("keys.encryption_key_file", key)]
            }
        }
    }

    /// Brings an outage about; it lasts until [`Self::mend`].
    pub(crate) async fn break_it(&self, outage: Outage) {
        match (&self.engine, outage) {
            (Engine::File { path, holder }, Outage::Locked) => {
                let mut connection = connect(path).await;
                connection.execute("BEGIN IMMEDIATE").await.expect("the lock");
                *holder.lock().await = Some(connection);
            }
            (Engine::Database { proxies, .. }, Outage::Network(reach, way)) => {
                for (number, proxy) in proxies.iter().enumerate() {
                    if reach == Reach::All || reach == Reach::One(number) {
                        proxy.set(way.mode());
                    }
                }
            }
            _ => panic!("{outage:?} does not happen here"),
        }
    }

    /// Ends whatever outage there is.
    pub(crate) async fn mend(&self) {
        match &self.engine {
            Engine::File { holder, .. } => {
                if let Some(mut connection) = holder.lock().await.take() {
                    connection.execute("ROLLBACK").await.expect("ended");
                    connection.close().await.expect("closed");
                }
            }
            Engine::Database { proxies, .. } => proxies.iter().for_each(|proxy| proxy.set(Mode::Pass)),
        }
    }

    /// Reads one column of texts; of two statements the one for the engine.
    pub(crate) async fn texts(&self, file: String, database: String) -> Vec<String> {
        match &self.engine {
            Engine::File { path, .. } => {
                let rows = sqlx::query_scalar(AssertSqlSafe(file)).fetch_all(&mut connect(path).await).await;
                rows.expect("rows")
            }
            Engine::Database { made, .. } => {
                let mut connection = PgConnection::connect(&made.url()).await.expect("the database answers");
                sqlx::query_scalar(AssertSqlSafe(database)).fetch_all(&mut connection).await.expect("rows")
            }
        }
    }

    /// Runs `doorstep decisions` beside the servers, and returns what it printed; it must exit with 0.
    pub(crate) async fn decisions(&self, arguments: &[&str]) -> String {
        let (url, key) = match &self.engine {
            Engine::File { path, .. } => (format!("sqlite://{}", path.display()), None),
            Engine::Database { made, .. } => (made.url(), Some(self.directory().join("encryption-key"))),
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
        command.env_clear().current_dir(self.directory()).env("DOORSTEP__PRELUDE__APP_ID", "test");
        if let Some(key) = key {
            command.env("DOORSTEP__KEYS__ENCRYPTION_KEY_FILE", key);
        }
        command.args(["--dev", "--store", &url, "decisions"]).args(arguments);
        let ended = tokio::task::spawn_blocking(move || command.output()).await.expect("not cancelled");
        let ended = ended.expect("doorstep runs");
        let (said, complained) =
            (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
        assert!(ended.status.success(), "doorstep decisions {arguments:?}: {said}{complained}");
        said.into_owned()
    }
}

impl Way {
    const fn mode(self) -> Mode {
        match self {
            Self::Cut => Mode::Cut,
            Self::CutOnce => Mode::CutOnce,
            Self::Refuse => Mode::Refuse,
            Self::Stall => Mode::Stall,
            Self::Trickle => Mode::Trickle,
        }
    }
}

async fn connect(file: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(file).connect().await.expect("the file opens")
}
