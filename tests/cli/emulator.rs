//! `doorstep emulator`: started, found by others, and stopped; and what it is not started with.

use serde_json::Value;

use crate::process::{Ended, Process};
use crate::site::Site;

/// The names of what it tells, in its order.
const FACTS: [&str; 8] =
    ["url", "domain", "app_id", "code", "management_key", "key_set_url", "step_up_key_set_url", "ca_file"];

fn start(site: &Site, more: &[&str]) -> Process {
    let arguments = ["emulator", "--port", "0", "--app-id", "acme", "--ca-out", "ca.pem"];
    site.start(&[&arguments, more].concat())
}

/// A client that believes the authority in the site's `ca.pem` and nobody else.
fn client(site: &Site) -> reqwest::Client {
    let pem = std::fs::read(site.path("ca.pem")).expect("a file");
    let ca = reqwest::Certificate::from_pem(&pem).expect("a certificate");
    reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build().expect("a client")
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_where_it_is_answers_over_tls_and_stops_at_a_signal() {
    for signal in ["TERM", "INT"] {
        let site = Site::bare();
        let mut emulator = start(&site, &["--code", "424242", "--scope", "transfer:write"]);
        let mut told = Vec::new();
        for name in FACTS {
            let line = emulator.stdout.find(name).expect("a line");
            told.push(line.split_whitespace().last().expect("a value").to_owned());
        }
        let [url, domain, app_id, code, key, key_set_url, step_up_key_set_url, ca_file] = &told[..] else {
            panic!("{told:?}")
        };
        assert_eq!((app_id.as_str(), code.as_str(), ca_file.as_str()), ("acme", "424242", "ca.pem"));
        assert_eq!(*url, format!("https://{domain}"));
        assert!(domain.starts_with("localhost:") && !domain.ends_with(":0"), "{domain}");
        let client = client(&site);
        for (address, kty) in [(key_set_url, "RSA"), (step_up_key_set_url, "OKP")] {
            let answer = client.get(address).send().await.expect("an answer");
            let set: Value = answer.json().await.expect("JSON");
            assert_eq!(set["keys"][0]["kty"], kty);
        }
        let scopes = client.get(format!("{url}/v2/session/apps/acme/config/scopes")).bearer_auth(key);
        let scopes: Value = scopes.send().await.expect("an answer").json().await.expect("JSON");
        assert_eq!(scopes["scopes"][0]["scope"], "transfer:write");
        // The machine's own authorities do not know it.
        let stranger = reqwest::Client::builder().no_proxy().build().expect("a client");
        assert!(stranger.get(key_set_url).send().await.is_err());

        emulator.signal(signal);
        let ended = emulator.end().expect(0);
        assert_eq!(ended.stderr, "", "nothing to say");
        assert!(client.get(key_set_url).send().await.is_err(), "it is gone");
    }
}

#[test]
fn programs_are_told_in_json() {
    let site = Site::bare();
    let mut emulator = start(&site, &["--format", "json", "--management-key", "sesame"]);
    let line = emulator.stdout.find("{").expect("a line");
    let facts: Value = serde_json::from_str(&line).expect("JSON");
    let names: Vec<_> = facts.as_object().expect("an object").keys().map(String::as_str).collect();
    let mut expected = FACTS;
    expected.sort_unstable();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    assert_eq!((&facts["code"], &facts["management_key"]), (&"123456".into(), &"sesame".into()));
    emulator.signal("TERM");
    emulator.end().expect(0);
}

/// The hook and what goes with it, as `--dev` allows them.
const HOOK: [&str; 4] =
    ["--hook-url", "http://127.0.0.1:1/hooks/stepup", "--jwks-url", "http://127.0.0.1:1/jwks.json"];

/// Each row is a configuration that is none, and a piece of what is said of it.
const WRONG: [(&[&str], &str); 24] = [
    (&["--port", "65536"], "--port"),
    (&["--prot", "0"], "--prot"),
    (&["--salt", "long"], "--salt"),
    (&["--unwalkable", "maybe"], "--unwalkable"),
    (&["--token-life-max", "0"], "--token-life-max"),
    (&["--access-token-life", "86401"], "--access-token-life"),
    (&["--device-ip", "here"], "--device-ip"),
    (&["--step", "kyc_review"], "--hook-url"),
    (&["--hook-url", "https://doorstep.example/hooks/stepup"], "--jwks-url"),
    (&["--jwks-url", "https://doorstep.example/jwks.json"], "--hook-url"),
    (&HOOK, "jwks_url is not an https address"),
    (&["--scope", "a b"], "scope is not"),
    (&["--scope", "prld:transfer"], "Prelude's own"),
    (&["--scope", "a", "--scope", "a"], "the scope exists"),
    (&["--user", "usr_1"], "a user is ID=IDENTIFIER"),
    (&["--user", "usr_1=0612345678"], "not a phone number"),
    (&["--user", "usr_1=+33612345678", "--user", "usr_2=+33612345678"], "already"),
    (&["--code", ""], "the code is not"),
    (&["--management-key", "two words"], "the management key is not"),
    (&["--app-id", "a/b"], "the application's id is not"),
    (&["--origin", "https://app.example.com/"], "an origin is not"),
    (&["--name", "not a name"], "neither a DNS name nor an address"),
    (&["--trust", "missing.pem"], "cannot read missing.pem (--trust)"),
    (&["--trust", "empty.pem"], "no certificate in PEM"),
];

#[test]
fn a_wrong_configuration_is_told_and_nothing_is_started() {
    let site = Site::bare();
    site.write("empty.pem", "nothing\n");
    let run = |arguments: &[&str]| -> Ended {
        // A free one, so that what is taken by mistake is no port that is taken already.
        let port: &[&str] = if arguments.contains(&"--port") { &[] } else { &["--port", "0"] };
        site.run(&[&["emulator", "--ca-out", "ca.pem"], port, arguments].concat())
    };
    for (arguments, says) in WRONG {
        let ended = run(arguments).expect(2).saying(&[says]);
        assert_eq!(ended.stdout, "", "{arguments:?}");
        assert!(!site.path("ca.pem").exists(), "{arguments:?}");
    }
    // What is wrong with a step is judged as the management API judges it.
    let wrong_step = [&["--dev", "--step", "verify_sms"], &HOOK[..]].concat();
    run(&wrong_step).expect(2).saying(&["a word of Prelude's own"]);
}

#[test]
fn what_the_machine_does_not_do_is_a_failure() {
    let site = Site::bare();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let run = |arguments: &[&str]| -> Ended { site.run(&[&["emulator"], arguments].concat()) };
    run(&["--port", &port]).expect(1).saying(&["no loopback port could be bound", "in use"]);
    run(&["--port", "0", "--ca-out", "nowhere/ca.pem"])
        .expect(1)
        .saying(&["cannot write nowhere/ca.pem (--ca-out)"]);
}
