//! `/healthz`, `/readyz` and `/metrics`: for whoever keeps the machine running.
//!
//! None of them has a limit that refuses: a proxy that is refused here takes the server for dead, and strangers behind the same
//! proxy must not bring that about. What they cost has a bound instead: looks are shared, and so is the metrics' text.

mod scrapes;

use std::time::Instant;

use actix_web::http::header::{ACCEPT, CACHE_CONTROL};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::{Server, answer};

pub(super) use scrapes::Scrapes;

/// The media type by which Prometheus asks for the OpenMetrics text form.
const OPEN_METRICS: &str = "application/openmetrics-text";
pub(super) const OPEN_METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
pub(super) const PLAIN_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a process answers that does.
pub(super) const ALIVE: &str = r#"{"status":"ok"}"#;

/// Says that the process answers; nothing else is looked at.
pub(super) async fn healthz(request: HttpRequest) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    let response = response.insert_header((CACHE_CONTROL, "no-store")).content_type("application/json");
    answer(&request, Ok(response.body(ALIVE)))
}

/// Says whether calls would be served now, and in words why not: 200 or 503.
pub(super) async fn readyz(request: HttpRequest, server: Data<Server>) -> HttpResponse {
    let readiness = server.app.readiness().await;
    let mut response =
        if readiness.is_ready() { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    answer(&request, Ok(response.insert_header((CACHE_CONTROL, "no-store")).json(readiness)))
}

/// Every metric, from memory: in the OpenMetrics text form for whoever asks for that, as Prometheus does, else in the older one.
pub(super) async fn metrics(request: HttpRequest, server: Data<Server>) -> HttpResponse {
    let asked = request.headers().get_all(ACCEPT).filter_map(|value| value.to_str().ok());
    let is_open = asked.into_iter().any(|forms| forms.contains(OPEN_METRICS));
    let text = server.scrapes.text(is_open, Instant::now(), || {
        let metrics = server.app.metrics();
        metrics.calls_in_flight(server.limits.in_flight());
        server.connections.measure(metrics);
        server.app.measure();
        if is_open { metrics.render() } else { metrics.render_plain() }
    });
    let form = if is_open { OPEN_METRICS_TYPE } else { PLAIN_TYPE };
    let mut response = HttpResponse::Ok();
    answer(&request, Ok(response.insert_header((CACHE_CONTROL, "no-store")).content_type(form).body(text)))
}
