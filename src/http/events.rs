//! `GET|POST /hooks/events`: Prelude tells what happened there.

use std::time::Duration;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::extract::{json_body, signature_headers};
use super::problem::{Refusal, events_unfinished, not_found};
use super::{Server, answer};

/// From a batch's head to its answer: Prelude waits ten seconds (docs/CONTRACT.md C9.2).
const ANSWER_WITHIN: Duration = Duration::from_secs(9);

/// Activates the webhook.
pub(super) async fn activate(request: HttpRequest, server: Data<Server>) -> HttpResponse {
    let result = server.app.activate_events(request.query_string()).map_err(Refusal::from);
    answer(&request, result.map(told))
}

/// Takes a batch; 200 leaves only after all of it is on disk, so that Prelude sends again what got anything else.
pub(super) async fn receive(request: HttpRequest, payload: Payload, server: Data<Server>) -> HttpResponse {
    let taken = tokio::time::timeout(ANSWER_WITHIN, take(&request, payload, &server)).await;
    let result = match taken {
        Ok(result) => result,
        Err(_) => Err(events_unfinished()),
    };
    if let Err(refusal) = &result
        && server.app.takes_events()
    {
        server.app.metrics().prelude_event_refusal(refusal.cause());
    }
    answer(&request, result)
}

async fn take(request: &HttpRequest, payload: Payload, server: &Server) -> Result<HttpResponse, Refusal> {
    if !server.app.takes_events() {
        return Err(not_found());
    }
    let body = json_body(request, payload, server.callback_body).await?;
    let call = server.app.verify_call(signature_headers(request), &body).await?;
    server.app.take_events(&call).await?;
    Ok(told("{\"status\":\"recorded\"}".to_owned()))
}

fn told(text: String) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).content_type("application/json").body(text)
}
