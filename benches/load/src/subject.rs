//! The programs that are measured, and how each is started.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fault::{Outcome, While as _};
use crate::floor::Mode;
use crate::key_sets::KeySetServer;
use crate::server::{Cores, Server};

/// A program that answers hook calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The floor, this very binary.
    Floor(Mode),
    /// Doorstep, with a bundle whose ten rules are the floor's.
    Doorstep {
        /// The binary.
        program: PathBuf,
        /// The bundle's directory.
        policies: PathBuf,
    },
    /// The same, exporting traces.
    Traced {
        /// The binary.
        program: PathBuf,
        /// The bundle's directory.
        policies: PathBuf,
        /// Of a hundred calls, how many are collected: 0, 1 or 100.
        percent: u8,
        /// Who collects them.
        collector: SocketAddr,
    },
    /// What a user would write instead, in `benches/compare`, on Node.js.
    ByHand {
        /// Where its files and packages are.
        directory: PathBuf,
        /// What carries it.
        framework: Framework,
        /// How its rows are committed.
        commit: Commit,
    },
}

/// A framework of Node.js.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framework {
    /// Fastify.
    Fastify,
    /// Express.
    Express,
}

/// How rows are committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commit {
    /// An `INSERT` a call.
    Each,
    /// All that wait in one transaction.
    Group,
}

/// What every start needs.
pub(crate) struct Stage<'a> {
    /// Which cores do what.
    pub(crate) cores: Cores,
    /// Where Prelude's key sets are.
    pub(crate) key_sets: KeySetServer,
    /// The signing key's public part.
    pub(crate) public_key: &'a Path,
    /// Doorstep's store, where it is not a file in its directory.
    pub(crate) store: Option<&'a str>,
    /// Doorstep's `server.shutdown_lead`, where it has one.
    pub(crate) lead: Option<&'a str>,
}

/// The encryption key of a store that has no directory to keep one in.
const ENCRYPTION_KEY: &str = "abababababababababababababababababababababababababababababababab";

impl Stage<'_> {
    /// Gives one of Doorstep's commands the settings of a measure. Nothing of the caller's own settings, proxies or log levels
    /// may reach what is measured.
    pub(crate) fn settings(&self, command: &mut Command, directory: &Path, policies: &Path) {
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", directory)
            .env("DOORSTEP__SERVER__WORKERS", "1")
            // Whether it is ready is asked every millisecond.
            .env("DOORSTEP__SERVER__OPEN_REQUESTS_PER_SECOND", "100000")
            .env("DOORSTEP__PRELUDE__APP_ID", "bench")
            .env("DOORSTEP__PRELUDE__KEY_SET_URL", self.key_sets.hook_url())
            .env("DOORSTEP__PRELUDE__STEP_UP_KEY_SET_URL", self.key_sets.step_up_url())
            .env("DOORSTEP__POLICIES__DIR", policies)
            .current_dir(directory);
        if let Some(lead) = self.lead {
            command.env("DOORSTEP__SERVER__SHUTDOWN_LEAD", lead);
        }
        match self.store {
            Some(url) => {
                command.env("DOORSTEP__STORE__URL", url).env("DOORSTEP__KEYS__ENCRYPTION_KEY", ENCRYPTION_KEY)
            }
            None => command
                .env("DOORSTEP__STORE__URL", format!("sqlite://{}", Subject::store(directory).display())),
        };
    }
}

impl Framework {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Fastify => "fastify",
            Self::Express => "express",
        }
    }
}

impl Commit {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Each => "each",
            Self::Group => "group",
        }
    }
}

const fn by_hand(framework: Framework, commit: Commit) -> &'static str {
    match (framework, commit) {
        (Framework::Fastify, Commit::Group) => "fastify-group",
        (Framework::Fastify, Commit::Each) => "fastify-each",
        (Framework::Express, Commit::Group) => "express-group",
        (Framework::Express, Commit::Each) => "express-each",
    }
}

impl Subject {
    /// What tables call it.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Floor(mode) => mode.as_str(),
            Self::Doorstep { .. } => "doorstep",
            Self::Traced { percent: 0, .. } => "doorstep-traced-0",
            Self::Traced { percent: 1, .. } => "doorstep-traced-1",
            Self::Traced { .. } => "doorstep-traced-100",
            Self::ByHand { framework, commit, .. } => by_hand(*framework, *commit),
        }
    }

    /// Whether it looks at signatures.
    pub(crate) fn verifies(&self) -> bool {
        *self != Self::Floor(Mode::Echo)
    }

    /// Whether it keeps a row of every answer, in the table `decisions` of its store.
    pub(crate) fn records(&self) -> bool {
        !matches!(self, Self::Floor(Mode::Echo | Mode::Verify))
    }

    /// The SQLite file that it keeps in `directory`.
    pub(crate) fn store(directory: &Path) -> PathBuf {
        directory.join("store.sqlite")
    }

    /// Starts it at `address` with its files in `directory`, which exists.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub(crate) fn start(&self, stage: &Stage<'_>, directory: &Path, address: SocketAddr) -> Outcome<Server> {
        let store = Self::store(directory);
        let command = match self {
            Self::Floor(mode) => {
                let this = std::env::current_exe().doing("finding this program")?;
                let mut command = stage.cores.command(&this);
                command.args(["floor", "--mode", mode.as_str(), "--bind", &address.to_string()]);
                command.arg("--public-key").arg(stage.public_key).arg("--store").arg(&store);
                command
            }
            Self::Doorstep { program, policies } => doorstep(stage, (program, policies), directory, address),
            Self::Traced { program, policies, percent, collector } => {
                let mut command = doorstep(stage, (program, policies), directory, address);
                command
                    .env("DOORSTEP__TRACING__ENDPOINT", format!("http://{collector}/v1/traces"))
                    .env("DOORSTEP__TRACING__SAMPLED_PERCENT", percent.to_string());
                command
            }
            Self::ByHand { directory: files, framework, commit } => {
                let mut command = stage.cores.command(Path::new("node"));
                command
                    .arg(files.join("serve.mjs"))
                    .env_clear()
                    .env("PATH", "/usr/local/bin:/usr/bin:/bin")
                    .env("HOME", directory)
                    .env("NODE_ENV", "production")
                    .env("FRAMEWORK", framework.as_str())
                    .env("COMMIT", commit.as_str())
                    .env("HOST", address.ip().to_string())
                    .env("PORT", address.port().to_string())
                    .env("STORE", &store)
                    .env("KEY_SET_URL", stage.key_sets.hook_url());
                command
            }
        };
        let mut command = command;
        command.current_dir(directory);
        Server::start(command, address, &directory.join("server.log"))
    }
}

fn doorstep(
    stage: &Stage<'_>,
    (program, policies): (&Path, &Path),
    directory: &Path,
    address: SocketAddr,
) -> Command {
    let mut command = stage.cores.command(program);
    command.args(["serve", "--dev"]);
    stage.settings(&mut command, directory, policies);
    command.env("DOORSTEP__SERVER__BIND", address.to_string());
    command
}
