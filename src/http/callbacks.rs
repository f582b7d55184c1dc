//! `POST /v1/callbacks/{source}`: identity-check providers say how a check went.

use actix_web::http::header::HeaderValue;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::extract::raw_body;
use super::problem::Refusal;
use super::{RECORDED, Server, answer};
use crate::app::{CallbackError, Taken};

/// Takes an event; 200 leaves only after it is on disk, so that a provider that gets anything else sends it again.
pub(super) async fn receive(
    request: HttpRequest,
    source: Path<String>,
    payload: Payload,
    server: Data<Server>,
) -> HttpResponse {
    answer(&request, take(&request, &source, payload, &server).await)
}

async fn take(
    request: &HttpRequest,
    source: &str,
    payload: Payload,
    server: &Server,
) -> Result<HttpResponse, Refusal> {
    let sender = server.limits.signer(request, server.app.now())?;
    if let Err(unknown) = server.app.callback_source(source) {
        sender.failed();
        return Err(unknown.into());
    }
    let body = raw_body(request, payload, server.callback_body).await?;
    server.limits.enter(request)?;
    // A value that is no text can be no signature; it still counts as there, so that nothing can be hidden behind it.
    let text = |value: &HeaderValue| value.to_str().unwrap_or("\u{fffd}").to_owned();
    let owned: Vec<_> = request.headers().iter().map(|(name, value)| (name.as_str(), text(value))).collect();
    let headers: Vec<_> = owned.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let taken = server.app.take_callback(source, &headers, &body).await;
    match &taken {
        Err(CallbackError::UnknownSource | CallbackError::Call(_)) => sender.failed(),
        Ok(Taken::Now) => sender.proved(),
        // Whoever got hold of an old event can send it again: it proves nothing about the sender, and neither does one of which
        // nobody knows whether it is new.
        Ok(Taken::Before) | Err(CallbackError::Store(_) | CallbackError::TooLate) => {}
    }
    taken?;
    Ok(HttpResponse::Ok().content_type("application/json").body(RECORDED))
}
