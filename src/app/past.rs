//! What a bundle asks about the past is findable before the bundle comes into force.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::domain::{HistoryNeed, Subject, Timestamp};
use crate::policy::Bundle;
use crate::store::{Store, StoreError};

/// From how long on it is worth telling that decisions had to be filed anew.
const WORTH_TELLING_SECONDS: u64 = 1;

/// Has the record find what the bundle asks about. Where it asks by a subject that nobody asked by before, that takes as long as
/// reading all decisions; calls are decided and recorded meanwhile.
///
/// # Errors
/// The record could not be read or written, or policies ask by too many subjects: the bundle must not decide.
pub(super) async fn prepare_past(store: &Store, bundle: &Bundle, now: Timestamp) -> Result<(), StoreError> {
    let subjects = found_by(bundle);
    let began = Instant::now();
    store.file_by(&subjects, now).await?;
    let seconds = began.elapsed().as_secs();
    if seconds >= WORTH_TELLING_SECONDS {
        tracing::info!(seconds, "What was recorded before can be found by all that the new policy asks by.");
    }
    Ok(())
}

/// By whom a bundle's questions look for the past.
fn found_by(bundle: &Bundle) -> BTreeSet<Subject> {
    let needs = bundle.scopes().into_iter().flat_map(|scope| bundle.needs(scope).as_slice());
    needs.map(HistoryNeed::found_by).cloned().collect()
}
