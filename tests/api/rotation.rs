//! Keys rotate while tokens are made, and a verifier that keeps the key set as Prelude does refuses none of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use doorstep::testing::{Prelude, Server, Setup};
use jsonwebtoken::jwk::JwkSet;
use serde_json::Value;

use crate::bench::{Bench, NOW};

const PATH: &str = "/.well-known/jwks.json";
/// How long Prelude keeps our key set, in seconds.
const CACHE: i64 = 600;
const TOKENS: i64 = 10_000;
const LIFE: Duration = Duration::from_secs(300);

/// Prelude's side of a verification token: it keeps the set, and fetches at once for an unknown `kid`.
struct Verifier {
    client: reqwest::Client,
    /// Who serves the set; asked in turn, as behind a balancer.
    urls: Vec<String>,
    set: JwkSet,
    /// By whatever clock asks it, as is `cache`.
    kept_until: i64,
    cache: i64,
    fetches: usize,
    unknown: usize,
}

impl Verifier {
    fn new(urls: Vec<String>, cache: i64) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let (set, kept_until) = (JwkSet { keys: Vec::new() }, i64::MIN);
        Self { client, urls, set, kept_until, cache, fetches: 0, unknown: 0 }
    }

    async fn fetch(&mut self, now: i64) {
        let url = format!("{}{PATH}", self.urls[self.fetches % self.urls.len()]);
        let text = self.client.get(url).send().await.expect("an answer").text().await.expect("a body");
        self.set = serde_json::from_str(&text).expect("a key set");
        assert!(!self.set.keys.is_empty(), "the key set is never empty");
        self.kept_until = now + self.cache;
        self.fetches += 1;
    }

    /// Whether it knows the key at this moment.
    async fn knows(&mut self, kid: &str, now: i64) -> bool {
        if now >= self.kept_until {
            self.fetch(now).await;
        }
        if self.set.find(kid).is_none() {
            self.unknown += 1;
            self.fetch(now).await;
        }
        self.set.find(kid).is_some()
    }

    /// Whether it takes the token at this moment; times are judged by whoever holds the clock, not here.
    async fn takes(&mut self, token: &str, now: i64) -> bool {
        let kid = kid_of(token);
        if !self.knows(&kid, now).await {
            return false;
        }
        let Some(jwk) = self.set.find(&kid) else { return false };
        let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
        validation.validate_exp = false;
        let key = jsonwebtoken::DecodingKey::from_jwk(jwk).expect("a public key");
        jsonwebtoken::decode::<Value>(token, &key, &validation).is_ok()
    }
}

fn kid_of(token: &str) -> String {
    jsonwebtoken::decode_header(token).expect("a header").kid.expect("a kid")
}

/// Makes ten thousand tokens, one a second of the bench's clock, each by another server, and has each checked at once. In
/// its last second its key must still be known.
async fn none_is_refused(bench: &Bench, servers: &[&Server]) {
    let urls = servers.iter().map(|server| server.url()).collect();
    let mut verifier = Verifier::new(urls, CACHE);
    let mut in_flight: VecDeque<(i64, String)> = VecDeque::new();
    let mut kids = std::collections::BTreeSet::new();
    let mut refused = 0;
    for second in 0..TOKENS {
        let now = NOW + second;
        bench.clock.set_unix_seconds(now);
        // Each looks every three seconds, not all at once.
        for (place, server) in (0..).zip(servers) {
            if (second + place) % 3 == 0 {
                server.tend_signing_keys().await.expect("a look");
            }
        }
        let server = servers[usize::try_from(second).expect("small") % servers.len()];
        let token = server.sign_token(LIFE).expect("a token");
        refused += usize::from(!verifier.takes(&token, now).await);
        let kid = kid_of(&token);
        kids.insert(kid.clone());
        in_flight.push_back((now + 299, kid));
        while in_flight.front().is_some_and(|(last, _)| *last <= now) {
            let (_, kid) = in_flight.pop_front().expect("there is one");
            refused += usize::from(!verifier.knows(&kid, now).await);
        }
    }
    assert_eq!(refused, 0, "of {TOKENS} tokens under {} keys", kids.len());
    assert!(kids.len() >= 10, "only {} keys signed", kids.len());
    // The very first fetch apart, every key was known before it signed.
    assert_eq!(verifier.unknown, 0);
    let rotations = "SELECT count(*) FROM key_actions WHERE deed = 'rotate'";
    let keys = "SELECT count(*) FROM signing_keys";
    assert_eq!(bench.record.count(rotations).await, bench.record.count(keys).await, "each once");
}

const EVERY_QUARTER: [(&str, &str); 1] = [("keys.rotate_every", "15m")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_is_refused_while_keys_rotate() {
    let bench = Bench::with(&[], &EVERY_QUARTER).await;
    none_is_refused(&bench, &[&bench.server]).await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_of_two_servers_is_refused_while_keys_rotate() {
    let (bench, other) = Bench::with(&[], &EVERY_QUARTER).await.beside().await;
    none_is_refused(&bench, &[&bench.server, &other.server]).await;
    bench.stop().await;
    other.stop().await;
}

/// In real time, with nobody's hand on the clock or the task: Prelude is taken to keep the set for one second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_rotate_by_themselves_in_real_time() {
    let prelude = Arc::new(Prelude::start(None).await.expect("Prelude's side"));
    let directory = tempfile::TempDir::new().expect("a directory");
    let start = async || {
        let mut settings = prelude.settings();
        for (key, text) in [("keys.jwks_cache", "1s"), ("keys.clock_skew", "0s"), ("keys.rotate_every", "4s")]
        {
            settings.push((key, text.to_owned()));
        }
        let directory = directory.path().to_owned();
        let setup = Setup { directory, policies: Vec::new(), clock: None, settings };
        Server::start(setup).await.expect("a server")
    };
    let servers = [start().await, start().await];
    let mut verifier = Verifier::new(servers.iter().map(Server::url).collect(), 1000);
    let began = Instant::now();
    let mut kids = Vec::new();
    let mut minted = 0;
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    while began.elapsed() < Duration::from_secs(14) && kids.len() < 3 {
        for server in &servers {
            let token = server.sign_token(LIFE).expect("a token");
            let kid = kid_of(&token);
            assert!(
                verifier.takes(&token, i64::try_from(began.elapsed().as_millis()).expect("small")).await,
                "after {minted} tokens"
            );
            minted += 1;
            if !kids.contains(&kid) {
                kids.push(kid);
            }
        }
        ticks.tick().await;
    }
    assert_eq!((kids.len(), verifier.unknown), (3, 0), "{minted} tokens");
    let set = verifier.client.get(format!("{}{PATH}", servers[0].url())).send().await.expect("an answer");
    assert_eq!(set.headers()["cache-control"], "public, max-age=0");
    for server in servers {
        server.stop().await.expect("it stops");
    }
}

#[tokio::test]
async fn others_may_keep_the_set_for_a_tenth_of_preludes_time() {
    let bench = Bench::start().await;
    assert_eq!(bench.get(PATH).await.header("cache-control"), Some("public, max-age=60"));
    bench.stop().await;
}
