//! Honest calls at a steady pace, first alone, then while forged ones arrive: how much later do they come back?

mod forger;
mod table;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use crate::calls::{Call, SigningKey, StepUpKey};
use crate::drive::{Drive, Pace};
use crate::fault::{Fault, Outcome, While as _};
use crate::key_sets::{KeySetServer, KeySets};
use crate::meter::processor_time;
use crate::report::{keep_section, median};
use crate::seed::Seed;
use crate::server::{Cores, Server, free_address};
use crate::subject::{Stage, Subject};
use forger::{Forgers, Pressure};
use table::{Sample, Setting};

/// Honest calls come from here.
const HONEST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Forged ones from here, unless they come from where honest ones do.
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// Over so many connections honest calls come, and forged ones.
const CONNECTIONS: usize = 16;
/// How long one phase may take.
const PHASE_MAX: Duration = Duration::from_secs(300);

/// What a measure of a flood is started with.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Doorstep's release binary.
    #[arg(long)]
    doorstep: PathBuf,
    /// Doorstep's policy bundle.
    #[arg(long, default_value = "benches/policies")]
    policies: PathBuf,
    /// An empty directory for stores and logs, on the kind of disk that matters.
    #[arg(long)]
    work: PathBuf,
    /// How many honest calls each phase is measured with.
    #[arg(long, default_value_t = 2_000)]
    calls: usize,
    /// How many of them a second.
    #[arg(long, default_value_t = 200)]
    honest_rate: u32,
    /// How many forged calls a second.
    #[arg(long, default_value_t = 5_000)]
    rate: u32,
    /// How many rounds, each with a server of its own.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Where the calls' content comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Fail when honest calls' p99 in a paced flood is more than this many times the quiet one (median of the rounds).
    #[arg(long)]
    max_p99_ratio: Option<f64>,
    /// Write the table to this file too, in its section.
    #[arg(long)]
    write: Option<PathBuf>,
    /// What was measured, for the table's head: a commit.
    #[arg(long, default_value = "an unnamed build")]
    about: String,
}

/// What arrives beside the honest calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing.
    Quiet,
    /// Forged calls from another address, at the pace that was asked for.
    Strangers,
    /// Forged calls from the address of the honest ones.
    Shared,
    /// Forged calls from another address, each as soon as the one before is answered.
    Flat,
    /// The same from the address of the honest ones.
    FlatShared,
}

impl Phase {
    const ALL: [Self; 5] = [Self::Quiet, Self::Strangers, Self::Shared, Self::Flat, Self::FlatShared];

    const fn is_bounded(self) -> bool {
        matches!(self, Self::Strangers | Self::Shared)
    }

    const fn pressure(self, rate: u32) -> Option<Pressure> {
        match self {
            Self::Quiet => None,
            Self::Strangers => Some(Pressure { from: STRANGER, rate: Some(rate) }),
            Self::Shared => Some(Pressure { from: HONEST, rate: Some(rate) }),
            Self::Flat => Some(Pressure { from: STRANGER, rate: None }),
            Self::FlatShared => Some(Pressure { from: HONEST, rate: None }),
        }
    }
}

/// Measures and prints; the gate fails only after everything is printed.
///
/// # Errors
/// When an honest call is not answered with a verdict, or the gate fails.
pub(crate) fn run(options: &Options) -> Outcome<()> {
    std::fs::create_dir_all(&options.work).doing("making the work directory")?;
    let work = std::fs::canonicalize(&options.work).doing("finding the work directory")?;
    let public_key = work.join("bench-key.der");
    let key = SigningKey::generate()?;
    key.write_public(&public_key)?;
    let count = options.calls.saturating_mul(Phase::ALL.len() + 1);
    eprintln!("signing {count} calls");
    let calls: Rc<[Call]> = key.calls(count, Seed::new(options.seed))?.into();
    let sets = KeySets { hook: key.key_set(), step_up: StepUpKey::generate()?.key_set() };
    let cores = Cores::claim();
    crate::run_local(async {
        let key_sets = KeySetServer::start(free_address()?, sets).await?;
        let stage = Stage { cores, key_sets, public_key: &public_key, store: None, lead: None };
        let samples = Flood { options, calls, stage }.rounds(&work).await?;
        let setting = Setting {
            about: &options.about,
            cores,
            calls: options.calls,
            honest_rate: options.honest_rate,
            rate: options.rate,
        };
        report(options, &samples, &setting)
    })
}

