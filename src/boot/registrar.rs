//! What a command needs that works on Prelude's side: no store, no listener, no keys of ours.

use tracing::Instrument as _;

use super::{BootError, SPANS_AWAITED, read_ca};
use crate::app::{DelegationShape, Registrar, RegistrationChoices};
use crate::config::{ConfigShape, Settings};
use crate::metrics::Metrics;
use crate::policy::Bundle;
use crate::prelude::{Management, ManagementFault};
use crate::{spans, telemetry};

/// Why nobody can work on Prelude's side. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoRegistrar {
    /// Nobody said how Prelude reaches us.
    #[error("prelude.public_url is not set: it is how Prelude reaches this installation")]
    NoPublicUrl,
    /// There is no key.
    #[error("there is no management key: set prelude.management_key in the environment, or name a file")]
    NoKey,
    /// The file of certificates cannot be read.
    #[error(transparent)]
    Certificates(#[from] BootError),
    /// Calls cannot be prepared.
    #[error(transparent)]
    Management(#[from] ManagementFault),
}

/// Has a command's spans exported, where somebody collects them, until it has ended.
///
/// # Errors
/// [`BootError::Tracing`]; the work was not begun.
pub(crate) async fn traced<T>(settings: &Settings, work: impl Future<Output = T>) -> Result<T, BootError> {
    let Some(tracing) = &settings.tracing else { return Ok(work.await) };
    telemetry::install_spans(tracing, &Metrics::new().span_counts())?;
    let done = work.instrument(spans::command()).await;
    telemetry::finish(SPANS_AWAITED).await;
    Ok(done)
}

/// How the settings have scopes delegated.
pub(crate) const fn delegation_shape(settings: &Settings) -> DelegationShape {
    match settings.prelude.config_shape {
        ConfigShape::PerScope => DelegationShape::PerScope,
        ConfigShape::OneHook => DelegationShape::OneHook,
    }
}

/// Prepares to look at Prelude's side and to change it; nothing is sent yet.
///
/// # Errors
/// [`NoRegistrar`].
pub(crate) fn open_registrar(
    settings: &Settings,
    bundle: &Bundle,
    choices: RegistrationChoices,
) -> Result<Registrar, NoRegistrar> {
    let prelude = &settings.prelude;
    let public_url = prelude.public_url.as_ref().ok_or(NoRegistrar::NoPublicUrl)?;
    let key = prelude.management_key.as_ref().ok_or(NoRegistrar::NoKey)?;
    let ca_pem = prelude.ca_file.as_deref().map(read_ca).transpose()?;
    let place = (prelude.management_url.as_str(), prelude.app_id.as_str());
    let management = Management::new(place, key.secret(), ca_pem.as_deref())?;
    Ok(Registrar::new(management, (public_url.as_str(), bundle), choices, ca_pem))
}
