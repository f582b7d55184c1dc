//! What identity-check providers said: each event once, applied in the transaction that records it.

use super::Store;
use super::turn::Turn;
use super::verifications::{
    DecideOutcome, Event, advance, by_reference, decide_on, is_kept, note, withdraw_on,
};
use crate::domain::{
    Approver, Became, Decided, Decider, EventKind, GivenReason, Match, ProviderCall, ProviderOutcome,
    ProviderRight, Reference, StepOutcome, Timestamp, Verification, VerificationId, VerificationState,
    Withdrawal, WithdrawnOf,
};
use crate::store::StoreError;
use crate::store::connection::Connection;

const IS_KNOWN: &str = "SELECT EXISTS (SELECT 1 FROM provider_events WHERE source = $1 AND event_id = $2)";

const INSERT: &str = "
    INSERT INTO provider_events (source, event_id, body_sha256, received_at, happened_at, outcome, verification_id, became)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

/// Only what had an effect puts later events in order: a note that came early must not keep an approval out.
const LAST_APPLIED: &str = "
    SELECT max(happened_at) FROM provider_events
     WHERE verification_id = $1 AND source = $2 AND became IN ('applied', 'taken_back', 'kept')";

/// What was done about an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProviderRecorded {
    /// It was recorded now.
    Now {
        /// What became of it.
        became: Became,
        /// The verification that it speaks of.
        verification: Option<VerificationId>,
        /// Every verification that changed.
        changed: Vec<VerificationId>,
    },
    /// It was recorded before, and nothing was done now.
    Before,
}

/// An effect, before it is written down.
struct Effect {
    became: Became,
    changed: Vec<VerificationId>,
}

impl Effect {
    const fn none(became: Became) -> Self {
        Self { became, changed: Vec::new() }
    }

    fn on(became: Became, id: VerificationId) -> Self {
        Self { became, changed: vec![id] }
    }
}

impl Store {
    /// Records an event and applies what follows from it, unless it was recorded before.
    ///
    /// - `now`: told inside the transaction, for an approval that is taken back.
    ///
    /// # Errors
    /// Neither happened: the provider must be told to send it again.
    pub(crate) async fn record_provider_event(
        &self,
        call: ProviderCall,
        now: impl Fn() -> Timestamp + Send + 'static,
    ) -> Result<ProviderRecorded, StoreError> {
        let turn = Turn::Event {
            source: call.source.clone(),
            event_id: call.event.id.as_str().into(),
            reference: call.event.reference.as_deref().and_then(Reference::parse),
        };
        self.write(turn, move |connection| Box::pin(async move { record_on(connection, &call, now()).await }))
            .await
    }
}

async fn record_on(
    connection: &mut Connection<'_>,
    call: &ProviderCall,
    now: Timestamp,
) -> Result<ProviderRecorded, StoreError> {
    let is_known: bool = connection
        .query(IS_KNOWN)
        .bind(call.source.as_str())
        .bind(call.event.id.as_str())
        .value(connection)
        .await?;
    if is_known {
        return Ok(ProviderRecorded::Before);
    }
    let reference = call.event.reference.as_deref().and_then(Reference::parse);
    let found = match reference {
        Some(reference) => by_reference(connection, reference).await?,
        None => None,
    };
    let (verification, effect) = match found {
        None => (None, Effect::none(Became::UnknownReference)),
        Some(found) => {
            let id = found.opening.id;
            let effect = apply(connection, (call, now), found).await?;
            (Some(id), noted(connection, call, id, effect).await?)
        }
    };
    insert(connection, call, (verification, effect.became)).await?;
    Ok(ProviderRecorded::Now { became: effect.became, verification, changed: effect.changed })
}

