//! What Prelude holds of us, read; and a plan, carried out.

use serde_json::{Value, json};

use super::{Management, ManagementCall, ManagementFault};
use crate::prelude::registration::{ConfigChange, Held, Plan};
use crate::prelude::webhooks::{HeldWebhook, WebhookPlan, new_webhook, read_webhook, read_webhooks};

const SCOPES: &str = "config/scopes";
const STEP_UP: &str = "config/stepup";
const WEBHOOKS: &str = "webhooks";

/// What stands for the verification token where calls are shown.
const TOKEN_SHOWN: &str = "…";

impl Management {
    /// Reads scopes and step-up configuration.
    ///
    /// # Errors
    /// [`ManagementFault`].
    pub(crate) async fn held(&self) -> Result<Held, ManagementFault> {
        let scopes = match self.get(SCOPES).await {
            Ok(answer) => answer.as_ref().and_then(read_scopes),
            // A scope that is there already is a conflict, which is as good as knowing.
            Err(fault) if fault.status() == Some(405) => None,
            Err(fault) => return Err(fault),
        };
        let config = self.get(STEP_UP).await?.map(|answer| match answer.get("config") {
            Some(Value::Object(config)) => Ok(config.clone()),
            _ => Err(ManagementFault::Unreadable),
        });
        Ok(Held { scopes, config: config.transpose()? })
    }

    /// The calls of a plan, in their order.
    pub(crate) fn calls(&self, plan: &Plan) -> Vec<ManagementCall> {
        let call = |method, part, body| ManagementCall { method, path: self.path(part), body: Some(body) };
        let scopes = plan.new_scopes.iter().map(|scope| call("POST", SCOPES, json!({ "scope": scope })));
        let change = plan.change.as_ref().map(|change| match change {
            ConfigChange::Create(config) => call("POST", STEP_UP, Value::Object(config.clone())),
            ConfigChange::Replace(config) => call("PUT", STEP_UP, Value::Object(config.clone())),
        });
        scopes.chain(change).collect()
    }

    /// Makes scopes and configuration as a plan says. A scope that somebody made meanwhile is as good.
    ///
    /// - returns: whether it was done; not where the configuration is another by now than the plan began with.
    ///
    /// # Errors
    /// [`ManagementFault`]; what was sent before stays.
    pub(crate) async fn carry_out(&self, plan: &Plan, planned_from: &Held) -> Result<bool, ManagementFault> {
        if plan.change.is_some() && self.held().await?.config != planned_from.config {
            return Ok(false);
        }
        for call in self.calls(plan) {
            match self.send(&call).await {
                Err(fault) if fault.status() == Some(409) && call.path.ends_with(SCOPES) => {}
                sent => drop(sent?),
            }
        }
        Ok(true)
    }

    /// Reads the application's webhooks.
    ///
    /// # Errors
    /// [`ManagementFault`].
    pub(crate) async fn webhooks(&self) -> Result<Vec<HeldWebhook>, ManagementFault> {
        Ok(self.get(WEBHOOKS).await?.as_ref().map(read_webhooks).unwrap_or_default())
    }

    /// The calls of a plan, in their order, without the token: `ID` stands for the name of a webhook that is yet to be made.
    pub(crate) fn webhook_calls(&self, plan: &WebhookPlan, base_url: &str) -> Vec<ManagementCall> {
        let id = plan.id.as_deref().unwrap_or("ID");
        let making = plan.id.is_none().then(|| self.making(base_url, TOKEN_SHOWN));
        let adding = plan.new_events.iter().filter(|_| plan.id.is_some()).map(|event| self.adding(id, event));
        let activating = plan.activate.then(|| self.activating(id));
        making.into_iter().chain(adding).chain(activating).collect()
    }

    /// Makes, completes and activates our webhook as a plan says. Prelude activates it only if it is answered rightly at its
    /// address meanwhile.
    ///
    /// # Errors
    /// [`ManagementFault`]; what was sent before stays.
    pub(crate) async fn carry_out_webhook(
        &self,
        plan: &WebhookPlan,
        (base_url, verification_token): (&str, &str),
    ) -> Result<(), ManagementFault> {
        let id = if let Some(id) = &plan.id {
            for event in &plan.new_events {
                self.send(&self.adding(id, event)).await?;
            }
            id.clone()
        } else {
            let made = self.send(&self.making(base_url, verification_token)).await?;
            let made = made.get("webhook").and_then(read_webhook);
            made.ok_or(ManagementFault::Unreadable)?.id
        };
        if plan.activate {
            self.send(&self.activating(&id)).await?;
        }
        Ok(())
    }

    fn making(&self, base_url: &str, verification_token: &str) -> ManagementCall {
        let body = Some(new_webhook(base_url, verification_token));
        ManagementCall { method: "POST", path: self.path(WEBHOOKS), body }
    }

    fn adding(&self, id: &str, event: &str) -> ManagementCall {
        let path = self.path(&format!("{WEBHOOKS}/{id}/events"));
        ManagementCall { method: "POST", path, body: Some(json!({ "event": event })) }
    }

    fn activating(&self, id: &str) -> ManagementCall {
        ManagementCall { method: "POST", path: self.path(&format!("{WEBHOOKS}/{id}/activate")), body: None }
    }
}

/// Names, or objects with a `scope`.
fn read_scopes(answer: &Value) -> Option<Vec<String>> {
    let name = |scope: &Value| scope.as_str().or_else(|| scope.get("scope")?.as_str()).map(str::to_owned);
    answer.get("scopes")?.as_array()?.iter().map(name).collect()
}
