//! A fact is reported: something that happened to a user outside of Doorstep, for policies to count.

#[cfg(test)]
pub(crate) mod example;

use std::time::Duration;

use super::App;
use super::access::{AccessError, require};
use super::body::object;
use super::post::{Post, PostError, Reply, once};
use crate::domain::{
    Caller, FactId, FactKind, HISTORY_KEPT, PRELUDE_FACTS, ReportedFact, Role, Subject, Timestamp, UserId,
};
use crate::store::{Answered, FactOutcome, KeptAnswer, StoreError};

/// How far ahead of ours a reporter's clock may be.
const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// Why a body is not the report of a fact. It quotes nothing of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FactFault {
    /// Not a JSON object with the known fields.
    #[error(
        "the body must be a JSON object with `user_id`, `kind` and perhaps `at` and `id`; all are strings, and nothing else may \
         stand there"
    )]
    Shape,
    /// A field's value is not what the field holds.
    #[error("`{0}` is not a valid value of that field")]
    Field(&'static str),
    /// It happened longer ago than anything can be asked for.
    #[error("`at` is more than {} days ago: no policy can ask for it", HISTORY_KEPT.as_secs() / 86_400)]
    TooLongAgo,
    /// It has not happened yet.
    #[error("`at` is more than {} s ahead of the clock here", CLOCK_SKEW.as_secs())]
    Ahead,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FactReport {
    user_id: UserId,
    kind: FactKind,
    at: Option<Timestamp>,
    id: Option<FactId>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema), schema(as = ReportFact))]
struct Body {
    user_id: String,
    kind: String,
    at: Option<String>,
    id: Option<String>,
}

impl FactReport {
    /// Reads the body.
    ///
    /// # Errors
    /// [`FactFault`]; parser messages quote input, so none of them is passed on.
    fn from_json(body: &[u8], now: Timestamp) -> Result<Self, FactFault> {
        let body: Body = object(body).ok_or(FactFault::Shape)?;
        let at = body.at.map(|at| Timestamp::parse(&at).ok_or(FactFault::Field("at"))).transpose()?;
        if at.is_some_and(|at| at < now.minus(HISTORY_KEPT)) {
            return Err(FactFault::TooLongAgo);
        }
        if at.is_some_and(|at| at > now.plus(CLOCK_SKEW)) {
            return Err(FactFault::Ahead);
        }
        let id = body.id.map(|id| FactId::new(&id).map_err(|_| FactFault::Field("id"))).transpose()?;
        Ok(Self {
            user_id: UserId::new(&body.user_id).map_err(|_| FactFault::Field("user_id"))?,
            kind: kind_of(&body.kind).ok_or(FactFault::Field("kind"))?,
            at,
            id,
        })
    }
}

/// A kind that whoever has an API key may report.
fn kind_of(text: &str) -> Option<FactKind> {
    let kind = FactKind::new(text).ok()?;
    (!text.starts_with(PRELUDE_FACTS)).then_some(kind)
}

