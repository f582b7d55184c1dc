//! A server with a marked value in every secret, and a record that can fail.

use std::process::Command;

use doorstep::testing::{Mode, Prelude, Proxy, ScratchDatabase, SignedCall, leaks};
use reqwest::RequestBuilder;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection};

use crate::client::{Answer, Client, until};
use crate::collector::Collector;
use crate::site::{SHIPPED_POLICIES, Server, Site};

pub(super) const PHONE: &str = "+33698765432";
pub(super) const EMAIL: &str = "canary.person@canary.example";
pub(super) const ADDRESS: &str = "203.0.113.77";
pub(super) const AGENT: &str = "CanaryBrowser/9.9";
pub(super) const PAYEE: &str = "DE89370400440532013999";
pub(super) const WRONG_KEY: &str = "dsk_0123456789abcdef_Canary0Canary1Canary2Canary3Canary4Canary5C";
pub(super) const FORGED: &str = "eyJhbGciOiJub25lIn0.eyJjYW5hcnkiOiJ0b2tlbiJ9.Y2FuYXJ5LWZvcmdlZA";
pub(super) const PATH: &str = "canary-in-a-path";
pub(super) const REPEAT: &str = "canary-of-a-repetition";
pub(super) const CASE: &str = "Case 4711 of Canary Personne";
/// The secret of the provider that may finish steps.
pub(super) const PROVIDER: &str = "canary-secret-of-a-provider";
/// What proves to the collector of traces who sends them.
const COLLECTOR: &str = "canary-of-a-collector";
/// What Prelude shows when it activates the webhook.
pub(super) const ACTIVATION: &str = "ca0a1ca0a1ca0a1ca0a1ca0a1ca0a1ca";

/// What every request carries besides.
const HEADERS: [(&str, &str); 6] = [
    ("cookie", "session=canary-of-a-cookie"),
    ("x-forwarded-for", "198.51.100.213"),
    ("x-request-id", "canary-of-a-request"),
    ("tracestate", "vendor=canary-of-a-trace"),
    ("referer", "https://canary-referer.example/"),
    ("user-agent", AGENT),
];

/// Tables that take rows from requests.
const TABLES: [&str; 5] = ["decisions", "facts", "verifications", "desk_actions", "prelude_events"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    File,
    Database,
}

enum Record {
    File { holder: Option<SqliteConnection> },
    Database { made: Box<ScratchDatabase>, proxy: Proxy },
}

pub(super) struct Stage {
    pub(super) prelude: Prelude,
    pub(super) site: Site,
    server: Server,
    client: reqwest::Client,
    collector: Collector,
    record: Record,
}

impl Stage {
    pub(super) async fn set(engine: Engine, format: &str) -> Self {
        plant();
        let prelude = Prelude::start(None).await.expect("Prelude's side");
        let collector = Collector::start().await;
        let site = Site::with(&prelude)
            .set("tracing.endpoint", &collector.endpoint())
            .set("tracing.sampled_percent", "100")
            .set("tracing.headers", &format!("authorization=Bearer%20{COLLECTOR}"))
            .set("log.format", format)
            .set("policies.dir", "rules")
            .set("policies.reload", "asked")
            .set("keys.encryption_key", &"c4".repeat(32))
            .set("keys.previous_encryption_key", &"d5".repeat(32))
            .set("prelude.management_key", "canary-of-a-management-key")
            .set("prelude.events", "on")
            .set("prelude.verification_token", ACTIVATION)
            .set("callbacks.sumsub.scheme", "sumsub")
            .set("callbacks.sumsub.secret", PROVIDER)
            .set("callbacks.sumsub.steps", "kyc_review");
        let rules = site.path("rules");
        let copied = Command::new("cp").arg("-r").arg(SHIPPED_POLICIES).arg(rules).status().expect("cp");
        assert!(copied.success(), "the policies are copied");
        site.write("doorstep.toml", "[log]\nlevel = \"trace\"\n");
        let (site, record) = match engine {
            Engine::File => (site, Record::File { holder: None }),
            Engine::Database => {
                let made = Box::new(ScratchDatabase::create().await.expect("a database"));
                let proxy = Proxy::before(made.socket().expect("a socket")).await.expect("a proxy");
                let url = made.url_over(proxy.address());
                let site = site.set("store.url", &url).set("store.password", "canary-of-a-store-password");
                (site, Record::Database { made, proxy })
            }
        };
        let server = site.serve_with(&["--config", "doorstep.toml"]);
        Client::of(&server.address).await;
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { prelude, site, server, client, collector, record }
    }

