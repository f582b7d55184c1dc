//! The life of a challenge: opened by a review, walked step by step, completed with a grant.

use std::collections::{HashMap, HashSet};

use super::EmulatorError;
use super::answer::{AskedStep, COMPLETED, Grant, MANAGED_STEP_KEYS, Mode};
use super::challenge_token::{self, ChallengeStyle, Claims, Issuer, MetadataClaim, Presented, StepClaim};
use super::hook_call::{HookRequest, Pairs};
use super::identity::{StepUpKey, fresh_id};
use super::refusal::{Refusal, RefusalCode};
use super::verification::Statement;

/// How many challenges one emulator keeps; it forgets none while it runs.
const CHALLENGES_MAX: usize = 100_000;

/// How long the token of a completed challenge is good, in seconds.
const COMPLETED_FOR_SECONDS: i64 = 300;

/// A scope that a user holds now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Granted {
    /// Who.
    pub(crate) user_id: String,
    /// In which session.
    pub(crate) session_id: String,
    /// What.
    pub(crate) scope: String,
    /// How far it reaches.
    pub(crate) mode: Mode,
    /// When it ends, Unix seconds.
    pub(crate) ends_at: i64,
}

impl Granted {
    /// What a grant gives to the one who asked.
    pub(super) fn new(request: &HookRequest, session_id: &str, grant: Grant, now: i64) -> Self {
        Self {
            user_id: request.user_id.clone(),
            session_id: session_id.to_owned(),
            scope: request.scope.clone(),
            mode: grant.mode,
            ends_at: now.saturating_add(i64::from(grant.granted_for_seconds)),
        }
    }
}

/// Where a challenge stands, as the page learns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Which challenge.
    pub(crate) challenge_id: String,
    /// The token for the next call; the one before it is worth nothing now.
    pub(crate) challenge_token: String,
    /// The step to do now, or `completed`.
    pub(crate) current_step: String,
    /// When the step, and the token with it, ends: Unix seconds.
    pub(crate) ends_at: i64,
    /// What is granted, once the last step is done.
    pub(crate) granted: Option<Granted>,
}

/// What issues challenge tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct IssuedBy<'a> {
    pub(super) key: &'a StepUpKey,
    pub(super) session_host: &'a str,
    pub(super) style: ChallengeStyle,
}

#[derive(Debug, Clone)]
struct Challenge {
    id: String,
    request: HookRequest,
    session_id: String,
    grant: Grant,
    /// In walking order; none where the scope was granted at once.
    steps: Vec<AskedStep>,
    steps_done: usize,
    newest_jti: String,
    /// What it is worth, from the moment when the last step was done.
    granted: Option<Granted>,
    /// Whether that was fetched by a refresh.
    is_redeemed: bool,
}

/// Where a challenge stands, as far as its next call is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    /// Whose it is.
    pub(super) session_id: String,
    /// The step to do now; none once all are done.
    pub(super) current_step: Option<String>,
    /// `(type, value)` of what the user is reached by.
    pub(super) identifiers: Vec<(String, String)>,
}

impl Challenge {
    fn current_step(&self) -> Option<&AskedStep> {
        self.steps.get(self.steps_done)
    }

    /// Issues the token for where the challenge stands, which replaces the one before it.
    fn issue(&mut self, by: IssuedBy<'_>, now: i64) -> Result<Progress, EmulatorError> {
        self.newest_jti = fresh_id("")?;
        let completed_for = COMPLETED_FOR_SECONDS.min(i64::from(self.grant.granted_for_seconds));
        let life = self.current_step().map_or(completed_for, |step| i64::from(step.expires_in_seconds));
        if self.current_step().is_none() {
            self.granted = Some(Granted::new(&self.request, &self.session_id, self.grant, now));
        }
        let ends_at = now.saturating_add(life);
        let current_step = self.current_step().map_or(COMPLETED, |step| step.key.as_str());
        let claims = Claims {
            iss: match by.style.issuer {
                Issuer::BareHost => Some(by.session_host.to_owned()),
                Issuer::Url => Some(format!("https://{}", by.session_host)),
                Issuer::Absent => None,
            },
            sub: &self.request.user_id,
            sid: &self.session_id,
            jti: &self.newest_jti,
            iat: now,
            nbf: now,
            exp: ends_at,
            challenge_id: &self.id,
            scope_requested: &self.request.scope,
            current_step,
            steps: self.step_claims(),
            metadata: Pairs(match by.style.metadata {
                MetadataClaim::Carried => &self.request.metadata,
                MetadataClaim::Absent => &[],
            }),
        };
        Ok(Progress {
            challenge_id: self.id.clone(),
            challenge_token: challenge_token::sign(by.key, &claims)?,
            current_step: current_step.to_owned(),
            ends_at,
            granted: self.granted.clone(),
        })
    }

