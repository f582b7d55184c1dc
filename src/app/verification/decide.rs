//! Deciding: the step is done, or failed. Once, by whom the policy lets.

use super::request::DecisionRequest;
use super::shown::VerificationShown;
use super::{App, VerificationError, custom_step};
use crate::app::access::require;
use crate::app::post::{Post, PostError, Reply, once};
use crate::domain::{Actor, Approver, Caller, Decided, Decider, Role, StepOutcome, Timestamp, Verification};
use crate::policy::CustomStep;
use crate::store::{Answered, DecideOutcome, KeptAnswer};

impl App {
    /// Approves or rejects a verification, once and for ever.
    ///
    /// An approval that comes after the end leaves the verification expired; where the policy says so, it is kept for a later
    /// challenge of the same user and scope.
    ///
    /// - `id`: as the path has it.
    ///
    /// # Errors
    /// [`VerificationError`]; nothing was decided.
    ///
    /// # Reference
    /// docs/decisions/0029.
    pub(crate) async fn decide_verification(
        &self,
        post: Post<'_>,
        id: &str,
        outcome: StepOutcome,
    ) -> Result<Reply, VerificationError> {
        require(post.caller, Role::Approver)?;
        // One moment for what is kept and what is told: a repetition gets the same bytes.
        let now = self.now();
        let key = post.once_key(now)?;
        if let Some(answer) = self.answered_before(key.as_ref()).await? {
            return Ok(Reply::again(answer)?);
        }
        let wanted = DecisionRequest::from_json(post.body)?;
        let looked_up = self.approved.epoch();
        let found = self.visible(post.caller, id).await?;
        let bundle = self.parts.policies.bundle();
        let step = custom_step(&bundle, &found.opening.step_key)?;
        let decided_as = approver(step, post.caller)?;
        let actor = actor(post.caller, &decided_as, wanted.actor)?;
        let decided = Decided { outcome, at: self.now(), decided_as, actor, reason: wanted.reason };
        let (id, kept_for) = (found.opening.id, step.approval_valid_for);
        let answered =
            self.parts.store.decide_verification(id, (decided, kept_for), once(key, answer)).await?;
        self.waiters.wake(id);
        if let Answered::Now(DecideOutcome::Decided(found)) = &answered {
            self.approved.remember(found, looked_up);
        }
        match answered {
            Answered::Now(outcome) => self.decided(outcome, now),
            Answered::Before(KeptAnswer::Body { status, text }) => Ok(Reply { status, text }),
            Answered::Before(KeptAnswer::Token(_)) | Answered::OtherBody => Err(PostError::OtherBody.into()),
        }
    }

    fn decided(&self, outcome: DecideOutcome, now: Timestamp) -> Result<Reply, VerificationError> {
        if let Some(reply) = reply(&outcome, now) {
            self.metrics().verification_decided(word(&outcome));
            return Ok(reply);
        }
        Err(refusal(outcome))
    }
}

/// Why a decision was not made.
pub(super) fn refusal(outcome: DecideOutcome) -> VerificationError {
    match outcome {
        DecideOutcome::Before(found) => VerificationError::AlreadyDecided(found.recorded_state),
        DecideOutcome::Withdrawn => VerificationError::Withdrawn,
        DecideOutcome::TooLate | DecideOutcome::Decided(_) | DecideOutcome::Kept(..) => {
            VerificationError::Expired
        }
        DecideOutcome::Unknown => VerificationError::NotFound,
    }
}

const fn word(outcome: &DecideOutcome) -> &'static str {
    match outcome {
        DecideOutcome::Decided(found) => found.recorded_state.as_str(),
        _ => "approved_late",
    }
}

fn answer(outcome: &DecideOutcome, now: Timestamp) -> Option<KeptAnswer> {
    reply(outcome, now).map(KeptAnswer::from)
}

fn reply(outcome: &DecideOutcome, now: Timestamp) -> Option<Reply> {
    let shown = |found: &Verification| VerificationShown::of(found, now);
    match outcome {
        DecideOutcome::Decided(found) => Some(Reply::of(200, &shown(found))),
        DecideOutcome::Kept(found, until) => Some(Reply::of(200, &shown(found).kept_until(*until))),
        DecideOutcome::TooLate
        | DecideOutcome::Before(_)
        | DecideOutcome::Withdrawn
        | DecideOutcome::Unknown => None,
    }
}

/// As what the caller decides: what its key says, where the policy lets that decide about the step.
pub(super) fn approver(step: &CustomStep, caller: &Caller) -> Result<Approver, VerificationError> {
    let mut allowed = step.approved_by.iter();
    allowed.find(|approver| caller.approves_as(approver)).cloned().ok_or(VerificationError::NotApprovable)
}

/// A person is named; a system that is not is its API key.
fn actor(
    caller: &Caller,
    decided_as: &Approver,
    named: Option<Decider>,
) -> Result<Decider, VerificationError> {
    match named {
        Some(actor) => Ok(actor),
        None if *decided_as == Approver::Person => Err(VerificationError::Missing("actor")),
        None => own_name(caller),
    }
}

/// The API key as the system that decides.
pub(super) fn own_name(caller: &Caller) -> Result<Decider, VerificationError> {
    let name = Actor::ApiKey(caller.key_id().clone()).to_string();
    Decider::new(&name).map_err(|_| VerificationError::Missing("actor"))
}
