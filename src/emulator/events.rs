//! What Prelude tells a webhook: whether it is the customer's, and then what happened, signed, in batches.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::EmulatorError;
use super::courier::Courier;
use super::hook_call::{OutgoingCall, SignatureStyle};
use super::identity::fresh_id;
use super::management::Webhook;
use super::site::{Fault, World, read_object};

/// The digits of a number that an address must give back.
const CHALLENGE_MODULUS: u64 = 1_000_000_000;

/// Asks a webhook's address for a number, as an activation does.
///
/// # Errors
/// `bad_request` unless the answer is 200 with that number and nothing else.
///
/// # Reference
/// docs/CONTRACT.md C9.1
pub(super) async fn ask(world: &World, webhook: &Webhook) -> Result<(), Fault> {
    let drawn = fresh_id("")?;
    let challenge =
        drawn.bytes().fold(0, |number: u64, byte| (number * 31 + u64::from(byte)) % CHALLENGE_MODULUS);
    let mut url =
        url::Url::parse(&webhook.url).map_err(|_| Fault::bad_request("the webhook has no address"))?;
    url.query_pairs_mut()
        .append_pair("event", "activate")
        .append_pair("verification_token", &webhook.verification_token)
        .append_pair("challenge", &challenge.to_string())
        .append_pair("app_id", world.management.app_id());
    let refused = |rule: &str| Fault::bad_request(format!("the webhook was not activated: {rule}"));
    let reply =
        Courier::new()?.get(url.as_str()).await.map_err(|_| refused("its address does not answer"))?;
    let answer: Option<Value> = serde_json::from_slice(&reply.body).ok();
    if reply.status != 200 {
        return Err(refused("its address did not answer 200"));
    }
    if answer != Some(json!({ "challenge": challenge })) {
        return Err(refused("its address did not give the number back"));
    }
    Ok(())
}

/// `POST /_emulator/events` with `{events: […]}`: tells every active webhook what it subscribed to, as one signed batch each.
///
/// The answer says how each took it: `{told: [{url, status}]}`, `status` null where none came.
pub(super) async fn tell(
    world: web::Data<World>,
    request: HttpRequest,
    bytes: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let body = read_object(&request, &bytes)?;
    let events = body.get("events").and_then(Value::as_array);
    let events = events.ok_or_else(|| Fault::bad_request("events is missing or not a list"))?;
    let courier = Courier::new()?;
    let mut told = Vec::new();
    for webhook in world.management.webhooks() {
        let wanted = webhook.wants(events);
        if wanted.is_empty() {
            continue;
        }
        let batch = json!({ "app_id": world.management.app_id(), "events": wanted });
        let batch = serde_json::to_vec(&batch).map_err(|_| EmulatorError::Serialisation)?;
        let call = OutgoingCall::signed(&world.identity.signing_key(), batch, SignatureStyle::default())?;
        let status = courier.post(&webhook.url, &call).await?.reply.ok().map(|reply| reply.status);
        let entry = json!({ "url": webhook.url, "status": status });
        world.journal.write(world.clock.now(), "told", entry.clone());
        told.push(entry);
    }
    Ok(HttpResponse::Ok().json(json!({ "told": told })))
}