    fn step_claims(&self) -> Vec<StepClaim<'_>> {
        let claims = self.steps.iter().enumerate().map(|(place, step)| StepClaim {
            order: step.order,
            key: &step.key,
            expiration_duration: step.expires_in_seconds,
            done: place < self.steps_done,
        });
        claims.collect()
    }

    /// Whether the current step is one that Prelude carries out and this user can do.
    fn check_managed(&self) -> Result<(), Refusal> {
        let bypassed = Refusal::new(RefusalCode::StepBypassed, "the current step is not a managed one");
        let step = self.current_step().filter(|step| MANAGED_STEP_KEYS.contains(&step.key.as_str()));
        let needed = match step.ok_or(bypassed)?.key.as_str() {
            "verify_sms" => "phone_number",
            "verify_email" => "email_address",
            _ => return Ok(()),
        };
        if self.request.identifiers.iter().any(|(kind, _)| kind == needed) {
            return Ok(());
        }
        Err(Refusal::new(RefusalCode::IdentifierMissing, "the user has nothing to send the code to"))
    }

    /// Whether a statement finishes the current step.
    fn check_custom(&self, statement: &Statement) -> Result<(), Refusal> {
        let refused = |code, detail| Err(Refusal::new(code, detail));
        if statement.user_id != self.request.user_id {
            return refused(RefusalCode::TokenMismatch, "the token is for another user");
        }
        if statement.challenge_id != self.id {
            return refused(RefusalCode::TokenMismatch, "the token is for another challenge");
        }
        if !self.steps.iter().any(|step| step.key == statement.step_key) {
            return refused(RefusalCode::StepNotFound, "the challenge has no such step");
        }
        if self.current_step().is_none_or(|step| step.key != statement.step_key) {
            return refused(RefusalCode::StepBypassed, "the token is not for the current step");
        }
        if MANAGED_STEP_KEYS.contains(&statement.step_key.as_str()) {
            return refused(RefusalCode::StepNotCompleted, "a managed step is not done by a token");
        }
        if statement.status != COMPLETED {
            return refused(RefusalCode::StepNotCompleted, "the token's status is not completed");
        }
        Ok(())
    }
}

/// Every challenge of an emulator, and every `jti` that was used.
#[derive(Debug, Default)]
pub(super) struct Challenges {
    by_id: HashMap<String, Challenge>,
    used_jtis: HashSet<String>,
}

/// What a review opens a challenge with.
#[derive(Debug)]
pub(super) struct Opening<'a> {
    pub(super) request: &'a HookRequest,
    pub(super) session_id: &'a str,
    pub(super) grant: Grant,
    /// In walking order; none for a scope that is granted at once.
    pub(super) steps: Vec<AskedStep>,
}

impl Challenges {
    /// Opens a challenge that stands before its first step, or is completed where it has none.
    ///
    /// # Errors
    /// [`EmulatorError::Full`], or what issuing a token fails with; no challenge is open then.
    pub(super) fn open(
        &mut self,
        opening: Opening<'_>,
        by: IssuedBy<'_>,
        now: i64,
    ) -> Result<Progress, EmulatorError> {
        if self.by_id.len() >= CHALLENGES_MAX {
            return Err(EmulatorError::Full);
        }
        let mut challenge = Challenge {
            id: fresh_id("chl_")?,
            request: opening.request.clone(),
            session_id: opening.session_id.to_owned(),
            grant: opening.grant,
            steps: opening.steps,
            steps_done: 0,
            newest_jti: String::new(),
            granted: None,
            is_redeemed: false,
        };
        let progress = challenge.issue(by, now)?;
        self.by_id.insert(challenge.id.clone(), challenge);
        Ok(progress)
    }