fn report(options: &Options, samples: &[Sample], setting: &Setting<'_>) -> Outcome<()> {
    let text = table::render(samples, setting);
    print!("{text}");
    if let Some(file) = &options.write {
        keep_section(&text, file)?;
    }
    let Some(bound) = options.max_p99_ratio else { return Ok(()) };
    let bounded = Phase::ALL.into_iter().filter(|phase| phase.is_bounded());
    for phase in bounded {
        match median(table::ratios(samples, phase)) {
            Some(ratio) if ratio <= bound => {}
            ratio => {
                return Err(Fault::new(format!(
                    "{phase:?}: p99 is {ratio:?} times the quiet one, above {bound}"
                )));
            }
        }
    }
    Ok(())
}

/// Signed calls, and where the files about them are.
struct Flood<'a> {
    options: &'a Options,
    calls: Rc<[Call]>,
    stage: Stage<'a>,
}

impl Flood<'_> {
    async fn rounds(&self, work: &Path) -> Outcome<Vec<Sample>> {
        let subject = Subject::Doorstep {
            program: std::fs::canonicalize(&self.options.doorstep).doing("finding Doorstep's binary")?,
            policies: std::fs::canonicalize(&self.options.policies).doing("finding the bundle")?,
        };
        let mut samples = Vec::new();
        for round in 1..=self.options.rounds {
            let directory = work.join(format!("round-{round}"));
            std::fs::create_dir(&directory).doing("making a round's directory")?;
            let mut server = subject.start(&self.stage, &directory, free_address()?)?;
            server.ready().await?;
            self.honest(&server, 0).await?;
            for (at, phase) in Phase::ALL.into_iter().enumerate() {
                let sample = self.sample(&server, (phase, at + 1)).await?;
                eprintln!("round {round}: {}", table::row(&sample));
                samples.push(sample);
            }
            server.stop().await?;
            std::fs::remove_dir_all(&directory).doing("removing a round's directory")?;
        }
        Ok(samples)
    }

    async fn sample(&self, server: &Server, (phase, part): (Phase, usize)) -> Outcome<Sample> {
        let forged = self.calls.first().map(Call::forged).ok_or_else(|| Fault::new("there are no calls"))?;
        let pressure = phase.pressure(self.options.rate);
        let forgers =
            pressure.map(|pressure| Forgers::start(server.address(), pressure, &forged, CONNECTIONS));
        let before = processor_time(server.pid())?;
        let tally = self.honest(server, part).await?;
        let busy = processor_time(server.pid())?.saturating_sub(before);
        let forged = match forgers {
            Some(forgers) => forgers.stop().await?,
            None => forger::Forged::default(),
        };
        let seconds = tally.elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
        let ms = |span: Duration| span.as_secs_f64() * 1e3;
        Ok(Sample {
            phase,
            forged,
            seconds,
            p50_ms: ms(tally.percentile(50)),
            p99_ms: ms(tally.percentile(99)),
            busy_share: busy.as_secs_f64() / seconds,
        })
    }

    /// Sends the honest calls of one part; each must get its verdict.
    async fn honest(&self, server: &Server, part: usize) -> Outcome<crate::drive::Tally> {
        let from = part * self.options.calls;
        let queue = (from..from + self.options.calls).collect();
        let rate = std::num::NonZeroU32::new(self.options.honest_rate);
        let pace = Pace { connections: CONNECTIONS, rate, time_max: PHASE_MAX };
        let drive = Drive::new(server.address(), pace, &self.calls, queue);
        let tally = drive.run().await.map_err(|fault| server.fault(&fault.to_string()))?;
        match drive.queue_left().len() {
            0 => Ok(tally),
            left => Err(server.fault(&format!("{left} honest calls were not answered"))),
        }
    }
}
