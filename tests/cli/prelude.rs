//! `doorstep prelude` against the emulator's management API: planned, applied, and nothing left to do.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::client::Client;
use crate::process::Process;
use crate::site::{SHIPPED_POLICIES, Site};

const KEY: &str = "CANARY-management-key";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// The server's certificate for this machine, and who vouches for it.
const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/server.pem");
const CERTIFICATE_KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/server-key.pem");
const AUTHORITY: &str = include_str!("../tls/ca.pem");

/// Prelude's side as a process, and an installation that is configured for it.
struct Stage {
    emulator: Process,
    site: Site,
    url: String,
    ca: PathBuf,
}

impl Stage {
    fn set() -> Self {
        let site = Site::bare();
        let ca = site.path("ca.pem");
        let ca_text = ca.display().to_string();
        let mut emulator = site.start(&[
            "emulator",
            "--dev",
            "--port",
            "0",
            "--app-id",
            "test",
            "--management-key",
            KEY,
            "--ca-out",
            &ca_text,
            "--format",
            "json",
        ]);
        let line = emulator.stdout.find("management_key").expect("its addresses");
        let facts: Value = serde_json::from_str(&line).expect("JSON");
        let text = |name: &str| facts[name].as_str().expect("a text").to_owned();
        let site = site
            .set("mode", "development")
            .set("server.bind", "127.0.0.1:0")
            .set("server.workers", "1")
            .set("prelude.app_id", "test")
            .set("prelude.key_set_url", &text("key_set_url"))
            .set("prelude.step_up_key_set_url", &text("step_up_key_set_url"))
            .set("prelude.ca_file", &ca_text)
            .set("prelude.management_url", &text("url"))
            .set("prelude.management_key", KEY)
            .set("prelude.public_url", "https://doorstep.example")
            .set("prelude.events", "on")
            .set("prelude.verification_token", TOKEN)
            .set("policies.dir", SHIPPED_POLICIES);
        Self { emulator, site, url: text("url"), ca }
    }

    fn run(&self, arguments: &str, code: i32) -> crate::process::Ended {
        let arguments: Vec<_> = ["prelude"].into_iter().chain(arguments.split_whitespace()).collect();
        let ended = self.site.run(&arguments).expect(code);
        assert!(!format!("{}{}", ended.stdout, ended.stderr).contains("CANARY"), "{arguments:?}");
        ended
    }

    fn shown(&self) -> Value {
        serde_json::from_str(&self.run("show --format json", 0).stdout).expect("JSON")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.emulator.signal("TERM");
    }
}

