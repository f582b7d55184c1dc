//! `doorstep doctor`: a line for each thing that a start needs, and what to do about it.

use doorstep::testing::Prelude;
use serde_json::Value;

use crate::site::Site;

/// What the doctor finds, as `health subject` in order, and all its words.
fn findings(site: &Site, code: i32) -> (Vec<String>, String) {
    let ended = site.run(&["doctor", "--format", "json"]).expect(code);
    assert_eq!(ended.stderr, "");
    let findings: Vec<Value> = serde_json::from_str(&ended.stdout).expect("a list");
    let text = |finding: &Value, member: &str| finding[member].as_str().expect("a text").to_owned();
    let lines = findings.iter().map(|finding| {
        assert_eq!(finding.as_object().map(serde_json::Map::len), Some(3), "{finding}");
        format!("{} {}", text(finding, "health"), text(finding, "subject"))
    });
    let words: Vec<_> = findings.iter().map(|finding| text(finding, "words")).collect();
    (lines.collect(), words.join("\n"))
}

const ALL_FINE: [&str; 9] = [
    "fine configuration",
    "fine policies",
    "fine providers",
    "fine proxies",
    "fine store and keys",
    "fine fraud desk",
    "fine hook key set",
    "fine step-up key set",
    "fine clock",
];

/// What is found where all is well but this.
fn all_fine_but(changed: &[&str]) -> Vec<String> {
    let subject = |line: &str| line.split_once(' ').expect("health and subject").1.to_owned();
    let now = |fine: &str| {
        changed.iter().find(|other| subject(other) == subject(fine)).map_or(fine, |it| it).to_owned()
    };
    ALL_FINE.map(now).to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_well_beside_a_running_server() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude);
    let server = site.serve();
    assert_eq!(findings(&site, 0).0, ALL_FINE);
    let human = site.run(&["doctor"]).expect(0);
    assert_eq!(human.stderr, "");
    let lines: Vec<_> = human.stdout.lines().map(|line| line.split_at(28).0.trim_end()).collect();
    let expected = ALL_FINE.map(|line| line.replacen("fine ", "fine      ", 1));
    assert_eq!(lines, expected, "{}", human.stdout);
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_well_is_told_with_what_to_do() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude);
    let check = |site: &Site, code: i32, changed: &[&str], says: &[&str]| {
        let (found, words) = findings(site, code);
        assert_eq!(found, all_fine_but(changed), "{words}");
        for part in says {
            assert!(words.contains(part), "{part} is not in:\n{words}");
        }
    };
    let absent = "doubtful store and keys";
    check(&site, 0, &[absent], &["doorstep.sqlite is not there yet: `doorstep serve` makes it"]);
    assert_eq!(site.files(), [""; 0], "looking changes nothing");

    site.write("rules/broken.yaml", "scopes: [");
    let bad_rules = Site::with(&prelude).set("policies.dir", &site.path("rules").display().to_string());
    check(
        &bad_rules,
        1,
        &["broken policies", "doubtful providers", absent, "doubtful fraud desk"],
        &["`doorstep policy check`", "policies.dir"],
    );

    let stranger = ["scheme=veriff", "secret=0123456789abcdef", "steps=kyc_review"]
        .iter()
        .filter_map(|option| option.split_once('='))
        .fold(Site::with(&prelude), |site, (key, value)| {
            site.set(&format!("callbacks.stranger.{key}"), value)
        });
    let words = "callbacks.stranger.steps: the policy does not let provider:stranger approve kyc_review";
    check(&stranger, 0, &["doubtful providers", absent], &[words]);

    let nobody = Site::with(&prelude).set("prelude.step_up_key_set_url", "http://127.0.0.1:9/keys.json");
    check(
        &nobody,
        1,
        &["broken step-up key set", absent],
        &["http://127.0.0.1:9/keys.json", "check prelude.app_id"],
    );

    site.serve().stop();
    check(&site, 0, &[], &[]);
    let wrong_key = "broken store and keys";
    let other_key = site.set("keys.encryption_key", &"7".repeat(64));
    check(&other_key, 1, &[wrong_key], &["give the encryption key that the store was made with"]);

    other_key.write("doorstep.sqlite", "this is no database, and it is long enough to be seen to be none");
    check(&other_key, 1, &[wrong_key, "doubtful fraud desk"], &["does not open", "store.url"]);

    prelude.stop().await;
    let gone = ["broken hook key set", "broken step-up key set", "doubtful clock", absent];
    check(&nobody, 1, &gone, &["could not be compared"]);
}

#[test]
fn settings_that_are_none_are_a_finding_too() {
    let ended = Site::bare().run(&["doctor"]).expect(2);
    let ended = ended.saying(&["broken    configuration     refused", "error[missing]: prelude.app_id "]);
    assert_eq!(ended.stdout, "");
    let ended = Site::bare().run(&["doctor", "--format", "json"]).expect(2);
    assert_eq!(ended.stderr, "");
    let findings: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(
        (&findings[0]["health"], &findings[0]["subject"]),
        (&"broken".into(), &"configuration".into())
    );
    assert_eq!(findings[0]["faults"][0]["code"], "missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn live_asks_the_server_at_its_address_and_nothing_else() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude);
    let server = site.serve();
    let port = server.address.rsplit(':').next().expect("a port").to_owned();
    let ask = |ip: &str| {
        // Without policies, store or key sets: none of them is looked at.
        let asking = Site::bare().set("prelude.app_id", "test").set("server.bind", &format!("{ip}:{port}"));
        asking.run(&["doctor", "--live"])
    };
    for ip in ["127.0.0.1", "0.0.0.0"] {
        let ended = ask(ip).expect(0);
        assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
    }
    server.stop();
    ask("127.0.0.1").expect(1).saying(&[&format!("The server at 127.0.0.1:{port} does not answer")]);
}
