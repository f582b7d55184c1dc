//! A name for every request, in each answer and in each log line about it.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderName, HeaderValue};

/// The header that carries it.
const HEADER: HeaderName = HeaderName::from_static("x-request-id");

static NEXT: AtomicU64 = AtomicU64::new(1);
static PROCESS: OnceLock<u32> = OnceLock::new();

/// Gives this process its own part of every name: in containers, process ids are all alike. The first tag stays.
pub(super) fn tag_process(tag: u32) {
    PROCESS.get_or_init(|| tag);
}

/// Names a request: the process's tag and a running number. It is a name, not a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RequestId(u64);

impl RequestId {
    /// The name of a request that came in just now.
    pub(super) fn next() -> Self {
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Puts the name on an answer.
    pub(super) fn on(self, mut response: HttpResponse) -> HttpResponse {
        if let Ok(value) = HeaderValue::from_str(&self.to_string()) {
            response.headers_mut().insert(HEADER, value);
        }
        response
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{}", PROCESS.get().copied().unwrap_or_default(), self.0)
    }
}
