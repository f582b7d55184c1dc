//! What `doorstep emulator` takes.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

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
    /// A page that may call, such as <https://app.example.com>; may be given again. Every page of this machine when left out
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
    /// Certificates, PEM, by which hook and key set are trusted over https; without any they are reached over plain http only
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) trust: Option<PathBuf>,
    /// Somebody who can log in from the start: ID=IDENTIFIER or ID=IDENTIFIER,IDENTIFIER, such as usr_1=+33612345678,user@example.com; may be
    /// given again. Whoever else logs in by a code becomes a user
    #[arg(long = "user", value_name = "USER")]
    pub(in crate::cli) users: Vec<String>,
    /// The one-time code that is always sent
    #[arg(long, value_name = "CODE", default_value = "123456")]
    pub(in crate::cli) code: String,
    /// The device's address that the hook is told; the caller's own when left out
    #[arg(long, value_name = "ADDRESS")]
    pub(in crate::cli) device_ip: Option<IpAddr>,
    /// How long an access token lives at most, in seconds; one with scopes ends with the first of them
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(i64).range(1..=86_400))]
    pub(in crate::cli) access_token_life: i64,
    /// The longest life of a verification token that is taken, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(i64).range(1..=86_400))]
    pub(in crate::cli) token_life_max: i64,
    /// How long the salt of hook signatures is
    #[arg(long, value_enum, default_value_t = SaltChoice::Digest)]
    pub(in crate::cli) salt: SaltChoice,
    /// Whether the signature header begins with rsassa-pss-sha256=
    #[arg(long, value_enum, default_value_t = PrefixChoice::Prefixed)]
    pub(in crate::cli) signature_header: PrefixChoice,
    /// Whether the signature's base64url ends in = characters
    #[arg(long, value_enum, default_value_t = PaddingChoice::Unpadded)]
    pub(in crate::cli) signature_padding: PaddingChoice,
    /// How the issuer stands in challenge tokens
    #[arg(long, value_enum, default_value_t = IssuerChoice::Host)]
    pub(in crate::cli) issuer: IssuerChoice,
    /// Whether challenge tokens repeat what the page sent
    #[arg(long, value_enum, default_value_t = MetadataChoice::Carried)]
    pub(in crate::cli) metadata_claim: MetadataChoice,
    /// What becomes of a step-up that the emulator cannot walk: passkey steps, and scopes in mode `managed`
    #[arg(long, value_enum, default_value_t = UnwalkableChoice::Refuse)]
    pub(in crate::cli) unwalkable: UnwalkableChoice,
    /// How scopes stand in access tokens
    #[arg(long, value_enum, default_value_t = ScopeChoice::Text)]
    pub(in crate::cli) scope_claim: ScopeChoice,
}

/// A salt's length.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum SaltChoice {
    /// As long as the digest: 32 bytes
    Digest,
    /// As long as the key allows
    Max,
}

/// How the signature header begins.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum PrefixChoice {
    /// As Prelude's webhook page shows it
    Prefixed,
    /// As Prelude's hook page shows it
    Bare,
}

/// How the signature header ends.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum PaddingChoice {
    /// With = characters
    Padded,
    /// Without
    Unpadded,
}

/// The issuer in challenge tokens.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum IssuerChoice {
    /// The bare host, as seen on Prelude's tokens
    Host,
    /// With https:// before it
    Url,
    /// Not at all
    Absent,
}

/// The metadata in challenge tokens.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum MetadataChoice {
    /// Where the page sent something
    Carried,
    /// Never
    Absent,
}

/// What the emulator cannot walk.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum UnwalkableChoice {
    /// A configuration with it is refused, and so is an answer of the hook
    Refuse,
    /// It is taken, as Prelude takes it, and refused where it would be walked
    Take,
}

/// The scopes in access tokens.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum ScopeChoice {
    /// `scope`, one text with spaces
    Text,
    /// `scopes`, a list
    List,
}
