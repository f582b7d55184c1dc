//! Sessions: refreshed with proof of the key that logged in, listed, ended.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::super::people::Session;
use super::super::{Body, Fault, World};
use super::caller::{bearer, challenge, fresh_proof, header};
use super::{locked, moment};

/// The longest page of sessions.
const PAGE_MAX: usize = 100;

/// Adds the routes.
pub(super) fn routes(routes: &mut web::ServiceConfig) {
    routes
        .route("/refresh", web::post().to(refresh))
        .route("/revoke", web::post().to(log_out))
        .route("/me/list", web::get().to(list))
        .route("/me/revoke", web::post().to(revoke));
}

/// `POST /refresh` with `{step_up_token}` or nothing: the next access token, with the scope of a completed challenge.
async fn refresh(
    world: web::Data<World>,
    request: HttpRequest,
    bytes: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let body = Body::read_optional(&request, &bytes, &["step_up_token"])?;
    let session = proven_session(&world, &request)?;
    let granted = match body.optional_text("step_up_token")? {
        None => None,
        Some(token) => {
            let presented = challenge(&world, token)?;
            Some(locked(&world.front.challenges).redeem(&presented, &session.id)?)
        }
    };
    let renewed = locked(&world.front.people).renew(&session.id, world.clock.now());
    world.answer_with_tokens(&renewed?, granted)
}

/// `POST /revoke`: logs out.
async fn log_out(world: web::Data<World>, request: HttpRequest) -> Result<HttpResponse, Fault> {
    let session = proven_session(&world, &request)?;
    end(&world, &session);
    Ok(HttpResponse::NoContent().finish())
}

/// The session of a refresh token, shown with a fresh proof of the session's key.
fn proven_session(world: &World, request: &HttpRequest) -> Result<Session, Fault> {
    let proof = fresh_proof(world, request)?;
    let token = header(request, "X-Refresh-Token")?
        .ok_or_else(|| Fault::unauthorized("there is no X-Refresh-Token header"))?;
    let people = locked(&world.front.people);
    people.by_refresh_token(token, &proof.thumbprint, world.clock.now()).cloned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    limit: Option<usize>,
    offset: Option<usize>,
}

/// `GET /me/list?limit=…&offset=…`.
async fn list(
    world: web::Data<World>,
    request: HttpRequest,
    page: Result<web::Query<Page>, actix_web::Error>,
) -> Result<HttpResponse, Fault> {
    let own = bearer(&world, &request)?;
    let page = page.map_err(|_| Fault::bad_request("limit or offset is not a whole number"))?.into_inner();
    let (limit, offset) = (page.limit.unwrap_or(10), page.offset.unwrap_or(0));
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Fault::new(400, "invalid_pagination_limit", "limit is not 1 to 100"));
    }
    let sessions = locked(&world.front.people).sessions_of(&own.user_id);
    let shown: Vec<Value> = sessions.iter().skip(offset).take(limit).map(shown).collect();
    Ok(HttpResponse::Ok()
        .json(json!({ "sessions": shown, "total": sessions.len(), "limit": limit, "offset": offset })))
}

fn shown(session: &Session) -> Value {
    json!({
        "id": session.id, "device_model": "", "device_type": "unknown", "os_version": "", "country_code": "",
        "created_at": moment(session.created_at), "last_seen_at": moment(session.last_seen_at),
        "expires_at": moment(session.refresh_ends_at),
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    target: String,
    session_id: Option<String>,
}

/// `POST /me/revoke?target=all|others|mine|session&session_id=…`.
async fn revoke(
    world: web::Data<World>,
    request: HttpRequest,
    target: Result<web::Query<Target>, actix_web::Error>,
) -> Result<HttpResponse, Fault> {
    let own = bearer(&world, &request)?;
    let target = target.map_err(|_| Fault::bad_request("target is missing"))?.into_inner();
    let is_meant = |session: &Session| match (target.target.as_str(), &target.session_id) {
        ("all", None) => Some(true),
        ("others", None) => Some(session.id != own.id),
        ("mine", None) => Some(session.id == own.id),
        ("session", Some(id)) => Some(session.id == *id),
        _ => None,
    };
    let sessions = locked(&world.front.people).sessions_of(&own.user_id);
    let mut meant = Vec::new();
    for session in sessions {
        match is_meant(&session) {
            Some(true) => meant.push(session),
            Some(false) => {}
            None => {
                return Err(Fault::bad_request(
                    "target is not all, others, mine, or session with session_id",
                ));
            }
        }
    }
    if target.target == "session" && meant.is_empty() {
        return Err(Fault::not_found("no such session"));
    }
    meant.iter().for_each(|session| end(&world, session));
    Ok(HttpResponse::NoContent().finish())
}

fn end(world: &World, session: &Session) {
    if locked(&world.front.people).end(&session.id) {
        locked(&world.front.grants).end_session(&session.id);
        world.note("session_revoked", json!({ "user_id": session.user_id, "session_id": session.id }));
    }
}
