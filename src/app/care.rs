//! Care for the record.

use std::path::Path;

use serde::Serialize;

use crate::domain::{AccessAction, AccessRecord, Actor, Subject, Timestamp, UserId};
use crate::keys::IdentifierDigest;
use crate::store::{Backup, Erasure, Store, StoreError};

/// What an erasure took away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Erased {
    /// How many decisions lost their personal values.
    pub(crate) decisions: u64,
    /// How many verifications lost their metadata.
    pub(crate) verifications: u64,
}

/// Copies the record into a new file; that it was copied is recorded first, so the copy says so too.
///
/// # Errors
/// [`StoreError`]; there is no copy then.
pub(crate) async fn back_up(
    store: &Store,
    (actor, at): (Actor, Timestamp),
    file: &Path,
) -> Result<Backup, StoreError> {
    let access = AccessRecord { at, actor, action: AccessAction::StoreBackup, subject: None };
    store.record_access(access).await?;
    store.backup(file).await
}

/// Erases everybody who waits for it, one after the other; nobody else's wish is lost when one fails.
///
/// - returns: how many users, and what was taken away.
///
/// # Errors
/// [`StoreError`]; who was not erased waits on.
pub(crate) async fn erase_queued(
    store: &Store,
    digest: &IdentifierDigest,
) -> Result<(u64, Erased), StoreError> {
    let (mut users, mut all) = (0, Erased::default());
    while let Some(wish) = store.next_erasure().await? {
        let by = (wish.actor.clone(), wish.wished_at);
        let erased = erase_user(store, digest, by, wish.user_id.clone()).await?;
        store.erasure_done(wish).await?;
        users += 1;
        all.decisions += erased.decisions;
        all.verifications += erased.verifications;
    }
    Ok((users, all))
}

/// Erases a user's personal values: of every decision and verification that was recorded before now. It is done in steps, so
/// that nobody waits long, and can be done again; each step notes what it did, the first one that it is wished for.
///
/// # Errors
/// [`StoreError`]; what was erased until then stays erased and is noted, and doing it again goes on.
pub(crate) async fn erase_user(
    store: &Store,
    digest: &IdentifierDigest,
    (actor, at): (Actor, Timestamp),
    user_id: UserId,
) -> Result<Erased, StoreError> {
    let user_key = digest.of_subject(&Subject::User, user_id.as_str());
    let erasure = Erasure { user_id, user_key, actor, at };
    let mut erased = Erased::default();
    loop {
        let (emptied, is_through) = store.erase_verifications(erasure.clone()).await?;
        erased.verifications += emptied;
        if is_through {
            break;
        }
    }
    let (mut after, last) = (i64::MIN, store.last_place().await?);
    while let Some((until, emptied)) = store.erase_stretch(&erasure, (after, last)).await? {
        erased.decisions += emptied;
        after = until;
    }
    Ok(erased)
}
