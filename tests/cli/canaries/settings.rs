//! Servers that do not start, and commands that fail: what they say on standard error holds none of the values that were wrong.

use doorstep::testing::{Prelude, leaks};

use super::stage::{EMAIL, PHONE};
use crate::site::{SHIPPED_POLICIES, Site};

const REFERENCE: &str = include_str!("../../../docs/CONFIGURATION.md");
/// What stands where a setting should.
const VALUE: &str = "canary,of:a setting";
const PASSWORD: &str = "canary-of-a-password";

/// Every option there is, with something in it that no option takes, and a secret that stands where it may not.
#[test]
fn no_option_quotes_what_it_does_not_take() {
    leaks::plant("a setting", VALUE);
    leaks::plant("a setting", "canary,of:a");
    let keys = REFERENCE.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'));
    let keys: Vec<_> = keys.map(|key| key.replace("NAME", "sumsub")).collect();
    assert!(keys.len() > 80, "{}", keys.len());
    let site = keys.iter().fold(Site::bare(), |site, key| site.set(key, VALUE));
    let ended = site.run(&["serve"]).expect(2);
    assert!(ended.stderr.matches("error[").count() > 60, "{}", ended.stderr);

    let site = Site::bare();
    let mut file = String::new();
    for key in keys.iter().filter(|key| !key.starts_with("callbacks.") && key.contains('.')) {
        file += &format!("{key} = \"{VALUE}\"\n");
    }
    site.write("doorstep.toml", &file);
    let ended = site.run(&["serve", "--config", "doorstep.toml"]).expect(2);
    assert!(ended.stderr.matches("error[").count() > 60, "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_keeps_its_secrets() {
    for value in [PASSWORD, EMAIL, PHONE] {
        leaks::plant("a secret of a start", value);
    }
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = || Site::with(&prelude).set("log.level", "trace").set("keys.encryption_key", &"e6".repeat(32));
    // A store by a name and a password, where none answers.
    for url in [
        format!("postgres://canary:{PASSWORD}@127.0.0.1:1/doorstep"),
        format!("postgres://{PASSWORD}@127.0.0.1:1/doorstep?password={PASSWORD}"),
        format!("mysql://canary:{PASSWORD}@127.0.0.1:1/doorstep"),
        format!("postgres://canary:{PASSWORD}@[::1/doorstep"),
        format!("sqlite:///dev/null/{PASSWORD}?key={PASSWORD}"),
    ] {
        // The path of a file is no secret, and whoever must mend it has to see it.
        if !url.starts_with("sqlite") {
            let ended = site().set("store.url", &url).set("mode", "production").run(&["doctor"]);
            assert_ne!(ended.code, Some(0), "{}", ended.stderr);
            let ended = Site::bare().run(&["--store", &url, "decisions", "verify"]);
            assert_ne!(ended.code, Some(0), "{}", ended.stderr);
        }
    }
    // Another encryption key than the one that sealed the signing keys.
    let sealed = site();
    sealed.serve().stop();
    let ended = sealed.set("keys.encryption_key", &"f7".repeat(32)).run(&["serve"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    // Policy files with somebody's values at their faults.
    let site = site().set("policies.dir", "rules");
    let copied =
        std::process::Command::new("cp").arg("-r").arg(SHIPPED_POLICIES).arg(site.path("rules")).status();
    assert!(copied.expect("cp").success());
    site.write("rules/lists/blocked-networks.txt", &format!("198.51.100.0/24\n{EMAIL}\n{PHONE}\n"));
    site.run(&["serve"]).expect(3);
    site.write("rules/lists/blocked-networks.txt", "");
    // Somebody twice is a warning, which the log of a start tells.
    site.write("rules/lists/frozen-users.txt", &format!("{EMAIL}\n{EMAIL}\n"));
    site.serve().stop().saying(&["somebody should look", "list_repeats"]);
    // A file that is no record.
    site.write("doorstep.sqlite", &format!("{EMAIL} {PHONE}").repeat(400));
    let ended = site.run(&["serve"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_fails_keeps_its_secrets() {
    leaks::plant("a management key", "canary-of-a-wrong-management-key");
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude)
        .set("log.level", "trace")
        .set("prelude.management_key", "canary-of-a-wrong-management-key")
        .set("prelude.management_url", "http://127.0.0.1:1")
        .set("prelude.public_url", "https://doorstep.example");
    for arguments in [&["prelude", "plan"][..], &["prelude", "show"], &["doctor", "--prelude"]] {
        let ended = site.run(arguments);
        assert_ne!(ended.code, Some(0), "{arguments:?} {}", ended.stderr);
        leaks::expect_none("what a command prints", &ended.stdout);
    }
}
