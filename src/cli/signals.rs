//! The signals that a running command listens to.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end a server in order, SIGTERM (an orchestrator's word) and SIGINT (Ctrl-C), and the one that has it
/// read its policy files and `log.level`, SIGHUP.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// From here on the signals are kept for [`Signals::until_stop`].
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for one to stop at that came since, and calls `reload` at every SIGHUP meanwhile.
    pub(super) async fn until_stop(&mut self, reload: impl Fn()) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => reload(),
            }
        }
    }
}
