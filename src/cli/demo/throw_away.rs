//! Where the demo keeps what nobody needs afterwards.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::{DemoError, setup};
use crate::boot::Sources;

/// A directory of nobody else's that is gone when the demo is over, however it ends.
pub(super) struct ThrowAway(PathBuf);

impl ThrowAway {
    /// Makes it.
    ///
    /// # Errors
    /// [`DemoError::Setup`].
    pub(super) fn make(sources: &Sources) -> Result<Self, DemoError> {
        let name = sources.fresh_name().map_err(|error| setup(&error))?;
        let directory = std::env::temp_dir().join(format!("doorstep-demo-{name}"));
        // Keys lie in it.
        std::fs::DirBuilder::new().mode(0o700).create(&directory).map_err(|error| setup(&error))?;
        Ok(Self(directory))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Removes it with all that is in it.
    ///
    /// # Errors
    /// [`DemoError::Setup`].
    pub(super) fn remove(self) -> Result<(), DemoError> {
        std::fs::remove_dir_all(&self.0).map_err(|error| setup(&error))
    }
}

impl Drop for ThrowAway {
    fn drop(&mut self) {
        // Gone already after `remove`; otherwise something else went wrong, and that is what is told.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
