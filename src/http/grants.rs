//! `POST /v1/grants/redeem`: the customer's service is about to execute what was granted.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::extract::{bearer, json_body};
use super::problem::{Refusal, bad_api_key, invalid_request};
use super::{Server, answer};
use crate::app::RedeemRequest;

/// Spends a grant (docs/API.md).
pub(super) async fn redeem(request: HttpRequest, payload: Payload, server: Data<Server>) -> HttpResponse {
    let result = redeemed(&request, payload, &server).await;
    if let Err(refusal) = &result {
        server.app.metrics().redemption_refusal(refusal.cause());
    }
    answer(&request, result)
}

async fn redeemed(request: &HttpRequest, payload: Payload, server: &Server) -> Result<HttpResponse, Refusal> {
    let caller = server.app.caller(bearer(request).ok_or_else(bad_api_key)?).await?;
    let body = json_body(request, payload, server.api_body).await?;
    let wanted = RedeemRequest::from_json(&body).map_err(|fault| invalid_request(fault.to_string()))?;
    let redeemed = server.app.redeem(&caller, wanted).await?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(redeemed))
}
