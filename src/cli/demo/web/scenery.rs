//! What the page stands before: Prelude's side and Doorstep, in this process, with a throw-away store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::super::throw_away::ThrowAway;
use super::super::{DemoError, await_key_sets, setup};
use super::{files, page};
use crate::app::{ApiKeyDraft, create_api_key};
use crate::boot::{self, Booted, Sources};
use crate::config::{LoadRequest, Override, Settings, load};
use crate::domain::{Approver, Role};
use crate::emulator::{FrontSettings, ManagementSettings, Origins, Site, SiteSettings, Unwalkable};
use crate::http::{self, Running};
use crate::policy::{Bundle, load_dir};

/// The application id that the demo pretends to have.
const APP_ID: &str = "demo";

/// Prelude's side and Doorstep, running and knowing each other.
pub(super) struct Scenery {
    site: Site,
    booted: Booted,
    running: Running,
    directory: ThrowAway,
    /// The directory of policy files in force.
    pub(super) policies: PathBuf,
    /// Whether that is the demo's own policy.
    pub(super) has_own_policy: bool,
    pub(super) doorstep_url: String,
    /// The code that every SMS has.
    pub(super) code: String,
    /// What the customer's backend presents to Doorstep.
    pub(super) backend_key: String,
    /// What the officer presents, who decides about identity checks.
    pub(super) officer_key: String,
}

impl Scenery {
    /// Starts everything.
    ///
    /// - `policies`: a directory of policy files; the demo's own, in a directory that can be edited, without one.
    ///
    /// # Errors
    /// [`DemoError`].
    pub(super) async fn set(policies: Option<&str>) -> Result<Self, DemoError> {
        let sources = Sources::real();
        let directory = ThrowAway::make(&sources)?;
        let has_own_policy = policies.is_none();
        let policies = policies.map_or_else(|| directory.path().join("policies"), PathBuf::from);
        if has_own_policy {
            page::write(&policies, files::POLICIES)?;
        }
        let bundle = load_dir(&policies, sources.clock.now()).map_err(|faults| setup(&faults))?;
        let front = FrontSettings::new(issuer());
        let code = front.code.clone();
        let site = Site::start(site_settings(&sources, front)).await?;
        write_certificates(&site, directory.path())?;
        let settings = settings(&site, directory.path(), &policies)?;
        let booted =
            boot::start_with_files(&settings, sources.clone()).await.map_err(|error| setup(&error))?;
        let running = http::serve(booted.app(), &settings.server).map_err(|error| setup(&error))?;
        let doorstep_url = format!("http://{}", running.address());
        await_key_sets(&booted).await?;
        site.configure(&scopes(&bundle), &step_up(&bundle, &doorstep_url))?;
        let backend =
            draft("demo backend", &[Role::Opener, Role::Minter, Role::Executor, Role::Reader], None);
        let backend_key = key(&booted, &sources, backend).await?;
        let officer = draft("demo officer", &[Role::Approver], Some(Approver::Person));
        let officer_key = key(&booted, &sources, officer).await?;
        Ok(Self {
            site,
            booted,
            running,
            directory,
            policies,
            has_own_policy,
            doorstep_url,
            code,
            backend_key,
            officer_key,
        })
    }

    /// Where Prelude's SDK finds its API, such as `localhost:41233`.
    pub(super) fn session_domain(&self) -> String {
        domain(&self.site)
    }

    /// The certificate authority to trust.
    pub(super) fn ca_file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// The certificate for servers on this machine.
    pub(super) fn certificate_file(&self) -> PathBuf {
        self.directory.path().join("localhost.pem")
    }

    /// Its private key.
    pub(super) fn key_file(&self) -> PathBuf {
        self.directory.path().join("localhost-key.pem")
    }

    /// Stops everything and removes what was written.
    ///
    /// # Errors
    /// The first that did not end as it should; all are tried.
    pub(super) async fn clear(self) -> Result<(), DemoError> {
        let drained = self.running.drain().await.map_err(|error| setup(&error));
        self.booted.close().await;
        let stopped = self.site.stop().await.map_err(DemoError::from);
        drained.and(stopped).and(self.directory.remove())
    }
}

