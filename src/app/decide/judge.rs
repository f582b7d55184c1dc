//! One call before one bundle and the fraud desk: from facts and history to what is recorded.

use std::sync::Arc;
use std::time::Instant;

use super::super::desk::CompiledDesk;
use crate::domain::{
    Amount, Asker, Currency, DecisionId, DecisionRecord, DeskRevision, Facts, History, RuleId, StepPlan,
    Subject, SubjectKey, Timestamp, Verdict, mask_identifier, mask_ip, masked_metadata,
};
use crate::keys::IdentifierDigest;
use crate::policy::Bundle;
use crate::prelude::answer;
use crate::store::Question;

/// A call with everything that its verdict rests on, but for its past. The same past gives the same record.
pub(super) struct Judge {
    bundle: Arc<Bundle>,
    desk: Arc<CompiledDesk>,
    id: DecisionId,
    salt: [u8; 16],
    facts: Facts,
    subjects: Vec<(Subject, SubjectKey)>,
    money: Vec<(Arc<str>, Amount, Currency)>,
    metadata_digest: [u8; 32],
}

impl Judge {
    /// Puts together what the verdict rests on.
    pub(super) fn new(
        (bundle, desk): (Arc<Bundle>, Arc<CompiledDesk>),
        (id, salt, facts): (DecisionId, [u8; 16], Facts),
        digest: &IdentifierDigest,
    ) -> Self {
        let traits = bundle.traits(&facts);
        let subjects = traits.keyed(|subject, text| digest.of_subject(subject, text));
        let metadata_digest = digest.of_metadata(&facts.metadata);
        Self { bundle, desk, id, salt, facts, subjects, money: traits.money, metadata_digest }
    }

    /// What the fraud desk said when the call came.
    pub(super) fn desk(&self) -> DeskRevision {
        self.desk.overlay().revision()
    }

    /// Whether the scope's rules ask about the past.
    pub(super) fn asks(&self) -> bool {
        !self.bundle.needs(&self.facts.scope).is_empty()
    }

    /// The question to the record, which knows the past.
    pub(super) fn question(self) -> Question {
        let needs = self.bundle.needs(&self.facts.scope).clone();
        let asker = Asker {
            user_id: self.facts.user_id.clone(),
            subjects: self.subjects.clone(),
            scope: self.facts.scope.clone(),
            at: self.facts.received_at,
        };
        let desk = self.desk();
        Question { needs, asker, desk, decide: Box::new(move |history| self.record(history)) }
    }

    /// Decides, and writes down what is recorded of it. It may be asked again.
    pub(super) fn record(&self, history: &History) -> DecisionRecord {
        let started = Instant::now();
        let decision = self.bundle.decide(&self.facts, self.desk.overlay(), history);
        let evaluation_ns = u32::try_from(started.elapsed().as_nanos()).unwrap_or(u32::MAX);
        let facts = &self.facts;
        tracing::debug!(
            decision = %self.id,
            scope = facts.scope.as_str(),
            verdict = decision.verdict.kind().as_str(),
            rule = decision.rule.as_ref().map(RuleId::as_str),
            "A verdict was made; it counts once it is recorded."
        );
        let plan = match &decision.verdict {
            Verdict::Review(_, plan) => Some(plan),
            Verdict::Continue(_) | Verdict::Block => None,
        };
        DecisionRecord {
            id: self.id,
            received_at: facts.received_at,
            verdict: decision.verdict.kind(),
            reason: decision.reason.to_string(),
            bundle: self.bundle.hash(),
            desk: decision.desk,
            step_keys: plan.map(step_keys),
            walkable_until: plan.map(|plan| walkable_until(plan, facts.received_at)),
            usable_until: usable_until(&decision.verdict, facts.received_at),
            subjects: self.subjects.clone(),
            money: self.money.clone(),
            answer: answer(&decision.verdict),
            salt: self.salt,
            metadata_json: masked_metadata(&facts.metadata),
            metadata_digest: self.metadata_digest,
            context_json: context_json(facts),
            seen_json: decision.seen.values_json,
            outcomes: decision.seen.outcomes,
            reason_kind: decision.reason.kind(),
            place: decision.place,
            rule: decision.rule,
            user_id: facts.user_id.clone(),
            scope: facts.scope.clone(),
            evaluation_ns,
        }
    }
}

fn step_keys(plan: &StepPlan) -> String {
    super::super::verification::joined_step_keys(plan.steps().iter().map(|step| &step.key))
}

fn walkable_until(plan: &StepPlan, received_at: Timestamp) -> Timestamp {
    received_at.plus(plan.walking_time())
}

/// Until when a verdict can be executed: its steps one after the other, and then the grant.
fn usable_until(verdict: &Verdict, received_at: Timestamp) -> Option<Timestamp> {
    match verdict {
        Verdict::Continue(grant) => Some(received_at.plus(grant.granted_for.duration())),
        Verdict::Review(grant, plan) => {
            Some(walkable_until(plan, received_at).plus(grant.granted_for.duration()))
        }
        Verdict::Block => None,
    }
}

#[derive(serde::Serialize)]
struct Context<'a> {
    platform: &'a str,
    ip: String,
    identifiers: Vec<MaskedIdentifier<'a>>,
}

#[derive(serde::Serialize)]
struct MaskedIdentifier<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    masked: String,
}

fn context_json(facts: &Facts) -> String {
    let identifiers = facts
        .identifiers
        .iter()
        .map(|identifier| MaskedIdentifier {
            kind: identifier.kind.as_str(),
            masked: mask_identifier(&identifier.value),
        })
        .collect();
    let context =
        Context { platform: facts.signals.platform.as_str(), ip: mask_ip(facts.signals.ip), identifiers };
    // INVARIANT: strings in a struct always serialise.
    serde_json::to_string(&context).unwrap_or_default()
}
