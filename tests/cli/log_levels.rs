//! What is logged changes while a server runs: SIGHUP has `log.level` read again.

use doorstep::testing::Prelude;
use serde_json::Value;

use crate::client::{Client, now, transfer};
use crate::site::{Server, Site};

const REFUSED: &str = "A request was refused.";

/// A running server whose level stands in a file, and the means to change it.
struct Logging {
    prelude: Prelude,
    site: Site,
    server: Server,
    client: Client,
}

impl Logging {
    async fn start() -> Self {
        let prelude = Prelude::start(None).await.expect("Prelude's side");
        let site = Site::with(&prelude).set("policies.reload", "asked");
        site.write("doorstep.toml", "[log]\nlevel = \"info\"\n");
        let server = site.serve_with(&["--config", "doorstep.toml"]);
        let client = Client::of(&server.address).await;
        Self { prelude, site, server, client }
    }

    /// Writes another file, sends the signal, and returns the line that follows from it.
    fn say(&mut self, file: &str, code: &str) -> Value {
        self.site.write("doorstep.toml", file);
        self.server.process.signal("HUP");
        let line = self.server.process.until_it_says(code);
        serde_json::from_str(&line).expect("a JSON line")
    }

    /// A call that is refused, which the room `http` logs.
    async fn be_refused(&self) {
        let mut forged = transfer(&self.prelude, "usr_1", "20");
        forged.body.push(b' ');
        assert_eq!(self.client.send(&forged).await.expect("an answer").0, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_has_the_level_read_again() {
    let mut logging = Logging::start().await;
    logging.be_refused().await;
    logging.server.process.until_it_says(REFUSED);

    let line = logging.say("[log]\nlevel = \"info,http=error\"\n", "log_level_changed");
    assert_eq!((&line["before"], &line["now"]), (&"info".into(), &"info,http=error".into()));
    logging.be_refused().await;

    // From silent to talkative: the line comes all the same.
    logging.say("[log]\nlevel = \"error\"\n", "log_level_changed");
    logging.be_refused().await;
    let line = logging.say("[log]\nlevel = \"warn,http=trace\"\n", "log_level_changed");
    assert_eq!((&line["before"], &line["now"]), (&"error".into(), &"warn,http=trace".into()));
    logging.be_refused().await;
    logging.server.process.until_it_says(REFUSED);
    let log = logging.server.stop().stderr;
    assert_eq!(log.matches(REFUSED).count(), 2, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_says_when_in_utc_where_and_what_and_under_which_name() {
    let mut logging = Logging::start().await;
    let before = now();
    let mut forged = transfer(&logging.prelude, "usr_1", "20");
    forged.body.push(b' ');
    let (status, refusal) = logging.client.send(&forged).await.expect("an answer");
    assert_eq!(status, 401);
    let line = logging.server.process.until_it_says(REFUSED);
    let after = now();
    let [line, refusal]: [Value; 2] = [line, refusal].map(|text| serde_json::from_str(&text).expect("JSON"));
    let when = line["timestamp"].as_str().expect("a moment");
    assert!(when.ends_with('Z'), "in UTC: {when}");
    let when: jiff::Timestamp = when.parse().expect("RFC 3339");
    assert!((before..=after).contains(&when.as_second()), "{before} {when} {after}");
    assert_eq!((&line["level"], &line["target"]), (&"INFO".into(), &"doorstep::http".into()));
    assert_eq!((&line["route"], &line["cause"]), (&"/hooks/stepup".into(), &"wrong_signature".into()));
    assert_eq!(line["request_id"], refusal["request_id"], "what the caller got is found in the log");
    logging.server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_level_changes_nothing_and_says_so() {
    let mut logging = Logging::start().await;
    for (file, code, place) in [
        ("[log]\nlevel = \"info,canary=debug\"\n", "impossible_value", "doorstep.toml:2:9"),
        ("[log]\nlevel = 7\n", "wrong_type", "doorstep.toml:2:9"),
        ("[log\nlevel = \"error\"\n", "syntax", "doorstep.toml:1:5"),
    ] {
        let line = logging.say(file, "log_level_unusable");
        let faults = line["faults"].as_str().expect("the faults");
        assert!(faults.contains(code) && faults.contains(place) && !faults.contains("canary"), "{faults}");
        logging.be_refused().await;
        logging.server.process.until_it_says(REFUSED);
    }
    std::fs::remove_file(logging.site.path("doorstep.toml")).expect("removed");
    logging.server.process.signal("HUP");
    logging.server.process.until_it_says("file_unreadable");
    // Another option's fault is the next start's business.
    logging.say("[store]\nqueue_max = \"many\"\n\n[log]\nlevel = \"warn\"\n", "log_level_changed");
    logging.server.stop();
}
