//! `POST /v1/evaluate`: what the policy would say, without a verdict.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::extract::json_body;
use super::post::caller;
use super::problem::Refusal;
use super::{Server, answer};

/// Makes a dry run (docs/API.md).
pub(super) async fn evaluate(request: HttpRequest, payload: Payload, server: Data<Server>) -> HttpResponse {
    answer(&request, evaluated(&request, payload, &server).await)
}

async fn evaluated(
    request: &HttpRequest,
    payload: Payload,
    server: &Server,
) -> Result<HttpResponse, Refusal> {
    let caller = caller(request, server).await?;
    let body = json_body(request, payload, server.api_body).await?;
    let evaluation = server.app.evaluate(&caller, &body).await?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(evaluation))
}
