//! API keys: shown once, listed without secret, limited, withdrawn from a server that runs.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorstep::testing::Prelude;
use serde_json::{Value, json};

use crate::client::{Client, until};
use crate::site::Site;

/// An installation that is configured and was never started.
fn office() -> Site {
    Site::bare().set("prelude.app_id", "test")
}

/// Splits `dsk_<id>_<secret>`.
fn parts(key: &str) -> (&str, &str) {
    let (id, secret) = key.strip_prefix("dsk_").and_then(|rest| rest.split_once('_')).expect("a key");
    assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{key}");
    assert_eq!(URL_SAFE_NO_PAD.decode(secret).expect("base64url").len(), 32, "256 random bits");
    (id, secret)
}

#[test]
fn a_new_key_is_alone_on_stdout() {
    let site = office();
    let ended = site.run(&["api-key", "create", "--name", "back office", "--role", "reader"]).expect(0);
    let key = ended.stdout.strip_suffix('\n').expect("a line");
    let (id, secret) = parts(key);
    for talk in [id, "back office", "reader", "shown this once"] {
        assert!(ended.stderr.contains(talk), "{talk}: {}", ended.stderr);
    }
    assert!(!ended.stderr.contains(secret), "{}", ended.stderr);
    assert!(ended.stderr.contains("There is no store at doorstep.sqlite yet"), "{}", ended.stderr);
    let second = site.run(&["api-key", "create", "--name", "back office", "--role", "reader"]).expect(0);
    assert_ne!(second.stdout, ended.stdout);
    assert!(!second.stderr.contains("There is no store"), "{}", second.stderr);
}

#[test]
fn keys_are_listed_with_their_limits_and_without_their_secrets() {
    let site = office();
    let mut arguments = vec!["api-key", "create", "--name", "kyc", "--approves-as", "backend", "--days", "7"];
    for role in ["opener", "approver", "minter", "opener"] {
        arguments.extend(["--role", role]);
    }
    arguments.extend(["--scope", "transfer:write", "--scope", "prld:pwd:write", "--step", "kyc_review"]);
    let key = site.run(&arguments).expect(0).stdout;
    let (id, secret) = parts(key.trim_end());
    let human = site.run(&["api-key", "list"]).expect(0);
    let json = site.run(&["api-key", "list", "--format", "json"]).expect(0);
    for ended in [&human, &json] {
        assert!(!ended.stdout.contains(secret) && ended.stderr.is_empty(), "{ended:?}");
    }
    for part in
        [id, "live", "kyc", "approver as backend", "only transfer:write", "only kyc_review", "until 20"]
    {
        assert!(human.stdout.contains(part), "{part}: {}", human.stdout);
    }
    let listed: Value = serde_json::from_str(&json.stdout).expect("JSON");
    let mut expected = json!([{
        "id": id, "name": "kyc", "roles": ["opener", "approver", "minter"], "approves_as": "backend",
        "scopes": ["transfer:write", "prld:pwd:write"], "steps": ["kyc_review"], "revoked_at": null,
    }]);
    for time in ["created_at", "expires_at"] {
        expected[0][time] = listed[0][time].clone();
        assert!(listed[0][time].as_str().is_some_and(|text| text.ends_with('Z')), "{time}: {}", json.stdout);
    }
    assert_eq!(listed, expected);
}

#[test]
fn a_wish_that_cannot_be_is_refused_in_words_and_makes_nothing() {
    let site = office();
    let check = |arguments: &str, says: &str| {
        let words = arguments.split(' ').map(|word| word.replace('_', " "));
        let words: Vec<_> = ["api-key".to_owned(), "create".to_owned()].into_iter().chain(words).collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let ended = site.run(&words).expect(2).saying(&[says]);
        assert_eq!(ended.stdout, "", "{arguments}");
    };
    check("--role reader", "--name <NAME>");
    check("--name x", "--role <ROLE>");
    check(
        "--name x --role owner",
        "opener, approver, minter, voucher, executor, facts, reader, evaluator, desk, admin",
    );
    check("--name x --role approver", "--approves-as");
    check("--name x --role approver --approves-as kyc", "backend, person");
    check("--name x --role reader --approves-as backend", "--role approver");
    check("--name x --role reader --scope transfer/write", "A --scope ");
    check("--name x --role reader --step kyc/review", "A --step ");
    check("--name x --role reader --days 0", "1..=3650");
    check("--name x --role reader --days 3651", "1..=3650");
    check("--name _ --role reader", "A --name ");
    check("--name a\nb --role reader", "A --name ");
    check("--name a\u{1b}[2Jb --role reader", "A --name ");
    check(&format!("--name {} --role reader", "x".repeat(101)), "A --name ");
    assert_eq!(site.files(), [""; 0]);
}

