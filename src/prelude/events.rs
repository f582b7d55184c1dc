//! The webhook's body in, what it tells out.
//!
//! Prelude names the types of events and their fields; how an event is wrapped it does not say. So an event's fields are
//! looked for in its member `payload`, where it has one, else in the event itself (docs/CONTRACT.md C9.3).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::hook::HookFlaw;
use super::json::{self, Flaw, Json, Object};
use super::signature::SignedCall;
use crate::domain::{
    EventContent, IdFault, IdentifierKind, PreludeEvent, PreludeNews, SessionId, Timestamp, UserId,
};

/// The most characters of a type's, a reason's or an identifier type's name, for those that Prelude may add.
const WORD_CHARS_MAX: usize = 128;

/// How a signed batch, or an event of it, breaks the contract. It quotes nothing, so it may leave and be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EventsFault {
    /// A field is not what it should be.
    #[error("{path} {flaw}")]
    Field {
        /// Which one.
        path: &'static str,
        /// What is wrong with it.
        flaw: HookFlaw,
    },
    /// A moment that is none.
    #[error("{0} is not a moment in RFC 3339")]
    Moment(&'static str),
    /// Signed for another application.
    #[error("app_id is another application's")]
    OtherApplication,
}

impl EventsFault {
    fn field(path: &'static str, flaw: impl Into<HookFlaw>) -> Self {
        Self::Field { path, flaw: flaw.into() }
    }

    /// The fault's stable name, for metrics and logs.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Field { flaw, .. } => flaw.code(),
            Self::Moment(_) => "invalid",
            Self::OtherApplication => "other_application",
        }
    }
}

/// An event's own text, as it was written.
#[derive(Deserialize)]
struct Texts<'a> {
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
}

/// Reads what a signed batch tells, event by event: one that breaks the contract takes no other with it.
///
/// Known fields are strict, as in a hook call; unknown fields and types are passed over.
///
/// - `app_id`: our application.
///
/// # Errors
/// [`EventsFault`] for the batch as a whole: nothing of it was read.
///
/// # Reference
/// docs/CONTRACT.md C9
pub(crate) fn read(
    call: &SignedCall,
    app_id: &str,
) -> Result<Vec<Result<PreludeEvent, EventsFault>>, EventsFault> {
    read_body(call.body(), app_id)
}

