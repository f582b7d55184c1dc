//! Two servers on one PostgreSQL behind Caddy, restarted in turn under a steady load: no call may fail.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use crate::calls::{Call, SigningKey, StepUpKey};
use crate::drive::{Drive, Pace, Tally};
use crate::fault::{Fault, Outcome, While as _};
use crate::key_sets::{KeySetServer, KeySets};
use crate::report::{keep_section, kernel, load_average, processor};
use crate::seed::Seed;
use crate::server::{Cores, Server, ask, free_address};
use crate::subject::{Stage, Subject};

/// For how long calls are there, for each restart. They are signed before.
const SECONDS_A_RESTART: u32 = 25;
/// How long Caddy may take until it answers.
const PROXY_READY_MAX: Duration = Duration::from_secs(20);
/// The pause between two looks whether it does.
const LOOK_PAUSE: Duration = Duration::from_millis(20);
/// The host of every call.
const HOST: &str = "doorstep.bench";

/// What the restarts are started with.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(crate) struct Options {
    /// Doorstep's binary.
    #[arg(long)]
    doorstep: PathBuf,
    /// Doorstep's policy bundle.
    #[arg(long, default_value = "benches/policies")]
    policies: PathBuf,
    /// The Caddyfile that is tried.
    #[arg(long, default_value = "ops/compose/Caddyfile")]
    caddyfile: PathBuf,
    /// An empty directory for logs.
    #[arg(long)]
    work: PathBuf,
    /// An empty PostgreSQL database that both servers write to.
    #[arg(long)]
    store: String,
    /// How often each server is restarted.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// How many calls a second.
    #[arg(long, default_value = "200")]
    rate: NonZeroU32,
    /// Over how many connections they come to the proxy.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// `server.shutdown_lead` of both servers.
    #[arg(long, default_value = "5s")]
    lead: String,
    /// Where the calls' content comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write what came of it to this file too.
    #[arg(long)]
    write: Option<PathBuf>,
    /// What was measured, for the head: a commit.
    #[arg(long, default_value = "an unnamed build")]
    about: String,
}

/// Two servers, and how each is started again.
struct Pair<'a> {
    options: &'a Options,
    subject: Subject,
    stage: Stage<'a>,
    work: &'a Path,
    addresses: [SocketAddr; 2],
}

/// Servers that run, by their numbers; whoever was started first is restarted first.
type Servers = VecDeque<(usize, Server)>;

/// Restarts and reports.
///
/// # Errors
/// When a call fails, a server or the proxy does not do its part, or the record has not every answered call once.
pub(crate) fn run(options: &Options) -> Outcome<()> {
    std::fs::create_dir_all(&options.work).doing("making the work directory")?;
    let work = std::fs::canonicalize(&options.work).doing("finding the work directory")?;
    let key = SigningKey::generate()?;
    let seconds = options.rounds.saturating_mul(2).saturating_mul(SECONDS_A_RESTART);
    let count = usize::try_from(options.rate.get().saturating_mul(seconds)).unwrap_or(usize::MAX);
    eprintln!("signing {count} calls");
    let calls: Rc<[Call]> = key.calls(count, Seed::new(options.seed))?.into();
    let sets = KeySets { hook: key.key_set(), step_up: StepUpKey::generate()?.key_set() };
    let subject = Subject::Doorstep {
        program: std::fs::canonicalize(&options.doorstep).doing("finding Doorstep's binary")?,
        policies: std::fs::canonicalize(&options.policies).doing("finding the bundle")?,
    };
    let cores = Cores::claim();
    crate::run_local(async {
        let key_sets = KeySetServer::start(free_address()?, sets).await?;
        let (store, lead) = (Some(options.store.as_str()), Some(options.lead.as_str()));
        let stage = Stage { cores, key_sets, public_key: Path::new("none"), store, lead };
        let addresses = [free_address()?, free_address()?];
        let pair = Pair { options, subject, stage, work: &work, addresses };
        let tally = pair.run(&calls).await?;
        let text = report(options, &tally);
        print!("{text}");
        options.write.as_ref().map_or(Ok(()), |file| keep_section(&text, file))
    })
}

