//! What `doorstep emulator` takes.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(in crate::cli) struct EmulatorOptions {
    /// The port on this machine's loopback interface; 0 for a free one
    #[arg(long, default_value_t = 8443)]
    pub(in crate::cli) port: u16,
    /// Where to write the certificate that the others must trust: `prelude.ca_file`, `NODE_EXTRA_CA_CERTS`
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) ca_out: Option<PathBuf>,
    /// A name that the certificate is good for, beside localhost, 127.0.0.1 and ::1; may be given again
    #[arg(long = "name", value_name = "HOST")]
    pub(in crate::cli) names: Vec<String>,
    /// A page that may call, such as https://app.example.com; may be given again. Every page of this machine when left out
    #[arg(long = "origin", value_name = "ORIGIN")]
    pub(in crate::cli) origins: Vec<String>,
    /// The application's id
    #[arg(long, value_name = "ID", default_value = "emulator")]
    pub(in crate::cli) app_id: String,
    /// The key for the management API; a fresh one, which is printed, when left out
    #[arg(long, value_name = "KEY")]
    pub(in crate::cli) management_key: Option<String>,
    /// A scope that exists from the start, and is delegated to the hook where there is one; may be given again
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(in crate::cli) scopes: Vec<String>,
    /// A custom step that is registered from the start; may be given again
    #[arg(long = "step", value_name = "KEY", requires = "hook_url")]
    pub(in crate::cli) steps: Vec<String>,
    /// The hook that decides about the scopes. Without it nothing is allowed until the management API is told
    #[arg(long, value_name = "URL", requires = "jwks_url")]
    pub(in crate::cli) hook_url: Option<String>,
    /// The key set that verification tokens verify with
    #[arg(long, value_name = "URL", requires = "hook_url")]
    pub(in crate::cli) jwks_url: Option<String>,
}
