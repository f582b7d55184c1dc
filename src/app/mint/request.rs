//! What the customer's backend sends to have a token minted.

use std::collections::BTreeMap;

use crate::domain::{ChallengeId, Metadata, Scope, StepKey, UserId};

/// Why a body is not a request for a token. It quotes nothing of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestFault {
    /// Not a JSON object with the known fields.
    #[error(
        "the body must be a JSON object with `challenge_token`, or with `user_id`, `challenge_id`, `step_key`, `scope` and perhaps \
         `metadata`; each is a string, `metadata` an object of strings, and nothing else may stand there"
    )]
    Shape,
    /// A field's value is not what the field holds.
    #[error("`{0}` is not a valid value of that field")]
    Field(&'static str),
}

/// A challenge by its token, by name, or both; where both are given they must agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenRequest {
    pub(super) challenge_token: Option<String>,
    pub(super) user_id: Option<UserId>,
    pub(super) challenge_id: Option<ChallengeId>,
    pub(super) step_key: Option<StepKey>,
    pub(super) scope: Option<Scope>,
    pub(super) metadata: Option<Metadata>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    challenge_token: Option<String>,
    user_id: Option<String>,
    challenge_id: Option<String>,
    step_key: Option<String>,
    scope: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
}

impl TokenRequest {
    /// Reads the body.
    ///
    /// # Errors
    /// [`RequestFault`]; parser messages quote input, so none of them is passed on.
    pub(crate) fn from_json(body: &[u8]) -> Result<Self, RequestFault> {
        // serde reads an array as a struct's fields in order; only an object names them.
        let object = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        let body: Body =
            if object { serde_json::from_slice(body).ok() } else { None }.ok_or(RequestFault::Shape)?;
        Ok(Self {
            challenge_token: body.challenge_token,
            user_id: field("user_id", body.user_id, UserId::new)?,
            challenge_id: field("challenge_id", body.challenge_id, ChallengeId::new)?,
            step_key: field("step_key", body.step_key, StepKey::new)?,
            scope: field("scope", body.scope, Scope::new)?,
            metadata: body
                .metadata
                .map(Metadata::new)
                .transpose()
                .map_err(|_| RequestFault::Field("metadata"))?,
        })
    }
}

fn field<T, E>(
    name: &'static str,
    text: Option<String>,
    read: fn(&str) -> Result<T, E>,
) -> Result<Option<T>, RequestFault> {
    text.map(|text| read(&text)).transpose().map_err(|_| RequestFault::Field(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_fields_of_the_right_kind_are_read() {
        let read = |text: &str| TokenRequest::from_json(text.as_bytes());
        assert!(read(r#"{"challenge_token":"x"}"#).is_ok());
        assert!(
            read(r#"{"user_id":"u","challenge_id":"c","step_key":"k","scope":"s","metadata":{"a":"1"}}"#)
                .is_ok()
        );
        for text in [
            "",
            "[]",
            r#"["x",null,null,null,null,null]"#,
            r#"{"challenge_token":1}"#,
            r#"{"token":"x"}"#,
            r#"{"user_id":"a","user_id":"b"}"#,
            r#"{"metadata":{"amount":1}}"#,
        ] {
            assert_eq!(read(text), Err(RequestFault::Shape), "{text}");
        }
        assert_eq!(read(r#"{"scope":"a b"}"#), Err(RequestFault::Field("scope")));
        assert_eq!(read(r#"{"step_key":""}"#), Err(RequestFault::Field("step_key")));
        assert_eq!(read(r#"{"metadata":{"a b":"1"}}"#), Err(RequestFault::Field("metadata")));
    }
}
