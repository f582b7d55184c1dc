//! What a verification token costs beside the signature in it: the floor, Doorstep's mint of an approved verification and its
//! one-call form, in turn.

mod backend;
mod floor;
mod send;
mod table;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::rc::Rc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::calls::{Call, SigningKey, StepUpKey};
use crate::drive::{Drive, Pace};
use crate::fault::{Fault, Outcome, While as _};
use crate::key_sets::{KeySetServer, KeySets};
use crate::meter::processor_time;
use crate::report::{file_system, keep_section, load_average};
use crate::seed::Seed;
use crate::server::{Cores, Server, free_address};
use crate::subject::{Stage, Subject};
use backend::Backend;
pub(crate) use floor::{FloorOptions, serve as serve_floor};
use send::{Batch, send};
use table::{Form, Sample, Samples, Setting};

/// How long a server rests between what prepares a round and what is measured.
const REST: Duration = Duration::from_millis(500);
/// How long recording the reviews of a round may take.
const REVIEWS_MAX: Duration = Duration::from_secs(300);

/// What the measure is started with.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Doorstep's release binary.
    #[arg(long)]
    doorstep: PathBuf,
    /// A policy bundle that reviews every transfer with the step `kyc_review`, which a backend may approve.
    #[arg(long, default_value = "benches/step-policies")]
    policies: PathBuf,
    /// An empty directory for the store and the logs, on the kind of disk that matters.
    #[arg(long)]
    work: PathBuf,
    /// How many tokens of each form are minted, in each round.
    #[arg(long, default_value_t = 3_000)]
    calls: usize,
    /// How many of each form come before the first round and do not count.
    #[arg(long, default_value_t = 500)]
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
    /// Fail when a mint costs more than this many times the floor (median of the rounds).
    #[arg(long)]
    max_ratio: Option<f64>,
    /// Fail when the one-call form costs more than this many times the floor (median of the rounds).
    #[arg(long)]
    max_one_call_ratio: Option<f64>,
    /// Write the table to its section of this file too.
    #[arg(long)]
    write: Option<PathBuf>,
    /// What was measured, for the section's head: a commit.
    #[arg(long, default_value = "an unnamed build")]
    about: String,
}

