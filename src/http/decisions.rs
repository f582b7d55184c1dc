//! `GET /v1/decisions` and `GET /v1/decisions/{id}`: what was decided, and why.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};

use super::post::caller;
use super::problem::{Refusal, invalid_request};
use super::{Server, answer};
use crate::app::DecisionsQuery;

/// Lists decisions, newest first (docs/API.md).
pub(super) async fn list(request: HttpRequest, server: Data<Server>) -> HttpResponse {
    answer(&request, listed(&request, &server).await)
}

async fn listed(request: &HttpRequest, server: &Server) -> Result<HttpResponse, Refusal> {
    let caller = caller(request, server).await?;
    let Query(query) = Query::<DecisionsQuery>::from_query(request.query_string())
        .map_err(|_| invalid_request("a filter is unknown, stands twice or is no value of its kind"))?;
    let list = server.app.decisions(&caller, query).await?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(list))
}

/// Shows one decision with its explanation (docs/API.md).
pub(super) async fn show(request: HttpRequest, id: Path<String>, server: Data<Server>) -> HttpResponse {
    answer(&request, shown(&request, &id, &server).await)
}

async fn shown(request: &HttpRequest, id: &str, server: &Server) -> Result<HttpResponse, Refusal> {
    let caller = caller(request, server).await?;
    let decision = server.app.decision(&caller, id).await?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(decision))
}
