//! `/v1/lists`, `/v1/scopes` and `/v1/desk-actions`: the fraud desk acts, and what it did.

use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Path, Payload, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::extract::json_body;
use super::post::caller;
use super::problem::invalid_request;
use super::{Server, answer};
use crate::app::{ActionsQuery, ResumeQuery};

/// Lists the lists (docs/API.md).
pub(super) async fn lists(request: HttpRequest, server: Data<Server>) -> HttpResponse {
    let result = async {
        let caller = caller(&request, &server).await?;
        Ok(data(StatusCode::OK, server.app.lists(&caller).await?))
    };
    answer(&request, result.await)
}

/// Shows one list with what the desk said about it.
pub(super) async fn list(request: HttpRequest, name: Path<String>, server: Data<Server>) -> HttpResponse {
    let result = async {
        let caller = caller(&request, &server).await?;
        Ok(data(StatusCode::OK, server.app.list(&caller, &name).await?))
    };
    answer(&request, result.await)
}

/// Puts a value into a list.
pub(super) async fn add(
    request: HttpRequest,
    name: Path<String>,
    payload: Payload,
    server: Data<Server>,
) -> HttpResponse {
    let result = async {
        let caller = caller(&request, &server).await?;
        let body = json_body(&request, payload, server.api_body).await?;
        Ok(data(StatusCode::CREATED, server.app.add_to_list(&caller, &name, &body).await?))
    };
    answer(&request, result.await)
}

/// Takes a value out of a list. The value is in the body: it may be personal, and addresses are logged on their way.
pub(super) async fn remove(
    request: HttpRequest,
    name: Path<String>,
    payload: Payload,
    server: Data<Server>,
) -> HttpResponse {
    let result = async {
        let caller = caller(&request, &server).await?;
        let body = json_body(&request, payload, server.api_body).await?;
        Ok(data(StatusCode::CREATED, server.app.remove_from_list(&caller, &name, &body).await?))
    };
    answer(&request, result.await)
}

/// Lists the scopes, and which of them are paused.
pub(super) async fn scopes(request: HttpRequest, server: Data<Server>) -> HttpResponse {
    let result = async {
        let caller = caller(&request, &server).await?;
        Ok(data(StatusCode::OK, server.app.scopes(&caller).await?))
    };
    answer(&request, result.await)
}

/// Pauses a scope, or changes its pause.
pub(super) async fn pause(
    request: HttpRequest,
    scope: Path<String>,
    payload: Payload,
    server: Data<Server>,
) -> HttpResponse {
    let result = async {
        let caller = caller(&request, &server).await?;
        let body = json_body(&request, payload, server.api_body).await?;
        Ok(data(StatusCode::OK, server.app.pause_scope(&caller, &scope, &body).await?))
    };
    answer(&request, result.await)
}

/// Lets a paused scope go on. The reason is in the query: a DELETE has no body that everybody on the way lets through.
pub(super) async fn resume(request: HttpRequest, scope: Path<String>, server: Data<Server>) -> HttpResponse {
    let result = async {
        let caller = caller(&request, &server).await?;
        let Query(query) = Query::<ResumeQuery>::from_query(request.query_string())
            .map_err(|_| invalid_request("the query must be `reason`, once, and nothing else"))?;
        Ok(data(StatusCode::OK, server.app.resume_scope(&caller, &scope, query).await?))
    };
    answer(&request, result.await)
}

/// Lists what was done at the desk, newest first.
pub(super) async fn actions(request: HttpRequest, server: Data<Server>) -> HttpResponse {
    let result = async {
        let caller = caller(&request, &server).await?;
        let Query(query) = Query::<ActionsQuery>::from_query(request.query_string())
            .map_err(|_| invalid_request("a filter is unknown, stands twice or is no value of its kind"))?;
        Ok(data(StatusCode::OK, server.app.desk_actions(&caller, query).await?))
    };
    answer(&request, result.await)
}

fn data(status: StatusCode, body: impl Serialize) -> HttpResponse {
    HttpResponse::build(status).insert_header((CACHE_CONTROL, "no-store")).json(body)
}
