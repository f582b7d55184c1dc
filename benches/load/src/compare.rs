//! Floor and Doorstep in turn, round by round, with the same calls: what does Doorstep cost beyond its parts, and what would
//! somebody's own hook on Node.js?

mod bounds;
mod collector;
mod sample;
mod table;
mod work;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use crate::calls::{Call, SigningKey, StepUpKey};
use crate::drive::{Drive, Pace, Tally};
use crate::fault::{Fault, Outcome, While as _};
use crate::floor::Mode;
use crate::key_sets::{KeySetServer, KeySets};
use crate::meter::{Resident, processor_time, resident};
use crate::report::{file_system, keep_section, load_average};
use crate::seed::Seed;
use crate::server::{Cores, Server, free_address};
use crate::subject::{Commit, Framework, Stage, Subject};
use collector::Collector;
use sample::{DOORSTEP, LIMITS, Sample, Samples};
use table::Setting;

/// How long a server rests before its memory at rest is read.
const REST: Duration = Duration::from_millis(500);
/// How long one drive may take.
const DRIVE_MAX: Duration = Duration::from_secs(600);
/// How often memory is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a comparison is started with.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(crate) struct Options {
    /// Doorstep's release binary; the floor alone is measured without it.
    #[arg(long)]
    doorstep: Option<PathBuf>,
    /// Doorstep's policy bundle.
    #[arg(long, default_value = "benches/policies")]
    policies: PathBuf,
    /// A bundle with the same verdicts whose rules ask about the user's past besides: Doorstep is measured with it too.
    #[arg(long, requires = "doorstep")]
    limits: Option<PathBuf>,
    /// Measure Doorstep with traces besides: of none, of one and of all of a hundred calls, for a collector in this process.
    #[arg(long, requires = "doorstep")]
    tracing: bool,
    /// `benches/compare` with its packages: Fastify and Express are measured too, by group commit and by an INSERT a call.
    #[arg(long)]
    by_hand: Option<PathBuf>,
    /// An empty directory for stores and logs, on the kind of disk that matters.
    #[arg(long)]
    work: PathBuf,
    /// How many calls each server is measured with, in each round.
    #[arg(long, default_value_t = 30_000)]
    calls: usize,
    /// How many calls come before them and do not count.
    #[arg(long, default_value_t = 2_000)]
    warm_up: usize,
    /// How many rounds.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// How many connections.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Where the calls' content comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Fail when Doorstep costs more than this many times the floor (median of the rounds).
    #[arg(long)]
    max_ratio: Option<f64>,
    /// Fail when start to ready takes longer, with an existing key and store (median of the rounds).
    #[arg(long)]
    max_ready_ms: Option<f64>,
    /// Fail when Doorstep at rest has more MiB resident (largest of the rounds).
    #[arg(long)]
    max_rest_mib: Option<f64>,
    /// Fail when Doorstep, with limits or without, has more MB resident after the calls.
    #[arg(long)]
    max_after_mb: Option<f64>,
    /// Fail when Doorstep is above what is promised of it beside the floor and hooks by hand, or needs more memory after the calls.
    #[arg(long, requires_all = ["doorstep", "limits", "by_hand"])]
    hold: bool,
    /// Write the table to this file too.
    #[arg(long)]
    write: Option<PathBuf>,
    /// Write every round's figures to this file, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// What was measured, for the table's head: a commit.
    #[arg(long, default_value = "an unnamed build")]
    about: String,
}

/// Signed calls, and where the files about them are.
struct Bench<'a> {
    options: &'a Options,
    calls: Rc<[Call]>,
    stage: Stage<'a>,
    collector: Collector,
}

