//! `POST /v1/verification-tokens`: the customer's backend says that a step is done and gets a token for it.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::extract::{bearer, json_body};
use super::problem::{Refusal, bad_api_key, invalid_request};
use super::{Server, answer};
use crate::app::TokenRequest;

/// Opens, approves and mints in one call (docs/API.md).
pub(super) async fn mint(request: HttpRequest, payload: Payload, server: Data<Server>) -> HttpResponse {
    let result = minted(&request, payload, &server).await;
    if let Err(refusal) = &result {
        server.app.metrics().mint_refusal(refusal.cause());
    }
    answer(&request, result)
}

async fn minted(request: &HttpRequest, payload: Payload, server: &Server) -> Result<HttpResponse, Refusal> {
    let caller = server.app.caller(bearer(request).ok_or_else(bad_api_key)?).await?;
    let body = json_body(request, payload, server.api_body).await?;
    let wanted = TokenRequest::from_json(&body).map_err(|fault| invalid_request(fault.to_string()))?;
    let token = server.app.mint_in_one_call(&caller, wanted).await?;
    Ok(HttpResponse::Created().insert_header((CACHE_CONTROL, "no-store")).json(token))
}
