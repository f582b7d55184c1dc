//! A TCP proxy before PostgreSQL's socket, with everything that networks do.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::time::interval;

/// How long a byte takes when it trickles.
const PER_BYTE: Duration = Duration::from_millis(5);

/// What it does with connections and bytes, those of before included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Carries.
    Pass,
    /// Takes everything and carries nothing.
    Stall,
    /// Carries one byte at a time.
    Trickle,
    /// Takes connections and closes them at once.
    Cut,
    /// Does not listen.
    Refuse,
    /// Closes what is open, once, and carries what is opened afterwards.
    CutOnce,
}

/// A proxy that runs until it is dropped.
pub struct Proxy {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
}

impl Proxy {
    /// Listens on a free loopback port, before a server's socket.
    ///
    /// # Errors
    /// No port could be had.
    pub async fn before(socket: PathBuf) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (mode, modes) = watch::channel(Mode::Pass);
        tokio::spawn(listen((listener, address), modes, socket));
        Ok(Self { address, mode })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Does this from now on.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

/// Ends with the proxy, or when the port is lost: whoever connects is refused then.
async fn listen(
    (listener, address): (TcpListener, SocketAddr),
    mut modes: watch::Receiver<Mode>,
    socket: PathBuf,
) {
    let mut listener = Some(listener);
    loop {
        if *modes.borrow_and_update() == Mode::Refuse {
            listener = None;
            if modes.wait_for(|mode| *mode != Mode::Refuse).await.is_err() {
                return;
            }
        }
        let open = match listener.take() {
            Some(open) => open,
            None => match TcpListener::bind(address).await {
                Ok(open) => open,
                Err(_) => return,
            },
        };
        tokio::select! {
            accepted = open.accept() => {
                let Ok((client, _)) = accepted else { return };
                tokio::spawn(carry(client, socket.clone(), modes.clone()));
            }
            changed = modes.changed() => if changed.is_err() { return },
        }
        listener = Some(open);
    }
}

async fn carry(client: TcpStream, socket: PathBuf, mut modes: watch::Receiver<Mode>) {
    if *modes.borrow_and_update() == Mode::Cut {
        return;
    }
    let Ok(server) = UnixStream::connect(socket).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let carrying = modes.clone();
    let cut = async {
        while modes.changed().await.is_ok() {
            if matches!(*modes.borrow(), Mode::Cut | Mode::CutOnce | Mode::Refuse) {
                return;
            }
        }
    };
    tokio::select! {
        () = pump(from_client, to_server, carrying.clone()) => {}
        () = pump(from_server, to_client, carrying) => {}
        () = cut => {}
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut modes: watch::Receiver<Mode>,
) {
    let mut buffer = vec![0; 64 * 1024];
    let mut ticks = interval(PER_BYTE);
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let mut left = buffer.get(..length).unwrap_or_default();
        while !left.is_empty() {
            let mode = *modes.borrow_and_update();
            let carried = match mode {
                Mode::Pass | Mode::CutOnce => left.len(),
                Mode::Trickle => {
                    ticks.tick().await;
                    1
                }
                Mode::Stall | Mode::Cut | Mode::Refuse => {
                    if modes.changed().await.is_err() {
                        return;
                    }
                    0
                }
            };
            let (now, later) = left.split_at(carried);
            if to.write_all(now).await.is_err() {
                return;
            }
            left = later;
        }
    }
}
