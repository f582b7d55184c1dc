//! Two servers on one store: one signing key, one record, whoever of the two is asked.

use doorstep::testing::Prelude;
use serde_json::{Value, json};

use crate::client::{Client, claims, now, transfer};
use crate::record::users;
use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_that_start_at_once_on_an_empty_store_are_one_to_their_callers() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude);
    let (first, second) = std::thread::scope(|scope| {
        let starting = scope.spawn(|| site.serve());
        let second = site.serve();
        (starting.join().expect("it starts"), second)
    });
    let (here, there) = (Client::of(&first.address).await, Client::of(&second.address).await);
    let key_set = here.get("/.well-known/jwks.json").await.expect("an answer");
    assert_eq!(there.get("/.well-known/jwks.json").await.expect("an answer"), key_set);
    let call = transfer(&prelude, "usr_1", "15000");
    let answer = here.send(&call).await.expect("an answer");
    assert_eq!(there.send(&call).await.expect("an answer"), answer, "a repeat, wherever it arrives");
    assert_eq!(users(&site.path("doorstep.sqlite")).await.len(), 1, "one record");

    let claims = claims(now(), "usr_1", &json!({ "amount": "15000", "currency": "USD" }));
    let token = prelude.challenge_token(&claims).expect("signs");
    let made =
        there.mint(&site.backend_key(), &json!({ "challenge_token": token })).await.expect("an answer");
    assert_eq!(made.0, 201, "{}", made.1);
    let made: Value = serde_json::from_str(&made.1).expect("JSON");
    assert!(key_set.1.contains(made["kid"].as_str().expect("a kid")), "{}", key_set.1);
    first.stop();
    second.stop();
}
