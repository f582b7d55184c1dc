//! Care for the record.

use std::path::Path;

use crate::domain::{AccessAction, AccessRecord, Actor, Timestamp};
use crate::store::{Backup, Store, StoreError};

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
