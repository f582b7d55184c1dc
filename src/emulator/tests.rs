//! The emulator as a whole, over real HTTP, against a customer's side of a few lines.

use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::json;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::our_side::{self, NOW, OurKey, jti, our_key};
use super::*;

const REVIEW: &str = concat!(
    r#"{"status":"review","granted_for":300,"grant_mode":"single-use","#,
    r#""steps":[{"order":1,"key":"verify_sms","expiration_duration":600},"#,
    r#"{"order":2,"key":"kyc_review","expiration_duration":3600}]}"#
);

/// An emulator, the customer's side, and the time of both.
struct Stage {
    emulator: Emulator,
    customer: MockServer,
    key: &'static OurKey,
    clock: Arc<AtomicI64>,
}

impl Stage {
    async fn set() -> Self {
        let clock = Arc::new(AtomicI64::new(NOW));
        let now: Now = {
            let clock = Arc::clone(&clock);
            Arc::new(move || clock.load(Ordering::SeqCst))
        };
        let settings = EmulatorSettings::new("app.session.prelude.dev", now);
        let emulator = Emulator::start(settings).await.expect("an emulator");
        let (customer, key) = (MockServer::start().await, our_key());
        let set =
            ResponseTemplate::new(200).set_body_raw(our_side::key_set(&[key.jwk()]), "application/json");
        Mock::given(method("GET")).and(path("/jwks")).respond_with(set).mount(&customer).await;
        emulator.register(Registration {
            hook_url: format!("{}/hook", customer.uri()),
            jwks_url: format!("{}/jwks", customer.uri()),
            custom_steps: vec!["kyc_review".to_owned()],
        });
        Self { emulator, customer, key, clock }
    }

    /// The hook answers this once, from now on.
    async fn answer(&self, body: &str) {
        let answer = ResponseTemplate::new(200).set_body_raw(body, "application/json");
        let hook = Mock::given(method("POST")).and(path("/hook")).respond_with(answer);
        hook.up_to_n_times(1).mount(&self.customer).await;
    }

    async fn step_up(&self) -> StepUp {
        let asked = self.emulator.request_step_up(&request(), SignatureStyle::default()).await;
        asked.expect("asked")
    }

    async fn challenge(&self) -> Progress {
        self.answer(REVIEW).await;
        match self.step_up().await.outcome {
            StepUpOutcome::Challenged(progress) => progress,
            other => panic!("{other:?}"),
        }
    }

    async fn refused(&self, challenge_token: &str, verification_token: &str) -> RefusalCode {
        match self.emulator.continue_with(challenge_token, verification_token).await {
            Err(EmulatorError::Refused(refusal)) => refusal.code,
            other => panic!("{other:?}"),
        }
    }
}

fn request() -> HookRequest {
    HookRequest {
        scope: "transfer:write".to_owned(),
        user_id: "usr_1".to_owned(),
        identifiers: vec![("phone_number".to_owned(), "+33612345678".to_owned())],
        user_agent: "Mozilla/5.0".to_owned(),
        platform: "WEB".to_owned(),
        ip: "203.0.113.42".to_owned(),
        metadata: vec![("amount".to_owned(), "500".to_owned())],
    }
}

#[tokio::test]
async fn a_review_is_walked_to_its_grant() {
    let stage = Stage::set().await;
    let first = stage.challenge().await;
    let second = stage.emulator.complete_managed_step(&first.challenge_token).expect("done");
    let token = stage.key.token(&our_side::claims(&second.challenge_id, &jti(1)));
    let last = stage.emulator.continue_with(&second.challenge_token, &token).await.expect("done");
    assert_eq!((last.current_step.as_str(), last.granted.is_some()), ("completed", true));
    assert_eq!(stage.refused(&last.challenge_token, &token).await, RefusalCode::TokenReused);
    stage.emulator.stop().await;
}

