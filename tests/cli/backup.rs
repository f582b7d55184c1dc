//! A copy that is made while calls go on, and a server that goes on from it.

use std::os::unix::fs::PermissionsExt as _;

use doorstep::testing::Prelude;
use serde_json::Value;

use crate::client::{Client, transfer};
use crate::record::users;
use crate::site::Site;

/// 32 bytes in base64: what opens the copy elsewhere.
const ENCRYPTION_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

#[tokio::test(flavor = "multi_thread")]
async fn a_server_goes_on_from_a_copy_that_was_made_while_calls_went_on() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude).set("keys.encryption_key", ENCRYPTION_KEY);
    let server = site.serve();
    let client = Client::of(&server.address).await;
    let calls: Vec<_> = (0..60).map(|n| transfer(&prelude, &format!("usr_{n}"), "20")).collect();
    let first = client.send(&calls[0]).await.expect("an answer");
    let copy = site.path("copy.sqlite");
    let name = copy.to_str().expect("a name");
    let copying = site.start(&["--format", "json", "store", "backup", name]);
    for call in &calls[1..] {
        assert_eq!(client.send(call).await.expect("an answer").0, 200);
    }
    let told: Value = serde_json::from_str(&copying.end().expect(0).stdout).expect("JSON");
    assert_eq!(told["bytes"], copy.metadata().expect("a file").len());
    assert_eq!(copy.metadata().expect("a file").permissions().mode() & 0o777, 0o600);
    site.run(&["store", "backup", name]).expect(1).saying(&["could not be created", "exists"]);
    let key_set = client.get("/.well-known/jwks.json").await.expect("an answer");
    server.stop();

    let restored = Site::with(&prelude).set("keys.encryption_key", ENCRYPTION_KEY);
    std::fs::copy(&copy, restored.path("doorstep.sqlite")).expect("a copy");
    let held = users(&restored.path("doorstep.sqlite")).await;
    let expected: std::collections::BTreeSet<_> = (0..held.len()).map(|n| format!("usr_{n}")).collect();
    assert_eq!(
        (&held, &told["decisions"]),
        (&expected, &Value::from(held.len())),
        "everything up to one moment"
    );
    let server = restored.serve();
    let client = Client::of(&server.address).await;
    assert_eq!(
        client.get("/.well-known/jwks.json").await.expect("an answer"),
        key_set,
        "the same signing key"
    );
    assert_eq!(client.send(&calls[0]).await.expect("an answer"), first, "a repeat");
    assert_eq!(users(&restored.path("doorstep.sqlite")).await, held);
    server.stop();
}
