//! The commands, one file each. Data goes to stdout, talk to stderr; exit codes are [`Exit`]'s.

mod api_key;
mod arguments;
mod config;
mod decisions;
mod demo;
mod desk;
mod doctor;
mod emulator;
mod erase_user;
mod holds;
mod keys;
mod lists;
mod live;
mod log_levels;
mod manual;
mod migrate;
mod output;
mod policy;
mod prelude;
mod retain;
mod scopes;
mod serve;
mod signals;
mod store;

use std::process::ExitCode;

use clap::Parser;

use self::arguments::{Arguments, Command};
use crate::config::{Settings, environment, load};

/// How a command ended (docs/CLI.md has the list for scripts).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// All is well.
    Fine = 0,
    /// Something went wrong, and stderr says what.
    Failed = 1,
    /// The command line or the configuration is not right; nothing was started.
    Usage = 2,
    /// The policy bundle or its tests have faults; nothing was started or changed.
    BundleInvalid = 3,
    /// A policy test got another verdict than it expects, or the tests reach too little.
    TestDiffers = 4,
    /// What Prelude holds is not what a plan says that it should.
    PlanDiffers = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Fine => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::BundleInvalid => 3,
            Exit::TestDiffers => 4,
            Exit::PlanDiffers => 5,
        })
    }
}

/// Runs the command that the arguments name and returns its exit code.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    // Calls are served by the HTTP workers' own threads. This one has the writer and the timers: more threads would only
    // be woken to look for work, at a measurable price a call.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => match runtime.block_on(dispatch(arguments)) {
            // A script that reads a file must not take half of the data for all of it.
            Exit::Fine if !output::is_complete() => Exit::Failed.into(),
            exit => exit.into(),
        },
        Err(error) => {
            output::complain(&format!("The asynchronous runtime did not start: {error}."));
            Exit::Failed.into()
        }
    }
}

async fn dispatch(arguments: Arguments) -> Exit {
    let Arguments { shared, command } = arguments;
    match command {
        Command::Serve(options) => {
            let shared = shared.with(options.overrides());
            let again = shared.clone();
            with_settings(shared, async move |settings| serve::run(settings, again).await).await
        }
        Command::Config => {
            config::run(shared.format);
            Exit::Fine
        }
        Command::Policy(command) => policy::run(command, &shared).await,
        Command::ApiKey(command) => {
            let format = shared.format;
            with_settings(shared, async move |settings| api_key::run(settings, command, format).await).await
        }
        Command::Keys(command) => {
            let format = shared.format;
            with_settings(shared, async move |settings| keys::run(settings, command, format).await).await
        }
        Command::Lists(command) => {
            let format = shared.format;
            with_settings(shared, async move |settings| lists::run(settings, command, format).await).await
        }
        Command::Scopes(command) => {
            let format = shared.format;
            with_settings(shared, async move |settings| scopes::run(settings, command, format).await).await
        }
        Command::Decisions(command) => {
            let format = shared.format;
            with_settings(shared, async move |settings| decisions::run(settings, command, format).await).await
        }
        Command::Prelude(command) => {
            let format = shared.format;
            with_settings(shared, async move |settings| prelude::run(settings, command, format).await).await
        }
        Command::Store(command) => {
            let format = shared.format;
            with_settings(shared, async move |settings| store::run(settings, command, format).await).await
        }
        Command::EraseUser(options) => {
            let format = shared.format;
            with_settings(shared, async move |settings| erase_user::run(settings, options, format).await)
                .await
        }
        Command::Retain => {
            let format = shared.format;
            with_settings(shared, async move |settings| retain::run(settings, format).await).await
        }
        Command::Holds(command) => {
            let format = shared.format;
            with_settings(shared, async move |settings| holds::run(settings, command, format).await).await
        }
        Command::Migrate => with_settings(shared, migrate::run).await,
        Command::Doctor(options) => doctor::run(shared, options).await,
        Command::Demo(options) => demo::run(&shared, &options).await,
        Command::Emulator(options) => emulator::run(&shared, options).await,
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { output } => manual::pages(output.as_deref()),
    }
}

/// Loads the settings and hands them on; with any fault nothing is started.
async fn with_settings(shared: arguments::Shared, command: impl AsyncFnOnce(Settings) -> Exit) -> Exit {
    let format = shared.format;
    match load(shared.load_request(environment())) {
        Ok(settings) => command(settings).await,
        Err(faults) => {
            output::refuse_settings(&faults, format);
            Exit::Usage
        }
    }
}
