//! Policy files that do not load: shown where they are wrong, and nothing starts with them.

use doorstep::testing::Prelude;
use serde_json::Value;

use crate::site::{SHIPPED_POLICIES, Site};

const FAULTY: &str = "scopes: [transfer:write]
description: Two faults.
metadata:
  amount: { type: decimal }
rules:
  - id: small
    when:
      metadata.amonut: { lt: \"50\" }
    then: blok
otherwise: block
";

/// An installation whose policy files have two faults.
fn faulty() -> Site {
    let site = Site::bare()
        .set("mode", "development")
        .set("server.bind", "127.0.0.1:0")
        .set("prelude.app_id", "test")
        .set("policies.dir", "rules");
    site.write("rules/transfer.yaml", FAULTY);
    site
}

#[test]
fn faults_are_shown_with_file_line_column_source_and_caret() {
    let ended = faulty().run(&["policy", "check"]).expect(3).saying(&[
        "--> transfer.yaml:8:7\n",
        "8 |       metadata.amonut: { lt: \"50\" }\n",
        "  |       ^^^^^^^^^^^^^^^\n",
        "help: did you mean",
        "--> transfer.yaml:9:11\n",
        "9 |     then: blok\n",
        "  |           ^^^^\n",
        "\n\nrules: 2 errors\n",
    ]);
    assert_eq!(ended.stderr.matches("error[").count(), 2, "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

#[test]
fn serve_refuses_to_start_with_them() {
    let site = faulty();
    let ended = site.run(&["serve"]).expect(3).saying(&[
        "the policy bundle does not load",
        "--> transfer.yaml:8:7\n",
        "8 |       metadata.amonut: { lt: \"50\" }\n",
        "  |       ^^^^^^^^^^^^^^^\n",
        "--> transfer.yaml:9:11\n",
    ]);
    assert_eq!(ended.stdout, "");
    assert_eq!(site.files(), ["rules"], "nothing was started");
}

#[test]
fn json_has_the_same_findings_for_programs() {
    let ended = faulty().run(&["policy", "check", "--format", "json"]).expect(3);
    assert_eq!(ended.stderr, "");
    let findings: Vec<Value> = serde_json::from_str(&ended.stdout).expect("a list");
    let place = |finding: &Value| (finding["line"].as_u64(), finding["column"].as_u64());
    assert_eq!(findings.iter().map(place).collect::<Vec<_>>(), [(Some(8), Some(7)), (Some(9), Some(11))]);
    for finding in &findings {
        let members: Vec<_> = finding.as_object().expect("an object").keys().map(String::as_str).collect();
        let expected = ["code", "column", "file", "help", "line", "message", "severity", "source_line"];
        assert_eq!(members, expected);
        assert_eq!((&finding["severity"], &finding["file"]), (&"error".into(), &"transfer.yaml".into()));
    }
    assert_eq!(findings[1]["source_line"], "    then: blok");
}

#[test]
fn a_directory_that_is_named_needs_no_configuration() {
    let ended = Site::bare().run(&["policy", "check", SHIPPED_POLICIES]).expect(0);
    assert_eq!(ended.stderr, "");
    let said: Vec<_> = ended.stdout.split_whitespace().collect();
    assert_eq!(said[1..4], ["7", "scopes,", "25"], "{}", ended.stdout);
    let hash = said.last().expect("the bundle's hash");
    assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{}", ended.stdout);
    let json = Site::bare().run(&["policy", "check", SHIPPED_POLICIES, "--format", "json"]).expect(0);
    assert_eq!((json.stdout.as_str(), json.stderr.as_str()), ("[]\n", ""));
}

#[test]
fn a_directory_without_policies_is_invalid() {
    let site = Site::bare();
    site.write("empty/notes.txt", "");
    let check = |dir: &str| drop(site.run(&["policy", "check", dir]).expect(3).saying(&["error[", dir]));
    check("nowhere");
    check("empty");
}

/// A window of 45 days, and grants that can be executed eleven days later, where 40 days are kept.
#[tokio::test(flavor = "multi_thread")]
async fn what_looks_further_back_than_is_kept_does_not_come_into_force() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude).set("policies.dir", "rules").set("retention.decisions", "40d");
    let rule = "{ id: r, when: { history: { count: calls, by: user, counts: usable, over: 45d, gt: 3 } }, then: block }";
    site.write("rules/a.yaml", &format!("scopes: [a:b]\nrules: [{rule}]\notherwise: block\n"));
    let said = [
        "these files look further back than the record is kept",
        "  a:b: usable calls by user",
        "needs retention.decisions and retention.erased_users of at least 56d",
    ];
    site.run(&["policy", "check"]).expect(0).saying(&["warning[past_not_kept]: "]).saying(&said);
    site.run(&["serve"]).expect(1).saying(&["cannot come into force (past_not_kept)"]).saying(&said);
    let site = site.set("retention.decisions", "56d").set("retention.redemptions", "56d");
    site.run(&["policy", "check"]).expect(0);
    site.serve().stop();
    let site = site.set("retention.redemptions", "55d");
    site.run(&["config"]).expect(0);
    site.run(&["serve"]).expect(2).saying(&[
        "retention.redemptions",
        "is shorter than retention.decisions",
        "write \"56d\" or more",
    ]);
}
