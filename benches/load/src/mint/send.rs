//! Sends requests that are ready over kept connections and reads what comes back.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::drive::{Answers, Ending};
use crate::fault::{Fault, Outcome, While as _};

/// How long one batch may take.
const SEND_MAX: Duration = Duration::from_secs(300);

/// Requests of one kind, and the status that each must be answered with.
pub(super) struct Batch {
    /// Whole HTTP/1.1 requests.
    pub(super) requests: Vec<Box<[u8]>>,
    /// `201` or `200`.
    pub(super) status: &'static str,
}

/// What came back.
#[derive(Default)]
pub(super) struct Answered {
    /// What was read of each answer, in the order of the requests.
    pub(super) texts: Vec<String>,
    /// From the first connection to the last answer.
    pub(super) elapsed: Duration,
    took: Vec<Duration>,
}

impl Answered {
    /// The time within which `hundredths` of a hundred answers came, ms.
    pub(super) fn percentile_ms(&self, hundredths: usize) -> f64 {
        let mut took = self.took.clone();
        took.sort_unstable();
        let rank = (took.len() * hundredths).div_ceil(100).saturating_sub(1);
        took.get(rank).map_or(0.0, |took| took.as_secs_f64() * 1e3)
    }
}

struct Sending {
    target: SocketAddr,
    batch: Batch,
    field: &'static str,
    next: RefCell<usize>,
    answered: RefCell<Answered>,
}

/// Sends a batch over so many connections and reads one text field of every answer.
///
/// # Errors
/// When a connection is cut, an answer has another status or not this field, or the time is over.
pub(super) async fn send(
    target: SocketAddr,
    connections: usize,
    (batch, field): (Batch, &'static str),
) -> Outcome<Answered> {
    let count = batch.requests.len();
    let answered = Answered { texts: vec![String::new(); count], ..Answered::default() };
    let sending =
        Rc::new(Sending { target, batch, field, next: RefCell::new(0), answered: RefCell::new(answered) });
    let began = Instant::now();
    let talks: Vec<_> =
        (0..connections).map(|_| tokio::task::spawn_local(talk(Rc::clone(&sending)))).collect();
    let together = async {
        for talk in talks {
            talk.await.doing("sending")??;
        }
        Ok(())
    };
    tokio::time::timeout(SEND_MAX, together)
        .await
        .map_err(|_| Fault::new(format!("sending took longer than {SEND_MAX:?}")))
        .flatten()?;
    let mut answered = sending.answered.take();
    answered.elapsed = began.elapsed();
    Ok(answered)
}

async fn talk(sending: Rc<Sending>) -> Outcome<()> {
    let mut stream = TcpStream::connect(sending.target).await.doing("connecting")?;
    stream.set_nodelay(true).doing("setting TCP_NODELAY")?;
    let mut answers = Answers::new();
    loop {
        let at = sending.next.replace_with(|at| *at + 1);
        let Some(request) = sending.batch.requests.get(at) else { return Ok(()) };
        let sent = Instant::now();
        stream.write_all(request).await.doing("sending")?;
        let body =
            answers.next_body(&mut stream, sending.batch.status).await.map_err(|ending| match ending {
                Ending::Cut => Fault::new("a connection was cut"),
                Ending::Unavailable => Fault::new("an answer is 503"),
                Ending::Wrong(what) => Fault::new(what),
            })?;
        let took = sent.elapsed();
        let text = text_field(body, sending.field)
            .ok_or_else(|| Fault::new(format!("an answer has no `{}`", sending.field)))?;
        let mut answered = sending.answered.borrow_mut();
        answered.took.push(took);
        if let Some(place) = answered.texts.get_mut(at) {
            *place = text;
        }
    }
}

fn text_field(body: &[u8], field: &str) -> Option<String> {
    let body: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).ok()?;
    body.get(field)?.as_str().map(ToOwned::to_owned)
}