impl Pair<'_> {
    async fn run(&self, calls: &Rc<[Call]>) -> Outcome<Tally> {
        let mut servers = Servers::new();
        for number in 0..self.addresses.len() {
            servers.push_back((number, self.start(number).await?));
        }
        let proxy = self.proxy().await?;
        let pace = Pace {
            connections: self.options.connections,
            rate: Some(self.options.rate),
            time_max: Duration::from_secs(u64::from(self.options.rounds) * 2 * u64::from(SECONDS_A_RESTART)),
        };
        let drive = Drive::new(proxy.address(), pace, calls, (0..calls.len()).collect());
        let restarts = self.restarts(servers, &drive);
        let load = drive.run();
        tokio::pin!(load, restarts);
        let (never_sent, servers) = tokio::select! {
            restarted = &mut restarts => restarted?,
            ended = &mut load => {
                ended.map_err(|fault| proxy.fault(&format!("a call failed: {fault}")))?;
                return Err(proxy.fault("the load ended before the restarts: connections were cut, or calls ran out"));
            }
        };
        let tally = load.await.map_err(|fault| proxy.fault(&format!("a call failed: {fault}")))?;
        if drive.cuts() > 0 {
            return Err(proxy.fault(&format!("{} connections were cut", drive.cuts())));
        }
        let sent = calls.len() - never_sent;
        self.compare(sent, &tally)?;
        for (_, server) in servers {
            server.stop().await?;
        }
        proxy.stop().await?;
        Ok(tally)
    }

    /// Restarts the servers in turn, each as often as wanted, then has nothing sent any more.
    ///
    /// - returns: how many calls were never sent, and the servers that run.
    async fn restarts(&self, mut servers: Servers, drive: &Drive) -> Outcome<(usize, Servers)> {
        for restart in 1..=self.options.rounds * 2 {
            self.a_second_of(drive).await;
            let Some((number, server)) = servers.pop_front() else { break };
            let began = Instant::now();
            server.stop().await?;
            let stopped = began.elapsed();
            servers.push_back((number, self.start(number).await?));
            let ready = began.elapsed();
            let answered = drive.count();
            eprintln!(
                "restart {restart}: server {number} left after {stopped:.1?}, ready after {ready:.1?}, {answered} answered"
            );
        }
        self.a_second_of(drive).await;
        // Without calls to take, the drive ends.
        Ok((drive.queue_left().len(), servers))
    }

    /// Waits until as many calls were answered as come in a second.
    async fn a_second_of(&self, drive: &Drive) {
        drive.answered(drive.count() + u64::from(self.options.rate.get())).await;
    }

    async fn start(&self, number: usize) -> Outcome<Server> {
        let directory = self.work.join(format!("server-{number}"));
        std::fs::create_dir_all(&directory).doing("making a server's directory")?;
        let address = self.addresses.get(number).copied().ok_or_else(|| Fault::new("no such server"))?;
        let mut server = self.subject.start(&self.stage, &directory, address)?;
        server.ready().await?;
        Ok(server)
    }

    /// Starts Caddy on loopback with the Caddyfile that is tried, and waits until it answers.
    async fn proxy(&self) -> Outcome<Server> {
        let address = free_address()?;
        let tried = std::fs::canonicalize(&self.options.caddyfile).doing("finding the Caddyfile")?;
        let file = self.work.join("Caddyfile");
        let text = format!(
            "{{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n}}\nimport {}\n",
            tried.display()
        );
        std::fs::write(&file, text).doing("writing the Caddyfile")?;
        let servers = self.addresses.map(|address| address.to_string()).join(" ");
        let mut command = self.stage.cores.command(Path::new("caddy"));
        command
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(&file)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.work)
            .env("DOORSTEP_SITE", format!("http://{HOST}:{}", address.port()))
            .env("DOORSTEP_SERVERS", servers);
        let proxy = Server::start(command, address, &self.work.join("caddy.log"))?;
        let began = Instant::now();
        while began.elapsed() < PROXY_READY_MAX {
            if ask(address).await.is_ok_and(|answer| answer.starts_with("HTTP/1.1 ")) {
                return Ok(proxy);
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
        Err(proxy.fault("Caddy does not answer"))
    }

    /// Every call that was sent was answered, and is in the record once.
    fn compare(&self, sent: usize, tally: &Tally) -> Outcome<()> {
        let sql = "SELECT count(*), count(DISTINCT user_id) FROM decisions";
        let arguments = ["--no-psqlrc", "--tuples-only", "--no-align", "--command", sql];
        let asked =
            Command::new("psql").args(arguments).arg(&self.options.store).output().doing("running psql")?;
        let counted = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
        let answered = tally.verdicts.all();
        if usize::try_from(answered) == Ok(sent) && counted == format!("{sent}|{sent}") {
            return Ok(());
        }
        Err(Fault::new(format!("{sent} calls were sent, {answered} answered, and the record has {counted}")))
    }
}

fn report(options: &Options, tally: &Tally) -> String {
    let mut text = String::from("# Restarts behind a proxy\n\n");
    // INVARIANT: writing into a String cannot fail.
    let _ = write!(
        text,
        "Measured: {}. Made by `benches/rolling.sh`.\n\n{}, {}; load average {}.\n\
         Two servers on one PostgreSQL behind Caddy with `ops/compose/Caddyfile`, `server.shutdown_lead` {}; {} calls a second over {} connections.\n\n\
         **Each server was restarted {} times in turn by SIGTERM: {} calls, 0 failed**, every one once in the record.\n\
         p50 {:.2} ms, p99 {:.2} ms, the slowest {:.0} ms.\n",
        options.about,
        processor(),
        kernel(),
        load_average(),
        options.lead,
        options.rate,
        options.connections,
        options.rounds,
        tally.verdicts.all(),
        millis(tally, 50),
        millis(tally, 99),
        millis(tally, 100),
    );
    text
}

fn millis(tally: &Tally, hundredths: usize) -> f64 {
    tally.percentile(hundredths).as_secs_f64() * 1e3
}
