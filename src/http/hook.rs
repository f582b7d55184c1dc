//! `POST /hooks/stepup`: Prelude asks, Doorstep answers.

use std::time::Instant;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::problem::Refusal;
use super::{Server, answer, signed};
use crate::app::DecideError;

/// Verifies, reads, decides and records a call; the verdict leaves only after its record is durable.
pub(super) async fn stepup(request: HttpRequest, payload: Payload, server: Data<Server>) -> HttpResponse {
    let began = Instant::now();
    let result = verdict(&request, payload, &server).await;
    match &result {
        Ok(_) => server.app.metrics().hook_answered(began.elapsed()),
        Err(refusal) => server.app.metrics().hook_refusal(refusal.cause(), began.elapsed()),
    }
    answer(&request, result)
}

async fn verdict(request: &HttpRequest, payload: Payload, server: &Server) -> Result<HttpResponse, Refusal> {
    let (call, sender) = signed::read(request, payload, (server, server.hook_body)).await?;
    let decided = server.app.decide(&call).await;
    // Whoever got hold of an old call can send it again: it proves nothing about the sender.
    if !matches!(decided, Err(DecideError::OldRepeat)) {
        sender.proved();
    }
    let text = decided?;
    Ok(HttpResponse::Ok().content_type("application/json").body(text))
}
