//! `GET /openapi.json`: what the server answers, for whoever writes or generates a client.
//!
//! The document is the file `docs/openapi.json`, word for word: nothing of it is made while the server runs. Tests write it,
//! from the types and refusals that are served, and compare it with them (docs/decisions/0047-the-api-describes-itself.md).

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};

use super::open;

#[cfg(test)]
mod desk;
#[cfg(test)]
mod document;
#[cfg(test)]
mod operation;
#[cfg(test)]
mod operator;
#[cfg(test)]
mod parameters;
#[cfg(test)]
mod record;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod strangers;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod verifications;

/// The document.
const DOCUMENT: &str = include_str!("../../docs/openapi.json");

/// Answers the document as it was when this program was built.
pub(super) async fn document(request: HttpRequest) -> HttpResponse {
    open(&request, || {
        HttpResponse::Ok()
            .insert_header((CACHE_CONTROL, "no-store"))
            .content_type("application/json")
            .body(Bytes::from_static(DOCUMENT.as_bytes()))
    })
}