async fn insert(
    connection: &mut Connection<'_>,
    call: &ProviderCall,
    (verification, became): (Option<VerificationId>, Became),
) -> Result<(), StoreError> {
    let event = &call.event;
    connection
        .query(INSERT)
        .bind(call.source.as_str())
        .bind(event.id.as_str())
        .bind(event.body_sha256.as_slice())
        .bind(call.received_at.unix_micros())
        .bind(event.happened_at.map(Timestamp::unix_micros))
        .bind(event.outcome.as_str())
        .bind(verification.map(VerificationId::uuid))
        .bind(became.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

/// An event that did not change the verification stands in its history all the same.
async fn noted(
    connection: &mut Connection<'_>,
    call: &ProviderCall,
    id: VerificationId,
    effect: Effect,
) -> Result<Effect, StoreError> {
    if effect.changed.contains(&id) {
        return Ok(effect);
    }
    let version = advance(connection, id).await?;
    let said = call.event.outcome.as_str();
    let detail = match effect.became {
        Became::Pending => said.to_owned(),
        became => format!("{said}: {}", became.as_str()),
    };
    let actor = actor(call);
    let event =
        Event { kind: EventKind::ProviderEvent, at: call.received_at, actor: &actor, detail: Some(&detail) };
    note(connection, (id, version), event).await?;
    let mut changed = effect.changed;
    changed.push(id);
    Ok(Effect { changed, ..effect })
}

fn actor(call: &ProviderCall) -> String {
    Approver::Provider(call.source.as_str().into()).to_string()
}

/// Whether anything may follow, and then what does.
async fn apply(
    connection: &mut Connection<'_>,
    (call, now): (&ProviderCall, Timestamp),
    found: Verification,
) -> Result<Effect, StoreError> {
    if found.opening.source.as_ref() != Some(&call.source) {
        return Ok(Effect::none(Became::WrongSource));
    }
    match call.event.matches {
        Match::Mismatch => return Ok(Effect::none(Became::Mismatch)),
        Match::UnknownWord => return Ok(Effect::none(Became::UnknownWord)),
        Match::Known => {}
    }
    let Some(right) = call.rights.iter().find(|right| right.step == found.opening.step_key) else {
        return Ok(Effect::none(Became::NotAllowed));
    };
    let last = last_applied(connection, call, found.opening.id).await?;
    let happened_at = call.event.happened_at;
    if happened_at.zip(last).is_some_and(|(happened_at, last)| happened_at < last) {
        return Ok(Effect::none(Became::Late));
    }
    let is_newer = happened_at.zip(last).is_some_and(|(happened_at, last)| happened_at > last);
    match &call.event.outcome {
        ProviderOutcome::Pending | ProviderOutcome::Expired => Ok(Effect::none(Became::Pending)),
        ProviderOutcome::Reset => take_back(connection, (call, now), &found).await,
        // The provider changed its mind about its own word: it counts where it is known to be the later one.
        ProviderOutcome::Rejected(_) if is_newer && is_approved_by(&found, call) => {
            take_back(connection, (call, now), &found).await
        }
        ProviderOutcome::Rejected(word) => {
            decide(connection, (call, right), (StepOutcome::Rejected, word), &found).await
        }
        ProviderOutcome::Approved => {
            decide(connection, (call, right), (StepOutcome::Approved, "approved"), &found).await
        }
    }
}

async fn last_applied(
    connection: &mut Connection<'_>,
    call: &ProviderCall,
    id: VerificationId,
) -> Result<Option<Timestamp>, StoreError> {
    let last: Option<i64> =
        connection.query(LAST_APPLIED).bind(id.uuid()).bind(call.source.as_str()).value(connection).await?;
    Ok(last.map(Timestamp::from_unix_micros))
}

/// Whether the provider's own approval stands, in time or kept.
fn is_approved_by(found: &Verification, call: &ProviderCall) -> bool {
    let ours = Approver::Provider(call.source.as_str().into());
    match found.recorded_state {
        VerificationState::Approved => {
            found.decided.as_ref().is_some_and(|decided| decided.decided_as == ours)
        }
        VerificationState::Expired => true,
        VerificationState::Pending | VerificationState::Rejected => false,
    }
}

async fn decide(
    connection: &mut Connection<'_>,
    (call, right): (&ProviderCall, &ProviderRight),
    (outcome, word): (StepOutcome, &str),
    found: &Verification,
) -> Result<Effect, StoreError> {
    let id = found.opening.id;
    let unnamed = |_| StoreError::corrupt("provider_events", "source", call.source.to_string());
    let decided = Decided {
        outcome,
        at: call.received_at,
        decided_as: Approver::Provider(call.source.as_str().into()),
        actor: Decider::new(&actor(call)).map_err(unnamed)?,
        reason: GivenReason::new(word).map_err(unnamed)?,
    };
    let became = match decide_on(connection, id, (&decided, right.kept_for)).await? {
        DecideOutcome::Decided(_) => return Ok(Effect::on(Became::Applied, id)),
        // Kept once: what is kept already changes nothing.
        DecideOutcome::Kept(kept, _) if kept.version != found.version => {
            return Ok(Effect::on(Became::Kept, id));
        }
        DecideOutcome::TooLate => Became::TooLate,
        DecideOutcome::Kept(..)
        | DecideOutcome::Before(_)
        | DecideOutcome::Withdrawn
        | DecideOutcome::Unknown => Became::AlreadyDecided,
    };
    Ok(Effect::none(became))
}

/// Takes an approval back: no token is minted from it any more, nor from the later verification that it opened approved. One
/// that nobody approved yet stays open, and only what happened earlier no longer counts for it.
async fn take_back(
    connection: &mut Connection<'_>,
    (call, now): (&ProviderCall, Timestamp),
    found: &Verification,
) -> Result<Effect, StoreError> {
    let id = found.opening.id;
    match found.recorded_state {
        VerificationState::Rejected => return Ok(Effect::none(Became::AlreadyDecided)),
        VerificationState::Approved => {}
        VerificationState::Expired if is_kept(connection, id).await? => {}
        VerificationState::Pending | VerificationState::Expired => {
            return Ok(Effect::none(Became::TakenBack));
        }
    }
    let words = format!("{}: {}", Withdrawal::ProviderReset.as_str(), call.event.outcome.as_str());
    let actor = actor(call);
    let why = (Withdrawal::ProviderReset, now);
    let changed = withdraw_on(connection, &WithdrawnOf::One(id), why, (&actor, &words)).await?;
    Ok(Effect { became: Became::TakenBack, changed })
}
