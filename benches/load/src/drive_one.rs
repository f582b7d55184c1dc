//! The `drive` command: signed calls for a server that somebody else started.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use crate::calls::{Call, SigningKey, StepUpKey};
use crate::drive::{Drive, Pace};
use crate::fault::{Fault, Outcome};
use crate::key_sets::{KeySetServer, KeySets};
use crate::meter::{processor_time, resident};
use crate::seed::Seed;
use crate::server::ask;

/// What a drive is started with.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The server's address; loopback only.
    #[arg(long)]
    target: SocketAddr,
    /// The server's process, whose time and memory are read.
    #[arg(long)]
    pid: Option<u32>,
    /// The loopback port at which `/jwks` and `/step-up-jwks` are served while this runs; any free one where it is 0.
    #[arg(long, default_value_t = 0)]
    key_set_port: u16,
    /// Write the signing key's public part here, for a floor that is started meanwhile.
    #[arg(long)]
    public_key: Option<PathBuf>,
    /// How many calls.
    #[arg(long, default_value_t = 10_000)]
    calls: usize,
    /// How many connections.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// At most how many calls a second.
    #[arg(long)]
    rate: Option<NonZeroU32>,
    /// How many seconds the calls may take.
    #[arg(long, default_value_t = 120)]
    seconds_max: u64,
    /// How many seconds to wait for the server to be ready.
    #[arg(long, default_value_t = 60)]
    ready_seconds_max: u64,
    /// Append `USER VERDICT` for every answered call to this file.
    #[arg(long)]
    ledger: Option<PathBuf>,
    /// Where the calls' content comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Signs, waits for the server, drives, and prints one JSON line to stdout and one for people to stderr.
///
/// # Errors
/// When the server does not become ready or does not answer every call with a verdict.
pub(crate) fn run(options: &Options) -> Outcome<()> {
    if !options.target.ip().is_loopback() {
        return Err(Fault::new("the target is not a loopback address"));
    }
    let key = SigningKey::generate()?;
    if let Some(file) = &options.public_key {
        key.write_public(file)?;
    }
    let calls: Rc<[Call]> = key.calls(options.calls, Seed::new(options.seed))?.into();
    let sets = KeySets { hook: key.key_set(), step_up: StepUpKey::generate()?.key_set() };
    crate::run_local(async {
        let bind = SocketAddr::from((Ipv4Addr::LOCALHOST, options.key_set_port));
        let key_sets = KeySetServer::start(bind, sets).await?;
        eprintln!("key sets at {} and {}", key_sets.hook_url(), key_sets.step_up_url());
        wait_until_ready(options).await?;
        drive(options, &calls).await
    })
}

async fn wait_until_ready(options: &Options) -> Outcome<()> {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(options.ready_seconds_max) {
        let asked = tokio::time::timeout(Duration::from_secs(2), ask(options.target)).await;
        if matches!(asked, Ok(Ok(answer)) if answer.starts_with("HTTP/1.1 200 ")) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(Fault::new("the server did not become ready in time"))
}

async fn drive(options: &Options, calls: &Rc<[Call]>) -> Outcome<()> {
    let time_max = Duration::from_secs(options.seconds_max);
    let pace = Pace { connections: options.connections, rate: options.rate, time_max };
    let drive = Drive::new(options.target, pace, calls, (0..calls.len()).collect());
    if let Some(ledger) = &options.ledger {
        drive.keep_ledger(ledger)?;
    }
    let before = options.pid.map(processor_time).transpose()?;
    let tally = drive.run().await?;
    let after = options.pid.map(processor_time).transpose()?;
    let memory = options.pid.map(resident).transpose()?;
    let busy = before.zip(after).map(|(before, after)| after.saturating_sub(before));
    let answers = u32::try_from(tally.verdicts.all()).unwrap_or(u32::MAX).max(1);
    let cpu_us = busy.map(|busy| busy.as_secs_f64() * 1e6 / f64::from(answers));
    let (p50, p99) = (tally.percentile(50), tally.percentile(99));
    let report = serde_json::json!({
        "verdicts": tally.verdicts,
        "unanswered": drive.queue_left().len(),
        "calls_per_second": tally.rate(),
        "p50_us": p50.as_micros(),
        "p99_us": p99.as_micros(),
        "server_cpu_us_per_call": cpu_us,
        "server_resident": memory,
    });
    println!("{report}");
    eprintln!(
        "{answers} answered, {:.0} calls/s, p50 {p50:.2?}, p99 {p99:.2?}, {:.1} µs CPU a call",
        tally.rate(),
        cpu_us.unwrap_or(f64::NAN)
    );
    if tally.verdicts.all() == u64::try_from(calls.len()).unwrap_or(u64::MAX) {
        Ok(())
    } else {
        Err(Fault::new("not every call was answered: connections were cut"))
    }
}
