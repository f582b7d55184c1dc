//! A server under test with Prelude's side, a store that can fail, and callers that write down what they are told.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use doorstep::testing::{Prelude, Server, Setup, SignedCall, Style};
use futures_util::future::join_all;
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Executor as _};
use tempfile::TempDir;

use crate::ledger::{ANSWERED_WITHIN, Entry, Ledger};
use crate::postgres::Database;

/// How many looks at something that changes by itself, and how far apart: twenty seconds in all.
const LOOKS: usize = 400;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// How many callers at once.
const CALLERS: usize = 8;

/// How long after an outage's end everything must be as before.
pub(crate) const RECOVERED_WITHIN: Duration = Duration::from_secs(5);

/// Looks again and again until `look` finds what it wants.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let mut ticks = tokio::time::interval(BETWEEN_LOOKS);
    for _ in 0..LOOKS {
        ticks.tick().await;
        if let Some(found) = look().await {
            return found;
        }
    }
    panic!("{what}: not within {LOOKS} looks")
}

/// What the server records in.
pub(crate) enum Store {
    File(PathBuf),
    Database(Box<Database>),
}

impl Store {
    /// The file, opened beside the server.
    pub(crate) async fn file(&self) -> SqliteConnection {
        let Self::File(path) = self else { panic!("no file") };
        SqliteConnectOptions::new().filename(path).connect().await.expect("the file opens")
    }

    /// Runs a statement beside the server.
    pub(crate) async fn run(&self, sql: &'static str) {
        match self {
            Self::File(_) => {
                self.file().await.execute(sql).await.expect("done");
            }
            Self::Database(database) => {
                database.connect().await.execute(sql).await.expect("done");
            }
        }
    }
}

/// A server and its surroundings.
pub(crate) struct Site {
    server: Server,
    pub(crate) prelude: Prelude,
    client: reqwest::Client,
    next: AtomicUsize,
    _directory: TempDir,
}

