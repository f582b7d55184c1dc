//! `/healthz`, `/readyz` and `/metrics`: for whoever keeps the machine running.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::{Server, answer, open};

/// Says that the process answers; nothing else is looked at.
pub(super) async fn healthz(request: HttpRequest) -> HttpResponse {
    open(&request, || {
        let alive = serde_json::json!({ "status": "ok" });
        HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(alive)
    })
}

/// Says whether calls would be served now, and in words why not: 200 or 503.
pub(super) async fn readyz(request: HttpRequest, server: Data<Server>) -> HttpResponse {
    if let Err(refusal) = server.limits.open_request(&request, server.app.now()) {
        return answer(&request, Err(refusal));
    }
    let readiness = server.app.readiness().await;
    let mut response =
        if readiness.is_ready() { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    answer(&request, Ok(response.insert_header((CACHE_CONTROL, "no-store")).json(readiness)))
}

/// Every metric in the OpenMetrics text form.
pub(super) async fn metrics(request: HttpRequest, server: Data<Server>) -> HttpResponse {
    open(&request, || {
        server.app.metrics().calls_in_flight(server.limits.in_flight());
        HttpResponse::Ok()
            .insert_header((CACHE_CONTROL, "no-store"))
            .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
            .body(server.app.metrics().render())
    })
}
