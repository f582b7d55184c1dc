//! Verifications as they are shown: one, a page of them, and what happened to one.

#[cfg(test)]
pub(crate) mod example;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{App, VerificationError};
use crate::app::access::require_one_of;
use crate::app::page::{PageError, PageQuery};
use crate::domain::{
    AccessAction, Caller, ChallengeId, Role, Scope, StepKey, StoredEvent, Timestamp, UserId, Verification,
    VerificationFilter, VerificationState,
};

/// Who may look at verifications: whoever has a part in their life.
pub(super) const LOOKERS: [Role; 4] = [Role::Reader, Role::Opener, Role::Approver, Role::Minter];

/// What a list may be asked for, as it comes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerificationsQuery {
    user_id: Option<String>,
    scope: Option<String>,
    step_key: Option<String>,
    challenge_id: Option<String>,
    state: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// A verification at a moment.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Verification))]
pub(super) struct VerificationShown {
    id: String,
    version: u32,
    state: &'static str,
    user_id: UserId,
    session_id: Option<String>,
    challenge_id: ChallengeId,
    step_key: StepKey,
    scope: Scope,
    #[cfg_attr(test, schema(value_type = Option<crate::domain::Metadata>))]
    metadata: Option<Box<RawValue>>,
    decision_id: Option<String>,
    proof: &'static str,
    reference: String,
    source: Option<String>,
    opened_by: String,
    opened_at: Timestamp,
    expires_at: Timestamp,
    decided_at: Option<Timestamp>,
    decided_as: Option<String>,
    actor: Option<String>,
    reason: Option<String>,
    withdrawn_at: Option<Timestamp>,
    withdrawn_for: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_until: Option<Timestamp>,
}

/// A page of verifications.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct VerificationList {
    verifications: Vec<VerificationShown>,
    next_cursor: Option<String>,
}

/// What happened to a verification, in order.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = VerificationEventList))]
pub(crate) struct EventList {
    events: Vec<EventShown>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = VerificationEvent))]
struct EventShown {
    version: Option<u32>,
    at: Timestamp,
    kind: String,
    actor: String,
    detail: Option<String>,
}

impl VerificationShown {
    /// Shows a verification as it stands at `now`.
    pub(super) fn of(found: &Verification, now: Timestamp) -> Self {
        let (opening, decided) = (&found.opening, found.decided.as_ref());
        Self {
            id: opening.id.to_string(),
            version: found.version,
            state: found.state_at(now).as_str(),
            user_id: opening.user_id.clone(),
            session_id: opening.session_id.as_ref().map(ToString::to_string),
            challenge_id: opening.challenge_id.clone(),
            step_key: opening.step_key.clone(),
            scope: opening.scope.clone(),
            metadata: opening.metadata_json.clone().and_then(|json| RawValue::from_string(json).ok()),
            decision_id: opening.decision_id.map(|id| id.to_string()),
            proof: opening.proof.as_str(),
            reference: opening.reference.to_string(),
            source: opening.source.as_ref().map(ToString::to_string),
            opened_by: opening.opened_by.to_string(),
            opened_at: opening.opened_at,
            expires_at: opening.expires_at,
            decided_at: decided.map(|decided| decided.at),
            decided_as: decided.map(|decided| decided.decided_as.to_string()),
            actor: decided.map(|decided| decided.actor.to_string()),
            reason: decided.map(|decided| decided.reason.to_string()),
            withdrawn_at: found.withdrawn.map(|withdrawn| withdrawn.at),
            withdrawn_for: found.withdrawn.map(|withdrawn| withdrawn.why.as_str()),
            kept_until: None,
        }
    }

    /// The same, of an approval that came too late and is kept until then.
    pub(super) fn kept_until(self, until: Timestamp) -> Self {
        Self { kept_until: Some(until), ..self }
    }
}

impl App {
    /// Lists verifications, newest first, within the caller's limits.
    ///
    /// # Errors
    /// [`VerificationError`]; nothing was shown.
    pub(crate) async fn verifications(
        &self,
        caller: &Caller,
        query: VerificationsQuery,
    ) -> Result<VerificationList, VerificationError> {
        require_one_of(caller, &LOOKERS)?;
        let page = PageQuery { limit: query.limit, cursor: query.cursor.clone() }.page()?;
        let mut filter = query.filter(self.now())?;
        filter.within = caller.scope_limits().map(<[Scope]>::to_vec);
        filter.within_steps = caller.step_limits().map(<[StepKey]>::to_vec);
        (filter.before, filter.limit) = (page.before, page.fetched());
        let user = filter.user_id.as_ref().map(|user_id| self.user_subject(user_id));
        self.note_access(caller, AccessAction::VerificationsList, user).await?;
        let now = filter.now;
        let mut found = self.parts.store.verifications(filter).await?;
        let next_cursor = page.cut(&mut found, |verification| verification.seq);
        let verifications = found.iter().map(|found| VerificationShown::of(found, now)).collect();
        Ok(VerificationList { verifications, next_cursor })
    }

    /// Shows what happened to a verification, in order, with the tokens that were minted from it.
    ///
    /// # Errors
    /// [`VerificationError`]; nothing was shown.
    pub(crate) async fn verification_events(
        &self,
        caller: &Caller,
        id: &str,
    ) -> Result<EventList, VerificationError> {
        require_one_of(caller, &LOOKERS)?;
        let found = self.visible(caller, id).await?;
        self.note_look(caller, &found).await?;
        let events = self.parts.store.verification_events(found.opening.id).await?;
        Ok(EventList { events: events.into_iter().map(EventShown::of).collect() })
    }

    /// Records that somebody looks at a verification that somebody else opened.
    pub(super) async fn note_look(
        &self,
        caller: &Caller,
        found: &Verification,
    ) -> Result<(), VerificationError> {
        if found.opening.opened_by == *caller.key_id() {
            return Ok(());
        }
        let subject = Some(found.opening.id.to_string());
        Ok(self.note_access(caller, AccessAction::VerificationsRead, subject).await?)
    }
}

impl EventShown {
    fn of(event: StoredEvent) -> Self {
        let StoredEvent { version, at, kind, actor, detail } = event;
        Self { version, at, kind, actor, detail }
    }
}

impl VerificationsQuery {
    fn filter(self, now: Timestamp) -> Result<VerificationFilter, VerificationError> {
        Ok(VerificationFilter {
            user_id: read("user_id", self.user_id, UserId::new)?,
            scope: read("scope", self.scope, Scope::new)?,
            step_key: read("step_key", self.step_key, StepKey::new)?,
            challenge_id: read("challenge_id", self.challenge_id, ChallengeId::new)?,
            state: read("state", self.state, |text| VerificationState::parse(text).ok_or(()))?,
            within: None,
            within_steps: None,
            now,
            before: None,
            limit: 0,
        })
    }
}

fn read<T, E>(
    name: &'static str,
    text: Option<String>,
    new: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, VerificationError> {
    text.map(|text| new(&text)).transpose().map_err(|_| VerificationError::Filter(name))
}

impl From<PageError> for VerificationError {
    fn from(error: PageError) -> Self {
        match error {
            PageError::Access(error) => error.into(),
            PageError::Filter(name) => Self::Filter(name),
            PageError::Store(error) => error.into(),
        }
    }
}