/// Measures and prints; gates fail only after everything is printed.
///
/// # Errors
/// When a server misbehaves, floor and Doorstep disagree on a verdict, or a gate fails.
pub(crate) fn run(options: &Options) -> Outcome<()> {
    std::fs::create_dir_all(&options.work).doing("making the work directory")?;
    let work = std::fs::canonicalize(&options.work).doing("finding the work directory")?;
    let public_key = work.join("bench-key.der");
    let key = SigningKey::generate()?;
    key.write_public(&public_key)?;
    let count = options.calls.saturating_add(options.warm_up);
    eprintln!("signing {count} calls");
    let calls: Rc<[Call]> = key.calls(count, Seed::new(options.seed))?.into();
    let sets = KeySets { hook: key.key_set(), step_up: StepUpKey::generate()?.key_set() };
    let cores = Cores::claim();
    let load_before = load_average();
    crate::run_local(async {
        let key_sets = KeySetServer::start(free_address()?, sets).await?;
        let stage = Stage { cores, key_sets, public_key: &public_key, store: None, lead: None };
        let collector = Collector::start().await?;
        let samples = Bench { options, calls, stage, collector }.rounds(&work).await?;
        let setting = Setting {
            about: &options.about,
            cores,
            disk: file_system(&work),
            calls: options.calls,
            connections: options.connections,
            load: format!("{load_before} before, {} after", load_average()),
        };
        report(options, &samples, &setting)
    })
}

fn report(options: &Options, samples: &Samples, setting: &Setting<'_>) -> Outcome<()> {
    let text = table::render(samples, setting);
    print!("{text}");
    if let Some(file) = &options.write {
        keep_section(&text, file)?;
    }
    if let Some(file) = &options.json {
        let json = serde_json::to_string_pretty(&samples.all()).doing("writing JSON")?;
        std::fs::write(file, json).doing("writing JSON")?;
    }
    samples.agree()?;
    bounds::hold(options, samples)
}

