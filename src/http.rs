//! The only room that knows actix: a handler extracts, calls one use case and maps.

mod accesses;
mod callbacks;
mod decisions;
mod desk;
mod evaluate;
mod events;
mod extract;
mod facts;
mod grants;
mod health;
mod hook;
mod jwks;
mod policies;
mod post;
mod problem;
mod refusals;
mod request_id;
mod server;
mod verifications;

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};

use self::extract::BodyLimits;
use self::problem::Refusal;
use self::request_id::RequestId;
use crate::app::App;

pub(crate) use server::{Running, serve};

/// What every handler shares.
struct Server {
    app: Arc<App>,
    hook_body: BodyLimits,
    api_body: BodyLimits,
    callback_body: BodyLimits,
}

/// Turns a use case's result into the answer and names it; a refusal is logged here, once.
fn answer(request: &HttpRequest, result: Result<HttpResponse, Refusal>) -> HttpResponse {
    let request_id = RequestId::next();
    let response = result.unwrap_or_else(|refusal| {
        if refusal.is_news() {
            let route = request.match_pattern();
            let detail = refusal.detail();
            tracing::info!(%request_id, route, cause = refusal.cause(), detail, "A request was refused.");
        }
        refusal.respond(request_id)
    });
    request_id.on(response)
}
