//! Logging in: by a code, or by e-mail address and password with a finalising call.

use std::collections::HashMap;

use actix_web::http::header::TryIntoHeaderPair;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::super::super::identity::fresh_id;
use super::super::super::people::{Identifier, User};
use super::super::{Body, Fault, World};
use super::caller::{cookie, fresh_proof, set_cookie};
use super::locked;

/// The cookie that a code's page has.
const COOKIE: &str = "__Host-prld_login";

/// How long a password login may wait to be finalised, in seconds.
const FINALIZE_WITHIN_SECONDS: i64 = 300;

/// The shortest password.
const PASSWORD_CHARACTERS_MIN: usize = 8;

/// Password logins that wait to be finalised: user and moment, by token.
pub(super) type Finishing = HashMap<String, (String, i64)>;

/// Adds the routes.
pub(super) fn routes(routes: &mut web::ServiceConfig) {
    routes
        .route("/login/otp", web::post().to(start))
        .route("/login/otp/check", web::post().to(check))
        .route("/login/otp/retry", web::post().to(retry))
        .route("/login/email/sign-up", web::post().to(sign_up))
        .route("/login/email/password", web::post().to(by_password))
        .route("/login/finalize", web::post().to(finalize))
        .route("/login/oauth/{provider}/authorize", web::post().to(by_provider))
        .route("/password/compliancy", web::get().to(compliancy));
}

/// `POST /login/otp` with `{identifier}`: sends a code.
async fn start(
    world: web::Data<World>,
    request: HttpRequest,
    bytes: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let body = Body::read(&request, &bytes, &["identifier", "login_config_id", "dispatch_id"])?;
    let member = |name: &str| {
        let identifier = body.get("identifier").and_then(Value::as_object);
        identifier.and_then(|identifier| identifier.get(name)).and_then(Value::as_str).unwrap_or_default()
    };
    let to = Identifier::read(member("type"), member("value"))?;
    let name = locked(&world.front.codes).send(&to, "", world.clock.now())?;
    world.note_code("login", &to);
    Ok(HttpResponse::Ok().insert_header(set_cookie(COOKIE, Some(&name))).json(json!({})))
}

/// `POST /login/otp/check` with `{code}`: logs in.
async fn check(
    world: web::Data<World>,
    request: HttpRequest,
    bytes: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let body = Body::read(&request, &bytes, &["code"])?;
    let is_right = body.text("code")? == world.settings.front.code;
    let proof = fresh_proof(&world, &request)?;
    let name = cookie(&request, COOKIE).unwrap_or_default();
    let identifier = locked(&world.front.codes).check(name, "", is_right, world.clock.now())?;
    let (user, is_new) = locked(&world.front.people).find_or_add(&identifier)?;
    if is_new {
        note_user(&world, &user);
    }
    let mut answer = log_in(&world, &user.id, &proof.thumbprint)?;
    if let Ok((name, value)) = set_cookie(COOKIE, None).try_into_pair() {
        answer.headers_mut().insert(name, value);
    }
    Ok(answer)
}

/// `POST /login/otp/retry`: sends the code again.
async fn retry(world: web::Data<World>, request: HttpRequest) -> Result<HttpResponse, Fault> {
    let name = cookie(&request, COOKIE).unwrap_or_default();
    let to = locked(&world.front.codes).send_again(name, world.clock.now())?;
    world.note_code("login", &to);
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /login/email/sign-up` with `{identifier, password}`: makes a user, who then finalises the login.
async fn sign_up(
    world: web::Data<World>,
    request: HttpRequest,
    bytes: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let (email, password) = credentials(&request, &bytes)?;
    if password.chars().count() < PASSWORD_CHARACTERS_MIN {
        return Err(Fault::new(400, "invalid_password", "the password is shorter than 8 characters"));
    }
    let user = User { id: fresh_id("usr_")?, identifiers: vec![email] };
    {
        let mut people = locked(&world.front.people);
        people.add(user.clone())?;
        people.set_password(&user.id, &password);
    }
    note_user(&world, &user);
    to_finalize(&world, &user.id)
}

/// `POST /login/email/password` with `{identifier, password}`.
async fn by_password(
    world: web::Data<World>,
    request: HttpRequest,
    bytes: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let (email, password) = credentials(&request, &bytes)?;
    let user = locked(&world.front.people).by_password(&email, &password).cloned();
    let user = user.ok_or_else(|| Fault::unauthorized("no user with this e-mail address and password"))?;
    to_finalize(&world, &user.id)
}

/// `POST /login/finalize` with `{challenge_token}`: logs in.
async fn finalize(
    world: web::Data<World>,
    request: HttpRequest,
    bytes: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let body = Body::read(&request, &bytes, &["challenge_token", "code_verifier"])?;
    let token = body.text("challenge_token")?;
    let proof = fresh_proof(&world, &request)?;
    let waiting = locked(&world.front.logins).remove(token);
    let (user_id, began_at) =
        waiting.ok_or_else(|| Fault::new(400, "invalid_challenge_token", "no such login waits"))?;
    if world.clock.now() >= began_at.saturating_add(FINALIZE_WITHIN_SECONDS) {
        return Err(Fault::new(400, "expired_challenge_token", "the login waited too long"));
    }
    log_in(&world, &user_id, &proof.thumbprint)
}

/// `POST /login/oauth/{provider}/authorize`: the emulator has no identity providers.
async fn by_provider() -> Result<HttpResponse, Fault> {
    Err(Fault::new(400, "oauth_provider_not_configured", "the emulator has no identity providers"))
}

/// `GET /password/compliancy`.
async fn compliancy() -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "min_length": PASSWORD_CHARACTERS_MIN, "max_length": 0, "uppercase": 0, "lowercase": 0, "numbers": 0, "symbols": 0,
    }))
}

fn credentials(request: &HttpRequest, bytes: &web::Bytes) -> Result<(Identifier, String), Fault> {
    let body = Body::read(request, bytes, &["identifier", "password", "dispatch_id"])?;
    let email = Identifier::read("email_address", body.text("identifier")?)?;
    Ok((email, body.text("password")?.to_owned()))
}

fn to_finalize(world: &World, user_id: &str) -> Result<HttpResponse, Fault> {
    let (token, now) = (fresh_id("login_")?, world.clock.now());
    let mut logins = locked(&world.front.logins);
    logins.retain(|_, (_, began_at)| now < began_at.saturating_add(FINALIZE_WITHIN_SECONDS));
    logins.insert(token.clone(), (user_id.to_owned(), now));
    Ok(HttpResponse::Ok().json(json!({ "challenge_token": token })))
}

fn log_in(world: &World, user_id: &str, thumbprint: &str) -> Result<HttpResponse, Fault> {
    let opened = locked(&world.front.people).open_session(user_id, thumbprint, world.clock.now());
    let session = opened?;
    world.note("session_created", json!({ "user_id": user_id, "session_id": session.id }));
    world.answer_with_tokens(&session, None)
}

fn note_user(world: &World, user: &User) {
    let identifiers: Vec<_> =
        user.identifiers.iter().map(|one| json!({ "type": one.kind, "value": one.value })).collect();
    world.note("user_created", json!({ "user_id": user.id, "identifiers": identifiers }));
}

impl World {
    /// Writes down that a code was sent.
    pub(super) fn note_code(&self, purpose: &str, to: &Identifier) {
        let code = &self.settings.front.code;
        self.note("code_sent", json!({ "for": purpose, "type": to.kind, "to": to.value, "code": code }));
    }
}
