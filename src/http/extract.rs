//! What a handler needs from a request, taken with every bound in place.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt;

use super::problem::{Refusal, body_broken, body_too_large, body_too_slow, not_json};
use crate::prelude::SignatureHeaders;
use crate::spans;

/// Prelude's signature over the body (docs/CONTRACT.md C3.1).
const SIGNATURE: HeaderName = HeaderName::from_static("x-webhook-signature");
/// Which of Prelude's keys made it.
const SIGNATURE_KEY_ID: HeaderName = HeaderName::from_static("x-webhook-signature-key-id");

/// Under which name a POST may come again.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// To which trace of its caller's a request belongs.
const TRACEPARENT: HeaderName = HeaderName::from_static(spans::TRACEPARENT);
/// What others noted about it.
const TRACESTATE: HeaderName = HeaderName::from_static(spans::TRACESTATE);

/// How large a body may be and how long it may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyLimits {
    /// The most bytes.
    pub(super) bytes_max: usize,
    /// The most time from the first look to the last byte.
    pub(super) deadline: Duration,
}

/// Reads a JSON body's raw bytes.
///
/// # Errors
/// 415 for another content type, 413 over the bound (at once when the length is announced), 408 past the deadline, 400
/// for a transfer that broke off. Nothing was parsed then.
pub(super) async fn json_body(
    request: &HttpRequest,
    payload: Payload,
    limits: BodyLimits,
) -> Result<Bytes, Refusal> {
    if !is_json(request) {
        return Err(not_json());
    }
    raw_body(request, payload, limits).await
}

/// Reads a body's raw bytes, whatever its content type.
///
/// # Errors
/// As [`json_body`], but for the content type.
pub(super) async fn raw_body(
    request: &HttpRequest,
    payload: Payload,
    limits: BodyLimits,
) -> Result<Bytes, Refusal> {
    if announced_length(request).is_some_and(|length| length > limits.bytes_max) {
        return Err(body_too_large(limits.bytes_max));
    }
    tokio::time::timeout(limits.deadline, collect(payload, limits.bytes_max))
        .await
        .map_err(|_| body_too_slow())?
}

async fn collect(mut payload: Payload, bytes_max: usize) -> Result<Bytes, Refusal> {
    let first = match payload.next().await {
        None => return Ok(Bytes::new()),
        Some(chunk) => chunk.map_err(|_| body_broken())?,
    };
    let mut body = None::<BytesMut>;
    let mut length = first.len();
    if length > bytes_max {
        return Err(body_too_large(bytes_max));
    }
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| body_broken())?;
        length = length.saturating_add(chunk.len());
        if length > bytes_max {
            return Err(body_too_large(bytes_max));
        }
        body.get_or_insert_with(|| BytesMut::from(first.as_ref())).extend_from_slice(&chunk);
    }
    Ok(body.map_or(first, BytesMut::freeze))
}

fn is_json(request: &HttpRequest) -> bool {
    let content_type =
        request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn announced_length(request: &HttpRequest) -> Option<usize> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The signature headers of a hook call. A header that comes twice counts as missing: which one to trust would be a
/// guess.
pub(super) fn signature_headers(request: &HttpRequest) -> SignatureHeaders<'_> {
    SignatureHeaders {
        signature: single_header(request, &SIGNATURE),
        key_id: single_header(request, &SIGNATURE_KEY_ID),
    }
}

/// The API key of a request (RFC 6750 §2.1), if one single `Authorization: Bearer` header is there.
pub(super) fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = single_header(request, &AUTHORIZATION)?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// Stands for a key that cannot be read, or comes twice: it is refused like any other that is none.
const NO_KEY: &str = "";

/// The `Idempotency-Key` of a request, where there is one.
pub(super) fn idempotency_key(request: &HttpRequest) -> Option<&str> {
    let is_there = request.headers().contains_key(&IDEMPOTENCY_KEY);
    is_there.then(|| single_header(request, &IDEMPOTENCY_KEY).unwrap_or(NO_KEY))
}

/// The trace that a request says it belongs to, where it says so once, and what others noted about it: headers that come several
/// times are one list (RFC 9110 §5.3).
pub(super) fn caller_trace(request: &HttpRequest) -> Option<(&str, String)> {
    let parent = single_header(request, &TRACEPARENT)?;
    let states = request.headers().get_all(&TRACESTATE).map(|value| value.to_str().ok());
    Some((parent, states.collect::<Option<Vec<_>>>().unwrap_or_default().join(",")))
}

fn single_header<'a>(request: &'a HttpRequest, name: &HeaderName) -> Option<&'a str> {
    let mut values = request.headers().get_all(name);
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value.to_str().ok()
}
