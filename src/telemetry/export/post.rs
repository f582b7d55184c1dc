//! One request to the collector, and what its answer means (OTLP 1.7, OTLP/HTTP).

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Client, Response, redirect};

use super::ExportError;
use crate::config::{HttpUrl, TraceCompression, TraceHeaders, TracingSettings};

/// How long the collector has for a batch.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much of an answer is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Who sends.
const USER_AGENT: &str = concat!("doorstep/", env!("CARGO_PKG_VERSION"));

/// What came of one try.
pub(super) enum Tried {
    /// It has them.
    Taken {
        /// How many of the spans it threw away.
        rejected: u64,
    },
    /// It has none of them, and may take them after this long.
    Again(String, Option<Duration>),
    /// It has none of them, and never will; or nobody knows.
    Failed(String),
}

/// Hands bodies over at one address.
pub(super) struct Post {
    client: Client,
    endpoint: HttpUrl,
    compression: TraceCompression,
}

impl Post {
    /// Prepares it; nothing is sent yet.
    ///
    /// # Errors
    /// [`ExportError`]
    pub(super) fn new(settings: &TracingSettings) -> Result<Self, ExportError> {
        let (endpoint, compression) = (settings.endpoint.clone(), settings.compression);
        Ok(Self { client: client(settings)?, endpoint, compression })
    }

    /// A body as it goes over the wire.
    pub(super) fn dressed(&self, body: Vec<u8>) -> Vec<u8> {
        match self.compression {
            TraceCompression::None => body,
            TraceCompression::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                // INVARIANT: writing into a Vec cannot fail.
                let _ = encoder.write_all(&body);
                encoder.finish().unwrap_or_default()
            }
        }
    }

    /// Sends a body once.
    ///
    /// A try that ran into the time limit is not to be repeated: the collector may have the spans, and what waits behind them
    /// would be lost for it.
    pub(super) async fn once(&self, body: Vec<u8>) -> Tried {
        let request = self.client.post(self.endpoint.as_str()).header(CONTENT_TYPE, "application/x-protobuf");
        let request = match self.compression {
            TraceCompression::None => request,
            TraceCompression::Gzip => request.header(CONTENT_ENCODING, "gzip"),
        };
        let answer = match request.body(body).send().await {
            Ok(answer) => answer,
            Err(error) => {
                let may_again = !error.is_timeout() && (error.is_connect() || error.is_request());
                let cause = words(&error.without_url());
                return if may_again { Tried::Again(cause, None) } else { Tried::Failed(cause) };
            }
        };
        let status = answer.status();
        if status.is_success() {
            return Tried::Taken { rejected: rejected(answer).await };
        }
        let cause = format!("it answered with status {}", status.as_u16());
        match status.as_u16() {
            429 | 502 | 503 | 504 => Tried::Again(cause, retry_after(&answer)),
            _ => Tried::Failed(cause),
        }
    }
}

/// How many spans an answer says were thrown away. One that cannot be read says nothing.
async fn rejected(mut answer: Response) -> u64 {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return 0;
        }
        body.extend_from_slice(&chunk);
    }
    let partial = ExportTraceServiceResponse::decode(&*body).ok().and_then(|answer| answer.partial_success);
    partial.and_then(|partial| u64::try_from(partial.rejected_spans).ok()).unwrap_or_default()
}

/// How long the collector asks us to wait (RFC 9110 §10.2.3), in seconds; a date is not looked at.
fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// A client for one address: no redirect, and TLS unless the address is this machine's own.
fn client(settings: &TracingSettings) -> Result<Client, ExportError> {
    let builder = Client::builder()
        .user_agent(USER_AGENT)
        .default_headers(headers(settings)?)
        .redirect(redirect::Policy::none())
        .connect_timeout(PATIENCE)
        .timeout(PATIENCE)
        .pool_max_idle_per_host(1);
    let extra = match &settings.ca_file {
        None => Vec::new(),
        Some(file) => {
            let pem = std::fs::read(file).map_err(ExportError::CaFile)?;
            let extra = Certificate::from_pem_bundle(&pem).map_err(|_| ExportError::Certificates)?;
            if extra.is_empty() {
                return Err(ExportError::Certificates);
            }
            extra
        }
    };
    let builder = if settings.endpoint.is_plain() {
        // Only this machine's own: no proxy stands before it, and it needs no roots.
        builder.no_proxy().tls_certs_only(extra)
    } else {
        builder.https_only(true).tls_certs_merge(extra)
    };
    builder.build().map_err(ExportError::Tls)
}

/// The headers of the settings, marked so that no library prints them.
fn headers(settings: &TracingSettings) -> Result<HeaderMap, ExportError> {
    let mut headers = HeaderMap::new();
    for (name, value) in settings.headers.iter().flat_map(TraceHeaders::expose) {
        let name = HeaderName::try_from(name).map_err(|_| ExportError::Headers)?;
        let mut value = HeaderValue::try_from(value).map_err(|_| ExportError::Headers)?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

/// An error with its causes.
fn words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |cause| cause.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
