//! Everybody at once on one verification, through two servers on one file: whatever the order, one decision, no token outside of
//! it, one redemption.
//!
//! `DOORSTEP_TEST_RACE_ROUNDS` says how many rounds there are; a few where it is not set.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::bench::{Answer, Bench, claims, transfer};
use crate::callbacks::{event, secret_file, with_secret_in};

const CALLERS: i64 = 64;
const ROUNDS: u32 = 8;

/// Who may do everything, and the verification that they do it with.
struct Race<'r> {
    backend: &'r str,
    executor: &'r str,
    opened: Value,
    user: String,
}

impl Race<'_> {
    /// What one of the callers does, and how it was answered.
    async fn act(&self, bench: &Bench, caller: i64) -> (&'static str, Answer) {
        let path =
            |act: &str| format!("/v1/verifications/{}/{act}", self.opened["id"].as_str().expect("an id"));
        let reason = json!({ "reason": "a race" });
        match caller % 6 {
            0 => ("approve", bench.post_as(self.backend, &path("approve"), &reason).await),
            1 => ("reject", bench.post_as(self.backend, &path("reject"), &reason).await),
            2 => ("token", bench.post_as(self.backend, &path("token"), &json!({})).await),
            3 => {
                let metadata = transfer(&self.user, "15000")["metadata"].clone();
                let body = json!({ "user_id": self.user, "scope": "transfer:write", "metadata": metadata });
                ("redeem", bench.post_as(self.executor, "/v1/grants/redeem", &body).await)
            }
            4 => ("callback", bench.tell("sumsub", &event(&self.opened, "approved", caller)).await),
            _ => ("callback", bench.tell("sumsub", &event(&self.opened, "rejected", caller)).await),
        }
    }
}

async fn race<'r>(bench: &Bench, (backend, executor): (&'r str, &'r str), round: u32) -> Race<'r> {
    let user = format!("usr_{round}");
    bench.reviewed(&user).await;
    let mut claims = claims(&user, "15000");
    claims["challenge_id"] = json!(format!("chl_{round}"));
    let token = bench.prelude.challenge_token(&claims).expect("signs");
    let body = json!({ "challenge_token": token, "source": "sumsub" });
    let opened = bench.post_as(backend, "/v1/verifications", &body).await;
    assert_eq!(opened.status, 201, "{}", opened.text);
    Race { backend, executor, opened: opened.json(), user }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_all_who_act_on_one_verification_at_once_one_decides_and_one_executes() {
    let rounds = std::env::var("DOORSTEP_TEST_RACE_ROUNDS").ok().and_then(|text| text.parse().ok());
    let secret = secret_file();
    let (one, two) = with_secret_in(&secret).await.beside().await;
    let (backend, executor) = (one.backend_key().await, one.key(&["executor"]).await);
    for round in 0..rounds.unwrap_or(ROUNDS) {
        let race = race(&one, (&backend, &executor), round).await;
        let servers = [&one, &two];
        let acting = (0..CALLERS).map(|caller| {
            let bench = servers[usize::from(caller % 2 == 1)];
            race.act(bench, caller)
        });
        let told = join_all(acting).await;
        let count = |act: &str, status: u16| {
            told.iter().filter(|(did, answer)| *did == act && answer.status == status).count()
        };
        assert!(told.iter().all(|(_, answer)| [200, 201, 409].contains(&answer.status)), "{told:?}");
        let id = race.opened["id"].as_str().expect("an id");
        let path = format!("/v1/verifications/{id}");
        let state = two.get_as(&backend, &path).await.json()["state"].clone();
        assert!(state == "approved" || state == "rejected", "{state}");
        let events = one.get_as(&backend, &format!("{path}/events")).await.json();
        let kinds: Vec<_> =
            events["events"].as_array().expect("events").iter().map(|event| &event["kind"]).collect();
        let events = |kind: &str| kinds.iter().filter(|other| **other == kind).count();
        assert_eq!(events("approved") + events("rejected"), 1, "one decision: {kinds:?}");
        assert!(count("approve", 200) + count("reject", 200) <= 1, "round {round}");
        let tokens = events("token_minted");
        assert_eq!(count("token", 201), tokens, "every token is recorded");
        assert!(tokens <= if state == "approved" { 5 } else { 0 }, "{state}: {tokens}");
        let redeemed = count("redeem", 200);
        assert!(redeemed <= usize::from(tokens > 0), "round {round}: {redeemed} of {tokens}");
    }
    let twice =
        "SELECT count(*) FROM (SELECT 1 FROM verification_events WHERE kind IN ('approved', 'rejected')
                 GROUP BY verification_id HAVING count(*) <> 1)";
    assert_eq!(one.count(twice).await, 0);
    let unproved = "SELECT count(*) FROM redemptions AS r WHERE NOT EXISTS (SELECT 1 FROM verifications AS v
                    JOIN verification_tokens AS t ON t.verification_id = v.id
                    WHERE v.decision_id = r.decision_id AND v.state = 'approved')";
    assert_eq!(one.count(unproved).await, 0);
    two.stop().await;
    one.stop().await;
}
