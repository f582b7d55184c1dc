//! What every command takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::config::{LoadRequest, Override};

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Shared {
    /// A settings file over the built-in defaults (see config/default.toml)
    // A container's every command reads the file that its image names. The variable is none of an option's: they begin with `DOORSTEP__`.
    #[arg(long, global = true, value_name = "FILE", env = "DOORSTEP_CONFIG", hide_env_values = true)]
    pub(in crate::cli) config: Option<PathBuf>,
    /// Development mode: allows what production refuses, such as plain http on loopback
    #[arg(long, global = true)]
    pub(in crate::cli) dev: bool,
    /// The directory of policy files, instead of `policies.dir`
    #[arg(long, global = true, value_name = "DIR")]
    pub(in crate::cli) policies: Option<String>,
    /// The store, instead of `store.url`
    #[arg(long, global = true, value_name = "URL")]
    pub(in crate::cli) store: Option<String>,
    /// How data is printed
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    pub(in crate::cli) format: Format,
    #[arg(skip)]
    pub(in crate::cli) overrides: Vec<Override>,
}

/// How data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    /// For people
    Human,
    /// For programs
    Json,
}

impl Shared {
    /// Adds what a command's own flags say.
    pub(in crate::cli) fn with(mut self, overrides: Vec<Override>) -> Self {
        self.overrides.extend(overrides);
        self
    }

    /// The layers in their order: file, environment, flags.
    pub(in crate::cli) fn load_request<E: Iterator<Item = (String, String)>>(
        self,
        environment: E,
    ) -> LoadRequest<E> {
        let mut overrides = self.overrides;
        let flag = |key, text: String, flag| Override { key, text, flag };
        overrides.extend(self.dev.then(|| flag("mode", "development".to_owned(), "--dev")));
        overrides.extend(self.policies.map(|dir| flag("policies.dir", dir, "--policies")));
        overrides.extend(self.store.map(|url| flag("store.url", url, "--store")));
        LoadRequest { file: self.config, environment, overrides }
    }
}
