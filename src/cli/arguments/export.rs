//! What `doorstep decisions export` takes.

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(in crate::cli) struct ExportOptions {
    /// As what
    #[arg(long = "as", value_name = "FORM", value_enum, default_value_t = ExportForm::Jsonl)]
    pub(in crate::cli) form: ExportForm,
    /// Of this user only
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) user: Option<String>,
    /// For this scope only
    #[arg(long)]
    pub(in crate::cli) scope: Option<String>,
    /// With this verdict only: continue, review or block
    #[arg(long)]
    pub(in crate::cli) verdict: Option<String>,
    /// By this rule only
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) rule: Option<String>,
    /// From this moment on, such as 2026-11-01T00:00:00Z
    #[arg(long, value_name = "MOMENT")]
    pub(in crate::cli) from: Option<String>,
    /// Before this moment
    #[arg(long, value_name = "MOMENT")]
    pub(in crate::cli) to: Option<String>,
    /// Older than this decision
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) before: Option<String>,
}

/// How decisions leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ExportForm {
    /// One JSON object a line
    Jsonl,
    /// Comma-separated values with a line of names; cells that a spreadsheet would run begin with an apostrophe
    Csv,
}
