//! Two servers on one record, Prelude's side, a clock that is set by hand, and the ledger.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use doorstep::testing::{KeyWish, ManualClock, Prelude, Server, Setup};
use tokio::sync::Mutex;

use crate::bundle;
use crate::deed::{Act, SECRET};
use crate::ledger::{Ledger, SECOND, Told};
use crate::place::Place;

/// When the hour begins.
const BEGINS: i64 = 1_790_000_010;
/// The longest that anybody waits for an answer; far more than the servers' own deadline.
const PATIENCE: Duration = Duration::from_secs(30);

/// What callers present.
pub(crate) struct Keys {
    pub(crate) backend: String,
    pub(crate) person: String,
    pub(crate) executor: String,
    pub(crate) facts: String,
    pub(crate) desk: String,
}

/// A server, or the place where one was and will be.
pub(crate) struct Instance {
    server: Mutex<Option<Server>>,
    url: std::sync::RwLock<String>,
    /// Odd while it is not there.
    changes: AtomicU64,
    settings: Vec<(&'static str, String)>,
}

pub(crate) struct World {
    pub(crate) place: Place,
    pub(crate) prelude: Prelude,
    pub(crate) client: reqwest::Client,
    pub(crate) instances: Vec<Instance>,
    pub(crate) keys: Keys,
    pub(crate) ledger: Ledger,
    clock: Arc<ManualClock>,
    now: AtomicI64,
    order: AtomicU64,
}

impl World {
    pub(crate) async fn begin(place: Place) -> Self {
        let clock = ManualClock::at_unix_seconds(BEGINS);
        let prelude = Prelude::start(Some(Arc::clone(&clock))).await.expect("Prelude's side starts");
        let instances = (0..2).map(|number| Instance::to_be(settings(&prelude, &place, number)));
        let instances: Vec<_> = instances.collect();
        for instance in &instances {
            instance.start(&place, &clock).await;
        }
        let first = instances[0].server.lock().await;
        let keys = keys(first.as_ref().expect("it runs")).await;
        drop(first);
        // A connection that the server closes for its silence must not look like a lost answer.
        let client =
            reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(PATIENCE).build();
        let world = Self {
            place,
            prelude,
            client: client.expect("a client"),
            instances,
            keys,
            ledger: Ledger::default(),
            clock,
            now: AtomicI64::new(BEGINS),
            order: AtomicU64::new(0),
        };
        for server in 0..world.instances.len() {
            world.until_ready(server).await;
        }
        world
    }

    /// Unix seconds on the clock of the servers.
    pub(crate) fn now(&self) -> i64 {
        self.now.load(Ordering::SeqCst)
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
        self.clock.advance_seconds(seconds);
    }

    /// How long the hour has lasted.
    pub(crate) fn lasted(&self) -> i64 {
        self.now() - BEGINS
    }

    /// The next place in the order of all that begins and ends.
    pub(crate) fn next(&self) -> u64 {
        self.order.fetch_add(1, Ordering::SeqCst)
    }

    /// Does what an act says and tells what came of it.
    ///
    /// Only who hangs up, or whose server is stopped meanwhile, may go without an answer.
    pub(crate) async fn perform(&self, act: &Act) -> Told {
        let instance = &self.instances[act.server];
        let change = instance.changes.load(Ordering::SeqCst);
        let request = self.request(act, &instance.url());
        let (began, sent_at) = (self.next(), self.now() * SECOND);
        let asked = async {
            let response = request.send().await?;
            Ok::<_, reqwest::Error>((response.status().as_u16(), response.text().await?))
        };
        let answer = match act.hangs_up {
            Some(patience) => tokio::time::timeout(patience, asked).await.ok(),
            None => Some(asked.await),
        };
        let (status, text) = match answer {
            Some(Ok((status, text))) => (Some(status), text),
            Some(Err(fault)) => {
                let is_there = change.is_multiple_of(2) && instance.changes.load(Ordering::SeqCst) == change;
                assert!(!is_there, "no answer to {:?}: {fault}", act.deed);
                (None, String::new())
            }
            None => (None, String::new()),
        };
        let ended = if status.is_some() { self.next() } else { u64::MAX };
        Told { began, ended, sent_at, answered_at: self.now() * SECOND, status, text }
    }

