//! `POST /v1/facts`: the customer's systems say what happened to a user.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::post::{post, read, replied};
use super::problem::Refusal;
use super::{Server, answer};

/// Records a fact (docs/API.md).
pub(super) async fn report(request: HttpRequest, payload: Payload, server: Data<Server>) -> HttpResponse {
    let result = reported(&request, payload, &server).await;
    if let Err(refusal) = &result {
        server.app.metrics().fact_refusal(refusal.cause());
    }
    answer(&request, result)
}

async fn reported(request: &HttpRequest, payload: Payload, server: &Server) -> Result<HttpResponse, Refusal> {
    let (caller, body) = read(request, payload, server).await?;
    Ok(replied(server.app.report_fact(post(request, &caller, &body)).await?))
}
