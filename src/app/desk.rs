//! The fraud desk as this process knows it, and what people do there.
//!
//! Nobody is told when the desk acts. The record refuses a verdict that was made before the desk's last action, and
//! whoever is refused so looks at the desk again and decides anew. So an action holds from the next call on, in every
//! process that shares the record.

mod acting;
mod shown;

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Mutex;

use super::App;
use crate::domain::{BundleHash, Desk, DeskRevision};
use crate::policy::{Bundle, DeskMisfits, DeskOverlay};
use crate::store::{Store, StoreError};

#[cfg(test)]
pub(crate) use acting::example as acting_example;
pub(crate) use acting::{DeskError, DeskWish, ResumeQuery, act_at_desk};
#[cfg(test)]
pub(crate) use shown::example as shown_example;
pub(crate) use shown::{ActionShown, ActionsQuery, ListTold, ScopeTold, Scopes};

/// Why the desk cannot be put in force. It is as it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreError {
    /// It could not be read.
    #[error("the fraud desk could not be read")]
    Store(#[from] StoreError),
    /// The bundle has no place for some of its entries.
    #[error("the policy bundle and the fraud desk do not go together:\n{0}")]
    Misfits(#[from] DeskMisfits),
}

/// What the desk says, compiled for the bundle with this hash.
#[derive(Debug)]
pub(super) struct CompiledDesk {
    bundle: BundleHash,
    desk: Arc<Desk>,
    overlay: DeskOverlay,
    misfits: DeskMisfits,
}

impl CompiledDesk {
    fn of(bundle: &Bundle, desk: Arc<Desk>) -> Self {
        let (overlay, misfits) = bundle.compile_desk_as_far_as_it_fits(&desk);
        if !misfits.is_empty() {
            let revision = desk.revision.get();
            tracing::error!(
                revision,
                "Entries of the fraud desk have no place in the policy in force:\n{misfits}"
            );
        }
        Self { bundle: bundle.hash(), desk, overlay, misfits }
    }

    /// For deciding.
    pub(super) const fn overlay(&self) -> &DeskOverlay {
        &self.overlay
    }
}

/// The desk as it was last read.
#[derive(Debug)]
pub(super) struct KnownDesk {
    current: RwLock<Arc<CompiledDesk>>,
    /// Held by the one who reads it anew.
    reading: Mutex<()>,
}

impl KnownDesk {
    /// A desk that says nothing, for a bundle.
    pub(super) fn empty(bundle: &Bundle) -> Self {
        let empty = CompiledDesk::of(bundle, Arc::new(Desk::default()));
        Self { current: RwLock::new(Arc::new(empty)), reading: Mutex::new(()) }
    }

    fn current(&self) -> Arc<CompiledDesk> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, compiled: CompiledDesk) -> Arc<CompiledDesk> {
        let compiled = Arc::new(compiled);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&compiled);
        compiled
    }

    /// The desk as it was last read, compiled for this bundle: after another one was put in force it is compiled anew.
    pub(super) fn for_bundle(&self, bundle: &Bundle) -> Arc<CompiledDesk> {
        let current = self.current();
        if current.bundle == bundle.hash() {
            return current;
        }
        self.put(CompiledDesk::of(bundle, Arc::clone(&current.desk)))
    }
}

impl App {
    /// Reads the desk at start.
    ///
    /// # Errors
    /// It could not be read; it is not in force, so nothing may be served.
    pub(crate) async fn restore_desk(&self) -> Result<(), StoreError> {
        self.read_desk_after(None).await
    }

    /// Reads the desk anew, unless somebody else has since this revision was known.
    ///
    /// # Errors
    /// It could not be read; the one that was known stays.
    pub(super) async fn read_desk_after(&self, known: Option<DeskRevision>) -> Result<(), StoreError> {
        let _alone = self.desk.reading.lock().await;
        if known.is_some_and(|known| self.desk.current().desk.revision != known) {
            return Ok(());
        }
        let desk = self.parts.store.desk().await?;
        self.desk.put(CompiledDesk::of(&self.parts.policies.bundle(), Arc::new(desk)));
        Ok(())
    }

    /// Looks whether the desk has acted, and reads it then.
    ///
    /// # Errors
    /// It could not be read; the one that was known stays.
    pub(super) async fn refresh_desk(&self) -> Result<(), StoreError> {
        let known = self.desk.current().desk.revision;
        if self.parts.store.desk_revision().await? == known {
            return Ok(());
        }
        self.read_desk_after(Some(known)).await
    }

    /// Whether every entry of the desk has its place in the policy in force; looks whether the desk has acted.
    ///
    /// # Errors
    /// The desk could not be read.
    pub(super) async fn desk_fits(&self) -> Result<bool, StoreError> {
        self.refresh_desk().await?;
        Ok(self.desk.for_bundle(&self.parts.policies.bundle()).misfits.is_empty())
    }

    /// Compiles what is known of the desk for a bundle that came into force, before the next call has to.
    pub(super) fn prepare_desk(&self, bundle: &Bundle) {
        self.desk.for_bundle(bundle);
    }
}

/// Makes sure that a bundle that is to come into force has a place for everything that the desk says.
///
/// # Errors
/// [`RestoreError`]: it has not, or nobody knows.
pub(super) async fn require_place(store: &Store, bundle: &Bundle) -> Result<(), RestoreError> {
    bundle.compile_desk(&store.desk().await?)?;
    Ok(())
}