    /// Has a server look at the signing keys; tells whether it knows them now.
    pub(crate) async fn tend(&self, server: usize) -> bool {
        match &*self.instances[server].server.lock().await {
            Some(server) => server.tend_signing_keys().await.is_ok(),
            None => false,
        }
    }

    /// Stops a server in order, with whatever it has to do.
    pub(crate) async fn stop(&self, server: usize) {
        self.instances[server].stop().await;
    }

    /// Starts a server that was stopped.
    pub(crate) async fn start(&self, server: usize) {
        self.instances[server].start(&self.place, &self.clock).await;
    }

    /// Waits until a server takes calls.
    pub(crate) async fn until_ready(&self, server: usize) {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        for _ in 0..1000 {
            ticks.tick().await;
            let asked = self.client.get(format!("{}/readyz", self.instances[server].url())).send().await;
            if asked.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
        }
        panic!("server {server} does not get ready");
    }

    /// A document that anybody may have.
    pub(crate) async fn get(&self, server: usize, path: &str) -> String {
        let asked = self.client.get(format!("{}{path}", self.instances[server].url())).send().await;
        asked.expect("an answer").text().await.expect("a body")
    }
}

impl Instance {
    const fn to_be(settings: Vec<(&'static str, String)>) -> Self {
        Self {
            server: Mutex::const_new(None),
            url: std::sync::RwLock::new(String::new()),
            changes: AtomicU64::new(1),
            settings,
        }
    }

    fn url(&self) -> String {
        self.url.read().expect("nobody panicked").clone()
    }

    async fn start(&self, place: &Place, clock: &Arc<ManualClock>) {
        let setup = Setup {
            directory: place.directory().to_owned(),
            policies: bundle::files(),
            clock: Some(Arc::clone(clock)),
            settings: self.settings.clone(),
        };
        let server = Server::start(setup).await.expect("the server starts");
        *self.url.write().expect("nobody panicked") = server.url();
        *self.server.lock().await = Some(server);
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    async fn stop(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        let server = self.server.lock().await.take();
        server.expect("it runs").stop().await.expect("the server stops");
    }
}

fn settings(prelude: &Prelude, place: &Place, server: usize) -> Vec<(&'static str, String)> {
    let secret = place.directory().join("sumsub");
    std::fs::write(&secret, SECRET).expect("written");
    let mut settings = prelude.settings();
    settings.extend(place.settings(server));
    settings.extend([
        ("server.request_deadline", "1500ms".to_owned()),
        ("server.shutdown_deadline", "3s".to_owned()),
        ("store.timeout", "1s".to_owned()),
        ("keys.rotate_every", "90s".to_owned()),
        ("keys.jwks_cache", format!("{}s", crate::verifier::CACHE_SECONDS)),
        ("keys.clock_skew", "1s".to_owned()),
        ("tokens.ttl", "30s".to_owned()),
        ("tokens.per_verification_max", crate::check::TOKENS_MAX.to_string()),
        ("callbacks.sumsub.scheme", "sumsub".to_owned()),
        ("callbacks.sumsub.secret_file", secret.display().to_string()),
        ("callbacks.sumsub.steps", bundle::STEP.to_owned()),
    ]);
    settings
}

async fn keys(server: &Server) -> Keys {
    let make = async |roles: &'static [&'static str], approves_as: Option<&'static str>| {
        let wish = KeyWish { roles, approves_as, ..KeyWish::default() };
        server.create_api_key(&wish).await.expect("a key")
    };
    Keys {
        backend: make(&["opener", "approver", "minter", "evaluator"], Some("backend")).await,
        person: make(&["approver"], Some("person")).await,
        executor: make(&["executor"], None).await,
        facts: make(&["facts"], None).await,
        desk: make(&["desk"], None).await,
    }
}
