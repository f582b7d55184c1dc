//! One run: all that has had its time, kind by kind and step by step.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::sleep;

use crate::app::library::Library;
use crate::app::obstacle::{Obstacle, forgotten_past};
use crate::domain::{Kept, RetentionTerms, SubjectKey, Timestamp};
use crate::policy::Bundle;
use crate::store::{Plain, Retiring, Seal, Store, StoreError, Stretch};

/// The pause between two steps: others write meanwhile.
const PAUSE: Duration = Duration::from_millis(20);
/// How many answers go in a step.
const ANSWERS: u32 = 200;

/// Why nothing goes, or not all that has had its time.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RetainError {
    /// The policy that came into force last, maybe in a process with other settings, looks further back than these settings keep.
    /// Nothing was deleted.
    #[error("the policy in force would lose what it asks for: {0}")]
    Needed(Obstacle),
    /// That policy cannot be read, so nobody knows what it asks for. Nothing was deleted.
    #[error("the policy in force cannot be read by this version, so nobody knows how far back it looks")]
    Unreadable,
    /// The record could not be read or written. What went until then is gone.
    #[error("the record could not be read or written")]
    Store(#[from] StoreError),
}

/// How many rows of each kind went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Retained {
    pub(crate) decisions: u64,
    pub(crate) erased_users_decisions: u64,
    pub(crate) personal_values: u64,
    pub(crate) verifications: u64,
    pub(crate) verifications_metadata: u64,
    pub(crate) provider_events: u64,
    pub(crate) redemptions: u64,
    pub(crate) facts: u64,
    pub(crate) prelude_events: u64,
    pub(crate) accesses: u64,
    pub(crate) desk_actions: u64,
    pub(crate) activations: u64,
    pub(crate) answers: u64,
    pub(crate) signatures: u64,
}

impl Retained {
    /// Each kind with its name.
    pub(crate) const fn rows(&self) -> [(&'static str, u64); 14] {
        [
            ("decisions", self.decisions),
            ("erased_users_decisions", self.erased_users_decisions),
            ("personal_values", self.personal_values),
            ("verifications", self.verifications),
            ("verifications_metadata", self.verifications_metadata),
            ("provider_events", self.provider_events),
            ("redemptions", self.redemptions),
            ("facts", self.facts),
            ("prelude_events", self.prelude_events),
            ("accesses", self.accesses),
            ("desk_actions", self.desk_actions),
            ("activations", self.activations),
            ("answers", self.answers),
            ("signatures", self.signatures),
        ]
    }
}

/// What a run goes by.
pub(crate) struct Retainer<'a> {
    /// The record, over a connection that may delete.
    pub(crate) store: &'a Store,
    /// How long things are kept.
    pub(crate) terms: RetentionTerms,
    /// Who deletes.
    pub(crate) actor: Box<str>,
    /// The moment.
    pub(crate) now: Timestamp,
    /// What shows that anchors are ours.
    pub(crate) seal: Seal,
}

/// What a walk lets go of.
enum Work {
    Plain(Plain),
    Decisions,
    /// About a user who was erased at a moment.
    Erased(SubjectKey, Timestamp),
    Verifications,
}

impl Work {
    const fn name(&self) -> &'static str {
        match self {
            Self::Plain(plain) => plain.name(),
            Self::Decisions => "decisions",
            Self::Erased(..) => "erased_users_decisions",
            Self::Verifications => "verifications",
        }
    }
}

