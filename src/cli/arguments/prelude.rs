//! What `doorstep prelude` and `doorstep doctor` take.

use clap::{Args, Subcommand, ValueEnum};

/// What is done about Prelude's side.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum PreludeCommand {
    /// Show what Prelude holds: scopes, step-up configuration, webhooks
    Show,
    /// Compare what Prelude holds with the bundle and the settings; exit code 5 where they differ
    Plan(PlanOptions),
    /// Bring Prelude's side into agreement, after showing what changes and asking
    ///
    /// Ours are the delegated scopes whose hook lies under `prelude.public_url`; everything else stays as it is.
    Apply {
        #[command(flatten)]
        plan: PlanOptions,
        #[command(flatten)]
        how: HowOptions,
    },
    /// The webhook by which Prelude tells what happens
    #[command(subcommand)]
    Webhooks(WebhooksCommand),
}

/// What is done about the webhook.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum WebhooksCommand {
    /// Compare the webhook that Prelude has with the one that it should have; exit code 5 where they differ
    Plan,
    /// Register the webhook and activate it, after showing what changes and asking
    ///
    /// The server must be reachable with `prelude.events = "on"` and the same verification token: Prelude asks it.
    Apply {
        #[command(flatten)]
        how: HowOptions,
    },
}

/// What is wanted.
#[derive(Debug, Args)]
pub(in crate::cli) struct PlanOptions {
    /// Take away step keys that the bundle does not have; challenges that stand before them cannot go on
    #[arg(long)]
    pub(in crate::cli) prune_steps: bool,
    /// Put our key set's address where somebody else's stands
    #[arg(long)]
    pub(in crate::cli) replace_jwks_url: bool,
    /// How scopes are delegated, instead of `prelude.config_shape`
    #[arg(long, value_enum)]
    pub(in crate::cli) shape: Option<Shape>,
    /// A running server that must have the same bundle: its base address. Left out, the one at `server.bind` is asked, if one runs there
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) server: Option<String>,
}

/// How it is done.
#[derive(Debug, Args)]
pub(in crate::cli) struct HowOptions {
    /// Do not ask
    #[arg(long)]
    pub(in crate::cli) yes: bool,
    /// Send nothing; print the requests as curl, with the key as a variable
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
}

/// How scopes are delegated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Shape {
    /// An entry a scope: the newer one
    PerScope,
    /// One hook for all scopes: the older one
    OneHook,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DoctorOptions {
    /// Only ask the server at `server.bind` whether it is alive, for container health checks
    #[arg(long)]
    pub(in crate::cli) live: bool,
    /// Look at Prelude's configuration and at our own addresses besides, as Prelude would find them
    #[arg(long, conflicts_with = "live")]
    pub(in crate::cli) prelude: bool,
}
