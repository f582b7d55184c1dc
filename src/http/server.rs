//! The listeners: one, or one for each face; limits, TLS and an orderly end.

use std::any::Any;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZero;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Extensions, ServerHandle, Service as _, ServiceRequest};
use actix_web::http::ConnectionType;
use actix_web::web::Data;
use actix_web::{App as Routes, HttpServer};
use futures_util::future::{Either, ready};
use tokio::task::JoinHandle;
use tracing::{Instrument as _, Span};

use super::connections::{Connection, Connections, Unserved, socket};
use super::extract::BodyLimits;
use super::health::Scrapes;
use super::limits::Limits;
use super::problem::head_too_large;
use super::routes::Face;
use super::tls::{Certificates, TlsError};
use super::{Listeners, Server, answer, request_id};
use crate::app::App;
use crate::config::{ServerSettings, TlsFaces};
use crate::spans;

/// Why the server did not start or ended badly.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address} ({option})")]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// Where it was asked for.
        option: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The certificate or its key is not to be used.
    #[error("TLS cannot be served (server.tls_certificate_file, server.tls_key_file)")]
    Tls(#[from] TlsError),
    /// The server itself failed.
    #[error("the server failed")]
    Failed(#[source] std::io::Error),
}

/// A server that takes calls.
pub(crate) struct Running {
    public: Listening,
    private: Option<Listening>,
    renewing: Option<JoinHandle<()>>,
    app: Arc<App>,
    /// How long calls are taken while `/readyz` says no.
    lead: Duration,
}

/// One listener.
struct Listening {
    address: SocketAddr,
    handle: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
    /// Cuts silent connections, also while they come to their end.
    cutting: JoinHandle<()>,
}

impl Running {
    /// Where it listens for the internet, and for everything where there is one listener: the real port also where 0 was asked
    /// for.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.public.address
    }

    /// Where it listens for the customer's own systems, if that is somewhere else.
    pub(crate) fn private_address(&self) -> Option<SocketAddr> {
        self.private.as_ref().map(|listening| listening.address)
    }

    /// Serves on, and says that it is about to end, for as long as was set.
    pub(crate) async fn lead(&self) {
        self.app.leave();
        tokio::time::sleep(self.lead).await;
    }

    /// Refuses new connections at once, answers what was accepted, then ends.
    ///
    /// # Errors
    /// [`ServeError::Failed`] when a worker did not end as it should.
    pub(crate) async fn drain(self) -> Result<(), ServeError> {
        self.app.let_waiters_go();
        if let Some(renewing) = self.renewing {
            renewing.abort();
        }
        let private = async {
            match self.private {
                Some(private) => private.drain().await,
                None => Ok(()),
            }
        };
        let (public, private) = tokio::join!(self.public.drain(), private);
        public.and(private)
    }
}

