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
pub(crate) enum Mode {
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
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    mode: watch::Sender<Mode>,
}

impl Proxy {
    pub(crate) async fn before(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (mode, modes) = watch::channel(Mode::Pass);
        tokio::spawn(listen(listener, modes, socket));
        Self { address, mode }
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

async fn listen(listener: TcpListener, mut modes: watch::Receiver<Mode>, socket: PathBuf) {
    let address = listener.local_addr().expect("its address");
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
            None => TcpListener::bind(address).await.expect("the port is still free"),
        };
        tokio::select! {
            accepted = open.accept() => {
                let (client, _) = accepted.expect("a connection");
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
        let mut left = &buffer[..length];
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
            if to.write_all(&left[..carried]).await.is_err() {
                return;
            }
            left = &left[carried..];
        }
    }
}
