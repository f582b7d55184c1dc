//! A name for every request, in each answer and in each log line about it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest};

/// The header that carries it.
const HEADER: HeaderName = HeaderName::from_static("x-request-id");

static NEXT: AtomicU64 = AtomicU64::new(1);

/// Names a request: the process's own random part and a running number. It is a name, not a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RequestId {
    process: u32,
    number: u64,
}

impl RequestId {
    fn next(process: u32) -> Self {
        Self { process, number: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    /// The name that this request was given when it came in.
    pub(super) fn of(request: &HttpRequest) -> Self {
        request.extensions().get::<Self>().copied().unwrap_or(Self { process: 0, number: 0 })
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{}", self.process, self.number)
    }
}

/// Names the request, lets it through and puts the name on the answer.
pub(super) fn name<S, B>(
    process: u32,
    request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<B>, actix_web::Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
{
    let id = RequestId::next(process);
    request.extensions_mut().insert(id);
    let answering = service.call(request);
    async move {
        let mut response = answering.await?;
        if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
            response.headers_mut().insert(HEADER, value);
        }
        Ok(response)
    }
}
