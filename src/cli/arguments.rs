//! The command line, as it is read and as `--help` shows it.

mod emulator;
mod export;
mod holds;
mod keys;
mod prelude;
mod shared;
mod store;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

pub(super) use emulator::{
    EmulatorOptions, IssuerChoice, MetadataChoice, PaddingChoice, PrefixChoice, SaltChoice, ScopeChoice,
    UnwalkableChoice,
};
pub(super) use export::{ExportForm, ExportOptions};
pub(super) use holds::HoldsCommand;
pub(super) use keys::{KeysCommand, PublicForm};
pub(super) use prelude::{DoctorOptions, HowOptions, PlanOptions, PreludeCommand, Shape, WebhooksCommand};
pub(super) use shared::{Format, Shared};
pub(super) use store::{EraseOptions, StoreCommand};

use crate::config::Override;
use crate::policy::FileKind;

/// Doorstep: the customer's side of Prelude's step-up. Signed hook calls in, recorded verdicts out; finished steps in,
/// verification tokens out.
#[derive(Debug, Parser)]
#[command(name = "doorstep", version, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) shared: Shared,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Answer hook calls and mint tokens until told to stop
    Serve(ServeOptions),
    /// List every option: key, variable, type and default
    Config,
    /// Look at policy files
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Make, list and withdraw API keys
    #[command(subcommand)]
    ApiKey(ApiKeyCommand),
    /// List, rotate, withdraw, import and export the keys that sign tokens
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Change and show lists at the fraud desk: in force at the next call
    #[command(subcommand)]
    Lists(ListsCommand),
    /// Pause and resume scopes at the fraud desk: in force at the next call
    #[command(subcommand)]
    Scopes(ScopesCommand),
    /// Look at recorded decisions
    #[command(subcommand)]
    Decisions(DecisionsCommand),
    /// Configure Prelude's side from the bundle and the settings
    #[command(subcommand)]
    Prelude(PreludeCommand),
    /// Take care of the record
    #[command(subcommand)]
    Store(StoreCommand),
    /// Erase a user's personal values from the record: what they sent, from where, and what conditions saw of it
    ///
    /// Verdicts, their reasons and what limits count stay, under the user's id and keyed digests. It may be done again.
    EraseUser(EraseOptions),
    /// Delete what has had its time (`[retention]`), in small steps, beside running servers
    ///
    /// Servers on SQLite do so themselves every hour, and on PostgreSQL those that have `store.care_url`. It may be done as often as you
    /// like.
    Retain,
    /// Keep everything about a user, whatever `[retention]` says, until the hold is ended
    #[command(subcommand)]
    Holds(HoldsCommand),
    /// Bring the tables of the record up to date, making it where it is missing
    ///
    /// `doorstep serve` does so itself, unless `store.migrate = "never"` makes it the task of somebody who may. Two at once
    /// do it once.
    Migrate,
    /// Check configuration, store, policy, Prelude's key sets and the clock
    Doctor(DoctorOptions),
    /// Show the whole step-up on this machine, with Prelude's side played by an emulator
    Demo(DemoOptions),
    /// Be Prelude for development and tests: its SDK's API, its management API and its key sets on one https address
    ///
    /// Everything is in memory and gone at the end. It is strict: what Prelude's documentation leaves open it refuses, or has a
    /// switch for. `--dev` lets it call hook and key set over plain http on this machine.
    Emulator(EmulatorOptions),
    /// Print what completes these commands in a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, or write one for each command
    Man {
        /// Write `doorstep.1`, `doorstep-serve.1` and so on into this directory instead of printing
        #[arg(long, value_name = "DIR")]
        output: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(super) struct ServeOptions {
    /// The address to listen on, instead of `server.bind`
    #[arg(long, value_name = "ADDRESS")]
    bind: Option<SocketAddr>,
}

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Check policy files: every fault at once, with file, line and a way out
    Check {
        /// The directory; `policies.dir` when left out
        dir: Option<PathBuf>,
    },
    /// Run the tests of a bundle (tests/*.yaml): what differs, and what no test reached; what the fraud desk says is left
    /// aside
    Test {
        /// The directory; `policies.dir` when left out
        dir: Option<PathBuf>,
        /// Fail, with exit code 4, when the tests reach less of the bundle
        #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
        min_coverage: Option<u8>,
    },
    /// List which policy came into force when, newest first
    History(HistoryOptions),
    /// Say what a bundle decides about one request, and show each condition with what it saw; what the fraud desk says is
    /// left aside
    Explain(Box<ExplainOptions>),
    /// Print the JSON Schema of policy files, with which editors complete, explain and check them
    Schema(SchemaOptions),
    /// List what a bundle must know of the past, scope by scope
    Needs {
        /// The directory; `policies.dir` when left out
        dir: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(super) struct HistoryOptions {
    /// The most activations
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) limit: u32,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("subject").args(["request", "scope"]).required(true))]
pub(super) struct ExplainOptions {
    /// The directory; `policies.dir` when left out
    pub(super) dir: Option<PathBuf>,
    /// A file with the request, as tests have it, in YAML or JSON; `-` for stdin
    #[arg(long, value_name = "FILE")]
    pub(super) request: Option<PathBuf>,
    /// A file with what happened before, as `given` of tests has it, in YAML or JSON; nothing when left out
    #[arg(long, value_name = "FILE")]
    pub(super) given: Option<PathBuf>,
    #[command(flatten)]
    pub(super) flags: RequestFlags,
}

#[derive(Debug, Args)]
pub(super) struct SchemaOptions {
    /// The kind of files; one schema for all of them when left out
    #[arg(value_parser = PossibleValuesParser::new(FileKind::ALL.map(FileKind::name)))]
    pub(super) kind: Option<String>,
    /// Write `KIND.json` for each kind into this directory instead of printing
    #[arg(long, value_name = "DIR")]
    pub(super) output: Option<PathBuf>,
}

