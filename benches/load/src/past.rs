//! What a call costs whose conditions ask about a long past: in a store with millions of verdicts, of which the user who calls
//! has a thousand, and in an empty one, in turn.

mod fill;

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::Instant;

use crate::calls::{Call, SigningKey, StepUpKey, Who};
use crate::drive::{Drive, Pace, Tally};
use crate::fault::{Fault, Outcome, While as _};
use crate::key_sets::{KeySetServer, KeySets};
use crate::meter::processor_time;
use crate::report::{file_system, keep_section, kernel, load_average, median, processor, spread};
use crate::seed::Seed;
use crate::server::{Cores, Server, free_address};
use crate::subject::{Stage, Subject};

/// How long one drive may take.
const DRIVE_MAX: Duration = Duration::from_secs(300);
/// How long calls that can no longer change may take to be moved together.
const SETTLING_MAX: Duration = Duration::from_secs(120);
/// How often there is a look whether they are.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How many calls of a user may stay by themselves.
const SINGLE_MAX: usize = 16;
/// Which conditions are measured: the bundle's directory, what the table calls it.
const KINDS: [(&str, &str); 2] = [("sums", "a `count` and a `sum`"), ("distinct", "a `distinct`")];

/// What the measure is started with.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Doorstep's release binary.
    #[arg(long)]
    doorstep: PathBuf,
    /// The directory with the bundles `sums` and `distinct`.
    #[arg(long, default_value = "benches/past-policies")]
    policies: PathBuf,
    /// An empty directory for the stores and the logs, on the kind of disk that matters.
    #[arg(long)]
    work: PathBuf,
    /// How many verdicts the full store has.
    #[arg(long, default_value_t = 1_000_000)]
    rows: usize,
    /// How many of them each user has who calls.
    #[arg(long, default_value_t = 1_000)]
    busy_calls: usize,
    /// How many users call, in each round and of each kind.
    #[arg(long, default_value_t = 32)]
    users: usize,
    /// How many calls of each user are measured, in each round and of each kind.
    #[arg(long, default_value_t = 32)]
    calls: usize,
    /// How many rounds.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How many connections.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Where the calls' content comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Fail when a call with `count` and `sum` costs more than this many times one in an empty store.
    #[arg(long)]
    max_ratio: Option<f64>,
    /// The same of one with `distinct`.
    #[arg(long)]
    max_distinct_ratio: Option<f64>,
    /// Write the table to this file too.
    #[arg(long)]
    write: Option<PathBuf>,
    /// What was measured, for the table's head: a commit.
    #[arg(long, default_value = "an unnamed build")]
    about: String,
}

/// Processor time a call, µs, of one kind of conditions, round by round.
#[derive(Debug, Default, Clone)]
struct Figures {
    full: Vec<f64>,
    empty: Vec<f64>,
}

impl Figures {
    fn ratios(&self) -> Vec<f64> {
        self.full.iter().zip(&self.empty).map(|(full, empty)| full / empty.max(f64::MIN_POSITIVE)).collect()
    }
}

struct Bench<'a> {
    options: &'a Options,
    calls: Rc<[Call]>,
    stage: Stage<'a>,
    work: PathBuf,
}

/// Measures and prints; gates fail only after everything is printed.
///
/// # Errors
/// When a server misbehaves, the past is not moved together in time, or a gate fails.
pub(crate) fn run(options: &Options) -> Outcome<()> {
    std::fs::create_dir_all(&options.work).doing("making the work directory")?;
    let work = std::fs::canonicalize(&options.work).doing("finding the work directory")?;
    let key = SigningKey::generate()?;
    let users = options.users * options.rounds * KINDS.len();
    // One call makes a user known, two warm up.
    let count = users * (options.calls + 3);
    eprintln!("signing {count} calls of {users} users");
    let calls: Rc<[Call]> = key.calls_of(Who::Turns(users), count, Seed::new(options.seed))?.into();
    let sets = KeySets { hook: key.key_set(), step_up: StepUpKey::generate()?.key_set() };
    let cores = Cores::claim();
    crate::run_local(async {
        let key_sets = KeySetServer::start(free_address()?, sets).await?;
        let stage = Stage { cores, key_sets, public_key: Path::new("none"), store: None, lead: None };
        let bench = Bench { options, calls, stage, work };
        let before = load_average();
        let figures = bench.measure(users).await?;
        report(
            options,
            &figures,
            &format!(
                "{} on {}; load average {before} before, {} after",
                kernel(),
                file_system(&bench.work),
                load_average()
            ),
        )
    })
}