#[test]
fn who_looks_into_a_store_that_is_not_there_makes_none() {
    let site = office();
    let check = |arguments: &[&str]| {
        let ended = site.run(arguments).expect(1).saying(&["There is no store at doorstep.sqlite"]);
        assert_eq!(ended.stdout, "");
    };
    check(&["api-key", "list"]);
    check(&["api-key", "revoke", "0123456789abcdef"]);
    assert_eq!(site.files(), [""; 0]);
}

#[test]
fn a_key_is_withdrawn_once_and_an_unknown_one_not_at_all() {
    let site = office();
    let key = site.backend_key();
    let (id, _) = parts(&key);
    let check = |id: &str, code: i32, says: &str| {
        let ended = site.run(&["api-key", "revoke", id]).expect(code).saying(&[says]);
        assert_eq!(ended.stdout, "");
    };
    check("0000000000000000", 1, "There is no such key");
    check("not an id", 2, "That is no id");
    assert!(site.run(&["api-key", "list"]).expect(0).stdout.contains("  live "));
    check(id, 0, "Withdrawn");
    check(id, 0, "withdrawn before");
    assert!(site.run(&["api-key", "list"]).expect(0).stdout.contains("  revoked "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_takes_a_new_key_at_once_and_refuses_a_withdrawn_one_within_five_seconds() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude);
    let server = site.serve();
    let client = Client::of(&server.address).await;
    let (key, other) = (site.backend_key(), site.backend_key());
    let status = async |key: &str| client.mint(key, &json!([])).await.expect("an answer").0;
    assert_eq!((status(&key).await, status(&other).await), (400, 400), "known, and the body is no request");
    assert_eq!(status(&format!("{}x", &key[..key.len() - 1])).await, 401);
    site.run(&["api-key", "revoke", parts(&key).0]).expect(0);
    let withdrawn = Instant::now();
    until("withdrawn", async || (status(&key).await == 401).then_some(())).await;
    assert!(withdrawn.elapsed() < Duration::from_secs(5), "took {:?}", withdrawn.elapsed());
    assert_eq!(status(&other).await, 400, "the other key stays");
    secrets_are_nowhere(&site, &[&key, &other]);
    server.stop();
    secrets_are_nowhere(&site, &[&key, &other]);
}

/// Looks for the secrets in every byte of the store's files, in the forms that they might be kept in.
fn secrets_are_nowhere(site: &Site, keys: &[&str]) {
    let files = site.files();
    assert!(files.contains(&"doorstep.sqlite".to_owned()), "{files:?}");
    for file in files {
        let bytes = std::fs::read(site.path(&file)).expect("a file");
        for key in keys {
            let (id, secret) = parts(key);
            let raw = URL_SAFE_NO_PAD.decode(secret).expect("base64url");
            let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
            for form in [secret.as_bytes(), &raw, hex.as_bytes()] {
                assert!(!bytes.windows(form.len()).any(|part| part == form), "{id}'s secret is in {file}");
            }
        }
    }
}

#[test]
fn a_key_that_cannot_be_shown_is_withdrawn() {
    let site = office();
    let ended = site.run_in_shell("exec \"$0\" api-key create --name x --role reader > /dev/full").expect(1);
    ended.saying(&["could not be printed", "withdrawn"]);
    let listed = site.run(&["api-key", "list"]).expect(0).stdout;
    assert!(listed.contains("  revoked "), "{listed}");
}

#[test]
fn data_that_cannot_be_printed_is_a_failure_and_a_reader_that_went_away_is_none() {
    let site = office();
    site.backend_key();
    let check = |line: &str, code: i32| drop(site.run_in_shell(line).expect(code));
    check("exec \"$0\" api-key list --format json > /dev/full", 1);
    check("{ \"$0\" api-key list; echo $? > code; } | true", 0);
    assert_eq!(std::fs::read_to_string(site.path("code")).expect("written"), "0\n");
}
