//! Withdrawing: nothing is approved any more, and no token is minted any more from what was.

#[cfg(test)]
pub(crate) mod example;

use serde::Serialize;

use super::request::WithdrawRequest;
use super::{App, VerificationError};
use crate::app::access::require;
use crate::app::post::{Post, PostError, Reply, once};
use crate::domain::{Actor, Caller, Role, VerificationId, Withdrawal, WithdrawnOf};
use crate::store::{Answered, KeptAnswer};

/// What was withdrawn now.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Withdrawn))]
struct WithdrawnShown {
    withdrawn: Vec<String>,
}

impl App {
    /// Withdraws one verification, all of a session that was revoked, or all of a user that is gone, with the approvals that
    /// are kept of them. What was decided stays decided; what was withdrawn before is left out.
    ///
    /// # Errors
    /// [`VerificationError`]; nothing was withdrawn.
    ///
    /// # Reference
    /// docs/decisions/0029.
    pub(crate) async fn withdraw_verifications(&self, post: Post<'_>) -> Result<Reply, VerificationError> {
        require(post.caller, Role::Approver)?;
        let key = post.once_key(self.now())?;
        if let Some(answer) = self.answered_before(key.as_ref()).await? {
            return Ok(Reply::again(answer)?);
        }
        let wanted = WithdrawRequest::from_json(post.body)?;
        let why = self.may_withdraw(post.caller, &wanted.of).await?;
        let actor = Actor::ApiKey(post.caller.key_id().clone()).to_string();
        let words = format!("{}: {}", why.as_str(), wanted.reason);
        let kept = once(key, |withdrawn: &Vec<VerificationId>, _| Some(KeptAnswer::from(reply(withdrawn))));
        let when = (why, self.later_now());
        match self.parts.store.withdraw_verifications(wanted.of, when, (actor, words), kept).await? {
            Answered::Now(withdrawn) => {
                for id in &withdrawn {
                    self.approved.forget(*id);
                    self.waiters.wake(*id);
                }
                Ok(reply(&withdrawn))
            }
            Answered::Before(KeptAnswer::Body { status, text }) => Ok(Reply { status, text }),
            Answered::Before(KeptAnswer::Token(_)) | Answered::OtherBody => Err(PostError::OtherBody.into()),
        }
    }

    /// A key that is limited to scopes or steps reaches single verifications only, those within its limits.
    async fn may_withdraw(&self, caller: &Caller, of: &WithdrawnOf) -> Result<Withdrawal, VerificationError> {
        match of {
            WithdrawnOf::One(id) => {
                self.visible(caller, &id.to_string()).await?;
                Ok(Withdrawal::Asked)
            }
            WithdrawnOf::Session(_) | WithdrawnOf::User(_) if caller.is_limited() => {
                Err(VerificationError::OutsideKeyLimits)
            }
            WithdrawnOf::Session(_) => Ok(Withdrawal::SessionRevoked),
            WithdrawnOf::User(_) => Ok(Withdrawal::UserDeleted),
        }
    }
}

fn reply(withdrawn: &[VerificationId]) -> Reply {
    let withdrawn = withdrawn.iter().map(ToString::to_string).collect();
    Reply::of(200, &WithdrawnShown { withdrawn })
}
