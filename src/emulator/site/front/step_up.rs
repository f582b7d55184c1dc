//! Step-ups: asked for, decided by the customer's hook or the configuration, walked on.

use actix_web::http::header::USER_AGENT;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};

use super::super::super::answer::{self, Answer, AnswerRules, Grant, Mode};
use super::super::super::challenge::{Opening, Progress};
use super::super::super::courier::Exchange;
use super::super::super::hook_call::{HookRequest, OutgoingCall};
use super::super::super::management::{Decision, StepUpConfig};
use super::super::super::people::Session;
use super::super::super::verification::Candidate;
use super::super::{Body, Fault, World};
use super::caller::{bearer, header, proven_challenge};
use super::locked;

/// What a page may send along (docs/CONTRACT.md C2.5).
const METADATA_FIELDS_MAX: usize = 5;
const METADATA_KEY_CHARACTERS_MAX: usize = 12;
const METADATA_VALUE_CHARACTERS_MAX: usize = 32;
const IDENTIFIER_CHARACTERS_MAX: usize = 320;

/// Adds the routes.
pub(super) fn routes(routes: &mut web::ServiceConfig) {
    routes
        .route("/stepup/request", web::post().to(request))
        .route("/stepup/continue", web::post().to(continue_));
}

/// `POST /stepup/request` with `{scope, metadata}`.
async fn request(
    world: web::Data<World>,
    http: HttpRequest,
    bytes: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let session = bearer(&world, &http)?;
    let body = Body::read(&http, &bytes, &["scope", "metadata", "dispatch_id"])?;
    let scope = body.text("scope")?;
    let metadata = metadata(body.get("metadata"))?;
    let config = world.management.step_up();
    let config =
        config.ok_or_else(|| Fault::new(400, "not_configured", "there is no step-up configuration"))?;
    let not_allowed = |why: &str| Fault::new(403, "scope_not_allowed", why);
    if !config.allows(scope) {
        return Err(not_allowed("the scope is not in allowed_scopes"));
    }
    let asked = hook_request(&world, &http, &session, (scope, metadata))?;
    let kinds: Vec<&str> = asked.identifiers.iter().map(|(kind, _)| kind.as_str()).collect();
    let answer = match config.decision(scope, &kinds) {
        None => return Err(not_allowed("no entry of allowed_scopes is for the user's identifiers")),
        Some(Decision::Managed) => {
            return Err(Fault::new(400, "not_configured", "the emulator does not walk managed scopes"));
        }
        Some(Decision::Direct { granted_for_seconds, steps, .. }) => {
            let grant = Grant { mode: Mode::SessionBound, granted_for_seconds: *granted_for_seconds };
            if steps.is_empty() { Answer::Continue(grant) } else { Answer::Review(grant, steps.clone()) }
        }
        Some(Decision::Delegated { hook_url }) => ask(&world, hook_url, &asked, &config).await?,
    };
    world.management.unwalkable().judge_steps(&answer)?;
    let (status, grant, steps) = match answer {
        Answer::Block => return Ok(HttpResponse::Ok().json(json!({ "status": "block" }))),
        Answer::Continue(grant) => ("continue", grant, Vec::new()),
        Answer::Review(grant, steps) => ("review", grant, steps),
    };
    let opening = Opening { request: &asked, session_id: &session.id, grant, steps };
    let opened = locked(&world.front.challenges).open(opening, world.issued_by(), world.clock.now());
    let progress = opened?;
    note_progress(&world, &progress, &session);
    Ok(HttpResponse::Ok().json(json!({ "status": status, "challenge_token": progress.challenge_token })))
}

/// `POST /stepup/continue` with `{challenge_token, verification_token}`.
async fn continue_(
    world: web::Data<World>,
    http: HttpRequest,
    bytes: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let session = bearer(&world, &http)?;
    let body = Body::read(&http, &bytes, &["challenge_token", "verification_token"])?;
    let (presented, walking) = proven_challenge(&world, &http, body.text("challenge_token")?)?;
    if walking.id != session.id {
        return Err(Fault::new(400, "token_mismatch", "the challenge is another session's"));
    }
    let config = world.management.step_up();
    let jwks_url = config.as_ref().and_then(StepUpConfig::jwks_url);
    let jwks_url = jwks_url.ok_or_else(|| Fault::new(400, "not_configured", "there is no jwks_url"))?;
    let candidate = Candidate::read(body.text("verification_token")?)?;
    let key_set = world.front.key_set(jwks_url);
    let key = key_set.key(&world.front.courier, candidate.kid(), world.clock.now()).await?;
    let now = world.clock.now();
    let statement = candidate.check(&key, now, world.settings.front.token_life_seconds_max)?;
    let moved = locked(&world.front.challenges).continue_with(&presented, &statement, world.issued_by(), now);
    Ok(world.answer_with_progress(&moved?, &session))
}

