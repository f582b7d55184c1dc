//! Prelude's side on one HTTPS address: what its SDK, its management API's callers and Doorstep reach.

mod body;
mod control;
mod fault;
mod front;
mod origins;
#[cfg(test)]
pub(super) mod stage;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::Value;
use tokio::task::JoinHandle;

pub(super) use body::{Body, read_object};
pub(super) use fault::Fault;
pub(crate) use front::FrontSettings;
pub(crate) use origins::Origins;

use super::adjustable_clock::AdjustableClock;
use super::certificate::{Certificate, LOCAL_NAMES, LocalCertificate};
use super::identity::Identity;
use super::journal::Journal;
use super::management::{self, Management, ManagementSettings};
use super::{EmulatorError, Now};

/// The largest request body that is read, in bytes.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// What a site is started with.
#[derive(Clone)]
pub(crate) struct SiteSettings {
    /// The port on the loopback interface; 0 for a free one.
    pub(crate) port: u16,
    /// Names that the certificate is good for, beside those of this machine.
    pub(crate) names: Vec<String>,
    /// Which pages may call.
    pub(crate) origins: Origins,
    /// The session API.
    pub(crate) front: FrontSettings,
    /// The management API, and what is configured from the start.
    pub(crate) management: ManagementSettings,
    /// The machine's time.
    pub(crate) now: Now,
}

/// What the routes work with.
pub(super) struct World {
    pub(super) settings: SiteSettings,
    pub(super) identity: Identity,
    pub(super) clock: AdjustableClock,
    pub(super) journal: Journal,
    pub(super) management: Management,
    front: front::Front,
    /// What the certificate is good for.
    names: Vec<String>,
}

/// A running site. It ends with [`Site::stop`].
pub(crate) struct Site {
    address: SocketAddr,
    handle: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
    ca_pem: String,
    local: LocalCertificate,
    world: web::Data<World>,
}

impl Site {
    /// Makes keys and a certificate, and serves on the loopback interface. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`EmulatorError`]; nothing runs then.
    pub(crate) async fn start(settings: SiteSettings) -> Result<Self, EmulatorError> {
        let names: Vec<String> =
            LOCAL_NAMES.into_iter().map(str::to_owned).chain(settings.names.iter().cloned()).collect();
        let certificate = Certificate::make(&names)?;
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port)).map_err(EmulatorError::Bind)?;
        let address = listener.local_addr().map_err(|_| EmulatorError::NoAddress)?;
        let world = web::Data::new(World {
            identity: Identity::generate().await?,
            clock: AdjustableClock::new(Arc::clone(&settings.now)),
            journal: Journal::default(),
            management: Management::new(&settings.management, (settings.now)())?,
            front: front::Front::new(&settings.front)?,
            names,
            settings,
        });
        let shared = web::Data::clone(&world);
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::clone(&shared))
                .app_data(web::PayloadConfig::new(REQUEST_BYTES_MAX))
                .wrap(from_fn(origins::around))
                .configure(routes)
        })
        .workers(1)
        .disable_signals()
        .listen_rustls_0_23(listener, certificate.tls)
        .map_err(EmulatorError::Bind)?
        .run();
        let handle = server.handle();
        Ok(Self {
            address,
            handle,
            task: tokio::spawn(server),
            ca_pem: certificate.ca_pem,
            local: certificate.local,
            world,
        })
    }

    /// Where it listens: the real port also where 0 was asked for.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate that clients must trust, PEM.
    pub(crate) fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// What other servers on this machine can show to whoever trusts [`Site::ca_pem`].
    pub(crate) const fn local_certificate(&self) -> &LocalCertificate {
        &self.local
    }

    /// Puts scopes and a step-up configuration, as `POST` would take it, in place of what is configured.
    ///
    /// # Errors
    /// [`EmulatorError::Configuration`]; nothing changed then.
    pub(crate) fn configure(&self, scopes: &[String], step_up: &Value) -> Result<(), EmulatorError> {
        self.world.management.configure(scopes, step_up, self.world.clock.now())
    }

    /// The key for the management API.
    pub(crate) fn management_key(&self) -> &str {
        self.world.management.key()
    }

    /// Stops at once; open connections are cut.
    ///
    /// # Errors
    /// [`EmulatorError::Stopped`] when the server did not end as it should.
    pub(crate) async fn stop(self) -> Result<(), EmulatorError> {
        self.handle.stop(false).await;
        match self.task.await {
            Ok(ended) => ended.map_err(EmulatorError::Stopped),
            Err(stopped) => Err(EmulatorError::Stopped(std::io::Error::other(stopped))),
        }
    }
}

/// Shows where it listens.
impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").field("address", &self.address).finish_non_exhaustive()
    }
}

fn routes(routes: &mut web::ServiceConfig) {
    routes
        .route("/.well-known/jwks.json", web::get().to(app_key_set))
        .route("/.well-known/step-up-jwks.json", web::get().to(step_up_key_set))
        .configure(management::routes)
        .configure(control::routes)
        .configure(front::routes)
        .default_service(web::to(nowhere));
}

async fn app_key_set(world: web::Data<World>) -> HttpResponse {
    HttpResponse::Ok().json(world.identity.app_key_set())
}

async fn step_up_key_set(world: web::Data<World>) -> HttpResponse {
    HttpResponse::Ok().json(world.identity.step_up_key_set())
}

async fn nowhere() -> Result<HttpResponse, Fault> {
    Err(Fault::not_found("the emulator has no such address"))
}

#[cfg(test)]
mod tests;
