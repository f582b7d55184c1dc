//! `/v1/verifications` and `/v1/verification-tokens`: the life of a custom step, and the tokens that come of it.

use std::time::Instant;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Path, Payload, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::limits::Limits;
use super::post::{caller, post, read, replied};
use super::problem::{Refusal, invalid_request};
use super::{Server, answer};
use crate::app::{VerificationsQuery, WaitQuery};
use crate::domain::StepOutcome;

/// Opens a verification (docs/API.md).
pub(super) async fn open(request: HttpRequest, payload: Payload, server: Data<Server>) -> HttpResponse {
    let result = async {
        let (caller, body) = read(&request, payload, &server).await?;
        Ok(replied(server.app.open_verification(post(&request, &caller, &body)).await?))
    };
    answer(&request, result.await)
}

/// Shows one, at once or when there is news.
pub(super) async fn show(request: HttpRequest, id: Path<String>, server: Data<Server>) -> HttpResponse {
    let result = async {
        let caller = caller(&request, &server).await?;
        let Query(query) = Query::<WaitQuery>::from_query(request.query_string()).map_err(|_| {
            invalid_request("the query may be `wait` and `after`, each once, and nothing else")
        })?;
        if query.waits() {
            Limits::leave(&request);
        }
        Ok(replied(server.app.verification(&caller, &id, query).await?))
    };
    answer(&request, result.await)
}

/// Lists them, newest first.
pub(super) async fn list(request: HttpRequest, server: Data<Server>) -> HttpResponse {
    let result = async {
        let caller = caller(&request, &server).await?;
        let Query(query) = Query::<VerificationsQuery>::from_query(request.query_string())
            .map_err(|_| invalid_request("a filter is unknown, stands twice or is no value of its kind"))?;
        Ok(shown(server.app.verifications(&caller, query).await?))
    };
    answer(&request, result.await)
}

/// Tells what happened to one.
pub(super) async fn events(request: HttpRequest, id: Path<String>, server: Data<Server>) -> HttpResponse {
    let result = async {
        let caller = caller(&request, &server).await?;
        Ok(shown(server.app.verification_events(&caller, &id).await?))
    };
    answer(&request, result.await)
}

/// Says that the step is done.
pub(super) async fn approve(
    request: HttpRequest,
    id: Path<String>,
    payload: Payload,
    server: Data<Server>,
) -> HttpResponse {
    let result = decided(&request, payload, (&server, &id, StepOutcome::Approved)).await;
    answer(&request, result)
}

/// Says that the step failed.
pub(super) async fn reject(
    request: HttpRequest,
    id: Path<String>,
    payload: Payload,
    server: Data<Server>,
) -> HttpResponse {
    let result = decided(&request, payload, (&server, &id, StepOutcome::Rejected)).await;
    answer(&request, result)
}

async fn decided(
    request: &HttpRequest,
    payload: Payload,
    (server, id, outcome): (&Server, &str, StepOutcome),
) -> Result<HttpResponse, Refusal> {
    let (caller, body) = read(request, payload, server).await?;
    Ok(replied(server.app.decide_verification(post(request, &caller, &body), id, outcome).await?))
}

/// Withdraws one, or all of a session or user.
pub(super) async fn withdraw(request: HttpRequest, payload: Payload, server: Data<Server>) -> HttpResponse {
    let result = async {
        let (caller, body) = read(&request, payload, &server).await?;
        Ok(replied(server.app.withdraw_verifications(post(&request, &caller, &body)).await?))
    };
    answer(&request, result.await)
}

/// Mints a token of an approved one.
pub(super) async fn mint(
    request: HttpRequest,
    id: Path<String>,
    payload: Payload,
    server: Data<Server>,
) -> HttpResponse {
    let began = Instant::now();
    let result = async {
        let (caller, body) = read(&request, payload, &server).await?;
        Ok(replied(server.app.mint(post(&request, &caller, &body), &id).await?))
    };
    let result = result.await;
    count(&server, result.as_ref().err(), began);
    answer(&request, result)
}

/// Opens, approves and mints in one call.
pub(super) async fn mint_in_one_call(
    request: HttpRequest,
    payload: Payload,
    server: Data<Server>,
) -> HttpResponse {
    let began = Instant::now();
    let result = async {
        let (caller, body) = read(&request, payload, &server).await?;
        Ok(replied(server.app.mint_in_one_call(post(&request, &caller, &body)).await?))
    };
    let result = result.await;
    count(&server, result.as_ref().err(), began);
    answer(&request, result)
}

fn count(server: &Server, refusal: Option<&Refusal>, began: Instant) {
    match refusal {
        None => server.app.metrics().mint_answered(began.elapsed()),
        Some(refusal) => server.app.metrics().mint_refusal(refusal.cause(), began.elapsed()),
    }
}

fn shown(body: impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(body)
}
