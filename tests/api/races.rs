//! Everybody at once on one verification, through two servers on one file: one decides, and nothing comes of it but what follows.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use doorstep::testing::KeyWish;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::bench::{Answer, Bench, NOW, claims, transfer};
use crate::reviewing::reviewing;

/// How many callers there are in a round.
const CALLERS: usize = 64;
/// How many rounds there are, where `DOORSTEP_TEST_RACE_ROUNDS` says nothing else.
const ROUNDS: usize = 10;
/// How often a caller that wants a token or to redeem asks, until it gets what it wants: what comes too early in a burst is only
/// ever refused.
const TRIES: usize = 6;
/// How many tokens one verification may have.
const TOKENS_MAX: usize = 5;
const SECRET: &str = "the-secret-of-sumsub";

const STEPS: &str = "custom:
  kyc_review: { description: Identity check, expires_in: 1h, approved_by: [backend, provider:sumsub] }
";

/// The round's verification is the last one that was opened.
const STATE: &str = "SELECT state FROM verifications ORDER BY seq DESC LIMIT 1";
const DECISIONS: &str = "
    SELECT kind FROM verification_events
     WHERE kind IN ('approved', 'rejected', 'expired', 'approved_late')
       AND verification_id = (SELECT id FROM verifications ORDER BY seq DESC LIMIT 1)";
/// A provider that takes its approval back withdraws what it approved: no decision, but an end of what may follow.
const IS_WITHDRAWN: &str = "
    SELECT count(withdrawn_at) FROM (SELECT withdrawn_at FROM verifications ORDER BY seq DESC LIMIT 1) AS last";
const TOKENS: &str = "
    SELECT jti FROM verification_tokens
     WHERE verification_id = (SELECT id FROM verifications ORDER BY seq DESC LIMIT 1)";
const REDEMPTIONS: &str = "
    SELECT count(*) FROM redemptions
     WHERE decision_id = (SELECT decision_id FROM verifications ORDER BY seq DESC LIMIT 1)";

/// What a caller wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Approve,
    Reject,
    Mint,
    Redeem,
    Callback(&'static str),
}

impl Wish {
    /// The kinds take turns, and another one comes first in the next round.
    fn of(round: usize, caller: usize) -> Self {
        match (caller + round) % 5 {
            0 => Self::Approve,
            1 => Self::Mint,
            2 => Self::Reject,
            3 => Self::Redeem,
            _ if caller.is_multiple_of(2) => Self::Callback("GREEN"),
            _ => Self::Callback("RED"),
        }
    }
}

/// What there is in a round.
struct Round {
    opened: Value,
    user: String,
    backend: String,
    executor: String,
}

impl Round {
    /// What a caller is told, the last time that it asks.
    async fn told(&self, bench: &Bench, (wish, caller): (Wish, usize)) -> Answer {
        let tries = if matches!(wish, Wish::Mint | Wish::Redeem) { TRIES } else { 1 };
        for _ in 1..tries {
            let answer = self.call(bench, (wish, caller)).await;
            if answer.status < 300 {
                return answer;
            }
        }
        self.call(bench, (wish, caller)).await
    }

    async fn call(&self, bench: &Bench, (wish, caller): (Wish, usize)) -> Answer {
        let at = |act: &str| format!("/v1/verifications/{}/{act}", text(&self.opened["id"]));
        match wish {
            Wish::Approve => bench.post_as(&self.backend, &at("approve"), &json!({"reason": "seen"})).await,
            Wish::Reject => bench.post_as(&self.backend, &at("reject"), &json!({"reason": "forged"})).await,
            Wish::Mint => bench.post_as(&self.backend, &at("token"), &json!({})).await,
            Wish::Redeem => {
                let metadata = transfer(&self.user, "15000")["metadata"].clone();
                let body = json!({"user_id": self.user, "scope": "transfer:write", "metadata": metadata});
                bench.post_as(&self.executor, "/v1/grants/redeem", &body).await
            }
            Wish::Callback(word) => self.deliver(bench, (word, caller)).await,
        }
    }

