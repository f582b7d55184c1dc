//! Prelude's webhook: what happened there is recorded once, with what follows from it.

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use futures_util::{StreamExt as _, stream};
use secrecy::{ExposeSecret as _, SecretString};

use super::App;
use crate::domain::{
    FactId, FactKind, HISTORY_KEPT, PreludeEffect, PreludeEvent, PreludeEventRecord, PreludeNews,
    PreludeRecorded, ReportedFact, Subject, Timestamp, UserId,
};
use crate::prelude::{ActivationFault, ActivationRequest, EventsFault, SignedCall, read_events};
use crate::store::StoreError;

/// How many events are on their way into the record at once: those that wait together are committed together.
const AT_ONCE: usize = 16;

/// What an operator agreed with Prelude about events.
#[derive(Debug, Clone)]
pub(crate) struct EventSettings {
    /// The application that they must be of.
    pub(crate) app_id: String,
    /// What Prelude shows when it activates the webhook.
    pub(crate) verification_token: SecretString,
}

/// Why the webhook was not activated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ActivationRefusal {
    /// Events are not taken here.
    #[error("events are off")]
    Off,
    /// The query is no activation.
    #[error(transparent)]
    Query(#[from] ActivationFault),
    /// Another application.
    #[error("the activation is another application's")]
    OtherApplication,
    /// Another token.
    #[error("the verification token is another one")]
    WrongToken,
}

/// Why a batch was not taken whole. Prelude that is told so sends it again; what was recorded then counts once.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EventsError {
    /// Events are not taken here.
    #[error("events are off")]
    Off,
    /// The batch breaks the contract, or one of its events does; the others were recorded.
    #[error(transparent)]
    Broken(#[from] EventsFault),
    /// Not all could be recorded.
    #[error("not every event could be recorded")]
    Store(#[from] StoreError),
}

impl App {
    /// Whether Prelude's events are taken here.
    pub(crate) fn takes_events(&self) -> bool {
        self.parts.settings.events.is_some()
    }

    /// Activates the webhook: whoever asks must know the token.
    ///
    /// - `query`: the query string, as it came.
    /// - returns: the answer's exact text.
    ///
    /// # Errors
    /// [`ActivationRefusal`].
    ///
    /// # Reference
    /// docs/CONTRACT.md C9.1
    pub(crate) fn activate_events(&self, query: &str) -> Result<String, ActivationRefusal> {
        let expected = self.parts.settings.events.as_ref().ok_or(ActivationRefusal::Off)?;
        let request = ActivationRequest::read(query)?;
        if request.app_id != expected.app_id {
            return Err(ActivationRefusal::OtherApplication);
        }
        let (shown, token) =
            (request.verification_token.as_bytes(), expected.verification_token.expose_secret());
        verify_slices_are_equal(shown, token.as_bytes()).map_err(|_| ActivationRefusal::WrongToken)?;
        Ok(request.answer())
    }

    /// Takes a batch of events that Prelude signed. It comes back once each is on disk with what follows from it, or was
    /// before: whether in another batch, under another signature or in another order.
    ///
    /// # Errors
    /// [`EventsError`]; every event that is not broken was recorded, or is recorded when the batch comes again.
    ///
    /// # Reference
    /// docs/CONTRACT.md C9
    pub(crate) async fn take_events(&self, call: &SignedCall) -> Result<(), EventsError> {
        let expected = self.parts.settings.events.as_ref().ok_or(EventsError::Off)?;
        let events = read_events(call, &expected.app_id)?;
        let now = self.now();
        let taken = stream::iter(events).map(|event| self.take_event(event, now)).buffered(AT_ONCE);
        let taken: Vec<_> = taken.collect().await;
        // The broken ones last: what the record could not take is worth another try.
        let (broken, failed): (Vec<_>, Vec<_>) = taken
            .into_iter()
            .filter_map(Result::err)
            .partition(|error| matches!(error, EventsError::Broken(_)));
        failed.into_iter().chain(broken).next().map_or(Ok(()), Err)
    }

    async fn take_event(
        &self,
        event: Result<PreludeEvent, EventsFault>,
        now: Timestamp,
    ) -> Result<(), EventsError> {
        let event = event.inspect_err(|_| self.metrics().prelude_event("broken", "refused"))?;
        let record = self.event_record(event, now);
        let kind = record.kind;
        let failure = if let PreludeEffect::Warn(reason) = record.effect { Some(reason) } else { None };
        let recorded = self.parts.store.record_prelude_event(record, self.later_now()).await?;
        let PreludeRecorded::Now(withdrawn) = recorded else {
            self.metrics().prelude_event(kind, "repeated");
            return Ok(());
        };
        self.metrics().prelude_event(kind, "recorded");
        if let Some(reason) = failure {
            self.metrics().hook_failure(reason);
        }
        for id in withdrawn {
            self.approved.forget(id);
            self.waiters.wake(id);
        }
        Ok(())
    }

    fn event_record(&self, event: PreludeEvent, now: Timestamp) -> PreludeEventRecord {
        let digest = self.parts.identifier_digest.of_event(&event.content);
        // Prelude's clock may be ahead of ours; what it tells has happened all the same.
        let happened_at = event.happened_at.map_or(now, |at| at.min(now));
        let kind = event.news.kind();
        let effect = match event.news {
            PreludeNews::UserDeleted(user) => PreludeEffect::EraseUser(user),
            PreludeNews::SessionRevoked(session) => PreludeEffect::EndSession(session),
            PreludeNews::HookFailed(reason) => PreludeEffect::Warn(reason),
            news => match news.facts() {
                // Of what is longer ago nobody knows any more whether it came before.
                Some((user, kinds)) if self.would_be_known(happened_at, now) => PreludeEffect::Facts(
                    user.clone(),
                    self.prelude_facts((user, &kinds), &digest, (happened_at, now)),
                ),
                _ => PreludeEffect::None,
            },
        };
        PreludeEventRecord { digest, kind, happened_at, received_at: now, effect }
    }

    /// Whether what happened at a moment would be known if it had come before, and a policy can ask for it.
    fn would_be_known(&self, happened_at: Timestamp, now: Timestamp) -> bool {
        let ago = now.since(happened_at);
        ago < HISTORY_KEPT && self.parts.settings.retention.prelude_events.lasts(ago)
    }

    /// One fact a kind, each under a name that is the event's own.
    fn prelude_facts(
        &self,
        (user, kinds): (&UserId, &[&str]),
        digest: &[u8; 32],
        (happened_at, recorded_at): (Timestamp, Timestamp),
    ) -> Vec<ReportedFact> {
        let user_key = self.parts.identifier_digest.of_subject(&Subject::User, user.as_str());
        let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        // INVARIANT: kinds are names of ours, and a name of hexadecimal digits is one.
        let id = FactId::new(&format!("event:{name}")).ok();
        let fact = |kind: FactKind| ReportedFact {
            user_id: user.clone(),
            user_key: user_key.clone(),
            kind,
            at: Some(happened_at),
            id: id.clone(),
            recorded_at,
            api_key_id: None,
        };
        kinds.iter().filter_map(|kind| FactKind::new(kind).ok()).map(fact).collect()
    }
}

/// How long a failure of the hook is worth a warning.
pub(super) const FAILURES_TOLD: Duration = Duration::from_secs(60 * 60);
