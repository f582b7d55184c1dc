//! The managed steps that are done by a code: sent to the user's phone or mailbox, checked, sent again.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::super::super::answer::PASSKEY;
use super::super::super::challenge_token::Presented;
use super::super::super::people::Identifier;
use super::super::super::refusal::{Refusal, RefusalCode};
use super::super::{Body, Fault, World};
use super::caller::{challenge, cookie, proven_challenge, set_cookie};
use super::locked;

/// The cookie that a code's page has.
const COOKIE: &str = "__Host-prld_step";

/// Adds the routes.
pub(super) fn routes(routes: &mut web::ServiceConfig) {
    routes
        .route("/otp", web::post().to(create))
        .route("/otp/check", web::post().to(check))
        .route("/otp/retry", web::post().to(retry));
}

/// `POST /otp` with `{challenge_token}`: sends a code for the current step.
async fn create(
    world: web::Data<World>,
    request: HttpRequest,
    bytes: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let body = Body::read(&request, &bytes, &["challenge_token", "dispatch_id"])?;
    let presented = challenge(&world, body.text("challenge_token")?)?;
    let to = recipient(&world, &presented)?;
    let name = locked(&world.front.codes).send(&to, &presented.challenge_id, world.clock.now())?;
    world.note_code(&presented.challenge_id, &to);
    Ok(HttpResponse::Ok().insert_header(set_cookie(COOKIE, Some(&name))).json(json!({})))
}

/// `POST /otp/check` with `{challenge_token, code}`: finishes the current step.
async fn check(
    world: web::Data<World>,
    request: HttpRequest,
    bytes: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let body = Body::read(&request, &bytes, &["challenge_token", "code"])?;
    let is_right = body.text("code")? == world.settings.front.code;
    let (presented, session) = proven_challenge(&world, &request, body.text("challenge_token")?)?;
    recipient(&world, &presented)?;
    let now = world.clock.now();
    let name = cookie(&request, COOKIE).unwrap_or_default();
    locked(&world.front.codes).check(name, &presented.challenge_id, is_right, now)?;
    let moved = locked(&world.front.challenges).complete_managed_step(&presented, world.issued_by(), now);
    Ok(world.answer_with_progress(&moved?, &session))
}

/// `POST /otp/retry`: sends the code again.
async fn retry(world: web::Data<World>, request: HttpRequest) -> Result<HttpResponse, Fault> {
    let name = cookie(&request, COOKIE).unwrap_or_default();
    let to = locked(&world.front.codes).send_again(name, world.clock.now())?;
    world.note_code("step", &to);
    Ok(HttpResponse::NoContent().finish())
}

/// Whereto the code of a challenge's current step goes.
///
/// # Errors
/// `invalid_challenge_token`, `step_bypassed` for a step that is not done by a code, `identifier_missing`.
fn recipient(world: &World, presented: &Presented) -> Result<Identifier, Fault> {
    let standing = locked(&world.front.challenges).standing(presented)?;
    let bypassed = |detail| Fault::from(Refusal::new(RefusalCode::StepBypassed, detail));
    let kind = match standing.current_step.as_deref() {
        Some("verify_sms") => "phone_number",
        Some("verify_email") => "email_address",
        Some(PASSKEY) => {
            return Err(bypassed("the current step is done by a passkey, and the emulator has none"));
        }
        _ => return Err(bypassed("the current step is not done by a code")),
    };
    let found = standing.identifiers.into_iter().find(|(found, _)| found == kind);
    let missing = Refusal::new(RefusalCode::IdentifierMissing, "the user has nothing to send the code to");
    let (kind, value) = found.ok_or(missing)?;
    Identifier::read(&kind, &value)
}