#[tokio::test]
async fn other_answers_have_other_outcomes() {
    let stage = Stage::set().await;
    stage.answer(r#"{"status":"continue","granted_for":60,"grant_mode":"session-bound"}"#).await;
    let StepUpOutcome::Granted(granted) = stage.step_up().await.outcome else { panic!("not granted") };
    assert_eq!((granted.mode, granted.ends_at), (Mode::SessionBound, NOW + 60));
    stage.answer(r#"{"status":"block"}"#).await;
    assert!(matches!(stage.step_up().await.outcome, StepUpOutcome::Blocked));
    stage.answer(&REVIEW.replace("kyc_review", "selfie")).await;
    let StepUpOutcome::Failed(failure) = stage.step_up().await.outcome else { panic!("passed") };
    assert_eq!(failure.reason, FailureReason::InvalidStep);
    let StepUpOutcome::Failed(failure) = stage.step_up().await.outcome else { panic!("passed") };
    assert_eq!(failure.reason, FailureReason::InvalidStatusCode, "404: no answer is left");
}

#[tokio::test]
async fn a_call_is_repeated_and_tampered_with_byte_for_byte() {
    let stage = Stage::set().await;
    let sent = stage.step_up().await.exchange;
    let again = stage.emulator.resend(&sent).await.expect("sent");
    let tampered = stage.emulator.send_tampered(&sent, |call| call.body.push(b'\n')).await.expect("sent");
    let received = stage.customer.received_requests().await.expect("recorded");
    let [first, second, third] = received.as_slice() else { panic!("three calls") };
    assert_eq!((&again.call, &first.body, &first.headers), (&sent.call, &second.body, &second.headers));
    assert_eq!(third.body, [first.body.as_slice(), b"\n"].concat());
    assert_eq!(tampered.call.headers, sent.call.headers);
    assert_eq!(first.headers["user-agent"], "Prelude-SessionStepUpHook/1.0");
    assert_eq!(first.headers["content-type"], "application/json");
}

#[tokio::test]
async fn refusals_come_through_by_their_codes() {
    let stage = Stage::set().await;
    let first = stage.challenge().await;
    let at = stage.emulator.complete_managed_step(&first.challenge_token).expect("done");
    let mut claims = our_side::claims(&at.challenge_id, &jti(1));
    let stranger = OurKey::generate("k9").token(&claims);
    assert_eq!(stage.refused(&at.challenge_token, &stranger).await, RefusalCode::InvalidVerificationToken);
    assert_eq!(stage.refused("x", &stage.key.token(&claims)).await, RefusalCode::InvalidChallengeToken);
    claims["sub"] = json!("usr_2");
    assert_eq!(
        stage.refused(&at.challenge_token, &stage.key.token(&claims)).await,
        RefusalCode::TokenMismatch
    );
    stage.clock.fetch_add(3600, Ordering::SeqCst);
    let token = stage.key.token(&our_side::claims(&at.challenge_id, &jti(2)));
    assert_eq!(stage.refused(&at.challenge_token, &token).await, RefusalCode::ExpiredChallengeToken);
}

#[tokio::test]
async fn two_racers_with_one_token_have_one_winner() {
    let stage = Stage::set().await;
    let first = stage.challenge().await;
    let at = stage.emulator.complete_managed_step(&first.challenge_token).expect("done");
    let token = stage.key.token(&our_side::claims(&at.challenge_id, &jti(1)));
    let race = || stage.emulator.continue_with(&at.challenge_token, &token);
    let (one, other) = tokio::join!(race(), race());
    assert_eq!([one.is_ok(), other.is_ok()].into_iter().filter(|won| *won).count(), 1);
}

#[tokio::test]
async fn planted_claims_are_signed_like_genuine_ones() {
    let stage = Stage::set().await;
    let token = stage.emulator.sign_challenge_claims(&json!({"current_step": 7})).expect("a token");
    let parts = compact::take_apart(&token).expect("a token");
    assert_eq!(parts.header_text("kid"), Some(stage.emulator.identity().step_up_key().kid()));
    assert_eq!(parts.claims["current_step"], 7);
}

#[tokio::test]
async fn nothing_is_called_before_the_registration() {
    let emulator = Emulator::start(EmulatorSettings::new("h", Arc::new(|| NOW))).await.expect("an emulator");
    let outcome = emulator.request_step_up(&request(), SignatureStyle::default()).await;
    assert!(matches!(outcome, Err(EmulatorError::NotRegistered)));
    assert!(emulator.app_key_set_url().starts_with("http://127.0.0.1:"));
}