    /// A request with everything that may stand in a head.
    pub(super) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let request = self.client.request(method, format!("http://{}{path}", self.server.address));
        HEADERS.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    }

    /// Sends it; neither the head of the answer nor a refusal may hold what was planted.
    pub(super) async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.expect("an answer");
        let (status, head) = (response.status().as_u16(), format!("{:?}", response.headers()));
        leaks::expect_none("the head of an answer", &head);
        let text = response.text().await.expect("a body");
        leaks::look_at_answer(status, &text);
        (status, text)
    }

    pub(super) async fn see(&self, path: &str) -> String {
        let (status, text) = self.send(self.request("GET", path)).await;
        assert!(status == 200 || path == "/readyz", "{status} {text}");
        leaks::expect_none(path, &text);
        text
    }

    /// Sends JSON with an API key.
    pub(super) async fn post(&self, key: &str, path: &str, body: &Value) -> Answer {
        let request = self.request("POST", path).bearer_auth(key).header("idempotency-key", fresh_repeat());
        self.send(request.json(body)).await
    }

    /// The same, where the answer's status is known.
    pub(super) async fn posted(&self, (key, path, status): (&str, &str, u16), body: &Value) -> Value {
        let answer = self.post(key, path, body).await;
        assert_eq!(answer.0, status, "{path} {}", answer.1);
        serde_json::from_str(&answer.1).unwrap_or_default()
    }

    /// Sends what was signed.
    pub(super) async fn deliver(&self, path: &str, call: &SignedCall) -> Answer {
        let request = self.request("POST", path).body(call.body.clone());
        let with = |request: RequestBuilder, (name, value): &(String, String)| request.header(name, value);
        self.send(
            call.headers
                .iter()
                .filter(|(name, _)| !name.eq_ignore_ascii_case("user-agent"))
                .fold(request, with),
        )
        .await
    }

    /// Sends a signal, and waits for what follows.
    pub(super) fn hang_up(&mut self, said: &str) {
        self.server.process.signal("HUP");
        self.server.process.until_it_says(said);
    }

    /// From now on the tables refuse rows, as a constraint or trigger does that somebody added: on PostgreSQL its message and its
    /// detail quote the row, and its code is that of a value, a constraint or a trigger's own.
    pub(super) async fn refuse_rows(&self) {
        let quotes = "CREATE OR REPLACE FUNCTION canary() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
            RAISE EXCEPTION USING ERRCODE = TG_ARGV[0], MESSAGE = 'row ' || NEW::text, DETAIL = NEW::text; END $$";
        self.execute("SELECT 1".to_owned(), quotes.to_owned()).await;
        let mut codes = ["22P02", "23514", "P0001"].iter().cycle();
        for table in TABLES {
            let of_a_file = format!(
                "CREATE TRIGGER canary_{table} BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no rows here'); END"
            );
            let code = codes.next().expect("no end");
            let of_a_database = format!(
                "CREATE TRIGGER canary BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION canary('{code}')"
            );
            self.execute(of_a_file, of_a_database).await;
        }
    }

    pub(super) async fn take_rows(&self) {
        for table in TABLES {
            self.execute(format!("DROP TRIGGER canary_{table}"), format!("DROP TRIGGER canary ON {table}"))
                .await;
        }
    }

    async fn execute(&self, of_a_file: String, of_a_database: String) {
        match &self.record {
            Record::File { .. } => {
                self.file().await.execute(AssertSqlSafe(of_a_file)).await.expect("done");
            }
            Record::Database { made, .. } => {
                let mut connection = PgConnection::connect(&made.url()).await.expect("it answers");
                connection.execute(AssertSqlSafe(of_a_database)).await.expect("done");
            }
        }
    }

    async fn file(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.site.path("doorstep.sqlite"));
        options.connect().await.expect("the file opens")
    }

    /// The record is out of reach from now on.
    pub(super) async fn cut(&mut self) {
        if let Record::Database { proxy, .. } = &self.record {
            proxy.set(Mode::Cut);
            return;
        }
        let mut connection = self.file().await;
        connection.execute("BEGIN IMMEDIATE").await.expect("the lock");
        self.record = Record::File { holder: Some(connection) };
    }

    /// What an outage of this record is called.
    pub(super) const fn outage_code(&self) -> &'static str {
        match self.record {
            Record::File { .. } => "store_locked",
            Record::Database { .. } => "store_unreachable",
        }
    }

    /// The record is in reach again, and the server knows it.
    pub(super) async fn mend(&mut self) {
        match &mut self.record {
            Record::File { holder } => drop(holder.take()),
            Record::Database { proxy, .. } => proxy.set(Mode::Pass),
        }
        until("the record is there again", async || {
            super::persons::hook_call(self).await;
            self.see("/metrics").await.contains("doorstep_store_outage 0\n").then_some(())
        })
        .await;
    }

    /// Stops the server, whose log must say all of this; then its spans are looked through.
    pub(super) async fn end(self, said: &[&str]) {
        self.server.stop().saying(said);
        let spans = self.collector.spans().await;
        for name in ["decide", "commit", "mint", "key_set_fetch", "POST /hooks/stepup", "POST"] {
            assert!(spans.iter().any(|span| span.name == name), "no {name} in {spans:?}");
        }
        leaks::expect_none("a span", &format!("{spans:?}"));
        leaks::expect_none("what a collector gets", &String::from_utf8_lossy(&self.collector.bytes().await));
    }
}

/// Another name for each request, all of them marked.
fn fresh_repeat() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{}-{REPEAT}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn plant() {
    leaks::plant("a phone number", PHONE);
    leaks::plant("an e-mail address", EMAIL);
    leaks::plant("a reason", CASE);
    leaks::plant("an API key", WRONG_KEY);
    leaks::plant("a path", PATH);
    leaks::plant("an idempotency key", REPEAT);
    leaks::plant("an address", ADDRESS);
    leaks::plant("a payee", PAYEE);
    leaks::plant("a secret", PROVIDER);
    leaks::plant("a collector's password", COLLECTOR);
    leaks::plant_token("a forged token", FORGED);
    for (name, value) in HEADERS {
        leaks::plant("a header", value);
        assert!(!name.is_empty());
    }
}
