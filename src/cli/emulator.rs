//! `doorstep emulator`: Prelude's side until it is told to stop.

use std::sync::Arc;

use serde_json::{Value, json};

use super::arguments::{
    EmulatorOptions, Format, IssuerChoice, MetadataChoice, PaddingChoice, PrefixChoice, SaltChoice,
    ScopeChoice, Shared, UnwalkableChoice,
};
use super::signals::Signals;
use super::{Exit, output};
use crate::boot::Sources;
use crate::emulator::{
    ChallengeStyle, EmulatorError, FrontSettings, Issuer, ManagementSettings, MetadataClaim, Origins,
    Padding, Prefix, Salt, ScopeClaim, SignatureStyle, Site, SiteSettings, Unwalkable, User,
};

/// Why the emulator did not start or ended badly.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error(transparent)]
    Emulator(#[from] EmulatorError),
    #[error("cannot write {path} (--ca-out)")]
    CaOut {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot read {path} (--trust)")]
    Trust {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error(transparent)]
    System(#[from] std::io::Error),
}

pub(super) async fn run(shared: &Shared, options: EmulatorOptions) -> Exit {
    match be_prelude(shared, options).await {
        Ok(()) => Exit::Fine,
        Err(error) => {
            output::complain(&output::with_causes(&error));
            error.exit()
        }
    }
}

impl CommandError {
    /// What was asked for, or what the machine would not do.
    const fn exit(&self) -> Exit {
        match self {
            Self::Emulator(EmulatorError::Configuration(_)) | Self::Trust { .. } => Exit::Usage,
            Self::Emulator(_) | Self::CaOut { .. } | Self::System(_) => Exit::Failed,
        }
    }
}

async fn be_prelude(shared: &Shared, options: EmulatorOptions) -> Result<(), CommandError> {
    let mut signals = Signals::listen()?;
    let site = Site::start(settings(&options, shared.dev)?).await?;
    if let Some(path) = &options.ca_out {
        let cannot = |source| CommandError::CaOut { path: path.display().to_string(), source };
        std::fs::write(path, site.ca_pem()).map_err(cannot)?;
    }
    tell(shared.format, &facts(&site, &options));
    signals.until_stop(|| ()).await;
    site.stop().await?;
    Ok(())
}

fn settings(options: &EmulatorOptions, dev: bool) -> Result<SiteSettings, CommandError> {
    let clock = Sources::real().clock;
    Ok(SiteSettings {
        port: options.port,
        names: options.names.clone(),
        origins: Origins::listed(&options.origins)?,
        front: front(options)?,
        management: ManagementSettings {
            app_id: options.app_id.clone(),
            key: options.management_key.clone(),
            plain_http: dev,
            unwalkable: match options.unwalkable {
                UnwalkableChoice::Refuse => Unwalkable::Refused,
                UnwalkableChoice::Take => Unwalkable::Taken,
            },
            scopes: options.scopes.clone(),
            step_up: step_up(options),
        },
        now: Arc::new(move || clock.now().unix_seconds()),
    })
}

fn front(options: &EmulatorOptions) -> Result<FrontSettings, CommandError> {
    let trusted = options.trust.as_ref().map(|path| {
        let cannot = |source| CommandError::Trust { path: path.display().to_string(), source };
        std::fs::read(path).map_err(cannot)
    });
    Ok(FrontSettings {
        code: options.code.clone(),
        users: options.users.iter().map(|text| User::parse(text)).collect::<Result<_, _>>()?,
        signature_style: signature_style(options),
        challenge_style: ChallengeStyle {
            issuer: match options.issuer {
                IssuerChoice::Host => Issuer::BareHost,
                IssuerChoice::Url => Issuer::Url,
                IssuerChoice::Absent => Issuer::Absent,
            },
            metadata: match options.metadata_claim {
                MetadataChoice::Carried => MetadataClaim::Carried,
                MetadataChoice::Absent => MetadataClaim::Absent,
            },
        },
        scope_claim: match options.scope_claim {
            ScopeChoice::Text => ScopeClaim::Text,
            ScopeChoice::List => ScopeClaim::List,
        },
        token_life_seconds_max: options.token_life_max,
        access_token_life_seconds: options.access_token_life,
        device_ip: options.device_ip,
        trusted_pem: trusted.transpose()?,
        ..FrontSettings::new(format!("{}.session.prelude.dev", options.app_id))
    })
}

const fn signature_style(options: &EmulatorOptions) -> SignatureStyle {
    SignatureStyle {
        salt: match options.salt {
            SaltChoice::Digest => Salt::Digest,
            SaltChoice::Max => Salt::Max,
        },
        prefix: match options.signature_header {
            PrefixChoice::Prefixed => Prefix::Prefixed,
            PrefixChoice::Bare => Prefix::Bare,
        },
        padding: match options.signature_padding {
            PaddingChoice::Padded => Padding::Padded,
            PaddingChoice::Unpadded => Padding::Unpadded,
        },
    }
}

/// The configuration that the flags ask for, in the newer shape.
fn step_up(options: &EmulatorOptions) -> Option<Value> {
    let hook_url = options.hook_url.as_ref()?;
    let delegated = |scope: &String| json!({ "scope": scope, "mode": "delegated", "delegated": { "delegation_hook": hook_url } });
    let step_key = |key: &String| json!({ "key": key, "description": "" });
    Some(json!({
        "jwks_url": options.jwks_url,
        "step_keys": options.steps.iter().map(step_key).collect::<Vec<_>>(),
        "allowed_scopes": options.scopes.iter().map(delegated).collect::<Vec<_>>(),
    }))
}

/// What others need to know, in the order in which it is told.
fn facts(site: &Site, options: &EmulatorOptions) -> Vec<(&'static str, String)> {
    let domain = format!("localhost:{}", site.address().port());
    let url = format!("https://{domain}");
    let mut facts = vec![
        ("url", url.clone()),
        ("domain", domain),
        ("app_id", options.app_id.clone()),
        ("code", options.code.clone()),
        ("management_key", site.management_key().to_owned()),
        ("key_set_url", format!("{url}/.well-known/jwks.json")),
        ("step_up_key_set_url", format!("{url}/.well-known/step-up-jwks.json")),
    ];
    facts.extend(options.ca_out.iter().map(|path| ("ca_file", path.display().to_string())));
    facts
}

fn tell(format: Format, facts: &[(&'static str, String)]) {
    match format {
        Format::Json => {
            let object: serde_json::Map<String, Value> =
                facts.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            output::say(&Value::Object(object).to_string());
        }
        Format::Human => facts.iter().for_each(|(name, value)| output::say(&format!("{name:<20} {value}"))),
    }
}