#[test]
fn what_is_planned_is_applied_once() {
    let stage = Stage::set();
    let planned = stage.run("plan", 5).stdout;
    for line in [
        "+ scopes transfer:write",
        "+ jwks_url https://doorstep.example/.well-known/jwks.json",
        "+ step_keys kyc_review: ",
        "+ allowed_scopes transfer:write: delegated to https://doorstep.example/hooks/stepup",
    ] {
        assert!(planned.contains(line), "{line} in {planned}");
    }
    let told: Value = serde_json::from_str(&stage.run("plan --format json", 5).stdout).expect("JSON");
    assert_eq!(told["changes"].as_array().map(Vec::len), Some(planned.lines().count()));
    stage.run("apply", 2).saying(&["nobody is here to ask"]);
    let dry = stage.run("apply --dry-run", 0).stdout;
    assert!(
        dry.lines().all(|line| line.starts_with("curl --fail-with-body --request POST 'https://localhost:")),
        "{dry}"
    );
    assert!(dry.contains("$DOORSTEP__PRELUDE__MANAGEMENT_KEY"), "{dry}");
    stage.run("plan", 5);
    stage.run("apply --yes", 0).saying(&["Done: Prelude's side agrees with ours."]);
    assert_eq!(stage.run("plan", 0).stdout, "");
    let again = stage.run("apply --yes --format json", 0);
    assert_eq!(again.stdout.trim_end(), r#"{"applied":false,"changes":[],"notes":[]}"#);
    let held = stage.shown();
    assert_eq!(held["stepup"]["jwks_url"], "https://doorstep.example/.well-known/jwks.json");
    let scopes = held["scopes"].as_array().expect("scopes").len();
    assert_eq!(held["stepup"]["allowed_scopes"].as_array().map(Vec::len), Some(scopes));
}

/// `script` (util-linux) plays the terminal: what is piped into it is typed there, and what it prints is on the screen.
#[test]
fn at_a_terminal_somebody_is_asked_and_only_yes_is_a_yes() {
    let stage = Stage::set();
    let typed = |answer: &str| {
        let apply = r#"script --quiet --return --command "$0 prelude apply" /dev/null"#;
        stage.site.run_in_shell(&format!("printf '{answer}' | {apply}"))
    };
    for answer in ["no\n", "y\n", "YES\n", "yes please\n", "\n", ""] {
        let screen = typed(answer).expect(1).stdout;
        assert!(screen.contains("+ scopes transfer:write"), "shown before it is asked: {screen}");
        assert!(screen.contains("Send this to Prelude? Type yes to go on."), "{screen}");
        assert!(screen.contains("Not done.") && !screen.contains("Done:"), "{screen}");
        assert!(!screen.contains("CANARY"), "{screen}");
    }
    assert_eq!(stage.shown()["scopes"], json!([]), "nothing was sent");
    let screen = typed("yes\n").expect(0).stdout;
    assert!(screen.contains("Done: Prelude's side agrees with ours."), "{screen}");
    stage.run("plan", 0);
    let screen = typed("").expect(0).stdout;
    assert!(screen.contains("there is nothing to do") && !screen.contains("Type yes"), "{screen}");
}

#[test]
fn the_older_shape_and_a_bundle_that_shrinks() {
    let stage = Stage::set();
    stage.run("apply --yes --shape one-hook", 0);
    assert_eq!(stage.shown()["stepup"]["signal_hook_url"], "https://doorstep.example/hooks/stepup");
    stage.run("plan --shape one-hook", 0);
    let back = stage.run("apply --yes", 0).stdout;
    assert!(back.contains("- signal_hook_url https://doorstep.example/hooks/stepup"), "{back}");
    stage.site.write(
        "small/one.yaml",
        "scopes: [one:write]\nrules:\n  - id: all\n    when: always\n    then: block\notherwise: block\n",
    );
    let small = stage.site.path("small").display().to_string();
    let planned = stage.run(&format!("plan --policies {small}"), 5);
    assert!(planned.stdout.contains("- allowed_scopes transfer:write: the bundle does not cover it"));
    assert!(!planned.stdout.contains("- step_keys"), "{}", planned.stdout);
    planned.saying(&["step_keys: kyc_review is not in the bundle and stays (--prune-steps)"]);
    let pruned = stage.run(&format!("apply --yes --prune-steps --policies {small}"), 0).stdout;
    assert!(pruned.contains("- step_keys kyc_review"), "{pruned}");
    assert_eq!(stage.shown()["stepup"]["step_keys"], json!([]));
}

#[test]
fn what_cannot_be_done_is_said_so() {
    let stage = Stage::set();
    let wrong_key = stage.site.run_in_shell("DOORSTEP__PRELUDE__MANAGEMENT_KEY=another-key $0 prelude plan");
    wrong_key.expect(1).saying(&["Prelude's management API answered 401: unauthorized"]);
    let nowhere = stage.site.run_in_shell("unset DOORSTEP__PRELUDE__PUBLIC_URL; $0 prelude plan");
    nowhere.expect(2).saying(&["prelude.public_url is not set"]);
    stage
        .run("plan --server http://127.0.0.1:9", 1)
        .saying(&["the running server cannot be asked for its bundle"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_must_have_the_same_bundle_and_its_webhook_is_activated() {
    let mut stage = Stage::set();
    let server = stage.site.serve();
    let base = format!("http://{}", server.address);
    stage.run(&format!("plan --server {base}"), 5);
    stage.site.write("other/one.yaml", "scopes: [one:write]\nrules: []\notherwise: block\n");
    let other = stage.site.path("other").display().to_string();
    let refused = stage.run(&format!("apply --yes --server {base} --policies {other}"), 1);
    refused.saying(&["the running server has the bundle "]);
    // Unasked too: where a server of these settings runs on this machine.
    let address = server.address.clone();
    stage.site = std::mem::replace(&mut stage.site, Site::bare()).set("server.bind", &address);
    for command in ["plan", "apply --yes", "apply --yes --dry-run"] {
        let refused = stage.run(&format!("{command} --policies {other}"), 1);
        refused.saying(&["the running server has the bundle "]);
    }
    stage.run("plan", 5);

    stage.site = std::mem::replace(&mut stage.site, Site::bare()).set("prelude.public_url", &base);
    assert!(stage.run("webhooks plan", 5).stdout.contains("+ webhooks http://127.0.0.1:"));
    let dry = stage.run("webhooks apply --dry-run", 0).stdout;
    assert!(!dry.contains(TOKEN) && dry.contains("/webhooks/ID/activate'"), "{dry}");
    stage.run("webhooks apply --yes", 0);
    stage.run("webhooks plan", 0);
    assert_eq!(stage.shown()["webhooks"][0]["active"], true);

    let client = Client::of(&server.address).await;
    let ca =
        reqwest::Certificate::from_pem(&std::fs::read(&stage.ca).expect("a file")).expect("a certificate");
    let prelude = reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build().expect("a client");
    let event =
        json!({ "type": "step_up.hook_failed", "payload": { "user_id": "usr_1", "reason": "invalid_step" } });
    let telling = prelude.post(format!("{}/_emulator/events", stage.url)).json(&json!({ "events": [event] }));
    let told: Value = telling.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(told["told"][0]["status"], 200, "{told}");
    let (status, ready) = client.get("/readyz").await.expect("an answer");
    assert!(status == 200 && ready.contains("\"hook_failed\""), "{ready}");
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_looks_at_preludes_side_too() {
    let stage = Stage::set();
    let found = |code: i32| {
        let ended = stage.site.run(&["doctor", "--prelude", "--format", "json"]).expect(code);
        let findings: Vec<Value> = serde_json::from_str(&ended.stdout).expect("a list");
        let of = |subject: &str| {
            let found = findings.iter().find(|finding| finding["subject"] == subject).expect("a finding");
            (found["health"].as_str().expect("a text").to_owned(), found["words"].to_string())
        };
        (of("Prelude's side"), of("hook address"), of("our key set"))
    };
    let (side, hook, keys) = found(1);
    assert_eq!((side.0.as_str(), hook.0.as_str(), keys.0.as_str()), ("broken", "broken", "broken"));
    assert!(side.1.contains("+ allowed_scopes transfer:write"), "{}", side.1);
    stage.run("apply --yes", 0);
    let (side, ..) = found(1);
    assert_eq!(side.0, "fine", "{}", side.1);
}

/// Doorstep over https, as Prelude would find it.
#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_all_well_over_https() {
    let mut stage = Stage::set();
    let emulators = std::fs::read_to_string(&stage.ca).expect("a file");
    stage.site.write("both.pem", &format!("{emulators}{AUTHORITY}"));
    let both = stage.site.path("both.pem").display().to_string();
    stage.site = std::mem::replace(&mut stage.site, Site::bare())
        .set("prelude.ca_file", &both)
        .set("server.tls_certificate_file", CERTIFICATE)
        .set("server.tls_key_file", CERTIFICATE_KEY);
    let server = stage.site.serve();
    let port = server.address.rsplit(':').next().expect("a port");
    stage.site = std::mem::replace(&mut stage.site, Site::bare())
        .set("prelude.public_url", &format!("https://localhost:{port}"));
    stage.run("apply --yes", 0);
    let ended = stage.site.run(&["doctor", "--prelude", "--format", "json"]).expect(0);
    let findings: Vec<Value> = serde_json::from_str(&ended.stdout).expect("a list");
    for (subject, words) in [
        ("Prelude's side", "scopes are covered"),
        ("hook address", "/hooks/stepup: takes calls"),
        ("our key set", "/.well-known/jwks.json: serves 1 keys"),
    ] {
        let finding = findings.iter().find(|finding| finding["subject"] == subject).expect("a finding");
        let said = finding["words"].as_str().expect("a text");
        assert!(finding["health"] == "fine" && said.contains(words), "{finding}");
    }
    // Somebody who does not trust the server's authority, and an address where something else answers.
    stage.site = std::mem::replace(&mut stage.site, Site::bare())
        .set("prelude.ca_file", &stage.ca.display().to_string());
    let untrusted = stage.site.run(&["doctor", "--prelude"]).expect(1).stdout;
    assert!(untrusted.contains("check DNS, TLS and what stands in front"), "{untrusted}");
    stage.site = std::mem::replace(&mut stage.site, Site::bare()).set("prelude.public_url", &stage.url);
    let elsewhere = stage.site.run(&["doctor", "--prelude"]).expect(1).stdout;
    assert!(elsewhere.contains("no Doorstep answers there (status 404)"), "{elsewhere}");
    server.stop();
}
