//! `doorstep serve`: answers until it is told to stop, then finishes what it accepted.

use super::arguments::Shared;
use super::log_levels::LogLevelsNow;
use super::signals::Signals;
use super::{Exit, output};
use crate::app::RestoreError;
use crate::boot::{self, BootError};
use crate::config::Settings;
use crate::http;

pub(super) async fn run(settings: Settings, shared: Shared) -> Exit {
    let booted = match boot::start(&settings, boot::Sources::real()).await {
        Ok(booted) => booted,
        Err(error) => return refuse(&error),
    };
    // Before anybody can connect, so that no signal finds the process without a way to end in order.
    let mut signals = match Signals::listen() {
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
    let log_levels = LogLevelsNow::new(settings.log.levels, shared);
    let at_hang_up = || {
        log_levels.read_again();
        app.reload_policies_at_signal();
    };
    signals.until_stop(at_hang_up).await;
    tracing::info!(
        lead_s = settings.server.shutdown_lead.as_secs_f32(),
        "Doorstep finishes what it accepted."
    );
    tokio::select! {
        () = running.lead() => {}
        // Whoever says it twice does not want to wait.
        () = signals.until_stop(|| ()) => {}
    }
    let drained = running.drain().await;
    booted.close().await;
    drained.map_or_else(|error| failed(&error), |()| Exit::Fine)
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
