//! `/v1/policies`: which policy is in force and was, and reading its files again.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};

use super::post::caller;
use super::problem::{Refusal, invalid_request};
use super::{Server, answer};
use crate::app::PageQuery;

/// Shows the policy in force and how the last attempt to replace it went (docs/API.md).
pub(super) async fn show(request: HttpRequest, server: Data<Server>) -> HttpResponse {
    answer(&request, shown(&request, &server).await)
}

async fn shown(request: &HttpRequest, server: &Server) -> Result<HttpResponse, Refusal> {
    let caller = caller(request, server).await?;
    let view = server.app.policies(&caller).await?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(view))
}

/// Reads the files again, at once (docs/API.md).
pub(super) async fn reload(request: HttpRequest, server: Data<Server>) -> HttpResponse {
    answer(&request, reloaded(&request, &server).await)
}

async fn reloaded(request: &HttpRequest, server: &Server) -> Result<HttpResponse, Refusal> {
    let caller = caller(request, server).await?;
    let attempt = server.app.reload_policies(&caller).await?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(&*attempt))
}

/// Lists which policy came into force when, newest first (docs/API.md).
pub(super) async fn activations(request: HttpRequest, server: Data<Server>) -> HttpResponse {
    answer(&request, listed(&request, &server).await)
}

async fn listed(request: &HttpRequest, server: &Server) -> Result<HttpResponse, Refusal> {
    let caller = caller(request, server).await?;
    let Query(query) = Query::<PageQuery>::from_query(request.query_string())
        .map_err(|_| invalid_request("a filter is unknown, stands twice or is no value of its kind"))?;
    let list = server.app.activations(&caller, query).await?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(list))
}