/// Reads a batch as [`read`] does, whoever wrote it.
///
/// # Errors
/// As there.
pub(crate) fn read_body(
    bytes: &[u8],
    app_id: &str,
) -> Result<Vec<Result<PreludeEvent, EventsFault>>, EventsFault> {
    let body = |flaw| EventsFault::field("body", flaw);
    let document = json::parse(bytes).map_err(body)?;
    let batch = document.object().map_err(body)?;
    if batch.text("app_id").map_err(|flaw| EventsFault::field("app_id", flaw))? != app_id {
        return Err(EventsFault::OtherApplication);
    }
    let list = |flaw| EventsFault::field("events", flaw);
    let events = batch.required("events").and_then(Json::array).map_err(list)?;
    // INVARIANT: it was parsed above, and has one `events`, a list: each event has a text.
    let texts: Texts<'_> = serde_json::from_slice(bytes).map_err(|_| list(Flaw::WrongType))?;
    let read = |(event, text): (&Json<'_>, &RawValue)| event_of(event, content(text)?);
    Ok(events.iter().zip(texts.events).map(read).collect())
}

/// What an event says in one spelling, whatever the order of its members and the space between them.
fn content(text: &RawValue) -> Result<EventContent, EventsFault> {
    let value: serde_json::Value =
        serde_json::from_str(text.get()).map_err(|_| EventsFault::field("events[]", Flaw::NotJson))?;
    Ok(EventContent(value.to_string().into()))
}

fn event_of(event: &Json<'_>, content: EventContent) -> Result<PreludeEvent, EventsFault> {
    let event = event.object().map_err(|flaw| EventsFault::field("events[]", flaw))?;
    let kind = word(event.required("type"), "events[].type")?;
    let payload = |flaw| EventsFault::field("events[].payload", flaw);
    let details = match event.optional("payload").map_err(payload)? {
        Some(payload_of) => payload_of.object().map_err(payload)?,
        None => event,
    };
    let (news, moments) = news(kind, details)?;
    let happened_at = match moment(details, moments)? {
        Some(moment) => Some(moment),
        None => moment(event, &["created_at"])?,
    };
    Ok(PreludeEvent { news, happened_at, content })
}

/// What happened, and under which names the moment may stand.
fn news(kind: &str, details: &Object<'_>) -> Result<(PreludeNews, &'static [&'static str]), EventsFault> {
    Ok(match kind {
        "user.created" => (PreludeNews::UserCreated, &["created_at"]),
        "user.deleted" => (PreludeNews::UserDeleted(user(details)?), &["deleted_at"]),
        "user.profile.updated" => (PreludeNews::ProfileUpdated(user(details)?), &["updated_at"]),
        "user.identifier.created" => {
            (PreludeNews::IdentifierCreated(user(details)?, identifier(details)?), &["created_at"])
        }
        "user.identifier.deleted" => {
            (PreludeNews::IdentifierDeleted(user(details)?, identifier(details)?), &["deleted_at"])
        }
        "user.session.created" => (PreludeNews::SessionCreated, &["created_at"]),
        "user.session.revoked" => {
            let session = named(details, ("session_id", "events[].session_id"), SessionId::new)?;
            (PreludeNews::SessionRevoked(session), &["revoked_at"])
        }
        "step_up.hook_failed" => {
            let reason = word(details.required("reason"), "events[].reason")?;
            (PreludeNews::hook_failed(reason), &["failed_at"])
        }
        _ => (PreludeNews::Unknown, &[]),
    })
}

fn user(details: &Object<'_>) -> Result<UserId, EventsFault> {
    named(details, ("user_id", "events[].user_id"), UserId::new)
}

fn named<T>(
    details: &Object<'_>,
    (name, path): (&str, &'static str),
    new: fn(&str) -> Result<T, IdFault>,
) -> Result<T, EventsFault> {
    let text = details.text(name).map_err(|flaw| EventsFault::field(path, flaw))?;
    new(text).map_err(|fault| EventsFault::field(path, fault))
}

/// Of which kind the address or number is; the address or number itself is of no use here and is not read.
fn identifier(details: &Object<'_>) -> Result<Option<IdentifierKind>, EventsFault> {
    let fault = |flaw| EventsFault::field("events[].identifier", flaw);
    let Some(identifier) = details.optional("identifier").map_err(fault)? else { return Ok(None) };
    let kind = identifier.object().and_then(|identifier| identifier.optional("type")).map_err(fault)?;
    let Some(kind) = kind else { return Ok(None) };
    word(Ok(kind), "events[].identifier.type").map(|kind| Some(IdentifierKind::from_wire(kind)))
}

fn word<'j>(value: Result<&'j Json<'_>, Flaw>, path: &'static str) -> Result<&'j str, EventsFault> {
    let text = value.and_then(Json::text).map_err(|flaw| EventsFault::field(path, flaw))?;
    match text.chars().count() {
        0 => Err(EventsFault::field(path, HookFlaw::Empty)),
        1..=WORD_CHARS_MAX => Ok(text),
        _ => Err(EventsFault::field(path, HookFlaw::TooLong(WORD_CHARS_MAX))),
    }
}

/// The first of these moments that is there.
fn moment(object: &Object<'_>, names: &[&'static str]) -> Result<Option<Timestamp>, EventsFault> {
    for name in names {
        if let Some(value) = object.optional(name).map_err(|flaw| EventsFault::field(name, flaw))? {
            let text = value.text().map_err(|flaw| EventsFault::field(name, flaw))?;
            return Timestamp::parse(text).map(Some).ok_or(EventsFault::Moment(name));
        }
    }
    Ok(None)
}

#[cfg(test)]
pub(crate) mod shape;
#[cfg(test)]
mod tests;
