//! Sends forged calls, as cheaply as it can, and counts what becomes of them.

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::fault::{Fault, Outcome, While as _};

/// From where forged calls come, and how many a second; as fast as they are answered where nothing is said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pressure {
    /// The address they come from.
    pub(crate) from: IpAddr,
    /// How many a second.
    pub(crate) rate: Option<u32>,
}

/// What became of forged calls.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Forged {
    /// Their signature was looked at: 401.
    pub(crate) looked_at: u64,
    /// It was not: 429.
    pub(crate) shed: u64,
}

struct Shared {
    target: SocketAddr,
    pressure: Pressure,
    request: Box<[u8]>,
    began: Instant,
    turn: Cell<u32>,
    ends: Cell<bool>,
    forged: RefCell<Forged>,
}

/// Connections that send forged calls until they are stopped.
pub(crate) struct Forgers {
    shared: Rc<Shared>,
    tasks: Vec<JoinHandle<Outcome<()>>>,
}

impl Forgers {
    /// Begins to send `request` again and again.
    pub(crate) fn start(target: SocketAddr, pressure: Pressure, request: &[u8], connections: usize) -> Self {
        let shared = Rc::new(Shared {
            target,
            pressure,
            request: request.into(),
            began: Instant::now(),
            turn: Cell::new(0),
            ends: Cell::new(false),
            forged: RefCell::default(),
        });
        let tasks = (0..connections).map(|_| tokio::task::spawn_local(Rc::clone(&shared).talk())).collect();
        Self { shared, tasks }
    }

    /// Ends, and tells what became of all that were sent.
    ///
    /// # Errors
    /// When one was answered with anything but 401 or 429, or a connection was cut.
    pub(crate) async fn stop(self) -> Outcome<Forged> {
        self.shared.ends.set(true);
        for task in self.tasks {
            task.await.doing("forging")??;
        }
        let forged = *self.shared.forged.borrow();
        Ok(forged)
    }
}

impl Shared {
    async fn talk(self: Rc<Self>) -> Outcome<()> {
        let socket = TcpSocket::new_v4().doing("making a socket")?;
        socket.bind(SocketAddr::new(self.pressure.from, 0)).doing("taking a forger's address")?;
        let mut stream = socket.connect(self.target).await.doing("connecting a forger")?;
        stream.set_nodelay(true).doing("setting TCP_NODELAY")?;
        let mut answer = Vec::with_capacity(2_048);
        while !self.ends.get() {
            if let Some(rate) = self.pressure.rate {
                let turn = self.turn.get();
                self.turn.set(turn.saturating_add(1));
                tokio::time::sleep_until(self.began + Duration::from_secs(1) * turn / rate.max(1)).await;
            }
            stream.write_all(&self.request).await.doing("sending a forged call")?;
            let status = status(&mut stream, &mut answer).await?;
            let mut forged = self.forged.borrow_mut();
            match status {
                401 => forged.looked_at += 1,
                429 => forged.shed += 1,
                other => return Err(Fault::new(format!("a forged call was answered {other}"))),
            }
        }
        Ok(())
    }
}

/// Reads one whole answer and gives its status.
async fn status(stream: &mut TcpStream, answer: &mut Vec<u8>) -> Outcome<u16> {
    answer.clear();
    loop {
        if stream.read_buf(answer).await.doing("reading a forger's answer")? == 0 {
            return Err(Fault::new("a forger's connection was cut"));
        }
        if let Some(status) = whole(answer) {
            return Ok(status);
        }
    }
}

fn whole(answer: &[u8]) -> Option<u16> {
    let head_len = answer.windows(4).position(|end| end == b"\r\n\r\n")?;
    let head = std::str::from_utf8(answer.get(..head_len)?).ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    })?;
    let is_whole = answer.len() >= head_len + 4 + length;
    is_whole.then(|| head.split(' ').nth(1)?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_status_once_it_is_whole() {
        let text = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 2\r\n\r\n{}";
        for cut in 0..text.len() {
            assert_eq!(whole(&text[..cut]), None, "{cut}");
        }
        assert_eq!(whole(text), Some(429));
    }
}
