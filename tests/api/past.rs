//! Calls that are decided with what was recorded before: by the shipped policy for payouts, and by policies that ask about others
//! than the user.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::files::Files;

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

/// A policy for transfers of which this history blocks.
fn blocking(history: &str) -> String {
    format!(
        "scopes: [transfer:write]
metadata:
  amount: {{ type: decimal }}
  currency: {{ type: string, one_of: [USD] }}
  payee: {{ type: string, normalise: [upper] }}
money:
  value: {{ amount: metadata.amount, currency: metadata.currency }}
rules:
  - {{ id: too-much, when: {{ history: {{ {history} }} }}, then: block }}
otherwise: {{ continue: {{ grant: {{ mode: single-use, for: 5m }} }} }}
"
    )
}

/// User `n` with a phone number of their own.
fn transfer(n: usize, ip: &str, (amount, payee): (&str, &str)) -> Value {
    json!({
        "scope_requested": "transfer:write",
        "user_id": format!("usr_{n}"),
        "identifiers": [{"type": "phone_number", "value": format!("+3361234{n:04}")}],
        "signals": {"user_agent": "Mozilla/5.0", "platform": "WEB", "ip": ip},
        "metadata": {"amount": amount, "currency": "USD", "payee": payee},
    })
}

async fn passed(here: &Bench, there: &Bench, calls: &[Value]) -> usize {
    let asked = calls.iter().enumerate();
    let answers = join_all(asked.map(|(n, call)| verdict(if n % 2 == 0 { here } else { there }, call))).await;
    answers.iter().filter(|answer| *answer == "continue").count()
}

/// A household has all addresses of its /64; whoever has another one has a limit of their own. All at once, each as another user.
#[tokio::test]
async fn a_limit_by_address_holds_for_all_of_a_household() {
    let policy = blocking("count: calls, by: ip, over: 1h, counts: asked, gt: 10");
    let (here, there) = Bench::with(&[("transfer.yaml", &policy)], &[]).await.beside().await;
    let calls = |net: &str| -> Vec<Value> {
        (0..40).map(|n| transfer(n, &format!("2001:db8:1:{net}::{n:x}"), ("1", "A"))).collect()
    };
    assert_eq!(passed(&here, &there, &calls("7")).await, 10);
    assert_eq!(passed(&here, &there, &calls("8")).await, 10);
    here.clock.advance_seconds(3601);
    assert_eq!(passed(&here, &there, &calls("7")).await, 10, "an hour later");
    here.stop().await;
    there.stop().await;
}

/// One payee gets no more than so much, whoever pays and however it is spelled.
#[tokio::test]
async fn a_sum_by_payee_alone_holds_to_the_cent() {
    let policy = blocking("sum: money.value, by: metadata.payee, over: 24h, counts: usable, gt: 100 USD");
    let (here, there) = Bench::with(&[("transfer.yaml", &policy)], &[]).await.beside().await;
    let calls: Vec<_> = (0..40)
        .map(|n| {
            let payee = if n % 3 == 0 { "acme" } else { "Acme" };
            transfer(n, &format!("203.0.113.{n}"), ("12.50", payee))
        })
        .collect();
    assert_eq!(passed(&here, &there, &calls).await, 8, "eight times 12.50 are 100 to the cent");
    assert_eq!(verdict(&here, &transfer(50, "203.0.113.50", ("0.01", "acme"))).await, "block");
    assert_eq!(verdict(&there, &transfer(50, "203.0.113.50", ("100", "other"))).await, "continue");
    here.stop().await;
    there.stop().await;
}

/// What was recorded while no policy asked by address or identifier counts as soon as one does, also what another process records
/// whose policy still does not.
#[tokio::test]
async fn a_new_condition_counts_what_was_before_it_and_what_others_record() {
    let files = Files::with_rule("unused");
    files.write("transfer.yaml", &blocking("count: calls, by: user, over: 1h, counts: asked, gt: 100"));
    let before = blocking("count: calls, by: user, over: 1h, counts: asked, gt: 99");
    let (new, old) = files.serve("watched").await.beside_with(&[("transfer.yaml", &before)]).await;
    let call = |n: usize| transfer(n, "203.0.113.7", ("1", "A"));
    for n in 0..5 {
        assert_eq!(verdict(if n % 2 == 0 { &new } else { &old }, &call(n)).await, "continue");
    }
    let key = new.key(&["evaluator", "reader"]).await;
    let in_force = new.policies(&key).await["in_force"]["bundle"].clone();
    files.write(
        "transfer.yaml",
        &blocking("count: calls, by: [ip, metadata.payee], over: 1h, counts: asked, gt: 8"),
    );
    crate::bench::until("the policy is in force", async || {
        (new.policies(&key).await["in_force"]["bundle"] != in_force).then_some(())
    })
    .await;
    // The sixth, seventh and eighth call of that address, two of them through the process with the old policy.
    assert_eq!(verdict(&new, &call(5)).await, "continue");
    assert_eq!(verdict(&old, &call(6)).await, "continue");
    assert_eq!(verdict(&old, &call(7)).await, "continue");
    assert_eq!(verdict(&new, &call(8)).await, "block", "the ninth");
    assert_eq!(verdict(&new, &transfer(9, "203.0.113.7", ("1", "B"))).await, "continue", "for another payee");
    assert_eq!(verdict(&old, &call(10)).await, "continue", "the old policy does not ask");
    new.stop().await;
    old.stop().await;
}
