//! The fraud desk at a shell: what it says decides the next call of a server that runs.

use doorstep::testing::Prelude;
use serde_json::{Value, json};

use crate::client::{Client, transfer};
use crate::process::Ended;
use crate::record::text;
use crate::site::{SHIPPED_POLICIES, Site};

const WHY: [&str; 2] = ["--reason", "case 4711"];

/// An installation with a store in which nothing was decided yet.
fn office() -> Site {
    let site = Site::bare().set("prelude.app_id", "test").set("policies.dir", SHIPPED_POLICIES);
    site.run(&["api-key", "create", "--name", "x", "--role", "desk"]).expect(0);
    site
}

fn run(site: &Site, arguments: &str) -> Ended {
    let arguments: Vec<_> = arguments.split(' ').chain(WHY).collect();
    site.run(&arguments)
}

fn shown(site: &Site, arguments: &[&str]) -> Value {
    let ended = site.run(&[arguments, &["--format", "json"]].concat()).expect(0);
    serde_json::from_str(&ended.stdout).expect("JSON")
}

async fn verdict(client: &Client, prelude: &Prelude, user: &str) -> Value {
    let (status, body) = client.send(&transfer(prelude, user, "20")).await.expect("an answer");
    assert_eq!(status, 200, "{body}");
    serde_json::from_str::<Value>(&body).expect("JSON")["status"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_at_a_shell_decides_the_next_call() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude).set("policies.dir", "rules");
    let policy = std::fs::read_to_string(format!("{SHIPPED_POLICIES}/always.yaml")).expect("shipped");
    site.write("rules/always.yaml", &policy);
    site.write("rules/lists/frozen-users.txt", "usr_0\n");
    site.write(
        "rules/transfer.yaml",
        "scopes: [transfer:write]\nmetadata: { amount: { type: decimal }, currency: { type: string } }\n\
         otherwise: { continue: { grant: { mode: single-use, for: 5m } } }\n",
    );
    let server = site.serve();
    let client = Client::of(&server.address).await;
    let ask = async |user: &str| verdict(&client, &prelude, user).await;
    assert_eq!([ask("usr_0").await, ask("usr_1").await], ["block", "continue"]);
    run(&site, "lists add frozen-users usr_1").expect(0).saying(&["Added. In force from the next call on."]);
    assert_eq!([ask("usr_0").await, ask("usr_1").await], ["block", "block"]);
    run(&site, "lists remove frozen-users usr_0").expect(0).saying(&["Removed."]);
    assert_eq!([ask("usr_0").await, ask("usr_1").await], ["continue", "block"]);
    run(&site, "scopes pause transfer:write").expect(0).saying(&["Paused."]);
    assert_eq!(ask("usr_0").await, "block");
    let last = "SELECT lower(hex(id)) FROM decisions ORDER BY seq DESC LIMIT 1";
    let id = text(&site.path("doorstep.sqlite"), last).await;
    let explained = site.run(&["decisions", "explain", &id]).expect(0).stdout;
    assert!(explained.contains("\nreason   scope_paused\npaused   by cli:"), "{explained}");
    assert!(explained.trim_end().ends_with(": case 4711"), "{explained}");
    run(&site, "scopes resume transfer:write").expect(0).saying(&["Resumed."]);
    assert_eq!(ask("usr_0").await, "continue");
    let log = server.stop().stderr;
    for value in ["usr_0", "usr_1"] {
        assert!(!log.contains(value), "{value} is in the log:\n{log}");
    }
}

