//! What `doorstep holds` takes.

use clap::Subcommand;

use super::WishOptions;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum HoldsCommand {
    /// Put a user on hold, in place of a hold that stands
    Add {
        /// The user's id, as Prelude says it
        id: String,
        #[command(flatten)]
        wish: WishOptions,
    },
    /// End a user's hold
    End {
        /// The user's id, as Prelude says it
        id: String,
        /// Why; recorded, and shown to whoever asks: nothing personal
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Show every hold that stands
    Show,
}
