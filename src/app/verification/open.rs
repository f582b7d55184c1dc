//! Opening: a challenge that stands before a custom step gets its verification.

use std::time::Duration;

use super::request::OpenRequest;
use super::shown::VerificationShown;
use super::{App, VerificationError, custom_step};
use crate::app::access::require;
use crate::app::post::{Post, PostError, Reply, once};
use crate::domain::{
    Approver, Caller, Challenge, ChallengeProof, Opening, Reference, ReviewFound, ReviewQuery, Role,
    SourceName, StepKey, Timestamp, VerificationId, masked_metadata,
};
use crate::policy::CustomStep;
use crate::random::draw;
use crate::store::{Answered, KeptAnswer, OpenOutcome, OpenWish};

/// How long a step lives of whose challenge, plan and review nobody knows an end: as long as Prelude lets any step live
/// (docs/CONTRACT.md C4.5).
const STEP_TIME_MAX: Duration = Duration::from_secs(86_400);

/// Among which reviews the one is looked for that asked for a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reviews {
    /// First among those that this process remembers. Another process may have recorded a newer one: whoever records what
    /// follows looks at that in its transaction.
    Recent,
    /// Among all that are recorded.
    Recorded,
}

impl App {
    /// Opens a verification for a challenge's current step, or gives the one that is there.
    ///
    /// # Errors
    /// [`VerificationError`]; nothing was opened.
    ///
    /// # Reference
    /// docs/CONTRACT.md C5, C6; docs/decisions/0029.
    pub(crate) async fn open_verification(&self, post: Post<'_>) -> Result<Reply, VerificationError> {
        require(post.caller, Role::Opener)?;
        // One moment for what is kept and what is told: a repetition gets the same bytes.
        let now = self.now();
        let key = post.once_key(now)?;
        if let Some(answer) = self.answered_before(key.as_ref()).await? {
            return Ok(Reply::again(answer)?);
        }
        let wanted = OpenRequest::from_json(post.body)?;
        let wish = self.open_wish(post.caller, wanted, Reviews::Recorded).await?;
        let opened = self.parts.store.open_verification(wish, once(key, answer)).await?;
        match opened {
            Answered::Now(outcome) => {
                if let OpenOutcome::Opened(opened) = &outcome {
                    self.metrics().verification_opened();
                    self.waiters.wake(opened.opening.id);
                }
                reply(&outcome, now).ok_or(VerificationError::OtherChallenge)
            }
            Answered::Before(KeptAnswer::Body { status, text }) => Ok(Reply { status, text }),
            Answered::Before(KeptAnswer::Token(_)) | Answered::OtherBody => Err(PostError::OtherBody.into()),
        }
    }

    /// Everything about the verification that a request wants opened: the challenge is good, the step is there and current,
    /// the caller may touch it, and a recorded review asked for it, unless the step needs none.
    pub(super) async fn open_wish(
        &self,
        caller: &Caller,
        wanted: OpenRequest,
        among: Reviews,
    ) -> Result<OpenWish, VerificationError> {
        let source = wanted.source.clone();
        let (challenge, proof) = self.challenge(caller, wanted).await?;
        if !caller.may_touch(&challenge.scope, &challenge.current_step) {
            return Err(VerificationError::OutsideKeyLimits);
        }
        let bundle = self.parts.policies.bundle();
        let step = custom_step(&bundle, &challenge.current_step)?;
        let source = bound_source(step, source)?;
        let now = self.now();
        let query = self.review_query(&challenge, now);
        let recent = match among {
            Reviews::Recent => self.parts.store.recent_review(&query),
            Reviews::Recorded => None,
        };
        let (review, reviews_through) = match recent {
            Some((review, through)) => (Some(review), Some(through)),
            None => (self.recorded_review(query, step).await?, None),
        };
        let expires_at = expires_at(&challenge, step, review.as_ref(), now);
        // Whole seconds on the wire: an end within this second would be in the past once it is read.
        if expires_at.unix_seconds() <= now.unix_seconds() {
            return Err(VerificationError::NoTimeLeft);
        }
        let opening = self.opening(caller, (challenge, proof), (review, source), (now, expires_at))?;
        let approvals_since = step.approval_valid_for.map(|valid| now.minus(valid));
        Ok(OpenWish { opening, approvals_since, reviews_through })
    }

