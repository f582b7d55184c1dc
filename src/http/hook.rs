//! `POST /hooks/stepup`: Prelude asks, Doorstep answers.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::extract::{json_body, signature_headers};
use super::problem::Refusal;
use super::{Server, answer};

/// Verifies, reads, decides and records a call; the verdict leaves only after its record is durable.
pub(super) async fn stepup(request: HttpRequest, payload: Payload, server: Data<Server>) -> HttpResponse {
    let result = verdict(&request, payload, &server).await;
    if let Err(refusal) = &result {
        server.app.metrics().hook_refusal(refusal.cause());
    }
    answer(&request, result)
}

async fn verdict(request: &HttpRequest, payload: Payload, server: &Server) -> Result<HttpResponse, Refusal> {
    let body = json_body(request, payload, server.hook_body).await?;
    let call = server.app.verify_call(signature_headers(request), &body).await?;
    let text = server.app.decide(&call).await?;
    Ok(HttpResponse::Ok().content_type("application/json").body(text))
}
