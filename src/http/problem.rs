//! What a caller is told when there is no good answer: RFC 9457 problem details with a stable code.
//!
//! The one place where an error of another room becomes a status. The match over each error is exhaustive, so a new
//! variant does not compile until somebody decided what the caller sees. Internal text goes to the log, never here.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CACHE_CONTROL, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use super::request_id::RequestId;
use crate::app::PolicyFaults;
use crate::domain::{Outage, Trouble};

/// A refusal before it knows which request it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    cause: &'static str,
    title: &'static str,
    detail: Option<String>,
    findings: Option<Box<PolicyFaults>>,
    header: Option<Box<(HeaderName, HeaderValue)>>,
    error: Option<Box<str>>,
    log: Log,
}

/// Whether a refusal is worth a line of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Log {
    /// It is.
    Line,
    /// What is behind it was logged when it began, and will be when it ends.
    Told,
}

/// The body of a refusal. `type` is a name, not an address: nothing has to be reachable to understand it.
#[derive(serde::Serialize)]
struct ProblemBody<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(flatten)]
    findings: Option<&'a PolicyFaults>,
    request_id: String,
}

impl Refusal {
    /// Makes a refusal.
    ///
    /// - `code`: stable, for machines. `title`: the same words for every refusal with this code.
    pub(super) const fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self {
            status,
            code,
            cause: code,
            title,
            detail: None,
            findings: None,
            header: None,
            error: None,
            log: Log::Line,
        }
    }

    /// Adds what is special about this one. It must quote no input and no internal text.
    pub(super) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds what is wrong in policy files or a request, for whoever wrote them.
    pub(super) fn with_findings(mut self, findings: PolicyFaults) -> Self {
        self.findings = Some(Box::new(findings));
        self
    }

    /// Says to log and metrics, and to nobody else, which of several causes the code stands for.
    pub(super) const fn because(mut self, cause: &'static str) -> Self {
        self.cause = cause;
        self
    }

    /// Says which outage of the database is behind it. The log tells when that begins and ends, not at each call.
    pub(super) const fn behind(mut self, outage: Outage) -> Self {
        self.cause = outage.code();
        self.log = Log::Told;
        self
    }

    /// Says to log and metrics, and to nobody else, why the record did not do what was needed.
    pub(super) fn of_the_store(self, trouble: Trouble) -> Self {
        match trouble {
            Trouble::Outage(outage) => self.behind(outage),
            Trouble::Fault { code, words } => Self { cause: code, error: Some(words.into()), ..self },
        }
    }

    /// Whether it is worth a line in the log.
    pub(super) fn is_news(&self) -> bool {
        self.log == Log::Line
    }

    /// Whether there may be no end to them: of somebody who has shown neither signature nor key, or of a table that takes no row.
    pub(super) fn may_be_endless(&self) -> bool {
        self.error.is_some() || matches!(self.status.as_u16(), 401 | 404 | 405 | 408 | 413 | 415 | 429 | 431)
    }

    /// Whether a limit of this server was reached, and which.
    pub(super) fn limit(&self) -> Option<&'static str> {
        let is_one = matches!(self.status.as_u16(), 408 | 413 | 429 | 431)
            || matches!(self.code, "overloaded" | "too_many_waiters");
        is_one.then_some(self.cause)
    }

    /// What log and metrics call it: the code, or what is behind it.
    pub(super) const fn cause(&self) -> &'static str {
        self.cause
    }

    /// What went wrong inside, for the log only.
    pub(super) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// What is special about this one, if anything; it quotes no input.
    pub(super) fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// The answer to `request_id`'s request.
    pub(super) fn respond(self, request_id: RequestId) -> HttpResponse {
        let body = ProblemBody {
            kind: format!("urn:doorstep:problem:{}", self.code),
            title: self.title,
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail.as_deref(),
            findings: self.findings.as_deref(),
            request_id: request_id.to_string(),
        };
        let mut response = HttpResponse::build(self.status);
        response.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")));
        if let Some(header) = self.header {
            response.insert_header(*header);
        }
        // INVARIANT: strings and numbers in a struct always serialise.
        response
            .content_type("application/problem+json")
            .body(serde_json::to_string(&body).unwrap_or_default())
    }
}

/// 404 for a path that leads nowhere.
pub(super) const fn not_found() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this address")
}

/// 405 for a method that the resource has not.
pub(super) fn method_not_allowed(allowed: &'static str) -> Refusal {
    let mut refusal = Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This address does not take this method",
    );
    refusal.header = Some(Box::new((ALLOW, HeaderValue::from_static(allowed))));
    refusal
}

/// 408 for a body that did not arrive in time.
pub(super) const fn body_too_slow() -> Refusal {
    Refusal::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", "The body did not arrive in time")
}

/// 400 for a body whose transfer broke off.
pub(super) const fn body_broken() -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "body_broken", "The body did not arrive whole")
}

/// 413 for a body over the limit.
pub(super) fn body_too_large(max: usize) -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        "The body is larger than this address takes",
    )
    .with_detail(format!("the most is {max} bytes"))
}

/// 431 for an address and headers over the limit.
pub(super) const fn head_too_large() -> Refusal {
    Refusal::new(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "head_too_large",
        "The address and headers are longer than this server takes",
    )
}

/// 429: less often.
///
/// - `cause`: which limit it was, for log and metrics.
pub(super) fn too_many_requests(cause: &'static str) -> Refusal {
    let mut refusal = Refusal::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_requests",
        "The client sent too much that was wrong, or too much at all",
    )
    .because(cause);
    refusal.header = Some(Box::new((RETRY_AFTER, HeaderValue::from_static("2"))));
    refusal
}

/// 503 for one call more than may be worked on.
pub(super) fn too_many_in_flight() -> Refusal {
    unavailable("overloaded", "As many calls are worked on as may be at once")
}

/// 415 for anything but JSON.
pub(super) const fn not_json() -> Refusal {
    Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", "The content type must be application/json")
}

/// 400 for a body that is not what the address takes.
pub(super) fn invalid_request(detail: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "invalid_request", "The request is not what this address takes")
        .with_detail(detail)
}

/// 503: try again.
pub(super) fn unavailable(code: &'static str, title: &'static str) -> Refusal {
    let mut refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, code, title);
    refusal.header = Some(Box::new((RETRY_AFTER, HeaderValue::from_static("1"))));
    refusal
}

/// 503: not all of a batch was recorded in time; what was, counts once when it comes again.
pub(super) fn events_unfinished() -> Refusal {
    unavailable("events_unfinished", "Not every event was recorded in time")
}

/// 401 for an API key that is missing or not good: one code for every cause, so that nothing can be probed.
pub(super) fn bad_api_key() -> Refusal {
    let mut refusal = Refusal::new(StatusCode::UNAUTHORIZED, "invalid_api_key", "A valid API key is needed");
    refusal.header =
        Some(Box::new((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"doorstep\""))));
    refusal
}
