//! Killed in the middle of load: what was answered is there, once, and the next start goes on from it.

use std::collections::BTreeSet;

use doorstep::testing::Prelude;

use crate::client::{Client, transfer};
use crate::record::{text, users};
use crate::site::Site;
use crate::stopping::load;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_answered_is_missing() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude);
    let store = site.path("doorstep.sqlite");
    let mut answered = BTreeSet::new();
    for round in ["one", "two"] {
        let server = site.serve();
        let client = Client::of(&server.address).await;
        let user = format!("usr_{round}");
        let first = transfer(&prelude, &user, "20");
        let answer = client.send(&first).await.expect("an answer");
        answered.insert(user);
        let of_load = load(&prelude, &client, round, (150, || server.process.signal("KILL"))).await;
        assert_eq!(server.process.end().code, None, "ended by the signal");
        answered.extend(of_load);

        let server = site.serve();
        let client = Client::of(&server.address).await;
        assert_eq!(client.send(&first).await.expect("an answer"), answer, "a repeat gets the first answer");
        server.stop();
        let recorded = users(&store).await;
        let missing: Vec<_> = answered.difference(&recorded).collect();
        assert!(missing.is_empty(), "round {round}: {missing:?}");
        assert_eq!(text(&store, "PRAGMA integrity_check").await, "ok");
    }
}
