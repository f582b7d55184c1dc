//! Every address that answers, the methods it takes, and on which face it stands.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use super::problem::{method_not_allowed, not_found};
use super::{
    accesses, callbacks, decisions, desk, evaluate, events, facts, grants, health, hook, jwks, open_or,
    openapi, policies, verifications,
};
use crate::metrics::RouteCounts;

/// Who can reach a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    /// Everybody who can reach anything: there is one listener only.
    Both,
    /// The internet: Prelude and identity-check providers.
    Public,
    /// The customer's own systems.
    Private,
}

impl Face {
    /// Adds what stands on this face. Addresses are tried in this order, those with a name in them by a regular expression
    /// each: what is called most stands first.
    pub(super) fn routes(self, routes: &mut ServiceConfig) {
        if self != Self::Private {
            prelude(routes);
        }
        if self != Self::Public {
            backend(routes);
            fraud_desk(routes);
            operator(routes);
        }
        if self != Self::Private {
            providers(routes);
        }
        routes.app_data(RouteCounts::of("none")).default_service(web::to(
            |request: HttpRequest| async move { open_or(&request, || Err(not_found())) },
        ));
    }
}

/// What Prelude calls.
fn prelude(routes: &mut ServiceConfig) {
    routes
        .service(posted("/hooks/stepup").route(web::post().to(hook::stepup)))
        .service(
            resource("/.well-known/jwks.json", "GET, HEAD")
                .route(web::get().to(jwks::jwks))
                .route(web::head().to(jwks::jwks)),
        )
        .service(
            resource("/hooks/events", "GET, POST")
                .route(web::get().to(events::activate))
                .route(web::post().to(events::receive)),
        );
}

/// What identity-check providers call.
fn providers(routes: &mut ServiceConfig) {
    routes.service(posted("/v1/callbacks/{source}").route(web::post().to(callbacks::receive)));
}

/// What the customer's services call.
fn backend(routes: &mut ServiceConfig) {
    routes
        .service(posted("/v1/verification-tokens").route(web::post().to(verifications::mint_in_one_call)))
        .service(posted("/v1/grants/redeem").route(web::post().to(grants::redeem)))
        .service(posted("/v1/verifications/{id}/token").route(web::post().to(verifications::mint)))
        .service(
            resource("/v1/verifications", "GET, POST")
                .route(web::get().to(verifications::list))
                .route(web::post().to(verifications::open)),
        )
        .service(readable("/v1/verifications/{id}").route(web::get().to(verifications::show)))
        .service(readable("/v1/verifications/{id}/events").route(web::get().to(verifications::events)))
        .service(posted("/v1/verifications/{id}/approve").route(web::post().to(verifications::approve)))
        .service(posted("/v1/verifications/{id}/reject").route(web::post().to(verifications::reject)))
        .service(posted("/v1/withdrawals").route(web::post().to(verifications::withdraw)))
        .service(posted("/v1/facts").route(web::post().to(facts::report)));
}

/// What people call who look into the record or act at the fraud desk.
fn fraud_desk(routes: &mut ServiceConfig) {
    routes
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
        .service(readable("/v1/desk-actions").route(web::get().to(desk::actions)));
}

/// What whoever keeps the installation running calls.
fn operator(routes: &mut ServiceConfig) {
    routes
        .service(posted("/v1/evaluate").route(web::post().to(evaluate::evaluate)))
        .service(readable("/v1/policies").route(web::get().to(policies::show)))
        .service(posted("/v1/policies/reload").route(web::post().to(policies::reload)))
        .service(readable("/v1/policies/activations").route(web::get().to(policies::activations)))
        .service(readable("/v1/accesses").route(web::get().to(accesses::list)))
        .service(readable("/healthz").route(web::get().to(health::healthz)))
        .service(readable("/readyz").route(web::get().to(health::readyz)))
        .service(readable("/metrics").route(web::get().to(health::metrics)))
        .service(readable("/openapi.json").route(web::get().to(openapi::document)));
}

fn readable(path: &'static str) -> actix_web::Resource {
    resource(path, "GET")
}

fn posted(path: &'static str) -> actix_web::Resource {
    resource(path, "POST")
}

fn resource(path: &'static str, methods: &'static str) -> actix_web::Resource {
    web::resource(path).app_data(RouteCounts::of(path)).default_service(web::to(
        move |request: HttpRequest| async move {
            open_or(&request, || Err::<HttpResponse, _>(method_not_allowed(methods)))
        },
    ))
}
