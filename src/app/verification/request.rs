//! What callers send to have a verification opened, decided, or minted from in one call.

#[cfg(test)]
pub(crate) mod example;

use crate::app::body::{Fields, object};
use crate::domain::{
    ChallengeId, Decider, GivenReason, Metadata, Scope, SessionId, SourceName, StepKey, UserId,
    VerificationId, WithdrawnOf,
};

/// Why a body is not a request. It quotes nothing of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestFault {
    /// Not a JSON object with the known fields.
    #[error(
        "the body must be a JSON object with `challenge_token`, or with `user_id`, `challenge_id`, `step_key`, `scope` and perhaps \
         `session_id` and `metadata`, and perhaps `source`; each is a string, `metadata` an object of strings, and nothing else may \
         stand there"
    )]
    Opening,
    /// Not a JSON object with the known fields.
    #[error(
        "the body must be a JSON object with `reason` and perhaps `actor`, each a string, and nothing else"
    )]
    Decision,
    /// Not a JSON object with the known fields.
    #[error(
        "the body must be a JSON object with `reason` and one of `verification_id`, `session_id` and `user_id`, each a string, \
         and nothing else"
    )]
    Withdrawal,
    /// Not an empty JSON object.
    #[error("the body must be `{{}}`: the address says it all")]
    Nothing,
    /// A field's value is not what the field holds.
    #[error("`{0}` is not a valid value of that field")]
    Field(&'static str),
}

/// A challenge by its token, by name, or both; where both are given they must agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OpenRequest {
    pub(super) challenge_token: Option<String>,
    pub(super) user_id: Option<UserId>,
    pub(super) session_id: Option<SessionId>,
    pub(super) challenge_id: Option<ChallengeId>,
    pub(super) step_key: Option<StepKey>,
    pub(super) scope: Option<Scope>,
    pub(super) metadata: Option<Metadata>,
    pub(super) source: Option<SourceName>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema), schema(as = OpenVerification))]
struct OpenBody {
    challenge_token: Option<String>,
    user_id: Option<String>,
    session_id: Option<String>,
    challenge_id: Option<String>,
    step_key: Option<String>,
    scope: Option<String>,
    #[cfg_attr(test, schema(value_type = Option<Metadata>))]
    metadata: Option<Fields>,
    source: Option<String>,
}

impl OpenRequest {
    /// Reads the body.
    ///
    /// # Errors
    /// [`RequestFault`]; parser messages quote input, so none of them is passed on.
    pub(super) fn from_json(body: &[u8]) -> Result<Self, RequestFault> {
        let body: OpenBody = object(body).ok_or(RequestFault::Opening)?;
        Ok(Self {
            challenge_token: body.challenge_token,
            user_id: field("user_id", body.user_id, UserId::new)?,
            session_id: field("session_id", body.session_id, SessionId::new)?,
            challenge_id: field("challenge_id", body.challenge_id, ChallengeId::new)?,
            step_key: field("step_key", body.step_key, StepKey::new)?,
            scope: field("scope", body.scope, Scope::new)?,
            metadata: body
                .metadata
                .map(Fields::metadata)
                .transpose()
                .map_err(|_| RequestFault::Field("metadata"))?,
            source: field("source", body.source, SourceName::new)?,
        })
    }
}

/// Why a step is done, or failed, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DecisionRequest {
    pub(super) reason: GivenReason,
    pub(super) actor: Option<Decider>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema), schema(as = DecideVerification))]
struct DecisionBody {
    reason: String,
    actor: Option<String>,
}

impl DecisionRequest {
    /// Reads the body.
    ///
    /// # Errors
    /// [`RequestFault`].
    pub(super) fn from_json(body: &[u8]) -> Result<Self, RequestFault> {
        let body: DecisionBody = object(body).ok_or(RequestFault::Decision)?;
        Ok(Self {
            reason: GivenReason::new(&body.reason).map_err(|_| RequestFault::Field("reason"))?,
            actor: field("actor", body.actor, Decider::new)?,
        })
    }
}