impl World {
    /// Answers with the token for where a challenge stands now.
    pub(super) fn answer_with_progress(&self, progress: &Progress, session: &Session) -> HttpResponse {
        note_progress(self, progress, session);
        HttpResponse::Ok().json(json!({ "challenge_token": progress.challenge_token }))
    }
}

fn note_progress(world: &World, progress: &Progress, session: &Session) {
    world.note(
        "challenge",
        json!({
            "challenge_id": progress.challenge_id, "current_step": progress.current_step,
            "ends_at": progress.ends_at, "user_id": session.user_id, "session_id": session.id,
        }),
    );
}

/// Calls the hook and judges its answer.
async fn ask(
    world: &World,
    hook_url: &str,
    asked: &HookRequest,
    config: &StepUpConfig,
) -> Result<Answer, Fault> {
    let style = world.settings.front.signature_style;
    let call = OutgoingCall::signed(&world.identity.signing_key(), asked.body()?, style)?;
    let exchange = world.front.courier.post(hook_url, &call).await?;
    let rules = AnswerRules { scope: &asked.scope, custom_steps: config.custom_steps() };
    let judged = answer::judge(&exchange.reply, rules);
    note_call(world, &exchange, asked, judged.as_ref().err().map(|failure| failure.reason.as_str()));
    judged.map_err(|failure| Fault::new(500, "internal", format!("the hook failed: {failure}")))
}

fn note_call(world: &World, exchange: &Exchange, asked: &HookRequest, failure: Option<&str>) {
    let reply = exchange.reply.as_ref().ok();
    let body = |bytes: &[u8]| {
        serde_json::from_slice(bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(bytes)))
    };
    world.note(
        "hook_call",
        json!({
            "url": exchange.url, "user_id": asked.user_id, "scope": asked.scope, "sent": body(&exchange.call.body),
            "status": reply.map(|reply| reply.status), "answer": reply.map(|reply| body(&reply.body)),
            "failure": failure, "took_ms": u64::try_from(exchange.took.as_millis()).unwrap_or(u64::MAX),
        }),
    );
}

/// What the hook is told.
fn hook_request(
    world: &World,
    http: &HttpRequest,
    session: &Session,
    (scope, metadata): (&str, Vec<(String, String)>),
) -> Result<HookRequest, Fault> {
    let identifiers = locked(&world.front.people).user(&session.user_id).map(|user| {
        user.identifiers.iter().map(|one| (one.kind.clone(), one.value.clone())).collect::<Vec<_>>()
    });
    let sdk = header(http, "X-SDK-User-Agent")?.unwrap_or_default();
    let platform = match sdk {
        sdk if sdk.contains("Android") => "ANDROID",
        sdk if sdk.contains("iOS") => "IOS",
        _ => "WEB",
    };
    let ip = world.settings.front.device_ip.or_else(|| http.peer_addr().map(|peer| peer.ip()));
    Ok(HookRequest {
        scope: scope.to_owned(),
        user_id: session.user_id.clone(),
        identifiers: identifiers.ok_or_else(|| Fault::unauthorized("there is no such user"))?,
        user_agent: header(http, USER_AGENT.as_str())?.unwrap_or_default().to_owned(),
        platform: platform.to_owned(),
        ip: ip.map_or_else(String::new, |ip| ip.to_string()),
        metadata,
    })
}

/// What a page sends along, within its bounds.
///
/// # Errors
/// `invalid_metadata`.
///
/// # Reference
/// docs/CONTRACT.md C2.5
fn metadata(sent: Option<&Value>) -> Result<Vec<(String, String)>, Fault> {
    let refused = |detail: &str| Fault::new(400, "invalid_metadata", detail);
    let none = Map::new();
    let sent =
        sent.map_or(Some(&none), Value::as_object).ok_or_else(|| refused("metadata is not an object"))?;
    if sent.len() > METADATA_FIELDS_MAX {
        return Err(refused("metadata has more than 5 fields"));
    }
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
    let mut fields = Vec::with_capacity(sent.len());
    for (key, value) in sent {
        if key.is_empty() || key.len() > METADATA_KEY_CHARACTERS_MAX || !key.bytes().all(alphabet) {
            return Err(refused("a key is not 1 to 12 characters of a-z A-Z 0-9 . - _ :"));
        }
        let value = value.as_str().ok_or_else(|| refused("a value is not text"))?;
        let longest =
            if key == "identifier" { IDENTIFIER_CHARACTERS_MAX } else { METADATA_VALUE_CHARACTERS_MAX };
        if value.chars().count() > longest {
            return Err(refused("a value is too long"));
        }
        fields.push((key.clone(), value.to_owned()));
    }
    Ok(fields)
}
