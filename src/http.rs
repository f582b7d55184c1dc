//! The only room that knows actix: a handler extracts, calls one use case and maps.

mod accesses;
mod callbacks;
mod connections;
mod decisions;
mod desk;
mod evaluate;
mod events;
mod extract;
mod facts;
mod grants;
mod health;
mod hook;
mod jwks;
mod limits;
mod openapi;
mod policies;
mod post;
mod problem;
mod refusals;
mod request_id;
mod routes;
mod security_headers;
mod server;
mod signed;
mod tls;
mod verifications;

use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use self::connections::Connections;
use self::extract::BodyLimits;
use self::health::Scrapes;
use self::limits::Limits;
use self::problem::Refusal;
use self::request_id::RequestId;
use self::routes::Face;
use crate::app::App;
use crate::metrics::{Metrics, RouteCounts};
use crate::spans;

pub(crate) use server::{Running, serve};
pub(crate) use tls::{Standing, standing as certificate_standing};

/// What is answered once everything that was told is on disk.
const RECORDED: &str = r#"{"status":"recorded"}"#;

/// What every handler shares.
struct Server {
    app: Arc<App>,
    limits: Limits,
    connections: Listeners,
    hook_body: BodyLimits,
    api_body: BodyLimits,
    callback_body: BodyLimits,
    scrapes: Scrapes,
}

/// The connections of each listener.
struct Listeners {
    public: Arc<Connections>,
    private: Option<Arc<Connections>>,
}

impl Listeners {
    /// Those of a face; the private one's are the public one's where there is one listener only.
    fn of(&self, face: Face) -> Arc<Connections> {
        let private = self.private.as_ref().filter(|_| face == Face::Private);
        Arc::clone(private.unwrap_or(&self.public))
    }

    /// States how many there are, and may be.
    fn measure(&self, metrics: &Metrics) {
        metrics.connections("public", self.public.fill());
        if let Some(private) = &self.private {
            metrics.connections("private", private.fill());
        }
    }
}

/// Turns a use case's result into the answer and names it; a refusal is logged here, once.
fn answer(request: &HttpRequest, result: Result<HttpResponse, Refusal>) -> HttpResponse {
    let request_id = RequestId::next();
    let cause = result.as_ref().err().map(Refusal::cause);
    let response = result.unwrap_or_else(|refusal| {
        if let (Some(limit), Some(server)) = (refusal.limit(), request.app_data::<Data<Server>>()) {
            server.app.metrics().limit_refusal(limit);
        }
        if let Some(left_out) = lines_left_out(request, &refusal) {
            tell(request, request_id, (&refusal, left_out));
        }
        refusal.respond(request_id)
    });
    let status = response.status().as_u16();
    tracing::debug!(%request_id, route = request.match_pattern(), status, "A request was answered.");
    spans::answered(status, request_id, cause);
    count(request, &response);
    security_headers::on(request, request_id.on(response))
}

/// Logs a refusal: a fault of ours as an error, everybody else's as news.
fn tell(request: &HttpRequest, request_id: RequestId, (refusal, left_out): (&Refusal, Option<u64>)) {
    let (route, cause, detail) = (request.match_pattern(), refusal.cause(), refusal.detail());
    match refusal.error() {
        Some(error) => {
            tracing::error!(%request_id, route, cause, error, left_out, "A request was refused.");
        }
        None => tracing::info!(%request_id, route, cause, detail, left_out, "A request was refused."),
    }
}

/// Counts an answer under the address that was found for its request.
fn count(request: &HttpRequest, response: &HttpResponse) {
    if let Some(route) = request.app_data::<RouteCounts>() {
        route.answered(response.status().as_u16(), || {
            request.app_data::<Data<Server>>().map(|server| server.app.metrics())
        });
    }
}

/// Answers a request that needs neither signature nor key, as often as a client may ask.
fn open(request: &HttpRequest, respond: impl FnOnce() -> HttpResponse) -> HttpResponse {
    open_or(request, || Ok(respond()))
}

/// The same for what may be refused.
fn open_or(request: &HttpRequest, respond: impl FnOnce() -> Result<HttpResponse, Refusal>) -> HttpResponse {
    let counted = request
        .app_data::<Data<Server>>()
        .map(|server| server.limits.open_request(request, server.app.now()));
    answer(request, counted.unwrap_or(Ok(())).and_then(|()| respond()))
}

/// How many refusals got no line since the last; `None` for one that gets none either. Whoever is unknown could fill a disk.
fn lines_left_out(request: &HttpRequest, refusal: &Refusal) -> Option<Option<u64>> {
    if !refusal.is_news() {
        return None;
    }
    match request.app_data::<Data<Server>>() {
        Some(server) if refusal.may_be_endless() => {
            server.limits.line(server.app.now()).map(|left_out| Some(left_out).filter(|number| *number > 0))
        }
        _ => Some(None),
    }
}
