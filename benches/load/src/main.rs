//! `load`: measures Doorstep's hook beside a floor built from the same parts, and kills it under load.
//!
//! - `compare`: floor, Doorstep and hooks by hand in turn with the same signed calls; processor time, memory, start to ready.
//! - `durable`: calls whose rules ask about the past, on both engines, with one server and two, at few and many connections.
//! - `mint`: what a verification token costs beside its bare signature.
//! - `past`: what conditions on a long past cost, beside an empty store.
//! - `kill`: kills a server under load again and again and keeps a ledger of what it answered.
//! - `rolling`: restarts two servers behind a proxy in turn under load; no call may fail.
//! - `flood`: what forged calls do to honest ones.
//! - `drive`: sends signed calls to a server that is already there.
//! - `floor`, `signing-floor`: the floors themselves.
//!
//! Everything stays on loopback. `benches/hook.sh`, `benches/compare.sh`, `benches/durable.sh`, `benches/mint.sh`, `benches/past.sh`,
//! `benches/rolling.sh` and `benches/kill.sh` build and call this.

mod calls;
mod compare;
mod drive;
mod drive_one;
mod durable;
mod fault;
mod flood;
mod floor;
mod key_sets;
mod kill;
mod meter;
mod mint;
mod past;
mod report;
mod rolling;
mod seed;
mod server;
mod subject;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use fault::{Fault, Outcome, While as _};

/// Doorstep's allocator: the floor must not win or lose by another one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures Doorstep's hook.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure floor and Doorstep in turn.
    Compare(compare::Options),
    /// Measure calls that ask about the past.
    Durable(durable::Options),
    /// Measure what verification tokens cost, beside a floor that only signs.
    Mint(mint::Options),
    /// Measure what conditions on a long past cost.
    Past(past::Options),
    /// Kill a server under load, again and again.
    Kill(kill::Options),
    /// Restart two servers behind a proxy in turn, under load.
    Rolling(rolling::Options),
    /// Measure what a flood of forged calls does to honest ones.
    Flood(flood::Options),
    /// Send signed calls to a server that is already there.
    Drive(drive_one::Options),
    /// Serve the floor.
    Floor(floor::Options),
    /// Serve the floor that only signs.
    SigningFloor(mint::FloorOptions),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Compare(options) => compare::run(&options),
        Command::Durable(options) => durable::run(&options),
        Command::Mint(options) => mint::run(&options),
        Command::Past(options) => past::run(&options),
        Command::Kill(options) => kill::run(&options),
        Command::Rolling(options) => rolling::run(&options),
        Command::Flood(options) => flood::run(&options),
        Command::Drive(options) => drive_one::run(&options),
        Command::Floor(options) => floor::serve(&options),
        Command::SigningFloor(options) => mint::serve_floor(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("load: {fault}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a measure on this thread; SIGINT and SIGTERM end it, and with it every server that it started.
///
/// # Errors
/// What the measure says, or that it was interrupted.
fn run_local(measure: impl Future<Output = Outcome<()>>) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().doing("starting")?;
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let mut interrupt = signal(SignalKind::interrupt()).doing("listening for signals")?;
        let mut terminate = signal(SignalKind::terminate()).doing("listening for signals")?;
        tokio::select! {
            done = measure => done,
            _ = interrupt.recv() => Err(Fault::new("interrupted")),
            _ = terminate.recv() => Err(Fault::new("terminated")),
        }
    })
}
