//! The application's webhooks: made, activated by whoever answers rightly at the address, and told what happened.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::super::events;
use super::super::identity::fresh_id;
use super::super::site::{Body, Fault, World};
use super::{moment, note};

/// The most webhooks that are kept; not documented.
const WEBHOOKS_MAX: usize = 100;
/// The longest address and the longest token (docs/CONTRACT.md C8.2).
const URL_BYTES_MAX: usize = 2048;
const TOKEN_CHARACTERS_MAX: usize = 100;

/// What can be subscribed to (docs/CONTRACT.md C9.3).
const EVENT_TYPES: [&str; 8] = [
    "user.created",
    "user.deleted",
    "user.profile.updated",
    "user.identifier.created",
    "user.identifier.deleted",
    "user.session.created",
    "user.session.revoked",
    "step_up.hook_failed",
];

/// One webhook.
#[derive(Debug, Clone)]
pub(in crate::emulator) struct Webhook {
    id: String,
    /// Where events go.
    pub(in crate::emulator) url: String,
    /// What the address must know.
    pub(in crate::emulator) verification_token: String,
    events: Vec<String>,
    is_active: bool,
    created_at: i64,
    updated_at: i64,
}

impl Webhook {
    fn shown(&self) -> Value {
        json!({
            "id": self.id, "url": self.url, "events": self.events, "active": self.is_active,
            "created_at": moment(self.created_at), "updated_at": moment(self.updated_at),
        })
    }

    /// Which of these events it is told: it is active, and subscribed to their types.
    pub(in crate::emulator) fn wants<'e>(&self, events: &'e [Value]) -> Vec<&'e Value> {
        let kind = |event: &Value| event["type"].as_str().unwrap_or_default().to_owned();
        let is_wanted = |event: &&Value| self.is_active && self.events.contains(&kind(event));
        events.iter().filter(is_wanted).collect()
    }
}

/// Adds the routes.
pub(super) fn routes(routes: &mut web::ServiceConfig) {
    const ALL: &str = "/v2/session/apps/{app_id}/webhooks";
    let one = format!("{ALL}/{{webhook_id}}");
    let (of_one, activation) = (format!("{one}/events"), format!("{one}/activate"));
    routes
        .route(ALL, web::get().to(list))
        .route(ALL, web::post().to(create))
        .route(&of_one, web::post().to(subscribe))
        .route(&activation, web::post().to(activate));
}

fn event_type(event: &Value) -> Result<String, Fault> {
    let known = event.as_str().filter(|event| EVENT_TYPES.contains(event));
    known.map(str::to_owned).ok_or_else(|| Fault::bad_request("there is no such type of events"))
}

/// `GET …/webhooks`.
async fn list(world: web::Data<World>, request: HttpRequest) -> Result<HttpResponse, Fault> {
    world.management.admit(&request)?;
    let shown: Vec<Value> = world.management.configured().webhooks.iter().map(Webhook::shown).collect();
    Ok(HttpResponse::Ok().json(json!({ "webhooks": shown })))
}

/// `POST …/webhooks` with `{url, verification_token, events}`: makes one that is not active yet.
async fn create(
    world: web::Data<World>,
    request: HttpRequest,
    bytes: web::Bytes,
) -> Result<HttpResponse, Fault> {
    world.management.admit(&request)?;
    let body = Body::read(&request, &bytes, &["url", "verification_token", "events"])?;
    let (url, token) = (body.text("url")?, body.text("verification_token")?);
    world.management.rules.addresses.check("url", url)?;
    if url.len() > URL_BYTES_MAX || token.is_empty() || token.chars().count() > TOKEN_CHARACTERS_MAX {
        return Err(Fault::bad_request("url or verification_token is too long, or there is no token"));
    }
    let events = body.get("events").and_then(Value::as_array);
    let events = events.ok_or_else(|| Fault::bad_request("events is missing or not a list"))?;
    let now = world.clock.now();
    let webhook = Webhook {
        id: fresh_id("web_")?,
        url: url.to_owned(),
        verification_token: token.to_owned(),
        events: events.iter().map(event_type).collect::<Result<_, _>>()?,
        is_active: false,
        created_at: now,
        updated_at: now,
    };
    let shown = webhook.shown();
    {
        let webhooks = &mut world.management.configured().webhooks;
        if webhooks.len() >= WEBHOOKS_MAX {
            return Err(Fault::bad_request("the emulator keeps no more webhooks"));
        }
        webhooks.push(webhook);
    }
    note(&world, "webhooks", &shown);
    Ok(HttpResponse::Created().json(json!({ "webhook": shown })))
}

/// Changes the webhook that the path names.
fn change(world: &World, request: &HttpRequest, change: impl FnOnce(&mut Webhook)) -> Result<Value, Fault> {
    let id = request.match_info().get("webhook_id").unwrap_or_default();
    let mut configured = world.management.configured();
    let webhook = configured.webhooks.iter_mut().find(|webhook| webhook.id == id);
    let webhook = webhook.ok_or_else(|| Fault::not_found("there is no such webhook"))?;
    change(webhook);
    webhook.updated_at = world.clock.now();
    Ok(webhook.shown())
}

/// `POST …/webhooks/{id}/events` with `{event}`.
async fn subscribe(
    world: web::Data<World>,
    request: HttpRequest,
    bytes: web::Bytes,
) -> Result<HttpResponse, Fault> {
    world.management.admit(&request)?;
    let body = Body::read(&request, &bytes, &["event"])?;
    let event = event_type(body.get("event").unwrap_or(&Value::Null))?;
    let shown = change(&world, &request, |webhook| {
        if !webhook.events.contains(&event) {
            webhook.events.push(event);
        }
    })?;
    note(&world, "webhooks", &shown);
    Ok(HttpResponse::Created().json(json!({ "webhook": shown })))
}

/// `POST …/webhooks/{id}/activate`: asks the address for a number, and activates it if that comes back.
async fn activate(world: web::Data<World>, request: HttpRequest) -> Result<HttpResponse, Fault> {
    world.management.admit(&request)?;
    let mut asked = None;
    change(&world, &request, |webhook| asked = Some(webhook.clone()))?;
    let webhook = asked.ok_or_else(|| Fault::not_found("there is no such webhook"))?;
    events::ask(&world, &webhook).await?;
    let shown = change(&world, &request, |webhook| webhook.is_active = true)?;
    note(&world, "webhooks", &shown);
    Ok(HttpResponse::Ok().json(json!({ "webhook": shown })))
}
