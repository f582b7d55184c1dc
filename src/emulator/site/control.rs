//! What tests and developers tell the emulator itself, under `/_emulator/`: pages cannot call it.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::events;
use super::{Body, Fault, World};

/// Adds the routes.
pub(super) fn routes(routes: &mut web::ServiceConfig) {
    routes
        .route("/_emulator/log", web::get().to(read_journal))
        .route("/_emulator/events", web::post().to(events::tell))
        .route("/_emulator/clock", web::get().to(read_clock))
        .route("/_emulator/clock", web::put().to(set_clock));
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct From {
    #[serde(default)]
    after: u64,
}

/// `GET /_emulator/log?after=NUMBER`: what happened since.
async fn read_journal(world: web::Data<World>, from: web::Query<From>) -> HttpResponse {
    HttpResponse::Ok().json(world.journal.read(from.after))
}

/// `GET /_emulator/clock`.
async fn read_clock(world: web::Data<World>) -> HttpResponse {
    HttpResponse::Ok().json(clock(&world))
}

/// `PUT /_emulator/clock` with `{ahead_seconds}`: everything of the emulator's own is judged by its clock from now on;
/// 0 sets it back to the machine's.
async fn set_clock(
    world: web::Data<World>,
    request: HttpRequest,
    bytes: web::Bytes,
) -> Result<HttpResponse, Fault> {
    let body = Body::read(&request, &bytes, &["ahead_seconds"])?;
    let seconds =
        body.get("ahead_seconds").and_then(Value::as_u64).and_then(|seconds| u32::try_from(seconds).ok());
    world.clock.set_ahead(seconds.ok_or_else(|| Fault::bad_request("ahead_seconds is not a whole number"))?);
    Ok(HttpResponse::Ok().json(clock(&world)))
}

fn clock(world: &World) -> Value {
    json!({ "now": world.clock.now(), "ahead_seconds": world.clock.ahead_seconds() })
}
