//! A grant is spent: the customer's service is about to execute what was granted, and asks whether it may.

#[cfg(test)]
pub(crate) mod example;

use std::sync::Arc;

use super::App;
use super::access::{AccessError, require};
use super::body::{Fields, object};
use super::post::{Post, PostError, Reply, once};
use crate::domain::{
    Caller, DecisionId, FieldKeys, Metadata, NotSpent, Redemption, Role, Scope, Spending, Subject, Timestamp,
    UserId,
};
use crate::store::{Answered, KeptAnswer, StoreError};

/// Why a body is not a request to redeem a grant. It quotes nothing of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RedeemFault {
    /// Not a JSON object with the known fields.
    #[error(
        "the body must be a JSON object with `user_id`, `scope` and perhaps `metadata`; the first two are strings, `metadata` an \
         object of strings, and nothing else may stand there"
    )]
    Shape,
    /// A field's value is not what the field holds.
    #[error("`{0}` is not a valid value of that field")]
    Field(&'static str),
}

/// What is about to be executed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RedeemRequest {
    user_id: UserId,
    scope: Scope,
    metadata: Metadata,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema), schema(as = RedeemGrant))]
struct Body {
    user_id: String,
    scope: String,
    #[cfg_attr(test, schema(value_type = Option<Metadata>))]
    metadata: Option<Fields>,
}

impl RedeemRequest {
    /// Reads the body.
    ///
    /// # Errors
    /// [`RedeemFault`]; parser messages quote input, so none of them is passed on.
    fn from_json(body: &[u8]) -> Result<Self, RedeemFault> {
        let body: Body = object(body).ok_or(RedeemFault::Shape)?;
        Ok(Self {
            user_id: UserId::new(&body.user_id).map_err(|_| RedeemFault::Field("user_id"))?,
            scope: Scope::new(&body.scope).map_err(|_| RedeemFault::Field("scope"))?,
            metadata: body
                .metadata
                .map_or_else(|| Ok(Metadata::default()), Fields::metadata)
                .map_err(|_| RedeemFault::Field("metadata"))?,
        })
    }
}

/// Why no grant was spent. Nothing was recorded, and nothing may be executed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RedeemError {
    /// The key lacks the role.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The `Idempotency-Key` stands in the way.
    #[error(transparent)]
    Post(#[from] PostError),
    /// The body is not what the address takes.
    #[error(transparent)]
    Request(#[from] RedeemFault),
    /// The key is limited to other scopes.
    #[error("the API key is limited to other scopes or steps")]
    OutsideKeyLimits,
    /// No grant fits, or none may be spent now.
    #[error(transparent)]
    NotSpent(#[from] NotSpent),
    /// The record could not be read or written.
    #[error("the record could not be read or written")]
    Store(#[from] StoreError),
}

/// A grant that was spent, as it is told.
#[derive(Debug, serde::Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
struct Redeemed<'r> {
    decision_id: DecisionId,
    redeemed_at: Timestamp,
    user_id: &'r UserId,
    scope: &'r Scope,
    verdict: &'static str,
    received_at: Timestamp,
    usable_until: Timestamp,
}

impl App {
    /// Spends a grant of exactly this user, scope and metadata; answers once that is durable.
    ///
    /// What a page sent is compared in normal form: by the policy that decided on one side, by the one in force on the other.
    ///
    /// - the caller needs the role executor.
    ///
    /// # Errors
    /// [`RedeemError`]; nothing was spent.
    ///
    /// # Reference
    /// docs/CONTRACT.md C4; docs/API.md.
    pub(crate) async fn redeem(&self, post: Post<'_>) -> Result<Reply, RedeemError> {
        require(post.caller, Role::Executor)?;
        let key = post.once_key(self.now())?;
        if let Some(answer) = self.answered_before(key.as_ref()).await? {
            return Ok(Reply::again(answer)?);
        }
        let wanted = RedeemRequest::from_json(post.body)?;
        if !post.caller.may_see(&wanted.scope) {
            return Err(RedeemError::OutsideKeyLimits);
        }
        let spending = self.spending(post.caller, wanted);
        let once = once(key, |spent: &Result<Redemption, NotSpent>, _| {
            spent.as_ref().ok().map(|redemption| KeptAnswer::from(reply(redemption)))
        });
        match self.parts.store.redeem(spending, self.later_now(), once).await? {
            Answered::Now(spent) => {
                let redemption = spent?;
                self.metrics().redemption();
                Ok(reply(&redemption))
            }
            Answered::Before(answer) => Ok(Reply::again(answer)?),
            Answered::OtherBody => Err(PostError::OtherBody.into()),
        }
    }

    fn spending(&self, caller: &Caller, wanted: RedeemRequest) -> Spending {
        let digest = &self.parts.identifier_digest;
        let normal = self.parts.policies.bundle().normal_metadata(&wanted.scope, &wanted.metadata);
        let fields = normal.into_iter().map(|(name, text)| {
            let key = digest.of_subject(&Subject::Metadata(Arc::clone(&name)), &text);
            (name, key)
        });
        Spending {
            api_key_id: caller.key_id().clone(),
            user_key: digest.of_subject(&Subject::User, wanted.user_id.as_str()),
            user_id: wanted.user_id,
            scope: wanted.scope,
            fields: fields.collect::<FieldKeys>(),
            metadata_digest: digest.of_metadata(&wanted.metadata),
        }
    }
}

fn reply(redemption: &Redemption) -> Reply {
    let redeemed = Redeemed {
        decision_id: redemption.decision_id,
        redeemed_at: redemption.redeemed_at,
        user_id: &redemption.user_id,
        scope: &redemption.scope,
        verdict: redemption.verdict.as_str(),
        received_at: redemption.received_at,
        usable_until: redemption.usable_until,
    };
    Reply::of(200, &redeemed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_fields_of_the_right_kind_are_read() {
        let read = |text: &str| RedeemRequest::from_json(text.as_bytes());
        assert!(read(r#"{"user_id":"u","scope":"a:b"}"#).is_ok());
        assert_eq!(
            read(r#"{"user_id":"u","scope":"a:b","metadata":null}"#),
            read(r#"{"user_id":"u","scope":"a:b","metadata":{}}"#)
        );
        for text in [
            "",
            r#"["u","a:b",null]"#,
            r#"{"user_id":"u"}"#,
            r#"{"scope":"a:b"}"#,
            r#"{"user_id":"u","scope":"a:b","challenge_id":"c"}"#,
            r#"{"user_id":"u","user_id":"v","scope":"a:b"}"#,
            r#"{"user_id":"u","scope":"a:b","metadata":{"amount":1}}"#,
        ] {
            assert_eq!(read(text), Err(RedeemFault::Shape), "{text}");
        }
        assert_eq!(read(r#"{"user_id":"","scope":"a:b"}"#), Err(RedeemFault::Field("user_id")));
        assert_eq!(read(r#"{"user_id":"u","scope":"a b"}"#), Err(RedeemFault::Field("scope")));
        for metadata in [r#"{"a b":"1"}"#, r#"{"amount":"1","amount":"2"}"#, r#"{"amount":"1","amount":"1"}"#]
        {
            let text = format!(r#"{{"user_id":"u","scope":"a:b","metadata":{metadata}}}"#);
            assert_eq!(read(&text), Err(RedeemFault::Field("metadata")), "{text}");
        }
    }
}
