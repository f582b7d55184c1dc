//! Kills a server, or the PostgreSQL server behind it, in the middle of load, again and again, on one store, with a ledger of all that was answered.
//!
//! What was under way when the server died is sent again, byte for byte, to its successor: it may have been recorded
//! without having been answered, and must not be recorded twice. Whether the store holds what the ledger says is for
//! `benches/ledger.py` to tell, which shares no code with anything here.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use crate::calls::{Call, SigningKey, StepUpKey};
use crate::drive::{Drive, Pace};
use crate::fault::{Fault, Outcome, While as _};
use crate::floor::Mode;
use crate::key_sets::{KeySetServer, KeySets};
use crate::seed::Seed;
use crate::server::{Cores, Server, free_address};
use crate::subject::{Stage, Subject};

/// The fewest answers before a kill.
const ANSWERS_MIN: u64 = 50;
/// How many answers more there may be.
const ANSWERS_SPREAD: u64 = 1_500;
/// How long after the last of them the kill may come, ms: calls are then under way at any stage.
const DELAY_SPREAD_MS: u64 = 5;
/// How many calls a round may need, those that are answered during the delay included.
const CALLS_PER_ROUND: usize = 2_500;
/// How long the load of one round may take.
const DRIVE_MAX: Duration = Duration::from_secs(120);

/// What a series of kills is started with.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Doorstep's release binary; the floor is killed without it.
    #[arg(long)]
    doorstep: Option<PathBuf>,
    /// Doorstep's policy bundle.
    #[arg(long, default_value = "benches/policies")]
    policies: PathBuf,
    /// How the floor behaves where it is the one that is killed.
    #[arg(long, value_enum, default_value = "full")]
    floor_mode: Mode,
    /// An empty directory; `store.sqlite`, `ledger.txt` and `server.log` are left in it.
    #[arg(long)]
    work: PathBuf,
    /// Doorstep's store, `postgres://…`; a SQLite file in the work directory without it.
    #[arg(long)]
    store: Option<String>,
    /// Kills the PostgreSQL server that `scripts/postgres` started in this directory instead of Doorstep.
    #[arg(long, requires = "store")]
    postgres: Option<PathBuf>,
    /// What kills it and starts it again.
    #[arg(long, default_value = "scripts/postgres")]
    postgres_script: PathBuf,
    /// How many kills.
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// How many connections.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Where the moments of the kills come from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Kills and restarts, then lets the last successor answer what is left and leave in order.
///
/// # Errors
/// When a server does not become ready again, answers wrongly or ends by itself.
pub(crate) fn run(options: &Options) -> Outcome<()> {
    std::fs::create_dir_all(&options.work).doing("making the work directory")?;
    let work = std::fs::canonicalize(&options.work).doing("finding the work directory")?;
    let public_key = work.join("bench-key.der");
    let key = SigningKey::generate()?;
    key.write_public(&public_key)?;
    let count = options.rounds.saturating_mul(CALLS_PER_ROUND);
    eprintln!("signing {count} calls");
    let calls: Rc<[Call]> = key.calls(count, Seed::new(options.seed))?.into();
    let sets = KeySets { hook: key.key_set(), step_up: StepUpKey::generate()?.key_set() };
    let subject = match &options.doorstep {
        None => Subject::Floor(options.floor_mode),
        Some(program) => Subject::Doorstep {
            program: std::fs::canonicalize(program).doing("finding Doorstep's binary")?,
            policies: std::fs::canonicalize(&options.policies).doing("finding the bundle")?,
        },
    };
    let cores = Cores::claim();
    crate::run_local(async {
        let key_sets = KeySetServer::start(free_address()?, sets).await?;
        let stage =
            Stage { cores, key_sets, public_key: &public_key, store: options.store.as_deref(), lead: None };
        let slaughter = Slaughter { options, calls, subject, stage, work: &work };
        match &options.postgres {
            None => slaughter.rounds().await,
            Some(directory) => slaughter.of_postgres(directory).await,
        }
    })
}

struct Slaughter<'a> {
    options: &'a Options,
    calls: Rc<[Call]>,
    subject: Subject,
    stage: Stage<'a>,
    work: &'a Path,
}