impl Listening {
    async fn drain(self) -> Result<(), ServeError> {
        self.handle.stop(true).await;
        let ended = self.task.await;
        self.cutting.abort();
        match ended {
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
    request_id::tag_process(app.process_tag());
    let certificates = Certificates::load(settings, &app)?.map(Arc::new);
    let hook_body = BodyLimits { bytes_max: settings.body_bytes_max, deadline: settings.body_deadline };
    let callback_body = BodyLimits { bytes_max: settings.callback_body_bytes_max, ..hook_body };
    let limits = Limits::new(settings);
    let connections = || Arc::new(Connections::new(settings));
    let connections =
        Listeners { public: connections(), private: settings.private_bind.map(|_| connections()) };
    let shared = Data::new(Server {
        app: Arc::clone(&app),
        limits,
        connections,
        hook_body,
        api_body: hook_body,
        callback_body,
        scrapes: Scrapes::default(),
    });
    let tls_on = |face| {
        certificates.clone().filter(|_| face == settings.tls_faces || settings.tls_faces == TlsFaces::Both)
    };
    // Both before either takes calls.
    let public = bind(settings.bind, "server.bind")?;
    let private = settings.private_bind.map(|address| bind(address, "server.private_bind")).transpose()?;
    let face = if private.is_some() { Face::Public } else { Face::Both };
    let public = listen(&shared, settings, (face, public, tls_on(TlsFaces::Public)))?;
    let private = private
        .map(|listener| listen(&shared, settings, (Face::Private, listener, tls_on(TlsFaces::Private))));
    let private = private.transpose()?;
    let renewing = certificates.map(|certificates| tokio::spawn(certificates.keep_renewed(Arc::clone(&app))));
    Ok(Running { public, private, renewing, app, lead: settings.shutdown_lead })
}

/// The span of a request, where somebody collects them. What needs neither signature nor key is asked for again and again, and
/// is none.
fn traced(request: &ServiceRequest) -> Span {
    if !spans::are_on() {
        return Span::none();
    }
    let route = request.match_pattern();
    match route.as_deref() {
        Some("/.well-known/jwks.json" | "/healthz" | "/readyz" | "/metrics") => Span::none(),
        route => spans::request(request.method().as_str(), route),
    }
}

impl Server {
    /// Has a new connection watched, or shut down where its client has as many as it may have.
    fn take_up(&self, list: &Arc<Connections>, connection: &dyn Any, extensions: &mut Extensions) {
        let Some(stream) = socket(connection) else { return };
        let client =
            stream.peer_addr().ok().and_then(|peer| self.limits.connecting(peer.ip(), self.app.now()));
        match list.enter(stream, client) {
            Ok(connection) => drop(extensions.insert(Rc::new(connection))),
            Err(Unserved::TooMany) => self.app.metrics().limit_refusal("client_connections"),
            Err(Unserved::Unwatched) => {}
        }
    }

    fn cut(&self, connections: usize) {
        (0..connections).for_each(|_| self.app.metrics().limit_refusal("silent_connections"));
    }
}

fn bind(address: SocketAddr, option: &'static str) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).map_err(|source| ServeError::Bind { address, option, source })
}

fn listen(
    shared: &Data<Server>,
    settings: &ServerSettings,
    (face, listener, certificates): (Face, TcpListener, Option<Arc<Certificates>>),
) -> Result<Listening, ServeError> {
    let address = listener.local_addr().map_err(ServeError::Failed)?;
    let connections = shared.connections.of(face);
    let (server, watching, cutting) = (Data::clone(shared), Data::clone(shared), Data::clone(shared));
    let list = Arc::clone(&connections);
    let workers =
        settings.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, NonZero::get));
    // actix counts connections, and TLS handshakes among them, for each worker.
    let connections_max = settings.connections_max.div_ceil(workers.max(1));
    let server = HttpServer::new(move || {
        let shared = Data::clone(&server);
        let routes = Routes::new().app_data(Data::clone(&shared)).configure(|routes| face.routes(routes));
        routes.wrap_fn(move |mut request, next| {
            let connection = request.conn_data::<Rc<Connection>>().cloned();
            if let Some(connection) = &connection {
                connection.begin();
                connection.body.hold(&mut request);
            }
            let closes = shared.app.is_leaving() || connection.is_none();
            let answering = if shared.limits.has_too_long_head(&request) {
                let response = answer(request.request(), Err(head_too_large()));
                Either::Left(ready(Ok(request.into_response(response))))
            } else {
                let span = traced(&request);
                Either::Right(next.call(request).instrument(span))
            };
            async move {
                let answered = answering.await;
                if let Some(connection) = connection {
                    connection.end();
                }
                let mut response = answered?;
                if closes {
                    response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
                }
                Ok(response)
            }
        })
    });
    let server = server
        .disable_signals()
        .on_connect(move |connection, extensions| watching.take_up(&list, connection, extensions))
        .workers(workers)
        .max_connections(connections_max)
        .max_connection_rate(connections_max)
        .client_request_timeout(settings.header_deadline)
        .keep_alive(settings.keep_alive)
        .tls_handshake_timeout(settings.tls_handshake_deadline)
        .shutdown_timeout(settings.shutdown_deadline.as_secs());
    let server = match certificates {
        Some(certificates) => server.listen_rustls_0_23(listener, certificates.server_config()?),
        None => server.listen(listener),
    };
    let server = server.map_err(ServeError::Failed)?.run();
    let cutting = tokio::spawn(connections.keep_cutting(move |silent| cutting.cut(silent)));
    Ok(Listening { address, handle: server.handle(), task: tokio::spawn(server), cutting })
}
