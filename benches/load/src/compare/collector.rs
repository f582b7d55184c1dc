//! A collector of traces on loopback that takes everything and keeps nothing.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::fault::{Fault, Outcome, While as _};
use crate::server::free_address;

/// The longest request head that is read.
const HEAD_BYTES_MAX: usize = 8_192;

/// Where it listens, and how much came; it ends with the runtime.
#[derive(Debug, Clone)]
pub(super) struct Collector {
    address: SocketAddr,
    bytes: Rc<Cell<usize>>,
}

impl Collector {
    /// Listens in a task of the current `LocalSet`.
    ///
    /// # Errors
    /// When no port is free.
    pub(super) async fn start() -> Outcome<Self> {
        let listener = TcpListener::bind(free_address()?).await.doing("binding the collector")?;
        let address = listener.local_addr().doing("binding the collector")?;
        let collector = Self { address, bytes: Rc::default() };
        let bytes = Rc::clone(&collector.bytes);
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let bytes = Rc::clone(&bytes);
                tokio::task::spawn_local(async move {
                    // A server that leaves is done.
                    let _ = take(stream, &bytes).await;
                });
            }
        });
        Ok(collector)
    }

    /// Where it takes traces.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many bytes of batches came since the last time.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.take()
    }
}

/// Takes the batches of one connection.
async fn take(mut stream: TcpStream, bytes: &Cell<usize>) -> std::io::Result<()> {
    let mut read = Vec::with_capacity(65_536);
    loop {
        let end = loop {
            if let Some(at) = read.windows(4).position(|end| end == b"\r\n\r\n") {
                break at + 4;
            }
            if read.len() > HEAD_BYTES_MAX || stream.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(read.get(..end).unwrap_or_default()).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        let length: usize = length.unwrap_or_default();
        while read.len() < end + length {
            if stream.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        }
        bytes.set(bytes.get() + length);
        read.drain(..end + length);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await?;
    }
}

/// How many spans a server could not hand over, by its metrics.
///
/// # Errors
/// When it does not answer, or does not count them.
pub(super) async fn spans_lost(server: SocketAddr) -> Outcome<u64> {
    let mut stream = TcpStream::connect(server).await.doing("connecting")?;
    let question = b"GET /metrics HTTP/1.1\r\nHost: doorstep.bench\r\nConnection: close\r\n\r\n";
    stream.write_all(question).await.doing("asking for metrics")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.doing("reading metrics")?;
    let counts = answer.lines().filter_map(|line| line.strip_prefix("doorstep_trace_spans_total{outcome=\""));
    let counts: Vec<(&str, u64)> = counts
        .filter_map(|line| line.split_once("\"} "))
        .filter_map(|(outcome, count)| Some((outcome, count.parse().ok()?)))
        .collect();
    if counts.is_empty() {
        return Err(Fault::new("the server does not count spans"));
    }
    Ok(counts.iter().filter(|(outcome, _)| *outcome != "exported").map(|(_, count)| count).sum())
}
