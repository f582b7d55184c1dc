//! `doorstep serve`: answers until it is told to stop, then finishes what it accepted.

use tokio::signal::unix::{SignalKind, signal};

use super::{Exit, output};
use crate::boot::{self, BootError};
use crate::config::Settings;
use crate::http;

pub(super) async fn run(settings: Settings) -> Exit {
    let booted = match boot::start(&settings, boot::Sources::real()).await {
        Ok(booted) => booted,
        Err(error) => return refuse(&error),
    };
    let running = match http::serve(booted.app(), &settings.server) {
        Ok(running) => running,
        Err(error) => {
            output::complain(&output::with_causes(&error));
            booted.close().await;
            return Exit::Failed;
        }
    };
    let app_id = settings.prelude.app_id.as_str();
    tracing::info!(app_id, address = %running.address(), bundle = %booted.app().bundle_hash(), "Doorstep takes calls.");
    let stopped = wait_for_stop().await;
    tracing::info!("Doorstep finishes what it accepted.");
    let drained = running.drain().await;
    booted.close().await;
    match (stopped, drained) {
        (Ok(()), Ok(())) => Exit::Fine,
        (Err(error), _) => failed(&error),
        (_, Err(error)) => failed(&error),
    }
}

/// Waits for SIGTERM (an orchestrator's word) or SIGINT (Ctrl-C).
async fn wait_for_stop() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn refuse(error: &BootError) -> Exit {
    output::complain(&output::with_causes(error));
    if matches!(error, BootError::Policy(_)) { Exit::BundleInvalid } else { Exit::Failed }
}

fn failed(error: &dyn std::error::Error) -> Exit {
    output::complain(&output::with_causes(error));
    Exit::Failed
}
