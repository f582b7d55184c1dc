//! The walk, and each way to leave it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::identity::Identity;
use super::super::our_side::{self, NOW, jti};
use super::*;

/// A book of challenges with the key that issues its tokens.
struct Walk {
    identity: Arc<Identity>,
    challenges: Challenges,
    style: ChallengeStyle,
}

impl Walk {
    async fn new() -> Self {
        let identity = our_side::identity().await;
        Self { identity, challenges: Challenges::default(), style: ChallengeStyle::default() }
    }

    fn by(&self) -> IssuedBy<'_> {
        by(&self.identity, self.style)
    }

    fn open(&mut self, steps: &[&str]) -> Progress {
        let steps = steps.iter().zip(1..).map(|(key, order)| AskedStep {
            order,
            key: (*key).to_owned(),
            expires_in_seconds: 600 * order,
        });
        let grant = Grant { mode: Mode::SingleUse, granted_for_seconds: 300 };
        let opening = Opening { request: &request(), session_id: "ses_1", grant, steps: steps.collect() };
        self.challenges.open(opening, by(&self.identity, self.style), NOW).expect("a challenge")
    }

    fn presented(&self, token: &str, now: i64) -> Result<Presented, Refusal> {
        challenge_token::take_back(token, self.identity.step_up_key(), now)
    }

    fn managed(&mut self, token: &str) -> Result<Progress, RefusalCode> {
        let presented = self.presented(token, NOW).map_err(|refusal| refusal.code)?;
        code(self.challenges.complete_managed_step(&presented, by(&self.identity, self.style), NOW))
    }

    fn custom(&mut self, token: &str, statement: &Statement) -> Result<Progress, RefusalCode> {
        let presented = self.presented(token, NOW).map_err(|refusal| refusal.code)?;
        code(self.challenges.continue_with(&presented, statement, by(&self.identity, self.style), NOW))
    }
}

fn by(identity: &Identity, style: ChallengeStyle) -> IssuedBy<'_> {
    IssuedBy { key: identity.step_up_key(), session_host: "app.session.prelude.dev", style }
}

fn code(outcome: Result<Progress, EmulatorError>) -> Result<Progress, RefusalCode> {
    outcome.map_err(|error| match error {
        EmulatorError::Refused(refusal) => refusal.code,
        other => panic!("{other}"),
    })
}

fn request() -> HookRequest {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    HookRequest {
        scope: "transfer:write".to_owned(),
        user_id: "usr_1".to_owned(),
        identifiers: vec![pair("phone_number", "+33612345678")],
        user_agent: "Mozilla/5.0".to_owned(),
        platform: "WEB".to_owned(),
        ip: "203.0.113.42".to_owned(),
        metadata: vec![pair("currency", "USD"), pair("amount", "500")],
    }
}

fn statement(progress: &Progress, step_key: &str, number: u8) -> Statement {
    Statement {
        user_id: "usr_1".to_owned(),
        challenge_id: progress.challenge_id.clone(),
        step_key: step_key.to_owned(),
        status: "completed".to_owned(),
        jti: jti(number),
    }
}

fn claims_of(token: &str) -> Value {
    Value::Object(super::super::compact::take_apart(token).expect("a token").claims)
}

#[tokio::test]
async fn a_walk_ends_in_the_grant() {
    let mut walk = Walk::new().await;
    let first = walk.open(&["verify_sms", "kyc_review"]);
    assert_eq!(
        (first.current_step.as_str(), first.ends_at, &first.granted),
        ("verify_sms", NOW + 600, &None)
    );
    let second = walk.managed(&first.challenge_token).expect("done");
    assert_eq!(
        (second.current_step.as_str(), second.ends_at, &second.granted),
        ("kyc_review", NOW + 1200, &None)
    );
    assert_eq!(second.challenge_id, first.challenge_id);
    let last = walk.custom(&second.challenge_token, &statement(&second, "kyc_review", 1)).expect("done");
    assert_eq!(last.current_step, "completed");
    let granted = Granted {
        user_id: "usr_1".to_owned(),
        session_id: "ses_1".to_owned(),
        scope: "transfer:write".to_owned(),
        mode: Mode::SingleUse,
        ends_at: NOW + 300,
    };
    assert_eq!(last.granted, Some(granted));
    let further = walk.custom(&last.challenge_token, &statement(&last, "kyc_review", 2));
    assert_eq!(further, Err(RefusalCode::StepBypassed));
    assert_eq!(walk.managed(&last.challenge_token), Err(RefusalCode::StepBypassed));
}

#[tokio::test]
async fn the_token_has_the_claims_of_the_contract() {
    let mut walk = Walk::new().await;
    let first = walk.open(&["verify_sms", "kyc_review"]);
    let second = walk.managed(&first.challenge_token).expect("done");
    let mut claims = claims_of(&second.challenge_token);
    let token_id = claims.as_object_mut().expect("an object").remove("jti").expect("a jti");
    assert_ne!(token_id, claims_of(&first.challenge_token)["jti"]);
    let expected = json!({
        "iss": "app.session.prelude.dev", "sub": "usr_1", "sid": "ses_1",
        "iat": NOW, "nbf": NOW, "exp": NOW + 1200,
        "challenge_id": second.challenge_id, "scope_requested": "transfer:write", "current_step": "kyc_review",
        "steps": [
            {"order": 1, "key": "verify_sms", "expiration_duration": 600, "done": true},
            {"order": 2, "key": "kyc_review", "expiration_duration": 1200, "done": false},
        ],
        "metadata": {"currency": "USD", "amount": "500"},
    });
    assert_eq!(claims, expected);
}

