//! `GET|POST /hooks/events`: Prelude tells what happened there.

use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::problem::{Refusal, events_unfinished, not_found};
use super::{RECORDED, Server, answer, open_or, signed};

/// From a batch's head to its answer: Prelude waits ten seconds (docs/CONTRACT.md C9.2).
const ANSWER_WITHIN: Duration = Duration::from_secs(9);

/// Activates the webhook.
pub(super) async fn activate(request: HttpRequest, server: Data<Server>) -> HttpResponse {
    open_or(&request, || Ok(told(server.app.activate_events(request.query_string())?)))
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
    // That it is signed well proves nothing about the sender: whoever got hold of an old batch can send it again.
    let (call, _) = signed::read(request, payload, (server, server.callback_body)).await?;
    server.app.take_events(&call).await?;
    Ok(told(RECORDED))
}

fn told(text: impl MessageBody + 'static) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).content_type("application/json").body(text)
}
