//! `POST /v1/grants/redeem`: the customer's service is about to execute what was granted.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::post::{post, read, replied};
use super::problem::Refusal;
use super::{Server, answer};

/// Spends a grant (docs/API.md).
pub(super) async fn redeem(request: HttpRequest, payload: Payload, server: Data<Server>) -> HttpResponse {
    let result = redeemed(&request, payload, &server).await;
    if let Err(refusal) = &result {
        server.app.metrics().redemption_refusal(refusal.cause());
    }
    answer(&request, result)
}

async fn redeemed(request: &HttpRequest, payload: Payload, server: &Server) -> Result<HttpResponse, Refusal> {
    let (caller, body) = read(request, payload, server).await?;
    Ok(replied(server.app.redeem(post(request, &caller, &body)).await?))
}