#[test]
fn lists_and_scopes_are_shown_to_people_and_programs() {
    let site = office();
    let done = run(&site, "lists add frozen-users usr_1 --until 2099-12-31 --format json").expect(0);
    let action: Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!((&action["revision"], &action["until"]), (&json!(1), &json!("2100-01-01T00:00:00Z")));
    let actor = action["actor"].as_str().expect("an actor").to_owned();
    assert!(actor.starts_with("cli:") && actor.len() > 4, "{actor}");
    run(&site, "lists remove blocked-networks 198.51.100.0/24").expect(0);
    run(&site, "scopes pause transfer:write --until 2099-01-01T00:00:00+02:00").expect(0);

    let human = site.run(&["lists", "show"]).expect(0).stdout;
    let expected = "blocked-networks: addresses, 2 in the file, 1 at the desk\n\
                    frozen-users: texts, 1 in the file, 1 at the desk\n";
    assert_eq!(human, expected);
    let human = site.run(&["lists", "show", "frozen-users"]).expect(0).stdout;
    let (summary, entry) = human.split_once('\n').expect("two lines");
    assert_eq!(summary, "frozen-users: texts, 1 in the file, 1 at the desk");
    assert!(entry.starts_with("added    in_force  usr_1  until 2100-01-01T00:00:00Z  by cli:"), "{entry}");
    assert!(entry.ends_with(": case 4711\n"), "{entry}");
    let list = shown(&site, &["lists", "show", "blocked-networks"]);
    let entry = &list["entries"][0];
    assert_eq!((&list["kind"], &list["file_entries"]), (&json!("addresses"), &json!(2)));
    assert_eq!((&entry["value"], &entry["effect"]), (&json!("198.51.100.0/24"), &json!("removed")));
    assert_eq!((&entry["actor"], &entry["reason"]), (&json!(actor), &json!("case 4711")));
    assert_eq!(shown(&site, &["lists", "show"]).as_array().map(Vec::len), Some(2));

    let human = site.run(&["scopes", "show"]).expect(0).stdout;
    assert!(human.contains("open    profile.email:write\n"), "{human}");
    assert!(human.contains("paused  transfer:write  until 2098-12-31T22:00:00Z, by cli:"), "{human}");
    let scopes = shown(&site, &["scopes", "show"]);
    let paused: Vec<_> =
        scopes["scopes"].as_array().expect("scopes").iter().filter(|own| !own["paused"].is_null()).collect();
    assert_eq!((paused.len(), &paused[0]["paused"]["reason"]), (1, &json!("case 4711")));
}

#[test]
fn what_cannot_be_done_ends_with_a_code_and_changes_nothing() {
    let site = office();
    let failing = [
        ("lists add nowhere usr_1", 1, "no such list. `doorstep lists show` names its lists."),
        ("lists add blocked-networks usr_1", 1, "the list holds addresses"),
        ("lists remove frozen-users usr_1", 1, "the list has no such entry now"),
        ("lists remove frozen-users usr_exampl_on_hold", 1, "did you mean `usr_example_on_hold`?"),
        ("scopes pause nobody:knows", 1, "no policy file covers the scope. `doorstep scopes show` names"),
        ("scopes resume transfer:write", 1, "the scope is not paused now"),
        ("lists add frozen-users usr_1 --until 2020-01-01", 1, "`until` is not in the future"),
        ("lists add frozen-users usr_1 --until tomorrow", 2, "--until is a moment"),
        ("scopes pause no$scope", 2, "A scope has a character outside"),
    ];
    for (arguments, code, says) in failing {
        let ended = run(&site, arguments).expect(code).saying(&[says]);
        assert_eq!(ended.stdout, "", "{arguments}");
    }
    site.run(&["lists", "add", "frozen-users", "usr_1", "--reason", " "])
        .expect(2)
        .saying(&["`reason` is 1 to 500"]);
    site.run(&["lists", "add", "frozen-users", "usr_1"]).expect(2).saying(&["--reason <TEXT>"]);
    site.run(&["lists", "show", "nowhere"]).expect(1).saying(&["There is no such list"]);
    assert_eq!(shown(&site, &["scopes", "show"])["revision"], 0);
    let bare = Site::bare().set("prelude.app_id", "test").set("policies.dir", SHIPPED_POLICIES);
    run(&bare, "lists add frozen-users usr_1").expect(1).saying(&["There is no store at doorstep.sqlite"]);
    assert_eq!(bare.files(), [""; 0], "none is made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_without_a_place_for_an_entry_does_not_start_until_it_is_taken_back() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude).set("policies.dir", "rules");
    let file = |rules: &str| format!("scopes: [a:b]\nrules:\n{rules}otherwise: block\n");
    site.write("rules/a.yaml", &file("  - { id: r, when: { user_id: { in_list: held } }, then: block }\n"));
    site.write("rules/lists/held.txt", "usr_0\n");
    site.serve().stop();
    run(&site, "lists add held usr_canary").expect(0);
    site.serve().stop();
    site.write("rules/a.yaml", &file("  - { id: r, when: { user_id: { eq: usr_0 } }, then: block }\n"));
    std::fs::remove_file(site.path("rules/lists/held.txt")).expect("removed");
    let says =
        ["list `held`, 1 entry of the fraud desk: the policy has no such list", "doorstep lists remove"];
    let refused = site.run(&["serve"]).expect(3).saying(&says);
    assert!(!refused.stderr.contains("usr_canary"), "{}", refused.stderr);
    let doctor = site.run(&["doctor"]).expect(1).stdout;
    assert!(doctor.contains("broken    fraud desk") && doctor.contains(says[0]), "{doctor}");
    let list = site.run(&["lists", "show", "held"]).expect(0).stdout;
    assert!(
        list.starts_with("held: not in the policy, 1 at the desk\nadded    misfit    usr_canary"),
        "{list}"
    );
    run(&site, "lists remove held usr_canary").expect(0);
    site.run(&["lists", "show", "held"]).expect(1);
    site.serve().stop();
}
