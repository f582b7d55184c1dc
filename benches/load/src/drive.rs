//! Sends signed calls over kept connections, as cheaply as it can: the driver must not be what is measured.

mod answer;
mod tally;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::calls::Call;
use crate::fault::{Fault, Outcome, While as _};
use answer::Verdict;
pub(crate) use answer::{Answers, Ending};
pub(crate) use tally::{Tally, Verdicts};

/// How long a call that was answered 503 is left alone.
const AGAIN_AFTER: Duration = Duration::from_millis(20);

/// What a call does that is answered 503.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It ends the measure: nothing was to be refused.
    Fault,
    /// It is sent again, byte for byte.
    Again,
}

/// How calls are sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Over how many connections, each with one call under way at a time.
    pub(crate) connections: usize,
    /// At most how many calls a second; as fast as they are answered where nothing is said.
    pub(crate) rate: Option<NonZeroU32>,
    /// How long all of it may take.
    pub(crate) time_max: Duration,
}

/// Calls on their way to one server.
pub(crate) struct Drive {
    target: SocketAddr,
    pace: Pace,
    calls: Rc<[Call]>,
    queue: RefCell<VecDeque<usize>>,
    ledger: RefCell<Option<File>>,
    tally: RefCell<Tally>,
    began: Cell<Option<Instant>>,
    sent: Cell<u32>,
    milestone: Cell<u64>,
    milestone_reached: Notify,
    refused: Cell<Refused>,
    cuts: Cell<u32>,
}

impl Drive {
    /// Prepares to send the calls that `queue` names to `target`, in that order.
    pub(crate) fn new(
        target: SocketAddr,
        pace: Pace,
        calls: &Rc<[Call]>,
        queue: VecDeque<usize>,
    ) -> Rc<Self> {
        Rc::new(Self {
            target,
            pace,
            calls: Rc::clone(calls),
            queue: RefCell::new(queue),
            ledger: RefCell::new(None),
            tally: RefCell::default(),
            began: Cell::new(None),
            sent: Cell::new(0),
            milestone: Cell::new(u64::MAX),
            milestone_reached: Notify::new(),
            refused: Cell::new(Refused::Fault),
            cuts: Cell::new(0),
        })
    }

    /// Sends calls again that are answered 503.
    pub(crate) fn insist(&self) {
        self.refused.set(Refused::Again);
    }

    /// How many calls were answered so far.
    pub(crate) fn count(&self) -> u64 {
        self.tally.borrow().verdicts.all()
    }

    /// How many connections were cut with a call under way.
    pub(crate) fn cuts(&self) -> u32 {
        self.cuts.get()
    }

    /// Appends a line `USER VERDICT` to `file` for every call that was answered.
    ///
    /// # Errors
    /// When the file cannot be opened for appending.
    pub(crate) fn keep_ledger(&self, file: &Path) -> Outcome<()> {
        let file = File::options().create(true).append(true).open(file).doing("opening the ledger")?;
        self.ledger.replace(Some(file));
        Ok(())
    }

    /// Waits until `count` calls were answered.
    pub(crate) async fn answered(&self, count: u64) {
        self.milestone.set(count);
        self.milestone_reached.notified().await;
    }

    /// Sends until every call was answered or every connection is cut.
    ///
    /// - returns: what was answered; calls that were not are in `queue_left`.
    ///
    /// # Errors
    /// When an answer is not a verdict, the time is over or the ledger cannot be written. A connection that is cut is
    /// none: what was under way on it counts as unanswered.
    pub(crate) async fn run(self: &Rc<Self>) -> Outcome<Tally> {
        let began = Instant::now();
        self.began.set(Some(began));
        let talks: Vec<_> =
            (0..self.pace.connections).map(|_| tokio::task::spawn_local(Rc::clone(self).talk())).collect();
        let together = async {
            for talk in talks {
                talk.await.doing("driving")??;
            }
            Ok(())
        };
        match tokio::time::timeout(self.pace.time_max, together).await {
            Ok(ended) => ended?,
            Err(_) => {
                // Without calls to take, the tasks that are left end by themselves.
                self.queue.borrow_mut().clear();
                return Err(Fault::new(format!("driving took longer than {:?}", self.pace.time_max)));
            }
        }
        let mut tally = self.tally.take();
        tally.elapsed = began.elapsed();
        Ok(tally)
    }

    /// The calls that were not answered: those under way when their connection was cut, then those never sent.
    pub(crate) fn queue_left(&self) -> VecDeque<usize> {
        self.queue.take()
    }

    async fn talk(self: Rc<Self>) -> Outcome<()> {
        let Ok(mut stream) = TcpStream::connect(self.target).await else {
            return Ok(());
        };
        stream.set_nodelay(true).doing("setting TCP_NODELAY")?;
        let mut answers = Answers::new();
        while let Some(at) = self.take_one().await {
            let Some(call) = self.calls.get(at) else {
                return Err(Fault::new("the queue names a call that does not exist"));
            };
            let sent = Instant::now();
            match exchange(&mut stream, &mut answers, &call.request).await {
                Ok(verdict) => self.note(call, verdict, sent.elapsed())?,
                Err(Ending::Cut) => {
                    self.cuts.set(self.cuts.get() + 1);
                    self.queue.borrow_mut().push_front(at);
                    return Ok(());
                }
                Err(Ending::Unavailable) if self.refused.get() == Refused::Again => {
                    self.queue.borrow_mut().push_front(at);
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
                Err(Ending::Unavailable) => return Err(Fault::new("an answer is 503")),
                Err(Ending::Wrong(what)) => return Err(Fault::new(what)),
            }
        }
        Ok(())
    }

    async fn take_one(&self) -> Option<usize> {
        if let (Some(rate), Some(began)) = (self.pace.rate, self.began.get()) {
            let turn = self.sent.get();
            self.sent.set(turn.saturating_add(1));
            tokio::time::sleep_until(began + Duration::from_secs(1) * turn / rate.get()).await;
        }
        self.queue.borrow_mut().pop_front()
    }

    fn note(&self, call: &Call, verdict: Verdict, took: Duration) -> Outcome<()> {
        if let Some(ledger) = self.ledger.borrow_mut().as_mut() {
            // One write a line, so that the ledger holds whatever was answered even if this process dies next.
            let line = format!("{} {}\n", call.user_id, verdict.as_str());
            ledger.write_all(line.as_bytes()).doing("writing the ledger")?;
        }
        let mut tally = self.tally.borrow_mut();
        tally.note(verdict, took);
        if tally.verdicts.all() == self.milestone.get() {
            self.milestone_reached.notify_one();
        }
        Ok(())
    }
}

async fn exchange(stream: &mut TcpStream, answers: &mut Answers, request: &[u8]) -> Result<Verdict, Ending> {
    stream.write_all(request).await.map_err(|_| Ending::Cut)?;
    answers.next(stream).await
}
