//! The open connections of a listener: how many, whose, and since when nobody works for each.
//!
//! actix bounds how long a connection's first head takes and how long it is idle. This bounds the rest: a second head that
//! drips, a body that nobody reads, an answer that nobody takes. A connection of which no request was worked on for too long is
//! shut down from outside, by a second descriptor of its socket, whatever state it is in.

mod unread;

use std::any::Any;
use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::rt::net::TcpStream as Stream;

use self::unread::Body;
use super::limits::Client;
use crate::config::ServerSettings;
use crate::metrics::Fill;

/// Stands for "a request is worked on" where else the moment of the last answer stands.
const IN_HAND: u64 = u64::MAX;
/// How often connections are looked at, unless they may be silent for a few seconds only.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The connections of a listener.
pub(super) struct Connections {
    /// What moments are counted from.
    began: Instant,
    most: usize,
    of_client_max: usize,
    silence_deadline: Duration,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// The number of the next.
    next: u64,
    watched: HashMap<u64, Watched>,
    of_clients: HashMap<Client, usize>,
}

/// A connection as it is seen from outside.
struct Watched {
    /// A second descriptor of it: to shut it down, and for nothing else.
    socket: TcpStream,
    quiet_since: Arc<AtomicU64>,
    client: Option<Client>,
}

/// A connection as its requests see it; it leaves the list with this value.
pub(super) struct Connection {
    list: Arc<Connections>,
    number: u64,
    /// In milliseconds since [`Connections::began`], or [`IN_HAND`]. Relaxed: it guards nothing but itself.
    quiet_since: Arc<AtomicU64>,
    /// The last body that came in chunks.
    pub(super) body: Body,
}

/// Why a connection is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unserved {
    /// Its client has as many as it may have. It is shut down already.
    TooMany,
    /// There is no second descriptor for it: it gets one answer at most.
    Unwatched,
}

impl Connections {
    /// Nobody is connected yet.
    pub(super) fn new(settings: &ServerSettings) -> Self {
        Self {
            began: Instant::now(),
            most: settings.connections_max,
            of_client_max: settings.client_connections_max,
            silence_deadline: settings.silence_deadline,
            open: Mutex::default(),
        }
    }

    /// How many there are and may be; those in a TLS handshake are not counted yet.
    pub(super) fn fill(&self) -> Fill {
        Fill { now: self.open().watched.len(), most: self.most }
    }

    /// Takes a new connection into the list.
    ///
    /// - `client`: whose it is, with `None` for one who may have all.
    ///
    /// # Errors
    /// [`Unserved`]; it is in no list then.
    pub(super) fn enter(
        self: &Arc<Self>,
        stream: &Stream,
        client: Option<Client>,
    ) -> Result<Connection, Unserved> {
        let socket = stream.as_fd().try_clone_to_owned().map(TcpStream::from);
        let socket = socket.map_err(|_| Unserved::Unwatched)?;
        let quiet_since = Arc::new(AtomicU64::new(self.now()));
        let mut open = self.open();
        if let Some(client) = client {
            let held = open.of_clients.entry(client).or_default();
            if *held >= self.of_client_max {
                drop(open);
                shut(&socket);
                return Err(Unserved::TooMany);
            }
            *held += 1;
        }
        let number = open.next;
        open.next += 1;
        open.watched.insert(number, Watched { socket, quiet_since: Arc::clone(&quiet_since), client });
        Ok(Connection { list: Arc::clone(self), number, quiet_since, body: Body::default() })
    }

    /// Cuts for ever what is silent for too long.
    ///
    /// - `cut`: told how many were, if any.
    pub(super) async fn keep_cutting(self: Arc<Self>, cut: impl Fn(usize)) {
        let mut looks = tokio::time::interval(LOOK_EVERY.min(self.silence_deadline / 4));
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            cut(self.cut_silent());
        }
    }

    fn cut_silent(&self) -> usize {
        let (now, deadline) = (self.now(), millis(self.silence_deadline));
        let open = self.open();
        let is_due = |watched: &&Watched| {
            let since = watched.quiet_since.load(Ordering::Relaxed);
            since != IN_HAND && now.saturating_sub(since) >= deadline
        };
        let due = open.watched.values().filter(is_due);
        // Whoever was cut is left alone: its task finds that out by itself and ends.
        due.inspect(|watched| {
            shut(&watched.socket);
            watched.quiet_since.store(IN_HAND, Ordering::Relaxed);
        })
        .count()
    }

    fn now(&self) -> u64 {
        millis(self.began.elapsed())
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// A request of it is worked on from now on.
    pub(super) fn begin(&self) {
        self.quiet_since.store(IN_HAND, Ordering::Relaxed);
    }

    /// The request is answered.
    pub(super) fn end(&self) {
        self.quiet_since.store(self.list.now(), Ordering::Relaxed);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut open = self.list.open();
        let Some(client) = open.watched.remove(&self.number).and_then(|watched| watched.client) else {
            return;
        };
        if let Some(held) = open.of_clients.get_mut(&client) {
            *held -= 1;
            if *held == 0 {
                open.of_clients.remove(&client);
            }
        }
    }
}

/// The socket under a connection, with TLS or without.
pub(super) fn socket(connection: &dyn Any) -> Option<&Stream> {
    let plain = connection.downcast_ref::<Stream>();
    plain.or_else(|| connection.downcast_ref::<TlsStream<Stream>>().map(|tls| tls.get_ref().0))
}

/// It fails only for a connection that is closed already.
fn shut(socket: &TcpStream) {
    drop(socket.shutdown(Shutdown::Both));
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(IN_HAND - 1)
}
