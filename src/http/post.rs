//! A POST of our API on its way in, and the answer that a use case made on its way out.

use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::Server;
use super::extract::{bearer, idempotency_key, json_body};
use super::problem::{Refusal, bad_api_key};
use crate::app::{Post, Reply};
use crate::domain::Caller;

/// The caller and the body of a POST.
///
/// # Errors
/// As [`caller`] and [`json_body`].
pub(super) async fn read(
    request: &HttpRequest,
    payload: Payload,
    server: &Server,
) -> Result<(Caller, Bytes), Refusal> {
    let caller = caller(request, server).await?;
    Ok((caller, json_body(request, payload, server.api_body).await?))
}

/// Who asks, by the API key of the request.
///
/// # Errors
/// 401 without a good one; 503 when keys cannot be looked up.
pub(super) async fn caller(request: &HttpRequest, server: &Server) -> Result<Caller, Refusal> {
    Ok(server.app.caller(bearer(request).ok_or_else(bad_api_key)?).await?)
}

/// A POST as the use cases take it.
pub(super) fn post<'r>(request: &'r HttpRequest, caller: &'r Caller, body: &'r [u8]) -> Post<'r> {
    Post { caller, route: request.path(), idempotency_key: idempotency_key(request), body }
}

/// The answer that a use case made, now or the first time.
pub(super) fn replied(reply: Reply) -> HttpResponse {
    // INVARIANT: replies are made here with 200 or 201, and kept as they were made.
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    HttpResponse::build(status)
        .insert_header((CACHE_CONTROL, "no-store"))
        .content_type("application/json")
        .body(reply.text)
}
