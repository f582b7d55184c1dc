//! The five scenes, each checked against the contract as it is shown.

use super::super::output::say;
use super::DemoError;
use super::stage::Stage;
use crate::emulator::{
    Exchange, HookRequest, OutgoingCall, Progress, Refusal, SignatureStyle, StepUp, StepUpOutcome,
};

const USER: &str = "usr_39CfbdV8AsXQwdphtbJe4yH07aF";

/// Plays all scenes in order.
pub(super) async fn tell(stage: &Stage) -> Result<(), DemoError> {
    say(&format!(
        "Doorstep answers at {} with the shipped policies and a throw-away store.\nPrelude's side is an emulator: its own keys, \
         genuinely signed calls, the contract's checks on every answer.",
        stage.base_url
    ));
    let small = small_transfer(stage).await?;
    large_transfer(stage).await?;
    blocked_network(stage).await?;
    tampered_call(stage, &small).await?;
    repeated_call(stage, &small).await
}

async fn small_transfer(stage: &Stage) -> Result<Exchange, DemoError> {
    say("\n1. A small transfer: the policy lets it pass.");
    let step_up = ask(stage, &request("20", "203.0.113.42")).await?;
    match step_up.outcome {
        StepUpOutcome::Granted(_) => {
            say("   The scope is granted at once, for one use.");
            Ok(step_up.exchange)
        }
        _ => Err(wrong("a small transfer was not continued")),
    }
}

async fn large_transfer(stage: &Stage) -> Result<(), DemoError> {
    say("\n2. A large transfer: an SMS code, then an identity check by the customer.");
    let step_up = ask(stage, &request("15000", "203.0.113.42")).await?;
    let StepUpOutcome::Challenged(challenge) = step_up.outcome else {
        return Err(wrong("a large transfer was not reviewed"));
    };
    expect_step(&challenge, "verify_sms")?;
    let challenge = stage.emulator.complete_managed_step(&challenge.challenge_token)?;
    say("   Prelude checks the SMS code; the challenge moves on to kyc_review.");
    expect_step(&challenge, "kyc_review")?;
    let token = mint(stage, &challenge).await?;
    let done = stage.emulator.continue_with(&challenge.challenge_token, &token).await?;
    expect_step(&done, "completed")?;
    say("   Prelude fetches our key set, verifies the token, completes the challenge: the scope is granted.");
    match stage.emulator.continue_with(&challenge.challenge_token, &token).await {
        Err(crate::emulator::EmulatorError::Refused(Refusal { code, .. })) => {
            say(&format!("   The same token a second time: Prelude refuses it ({}).", code.as_str()));
            Ok(())
        }
        _ => Err(wrong("a token was taken twice")),
    }
}

async fn mint(stage: &Stage, challenge: &Progress) -> Result<String, DemoError> {
    let body = serde_json::json!({ "challenge_token": challenge.challenge_token });
    let exchange = stage.backend.ask_for_token(&body).await?;
    let reply = exchange.reply.map_err(|_| wrong("the mint did not answer"))?;
    let body: serde_json::Value =
        serde_json::from_slice(&reply.body).map_err(|_| wrong("the mint did not answer with JSON"))?;
    let text = |name: &str| body.get(name).and_then(serde_json::Value::as_str);
    let token = text("verification_token").filter(|_| reply.status == 201);
    let token = token.ok_or_else(|| wrong("the mint refused a genuine challenge"))?;
    say("   The customer's backend has checked the user's identity and asks for a token:");
    say("   > POST /v1/verification-tokens {\"challenge_token\": \"eyJ…\"}");
    say(&format!(
        "   < 201 {{\"verification_token\": \"eyJ…\", \"expires_at\": \"{}\", \"kid\": \"{}\"}}",
        text("expires_at").unwrap_or_default(),
        text("kid").unwrap_or_default()
    ));
    Ok(token.to_owned())
}