/// A body that says nothing, since the address says it all.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema), schema(as = MintToken))]
struct EmptyBody {}

/// Reads a body that says nothing.
///
/// # Errors
/// [`RequestFault::Nothing`] for any other.
pub(super) fn nothing(body: &[u8]) -> Result<(), RequestFault> {
    object(body).map(|EmptyBody {}| ()).ok_or(RequestFault::Nothing)
}

/// What is withdrawn, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WithdrawRequest {
    pub(super) of: WithdrawnOf,
    pub(super) reason: GivenReason,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema), schema(as = Withdraw))]
struct WithdrawBody {
    verification_id: Option<String>,
    session_id: Option<String>,
    user_id: Option<String>,
    reason: String,
}

impl WithdrawRequest {
    /// Reads the body.
    ///
    /// # Errors
    /// [`RequestFault`].
    pub(super) fn from_json(body: &[u8]) -> Result<Self, RequestFault> {
        let body: WithdrawBody = object(body).ok_or(RequestFault::Withdrawal)?;
        let verification = |text: &str| VerificationId::parse(text).ok_or(());
        let one = field("verification_id", body.verification_id, verification)?.map(WithdrawnOf::One);
        let session = field("session_id", body.session_id, SessionId::new)?.map(WithdrawnOf::Session);
        let user = field("user_id", body.user_id, UserId::new)?.map(WithdrawnOf::User);
        let mut named = [one, session, user].into_iter().flatten();
        let (Some(of), None) = (named.next(), named.next()) else { return Err(RequestFault::Withdrawal) };
        let reason = GivenReason::new(&body.reason).map_err(|_| RequestFault::Field("reason"))?;
        Ok(Self { of, reason })
    }
}

fn field<T, E>(
    name: &'static str,
    text: Option<String>,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, RequestFault> {
    text.map(|text| read(&text)).transpose().map_err(|_| RequestFault::Field(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_fields_of_the_right_kind_are_read() {
        let read = |text: &str| OpenRequest::from_json(text.as_bytes());
        assert!(read(r#"{"challenge_token":"x"}"#).is_ok());
        assert!(
            read(r#"{"user_id":"u","challenge_id":"c","step_key":"k","scope":"s","metadata":{"a":"1"}}"#)
                .is_ok()
        );
        for text in [
            "",
            "[]",
            r#"["x",null,null,null,null,null,null,null]"#,
            r#"{"challenge_token":1}"#,
            r#"{"token":"x"}"#,
            r#"{"user_id":"a","user_id":"b"}"#,
            r#"{"metadata":{"amount":1}}"#,
        ] {
            assert_eq!(read(text), Err(RequestFault::Opening), "{text}");
        }
        assert_eq!(read(r#"{"scope":"a b"}"#), Err(RequestFault::Field("scope")));
        assert_eq!(read(r#"{"step_key":""}"#), Err(RequestFault::Field("step_key")));
        assert_eq!(read(r#"{"metadata":{"a b":"1"}}"#), Err(RequestFault::Field("metadata")));
    }

    #[test]
    fn a_decision_has_a_reason() {
        let read = |text: &str| DecisionRequest::from_json(text.as_bytes());
        assert!(read(r#"{"reason":"passport seen","actor":"ana"}"#).is_ok());
        for text in ["", "{}", r#"["x",null]"#, r#"{"reason":1}"#, r#"{"reason":"x","note":"y"}"#] {
            assert_eq!(read(text), Err(RequestFault::Decision), "{text}");
        }
        assert_eq!(read(r#"{"reason":""}"#), Err(RequestFault::Field("reason")));
        assert_eq!(read(r#"{"reason":"x","actor":"a\nb"}"#), Err(RequestFault::Field("actor")));
    }
}
