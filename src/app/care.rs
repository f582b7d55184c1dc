//! Care for the record.

use std::path::Path;

use serde::Serialize;

use crate::domain::{AccessAction, AccessRecord, Actor, Hold, Subject, Timestamp, UserId};
use crate::keys::IdentifierDigest;
use crate::store::{Backup, Erasure, Store, StoreError};

/// Why a user was not erased, or not wholly.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EraseError {
    /// The user is on legal hold. Nothing was erased.
    #[error("the user is on legal hold since {}: {}", .0.held_at, .0.reason)]
    OnHold(Hold),
    /// The record could not be read or written. What was erased until then stays erased and is noted; doing it again goes on.
    #[error("the record could not be read or written")]
    Store(#[from] StoreError),
}

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

/// The longest reason for a hold, in characters.
const REASON_CHARS_MAX: usize = 500;

/// Why a user is not put on hold, or stays on it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HoldError {
    /// No reason, or none that can be kept.
    #[error("a reason has 1 to {REASON_CHARS_MAX} characters on one line")]
    Reason,
    /// It would end before it begins.
    #[error("the hold would be over already")]
    Over,
    /// There is no hold to end.
    #[error("the user is not on hold")]
    None,
    /// The record could not be read or written. Nothing was done.
    #[error("the record could not be read or written")]
    Store(#[from] StoreError),
}

/// Puts a user on legal hold: nothing of the user is deleted or erased until it ends. It takes the place of one that stands.
///
/// # Errors
/// [`HoldError`]; nothing was done.
pub(crate) async fn hold_user(store: &Store, hold: Hold) -> Result<(), HoldError> {
    if hold.until.is_some_and(|until| until <= hold.held_at) {
        return Err(HoldError::Over);
    }
    let hold = Hold { reason: reason(&hold.reason)?, ..hold };
    Ok(store.hold_user(hold).await?)
}

/// Ends a user's hold.
///
/// # Errors
/// [`HoldError`]; nothing was done.
pub(crate) async fn release_user(
    store: &Store,
    (actor, at): (Actor, Timestamp),
    user_id: UserId,
    words: &str,
) -> Result<(), HoldError> {
    let reason = reason(words)?;
    if store.release_user(user_id, (actor, at), reason).await? { Ok(()) } else { Err(HoldError::None) }
}

fn reason(words: &str) -> Result<Box<str>, HoldError> {
    let words = words.trim();
    let fits =
        !words.is_empty() && words.chars().count() <= REASON_CHARS_MAX && !words.contains(char::is_control);
    if fits { Ok(words.into()) } else { Err(HoldError::Reason) }
}

/// Erases everybody who waits for it, one after the other. Who is on legal hold waits on.
///
/// - returns: how many users, and what was taken away.
///
/// # Errors
/// [`EraseError`]; who was not erased waits on.
pub(crate) async fn erase_queued(
    store: &Store,
    digest: &IdentifierDigest,
    now: Timestamp,
) -> Result<(u64, Erased), EraseError> {
    let (mut users, mut all) = (0, Erased::default());
    while let Some(wish) = store.next_erasure(now).await? {
        let by = (wish.actor.clone(), now);
        let erased = match erase_user(store, digest, by, wish.user_id.clone()).await {
            Ok(erased) => erased,
            // Somebody put the user on hold since the look above.
            Err(EraseError::OnHold(_)) => break,
            Err(fault) => return Err(fault),
        };
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
/// [`EraseError`].
pub(crate) async fn erase_user(
    store: &Store,
    digest: &IdentifierDigest,
    (actor, at): (Actor, Timestamp),
    user_id: UserId,
) -> Result<Erased, EraseError> {
    if let Some(hold) = store.holds(at, Some(&user_id)).await?.pop() {
        return Err(EraseError::OnHold(hold));
    }
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
