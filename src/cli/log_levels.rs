//! `log.level` read again while a server runs: SIGHUP asks for it.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::spawn_blocking;

use super::arguments::Shared;
use crate::boot;
use crate::config::{LogLevel, LogLevels, environment, log_levels};

/// What is logged now, and where it is said.
pub(super) struct LogLevelsNow {
    /// Held while it is read and changed, so that of two signals the later one has the last word.
    levels: Arc<Mutex<LogLevels>>,
    shared: Shared,
}

impl LogLevelsNow {
    /// - `shared`: names the file and the flags that the server was started with.
    pub(super) fn new(levels: LogLevels, shared: Shared) -> Self {
        Self { levels: Arc::new(Mutex::new(levels)), shared }
    }

    /// Reads it off this thread: a file on a network may hang. With any fault nothing changes.
    pub(super) fn read_again(&self) {
        let (levels, shared) = (Arc::clone(&self.levels), self.shared.clone());
        spawn_blocking(move || {
            let mut now = levels.lock().unwrap_or_else(PoisonError::into_inner);
            match log_levels(shared.load_request(environment())) {
                Ok(wanted) if wanted == *now => {}
                Ok(wanted) => *now = change(&now, wanted),
                Err(faults) => {
                    tracing::error!(code = "log_level_unusable", %faults, "The log level stays as it is.");
                }
            }
        });
    }
}

/// Says so as soon as it is so, loud enough for any level: who made a server silent has left a trace.
fn change(before: &LogLevels, wanted: LogLevels) -> LogLevels {
    boot::set_log_levels(&wanted);
    let code = "log_level_changed";
    if wanted.of("cli") == LogLevel::Error {
        tracing::error!(code, %before, now = %wanted, "The log level is another one.");
    } else {
        tracing::warn!(code, %before, now = %wanted, "The log level is another one.");
    }
    wanted
}
