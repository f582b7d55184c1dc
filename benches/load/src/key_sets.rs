//! Prelude's two key sets, served over plain HTTP on loopback.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::fault::{Outcome, While as _};

/// The longest request head that is read.
const HEAD_BYTES_MAX: usize = 8_192;
/// How long a client may take for its request and for reading the answer.
const CONVERSATION_MAX: Duration = Duration::from_secs(5);
/// Where the set of the hook's keys is.
const HOOK_PATH: &str = "/jwks";
/// Where the set of the challenge tokens' keys is.
const STEP_UP_PATH: &str = "/step-up-jwks";

/// The texts of the two sets.
pub(crate) struct KeySets {
    /// For hook calls.
    pub(crate) hook: String,
    /// For challenge tokens.
    pub(crate) step_up: String,
}

/// Where the sets are served; serving ends with the runtime.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeySetServer(SocketAddr);

impl KeySetServer {
    /// Serves the sets at `bind` from a task of the current `LocalSet`.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub(crate) async fn start(bind: SocketAddr, sets: KeySets) -> Outcome<Self> {
        let listener = TcpListener::bind(bind).await.doing("binding the key set server")?;
        let address = listener.local_addr().doing("binding the key set server")?;
        let sets = Rc::new(sets);
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let sets = Rc::clone(&sets);
                tokio::task::spawn_local(async move {
                    // A client that leaves or dawdles is its own concern: it asks again.
                    let _ = tokio::time::timeout(CONVERSATION_MAX, answer(stream, &sets)).await;
                });
            }
        });
        Ok(Self(address))
    }

    /// The URL of the hook's key set.
    pub(crate) fn hook_url(self) -> String {
        format!("http://{}{HOOK_PATH}", self.0)
    }

    /// The URL of the challenge tokens' key set.
    pub(crate) fn step_up_url(self) -> String {
        format!("http://{}{STEP_UP_PATH}", self.0)
    }
}

async fn answer(mut stream: TcpStream, sets: &KeySets) -> std::io::Result<()> {
    let mut head = Vec::with_capacity(1_024);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > HEAD_BYTES_MAX || stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let head = String::from_utf8_lossy(&head);
    let (status, body) = match head.split(' ').nth(1) {
        Some(HOOK_PATH) => ("200 OK", sets.hook.as_str()),
        Some(STEP_UP_PATH) => ("200 OK", sets.step_up.as_str()),
        _ => ("404 Not Found", "{}"),
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Cache-Control: max-age=600\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}
