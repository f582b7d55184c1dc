//! The example's page and backend, built once for each version of their files, in the user's cache folder.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;

use super::super::super::output;
use super::super::{DemoError, setup};
use super::{files, tools};
use crate::boot::Sources;
use crate::config::cache_directory;

/// A built page and a backend with what it needs.
pub(super) struct Page {
    /// What the backend serves.
    pub(super) directory: PathBuf,
    /// The backend's program.
    pub(super) server: PathBuf,
}

impl Page {
    /// Builds both, or finds what was built before from the same files.
    ///
    /// Nothing is ever half there: it is built under another name. Two at once build it twice and keep one.
    ///
    /// # Errors
    /// [`DemoError::Setup`]; nothing is kept then.
    pub(super) async fn built() -> Result<Self, DemoError> {
        tools::check().await?;
        let cache = cache_directory().ok_or_else(|| setup(&"there is no cache folder: HOME is not set"))?;
        let cache = cache.join("doorstep");
        let home = cache.join(format!("demo-{}", fingerprint()));
        if !home.is_dir() {
            output::complain("The page is built, once. It takes less than a minute.");
            let name = Sources::real().fresh_name().map_err(|error| setup(&error))?;
            let site = cache.join(format!("demo-in-progress-{name}"));
            let built = build(&site, &home).await;
            // Gone already where it was kept.
            let _ = std::fs::remove_dir_all(&site);
            built?;
        }
        Ok(Self { directory: home.join("page"), server: home.join("backend/server.mjs") })
    }
}

async fn build(site: &Path, home: &Path) -> Result<(), DemoError> {
    write(&site.join("web"), files::PAGE)?;
    write(&site.join("backend"), files::BACKEND)?;
    tools::npm(&site.join("web"), &["ci", "--no-progress", "--loglevel=error"]).await?;
    tools::npm(&site.join("web"), &["run", "--silent", "build"]).await?;
    tools::npm(&site.join("backend"), &["ci", "--no-progress", "--loglevel=error"]).await?;
    std::fs::rename(site.join("web/dist"), site.join("page")).map_err(|error| setup(&error))?;
    std::fs::remove_dir_all(site.join("web")).map_err(|error| setup(&error))?;
    match std::fs::rename(site, home) {
        // Somebody else was faster, with the same files.
        Err(_) if home.is_dir() => Ok(()),
        renamed => renamed.map_err(|error| setup(&error)),
    }
}

/// Writes files, with the directories above them.
///
/// # Errors
/// [`DemoError::Setup`]; some may be written then.
pub(super) fn write(directory: &Path, files: &[(&str, &str)]) -> Result<(), DemoError> {
    for (name, text) in files {
        let path = directory.join(name);
        let parent = path.parent().unwrap_or(directory);
        std::fs::create_dir_all(parent).map_err(|error| setup(&error))?;
        std::fs::write(&path, text).map_err(|error| setup(&error))?;
    }
    Ok(())
}

/// 16 hexadecimal digits that differ for different files.
fn fingerprint() -> String {
    let mut hash = digest::Context::new(&digest::SHA256);
    for (name, text) in files::PAGE.iter().chain(files::BACKEND) {
        for part in [name, text] {
            hash.update(&part.len().to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    hash.finish().as_ref().iter().take(8).fold(String::new(), |mut text, byte| {
        // INVARIANT: writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
