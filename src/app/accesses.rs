//! Who looked at what: recorded before it is shown, and shown to whoever watches over that.

#[cfg(test)]
pub(crate) mod example;

use serde::{Deserialize, Serialize};

use super::App;
use super::access::require;
use super::page::{PageError, PageQuery};
use crate::domain::{
    AccessAction, AccessRecord, Actor, Caller, Role, StoredAccess, Subject, Timestamp, UserId,
};
use crate::store::StoreError;

/// Which accesses are asked for, as it comes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccessesQuery {
    user_id: Option<String>,
    subject: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// That somebody looked.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
struct Access {
    at: Timestamp,
    actor: String,
    action: String,
    subject: Option<String>,
}

/// A page of accesses.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct AccessList {
    accesses: Vec<Access>,
    next_cursor: Option<String>,
}

impl App {
    /// Records that a caller looks, before anything is shown.
    ///
    /// # Errors
    /// The record could not be written: nothing may be shown.
    pub(super) async fn note_access(
        &self,
        caller: &Caller,
        action: AccessAction,
        subject: Option<String>,
    ) -> Result<(), StoreError> {
        let actor = Actor::ApiKey(caller.key_id().clone());
        self.parts.store.record_access(AccessRecord { at: self.now(), actor, action, subject }).await
    }

    /// Names a user in the record of accesses without saying who it is.
    pub(super) fn user_subject(&self, user_id: &UserId) -> String {
        let key = self.parts.identifier_digest.of_subject(&Subject::User, user_id.as_str());
        let hex: String = key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("user:{hex}")
    }

    /// Lists accesses, newest first; this look is among them.
    ///
    /// # Errors
    /// [`PageError`]; nothing was shown.
    pub(crate) async fn accesses(
        &self,
        caller: &Caller,
        query: AccessesQuery,
    ) -> Result<AccessList, PageError> {
        require(caller, Role::Admin)?;
        let AccessesQuery { user_id, subject, limit, cursor } = query;
        let page = PageQuery { limit, cursor }.page()?;
        let subject = match (user_id, subject) {
            (Some(_), Some(_)) => return Err(PageError::Filter("subject")),
            (Some(text), None) => {
                let user_id = UserId::new(&text).map_err(|_| PageError::Filter("user_id"))?;
                Some(self.user_subject(&user_id))
            }
            (None, subject) => subject,
        };
        // Whose accesses were looked at is told of users only: any other subject is the caller's own words.
        let user = subject.clone().filter(|subject| subject.starts_with("user:"));
        self.note_access(caller, AccessAction::AccessesList, user).await?;
        let mut found = self.parts.store.accesses(subject.as_deref(), page.before, page.fetched()).await?;
        let next_cursor = page.cut(&mut found, |entry| entry.seq);
        Ok(AccessList { accesses: found.into_iter().map(Access::of).collect(), next_cursor })
    }
}

impl Access {
    fn of(found: StoredAccess) -> Self {
        Self { at: found.at, actor: found.actor, action: found.action, subject: found.subject }
    }
}
