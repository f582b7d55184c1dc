//! Who is gone: a session that was revoked and a user who was deleted end what was opened for them.

use serde_json::{Value, json};

use crate::bench::{Bench, claims, until};
use crate::reviewing::reviewing;

const STEPS: &str = "custom:
  kyc_review: { description: Identity check, expires_in: 1h, approved_by: [backend] }
";

impl Bench {
    /// A verification of the user's, in the session `ses_1`.
    async fn opened_for(&self, key: &str, user: &str) -> Value {
        self.review(user).await;
        let mut claims = claims(user, "15000");
        claims["challenge_id"] = json!(format!("chl_{user}"));
        claims["sid"] = json!(format!("ses_{user}"));
        let body = json!({ "challenge_token": self.prelude.challenge_token(&claims).expect("signs") });
        let opened = self.post_as(key, "/v1/verifications", &body).await;
        assert_eq!(opened.status, 201, "{}", opened.text);
        opened.json()
    }

    async fn withdrawn_for(&self, key: &str, verification: &Value) -> Value {
        let id = verification["id"].as_str().expect("an id");
        self.get_as(key, &format!("/v1/verifications/{id}")).await.json()["withdrawn_for"].clone()
    }
}

#[tokio::test]
async fn a_revoked_session_ends_its_verifications() {
    let bench = Bench::with_events(&reviewing(STEPS)).await;
    let key = bench.backend_key().await;
    let (one, two) = (bench.opened_for(&key, "usr_1").await, bench.opened_for(&key, "usr_2").await);
    let revoked = json!({
        "type": "user.session.revoked",
        "payload": { "user_id": "usr_1", "session_id": "ses_usr_1", "revoked_at": "2026-09-21T14:13:30Z" },
    });
    bench.recorded(&[revoked]).await;
    assert_eq!(bench.withdrawn_for(&key, &one).await, "session_revoked");
    assert_eq!(bench.withdrawn_for(&key, &two).await, Value::Null);
    let id = one["id"].as_str().expect("an id");
    let approve =
        bench.post_as(&key, &format!("/v1/verifications/{id}/approve"), &json!({ "reason": "late" })).await;
    approve.expect_problem(409, "verification_withdrawn");
    let events = bench.get_as(&key, &format!("/v1/verifications/{id}/events")).await.json();
    let last = events["events"].as_array().expect("events").last().expect("one").clone();
    assert_eq!((&last["kind"], &last["actor"]), (&json!("withdrawn"), &json!("prelude")), "{events}");
    bench.stop().await;
}

#[tokio::test]
async fn a_deleted_user_is_erased_and_worth_nothing_any_more() {
    let bench = Bench::with_events(&reviewing(STEPS)).await;
    let key = bench.key(&["opener", "reader"]).await;
    let (one, two) = (bench.opened_for(&key, "usr_1").await, bench.opened_for(&key, "usr_2").await);
    let deleted = json!({ "type": "user.deleted", "user_id": "usr_1", "deleted_at": "2026-09-21T14:13:30Z" });
    bench.recorded(&[deleted.clone(), deleted]).await;
    assert_eq!(bench.withdrawn_for(&key, &one).await, "user_deleted");
    assert_eq!(bench.withdrawn_for(&key, &two).await, Value::Null);
    // This server's role may erase, and does so soon.
    until("the queue is empty", async || {
        (bench.record.count("SELECT count(*) FROM erasure_queue").await == 0).then_some(())
    })
    .await;
    assert_eq!(bench.record.text("SELECT DISTINCT actor FROM erasures").await, "prelude");
    let list = bench.get_as(&key, "/v1/decisions").await.json();
    for decision in list["decisions"].as_array().expect("decisions") {
        let id = decision["id"].as_str().expect("an id");
        let shown = bench.get_as(&key, &format!("/v1/decisions/{id}")).await.json();
        let is_gone = decision["user_id"] == "usr_1";
        assert_eq!(shown["metadata"].is_null(), is_gone, "{shown}");
    }
    bench.stop().await;
}
