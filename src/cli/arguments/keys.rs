//! What `doorstep keys` takes.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum KeysCommand {
    /// List signing keys, newest first, with their states, and what was done to them last
    List {
        /// The most actions
        #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=1000))]
        actions: u32,
    },
    /// Make the next key now: it stands in the key set at once and signs after the usual lead
    Rotate,
    /// Withdraw a key at once and for ever; if it signs, the next one does from now on
    Revoke {
        /// The key's id, as `list` shows it; it may begin with a hyphen
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
    /// Take a key of your own in: it stands in the key set at once and signs after the usual lead
    Import {
        /// A PEM file, PKCS#1 or PKCS#8, not encrypted, of 2048, 3072 or 4096 bits; `-` for stdin
        file: PathBuf,
    },
    /// Print public keys
    #[command(group = clap::ArgGroup::new("which").args(["kid", "all"]).required(true))]
    ExportPublic {
        /// The key's id, as `list` shows it; it may begin with a hyphen
        #[arg(allow_hyphen_values = true)]
        kid: Option<String>,
        /// Every key that stands in the key set
        #[arg(long)]
        all: bool,
        /// As what
        #[arg(long = "as", value_name = "FORM", value_enum, default_value_t = PublicForm::Jwks)]
        form: PublicForm,
    },
    /// Seal every secret anew under `keys.encryption_key`, beside running servers that have the previous one too
    Reseal,
}

/// How public keys are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum PublicForm {
    /// A JWK set
    Jwks,
    /// PEM texts, one after the other
    Pem,
}