    fn opening(
        &self,
        caller: &Caller,
        (challenge, proof): (Challenge, ChallengeProof),
        (review, source): (Option<ReviewFound>, Option<SourceName>),
        (opened_at, expires_at): (Timestamp, Timestamp),
    ) -> Result<Opening, VerificationError> {
        Ok(Opening {
            id: VerificationId::new(opened_at, draw(&*self.parts.random)?),
            reference: Reference::from_random(draw(&*self.parts.random)?),
            source,
            challenge_id: challenge.challenge_id,
            step_key: challenge.current_step,
            user_id: challenge.user_id,
            session_id: challenge.session_id,
            scope: challenge.scope,
            metadata_json: challenge.metadata.as_ref().map(masked_metadata),
            decision_id: review.map(|review| review.decision_id),
            proof,
            opened_by: caller.key_id().clone(),
            opened_at,
            expires_at,
        })
    }

    fn review_query(&self, challenge: &Challenge, now: Timestamp) -> ReviewQuery {
        ReviewQuery {
            user_id: challenge.user_id.clone(),
            scope: challenge.scope.clone(),
            step: challenge.current_step.clone(),
            step_keys: (!challenge.steps.is_empty())
                .then(|| joined_step_keys(challenge.steps.iter().map(|step| &step.key))),
            metadata_digest: challenge
                .metadata
                .as_ref()
                .map(|metadata| self.parts.identifier_digest.of_metadata(metadata)),
            now,
        }
    }

    async fn recorded_review(
        &self,
        query: ReviewQuery,
        step: &CustomStep,
    ) -> Result<Option<ReviewFound>, VerificationError> {
        let review = self.parts.store.find_walkable_review(query).await?;
        if review.is_none() && !step.without_verdict {
            return Err(VerificationError::NoReview);
        }
        Ok(review)
    }
}

fn answer(outcome: &OpenOutcome, now: Timestamp) -> Option<KeptAnswer> {
    reply(outcome, now).map(KeptAnswer::from)
}

fn reply(outcome: &OpenOutcome, now: Timestamp) -> Option<Reply> {
    match outcome {
        OpenOutcome::Opened(opened) => Some(Reply::of(201, &VerificationShown::of(opened, now))),
        OpenOutcome::Before(found) => Some(Reply::of(200, &VerificationShown::of(found, now))),
        OpenOutcome::Conflict => None,
    }
}

/// The earliest end of the step's, the challenge's and the review's.
fn expires_at(
    challenge: &Challenge,
    step: &CustomStep,
    review: Option<&ReviewFound>,
    now: Timestamp,
) -> Timestamp {
    let planned = challenge.steps.iter().find(|planned| planned.key == challenge.current_step);
    let time =
        planned.map(|planned| planned.expires_in).or(step.expires_in.map(crate::domain::Seconds::duration));
    let ends = [challenge.expires_at, review.map(|review| review.walkable_until)];
    ends.into_iter().flatten().fold(now.plus(time.unwrap_or(STEP_TIME_MAX).min(STEP_TIME_MAX)), Ord::min)
}

/// Which provider may speak of the verification: the named one, or the only one that may approve the step.
fn bound_source(
    step: &CustomStep,
    named: Option<SourceName>,
) -> Result<Option<SourceName>, VerificationError> {
    let mut providers = step.approved_by.iter().filter_map(|approver| match approver {
        Approver::Provider(name) => SourceName::new(name).ok(),
        Approver::Backend | Approver::Person => None,
    });
    match named {
        Some(named) => {
            let known = providers.any(|provider| provider == named);
            if known { Ok(Some(named)) } else { Err(VerificationError::UnknownSource) }
        }
        None => {
            let first = providers.next();
            Ok(if providers.next().is_some() { None } else { first })
        }
    }
}

/// Step keys in walking order, one blank between them, as reviews are stored: a key has no blank.
pub(in crate::app) fn joined_step_keys<'a>(keys: impl Iterator<Item = &'a StepKey>) -> String {
    let mut joined = String::new();
    for key in keys {
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(key.as_str());
    }
    joined
}
