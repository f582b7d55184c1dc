//! Where bundles come from: a directory, memory, or the record.

use std::path::Path;

use super::bundle::{Bundle, hash_of, load};
use super::diagnostic::Diagnostics;
use super::folder;
use super::source::{self, SourceFile};
use crate::domain::{BundleHash, Timestamp};

/// Reads and checks a directory of policy files.
///
/// - `now`: what is too old, or over, is judged by it.
///
/// # Errors
/// Everything that is wrong with them, with the warnings among it; there is no bundle then.
pub(crate) fn load_dir(dir: &Path, now: Timestamp) -> Result<Bundle, Diagnostics> {
    folder::read_settled(dir).map_err(Diagnostics::new).and_then(|files| load(&files, Some(now)))
}

/// The same for whoever acts beside a server that loaded the files before: that parts of them are too old by now is not
/// held against them, as it is not there.
///
/// # Errors
/// As [`load_dir`].
pub(crate) fn load_dir_in_force(dir: &Path) -> Result<Bundle, Diagnostics> {
    folder::read_settled(dir).map_err(Diagnostics::new).and_then(|files| load(&files, None))
}

/// Reads a directory again, and checks it unless it holds what is in force.
///
/// - `now`: what is too old, or over, is judged by it.
/// - returns: `None` when the files are those of the bundle in force, byte for byte.
///
/// # Errors
/// Everything that is wrong with them, with the warnings among it; there is no new bundle then.
pub(crate) fn reload_dir(
    dir: &Path,
    in_force: BundleHash,
    now: Timestamp,
) -> Result<Option<Bundle>, Diagnostics> {
    let files = folder::read_settled(dir).map_err(Diagnostics::new)?;
    if hash_of(&source::canonical_text(&files)) == in_force {
        return Ok(None);
    }
    load(&files, Some(now)).map(Some)
}

/// Checks files that are in memory already, such as the shipped bundle.
///
/// - `now`: what is too old, or over, is judged by it.
///
/// # Errors
/// Everything that is wrong with them, with the warnings among it; there is no bundle then.
pub(crate) fn load_files<N, T>(
    files: impl IntoIterator<Item = (N, T)>,
    now: Timestamp,
) -> Result<Bundle, Diagnostics>
where
    N: Into<String>,
    T: Into<String>,
{
    load(&sources(files), Some(now))
}

/// Loads a bundle that was in force once, from the text that was recorded of it ([`Bundle::text`]). It was judged then:
/// that parts of it are too old by now, or were too old when they decided, is not held against it.
///
/// `None` for another text, and for one that this version cannot read.
pub(crate) fn load_recorded(text: &str) -> Option<Bundle> {
    load(&sources(source::split_canonical(text)?), None).ok()
}

fn sources<N, T>(files: impl IntoIterator<Item = (N, T)>) -> Vec<SourceFile>
where
    N: Into<String>,
    T: Into<String>,
{
    files.into_iter().map(|(name, text)| SourceFile::new(name.into(), text.into())).collect()
}
