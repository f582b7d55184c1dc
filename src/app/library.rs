//! The bundles of other days.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::BundleHash;
use crate::policy::{Bundle, load_recorded};
use crate::store::{Store, StoreError};

/// The bundles of other days, each loaded once.
pub(super) struct Library<'a> {
    store: &'a Store,
    loaded: HashMap<BundleHash, Option<Arc<Bundle>>>,
}

impl<'a> Library<'a> {
    /// A library over a store; a bundle that is at hand need not be loaded.
    pub(super) fn new(store: &'a Store, at_hand: Option<Arc<Bundle>>) -> Self {
        let loaded = at_hand.map(|bundle| (bundle.hash(), Some(bundle)));
        Self { store, loaded: loaded.into_iter().collect() }
    }

    /// The bundle with this hash; `None` when it is not kept, or this version cannot read it.
    ///
    /// # Errors
    /// The record could not be read.
    pub(super) async fn bundle(&mut self, hash: BundleHash) -> Result<Option<Arc<Bundle>>, StoreError> {
        if let Some(loaded) = self.loaded.get(&hash) {
            return Ok(loaded.clone());
        }
        let text = self.store.bundle_text(hash).await?;
        // Checking a large bundle takes its time, and calls are waiting.
        let load = move || load_recorded(&text?).map(Arc::new);
        let loaded = tokio::task::spawn_blocking(load).await.ok().flatten();
        self.loaded.insert(hash, loaded.clone());
        Ok(loaded)
    }
}
