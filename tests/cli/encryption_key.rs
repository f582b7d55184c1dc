//! The encryption key: production never makes one, development says so, and a wrong one changes nothing.

use std::os::unix::fs::PermissionsExt as _;

use doorstep::testing::Prelude;
use serde_json::Value;

use crate::client::Client;
use crate::record::text;
use crate::site::{SHIPPED_POLICIES, Site};

/// A production installation, with a settings file as an operator writes it.
fn production(keys: &str) -> Site {
    let site = Site::bare();
    let file = format!(
        "[server]\nbind = \"127.0.0.1:0\"\n[prelude]\napp_id = \"test\"\nca_file = \"none.pem\"\n\
         [policies]\ndir = \"{SHIPPED_POLICIES}\"\n[keys]\n{keys}\n"
    );
    site.write("doorstep.toml", &file);
    site
}

#[test]
fn production_refuses_to_serve_without_one_and_says_what_to_do() {
    let site = production("");
    let ended = site.run(&["serve", "--config", "doorstep.toml"]).expect(1).saying(&[
        "production needs an encryption key",
        "DOORSTEP__KEYS__ENCRYPTION_KEY",
        "keys.encryption_key_file",
        "openssl rand -base64 32",
    ]);
    assert_eq!(ended.stdout, "");
    assert_eq!(site.files(), ["doorstep.toml"], "nothing was started");
    let doctor = site.run(&["doctor", "--config", "doorstep.toml"]).expect(1);
    assert!(
        doctor.stdout.contains("broken    store and keys    production needs an encryption key"),
        "{doctor:?}"
    );
}

#[test]
fn a_key_that_is_none_is_refused_without_being_shown() {
    let refused = |site: &Site, place: &str| {
        let ended = site.run(&["serve", "--config", "doorstep.toml"]).expect(2).saying(&[place, "openssl"]);
        assert!(!ended.stderr.contains("canary"), "{}", ended.stderr);
    };
    refused(&production("").set("keys.encryption_key", "canary"), "variable DOORSTEP__KEYS__ENCRYPTION_KEY");
    let site = production("encryption_key_file = \"secret\"");
    site.write("secret", "canary\n");
    refused(&site, "doorstep.toml:9:23");
}

#[tokio::test(flavor = "multi_thread")]
async fn development_makes_a_private_file_beside_the_database_and_says_so_loudly() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude).set("mode", "production");
    // `--dev` is the word for it: the variable says production.
    let mut process = site.start(&["serve", "--dev"]);
    let line: Value = serde_json::from_str(&process.until_it_says("encryption key")).expect("a JSON line");
    assert_eq!((&line["level"], &line["path"]), (&"WARN".into(), &"doorstep.sqlite.key".into()));
    assert!(line["message"].as_str().is_some_and(|words| words.contains("development only")), "{line}");
    process.until_it_says("Doorstep takes calls.");
    process.signal("TERM");
    let ended = process.end().expect(0);
    let key = std::fs::read_to_string(site.path("doorstep.sqlite.key")).expect("the key's file");
    assert!(!ended.stderr.contains(key.trim()), "the key is in the log");
    let mode = |name: &str| site.path(name).metadata().expect("a file").permissions().mode() & 0o777;
    assert_eq!((mode("doorstep.sqlite.key"), mode("doorstep.sqlite")), (0o600, 0o600));
    // The second start says so too, and makes no other key.
    let mut process = site.start(&["serve", "--dev"]);
    process.until_it_says("Using the development encryption key");
    process.until_it_says("Doorstep takes calls.");
    process.signal("INT");
    process.end().expect(0);
    assert_eq!(std::fs::read_to_string(site.path("doorstep.sqlite.key")).expect("a key"), key);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_refused_and_the_signing_key_stays_as_it_is() {
    const ROW: &str = "SELECT group_concat(kid || ':' || hex(sealed_private_key)) FROM signing_keys";
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude).set("keys.encryption_key", &"7".repeat(64));
    let key_set = async |site: &Site| {
        let server = site.serve();
        let set = Client::of(&server.address).await.get("/.well-known/jwks.json").await.expect("an answer");
        server.stop();
        set
    };
    let first = key_set(&site).await;
    let store = site.path("doorstep.sqlite");
    let row = text(&store, ROW).await;
    let site = site.set("keys.encryption_key", &"8".repeat(64));
    let ended = site.run(&["serve"]).expect(1).saying(&["the signing keys do not open", "encryption key"]);
    assert!(!ended.stderr.contains("88888888"), "{}", ended.stderr);
    assert_eq!(text(&store, ROW).await, row, "a wrong key changes nothing");
    let site = site.set("keys.encryption_key", &"7".repeat(64));
    assert_eq!(key_set(&site).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_key_file_is_not_made_anew_by_anybody() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude);
    site.serve().stop();
    assert_eq!(site.files(), ["doorstep.sqlite", "doorstep.sqlite.key"]);
    let moved = site.path("elsewhere");
    std::fs::rename(site.path("doorstep.sqlite.key"), &moved).expect("moved");
    let says = "doorstep.sqlite.key is not there, and the store holds signing keys that only it opens";
    site.run(&["serve"]).expect(1).saying(&[says]);
    assert!(site.run(&["doctor"]).expect(1).stdout.contains(says));
    assert_eq!(site.files(), ["doorstep.sqlite", "elsewhere"], "looking changes nothing");
    std::fs::rename(moved, site.path("doorstep.sqlite.key")).expect("moved back");
    site.serve().stop();
}

#[test]
fn a_store_without_keys_is_looked_at_without_making_one() {
    let site = Site::bare().set("prelude.app_id", "test").set("mode", "development");
    site.backend_key();
    let doctor = site.run(&["doctor"]).expect(1);
    assert!(doctor.stdout.contains("doubtful  store and keys    no signing key is there yet"), "{doctor:?}");
    assert_eq!(site.files(), ["doorstep.sqlite"]);
}
