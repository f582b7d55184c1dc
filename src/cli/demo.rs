//! `doorstep demo`: the whole step-up on this machine, with Prelude's side played by the emulator.
//!
//! Nothing is acted: the calls are really signed, the records really written, the token really checked through the
//! key set. Whatever is not as the contract says ends the demo with exit code 1.
//!
//! With `--web` it is a page to try out ([`web`]).

mod stage;
mod story;
mod throw_away;
mod web;

use std::time::Duration;

use super::arguments::{DemoOptions, Shared};
use super::{Exit, output};
use crate::boot::Booted;

/// How long a server that was just started may take to fetch the emulator's key sets. Far more than it takes.
const KEY_SETS_AWAITED: Duration = Duration::from_secs(30);

/// Why the demo ended early.
#[derive(Debug, thiserror::Error)]
enum DemoError {
    /// Something could not be started.
    #[error("the demo could not be set up: {0}")]
    Setup(String),
    /// Prelude's side could not do its part.
    #[error(transparent)]
    Emulator(#[from] crate::emulator::EmulatorError),
    /// Something was not as the contract or the story has it.
    #[error("not as it should be: {0}")]
    Wrong(String),
}

/// Why something could not be set up, in its own words.
fn setup(error: &dyn std::fmt::Display) -> DemoError {
    DemoError::Setup(error.to_string())
}

/// Waits until hook calls are answered: they are refused as long as Prelude's keys are not known.
async fn await_key_sets(booted: &Booted) -> Result<(), DemoError> {
    if booted.app().key_sets_arrived(KEY_SETS_AWAITED).await {
        Ok(())
    } else {
        Err(setup(&"Prelude's side did not hand out its key sets in time"))
    }
}

pub(super) async fn run(shared: &Shared, options: &DemoOptions) -> Exit {
    if options.web {
        return web::run(shared).await;
    }
    let stage = match stage::Stage::set().await {
        Ok(stage) => stage,
        Err(error) => {
            output::complain(&error.to_string());
            return Exit::Failed;
        }
    };
    let told = story::tell(&stage).await;
    let cleared = stage.clear().await;
    match told.and(cleared) {
        Ok(()) => {
            output::say("\nEvery answer and token was as Prelude's contract says.");
            Exit::Fine
        }
        Err(error) => {
            output::complain(&format!("\nThe demo stops here, {error}"));
            Exit::Failed
        }
    }
}
