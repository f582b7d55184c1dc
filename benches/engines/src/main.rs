//! `engines`: measures the policy language.
//!
//! - `compare`: one rule set in Doorstep, cel, regorus and cedar-policy; processor time an evaluation.
//! - `loading`: large bundles and lists; processor time and peak memory of loading and checking them.
//! - `load-one`: loads one directory; what `loading` starts for each.
//!
//! `benches/engines.sh` builds and calls this.

mod asked;
mod bundles;
mod compare;
mod contender;
mod fault;
mod loading;
mod meter;
mod table;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use fault::Outcome;

/// Doorstep's allocator, for all of them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the policy language.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure one rule set in every engine.
    Compare(compare::Options),
    /// Measure loading and checking.
    Loading(loading::Options),
    /// Load one directory and say what it took; for the measure itself.
    LoadOne(loading::One),
}

fn main() -> ExitCode {
    match run(&Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("engines: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Outcome<()> {
    match command {
        Command::Compare(options) => println!("{}", compare::run(options)?),
        Command::Loading(options) => println!("{}", loading::run(options)?),
        Command::LoadOne(options) => loading::one(options)?,
    }
    Ok(())
}
