//! Calls that are decided with what was recorded before, by the shipped policy for payouts.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::bench::Bench;

fn payout(user: &str, amount: &str) -> Value {
    json!({
        "scope_requested": "payout:write",
        "user_id": user,
        "identifiers": [{"type": "phone_number", "value": "+33612345678"}],
        "signals": {"user_agent": "Mozilla/5.0", "platform": "WEB", "ip": "203.0.113.42"},
        "metadata": {"amount": amount, "currency": "EUR", "account": "DE89370400440532013000"},
    })
}

async fn verdict(bench: &Bench, call: &Value) -> String {
    let answer = bench.call(call).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["status"].as_str().expect("a status").to_owned()
}

/// All at once, and through two processes on one store: the limit holds to the cent.
#[tokio::test]
async fn a_limit_of_money_cannot_be_raced() {
    let (here, there) = Bench::start().await.beside().await;
    let calls: Vec<Value> = (0..9).map(|n| payout("usr_1", &format!("3000.0{n}"))).collect();
    let asked = calls.iter().enumerate();
    let answers =
        join_all(asked.map(|(n, call)| verdict(if n % 2 == 0 { &here } else { &there }, call))).await;
    // Eight times some 3000 are within 25,000 a day, nine times are not.
    assert_eq!(answers.iter().filter(|answer| *answer == "block").count(), 1, "{answers:?}");
    assert_eq!(
        verdict(&here, &payout("usr_2", "3000")).await,
        "review",
        "another user has a limit of their own"
    );
    here.stop().await;
    there.stop().await;
}

#[tokio::test]
async fn what_was_seen_of_the_past_is_recorded_and_a_dry_run_changes_nothing() {
    let bench = Bench::start().await;
    let key = bench.key(&["evaluator", "reader"]).await;
    assert_eq!(verdict(&bench, &payout("usr_1", "4999.50")).await, "review");
    let request = json!({
        "scope": "payout:write", "user_id": "usr_1", "identifiers": ["phone_number"],
        "metadata": {"amount": "6000", "currency": "EUR", "account": "DE89370400440532013000"},
    });
    for _ in 0..12 {
        let dry = bench.post_as(&key, "/v1/evaluate", &request).await.json();
        assert_eq!((&dry["verdict"], &dry["rule"]), (&"review".into(), &"large-or-many".into()), "{dry}");
        let told = dry["explanation"].to_string();
        assert!(told.contains("10999.5 EUR"), "the sum with this one: {told}");
    }
    let list = bench.get_as(&key, "/v1/decisions?limit=1").await.json();
    let id = list["decisions"][0]["id"].as_str().expect("an id").to_owned();
    let kept = bench.get_as(&key, &format!("/v1/decisions/{id}")).await;
    assert!(kept.text.contains("4999.5 EUR"), "{}", kept.text);
    assert_eq!(kept.json()["rule"], "ordinary");
    bench.stop().await;
}

#[tokio::test]
async fn attempts_count_whatever_they_were_answered_until_they_are_old() {
    let bench = Bench::start().await;
    for _ in 0..10 {
        assert_eq!(verdict(&bench, &payout("usr_1", "1e3")).await, "block", "no amount at all");
    }
    assert_eq!(verdict(&bench, &payout("usr_1", "20")).await, "block");
    bench.clock.advance_seconds(3601);
    assert_eq!(verdict(&bench, &payout("usr_1", "20")).await, "review");
    bench.stop().await;
}