/// A hook call's answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Site {
    /// A server whose store is at `url`, once it is ready.
    pub(crate) async fn on(url: &str, settings: &[(&'static str, &str)]) -> Self {
        let site = Self::starting(url, settings).await.expect("the server starts");
        site.until_ready().await;
        site
    }

    /// A server that may not start.
    pub(crate) async fn starting(url: &str, settings: &[(&'static str, &str)]) -> Result<Self, String> {
        let prelude = Prelude::start(None).await.expect("Prelude's side starts");
        let directory = TempDir::new().expect("a directory");
        let mut all = prelude.settings();
        all.push(("store.url", url.to_owned()));
        let key = directory.path().join("encryption-key");
        std::fs::write(&key, "ab".repeat(32)).expect("a key file");
        all.push(("keys.encryption_key_file", key.display().to_string()));
        all.extend(settings.iter().map(|(key, text)| (*key, (*text).to_owned())));
        let setup = Setup {
            directory: directory.path().to_owned(),
            policies: Vec::new(),
            clock: None,
            settings: all,
        };
        let server = Server::start(setup).await?;
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        Ok(Self { server, prelude, client, next: AtomicUsize::new(0), _directory: directory })
    }

    pub(crate) async fn stop(self) {
        self.server.stop().await.expect("the server stops");
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.server.url()));
        Answer::of(request.send().await.expect("an answer")).await
    }

    /// What `/readyz` says: the codes of all that keeps calls from being served.
    pub(crate) async fn problems(&self) -> Vec<String> {
        let answer = self.get("/readyz").await;
        let told: Value = serde_json::from_str(&answer.text).expect("JSON");
        let problems = told["problems"].as_array().expect("problems").iter();
        let codes: Vec<_> =
            problems.map(|problem| problem["code"].as_str().expect("a code").to_owned()).collect();
        assert_eq!(answer.status == 200, codes.is_empty(), "{}", answer.text);
        codes
    }

    pub(crate) async fn until_ready(&self) {
        until("ready", async || self.problems().await.is_empty().then_some(())).await;
    }

    /// Waits until `/readyz` says that nothing but this is amiss.
    pub(crate) async fn until_it_says(&self, code: &str) {
        let mut said = Vec::new();
        let found = async || {
            said = self.problems().await;
            (*said == [code]).then_some(())
        };
        let limit = tokio::time::timeout(Duration::from_secs(20), until(code, found));
        assert!(limit.await.is_ok(), "it does not say {code}, but {:?}", self.problems().await);
    }

    /// The value of a gauge or counter.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let text = self.get("/metrics").await.text;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let number = line.unwrap_or_else(|| panic!("no {name}"));
        // A histogram's sum is a fraction's text, here with nothing behind the point.
        number.trim_end_matches(".0").parse().expect("a number")
    }

    /// Asks the database what is shown of it.
    pub(crate) async fn measure_database(&self) -> Result<(), String> {
        self.server.measure_database().await
    }

    /// A call of a user of its own, with an amount that decides on the verdict.
    pub(crate) fn call(&self) -> (String, SignedCall) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (user, amount) = (format!("usr_{number}"), ["20", "5000", "90000"][number % 3]);
        let body = json!({
            "scope_requested": "transfer:write",
            "user_id": user,
            "identifiers": [{"type": "phone_number", "value": "+33612345678"}],
            "signals": {"user_agent": "Mozilla/5.0", "platform": "WEB", "ip": "203.0.113.42"},
            "metadata": {"amount": amount, "currency": "USD", "payee": "DE89370400440532013000"},
        });
        (user, self.prelude.sign(&body, Style::Usual).expect("signs"))
    }

    /// Sends a call exactly as it was signed; an answer that takes too long fails the test.
    pub(crate) async fn send(&self, call: &SignedCall) -> Answer {
        let url = format!("{}/hooks/stepup", self.server.url());
        let mut request = self.client.post(url).body(call.body.clone());
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        let asked = Instant::now();
        let answer = Answer::of(request.send().await.expect("an answer")).await;
        assert!(asked.elapsed() < ANSWERED_WITHIN, "answered {} after {:?}", answer.status, asked.elapsed());
        answer
    }

    /// Calls from several callers while `during` goes on, and for as long as that; every answer is written down.
    pub(crate) async fn under_load(&self, during: impl Future<Output = ()>) -> Ledger {
        let ledger = Mutex::new(BTreeMap::new());
        let is_over = AtomicBool::new(false);
        let caller = async || {
            while !is_over.load(Ordering::Relaxed) {
                let (user, call) = self.call();
                let answer = self.send(&call).await;
                let entry = Entry { call, told: vec![(answer.status, answer.text)] };
                ledger.lock().unwrap_or_else(PoisonError::into_inner).insert(user, entry);
            }
        };
        let during = async {
            during.await;
            is_over.store(true, Ordering::Relaxed);
        };
        tokio::join!(join_all(std::iter::repeat_with(caller).take(CALLERS)), during);
        Ledger(ledger.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until so many verdicts more are recorded.
    pub(crate) async fn until_recorded(&self, more: u64) {
        const ROWS: &str = "doorstep_store_batch_rows_sum";
        let before = self.metric(ROWS).await;
        until("verdicts", async || (self.metric(ROWS).await >= before + more).then_some(())).await;
    }

    /// Waits until the server is as before, and sees that it did not take long.
    pub(crate) async fn until_recovered(&self) {
        let since = Instant::now();
        self.until_recorded(20).await;
        self.until_ready().await;
        assert!(since.elapsed() < RECOVERED_WITHIN, "recovered after {:?}", since.elapsed());
    }
}

impl Answer {
    async fn of(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        Self { status, text: response.text().await.expect("a body") }
    }
}

/// Goes on for a while: an outage that lasts.
pub(crate) async fn a_while(seconds: u64) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    for _ in 0..=seconds {
        ticks.tick().await;
    }
}