impl Retainer<'_> {
    /// Lets go of all that has had its time, step by step.
    ///
    /// - `at_hand`: a bundle that need not be loaded, if it is the one that came into force last.
    ///
    /// # Errors
    /// [`RetainError`].
    pub(crate) async fn run(&self, at_hand: Option<Arc<Bundle>>) -> Result<Retained, RetainError> {
        self.require_unneeded(at_hand).await?;
        let terms = &self.terms;
        // In this order: what others refer to goes after them.
        Ok(Retained {
            decisions: self.walk(Work::Decisions, terms.decisions).await?,
            erased_users_decisions: self.erased_users().await?,
            personal_values: self.walk(Work::Plain(Plain::PersonalValues), terms.personal_values).await?,
            verifications_metadata: self.metadata().await?,
            answers: self.answers().await?,
            verifications: self.walk(Work::Verifications, terms.verifications).await?,
            provider_events: self.walk(Work::Plain(Plain::ProviderEvents), terms.verifications).await?,
            redemptions: self.redemptions().await?,
            facts: self.walk(Work::Plain(Plain::Facts), terms.facts).await?,
            prelude_events: self.walk(Work::Plain(Plain::PreludeEvents), terms.prelude_events).await?,
            accesses: self.walk(Work::Plain(Plain::Accesses), terms.accesses).await?,
            desk_actions: self.walk(Work::Plain(Plain::DeskActions), terms.desk_actions).await?,
            activations: self.walk(Work::Plain(Plain::Activations), terms.activations).await?,
            signatures: self.signatures().await?,
        })
    }

    /// What the policy that came into force last asks for must stay, whoever deletes by whichever settings.
    async fn require_unneeded(&self, at_hand: Option<Arc<Bundle>>) -> Result<(), RetainError> {
        let Some(last) = self.store.activations(None, 1).await?.pop() else { return Ok(()) };
        let bundle = Library::new(self.store, at_hand).bundle(last.record.bundle).await?;
        let bundle = bundle.ok_or(RetainError::Unreadable)?;
        forgotten_past(&bundle, &self.terms).map_or(Ok(()), |obstacle| Err(RetainError::Needed(obstacle)))
    }

    fn retiring(&self, kept: Kept) -> Option<Retiring> {
        let before = kept.ends_before(self.now)?;
        Some(Retiring { before, now: self.now, actor: self.actor.clone() })
    }

    /// Walks from the front as long as something old stands there.
    async fn walk(&self, work: Work, kept: Kept) -> Result<u64, StoreError> {
        let Some(retiring) = self.retiring(kept) else { return Ok(0) };
        let (mut after, mut deleted) = (i64::MIN, 0);
        loop {
            let stretch = self.step(&work, retiring.clone(), after).await?;
            deleted += stretch.deleted;
            tracing::debug!(what = work.name(), deleted = stretch.deleted, "A step of retention is done.");
            if !stretch.goes_on {
                return Ok(deleted);
            }
            after = stretch.through;
            sleep(PAUSE).await;
        }
    }

    async fn step(&self, work: &Work, retiring: Retiring, after: i64) -> Result<Stretch, StoreError> {
        let seal = Arc::clone(&self.seal);
        match work {
            Work::Plain(plain) => self.store.retire(*plain, retiring, after).await,
            Work::Decisions => self.store.retire_decisions(retiring, seal, after).await,
            Work::Erased(user, at) => {
                self.store.retire_erased((user.clone(), *at), retiring, (seal, after)).await
            }
            Work::Verifications => self.store.retire_verifications(retiring, after).await,
        }
    }

    async fn erased_users(&self) -> Result<u64, StoreError> {
        let kept = self.terms.erased_users;
        let (mut last, mut deleted) = (None, 0);
        loop {
            let users = self.store.erased_users(last.as_ref()).await?;
            let Some((key, _)) = users.last() else { return Ok(deleted) };
            last = Some(key.clone());
            for (user, at) in users {
                deleted += self.walk(Work::Erased(user, at), kept).await?;
            }
        }
    }

    async fn metadata(&self) -> Result<u64, StoreError> {
        let Some(retiring) = self.retiring(self.terms.personal_values) else { return Ok(0) };
        let mut emptied = 0;
        loop {
            match self.store.empty_verifications(retiring.clone()).await? {
                0 => return Ok(emptied),
                some => emptied += some,
            }
            sleep(PAUSE).await;
        }
    }

    async fn answers(&self) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        loop {
            let some = self.store.forget_answers(self.now, ANSWERS).await?;
            forgotten += some;
            if some < u64::from(ANSWERS) {
                return Ok(forgotten);
            }
        }
    }

    async fn redemptions(&self) -> Result<u64, StoreError> {
        let Some(retiring) = self.retiring(self.terms.redemptions) else { return Ok(0) };
        let (mut after, mut deleted) = (None, 0);
        while let Some((through, some)) = self.store.retire_redemptions(retiring.clone(), after).await? {
            (after, deleted) = (Some(through), deleted + some);
            sleep(PAUSE).await;
        }
        Ok(deleted)
    }

    /// Retires keys that Prelude withdrew, and forgets the signatures of those that were retired before.
    async fn signatures(&self) -> Result<u64, StoreError> {
        let Some(retiring) = self.retiring(self.terms.signatures) else { return Ok(0) };
        for kid in self.store.retire_prelude_keys(retiring.clone()).await? {
            tracing::info!(%kid, "Prelude withdrew this key long ago: it is not believed any more.");
        }
        let kids = self.store.forgettable_kids(self.now).await?;
        if kids.is_empty() {
            return Ok(0);
        }
        self.store.file_before(retiring.before).await?;
        let (mut after, mut forgotten) = (Vec::new(), 0);
        loop {
            let (end, some) = self.store.forget_signatures(&kids, retiring.clone(), after).await?;
            forgotten += some;
            let Some(end) = end else { break };
            after = end;
            sleep(PAUSE).await;
        }
        // Others may just have filed some: only a walk that finds none is the last.
        if forgotten == 0 {
            self.store.note_forgotten(&kids, self.now).await?;
        }
        Ok(forgotten)
    }
}