/// Who issues tokens.
pub(super) fn issuer() -> String {
    format!("{APP_ID}.session.prelude.dev")
}

fn site_settings(sources: &Sources, front: FrontSettings) -> SiteSettings {
    let clock = Arc::clone(&sources.clock);
    SiteSettings {
        port: 0,
        names: Vec::new(),
        origins: Origins::Loopback,
        front,
        management: ManagementSettings {
            app_id: APP_ID.to_owned(),
            key: None,
            plain_http: true,
            unwalkable: Unwalkable::Refused,
            scopes: Vec::new(),
            step_up: None,
        },
        now: Arc::new(move || clock.now().unix_seconds()),
    }
}

fn domain(site: &Site) -> String {
    format!("localhost:{}", site.address().port())
}

fn write_certificates(site: &Site, directory: &Path) -> Result<(), DemoError> {
    let local = site.local_certificate();
    page::write(
        directory,
        &[
            ("ca.pem", site.ca_pem()),
            ("localhost.pem", &local.certificate_pem),
            ("localhost-key.pem", &local.key_pem),
        ],
    )
}

/// The ordinary settings with what a demo needs on top: they go through the same checks as anybody's.
fn settings(site: &Site, directory: &Path, policies: &Path) -> Result<Settings, DemoError> {
    let key_sets = format!("https://{}/.well-known", domain(site));
    let overrides = [
        ("mode", "development".to_owned()),
        ("server.bind", "127.0.0.1:0".to_owned()),
        ("server.workers", "1".to_owned()),
        ("prelude.app_id", APP_ID.to_owned()),
        ("prelude.key_set_url", format!("{key_sets}/jwks.json")),
        ("prelude.step_up_key_set_url", format!("{key_sets}/step-up-jwks.json")),
        ("prelude.ca_file", directory.join("ca.pem").display().to_string()),
        ("policies.dir", policies.display().to_string()),
        ("store.url", format!("sqlite://{}", directory.join("doorstep.sqlite").display())),
    ];
    let overrides = overrides.into_iter().map(|(key, text)| Override { key, text, flag: "demo" }).collect();
    load(LoadRequest { file: None, environment: std::iter::empty(), overrides })
        .map_err(|faults| setup(&faults))
}

fn scopes(bundle: &Bundle) -> Vec<String> {
    bundle.scopes().into_iter().map(ToString::to_string).collect()
}

/// What a customer registers with Prelude for this policy (docs/CONTRACT.md C8).
fn step_up(bundle: &Bundle, doorstep_url: &str) -> Value {
    let hook_url = format!("{doorstep_url}/hooks/stepup");
    let delegated = |scope: String| json!({ "scope": scope, "mode": "delegated", "delegated": { "delegation_hook": hook_url } });
    let step_keys =
        bundle.custom_steps().into_iter().map(|key| json!({ "key": key.to_string(), "description": "" }));
    json!({
        "jwks_url": format!("{doorstep_url}/.well-known/jwks.json"),
        "step_keys": step_keys.collect::<Vec<_>>(),
        "allowed_scopes": scopes(bundle).into_iter().map(delegated).collect::<Vec<_>>(),
    })
}

fn draft(name: &str, roles: &[Role], approves_as: Option<Approver>) -> ApiKeyDraft {
    ApiKeyDraft {
        name: name.to_owned(),
        roles: roles.to_vec(),
        approves_as,
        scopes: Vec::new(),
        steps: Vec::new(),
        expires_at: None,
    }
}

async fn key(booted: &Booted, sources: &Sources, draft: ApiKeyDraft) -> Result<String, DemoError> {
    let made = create_api_key(booted.app().store(), draft, sources.clock.now(), &*sources.random).await;
    Ok(made.map_err(|error| setup(&error))?.key.expose_secret().to_owned())
}