impl Slaughter<'_> {
    async fn rounds(&self) -> Outcome<()> {
        let mut fresh = 0..self.calls.len();
        let mut unanswered = VecDeque::new();
        for round in 1..=self.options.rounds {
            let mut queue = std::mem::take(&mut unanswered);
            queue.extend(fresh.by_ref().take(CALLS_PER_ROUND));
            unanswered = self.round(round, queue).await?;
        }
        // The last successor has to open what the last kill left.
        unanswered.truncate(CALLS_PER_ROUND);
        let mut server = self.subject.start(&self.stage, self.work, free_address()?)?;
        server.ready().await?;
        let drive = self.drive(&server, unanswered)?;
        let tally = drive.run().await.map_err(|fault| server.fault(&fault.to_string()))?;
        if !drive.queue_left().is_empty() {
            return Err(server.fault("the last server cut connections"));
        }
        eprintln!("the last server answered {} calls and leaves in order", tally.verdicts.all());
        server.stop().await
    }

    /// Lets one Doorstep answer while the PostgreSQL server behind it is killed and started again; what is refused meanwhile is
    /// sent again until it is answered.
    async fn of_postgres(&self, directory: &Path) -> Outcome<()> {
        let mut server = self.subject.start(&self.stage, self.work, free_address()?)?;
        server.ready().await?;
        let drive = self.drive(&server, (0..self.calls.len()).collect())?;
        drive.insist();
        let killer = async {
            let mut answers = 0;
            for round in 1..=self.options.rounds {
                let seed = Seed::new(self.options.seed).at(round);
                answers += ANSWERS_MIN + seed.narrow() % ANSWERS_SPREAD;
                drive.answered(answers).await;
                tokio::time::sleep(Duration::from_millis(seed.at(0).narrow() % (DELAY_SPREAD_MS + 1))).await;
                self.script("kill", directory).await?;
                let killed = tokio::time::Instant::now();
                self.script("again", directory).await?;
                let again = killed.elapsed();
                answers = drive.count() + 1;
                drive.answered(answers).await;
                eprintln!(
                    "kill {round}: there again after {again:.0?}, answering after {:.0?}",
                    killed.elapsed()
                );
            }
            Ok::<(), Fault>(())
        };
        let (killed, drove) = tokio::join!(killer, drive.run());
        let tally = drove.map_err(|fault| server.fault(&fault.to_string()))?;
        killed?;
        if !drive.queue_left().is_empty() {
            return Err(server.fault("the server cut connections"));
        }
        eprintln!("{} calls were answered, and the server leaves in order", tally.verdicts.all());
        server.stop().await
    }

    /// Kills PostgreSQL or starts it again, while calls go on.
    async fn script(&self, command: &str, directory: &Path) -> Outcome<()> {
        let mut script = std::process::Command::new(&self.options.postgres_script);
        script
            .arg(command)
            .arg(directory)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        let run = tokio::task::spawn_blocking(move || script.status());
        let status = run.await.doing("running the script")?.doing("running the script")?;
        if status.success() {
            Ok(())
        } else {
            Err(Fault::new(format!("scripts/postgres {command}: {status}")))
        }
    }

    /// Lets one server answer, kills it, and gives the calls that it did not answer.
    async fn round(&self, round: usize, queue: VecDeque<usize>) -> Outcome<VecDeque<usize>> {
        let mut server = self.subject.start(&self.stage, self.work, free_address()?)?;
        let ready = server.ready().await?;
        let seed = Seed::new(self.options.seed).at(round);
        let answers = ANSWERS_MIN + seed.narrow() % ANSWERS_SPREAD;
        let delay = Duration::from_millis(seed.at(0).narrow() % (DELAY_SPREAD_MS + 1));
        let drive = self.drive(&server, queue)?;
        let killer = async {
            drive.answered(answers).await;
            tokio::time::sleep(delay).await;
            server.kill()
        };
        let load = drive.run();
        tokio::pin!(load);
        tokio::select! {
            biased;
            killed = killer => killed?,
            ended = &mut load => {
                ended?;
                return Err(Fault::new("the load ended before the kill: the server cut connections by itself"));
            }
        }
        let tally = load.await?;
        let left = drive.queue_left();
        eprintln!(
            "kill {round}: ready after {ready:.0?}, {} answered, killed {delay:?} after answer {answers}",
            tally.verdicts.all()
        );
        Ok(left)
    }

    fn drive(&self, server: &Server, queue: VecDeque<usize>) -> Outcome<Rc<Drive>> {
        let pace = Pace { connections: self.options.connections, rate: None, time_max: DRIVE_MAX };
        let drive = Drive::new(server.address(), pace, &self.calls, queue);
        drive.keep_ledger(&self.work.join("ledger.txt"))?;
        Ok(drive)
    }
}
