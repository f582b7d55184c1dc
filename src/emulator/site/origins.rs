//! Which pages may call the site (CORS), the emulator's time on every answer, and what was called in the journal.

use std::time::{Duration, UNIX_EPOCH};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, CACHE_CONTROL, DATE, HeaderMap, HeaderName, HeaderValue, HttpDate, ORIGIN,
    TryIntoHeaderValue, VARY,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};
use serde_json::json;

use super::super::EmulatorError;
use super::{Fault, World};

/// What a page sends beside the headers that need no leave.
const ALLOWED_HEADERS: &str = "Authorization, Content-Type, DPoP, X-Refresh-Token, X-SDK-User-Agent";

/// What a page's script may read: the SDK reads all of them.
const EXPOSED_HEADERS: &str = "Date, DPoP-Nonce, X-Refresh-Token, X-Refresh-Token-Expires-At";

/// The origins of pages that may call.
#[derive(Debug, Clone)]
pub(crate) enum Origins {
    /// Any page that this machine serves, on whatever port.
    Loopback,
    /// These only, such as `https://app.example.com`.
    Listed(Vec<String>),
}

impl Origins {
    /// These only, or any page of this machine where there are none.
    ///
    /// # Errors
    /// [`EmulatorError::Configuration`] for what no browser would send as an origin.
    pub(crate) fn listed(origins: &[String]) -> Result<Self, EmulatorError> {
        let is_one = |origin: &String| {
            url::Url::parse(origin).is_ok_and(|url| {
                matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == *origin
            })
        };
        match origins {
            [] => Ok(Self::Loopback),
            listed if listed.iter().all(is_one) => Ok(Self::Listed(listed.to_vec())),
            _ => Err(EmulatorError::Configuration(
                "an origin is not scheme, host and port, such as https://app.example.com".to_owned(),
            )),
        }
    }

    fn allow(&self, origin: &str) -> bool {
        match self {
            Self::Listed(origins) => origins.iter().any(|listed| listed == origin),
            Self::Loopback => url::Url::parse(origin).is_ok_and(|url| {
                matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
                    && matches!(url.scheme(), "http" | "https")
            }),
        }
    }
}

/// Goes round every request.
///
/// # Errors
/// What the handler fails with that is not a [`Fault`].
pub(super) async fn around(
    world: web::Data<World>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let (method, path) = (request.method().clone(), request.path().to_owned());
    let is_frontend = path.starts_with("/v1/") || path.starts_with("/.well-known/");
    let origin = request.headers().get(ORIGIN).cloned().filter(|_| is_frontend);
    let allowed =
        origin.filter(|origin| origin.to_str().is_ok_and(|origin| world.settings.origins.allow(origin)));
    let is_preflight =
        method == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let has_proof = request.headers().contains_key("DPoP");
    let mut response = if is_preflight {
        let answer = preflight(allowed.as_ref());
        request.into_response(answer).map_into_boxed_body()
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    let code = response.response().error().and_then(|error| error.as_error::<Fault>()).map(Fault::code);
    let entry = json!({ "method": method.as_str(), "path": path, "status": response.status().as_u16(), "code": code });
    if !path.starts_with("/_emulator/") {
        world.journal.write(world.clock.now(), "request", entry);
    }
    let headers = response.headers_mut();
    dress(headers, allowed);
    // Whoever proves a key gets a nonce for the next proof (RFC 9449 §8.2).
    if has_proof
        && let Ok(nonce) = world.front.nonces.give(world.clock.now())
        && let Ok(nonce) = HeaderValue::from_str(&nonce)
    {
        headers.insert(HeaderName::from_static("dpop-nonce"), nonce);
    }
    if let Some(date) = http_date(world.clock.now()) {
        headers.insert(DATE, date);
    }
    Ok(response)
}

fn preflight(allowed: Option<&HeaderValue>) -> HttpResponse {
    if allowed.is_none() {
        return HttpResponse::Forbidden().finish();
    }
    HttpResponse::NoContent()
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"))
        .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS))
        .insert_header((ACCESS_CONTROL_MAX_AGE, "600"))
        .finish()
}

fn dress(headers: &mut HeaderMap, allowed: Option<HeaderValue>) {
    let mut set = |name: HeaderName, value: HeaderValue| {
        headers.insert(name, value);
    };
    set(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    set(VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = allowed {
        set(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        set(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        set(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
    }
}

/// The emulator's time, by which the SDK corrects for clocks that differ.
fn http_date(now: i64) -> Option<HeaderValue> {
    let moment = UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(now).ok()?))?;
    HttpDate::from(moment).try_into_value().ok()
}