/// Why a fact was not recorded. Policies do not count it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FactError {
    /// The key lacks the role.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The `Idempotency-Key` stands in the way.
    #[error(transparent)]
    Post(#[from] PostError),
    /// The body is not what the address takes.
    #[error(transparent)]
    Request(#[from] FactFault),
    /// The key is limited to scopes or steps; a fact counts in every scope.
    #[error("the API key is limited to scopes or steps")]
    OutsideKeyLimits,
    /// The user has another fact under the name and kind.
    #[error("the user has another fact of this kind and name")]
    OtherFact,
    /// The record could not be read or written.
    #[error("the record could not be read or written")]
    Store(#[from] StoreError),
}

/// A fact that is recorded, as it is told.
#[derive(Debug, serde::Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Fact))]
struct Told<'f> {
    user_id: &'f UserId,
    kind: &'f FactKind,
    at: Timestamp,
    id: Option<&'f FactId>,
    recorded_at: Timestamp,
}

impl App {
    /// Records what happened to a user; answers once that is durable. Every later call sees it, in every process.
    ///
    /// - the caller needs the role facts, and a key without limits.
    /// - returns: 201, or 200 where the same fact was reported under its own name before.
    ///
    /// # Errors
    /// [`FactError`]; nothing was recorded.
    ///
    /// # Reference
    /// docs/API.md; docs/decisions/0024.
    pub(crate) async fn report_fact(&self, post: Post<'_>) -> Result<Reply, FactError> {
        require(post.caller, Role::Facts)?;
        let now = self.now();
        let key = post.once_key(now)?;
        if let Some(answer) = self.answered_before(key.as_ref()).await? {
            return Ok(Reply::again(answer)?);
        }
        if post.caller.is_limited() {
            return Err(FactError::OutsideKeyLimits);
        }
        let report = FactReport::from_json(post.body, now)?;
        let fact = self.fact(post.caller, report, now);
        let once = once(key, |outcome: &FactOutcome, _| reply(outcome).map(KeptAnswer::from));
        match self.parts.store.record_fact(fact, once).await? {
            Answered::Now(outcome) => {
                if let FactOutcome::Recorded(_) = outcome {
                    self.metrics().fact();
                }
                reply(&outcome).ok_or(FactError::OtherFact)
            }
            Answered::Before(answer) => Ok(Reply::again(answer)?),
            Answered::OtherBody => Err(PostError::OtherBody.into()),
        }
    }

    fn fact(&self, caller: &Caller, report: FactReport, now: Timestamp) -> ReportedFact {
        ReportedFact {
            user_key: self.parts.identifier_digest.of_subject(&Subject::User, report.user_id.as_str()),
            user_id: report.user_id,
            kind: report.kind,
            at: report.at,
            id: report.id,
            recorded_at: now,
            api_key_id: Some(caller.key_id().clone()),
        }
    }
}

/// What is told of a fact that is recorded; `None` for one that is not.
fn reply(outcome: &FactOutcome) -> Option<Reply> {
    let (status, fact) = match outcome {
        FactOutcome::Recorded(fact) => (201, fact),
        FactOutcome::Before(fact) => (200, fact),
        FactOutcome::Other => return None,
    };
    let told = Told {
        user_id: &fact.user_id,
        kind: &fact.kind,
        at: fact.happened_at(),
        id: fact.id.as_ref(),
        recorded_at: fact.recorded_at,
    };
    Some(Reply::of(status, &told))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_790_000_000);

    fn read(text: &str) -> Result<FactReport, FactFault> {
        FactReport::from_json(text.as_bytes(), NOW)
    }

    #[test]
    fn only_known_fields_of_the_right_kind_are_read() {
        assert!(read(r#"{"user_id":"u","kind":"email_changed"}"#).is_ok());
        assert_eq!(
            read(r#"{"user_id":"u","kind":"k","at":null,"id":null}"#),
            read(r#"{"user_id":"u","kind":"k"}"#)
        );
        for text in [
            "",
            r#"["u","k"]"#,
            r#"{"user_id":"u"}"#,
            r#"{"kind":"k"}"#,
            r#"{"user_id":"u","kind":"k","scope":"a:b"}"#,
            r#"{"user_id":"u","kind":"k","kind":"l"}"#,
            r#"{"user_id":"u","kind":"k","at":1790000000}"#,
        ] {
            assert_eq!(read(text), Err(FactFault::Shape), "{text}");
        }
        let long = "k".repeat(65);
        for (fields, field) in [
            (r#""user_id":"","kind":"k""#.to_owned(), "user_id"),
            (r#""user_id":"u","kind":"email changed""#.to_owned(), "kind"),
            (r#""user_id":"u","kind":"prelude.identifier_created""#.to_owned(), "kind"),
            (format!(r#""user_id":"u","kind":"{long}""#), "kind"),
            (r#""user_id":"u","kind":"k","at":"2026-09-21""#.to_owned(), "at"),
            (r#""user_id":"u","kind":"k","id":"""#.to_owned(), "id"),
        ] {
            assert_eq!(read(&format!("{{{fields}}}")), Err(FactFault::Field(field)), "{fields}");
        }
    }

    #[test]
    fn a_fact_happened_within_what_is_kept() {
        let micro = Duration::from_micros(1);
        let (oldest, newest) = (NOW.minus(HISTORY_KEPT), NOW.plus(CLOCK_SKEW));
        for (at, fault) in [
            (oldest, None),
            (oldest.minus(micro), Some(FactFault::TooLongAgo)),
            (newest, None),
            (newest.plus(micro), Some(FactFault::Ahead)),
        ] {
            let report = read(&format!(r#"{{"user_id":"u","kind":"k","at":"{at}"}}"#));
            assert_eq!(report.as_ref().err().copied(), fault, "{at}");
            assert!(report.is_err() || report.is_ok_and(|report| report.at == Some(at)));
        }
        assert_eq!(
            FactFault::TooLongAgo.to_string(),
            "`at` is more than 400 days ago: no policy can ask for it"
        );
    }
}
