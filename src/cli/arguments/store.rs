//! What `doorstep store` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::config::StoreUrl;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum StoreCommand {
    /// Copy the whole record into a new file, as it stands at one moment, while calls go on
    Backup {
        /// The file; it must not be there yet
        file: PathBuf,
    },
    /// Copy the whole record from a SQLite file to an empty PostgreSQL database, and compare what arrived
    ///
    /// Nothing is recorded in the file meanwhile: stop the servers first. The password is that of `store.password`.
    Copy {
        /// The SQLite file, such as `sqlite:///var/lib/doorstep/doorstep.sqlite`
        #[arg(long, value_name = "URL")]
        from: StoreUrl,
        /// The database, such as `postgres://doorstep@db.internal/doorstep`
        #[arg(long, value_name = "URL")]
        to: StoreUrl,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct EraseOptions {
    /// The user's id, as Prelude says it
    #[arg(required_unless_present = "queued")]
    pub(in crate::cli) id: Option<String>,
    /// Everybody instead who waits for it since Prelude said that they are gone
    #[arg(long, conflicts_with = "id")]
    pub(in crate::cli) queued: bool,
}