    /// What Sumsub says, signed; every caller's event is one of its own.
    async fn deliver(&self, bench: &Bench, (word, caller): (&str, usize)) -> Answer {
        let second = i64::try_from(caller).expect("few callers");
        let body = json!({
            "applicantId": "5cb744200a975a67ed1798a4", "externalUserId": self.opened["reference"],
            "type": "applicantReviewed", "sandboxMode": false, "createdAtMs": (NOW + second) * 1000,
            "reviewResult": { "reviewAnswer": word, "reviewRejectType": "FINAL", "rejectLabels": ["FORGERY"] },
        })
        .to_string();
        let signature = sign(&Key::new(HMAC_SHA256, SECRET.as_bytes()), body.as_bytes());
        let signature: String = signature.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let request = bench.client.post(format!("{}/v1/callbacks/sumsub", bench.server.url())).body(body);
        Answer::of(request.header("X-Payload-Digest", signature).send().await.expect("an answer")).await
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

#[expect(clippy::disallowed_methods, reason = "how long the race is, is up to whoever runs it")]
fn rounds() -> usize {
    let wanted = std::env::var("DOORSTEP_TEST_RACE_ROUNDS").ok();
    wanted.map_or(ROUNDS, |wanted| wanted.parse().expect("a number of rounds"))
}

async fn two_servers() -> (Bench, Bench, NamedTempFile) {
    let secret = NamedTempFile::new().expect("a file");
    std::fs::write(secret.path(), SECRET).expect("written");
    let path = secret.path().display().to_string();
    let settings = [
        ("callbacks.sumsub.scheme", "sumsub"),
        ("callbacks.sumsub.secret_file", &path),
        ("callbacks.sumsub.steps", "kyc_review"),
        ("tokens.per_verification_max", &TOKENS_MAX.to_string()),
    ];
    let bench = Bench::with(&reviewing(STEPS), &settings).await;
    let (here, there) = bench.beside().await;
    (here, there, secret)
}

/// A new user's reviewed transfer, and the verification for its challenge.
async fn begin(bench: &Bench, round: usize, (backend, executor): (&str, &str)) -> Round {
    let user = format!("usr_{round}");
    bench.review(&user).await;
    let mut claims = claims(&user, "15000");
    claims["challenge_id"] = json!(format!("chl_{round}"));
    let token = bench.prelude.challenge_token(&claims).expect("signs");
    let opened = bench.post_as(backend, "/v1/verifications", &json!({ "challenge_token": token })).await;
    assert_eq!(opened.status, 201, "{}", opened.text);
    assert_eq!(opened.json()["source"], "sumsub");
    Round { opened: opened.json(), user, backend: backend.to_owned(), executor: executor.to_owned() }
}

/// What came of a round.
#[derive(Debug, Default)]
struct Came {
    approved: usize,
    tokens: usize,
    redemptions: usize,
    by_callback: usize,
    withdrawn: usize,
}

/// Holds what the callers were told against what the record says.
async fn check(bench: &Bench, round: usize, told: &[(Wish, Answer)]) -> Came {
    for (wish, answer) in told {
        let expected: &[u16] = match wish {
            Wish::Approve | Wish::Reject | Wish::Redeem => &[200, 409],
            Wish::Mint => &[201, 409],
            Wish::Callback(_) => &[200],
        };
        assert!(expected.contains(&answer.status), "round {round}: {wish:?}: {}", answer.text);
    }
    let won = |kind: Wish| told.iter().filter(|(wish, answer)| *wish == kind && answer.status < 300).count();
    let (state, decisions) = (bench.record.text(STATE).await, bench.record.text(DECISIONS).await);
    assert!(["approved", "rejected"].contains(&state.as_str()), "round {round}: {state}");
    assert_eq!(decisions, state, "round {round}: one decision is recorded, and it is the state");
    let (approvals, rejections) = (won(Wish::Approve), won(Wish::Reject));
    assert!(approvals + rejections <= 1, "round {round}: {approvals} approved and {rejections} rejected");
    assert!(approvals == 0 || state == "approved", "round {round}");
    assert!(rejections == 0 || state == "rejected", "round {round}");

    let minted = told.iter().filter(|(wish, answer)| *wish == Wish::Mint && answer.status == 201);
    let mut left: Vec<_> = minted.map(|(_, answer)| text(&answer.json()["jti"]).to_owned()).collect();
    let recorded = bench.record.text(TOKENS).await;
    let mut recorded: Vec<_> = recorded.split_whitespace().collect();
    left.sort_unstable();
    recorded.sort_unstable();
    assert_eq!(left, recorded, "round {round}: every token that left is recorded, and no other");
    assert!(left.len() <= TOKENS_MAX, "round {round}: {left:?}");
    assert!(left.is_empty() || state == "approved", "round {round}: a token outside of an approval");

    let redeemed = won(Wish::Redeem);
    assert!(redeemed <= 1, "round {round}: {redeemed} redemptions");
    assert_eq!(bench.record.count(REDEMPTIONS).await, i64::try_from(redeemed).expect("few"), "round {round}");
    assert!(redeemed == 0 || !left.is_empty(), "round {round}: redeemed without proof");
    Came {
        approved: usize::from(state == "approved"),
        tokens: left.len(),
        redemptions: redeemed,
        by_callback: usize::from(approvals + rejections == 0),
        withdrawn: usize::from(bench.record.count(IS_WITHDRAWN).await == 1),
    }
}

#[tokio::test]
async fn of_64_at_once_one_decides_and_tokens_and_one_redemption_follow_from_an_approval_only() {
    let (here, there, _secret) = two_servers().await;
    let backend = KeyWish {
        roles: &["opener", "approver", "minter"],
        approves_as: Some("backend"),
        ..KeyWish::default()
    };
    let backend = here.server.create_api_key(&backend).await.expect("a key");
    let executor = here.key(&["executor"]).await;
    let rounds = rounds();
    let mut all = Came::default();
    let mut number = 0;
    // Kinds come first in turn, so no round is like the next; without both outcomes nothing was shown, and whoever comes first is up to the
    // machine.
    let is_shown = |all: &Came, number| all.approved > 0 && all.approved < number && all.tokens > 0;
    while number < rounds || !is_shown(&all, number) && number < 20 * rounds {
        let round = begin(&here, number, (&backend, &executor)).await;
        let callers = (0..CALLERS).map(|caller| {
            // Each kind goes to both servers.
            let bench = if (caller / 5) % 2 == 0 { &here } else { &there };
            let wish = Wish::of(number, caller);
            let told = round.told(bench, (wish, caller));
            async move { (wish, told.await) }
        });
        let told = join_all(callers).await;
        let came = check(&there, number, &told).await;
        // Whatever the race left undone can be done once now, or not at all.
        let last = round.call(&there, (Wish::Redeem, CALLERS)).await;
        let is_proved = came.tokens > 0 && came.withdrawn == 0;
        let expected = if is_proved && came.redemptions == 0 { 200 } else { 409 };
        assert_eq!(last.status, expected, "round {number}: {}", last.text);
        all.approved += came.approved;
        all.tokens += came.tokens;
        all.redemptions += came.redemptions;
        all.by_callback += came.by_callback;
        all.withdrawn += came.withdrawn;
        number += 1;
    }
    println!("{number} rounds of {CALLERS} callers: {all:?}");
    assert!(is_shown(&all, number), "{all:?}");
    here.stop().await;
    there.stop().await;
}
