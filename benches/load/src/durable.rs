//! What a durable hook call costs whose scope asks about the past: on both engines, with one server and with two, at few and at
//! many connections, beside the floor.

mod table;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use crate::calls::{Call, SigningKey, StepUpKey, Who};
use crate::drive::{Drive, Pace, Tally};
use crate::fault::{Fault, Outcome, While as _};
use crate::floor::Mode;
use crate::key_sets::{KeySetServer, KeySets};
use crate::meter::{family_time, processor_time};
use crate::report::{file_system, keep_section, load_average};
use crate::seed::Seed;
use crate::server::{Cores, Server, free_address};
use crate::subject::{Stage, Subject};
use table::{Cell, Sample, Samples, Setting, Store};

/// How many connections there are in turn.
const CONNECTIONS: [usize; 3] = [1, 32, 256];
/// How many calls one user makes in a row of all calls: enough for a past, too few for a limit.
const CALLS_A_USER: NonZeroUsize = NonZeroUsize::new(8).unwrap();
/// Over one connection there are so many times fewer calls: each waits for the disk alone.
const FEWER_ALONE: usize = 5;
/// How long one drive may take.
const DRIVE_MAX: Duration = Duration::from_secs(300);

/// What the measure is started with.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Doorstep's release binary.
    #[arg(long)]
    doorstep: PathBuf,
    /// A policy bundle whose rules ask about the past.
    #[arg(long, default_value = "benches/limit-policies")]
    policies: PathBuf,
    /// The address of the database `postgres` of a server that makes a database for each round; without it only SQLite is
    /// measured.
    #[arg(long, requires = "postgres_pid")]
    postgres: Option<String>,
    /// That server's first process, whose time and whose children's time is read.
    #[arg(long)]
    postgres_pid: Option<u32>,
    /// An empty directory for stores and logs, on the kind of disk that matters.
    #[arg(long)]
    work: PathBuf,
    /// How many calls each cell of the table is measured with, in each round.
    #[arg(long, default_value_t = 8_000)]
    calls: usize,
    /// How many calls come before a store's first cell and do not count.
    #[arg(long, default_value_t = 1_000)]
    warm_up: usize,
    /// How many rounds.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Where the calls' content comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Fail when a call on SQLite costs one server more than this many times the floor, at 32 connections (median of the rounds).
    #[arg(long)]
    max_ratio: Option<f64>,
    /// Write the table to its section of this file too.
    #[arg(long)]
    write: Option<PathBuf>,
    /// What was measured, for the section's head: a commit.
    #[arg(long, default_value = "an unnamed build")]
    about: String,
}

/// What every round needs.
struct Bench<'a> {
    options: &'a Options,
    calls: Rc<[Call]>,
    key_sets: KeySetServer,
    cores: Cores,
    public_key: &'a Path,
    work: &'a Path,
}

/// Measures and prints; the gate fails only after everything is printed.
///
/// # Errors
/// When a server misbehaves or the gate fails.
pub(crate) fn run(options: &Options) -> Outcome<()> {
    std::fs::create_dir_all(&options.work).doing("making the work directory")?;
    let work = std::fs::canonicalize(&options.work).doing("finding the work directory")?;
    let public_key = work.join("bench-key.der");
    let key = SigningKey::generate()?;
    key.write_public(&public_key)?;
    let count = options.warm_up
        + CONNECTIONS.map(|connections| calls_over(options.calls, connections)).iter().sum::<usize>();
    eprintln!("signing {count} calls");
    let calls = key.calls_of(Who::InRow(CALLS_A_USER), count, Seed::new(options.seed))?;
    let sets = KeySets { hook: key.key_set(), step_up: StepUpKey::generate()?.key_set() };
    let cores = Cores::claim();
    let load_before = load_average();
    crate::run_local(async {
        let key_sets = KeySetServer::start(free_address()?, sets).await?;
        let bench =
            Bench { options, calls: calls.into(), key_sets, cores, public_key: &public_key, work: &work };
        let samples = bench.rounds().await?;
        let setting = Setting {
            about: &options.about,
            cores,
            disk: file_system(&work),
            calls: options.calls,
            calls_a_user: CALLS_A_USER.get(),
            load: format!("{load_before} before, {} after", load_average()),
        };
        report(options, &samples, &setting)
    })
}

/// How many calls a cell has.
const fn calls_over(calls: usize, connections: usize) -> usize {
    if connections == 1 { calls / FEWER_ALONE } else { calls }
}

fn report(options: &Options, samples: &Samples, setting: &Setting<'_>) -> Outcome<()> {
    let text = table::render(samples, setting);
    print!("{text}");
    if let Some(file) = &options.write {
        keep_section(&text, file)?;
    }
    match (samples.ratio(), options.max_ratio) {
        (Some(ratio), Some(bound)) if ratio > bound => {
            Err(Fault::new(format!("times the floor: {ratio:.2} is above {bound}")))
        }
        (None, Some(_)) => Err(Fault::new("times the floor: was not measured")),
        _ => Ok(()),
    }
}

