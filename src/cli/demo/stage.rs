//! What the demo plays on: Doorstep with a throw-away store and the shipped bundle, and the emulator beside it.

use std::path::Path;
use std::sync::Arc;

use secrecy::ExposeSecret as _;

use super::throw_away::ThrowAway;
use super::{DemoError, await_key_sets, setup};
use crate::app::{ApiKeyDraft, create_api_key};
use crate::boot::{self, Booted, Sources};
use crate::config::{LoadRequest, Override, Settings, load};
use crate::domain::{Approver, Role};
use crate::emulator::{Backend, Emulator, EmulatorSettings, Registration};
use crate::http::{self, Running};
use crate::policy;

/// The application id that the demo pretends to have.
const APP_ID: &str = "demo";

/// Doorstep, Prelude's side and the customer's backend, all running.
pub(super) struct Stage {
    pub(super) emulator: Emulator,
    pub(super) backend: Backend,
    pub(super) base_url: String,
    booted: Booted,
    running: Running,
    directory: ThrowAway,
}

impl Stage {
    /// Starts everything; needs no account, no configuration and no network.
    pub(super) async fn set() -> Result<Self, DemoError> {
        let sources = Sources::real();
        let clock = Arc::clone(&sources.clock);
        let now = Arc::new(move || clock.now().unix_seconds());
        let emulator =
            Emulator::start(EmulatorSettings::new(format!("{APP_ID}.session.prelude.dev"), now)).await?;
        let directory = ThrowAway::make(&sources)?;
        let settings = settings(&emulator, directory.path())?;
        let bundle =
            policy::load_files(policy::shipped(), sources.clock.now()).map_err(|faults| setup(&faults))?;
        let custom_steps = bundle.custom_steps().iter().map(ToString::to_string).collect();
        let booted = boot::start_with_bundle(&settings, sources.clone(), bundle)
            .await
            .map_err(|error| setup(&error))?;
        let running = http::serve(booted.app(), &settings.server).map_err(|error| setup(&error))?;
        let base_url = format!("http://{}", running.address());
        await_key_sets(&booted).await?;
        emulator.register(Registration {
            hook_url: format!("{base_url}/hooks/stepup"),
            jwks_url: format!("{base_url}/.well-known/jwks.json"),
            custom_steps,
        });
        let draft = ApiKeyDraft {
            name: "demo backend".to_owned(),
            roles: vec![Role::Opener, Role::Approver, Role::Minter],
            approves_as: Some(Approver::Backend),
            scopes: Vec::new(),
            steps: Vec::new(),
            expires_at: None,
        };
        let key = create_api_key(booted.app().store(), draft, sources.clock.now(), &*sources.random)
            .await
            .map_err(|error| setup(&error))?;
        let backend = Backend::new(base_url.clone(), key.key.expose_secret().to_owned())?;
        Ok(Self { emulator, backend, base_url, booted, running, directory })
    }

    /// Stops everything and removes the store.
    pub(super) async fn clear(self) -> Result<(), DemoError> {
        let drained = self.running.drain().await.map_err(|error| setup(&error));
        self.booted.close().await;
        self.emulator.stop().await;
        drained.and(self.directory.remove())
    }
}

/// The ordinary settings with what a demo needs on top: they go through the same checks as anybody's.
fn settings(emulator: &Emulator, directory: &Path) -> Result<Settings, DemoError> {
    let overrides = [
        ("mode", "development".to_owned()),
        ("server.bind", "127.0.0.1:0".to_owned()),
        ("server.workers", "1".to_owned()),
        ("prelude.app_id", APP_ID.to_owned()),
        ("prelude.key_set_url", emulator.app_key_set_url()),
        ("prelude.step_up_key_set_url", emulator.step_up_key_set_url()),
        ("store.url", format!("sqlite://{}", directory.join("doorstep.sqlite").display())),
    ];
    let overrides = overrides.into_iter().map(|(key, text)| Override { key, text, flag: "demo" }).collect();
    load(LoadRequest { file: None, environment: std::iter::empty(), overrides })
        .map_err(|faults| setup(&faults))
}