impl Bench<'_> {
    /// The figures of each kind.
    async fn measure(&self, users: usize) -> Outcome<Vec<Figures>> {
        let full = self.work.join("full");
        std::fs::create_dir(&full).doing("making the full store's directory")?;
        let server = self.start(KINDS[0].0, &full).await?;
        self.drive(&server, (0..users).collect()).await?;
        server.stop().await?;
        let began = Instant::now();
        fill::fill(&Subject::store(&full), (self.options.rows, self.options.busy_calls)).await?;
        eprintln!("filled with {} verdicts in {:.0?}", self.options.rows, began.elapsed());
        let mut figures = vec![Figures::default(); KINDS.len()];
        for round in 0..self.options.rounds {
            for (kind, ((bundle, name), figures)) in KINDS.iter().zip(&mut figures).enumerate() {
                let first = (round * KINDS.len() + kind) * self.options.users;
                let callers = first..first + self.options.users;
                let empty = self.work.join(format!("empty-{round}-{bundle}"));
                std::fs::create_dir(&empty).doing("making an empty store's directory")?;
                // Whoever comes second in one round comes first in the next.
                for place in if round % 2 == 0 { [&full, &empty] } else { [&empty, &full] } {
                    let cost = self.sample(bundle, place, (callers.clone(), users)).await?;
                    if *place == full {
                        figures.full.push(cost);
                    } else {
                        figures.empty.push(cost);
                    }
                    let place = if *place == full { "full" } else { "empty" };
                    eprintln!("round {}: {name}, {place} store: {cost:.1} µs CPU a call", round + 1);
                }
                std::fs::remove_dir_all(&empty).doing("removing an empty store's directory")?;
            }
        }
        Ok(figures)
    }

    async fn start(&self, bundle: &str, directory: &Path) -> Outcome<Server> {
        let program = std::fs::canonicalize(&self.options.doorstep).doing("finding Doorstep's binary")?;
        let policies =
            std::fs::canonicalize(self.options.policies.join(bundle)).doing("finding the bundle")?;
        let mut server =
            Subject::Doorstep { program, policies }.start(&self.stage, directory, free_address()?)?;
        server.ready().await?;
        Ok(server)
    }

    /// What a call of these users costs, µs.
    async fn sample(
        &self,
        bundle: &str,
        directory: &Path,
        (callers, users): (Range<usize>, usize),
    ) -> Outcome<f64> {
        let server = self.start(bundle, directory).await?;
        // The first call of each reads its past one by one, and has it moved together; the second reads what was moved.
        self.drive(&server, turn(1, callers.clone(), users)).await?;
        self.settled(directory, &callers).await?;
        self.drive(&server, turn(2, callers.clone(), users)).await?;
        checkpoint(directory).await?;
        let measured = (3..3 + self.options.calls).flat_map(|n| turn(n, callers.clone(), users)).collect();
        let before = processor_time(server.pid())?;
        let tally = self.drive(&server, measured).await?;
        let busy = processor_time(server.pid())?.saturating_sub(before);
        server.stop().await?;
        let answers = u32::try_from(tally.verdicts.all()).unwrap_or(u32::MAX).max(1);
        Ok(busy.as_secs_f64() * 1e6 / f64::from(answers))
    }

    /// Waits until the past of those who call stands together, where they have one. What a store of another version does not
    /// move together is not waited for.
    async fn settled(&self, directory: &Path, callers: &Range<usize>) -> Outcome<()> {
        if !directory.ends_with("full") {
            return Ok(());
        }
        let options = SqliteConnectOptions::new().filename(Subject::store(directory)).read_only(true);
        let mut store = options.connect().await.doing("looking into the store")?;
        let moves = "SELECT count(*) FROM sqlite_schema WHERE name = 'past_segments'";
        if fill::number(&mut store, moves).await? == 0 {
            return Ok(());
        }
        // A few of each may stay by themselves: moving them is not worth it yet.
        let wanted = callers.end * self.options.busy_calls.saturating_sub(SINGLE_MAX);
        let wanted = i64::try_from(wanted).doing("counting what is to be moved")?;
        let began = Instant::now();
        while fill::number(&mut store, "SELECT coalesce(sum(calls), 0) FROM past_segments").await? < wanted {
            if began.elapsed() > SETTLING_MAX {
                return Err(Fault::new("the past was not moved together in time"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    async fn drive(&self, server: &Server, queue: VecDeque<usize>) -> Outcome<Tally> {
        let wanted = queue.len();
        let pace = Pace { connections: self.options.connections, rate: None, time_max: DRIVE_MAX };
        let drive = Drive::new(server.address(), pace, &self.calls, queue);
        let tally = drive.run().await.map_err(|fault| server.fault(&fault.to_string()))?;
        if drive.queue_left().is_empty() {
            Ok(tally)
        } else {
            Err(server.fault(&format!("some of {wanted} calls were not answered: connections were cut")))
        }
    }
}

/// Moves the write-ahead log into the file, on the disk: what was written before is not paid for by the calls that are measured.
async fn checkpoint(directory: &Path) -> Outcome<()> {
    let options = SqliteConnectOptions::new().filename(Subject::store(directory)).busy_timeout(SETTLING_MAX);
    let mut store = options.connect().await.doing("opening the store")?;
    fill::number(&mut store, "PRAGMA wal_checkpoint(TRUNCATE)").await?;
    store.close().await.doing("closing the store")
}

/// The `n`th call of each of these users.
fn turn(n: usize, callers: Range<usize>, users: usize) -> VecDeque<usize> {
    callers.map(|user| n * users + user).collect()
}

fn report(options: &Options, figures: &[Figures], setting: &str) -> Outcome<()> {
    let text = render(options, figures, setting);
    print!("{text}");
    if let Some(file) = &options.write {
        keep_section(&text, file)?;
    }
    let bounds = [options.max_ratio, options.max_distinct_ratio];
    let broken: Vec<String> = KINDS
        .iter()
        .zip(figures)
        .zip(bounds)
        .filter_map(|(((_, name), figures), bound)| {
            let (ratio, bound) = (median(figures.ratios())?, bound?);
            (ratio > bound).then(|| format!("{name}: {ratio:.2} is above {bound}"))
        })
        .collect();
    if broken.is_empty() { Ok(()) } else { Err(Fault::new(broken.join("; "))) }
}

fn render(options: &Options, figures: &[Figures], setting: &str) -> String {
    let mut text = String::from("# What a long past costs\n\n");
    // INVARIANT: writing into a String cannot fail, here and below.
    let _ = writeln!(
        text,
        "Measured: {}. Made by `benches/past.sh`.\n\n{}, {setting}.\n\
         {} recorded verdicts, {} of them of each user who calls; {} users with {} calls each a round, {} connections, the stores in turn;\n\
         figures are medians of the rounds, in brackets the lowest and the highest.\n",
        options.about,
        processor(),
        options.rows,
        options.busy_calls,
        options.users,
        options.calls,
        options.connections,
    );
    text.push_str("| conditions | µs CPU a call, empty store | full store | times |\n|---|--:|--:|--:|\n");
    for ((_, name), figures) in KINDS.iter().zip(figures) {
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} |",
            spread(figures.empty.clone(), 1),
            spread(figures.full.clone(), 1),
            spread(figures.ratios(), 2),
        );
    }
    text
}