#[tokio::test]
async fn open_questions_about_the_token_are_switches() {
    let mut walk = Walk::new().await;
    walk.style = ChallengeStyle { issuer: Issuer::Url, metadata: MetadataClaim::Absent };
    let claims = claims_of(&walk.open(&["kyc_review"]).challenge_token);
    assert_eq!((&claims["iss"], claims.get("metadata")), (&json!("https://app.session.prelude.dev"), None));
    walk.style.issuer = Issuer::Absent;
    assert_eq!(claims_of(&walk.open(&["kyc_review"]).challenge_token).get("iss"), None);
}

/// Each row changes a good statement about the current step of a challenge that stands before `kyc_review`.
#[tokio::test]
async fn statements_that_do_not_fit_are_refused_by_name() {
    let mut walk = Walk::new().await;
    let other = walk.open(&["kyc_review"]);
    let first = walk.open(&["verify_sms", "kyc_review", "source_of_funds"]);
    let at = walk.managed(&first.challenge_token).expect("done");
    let good = statement(&at, "kyc_review", 1);
    let rows = [
        (Statement { user_id: "usr_2".to_owned(), ..good.clone() }, RefusalCode::TokenMismatch),
        (Statement { challenge_id: other.challenge_id, ..good.clone() }, RefusalCode::TokenMismatch),
        (Statement { step_key: "source_of_funds".to_owned(), ..good.clone() }, RefusalCode::StepBypassed),
        (Statement { step_key: "verify_sms".to_owned(), ..good.clone() }, RefusalCode::StepBypassed),
        (Statement { step_key: "selfie".to_owned(), ..good.clone() }, RefusalCode::StepNotFound),
        (Statement { step_key: "completed".to_owned(), ..good.clone() }, RefusalCode::StepNotFound),
        (Statement { status: "failed".to_owned(), ..good.clone() }, RefusalCode::StepNotCompleted),
        (Statement { status: "Completed".to_owned(), ..good.clone() }, RefusalCode::StepNotCompleted),
    ];
    for (statement, expected) in rows {
        assert_eq!(walk.custom(&at.challenge_token, &statement), Err(expected), "{statement:?}");
    }
    assert!(walk.custom(&at.challenge_token, &good).is_ok(), "no refusal moved it or used the token up");
}

#[tokio::test]
async fn a_jti_is_used_once_in_all_challenges() {
    let mut walk = Walk::new().await;
    let (first, second) = (walk.open(&["kyc_review", "source_of_funds"]), walk.open(&["kyc_review"]));
    let next = walk.custom(&first.challenge_token, &statement(&first, "kyc_review", 1)).expect("done");
    let again = walk.custom(&next.challenge_token, &statement(&next, "kyc_review", 1));
    assert_eq!(again, Err(RefusalCode::TokenReused));
    let elsewhere = walk.custom(&second.challenge_token, &statement(&second, "kyc_review", 1));
    assert_eq!(elsewhere, Err(RefusalCode::TokenReused));
    assert!(walk.custom(&next.challenge_token, &statement(&next, "source_of_funds", 2)).is_ok());
}

#[tokio::test]
async fn managed_steps_are_done_by_prelude_for_users_who_can() {
    let mut walk = Walk::new().await;
    let sms = walk.open(&["verify_sms"]);
    let by_token = walk.custom(&sms.challenge_token, &statement(&sms, "verify_sms", 1));
    assert_eq!(by_token, Err(RefusalCode::StepNotCompleted));
    assert!(walk.managed(&sms.challenge_token).is_ok());
    let email = walk.open(&["verify_email"]);
    assert_eq!(walk.managed(&email.challenge_token), Err(RefusalCode::IdentifierMissing));
    let passkey = walk.open(&["verify_passkey"]);
    assert!(walk.managed(&passkey.challenge_token).is_ok());
    let custom = walk.open(&["kyc_review"]);
    assert_eq!(walk.managed(&custom.challenge_token), Err(RefusalCode::StepBypassed));
}

#[tokio::test]
async fn only_the_newest_token_of_a_known_challenge_counts() {
    let mut walk = Walk::new().await;
    let first = walk.open(&["verify_sms", "kyc_review"]);
    let second = walk.managed(&first.challenge_token).expect("done");
    let stale = walk.custom(&first.challenge_token, &statement(&second, "kyc_review", 1));
    assert_eq!(stale, Err(RefusalCode::InvalidChallengeToken));
    let mut strange = claims_of(&second.challenge_token);
    strange["challenge_id"] = json!("chl_unknown");
    let strange = challenge_token::sign(walk.by().key, &strange).expect("a token");
    assert_eq!(walk.managed(&strange), Err(RefusalCode::InvalidChallengeToken));
    let late = walk.presented(&second.challenge_token, NOW + 1200).expect_err("over");
    assert_eq!(late.code, RefusalCode::ExpiredChallengeToken);
}