impl Bench<'_> {
    async fn rounds(&self) -> Outcome<Samples> {
        let mut cells = vec![(Store::Floor, 1), (Store::Sqlite, 1), (Store::Sqlite, 2)];
        if self.options.postgres.is_some() {
            cells.extend([(Store::Postgres, 1), (Store::Postgres, 2)]);
        }
        let mut samples = Samples::default();
        for round in 1..=self.options.rounds {
            // Whoever comes last in one round comes first in the next.
            cells.reverse();
            for (store, servers) in cells.iter().copied() {
                let directory = self.work.join(format!("round-{round}-{}-{servers}", store.name()));
                std::fs::create_dir(&directory).doing("making a round's directory")?;
                self.store(store, servers, (round, &directory), &mut samples).await?;
                std::fs::remove_dir_all(&directory).doing("removing a round's directory")?;
            }
        }
        Ok(samples)
    }

    /// Measures all numbers of connections on one new store.
    async fn store(
        &self,
        store: Store,
        servers: usize,
        (round, directory): (usize, &Path),
        samples: &mut Samples,
    ) -> Outcome<()> {
        let url = match store {
            Store::Floor | Store::Sqlite => None,
            Store::Postgres => Some(self.database(&format!("bench_{round}_{servers}"))?),
        };
        let stage = Stage {
            cores: self.cores,
            key_sets: self.key_sets,
            public_key: self.public_key,
            store: url.as_deref(),
            lead: None,
        };
        let subject = match store {
            Store::Floor => Subject::Floor(Mode::Full),
            Store::Sqlite | Store::Postgres => Subject::Doorstep {
                program: std::fs::canonicalize(&self.options.doorstep).doing("finding Doorstep's binary")?,
                policies: std::fs::canonicalize(&self.options.policies).doing("finding the bundle")?,
            },
        };
        let mut running = Vec::new();
        for _ in 0..servers {
            let mut server = subject.start(&stage, directory, free_address()?)?;
            server.ready().await?;
            running.push(server);
        }
        let mut first = self.options.warm_up;
        self.drive(&running, CONNECTIONS.iter().copied().max().unwrap_or(1), 0..first).await?;
        for connections in CONNECTIONS {
            let last = first + calls_over(self.options.calls, connections);
            let before = self.busy(&running, store)?;
            let tally = self.drive(&running, connections, first..last).await?;
            let after = self.busy(&running, store)?;
            first = last;
            let cell = Cell { store, servers, connections };
            let sample =
                Sample::of(&tally, (after.0.saturating_sub(before.0), after.1.saturating_sub(before.1)));
            eprintln!("round {round}: {}", table::row(cell, &sample));
            samples.push(cell, sample);
        }
        for server in running {
            server.stop().await?;
        }
        Ok(())
    }

    /// The processor time of all servers, and of PostgreSQL where it is what they write to.
    fn busy(&self, running: &[Server], store: Store) -> Outcome<(Duration, Duration)> {
        let mut servers = Duration::ZERO;
        for server in running {
            servers += processor_time(server.pid())?;
        }
        let database = match (store, self.options.postgres_pid) {
            (Store::Postgres, Some(pid)) => family_time(pid)?,
            _ => Duration::ZERO,
        };
        Ok((servers, database))
    }

    /// Makes an empty database and tells its address.
    fn database(&self, name: &str) -> Outcome<String> {
        let Some(server) = &self.options.postgres else {
            return Err(Fault::new("no PostgreSQL server was named"));
        };
        let sql = format!("CREATE DATABASE {name}");
        let mut psql = Command::new("psql");
        let status = psql.args(["--no-psqlrc", "--quiet", "--command", &sql, server]).status();
        if !status.doing("running psql")?.success() {
            return Err(Fault::new(format!("psql could not make {name}")));
        }
        Ok(format!("{}/{name}", server.strip_suffix("/postgres").unwrap_or(server)))
    }

    /// Sends calls to all servers at once, as many to each.
    async fn drive(
        &self,
        running: &[Server],
        connections: usize,
        calls: std::ops::Range<usize>,
    ) -> Outcome<Tally> {
        let wanted = calls.len();
        let talking = running.len().min(connections);
        let mut drives = Vec::new();
        for (number, server) in running.iter().take(talking).enumerate() {
            let share = connections / talking;
            let pace = Pace { connections: share, rate: None, time_max: DRIVE_MAX };
            let own = calls.clone().skip(number).step_by(talking).collect();
            let drive = Drive::new(server.address(), pace, &self.calls, own);
            drives.push(tokio::task::spawn_local(async move { drive.run().await }));
        }
        let mut tally = Tally::default();
        for drive in drives {
            tally.join(drive.await.doing("driving")??);
        }
        if usize::try_from(tally.verdicts.all()).ok() != Some(wanted) {
            return Err(Fault::new(format!("of {wanted} calls {} were answered", tally.verdicts.all())));
        }
        Ok(tally)
    }
}
