//! Decisions that leave: all that a filter asks for, in a form that nobody runs, and onwards from where it broke off.

use std::collections::BTreeSet;

use doorstep::testing::Prelude;
use serde_json::Value;

use crate::client::{Client, transfer};
use crate::site::Site;

fn ids(lines: &str) -> Vec<String> {
    let id = |line: &str| {
        let decision: Value = serde_json::from_str(line).expect("JSON");
        decision["id"].as_str().expect("an id").to_owned()
    };
    lines.lines().map(id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_leave_as_json_lines_and_as_cells_that_no_spreadsheet_runs() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude);
    let server = site.serve();
    let client = Client::of(&server.address).await;
    for n in 0..30 {
        let user = if n == 7 { "=cmd|'/c calc'!A1".to_owned() } else { format!("usr_{n}") };
        let sent = client.send(&transfer(&prelude, &user, "20")).await.expect("an answer");
        assert_eq!(sent.0, 200, "{user}: {}", sent.1);
    }
    let all = site.run(&["decisions", "export"]).expect(0).saying(&["30 decisions."]);
    let all = ids(&all.stdout);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 30);
    assert!(all.is_sorted_by(|newer, older| newer > older), "newest first: {all:?}");
    let rest = site.run(&["decisions", "export", "--before", &all[9]]).expect(0);
    assert_eq!(ids(&rest.stdout), all[10..], "it goes on after the last that arrived");
    let of_one = site.run(&["decisions", "export", "--user", "usr_3"]).expect(0);
    assert_eq!(ids(&of_one.stdout).len(), 1);

    let cells = site.run(&["decisions", "export", "--as", "csv", "--scope", "transfer:write"]).expect(0);
    let mut lines = cells.stdout.lines();
    assert!(
        lines
            .next()
            .is_some_and(|names| names.starts_with("id,received_at,user_id,scope,verdict,steps,rule"))
    );
    assert_eq!(lines.clone().count(), 30);
    assert!(lines.all(|line| line.split(',').all(|cell| !cell.starts_with(['=', '+', '-', '@']))));
    assert!(cells.stdout.contains("'=cmd|"), "{}", cells.stdout);

    site.run(&["decisions", "export", "--verdict", "perhaps"]).expect(2).saying(&["`verdict`"]);
    site.run(&["decisions", "export", "--before", "me"]).expect(2).saying(&["`before`"]);
    server.stop();
}