/// Measures and prints; gates fail only after everything is printed.
///
/// # Errors
/// When a server misbehaves, a token that was answered is not in the store, or a gate fails.
pub(crate) fn run(options: &Options) -> Outcome<()> {
    std::fs::create_dir_all(&options.work).doing("making the work directory")?;
    let work = std::fs::canonicalize(&options.work).doing("finding the work directory")?;
    let (key, step_up) = (SigningKey::generate()?, StepUpKey::generate()?);
    let count = 2 * (options.warm_up + options.calls * options.rounds);
    eprintln!("signing {count} hook calls");
    let seed = Seed::new(options.seed);
    let calls: Rc<[Call]> = key.calls(count, seed)?.into();
    let sets = KeySets { hook: key.key_set(), step_up: step_up.key_set() };
    let public_key = work.join("bench-key.der");
    let cores = Cores::claim();
    let load_before = load_average();
    crate::run_local(async {
        let key_sets = KeySetServer::start(free_address()?, sets).await?;
        let stage = Stage { cores, key_sets, public_key: &public_key, store: None, lead: None };
        let bench = Bench::start(options, &stage, (calls, &work)).await?;
        let backend = Backend { api_key: api_key(options, &stage, &work)?, step_up: &step_up, seed };
        let samples = bench.rounds(&backend).await?;
        bench.stop().await?;
        let wanted = count;
        let found = tokens_in(&Subject::store(&work)).await?;
        if usize::try_from(found).ok() != Some(wanted) {
            return Err(Fault::new(format!("{wanted} tokens were answered and {found} are in the store")));
        }
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
    let gates = [(Form::Mint, options.max_ratio), (Form::OneCall, options.max_one_call_ratio)];
    let broken: Vec<String> = gates
        .into_iter()
        .filter_map(|(form, bound)| {
            let (ratio, bound) = (samples.ratio(form)?, bound?);
            (ratio > bound).then(|| format!("{}: {ratio:.2} is above {bound}", form.name()))
        })
        .collect();
    if broken.is_empty() { Ok(()) } else { Err(Fault::new(broken.join("; "))) }
}

/// Makes a key that may open, approve as backend and mint.
fn api_key(options: &Options, stage: &Stage<'_>, work: &Path) -> Outcome<String> {
    let program = std::fs::canonicalize(&options.doorstep).doing("finding Doorstep's binary")?;
    let policies = std::fs::canonicalize(&options.policies).doing("finding the bundle")?;
    let mut command = stage.cores.command(&program);
    stage.settings(&mut command, work, &policies);
    let roles = ["opener", "approver", "minter"].into_iter().flat_map(|role| ["--role", role]);
    command.args(["api-key", "create", "--dev", "--name", "bench", "--approves-as", "backend"]).args(roles);
    let made = command.stdin(Stdio::null()).output().doing("making an API key")?;
    if !made.status.success() {
        return Err(Fault::new(format!("making an API key: {}", String::from_utf8_lossy(&made.stderr))));
    }
    Ok(String::from_utf8_lossy(&made.stdout).trim().to_owned())
}

/// How many tokens the store has.
async fn tokens_in(store: &Path) -> Outcome<i64> {
    let options = SqliteConnectOptions::new().filename(store).read_only(true);
    let mut connection: SqliteConnection = options.connect().await.doing("opening the store")?;
    let count = sqlx::query_scalar("SELECT count(*) FROM verification_tokens")
        .fetch_one(&mut connection)
        .await
        .doing("counting tokens")?;
    connection.close().await.doing("closing the store")?;
    Ok(count)
}

/// Both servers, running.
struct Bench<'a> {
    options: &'a Options,
    calls: Rc<[Call]>,
    doorstep: Server,
    floor: Server,
}

impl<'a> Bench<'a> {
    async fn start(
        options: &'a Options,
        stage: &Stage<'_>,
        (calls, work): (Rc<[Call]>, &Path),
    ) -> Outcome<Self> {
        let subject = Subject::Doorstep {
            program: std::fs::canonicalize(&options.doorstep).doing("finding Doorstep's binary")?,
            policies: std::fs::canonicalize(&options.policies).doing("finding the bundle")?,
        };
        let mut doorstep = subject.start(stage, work, free_address()?)?;
        doorstep.ready().await?;
        let this = std::env::current_exe().doing("finding this program")?;
        let address = free_address()?;
        let mut command = stage.cores.command(&this);
        command.args(["signing-floor", "--bind", &address.to_string()]);
        let mut floor = Server::start(command, address, &work.join("floor.log"))?;
        floor.ready().await?;
        Ok(Self { options, calls, doorstep, floor })
    }

    async fn stop(self) -> Outcome<()> {
        self.floor.stop().await?;
        self.doorstep.stop().await
    }

    async fn rounds(&self, backend: &Backend<'_>) -> Outcome<Samples> {
        let Options { warm_up, calls, rounds, .. } = *self.options;
        let mut samples = Samples::default();
        let mut order = [Form::Floor, Form::Mint, Form::OneCall];
        self.round(backend, (0..2 * warm_up, order)).await?;
        for round in 0..rounds {
            let first = 2 * (warm_up + round * calls);
            // Whoever comes last in one round comes first in the next.
            order.reverse();
            eprintln!("round {}", round + 1);
            for sample in self.round(backend, (first..first + 2 * calls, order)).await? {
                samples.push(sample);
            }
        }
        Ok(samples)
    }

    /// Records the reviews of some calls, opens and approves a verification for the first half of them, and then measures each form.
    async fn round(
        &self,
        backend: &Backend<'_>,
        (range, order): (Range<usize>, [Form; 3]),
    ) -> Outcome<Vec<Sample>> {
        let middle = range.start.midpoint(range.end);
        self.review(range.clone()).await?;
        let named = |range: Range<usize>| self.calls.iter().enumerate().skip(range.start).take(range.len());
        let ids = self.sent((Form::Mint, backend.openings(named(range.start..middle))?, "id")).await?.texts;
        self.sent((Form::Mint, backend.approvals(&ids), "id")).await?;
        tokio::time::sleep(REST).await;
        let mut samples = Vec::with_capacity(order.len());
        for form in order {
            let batch = match form {
                Form::Floor | Form::Mint => backend.mints(&ids),
                Form::OneCall => backend.one_calls(named(middle..range.end))?,
            };
            let sample = self.sample(form, batch).await?;
            eprintln!("{}", table::row(&sample));
            samples.push(sample);
        }
        Ok(samples)
    }

    async fn review(&self, range: Range<usize>) -> Outcome<()> {
        let count = u64::try_from(range.len()).unwrap_or(u64::MAX);
        let pace = Pace { connections: self.options.connections, rate: None, time_max: REVIEWS_MAX };
        let drive = Drive::new(self.doorstep.address(), pace, &self.calls, range.collect());
        let tally = drive.run().await.map_err(|fault| self.doorstep.fault(&fault.to_string()))?;
        if tally.verdicts.review == count {
            Ok(())
        } else {
            Err(self.doorstep.fault("not every call was reviewed"))
        }
    }

    async fn sample(&self, form: Form, batch: Batch) -> Outcome<Sample> {
        let (server, count) = (self.server(form), batch.requests.len());
        let before = processor_time(server.pid())?;
        let answered = self.sent((form, batch, "verification_token")).await?;
        let busy = processor_time(server.pid())?.saturating_sub(before);
        Ok(Sample::of(form, (busy, count), &answered))
    }

    async fn sent(&self, (form, batch, field): (Form, Batch, &'static str)) -> Outcome<send::Answered> {
        let server = self.server(form);
        send(server.address(), self.options.connections, (batch, field))
            .await
            .map_err(|fault| server.fault(&fault.to_string()))
    }

    const fn server(&self, form: Form) -> &Server {
        match form {
            Form::Floor => &self.floor,
            Form::Mint | Form::OneCall => &self.doorstep,
        }
    }
}