/// A request in flags; what is left out is as in tests.
#[derive(Debug, Default, Args)]
pub(super) struct RequestFlags {
    /// What is asked for
    #[arg(long)]
    pub(super) scope: Option<String>,
    /// Who asks
    #[arg(long, value_name = "USER_ID", conflicts_with = "request")]
    pub(super) user: Option<String>,
    /// WEB, ANDROID, IOS or UNKNOWN
    #[arg(long, conflicts_with = "request")]
    pub(super) platform: Option<String>,
    /// From which address
    #[arg(long, value_name = "ADDRESS", conflicts_with = "request")]
    pub(super) ip: Option<String>,
    /// The browser's or app's own words
    #[arg(long, value_name = "TEXT", conflicts_with = "request")]
    pub(super) user_agent: Option<String>,
    /// When, with an offset: 2026-09-21T14:13:20Z
    #[arg(long, value_name = "MOMENT", conflicts_with = "request")]
    pub(super) at: Option<String>,
    /// `phone_number`, `email_address` or `TYPE=VALUE`; repeatable
    #[arg(long = "identifier", value_name = "TYPE[=VALUE]", conflicts_with = "request")]
    pub(super) identifiers: Vec<String>,
    /// What the page sends; repeatable
    #[arg(long = "metadata", value_name = "NAME=VALUE", conflicts_with = "request")]
    pub(super) metadata: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum DecisionsCommand {
    /// Show why a decision is what it is, by the policy of its day
    Explain {
        /// The decision's id
        id: String,
    },
    /// Look through all decisions: whether one was changed, taken out or moved since it was recorded
    ///
    /// The first such decision is told, with exit code 1. Chains that were cut at their ends are found with a checkpoint only.
    Verify {
        /// A file with a checkpoint that the record must agree with
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
    },
    /// Look through all decisions, and print what they are, signed: to be kept where nobody of here can change it
    Checkpoint {
        /// A file with an earlier checkpoint: look only at what was recorded since
        #[arg(long, value_name = "FILE")]
        after: Option<PathBuf>,
    },
    /// Write decisions to standard output, newest first, in constant memory
    ///
    /// One that broke off goes on with `--before` and the id of the last decision that arrived.
    Export(ExportOptions),
}

#[derive(Debug, Subcommand)]
pub(super) enum ListsCommand {
    /// Put a value into a list, whatever its file says
    Add(EntryOptions),
    /// Take a value out of a list: the desk's own entry, or the file's of exactly this value
    Remove(EntryOptions),
    /// Show every list, or one with what the desk said about it
    Show {
        /// The list
        name: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(super) struct EntryOptions {
    /// The list
    pub(super) name: String,
    /// The value as a line of the list's file has it, without an end: `usr_1`, `198.51.100.0/24`,
    /// `198.51.100.0/24,hosting`
    pub(super) value: String,
    #[command(flatten)]
    pub(super) wish: WishOptions,
}

/// How long something should hold, and why.
#[derive(Debug, Args)]
pub(super) struct WishOptions {
    /// Until when: a moment with its offset, 2026-12-31T18:00:00Z, or the last day, 2026-12-31 (UTC)
    #[arg(long, value_name = "WHEN")]
    pub(super) until: Option<String>,
    /// Why; recorded, and shown to whoever asks: nothing personal
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
}

#[derive(Debug, Subcommand)]
pub(super) enum ScopesCommand {
    /// Grant nothing for a scope
    Pause {
        /// The scope
        scope: String,
        #[command(flatten)]
        wish: WishOptions,
    },
    /// Let a paused scope go on
    Resume {
        /// The scope
        scope: String,
        /// Why; recorded, and shown to whoever asks: nothing personal
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Show every scope, and which are paused
    Show,
}

#[derive(Debug, Subcommand)]
pub(super) enum ApiKeyCommand {
    /// Make a key; it is shown once, alone on stdout
    Create(CreateOptions),
    /// List keys, without their secrets
    List,
    /// Withdraw a key
    Revoke {
        /// The key's id, as `list` shows it
        id: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct CreateOptions {
    /// What people call the key
    #[arg(long)]
    pub(super) name: String,
    /// What it may do; repeatable
    #[arg(long = "role", value_name = "ROLE", required = true, value_parser = ["opener", "approver", "minter", "voucher", "executor", "facts", "reader", "evaluator", "desk", "admin"])]
    pub(super) roles: Vec<String>,
    /// As what an approver approves
    #[arg(long, value_name = "WHO", value_parser = ["backend", "person"])]
    pub(super) approves_as: Option<String>,
    /// Limit the key to this scope; repeatable
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(super) scopes: Vec<String>,
    /// Limit the key to this step; repeatable
    #[arg(long = "step", value_name = "STEP")]
    pub(super) steps: Vec<String>,
    /// End the key after this many days
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub(super) days: Option<u32>,
}

#[derive(Debug, Args)]
pub(super) struct DemoOptions {
    /// In a browser, with Prelude's own SDK: prints an address to open, and goes on until it is told to stop
    ///
    /// Needs Node.js 20.19 or newer and npm, which build the page once, in the cache folder. `--policies` takes a policy of
    /// yours; without it one is written into a folder of its own, to be changed while the demo runs.
    #[arg(long)]
    pub(super) web: bool,
}

impl ServeOptions {
    pub(super) fn overrides(&self) -> Vec<Override> {
        let bind =
            self.bind.map(|bind| Override { key: "server.bind", text: bind.to_string(), flag: "--bind" });
        bind.into_iter().collect()
    }
}
