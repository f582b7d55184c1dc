//! What callers hear, on its way back to them: that of a batch by one wake.
//!
//! To wake a task of another thread is a system call, and on a busy core a switch to that thread and back. A batch has a task to
//! wake for each of its calls, and they wait on a few threads: what they are to hear goes to each thread's runtime together, where
//! a task of that runtime tells them one after the other.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use tokio::runtime::{Handle, Id};
use tokio::sync::{mpsc, oneshot};

use super::StoreError;
use crate::domain::Recorded;

/// What a caller hears.
type Heard = Result<Recorded, StoreError>;
/// A caller with what it is to hear.
type Reply = (oneshot::Sender<Heard>, Heard);
/// The way to a runtime.
type Way = mpsc::UnboundedSender<Vec<Reply>>;

/// The ways to the runtimes on which callers wait.
#[derive(Debug, Default)]
pub(super) struct Ways(RwLock<HashMap<Id, Way>>);

impl Ways {
    /// Lets the current task wait for a reply.
    pub(super) fn wait(&self) -> (Waiting, oneshot::Receiver<Heard>) {
        let (caller, heard) = oneshot::channel();
        (Waiting { caller, way: self.here() }, heard)
    }

    /// The way to the runtime that this is called on. It ends with the runtime, or when nobody may need it any more.
    fn here(&self) -> Way {
        let id = Handle::current().id();
        if let Some(way) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return way.clone();
        }
        let mut ways = self.0.write().unwrap_or_else(PoisonError::into_inner);
        ways.retain(|_, way| !way.is_closed());
        let make = || {
            let (way, mut replies) = mpsc::unbounded_channel::<Vec<Reply>>();
            tokio::spawn(async move {
                while let Some(replies) = replies.recv().await {
                    replies.into_iter().for_each(tell);
                }
            });
            way
        };
        ways.entry(id).or_insert_with(make).clone()
    }
}

/// A caller that waits for a reply.
#[derive(Debug)]
pub(super) struct Waiting {
    caller: oneshot::Sender<Heard>,
    way: Way,
}

impl Waiting {
    /// Whether the caller gave up.
    pub(super) fn is_closed(&self) -> bool {
        self.caller.is_closed()
    }

    /// Tells the caller.
    pub(super) fn hear(self, heard: Heard) {
        tell((self.caller, heard));
    }
}

/// Tells callers what each is to hear.
pub(super) fn tell_all(replies: impl Iterator<Item = (Waiting, Heard)>) {
    let mut by_way: Vec<(Way, Vec<Reply>)> = Vec::new();
    for (waiting, heard) in replies {
        let reply = (waiting.caller, heard);
        match by_way.iter_mut().find(|(way, _)| way.same_channel(&waiting.way)) {
            Some((_, replies)) => replies.push(reply),
            None => by_way.push((waiting.way, vec![reply])),
        }
    }
    for (way, replies) in by_way {
        // One alone is woken by itself; where the runtime has ended, nobody is left who could wait.
        if replies.len() == 1 {
            replies.into_iter().for_each(tell);
        } else if let Err(unsent) = way.send(replies) {
            unsent.0.into_iter().for_each(tell);
        }
    }
}

/// A caller that gave up is not there any more; what was recorded stays.
fn tell((caller, heard): Reply) {
    drop(caller.send(heard));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_on_several_runtimes_each_hear_their_own() {
        let ways = std::sync::Arc::new(Ways::default());
        let (waiting, queue) = std::sync::mpsc::channel();
        let callers: Vec<_> = [1, 5]
            .map(|calls| {
                let (ways, waiting) = (std::sync::Arc::clone(&ways), waiting.clone());
                std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
                    runtime.block_on(async {
                        let mut replies = Vec::new();
                        for call in 0..calls {
                            let (caller, reply) = ways.wait();
                            waiting.send((calls * 10 + call, caller)).expect("somebody listens");
                            replies.push(reply);
                        }
                        for (call, reply) in replies.into_iter().enumerate() {
                            let answer = format!("{}", calls * 10 + call);
                            assert_eq!(
                                reply.await.expect("told").expect("recorded"),
                                Recorded::Repeat { answer }
                            );
                        }
                    });
                })
            })
            .into_iter()
            .collect();
        let waiting: Vec<_> = queue.iter().take(6).collect();
        tell_all(
            waiting
                .into_iter()
                .map(|(call, caller)| (caller, Ok(Recorded::Repeat { answer: call.to_string() }))),
        );
        callers.into_iter().for_each(|caller| caller.join().expect("heard all"));
        assert_eq!(ways.0.read().expect("nobody failed").len(), 2);
        // Both runtimes have ended: the next caller has them forgotten, and is told by itself.
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(async {
            let (caller, reply) = ways.wait();
            caller.hear(Err(StoreError::Busy));
            assert!(matches!(reply.await, Ok(Err(StoreError::Busy))));
        });
        assert_eq!(ways.0.read().expect("nobody failed").len(), 1);
    }
}
