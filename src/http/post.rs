//! A POST of our API on its way in, and the answer that a use case made on its way out.

use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::Server;
use super::extract::{bearer, caller_trace, idempotency_key, json_body};
use super::problem::{Refusal, bad_api_key};
use crate::app::{AccessError, Post, Reply};
use crate::domain::Caller;
use crate::spans;

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

/// Who asks, by the API key of the request; the call counts as being worked on from here.
///
/// # Errors
/// 401 without a good one; 429 for a client that brings wrong ones again and again; 503 when keys cannot be looked up, or too
/// many calls are worked on.
pub(super) async fn caller(request: &HttpRequest, server: &Server) -> Result<Caller, Refusal> {
    let sender = server.limits.key_bearer(request, server.app.now())?;
    let Some(key) = bearer(request) else {
        sender.failed();
        return Err(bad_api_key());
    };
    server.limits.enter(request)?;
    let caller = server.app.caller(key).await;
    match &caller {
        Ok(_) => {
            sender.proved();
            spans::follow(|| caller_trace(request));
        }
        Err(AccessError::BadKey) => sender.failed(),
        // Nobody could tell whether the key is good.
        Err(AccessError::MissingRole(_) | AccessError::Store(_)) => {}
    }
    Ok(caller?)
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