impl Bench<'_> {
    async fn rounds(&self, work: &Path) -> Outcome<Samples> {
        let mut subjects = self.subjects()?;
        let mut samples = Samples::default();
        for round in 1..=self.options.rounds {
            // Whoever comes second in one round comes first in the next.
            subjects.reverse();
            for (name, subject) in &subjects {
                let directory = work.join(format!("round-{round}-{name}"));
                std::fs::create_dir(&directory).doing("making a round's directory")?;
                let sample = self.sample((name, subject), &directory).await?;
                eprintln!("round {round}: {}", table::row(&sample));
                samples.push(sample);
                std::fs::remove_dir_all(&directory).doing("removing a round's directory")?;
            }
        }
        Ok(samples)
    }

    /// All that take turns, with their names in tables.
    fn subjects(&self) -> Outcome<Vec<(&'static str, Subject)>> {
        let floors = [Mode::Echo, Mode::Verify, Mode::Full].map(Subject::Floor);
        let mut subjects: Vec<_> = floors.into_iter().map(|floor| (floor.name(), floor)).collect();
        let policies = [(DOORSTEP, Some(&self.options.policies)), (LIMITS, self.options.limits.as_ref())];
        if let Some(program) = &self.options.doorstep {
            let program = std::fs::canonicalize(program).doing("finding Doorstep's binary")?;
            for (name, policies) in policies {
                let Some(policies) = policies else { continue };
                let policies = std::fs::canonicalize(policies).doing("finding the bundle")?;
                subjects.push((name, Subject::Doorstep { program: program.clone(), policies }));
            }
            if self.options.tracing {
                let policies = std::fs::canonicalize(&self.options.policies).doing("finding the bundle")?;
                let collector = self.collector.address();
                subjects.extend([0, 1, 100].map(|percent| {
                    let (program, policies) = (program.clone(), policies.clone());
                    let traced = Subject::Traced { program, policies, percent, collector };
                    (traced.name(), traced)
                }));
            }
        }
        if let Some(directory) = &self.options.by_hand {
            let directory = std::fs::canonicalize(directory).doing("finding the hooks by hand")?;
            for framework in [Framework::Fastify, Framework::Express] {
                for commit in [Commit::Group, Commit::Each] {
                    let by_hand = Subject::ByHand { directory: directory.clone(), framework, commit };
                    subjects.push((by_hand.name(), by_hand));
                }
            }
        }
        Ok(subjects)
    }

    /// Measures one server from its first start to a second one on what it left.
    async fn sample(&self, (name, subject): (&'static str, &Subject), directory: &Path) -> Outcome<Sample> {
        let mut server = subject.start(&self.stage, directory, free_address()?)?;
        let ready_first = server.ready().await?;
        tokio::time::sleep(REST).await;
        let rest = resident(server.pid())?;
        if let Some(call) = self.calls.first().filter(|_| subject.verifies()) {
            work::refuses_what_is_forged(server.address(), call)
                .await
                .map_err(|fault| server.fault(&fault.to_string()))?;
        }
        let (warm_up, measured) = (0..self.options.warm_up, self.options.warm_up..self.calls.len());
        self.drive(&server, warm_up.collect()).await?;
        let (before, own_before) = (processor_time(server.pid())?, processor_time(std::process::id())?);
        let mut over_time = Vec::new();
        let tally = tokio::select! {
            tally = self.drive(&server, measured.collect()) => tally?,
            fault = watch_memory(server.pid(), &mut over_time) => return Err(fault),
        };
        let busy = processor_time(server.pid())?.saturating_sub(before);
        let own_busy = processor_time(std::process::id())?.saturating_sub(own_before);
        let after = resident(server.pid())?;
        let spans_lost = self.spans_lost(subject, &server).await?;
        server.stop().await?;
        self.is_told(subject)?;
        if subject.records() {
            work::has_a_row_of_every(self.calls.len(), directory).await?;
        }
        let mut server = subject.start(&self.stage, directory, free_address()?)?;
        let ready_again = server.ready().await?;
        server.stop().await?;
        Ok(Sample {
            subject: name,
            cpu_us: sample::per_call_us(busy, &tally),
            driver_cpu_us: sample::per_call_us(own_busy, &tally),
            busy_share: busy.as_secs_f64() / tally.elapsed.as_secs_f64().max(f64::MIN_POSITIVE),
            calls_per_second: tally.rate(),
            p50_ms: sample::ms(tally.percentile(50)),
            p99_ms: sample::ms(tally.percentile(99)),
            ready_first_ms: sample::ms(ready_first),
            ready_again_ms: sample::ms(ready_again),
            rest,
            over_time,
            after,
            spans_lost,
            verdicts: tally.verdicts,
        })
    }

    /// Spans that the collector did not get; `None` where none are made.
    async fn spans_lost(&self, subject: &Subject, server: &Server) -> Outcome<Option<u64>> {
        match subject {
            Subject::Traced { .. } => Ok(Some(collector::spans_lost(server.address()).await?)),
            _ => Ok(None),
        }
    }

    /// Checks that the collector heard of a server that has left, or not, as it should have.
    fn is_told(&self, subject: &Subject) -> Outcome<()> {
        let told = self.collector.bytes() > 0;
        let expected = matches!(subject, Subject::Traced { percent: 1.., .. });
        let name = subject.name();
        if told == expected { Ok(()) } else { Err(Fault::new(format!("{name}: traces came: {told}"))) }
    }

    async fn drive(&self, server: &Server, queue: VecDeque<usize>) -> Outcome<Tally> {
        let wanted = queue.len();
        let pace = Pace { connections: self.options.connections, rate: None, time_max: DRIVE_MAX };
        let drive = Drive::new(server.address(), pace, &self.calls, queue);
        let tally = drive.run().await.map_err(|fault| server.fault(&fault.to_string()))?;
        let left = drive.queue_left().len();
        if left == 0 {
            Ok(tally)
        } else {
            Err(server.fault(&format!("{left} of {wanted} calls were not answered: connections were cut")))
        }
    }
}

/// Looks at a server's memory for as long as it is not dropped; comes to an end where it cannot.
async fn watch_memory(pid: u32, seen: &mut Vec<Resident>) -> Fault {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        match resident(pid) {
            Ok(memory) => seen.push(memory),
            Err(fault) => return fault,
        }
    }
}