    /// Counts the current step as done, as if the user had typed the right code.
    ///
    /// # Errors
    /// [`EmulatorError::Refused`]: `invalid_challenge_token`, `step_bypassed`, `identifier_missing`. The challenge
    /// stands where it stood.
    pub(super) fn complete_managed_step(
        &mut self,
        presented: &Presented,
        by: IssuedBy<'_>,
        now: i64,
    ) -> Result<Progress, EmulatorError> {
        let challenge = self.find(presented)?;
        challenge.check_managed()?;
        advance(challenge, by, now)
    }

    /// Counts the current step as done by a verification token, whose `jti` is used up with that.
    ///
    /// # Errors
    /// [`EmulatorError::Refused`]: `invalid_challenge_token`, `token_reused`, `token_mismatch`, `step_not_found`,
    /// `step_bypassed`, `step_not_completed`. The challenge stands where it stood and the `jti` is not used up.
    ///
    /// # Reference
    /// docs/CONTRACT.md C6
    pub(super) fn continue_with(
        &mut self,
        presented: &Presented,
        statement: &Statement,
        by: IssuedBy<'_>,
        now: i64,
    ) -> Result<Progress, EmulatorError> {
        if self.used_jtis.contains(&statement.jti) {
            return Err(Refusal::new(RefusalCode::TokenReused, "the token's jti was used before").into());
        }
        let challenge = self.find(presented)?;
        challenge.check_custom(statement)?;
        let progress = advance(challenge, by, now)?;
        self.used_jtis.insert(statement.jti.clone());
        Ok(progress)
    }

    /// Where a challenge stands.
    ///
    /// # Errors
    /// `invalid_challenge_token`.
    pub(super) fn standing(&mut self, presented: &Presented) -> Result<Standing, Refusal> {
        let challenge = self.find(presented)?;
        Ok(Standing {
            session_id: challenge.session_id.clone(),
            current_step: challenge.current_step().map(|step| step.key.clone()),
            identifiers: challenge.request.identifiers.clone(),
        })
    }

    /// Hands over what a completed challenge is worth, once, to the session that walked it.
    ///
    /// # Errors
    /// `invalid_challenge_token`, `token_mismatch`, `step_not_completed`, `token_reused`.
    pub(super) fn redeem(&mut self, presented: &Presented, session_id: &str) -> Result<Granted, Refusal> {
        let challenge = self.find(presented)?;
        if challenge.session_id != session_id {
            return Err(Refusal::new(RefusalCode::TokenMismatch, "the challenge is another session's"));
        }
        let granted = challenge.granted.clone();
        let granted = granted.ok_or(Refusal::new(RefusalCode::StepNotCompleted, "a step is not done"))?;
        if std::mem::replace(&mut challenge.is_redeemed, true) {
            return Err(Refusal::new(RefusalCode::TokenReused, "the challenge was redeemed before"));
        }
        Ok(granted)
    }

    fn find(&mut self, presented: &Presented) -> Result<&mut Challenge, Refusal> {
        let refused = |detail| Refusal::new(RefusalCode::InvalidChallengeToken, detail);
        let challenge = self.by_id.get_mut(&presented.challenge_id).ok_or(refused("no such challenge"))?;
        if challenge.newest_jti != presented.jti {
            return Err(refused("a newer challenge token was issued"));
        }
        Ok(challenge)
    }
}

/// Moves a challenge past its current step. INVARIANT: it moves only together with a new token.
fn advance(challenge: &mut Challenge, by: IssuedBy<'_>, now: i64) -> Result<Progress, EmulatorError> {
    let mut next = challenge.clone();
    next.steps_done += 1;
    let progress = next.issue(by, now)?;
    *challenge = next;
    Ok(progress)
}

#[cfg(test)]
mod tests;