async fn blocked_network(stage: &Stage) -> Result<(), DemoError> {
    say("\n3. The same user from a blocked network.");
    let step_up = ask(stage, &request("20", "198.51.100.7")).await?;
    if matches!(step_up.outcome, StepUpOutcome::Blocked) {
        Ok(())
    } else {
        Err(wrong("a blocked network got in"))
    }
}

async fn tampered_call(stage: &Stage, small: &Exchange) -> Result<(), DemoError> {
    say("\n4. Somebody changes the amount on its way: the signature no longer fits.");
    let exchange = stage.emulator.send_tampered(small, change_amount).await?;
    show(&exchange, "transfer:write {\"amount\":\"90\",…} with the signature of the first call")?;
    expect_status(&exchange, 401)
}

fn change_amount(call: &mut OutgoingCall) {
    let body = String::from_utf8_lossy(&call.body).replace(r#""amount":"20""#, r#""amount":"90""#);
    call.body = body.into_bytes();
}

async fn repeated_call(stage: &Stage, small: &Exchange) -> Result<(), DemoError> {
    say(
        "\n5. The first call once more, byte for byte: a retry gets the first answer and makes no second record.",
    );
    let exchange = stage.emulator.resend(small).await?;
    show(&exchange, "the first call again")?;
    expect_status(&exchange, 200)?;
    if body_of(&exchange)? == body_of(small)? { Ok(()) } else { Err(wrong("a retry got another answer")) }
}

/// Sends a signed call, shows it, and has the emulator judge the answer.
async fn ask(stage: &Stage, request: &HookRequest) -> Result<StepUp, DemoError> {
    let step_up = stage.emulator.request_step_up(request, SignatureStyle::default()).await?;
    let metadata: Vec<_> = request.metadata.iter().map(|(name, value)| format!("{name}={value}")).collect();
    show(&step_up.exchange, &format!("{} {} from {}", request.scope, metadata.join(" "), request.ip))?;
    match step_up.outcome {
        StepUpOutcome::Failed(failure) => Err(DemoError::Wrong(failure.to_string())),
        _ => Ok(step_up),
    }
}

fn show(exchange: &Exchange, what: &str) -> Result<(), DemoError> {
    let reply = exchange.reply.as_ref().map_err(|_| wrong("Doorstep did not answer"))?;
    say(&format!("   > POST /hooks/stepup, signed: {what}"));
    say(&format!(
        "   < {} {}  ({}.{} ms)",
        reply.status,
        String::from_utf8_lossy(&reply.body),
        exchange.took.as_millis(),
        exchange.took.subsec_micros() / 100 % 10
    ));
    Ok(())
}

fn request(amount: &str, ip: &str) -> HookRequest {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    HookRequest {
        scope: "transfer:write".to_owned(),
        user_id: USER.to_owned(),
        identifiers: vec![pair("phone_number", "+33612345678"), pair("email_address", "user@example.com")],
        user_agent: "Mozilla/5.0".to_owned(),
        platform: "WEB".to_owned(),
        ip: ip.to_owned(),
        metadata: vec![
            pair("amount", amount),
            pair("currency", "USD"),
            pair("payee", "DE89370400440532013000"),
        ],
    }
}

fn expect_step(progress: &Progress, step: &str) -> Result<(), DemoError> {
    if progress.current_step == step {
        Ok(())
    } else {
        Err(DemoError::Wrong(format!("the challenge stands at {}, not at {step}", progress.current_step)))
    }
}

fn expect_status(exchange: &Exchange, status: u16) -> Result<(), DemoError> {
    let found = exchange.reply.as_ref().map(|reply| reply.status);
    if found == Ok(status) { Ok(()) } else { Err(DemoError::Wrong(format!("the status is not {status}"))) }
}

fn body_of(exchange: &Exchange) -> Result<&[u8], DemoError> {
    exchange.reply.as_ref().map(|reply| reply.body.as_slice()).map_err(|_| wrong("Doorstep did not answer"))
}

fn wrong(what: &str) -> DemoError {
    DemoError::Wrong(what.to_owned())
}
