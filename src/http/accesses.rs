//! `GET /v1/accesses`: who looked at what.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};

use super::post::caller;
use super::problem::{Refusal, invalid_request};
use super::{Server, answer};
use crate::app::AccessesQuery;

/// Lists accesses, newest first (docs/API.md).
pub(super) async fn list(request: HttpRequest, server: Data<Server>) -> HttpResponse {
    answer(&request, listed(&request, &server).await)
}

async fn listed(request: &HttpRequest, server: &Server) -> Result<HttpResponse, Refusal> {
    let caller = caller(request, server).await?;
    let Query(query) = Query::<AccessesQuery>::from_query(request.query_string())
        .map_err(|_| invalid_request("a filter is unknown, stands twice or is no value of its kind"))?;
    let list = server.app.accesses(&caller, query).await?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(list))
}
