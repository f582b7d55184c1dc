//! Prelude's side, configured from the bundle: what differs, what is sent for it, and whether it was taken.

use std::fmt::Write as _;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::domain::StepKey;
use crate::policy::Bundle;
use crate::prelude::{
    ConfigShape, Held, LookFault, Management, ManagementCall, ManagementFault, OldSteps, OtherKeySet, Plan,
    PlanLine, PlanObstacle, Wanted, WebhookPlan, look, plan, plan_webhook,
};

/// Which variable a shown call takes the management key from.
const KEY_VARIABLE: &str = "DOORSTEP__PRELUDE__MANAGEMENT_KEY";

/// What an operator may choose about a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RegistrationChoices {
    /// In which shape scopes are delegated.
    pub(crate) shape: DelegationShape,
    /// Whether step keys that the bundle does not have go.
    pub(crate) prune_steps: bool,
    /// Whether a key set's address that is somebody else's makes way.
    pub(crate) replace_jwks_url: bool,
}

/// In which shape scopes are delegated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DelegationShape {
    /// An entry a scope: the newer one.
    PerScope,
    /// One hook for all: the older one.
    OneHook,
}

/// Why Prelude's side was not looked at, planned or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegistrationError {
    /// Prelude did not answer, or said no.
    #[error(transparent)]
    Management(#[from] ManagementFault),
    /// It would take something from somebody else.
    #[error(transparent)]
    Obstacle(#[from] PlanObstacle),
    /// Somebody changed the configuration since it was planned. Nothing of it was changed.
    #[error("somebody changed the configuration since it was looked at: plan again")]
    ChangedMeanwhile,
    /// Prelude said yes and holds something else.
    #[error("Prelude took it and still holds something else: {0}")]
    NotTaken(String),
    /// The server could not be asked.
    #[error("the running server cannot be asked for its bundle")]
    Server(#[from] LookFault),
    /// The server does not say which bundle is in force.
    #[error("the running server does not say which bundle is in force")]
    NoBundle,
    /// Another bundle is in force.
    #[error("the running server has the bundle {there}, these files are {here}")]
    OtherBundle {
        /// What the server says.
        there: String,
        /// What the files are.
        here: String,
    },
}

/// Who brings Prelude's side into agreement with ours.
pub(crate) struct Registrar {
    management: Management,
    wanted: Wanted,
    bundle: String,
    ca_pem: Option<Vec<u8>>,
}

impl Registrar {
    /// Takes Prelude's address and ours.
    ///
    /// - `base_url`: how Prelude reaches us.
    pub(crate) fn new(
        management: Management,
        (base_url, bundle): (&str, &Bundle),
        choices: RegistrationChoices,
        ca_pem: Option<Vec<u8>>,
    ) -> Self {
        let hash = bundle.hash().to_string();
        Self { management, wanted: wanted(bundle, base_url, choices), bundle: hash, ca_pem }
    }

    /// All that Prelude holds of the application's step-up, scopes and webhooks, as JSON.
    ///
    /// # Errors
    /// [`RegistrationError::Management`].
    pub(crate) async fn show(&self) -> Result<Value, RegistrationError> {
        let held = self.management.held().await?;
        let webhooks = self.management.get("webhooks").await?;
        let webhooks = webhooks.and_then(|webhooks| webhooks.get("webhooks").cloned());
        Ok(json!({ "scopes": held.scopes, "stepup": held.config, "webhooks": webhooks }))
    }

    /// What differs between what Prelude holds and what it should.
    ///
    /// # Errors
    /// [`RegistrationError`].
    pub(crate) async fn plan(&self) -> Result<Registration, RegistrationError> {
        let held = self.management.held().await?;
        let plan = plan(&held, &self.wanted)?;
        let calls = self.management.calls(&plan);
        let told = Told::new(&plan.lines, plan.notes.clone(), &calls);
        Ok(Registration { told, sent: Sent::Config { plan, held } })
    }

    /// The same for the webhook by which Prelude tells what happens.
    ///
    /// # Errors
    /// [`RegistrationError::Management`].
    pub(crate) async fn plan_webhook(&self) -> Result<Registration, RegistrationError> {
        let plan = plan_webhook(&self.management.webhooks().await?, &self.wanted.base_url);
        let calls = self.management.webhook_calls(&plan, &self.wanted.base_url);
        let told = Told::new(&plan.lines, Vec::new(), &calls);
        Ok(Registration { told, sent: Sent::Webhook(plan) })
    }

    /// Sends what a plan says, and looks whether Prelude holds it then.
    ///
    /// - `verification_token`: for a webhook that is made.
    ///
    /// # Errors
    /// [`RegistrationError`]; what was sent before stays, and planning again goes on from there.
    pub(crate) async fn apply(
        &self,
        registration: &Registration,
        verification_token: Option<&SecretString>,
    ) -> Result<(), RegistrationError> {
        let left = match &registration.sent {
            Sent::Config { plan, held } => {
                if !self.management.carry_out(plan, held).await? {
                    return Err(RegistrationError::ChangedMeanwhile);
                }
                self.plan().await?
            }
            Sent::Webhook(plan) => {
                let token = match verification_token {
                    Some(token) => token.expose_secret(),
                    None => "",
                };
                self.management.carry_out_webhook(plan, (&self.wanted.base_url, token)).await?;
                self.plan_webhook().await?
            }
        };
        if left.is_empty() { Ok(()) } else { Err(RegistrationError::NotTaken(left.told.lines.join("; "))) }
    }

    /// Makes sure that a running server has the bundle that is registered.
    ///
    /// - `url`: the server's base address.
    ///
    /// # Errors
    /// [`RegistrationError::OtherBundle`] and those of asking.
    pub(crate) async fn compare_with(&self, url: &str) -> Result<(), RegistrationError> {
        let seen = look(&format!("{}/readyz", url.trim_end_matches('/')), self.ca_pem.as_deref()).await?;
        let there = seen.bundle().ok_or(RegistrationError::NoBundle)?;
        if there == self.bundle {
            return Ok(());
        }
        let (there, here) = (there.to_owned(), self.bundle.clone());
        Err(RegistrationError::OtherBundle { there, here })
    }

    /// The calls of a registration as lines of shell; the key comes from its variable.
    pub(crate) fn curl(&self, registration: &Registration) -> String {
        let lines = registration.told.calls.iter().map(|call| curl(self.management.base_url(), call));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// What differs, and what is sent for it.
pub(crate) struct Registration {
    told: Told,
    sent: Sent,
}

enum Sent {
    Config { plan: Plan, held: Held },
    Webhook(WebhookPlan),
}

struct Told {
    lines: Vec<String>,
    notes: Vec<String>,
    changes: Vec<Value>,
    calls: Vec<ManagementCall>,
}

impl Told {
    fn new(lines: &[PlanLine], notes: Vec<String>, calls: &[ManagementCall]) -> Self {
        let line = |line: &PlanLine| format!("{} {} {}", line.sign.as_str(), line.part, line.words);
        let change =
            |line: &PlanLine| json!({ "sign": line.sign.as_str(), "part": line.part, "what": line.words });
        Self {
            lines: lines.iter().map(line).collect(),
            notes,
            changes: lines.iter().map(change).collect(),
            calls: calls.to_vec(),
        }
    }
}

impl Registration {
    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.told.lines.is_empty()
    }

    /// A line a difference.
    pub(crate) fn lines(&self) -> &[String] {
        &self.told.lines
    }

    /// What stays although somebody may expect otherwise.
    pub(crate) fn notes(&self) -> &[String] {
        &self.told.notes
    }

    /// For programs.
    pub(crate) fn to_json(&self) -> Value {
        json!({ "changes": self.told.changes, "notes": self.told.notes })
    }

    /// Whether a webhook is made for it, which takes the verification token.
    pub(crate) fn makes_webhook(&self) -> bool {
        matches!(&self.sent, Sent::Webhook(plan) if plan.id.is_none())
    }
}

/// What ought to be there for a bundle.
fn wanted(bundle: &Bundle, base_url: &str, choices: RegistrationChoices) -> Wanted {
    let described = |key: &StepKey| {
        let description = bundle.step(key).map(|step| step.description.to_string());
        (key.as_str().to_owned(), description.unwrap_or_default())
    };
    Wanted {
        base_url: base_url.trim_end_matches('/').to_owned(),
        scopes: bundle.scopes().into_iter().map(|scope| scope.as_str().to_owned()).collect(),
        steps: bundle.custom_steps().into_iter().map(described).collect(),
        shape: match choices.shape {
            DelegationShape::PerScope => ConfigShape::PerScope,
            DelegationShape::OneHook => ConfigShape::OneHook,
        },
        old_steps: if choices.prune_steps { OldSteps::Go } else { OldSteps::Stay },
        other_key_set: if choices.replace_jwks_url { OtherKeySet::Replaced } else { OtherKeySet::Stays },
    }
}

/// A call as a line of shell.
fn curl(base_url: &str, call: &ManagementCall) -> String {
    let mut line = format!(
        "curl --fail-with-body --request {} {} --header \"Authorization: Bearer ${KEY_VARIABLE}\"",
        call.method,
        quoted(&format!("{base_url}{}", call.path))
    );
    if let Some(body) = &call.body {
        // INVARIANT: writing into a String cannot fail.
        let _ =
            write!(line, " --header 'Content-Type: application/json' --data {}", quoted(&body.to_string()));
    }
    line
}

/// A text as a shell takes it word for word.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_a_line_of_shell_without_the_key() {
        let body = json!({ "scope": "a:b", "note": "it's" });
        let call = ManagementCall { method: "POST", path: "/v2/x".to_owned(), body: Some(body) };
        assert_eq!(
            curl("https://api.prelude.dev", &call),
            "curl --fail-with-body --request POST 'https://api.prelude.dev/v2/x' --header \"Authorization: Bearer \
             $DOORSTEP__PRELUDE__MANAGEMENT_KEY\" --header 'Content-Type: application/json' --data \
             '{\"note\":\"it'\\''s\",\"scope\":\"a:b\"}'"
        );
    }
}
