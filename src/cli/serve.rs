//! `doorstep serve`: answers until it is told to stop, then finishes what it accepted.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Exit, output};
use crate::app::RestoreError;
use crate::boot::{self, BootError};
use crate::config::Settings;
use crate::http;

pub(super) async fn run(settings: Settings) -> Exit {
    let booted = match boot::start(&settings, boot::Sources::real()).await {
        Ok(booted) => booted,
        Err(error) => return refuse(&error),
    };
    // Before anybody can connect, so that no signal finds the process without a way to end in order.
    let signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            booted.close().await;
            return failed(&error);
        }
    };
    let running = match http::serve(booted.app(), &settings.server) {
        Ok(running) => running,
        Err(error) => {
            booted.close().await;
            return failed(&error);
        }
    };
    let app_id = settings.prelude.app_id.as_str();
    let private_address = running.private_address().map(tracing::field::display);
    let bundle = booted.app().bundle_hash();
    tracing::info!(app_id, address = %running.address(), private_address, %bundle, "Doorstep takes calls.");
    let app = booted.app();
    signals.until_stop(|| app.reload_policies_at_signal()).await;
    tracing::info!("Doorstep finishes what it accepted.");
    let drained = running.drain().await;
    booted.close().await;
    drained.map_or_else(|error| failed(&error), |()| Exit::Fine)
}

/// The signals that end a server in order, SIGTERM (an orchestrator's word) and SIGINT (Ctrl-C), and the one that has it
/// read its policy files, SIGHUP.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// From here on the signals are kept for [`Signals::until_stop`].
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for one to stop at that came since, and calls `reload` at every SIGHUP meanwhile.
    async fn until_stop(mut self, reload: impl Fn()) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => reload(),
            }
        }
    }
}

fn refuse(error: &BootError) -> Exit {
    output::complain(&output::with_causes(error));
    match error {
        BootError::Policy(_) | BootError::Desk(RestoreError::Misfits(_)) => Exit::BundleInvalid,
        _ => Exit::Failed,
    }
}

fn failed(error: &dyn std::error::Error) -> Exit {
    output::complain(&output::with_causes(error));
    Exit::Failed
}
