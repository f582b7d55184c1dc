//! A hook call becomes a recorded verdict.

use std::borrow::Cow;
use std::time::Instant;

use super::App;
use crate::domain::{
    Decision, DecisionId, DecisionRecord, Facts, History, Recorded, StepPlan, Verdict, mask_identifier,
    mask_ip,
};
use crate::domain::{Metadata, Timestamp, Traits};
use crate::prelude::{HookFault, SignatureFault, SignatureHeaders, SignedCall, answer, read, verify_call};
use crate::random::{NoRandomness, draw};
use crate::store::StoreError;

/// Why a call is not taken for Prelude's. To the caller all but the last are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallRefusal {
    /// The signature or what belongs to it is missing, malformed, unknown or wrong.
    #[error(transparent)]
    Signature(#[from] SignatureFault),
    /// No key set of Prelude's is trusted now, so nothing can be verified.
    #[error("no trusted key set of Prelude's is there")]
    NoTrustedKeySet,
}

/// Why a genuine call got no verdict. In each case nothing was granted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecideError {
    /// The body breaks the contract.
    #[error(transparent)]
    Body(#[from] HookFault),
    /// The same signature came before, longer ago than a retry would.
    #[error("this very call came before, too long ago to be a retry")]
    OldRepeat,
    /// The verdict could not be recorded.
    #[error("the verdict could not be recorded")]
    NotRecorded(#[source] StoreError),
    /// The verdict could not be recorded in time; it may still be, and a retry of the same call then gets it.
    #[error("the verdict was not recorded in time")]
    TooLate,
    /// No id could be drawn.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

impl App {
    /// Verifies that a call is Prelude's, before anything of it is parsed.
    ///
    /// An unknown `kid` has the key set fetched again, at most once in a few seconds whatever outsiders send.
    ///
    /// # Errors
    /// [`CallRefusal`]; the body was not looked at.
    ///
    /// # Reference
    /// docs/CONTRACT.md C3.
    pub(crate) async fn verify_call(
        &self,
        headers: SignatureHeaders<'_>,
        body: &[u8],
    ) -> Result<SignedCall, CallRefusal> {
        let keys = self.parts.hook_keys.trusted(self.now()).ok_or(CallRefusal::NoTrustedKeySet)?;
        let first = verify_call(headers, body, &keys);
        if !matches!(first, Err(SignatureFault::UnknownKey)) {
            return Ok(first?);
        }
        let newer =
            self.newer_key_set(&self.parts.hook_keys, &keys).await.ok_or(SignatureFault::UnknownKey)?;
        Ok(verify_call(headers, body, &newer)?)
    }

    /// Decides a genuine call and records the verdict; returns the answer's exact bytes once the record is durable.
    ///
    /// A call whose signature came before gets its first answer again for ten minutes and makes no second record.
    ///
    /// # Errors
    /// [`DecideError`]; nothing was granted, and apart from `TooLate` nothing was recorded.
    pub(crate) async fn decide(&self, call: &SignedCall) -> Result<String, DecideError> {
        let facts = read(call, self.now())?;
        let started = Instant::now();
        let decision = self.parts.bundle.decide(&facts, &History::none());
        let evaluation_ns = u32::try_from(started.elapsed().as_nanos()).unwrap_or(u32::MAX);
        let text = answer(&decision.verdict);
        let verdict = decision.verdict.as_str();
        let record = self.record(facts, decision, text.clone(), evaluation_ns)?;
        let recording = self.parts.store.record_decision(call.seen().clone(), record);
        let recorded = tokio::time::timeout(self.parts.settings.decide_deadline, recording)
            .await
            .map_err(|_| DecideError::TooLate)?
            .map_err(DecideError::NotRecorded)?;
        match recorded {
            Recorded::First => {
                self.metrics().verdict(verdict);
                Ok(text)
            }
            Recorded::Decided { verdict, answer } => {
                self.metrics().verdict(verdict);
                Ok(answer)
            }
            Recorded::Repeat { answer } => {
                self.metrics().repeated_call();
                Ok(answer)
            }
            Recorded::TooOld => Err(DecideError::OldRepeat),
        }
    }

    fn record(
        &self,
        facts: Facts,
        decision: Decision,
        answer: String,
        evaluation_ns: u32,
    ) -> Result<DecisionRecord, NoRandomness> {
        let plan = match &decision.verdict {
            Verdict::Review(_, plan) => Some(plan),
            Verdict::Continue(_) | Verdict::Block => None,
        };
        let traits = Traits::of(&facts);
        let digest = &self.parts.identifier_digest;
        Ok(DecisionRecord {
            usable_until: usable_until(&decision.verdict, facts.received_at),
            subjects: traits.keyed(|subject, text| digest.of_subject(subject, text)),
            money: traits.money,
            id: DecisionId::new(facts.received_at, draw(&*self.parts.random)?),
            received_at: facts.received_at,
            verdict: decision.verdict.as_str(),
            reason: decision.reason.to_string(),
            bundle: self.parts.bundle.hash(),
            step_keys: plan.map(step_keys),
            walkable_until: plan.map(|plan| walkable_until(plan, facts.received_at)),
            answer,
            metadata_json: metadata_json(&facts.metadata),
            metadata_digest: self.parts.identifier_digest.of_metadata(&facts.metadata),
            context_json: context_json(&facts),
            seen_json: decision.seen.values_json,
            outcomes: decision.seen.outcomes,
            rule: decision.rule,
            user_id: facts.user_id,
            scope: facts.scope,
            evaluation_ns,
        })
    }
}

fn step_keys(plan: &StepPlan) -> String {
    super::mint::joined_step_keys(plan.steps().iter().map(|step| &step.key))
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

/// The metadata as it is kept: `identifier` masked, everything else as it came.
struct KeptMetadata<'a>(&'a Metadata);

impl serde::Serialize for KeptMetadata<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| {
            let personal = name == Metadata::IDENTIFIER;
            (name, if personal { Cow::Owned(mask_identifier(value)) } else { Cow::Borrowed(value) })
        }))
    }
}

fn metadata_json(metadata: &Metadata) -> String {
    // INVARIANT: a map of texts always serialises.
    serde_json::to_string(&KeptMetadata(metadata)).unwrap_or_default()
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
