//! A provider calls: its event is verified, recorded once, and applied to the verification that it speaks of.

use super::App;
use crate::callbacks::{CallbackFault, Providers, Source};
use crate::domain::{
    Approver, Became, ProviderCall, ProviderOutcome, ProviderRight, StepKey, StepOutcome, VerificationId,
};
use crate::policy::Bundle;
use crate::store::{ProviderRecorded, StoreError};

/// Why an event was not taken. It was not recorded, and nothing followed from it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallbackError {
    /// No provider is configured under this name.
    #[error("no provider is configured under this name")]
    UnknownSource,
    /// It is not signed as it should be, or not to be read.
    #[error(transparent)]
    Call(#[from] CallbackFault),
    /// It could not be recorded.
    #[error("the event could not be recorded")]
    Store(#[from] StoreError),
    /// It was not recorded in time; it may still be, and then the next copy counts as a repeat.
    #[error("the event was not recorded in time")]
    TooLate,
}

/// What became of an event that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It was recorded now.
    Now,
    /// It was recorded before: whoever sends it now may be anybody who got hold of it.
    Before,
}

impl App {
    /// Whether a provider is configured under this name.
    ///
    /// # Errors
    /// [`CallbackError::UnknownSource`].
    pub(crate) fn callback_source(&self, name: &str) -> Result<&Source, CallbackError> {
        self.parts.providers.get(name).ok_or(CallbackError::UnknownSource)
    }

    /// Takes a provider's call. It comes back once the event is on disk with its effect, or was before.
    ///
    /// - `source`: as the path has it.
    /// - `headers`: names and values as they came.
    /// - `body`: the raw bytes, within the bound for bodies.
    ///
    /// # Errors
    /// [`CallbackError`]; a provider that is told so sends the event again.
    ///
    /// # Reference
    /// docs/decisions/0028.
    pub(crate) async fn take_callback(
        &self,
        source: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Taken, CallbackError> {
        let source = self.callback_source(source)?;
        let name = source.name();
        let now = self.now();
        let event = source
            .read(headers, body, now)
            .inspect_err(|fault| self.metrics().callback(name.as_str(), fault.code()))?;
        let outcome = event.outcome.clone();
        let rights = rights(source, &self.parts.policies.bundle());
        let call = ProviderCall { source: name.clone(), event, received_at: now, rights };
        let recording = self.parts.store.record_provider_event(call, self.later_now());
        let recorded = tokio::time::timeout(self.parts.settings.decide_deadline, recording).await;
        match recorded.map_err(|_| CallbackError::TooLate)?? {
            ProviderRecorded::Before => {
                self.metrics().callback(name.as_str(), "repeated");
                Ok(Taken::Before)
            }
            ProviderRecorded::Now { became, verification, changed } => {
                changed.into_iter().for_each(|id| self.waiters.wake(id));
                self.count(source, (became, &outcome));
                report(source, became, verification);
                Ok(Taken::Now)
            }
        }
    }

    /// Says in the log where policy and settings do not agree about providers.
    pub(crate) fn tell_unmatched_providers(&self) {
        let unmatched = unmatched_providers(&self.parts.policies.bundle(), &self.parts.providers);
        if !unmatched.is_empty() {
            let unmatched = unmatched.join("; ");
            tracing::warn!(
                unmatched,
                "Policy and settings do not agree about identity-check providers: those cannot finish those steps."
            );
        }
    }

    fn count(&self, source: &Source, (became, outcome): (Became, &ProviderOutcome)) {
        let word = if became == Became::Applied { outcome.as_str() } else { became.as_str() };
        self.metrics().callback(source.name().as_str(), word);
        let decided = match (became, outcome) {
            (Became::Applied, ProviderOutcome::Approved) => StepOutcome::Approved.state().as_str(),
            (Became::Applied, ProviderOutcome::Rejected(_)) => StepOutcome::Rejected.state().as_str(),
            (Became::Kept, _) => "approved_late",
            _ => return,
        };
        self.metrics().verification_decided(decided);
    }
}

/// The steps that the provider may finish: its settings say so, and the policy in force.
fn rights(source: &Source, bundle: &Bundle) -> Vec<ProviderRight> {
    let us = Approver::Provider(source.name().as_str().into());
    let right = |step: &StepKey| {
        let custom = bundle.step(step).filter(|custom| custom.approved_by.contains(&us))?;
        Some(ProviderRight { step: step.clone(), kept_for: custom.approval_valid_for })
    };
    source.steps().iter().filter_map(right).collect()
}

/// Has somebody look where provider, settings and policy do not go together. The line names nobody.
fn report(source: &Source, became: Became, verification: Option<VerificationId>) {
    if became.is_amiss() {
        let verification = verification.map(tracing::field::display);
        let (source, became) = (source.name().as_str(), became.as_str());
        tracing::warn!(source, became, verification, "A provider's event was recorded and decided nothing.");
    }
}

/// What policy and settings say of each other's providers that cannot come true, a line each.
///
/// It keeps nothing from coming into force: a step with another approver goes on, and the other half may follow.
pub(crate) fn unmatched_providers(bundle: &Bundle, providers: &Providers) -> Vec<String> {
    let mut lines = Vec::new();
    for key in bundle.custom_steps() {
        for approver in bundle.step(key).iter().flat_map(|step| &step.approved_by) {
            let Approver::Provider(name) = approver else { continue };
            match providers.get(name) {
                None => lines.push(format!("step {key}: {approver} is not configured ([callbacks.{name}])")),
                Some(source) if !source.steps().contains(key) => {
                    lines.push(format!("step {key}: callbacks.{name}.steps does not have it"));
                }
                Some(_) => {}
            }
        }
    }
    for source in providers.iter() {
        let us = Approver::Provider(source.name().as_str().into());
        for key in source.steps() {
            if !bundle.step(key).is_some_and(|step| step.approved_by.contains(&us)) {
                let name = source.name();
                lines.push(format!("callbacks.{name}.steps: the policy does not let {us} approve {key}"));
            }
        }
    }
    lines
}
