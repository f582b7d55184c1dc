//! The listener: routes, limits and an orderly end.

use std::net::{SocketAddr, TcpListener};
use std::num::NonZero;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Data};
use actix_web::{App as Routes, HttpRequest, HttpResponse, HttpServer};

use super::extract::BodyLimits;
use super::problem::{method_not_allowed, not_found};
use super::{
    Server, accesses, answer, callbacks, decisions, desk, evaluate, events, facts, grants, health, hook,
    jwks, policies, request_id, verifications,
};
use crate::app::App;
use crate::config::ServerSettings;

/// Why the server did not start or ended badly.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address} (server.bind)")]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The server itself failed.
    #[error("the server failed")]
    Failed(#[source] std::io::Error),
}

/// A server that takes calls.
pub(crate) struct Running {
    address: SocketAddr,
    handle: ServerHandle,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
    app: Arc<App>,
}

impl Running {
    /// Where it listens: the real port also where 0 was asked for.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Refuses new connections at once, answers what was accepted, then ends.
    ///
    /// # Errors
    /// [`ServeError::Failed`] when a worker did not end as it should.
    pub(crate) async fn drain(self) -> Result<(), ServeError> {
        self.app.let_waiters_go();
        self.handle.stop(true).await;
        match self.task.await {
            Ok(ended) => ended.map_err(ServeError::Failed),
            Err(stopped) => Err(ServeError::Failed(std::io::Error::other(stopped))),
        }
    }
}

/// Starts to take calls for `app`.
///
/// # Errors
/// [`ServeError`]; nothing listens then.
pub(crate) fn serve(app: Arc<App>, settings: &ServerSettings) -> Result<Running, ServeError> {
    let bind_failed = |source| ServeError::Bind { address: settings.bind, source };
    request_id::tag_process(app.process_tag());
    let listener = TcpListener::bind(settings.bind).map_err(bind_failed)?;
    let address = listener.local_addr().map_err(bind_failed)?;
    let hook_body = BodyLimits { bytes_max: settings.body_bytes_max, deadline: settings.body_deadline };
    let callback_body = BodyLimits { bytes_max: settings.callback_body_bytes_max, ..hook_body };
    let shared = Data::new(Server { app: Arc::clone(&app), hook_body, api_body: hook_body, callback_body });
    let workers =
        settings.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, NonZero::get));
    let server = HttpServer::new(move || Routes::new().app_data(Data::clone(&shared)).configure(routes))
        .disable_signals()
        .workers(workers)
        // actix counts connections for each worker.
        .max_connections(settings.connections_max.div_ceil(workers.max(1)))
        .client_request_timeout(settings.header_deadline)
        .shutdown_timeout(settings.shutdown_deadline.as_secs())
        .listen(listener)
        .map_err(bind_failed)?;
    let server = server.run();
    let handle = server.handle();
    Ok(Running { address, handle, task: tokio::spawn(server), app })
}

/// Every address that answers, and the methods it takes.
fn routes(routes: &mut web::ServiceConfig) {
    routes
        // Addresses are tried in this order, those with a name in them by a regular expression each: what is called most stands
        // first.
        .service(posted("/hooks/stepup").route(web::post().to(hook::stepup)))
        .service(posted("/v1/verification-tokens").route(web::post().to(verifications::mint_in_one_call)))
        .service(posted("/v1/grants/redeem").route(web::post().to(grants::redeem)))
        .service(posted("/v1/verifications/{id}/token").route(web::post().to(verifications::mint)))
        .service(
            resource("/.well-known/jwks.json", "GET, HEAD")
                .route(web::get().to(jwks::jwks))
                .route(web::head().to(jwks::jwks)),
        )
        .service(
            resource("/v1/verifications", "GET, POST")
                .route(web::get().to(verifications::list))
                .route(web::post().to(verifications::open)),
        )
        .service(readable("/v1/verifications/{id}").route(web::get().to(verifications::show)))
        .service(readable("/v1/verifications/{id}/events").route(web::get().to(verifications::events)))
        .service(posted("/v1/verifications/{id}/approve").route(web::post().to(verifications::approve)))
        .service(posted("/v1/verifications/{id}/reject").route(web::post().to(verifications::reject)))
        .service(
            resource("/hooks/events", "GET, POST")
                .route(web::get().to(events::activate))
                .route(web::post().to(events::receive)),
        )
        .service(posted("/v1/withdrawals").route(web::post().to(verifications::withdraw)))
        .service(posted("/v1/callbacks/{source}").route(web::post().to(callbacks::receive)))
        .service(posted("/v1/facts").route(web::post().to(facts::report)))
        .service(readable("/v1/decisions").route(web::get().to(decisions::list)))
        .service(readable("/v1/decisions/{id}").route(web::get().to(decisions::show)))
        .service(readable("/v1/lists").route(web::get().to(desk::lists)))
        .service(readable("/v1/lists/{name}").route(web::get().to(desk::list)))
        .service(posted("/v1/lists/{name}/entries").route(web::post().to(desk::add)))
        .service(posted("/v1/lists/{name}/removals").route(web::post().to(desk::remove)))
        .service(readable("/v1/scopes").route(web::get().to(desk::scopes)))
        .service(
            resource("/v1/scopes/{scope}/pause", "PUT, DELETE")
                .route(web::put().to(desk::pause))
                .route(web::delete().to(desk::resume)),
        )
        .service(readable("/v1/desk-actions").route(web::get().to(desk::actions)))
        .service(posted("/v1/evaluate").route(web::post().to(evaluate::evaluate)))
        .service(readable("/v1/policies").route(web::get().to(policies::show)))
        .service(posted("/v1/policies/reload").route(web::post().to(policies::reload)))
        .service(readable("/v1/policies/activations").route(web::get().to(policies::activations)))
        .service(readable("/v1/accesses").route(web::get().to(accesses::list)))
        .service(readable("/healthz").route(web::get().to(health::healthz)))
        .service(readable("/readyz").route(web::get().to(health::readyz)))
        .service(readable("/metrics").route(web::get().to(health::metrics)))
        .default_service(web::to(|request: HttpRequest| async move { answer(&request, Err(not_found())) }));
}

fn readable(path: &str) -> actix_web::Resource {
    resource(path, "GET")
}

fn posted(path: &str) -> actix_web::Resource {
    resource(path, "POST")
}

fn resource(path: &str, methods: &'static str) -> actix_web::Resource {
    web::resource(path).default_service(web::to(move |request: HttpRequest| async move {
        answer(&request, Err::<HttpResponse, _>(method_not_allowed(methods)))
    }))
}
