//! The emulator's own address: Prelude's two key sets over plain http on loopback.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::Value;

use super::EmulatorError;
use super::identity::Identity;

/// Where the application's key set is, below the base URL.
const APP_KEY_SET_PATH: &str = "/.well-known/jwks.json";

/// Where the step-up key set is, below the base URL.
const STEP_UP_KEY_SET_PATH: &str = "/.well-known/step-up-jwks.json";

/// The largest request body that is read, in bytes.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// How often each key set was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FetchCounts {
    /// Fetches of the application's key set.
    pub(crate) app_key_set: u64,
    /// Fetches of the step-up key set.
    pub(crate) step_up_key_set: u64,
}

/// What the routes work with.
#[derive(Debug)]
struct Shared {
    identity: Arc<Identity>,
    app_key_set_fetches: AtomicU64,
    step_up_key_set_fetches: AtomicU64,
}

/// A running server. It ends with [`Server::stop`].
pub(crate) struct Server {
    address: SocketAddr,
    handle: ServerHandle,
    shared: Arc<Shared>,
}

impl Server {
    /// Starts to serve on a free loopback port.
    ///
    /// # Errors
    /// [`EmulatorError::Bind`] when no port can be had; nothing runs then.
    pub(crate) fn start(identity: Arc<Identity>) -> Result<Self, EmulatorError> {
        let shared = Arc::new(Shared {
            identity,
            app_key_set_fetches: AtomicU64::new(0),
            step_up_key_set_fetches: AtomicU64::new(0),
        });
        let data = web::Data::from(Arc::clone(&shared));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .app_data(web::PayloadConfig::new(REQUEST_BYTES_MAX))
                .configure(routes)
        })
        .workers(1)
        .disable_signals()
        .bind((Ipv4Addr::LOCALHOST, 0))
        .map_err(EmulatorError::Bind)?;
        let address = server.addrs().first().copied().ok_or(EmulatorError::NoAddress)?;
        let running = server.run();
        let handle = running.handle();
        tokio::spawn(running);
        Ok(Self { address, handle, shared })
    }

    /// The base URL, without a slash at its end.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The URL of the key set that hook signatures verify with.
    pub(crate) fn app_key_set_url(&self) -> String {
        self.base_url() + APP_KEY_SET_PATH
    }

    /// The URL of the key set that challenge tokens verify with.
    pub(crate) fn step_up_key_set_url(&self) -> String {
        self.base_url() + STEP_UP_KEY_SET_PATH
    }

    /// How often the key sets were fetched since the start.
    pub(crate) fn fetch_counts(&self) -> FetchCounts {
        FetchCounts {
            app_key_set: self.shared.app_key_set_fetches.load(Ordering::SeqCst),
            step_up_key_set: self.shared.step_up_key_set_fetches.load(Ordering::SeqCst),
        }
    }

    /// Stops at once; open connections are cut, the port is free again.
    pub(crate) async fn stop(&self) {
        self.handle.stop(false).await;
    }
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route(APP_KEY_SET_PATH, web::get().to(app_key_set))
        .route(STEP_UP_KEY_SET_PATH, web::get().to(step_up_key_set));
}

async fn app_key_set(shared: web::Data<Shared>) -> HttpResponse {
    shared.app_key_set_fetches.fetch_add(1, Ordering::SeqCst);
    key_set(&shared.identity.app_key_set())
}

async fn step_up_key_set(shared: web::Data<Shared>) -> HttpResponse {
    shared.step_up_key_set_fetches.fetch_add(1, Ordering::SeqCst);
    key_set(&shared.identity.step_up_key_set())
}

fn key_set(set: &Value) -> HttpResponse {
    HttpResponse::Ok().json(set)
}

#[cfg(test)]
mod tests {
    use super::super::courier::Courier;
    use super::super::our_side;
    use super::*;

    #[tokio::test]
    async fn both_key_sets_are_served_and_counted_until_the_stop() {
        let identity = our_side::identity().await;
        let server = Server::start(Arc::clone(&identity)).expect("a server");
        let courier = Courier::new().expect("a client");
        let read = async |url: String| -> Value {
            let reply = courier.get(&url).await.expect("a reply");
            assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
            serde_json::from_slice(&reply.body).expect("JSON")
        };
        assert_eq!(read(server.app_key_set_url()).await, identity.app_key_set());
        assert_eq!(read(server.app_key_set_url()).await, identity.app_key_set());
        assert_eq!(read(server.step_up_key_set_url()).await, identity.step_up_key_set());
        assert_eq!(server.fetch_counts(), FetchCounts { app_key_set: 2, step_up_key_set: 1 });
        server.stop().await;
        let fresh = Courier::new().expect("a client");
        assert!(fresh.get(&server.app_key_set_url()).await.is_err());
    }
}
