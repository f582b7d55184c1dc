//! What the policy would say to a request: a dry run that leaves no verdict and touches no history.

#[cfg(test)]
pub(crate) mod example;

use serde::Serialize;
use serde_json::value::RawValue;

use super::App;
use super::access::{AccessError, require};
use super::policies::{PolicyFaults, raw};
use crate::domain::{AccessAction, Asker, Caller, Decision, Facts, History, Role, RuleId, StepPlan, Verdict};
use crate::policy::{Bundle, Explanation, read_request_at};
use crate::prelude::answer;
use crate::store::StoreError;

/// What messages call the request.
const REQUEST: &str = "(request)";

/// Why there is no dry run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EvaluateError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The key is limited to other scopes.
    #[error("the API key is limited to other scopes")]
    OutsideKeyLimits,
    /// The request is not one that Prelude could make.
    #[error("the request has faults")]
    Request(PolicyFaults),
    /// The body is not text.
    #[error("the body is not UTF-8")]
    NotText,
    /// That somebody asked could not be recorded.
    #[error("the record could not be written")]
    Store(#[from] StoreError),
}

/// What the policy would say, and why.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct Evaluation {
    bundle: String,
    verdict: &'static str,
    rule: Option<RuleId>,
    reason: String,
    steps: Vec<StepTold>,
    grant: Option<GrantTold>,
    /// What Prelude would be answered.
    #[cfg_attr(test, schema(value_type = Option<crate::prelude::HookAnswer>))]
    answer: Option<Box<RawValue>>,
    explanation: Option<Explanation>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = EvaluatedStep))]
struct StepTold {
    key: String,
    expiration_duration: u32,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = EvaluatedGrant))]
struct GrantTold {
    granted_for: u32,
    grant_mode: &'static str,
}

impl App {
    /// Says what the policy in force would decide. Nothing is recorded but that somebody asked.
    ///
    /// - `body`: the request as `doorstep policy explain` reads it; one without `at` is made now.
    ///
    /// # Errors
    /// [`EvaluateError`]; nothing was decided.
    pub(crate) async fn evaluate(&self, caller: &Caller, body: &[u8]) -> Result<Evaluation, EvaluateError> {
        require(caller, Role::Evaluator)?;
        let text = std::str::from_utf8(body).map_err(|_| EvaluateError::NotText)?;
        let facts = read_request_at(REQUEST, text, self.now())
            .map_err(|faults| EvaluateError::Request(PolicyFaults::of_request(&faults)))?;
        if !caller.may_see(&facts.scope) {
            return Err(EvaluateError::OutsideKeyLimits);
        }
        self.note_access(caller, AccessAction::Evaluate, Some(self.user_subject(&facts.user_id))).await?;
        let bundle = self.parts.policies.bundle();
        self.refresh_desk().await?;
        let history = self.history_of(&bundle, &facts).await?;
        let decision = bundle.decide(&facts, self.desk.for_bundle(&bundle).overlay(), &history);
        let explanation = bundle.explain_decision(&facts, &decision);
        Ok(Evaluation { explanation, ..Evaluation::of(decision, bundle.hash().to_string()) })
    }
}

impl App {
    /// What the record says about the past of a call that is not one.
    async fn history_of(&self, bundle: &Bundle, facts: &Facts) -> Result<History, StoreError> {
        let needs = bundle.needs(&facts.scope);
        if needs.is_empty() {
            return Ok(History::none());
        }
        let digest = &self.parts.identifier_digest;
        let subjects = bundle.traits(facts).keyed(|subject, text| digest.of_subject(subject, text));
        let asker = Asker {
            user_id: facts.user_id.clone(),
            subjects,
            scope: facts.scope.clone(),
            at: facts.received_at,
        };
        self.parts.store.history(needs, &asker).await
    }
}

impl Evaluation {
    fn of(decision: Decision, bundle: String) -> Self {
        let answer = raw(&answer(&decision.verdict));
        let (grant, plan) = match &decision.verdict {
            Verdict::Continue(grant) => (Some(grant), None),
            Verdict::Review(grant, plan) => (Some(grant), Some(plan)),
            Verdict::Block => (None, None),
        };
        let steps = plan.into_iter().flat_map(StepPlan::steps);
        Self {
            bundle,
            verdict: decision.verdict.as_str(),
            steps: steps
                .map(|step| StepTold {
                    key: step.key.to_string(),
                    expiration_duration: step.expires_in.get(),
                })
                .collect(),
            grant: grant.map(|grant| GrantTold {
                granted_for: grant.granted_for.get(),
                grant_mode: grant.mode.as_str(),
            }),
            answer,
            explanation: None,
            rule: decision.rule,
            reason: decision.reason.to_string(),
        }
    }
}
