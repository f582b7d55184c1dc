//! Settings that cannot be: refused at start, all at once, each with its place, and nothing is started.

use crate::site::{SHIPPED_POLICIES, Site};

const FAULTY: &str = r#"[server]
bnid = "127.0.0.1:0"
workers = "two"

[tokens]
ttl = "5 minutes"

[keys]
encryption_key = "canary-that-must-not-print"
"#;

#[test]
fn every_fault_of_every_layer_is_told_at_once_with_its_place() {
    let site = Site::bare().set("store.queue_max", "many").set("log.level", "canary-of-a-variable");
    site.write("doorstep.toml", FAULTY);
    let store = "postgres://canary-of-a-flag";
    let ended = site.run(&["serve", "--config", "doorstep.toml", "--store", store]).expect(2).saying(&[
        "error[unknown_key]: server.bnid ",
        "--> doorstep.toml:2:1\n  help: did you mean server.bind",
        "error[wrong_type]: server.workers ",
        "--> doorstep.toml:3:11\n",
        "error[wrong_type]: tokens.ttl ",
        "--> doorstep.toml:6:7\n",
        "error[secret_exposed]: keys.encryption_key ",
        "--> doorstep.toml:9:1\n",
        "error[wrong_type]: store.queue_max ",
        "--> environment variable DOORSTEP__STORE__QUEUE_MAX\n",
        "error[impossible_value]: log.level ",
        "--> environment variable DOORSTEP__LOG__LEVEL\n",
        "]: store.url ",
        "--> flag --store\n",
        "error[missing]: prelude.app_id ",
    ]);
    assert_eq!(ended.stderr.matches("error[").count(), 8, "{}", ended.stderr);
    assert!(!ended.stderr.contains("canary"), "a value was quoted:\n{}", ended.stderr);
    assert_eq!(ended.stdout, "");
    assert_eq!(site.files(), ["doorstep.toml"], "nothing was started");
}

#[test]
fn a_misspelt_variable_is_refused_with_the_right_name() {
    let site = Site::bare().set("prelude.app_id", "test").set("server.bnid", "127.0.0.1:0");
    site.run(&["serve"]).expect(2).saying(&[
        "DOORSTEP__SERVER__BNID",
        "did you mean",
        "DOORSTEP__SERVER__BIND",
    ]);
}

#[test]
fn every_command_that_needs_settings_refuses_wrong_ones() {
    let site = Site::bare();
    for arguments in [
        &["serve"][..],
        &["doctor"],
        &["doctor", "--live"],
        &["policy", "check"],
        &["api-key", "list"],
        &["api-key", "revoke", "0123456789abcdef"],
        &["api-key", "create", "--name", "backend", "--role", "reader"],
    ] {
        let ended = site.run(arguments).expect(2).saying(&["error[missing]: prelude.app_id ", "help: "]);
        assert_eq!(ended.stdout, "", "{arguments:?}");
    }
    assert_eq!(site.files(), [""; 0], "nothing was started");
}

#[test]
fn a_settings_file_that_is_not_there_is_a_fault_of_its_own() {
    let ended = Site::bare().run(&["serve", "--config", "nowhere.toml"]).expect(2);
    let ended = ended.saying(&["error[file_unreadable]", "nowhere.toml"]);
    assert!(
        !ended.stderr.contains("error[missing]"),
        "nobody knows what it would have set: {}",
        ended.stderr
    );
}

#[test]
fn plain_http_key_sets_are_for_this_machine_in_development_mode() {
    let site = |host: &str| {
        Site::bare()
            .set("prelude.app_id", "test")
            .set("policies.dir", SHIPPED_POLICIES)
            .set("keys.encryption_key", &"7".repeat(64))
            .set("prelude.key_set_url", &format!("http://{host}/jwks.json"))
            .set("prelude.step_up_key_set_url", &format!("http://{host}/step-up-jwks.json"))
    };
    let refused = [
        "error[development_only]: prelude.key_set_url ",
        "error[development_only]: prelude.step_up_key_set_url ",
        "DOORSTEP__PRELUDE__STEP_UP_KEY_SET_URL",
    ];
    site("127.0.0.1:9").run(&["serve"]).expect(2).saying(&refused);
    let elsewhere = site("192.0.2.1").run(&["serve", "--dev"]).expect(2);
    assert_eq!(elsewhere.stderr.matches("error[").count(), 2, "{}", elsewhere.stderr);
}

#[test]
fn a_stronger_layer_wins() {
    let site = Site::bare().set("prelude.app_id", "test").set("policies.dir", "from-the-environment");
    site.write("doorstep.toml", "[policies]\ndir = \"from-the-file\"\n");
    let check = |arguments: &[&str], wins: &str| {
        let ended = site.run(&[&["policy", "check", "--config", "doorstep.toml"], arguments].concat());
        ended.expect(3).saying(&[wins]);
    };
    check(&[], "from-the-environment");
    check(&["--policies", "from-the-flag"], "from-the-flag");
}
